"""Regions that no label field of the run expects: made with control tags that somebody added to the project.

Where exactly one field could have made a region, it is taken for one of that field's. All others become labels of their
own kind, which FiftyOne's ``unexpected`` argument decides about.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from fo_labelstudio.convert.families import FAMILIES, family_of, family_of_type
from fo_labelstudio.convert.family import Grouping
from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.convert.names import is_text
from fo_labelstudio.convert.records import LabelField, ParsedLabel, Region
from fo_labelstudio.convert.regions import group_regions
from fo_labelstudio.errors import RegionError
from fo_labelstudio.messages import quoted

_LABEL_TYPES = {kind: label_type for family in FAMILIES for kind, label_type in family.claims.items()}
"""``type`` of a region -> label type that it becomes."""

_WITHOUT_CLASS = tuple(kind.removesuffix("labels") for kind in _LABEL_TYPES if kind.endswith("labels"))
"""``type`` of the geometry of a region whose class, if any, stands in a result of its own."""

_OF_FRAMES = frozenset(kind for family in FAMILIES if family.compose for kind in family.region_types)
"""``type`` of regions that are many labels each, which no field is made for."""

_MAX_KIND_CHARS = 40
"""Characters of a ``type`` that messages show."""

_NO_CLASS = "\x00"
"""Stands for the class of a region that has none; no class can be called this."""


class Unexpected(NamedTuple):
    """A label that no label field expects.

    Attributes:
        label_type: its label type
        parsed: what its region says; the key is the id of the region
    """

    label_type: str
    parsed: ParsedLabel


def return_type(label_type: str) -> str:
    """The name under which FiftyOne files unexpected labels of a label type."""
    return family_of_type(label_type).filed_as


def pseudo_field(label_type: str) -> LabelField:
    """A field for unexpected labels of a label type, as if the run had one."""
    scope = family_of_type(label_type).scopes[0]
    return LabelField(f"unexpected {label_type}", label_type, (), "", existing=False, scope=scope)


def joined(regions: Iterable[Region]) -> list[Region]:
    """Regions with their class, where it stands in a result of its own (``<Rectangle>`` and ``<Labels>``)."""
    groups = group_regions(list(regions), Grouping.REGION)
    return [region for group in groups.values() for region in _joined(group)]


def _joined(group: Sequence[Region]) -> list[Region]:
    shapes = [region for region in group if region.get("type") in _WITHOUT_CLASS]
    classes = [
        name
        for region in group
        if region.get("type") == "labels" and isinstance(region["value"].get("labels"), list)
        for name in region["value"]["labels"]
    ]
    if len(shapes) != 1:
        return list(group)
    (shape,) = shapes
    kind = f"{shape['type']}labels"
    others = [region for region in group if region is not shape and region.get("type") != "labels"]
    return [{**shape, "type": kind, "value": {**shape["value"], kind: classes}}, *others]


def field_of(region: Region, fields: Sequence[LabelField]) -> LabelField | None:
    """The only field that could have made a region: of its kind and object, and with its class; None where none is."""
    names = region["value"].get(region["type"])
    candidates = [
        field
        for field in fields
        if region["type"] in family_of(field).region_types
        and region.get("to_name") in (None, field.to_name)
        and family_of(field).is_drawn
        and isinstance(names, list)
        and len(names) == 1
        and isinstance(names[0], str)
        and names[0] in field.class_set
    ]
    return candidates[0] if len(candidates) == 1 else None


def keys_of(region: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The label types and keys of the labels that a region may have become."""
    region_id, kind, value = (region.get(key) for key in ("id", "type", "value"))
    if isinstance(region_id, str) and isinstance(kind, str):
        names = value.get(kind) if isinstance(value, Mapping) else None
        keys = (region_id, *(f"{region_id}/{name}" for name in (names if isinstance(names, list) else ())))
        label_type = _LABEL_TYPES.get(kind) or _LABEL_TYPES.get(f"{kind}labels")
        yield from ((label_type, key) for key in keys if label_type is not None)


def parse(region: Region, media: MediaInfo) -> list[Unexpected]:
    """The labels that a region holds.

    Raises:
        RegionError: it cannot be understood
    """
    kind = region["type"]
    label_type = _LABEL_TYPES.get(kind)
    if label_type is None and kind in _OF_FRAMES:
        raise RegionError(
            f"a {kind} is a label of frames, and no label field of the run takes it; add one, frames.NAME"
        )
    if label_type is None:
        raise RegionError(f"a {kind[:_MAX_KIND_CHARS]} cannot become a FiftyOne label")
    family = family_of_type(label_type)
    if kind in family.reshapes:
        region = family.reshapes[kind](region, media)
        kind = region["type"]
    value = dict(region["value"])
    names = value.get(kind)
    if not isinstance(names, list) or not all(isinstance(name, str) and is_text(name) for name in names):
        raise RegionError(f"its label is {quoted(names)}, expected a list of classes")
    value[kind] = names or [_NO_CLASS]
    field = LabelField("", label_type, tuple(value[kind]), region["from_name"], scope=family.scopes[0])
    parsed = family.parse_regions([{**region, "value": value}], field, media)
    return [Unexpected(label_type, _without_placeholder(label, region["id"])) for label in parsed]


def _without_placeholder(parsed: ParsedLabel, region_id: str) -> ParsedLabel:
    name = parsed.values["label"]
    # One region of choices holds several labels.
    key = f"{region_id}/{name}" if parsed.key == name else region_id
    return parsed._replace(key=key, values={**parsed.values, "label": None if name == _NO_CLASS else name})
