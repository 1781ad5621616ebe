"""Labels of single frames <-> the labels that people see in the editor, each of which lives in many frames.

A track, a box that is in one frame only, and a run of equal classes are one label each, as the database would store it:

- ``_id``: what it is known by, the same as long as it exists, whichever frames it comes to have; see :func:`tracks_of`
- ``_cls``: ``"FrameLabel"``
- ``label``: its class, that of its first frame
- ``labels``: where its class changes, frame number -> class from there on; missing where it does not
- ``index``, and any other attribute that has the same value in all of its frames
- ``frames``: frame number, as text -> what the frame stores of it besides these, in the order of the frames

So what changes all frames is a change of one value, and what changes one frame is one of ``frames``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from copy import copy, deepcopy
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from functools import cache
from math import isfinite
from types import MappingProxyType
from typing import Any

import fiftyone.core.fields as fof
import fiftyone.core.labels as fol
from bson import ObjectId

from fo_labelstudio.convert.numbers import is_finite
from fo_labelstudio.convert.shapes.ranges import Range
from fo_labelstudio.convert.stored import LabelDoc
from fo_labelstudio.convert.track_frames import values_of

FRAMES = "frames"
LABELS = "labels"
LACKS = "lacks"
"""Names the attributes that all frames share and one does not have; only between two loads."""

_OF_DOCS = frozenset(("_id", "_cls"))
_OWN = frozenset(("_id", "_cls", "label", LABELS, FRAMES))

OF_FRAMES = frozenset(("bounding_box", "rotation", "keyframe", "mask", "mask_path", "confidence"))
"""What each frame has for itself, even where all have the same."""


class FrameLabel(fol._HasID, fol.Label):  # type: ignore[misc]
    """A label that lives in frames; it only ever exists in memory."""

    label = fof.StringField()
    labels = fof.Field()
    index = fof.IntField()
    frames = fof.Field()

    def __setattr__(self, name: str, value: Any) -> None:
        if name == FRAMES:
            # MongoEngine (0.29) would make labels of the documents in it.
            self._data[name] = value
        else:
            super().__setattr__(name, value)

    def copy(self) -> FrameLabel:
        """A copy with an id of its own, as of any label, but with the same documents of frames, and the same instance.

        FiftyOne (1.22.1) gives copies of an instance another id.
        """
        kept = (self.frames, self.get_attribute_value("instance", None))
        copy: FrameLabel = deepcopy(self, {id(value): value for value in kept})
        return copy


def tracks_of(frames: Mapping[int, Sequence[LabelDoc]], sample_id: str) -> list[LabelDoc]:
    """The tracks, and the boxes that are in one frame only, in the boxes of the frames of a sample.

    What has the same instance is a track; what has none, the same index. Where an index is there twice in one frame,
    its tracks are told apart by class, and what still shares a frame is a box for itself. A track is known by the id of
    its instance, or by one that is made of the sample and of its index, and a single box by its own.

    Args:
        frames: frame number -> the labels of the frame, as the database stores them
        sample_id: the id of the sample that has the frames
    """
    groups: dict[_Key, list[tuple[str, LabelDoc]]] = {}
    for number in sorted(frames):
        text = str(number)
        for doc in frames[number]:
            groups.setdefault(_key(doc), []).append((text, doc))
    found = (track for key, boxes in groups.items() for track in _told_apart(key, boxes))
    return [_composed(track_id(key, sample_id), docs) for key, docs in found]


_Key = tuple[Any, ...]


def runs_of(
    frames: Mapping[int, Sequence[LabelDoc]],
    known: Mapping[str, str] = MappingProxyType({}),
    ranges: Mapping[str, Sequence[Range]] = MappingProxyType({}),
) -> list[LabelDoc]:
    """The runs of equal classes over consecutive frames in the classifications of the frames of a sample.

    A run is known by the id of its first label, unless it is known by another one already.

    Args:
        frames: frame number -> the labels of the frame, as the database stores them
        known: id of a label -> what the run is known by that the label belongs to: of each run that was sent, and of
            those that were written, what :func:`anchors` says; all that have one name are one run
        ranges: what a run is known by -> the frames that it has, where it is known that it is in no others
    """
    pieces: list[_Piece] = []
    latest: list[_Piece] = []
    for number in sorted(frames):
        # Those that are known come first, for the others go on with what is left.
        going_on = [piece for piece in latest if piece.last == number - 1]
        several = going_on if len(frames[number]) > 1 else ()
        derived = {label_id_at(piece.name, number) for piece in several}
        labels = sorted(frames[number], key=lambda doc: (str(doc["_id"]) not in known, doc["_id"] not in derived))
        places: dict[int, _Piece] = {}
        for doc in labels:
            owner = known.get(str(doc["_id"]))
            fitting = [piece for piece in going_on if piece.fits(doc, owner, ranges)]
            if fitting:
                piece = (
                    fitting[0] if len(fitting) == 1 else max(fitting, key=lambda one: one.nearness(doc, owner, ranges))
                )
                going_on.remove(piece)
            else:
                piece = _Piece(doc.get("label"))
                pieces.append(piece)
            piece.owner = piece.owner or owner
            piece.docs[str(number)] = doc
            piece.last = number
            places[id(doc)] = piece
        # In the order of the frame, whatever is known, so that one that is not tells the same apart as before.
        latest = [places[id(doc)] for doc in frames[number]]
    runs: dict[str, dict[str, LabelDoc]] = {}
    for piece in pieces:
        # Two labels of one frame cannot be one.
        name = piece.first if runs.get(piece.name, {}).keys() & piece.docs.keys() else piece.name
        runs.setdefault(name, {}).update(piece.docs)
    return [_composed(ObjectId(name), docs) for name, docs in runs.items()]


@dataclass
class _Piece:
    """Labels of one class in consecutive frames.

    Attributes:
        label: the class
        owner: what the run is known by that it belongs to, or None
        docs: frame number -> label
        last: the number of its last frame
    """

    label: Any
    owner: str | None = None
    docs: dict[str, LabelDoc] = dataclass_field(default_factory=dict)
    last: int = 0

    def fits(self, doc: LabelDoc, owner: str | None, ranges: Mapping[str, Sequence[Range]]) -> bool:
        """Whether it may go on with a label, which belongs to the run that is known by an id, or to any."""
        if self.label != doc.get("label"):
            return False
        if owner is not None:
            return self.owner in (None, owner)
        return self.owner not in ranges or self._is_within(ranges)

    def nearness(
        self, doc: LabelDoc, owner: str | None, ranges: Mapping[str, Sequence[Range]]
    ) -> tuple[bool, bool, bool]:
        """How surely it goes on with a label that fits others, too."""
        is_own = owner is not None and self.owner == owner
        return is_own, doc["_id"] == label_id_at(self.name, self.last + 1), self._is_within(ranges)

    def _is_within(self, ranges: Mapping[str, Sequence[Range]]) -> bool:
        """Whether the next frame is known to be one of its run."""
        return any(first <= self.last + 1 <= last for first, last in ranges.get(self.owner or "", ()))

    @property
    def first(self) -> str:
        """The id of its first label."""
        return str(next(iter(self.docs.values()))["_id"])

    @property
    def name(self) -> str:
        """What its run is known by."""
        return self.owner or self.first


def anchors(doc: LabelDoc, shared: Collection[str] = ()) -> list[str]:
    """The ids of the labels of frames by which :func:`runs_of` finds a run again.

    They are the first of each piece of it, and all of those that another run of its class might take.

    Args:
        doc: the run
        shared: the numbers of the frames that have other labels of its class
    """
    found = []
    last = -1
    for number, label in doc[FRAMES].items():
        if int(number) != last + 1 or number in shared:
            found.append(str(label["_id"]))
        last = int(number)
    return found


def frame_docs(doc: LabelDoc | None) -> dict[int, LabelDoc]:
    """What each frame stores of a label, by frame number; nothing of None.

    Where it is new, what its frames lack of what tells it from others is made: their ids, and of several boxes an
    instance, so that it is found again as the same. What a frame has for itself counts before what all share.
    """
    if doc is None:
        return {}
    shared = {name: value for name, value in doc.items() if name not in _OWN}
    docs: dict[int, LabelDoc] = {}
    for (text, own), label in zip(doc[FRAMES].items(), _classes(doc), strict=True):
        number = int(text)
        made = {} if "_id" in own else {"_id": label_id_at(str(doc["_id"]), number) if docs else doc["_id"]}
        if made and len(doc[FRAMES]) > 1 and own["_cls"] == fol.Detection.__name__:
            made["instance"] = instance_of(doc["_id"])
        docs[number] = {**made, **own, **shared, "label": label, **own}
        if LACKS in own:
            lacking = {LACKS, *own[LACKS]}
            docs[number] = {name: value for name, value in docs[number].items() if name not in lacking}
    return docs


def own_doc(doc: LabelDoc, label: LabelDoc, number: str) -> LabelDoc:
    """What a label is to hold of a frame so that the frame stores a document, whatever its other frames share.

    Args:
        doc: what the frame is to store
        label: the label that gets it
        number: the number of the frame
    """
    ((_, given),) = frame_docs({**label, FRAMES: {number: {"_id": doc["_id"], "_cls": doc["_cls"]}}}).items()
    own = {
        name: value
        for name, value in doc.items()
        if name in _OF_DOCS or not is_in_all(value, [given.get(name, _MISSING)])
    }
    lacking = [name for name in given if name not in doc]
    return {**own, LACKS: lacking} if lacking else own


def without_own(own: LabelDoc, names: Collection[str]) -> LabelDoc:
    """What a label holds of a frame, without saying of some attributes that the frame has other ones than all share."""
    lacking = own.get(LACKS, ())
    if not any(name in own or name in lacking for name in names):
        return own
    kept = {name: value for name, value in own.items() if name not in names and name != LACKS}
    left = [name for name in lacking if name not in names]
    return {**kept, LACKS: left} if left else kept


def places_in(doc: LabelDoc) -> dict[str, Any]:
    """Where a label is seen: frame number -> its box there, if it has one."""
    return {number: label.get("bounding_box") for number, label in (doc.get(FRAMES) or {}).items()}


def changed_frames(before: LabelDoc | None, after: LabelDoc | None) -> dict[int, LabelDoc | None]:
    """What is to be written so that the frames say what a label is to be.

    Args:
        before: the label as it is stored; None where it is new
        after: the label as it is to be, of which any attribute may have changed; None where it is to be deleted

    Returns:
        frame number -> the document that the frame is to store, or None where it is to have none, for those that change
    """
    stored, final = frame_docs(before), frame_docs(after)
    return {
        number: final.get(number)
        for number in sorted({*stored, *final})
        if stored.get(number) is None or stored[number] != final.get(number)
    }


def instance_of(label_id: ObjectId) -> dict[str, Any]:
    """The instance that the boxes of a track have which is known by an id, as the database stores it."""
    return {"_id": label_id, "_cls": fol.Instance.__name__}


def label_id_at(label_id: str, number: int) -> ObjectId:
    """The id of the label that a frame gets of a label which it did not have; always the same.

    Args:
        label_id: what the whole is known by
        number: the number of the frame
    """
    return _derived(label_id, str(number))


def confidence_of(frames: Mapping[str, LabelDoc]) -> float | None:
    """The mean of the confidences of a label, or None; a hint for the annotator, never read back."""
    found = values_of(frames, "confidence")
    if found.count(None) == len(found):
        return None
    if {*map(type, found)} == {float} and isfinite(total := sum(found)) and 0 <= min(found) and max(found) <= 1:
        # As nearly all are, of which there may be hundreds of thousands.
        return float(total / len(found))
    known = [min(max(float(confidence), 0.0), 1.0) for confidence in found if is_finite(confidence)]
    return sum(known) / len(known) if known else None


def empty_doc(cls: type[fol.Label], shared: Collection[str] = ()) -> dict[str, Any]:
    """What a frame stores of a new label of which nothing is known, without its id.

    Args:
        cls: its class
        shared: the attributes that its frames have in common, which are left out
    """
    # FiftyOne changes lists in place.
    return {name: copy(value) for name, value in _empty(cls.__name__).items() if name not in shared or name == "_cls"}


@cache
def _empty(cls: str) -> Mapping[str, Any]:
    stored: dict[str, Any] = getattr(fol, cls)().to_dict()
    del stored["_id"]
    return stored


def told(label: Any) -> str:
    """How messages name a label, so that it is found in the dataset, where no label has the id of a track."""
    index, instance = label.index, label.get_attribute_value("instance", None)
    if index is not None:
        return f"the track with index {index}"
    if instance:
        return f"the track of instance {instance['_id'] if isinstance(instance, Mapping) else instance.id}"
    number, first = next(iter(label.frames.items()))
    return f"label {first['_id']}" if len(label.frames) == 1 else f"label {first['_id']}, from frame {number} on"


def needs_index(doc: LabelDoc) -> bool:
    """Whether a label of boxes is a track without an index, which the writer is to give one."""
    return len(doc[FRAMES]) > 1 and doc.get("index") is None


def _key(doc: LabelDoc) -> _Key:
    instance = doc.get("instance")
    if instance and instance.get("_id") is not None:
        return "instance", str(instance["_id"])
    index = doc.get("index")
    return ("id", str(doc["_id"])) if index is None else ("index", index)


_TOLD_APART_BY: tuple[Callable[[LabelDoc], Any], ...] = (lambda doc: doc.get("label"), lambda doc: str(doc["_id"]), id)


def _told_apart(
    key: _Key,
    boxes: Sequence[tuple[str, LabelDoc]],
    by: Sequence[Callable[[LabelDoc], Any]] = _TOLD_APART_BY,
) -> Iterator[tuple[_Key, dict[str, LabelDoc]]]:
    """Boxes of one key, with more in it where a frame has several of them."""
    docs = dict(boxes)
    if len(docs) == len(boxes):
        yield key, docs
        return
    groups: dict[_Key, list[tuple[str, LabelDoc]]] = {}
    for number, doc in boxes:
        groups.setdefault((*key, by[0](doc)), []).append((number, doc))
    for longer, members in groups.items():
        yield from _told_apart(longer, members, by[1:])


def track_id(key: tuple[Any, ...], sample_id: str) -> ObjectId:
    """What a track is known by.

    Args:
        key: what its boxes have in common: ``instance`` or ``index``, or ``id`` of a single box; and the value of it
        sample_id: the id of the sample that has its frames
    """
    kind, known_as, *more = key
    if len(more) > 1:
        return ObjectId(more[1])
    if kind == "index" or more:
        return _derived(sample_id, *map(str, key))
    return ObjectId(known_as)


def _derived(*parts: str) -> ObjectId:
    text = "\x00".join(parts)
    return ObjectId(hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=12).hexdigest())


def _composed(label_id: ObjectId, frames: Mapping[str, LabelDoc]) -> LabelDoc:
    docs = list(frames.values())
    first = docs[0]
    doc: dict[str, Any] = {"_id": label_id, "_cls": FrameLabel.__name__, "label": first.get("label")}
    if changes := _changes_of_class(frames):
        doc[LABELS] = changes
    own = _OWN | OF_FRAMES
    shared = {
        name: value
        for name, value in first.items()
        if name not in own and is_in_all(value, [doc.get(name, _MISSING) for doc in docs])
    }
    left_out = {*shared, "label"}
    kept = [name for name in first if name not in left_out]
    rest = {
        # Nearly all have the same attributes, and there may be hundreds of thousands.
        number: {name: doc[name] for name in kept}
        if doc.keys() == first.keys()
        else {name: doc[name] for name in doc if name not in left_out}
        for number, doc in frames.items()
    }
    return {**doc, **shared, FRAMES: rest}


_MISSING = object()


def is_in_all(value: Any, values: Sequence[Any]) -> bool:
    """Whether all values are the same as one, and of its type."""
    return values.count(value) == len(values) and len({*map(type, values)}) == 1


def _changes_of_class(frames: Mapping[str, LabelDoc]) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    now = next(iter(frames.values())).get("label")
    for number, doc in frames.items():
        if doc.get("label") != now:
            now = changes[number] = doc.get("label")
    return changes


def _classes(doc: LabelDoc) -> Iterator[Any]:
    """The class of a label in each of its frames."""
    changes = sorted(((int(number), label) for number, label in (doc.get(LABELS) or {}).items()), reverse=True)
    label = doc.get("label")
    for number in map(int, doc[FRAMES]):
        while changes and changes[-1][0] <= number:
            label = changes.pop()[1]
        yield label
