"""Label schema -> LabelField records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from typing import Any

from fo_labelstudio.convert.families import family_in, family_of
from fo_labelstudio.convert.media import DEFAULT, SHOWN_AS, medium_of
from fo_labelstudio.convert.media.medium import Medium
from fo_labelstudio.convert.names import control_name, inner_name, is_showable
from fo_labelstudio.convert.question import Question, kind_of_values
from fo_labelstudio.convert.records import KEYFRAME_TOLERANCE, Attribute, LabelField, Skeleton
from fo_labelstudio.errors import LabelSchemaError

OWN = frozenset(
    ("id", "label", "bounding_box", "mask", "mask_path", "points", "closed", "filled", "attributes", "instance")
)
"""What a label holds besides attributes; asked for in ways of its own."""

_QUESTIONS = {
    "text": ("text", "str"),
    "select": ("select", "str"),
    "radio": ("radio", "str"),
    "checkbox": ("checkbox", "list"),
    "number": ("number", "float"),
    "rating": ("rating", "int"),
    "date": ("date", "date"),
    "datetime": ("datetime", "datetime"),
}
"""Type of an attribute -> how it is asked for, and the kind of its values where nothing else says it."""

ATTRIBUTE_TYPES = tuple(_QUESTIONS)


def parse_label_schema(label_schema: Mapping[str, Mapping[str, Any]]) -> tuple[LabelField, ...]:
    """The label fields of a label schema as FiftyOne completes it, with what the backend adds to it.

    Args:
        label_schema: field name -> ``type, classes, attributes, mask_targets, existing_field, allow_...``, and of our
            own ``scope, tool, skeleton, kind, without_class, beside, columns, per_item``, the key of a shown value, and
            what :func:`with_controls` adds

    Raises:
        LabelSchemaError: there are no classes, a name cannot be shown, or an attribute cannot be asked for

    Source: FiftyOne 1.22.1, ``fiftyone.utils.annotations._build_label_schema``
    """
    fields = tuple(_parse_field(name, info) for name, info in label_schema.items())
    _check_shown(fields)
    return fields


def _check_shown(fields: Iterable[LabelField]) -> None:
    """Refuses values that are shown in two ways, and labels on places of a value that the same run has people correct.

    Raises:
        LabelSchemaError: there are such
    """
    by_name = {field.name: field for field in fields}
    shown: dict[str, LabelField] = {}
    for field in by_name.values():
        if field.shows is None:
            continue
        other = shown.setdefault(field.shows, field)
        if other.medium is not field.medium:
            raise LabelSchemaError(
                f"fields {other.name!r} and {field.name!r} show {field.shows!r} in two ways; show it in one, or clone "
                "it under another name"
            )
        if field.shows in by_name and family_of(field).is_drawn:
            raise LabelSchemaError(
                f"field {field.name!r}: its labels are on {field.shows!r}, which the same run has people correct, so "
                "that they would be in other places of what is corrected; have the correction written to a field of "
                "its own, or take one of them out of the label schema"
            )


def _parse_field(name: str, info: Mapping[str, Any]) -> LabelField:
    if not is_showable(name):
        raise LabelSchemaError(f"field {name!r}: its name holds characters that cannot be shown; rename the field")
    is_scalar = info["type"] == "scalar"
    targets = _targets(name, info["mask_targets"]) if "mask_targets" in info else None
    scope = info.get("scope", DEFAULT.scopes[0])
    if info.get("per_item"):
        _check_per_item(name, info, scope)
    can_lack_class = is_scalar or family_in(scope, info["type"]).can_lack_class
    classes = tuple(targets) if targets else _classes(name, info.get("classes") or (), is_scalar)
    if not classes and not can_lack_class:
        raise LabelSchemaError(f"field {name!r}: there are no classes to choose from; pass classes=[...]")
    return LabelField(
        name=name,
        label_type=info["type"],
        classes=classes,
        control=info.get("control") or control_name(name, info.get("beside") or medium_of(scope).name),
        existing=bool(info.get("existing_field", False)),
        attributes=() if is_scalar or info.get("per_item") else tuple(_attributes(name, info, scope)),
        tool=info.get("tool"),
        targets=targets,
        skeleton=_skeleton(info.get("skeleton")),
        question=_scalar_question(info) if is_scalar else None,
        takes_none=bool(classes) and bool(info.get("without_class", False)),
        scope=scope,
        object_name=info.get("object"),
        data_key=info.get("data_key"),
        object_option=info.get("object_option"),
        labels_control=info.get("labels_control"),
        only_keyframes=bool(info.get("only_keyframes", False)),
        keyframe_tolerance=info.get("keyframe_tolerance", KEYFRAME_TOLERANCE),
        per_item=bool(info.get("per_item", False)),
        shows=next((info[key] for key in shown_keys(info)), None),
        beside=info.get("beside", DEFAULT.name),
        columns=tuple(info.get("columns", ())),
        allow_additions=bool(info.get("allow_additions", True)),
        allow_deletions=bool(info.get("allow_deletions", True)),
        allow_label_edits=bool(info.get("allow_label_edits", True)),
        allow_spatial_edits=bool(info.get("allow_spatial_edits", True)),
    )


def _check_per_item(name: str, info: Mapping[str, Any], scope: str) -> None:
    """Refuses labels of single items where there are no items, or that are nothing but classes.

    Raises:
        LabelSchemaError: there is no list, or another type of label, or attributes are asked for
    """
    family = family_in(scope, info["type"])
    if not medium_of(scope).item or family.is_drawn or not family.holds_list(info["type"]):
        lists = " or ".join(f'"{key}"' for key, medium in SHOWN_AS.items() if medium.item)
        raise LabelSchemaError(
            f'field {name!r}: "per_item" is for fields of several classes on a list, which {lists} names; leave it out'
        )
    asked = [key for key, facts in (info.get("attributes") or {}).items() if not facts.get("discovered")]
    if asked or any(isinstance(entry, Mapping) for entry in info.get("classes") or ()):
        raise LabelSchemaError(
            f"field {name!r}: classes of single items have no attributes in Label Studio; pass attributes=False"
        )


def shown_keys(info: Mapping[str, Any]) -> tuple[str, ...]:
    """The keys of a label schema's entry that name a field whose value the labels are on."""
    return tuple(key for key in SHOWN_AS if info.get(key) is not None)


def shown_medium(name: str, info: Mapping[str, Any]) -> Medium | None:
    """The medium as which the value that the labels of a field are on is shown; None where they are on the sample.

    Args:
        name: name of the label field
        info: its entry of a label schema

    Raises:
        LabelSchemaError: more than one value is named, or one that is no name
    """
    keys = shown_keys(info)
    if len(keys) > 1:
        named = " and ".join(f'"{key}"' for key in keys)
        raise LabelSchemaError(f"field {name!r}: {named} both name what its labels are on; keep one of them")
    if not keys:
        return None
    if not isinstance(info[keys[0]], str) or not is_showable(info[keys[0]]):
        raise LabelSchemaError(
            f'field {name!r}: "{keys[0]}" is {info[keys[0]]!r}, expected the name of a field of the samples'
        )
    return SHOWN_AS[keys[0]]


def _classes(name: str, classes: Iterable[Any], is_scalar: bool) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for entry in classes:
        if isinstance(entry, Mapping):
            found.update(dict.fromkeys(entry["classes"]))
        elif is_scalar and not isinstance(entry, str):
            found[Question.text_of(entry)] = None
        else:
            found[entry] = None
    for class_name in found:
        _check_class(name, class_name)
    return tuple(found)


def _targets(name: str, mask_targets: Mapping[Any, str]) -> dict[str, int | str]:
    targets: dict[str, int | str] = {}
    for key, class_name in mask_targets.items():
        value = str(key).lower() if str(key).startswith("#") else int(key)
        if value in (0, "#000000"):
            continue
        _check_class(name, class_name)
        if class_name in targets:
            raise LabelSchemaError(
                f"field {name!r}: mask targets {targets[class_name]!r} and {value!r} are both {class_name!r}; give "
                "each target a name of its own in `mask_targets`"
            )
        targets[class_name] = value
    if not targets:
        raise LabelSchemaError(f"field {name!r}: there are no mask targets to choose from; pass mask_targets={{...}}")
    return targets


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


def _attributes(name: str, info: Mapping[str, Any], scope: str) -> Iterator[Attribute]:
    entries = [((), info.get("attributes") or {})]
    for entry in info.get("classes") or ():
        if isinstance(entry, Mapping):
            entries.append((tuple(entry["classes"]), entry["attributes"] or {}))
    taken: dict[str, int] = {}
    for classes, attributes in entries:
        for attribute, facts in attributes.items():
            number = taken[attribute] = taken.get(attribute, 0) + 1
            yield _parse_attribute(name, attribute, facts, classes, number, scope)


def _parse_attribute(
    field: str, name: str, facts: Mapping[str, Any], classes: tuple[str, ...], number: int, scope: str
) -> Attribute:
    where = f"field {field!r}, attribute {name!r}"
    if name in OWN:
        raise LabelSchemaError(f"{where}: it is part of the label itself; leave it out of `attributes`")
    if not is_showable(name):
        raise LabelSchemaError(f"{where}: its name holds characters that cannot be shown; rename the attribute")
    values = tuple(facts.get("values") or ())
    tool, kind = _QUESTIONS[facts["type"]]
    if tool == "checkbox" and (not values or set(map(type, values)) == {bool}):
        tool, kind, values = "radio", "bool", (True, False)
    elif tool in ("select", "radio"):
        kind = kind_of_values(values)
    question = Question(tool, facts.get("kind") or kind, () if tool == "text" else values)
    problem = question.problem()
    if problem:
        raise LabelSchemaError(f"{where}: {problem}")
    default = facts.get("default")
    if default is not None and question.problem_of(default):
        raise LabelSchemaError(f"{where}: its default {question.problem_of(default)}")
    control = facts.get("control") or _attribute_control(field, name, number)
    if facts.get("mutable") and scope == medium_of(scope).frame_scope:
        raise LabelSchemaError(
            f'{where}: Label Studio has one answer for all frames of a track; give it "mutable": False, or leave it '
            "out of `attributes`"
        )
    is_read_only, is_discovered = bool(facts.get("read_only", False)), bool(facts.get("discovered", False))
    return Attribute(name, question, control, default, is_read_only, classes, is_discovered)


def _attribute_control(field: str, name: str, number: int) -> str:
    """The name of the control tag of an attribute; of several of one name, the number tells them apart."""
    control = inner_name(control_name(field), name)
    return control if number == 1 else inner_name(control, str(number))


def with_controls(
    label_schema: Mapping[str, Mapping[str, Any]], fields: Iterable[LabelField], data_key: str
) -> dict[str, Any]:
    """A label schema whose fields have the names that somebody else's labeling config gives them.

    Law: ``parse_label_schema(with_controls(label_schema, fields, key)) == fields``, but for ``data_key``.

    Args:
        label_schema: the label schema
        fields: its label fields in the names of a labeling config; attributes that they lack are left out
        data_key: the key of the media in the data of tasks
    """
    named = {}
    for field in fields:
        info = deepcopy(dict(label_schema[field.name]))
        info.update(control=field.control, object=field.object_name, data_key=data_key)
        more = {"object_option": field.object_option, "labels_control": field.labels_control}
        info.update((name, value) for name, value in more.items() if value is not None)
        if field.tool is not None:
            info["tool"] = field.tool
        controls = {(attribute.classes, attribute.name): attribute.control for attribute in field.attributes}
        holders: list[tuple[tuple[str, ...], dict[str, Any]]] = [((), info)]
        holders += [(tuple(entry["classes"]), entry) for entry in info.get("classes") or () if isinstance(entry, dict)]
        for classes, holder in holders:
            asked = holder.get("attributes") or {}
            holder["attributes"] = {
                name: {**facts, "control": controls[classes, name]}
                for name, facts in asked.items()
                if (classes, name) in controls
            }
        named[field.name] = info
    return named


def _skeleton(skeleton: Mapping[str, Any] | None) -> Skeleton | None:
    if skeleton is None:
        return None
    edges = (tuple(edge) for edge in skeleton["edges"])
    return Skeleton(tuple(skeleton["joints"]), tuple(edges))


def _scalar_question(info: Mapping[str, Any]) -> Question:
    values = tuple(info.get("values") or info.get("classes") or ())
    kind = info.get("kind") or (kind_of_values(values) if values else "str")
    if kind == "list":
        return Question("checkbox", kind, values)
    if kind == "bool":
        return Question("radio", kind, (True, False))
    if values:
        return Question("select", kind, values)
    return Question({"str": "text", "int": "number", "float": "number"}.get(kind, kind), kind)
