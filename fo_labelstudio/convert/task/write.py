"""Samples -> tasks with predictions.

What a task carries besides its media, all under keys of this package's own:

- ``data["sample_id"]``: the id of the sample (of the frame, for views of frames), by which alone tasks are matched
- ``data["filename"]``: the base name of its media, for people; and values of those of its fields that were asked for
- ``meta["fiftyone"]``: ``version`` of this format; ``run``, the token of the annotation run; what its medium says of
  the file, as the ``size`` of an image in pixels; ``annotation``, the number of the annotation that was sent with it,
  where one was; ``fields``, the digest of the values of fields, where there are any; ``lists``, what is known of the
  files that are listed under keys of the data, as the ``sizes`` of images, with the digest ``of`` their paths;
  and ``sent``, what was sent, as label field -> key of the label -> aspect -> digest, with the ``ids`` of the labels
  where they are not the key itself, and the frames of a label that are ``hidden``: that a view has left out

The digests tell what a person changed without another look at what was sent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import fiftyone.core.labels as fol

from fo_labelstudio.convert import attributes, items
from fo_labelstudio.convert.digests import digest_of, digests_of
from fo_labelstudio.convert.families import family_of
from fo_labelstudio.convert.family import Grouping
from fo_labelstudio.convert.media import OF_SAMPLES
from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.convert.names import base_name
from fo_labelstudio.convert.records import (
    LabelField,
    ParsedLabel,
    Region,
    address_key_of,
    media_key_of,
    medium_of_fields,
    object_option_of,
    shows_media,
)
from fo_labelstudio.convert.regions import whole_id
from fo_labelstudio.convert.stored import labels_of
from fo_labelstudio.convert.task.origin import FORMAT, HIDDEN, LISTS, META, SAMPLE_ID, SENT_ANNOTATION, to_lists
from fo_labelstudio.convert.task.score import BY_CONFIDENCE, Scoring, score_of
from fo_labelstudio.errors import RegionError

FILENAME = "filename"
_MEDIA_KEYS = tuple(key for medium in OF_SAMPLES for key in (medium.name, *medium.data_keys))

DATA_KEYS = (*_MEDIA_KEYS, SAMPLE_ID, FILENAME, "id")
"""What a task's data holds besides fields of the sample; ``id`` is the task's own in what Label Studio exports."""
MODEL_VERSION = "FiftyOne"
"""Name of the set of predictions that the project shows to annotators."""

Task = dict[str, Any]
SentLabels = dict[str, dict[str, Any]]

HIDDEN_FRAMES = "_hidden"
"""What a label of frames is given on its way to the task that has frames which are not sent, see :func:`to_hidden`."""

_REPEATED = "another label of the field has its id; give one of them an id of its own"


class SampleRecord(NamedTuple):
    """One sample, as read from the dataset.

    Attributes:
        id: its id
        path: path of its media file
        media: what its regions refer to
        labels: label field -> its value on this sample, masks read; fields that are new are missing
        shown: key -> JSON value, what its task's data holds besides what all have
        score_value: the value of the field that is the score of its prediction, where there is one
        lists: key of a list of files that its task shows -> what is known of the files; ``shown`` has their paths
    """

    id: str
    path: str
    media: MediaInfo
    labels: Mapping[str, Any]
    shown: Mapping[str, Any] = MappingProxyType({})
    score_value: Any = None
    lists: Mapping[str, MediaInfo] = MappingProxyType({})

    def shown_to(self, field: LabelField) -> MediaInfo:
        """What the labels of a field are on."""
        return self.media if field.shows is None else field.media_in(self.media, self.shown, self.lists)


class Finished(NamedTuple):
    """How labels are sent as finished annotations, rather than as predictions.

    Attributes:
        ground_truth: whether they are marked as ground truth
    """

    ground_truth: bool = False


def problems_of(sample: SampleRecord, fields: Sequence[LabelField]) -> Iterator[str]:
    """What keeps a sample's labels from being sent: a message each, naming field, sample and label."""
    for field in fields:
        labels = labels_of(sample.labels.get(field.name))
        problems = list(_problems_of_labels(labels, sample, field))
        yield from problems
        if not problems:
            try:
                media = sample.shown_to(field)
                _read_back(items.to_regions(labels, field, media), field, media)
            except RegionError as error:
                yield f"field {field.name!r}, sample {sample.id}: {error}"


def checked_task(
    sample: SampleRecord,
    fields: Sequence[LabelField],
    run: str,
    problems: list[str],
    finished: Finished | None = None,
    scoring: Scoring = BY_CONFIDENCE,
) -> Task | None:
    """The task that shows one sample, as yet without the address of its media, or None where it cannot be sent.

    Args:
        sample: any sample
        fields: the label fields of the run
        run: the token of the annotation run
        problems: receives those of :func:`problems_of`
        finished: how labels are sent as finished annotations; None where they are predictions
        scoring: how the prediction is scored
    """
    medium = medium_of_fields(fields)
    unshown = medium.problem_of(sample.media, object_option_of(fields))
    if unshown is not None:
        own = medium.object_tag(medium.name).get(medium.option)
        remedy = f"write {medium.option}={own!r} into the labeling config, which each task then says"
        problems.append(f"sample {sample.id}: {unshown}; {remedy}, or leave the sample out")
        return None
    found = [
        problem
        for field in fields
        for problem in _problems_of_labels(labels_of(sample.labels.get(field.name)), sample, field)
    ]
    if not found:
        try:
            return to_task(sample, fields, "", run, finished, scoring)
        except RegionError:
            # Converting what is right once is enough; what is not is told with its field.
            found = list(problems_of(sample, fields))
    problems.extend(found)
    return None


def _problems_of_labels(labels: Sequence[Any], sample: SampleRecord, field: LabelField) -> Iterator[str]:
    seen: Counter[str] = Counter(label.id for label in labels)
    on = sample.shown_to(field) if items.is_on_items(field) else None
    for label in labels:
        problem = _problem_of(label, field, seen[label.id] > 1) or (on and items.problem_of(label, field, on))
        if problem:
            yield f"field {field.name!r}, sample {sample.id}, {family_of(field).told(label)}: {problem}"


def _problem_of(label: Any, field: LabelField, is_repeated: bool) -> str | None:
    if is_repeated:
        return _REPEATED
    problem = family_of(field).check(label, field)
    return problem or attributes.problem_of(label, field)


def to_task(
    sample: SampleRecord,
    fields: Sequence[LabelField],
    url: str,
    run: str,
    finished: Finished | None = None,
    scoring: Scoring = BY_CONFIDENCE,
) -> Task:
    """The task that shows one sample, with one prediction, or one annotation, that holds the labels of all fields.

    Args:
        sample: a sample without problems
        fields: the label fields of the run
        url: the address at which the server serves the media, where the task is to have one
        run: the token of the annotation run
        finished: how labels are sent as finished annotations; None where they are predictions
        scoring: how the prediction is scored
    """
    result: list[Region] = []
    sent: dict[str, SentLabels] = {}
    # Label Studio leaves a task out of its VOC export where what comes first is of the whole image (1.23.2).
    for field in sorted(fields, key=lambda field: not family_of(field).is_drawn):
        labels = labels_of(sample.labels.get(field.name))
        if labels:
            regions, sent[field.name] = _to_regions(labels, field, sample.shown_to(field))
            _make_unique(regions, sent[field.name], field, {whole_id(region["id"]) for region in result})
            result += regions
    key, medium = address_key_of(fields), medium_of_fields(fields)
    meta = {"version": FORMAT, "run": run, **medium.to_meta(sample.media), "sent": sent}
    if sample.shown:
        meta["fields"] = digest_of(dict(sample.shown))
    if sample.lists:
        meta[LISTS] = to_lists(sample.lists, sample.shown, fields)
    about = medium.to_data(sample.media, object_option_of(fields))
    if medium.content is not None and shows_media(fields):
        about = {**about, media_key_of(fields): medium.content(sample.media)}
    data = {**about, SAMPLE_ID: sample.id, FILENAME: base_name(sample.path), **sample.shown}
    annotations = []
    if result and finished is not None:
        # An answer without regions says that there is nothing to see, so a sample without labels has none.
        annotations.append(_annotation(result, finished, run, sample.id))
        meta[SENT_ANNOTATION] = annotations[0]["id"]
    task: Task = {
        # Somebody else's labeling config may call the media as we call the name of its file.
        "data": with_address(data, url, key),
        "meta": {META: meta},
        "predictions": _predictions(result, sample, scoring) if finished is None else [],
    }
    return {**task, "annotations": annotations} if annotations else task


def with_address(data: Mapping[str, Any], url: str, media_key: str) -> dict[str, Any]:
    """The data of a task, with the address at which the server serves its media, where it has a key for that."""
    return {**data, media_key: url} if media_key else dict(data)


def _read_back(regions: Sequence[Region], field: LabelField, media: MediaInfo) -> list[ParsedLabel]:
    """The labels that regions come back as, where nobody touches them.

    Raises:
        RegionError: one of them could not be read back
    """
    groups = (group for _, group in items.groups_of(regions, field))
    return [parsed for group in groups for parsed in items.parse_regions(group, field, media)]


def _to_regions(labels: Sequence[Any], field: LabelField, media: MediaInfo) -> tuple[list[Region], SentLabels]:
    family = family_of(field)
    regions = items.to_regions(labels, field, media)
    sent: SentLabels = {}
    for label in labels:
        key = items.key_of(label, field)
        if key is not None:
            sent.setdefault(key, {"ids": []})["ids"].append(label.id)
            if field.is_of_frames and (hidden := label.get_attribute_value(HIDDEN_FRAMES, None)):
                sent[key][HIDDEN] = hidden
    for parsed in _read_back(regions, field, media):
        sent[parsed.key].update(digests_of(parsed.values))
    if field.is_locked and family.is_drawn:
        for region in regions:
            region["readonly"] = True
    if field.attributes:
        regions = _with_attributes(labels, regions, sent, field)
    for key, entry in sent.items():
        if entry["ids"] == [key]:
            del entry["ids"]
    return regions, sent


def _with_attributes(
    labels: Sequence[fol.Label], regions: Sequence[Region], sent: SentLabels, field: LabelField
) -> list[Region]:
    """The regions of a field, each followed by the results that carry the attributes of its label."""
    family = family_of(field)
    controls = {control.name: control for control in attributes.controls_of(field, family)}
    results: dict[str, list[Region]] = {}
    asked: set[str] = set()
    for label in labels:
        key = items.key_of(label, field)
        if key is None:
            continue
        ids = [region["id"] for region in regions if whole_id(region["id"]) == label.id]
        if family.is_drawn and not ids:
            # Answers about no region would make nothing to see something that people have deleted.
            continue
        answers = attributes.to_results(label, ids if family.is_drawn else [label.id], field, family)
        if not family.is_drawn:
            # The editor keeps only the last of several answers to one question about the image.
            answers = [answer for answer in answers if answer["from_name"] not in asked]
            asked.update(answer["from_name"] for answer in answers)
        for answer in answers:
            results.setdefault(answer["id"] if family.is_drawn else "", []).append(answer)
        by_control = [(controls[answer["from_name"]], answer) for answer in answers]
        values, _ = attributes.parse_results(by_control, label.label, field, {})
        sent[key].update(digests_of(values))
    # The editor loses the coordinates of a region whose attributes come before it.
    followed = [item for region in regions for item in (region, *results.pop(region["id"], ()))]
    return followed + [answer for answers in results.values() for answer in answers]


def _make_unique(regions: Sequence[Region], sent: SentLabels, field: LabelField, taken: Collection[str]) -> None:
    """Renames regions whose id another field has, for the editor makes one region of those that share an id."""
    family = family_of(field)
    for region in regions:
        whole = whole_id(region["id"])
        if whole in taken:
            renamed = f"{whole}-{digest_of(field.name)}"
            region["id"] = renamed + region["id"][len(whole) :]
            if "parentID" in region:
                region["parentID"] = renamed + region["parentID"][len(whole) :]
            if family.grouping(field) is not Grouping.FIELD and whole in sent:
                sent[renamed] = {**sent.pop(whole), "ids": [whole]}


def _annotation(result: list[Region], finished: Finished, run: str, sample_id: str) -> dict[str, Any]:
    number = finished_id(run, sample_id)
    return {"id": number, "result": result, "was_cancelled": False, "ground_truth": finished.ground_truth}


def finished_id(run: str, sample_id: str) -> int:
    """The number by which the annotation is known that is sent with the task of a sample, or of a group."""
    # Any whole number that JavaScript keeps; nobody makes annotations of the same one by hand.
    return int(digest_of([run, sample_id]), 16) % 2**53


def _predictions(result: list[Region], sample: SampleRecord, scoring: Scoring) -> list[dict[str, Any]]:
    # Where the order counts, a sample without labels has its place in it, too.
    if not (result or scoring.is_for_all):
        return []
    prediction: dict[str, Any] = {"model_version": MODEL_VERSION, "result": result}
    score = score_of(sample.labels, sample.score_value, scoring)
    return [prediction if score is None else {**prediction, "score": score}]
