"""Label fields + somebody else's labeling config -> the label fields in the names of that labeling config.

Control tags are told by their names, then by what they ask for and their classes. Where more than one fits, nothing is
guessed.

Law: ``match(fields, read(to_labeling_config(fields))).fields == tuple(fields)``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from fo_labelstudio.convert import attributes
from fo_labelstudio.convert.families import family_of
from fo_labelstudio.convert.families.polylines import VECTOR
from fo_labelstudio.convert.labeling_config.fit import Wanted, misfits
from fo_labelstudio.convert.labeling_config.kinds import Kind, facts_of, is_bare_shape, with_classes, without_classes
from fo_labelstudio.convert.labeling_config.read import ControlTag, LabelingConfig, ObjectTag, read
from fo_labelstudio.convert.media.medium import Medium
from fo_labelstudio.convert.records import Attribute, LabelField, medium_of_fields, shown_by, shows_media
from fo_labelstudio.errors import LabelingConfigError


class Match(NamedTuple):
    """What stands for the label fields in a labeling config.

    Attributes:
        fields: the label fields, with the names of its control tags and of its object tag
        shown: the object tag that they are about; its key is that of the media in a task's data
    """

    fields: tuple[LabelField, ...]
    shown: ObjectTag


class _Found(NamedTuple):
    """The control tags that stand for what is wanted, by its place, and what keeps others from being found."""

    controls: dict[int, ControlTag]
    problems: list[str]


def match(fields: Sequence[LabelField], config: LabelingConfig) -> Match:
    """The label fields in the names of a labeling config.

    Attributes of labels that nobody asked for, and that it has no control tag for, are left out.

    Args:
        fields: the label fields, with the names that we would give their control tags
        config: the labeling config

    Raises:
        LabelingConfigError: it does not fit; ``problems`` names each control tag, field and remedy
    """
    medium = medium_of_fields(fields)
    own = [field for field in fields if field.shows is None]
    is_shown = shows_media(fields)
    columns = next((field.columns for field in own if field.columns), ())
    objects = shown_objects(config, medium, bool(own), columns) if is_shown else _objects_of_value(fields[0], config)
    shown, named = _matched(own, objects, config, medium.nouns) if own else (objects[0], {})
    for field in shown_by(fields).values():
        on_it = [other for other in fields if other.shows is not None and other.to_name == field.to_name]
        named.update(_matched(on_it, _objects_of_value(field, config), config, field.medium.nouns)[1])
    return Match(tuple(named[field.name] for field in fields), shown)


def _matched(
    fields: Sequence[LabelField], objects: Sequence[ObjectTag], config: LabelingConfig, noun: str
) -> tuple[ObjectTag, dict[str, LabelField]]:
    """The one object tag of some that label fields on one object fit, and the fields in the names of its control tags.

    Args:
        fields: the label fields
        objects: the object tags that can show what they are on
        config: the labeling config
        noun: how messages name what the object tags show, in the plural

    Raises:
        LabelingConfigError: they fit none, or several
    """
    tried = [(shown, *_match_on(shown, fields, config)) for shown in objects]
    fitting = [(shown, matched) for shown, matched, problems in tried if not problems]
    if len(fitting) > 1:
        names = " and ".join(repr(shown.name) for shown, _ in fitting)
        raise LabelingConfigError(
            f"the label schema fits the {noun} {names} of the labeling config alike; take the control tags "
            "of one of them out of it, or use another project"
        )
    if not fitting:
        problems = min((problems for _, _, problems in tried), key=len)
        raise LabelingConfigError(
            f"the labeling config does not fit the label schema in {len(problems)} ways:", problems
        )
    shown, matched = fitting[0]
    return shown, {field.name: field for field in matched}


def _objects_of_value(field: LabelField, config: LabelingConfig) -> list[ObjectTag]:
    """The object tags that show the value that the labels of a field are on.

    Raises:
        LabelingConfigError: there is none
    """
    shown = [
        tag
        for tag in config.shown(field.medium)
        if tag.key == field.shown_key and tag.is_list == bool(field.medium.item)
    ]
    if not shown:
        tag, named = field.medium.object_tag(field.medium.name).tag, field.medium.value_attribute
        raise LabelingConfigError(
            f"field {field.name!r}: the labeling config does not show {field.shows!r}, which its labels are on; add "
            f'<{tag} name="{field.medium.name}" {named}="${field.shown_key}"/>, or leave the field out'
        )
    return _showing_values(shown, field.medium, field.columns)


def _showing_values(shown: list[ObjectTag], medium: Medium, columns: Sequence[str]) -> list[ObjectTag]:
    """Those of some object tags that show what stands in a task's data as ours do.

    Raises:
        LabelingConfigError: none of them does
    """
    value = medium.shown_value
    options = {tag: dict(tag.options) for tag in shown} if value else {}
    problems = {
        tag: value and (value.problem_of_options(said) or value.problem_of_columns(said, columns))
        for tag, said in options.items()
    }
    found = [tag for tag in shown if not problems.get(tag)]
    if not found:
        raise LabelingConfigError(
            "; ".join(f"<{tag.tag}> {tag.name!r} of the labeling config {problem}" for tag, problem in problems.items())
        )
    return found


def check_own_config(xml: str, fields: Sequence[LabelField]) -> Match:
    """Makes sure that a labeling config of the user's own can carry the label fields.

    Args:
        xml: the labeling config
        fields: the label fields, with the names that we would give their control tags

    Returns:
        the label fields in the names of the labeling config

    Raises:
        LabelingConfigError: Label Studio would not take it, it shows nothing of the samples, or does not fit; names all
            that is wrong
    """
    config = read(xml)
    if config.problems:
        raise LabelingConfigError("the labeling config is not as Label Studio wants it:", config.problems)
    return match(fields, config)


def shown_objects(
    config: LabelingConfig, medium: Medium, is_asked_about: bool = True, columns: Sequence[str] = ()
) -> list[ObjectTag]:
    """The object tags that can show the one media file of a sample.

    Args:
        config: the labeling config
        medium: what the samples are
        is_asked_about: whether a control tag must ask about it
        columns: names of the columns of what is shown, where they are known

    Raises:
        LabelingConfigError: there is none
    """
    if not is_asked_about and not config.shown(medium):
        raise LabelingConfigError(
            f"the labeling config shows no {medium.noun}; pass show_media=False to send values of the samples alone"
        )
    if is_asked_about:
        config.check_shows(medium)
    shown = [tag for tag in config.shown(medium) if tag.key is not None and not tag.is_list]
    shown = [tag for tag in shown if not any(flag in tag.name for flag in config.index_flags)]
    if not shown:
        names = ", ".join(repr(tag.name) for tag in config.shown(medium))
        example = f'<{medium.object_tag(medium.name).tag} name="{medium.name}" value="${medium.name}"/>'
        raise LabelingConfigError(
            f"the labeling config shows lists of {medium.noun}s, or always the same one ({names}); use one that shows "
            f"the {medium.noun} of a task, such as {example}"
        )
    return shown if medium.content is None else _showing_values(shown, medium, columns)


def _match_on(
    shown: ObjectTag, fields: Sequence[LabelField], config: LabelingConfig
) -> tuple[list[LabelField], list[str]]:
    """The label fields in the names of what asks about one object, and what does not fit."""
    controls = [control for control in config.controls.values() if shown.name in control.objects]
    apart = [(number, row) for number, field in enumerate(fields) for row in wanted_apart(field)]
    found = _assigned([*map(wanted_by, fields), *(row for _, row in apart)], controls, shown)
    of_classes = {
        number: found.controls[place].name
        for place, (number, _) in enumerate(apart, len(fields))
        if place in found.controls
    }
    named = {
        number: _with_control(field, found.controls[number], of_classes.get(number), shown)
        for number, field in enumerate(fields)
        if number in found.controls
    }
    taken = {control.name for control in found.controls.values()}
    left = [control for control in controls if control.name not in taken]
    asked = [
        (number, attribute) for number, field in enumerate(fields) if number in named for attribute in field.attributes
    ]
    together = [(number, attribute) for number, attribute in asked if not _has_many_controls(fields[number])]
    wanted = [
        wanted_for(fields[number], attribute, family_of(named[number]).class_control(named[number]))
        for number, attribute in together
    ]
    answered = _assigned(wanted, left, shown)
    chosen = {row: answered.controls.get(place) for place, row in enumerate(together)}
    problems = [*found.problems, *answered.problems]
    for number, field in named.items():
        problems += _items_asked(field, found.controls[number], shown)
    for (number, attribute), control in chosen.items():
        problems += [] if control is None else _items_asked(named[number], control, shown, attribute.name)
    matched = []
    for number, field in named.items():
        if _has_many_controls(field):
            kept, missing = _with_many_controls(fields[number], left, shown)
            problems += missing
        else:
            rows = [(attribute, chosen[number, attribute]) for attribute in fields[number].attributes]
            kept = [attribute._replace(control=control.name) for attribute, control in rows if control is not None]
        matched.append(replace(field, attributes=tuple(kept)))
        problems += _classes_of_none(field, left)
    return matched, problems


def _items_asked(
    field: LabelField, control: ControlTag, shown: ObjectTag, attribute: str | None = None
) -> Iterator[str]:
    """Why a control tag cannot stand for a field, or an attribute: it asks about each item of a list, or about all."""
    if not shown.is_list or family_of(field).is_drawn or control.per_item == field.per_item:
        return
    where = f"field {field.name!r}" if attribute is None else f"field {field.name!r}, attribute {attribute!r}"
    wish = 'write perItem="true" into it' if field.per_item else "take perItem out of it"
    asked = "all of them together" if field.per_item else f"each {field.medium.item} by itself"
    yield f"{where}: control {control.name!r} asks about {asked}; {wish}"


def _classes_of_none(field: LabelField, left: Iterable[ControlTag]) -> Iterator[str]:
    """Why labels without a class cannot be drawn with a control tag whose classes stand in another one."""
    apart = [control.name for control in left if control.kind is Kind.CLASSES]
    if apart and not field.classes and family_of(field).class_control(field) != field.control:
        yield (
            f"field {field.name!r}: control {field.control!r} draws what gets its class from control {apart[0]!r}; "
            "pass classes=[...]"
        )


def wanted_by(field: LabelField) -> Wanted:
    """The control tag that a label field needs."""
    family = family_of(field)
    own = family.control_tags(field)[0]
    # A skeleton cannot be told from a path where the joints are not known.
    others = () if family.has_joints and field.skeleton is None else family.tools
    if field.medium.stretches_vectors:
        others = tuple(tool for tool in others if tool != VECTOR)
    tags = tuple(dict.fromkeys((own.tag, *(tool if field.classes else without_classes(tool) for tool in others))))
    return Wanted(f"field {field.name!r}", own, tags, (field.control, field.name, *_short_name(field)))


def wanted_apart(field: LabelField) -> list[Wanted]:
    """The control tags that a label field needs besides the one that draws: those of its classes."""
    names = (family_of(field).class_control(field), field.name, *_short_name(field))
    own = family_of(field).control_tags(field)[1:]
    return [Wanted(f"field {field.name!r}, its classes", tag, (tag.tag,), names) for tag in own]


def _short_name(field: LabelField) -> tuple[str, ...]:
    """What people call a field of frames, who do not know of FiftyOne's names."""
    return (field.name.partition(".")[2],) if field.is_of_frames else ()


def wanted_for(field: LabelField, attribute: Attribute, control: str) -> Wanted:
    """The control tag that an attribute of the labels of a field needs.

    Args:
        field: the field
        attribute: the attribute
        control: name of the field's control tag
    """
    options = {"perRegion": "true"} if family_of(field).is_drawn else {}
    own = attribute.question.control_tag(attribute.control, field.to_name, **options)
    return Wanted(
        f"field {field.name!r}, attribute {attribute.name!r}",
        own,
        (own.tag,),
        (attribute.control, attribute.name),
        field=control,
        limit=attribute.classes,
        only_by_name=attribute.is_discovered,
    )


def _with_control(field: LabelField, control: ControlTag, labels: str | None, shown: ObjectTag) -> LabelField:
    """A label field in the names of a control tag, of the one of its classes, and of what they ask about."""
    is_own = control.tag == wanted_by(field).own.tag
    named = replace(field, control=control.name)
    return replace(
        named,
        tool=field.tool if is_own else with_classes(control.tag),
        labels_control=None if labels == family_of(named).class_control(named) else labels,
        object_name=field.object_name if field.to_name == shown.name else shown.name,
        object_option=_option_of(field, shown),
    )


def _option_of(field: LabelField, shown: ObjectTag) -> str | None:
    """What an object tag says of the media file, where that is not what ours does."""
    medium = field.medium
    own = medium.object_tag(medium.name).get(medium.option) if medium.option else None
    return None if own is None or shown.option == own else shown.option


def _has_many_controls(field: LabelField) -> bool:
    """Whether each class of a field has control tags of its own for the attributes."""
    family = family_of(field)
    return not family.is_drawn and family.holds_list(field.label_type)


def _with_many_controls(
    field: LabelField, controls: Iterable[ControlTag], shown: ObjectTag
) -> tuple[list[Attribute], list[str]]:
    """The attributes of a field whose classes have control tags of their own, which only their names tell."""
    known = {control.name: control for control in controls}
    kept, problems = [], []
    for attribute in field.attributes:
        own = attributes.controls_of(replace(field, attributes=(attribute,)), family_of(field))
        wanted = [wanted_for(field, attribute, field.control)._replace(names=(control.name,)) for control in own]
        missing = [row.names[0] for row in wanted if row.names[0] not in known or not row.is_kind(known[row.names[0]])]
        wrong = [text for row in wanted if row.names[0] not in missing for text in misfits(row, known[row.names[0]])]
        if not missing and not wrong:
            kept.append(attribute)
        elif not attribute.is_discovered:
            problems += wrong
            problems += [
                f"{wanted[0].where}: no control {name!r} <{wanted[0].own.tag}> asks about {shown.name!r}, as one must "
                "for each class; add it, use a type of label that holds one class, or leave the attribute out"
                for name in missing
            ]
    return kept, problems


def _assigned(wanted: Sequence[Wanted], controls: Sequence[ControlTag], shown: ObjectTag) -> _Found:
    """The control tags that stand for what is wanted: those of its name, then those that are left for nothing else."""
    found: dict[int, ControlTag] = {}
    known = {control.name: control for control in controls}
    # Shapes whose class stands in a control of its own are neither labels with a class nor labels without one.
    has_classes_apart = any(control.kind is Kind.CLASSES for control in controls)
    usable = {
        name: control for name, control in known.items() if not (has_classes_apart and is_bare_shape(control.tag))
    }
    taken: set[str] = set()
    for choice in range(max((len(row.names) for row in wanted), default=0)):
        named = {
            number: row.names[choice]
            for number, row in enumerate(wanted)
            if number not in found and choice < len(row.names) and row.names[choice] in usable
            if row.is_kind(usable[row.names[choice]])
        }
        rivals = Counter(named.values())
        new = {number: known[name] for number, name in named.items() if rivals[name] == 1 and name not in taken}
        found.update(new)
        taken.update(control.name for control in new.values())
    problems = {number: list(misfits(wanted[number], control)) for number, control in found.items()}
    while True:
        free = [control for control in usable.values() if control.name not in taken]
        fitting = {
            number: _fitting(row, free)
            for number, row in enumerate(wanted)
            if number not in found and not row.only_by_name
        }
        sure = {number: names[0] for number, names in fitting.items() if len(names) == 1}
        rivals = Counter(sure.values())
        new = {number: known[name] for number, name in sure.items() if rivals[name] == 1}
        if not new:
            break
        found.update(new)
        taken.update(control.name for control in new.values())
    for number, names in fitting.items():
        problems[number] = [*_unmatched(wanted[number], names, wanted, fitting, free, known, shown)]
    for number in [number for number, row in enumerate(wanted) if row.only_by_name and problems.get(number)]:
        del found[number], problems[number]
    return _Found(found, [text for number in sorted(problems) for text in problems[number]])


def _fitting(row: Wanted, controls: Sequence[ControlTag]) -> list[str]:
    """The names of the control tags that can stand for what is wanted, of the best tag that there is."""
    fitting = [control for control in controls if row.is_kind(control) and not any(misfits(row, control))]
    best = min((row.tags.index(control.tag) for control in fitting), default=0)
    return [control.name for control in fitting if control.tag == row.tags[best]]


def _unmatched(
    row: Wanted,
    fitting: Sequence[str],
    wanted: Sequence[Wanted],
    all_fitting: Mapping[int, Sequence[str]],
    free: Sequence[ControlTag],
    known: Mapping[str, ControlTag],
    shown: ObjectTag,
) -> Iterator[str]:
    """Why no control tag stands for what is wanted."""
    if len(fitting) > 1:
        names = " and ".join(map(repr, fitting))
        yield f"{row.where}: the controls {names} fit alike; call the one that is meant {row.names[0]!r}"
        return
    if fitting:
        rivals = [wanted[number].where for number, names in all_fitting.items() if fitting[0] in names]
        others = " and ".join(where for where in rivals if where != row.where)
        yield f"{row.where}: control {fitting[0]!r} fits, and {others} too; call it {row.names[0]!r}, and add another"
        return
    near = [control for control in free if row.is_kind(control)]
    for control in near:
        yield from misfits(row, control)
    if near:
        return
    tags = " or ".join(f"<{tag}>" for tag in row.tags)
    about = f"each region of {shown.name!r}" if row.per_region else repr(shown.name)
    namesake = next((known[name] for name in row.names if name in known), None)
    instead = f" ({namesake.name!r} is a <{namesake.tag}>{_scope(namesake)})" if namesake else _bare_shape(row, known)
    options = ' perRegion="true"' if row.per_region else ""
    rest = "field" if row.field is None else "attribute"
    yield (
        f"{row.where}: no control {tags} is left that asks about {about}{instead}; add <{row.own.tag} "
        f'name="{row.names[-1]}" toName="{shown.name}"{options}>, or leave the {rest} out'
    )


def _scope(control: ControlTag) -> str:
    return " about each region" if control.per_region else ""


def _bare_shape(row: Wanted, known: Mapping[str, ControlTag]) -> str:
    """What is said of a control tag that draws the shape, whose class another one holds."""
    shapes = {facts.shape for tag in row.tags if (facts := facts_of(tag)) is not None and facts.shape is not None}
    for control in known.values():
        facts = facts_of(control.tag)
        if facts is not None and is_bare_shape(control.tag) and facts.shape in shapes:
            return f" ({control.name!r} is a <{control.tag}>, whose class, if any, stands in a control of its own)"
    return ""
