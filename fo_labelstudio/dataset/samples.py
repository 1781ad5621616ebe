"""Samples of a collection, as the dataset stores them, block by block."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

import fiftyone.core.collections as foc

from fo_labelstudio.convert.families import family_of, has_masks
from fo_labelstudio.convert.media.medium import MediaInfo, Medium
from fo_labelstudio.convert.records import LabelField
from fo_labelstudio.convert.stored import StoredLabels
from fo_labelstudio.dataset import mask_files

SAMPLES_PER_BLOCK = 500
"""Samples held at once. Label Studio imports 500 to 2,000 tasks a request fastest (1.23.2, SQLite)."""

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
    """
    metadata = () if metadata_of is None else metadata_of.metadata
    names = [field.name for field in fields if field.existing]
    scores = [] if score_field is None else [score_field]
    paths = ["id", media_field, *metadata, *names, *task_fields, *scores]
    all_ids = dict.fromkeys(samples.values("id") if sample_ids is None else sample_ids)
    ids = (sample_id for sample_id in all_ids if sample_id not in without)
    size = SAMPLES_PER_BLOCK_WITH_MASKS if any(has_masks(field.label_type) for field in fields) else SAMPLES_PER_BLOCK
    while block := list(islice(ids, size)):
        columns = samples.select(block).values(paths, _raw=True)
        rows = {str(row[0]): row[1:] for row in zip(*columns, strict=True)}
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
            stored.append(StoredSample(sample_id, path, info, labels, shown, score_value))
        yield stored


Unlisted = dict[str, Counter[str]]
"""Label field -> class that the label schema does not list -> labels of it that are left out."""


def read_labels(
    stored: StoredSample,
    fields: Sequence[LabelField],
    unlisted: Unlisted | None = None,
    complete: Collection[str] = (),
) -> dict[str, Any]:
    """The value of each label field of a sample, masks read.

    Args:
        stored: the sample
        fields: the label fields of the run
        unlisted: receives what is left out, for its class is not in the label schema; without, nothing is
        complete: names of the fields of which nothing is left out

    Raises:
        OSError: the file of a mask cannot be read
    """
    labels = dict(stored.values)
    for field in fields:
        if field.name not in labels:
            continue
        is_sifted = unlisted is not None and field.name not in complete
        if field.question is not None:
            if unlisted is not None and is_sifted:
                labels[field.name], found = field.question.listed(labels[field.name])
                _count(unlisted, field, found)
            continue
        labels[field.name] = StoredLabels.of(labels[field.name])
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
