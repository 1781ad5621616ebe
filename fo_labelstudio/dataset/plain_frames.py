"""Questions about videos that are answered without putting their frames through a view.

FiftyOne has MongoDB look up the frames of all samples for whatever a view with a filter of boxes is asked (1.22.1): to
count its samples takes as long as to read all boxes.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from itertools import islice
from typing import Any

import fiftyone.core.collections as foc
import fiftyone.core.stages as fos
from bson import ObjectId
from fiftyone import ViewField as F

from fo_labelstudio.convert.families.detections import HAS_MASK
from fo_labelstudio.dataset.internals import (
    collection_of,
    is_frame_field,
    is_generated,
    labels_path,
    root_dataset,
    stages_of,
)
from fo_labelstudio.dataset.place import Place, Scope

WHOLE_SAMPLES = frozenset(
    (
        *("Select", "SelectBy", "SelectFields", "SelectGroups", "SelectGroupSlices", "Exclude", "ExcludeBy"),
        *("ExcludeGroups", "ExcludeGroupSlices", "Exists", "Limit", "Match", "MatchTags", "Shuffle", "Skip"),
        *("SortBy", "SortBySimilarity", "Take"),
    )
)
"""The stages of views that leave out samples, and nothing of those that stay (FiftyOne 1.22.1)."""

_ASKED = 1000
"""Samples whose frames are asked for at once."""


def without_frame_filters(samples: foc.SampleCollection) -> foc.SampleCollection:
    """The same samples, without the filters at the end of a view that leave out labels of frames only.

    FiftyOne's ``annotate()`` adds such filters. To be asked for what is not in frames.
    """
    stages = list(stages_of(samples))
    while stages and _filters_frames(stages[-1], samples):
        stages.pop()
    return _with_stages(samples, stages)


def is_by_mask(stage: Any, samples: foc.SampleCollection, label_field: str) -> bool:
    """Whether a stage leaves out the boxes of a field that have a mask, and nothing else.

    FiftyOne's ``annotate()`` adds one where the label schema says that a field has boxes (1.22.1).
    """
    if not _filters_frames(stage, samples):
        return False
    dataset = root_dataset(samples)
    filters = (dataset.filter_labels(label_field, ~it, only_matches=False) for it in (HAS_MASK, F("mask").exists()))
    return str(stage) in {str(stages_of(view)[-1]) for view in filters}


def has_label(samples: foc.SampleCollection, label_field: str, wanted: Mapping[str, Any]) -> bool | None:
    """Whether the frames of some samples have a label that is as asked.

    Args:
        samples: the collection
        label_field: the label field, with ``frames.``
        wanted: attribute -> what MongoDB is to look for

    Returns:
        None where only the view itself can tell
    """
    stages = _stages_but_by_mask(samples, label_field)
    if stages is None:
        return None
    without_masks = {"mask": None, "mask_path": None} if len(stages) < len(stages_of(samples)) else {}
    path, is_list = _path_of(samples, label_field)
    asked = {**wanted, **without_masks, "_id": {"$ne": None}}
    condition = {path: {"$elemMatch": asked}} if is_list else {f"{path}.{name}": it for name, it in asked.items()}
    frames = collection_of(root_dataset(samples), True)
    if not stages:
        return frames.find_one(condition, {"_id": True}) is not None
    ids = iter(_with_stages(samples, stages).values("id"))
    while block := list(map(ObjectId, islice(ids, _ASKED))):
        if frames.find_one({"_sample_id": {"$in": block}, **condition}, {"_id": True}) is not None:
            return True
    return False


def classes_of(samples: foc.SampleCollection, label_field: str) -> list[str] | None:
    """The classes of all labels that a dataset has in the frames of its videos, sorted.

    Args:
        samples: the dataset, or a view into it
        label_field: the label field, with ``frames.``

    Returns:
        None where only the view itself can tell
    """
    if _stages_but_by_mask(samples, label_field) is None:
        return None
    path, _ = _path_of(samples, label_field)
    found = collection_of(root_dataset(samples), True).distinct(f"{path}.label")
    return sorted(name for name in found if name is not None)


def _stages_but_by_mask(samples: foc.SampleCollection, label_field: str) -> list[Any] | None:
    """The stages of a view, but those at its end that leave out boxes with masks; None where others change labels."""
    stages = list(stages_of(samples))
    while stages and is_by_mask(stages[-1], samples, label_field):
        stages.pop()
    is_whole = {type(stage).__name__ for stage in stages} <= WHOLE_SAMPLES
    return stages if is_whole and not is_generated(samples) else None


def _path_of(samples: foc.SampleCollection, label_field: str) -> tuple[str, bool]:
    """The path of the labels of a field in a frame, and whether there is a list of them."""
    _, path = labels_path(samples, label_field)
    return Place(root_dataset(samples), path.removeprefix("frames."), Scope.FRAME).db_path, path != label_field


def _filters_frames(stage: Any, samples: foc.SampleCollection) -> bool:
    is_filter = isinstance(stage, fos.FilterLabels) and not stage.only_matches
    return is_filter and is_frame_field(samples, stage.field)


def _with_stages(samples: foc.SampleCollection, stages: list[Any]) -> foc.SampleCollection:
    if len(stages) == len(stages_of(samples)):
        return samples
    view = copy(samples)
    stages_of(view)[:] = stages
    return view
