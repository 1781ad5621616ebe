"""Which answers to a task count: one annotation, one of each annotator, predictions of some model versions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from datetime import datetime, timezone
from typing import Any, NamedTuple

from fo_labelstudio.convert.annotation.answer import Problem
from fo_labelstudio.convert.annotation.review import Review, is_accepted
from fo_labelstudio.convert.numbers import is_finite
from fo_labelstudio.messages import quoted

LATEST = "latest"
GROUND_TRUTH = "ground_truth"
ALL = "all"
ACCEPTED = "accepted"

UNDEFINED = "undefined"
"""The model version of predictions that name none; Label Studio stores it so (1.23.2)."""

_NOBODY = "unknown"
"""The annotator of annotations that name none."""


class Source(NamedTuple):
    """Whose answers go into fields of their own.

    Attributes:
        is_prediction: whether a model made them
        name: an annotator, as :func:`annotator_of` names them, or a model version; None for the one annotation of each
            task that is asked for
    """

    is_prediction: bool
    name: str | None


@dataclass(frozen=True)
class Which:
    """Which answers count. Skipped tasks and drafts never do unless they are asked for.

    Attributes:
        annotations: ``latest``, the newest submitted one of each task; ``ground_truth``, the newest one so marked; the
            e-mail or the id of an annotator; ``accepted``, the newest one that a reviewer has accepted; ``all``, the
            newest of each annotator; None for none
        predictions: a model version; ``all``, the newest of each version; None for none
        people: id of an annotator -> e-mail, for exports that have only ids
        reviews: id of an annotation -> the newest review of it, for exports that do not say
        with_skipped: whether annotations of skipped tasks count as submitted; they hold what was there before
        with_drafts: whether drafts count as annotations; what the brush has drawn in them cannot be read
    """

    annotations: str | None = LATEST
    predictions: str | None = None
    people: Mapping[int, str] = dataclass_field(default_factory=dict)
    with_skipped: bool = False
    with_drafts: bool = False
    reviews: Mapping[int, Review] = dataclass_field(default_factory=dict)

    def counts(self, annotation: Mapping[str, Any]) -> bool:
        """Whether a submitted annotation is one of those of which the newest counts."""
        if self.annotations in (LATEST, ALL):
            return True
        if self.annotations == GROUND_TRUTH:
            return _is_ground_truth(annotation)
        if self.annotations == ACCEPTED:
            return is_accepted(annotation, self.reviews)
        return self.annotations is not None and self.annotations.strip().lower() in _names_of(annotation, self.people)


NEWEST = Which()
"""The newest submitted annotation of each task."""


class Chosen(NamedTuple):
    """An answer to a task that counts.

    Attributes:
        source: whose it is
        result: its results
        score: what its model says of all of it, or None
    """

    source: Source
    result: Sequence[Any]
    score: Any = None


def chosen_of(task: Mapping[str, Any], which: Which, name: Any, problems: list[Problem]) -> list[Chosen]:
    """The answers to a task that count, at most one of each source.

    Args:
        task: the task, in the form of the export endpoint; older forms are understood
        which: which ones count
        name: the task, as problems name it
        problems: receives what could not be understood
    """
    chosen = []
    annotations = _listed(task, "annotations", "completions", name, problems)
    submitted = [annotation for annotation in annotations if which.with_skipped or is_submitted(annotation)]
    if which.with_drafts:
        submitted += _listed(task, "drafts", "drafts", name, problems)
    if which.annotations == ALL:
        groups = _grouped(submitted, lambda annotation: annotator_of(annotation, which.people))
    elif which.annotations is not None:
        groups = {None: list(filter(which.counts, submitted))}
    else:
        groups = {}
    for person, group in groups.items():
        chosen += _newest(group, Source(False, person), name, problems)
    if which.predictions is not None:
        predictions = _listed(task, "predictions", "predictions", name, problems)
        for version, group in _grouped(predictions, version_of).items():
            if which.predictions in (ALL, version):
                chosen += _newest(group, Source(True, version), name, problems)
    return chosen


def names_in(task: Mapping[str, Any], which: Which, is_prediction: bool) -> set[str]:
    """Who answered a task: its annotators, or the versions of the models that predicted, whichever count.

    Args:
        task: the task, in the form of the export endpoint; older forms are understood
        which: who the annotators are
        is_prediction: whether models are asked for
    """
    if is_prediction:
        return {version_of(item) for item in _listed(task, "predictions", "predictions", None, [])}
    annotations = _listed(task, "annotations", "completions", None, [])
    return {annotator_of(item, which.people) for item in annotations if which.with_skipped or is_submitted(item)}


def is_submitted(annotation: Mapping[str, Any]) -> bool:
    """Whether an annotation was submitted, not skipped; what does not say so was, for older files do not."""
    return not (annotation.get("was_cancelled") is True or annotation.get("skipped") is True)


def annotator_of(annotation: Mapping[str, Any], people: Mapping[int, str]) -> str:
    """The e-mail of who made an annotation, in lower case; where nothing tells it, ``user`` with their id."""
    number, email = _person(annotation)
    email = email or (people.get(number) if number is not None else None)
    if email:
        return email.strip().lower()
    return _NOBODY if number is None else f"user {number}"


def version_of(prediction: Mapping[str, Any]) -> str:
    """The model version of a prediction."""
    version = prediction.get("model_version")
    return str(version) if version not in (None, "") else UNDEFINED


def _names_of(annotation: Mapping[str, Any], people: Mapping[int, str]) -> set[str]:
    number, _ = _person(annotation)
    return {annotator_of(annotation, people), *([] if number is None else [str(number), f"user {number}"])}


def _person(annotation: Mapping[str, Any]) -> tuple[int | None, str | None]:
    """The id and the e-mail of who made an annotation, as far as it says.

    Source: Label Studio 1.23.2: ``completed_by`` is an id in exports, an object in the API, and may be an e-mail in
    files that are imported; ``created_username`` is "name e-mail, id"
    """
    # Drafts have the e-mail of their user instead.
    by: Any = annotation.get("completed_by", annotation.get("user"))
    if isinstance(by, Mapping):
        by, email = by.get("id"), by.get("email")
        return by if type(by) is int else None, email if isinstance(email, str) and email else None
    if isinstance(by, str) and "@" in by:
        return None, by
    number = int(by) if type(by) is int or (isinstance(by, str) and by.isascii() and by.isdigit()) else None
    username = annotation.get("created_username")
    if isinstance(username, str):
        email = next((word for word in username.rpartition(",")[0].split() if "@" in word), None)
        return number, email
    return number, None


def _is_ground_truth(annotation: Mapping[str, Any]) -> bool:
    # Files of versions before 1.0 call it honeypot.
    return annotation.get("ground_truth") is True or annotation.get("honeypot") is True


def _grouped(items: Iterable[Mapping[str, Any]], key_of: Any) -> dict[Any, list[Mapping[str, Any]]]:
    groups: dict[Any, list[Mapping[str, Any]]] = {}
    for item in items:
        groups.setdefault(key_of(item), []).append(item)
    return groups


def _newest(group: Sequence[Mapping[str, Any]], source: Source, name: Any, problems: list[Problem]) -> list[Chosen]:
    """The newest of some answers, as a list of one, or of none."""
    if not group:
        return []
    # Of several that are equally new, the last one.
    _, answer = max(enumerate(group), key=lambda row: (_time_of(row[1]), _number_of(row[1]), row[0]))
    result = answer.get("result")
    if not isinstance(result, list):
        problems.append(Problem(name, None, f"the result of its answer {quoted(answer.get('id'))} is no list"))
        return []
    return [Chosen(source, result, answer.get("score"))]


def _time_of(answer: Mapping[str, Any]) -> str:
    for key in ("updated_at", "created_at"):
        time = answer.get(key)
        if isinstance(time, str):
            # Without the Z, a time of whole seconds sorts before its fractions.
            return time.rstrip("Z")
        if is_finite(time) and 0 <= time < 2**40:
            # Versions before 1.0 wrote seconds since 1970.
            return datetime.fromtimestamp(time, timezone.utc).replace(tzinfo=None).isoformat()
    return ""


def _number_of(answer: Mapping[str, Any]) -> int:
    number = answer.get("id")
    if isinstance(number, str) and number.isascii() and number.isdigit():
        return int(number)
    return number if type(number) is int else 0


def _listed(
    task: Mapping[str, Any], key: str, older: str, name: Any, problems: list[Problem]
) -> list[Mapping[str, Any]]:
    found = task.get(key)
    if found is None:
        found = task.get(older)
    if found is None:
        return []
    if not isinstance(found, list):
        problems.append(Problem(name, None, f"its {key} are {quoted(found)}, expected a list"))
        return []
    objects = [item for item in found if isinstance(item, Mapping)]
    if len(objects) < len(found):
        strange = next(item for item in found if not isinstance(item, Mapping))
        # The export endpoint writes the ids of predictions in place of them.
        problems.append(Problem(name, None, f"one of its {key} is {quoted(strange)}, expected an object; left out"))
    return objects
