"""What the person who made an annotation was shown of the labels that were sent.

A label that an annotation lacks was deleted only where the annotation started from our prediction, and where the
labeling config had a control tag for it at that time. Label Studio records the first with each annotation, and nothing
of the second, so each load remembers what it saw.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from types import MappingProxyType
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element

from fo_labelstudio.convert import attributes
from fo_labelstudio.convert.annotation.choose import is_submitted
from fo_labelstudio.convert.digests import digest_of
from fo_labelstudio.convert.families import family_of
from fo_labelstudio.convert.family import Grouping
from fo_labelstudio.convert.labeling_config.read import canonical_tree
from fo_labelstudio.convert.labeling_config.write import to_labeling_config
from fo_labelstudio.convert.records import LabelField
from fo_labelstudio.convert.regions import whole_id
from fo_labelstudio.convert.task.origin import is_sent_annotation
from fo_labelstudio.convert.task.refreshed import Shown, generation_id
from fo_labelstudio.convert.task.write import MODEL_VERSION
from fo_labelstudio.errors import LabelingConfigError

_CONDITIONS = ("whenTagName", "whenLabelValue", "whenChoiceValue", "visibleWhen")
"""Attributes of a control tag that make the editor drop what it does not show (1.23.2)."""


class Missing(NamedTuple):
    """What a labeling config lacks of the one that a run was made with.

    Attributes:
        controls: names of control tags that are gone, or have become others
        classes: name of a control tag -> classes that it no longer has
    """

    controls: frozenset[str] = frozenset()
    classes: Mapping[str, frozenset[str]] = {}

    def __or__(self, other: Missing) -> Missing:
        classes = {
            name: self.classes.get(name, frozenset()) | other.classes.get(name, frozenset())
            for name in (*self.classes, *other.classes)
        }
        return Missing(self.controls | other.controls, classes)

    def to_json(self) -> dict[str, Any]:
        """As :meth:`of_json` reads it."""
        return {
            "controls": sorted(self.controls),
            "classes": {name: sorted(classes) for name, classes in sorted(self.classes.items())},
        }

    @classmethod
    def of_json(cls, found: Mapping[str, Any]) -> Missing:
        """What :meth:`to_json` wrote."""
        classes = {name: frozenset(names) for name, names in found["classes"].items()}
        return cls(frozenset(found["controls"]), classes)


class _Control(NamedTuple):
    tag: str
    to_name: str | None
    conditions: frozenset[tuple[str, str]]
    classes: frozenset[str]

    def does_what(self, other: _Control) -> bool:
        """Whether it asks the same as another one, at least as often."""
        return self[:2] == other[:2] and self.conditions <= other.conditions


def missing_from(config: Any, fields: Sequence[LabelField], made_with: str | None = None) -> Missing:
    """What a project's labeling config lacks of the one that a run was made with.

    Args:
        config: the labeling config; of one that cannot be read, everything is missing
        fields: the label fields of the run
        made_with: the labeling config that the run was made with, where it was not made of these label fields
    """
    expected = _controls(to_labeling_config(fields))
    if made_with is not None:
        # It may ask about more than one image, and say where it does not show what it asks.
        theirs = _controls(made_with)
        expected = {
            name: theirs.get(name, control)._replace(classes=control.classes) for name, control in expected.items()
        }
    found = _controls(config)
    gone = frozenset(
        name for name, control in expected.items() if name not in found or not found[name].does_what(control)
    )
    classes = {
        name: control.classes - found[name].classes
        for name, control in expected.items()
        if name not in gone and control.classes - found[name].classes
    }
    return Missing(gone, classes)


def _controls(config: Any) -> dict[str, _Control]:
    try:
        root = canonical_tree(config)
    except (LabelingConfigError, TypeError):
        return {}
    return {
        element.attrib["name"]: _Control(
            element.tag,
            element.get("toName"),
            frozenset((name, element.attrib[name]) for name in _CONDITIONS if name in element.attrib),
            frozenset(_classes(element)),
        )
        for element in root.iter()
        if "name" in element.attrib and "toName" in element.attrib
    }


def _classes(control: Element) -> Iterator[str]:
    for element in control.iter():
        name = element.get("alias", element.get("value"))
        if element.tag in ("Label", "Choice") and name is not None:
            yield name


class Sighting(NamedTuple):
    """What a load saw of the labeling config.

    Attributes:
        until: time of the newest annotation that was there, as the server writes it; empty where there was none
        missing: what the labeling config lacked
    """

    until: str
    missing: Missing


_AT_FIRST = Sighting("", Missing())
"""A run gets its labeling config before anybody can annotate."""


class Configs:
    """What the labeling config of a project lacked, over time.

    All times are the server's own, of annotations, so no clocks are compared.

    Args:
        sightings: what earlier loads saw, oldest first
        now: what it lacks now
    """

    def __init__(self, sightings: Iterable[Sighting] = (), now: Missing = _AT_FIRST.missing):
        self._sightings = [_AT_FIRST, *sightings]
        self._now = now

    def missing_at(self, time: str) -> Missing:
        """What it may have lacked when an annotation was submitted, which lies between two sightings.

        Args:
            time: of the annotation, as the server writes it; empty where it does not say
        """
        if not time:
            states = [sighting.missing for sighting in self._sightings] + [self._now]
        else:
            before = [sighting.missing for sighting in self._sightings if sighting.until < time]
            after = [sighting.missing for sighting in self._sightings if sighting.until >= time]
            states = [*before[-1:], *(after[:1] or [self._now])]
        missing = Missing()
        for state in states:
            missing = missing | state
        return missing

    def seen(self, until: str) -> list[Sighting]:
        """All sightings with the present one, oldest first; of several alike only the first and the last."""
        found = list(self._sightings)
        until = max(until, *(sighting.until for sighting in found))
        if len(found) > 1 and found[-1].missing == found[-2].missing == self._now:
            del found[-1]
        return [*found[1:], Sighting(until, self._now)]


def own_regions(
    sent: Mapping[str, Mapping[str, Any]],
    fields: Sequence[LabelField],
    generation: str = "",
    sources: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, str]:
    """The ids of the regions that were sent with a task, those of labels of several regions in short -> label field.

    Args:
        sent: label field -> key of the label -> aspect -> digest, as the task records it
        fields: the label fields of the run
        generation: what ends the ids of all of them; empty for those that tasks were made with
        sources: label field -> field of the dataset that the labels are of, where that is another one
    """
    own: dict[str, str] = {}
    for field in fields:
        family = family_of(field)
        controls = [] if family.is_drawn else attributes.controls_of(field, family)
        is_whole = family.grouping(field) is Grouping.FIELD
        suffixes = [
            digest_of(name) for name in (sources.get(field.name, field.name), *(control.name for control in controls))
        ]
        for key, entry in sent.get(field.name, {}).items():
            ids = dict.fromkeys((key, *entry.get("ids", ())))
            found = [f"{label_id}-{suffix}" for label_id in ids for suffix in suffixes]
            found += entry.get("ids", ()) if is_whole else (key,)
            if generation and is_whole:
                found = [generation_id(region_id, generation) for region_id in found]
            own.update(dict.fromkeys(found, field.name))
    return own


def is_without_parent(annotation: Mapping[str, Any]) -> bool:
    """Whether an annotation names a prediction that it started from, but does not hold it."""
    return type(annotation.get("parent_prediction")) is int and prediction_of(annotation, ()) is None


def prediction_of(annotation: Mapping[str, Any], predictions: Iterable[Any]) -> Mapping[str, Any] | None:
    """The prediction that an annotation started from: its own copy, or one of its task."""
    parent = annotation.get("parent_prediction")
    for prediction in (annotation.get("prediction"), *predictions):
        if isinstance(prediction, Mapping) and type(parent) is int and prediction.get("id") == parent:
            return prediction
    return None


UNCHANGED = Configs()
"""A labeling config that has always been the run's own."""


class Origin:
    """What one annotation started from.

    Args:
        annotation: the annotation
        task: its task, with all annotations; predictions may be there as their ids
        sent: label field -> key of the label -> aspect -> digest, as it was recorded
        fields: the label fields of the run
        shown: what that showed, where it was sent later than the task
        is_certain: whether it surely started from what is recorded so, if from anything

    Source: Label Studio 1.23.2. ``parent_prediction`` is the id of the prediction whose copy a person began with, null
    where it began blank or the prediction is gone; ``prediction`` is a copy, made on submission, of the prediction of
    the project's model version, whatever the annotation began with.
    """

    def __init__(
        self,
        annotation: Mapping[str, Any],
        task: Mapping[str, Any],
        sent: Mapping[str, Mapping[str, Any]],
        fields: Sequence[LabelField],
        shown: Shown | None = None,
        is_certain: bool = True,
    ):
        self._generation = "" if shown is None else shown.generation
        self._sources = {} if shown is None else shown.sources
        self.is_certain = is_certain
        self._annotation = annotation
        self._annotations = task["annotations"]
        self._task = task
        predictions = task.get("predictions")
        self._predictions = predictions if isinstance(predictions, list) else []
        self._sent = sent
        self._fields = fields

    @cached_property
    def own(self) -> dict[str, str]:
        """What :func:`own_regions` says of the task."""
        return own_regions(self._sent, self._fields, self._generation, self._sources)

    @property
    def is_ours(self) -> bool:
        """Whether it started from our prediction."""
        return self._start[0]

    @property
    def is_refreshed(self) -> bool:
        """Whether what it started from was sent later than its task."""
        return bool(self._generation)

    @cached_property
    def regions_of_others(self) -> list[Mapping[str, Any]]:
        """What the other submitted annotations of the task hold."""
        others = [other for other in self._annotations if is_submitted(other) and other is not self._annotation]
        return [region for other in others for region in _regions(other.get("result"))]

    def held(self, field: LabelField, key: str) -> bool:
        """Whether it started from a prediction that held a label."""
        is_ours, result = self._start
        if not is_ours or result is None:
            return is_ours
        if family_of(field).grouping(field) is Grouping.FIELD:
            return any(region.get("from_name") == field.control for region in result)
        return any(isinstance(region.get("id"), str) and whole_id(region["id"]) == key for region in result)

    def held_answer(self, control: str, key: str | None) -> bool:
        """Whether it started from a prediction that held an answer about an attribute.

        Args:
            control: name of the attribute's control tag
            key: key of the label that it is about; None for labels of the whole image
        """
        is_ours, result = self._start
        if not is_ours or result is None:
            return is_ours
        return any(
            region.get("from_name") == control
            and (key is None or (isinstance(region.get("id"), str) and whole_id(region["id"]) == key))
            for region in result
        )

    @cached_property
    def _start(self) -> tuple[bool, list[Mapping[str, Any]] | None]:
        """Whether it started from our prediction, and the result that it started from, where that is known."""
        annotation: Mapping[str, Any] | None = self._annotation
        passed: list[Mapping[str, Any]] = []
        while annotation is not None and annotation not in passed:
            passed.append(annotation)
            if is_sent_annotation(annotation, self._task):
                # Whoever edits or copies it begins with all that was sent.
                return True, None
            prediction = prediction_of(annotation, self._predictions)
            started = _regions(prediction.get("result")) if prediction is not None else []
            own = [region for region in _regions(annotation.get("result")) if self._is_own(region)]
            is_named = prediction is not None and prediction.get("model_version") == MODEL_VERSION
            if is_named or own or any(map(self._is_own, started)):
                return True, None if prediction is None else [*started, *own]
            annotation = self._parent_of(annotation)
        return False, None

    def _parent_of(self, annotation: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """The annotation that one is a copy of."""
        parent = annotation.get("parent_annotation")
        for other in self._annotations:
            if isinstance(other, Mapping) and parent is not None and other.get("id") == parent:
                return other
        return None

    def _is_own(self, region: Mapping[str, Any]) -> bool:
        region_id = region.get("id")
        return isinstance(region_id, str) and whole_id(region_id) in self.own


def _regions(result: Any) -> list[Mapping[str, Any]]:
    return [region for region in result if isinstance(region, Mapping)] if isinstance(result, list) else []
