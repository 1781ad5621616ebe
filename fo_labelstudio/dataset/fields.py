"""What FiftyOne and its database take: names of fields and attributes, and the values of declared ones."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import fiftyone.core.collections as foc
import fiftyone.core.fields as fof
import fiftyone.core.odm as foo
from mongoengine.errors import ValidationError

from fo_labelstudio.convert.names import is_showable, stored_name_problem
from fo_labelstudio.dataset.internals import document_classes, is_frame_field, own_fields
from fo_labelstudio.errors import LabelSchemaError
from fo_labelstudio.messages import quoted

FIELDS: dict[type[fof.Field], str] = {
    fof.StringField: "str",
    fof.BooleanField: "bool",
    fof.IntField: "int",
    fof.FloatField: "float",
    fof.DateField: "date",
    fof.DateTimeField: "datetime",
    fof.ListField: "list",
}
"""Class of a field -> the kind of its values."""

_STORED_AS: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "bool": (bool,),
    "int": (int,),
    "float": (int, float),
    "date": (datetime,),
    "datetime": (datetime,),
    "list": (list,),
}
"""Kind of values -> the types that stand for them in the database."""

_PLAIN = (str, bool, int, float, datetime)

_FREE = frozenset(("objects", "filename"))
"""Names in FiftyOne's own classes of samples that a field may have all the same (1.22.1: each of them was tried)."""

_NO_KEYWORD = frozenset(("self",))
"""Names that FiftyOne cannot hand to the constructors of its documents."""


def kind_of(field: fof.Field) -> str | None:
    """The kind of the values of a field, or None where they cannot be annotated."""
    if isinstance(field, fof.ListField):
        return "list" if isinstance(field.field, fof.StringField) else None
    return next((kind for cls, kind in FIELDS.items() if isinstance(field, cls)), None)


def new_field_of(kind: str) -> dict[str, Any]:
    """The keyword arguments that make a field for values of a kind."""
    if kind == "list":
        return {"ftype": fof.ListField, "subfield": fof.StringField}
    return {"ftype": next(cls for cls, of in FIELDS.items() if of == kind)}


def attribute_name_problem(name: str, label_class: Any) -> str | None:
    """What keeps labels of a class from having an attribute of a name, or None.

    A label that has one all the same can be written to the database, but not read from it (FiftyOne 1.22.1).
    """
    problem = stored_name_problem(name)
    if problem:
        return problem
    if name in _NO_KEYWORD or (hasattr(label_class, name) and name not in label_class._fields):
        return f"FiftyOne uses the name itself, as {label_class.__name__}.{name}"
    return None


def field_problem(
    samples: foc.SampleCollection, path: str, is_scalar: bool = False, frames: bool = False
) -> str | None:
    """What keeps a field from holding what people answer, whether it exists or not; or None.

    FiftyOne itself makes fields with which it cannot read its samples any more (1.22.1).

    Args:
        samples: the collection
        path: path of the field
        is_scalar: whether it is to hold values, not labels
        frames: whether it is a field of the frames of videos
    """
    root, _, below = path.partition(".")
    own = {*own_fields(samples, frames), samples.group_field} - {"tags"}
    if root in own and (is_scalar or not below):
        return f"{root!r} is FiftyOne's own"
    prefix = "frames." if frames else ""
    if samples.get_field(prefix + path) is not None:
        return None
    if not is_showable(path):
        return "its name is blank or holds characters that cannot be shown"
    parent, _, name = path.rpartition(".")
    if parent:
        above = samples.get_field(prefix + parent)
        if not isinstance(above, fof.EmbeddedDocumentField):
            return (
                f"{parent!r} is not a field of one embedded document, so it cannot hold other fields; make it first "
                "with "
                "dataset.add_sample_field()"
            )
        classes: tuple[type, ...] = (above.document_type,)
    else:
        classes = document_classes(samples, frames)
    try:
        foo.validate_field_name(path)
    except ValueError as error:
        return str(error)
    if name in _NO_KEYWORD or (name not in _FREE and any(hasattr(cls, name) for cls in classes)):
        return f"FiftyOne uses the name {name!r} itself"
    return None


def check_field(samples: foc.SampleCollection, name: str, is_scalar: bool) -> None:
    """Refuses a label field that could not be written when the annotations are loaded.

    Raises:
        LabelSchemaError: it cannot hold them, or is read-only
    """
    is_of_frames = is_frame_field(samples, name)
    problem = field_problem(samples, name.removeprefix("frames.") if is_of_frames else name, is_scalar, is_of_frames)
    if problem:
        raise LabelSchemaError(f"field {name!r}: {problem}; choose another field")
    stored = samples.get_field(name)
    if stored is not None and stored.read_only:
        raise LabelSchemaError(
            f"field {name!r} is read-only, so its annotations could not be loaded; clear the flag with "
            f"`field = dataset.get_field({name!r}); field.read_only = False; field.save()`"
        )


def value_problem(field: fof.Field | None, value: Any, is_copied: bool = False) -> str | None:
    """What keeps a declared field from holding a value, or None; FiftyOne could not read the sample any more.

    Args:
        field: the field as the dataset declares it, or None where it does not
        value: the value, as the database stores it
        is_copied: whether FiftyOne has stored it already, in another field; then whatever can be read is right
    """
    if field is None or value is None:
        return None
    kind = kind_of(field)
    if kind is None and not isinstance(value, _PLAIN):
        # Masks, vectors and documents are validated as objects, not as what the database stores.
        return None
    stored_as = _STORED_AS.get(kind or "", _PLAIN)
    # FiftyOne takes the text "3" for a number, and would show it as a text.
    fits = is_copied or (isinstance(value, stored_as) and (bool in stored_as or not isinstance(value, bool)))
    try:
        field.validate(value)
    except (ValidationError, TypeError, ValueError, OverflowError):
        fits = False
    return None if fits else f"is {quoted(value)}, which {_article(type(field).__name__)} cannot hold"


def _article(name: str) -> str:
    return f"{'an' if name[0] in 'AEIOU' else 'a'} {name}"
