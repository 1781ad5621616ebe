"""A label schema, and what is to be added to it -> the label schema with both, and what cannot be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any, NamedTuple

from fo_labelstudio.convert.families import family_of
from fo_labelstudio.convert.question import Question
from fo_labelstudio.convert.records import Attribute, LabelField, media_key_of

_ASKED = ("classes", "attributes", "mask_targets")
"""The keys of a field of a label schema that can grow."""


class Extended(NamedTuple):
    """A label schema with what is added to it.

    Attributes:
        label_schema: the label schema
        problems: what cannot be, each with its field and remedy
    """

    label_schema: dict[str, Any]
    problems: list[str]


def extended(label_schema: Mapping[str, Any], given: Mapping[str, Any]) -> Extended:
    """A label schema that asks for more than before.

    Args:
        label_schema: the label schema of a run, complete
        given: field -> ``classes``, ``attributes``, ``mask_targets`` that it is to have; what is not named stays
    """
    merged = deepcopy(dict(label_schema))
    problems: list[str] = []
    for name, facts in given.items():
        if name not in merged:
            known = ", ".join(map(repr, merged))
            problems.append(
                f"field {name!r} is not one of the run, which has {known}; annotate it under another anno_key"
            )
        elif not isinstance(facts, Mapping):
            problems.append(f"field {name!r}: pass a dict of classes and attributes, not {type(facts).__name__}")
        else:
            problems += [f"field {name!r}: {problem}" for problem in _extend(merged[name], facts)]
    return Extended(merged, problems)


def _extend(info: dict[str, Any], given: Mapping[str, Any]) -> Iterator[str]:
    """Adds to a field what is given; says what cannot be."""
    for key in given:
        if key not in _ASKED and given[key] != info.get(key):
            yield f"its {key} is {info.get(key)!r} and stays; leave {key!r} out, or use another anno_key"
    targets = info.get("mask_targets")
    if given.get("mask_targets") is not None:
        yield from _extend_targets(info, given["mask_targets"])
    if given.get("classes") is not None:
        if targets:
            yield "its classes are those of its mask targets; pass mask_targets"
        else:
            yield from _extend_classes(info, given["classes"])
    if given.get("attributes"):
        yield from _extend_attributes(info.setdefault("attributes", {}), given["attributes"])


def _extend_targets(info: dict[str, Any], given: Mapping[Any, str]) -> Iterator[str]:
    if not info.get("mask_targets"):
        yield "it has no mask targets, which stays so"
        return
    known = {_target(key): name for key, name in info["mask_targets"].items()}
    asked = {_target(key): name for key, name in given.items()}
    for key, name in known.items():
        if asked.get(key) != name:
            yield f"its mask target {key} is {name!r}, and can be neither taken away nor changed; pass it as it is, too"
    info["mask_targets"] = {**info["mask_targets"], **{key: asked[key] for key in asked if key not in known}}


def _target(key: Any) -> str:
    return str(key).lower()


def _extend_classes(info: dict[str, Any], given: Iterable[Any]) -> Iterator[str]:
    known = _names_of(info.get("classes") or ())
    if not known:
        yield "it has no classes to choose from, which stays so; use another anno_key"
        return
    entries = list(given)
    asked = _names_of(entries)
    lost = [name for name in known if name not in asked]
    if lost:
        yield f"classes can only be added, and {', '.join(map(repr, lost))} would be taken away; list them, too"
    classes = list(info["classes"])
    for entry in entries:
        new = [name for name in _names_of([entry]) if name not in known]
        if not isinstance(entry, Mapping):
            classes += [entry] if new else []
        elif len(new) == len(_names_of([entry])):
            classes.append({**entry, "attributes": _as_dict(entry.get("attributes"))})
        elif new or entry not in info["classes"]:
            yield f"the classes {entry['classes']!r} are there in part, or otherwise; list the new ones by themselves"
    info["classes"] = classes


def _names_of(entries: Iterable[Any]) -> list[str]:
    names: dict[str, None] = {}
    for entry in entries:
        found = entry["classes"] if isinstance(entry, Mapping) else [entry]
        names.update(dict.fromkeys(map(Question.text_of, found)))
    return list(names)


def _extend_attributes(known: dict[str, Any], given: Any) -> Iterator[str]:
    for name, facts in _as_dict(given).items():
        if name not in known:
            known[name] = facts
            continue
        before = known[name]
        for key, value in facts.items():
            if key == "values":
                lost = [item for item in before.get("values") or () if item not in value]
                if lost:
                    yield f"attribute {name!r}: its values {lost!r} would be taken away; list them, too"
                more = [item for item in value if item not in (before.get("values") or ())]
                before["values"] = [*(before.get("values") or ()), *more]
            elif key != "recommended" and not (key == "type" and "recommended" in facts) and value != before.get(key):
                yield f"attribute {name!r}: its {key} is {before.get(key)!r} and stays, not {value!r}"


def _as_dict(given: Any) -> dict[str, dict[str, Any]]:
    """Attributes as a dict of how each is asked for; where nothing is said of one, the dataset may know."""
    if isinstance(given, str):
        given = [given]
    open_ = {"type": "text", "recommended": True}
    if isinstance(given, Mapping):
        return {name: dict(facts) if facts else dict(open_) for name, facts in given.items()}
    return {name: dict(open_) for name in (given if isinstance(given, (list, tuple, set)) else ())}


def as_before(completed: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """A field of a label schema that was completed anew, with all that it had before as that was.

    Args:
        completed: the field
        before: the field as it was
    """
    kept = {key: value for key, value in before.items() if key not in (*_ASKED, "values")}
    attributes = dict(completed.get("attributes") or {})
    for name, facts in (before.get("attributes") or {}).items():
        wider = {"values": attributes[name]["values"]} if "values" in attributes.get(name, ()) else {}
        attributes[name] = {**facts, **wider}
    return {**completed, **kept, "attributes": attributes}


def changes_of(before: Sequence[LabelField], now: Sequence[LabelField]) -> list[str]:
    """What of label fields is otherwise than before, rather than more."""
    problems = []
    for old, new in zip(before, now, strict=True):
        problems += [f"field {old.name!r}: {problem}" for problem in _changes_of(old, new)]
    return problems


def _changes_of(old: LabelField, new: LabelField) -> Iterator[str]:
    for what, facts in {
        "its label type": (old.label_type, new.label_type),
        "its control tag": (old.control, new.control),
        "its tool": (old.tool, new.tool),
        "its object tag": (old.to_name, new.to_name),
        "the key of its media": (media_key_of([old]), media_key_of([new])),
        "how it is asked for": (_way_of(old.question), _way_of(new.question)),
        "the type of its regions": (family_of(old).region_types_of(old), family_of(new).region_types_of(new)),
    }.items():
        if facts[0] != facts[1]:
            yield f"{what} would change from {facts[0]!r} to {facts[1]!r}; use another anno_key"
    now = {(attribute.name, attribute.classes): attribute for attribute in new.attributes}
    for attribute in old.attributes:
        other = now.get((attribute.name, attribute.classes))
        if other is None or _identity_of(attribute) != _identity_of(other):
            yield f"attribute {attribute.name!r} would be asked for otherwise; use another name for what is new"


def _identity_of(attribute: Attribute) -> tuple[Any, ...]:
    return attribute.control, _way_of(attribute.question), attribute.default, attribute.read_only


def _way_of(question: Question | None) -> tuple[str, str, bool] | None:
    return None if question is None else (question.tool, question.kind, bool(question.values))
