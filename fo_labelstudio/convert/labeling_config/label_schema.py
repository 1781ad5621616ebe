"""Labeling config -> the label schema that it can carry, and what of it none can.

Law: ``match(parse_label_schema(schema_of(config)), config)`` finds the control tag of each field's name.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from fo_labelstudio.convert.families import family_in, family_of_type, holds_list, is_served
from fo_labelstudio.convert.labeling_config.fit import Wanted, misfits, stars_of
from fo_labelstudio.convert.labeling_config.kinds import (
    Kind,
    facts_of,
    is_bare_shape,
    label_type_of,
    span_label_type,
    span_type,
    with_classes,
)
from fo_labelstudio.convert.labeling_config.match import shown_objects, wanted_by, wanted_for
from fo_labelstudio.convert.labeling_config.read import ControlTag, LabelingConfig
from fo_labelstudio.convert.media import DEFAULT
from fo_labelstudio.convert.media.medium import Medium
from fo_labelstudio.convert.schema import parse_label_schema
from fo_labelstudio.errors import LabelingConfigError, LabelSchemaError

_SCALAR = "scalar"
_KINDS = {"Number": "float", "TextArea": "str"}
_MOST_STARS = 100
_NOT_SENT = {
    Kind.CLASSES: "holds the classes of shapes that other control tags draw",
    Kind.TAXONOMY: "is a tree of choices",
    Kind.RANKING: "compares what it shows",
    Kind.RELATION: "relates regions",
    Kind.TRACK: "draws what gets its class from another control tag than one of its own",
    Kind.SPAN: "marks spans of what is not shown",
    Kind.OTHER_MEDIUM: "is for another medium",
}


def schema_of(config: LabelingConfig, medium: Medium = DEFAULT) -> dict[str, dict[str, Any]]:
    """The label schema of all that a labeling config asks about its image, or video, and we can send.

    A field has the name of its control tag; where its labels live in frames, after ``frames.``. A scalar field has the
    ``kind`` of its values besides what FiftyOne knows.

    Args:
        config: the labeling config
        medium: what the samples are

    Raises:
        LabelingConfigError: it shows no medium of its own, several, or nothing about it can be sent
    """
    schema, left_out = _split(config, medium)
    if not schema:
        raise LabelingConfigError(
            "no label schema can be made of the labeling config; pass label_schema=...:", left_out
        )
    return schema


def left_out_of_schema(config: LabelingConfig, medium: Medium = DEFAULT) -> tuple[str, ...]:
    """What of a labeling config is not in its :func:`schema_of`, with the reason, a message for each control tag."""
    return tuple(_split(config, medium)[1])


def _split(config: LabelingConfig, medium: Medium) -> tuple[dict[str, dict[str, Any]], list[str]]:
    tags = shown_objects(config, medium)
    if len(tags) > 1:
        names = ", ".join(repr(tag.name) for tag in tags)
        raise LabelingConfigError(
            f"the labeling config shows several {medium.noun}s ({names}), so no label schema can be made of it; pass "
            "label_schema=..."
        )
    (shown,) = tags
    schema: dict[str, dict[str, Any]] = {}
    left_out: list[str] = []
    about_regions: list[ControlTag] = []
    controls = [control for control in config.controls.values() if shown.name in control.objects]
    has_classes_apart = any(control.kind is Kind.CLASSES for control in controls)
    apart = _classes_apart(controls)
    for control in config.controls.values():
        if shown.name not in control.objects:
            left_out.append(f"control {control.name!r} asks about something else than the {medium.noun}")
        elif apart is not None and control == apart[1]:
            # Its classes are those of the field of the control tag that draws.
            continue
        elif control.per_region:
            about_regions.append(control)
        else:
            name, info = control.name, None
            if apart is not None and control == apart[0]:
                name, info = f"{medium.frame_scope}.{name}", _info_of_track(*apart)
            elif not (has_classes_apart and is_bare_shape(control.tag)):
                info = _info_of(control, medium)
            if info is None:
                problem: str | None = _reason(control)
            elif not is_served(_scope(name, medium), info["type"]):
                problem = _NOT_SENT[Kind.OTHER_MEDIUM]
            else:
                problem = _problem(name, info, control, medium)
            if info is None or problem:
                left_out.append(f"control {control.name!r} <{control.tag}> {problem}")
            else:
                schema[name] = info
    called = {name: {name.rpartition(".")[2] if _is_of_frames(name, medium) else name} for name in schema}
    if apart is not None and (name := f"{medium.frame_scope}.{apart[0].name}") in schema:
        called[name].add(apart[1].name)
    for control in about_regions:
        problem = _add_attribute(control, schema, medium, called)
        if problem:
            left_out.append(f"control {control.name!r} <{control.tag}> {problem}")
    return schema, left_out


def _classes_apart(controls: Sequence[ControlTag]) -> tuple[ControlTag, ControlTag] | None:
    """The control tag that draws tracks and the one that has their classes, where there is one of each."""
    drawing = [control for control in controls if control.kind is Kind.TRACK]
    naming = [control for control in controls if control.kind is Kind.CLASSES]
    return (drawing[0], naming[0]) if len(drawing) == len(naming) == 1 else None


def _info_of_track(drawing: ControlTag, labels: ControlTag) -> dict[str, Any]:
    return {"type": label_type_of(drawing.tag), "classes": list(labels.classes), "attributes": {}}


def _info_of(control: ControlTag, medium: Medium) -> dict[str, Any] | None:
    """What a label schema says of the field of a control tag; None where there is none."""
    facts = facts_of(control.tag)
    if span_type(control.tag, medium.scopes[0]) is not None:
        return {"type": span_label_type(medium.scopes[0]), "classes": list(control.classes), "attributes": {}}
    if facts is None:
        return None
    if facts.kind is Kind.SCALAR:
        kind = "date" if control.options.get("only") == "date" else "datetime"
        # A field of stars would be one of numbers that anybody may type.
        return None if control.tag == "Rating" else {"type": _SCALAR, "kind": _KINDS.get(control.tag, kind)}
    if facts.kind is Kind.TEXT:
        return {"type": _SCALAR, "kind": _KINDS[control.tag]}
    label_type = label_type_of(control.tag)
    if label_type is None or facts.kind in (Kind.TAXONOMY, Kind.TRACK):
        return None
    if facts.kind is Kind.CHOICES and not control.takes_several:
        (label_type,) = (name for name in family_of_type(label_type).label_types if not holds_list(name))
    return {"type": label_type, "classes": list(control.classes), "attributes": {}}


def _reason(control: ControlTag) -> str:
    facts = facts_of(control.tag)
    if facts is None:
        return "is not known"
    if facts.kind is Kind.SHAPE:
        return "draws shapes whose class, if any, stands in a control of its own"
    if facts.kind is Kind.SCALAR:
        return "asks for stars of the whole image, which no field is sent as"
    return f"{_NOT_SENT[facts.kind]}, which is not sent"


def _problem(name: str, info: dict[str, Any], control: ControlTag, medium: Medium) -> str | None:
    """What keeps a control tag from carrying the field that would be made of it."""
    if control.classes_key is not None:
        return f"takes its classes from the key {control.classes_key!r} of each task"
    facts = facts_of(control.tag)
    if not control.classes and facts is not None and facts.has_classes:
        return "has no classes to choose from"
    tool = with_classes(control.tag)
    drawn_with = {"tool": tool} if tool in family_of_type(info["type"]).tools else {}
    try:
        (field,) = parse_label_schema({name: {**info, **drawn_with, "scope": _scope(name, medium)}})
    except LabelSchemaError as error:
        return f"cannot be a field: {error}"
    if control.tag not in wanted_by(field).tags:
        return "draws what is not sent"
    return _first_misfit(wanted_by(field), control)


def _is_of_frames(name: str, medium: Medium) -> bool:
    return medium.frame_scope is not None and name.startswith(f"{medium.frame_scope}.")


def _scope(name: str, medium: Medium) -> str:
    """Where the labels of a field live."""
    return medium.scopes[-1 if _is_of_frames(name, medium) else 0]


def _first_misfit(wanted: Wanted, control: ControlTag) -> str | None:
    misfit = next(misfits(wanted, control), None)
    return misfit and misfit.partition(f" control {control.name!r} ")[2]


def _add_attribute(
    control: ControlTag, schema: dict[str, dict[str, Any]], medium: Medium, names: Mapping[str, Collection[str]]
) -> str | None:
    """Makes an attribute of the one field whose regions a control tag asks about, or says why not."""
    about = control.options.get("whenTagName")
    drawn = [
        name
        for name, info in schema.items()
        if family_in(_scope(name, medium), info["type"]).is_drawn and (about is None or about in names[name])
    ]
    if len(drawn) != 1:
        return f"asks about the regions of {len(drawn)} fields, where an attribute is one field's"
    facts = next(_facts_of(control), None)
    if facts is None:
        return "asks about each region what no attribute holds"
    info = schema[drawn[0]]
    trial = {**info, "attributes": {control.name: facts}, "scope": _scope(drawn[0], medium)}
    try:
        (field,) = parse_label_schema({drawn[0]: trial})
    except LabelSchemaError as error:
        return f"cannot be an attribute: {error}"
    problem = _first_misfit(wanted_for(field, field.attributes[0], about or drawn[0]), control)
    if problem is None:
        info["attributes"][control.name] = facts
    return problem


def _facts_of(control: ControlTag) -> Iterator[dict[str, Any]]:
    """How a label schema asks for the attribute of a control tag, where one can."""
    if control.kind is Kind.CHOICES:
        asked = "checkbox" if control.takes_several else "select"
        yield {"type": asked, "values": list(control.classes)}
    elif control.kind is Kind.TEXT:
        yield {"type": "text"}
    elif control.tag == "Number":
        yield {"type": "number"}
    elif control.tag == "Rating" and stars_of(control) <= _MOST_STARS:
        yield {"type": "rating", "values": list(range(1, stars_of(control) + 1))}
    elif control.tag == "DateTime":
        yield {"type": "date" if control.options.get("only") == "date" else "datetime"}
