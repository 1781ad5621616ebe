"""What the last load of a run has changed, sample by sample."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import fiftyone.core.collections as foc

from fo_labelstudio.dataset.internals import root_dataset, ungrouped
from fo_labelstudio.runs.load_annotations import results_of
from fo_labelstudio.runs.state import RunState


class ChangedSample(NamedTuple):
    """What a load has changed of one field of a sample.

    Attributes:
        sample_id: the sample; of a run on frames, the video
        filepath: its file
        label_field: the field
        added: how many labels were added
        edited: how many were edited
        deleted: how many were deleted
    """

    sample_id: str
    filepath: str
    label_field: str
    added: int
    edited: int
    deleted: int


class LastChanges(NamedTuple):
    """What the last load of a run has changed.

    Attributes:
        at: when it began, as ISO 8601 in UTC; None before the first load
        rows: the changed samples that are listed, in the order of the dataset, and their fields
        samples: how many samples were changed
    """

    at: str | None
    rows: list[ChangedSample]
    samples: int


def last_changes(samples: foc.SampleCollection, anno_key: str, limit: int = 50) -> LastChanges:
    """What the last load of a run has changed.

    Args:
        samples: the dataset of the run, or any view into it
        anno_key: the key of the run
        limit: how many samples are listed

    Raises:
        RunError: it is no run of Label Studio's
    """
    results = results_of(samples, anno_key, {})
    fields: Mapping[str, Mapping[str, list[int]]] = results.changes.get("fields", {})
    changed = {sample_id: None for rows in fields.values() for sample_id in rows}
    found = []
    for changed_id, sample_id, filepath in _samples(results, changed)[:limit]:
        for name, rows in fields.items():
            if changed_id in rows:
                found.append(ChangedSample(sample_id, filepath, name, *rows[changed_id]))
    return LastChanges(results.changes.get("at"), found, len(changed) + results.changes.get("not_listed", 0))


def changed_view(samples: foc.SampleCollection, anno_key: str) -> foc.SampleCollection:
    """The samples that the last load of a run has changed; of very many, the first ten thousand of each field.

    Args:
        samples: the dataset of the run, or a view into it
        anno_key: the key of the run

    Raises:
        RunError: it is no run of Label Studio's
    """
    results = results_of(samples, anno_key, {})
    ids = list(dict.fromkeys(sample_id for rows in results.changes.get("fields", {}).values() for sample_id in rows))
    return samples.select_frames(ids, omit_empty=True) if results.is_frames else ungrouped(samples).select(ids)


def _samples(results: RunState, ids: Iterable[str]) -> list[tuple[str, str, str]]:
    """The id by which the run knows a sample, the sample's own, and its file; not of those that are gone."""
    wanted = list(ids)
    dataset = root_dataset(results.dataset)
    if not results.is_frames:
        return [(sample_id, sample_id, path) for sample_id, path in zip(*_columns(ungrouped(dataset).select(wanted)))]
    view = dataset.select_frames(wanted, omit_empty=True)
    rows = zip(*_columns(view), view.values("frames.id"))
    return [(frame_id, sample_id, path) for sample_id, path, frames in rows for frame_id in frames]


def _columns(view: foc.SampleCollection) -> list[list[str]]:
    columns: list[list[str]] = view.values(["id", "filepath"])
    return columns
