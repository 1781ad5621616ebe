"""Which samples somebody has changed in FiftyOne since a time."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime, timezone

import fiftyone as fo
from bson import ObjectId

from fo_labelstudio.dataset.internals import collection_of

_ASKED = 100_000
"""Ids that the database is asked for at once; it takes 16 MB."""


def database_time(dataset: fo.Dataset, frames: bool) -> int:
    """What time it is for the database, in milliseconds since 1970."""
    now: datetime = collection_of(dataset, frames).database.command("hello")["localTime"]
    return _milliseconds(now)


def modified_since(
    dataset: fo.Dataset, frames: bool, since: int, own: Collection[int] = (), with_frames: bool = False
) -> dict[str, int]:
    """Id -> time of the newest change, of the samples or frames that were changed at a time or later.

    FiftyOne notes that time with each change that it makes, by the clock of the machine (1.17 to 1.22.1).

    Args:
        dataset: the dataset
        frames: whether frames are asked for
        since: the time, in milliseconds since 1970
        own: the times of changes that do not count
        with_frames: whether a change of its frames is one of a sample, which FiftyOne does not note with it
    """
    moment = datetime.fromtimestamp(since / 1000, timezone.utc)
    newer = collection_of(dataset, frames).find({"last_modified_at": {"$gte": moment}}, {"last_modified_at": True})
    found = {str(doc["_id"]): _milliseconds(doc["last_modified_at"]) for doc in newer}
    passed_over = set(own)
    modified = {sample_id: time for sample_id, time in found.items() if time not in passed_over}
    if with_frames:
        for sample_id, time in _frames_modified_since(dataset, moment, own):
            modified[sample_id] = max(time, modified.get(sample_id, time))
    return modified


def _frames_modified_since(dataset: fo.Dataset, moment: datetime, own: Collection[int]) -> Iterator[tuple[str, int]]:
    """The samples whose frames were changed, with the time of the newest change; asks for one line a sample."""
    times = [datetime.fromtimestamp(time / 1000, timezone.utc) for time in own]
    pipeline = [
        {"$match": {"last_modified_at": {"$gte": moment, "$nin": times}}},
        {"$group": {"_id": "$_sample_id", "time": {"$max": "$last_modified_at"}}},
    ]
    for found in collection_of(dataset, True).aggregate(pipeline):
        yield str(found["_id"]), _milliseconds(found["time"])


def without_document(dataset: fo.Dataset, frames: bool, ids: Iterable[str]) -> set[str]:
    """Those of some samples or frames that the dataset does not have."""
    wanted = list(map(ObjectId, set(ids)))
    missing = set(wanted)
    for start in range(0, len(wanted), _ASKED):
        page = {"_id": {"$in": wanted[start : start + _ASKED]}}
        missing.difference_update(doc["_id"] for doc in collection_of(dataset, frames).find(page, {"_id": True}))
    return set(map(str, missing))


def _milliseconds(time: datetime) -> int:
    # The database's times are in UTC, and may not say so.
    return round((time if time.tzinfo else time.replace(tzinfo=timezone.utc)).timestamp() * 1000)
