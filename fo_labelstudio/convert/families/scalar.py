"""Values of sample fields <-> <Number>, <TextArea>, <Choices>, <DateTime>."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from xml.etree.ElementTree import Element

from fo_labelstudio.convert.checks import only_region
from fo_labelstudio.convert.digests import digest_of
from fo_labelstudio.convert.family import Family, Grouping
from fo_labelstudio.convert.media import OF_THE_WHOLE
from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.convert.records import Aspect, LabelField, ParsedLabel, Region
from fo_labelstudio.convert.regions import new_region
from fo_labelstudio.convert.stored import ScalarValue

_KEY = "value"


def control_tags(field: LabelField) -> list[Element]:
    return [field.scalar_question.control_tag(field.control, field.to_name)]


def check(scalar: ScalarValue, field: LabelField) -> str | None:
    problem = field.scalar_question.problem_of(scalar.value)
    return problem and f"it {problem}; correct it, or leave the sample out of the view"


def key_of(scalar: ScalarValue, field: LabelField) -> str:
    return _KEY


def to_regions(scalars: Sequence[ScalarValue], field: LabelField, media: MediaInfo) -> list[Region]:
    answers = [field.scalar_question.to_json(scalar.value) for scalar in scalars]
    return [
        new_region(
            f"{_KEY}-{digest_of(field.name)}",
            field.scalar_question.result_type,
            field,
            field.scalar_question.to_value(answer),
        )
        for answer in answers
        if answer not in ("", [])
    ]


def parse_regions(regions: Sequence[Region], field: LabelField, media: MediaInfo) -> list[ParsedLabel]:
    answer = field.scalar_question.parse(only_region(regions)["value"])
    return [] if answer in (None, []) else [ParsedLabel(_KEY, {_KEY: answer}, media)]


def to_label(parsed: ParsedLabel, field: LabelField) -> Any:
    return field.scalar_question.from_json(parsed.values[_KEY])


FAMILY = Family(
    scopes=OF_THE_WHOLE,
    label_types={"scalar": None},
    region_types=("textarea", "number", "datetime", "choices"),
    is_drawn=False,
    grouping=lambda field: Grouping.FIELD,
    aspects={_KEY: Aspect({}, "allow_additions")},
    control_tags=control_tags,
    check=check,
    key_of=key_of,
    to_regions=to_regions,
    parse_regions=parse_regions,
    to_label=to_label,
    has_attributes=False,
)
