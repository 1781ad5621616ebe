"""Instance masks: Detection(s) with masks <-> <BrushLabels> or <BitmaskLabels>."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element

import fiftyone.core.labels as fol
import numpy as np
from numpy.typing import NDArray

from fo_labelstudio.convert.checks import class_of_parts, unknown_class
from fo_labelstudio.convert.families import detections
from fo_labelstudio.convert.family import Family, Grouping
from fo_labelstudio.convert.media import ON_IMAGES
from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.convert.records import Aspect, LabelField, ParsedLabel, Region
from fo_labelstudio.convert.regions import drawn_region, whole_id
from fo_labelstudio.convert.shapes import masks
from fo_labelstudio.convert.shapes.brush import Mask
from fo_labelstudio.convert.tags import labels_control


def control_tags(field: LabelField) -> list[Element]:
    return [labels_control(field.tool or masks.BRUSH, field)]


def check(detection: fol.Detection, field: LabelField) -> str | None:
    problem = detections.problem_of_box(detection.bounding_box)
    if problem:
        return problem
    if detection.mask is None:
        return "it has no mask; annotate such labels as detections, or leave them out of the view"
    if detection.mask.ndim != 2 or not detection.mask.size:
        return f"its mask has shape {detection.mask.shape}, expected (height, width)"
    return unknown_class(detection, field)


def key_of(detection: fol.Detection, field: LabelField) -> str:
    label_id: str = detection.id
    return label_id


def to_regions(labels: Sequence[fol.Detection], field: LabelField, media: MediaInfo) -> list[Region]:
    masks.check_size(media)
    tool = field.tool or masks.BRUSH
    placed = [(detection, _placed(detection, media)) for detection in labels]
    return [
        drawn_region(detection.id, masks.TYPES[tool], detection, field, media, masks.to_value(mask, tool, media))
        for detection, mask in placed
        # A region without a pixel could be neither seen nor erased.
        if mask.pixels.any()
    ]


def _placed(detection: fol.Detection, media: MediaInfo) -> Mask:
    """The mask of a label where its box lies in the image, stretched to the pixels of the box."""
    x, y, width, height = detection.bounding_box
    rows, columns = detection.mask.shape
    left, across = _covered(columns, x, width, media.width)
    top, down = _covered(rows, y, height, media.height)
    if not across.size or not down.size:
        return masks.EMPTY
    return Mask(left, top, detection.mask[down[:, None], across] != 0)


def _covered(size: int, start: float, length: float, pixels: int) -> tuple[int, NDArray[np.int_]]:
    """Where a mask begins in the image along one axis, and the place in the mask of each pixel that it covers.

    Args:
        size: pixels of the mask
        start, length: of its box, relative to the image
        pixels: of the image
    """
    first, last = round(start * pixels), round((start + length) * pixels)
    # A box that does not lie on pixels may cover one more or less than its mask has: those are not resampled.
    covered = size if abs(size - length * pixels) < 1 else max(last - first, 1)
    inside = np.arange(max(first, 0), min(first + covered, pixels))
    return max(first, 0), ((inside - first + 0.5) * size / covered).astype(int)


def parse_regions(regions: Sequence[Region], field: LabelField, media: MediaInfo) -> list[ParsedLabel]:
    label, notes = class_of_parts(regions, field)
    codes = tuple(masks.parse_value(region["value"]) for region in regions)
    if all(masks.is_empty(code, media) for code in codes):
        return []
    return [ParsedLabel(whole_id(regions[0]["id"]), {"label": label, "mask": codes}, media, notes)]


def to_label(parsed: ParsedLabel, field: LabelField) -> fol.Detection:
    media = parsed.media
    left, top, pixels = masks.decode_all(parsed.values["mask"], media)
    height, width = pixels.shape
    box = [left / media.width, top / media.height, width / media.width, height / media.height]
    return fol.Detection(label=parsed.values["label"], bounding_box=box, mask=np.ascontiguousarray(pixels))


FAMILY = Family(
    scopes=ON_IMAGES,
    label_types={"instance": fol.Detection, "instances": fol.Detections},
    region_types=tuple(masks.TYPES.values()),
    is_drawn=True,
    grouping=lambda field: Grouping.PARTS,
    aspects={
        "label": Aspect({"label": None}, "allow_label_edits"),
        "mask": Aspect({"bounding_box": None, "mask": None}, "allow_spatial_edits", is_whole=True),
    },
    control_tags=control_tags,
    check=check,
    key_of=key_of,
    to_regions=to_regions,
    parse_regions=parse_regions,
    to_label=to_label,
    tools=tuple(masks.TYPES),
    not_held=("the resolution of masks", "what is outside the image"),
    files_as="detections",
    claims={"brushlabels": "instances", "bitmasklabels": "instances"},
    can_lack_class=True,
)
