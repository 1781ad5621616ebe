"""The field of samples that scores predictions: checked, with the range of its values."""

from __future__ import annotations

import math

import fiftyone.core.collections as foc
import fiftyone.core.fields as fof

from fo_labelstudio.convert.task.score import Scoring
from fo_labelstudio.dataset.internals import root_dataset
from fo_labelstudio.errors import LabelSchemaError
from fo_labelstudio.messages import meant


def scoring_of(samples: foc.SampleCollection, field: str | None, order: str, sampling: str | None) -> Scoring:
    """How the predictions of samples are scored.

    Args:
        samples: the collection
        field: the field whose value is the score, or None where that is the mean of the confidences
        order: ``lowest`` or ``highest``: which values are served first
        sampling: in which order the project serves its tasks, where that was asked for

    Raises:
        LabelSchemaError: the samples have no such field, or it holds no number
    """
    is_for_all = field is not None or sampling == "uncertainty"
    if field is None:
        return Scoring(None, order == "highest", is_for_all=is_for_all)
    _check(samples, field)
    # Those of the whole dataset, so that a part of it that is sent later is scored alike.
    dataset = root_dataset(samples)
    low, high = (dataset if dataset.get_field(field) is not None else samples).bounds(field, safe=True)
    known = [float(bound) for bound in (low, high) if bound is not None and math.isfinite(bound)]
    return Scoring(field, order == "highest", (min(known, default=0.0), max(known, default=1.0)), is_for_all)


def _check(samples: foc.SampleCollection, name: str) -> None:
    field = samples.get_field(name)
    if field is None:
        hint = meant(name, samples.get_field_schema(flat=True), "see dataset.get_field_schema(flat=True)")
        raise LabelSchemaError(f"score_field: the samples have no field {name!r}; {hint}")
    ends = [place for place, char in enumerate(name) if char == "."]
    if any(not isinstance(samples.get_field(name[:end]), fof.EmbeddedDocumentField) for end in ends):
        raise LabelSchemaError(f"score_field: {name!r} is inside a list, so it has no single value; pass another field")
    if not isinstance(field, (fof.FloatField, fof.IntField)):
        raise LabelSchemaError(f"score_field: {name!r} is a {type(field).__name__}; pass a field of numbers")
