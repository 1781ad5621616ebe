"""The labels of tasks in a folder: of tasks that our exporter has written, and of anybody's."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from bson import ObjectId
from bson.errors import BSONError
from mongoengine.errors import MongoEngineException, ValidationError

from fo_labelstudio.convert.annotation.answer import Answer, FieldAnswer, Problem
from fo_labelstudio.convert.annotation.choose import annotation_of, is_submitted, newest
from fo_labelstudio.convert.annotation.parse import parse_task
from fo_labelstudio.convert.edits import to_label
from fo_labelstudio.convert.families import LABEL_TYPES, family_of
from fo_labelstudio.convert.foreign.answers import Pictured, answers_of
from fo_labelstudio.convert.foreign.fields import ForeignFields
from fo_labelstudio.convert.foreign.fields import fields_of as foreign_fields_of
from fo_labelstudio.convert.foreign.ids import TaskNames
from fo_labelstudio.convert.foreign.observed import Observed
from fo_labelstudio.convert.foreign.shown import images_of
from fo_labelstudio.convert.foreign.which import LATEST, Source, Which
from fo_labelstudio.convert.labeling_config.read import read
from fo_labelstudio.convert.records import RELATED, LabelField
from fo_labelstudio.convert.stored import LabelDoc, label_of, list_name
from fo_labelstudio.convert.task.carried import CARRIED, parse_carried
from fo_labelstudio.convert.task.origin import META, SAMPLE_ID, SENT_ANNOTATION
from fo_labelstudio.errors import RegionError
from fo_labelstudio.log import logger
from fo_labelstudio.merge.changes import LabelChanges, label_changes
from fo_labelstudio.merge.scalar_change import scalar_change
from fo_labelstudio.merge.unexpected import attach_relations
from fo_labelstudio.runs.labeling_config import fields_of

PART_OF = "part_of"
"""In the label schema of an export: the field whose labels are in several control tags, of which this is one."""

_FIRST = "first"
"""What the first prediction of a task is called here, whichever model version it is of."""


class OwnReader:
    """Reads tasks that our exporter has written: the labels that they carry, with what people have changed since.

    Args:
        schema: the label schema of the export
    """

    def __init__(self, schema: Mapping[str, Mapping[str, Any]]):
        self._parts: dict[str, list[LabelField]] = {}
        for field in fields_of(schema):
            self._parts.setdefault(schema[field.name].get(PART_OF, field.name), []).append(field)
        self.fields = tuple(parts[0] for parts in self._parts.values())
        """The fields of the dataset."""
        self._fields = tuple(part for parts in self._parts.values() for part in parts)
        self.can_show_images = True
        """Whether its tasks may show images."""

    def labels(self, task: Mapping[str, Any], problems: list[Problem]) -> dict[str, Any]:
        """The value of each field."""
        origin = _mapping(task["meta"].get(META))
        carried: dict[str, Any] | None = None
        try:
            carried = self._carried(origin)
        except RegionError as error:
            # As if nothing had been sent: all labels are new ones, whose ids are those that were sent.
            problems.append(Problem(task["id"], None, f"{error}; its labels are what its regions say"))
            task = {**_answered(task), "meta": {META: {**origin, "sent": {}, SENT_ANNOTATION: None}}}
        answer, is_answered = self._answer(task, problems)
        is_answered |= carried is None
        carried = carried or {}
        sent = _mapping(_mapping(task["meta"].get(META)).get("sent"))
        return {key: self._value(key, carried.get(key), answer, is_answered, sent, problems) for key in self._parts}

    def _carried(self, origin: Mapping[str, Any]) -> dict[str, Any]:
        """The values that a task carries.

        Raises:
            RegionError: somebody has changed them
        """
        carried = parse_carried(origin.get(CARRIED))
        sent = _mapping(origin.get("sent"))
        for key, parts in self._parts.items():
            value = carried.get(key)
            is_missing = value is None and any(sent.get(part.name) for part in parts)
            if is_missing or (value is not None and not _is_value(value, parts[0])):
                raise RegionError(
                    f"what its meta carries of field {key!r} was changed, or is of a class that nobody has imported"
                )
        return carried

    def _answer(self, task: Mapping[str, Any], problems: list[Problem]) -> tuple[Answer | None, bool]:
        """What was answered to a task, and whether a person has; None where its labels are as they were exported."""
        origin = _mapping(task["meta"].get(META))
        annotation = annotation_of({**task, "id": task["id"] or 0}, problems)
        if annotation is None:
            return None, False
        number = origin.get(SENT_ANNOTATION)
        # It was never imported, so that nobody has looked at it; a script may have edited it.
        is_exported = "created_at" not in annotation and annotation.get("id") == number
        if is_exported:
            annotation = {**annotation, "id": 1, "import_id": number, "created_at": ""}
        whole = {**task, "id": task["id"] or 0, "data": {SAMPLE_ID: "-"}, "annotations": [annotation]}
        answer = parse_task(whole, self._fields, str(origin.get("run")), problems)
        if answer is not None:
            attach_relations([answer])
            for label_type, edits in answer.unexpected.items():
                reason = f"{len(edits)} label(s) of type {label_type!r} belong to no field; left out"
                problems.append(Problem(task["id"], None, reason))
        return answer, answer is not None and not is_exported

    def _value(
        self,
        key: str,
        stored: Any,
        answer: Answer | None,
        is_answered: bool,
        sent: Mapping[str, Any],
        problems: list[Problem],
    ) -> Any:
        parts = self._parts[key]
        if parts[0].question is not None:
            return _scalar(stored, answer, parts[0])
        container: Any = LABEL_TYPES[parts[0].label_type]
        name = list_name(container)
        docs: list[LabelDoc] = [] if stored is None else list(stored[name] or ()) if name else [stored]
        is_looked_at = False
        for field in parts if answer is not None else ():
            assert answer is not None
            said = answer.fields[field.name]
            is_looked_at |= said.is_looked_at and is_answered
            entries = _mapping(sent.get(field.name)).items()
            ids = {label_id for label_key, entry in entries for label_id in entry.get("ids", [label_key])}
            own = [doc for doc in docs if str(doc.get("_id")) in ids]
            changes = label_changes(own, _with_known_ids(said), field, {}, ())
            docs = _changed(docs, changes)
            told = [*changes.notes, *(f"ignored {count} changes: {why}" for why, count in changes.refused.items())]
            problems.extend(Problem(answer.task_id, None, f"field {key!r}: {note}", is_note=True) for note in told)
        if name is None:
            return label_of(docs[0]) if docs else None
        if stored is None and not (docs or is_looked_at):
            return None
        return label_of({**(stored or container().to_dict()), name: docs})


class ForeignReader:
    """Reads tasks of anybody's.

    Args:
        labeling_config: XML, or None where it is not known
        tasks: all tasks, which tell what the labeling config does not
    """

    def __init__(self, labeling_config: str | None, tasks: Iterable[Mapping[str, Any]]):
        self._config = None if labeling_config is None else read(labeling_config)
        self.can_show_images = self._config is None or bool(self._config.images)
        """Whether its tasks may show images."""
        self._which = Which(LATEST, _FIRST)
        observed = Observed(self._which)
        for task in tasks:
            observed.add(_counted(task))
        self._observed = observed
        self._fields: ForeignFields = foreign_fields_of(self._config, observed, self._which)
        self._names = TaskNames()
        self.fields = tuple(self._fields.of_source[Source(False, None)].values())
        """The fields of the dataset."""
        for note in self._fields.notes:
            logger.warning("%s", note)

    def labels(self, task: Mapping[str, Any], problems: list[Problem]) -> dict[str, Any]:
        """The value of each field, of the first image that a task shows."""
        values: dict[str, Any] = dict.fromkeys(field.name for field in self.fields)
        shown, _ = images_of(task, self._config, self._observed)
        if not shown:
            return values
        pictured = [Pictured(image, "-" if place == 0 else None) for place, image in enumerate(shown)]
        counted = _counted(task)
        is_prediction = bool(counted["predictions"])
        source = Source(is_prediction, _FIRST if is_prediction else None)
        for answer in answers_of(counted, self._fields, pictured, "", self._which, self._names.of(task), problems):
            fields = self._fields.of_source[source]
            _keep_known_ids([(field, answer.fields[field.name]) for field in fields.values()], task)
            for name, field in fields.items():
                said = answer.fields[field.name]
                labels = list(_made(said, field, problems))
                values[name] = _value_of(labels, field, said.is_looked_at and not is_prediction)
        return values


def _answered(task: Mapping[str, Any]) -> dict[str, Any]:
    """A task that nobody has answered, as if somebody had accepted its first prediction."""
    counted = _counted(task)
    accepted = [{"id": 1, "was_cancelled": False, "result": one["result"]} for one in counted["predictions"]]
    return {**counted, "annotations": counted["annotations"] or accepted}


def _counted(task: Mapping[str, Any]) -> dict[str, Any]:
    """A task with the answer that counts only: the newest submitted annotation, or else the first prediction."""
    annotation = newest([one for one in task["annotations"] if is_submitted(one)])
    if annotation is not None:
        return {**task, "annotations": [annotation], "predictions": []}
    predictions = [one for one in task["predictions"] if isinstance(one, Mapping)]
    return {**task, "annotations": [], "predictions": [{**one, "model_version": _FIRST} for one in predictions[:1]]}


_DAMAGES = (
    RegionError,
    BSONError,
    MongoEngineException,
    ValidationError,
    zlib.error,
    LookupError,
    TypeError,
    ValueError,
    AttributeError,
)
"""What FiftyOne 1.22.1 raises where a stored label is none."""

_KINDS: Mapping[str, Any] = {"str": str, "int": int, "float": (int, float), "bool": bool, "list": list}


def _is_value(value: Any, field: LabelField) -> bool:
    """Whether something can be the stored value of a field."""
    if field.question is not None:
        return isinstance(value, _KINDS.get(field.question.kind, datetime))
    container: Any = LABEL_TYPES[field.label_type]
    name = list_name(container)
    try:
        label = label_of(value)
        labels = label[name] or () if name else [label]
        are_whole = [ObjectId.is_valid(one.id) and one.to_dict() is not None for one in labels]
    except _DAMAGES:
        return False
    return isinstance(label, container) and all(are_whole)


def _scalar(stored: Any, answer: Answer | None, field: LabelField) -> Any:
    value = stored if answer is None else scalar_change(stored, answer.fields[field.name], field, {}).new
    is_date = field.scalar_question.kind == "date" and isinstance(value, datetime)
    return value.date() if is_date else value


def _with_known_ids(said: FieldAnswer) -> FieldAnswer:
    """An answer whose new labels keep the ids of their regions, where these are ids of labels."""
    for place, edit in enumerate(said.added):
        if ObjectId.is_valid(edit.parsed.key):
            said.added[place] = edit._replace(label_id=edit.parsed.key)
    return said


def _keep_known_ids(said: Sequence[tuple[LabelField, FieldAnswer]], task: Mapping[str, Any]) -> None:
    """Gives labels the ids that they were exported with: those of their regions, or those that the task's meta tells.

    Args:
        said: fields, with what is said of each; all labels are new ones
        task: the task; anybody's
    """
    sent = _mapping(_mapping(_mapping(task["meta"]).get(META)).get("sent"))
    known: dict[str, str] = {}
    taken: set[str] = set()
    for field, one in said:
        is_drawn = family_of(field).is_drawn
        entries = _mapping(sent.get(field.name))
        for place, edit in enumerate(one.added):
            label_id = edit.parsed.key if is_drawn else _sent_id(entries.get(edit.parsed.key))
            if ObjectId.is_valid(label_id) and label_id not in taken:
                taken.add(label_id)
                known[edit.label_id] = label_id
                one.added[place] = edit._replace(label_id=label_id)
    for _, one in said:
        one.related = {
            known.get(start, start): [known.get(end, end) for end in ends] for start, ends in one.related.items()
        }


def _sent_id(entry: Any) -> Any:
    """The id of the label of a whole image, of what was sent of it; None where it is not known."""
    ids = _mapping(entry).get("ids")
    return ids[0] if isinstance(ids, list) and ids else None


def _changed(docs: Sequence[LabelDoc], changes: LabelChanges) -> list[LabelDoc]:
    """Stored labels with what is to be changed of them."""
    found = []
    for doc in docs:
        label_id = str(doc.get("_id"))
        if label_id in changes.deleted:
            continue
        gone = changes.unset.get(label_id, ())
        new = {**doc, **changes.values.get(label_id, {})}
        found.append({name: value for name, value in new.items() if name not in gone})
    return [*found, *changes.added]


def _made(said: FieldAnswer, field: LabelField, problems: list[Problem]) -> Iterator[Any]:
    for edit in said.added:
        try:
            label = to_label(edit, field)
        except RegionError as error:
            problems.append(Problem("?", edit.parsed.key, f"{error}; left alone"))
            continue
        related = said.related.get(edit.label_id)
        if related:
            label.set_attribute_value(RELATED, related)
        yield label


def _value_of(labels: Sequence[Any], field: LabelField, is_looked_at: bool) -> Any:
    container = LABEL_TYPES[field.label_type]
    name = list_name(container)
    if name is None:
        return labels[0] if labels else None
    if container is None or not (labels or is_looked_at):
        return None
    return container(**{name: list(labels)})


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
