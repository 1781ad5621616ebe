"""Moments of a video: TemporalDetection(s) <-> <TimelineLabels>, a range of frames for each label.

Both count frames from 1, and both ends of a range are in it. The editor takes several ranges in one region, where a
label has one; each becomes a label.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from xml.etree.ElementTree import Element

import fiftyone.core.labels as fol

from fo_labelstudio.convert.checks import class_of, only_region, ranges_in, unknown_class
from fo_labelstudio.convert.family import Family, Grouping
from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.convert.records import Aspect, LabelField, ParsedLabel, Region
from fo_labelstudio.convert.regions import drawn_region, part_id
from fo_labelstudio.convert.tags import labels_control

TYPE = "timelinelabels"
_LAST_FRAME = 2**31 - 1


def control_tags(field: LabelField) -> list[Element]:
    return [labels_control("TimelineLabels", field)]


def check(moment: fol.TemporalDetection, field: LabelField) -> str | None:
    return unknown_class(moment, field)


def key_of(moment: fol.TemporalDetection, field: LabelField) -> str:
    # FiftyOne reads no moment whose support is not a range of frames from 1 (1.22.1), so there is none without.
    key: str = moment.id
    return key


def to_regions(moments: Sequence[fol.TemporalDetection], field: LabelField, media: MediaInfo) -> list[Region]:
    regions = []
    for moment in moments:
        start, end = _within(list(moment.support), media)
        value = {"ranges": [{"start": start, "end": end}]}
        regions.append(drawn_region(moment.id, TYPE, moment, field, media, value))
    return regions


def parse_regions(regions: Sequence[Region], field: LabelField, media: MediaInfo) -> list[ParsedLabel]:
    region = only_region(regions)
    value = region["value"]
    label = class_of(value.get(TYPE), field)
    parsed = []
    for number, found in enumerate(map(sorted, ranges_in(value, _LAST_FRAME))):
        support = _within(found, media)
        notes = () if support == found else (f"its range {found} is not within the video; took {support}",)
        parsed.append(ParsedLabel(part_id(region["id"], number), {"label": label, "support": support}, media, notes))
    return parsed


def _within(support: list[int], media: MediaInfo) -> list[int]:
    """A range of frames, clipped to those that the video has."""
    return [min(max(frame, 1), media.frame_count or _LAST_FRAME) for frame in support]


def to_values(parsed: ParsedLabel, field: LabelField) -> dict[str, Any]:
    return {"label": parsed.values["label"], "support": list(parsed.values["support"])}


def to_label(parsed: ParsedLabel, field: LabelField) -> fol.TemporalDetection:
    return fol.TemporalDetection(**to_values(parsed, field))


def empty() -> fol.TemporalDetection:
    return fol.TemporalDetection(support=[1, 1])


FAMILY = Family(
    scopes=("video",),
    label_types={"temporal_detection": fol.TemporalDetection, "temporal_detections": fol.TemporalDetections},
    region_types=(TYPE,),
    is_drawn=True,
    grouping=lambda field: Grouping.REGION,
    aspects={
        "label": Aspect({"label": None}, "allow_label_edits"),
        "support": Aspect({"support": None}, "allow_spatial_edits"),
    },
    control_tags=control_tags,
    check=check,
    key_of=key_of,
    to_regions=to_regions,
    parse_regions=parse_regions,
    to_label=to_label,
    to_values=to_values,
    is_drawn_with_first=True,
    claims={TYPE: "temporal_detections"},
    not_held=("frames after the last one of the video",),
    empty=empty,
    is_new_to_annotate=True,
)
