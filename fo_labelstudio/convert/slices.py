"""The slices of a group in one task: what the label fields of each are called there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from fo_labelstudio.convert.names import control_name, data_key, is_showable
from fo_labelstudio.convert.records import LabelField
from fo_labelstudio.errors import LabelSchemaError

BETWEEN = "%."
"""Between the name of a slice and that of a control tag; no name of either has a ``%`` but before digits."""


def object_of(slice_name: str) -> str:
    """The name of the object tag that shows a slice."""
    return control_name(slice_name)


def field_of_slice(field: LabelField, slice_name: str) -> LabelField:
    """A label field as it is asked of one slice: on an image of its own, by control tags of its own."""
    beginning = f"{object_of(slice_name)}{BETWEEN}"
    return replace(
        field,
        control=beginning + field.control,
        object_name=object_of(slice_name),
        data_key=data_key(slice_name),
        known_as=beginning + field.name,
        attributes=tuple(attribute._replace(control=beginning + attribute.control) for attribute in field.attributes),
    )


def fields_by_slice(fields: Iterable[LabelField], slices: Sequence[str]) -> dict[str, tuple[LabelField, ...]]:
    """Slice -> the label fields as they are asked of it."""
    fields = tuple(fields)
    return {name: tuple(field_of_slice(field, name) for field in fields) for name in slices}


def asked_fields(fields: Sequence[LabelField], slices: Sequence[str]) -> tuple[LabelField, ...]:
    """The label fields that a task asks: those of each slice, or as they are where a task shows one sample."""
    if not slices:
        return tuple(fields)
    return tuple(field for asked in fields_by_slice(fields, slices).values() for field in asked)


def check_slices(slices: Sequence[str], fields: Iterable[LabelField], task_fields: Sequence[str]) -> None:
    """Refuses slices that one task cannot show, and labels that are on values of their samples.

    Args:
        slices: the slices
        fields: the label fields
        task_fields: the fields of samples that tasks carry

    Raises:
        LabelSchemaError: names the slice, or the field
    """
    for field in fields:
        if field.shows is not None:
            raise LabelSchemaError(
                f"field {field.name!r}: its labels are on {field.shows!r}, and tasks that show the slices of groups "
                "have labels on their images only; leave group_slices out, or annotate it in a run of its own"
            )
    taken: dict[str, str] = dict.fromkeys(("sample_id", "filename", "id"), "each task itself")
    for name in slices:
        if not is_showable(name):
            raise LabelSchemaError(
                f"slice {name!r}: its name is blank or holds characters that cannot be shown; rename it, or leave it "
                "out of group_slices"
            )
        for key in (data_key(name), *carried_of_slice(dict.fromkeys(map(data_key, task_fields)), name)):
            other = taken.setdefault(key, f"slice {name!r}")
            if other != f"slice {name!r}":
                raise LabelSchemaError(
                    f"slice {name!r}: the data of its task would have {key!r}, which {other} has; rename the slice, or "
                    "leave it out of group_slices"
                )


def carried_of_slice(values: Mapping[str, object], slice_name: str) -> dict[str, object]:
    """What the data of a task carries of one slice besides its address: key -> value."""
    return {f"{data_key(slice_name)}_{key}": value for key, value in values.items()}
