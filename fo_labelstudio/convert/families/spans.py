"""Spans: Classifications with ``start``, ``end`` and, of words, ``text`` <-> <Labels> and its kin.

Both ends count in the unit of the medium, half-open; in conversations, from the beginning of a ``turn``. What differs
by medium stands in ``shapes/spans``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from xml.etree.ElementTree import Element

import fiftyone.core.labels as fol

from fo_labelstudio.convert.checks import class_of, only_region, unknown_class
from fo_labelstudio.convert.family import Family, Grouping
from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.convert.records import Aspect, LabelField, ParsedLabel, Region
from fo_labelstudio.convert.regions import drawn_region
from fo_labelstudio.convert.shapes.spans import SPAN_KINDS
from fo_labelstudio.convert.shapes.spans.kind import Span, SpanKind
from fo_labelstudio.convert.tags import labels_control
from fo_labelstudio.errors import RegionError

_START, _END, _TEXT = "start", "end", "text"


def _kind(field: LabelField) -> SpanKind:
    return SPAN_KINDS[field.scope]


def control_tags(field: LabelField) -> list[Element]:
    return [labels_control(_kind(field).tag, field)]


def check(span: fol.Classification, field: LabelField) -> str | None:
    return _kind(field).problem_of(*_where(span, field)) or unknown_class(span, field)


def _where(span: fol.Classification, field: LabelField) -> tuple[Any, ...]:
    return tuple(span.get_attribute_value(name, None) for name in (_START, _END, *_kind(field).more))


def key_of(span: fol.Classification, field: LabelField) -> str:
    key: str = span.id
    return key


def to_regions(spans: Sequence[fol.Classification], field: LabelField, media: MediaInfo) -> list[Region]:
    kind = _kind(field)
    regions = []
    for span in spans:
        try:
            value = kind.to_value(*_where(span, field), media)
        except RegionError as error:
            raise RegionError(f"label {span.id}: {error}") from None
        regions.append(drawn_region(span.id, kind.region_type, span, field, media, value))
    return regions


def parse_regions(regions: Sequence[Region], field: LabelField, media: MediaInfo) -> list[ParsedLabel]:
    region, kind = only_region(regions), _kind(field)
    span = kind.parse(region["value"], media)
    start, end, *more = span.at(kind.more)
    # What absence stands for is left out.
    said = [] if more == [*map(Span.absent, kind.more)] else more
    values = {"label": class_of(region["value"].get(kind.region_type), field), "span": [start, end, *said]}
    return [ParsedLabel(region["id"], values, media, span.notes)]


def to_values(parsed: ParsedLabel, field: LabelField) -> dict[str, Any]:
    kind, where = _kind(field), parsed.values["span"]
    values = {"label": parsed.values["label"], **dict(zip((_START, _END, *kind.more), where, strict=False))}
    return values if kind.words is None else {**values, _TEXT: kind.words(*where, parsed.media)}


def to_label(parsed: ParsedLabel, field: LabelField) -> fol.Classification:
    return fol.Classification(**to_values(parsed, field))


def _family(more: tuple[str, ...]) -> Family:
    """The family of the media where the attributes ``more`` say where a label is, besides its ends."""
    kinds = {scope: kind for scope, kind in SPAN_KINDS.items() if kind.more == more}
    where = {**dict.fromkeys((_START, _END)), **{name: Span.absent(name) for name in more}, _TEXT: None}
    return Family(
        scopes=tuple(kinds),
        label_types={"spans": fol.Classifications},
        region_types=tuple(dict.fromkeys(kind.region_type for kind in kinds.values())),
        is_drawn=True,
        grouping=lambda field: Grouping.REGION,
        aspects={
            "label": Aspect({"label": None}, "allow_label_edits"),
            "span": Aspect(where, "allow_spatial_edits"),
        },
        control_tags=control_tags,
        check=check,
        key_of=key_of,
        to_regions=to_regions,
        parse_regions=parse_regions,
        to_label=to_label,
        to_values=to_values,
        is_new_to_annotate=True,
    )


FAMILIES = tuple(map(_family, dict.fromkeys(kind.more for kind in SPAN_KINDS.values())))
