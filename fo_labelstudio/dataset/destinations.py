"""The fields that receive what people answered: checked before anything is made, then made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from itertools import islice
from typing import Any

import fiftyone as fo
import fiftyone.core.fields as fof
import fiftyone.core.labels as fol
from bson import ObjectId

from fo_labelstudio.convert.stored import list_name
from fo_labelstudio.dataset.fields import field_problem
from fo_labelstudio.dataset.internals import collection_of
from fo_labelstudio.errors import LabelSchemaError

_LOOKED_AT = 1000
"""Samples that are looked at to find labels that are in another field now."""


def full_path(path: str, frames: bool) -> str:
    """The path of a field of a dataset, which for fields of frames begins with ``frames.``."""
    return f"frames.{path}" if frames else path


def prefixes(path: str) -> list[str]:
    """A path and those of the documents around it, outermost first."""
    parts = path.split(".")
    return [".".join(parts[: number + 1]) for number in range(len(parts))]


def db_path(dataset: fo.Dataset, name: str, frames: bool) -> str:
    """The path of a field in the database, where a part may have another name."""
    fields = [dataset.get_field(full_path(path, frames)) for path in prefixes(name)]
    return ".".join((field and field.db_field) or part for field, part in zip(fields, name.split("."), strict=True))


def check_destination(
    dataset: fo.Dataset, path: str, frames: bool, name: str, is_scalar: bool = False
) -> fof.Field | None:
    """Refuses a destination that no field can be.

    Args:
        dataset: the dataset
        path: path of the destination
        frames: whether it is a field of frames
        name: the label field of the run
        is_scalar: whether it is to hold values, not labels

    Returns:
        the field, or None where it is to be made

    Raises:
        LabelSchemaError: its name is not possible, is FiftyOne's own, or lies in something that holds no fields
    """
    where = f"dest_field {path!r} of field {name!r}"
    *around, whole = prefixes(path)
    is_gone = path == name and dataset.get_field(full_path(path, frames)) is None
    # What is around a field that is gone may be gone with it, and is made with it.
    problem = None if is_gone and around else field_problem(dataset, path, is_scalar, frames)
    if problem:
        raise LabelSchemaError(f"{where}: {problem}, so nothing was loaded; pass another dest_field")
    check_writable(dataset, (*around, whole), frames, path)
    return dataset.get_field(full_path(whole, frames))


def check_writable(dataset: fo.Dataset, paths: Iterable[str], frames: bool, destination: str) -> None:
    """Refuses to write into what is read-only.

    Raises:
        LabelSchemaError: a field is read-only
    """
    for path in paths:
        field = dataset.get_field(full_path(path, frames))
        if field is not None and field.read_only:
            raise LabelSchemaError(
                f"field {path!r} is read-only, so nothing was loaded into {destination!r}; clear the flag, or pass "
                "another dest_field"
            )


def make_field(dataset: fo.Dataset, path: str, frames: bool, **declaration: Any) -> None:
    """Makes a field, and the documents around it where they have left the dataset with it.

    Args:
        dataset: the dataset
        path: path of the field
        frames: whether it is a field of frames
        **declaration: what ``add_sample_field()`` takes
    """
    add = dataset.add_frame_field if frames else dataset.add_sample_field
    for parent in prefixes(path)[:-1]:
        if dataset.get_field(full_path(parent, frames)) is None:
            add(parent, ftype=fof.EmbeddedDocumentField, embedded_doc_type=fo.DynamicEmbeddedDocument)
    add(path, **declaration)


def holder_of(
    dataset: fo.Dataset,
    ids: Mapping[str, Collection[str]],
    container: type[fol.Label],
    frames: bool,
    without: Collection[str] = (),
    only: str | None = None,
) -> str | None:
    """The field that holds labels of some ids, or None; of several, the one that holds most of them.

    Args:
        dataset: the dataset
        ids: sample id -> ids of labels
        container: the class of the field's value
        frames: whether samples and fields are of frames
        without: fields that are not looked at
        only: the one field that is looked at, where that is known
    """
    schema = dataset.get_frame_field_schema if frames else dataset.get_field_schema
    found = schema(ftype=fof.EmbeddedDocumentField, embedded_doc_type=container, flat=True) or {}
    paths = {path: db_path(dataset, path, frames) for path in found if path not in without and only in (None, path)}
    samples = [ObjectId(sample_id) for sample_id in islice((key for key, value in ids.items() if value), _LOOKED_AT)]
    if not paths or not samples:
        return None
    name = f".{inner}" if (inner := list_name(container)) else ""
    collection = collection_of(dataset, frames)
    held: Counter[str] = Counter()
    for doc in collection.find({"_id": {"$in": samples}}, {f"{path}{name}._id": True for path in paths.values()}):
        for path, stored in paths.items():
            value = value_at(doc, stored + name) or ()
            labels = value if isinstance(value, list) else [value]
            wanted = ids[str(doc["_id"])]
            held[path] += sum(isinstance(label, Mapping) and str(label.get("_id")) in wanted for label in labels)
    return max((path for path in held if held[path]), key=lambda path: held[path], default=None)


def value_at(doc: Mapping[str, Any], path: str) -> Any:
    """The value at a path of a document as the database stores it, or None."""
    value: Any = doc
    for part in path.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(part)
    return value
