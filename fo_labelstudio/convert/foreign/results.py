"""The results of an answer that somebody else's project holds, in whatever form -> regions, and answers to questions.

Source: Label Studio 1.23.2 and its docs; files of versions before 1.0
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from functools import cache, lru_cache, partial
from types import MappingProxyType
from typing import Any, NamedTuple

from fo_labelstudio.convert.annotation import region_answers
from fo_labelstudio.convert.annotation.objects import ANSWERS
from fo_labelstudio.convert.digests import digest_of
from fo_labelstudio.convert.labeling_config.kinds import class_key, class_of_path, drawn_kind, span_type
from fo_labelstudio.convert.media import DEFAULT
from fo_labelstudio.convert.media.medium import Medium
from fo_labelstudio.convert.names import is_text
from fo_labelstudio.convert.records import RegionAnswer
from fo_labelstudio.errors import RegionError
from fo_labelstudio.messages import quoted

RANKINGS = frozenset(("pairwise", "ranker"))
"""``type`` of results that compare objects; FiftyOne has no label for that."""

QUESTIONS = ANSWERS - RANKINGS
"""``type`` of results that answer questions."""

_CLASSES = "labels"
"""``type`` of a result that gives a region its class, where the geometry stands in another one."""

_KIND_OF_KEY = {"rle": "brushlabels", "imageDataURL": "bitmasklabels", "vertices": "vectorlabels"}
_KIND_OF_KEY |= {"points": "polygonlabels", "radiusX": "ellipselabels"}
_KIND_OF_KEY |= {"sequence": "videorectangle", "ranges": "timelinelabels"}
"""Key of a value -> the kind of regions that alone have it."""


class Shape(NamedTuple):
    """A region, with its class.

    Attributes:
        id: its id; of what it says where it came without
        control: name of the control tag that drew it
        kind: the ``type`` of its kind of regions with a class, ``rectanglelabels`` for ``rectangle``
        to_names: names of the object tags that it is drawn on
        place: the place of its image among those of the object tag; None where it does not say
        value: its geometry
        classes: what it gives as its classes, as a rule a list of one
        result: the result itself
    """

    id: str
    control: str
    kind: str
    to_names: tuple[str, ...]
    place: int | None
    value: Mapping[str, Any]
    classes: Any
    result: Mapping[str, Any]


class Reply(NamedTuple):
    """An answer to a question.

    Attributes:
        id: its id, that of the region that it is about, if it is about one
        control: name of the control tag that asks
        kind: ``type`` of the result: ``choices``, ``textarea`` ...; ``taxonomy`` also for choices that are paths
        to_names: names of the object tags that it is about
        place: the place of the image that it is about among those of the object tag; None where it does not say
        value: its value
        score: what a model says of it, or None
    """

    id: str
    control: str
    kind: str
    to_names: tuple[str, ...]
    place: int | None
    value: Mapping[str, Any]
    score: Any

    @property
    def paths(self) -> list[list[str]]:
        """What was chosen, each as the path that leads to it.

        Raises:
            RegionError: it is damaged
        """
        chosen = self.value.get(self.kind)
        items = chosen if isinstance(chosen, list) else [] if chosen is None else [chosen]
        paths = [item if isinstance(item, list) else [item] for item in items]
        for path in paths:
            if not path or not all(isinstance(part, str) and part and is_text(part) for part in path):
                raise RegionError(f"its {self.kind} are {quoted(chosen)}, expected a list of texts, or of paths")
        return paths

    def parsed(self, kind: str) -> RegionAnswer | None:
        """What it says, or None where it says nothing.

        Args:
            kind: the kind of the values that are expected

        Raises:
            RegionError: it is damaged
        """
        if self.kind == "datetime" and kind in ("str", "list"):
            # In a format of its own, or only a part of a date.
            text = self.value.get("datetime")
            return RegionAnswer(self.control, "str", (str(text),)) if text else None
        if self.kind in ("choices", "taxonomy"):
            texts = tuple(dict.fromkeys(map(class_of_path, self.paths)))
            return RegionAnswer(self.control, "str", texts) if texts else None
        return region_answers.parse({"from_name": self.control, "type": self.kind, "value": self.value})


@dataclass
class Results:
    """What an answer holds.

    Attributes:
        shapes: its regions
        replies: its answers to questions
        relations: ids of regions that are related, in the direction that was meant
        relation_names: what relations are called
        rankings: names of control tags whose results compare objects
        others: results of types that are not for the medium: id, control tag, type
        broken: results that could not be read: id, control tag where it says one, what is wrong
    """

    shapes: list[Shape] = dataclass_field(default_factory=list)
    replies: list[Reply] = dataclass_field(default_factory=list)
    relations: list[tuple[str, str]] = dataclass_field(default_factory=list)
    relation_names: set[str] = dataclass_field(default_factory=set)
    rankings: set[str] = dataclass_field(default_factory=set)
    others: list[tuple[str, str, str]] = dataclass_field(default_factory=list)
    broken: list[tuple[str | None, str | None, str]] = dataclass_field(default_factory=list)

    @property
    def region_ids(self) -> set[str]:
        """The ids of its regions."""
        return {shape.id for shape in self.shapes}


def read_results(
    result: Iterable[Any], medium: Medium = DEFAULT, spans: Mapping[str, str] = MappingProxyType({})
) -> Results:
    """The results of an answer, sorted by what they are.

    Args:
        result: the results, of any age: regions whose class stands in a result of its own (``<Rectangle>`` and
            ``<Labels>``), without ids or with numbers as ids, without the flags of today
        medium: what regions are drawn on
        spans: control tags that mark spans -> where these live
    """
    found = Results()
    # A task may have thousands of regions, of a few kinds.
    drawn_of = cache(partial(drawn_kind, medium=medium))
    classes: dict[str, list[tuple[Mapping[str, Any], str]]] = {}
    nameless: Counter[str] = Counter()
    for item in result:
        # JSON has no other mappings, and asking for any of them takes five times as long.
        if not isinstance(item, dict):
            found.broken.append((None, None, f"a result is {quoted(item)}, expected an object"))
            continue
        kind, control = item.get("type"), item.get("from_name")
        if kind == "relation":
            _add_relation(item, found)
            continue
        value = item.get("value")
        region_id = _id_of(item, nameless)
        if not isinstance(kind, str) or not isinstance(control, str) or not isinstance(value, dict):
            broken = next(
                f"its {key} is {quoted(item.get(key))}, expected {expected}"
                for key, expected in (("type", "text"), ("from_name", "text"), ("value", "an object"))
                if not isinstance(item.get(key), dict if key == "value" else str)
            )
            found.broken.append((region_id, control if isinstance(control, str) else None, broken))
        elif kind in RANKINGS:
            found.rankings.add(control)
        elif kind in QUESTIONS:
            found.replies.append(_reply(item, region_id, kind, control, value))
        elif control in spans and (marked := span_type(kind, spans[control])) is not None:
            found.shapes.append(_shape(item, region_id, marked, control, {**value, marked: value.get(kind)}))
        elif kind == _CLASSES:
            classes.setdefault(region_id, []).append((item, control))
        elif (drawn := drawn_of(kind)) is not None:
            found.shapes.append(_shape(item, region_id, drawn, control, value))
        else:
            found.others.append((region_id, control, kind))
    _join(classes, found, medium)
    return found


def _shape(item: Mapping[str, Any], region_id: str, kind: str, control: str, value: Mapping[str, Any]) -> Shape:
    classes = value.get(class_key(kind))
    if isinstance(classes, str):
        classes = [classes]
    return Shape(region_id, control, kind, _to_names(item), _place(item), value, classes, item)


def _reply(item: Mapping[str, Any], region_id: str, kind: str, control: str, value: Mapping[str, Any]) -> Reply:
    if kind == "choices" and isinstance(value.get(kind), list) and any(isinstance(one, list) for one in value[kind]):
        # The editor writes paths where choices are nested (1.23.2).
        kind, value = "taxonomy", {"taxonomy": value[kind]}
    return Reply(region_id, control, kind, _to_names(item), _place(item), value, item.get("score"))


def _join(classes: Mapping[str, Sequence[tuple[Mapping[str, Any], str]]], found: Results, medium: Medium) -> None:
    """Gives regions the classes that stand in results of their own."""
    if not classes:
        return
    lacking = {shape.id for shape in found.shapes if not shape.classes}
    labelled = found.region_ids - lacking
    named = {region_id: [name for item, _ in rows for name in _names(item)] for region_id, rows in classes.items()}
    found.shapes = [
        shape._replace(classes=named[shape.id]) if not shape.classes and shape.id in named else shape
        for shape in found.shapes
    ]
    for region_id, rows in classes.items():
        for item, control in rows:
            kind = None if region_id in lacking or region_id in labelled else _kind_of(item["value"], medium)
            if region_id in labelled:
                # Its own control tag has given it a class; this is what else is said of it.
                found.replies.append(_reply(item, region_id, "choices", control, {"choices": _names(item)}))
            elif kind is not None:
                shape = _shape(item, region_id, kind, control, item["value"])
                found.shapes.append(shape._replace(classes=_names(item)))
            elif region_id not in lacking:
                found.others.append((region_id, control, _CLASSES))


def _names(item: Mapping[str, Any]) -> list[Any]:
    names = item["value"].get(_CLASSES)
    return names if isinstance(names, list) else [] if names is None else [names]


def _kind_of(value: Mapping[str, Any], medium: Medium) -> str | None:
    """The kind of region that a geometry is of, or None where it is none on the medium."""
    kind = next((kind for key, kind in _KIND_OF_KEY.items() if key in value), None)
    if kind is None and "x" in value and "y" in value and "width" in value:
        kind = "rectanglelabels" if "height" in value else "keypointlabels"
    return None if kind is None else drawn_kind(kind, medium)


def _add_relation(item: Mapping[str, Any], found: Results) -> None:
    start, end = (_text_id(item.get(key)) for key in ("from_id", "to_id"))
    if start is None or end is None:
        found.broken.append((start, None, f"its relation leads to {quoted(item.get('to_id'))}, expected a region id"))
        return
    direction = item.get("direction")
    pairs = {"left": [(end, start)], "bi": [(start, end), (end, start)]}
    found.relations += pairs.get(direction if isinstance(direction, str) else "", [(start, end)])
    labels = item.get("labels")
    found.relation_names.update(name for name in (labels if isinstance(labels, list) else ()) if isinstance(name, str))


def _id_of(item: Mapping[str, Any], nameless: Counter[str]) -> str:
    """The id of a result; where it has none, one that stays the same as long as it says the same."""
    region_id = _text_id(item.get("id"))
    if region_id is not None:
        return region_id
    said = [item.get(key) for key in ("from_name", "to_name", "type", "item_index", "value")]
    digest = digest_of(said)
    nameless[digest] += 1
    return f"nameless-{digest}" + (f"-{nameless[digest]}" if nameless[digest] > 1 else "")


def _text_id(region_id: Any) -> str | None:
    if type(region_id) is int:
        return str(region_id)
    return region_id if isinstance(region_id, str) and region_id else None


def _to_names(item: Mapping[str, Any]) -> tuple[str, ...]:
    names = item.get("to_name")
    if isinstance(names, str):
        return _split(names)
    return tuple(name.strip() for name in (names if isinstance(names, list) else ()) if isinstance(name, str))


@lru_cache(256)
def _split(names: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in names.split(","))


def _place(item: Mapping[str, Any]) -> int | None:
    place = item.get("item_index")
    return place if type(place) is int and place >= 0 else None
