"""Image-level classes: Classification(s) <-> <Choices>.

A control of this kind holds one region with all of its choices, so labels are told apart by their class, not by the
region's id: the editor makes a new region when the last choice is taken away and another one made.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar
from xml.etree.ElementTree import Element

import fiftyone.core.labels as fol

from fo_labelstudio.convert.checks import known_class, only_region, unknown_class
from fo_labelstudio.convert.family import Family, Grouping
from fo_labelstudio.convert.media import OF_THE_WHOLE
from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.convert.records import Aspect, LabelField, ParsedLabel, Region
from fo_labelstudio.convert.regions import new_region, score_of
from fo_labelstudio.convert.tags import choices_control
from fo_labelstudio.errors import RegionError
from fo_labelstudio.messages import quoted

Name = TypeVar("Name", str, None)

_TYPE = "choices"
_SINGLE = "classification"


def control_tags(field: LabelField) -> list[Element]:
    return [choices_control(field, single=field.label_type == _SINGLE)]


def check(classification: fol.Classification, field: LabelField) -> str | None:
    return None if classification.label is None else unknown_class(classification, field)


def key_of(classification: fol.Classification, field: LabelField) -> str | None:
    return _key(classification.label, field)


def to_regions(classifications: Sequence[fol.Classification], field: LabelField, media: MediaInfo) -> list[Region]:
    chosen = [label for label in classifications if label.label is not None]
    if not chosen:
        return []
    choices = list(dict.fromkeys(label.label for label in chosen))
    region = new_region(chosen[0].id, _TYPE, field, {_TYPE: choices})
    scores = [score for score in map(score_of, chosen) if score is not None]
    if scores:
        region["score"] = min(scores)
    return [region]


def parse_regions(regions: Sequence[Region], field: LabelField, media: MediaInfo) -> list[ParsedLabel]:
    choices = only_region(regions)["value"].get(_TYPE)
    if not isinstance(choices, list):
        raise RegionError(f"its choices are {quoted(choices)}, expected a list of classes")
    if field.label_type == _SINGLE and len(choices) > 1:
        raise RegionError(f"its choices are {quoted(choices)}, expected one class")
    classes = dict.fromkeys(known_class(choice, field) for choice in choices)
    return [ParsedLabel(_key(name, field), {"label": name}, media) for name in classes]


def to_values(parsed: ParsedLabel, field: LabelField) -> dict[str, Any]:
    return {"label": parsed.values["label"]}


def to_label(parsed: ParsedLabel, field: LabelField) -> fol.Classification:
    return fol.Classification(**to_values(parsed, field))


def _key(class_name: Name, field: LabelField) -> str | Name:
    return "choice" if field.label_type == _SINGLE else class_name


FAMILY = Family(
    scopes=OF_THE_WHOLE,
    label_types={_SINGLE: fol.Classification, "classifications": fol.Classifications},
    region_types=(_TYPE,),
    is_drawn=False,
    grouping=lambda field: Grouping.FIELD,
    aspects={"label": Aspect({"label": None}, "allow_label_edits")},
    control_tags=control_tags,
    check=check,
    key_of=key_of,
    to_regions=to_regions,
    parse_regions=parse_regions,
    to_label=to_label,
    to_values=to_values,
    not_held=("the confidences of several classes of one image",),
    claims={"choices": "classifications"},
)
