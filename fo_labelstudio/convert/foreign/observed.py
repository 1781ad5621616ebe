"""What the results of a project are like, seen from the results alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Any

from fo_labelstudio.convert.foreign.results import Reply, Shape, read_results
from fo_labelstudio.convert.foreign.which import Which, chosen_of
from fo_labelstudio.convert.media import DEFAULT
from fo_labelstudio.convert.media.medium import Medium
from fo_labelstudio.errors import RegionError

_MAX_CLASSES = 1000
"""Of a control tag that are remembered; they are only for messages and menus."""


@dataclass
class Seen:
    """What the results of one control tag are like, of one kind.

    Attributes:
        to_names: names of the object tags that they are about
        classes: their classes, in the order in which they came
        has_several: whether one of them has several classes, choices or texts
        about_regions: whether one is about a region
        about_images: whether one is about a whole image
        value_kinds: the kinds of their values: ``str``, ``int``, ``float``, ``date``, ``datetime``
        has_fractions: whether one is a number that is not whole
        has_branches: whether one is a vector that branches, which no polyline does
        count: how many there are
    """

    to_names: dict[str, None] = dataclass_field(default_factory=dict)
    classes: dict[str, None] = dataclass_field(default_factory=dict)
    has_several: bool = False
    about_regions: bool = False
    about_images: bool = False
    value_kinds: set[str] = dataclass_field(default_factory=set)
    has_fractions: bool = False
    has_branches: bool = False
    count: int = 0

    def _add(self, to_names: tuple[str, ...], classes: Any) -> None:
        self.count += 1
        self.to_names.update(dict.fromkeys(to_names))
        if isinstance(classes, (list, tuple)):
            self.has_several |= len(classes) > 1
            if len(self.classes) < _MAX_CLASSES:
                self.classes.update(dict.fromkeys(name for name in classes if isinstance(name, str)))

    def add_shape(self, shape: Shape) -> None:
        """Takes a region into account."""
        self._add(shape.to_names, shape.classes)
        self.has_branches = self.has_branches or has_branches(shape.value)

    def add_reply(self, reply: Reply, is_about_region: bool) -> None:
        """Takes an answer to a question into account."""
        try:
            answer = reply.parsed("")
        except RegionError:
            # Told with its task, when it is read.
            answer = None
            self.value_kinds.update({"unreadable"} if reply.kind == "datetime" else ())
        is_choice = reply.kind in ("choices", "taxonomy")
        self._add(reply.to_names, answer.values if answer and is_choice else ())
        self.about_regions |= is_about_region
        self.about_images |= not is_about_region
        if answer:
            self.value_kinds.add(answer.kind)
            self.has_several |= len(answer.values) > 1
            self.has_fractions |= answer.kind == "float" and answer.values[0] != int(answer.values[0])


@dataclass
class Observed:
    """What the results of a project are like, task by task.

    Attributes:
        which: which answers count
        medium: what they are about
        controls: name of a control tag -> kind of result -> what they are like
        objects: name of an object tag -> the key of the tasks' data that it shows, where results say so, or None
        annotators: who made annotations, as :func:`fo_labelstudio.convert.foreign.which.annotator_of` names them
        versions: the model versions of predictions
        rankings: names of control tags whose results compare objects
        others: name of a control tag -> kind of result that is not for the medium -> how many
        relation_names: what relations are called
        elsewhere: names of the object tags that results are about which are not for the medium
        spans: control tags that mark spans -> where these live
    """

    which: Which = dataclass_field(default_factory=Which)
    medium: Medium = DEFAULT
    controls: dict[str, dict[str, Seen]] = dataclass_field(default_factory=dict)
    objects: dict[str, str | None] = dataclass_field(default_factory=dict)
    annotators: set[str] = dataclass_field(default_factory=set)
    versions: set[str] = dataclass_field(default_factory=set)
    rankings: set[str] = dataclass_field(default_factory=set)
    others: dict[str, Counter[str]] = dataclass_field(default_factory=dict)
    relation_names: set[str] = dataclass_field(default_factory=set)
    elsewhere: set[str] = dataclass_field(default_factory=set)
    spans: Mapping[str, str] = dataclass_field(default_factory=dict)

    def add(self, task: Any) -> None:
        """Takes one more task into account; what cannot be understood is left out, and told when it is read."""
        if not isinstance(task, Mapping):
            return
        for source, result, _ in chosen_of(task, self.which, None, []):
            if source.name is not None:
                (self.versions if source.is_prediction else self.annotators).add(source.name)
            self._add_objects(result)
            found = read_results(result, self.medium, self.spans)
            region_ids = found.region_ids
            for shape in found.shapes:
                self._seen(shape.control, shape.kind).add_shape(shape)
            for reply in found.replies:
                self._seen(reply.control, reply.kind).add_reply(reply, reply.id in region_ids)
            self.rankings |= found.rankings
            self.relation_names |= found.relation_names
            for _, control, kind in found.others:
                self.elsewhere.update(name for item in result if _is_of(item, control, kind) for name in _names(item))
                self.others.setdefault(control, Counter())[kind] += 1

    def _seen(self, control: str, kind: str) -> Seen:
        return self.controls.setdefault(control, {}).setdefault(kind, Seen())

    def _add_objects(self, result: Any) -> None:
        for item in result:
            name = item.get("to_name") if isinstance(item, Mapping) else None
            if not isinstance(name, str) or item.get("type") in ("pairwise", "ranker"):
                continue
            for part in _names(item):
                known = self.objects.setdefault(part, None)
                # Versions before 1.0 wrote which key of the data they showed.
                source = item.get("source")
                if known is None and isinstance(source, str) and source.startswith("$"):
                    self.objects[part] = source[1:]


def _is_of(item: Any, control: str, kind: str) -> bool:
    return isinstance(item, Mapping) and (item.get("from_name"), item.get("type")) == (control, kind)


def _names(item: Mapping[str, Any]) -> list[str]:
    """The names of the object tags that a result is about."""
    name = item.get("to_name")
    return [part.strip() for part in name.split(",")] if isinstance(name, str) else []


def has_branches(value: Mapping[str, Any]) -> bool:
    """Whether the vertices of a vector are no single path: several follow one, or several follow none."""
    vertices = value.get("vertices")
    if not isinstance(vertices, list) or not all(isinstance(vertex, Mapping) for vertex in vertices):
        return False
    before = [str(vertex["prevPointId"]) for vertex in vertices if vertex.get("prevPointId") is not None]
    ids = {str(vertex.get("id")) for vertex in vertices}
    return len(set(before)) < len(before) or any(name not in ids for name in before)
