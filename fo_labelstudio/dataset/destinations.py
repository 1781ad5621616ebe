"""The fields that receive what people answered: checked before anything is made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from itertools import islice

import fiftyone as fo
import fiftyone.core.fields as fof
import fiftyone.core.labels as fol

from fo_labelstudio.convert.stored import list_name
from fo_labelstudio.dataset.fields import field_problem
from fo_labelstudio.dataset.place import Place, Scope
from fo_labelstudio.errors import LabelSchemaError

_MAX_SEARCHED_SAMPLES = 1000
"""Samples in which labels are searched that are in another field now."""


def check_destination(place: Place, name: str, is_scalar: bool = False) -> fof.Field | None:
    """Refuses a destination that no field can be.

    Args:
        place: the destination
        name: the label field of the run
        is_scalar: whether it is to hold values, not labels

    Returns:
        the field, or None where it is to be made

    Raises:
        LabelSchemaError: its name is not possible, is FiftyOne's own, or lies in something that holds no fields
    """
    is_gone = place.name == name and place.field is None
    # What is around a field that is gone may be gone with it, and is made with it.
    is_free = is_gone and place.parents
    problem = None if is_free else field_problem(place.dataset, place.path, is_scalar, place.is_of_frames)
    if problem:
        what = f"field {name!r}" if place.name == name else f"dest_field {place.name!r} of field {name!r}"
        raise LabelSchemaError(f"{what}: {problem}, so nothing was loaded", "pass another dest_field")
    check_writable((*place.parents, place), place.path)
    return place.field


def check_writable(places: Iterable[Place], destination: str) -> None:
    """Refuses to write into what is read-only.

    Raises:
        LabelSchemaError: a field is read-only
    """
    for place in places:
        field = place.field
        if field is not None and field.read_only:
            raise LabelSchemaError(
                f"field {place.path!r} is read-only, so nothing was loaded into {destination!r}",
                "clear the flag, or pass another dest_field",
            )


def holder_of(
    like: Place,
    ids: Mapping[str, Collection[str]],
    container: type[fol.Label],
    without: Collection[str] = (),
    only: str | None = None,
) -> str | None:
    """The field that holds labels of some ids, or None; of several, the one that holds most of them.

    Args:
        like: any field that such a field could be
        ids: sample id -> ids of labels
        container: the class of the field's value
        without: fields that are not looked at
        only: the one field that is looked at, where that is known
    """
    dataset = like.dataset
    schema = dataset.get_frame_field_schema if like.is_of_frames else dataset.get_field_schema
    found = schema(ftype=fof.EmbeddedDocumentField, embedded_doc_type=container, flat=True) or {}
    named = {like.name_of(path): replace(like, path=path) for path in found}
    places = [place for name, place in named.items() if name not in without and only in (None, name)]
    samples = list(islice((key for key, value in ids.items() if value), _MAX_SEARCHED_SAMPLES))
    if not places or not samples:
        return None
    inner = list_name(container)
    labels = {place.name_of(place.path): place.at(inner) if inner else place for place in places}
    first, *others = (place.at("id") for place in labels.values())
    held: Counter[str] = Counter()
    for sample_id, doc in first.read(samples, *others).items():
        for path, place in labels.items():
            value = place.value_in(doc) or ()
            for label in value if isinstance(value, list) else [value]:
                held[path] += isinstance(label, Mapping) and str(label.get("_id")) in ids[sample_id]
    return max((path for path in held if held[path]), key=lambda path: held[path], default=None)


def held_in(dataset: fo.Dataset, label_ids: Collection[str], container: type[fol.Label], scope: Scope) -> set[str]:
    """Those of some labels that the dataset has, in whatever field of a class, on whatever sample.

    Args:
        dataset: the dataset
        label_ids: the ids of the labels
        container: the class of the fields' values
        scope: whether samples or frames have them
    """
    schema = dataset.get_frame_field_schema if scope is Scope.FRAME else dataset.get_field_schema
    found = schema(ftype=fof.EmbeddedDocumentField, embedded_doc_type=container, flat=True) or {}
    inner = list_name(container)
    places = (Place(dataset, path, scope) for path in found)
    return {label_id for place in places for label_id in (place.at(inner) if inner else place).holds(label_ids)}
