"""Inputs that ask what is to be annotated: fields with label types, classes and attributes, as in a label schema."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fiftyone.operators import types

from fo_labelstudio.convert.media import SHOWN_AS
from fo_labelstudio.convert.schema import ATTRIBUTE_TYPES
from fo_labelstudio.runs.propose import ShowableValue

_VALUE = "on"
"""The input for what labels are on: the key of a label schema's entry and the field that it names."""

_HALF = 6
"""Of the 12 columns of a form."""


def param_of(name: str) -> str:
    """The name of the input for a field; the App takes a dot for the way into an object."""
    return "of_" + name.replace("%", "%25").replace(".", "%2E").replace("[", "%5B").replace("]", "%5D")


def ask_field(
    inputs: types.Object,
    name: str,
    label_types: Sequence[str],
    info: Mapping[str, Any],
    shown: str,
    values: Sequence[ShowableValue] = (),
) -> types.Property:
    """Asks what is to be annotated in a field that is there; all is filled in.

    Args:
        inputs: receives the inputs
        name: the field
        label_types: the types that it can be annotated as
        info: its entry in the label schema, as it was found
        shown: what is said of it
        values: the values of the samples that its labels can be on
    """
    asked = types.Object()
    if len(label_types) > 1:
        asked.enum("type", list(label_types), default=info.get("type"), label="Label type")
    _ask_value(asked, values, info)
    if "mask_targets" in info:
        rows = [{"target": str(target), "name": text} for target, text in (info["mask_targets"] or {}).items()]
        asked.list("mask_targets", _mask_target(), default=rows, label="Classes by pixel value")
    else:
        classes = [name for names, _ in _by_classes(info.get("classes") or ()) for name in names]
        _ask_classes(asked, classes)
        asked.list("attributes", _attribute(), default=attribute_rows(info), label="Attributes of the labels")
    return inputs.define_property(param_of(name), asked, label=name, description=shown)


def ask_new_fields(
    inputs: types.Object, label_types: Sequence[str], kinds: Sequence[str], values: Sequence[ShowableValue] = ()
) -> types.Property:
    """Asks for fields that are to be made.

    Args:
        inputs: receives the inputs
        label_types: the types that they can be of
        kinds: the kinds of values that those have which hold values
        values: the values of the samples that their labels can be on
    """
    row = types.Object()
    description = "Names of fields of frames begin with frames."
    row.str("name", label="Name of the field", description=description, required=True, view=types.View(space=_HALF))
    row.enum("type", list(label_types), label="Label type", required=True, view=types.DropdownView(space=_HALF))
    row.enum("kind", list(kinds), label="Kind of value, where the label type is scalar")
    _ask_value(row, values, {})
    _ask_classes(row, [])
    row.list("mask_targets", _mask_target(), label="Classes by pixel value, for masks of the whole image")
    row.list("attributes", _attribute(), label="Attributes of the labels")
    return inputs.list("new_fields", row, label="New fields")


def asked_before(params: Mapping[str, Any]) -> dict[str, Any]:
    """What an entry of a label schema says on which all else of it depends: the label type, and what labels are on.

    Args:
        params: what the inputs for the field hold
    """
    entry: dict[str, Any] = {"type": params["type"]} if params.get("type") else {}
    if params.get(_VALUE):
        key, _, field = str(params[_VALUE]).partition(" ")
        entry[key] = field
    return entry


def entry_of(params: Mapping[str, Any], info: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The entry of a field in a label schema that a form was given.

    Args:
        params: what the inputs for the field hold; what is not filled in is not said
        info: the entry as it was found, which has values that are no texts; None for a new field
    """
    found = info or {}
    entry = asked_before(params)
    if params.get("mask_targets"):
        entry["mask_targets"] = {_target(row.get("target")): row.get("name") for row in params["mask_targets"]}
        return entry
    classes = params.get("classes")
    rows = params.get("attributes")
    known = dict(_known_attributes(found))
    if rows is not None:
        entry["attributes"] = {row.get("name"): _facts(row, known) for row in rows if not row.get("classes")}
    own = [row for row in rows or () if row.get("classes")]
    if classes is not None or own:
        names = list(classes or (name for names, _ in _by_classes(found.get("classes") or ()) for name in names))
        typed = {str(value): value for value in found.get("values") or ()}
        entry["classes"] = _grouped([typed.get(name, name) for name in names], own, known)
    if not entry.get("classes", True):
        del entry["classes"]
    return entry


def attribute_rows(info: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The attributes of an entry of a label schema, a row each, as forms have them."""
    rows = [_row(name, facts, ()) for name, facts in (info.get("attributes") or {}).items()]
    for names, attributes in _by_classes(info.get("classes") or ()):
        rows += [_row(name, facts, names) for name, facts in attributes.items()]
    return rows


def _ask_value(inputs: types.Object, values: Sequence[ShowableValue], info: Mapping[str, Any]) -> None:
    """Asks which value of the samples labels are on, where they have any; where nothing is chosen, on the sample."""
    if not values:
        return
    view = types.DropdownView()
    for value in values:
        view.add_choice(f"{value.key} {value.field}", label=f"{value.field}, as {value.noun}")
    default = next((f"{key} {info[key]}" for key in SHOWN_AS if key in info), None)
    label = "What the labels are on, where that is a value of the samples"
    inputs.enum(_VALUE, view.values(), default=default, label=label, view=view)


def _ask_classes(inputs: types.Object, classes: Sequence[Any]) -> None:
    view = types.AutocompleteView(allow_user_input=True, allow_duplicates=False)
    for name in classes:
        view.add_choice(str(name), label=str(name))
    default = [str(name) for name in classes]
    inputs.list("classes", types.String(), default=default, label="Classes", view=view)


def _attribute() -> types.Object:
    row = types.Object()
    row.str("name", label="Name", required=True, view=types.View(space=_HALF))
    row.enum("type", list(ATTRIBUTE_TYPES), label="How it is asked for", view=types.DropdownView(space=_HALF))
    row.list("values", types.String(), label="Values to choose from")
    row.str("default", label="Default", view=types.View(space=_HALF))
    row.bool("read_only", default=False, label="Only shown", view=types.CheckboxView(space=_HALF))
    row.list("classes", types.String(), label="Only for these classes")
    return row


def _mask_target() -> types.Object:
    row = types.Object()
    row.str("target", label="Pixel value, or #rrggbb", required=True, view=types.View(space=_HALF))
    row.str("name", label="Class", required=True, view=types.View(space=_HALF))
    return row


def _row(name: str, facts: Mapping[str, Any], classes: Iterable[str]) -> dict[str, Any]:
    row: dict[str, Any] = {"name": name, "type": facts.get("type", "text")}
    if facts.get("values") is not None:
        row["values"] = [str(value) for value in facts["values"]]
    if facts.get("default") is not None:
        row["default"] = str(facts["default"])
    if facts.get("read_only"):
        row["read_only"] = True
    if classes:
        row["classes"] = list(classes)
    return row


def _facts(row: Mapping[str, Any], known: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """How an attribute is asked for, as a label schema has it."""
    before = known.get(row.get("name") or "", {})
    facts = {**before} if before.get("type") == (row.get("type") or before.get("type")) else {}
    facts["type"] = row.get("type") or facts.get("type") or "text"
    typed = {str(value): value for value in before.get("values") or ()}
    for key in ("values", "default", "read_only"):
        facts.pop(key, None)
    if row.get("values"):
        facts["values"] = [typed.get(value, value) for value in row["values"]]
    if row.get("default") not in (None, ""):
        facts["default"] = typed.get(row["default"], row["default"])
    if row.get("read_only"):
        facts["read_only"] = True
    return facts


def _grouped(
    classes: Sequence[Any], rows: Sequence[Mapping[str, Any]], known: Mapping[str, Mapping[str, Any]]
) -> list[Any]:
    """Classes, those with attributes of their own together with the others that have the same."""
    groups: dict[tuple[int, ...], list[str]] = {}
    plain: list[Any] = []
    for name in dict.fromkeys([*classes, *(name for row in rows for name in row["classes"])]):
        own = tuple(number for number, row in enumerate(rows) if name in row["classes"])
        if own:
            groups.setdefault(own, []).append(name)
        else:
            plain.append(name)
    return [
        *plain,
        *(
            {"classes": names, "attributes": {rows[n]["name"]: _facts(rows[n], known) for n in own}}
            for own, names in groups.items()
        ),
    ]


def _by_classes(classes: Iterable[Any]) -> Iterable[tuple[list[Any], Mapping[str, Any]]]:
    for entry in classes:
        if isinstance(entry, Mapping):
            yield list(entry["classes"]), entry.get("attributes") or {}
        else:
            yield [entry], {}


def _known_attributes(info: Mapping[str, Any]) -> Iterable[tuple[str, Mapping[str, Any]]]:
    yield from (info.get("attributes") or {}).items()
    for _, attributes in _by_classes(info.get("classes") or ()):
        yield from attributes.items()


def _target(text: Any) -> Any:
    """A mask target as FiftyOne has it: a number, or a color."""
    return int(text) if str(text).strip().lstrip("-").isdigit() else text
