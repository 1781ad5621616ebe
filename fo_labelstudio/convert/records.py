"""The plain records that conversion and merge speak of; what they do with them stands elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any, NamedTuple

from fo_labelstudio.convert.media import DEFAULT, MEDIUM_NAMED, medium_of
from fo_labelstudio.convert.media.medium import MediaInfo, Medium, ShownValue
from fo_labelstudio.convert.names import control_name, data_key, inner_name, is_showable
from fo_labelstudio.convert.question import Question


class Skeleton(NamedTuple):
    """The joints of a keypoint field, as FiftyOne keeps them in ``dataset.skeletons``.

    Attributes:
        joints: the name of each point, in order
        edges: pairs of indices of joints that are connected
    """

    joints: tuple[str, ...]
    edges: tuple[tuple[int, int], ...]


class Attribute(NamedTuple):
    """One attribute of the labels of a field.

    Attributes:
        name: its name on the FiftyOne label
        question: what is asked for, and how
        control: name of its control tag
        default: what a new label gets where nothing was answered, or None
        read_only: whether it is shown but never merged
        classes: the classes whose labels have it; all where empty
        is_discovered: whether nobody asked for it, so that values that cannot be shown are left out, not refused
    """

    name: str
    question: Question
    control: str
    default: Any = None
    read_only: bool = False
    classes: tuple[str, ...] = ()
    is_discovered: bool = False

    def is_of(self, class_name: str | None) -> bool:
        """Whether labels of a class have it."""
        return not self.classes or class_name in self.classes


KEYFRAME_TOLERANCE = 0.001
"""Relative to the frame: one pixel of a thousand, less than a person sees, and than trackers jitter."""


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
        attributes: what else is asked of each label
        tool: name of the control tag that draws its regions, where the family has a choice
        targets: class -> value of its pixels in a mask: a number, or ``#rrggbb``
        skeleton: the joints of its keypoints, if they have names or edges
        question: what a scalar field asks for; None for a field of labels
        keeps_present: whether a value that is there, and that no load has written, stays
        takes_unexpected: whether classes that the label schema lacks are taken too, and answers about regions to
            control tags that somebody added
        scope: where its labels live, one of the scopes of a medium
        object_name: name of the object tag that it annotates, where that is not the one of its medium
        takes_none: whether labels without a class are among those that have one
        data_key: key of the media in the data of tasks, where that is not the name of the object tag
        object_option: what the object tag says of the media file, as its medium's ``option``, where it is not ours
        labels_control: name of the control tag that has its classes, where another one draws, and it is not ours
        only_keyframes: whether the boxes of its tracks say which of them are keyframes
        keyframe_tolerance: how far boxes between keyframes may be off that are sent, relative to the frame
        shows: the field of the samples whose value its labels are on, where that is not their media
        beside: name of the medium of the samples themselves, where its labels are on such a value; None where tasks
            do not show that
        columns: names of the columns of such a value, or of the samples' files, where its object tag names them
        per_item: whether each of its classes is of one item of a list, rather than of all
        known_as: what the ids of labels that are made in Label Studio are made of, where that is not the name
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
    attributes: tuple[Attribute, ...] = ()
    tool: str | None = None
    targets: Mapping[str, int | str] | None = None
    skeleton: Skeleton | None = None
    question: Question | None = None
    keeps_present: bool = False
    takes_unexpected: bool = False
    scope: str = DEFAULT.scopes[0]
    object_name: str | None = None
    takes_none: bool = False
    data_key: str | None = None
    object_option: str | None = None
    labels_control: str | None = None
    only_keyframes: bool = False
    keyframe_tolerance: float = KEYFRAME_TOLERANCE
    known_as: str | None = None
    per_item: bool = False
    shows: str | None = None
    beside: str | None = DEFAULT.name
    columns: tuple[str, ...] = ()

    @property
    def medium(self) -> Medium:
        """What its labels are on."""
        return medium_of(self.scope)

    @cached_property
    def to_name(self) -> str:
        """The name of the object tag that it annotates."""
        if self.object_name is None and self.shows is not None:
            return inner_name(control_name(self.shows), self.medium.name)
        return self.object_name or self.medium.name

    @property
    def shown_value(self) -> ShownValue:
        """How the value that its labels are on is shown.

        Raises:
            TypeError: its labels are on what shows the sample itself
        """
        if self.shows is None or self.medium.shown_value is None:
            raise TypeError(f"field {self.name!r} is on the {self.medium.noun} of the sample")
        return self.medium.shown_value

    @cached_property
    def shown_key(self) -> str | None:
        """The key of the value that its labels are on in the data of tasks, where that is not the sample's media."""
        return None if self.shows is None else data_key(self.shows)

    @property
    def lists_files(self) -> bool:
        """Whether the value that its labels are on lists files, whose addresses the data of tasks hold."""
        return self.shows is not None and self.shown_value.paths_of is not None

    def paths_in(self, value: Any) -> tuple[str, ...]:
        """The paths of the files that a value of a sample lists; none where its labels are on no list."""
        paths_of = self.shown_value.paths_of
        return () if paths_of is None else paths_of(value)

    def media_in(
        self, media: MediaInfo, data: Mapping[str, Any], lists: Mapping[str, MediaInfo] = MappingProxyType({})
    ) -> MediaInfo:
        """What its labels are on.

        Args:
            media: the media of the sample
            data: the data of its task
            lists: key of a list of files in the data -> what is known of the files
        """
        if self.shown_key is not None:
            return lists.get(self.shown_key) or self.shown_value.parse(data.get(self.shown_key))
        shown = self.medium.shown_value if self.medium.content is not None else None
        return media if shown is None else shown.parse(data.get(self.data_key or self.medium.name))

    @cached_property
    def is_on_list(self) -> bool:
        """Whether its labels are on a list of media, or on items of one."""
        return bool(self.medium.item)

    @property
    def is_of_frames(self) -> bool:
        """Whether its labels are on single frames; each that is annotated then goes over several of them."""
        return self.scope == self.medium.frame_scope

    @property
    def tells_keyframes(self) -> bool:
        """Whether loads say of boxes that are made which of them are keyframes, as FiftyOne does."""
        return self.only_keyframes or not self.existing

    @property
    def is_locked(self) -> bool:
        """Whether nothing about a label that was sent may be changed."""
        may_change = self.allow_deletions or self.allow_label_edits or self.allow_spatial_edits
        return not may_change and all(attribute.read_only for attribute in self.attributes)

    @cached_property
    def class_set(self) -> frozenset[str]:
        """The classes, for looking one up."""
        return frozenset(self.classes)

    @property
    def scalar_question(self) -> Question:
        """What a scalar field asks for.

        Raises:
            TypeError: it is a field of labels
        """
        if self.question is None:
            raise TypeError(f"field {self.name!r} is of type {self.label_type!r}, not a scalar field")
        return self.question

    def takes_class(self, name: object) -> bool:
        """Whether a label may be of a class, or have none; in masks, one without a target has no number."""
        if name is None:
            return self.takes_none or not self.classes
        if not isinstance(name, str):
            return False
        return name in self.class_set or (self.takes_unexpected and self.targets is None and is_showable(name))


def objects_of(fields: Iterable[LabelField]) -> dict[str, Medium]:
    """The objects that a task of some label fields shows: name of the object tag -> medium; the sample's own first."""
    fields = tuple(fields)
    return {**_own_objects(fields), **{name: field.medium for name, field in shown_by(fields).items()}}


def _own_objects(fields: Sequence[LabelField]) -> dict[str, Medium]:
    """The objects that show the sample itself; none where only values of it are shown."""
    own_first = sorted(fields, key=lambda field: field.object_name is not None)
    own = {field.to_name: field.medium for field in own_first if field.shows is None}
    beside = next((field.beside for field in fields), DEFAULT.name)
    return own or ({} if beside is None else {beside: MEDIUM_NAMED[beside]})


def shows_media(fields: Iterable[LabelField]) -> bool:
    """Whether a task of some label fields shows the sample itself, rather than values of it alone."""
    return bool(_own_objects(tuple(fields)))


def shown_by(fields: Iterable[LabelField]) -> dict[str, LabelField]:
    """The objects that show values of a sample: name of the object tag -> a field whose labels are on the value."""
    return {field.to_name: field for field in fields if field.shows is not None}


def shown_names(fields: Iterable[LabelField]) -> tuple[str, ...]:
    """The fields of samples whose values are shown."""
    return tuple(dict.fromkeys(field.shows for field in fields if field.shows is not None))


def lists_of(fields: Iterable[LabelField]) -> dict[str, LabelField]:
    """The lists of files that a task shows: key in its data -> a field whose labels are on them."""
    return {field.shown_key: field for field in fields if field.shown_key is not None and field.lists_files}


def shows_files(fields: Iterable[LabelField]) -> bool:
    """Whether tasks of some label fields hold addresses of files."""
    fields = tuple(fields)
    return bool(address_key_of(fields) or lists_of(fields))


def carried_keys(fields: Iterable[LabelField]) -> tuple[str, ...]:
    """The keys in the data of tasks of what labels are on, where that is no file that the server reads."""
    fields = tuple(fields)
    keys = [field.shown_key for field in fields if field.shown_key is not None]
    own = media_key_of(fields)
    return tuple(dict.fromkeys([*keys, own] if own and not address_key_of(fields) else keys))


def shown_data(fields: Iterable[LabelField], values: Mapping[str, Any]) -> dict[str, Any]:
    """What the data of a task holds of the values that it shows.

    Args:
        fields: the label fields
        values: field of the samples -> its value
    """
    shown = ((field.shows, field.shown_value) for field in fields if field.shows is not None)
    return {data_key(name): value.to_data(values.get(name)) for name, value in shown}


def problems_of_shown(fields: Iterable[LabelField], values: Mapping[str, Any]) -> list[str]:
    """What keeps the values of a sample from being shown.

    Args:
        fields: the label fields
        values: field of the samples -> its value
    """
    shown = {(field.shows, field.scope): field for field in fields if field.shows is not None}
    found = (
        (name, field.shown_value.problem_of(values[name]) or _other_columns(field, values[name]))
        for (name, _), field in shown.items()
        if values.get(name) is not None
    )
    return [f"its {name!r} {problem}" for name, problem in found if problem]


def _other_columns(field: LabelField, value: Any) -> str | None:
    columns_of = field.shown_value.columns_of
    return None if columns_of is None else _other_names(columns_of(value), field)


def problem_of_columns(fields: Iterable[LabelField], media: MediaInfo) -> str | None:
    """What keeps the file of a sample from being shown as the others of the run are, or None."""
    field = next((field for field in fields if field.shows is None and field.columns), None)
    return None if field is None else _other_names(media.columns, field)


def _other_names(found: tuple[str, ...], field: LabelField) -> str | None:
    # Their order says nothing, for the database need not keep it; their case, nothing to the editor.
    if {name.lower() for name in found} == {name.lower() for name in field.columns}:
        return None
    named, expected = (", ".join(map(repr, names)) for names in (found, field.columns))
    return f"has the columns {named}, and the first one of the run {expected}; give all the same, or leave it out"


def medium_of_fields(fields: Iterable[LabelField]) -> Medium:
    """What the samples are that some label fields annotate."""
    return next(iter(objects_of(fields).values()))


def media_key_of(fields: Iterable[LabelField]) -> str:
    """The key of a sample's media in the data of tasks of some label fields; empty where tasks do not show that."""
    fields = tuple(fields)
    own = next(iter(_own_objects(fields)), "")
    return own and next((field.data_key for field in fields if field.data_key), own)


def address_key_of(fields: Iterable[LabelField]) -> str:
    """The key of the address of a sample's media in the data of tasks; empty where these hold none."""
    fields = tuple(fields)
    return media_key_of(fields) if medium_of_fields(fields).content is None else ""


def object_option_of(fields: Iterable[LabelField]) -> str | None:
    """What the object tag of some label fields says of the media file, where it is not ours; None where it is."""
    return next((field.object_option for field in fields if field.object_option is not None), None)


Region = dict[str, Any]
"""One item of a prediction's or an annotation's result."""


class Aspect(NamedTuple):
    """One thing about a label that a person can change by itself.

    Attributes:
        attributes: the attributes of the FiftyOne label that it governs -> the value that absence stands for
        permission: the flag of the label schema that allows the change
        is_whole: whether its attributes only make sense together, so that all are written when one has changed
    """

    attributes: Mapping[str, Any]
    permission: str
    is_whole: bool = False


class RegionAnswer(NamedTuple):
    """What was answered about a region.

    Attributes:
        control: name of the control tag
        kind: the kind of its values: ``str``, ``int``, ``float``, ``date`` or ``datetime``
        values: JSON that stands for them; several only where they are strings
    """

    control: str
    kind: str
    values: tuple[Any, ...]


class ParsedLabel(NamedTuple):
    """What regions say of one label, checked, in Label Studio's units.

    Attributes:
        key: what tells the label from the others of its field in its task
        values: aspect -> JSON value, rounded where the editor adds noise, or tuple of bytes; what follows a ``/`` in
            the name of an aspect tells parts of it apart
        media: what the values refer to
        notes: what had to be changed to make a FiftyOne label of it
        answers: what was answered about its regions to control tags that somebody added
    """

    key: str
    values: dict[str, Any]
    media: MediaInfo
    notes: tuple[str, ...] = ()
    answers: tuple[RegionAnswer, ...] = ()


class LabelAnswer(NamedTuple):
    """What came back of one label that was changed, or is new.

    Attributes:
        label_id: its id
        parsed: what its regions now say
        aspects: names of what was changed; of all that it has, where it is new
        sent: aspect -> digest of what was sent
        is_part: whether it only adds to what the label has, for nobody was shown that
    """

    label_id: str
    parsed: ParsedLabel
    aspects: tuple[str, ...]
    sent: Mapping[str, Any]
    is_part: bool = False


class SentLabel(NamedTuple):
    """A label as it was sent, as far as its regions hold it.

    Attributes:
        answer: what its regions say
        confidence: its confidence, or None where it had none
    """

    answer: LabelAnswer
    confidence: float | None


RELATED = "related_to"
"""The attribute of a label that holds the ids of the labels that relations lead to."""
