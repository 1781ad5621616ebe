"""Predictions that are added to tasks which are there: each says itself what was sent with it.

Our own tasks record in their meta what was sent when they were made. What is sent later is recorded in the first result
of its prediction, under ``fiftyone``, so that neither can be there without the other:

- ``version`` of this format; ``run``, the token of the annotation run
- ``sent``, as tasks record it
- ``from``: label field -> field of the dataset that the labels are of, where that is another one
- ``generation``: what ends the id of each region, so that the ids of an annotation tell which prediction it began with
- ``before``: the same of the predictions in whose place it was put

The server keeps the key. The editor drops it when somebody submits, and keeps the ids of regions (1.23.2).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from fo_labelstudio.convert.digests import digest_of
from fo_labelstudio.convert.families import family_of
from fo_labelstudio.convert.family import Grouping
from fo_labelstudio.convert.records import LabelField, Region
from fo_labelstudio.convert.regions import whole_id
from fo_labelstudio.convert.task.origin import FORMAT, META, is_sent

_REMEMBERED = 2
"""Predictions in whose place another one was put that it still tells of: somebody may have them open."""


class Shown(NamedTuple):
    """What one prediction showed.

    Attributes:
        sent: label field -> key of the label -> aspect -> digest
        sources: label field -> field of the dataset that the labels are of, where that is another one
        generation: what ends the id of each region; empty for what tasks were made with
    """

    sent: Mapping[str, Mapping[str, Mapping[str, Any]]]
    sources: Mapping[str, str] = MappingProxyType({})
    generation: str = ""

    def to_json(self) -> dict[str, Any]:
        """As :func:`shown_in` reads it."""
        return {"sent": self.sent, "from": dict(self.sources), "generation": self.generation}


def to_refreshed(
    result: Sequence[Region],
    sent: Mapping[str, Mapping[str, Any]],
    fields: Sequence[LabelField],
    sources: Mapping[str, str],
    run: str,
    model_version: str,
) -> tuple[list[Region], Shown]:
    """The result of a prediction that is added to a task which is there, and what it shows.

    The same labels yield the same result, whenever they are sent.

    Args:
        result: the result, as a new task would have it
        sent: what the task would record
        fields: the label fields of the run
        sources: label field -> field of the dataset that the labels are of, where that is another one
        run: the token of the run
        model_version: the name of the set of predictions
    """
    generation = digest_of([run, model_version, dict(sources), list(result)])
    regions = [_renamed(region, generation) for region in result]
    named = {field.name: _with_ids(sent[field.name], field, generation) for field in fields if field.name in sent}
    shown = Shown(named, sources, generation)
    if regions:
        regions[0] = {**regions[0], META: _record(run, shown, ())}
    return regions, shown


def with_history(result: Sequence[Region], before: Sequence[Shown]) -> list[Region]:
    """A result that also tells what was shown by the predictions in whose place it is put.

    Args:
        result: what :func:`to_refreshed` made
        before: the newest first
    """
    if not result:
        return []
    older = [shown.to_json() for shown in before[:_REMEMBERED]]
    return [{**result[0], META: {**result[0][META], "before": older}}, *result[1:]]


def shown_in(result: Any, run: str) -> list[Shown]:
    """What a prediction shows, and what those showed in whose place it was put; nothing where it does not say.

    Args:
        result: its result, as the server, or whoever copied it there, returns it
        run: the token of the annotation run
    """
    first = result[0] if isinstance(result, list) and result else None
    record = first.get(META) if isinstance(first, Mapping) else None
    if not isinstance(record, Mapping) or record.get("run") != run or record.get("version") != FORMAT:
        return []
    before = record.get("before")
    rows = [record, *(before if isinstance(before, list) else ())]
    return [
        Shown(row["sent"], row["from"], row["generation"])
        for row in rows
        if isinstance(row, Mapping)
        and is_sent(row.get("sent"))
        and isinstance(row.get("from"), Mapping)
        and isinstance(row.get("generation"), str)
    ]


def _record(run: str, shown: Shown, before: Sequence[Shown]) -> dict[str, Any]:
    return {"version": FORMAT, "run": run, **shown.to_json(), "before": [older.to_json() for older in before]}


def generation_id(region_id: str, generation: str) -> str:
    """The id of a region in a prediction of a generation."""
    whole = whole_id(region_id)
    return f"{whole}-{generation}{region_id[len(whole) :]}" if generation else region_id


def _renamed(region: Region, generation: str) -> Region:
    ids: dict[str, str] = {
        name: generation_id(region[name], generation) for name in ("id", "parentID") if name in region
    }
    return {**region, **ids}


def _with_ids(entries: Mapping[str, Any], field: LabelField, generation: str) -> dict[str, Any]:
    if family_of(field).grouping(field) is Grouping.FIELD:
        return dict(entries)
    return {generation_id(key, generation): {**entry, "ids": entry.get("ids", [key])} for key, entry in entries.items()}
