"""Which of the predictions that a run has sent an annotation started from."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from fo_labelstudio.convert.annotation.origin import is_without_parent, own_regions, prediction_of
from fo_labelstudio.convert.records import LabelField
from fo_labelstudio.convert.regions import whole_id
from fo_labelstudio.convert.task.refreshed import Shown, shown_in

_OF_A_GENERATION = re.compile(r"[0-9a-f]{24}(-[0-9a-f]{16})+")
"""The whole id of a region that was sent later than its task."""


class Start(NamedTuple):
    """What an annotation started from.

    Attributes:
        shown: what that showed
        is_certain: whether it surely was that, and not what stood in its place before
        others: what the other predictions showed, as far as they are known
    """

    shown: Shown
    is_certain: bool = True
    others: Sequence[Shown] = ()


def start_of(
    annotation: Mapping[str, Any],
    task: Mapping[str, Any],
    sent: Mapping[str, Mapping[str, Mapping[str, Any]]],
    fields: Sequence[LabelField],
    run: str,
) -> Start:
    """What an annotation started from: what its regions were sent with, or else the prediction that it names.

    Args:
        annotation: the annotation
        task: its task; predictions may be there as their ids
        sent: what the task records
        fields: the label fields of the run
        run: the token of the run
    """
    first = Shown(sent)
    predictions = task.get("predictions")
    known = [item for item in predictions if isinstance(item, Mapping)] if isinstance(predictions, list) else []
    copy = annotation.get("prediction")
    results = [item.get("result") for item in (copy, *known) if isinstance(item, Mapping)]
    # Who accepts predictions over the API leaves the record in the result.
    records = [shown for result in (*results, annotation.get("result")) for shown in shown_in(result, run)]
    if not records:
        return Start(first)
    ids = _whole_ids(annotation)
    best = max([first, *records], key=lambda shown: len(ids & _own(shown, fields)))
    if ids & _own(best, fields):
        return _started(best, [first, *records])
    parent = prediction_of(annotation, known)
    named = shown_in(parent.get("result"), run) if parent is not None else []
    return _started(named[0] if named else first, [first, *records], len(named) <= 1)


def _started(shown: Shown, known: Sequence[Shown], is_certain: bool = True) -> Start:
    others = {other.generation: other for other in known if other.generation != shown.generation}
    return Start(shown, is_certain, list(others.values()))


def prediction_in_doubt_of(
    annotation: Mapping[str, Any], task: Mapping[str, Any], start: Start, fields: Sequence[LabelField]
) -> int | None:
    """The id of a prediction that may say what the regions of an annotation were sent with, where nothing at hand does.

    That is so where somebody began with one set of predictions, and submitted a draft of it once another one had become
    what people start from.
    """
    own = _own(start.shown, fields)
    if not any(_OF_A_GENERATION.fullmatch(region_id) and region_id not in own for region_id in _whole_ids(annotation)):
        return None
    if is_without_parent(annotation):
        return int(annotation["parent_prediction"])
    copy, predictions = annotation.get("prediction"), task.get("predictions")
    at_hand = copy.get("id") if isinstance(copy, Mapping) else None
    others = predictions if isinstance(predictions, list) else []
    return max((number for number in others if type(number) is int and number != at_hand), default=None)


def _own(shown: Shown, fields: Sequence[LabelField]) -> set[str]:
    return set(own_regions(shown.sent, fields, shown.generation, shown.sources))


def _whole_ids(annotation: Mapping[str, Any]) -> set[str]:
    result = annotation.get("result")
    regions = result if isinstance(result, list) else []
    return {
        whole_id(region["id"])
        for region in regions
        if isinstance(region, Mapping) and isinstance(region.get("id"), str)
    }
