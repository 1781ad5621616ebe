"""compute_agreement(): how far the fields of several annotators say the same, by FiftyOne's own evaluation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import combinations
from typing import Any, NamedTuple

import fiftyone as fo
import fiftyone.core.collections as foc
import fiftyone.core.fields as fof
import fiftyone.core.labels as fol

from fo_labelstudio.convert.stored import labels_of, list_name
from fo_labelstudio.dataset.internals import root_dataset
from fo_labelstudio.errors import LabelSchemaError, SettingsError
from fo_labelstudio.runs.state import RunState

_EVAL_KEY = "agreement"
_LEFT, _RIGHT = "one", "other"


class Count(NamedTuple):
    """What two annotators said of something.

    Attributes:
        same: how much of it has an equal on the other side
        all: how much both said
    """

    same: float = 0.0
    all: float = 0.0

    def __add__(self, other: Any) -> Count:
        return Count(self.same + other.same, self.all + other.all)

    @property
    def agreement(self) -> float:
        """The share that is the same, in [0, 1]; 1 where both said nothing."""
        return self.same / self.all if self.all else 1.0


Counts = dict[str, Count]
"""Class -> what was said of it; the sum is what was said of the sample."""


def compute_agreement(
    samples: foc.SampleCollection,
    label_field: str,
    fields: Sequence[str] | None = None,
    anno_key: str | None = None,
    iou: float = 0.5,
) -> dict[str, Any]:
    """How far annotators agree; see :func:`fo_labelstudio.compute_agreement`."""
    dataset = root_dataset(samples)
    fields = fields_of_annotators(dataset, label_field, anno_key) if fields is None else list(fields)
    _check(dataset, label_field, fields)
    compare = _comparison_of(dataset, fields[0], iou)
    by_sample: dict[str, Counts] = {}
    for one, other in combinations(fields, 2):
        for sample_id, counts in compare(samples, one, other).items():
            total = by_sample.setdefault(sample_id, {})
            for name, count in counts.items():
                total[name] = total.get(name, Count()) + count
    _write(samples, f"{label_field}_agreement", by_sample)
    classes: Counts = {}
    for counts in by_sample.values():
        for name, count in counts.items():
            classes[name] = classes.get(name, Count()) + count
    values = [_of_sample(counts).agreement for counts in by_sample.values()]
    return {
        "samples": len(values),
        "mean": sum(values) / len(values) if values else None,
        "classes": {name: count.agreement for name, count in sorted(classes.items()) if name},
    }


def fields_of_annotators(dataset: fo.Dataset, label_field: str, anno_key: str | None) -> list[str]:
    """The fields that loads of each annotator's answers have made for a label field."""
    found: dict[str, list[str]] = {}
    for key in dataset.list_annotation_runs() if anno_key is None else [anno_key]:
        results = dataset.load_annotation_results(key)
        if isinstance(results, RunState) and label_field in results.config.label_schema:
            suffixes = results.last_load.get("annotators", {}).values()
            names = sorted(label_field + suffix for suffix in suffixes)
            found[key] = [name for name in names if dataset.get_field(name) is not None]
    several = [key for key, names in found.items() if len(names) > 1]
    if len(several) > 1:
        raise SettingsError(
            f"field {label_field!r}: {len(several)} annotation runs have annotators with fields of their own: "
            f"{', '.join(map(repr, several))}; pass anno_key={several[0]!r}, or another one"
        )
    return found[several[0]] if several else []


def _check(dataset: fo.Dataset, label_field: str, fields: Sequence[str]) -> None:
    if len(fields) < 2:
        raise SettingsError(
            f"field {label_field!r}: there are no two fields of annotators to compare, but {len(fields)}; load with "
            "annotations='all', which gives each annotator a field, or pass fields=[...]"
        )
    kinds = {}
    for name in fields:
        field = dataset.get_field(name)
        if field is None:
            raise LabelSchemaError(f"field {name!r}: there is no such field; pass fields that the dataset has")
        kinds[name] = _kind_of(field)
    first = fields[0]
    for name in fields:
        if kinds[name] is not kinds[first]:
            raise LabelSchemaError(
                f"field {name!r} holds {kinds[name].__name__}, field {first!r} {kinds[first].__name__}, so they cannot "
                "be compared; pass fields of one type"
            )


def _kind_of(field: fof.Field) -> Any:
    return field.document_type if isinstance(field, fof.EmbeddedDocumentField) else type(field)


def _comparison_of(
    dataset: fo.Dataset, name: str, iou: float
) -> Callable[[foc.SampleCollection, str, str], dict[str, Counts]]:
    kind = _kind_of(dataset.get_field(name))
    if kind in (fol.Detections, fol.Polylines, fol.Keypoints):
        if kind is fol.Polylines and find_spec("shapely") is None:
            raise SettingsError(f"field {name!r}: FiftyOne compares polylines with shapely; pip install shapely")
        return lambda samples, one, other: _compare_shapes(samples, one, other, kind, iou)
    if kind is fol.Segmentation:
        return _compare_masks
    if kind in (fol.Classification, fol.Classifications):
        return lambda samples, one, other: _compare_classes(samples, one, other, iou)
    if issubclass(kind, fol.Label):
        raise LabelSchemaError(
            f"field {name!r} holds {kind.__name__}, which FiftyOne does not compare; load into a field of lists, such "
            "as detections in place of detection"
        )
    return _compare_values


def _answered(samples: foc.SampleCollection, one: str, other: str) -> Any:
    """The samples to which both annotators have an answer."""
    return samples.exists(one).exists(other)


def _compare_values(samples: foc.SampleCollection, one: str, other: str) -> dict[str, Counts]:
    """Values: how many of each are on both sides."""
    rows = zip(*_answered(samples, one, other).values(["id", one, other]))
    return {sample_id: _equal(_texts(left), _texts(right)) for sample_id, left, right in rows}


def _equal(left: Sequence[str], right: Sequence[str]) -> Counts:
    lefts, rights = Counter(left), Counter(right)
    both = lefts & rights
    return {name: Count(2.0 * both[name], float(lefts[name] + rights[name])) for name in (lefts | rights)}


def _compare_classes(samples: foc.SampleCollection, one: str, other: str, iou: float) -> dict[str, Counts]:
    """Classes: how many of each are on both sides; and spans, which are the same where they overlap enough, too."""
    found: dict[str, Counts] = {}
    for sample_id, left, right in zip(*_answered(samples, one, other).values(["id", one, other])):
        sides = [[label for label in labels_of(value) if label.label is not None] for value in (left, right)]
        counts = _equal(*([label.label for label in side if _span_of(label) is None] for side in sides))
        spans = [[label for label in side if _span_of(label) is not None] for side in sides]
        for name in {label.label for side in spans for label in side}:
            lefts, rights = ([_span_of(label) for label in side if label.label == name] for side in spans)
            same = Count(2.0 * _overlapping(lefts, rights, iou), float(len(lefts) + len(rights)))
            counts[name] = counts.get(name, Count()) + same
        found[sample_id] = counts
    return found


def _span_of(label: fol.Classification) -> tuple[Any, Any, Any] | None:
    """What a span is in, which is a turn or a channel, its start and its end; None of a class of the whole."""
    turn, channel, start, end = (label.get_attribute_value(name, None) for name in ("turn", "channel", "start", "end"))
    # Those on the first channel need not say so; where it is no number, it is somebody's own attribute.
    place = turn, channel if type(channel) is int else 0
    return None if start is None or end is None else (place, start, end)


def _overlapping(lefts: Sequence[Any], rights: Sequence[Any], iou: float) -> int:
    """How many spans have one on the other side, each once, that overlaps by ``iou`` at least; the most alike first."""
    pairs = (
        (_overlap(one, other), left, right) for left, one in enumerate(lefts) for right, other in enumerate(rights)
    )
    taken_left, taken_right = set[int](), set[int]()
    for overlap, left, right in sorted(pairs, reverse=True):
        if overlap >= iou and overlap > 0 and left not in taken_left and right not in taken_right:
            taken_left.add(left)
            taken_right.add(right)
    return len(taken_left)


def _overlap(one: tuple[Any, Any, Any], other: tuple[Any, Any, Any]) -> float:
    """The share of what two spans are on that both are on, in [0, 1]."""
    if one == other:
        return 1.0
    (place, start, end), (other_place, other_start, other_end) = one, other
    shared = min(end, other_end) - max(start, other_start)
    all_of_it = max(end, other_end) - min(start, other_start)
    # What takes no time or has no characters, whatever the unit is, is none of it.
    return 0.0 if place != other_place or not all_of_it else max(0.0, shared / all_of_it)


def _texts(value: Any) -> list[str]:
    values = value if isinstance(value, (list, tuple)) else [value]
    return [str(item) for item in values if item is not None]


def _compare_shapes(samples: foc.SampleCollection, one: str, other: str, kind: Any, iou: float) -> dict[str, Counts]:
    """Boxes, masks, lines and points: those that FiftyOne matches with one of the same class on the other side."""
    items = list_name(kind)
    with _copied(samples, one, other) as copied:
        if not len(copied):
            return {}
        masks = [mask for name in (_LEFT, _RIGHT) for mask in copied.values(f"{name}.{items}.mask", unwind=True)]
        has_masks = kind is fol.Detections and bool(masks) and all(mask is not None for mask in masks)
        options = {"use_masks": True} if has_masks else {}
        copied.evaluate_detections(
            _RIGHT, gt_field=_LEFT, eval_key=_EVAL_KEY, method="coco", iou=iou, progress=False, **options
        )
        paths = [f"{name}.{items}.{end}" for name in (_LEFT, _RIGHT) for end in ("label", _EVAL_KEY)]
        found: dict[str, Counts] = {}
        for sample_id, *columns in zip(*copied.values(["known_id", *paths])):
            counts: Counts = {}
            for names, verdicts in (columns[:2], columns[2:]):
                for name, verdict in zip(names or (), verdicts or ()):
                    counts[str(name)] = counts.get(str(name), Count()) + Count(float(verdict == "tp"), 1.0)
            found[sample_id] = counts
        return found


def _compare_masks(samples: foc.SampleCollection, one: str, other: str) -> dict[str, Counts]:
    """Masks of whole images: the share of pixels of the same class."""
    with _copied(samples, one, other) as copied:
        if not len(copied):
            return {}
        copied.evaluate_segmentations(_RIGHT, gt_field=_LEFT, eval_key=_EVAL_KEY, progress=False)
        rows = zip(*copied.values(["known_id", f"{_EVAL_KEY}_accuracy"]))
        return {sample_id: {"": Count(float(accuracy), 1.0)} for sample_id, accuracy in rows}


@contextmanager
def _copied(samples: foc.SampleCollection, one: str, other: str) -> Iterator[fo.Dataset]:
    """What two annotators said, in a dataset that is gone afterwards: an evaluation writes into labels."""
    copied = fo.Dataset()
    try:
        for name, field in ((_LEFT, one), (_RIGHT, other)):
            copied.add_sample_field(
                name, fof.EmbeddedDocumentField, embedded_doc_type=_kind_of(root_dataset(samples).get_field(field))
            )
        answered = _answered(samples, one, other).select_fields([one, other])
        copied.add_samples(
            (
                fo.Sample(filepath=sample.filepath, known_id=sample.id, **{_LEFT: sample[one], _RIGHT: sample[other]})
                for sample in answered.iter_samples()
            ),
            progress=False,
            num_samples=len(answered),
        )
        yield copied
    finally:
        copied.delete()


def _of_sample(counts: Counts) -> Count:
    return sum(counts.values(), Count())


def _write(samples: foc.SampleCollection, name: str, by_sample: dict[str, Counts]) -> None:
    """Writes the agreement on each sample, and on each of its classes, in place of what an earlier call wrote."""
    dataset = root_dataset(samples)
    if dataset.get_field(name) is None:
        dataset.add_sample_field(name, fof.FloatField, description="how far annotators agree, in [0, 1]")
        dataset.add_sample_field(
            f"{name}_classes",
            fof.EmbeddedDocumentField,
            embedded_doc_type=fol.Classifications,
            description="how far annotators agree on each class, in [0, 1], as its confidence",
        )
    ids = samples.values("id")
    dataset.set_values(
        name,
        {
            sample_id: _of_sample(by_sample[sample_id]).agreement if sample_id in by_sample else None
            for sample_id in ids
        },
        key_field="id",
    )
    dataset.set_values(
        f"{name}_classes",
        {sample_id: _classes(by_sample.get(sample_id)) for sample_id in ids},
        key_field="id",
    )


def _classes(counts: Counts | None) -> fol.Classifications | None:
    if counts is None:
        return None
    return fol.Classifications(
        classifications=[
            fol.Classification(label=name, confidence=count.agreement) for name, count in sorted(counts.items()) if name
        ]
    )
