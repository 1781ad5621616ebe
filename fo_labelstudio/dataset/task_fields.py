"""Fields of samples that tasks carry in their data, for the Data Manager to show, filter and sort by."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import fiftyone.core.collections as foc
import fiftyone.core.fields as fof
import fiftyone.core.labels as fol
from bson import ObjectId

from fo_labelstudio.convert.names import data_key
from fo_labelstudio.convert.task.write import DATA_KEYS
from fo_labelstudio.errors import LabelSchemaError
from fo_labelstudio.messages import listed, meant

_SHOWABLE = (
    *(fof.StringField, fof.BooleanField, fof.IntField, fof.FloatField, fof.DateField, fof.DateTimeField),
    fof.ObjectIdField,
)


def check_task_fields(
    samples: foc.SampleCollection, names: Sequence[str], shown: Sequence[str] = (), media_key: str = ""
) -> None:
    """Refuses fields that tasks cannot carry.

    Args:
        samples: the collection
        names: the fields that tasks are to carry
        shown: the fields whose values labels are on, which tasks carry besides
        media_key: the key of the media in tasks

    Raises:
        LabelSchemaError: a field is missing, holds what no task can show, or would be in the place of another one
    """
    problems = [problem for name in names if (problem := _problem_of(samples, name))]
    if not problems:
        problems = [problem for name in shown if (problem := _problem_of_name(name))]
    if not problems:
        problems = [_taken(name, (media_key,)) for name in (*names, *shown) if data_key(name) == media_key]
    keys: dict[str, str] = {}
    for name in dict.fromkeys((*names, *shown)):
        other = keys.setdefault(data_key(name), name)
        if other != name:
            problems.append(f"{other!r} and {name!r} would both be {data_key(name)!r} in the tasks; leave one out")
    if problems:
        what = "task_fields" if names else "fields of the samples that labels are on"
        raise LabelSchemaError(f"{what} cannot be shown:{listed(problems)}")


def _problem_of_name(name: str) -> str | None:
    if data_key(name) in DATA_KEYS:
        return _taken(name, DATA_KEYS)
    return None


def _taken(name: str, keys: Sequence[str]) -> str:
    return (
        f"{name!r} is a name that each task uses itself ({', '.join(keys)}); leave it out, or clone the field under "
        "another name"
    )


def _problem_of(samples: foc.SampleCollection, name: str) -> str | None:
    problem = _problem_of_name(name)
    if problem:
        return problem
    field = samples.get_field(name)
    if field is None:
        hint = meant(name, samples.get_field_schema(flat=True), "see dataset.get_field_schema(flat=True)")
        return f"the samples have no field {name!r}; {hint}"
    for end in [place for place, char in enumerate(name) if char == "."]:
        if not isinstance(samples.get_field(name[:end]), fof.EmbeddedDocumentField):
            return f"{name!r} is inside a list, so it has no single value; leave it out"
    return _problem_of_type(name, field)


def _problem_of_type(name: str, field: fof.Field) -> str | None:
    if isinstance(field, fof.EmbeddedDocumentField):
        if issubclass(field.document_type, fol.Label):
            hint = f"; pass {name + '.label'!r}" if "label" in field.document_type._fields else ", or leave it out"
            return f"{name!r} holds labels, which are annotated with label_field={hint}"
        return f"{name!r} holds several fields; pass one of them, such as {_part_of(name, field)!r}"
    of = field.field if isinstance(field, fof.ListField) else field
    if of is None or not isinstance(of, _SHOWABLE):
        return (
            f"{name!r} is a {type(field).__name__}; pass fields of texts, numbers, booleans, dates, or lists of these"
        )
    return None


def _part_of(name: str, field: fof.EmbeddedDocumentField) -> str:
    parts = [part for part in field.get_field_schema() if not part.startswith("_")]
    return ".".join([name, *parts[:1]])


def date_fields(samples: foc.SampleCollection, names: Sequence[str]) -> frozenset[str]:
    """Those of some fields that hold dates, which the database stores as times."""
    return frozenset(name for name in names if isinstance(samples.get_field(name), fof.DateField))


def to_data(values: Mapping[str, Any], dates: Collection[str]) -> dict[str, Any]:
    """The values of fields as a task's data holds them, by :func:`data_key`; those that are none are left out.

    Texts and numbers are as they are, booleans ``true`` and ``false``, dates and times ISO 8601 (UTC), lists one text
    with commas, for the Data Manager finds nothing in lists and does not compare booleans (1.23.2).

    Args:
        values: field -> its value as the database stores it
        dates: the fields that hold dates
    """
    shown = {data_key(name): _to_json(value, name in dates) for name, value in values.items()}
    return {key: value for key, value in shown.items() if value is not None}


def _to_json(value: Any, is_date: bool) -> Any:
    if isinstance(value, (list, tuple)):
        texts = [_to_json(item, False) for item in value]
        return ", ".join(str(text) for text in texts if text is not None) or None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, datetime):
        return value.date().isoformat() if is_date else f"{value.isoformat(timespec='milliseconds')}Z"
    if isinstance(value, ObjectId):
        return str(value)
    # PostgreSQL stores no zero byte.
    return None if value is None else str(value).replace("\0", "\ufffd")
