"""Samples -> tasks with predictions.

What a task carries besides its media, all under keys of this package's own:

- ``data["sample_id"]``: the id of the sample (of the frame, for views of frames), by which alone tasks are matched
- ``meta["fiftyone"]``: ``version`` of this format; ``run``, the token of the annotation run; ``size`` of the image in
  pixels; and ``sent``, what was sent, as label field -> key of the label -> aspect -> digest, with the ``ids`` of the
  labels where they are not the key itself

The digests tell what a person changed without another look at what was sent.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import fiftyone.core.labels as fol

from fo_labelstudio.convert.families import family_of
from fo_labelstudio.convert.family import Region, labels_of
from fo_labelstudio.convert.names import OBJECT_TAG
from fo_labelstudio.convert.schema import LabelField, MediaInfo
from fo_labelstudio.errors import RegionError

SAMPLE_ID = "sample_id"
META = "fiftyone"
FORMAT = 1
MODEL_VERSION = "FiftyOne"
"""Name of the set of predictions that the project shows to annotators."""

Task = dict[str, Any]
SentLabels = dict[str, dict[str, Any]]

_REPEATED = "another label of the field has its id; give one of them an id of its own"


class SampleRecord(NamedTuple):
    """One sample, as read from the dataset.

    Attributes:
        id: its id
        path: path of its media file
        media: size of its image, in pixels as displayed
        labels: label field -> its value on this sample; fields that are new are missing
    """

    id: str
    path: str
    media: MediaInfo
    labels: Mapping[str, fol.Label | None]


def problems_of(sample: SampleRecord, fields: Sequence[LabelField]) -> Iterator[str]:
    """What keeps a sample's labels from being sent: a message each, naming field, sample and label."""
    for field in fields:
        family = family_of(field.label_type)
        labels = labels_of(sample.labels.get(field.name))
        seen: Counter[str] = Counter(label.id for label in labels)
        problems = [(label, _REPEATED if seen[label.id] > 1 else family.check(label, field)) for label in labels]
        for label, problem in problems:
            if problem:
                yield f"field {field.name!r}, sample {sample.id}, label {label.id}: {problem}"
        if not any(problem for _, problem in problems):
            try:
                _to_regions(labels, field, sample.media)
            except RegionError as error:
                yield f"field {field.name!r}, sample {sample.id}: {error}"


def to_task(sample: SampleRecord, fields: Sequence[LabelField], url: str, run: str) -> Task:
    """The task that shows one sample, with one prediction that holds the labels of all fields.

    Args:
        sample: a sample without problems
        fields: the label fields of the run
        url: the address at which the server serves the media
        run: the token of the annotation run
    """
    result: list[Region] = []
    sent: dict[str, SentLabels] = {}
    for field in fields:
        labels = labels_of(sample.labels.get(field.name))
        if labels:
            regions, sent[field.name] = _to_regions(labels, field, sample.media)
            _make_unique(regions, sent[field.name], field, {region["id"] for region in result})
            result += regions
    meta = {"version": FORMAT, "run": run, "size": list(sample.media), "sent": sent}
    return {
        "data": {OBJECT_TAG: url, SAMPLE_ID: sample.id},
        "meta": {META: meta},
        "predictions": [_prediction(result)] if result else [],
    }


def digest_of(value: Any) -> str:
    """A short digest of a JSON value: equal values, equal digests."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=True)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def digests_of(values: Mapping[str, Any]) -> dict[str, str]:
    """The digest of each aspect of a label."""
    return {aspect: digest_of(value) for aspect, value in values.items()}


def groups_of(regions: Sequence[Region]) -> dict[str, list[Region]]:
    """Regions by their id, in order."""
    groups: dict[str, list[Region]] = {}
    for region in regions:
        groups.setdefault(region["id"], []).append(region)
    return groups


def _to_regions(labels: Sequence[fol.Label], field: LabelField, media: MediaInfo) -> tuple[list[Region], SentLabels]:
    family = family_of(field.label_type)
    regions = family.to_regions(labels, field, media)
    sent: SentLabels = {}
    for label in labels:
        key = family.key_of(label, field)
        if key is not None:
            sent.setdefault(key, {"ids": []})["ids"].append(label.id)
    for group in groups_of(regions).values():
        for parsed in family.parse_regions(group, field, media):
            sent[parsed.key].update(digests_of(parsed.values))
    for key, entry in sent.items():
        if entry["ids"] == [key]:
            del entry["ids"]
    return regions, sent


def _make_unique(regions: Sequence[Region], sent: SentLabels, field: LabelField, taken: Collection[str]) -> None:
    """Renames regions whose id another field has, for the editor makes one region of those that share an id."""
    for region in regions:
        if region["id"] in taken:
            label_id, region["id"] = region["id"], f"{region['id']}-{digest_of(field.name)}"
            if not family_of(field.label_type).one_region:
                sent[region["id"]] = {**sent.pop(label_id), "ids": [label_id]}


def _prediction(result: list[Region]) -> dict[str, Any]:
    prediction: dict[str, Any] = {"model_version": MODEL_VERSION, "result": result}
    scores = [region["score"] for region in result if "score" in region]
    if scores:
        prediction["score"] = sum(scores) / len(scores)
    return prediction
