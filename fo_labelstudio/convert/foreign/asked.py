"""What the control tags of a project ask for, told by its labeling config, by its results, or by both."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from fo_labelstudio.convert.foreign.observed import Observed, Seen
from fo_labelstudio.convert.labeling_config.kinds import Kind, drawn_kind, facts_of
from fo_labelstudio.convert.labeling_config.read import ControlTag, LabelingConfig
from fo_labelstudio.convert.media import DEFAULT
from fo_labelstudio.convert.media.medium import Medium
from fo_labelstudio.convert.question import Question
from fo_labelstudio.convert.shapes.spans import SPAN_KINDS
from fo_labelstudio.convert.times import parse_time
from fo_labelstudio.messages import with_article

SHAPES: tuple[str, ...] = ("rectanglelabels", "brushlabels", "bitmasklabels", "polygonlabels", "ellipselabels")
SHAPES += ("vectorlabels", "keypointlabels", "videorectangle", "timelinelabels")
_SPANS = frozenset(kind.region_type for kind in SPAN_KINDS.values())
SHAPES += tuple(sorted(_SPANS))
"""Kinds of regions."""

CHOICES = frozenset(("choices", "taxonomy"))
"""Kinds of answers that become classes."""

_TIME = datetime(2001, 2, 3, 4, 5, 6)


class Asked(NamedTuple):
    """What one control tag asks for.

    Attributes:
        control: its name
        kind: the ``type`` of its results; of regions, the one that has a class
        objects: names of the object tags that it asks about; none where that does not matter
        classes: what can be chosen, as far as that is known
        has_several: whether several can be chosen at once
        about_regions: whether it asks about regions
        about_images: whether it asks about whole images
        values: the question for its values, where it has no classes
        has_paths: whether its choices are paths
        is_of_points: whether its vectors are the points of a skeleton
        joints: how many points these have, where that is known
        scope: where its labels live, where they are spans
    """

    control: str
    kind: str
    objects: tuple[str, ...]
    classes: tuple[str, ...]
    has_several: bool
    about_regions: bool
    about_images: bool
    values: Question | None = None
    has_paths: bool = False
    is_of_points: bool = False
    joints: int = 0
    scope: str = ""


def base_name(from_name: str, config: LabelingConfig | None) -> str:
    """The name of a control tag in the labeling config, which may repeat it for each item of a list."""
    control = config.control_of(from_name) if config else None
    return from_name if control is None else control.options.get("name", control.name)


def asked_of(
    config: LabelingConfig | None, observed: Observed | None, medium: Medium = DEFAULT
) -> tuple[list[Asked], set[str], list[str]]:
    """What is asked, the names of the control tags that have no place, and notes about these."""
    asked, ignored, notes = [], set(), []
    for control in config.controls.values() if config else ():
        seen = _seen_of(control, config, observed)
        one = _of_config(control, config, seen, medium) if config else None
        if isinstance(one, Asked):
            asked.append(one)
        elif one is not None:
            ignored.add(control.name)
            notes.append(f"control tag {control.name!r} (<{control.tag}>) {one}; left out")
    known = {(one.control, one.kind) for one in asked}
    if observed:
        for one in _of_results(config, observed, known):
            if one.control in ignored:
                continue
            asked.append(one)
            if config and one.control not in config.controls:
                notes.append(unlisted_note(one.control))
        for name in sorted(observed.rankings - ignored):
            ignored.add(name)
            notes.append(f"control tag {name!r} compares objects, for which FiftyOne has no label; left out")
        for name, kinds in observed.others.items():
            if name not in ignored and name not in {one.control for one in asked}:
                ignored.add(name)
                kind = ", ".join(f"{number} of type {kind!r}" for kind, number in kinds.items())
                note = f"control tag {name!r} has results that are not for {medium.noun}s ({kind}); left out"
                is_unclear = config is None and not _SPANS.isdisjoint(kinds)
                notes.append(f"{note}, unless labeling_config says what they are on" if is_unclear else note)
    return asked, ignored, notes


def unlisted_note(control: str) -> str:
    """What the caller is told of a control tag that the labeling config does not have."""
    return f"control tag {control!r} is not in the labeling config; read from its results"


def _seen_of(control: ControlTag, config: LabelingConfig | None, observed: Observed | None) -> dict[str, Seen]:
    """What the results of a control tag of the labeling config are like."""
    if observed is None:
        return {}
    found: dict[str, Seen] = {}
    for name, kinds in observed.controls.items():
        if base_name(name, config) == control.name:
            found.update(kinds)
    return found


def _of_config(
    control: ControlTag, config: LabelingConfig, seen: Mapping[str, Seen], medium: Medium
) -> Asked | str | None:
    """What a control tag asks for; or why it has no place; or None where its results are part of those of others."""
    kind, facts = control.kind, facts_of(control.tag)
    media = {config.objects[name].medium for name in control.objects if name in config.objects}
    is_about, drawn = config.is_about(control, medium), drawn_kind(control.tag, medium)
    is_drawn = kind in (Kind.SHAPE, Kind.TRACK, Kind.RANGE)
    if kind is Kind.RANKING:
        return "compares objects, for which FiftyOne has no label"
    if control.name in config.spans:
        return _spans(control, config.spans[control.name])
    if kind is Kind.OTHER_MEDIUM or ((is_drawn or kind is Kind.CLASSES) and not is_about):
        return f"is about {', '.join(sorted(media)) or 'something else'}, not about {with_article(medium.noun)}"
    if is_drawn and drawn is None:
        return f"draws what no label on {with_article(medium.noun)} is made of"
    if kind in (None, Kind.RELATION) or facts is None:
        return None
    if drawn is not None:
        is_labelled = facts.has_classes
        classes = control.classes if is_labelled else _classes_beside(control, config)
        return Asked(
            control.name,
            drawn,
            control.objects,
            classes,
            has_several=_takes_several(control, config) or any(one.has_several for one in seen.values()),
            about_regions=False,
            about_images=False,
            is_of_points=control.options.get("skeleton") == "true" or _joints_of(control) > 0,
            joints=_joints_of(control),
        )
    if kind is Kind.CLASSES:
        # Of regions that have classes of their own already, what else is said of them.
        beside = [other for other in config.controls.values() if _has_own_classes(other) and _share(control, other)]
        several = control.takes_several
        return (
            Asked(control.name, "choices", control.objects, control.classes, several, True, False) if beside else None
        )
    shown = config.shown(medium)
    if not is_about and (not control.objects or len(shown) != 1 or shown[0].is_list):
        return f"is about {', '.join(sorted(media)) or 'nothing'}, and no single {medium.noun} is shown with it"
    return _question(control, seen)


def _spans(control: ControlTag, scope: str) -> Asked:
    return Asked(
        control.name,
        SPAN_KINDS[scope].region_type,
        control.objects,
        control.classes,
        has_several=control.takes_several,
        about_regions=False,
        about_images=False,
        scope=scope,
    )


def _question(control: ControlTag, seen: Mapping[str, Seen]) -> Asked:
    name = "textarea" if control.kind is Kind.TEXT else control.tag.lower()
    about_regions = control.per_region or any(one.about_regions for one in seen.values())
    about_images = not control.per_region or any(one.about_images for one in seen.values())
    values = None if name in CHOICES else _values_of(name, control.options, seen.get(name))
    return Asked(
        control.name,
        name,
        # Answers about a text that is shown with the image are about the sample.
        control.objects if control.per_region else (),
        control.classes,
        has_several=control.takes_several if name in CHOICES else False,
        about_regions=about_regions,
        about_images=about_images,
        values=values,
        has_paths=control.is_nested or "taxonomy" in seen,
    )


def _values_of(kind: str, options: Mapping[str, str], seen: Seen | None) -> Question:
    """The question for the values of a control tag that has no classes."""
    if kind == "rating":
        return Question("rating", "int")
    if kind == "number":
        is_whole = options.get("step", "").isdecimal() and not (seen and seen.has_fractions)
        return Question("number", "int" if is_whole else "float")
    if kind == "textarea":
        is_one = options.get("maxSubmissions") == "1" if options else not (seen and seen.has_several)
        return Question("text", "str" if is_one else "list")
    of = _time_kind(options) if options else None
    if of is None:
        found = seen.value_kinds if seen else set()
        of = "str" if found - {"date", "datetime"} else "date" if found == {"date"} else "datetime"
    return Question("text", "str") if of == "str" else Question(of, of)


def _time_kind(options: Mapping[str, str]) -> str | None:
    """The kind of the values of a ``<DateTime>``.

    Source: Label Studio docs, tag DateTime: ``only`` names the parts that are asked for, ``format`` is that of strftime
    """
    written = options.get("format")
    if written:
        try:
            parse_time(_TIME.strftime(written))
        except ValueError:
            return "str"
    parts = {part.strip() for part in options.get("only", "").split(",")} - {""}
    if not parts or {"date", "time"} <= parts:
        return "datetime"
    return "date" if "date" in parts else "str"


def _joints_of(control: ControlTag) -> int:
    """The number of joints of a skeleton of ours, whose control tag limits the points of one open path; or 0."""
    options = control.options
    is_ours = options.get("closable") == options.get("curves") == "false"
    most = options.get("maxPoints", "")
    return int(most) if is_ours and most.isascii() and most.isdecimal() and len(most) < 5 else 0


def _has_own_classes(control: ControlTag) -> bool:
    facts = facts_of(control.tag)
    return facts is not None and facts.shape is not None and facts.has_classes


def _share(one: ControlTag, other: ControlTag) -> bool:
    return bool(set(one.objects) & set(other.objects))


def _beside(control: ControlTag, config: LabelingConfig) -> list[ControlTag]:
    """The control tags that give the regions of another their classes."""
    return [other for other in config.controls.values() if other.kind is Kind.CLASSES and _share(control, other)]


def _classes_beside(control: ControlTag, config: LabelingConfig) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for other in _beside(control, config) for name in other.classes))


def _takes_several(control: ControlTag, config: LabelingConfig) -> bool:
    return any(one.takes_several for one in (control, *_beside(control, config)))


def _of_results(
    config: LabelingConfig | None, observed: Observed, known: Collection[tuple[str, str]]
) -> Iterator[Asked]:
    """What results ask for that the labeling config does not, where it is known."""
    kinds_known = {kind: sum(of == kind for _, of in known) for _, kind in known}
    for from_name, kinds in observed.controls.items():
        control = base_name(from_name, config)
        # The kind that most of its results have gives the field its name.
        for kind, seen in sorted(kinds.items(), key=lambda row: -row[1].count):
            others = CHOICES if kind in CHOICES else {kind}
            if any((control, other) in known for other in others) or (kind in SHAPES and kinds_known.get(kind) == 1):
                continue
            if kind == "choices" and "taxonomy" in kinds:
                continue
            merged = [kinds[other] for other in CHOICES & kinds.keys()] if kind in CHOICES else [seen]
            yield Asked(
                control,
                kind,
                tuple(seen.to_names),
                tuple(dict.fromkeys(name for one in merged for name in one.classes)),
                has_several=kind == "taxonomy" or any(one.has_several for one in merged),
                about_regions=any(one.about_regions for one in merged),
                about_images=any(one.about_images for one in merged),
                values=None if kind in CHOICES or kind in SHAPES else _values_of(kind, {}, seen),
                has_paths=kind == "taxonomy",
                is_of_points=seen.has_branches,
            )
