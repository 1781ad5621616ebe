"""Label schema -> LabelField records; MediaInfo."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from fo_labelstudio.convert.names import control_name, is_showable
from fo_labelstudio.errors import LabelSchemaError


class MediaInfo(NamedTuple):
    """Size of an image as it is displayed, in pixels (EXIF orientation applied)."""

    width: int
    height: int


@dataclass(frozen=True)
class LabelField:
    """One label field of a label schema.

    Attributes:
        name: path of the field, for example ``ground_truth`` or ``a.b``
        label_type: FiftyOne's name of the label type, for example ``detections``
        classes: class names, in the order of the label schema
        control: name of its control tag, the ``from_name`` of its regions
        existing: whether the field existed when the run was made
        allow_additions: whether new labels are loaded
        allow_deletions: whether deleted labels are deleted
        allow_label_edits: whether changed classes are loaded
        allow_spatial_edits: whether changed geometry is loaded
    """

    name: str
    label_type: str
    classes: tuple[str, ...]
    control: str
    existing: bool = True
    allow_additions: bool = True
    allow_deletions: bool = True
    allow_label_edits: bool = True
    allow_spatial_edits: bool = True

    @cached_property
    def class_set(self) -> frozenset[str]:
        """The classes, for looking one up."""
        return frozenset(self.classes)


_PERMISSIONS = ("allow_additions", "allow_deletions", "allow_label_edits", "allow_spatial_edits")


def parse_label_schema(label_schema: Mapping[str, Mapping[str, Any]]) -> tuple[LabelField, ...]:
    """The label fields of a label schema as FiftyOne completes it.

    Args:
        label_schema: field name -> ``type, classes, attributes, existing_field, allow_...``

    Raises:
        LabelSchemaError: there are no classes, or a name cannot be shown

    Source: FiftyOne 1.22.1, ``fiftyone.utils.annotations._build_label_schema``
    """
    return tuple(_parse_field(name, info) for name, info in label_schema.items())


def _parse_field(name: str, info: Mapping[str, Any]) -> LabelField:
    if not is_showable(name):
        raise LabelSchemaError(f"field {name!r}: its name holds characters that cannot be shown; rename the field")
    return LabelField(
        name=name,
        label_type=info["type"],
        classes=_classes(name, info.get("classes") or ()),
        control=control_name(name),
        existing=bool(info.get("existing_field", False)),
        **{key: bool(info.get(key, True)) for key in _PERMISSIONS},
    )


def _classes(name: str, classes: Iterable[str | Mapping[str, Any]]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for entry in classes:
        if isinstance(entry, Mapping):
            found.update(dict.fromkeys(entry["classes"]))
        else:
            found[entry] = None
    for class_name in found:
        _check_class(name, class_name)
    if not found:
        raise LabelSchemaError(f"field {name!r}: there are no classes to choose from; pass classes=[...]")
    return tuple(found)


def _check_class(name: str, class_name: object) -> None:
    if not isinstance(class_name, str):
        raise LabelSchemaError(
            f"field {name!r}: class {class_name!r} is not a string; give class names as strings in `classes`"
        )
    if not is_showable(class_name):
        raise LabelSchemaError(
            f"field {name!r}: class {class_name!r} is blank or holds characters that cannot be shown; rename it, "
            "or send a view with `map_labels()`"
        )
