"""The photographs as a FiftyOne dataset. Importing this module imports FiftyOne."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import fiftyone as fo

from examples.demo.photographs import CLASSES, PHOTOGRAPHS, SCENES, Box, Photograph, classify, detect

LABEL_SCHEMA = {
    "predictions": {"type": "detections", "classes": list(CLASSES)},
    "scene": {"type": "classification", "classes": list(SCENES)},
}
"""The label fields of the dataset that are worth a person's time."""


def make_dataset(folder: str | Path, name: str | None = None) -> fo.Dataset:
    """Makes a dataset of the photographs, with what the detectors see in them.

    Its label fields: ``predictions`` and ``scene``, with confidences, and ``ground_truth``, what a person sees.

    Args:
        folder: folder that receives the photographs
        name: a name for the dataset
    """
    dataset = fo.Dataset(name)
    dataset.add_samples([_sample(photograph, Path(folder)) for photograph in PHOTOGRAPHS])
    return dataset


def photographs_of(dataset: fo.Dataset) -> dict[str, Photograph]:
    """The photograph that each sample of such a dataset shows, by sample id."""
    by_name = {photograph.name: photograph for photograph in PHOTOGRAPHS}
    return {sample.id: by_name[Path(sample.filepath).stem] for sample in dataset}


def _sample(photograph: Photograph, folder: Path) -> fo.Sample:
    pixels = photograph.pixels
    height, width = pixels.shape[:2]
    scene, confidence = classify(pixels)
    path = photograph.save(folder)
    return fo.Sample(
        filepath=str(path),
        metadata=fo.ImageMetadata.build_for(str(path)),
        predictions=_detections(detect(pixels), width, height),
        scene=fo.Classification(label=scene, confidence=round(confidence, 2)),
        ground_truth=_detections(photograph.boxes, width, height),
    )


def _detections(boxes: Sequence[Box], width: int, height: int) -> fo.Detections:
    return fo.Detections(
        detections=[
            fo.Detection(
                label=box.label,
                bounding_box=[box.x / width, box.y / height, box.width / width, box.height / height],
                confidence=box.confidence,
            )
            for box in boxes
        ]
    )
