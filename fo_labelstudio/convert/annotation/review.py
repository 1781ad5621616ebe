"""What reviewers have said of annotations: of each, what the newest review of it says.

Source: label-studio-sdk 2.1.2, ``AnnotationReview``, and ``last_action`` of ``Annotation``
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

ACCEPTED, FIXED, REJECTED = "accepted", "fixed", "rejected"
"""Words of Label Studio: *Accept*, *Fix + Accept*, *Reject*."""

_CHANGED = ("submitted", "updated", "skipped", "deleted_review")
"""Last actions after which a review that is older no longer speaks of the annotation."""


class Review(NamedTuple):
    """The newest review of an annotation.

    Attributes:
        verdict: ACCEPTED, FIXED or REJECTED
        time: when it was made, in the words of the server; empty where that is not known
    """

    verdict: str
    time: str = ""


def reviews_of(rows: Iterable[Mapping[str, Any]]) -> dict[int, Review]:
    """Id of an annotation -> the newest review of it.

    Args:
        rows: reviews as the API has them; those that do not say what they are of, or what they say, are passed over
    """
    newest: dict[int, tuple[str, int, Review]] = {}
    for row in rows:
        annotation, review, number = row.get("annotation"), _review(row), row.get("id")
        if review is None or type(annotation) is not int:
            continue
        found = review.time, number if type(number) is int else 0, review
        if annotation not in newest or found[:2] >= newest[annotation][:2]:
            newest[annotation] = found
    return {annotation: review for annotation, (_, _, review) in newest.items()}


def verdict_of(annotation: Mapping[str, Any], reviews: Mapping[int, Review]) -> str | None:
    """What the newest review of an annotation says; None where there is none, or the annotation was changed after it.

    Args:
        annotation: an exported annotation; where it lists its ``reviews`` itself, these count
        reviews: id of an annotation -> the newest review of it
    """
    number = annotation.get("id")
    listed = annotation.get("reviews")
    if isinstance(listed, list):
        own = [{**row, "annotation": 0} for row in listed if isinstance(row, Mapping)]
        review = reviews_of(own).get(0)
    else:
        review = reviews.get(number) if type(number) is int else None
    if review is None:
        return None
    is_newer = _time(annotation.get("updated_at")) > review.time
    return None if is_newer and annotation.get("last_action") in _CHANGED else review.verdict


def is_accepted(annotation: Mapping[str, Any], reviews: Mapping[int, Review]) -> bool:
    """Whether a reviewer has accepted an annotation, as it was or as they have fixed it."""
    return verdict_of(annotation, reviews) in (ACCEPTED, FIXED)


def _review(row: Mapping[str, Any]) -> Review | None:
    accepted, time = row.get("accepted"), _time(row.get("created_at"))
    if not isinstance(accepted, bool):
        return None
    if not accepted:
        return Review(REJECTED, time)
    return Review(ACCEPTED if row.get("fixed_annotation_history") is None else FIXED, time)


def _time(value: Any) -> str:
    # Without the Z, a time of whole seconds sorts before its fractions.
    return value.rstrip("Z") if isinstance(value, str) else ""
