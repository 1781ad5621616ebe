"""Where the values of a field lie: in which documents of the database, and under which name.

Only this module knows how a sample or a frame is found in the database. Whoever merges reads documents through a
:class:`Place`, and writes to the documents that it has read.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from dataclasses import field as dataclass_field
from datetime import datetime, timezone
from enum import Enum
from functools import cached_property
from types import MappingProxyType
from typing import Any

import fiftyone as fo
import fiftyone.core.fields as fof
from bson import ObjectId
from pymongo import UpdateOne

from fo_labelstudio.dataset.frame_ranges import FrameRange
from fo_labelstudio.dataset.internals import bulk_write, bulk_write_frames, collection_of, id_of, is_frame_field

Doc = Mapping[str, Any]
"""A sample or a frame as the database stores it."""


_FRAMES, _NUMBER = "frames", "frame_number"


class Scope(Enum):
    """What has a field."""

    SAMPLE = "sample"
    FRAME = "frame"

    @classmethod
    def of(cls, is_frames: bool) -> Scope:
        """The scope of the fields of a run, by whether its samples are frames of videos."""
        return cls.FRAME if is_frames else cls.SAMPLE


class Stamp:
    """The times that a load writes as those of its changes, so that they can be told from the changes of others.

    Attributes:
        times: those that were given out, in milliseconds since 1970, oldest first
    """

    def __init__(self) -> None:
        self.times: list[int] = []

    def begin(self) -> None:
        """Begins to read documents that are to be written to: what others write from now on is newer."""
        now = int(time.time() * 1000)
        if self.times[-1:] != [now]:
            self.times.append(now)

    @property
    def time(self) -> datetime:
        """The time of the changes."""
        return datetime.fromtimestamp(self.times[-1] / 1000, timezone.utc)


@dataclass(frozen=True, eq=False)
class Place:
    """One field of a dataset, whether the dataset has it yet or not.

    Attributes:
        dataset: the dataset
        path: path of the field, for example ``ground_truth`` or ``a.b``, without ``frames.``
        scope: whether samples or frames have it
        stamp: what says when changes are made; each is made now where it is missing
        ranges: id by which a run knows a sample -> the frames of it that the run is about, where these are not all;
            clips, each of which has an id of its own, are ranges of samples
    """

    dataset: fo.Dataset
    path: str
    scope: Scope = Scope.SAMPLE
    stamp: Stamp | None = None
    ranges: Mapping[str, FrameRange] = dataclass_field(default_factory=dict)

    @property
    def full_path(self) -> str:
        """The path of the field from the dataset, which for fields of frames begins with ``frames.``."""
        return f"frames.{self.path}" if self.is_of_frames else self.path

    @property
    def name(self) -> str:
        """The name by which runs know the field."""
        return self.name_of(self.path)

    def name_of(self, path: str) -> str:
        """The name by which runs know the field at another path."""
        return path

    def other(self, name: str) -> Place:
        """Another field of the same documents, by the name by which runs know it."""
        return replace(self, path=name)

    @property
    def is_of_frames(self) -> bool:
        """Whether frames have the field."""
        return self.scope is Scope.FRAME

    @property
    def field(self) -> fof.Field | None:
        """The field as the dataset declares it, or None where the dataset does not have it."""
        return self.dataset.get_field(self.full_path)

    @cached_property
    def parents(self) -> list[Place]:
        """The documents around the field, outermost first."""
        parts = self.path.split(".")
        return [replace(self, path=".".join(parts[:end])) for end in range(1, len(parts))]

    def at(self, name: str) -> Place:
        """A field within this one."""
        return replace(self, path=f"{self.path}.{name}")

    @cached_property
    def db_path(self) -> str:
        """The path of the field in a document of the database, where a part may have another name."""
        named = zip([*self.parents, self], self.path.split("."), strict=True)
        return ".".join((place.field and place.field.db_field) or part for place, part in named)

    def ensure(self, **declaration: Any) -> None:
        """Makes the field where the dataset does not have it, and the documents around it where these are missing.

        Args:
            **declaration: what ``add_sample_field()`` takes
        """
        if self.field is not None:
            return
        add = self.dataset.add_frame_field if self.is_of_frames else self.dataset.add_sample_field
        for parent in self.parents:
            if parent.field is None:
                add(parent.path, ftype=fof.EmbeddedDocumentField, embedded_doc_type=fo.DynamicEmbeddedDocument)
        add(self.path, **declaration)

    def read(self, ids: Iterable[str], *others: Place) -> dict[str, Doc]:
        """Reads the field of some samples or frames.

        Args:
            ids: their ids
            *others: further fields to read, of the same scope

        Returns:
            id -> document, with these fields only; ids that the dataset does not have are missing
        """
        fields = {place.db_path: True for place in (self, *others)}
        owners = self._owners(ids)
        found = self._collection.find({"_id": {"$in": _object_ids(owners.values())}}, fields)
        docs = {str(doc["_id"]): doc for doc in found}
        return {name: docs[owner] for name, owner in owners.items() if owner in docs}

    def _owners(self, ids: Iterable[str]) -> dict[str, str]:
        """Id by which a run knows a sample -> id of the sample that the dataset has."""
        return {name: self.ranges[name].sample_id if name in self.ranges else name for name in ids}

    def value_in(self, doc: Doc) -> Any:
        """The value of the field in a document, or None."""
        return value_at(doc, self.db_path)

    def has_values(self, ids: Iterable[str]) -> bool:
        """Whether any of some samples or frames has a value that is neither None nor an empty list."""
        filled = {"_id": {"$in": _object_ids(self._owners(ids).values())}, self.db_path: {"$nin": [None, []]}}
        return self.field is not None and self._collection.find_one(filled, {"_id": True}) is not None

    def ids_with_values(self) -> list[str]:
        """The ids of all samples, or frames, that have a value other than None."""
        found = self._collection.find({self.db_path: {"$ne": None}}, {"_id": True})
        return [str(doc["_id"]) for doc in found]

    def holds(self, label_ids: Collection[str]) -> set[str]:
        """Those of some labels that any sample or frame has here, where the value is a label, or a list of some."""
        wanted, path = {ObjectId(label_id) for label_id in label_ids}, f"{self.db_path}._id"
        found: set[str] = set()
        for doc in self._collection.find({path: {"$in": list(wanted)}}, {path: True}):
            value = value_at(doc, self.db_path)
            labels = value if isinstance(value, list) else [value]
            found.update(str(label["_id"]) for label in labels if label.get("_id") in wanted)
        return found

    def size_of(self, doc: Doc) -> int:
        """The bytes that the whole document takes in the database; 0 where it is no longer there."""
        stages = [{"$match": {"_id": doc["_id"]}}, {"$project": {"size": {"$bsonSize": "$$ROOT"}}}]
        return next((int(found["size"]) for found in self._collection.aggregate(stages)), 0)

    def replace(self, doc: Doc, value: Any) -> UpdateOne:
        """The write that sets the field, and makes the documents around it where they are missing.

        It finds nothing to write to where somebody else has written another label or value since the document was read.

        Args:
            doc: the document
            value: the new value, as the database stores it
        """
        old = value_at(doc, self.db_path)
        expected = {f"{self.db_path}._id": old.get("_id")} if isinstance(old, Mapping) else {self.db_path: old}
        return self.update(doc, {"$set": self._whole(doc, value)}, expected)

    def update(
        self, doc: Doc, update: Mapping[str, Any], expected: Mapping[str, Any] | None = None, **options: Any
    ) -> UpdateOne:
        """A write to a document, which also notes the time of the change.

        Args:
            doc: the document
            update: what MongoDB is to do with it
            expected: path in the database -> value that must still be there
            **options: further options of ``UpdateOne``
        """
        now = datetime.now(timezone.utc) if self.stamp is None else self.stamp.time
        # Somebody may have changed the document since it was read; that must not be hidden.
        changed = {**{name: values for name, values in update.items() if values}, "$max": {"last_modified_at": now}}
        return UpdateOne({"_id": doc["_id"], **(expected or {})}, changed, **options)

    def write(self, operations: Sequence[UpdateOne], ids: Iterable[str]) -> int:
        """Writes, and has FiftyOne read what was written.

        Args:
            operations: the writes
            ids: the ids of the samples or frames that they write to

        Returns:
            how many of the writes found their document as they expect it
        """
        owners = [*self._owners(ids).values()]
        return bulk_write(self.dataset, operations, owners, self.is_of_frames) if operations else 0

    def _whole(self, doc: Doc, value: Any) -> dict[str, Any]:
        """The path that is to be set, with its value: the field's, or that of a document around it that is missing."""
        path = self.db_path
        for parent in reversed(self.parents):
            if value_at(doc, parent.db_path) is not None or parent.field is None:
                break
            value = {**parent.field.document_type().to_dict(), path.rpartition(".")[2]: value}
            path = parent.db_path
        return {path: value}

    @property
    def _collection(self) -> Any:
        return collection_of(self.dataset, self.is_of_frames)


@dataclass(frozen=True, eq=False)
class FramesPlace(Place):
    """One field of the frames of videos, found by the ids of the videos' samples, not by those of the frames.

    The document of a sample holds those of its frames, or of those within its range; its value is the list of all
    labels in them.
    """

    scope: Scope = Scope.FRAME

    def name_of(self, path: str) -> str:
        return f"frames.{path}"

    def other(self, name: str) -> Place:
        return replace(self, path=name.removeprefix("frames."))

    def read(self, ids: Iterable[str], *others: Place) -> dict[str, Doc]:
        fields = {"_sample_id": True, _NUMBER: True, **{place.db_path: True for place in (self, *others)}}
        owners = self._owners(ids)
        wanted = _object_ids(owners.values())
        there = collection_of(self.dataset, False).find({"_id": {"$in": wanted}}, {"_id": True})
        found = {str(doc["_id"]): doc["_id"] for doc in there}
        docs: dict[str, Any] = {
            name: {"_id": found[owner], _FRAMES: {}} for name, owner in owners.items() if owner in found
        }
        whole = [doc["_id"] for name, doc in docs.items() if name not in self.ranges]
        for frame in self._collection.find({"_sample_id": {"$in": whole}}, fields):
            docs[str(frame["_sample_id"])][_FRAMES][frame[_NUMBER]] = frame
        for name in docs.keys() & self.ranges.keys():
            numbers = {"$gte": self.ranges[name].first, "$lte": self.ranges[name].last}
            for frame in self._collection.find({"_sample_id": docs[name]["_id"], _NUMBER: numbers}, fields):
                docs[name][_FRAMES][frame[_NUMBER]] = frame
        return docs

    def distinct(self, name: str, doc: Doc) -> list[Any]:
        """The values of an attribute of the field in all frames of a sample, also in those that were not read.

        Args:
            name: the attribute
            doc: the document of the sample
        """
        return list(self._collection.distinct(f"{self.db_path}.{name}", {"_sample_id": doc["_id"]}))

    def value_in(self, doc: Doc) -> Any:
        labels: list[Any] = []
        for frame in frames_in(doc).values():
            value = value_at(frame, self.db_path)
            labels += value if isinstance(value, list) else [] if value is None else [value]
        return labels

    def has_values(self, ids: Iterable[str]) -> bool:
        filled = {"_sample_id": {"$in": _object_ids(self._owners(ids).values())}, self.db_path: {"$nin": [None, []]}}
        return self.field is not None and self._collection.find_one(filled, {"_id": True}) is not None

    def ids_with_values(self) -> list[str]:
        return list(map(str, self._collection.distinct("_sample_id", {self.db_path: {"$ne": None}})))

    def make_frame(self, doc: Doc, number: int, value: Any) -> UpdateOne:
        """The write that makes a frame, where the dataset still lacks it, with a value of the field.

        Args:
            doc: the document of the sample
            number: the number of the frame
            value: the value, as the database stores it
        """
        now = datetime.now(timezone.utc) if self.stamp is None else self.stamp.time
        made = {"_dataset_id": id_of(self.dataset), "created_at": now, "last_modified_at": now}
        frame = {"_sample_id": doc["_id"], _NUMBER: number}
        return UpdateOne(frame, {"$setOnInsert": {**made, **self._whole({}, value)}}, upsert=True)

    def write(self, operations: Sequence[UpdateOne], ids: Iterable[str]) -> int:
        owners = [*self._owners(ids).values()]
        return bulk_write_frames(self.dataset, operations, owners) if operations else 0


def _object_ids(ids: Iterable[str]) -> list[ObjectId]:
    return [ObjectId(one) for one in dict.fromkeys(ids)]


def place_of(
    dataset: fo.Dataset,
    path: str,
    is_frames: bool,
    stamp: Stamp | None = None,
    ranges: Mapping[str, FrameRange] = MappingProxyType({}),
) -> Place:
    """A field of a dataset, by its path from there or from its frames.

    Args:
        dataset: the dataset
        path: path of the field; of fields of frames with ``frames.``, where samples are found by their ids
        is_frames: whether it is one of frames that are found by their own ids
        stamp: says when changes are made
        ranges: id by which a run knows a sample -> the frames of it that the run is about, where these are not all
    """
    if not is_frames and is_frame_field(dataset, path):
        return FramesPlace(dataset, path.removeprefix("frames."), stamp=stamp, ranges=ranges)
    return Place(dataset, path, Scope.of(is_frames), stamp, ranges)


def frames_in(doc: Doc) -> dict[int, Doc]:
    """The frames in the document of a sample that a :class:`FramesPlace` has read, by their numbers."""
    frames: dict[int, Doc] = doc.get(_FRAMES, {})
    return frames


def value_at(doc: Doc, path: str) -> Any:
    """The value at a path of a document as the database stores it, or None."""
    value: Any = doc
    for part in path.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(part)
    return value
