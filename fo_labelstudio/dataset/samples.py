"""Samples of a collection, as the dataset stores them, block by block."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice
from types import MappingProxyType
from typing import Any, NamedTuple

import fiftyone.core.collections as foc
from bson import ObjectId

from fo_labelstudio.convert.amounts import FIRST, next_amount
from fo_labelstudio.convert.box_columns import INSTANCE, BoxColumns
from fo_labelstudio.convert.families import LABEL_TYPES, family_of, has_masks, holds_moments
from fo_labelstudio.convert.frame_labels import FRAMES
from fo_labelstudio.convert.media.medium import MediaInfo, Medium
from fo_labelstudio.convert.records import LabelField
from fo_labelstudio.convert.stored import LabelDoc, StoredLabel, StoredLabels, list_name
from fo_labelstudio.convert.task.origin import to_hidden
from fo_labelstudio.convert.task.write import HIDDEN_FRAMES
from fo_labelstudio.dataset import mask_files
from fo_labelstudio.dataset.frame_ranges import FrameRange
from fo_labelstudio.dataset.internals import (
    aggregate,
    collection_of,
    is_clips,
    is_generated,
    root_dataset,
    stages_of,
    videos_of,
)
from fo_labelstudio.dataset.place import Place, Scope, value_at
from fo_labelstudio.dataset.plain_frames import WHOLE_SAMPLES, is_by_mask, without_frame_filters

SAMPLES_PER_BLOCK = 500
"""Samples held at once. Label Studio imports 500 to 2,000 tasks a request fastest (1.23.2, SQLite)."""

_NUMBER = "frame_number"

_READ_OF_FRAMES = (
    *("_id", "_cls", "label", "index", "instance", "keyframe"),
    *("bounding_box", "rotation", "confidence", "attributes"),
)
"""What is read of the labels of frames, besides the attributes that are asked for."""

_TOLD_APART_BY = ("_id", "_cls", "label", "index", "instance")

_ONLY_LESS = WHOLE_SAMPLES | {"ExcludeLabels", "FilterLabels", "MatchFrames", "MatchLabels", "SelectLabels"}
"""The stages that may leave out labels or frames, and make none (FiftyOne 1.22.1)."""

SAMPLES_PER_BLOCK_WITH_MASKS = 20
"""The same where samples hold masks, which take megabytes each."""


class StoredSample(NamedTuple):
    """One sample, as the dataset stores it.

    Attributes:
        id: its id
        path: what its media field holds
        info: what its metadata says of its media file, or None
        values: label field -> its stored value; fields that are new are missing
        shown: field that its task is to show -> its stored value
        score_value: the value of the field that is the score of its prediction, where there is one
    """

    id: str
    path: str | None
    info: MediaInfo | None
    values: Mapping[str, Any]
    shown: Mapping[str, Any]
    score_value: Any = None


def read_blocks(
    samples: foc.SampleCollection,
    fields: Sequence[LabelField],
    media_field: str,
    problems: list[str],
    metadata_of: Medium | None = None,
    sample_ids: Sequence[str] | None = None,
    without: Collection[str] = (),
    task_fields: Sequence[str] = (),
    score_field: str | None = None,
    ranges: Mapping[str, FrameRange] = MappingProxyType({}),
) -> Iterator[list[StoredSample]]:
    """The samples of a collection, each once, in blocks of SAMPLES_PER_BLOCK.

    Args:
        samples: the collection
        fields: the label fields of the run
        media_field: the field that holds the paths of the media
        problems: receives a message for each sample that is gone; such samples are left out
        metadata_of: the medium of which the samples' metadata is read, if it is
        sample_ids: the samples to read, where that is not all of them
        without: ids of samples that are passed over
        task_fields: the fields that tasks are to show
        score_field: the field that is the score of predictions
        ranges: id of a sample, or of a clip -> the frames of which moments are read, where these are not all
    """
    metadata = () if metadata_of is None else metadata_of.metadata
    own = [field for field in fields if field.existing and not field.is_of_frames]
    # Clips have the moments of their videos as other labels, or not at all.
    names = [] if is_clips(samples) else [field.name for field in own]
    scores = [] if score_field is None else [score_field]
    paths = ["id", media_field, *metadata, *names, *task_fields, *scores]
    plain = without_frame_filters(samples)
    all_ids = dict.fromkeys(plain.values("id") if sample_ids is None else sample_ids)
    ids = (sample_id for sample_id in all_ids if sample_id not in without)
    most = SAMPLES_PER_BLOCK_WITH_MASKS if any(has_masks(field.label_type) for field in fields) else SAMPLES_PER_BLOCK
    size = min(most, FIRST) if task_fields else most
    while block := list(islice(ids, size)):
        columns = plain.select(block).values(paths, _raw=True)
        rows = {str(row[0]): row[1:] for row in zip(*columns, strict=True)}
        moments = _moments_in(samples, own, block, ranges)
        stored = []
        for sample_id in block:
            if sample_id not in rows:
                problems.append(f"sample {sample_id}: it was deleted meanwhile")
                continue
            path, *rest = rows[sample_id]
            values = rest[len(metadata) :]
            info = None if metadata_of is None else metadata_of.parse_metadata(rest[: len(metadata)])
            labels, shown = dict(zip(names, values)), dict(zip(task_fields, values[len(names) :]))
            score_value = values[-1] if scores else None
            labels.update(moments.get(sample_id, {}))
            stored.append(StoredSample(sample_id, path, info, labels, shown, score_value))
        size = next_amount((sample.shown for sample in stored), most)
        yield stored


def _moments_in(
    samples: foc.SampleCollection,
    fields: Sequence[LabelField],
    ids: Sequence[str],
    ranges: Mapping[str, FrameRange],
) -> dict[str, dict[str, Any]]:
    """Id of a sample, or of a clip -> label field -> its moments that are in the range of its frames."""
    lists = {
        field.name: list_name(LABEL_TYPES[field.label_type]) for field in fields if holds_moments(field.label_type)
    }
    there = {name: ranges[name] for name in ids if name in ranges}
    if not lists or not there:
        return {}
    wanted = sorted({place.sample_id for place in there.values()})
    columns = videos_of(samples).select(wanted).values(["id", *lists], _raw=True)
    rows = {str(row[0]): dict(zip(lists, row[1:])) for row in zip(*columns, strict=True)}
    return {
        name: {path: _cut(value, lists[path], place) for path, value in rows.get(place.sample_id, {}).items()}
        for name, place in there.items()
    }


def _cut(value: Any, name: str | None, place: FrameRange) -> Any:
    """The value of a field of moments, with those only that are in a range."""
    if value is None or name is None:
        return value if value is None or place.has_moment(value) else None
    return {**value, name: list(filter(place.has_moment, value[name]))}


class _ColumnsOf(NamedTuple):
    """How the boxes of a label field are read as columns.

    Attributes:
        key: the key under which a frame that is read has its rows
        path: the path of the boxes in a frame
        attributes: the attributes that are asked for
    """

    key: str
    path: str
    attributes: Sequence[str]

    @property
    def projection(self) -> dict[str, Any]:
        """What has MongoDB make a row of each box."""
        names = (f"{INSTANCE}._id" if name == INSTANCE else name for name in BoxColumns(self.attributes).names)
        return {self.key: {"$map": {"input": f"${self.path}", "in": [f"$$this.{name}" for name in names]}}}


class _Found(NamedTuple):
    """The labels in the frames of one sample.

    Attributes:
        docs: label field -> frame number -> its labels
        columns: label field -> its boxes, of those that are read as columns
    """

    docs: dict[str, dict[int, list[LabelDoc]]]
    columns: dict[str, BoxColumns]

    def number(self, name: str) -> int:
        """How many labels of a field there are."""
        return len(self.columns[name]) if name in self.columns else sum(map(len, self.docs[name].values()))

    def composed(self, fields: Mapping[str, LabelField], sample_id: str) -> dict[str, list[LabelDoc]] | None:
        """Label field -> the labels that a person sees; None where columns do not tell them."""
        labels = {}
        for name, field in fields.items():
            family = family_of(field)
            if name in self.docs:
                labels[name] = family.composed(self.docs[name], sample_id)
                continue
            assert family.compose_columns is not None
            found = family.compose_columns(self.columns[name], sample_id)
            if found is None:
                return None
            labels[name] = found
        return labels


class FrameReader:
    """Reads the labels of the frames of one sample at a time: those of a long video take much memory.

    Args:
        samples: the collection
        fields: the label fields of the run
        ranges: id of a sample, or of a clip -> the frames that are read, where these are not all
    """

    def __init__(
        self,
        samples: foc.SampleCollection,
        fields: Sequence[LabelField],
        ranges: Mapping[str, FrameRange] = MappingProxyType({}),
    ):
        self._samples = samples
        self._ranges = ranges
        self._fields = {field.name: field for field in fields if field.is_of_frames and field.existing}
        self._paths: dict[str, str] = {}
        stages = {type(stage).__name__ for stage in stages_of(samples)}
        self._may_hide = not stages <= WHOLE_SAMPLES
        self._is_countable = stages <= _ONLY_LESS
        self._masked: list[dict[str, Any]] = []
        self._docs: dict[str, dict[str, Any]] = {}
        self._columns: dict[str, _ColumnsOf] = {}
        for name, field in self._fields.items():
            place = Place(root_dataset(samples), name.removeprefix("frames."), Scope.FRAME)
            inner = list_name(LABEL_TYPES[field.label_type])
            path = self._paths[name] = (place.at(inner) if inner else place).db_path
            asked = [attribute.name for attribute in field.attributes]
            self._docs[name] = {f"{path}.{part}": True for part in dict.fromkeys((*_READ_OF_FRAMES, *asked))}
            if inner and family_of(field).compose_columns is not None:
                self._columns[name] = _ColumnsOf(f"rows{len(self._columns)}", path, asked)
            for mask in ("mask", "mask_path"):
                is_there: dict[str, Any] = {mask: {"$ne": None}}
                self._masked.append({path: {"$elemMatch": is_there}} if inner else {f"{path}.{mask}": {"$ne": None}})
        self._needs_view = is_generated(samples) or not all(map(self._is_by_mask_at_most, stages_of(samples)))

    @property
    def reads_any(self) -> bool:
        """Whether there are fields of frames to read."""
        return bool(self._fields)

    def read(self, sample_id: str) -> dict[str, list[LabelDoc]]:
        """Label field -> the labels that a person sees, each of which goes over some frames."""
        if not self._fields:
            return {}
        place = self._ranges.get(sample_id)
        # Tracks are known by the sample that has them, whichever clip shows them.
        owner = sample_id if place is None else place.sample_id
        wanted = {"_sample_id": ObjectId(owner), **({} if place is None else _within(place))}
        is_whole = not self._needs_view and self._has_no_masks(wanted)
        found, labels = self._composed(sample_id, place, wanted, is_whole, owner)
        is_whole = is_whole or not self._may_hide or self._is_all(found, wanted)
        hidden = {} if is_whole else self._all_frames(wanted)
        return {name: _with_hidden(field, labels[name], hidden, owner) for name, field in self._fields.items()}

    def _composed(
        self, sample_id: str, place: FrameRange | None, wanted: Mapping[str, Any], is_whole: bool, owner: str
    ) -> tuple[_Found, dict[str, list[LabelDoc]]]:
        """The labels in the frames of a sample, and those that a person sees, as columns where these tell all."""
        if self._columns and not self._has_old_attributes(wanted):
            found = self._read(sample_id, place, wanted, is_whole, self._columns)
            labels = None if found is None else found.composed(self._fields, owner)
            if found is not None and labels is not None:
                return found, labels
        found = self._read(sample_id, place, wanted, is_whole, {})
        assert found is not None
        labels = found.composed(self._fields, owner)
        assert labels is not None
        return found, labels

    def _read(
        self,
        sample_id: str,
        place: FrameRange | None,
        wanted: Mapping[str, Any],
        is_whole: bool,
        asked: Mapping[str, _ColumnsOf],
    ) -> _Found | None:
        """The labels in the frames of a sample.

        Args:
            sample_id: the sample, or the clip
            place: the range of its frames, where these are not all
            wanted: what MongoDB finds its frames by
            is_whole: whether the view leaves out none of them
            asked: label field -> how it is read as columns, of those that are

        Returns:
            None where columns do not tell what the labels are
        """
        projection = {_NUMBER: True}
        for name in self._fields:
            projection.update(asked[name].projection if name in asked else self._docs[name])
        found = _Found(
            {name: {} for name in self._fields if name not in asked},
            {name: BoxColumns(columns.attributes) for name, columns in asked.items()},
        )
        for frame in self._stored(wanted, projection) if is_whole else self._viewed(sample_id, place, projection):
            number = frame[_NUMBER]
            for name, docs in found.docs.items():
                labels = labels_at(frame, self._paths[name])
                if labels:
                    docs[number] = labels
            for name, columns in found.columns.items():
                if not columns.add(number, frame.get(asked[name].key) or ()):
                    return None
        return found

    def _is_by_mask_at_most(self, stage: Any) -> bool:
        """Whether a stage leaves out samples, or boxes with masks."""
        is_whole = type(stage).__name__ in WHOLE_SAMPLES
        return is_whole or any(is_by_mask(stage, self._samples, name) for name in self._fields)

    def _has_no_masks(self, wanted: Mapping[str, Any]) -> bool:
        if not self._may_hide:
            return True
        return self._frames.find_one({**wanted, "$or": self._masked}, {"_id": True}) is None

    def _has_old_attributes(self, wanted: Mapping[str, Any]) -> bool:
        """Whether a label keeps attributes in a dict, as old datasets do."""
        old: dict[str, Any] = {"$elemMatch": {"attributes": {"$nin": [None, {}]}}}
        asked = [{self._paths[name]: old} for name in self._columns]
        return self._frames.find_one({**wanted, "$or": asked}, {"_id": True}) is not None

    def _stored(self, wanted: Mapping[str, Any], projection: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        """The frames of a sample as the dataset has them, which is faster than through a view."""
        return iter(self._frames.find(wanted, projection).sort(_NUMBER))

    def _viewed(
        self, sample_id: str, place: FrameRange | None, projection: Mapping[str, Any]
    ) -> Iterator[Mapping[str, Any]]:
        """The frames of a sample as the view has them."""
        only = [] if place is None else [{"$match": _within(place)}]
        return aggregate(self._samples.select(sample_id), [*only, {"$project": projection}], frames=True)

    @property
    def _frames(self) -> Any:
        return collection_of(root_dataset(self._samples), True)

    def _is_all(self, found: _Found, wanted: Mapping[str, Any]) -> bool:
        """Whether the view leaves out none of the labels of a sample, by their numbers.

        To read and compose all labels a second time takes longer than all else.
        """
        if not self._is_countable:
            return False
        numbers = {str(place): {"$sum": _number_at(path)} for place, path in enumerate(self._paths.values())}
        counting = [{"$match": wanted}, {"$group": {"_id": None, **numbers}}]
        counted: Mapping[str, int] = next(self._frames.aggregate(counting), {})
        return all(counted.get(str(place), 0) == found.number(name) for place, name in enumerate(self._paths))

    def _all_frames(self, wanted: Mapping[str, Any]) -> dict[str, dict[int, list[LabelDoc]]]:
        """Label field -> frame number -> what tells all of its labels apart, those too that a view leaves out."""
        found: dict[str, dict[int, list[LabelDoc]]] = {name: {} for name in self._fields}
        names = [f"{path}.{part}" for path in self._paths.values() for part in _TOLD_APART_BY]
        for frame in self._frames.find(wanted, {_NUMBER: True, **dict.fromkeys(names, True)}):
            for name, path in self._paths.items():
                found[name][frame[_NUMBER]] = labels_at(frame, path)
        return found


def _within(place: FrameRange) -> dict[str, Any]:
    """What MongoDB finds the frames of a range by."""
    return {_NUMBER: {"$gte": place.first, "$lte": place.last}}


def _with_hidden(
    field: LabelField,
    labels: list[LabelDoc],
    frames: Mapping[str, Mapping[int, list[LabelDoc]]],
    sample_id: str,
) -> list[LabelDoc]:
    """Labels, each with the frames that it has and that a view leaves out.

    Args:
        field: their field
        labels: what people see of them
        frames: label field -> frame number -> all labels; empty where nothing is left out
        sample_id: the id of their sample
    """
    if not frames:
        return labels
    known = {str(label["_id"]): str(label["_id"]) for label in labels}
    whole = {doc["_id"]: doc for doc in family_of(field).composed(frames[field.name], sample_id, known)}
    found = []
    for label in labels:
        hidden = whole.get(label["_id"], label)[FRAMES].keys() - label[FRAMES].keys()
        found.append({**label, HIDDEN_FRAMES: to_hidden(map(int, hidden))} if hidden else label)
    return found


def labels_at(frame: Mapping[str, Any], path: str) -> list[LabelDoc]:
    """The labels at a path of a frame as the database stores it: none, one, or those of a list."""
    value = value_at(frame, path)
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _number_at(path: str) -> dict[str, Any]:
    """What has MongoDB count the labels that :func:`labels_at` finds in a frame."""
    value = f"${path}"
    single = {"$cond": [{"$eq": [{"$ifNull": [value, None]}, None]}, 0, 1]}
    return {"$cond": [{"$isArray": [value]}, {"$size": value}, single]}


Unlisted = dict[str, Counter[str]]
"""Label field -> class that the label schema does not list -> labels of it that are left out."""


def read_labels(
    stored: StoredSample,
    fields: Sequence[LabelField],
    unlisted: Unlisted | None = None,
    complete: Collection[str] = (),
    frames: FrameReader | None = None,
) -> dict[str, Any]:
    """The value of each label field of a sample, masks and frames read.

    Args:
        stored: the sample
        fields: the label fields of the run
        unlisted: receives what is left out, for its class is not in the label schema; without, nothing is
        complete: names of the fields of which nothing is left out
        frames: reads the labels of its frames, where it may have some

    Raises:
        OSError: the file of a mask cannot be read
    """
    labels: dict[str, Any] = dict(stored.values)
    if frames is not None:
        labels.update(frames.read(stored.id))
    for field in fields:
        if field.name not in labels:
            continue
        is_sifted = unlisted is not None and field.name not in complete
        if field.question is not None:
            if unlisted is not None and is_sifted:
                labels[field.name], found = field.question.listed(labels[field.name])
                _count(unlisted, field, found)
            continue
        value = labels[field.name]
        labels[field.name] = StoredLabels(map(StoredLabel, value)) if field.is_of_frames else StoredLabels.of(value)
        if unlisted is not None and is_sifted:
            labels[field.name] = _listed(labels[field.name], field, unlisted)
        if has_masks(field.label_type):
            for label in labels[field.name]:
                mask_files.read_into(label)
    return labels


def _listed(labels: StoredLabels, field: LabelField, unlisted: Unlisted) -> StoredLabels:
    """The labels whose class is in the label schema."""
    family = family_of(field)
    if "label" not in family.aspects or all(label.label in field.class_set for label in labels):
        return labels
    # A class of the whole image that is None has nothing to show.
    takes_none = field.takes_class(None) or not family.is_drawn
    expected = field.class_set | {None} if takes_none else field.class_set
    _count(unlisted, field, [label.label for label in labels if label.label not in expected])
    return StoredLabels(label for label in labels if label.label in expected)


def _count(unlisted: Unlisted, field: LabelField, classes: Sequence[Any]) -> None:
    if classes:
        unlisted.setdefault(field.name, Counter()).update(map(str, classes))
