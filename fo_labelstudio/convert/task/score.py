"""The scores of predictions: Label Studio's uncertainty sampling serves the task with the lowest score first.

Source: Label Studio 1.23.2, ``projects.functions.next_task``. Where a score is missing, SQLite puts the task first and
PostgreSQL last, so that where the order counts every prediction gets one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from fo_labelstudio.convert.frame_labels import FRAMES, confidence_of
from fo_labelstudio.convert.numbers import is_finite
from fo_labelstudio.convert.stored import labels_of

LAST = 1.0
"""The score of a sample of which nothing is known, where the order counts: it is served last."""


class Scoring(NamedTuple):
    """How predictions are scored.

    Attributes:
        field: the field of the samples whose value is the score; None where it is the mean of the confidences
        is_highest_first: whether the samples with the highest value are served first
        bounds: the lowest and the highest value of the field; where they lie outside of [0, 1], values are scaled
        is_for_all: whether every sample gets a prediction with a score, for the order counts
    """

    field: str | None = None
    is_highest_first: bool = False
    bounds: tuple[float, float] = (0.0, 1.0)
    is_for_all: bool = False


BY_CONFIDENCE = Scoring()
"""The mean of the confidences, where there are any."""


def score_of(values: Mapping[str, Any], field_value: Any, scoring: Scoring) -> float | None:
    """The score of the prediction of one sample, in [0, 1], or None where it has none.

    Args:
        values: label field -> its value on the sample
        field_value: the value of the field that is the score, where there is one
        scoring: how predictions are scored
    """
    value = mean_confidence(values.values()) if scoring.field is None else field_value
    if not is_finite(value):
        return LAST if scoring.is_for_all else None
    low, high = scoring.bounds
    if low < 0 or high > 1:
        value = (value - low) / (high - low) if high > low else 0.0
    score = _clamped(value)
    return 1.0 - score if scoring.is_highest_first else score


def mean_confidence(values: Iterable[Any]) -> float | None:
    """The mean of the confidences of all labels in the values of label fields, or None where none has one.

    Confidences beyond [0, 1] count as the nearest of its ends. Labels of several points have the mean of theirs.
    """
    found = [confidence for value in values for label in labels_of(value) for confidence in _confidences(label)]
    return sum(found) / len(found) if found else None


def _confidences(label: Any) -> list[float]:
    frames = getattr(label, FRAMES, None)
    confidence = confidence_of(frames) if isinstance(frames, Mapping) else getattr(label, "confidence", None)
    several = confidence if isinstance(confidence, (list, tuple)) else [confidence]
    known = [_clamped(value) for value in several if is_finite(value)]
    return [sum(known) / len(known)] if known else []


def _clamped(value: float) -> float:
    return float(min(max(value, 0.0), 1.0))
