"""Tasks of the integration inside FiftyOne -> what tasks of ours would say of where they came from.

It makes a prediction for each label field, whose regions have the ids of the labels (a list of them where there are
several choices), and keeps the ids of the labels that it sent; the values that it sent are those of its predictions.

Source: FiftyOne 1.22.1, ``fiftyone.utils.labelstudio``
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from fo_labelstudio.convert.annotation.choose import annotation_of
from fo_labelstudio.convert.digests import digests_of
from fo_labelstudio.convert.families import family_of, has_masks
from fo_labelstudio.convert.family import Grouping
from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.convert.records import LabelField, ParsedLabel, Region, objects_of
from fo_labelstudio.convert.regions import group_regions, whole_id
from fo_labelstudio.convert.task.origin import FORMAT
from fo_labelstudio.errors import RegionError
from fo_labelstudio.messages import quoted

NOBODY = -1
"""The id of a prediction that nobody made, which stands for one that is not known."""


class SentIds(NamedTuple):
    """The labels that were sent.

    Attributes:
        own: label field -> ids of the labels of the sample
        others: id of a label -> the sample that it is one of
    """

    own: Mapping[str, Sequence[str]]
    others: Mapping[str, str]


class Adopted(NamedTuple):
    """What a task of ours would say of itself.

    Attributes:
        meta: its meta
        predictions: ``id`` and ``result`` of each prediction that holds labels of the run, with the ``id`` and the
            ``from_name`` of each region only
        problems: what cannot be told
    """

    meta: dict[str, Any]
    predictions: list[dict[str, Any]]
    problems: list[str]


def adopted_task(
    task: Mapping[str, Any],
    sample_id: str,
    fields: Sequence[LabelField],
    ids: SentIds,
    labels: Mapping[str, Sequence[Any]],
    media: MediaInfo,
    run: str,
) -> Adopted:
    """What a task of ours would say.

    Args:
        task: the task, with its predictions and annotations
        sample_id: the sample that it shows
        fields: the label fields, with the names of the project's control tags
        ids: the labels that were sent
        labels: label field -> the labels that the sample has now
        media: what regions refer to
        run: the token of the run
    """
    reader = _Reader(task, sample_id, fields, ids, labels, media)
    predictions = [reader.read(prediction) for prediction in _dicts(task.get("predictions"))]
    for field in fields:
        reader.compare(field)
        reader.find_loaded(field)
    medium = next(iter(objects_of(fields).values()))
    meta = {"version": FORMAT, "run": run, **medium.to_meta(media), "sent": reader.sent}
    return Adopted(meta, [prediction for prediction in predictions if prediction["result"]], reader.problems)


def as_own_annotation(annotation: Any, predictions: Sequence[Mapping[str, Any]]) -> Any:
    """An annotation that names and holds the prediction that it started from, one without labels where nobody knows.

    Each prediction holds the labels of one field, so an annotation shows those of one field only.

    Args:
        annotation: the annotation, as it was exported
        predictions: those of its task
    """
    if not isinstance(annotation, Mapping):
        return annotation
    parent, own = annotation.get("parent_prediction"), annotation.get("prediction")
    for prediction in predictions:
        if type(parent) is int and prediction["id"] == parent:
            return {**annotation, "prediction": prediction}
    if type(parent) is int and isinstance(own, Mapping) and own.get("id") == parent:
        return annotation
    return {**annotation, "parent_prediction": NOBODY, "prediction": {"id": NOBODY, "result": []}}


class _Reader:
    """Reads one task."""

    def __init__(
        self,
        task: Mapping[str, Any],
        sample_id: str,
        fields: Sequence[LabelField],
        ids: SentIds,
        labels: Mapping[str, Sequence[Any]],
        media: MediaInfo,
    ):
        self._task = task
        self._sample_id = sample_id
        self._fields = {field.control: field for field in fields}
        self._ids = ids
        self._labels = labels
        self._media = media
        self.sent: dict[str, dict[str, dict[str, Any]]] = {}
        self.problems: list[str] = []

    def read(self, prediction: Mapping[str, Any]) -> dict[str, Any]:
        """Reads a prediction; returns what is kept of it."""
        kept: dict[str, list[Region]] = {}
        for region in _dicts(prediction.get("result")):
            field = self._fields.get(region.get("from_name") or "")
            region_ids = _ids_of(region)
            if field is None or not region_ids:
                continue
            if set(region_ids) <= set(self._ids.own.get(field.name, ())):
                kept.setdefault(field.name, []).append(region)
            elif others := [self._ids.others[own] for own in region_ids if own in self._ids.others]:
                self._report(field, region_ids[0], f"it is a label of sample {others[0]}")
        for field in self._fields.values():
            if field.name in kept:
                self._read_field(field, kept[field.name])
        result = [
            {"id": _ids_of(region)[0], "from_name": region["from_name"]}
            for regions in kept.values()
            for region in regions
        ]
        return {"id": prediction.get("id"), "result": result}

    def _read_field(self, field: LabelField, regions: Sequence[Region]) -> None:
        named = [{**region, "id": _ids_of(region)[0]} for region in regions]
        ids_by_region = {row["id"]: _ids_of(region) for row, region in zip(named, regions, strict=True)}
        for group in group_regions(named, family_of(field).grouping(field)).values():
            label_ids = ids_by_region[group[0]["id"]]
            for label, own in zip(*self._parsed(group, label_ids, field), strict=True):
                entry: dict[str, Any] = digests_of(label.values)
                if own != [label.key]:
                    entry["ids"] = own
                before = self.sent.setdefault(field.name, {}).setdefault(label.key, entry)
                if before != entry:
                    self._report(field, own[0], "two predictions hold it, and not alike")

    def _parsed(
        self, group: Sequence[Region], label_ids: Sequence[str], field: LabelField
    ) -> tuple[list[ParsedLabel], list[list[str]]]:
        """The labels of some regions, and the ids of each."""
        family = family_of(field)
        try:
            if any(region.get("type") not in family.region_types_of(field) for region in group):
                raise RegionError(f"its type {quoted(group[0].get('type'))} is not one of the field")
            parsed = family.parse_regions(group, field, self._media)
        except (RegionError, KeyError, TypeError) as error:
            self._report(field, label_ids[0], str(error))
            return [], []
        if family.grouping(field) is not Grouping.FIELD:
            return parsed, [[whole_id(group[0]["id"])] for _ in parsed]
        by_key = {family.key_of(label, field): label.id for label in self._labels.get(field.name, ())}
        there = {label.id for label in self._labels.get(field.name, ())}
        own = [[label_ids[n]] if len(parsed) == len(label_ids) else list(label_ids) for n in range(len(parsed))]
        # A load of the integration gives choices new ids.
        return parsed, [
            ids if there.intersection(ids) or label.key not in by_key else [by_key[label.key]]
            for label, ids in zip(parsed, own, strict=True)
        ]

    def compare(self, field: LabelField) -> None:
        """Finds labels of which a part was sent only."""
        if has_masks(field.label_type) or not field.existing:
            return
        sent = {own for entries in self.sent.get(field.name, {}).items() for own in entries[1].get("ids", [entries[0]])}
        for label in self._labels.get(field.name, ()):
            if label.id in sent and family_of(field).is_drawn and len(self._to_regions(label, field)) != 1:
                reason = "it has several shapes or points, of which the integration inside FiftyOne sent one"
                self._report(field, label.id, reason)

    def find_loaded(self, field: LabelField) -> None:
        """Takes labels that a load of the integration has made of regions, under ids of their own, for these."""
        annotation = annotation_of(self._task)
        sent = self.sent.get(field.name, {})
        # FiftyOne adds the ids of what loads have made to those that were sent (1.22.1).
        known = {own for key, entry in sent.items() for own in entry.get("ids", [key])}
        free = [label for label in self._labels.get(field.name, ()) if label.id not in known]
        if annotation is None or not free or field.question is not None:
            return
        by_digest: dict[str, list[str]] = {}
        for label in free:
            for parsed in self._parse(self._to_regions(label, field), field):
                by_digest.setdefault(_text_of(parsed), []).append(label.id)
        regions = [
            dict(region) for region in _dicts(annotation.get("result")) if region.get("from_name") == field.control
        ]
        regions = [region for region in regions if isinstance(region.get("id"), str)]
        for group in group_regions(regions, family_of(field).grouping(field)).values():
            for parsed in self._parse(group, field):
                same = by_digest.get(_text_of(parsed))
                if parsed.key not in sent and same:
                    entry = {**digests_of(parsed.values), "ids": [same.pop(0)]}
                    self.sent.setdefault(field.name, {})[parsed.key] = entry

    def _to_regions(self, label: Any, field: LabelField) -> list[Region]:
        try:
            return family_of(field).to_regions([label], field, self._media)
        except (RegionError, ValueError, TypeError):
            return []

    def _parse(self, regions: Sequence[Region], field: LabelField) -> list[ParsedLabel]:
        if not regions or any(region.get("type") not in family_of(field).region_types_of(field) for region in regions):
            return []
        try:
            return family_of(field).parse_regions(regions, field, self._media)
        except (RegionError, KeyError, TypeError):
            return []

    def _report(self, field: LabelField, label_id: str, reason: str) -> None:
        self.problems.append(
            f"task {self._task.get('id')}, sample {self._sample_id}, field {field.name!r}, label {label_id}: {reason}"
        )


def _text_of(parsed: ParsedLabel) -> str:
    return repr(sorted(digests_of(parsed.values).items()))


def _ids_of(region: Mapping[str, Any]) -> list[str]:
    """The ids of the labels that a region was made of."""
    found = region.get("id")
    ids = found if isinstance(found, list) else [found]
    own = [label_id for label_id in ids if isinstance(label_id, str)]
    return own if len(own) == len(ids) else []


def _dicts(items: Any) -> Iterator[dict[str, Any]]:
    yield from (item for item in items if isinstance(item, dict)) if isinstance(items, list) else ()


def sent_ids(id_map: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, str, list[str]]]:
    """Label field, sample id and ids of the labels that were sent, as the integration keeps them."""
    for field, by_sample in id_map.items():
        for sample_id, found in by_sample.items():
            ids: Iterable[Any] = found if isinstance(found, list) else [found]
            yield field, sample_id, [own for own in ids if isinstance(own, str)]
