"""The control tags of a project that somebody else made -> the fields that receive what was answered to them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from fo_labelstudio.convert.annotation.added import attribute_of
from fo_labelstudio.convert.families import family_of, family_of_type, holds_list, is_served
from fo_labelstudio.convert.foreign import naming
from fo_labelstudio.convert.foreign.asked import CHOICES, SHAPES, Asked, asked_of, base_name
from fo_labelstudio.convert.foreign.observed import Observed
from fo_labelstudio.convert.foreign.which import ALL, Source, Which
from fo_labelstudio.convert.labeling_config.kinds import label_type_of, span_label_type
from fo_labelstudio.convert.labeling_config.read import LabelingConfig
from fo_labelstudio.convert.media import DEFAULT
from fo_labelstudio.convert.media.medium import Medium
from fo_labelstudio.convert.question import Question
from fo_labelstudio.convert.records import Attribute, LabelField, Skeleton
from fo_labelstudio.errors import LabelSchemaError

NOTE = "note"
"""The attribute that holds the text which people write into the panel of a region."""

CLASSES = "classes"
"""The attribute that holds all classes of a region that has several."""

PATH = "path"
"""The attribute that holds the path of a nested choice."""

CONFIDENCE = "confidence"
"""The attribute that holds the score of a prediction."""

_SOME_CLASS = "\x00"
"""Stands for the classes of a field of which none is known; no class can be called this."""

_VECTOR = "vectorlabels"
_POINTS = "keypointlabels"

_TOOLS = {"vectorlabels": "VectorLabels", "brushlabels": "BrushLabels", "bitmasklabels": "BitmaskLabels"}
_TOOLS |= {"keypointlabels": "KeyPointLabels"}


@dataclass(frozen=True)
class ForeignFields:
    """The fields that receive what a project holds.

    Attributes:
        base: name of a field -> the field, before annotators and models are told apart
        shapes: control tag and kind of region -> name of the field of its regions
        images: control tag and kind of answer -> name of the field of its answers about whole images
        attributes: name of a field -> name of a control tag -> the attribute that holds its answers about regions
        suffixes: whose answers count -> what the names of their fields end in
        ignored: names of control tags whose results have no place; told in the notes
        notes: what the caller is to be told once
        config: the labeling config, where it is known
        medium: what the samples are
    """

    base: Mapping[str, LabelField]
    shapes: Mapping[tuple[str, str], str]
    images: Mapping[tuple[str, str], str]
    attributes: Mapping[str, Mapping[str, Attribute]]
    suffixes: Mapping[Source, str]
    ignored: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()
    config: LabelingConfig | None = None
    medium: Medium = DEFAULT

    @cached_property
    def of_source(self) -> Mapping[Source, Mapping[str, LabelField]]:
        """Whose answers -> name of a field, before annotators and models are told apart -> the field of theirs."""
        return {
            source: {name: _of_source(field, source, suffix) for name, field in self.base.items()}
            for source, suffix in self.suffixes.items()
        }

    @cached_property
    def reading(self) -> Mapping[str, LabelField]:
        """Name of a field -> the field as its regions are read: of any class, and without attributes, for answers are
        read by themselves."""
        return {
            field.name: replace(field, classes=field.classes or (_SOME_CLASS,), attributes=())
            for of_source in self.of_source.values()
            for field in of_source.values()
        }

    @property
    def fields(self) -> tuple[LabelField, ...]:
        """All fields: those of each annotator and model, in the order of the control tags."""
        return tuple(self.of_source[source][name] for name in self.base for source in self.suffixes)

    def control_of(self, from_name: str) -> str:
        """The control tag that a result names, as the labeling config has it, where that repeats it for each item."""
        return base_name(from_name, self.config)

    def controls_of(self, name: str) -> set[str]:
        """The control tags whose answers a field receives."""
        return {control for (control, _), of in (*self.shapes.items(), *self.images.items()) if of == name}

    @property
    def unlisted(self) -> set[str]:
        """The names of the fields of control tags that the labeling config does not have, where it is known."""
        if self.config is None:
            return set()
        known = self.config.controls
        return {name for name in self.base if all(control not in known for control in self.controls_of(name))}

    def only(self, names: Collection[str]) -> ForeignFields:
        """Some of the fields; what the control tags of the others hold has no place.

        Args:
            names: names of fields, before annotators and models are told apart
        """
        base = {name: field for name, field in self.base.items() if name in names}
        places = [*self.shapes.items(), *self.images.items()]
        wanted = {control for (control, _), name in places if name in base}
        unwanted = {control for (control, _), name in places if name not in base} - wanted
        unwanted |= {control for name, of in self.attributes.items() if name not in base for control in of}
        return replace(
            self,
            base=base,
            shapes={key: name for key, name in self.shapes.items() if name in base},
            images={key: name for key, name in self.images.items() if name in base},
            attributes={name: self.attributes[name] for name in base},
            ignored=self.ignored | unwanted,
        )

    def shape_field(self, control: str, kind: str) -> str | None:
        """The name of the field of a region; where its control tag cannot have drawn it, of the only one that can."""
        return self.shapes.get((control, kind)) or _only(self.shapes, kind)

    def image_field(self, control: str, kind: str) -> str | None:
        """The name of the field of an answer about a whole image, or None."""
        if (control, kind) in self.images:
            return self.images[control, kind]
        # The same question, answered by the same control tag in its other form: with paths, or without.
        other = next((one for one in CHOICES - {kind} if kind in CHOICES), kind)
        return self.images.get((control, other))


def _only(roles: Mapping[tuple[str, str], str], kind: str) -> str | None:
    names = {name for (_, of_kind), name in roles.items() if of_kind == kind}
    return names.pop() if len(names) == 1 else None


def _of_source(field: LabelField, source: Source, suffix: str) -> LabelField:
    attributes = field.attributes
    if source.is_prediction and field.question is None:
        has_several = family_of(field).has_joints
        score = Question("text", "list") if has_several else Question("number", "float")
        attributes = (*attributes, Attribute(CONFIDENCE, score, CONFIDENCE))
    return replace(field, name=field.name + suffix, known_as=f"{field.known_as}{suffix}", attributes=attributes)


def fields_of(
    config: LabelingConfig | None,
    observed: Observed | None = None,
    which: Which | None = None,
    names: Mapping[str, str] | None = None,
    label_types: Collection[str] | None = None,
    medium: Medium = DEFAULT,
) -> ForeignFields:
    """The fields that receive what a project holds: one for each control tag, of its name as far as that can be.

    Control tags that ask about regions become attributes of the labels of these regions.

    Args:
        config: the labeling config of the project; None where it is not known
        observed: what its results are like; needed where the labeling config is not known, and where all annotators or
            all model versions are asked for
        which: which answers count; those that were observed by default
        names: name of a control tag -> the name of its field, or of its attribute
        label_types: the label types that are wanted, as FiftyOne or we call them; all by default
        medium: what the samples are; labels that are drawn on single frames are in fields of ``frames``

    Raises:
        LabelSchemaError: a name is of no control tag, or two control tags of different kinds are to share a field
    """
    which = which or (observed.which if observed else Which())
    asked, ignored, notes = asked_of(config, observed, medium)
    names = dict(names or {})
    _check_names(names, asked, ignored)
    maker = _Maker(names, asked, medium)
    for one in asked:
        maker.add(one)
    if observed and observed.relation_names:
        called = ", ".join(map(repr, sorted(observed.relation_names)))
        notes.append(f"relations are kept without what they are called ({called})")
    found = ForeignFields(
        maker.base,
        maker.shapes,
        maker.images,
        {name: maker.attributes.get(name, {}) for name in maker.base},
        _suffixes(which, observed),
        frozenset(ignored),
        tuple(notes),
        config,
        medium,
    )
    if label_types is None:
        return found
    return found.only([name for name, field in maker.base.items() if is_of_type(field, label_types)])


def is_of_type(field: LabelField, label_types: Collection[str]) -> bool:
    """Whether a field is of one of some label types, as FiftyOne or we call them."""
    return not {field.label_type, family_of(field).filed_as}.isdisjoint(label_types)


def can_share(known: LabelField, field: LabelField) -> bool:
    """Whether two control tags can have one field."""
    if known.label_type != field.label_type or known.question is not None or not holds_list(field.label_type):
        return False
    # Masks say themselves how they are coded; vectors and points are read differently.
    return known.tool == field.tool or "mask" in family_of(field).aspects


def _suffixes(which: Which, observed: Observed | None) -> dict[Source, str]:
    found: dict[Source, str] = {}
    if which.annotations == ALL:
        people = observed.annotators if observed else set()
        found.update((Source(False, name), suffix) for name, suffix in naming.suffixes_of(people).items())
    elif which.annotations is not None:
        found[Source(False, None)] = ""
    if which.predictions is not None:
        versions = (observed.versions if observed else set()) if which.predictions == ALL else {which.predictions}
        found.update((Source(True, name), suffix) for name, suffix in naming.suffixes_of(versions).items())
    return found


def _check_names(names: Mapping[str, str], asked: Sequence[Asked], ignored: Collection[str]) -> None:
    known = dict.fromkeys([*(one.control for one in asked), *ignored])
    strange = [name for name in names if name not in known]
    if strange:
        raise LabelSchemaError(
            f"there is no control tag {', '.join(map(repr, strange))} to name a field for; the project has "
            f"{', '.join(map(repr, known)) or 'none'}"
        )


class _Maker:
    """Makes fields and attributes of what is asked.

    Args:
        names: the names that the caller gives
        asked: all that is asked
        medium: what the samples are
    """

    def __init__(self, names: Mapping[str, str], asked: Sequence[Asked], medium: Medium):
        self.base: dict[str, LabelField] = {}
        self.shapes: dict[tuple[str, str], str] = {}
        self.images: dict[tuple[str, str], str] = {}
        self.attributes: dict[str, dict[str, Attribute]] = {}
        self._names = names
        self._asked = asked
        self._medium = medium
        self._scope = medium.scopes[0]

    def add(self, one: Asked) -> None:
        """Makes the field of a control tag, if it becomes one."""
        if one.kind in SHAPES:
            label_type = _label_type_of(one)
            tool = _TOOLS.get(one.kind)
            field = LabelField(
                "",
                label_type,
                one.classes,
                one.control,
                existing=False,
                tool=tool if tool in family_of_type(label_type).tools else None,
                skeleton=Skeleton(tuple(map(str, range(one.joints))), ()) if one.joints else None,
                takes_unexpected=True,
                takes_none=True,
                scope=one.scope or self._scope_of(label_type),
            )
            name = self._place(one, field, self.shapes)
            attributes = self._attributes_of(one, name)
            self.attributes.setdefault(name, {}).update(attributes)
            own = [attribute_of(NOTE, "str")]
            own += [attribute_of(CLASSES, "list")] if one.has_several else []
            self._extend(name, [*attributes.values(), *own])
        elif one.about_images and one.values is not None:
            field = LabelField(
                "",
                "scalar",
                (),
                one.control,
                existing=False,
                question=one.values,
                keeps_present=True,
                takes_unexpected=True,
                scope=self._scope,
            )
            self._place(one, field, self.images)
        elif one.about_images:
            field = LabelField(
                "",
                _label_type_of(one),
                one.classes,
                one.control,
                existing=False,
                takes_unexpected=True,
                scope=self._scope,
            )
            name = self._place(one, field, self.images)
            self._extend(name, [attribute_of(PATH, "list")] if one.has_paths else [])

    def _scope_of(self, label_type: str) -> str:
        """Where labels of a type live that are drawn: on the medium, or on its frames."""
        return next(scope for scope in self._medium.scopes if is_served(scope, label_type))

    def _place(self, one: Asked, field: LabelField, roles: dict[tuple[str, str], str]) -> str:
        """Puts a field into its place, or takes the one that is to be shared, and says what it is called."""
        given = self._names.get(one.control)
        is_second = any(control == one.control for control, _ in (*self.shapes, *self.images))
        prefix = f"{field.scope}." if field.is_of_frames else ""
        name = naming.field_name(one.control) if given is None else given.removeprefix(prefix)
        name = f"{prefix}{name}"
        if is_second and name in self.base and not can_share(self.base[name], field):
            # One control tag whose results are of several kinds.
            name = naming.unique(f"{name}_{family_of(field).filed_as}", self.base)
        elif given is None and name in self.base and not is_second:
            name = naming.unique(name, self.base)
        if name not in self.base:
            # Labels keep their ids where the caller names the field otherwise.
            self.base[name] = replace(field, name=name, known_as=one.control)
        elif not can_share(self.base[name], field):
            other = self.base[name]
            raise LabelSchemaError(
                f"field {name!r} cannot hold what control tag {one.control!r} holds ({field.label_type}), for it holds "
                f"that of {other.control!r} ({other.label_type}); give each a name of its own"
            )
        else:
            known = self.base[name]
            self.base[name] = replace(known, classes=tuple(dict.fromkeys((*known.classes, *field.classes))))
        roles[one.control, one.kind] = name
        return name

    def _attributes_of(self, shape: Asked, name: str) -> dict[str, Attribute]:
        """The attributes of the labels of a control tag: control tag that asks about its regions -> attribute."""
        found: dict[str, Attribute] = {}
        taken = {NOTE, CLASSES, CONFIDENCE, *(attribute.name for attribute in self.base[name].attributes)}
        for one in self._asked:
            if not one.about_regions or one.kind in SHAPES or not _concerns(one, shape):
                continue
            # In configs of ours, the name of the control tag that draws the regions comes first.
            owners = [of.control for of in self._asked if of.kind in SHAPES and _is_inner(one.control, of.control)]
            if owners and shape.control not in owners:
                continue
            owner = shape.control if owners else None
            given = self._names.get(one.control) if not one.about_images else None
            attribute = given or naming.unique(naming.attribute_name(one.control, owner), taken)
            taken.add(attribute)
            found[one.control] = attribute_of(attribute, _kind_of(one))._replace(control=one.control)
        return found

    def _extend(self, name: str, attributes: Iterable[Attribute]) -> None:
        known = {attribute.name for attribute in self.base[name].attributes}
        new = [attribute for attribute in attributes if attribute.name not in known]
        self.base[name] = replace(self.base[name], attributes=(*self.base[name].attributes, *new))


def _concerns(one: Asked, shape: Asked) -> bool:
    """Whether a control tag that asks about regions may ask about those of another."""
    return not one.objects or not shape.objects or bool(set(one.objects) & set(shape.objects))


def _is_inner(control: str, owner: str) -> bool:
    return control.startswith(f"{owner}%.")


def _kind_of(one: Asked) -> str:
    """The kind of the attribute that holds answers about regions."""
    if one.values is not None:
        return one.values.kind
    return "list" if one.has_several else "str"


def _label_type_of(one: Asked) -> str:
    """The label type of a control tag that becomes labels."""
    if one.scope:
        return span_label_type(one.scope)
    label_type = label_type_of(_POINTS if one.kind == _VECTOR and one.is_of_points else one.kind)
    if label_type is None:
        raise TypeError(f"{one.kind!r} becomes no label")
    if one.kind in CHOICES and not one.has_several:
        return next(name for name in family_of_type(label_type).label_types if not holds_list(name))
    return label_type
