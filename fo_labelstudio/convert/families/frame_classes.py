"""Classes of the frames of videos: Classification(s) <-> <TimelineLabels>.

A region is a run of frames that have one class; where somebody has split it, it has several ranges.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import Element

import fiftyone.core.labels as fol

from fo_labelstudio.convert.attributes import problem_of_changes
from fo_labelstudio.convert.checks import (
    check_frames,
    class_of,
    left_without_frames,
    only_region,
    ranges_in,
    unknown_class,
    unseen,
)
from fo_labelstudio.convert.family import Family, Grouping, Revision
from fo_labelstudio.convert.frame_labels import FRAMES, FrameLabel, confidence_of, empty_doc, label_id_at, runs_of, told
from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.convert.records import Aspect, LabelAnswer, LabelField, ParsedLabel, Region
from fo_labelstudio.convert.regions import placed_region, scored
from fo_labelstudio.convert.shapes.ranges import joined, numbers_in, to_ranges
from fo_labelstudio.convert.stored import LabelDoc, copy_of
from fo_labelstudio.convert.tags import labels_control
from fo_labelstudio.errors import RegionError

_TYPE = "timelinelabels"
_MAX_FRAME = 2**53


def control_tags(field: LabelField) -> list[Element]:
    return [labels_control("TimelineLabels", field)]


def check(run: Any, field: LabelField) -> str | None:
    if run.label is None:
        return None
    return unknown_class(run, field) or problem_of_changes(run, run.frames, field)


def key_of(run: Any, field: LabelField) -> str | None:
    label_id: str = run.id
    return None if run.label is None else label_id


def to_regions(runs: Sequence[Any], field: LabelField, media: MediaInfo) -> list[Region]:
    return [_to_region(run, field, media) for run in runs if run.label is not None]


def _to_region(run: Any, field: LabelField, media: MediaInfo) -> Region:
    ranges = [{"start": first, "end": last} for first, last in to_ranges(map(int, run.frames))]
    return scored(
        placed_region(run.id, _TYPE, field, media, {"ranges": ranges, _TYPE: [run.label]}), confidence_of(run.frames)
    )


def parse_regions(regions: Sequence[Region], field: LabelField, media: MediaInfo) -> list[ParsedLabel]:
    check_frames(media)
    region = only_region(regions)
    value = region["value"]
    label = class_of(value.get(_TYPE), field)
    ranges = joined([max(frame, 1) for frame in ends] for ends in ranges_in(value, _MAX_FRAME))
    return [ParsedLabel(region["id"], {"label": label, "ranges": ranges}, media)]


def to_label(parsed: ParsedLabel, field: LabelField) -> FrameLabel:
    numbers = numbers_in(parsed.values["ranges"], parsed.media.frame_count)
    if not numbers:
        raise RegionError(unseen(parsed.media))
    return FrameLabel(
        label=parsed.values["label"], frames={str(number): empty_doc(fol.Classification) for number in numbers}
    )


def revise(run: Any, edit: LabelAnswer, field: LabelField) -> Revision:
    """A run after an edit: frames that it comes to have get a label, those that it leaves lose theirs.

    Raises:
        RegionError: it would be in no frame any more, though nobody has deleted it
    """
    stored: Mapping[str, LabelDoc] = run.frames
    last = max(edit.parsed.media.frame_count, *map(int, stored))
    numbers = set(numbers_in(edit.parsed.values["ranges"], last))
    there = set(map(int, stored))
    notes = []
    if (left := there - numbers) and not field.allow_deletions:
        numbers |= left
        notes.append(f"{told(run)}: {len(left)} frames that it has left keep it (allow_deletions=False)")
    if (new := numbers - there) and not field.allow_additions:
        numbers -= new
        notes.append(f"{told(run)}: {len(new)} frames do not get it (allow_additions=False)")
    if not numbers:
        raise RegionError(left_without_frames(new, edit.parsed.media))
    shared = run.to_dict()
    revised = copy_of(run)
    revised.label = edit.parsed.values["label"]
    revised.frames = {
        str(number): stored[str(number)]
        if number in there
        else {"_id": label_id_at(run.id, number), **empty_doc(fol.Classification, shared)}
        for number in sorted(numbers)
    }
    return revised, notes


FAMILY = Family(
    scopes=("frames",),
    label_types={"classification": fol.Classification, "classifications": fol.Classifications},
    region_types=(_TYPE,),
    is_drawn=True,
    grouping=lambda field: Grouping.REGION,
    aspects={
        "label": Aspect({"label": None}, "allow_label_edits"),
        "ranges": Aspect({FRAMES: None}, "allow_spatial_edits"),
    },
    control_tags=control_tags,
    check=check,
    told=told,
    key_of=key_of,
    to_regions=to_regions,
    parse_regions=parse_regions,
    to_label=to_label,
    is_drawn_with_first=True,
    revise=revise,
    compose=lambda frames, sample_id, known, ranges: runs_of(frames, known, ranges),
)
