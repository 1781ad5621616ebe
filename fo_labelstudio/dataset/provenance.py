"""Who answered, and when, in a field of the samples."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from typing import Any

import fiftyone.core.fields as fof

from fo_labelstudio.dataset.fields import kind_of, new_field_of
from fo_labelstudio.dataset.place import Doc, Place
from fo_labelstudio.errors import LabelSchemaError

_PAGE = 1000
"""Samples that are written at once."""


def ensure_fields(place: Place, kinds: Mapping[str, str]) -> None:
    """Makes a field of samples that holds values under their names, where the dataset does not have it.

    Args:
        place: the field
        kinds: name -> kind of its values

    Raises:
        LabelSchemaError: the dataset has another field of this name
    """
    declared = place.field
    inner = {} if declared is None else {name: place.at(name).field for name in kinds}
    strange = [name for name, field in inner.items() if field is not None and kind_of(field) != kinds[name]]
    if declared is not None and (strange or not isinstance(declared, fof.EmbeddedDocumentField)):
        raise LabelSchemaError(
            f"field {place.full_path!r} of the dataset holds something else, so that it cannot say who answered; "
            "rename it, or load without provenance='samples'"
        )
    for name, kind in kinds.items():
        place.at(name).ensure(**new_field_of(kind))


def write_values(place: Place, found: Mapping[str, Mapping[str, Any]]) -> None:
    """Writes values into a field of samples that holds them under their names; leaves those that are the same.

    Args:
        place: the field
        found: sample id -> name -> value, None where there is none
    """
    for docs, page in _read(place, found):
        operations = []
        for sample_id, doc in docs.items():
            before = place.value_in(doc) or {}
            new = {**before, "_cls": "DynamicEmbeddedDocument", **page[sample_id]}
            if _comparable(new) != _comparable(before):
                operations.append(place.replace(doc, new))
        place.write(operations, docs)


def _read(place: Place, found: Mapping[str, Any]) -> Iterable[tuple[dict[str, Doc], Mapping[str, Any]]]:
    ids = list(found)
    for start in range(0, len(ids), _PAGE):
        page = ids[start : start + _PAGE]
        if place.stamp is not None:
            place.stamp.begin()
        yield place.read(page), {sample_id: found[sample_id] for sample_id in page}


def _comparable(values: Mapping[str, Any]) -> dict[str, Any]:
    # The database's times are in UTC, and may not say so.
    return {
        name: value.astimezone(timezone.utc).replace(tzinfo=None)
        if isinstance(value, datetime) and value.tzinfo
        else value
        for name, value in values.items()
    }
