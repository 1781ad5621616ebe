"""What a load looks at: all tasks of a run, or those that may say something else than they did at the last load.

A load that looks at less leaves the dataset as one that looks at everything would. So it looks at

- the tasks that were changed on the server since, by the server's own clock,
- the answered tasks whose samples were changed in FiftyOne since: a load compares answers with what is there,
- the tasks of which the last load has left something behind, and those that the run did not have then;

and it looks at everything where what it was asked for, or what answers mean, is not what it was.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, NamedTuple

from fo_labelstudio import __version__
from fo_labelstudio.convert.digests import digest_of
from fo_labelstudio.convert.foreign.which import ACCEPTED
from fo_labelstudio.convert.times import parse_time
from fo_labelstudio.dataset.modified import database_time, modified_since, without_document
from fo_labelstudio.log import logger
from fo_labelstudio.merge.compact_numbers import packed, unpacked
from fo_labelstudio.runs.load import INTERRUPTED, Plan, has_field
from fo_labelstudio.runs.load_options import LoadOptions
from fo_labelstudio.runs.ports import Changes, ProjectState, TaskSource
from fo_labelstudio.runs.state import RunState

OVERLAP_SECONDS = 120
"""Before the newest change that a load has seen: the one that a request makes is dated before it can be seen, and Label
Studio's own image ends requests that take longer (1.23.2)."""

SAMPLES_OVERLAP_SECONDS = 600
"""The same for changes of samples, which machines with clocks of their own date."""

_FEW = 1000
"""Changed tasks that are always worth being listed."""

_MOST_RECENT = 2000
"""Changes of the overlap that are remembered, so that the next load does not look at them again."""


@dataclass
class LastLoad:
    """What is kept of a load, so that the next one need not look at everything.

    Attributes:
        until: the time of the newest change on the server, before anything was downloaded
        recent: task id -> time of its newest change, of those in the overlap that were looked at
        started: when it began, by the clock of the database, in milliseconds since 1970
        stamps: the times of its own changes of samples, and of those of earlier loads that the next one may see
        recent_samples: sample id -> time of its newest change, of those in the overlap
        conditions: what it depends on -> a digest of it
        destinations: the fields that it put labels into
        known: the tasks that the run had
        answered: those of them that have an answer which counts
        open: those of which something was left behind
        annotators: whose answers have fields of their own -> what the names of these end in
        needs_all: why its results depend on all tasks at once; None where they do not
    """

    until: str
    started: int
    conditions: Mapping[str, str]
    recent: Mapping[int, str] = field(default_factory=dict)
    stamps: Sequence[int] = ()
    recent_samples: Mapping[str, int] = field(default_factory=dict)
    destinations: Sequence[str] = ()
    known: Collection[int] = ()
    answered: Collection[int] = ()
    open: Collection[int] = ()
    annotators: Mapping[str, str] = field(default_factory=dict)
    needs_all: str | None = None

    def to_json(self) -> dict[str, Any]:
        """As :meth:`of_json` reads it."""
        return {
            **vars(self),
            # To JSON, keys are texts.
            "recent": {str(task_id): time for task_id, time in self.recent.items()},
            "stamps": list(self.stamps),
            "known": packed(self.known),
            "answered": packed(self.answered),
            "open": packed(self.open),
        }

    @classmethod
    def of_json(cls, saved: Mapping[str, Any]) -> LastLoad:
        """What :meth:`to_json` wrote."""
        sets = {name: unpacked(saved[name]) for name in ("known", "answered", "open")}
        recent = {int(task_id): time for task_id, time in saved["recent"].items()}
        # Another version may have kept more.
        known = {name: value for name, value in saved.items() if name in cls.__dataclass_fields__}
        return cls(**{**known, **sets, "recent": recent})


class Scope(NamedTuple):
    """What a load looks at, and what is to be kept of it.

    Attributes:
        task_ids: the tasks, or None for all
        last: the record of the last load that counts; None where there is none
        next: the record of this load, as far as it is known before; None where the next one must look at everything
    """

    task_ids: Sequence[int] | None
    last: LastLoad | None = None
    next: LastLoad | None = None


def scope_of(
    results: RunState, plan: Plan, options: LoadOptions, source: TaskSource, state: ProjectState, is_complete: bool
) -> Scope:
    """What a load looks at.

    Args:
        results: the state of the run
        plan: where the labels go
        options: what the load is asked for
        source: where the tasks come back from
        state: what the project says of itself
        is_complete: whether everything of the run was sent
    """
    if not is_complete or results.has_clips:
        # What one clip has changed of a sample is news to the others.
        return Scope(None)
    last = LastLoad.of_json(results.last_load) if results.last_load else None
    since = _before(last.until, OVERLAP_SECONDS) if last is not None and last.until and not options.full else None
    # To list more takes longer than to look at the others, too.
    changes = source.changes(since, max(_FEW, len(results.tasks) // 2))
    if changes is None:
        if last is not None:
            _say_why("the server does not tell what was changed")
        return Scope(None)
    started = database_time(results.dataset, results.is_frames)
    new = LastLoad(changes.newest, started, _conditions(results, plan, options, state), known={*results.tasks.values()})
    reason = None if last is None else _why_all(last, new, results, plan, options, changes)
    earliest = (started if last is None or reason else last.started) - SAMPLES_OVERLAP_SECONDS * 1000
    own = () if last is None else last.stamps
    with_frames = any(field.is_of_frames for field in results.config.label_fields())
    modified = modified_since(results.dataset, results.is_frames, earliest, own, with_frames)
    new.recent_samples = _recent_samples(modified, started)
    if last is None:
        return Scope(None, None, new)
    new.recent = _recent(changes)
    if reason is not None:
        _say_why(reason)
        return Scope(None, last, new)
    chosen = _chosen(last, new, results, changes, modified)
    return Scope([task_id for task_id in results.tasks.values() if task_id in chosen], last, new)


def _say_why(reason: str) -> None:
    logger.info("Loading all tasks of the run again: %s", reason)


def _why_all(
    last: LastLoad, new: LastLoad, results: RunState, plan: Plan, options: LoadOptions, changes: Changes
) -> str | None:
    """Why a load looks at everything, or None where it does not."""
    if options.full:
        return "full=True"
    if not last.until:
        return "nothing was there at the last load"
    if changes.times is None:
        return "most of them were changed since the last load"
    if results.left_behind[:1] == [INTERRUPTED]:
        return "the last load was interrupted"
    if last.needs_all is not None:
        return last.needs_all
    if options.unexpected == "return":
        return "unexpected='return' returns what all of them hold"
    if options.annotations == ACCEPTED:
        return "with annotations='accepted', a review tells more than the time of a change"
    for name, digest in new.conditions.items():
        if last.conditions.get(name) != digest:
            return f"{name} is not what it was at the last load"
    gone = [*plan.gone, *(path for path in last.destinations if not has_field(results, path))]
    if gone or plan.remade:
        return f"field {[*gone, *plan.remade][0]!r} of the last load is gone, or was made anew"
    if _is_before(changes.newest, last.until):
        return "the server has no change as new as the last load has seen; was it restored?"
    return None


def _chosen(
    last: LastLoad, new: LastLoad, results: RunState, changes: Changes, modified: Mapping[str, int]
) -> set[int]:
    """The tasks that may say something else than they did, or of whose samples something else is true."""
    assert changes.times is not None
    chosen = {task_id for task_id, time in changes.times.items() if last.recent.get(task_id) != time}
    if changes.not_listed and results.skipped:
        # A skip that was taken back leaves a task that nobody has answered.
        chosen |= unpacked(results.skipped)
    own = {*last.answered}
    answered = {sample_id: task_id for sample_id, task_id in results.tasks_by_sample.items() if task_id in own}
    gone = without_document(results.dataset, results.is_frames, answered)
    again = {name for name, time in modified.items() if last.recent_samples.get(name) != time} | gone
    chosen.update(task_id for sample_id, task_id in answered.items() if sample_id in again)
    return chosen | {*last.open} | {*results.tasks.values()} - {*last.known}


def completed(
    scope: Scope,
    looked_at: Collection[int] | None,
    answered: Collection[int],
    open_tasks: Collection[int],
    stamps: Sequence[int],
    destinations: Iterable[str],
    annotators: Mapping[str, str],
    needs_all: str | None,
) -> dict[str, Any]:
    """The record of a load that has come to its end; empty where the next one must look at everything.

    Args:
        scope: what it was to look at
        looked_at: what it looked at; None for all tasks
        answered: the tasks that it looked at which have an answer
        open_tasks: those of which something was left behind
        stamps: the times of its own changes
        destinations: the fields that it put labels into
        annotators: whose answers have fields of their own -> what the names of these end in
        needs_all: why its results depend on all tasks at once; None where they do not
    """
    new, last = scope.next, scope.last
    if new is None:
        return {}
    if looked_at is not None and last is not None:
        answered = {*last.answered} - {*looked_at} | {*answered}
        open_tasks = {*last.open} - {*looked_at} | {*open_tasks}
    new.answered, new.open = {*answered} & {*new.known}, {*open_tasks} & {*new.known}
    earliest = new.started - SAMPLES_OVERLAP_SECONDS * 1000
    new.stamps = [time for time in (*(last.stamps if last is not None else ()), *stamps) if time >= earliest]
    new.destinations, new.annotators, new.needs_all = sorted({*destinations}), annotators, needs_all
    return new.to_json()


def _conditions(results: RunState, plan: Plan, options: LoadOptions, state: ProjectState) -> dict[str, str]:
    """What decides what answers mean, and what becomes of them: what it is -> a digest."""
    config = results.config
    asked = {name: value for name, value in options._asdict().items() if name not in ("full", "dest_field")}
    of_run = [config.url, config.saved_state.get("project_id"), config.saved_state.get("token")]
    of_options = {f"{name}=": _plain(value) for name, value in asked.items()}
    conditions = {
        "the project": of_run,
        "the labeling config": state.labeling_config,
        "the label schema": json.dumps(config.label_schema, default=repr, sort_keys=True),
        "dest_field=": sorted(plan.named.items()),
        **of_options,
        "the version of fo_labelstudio": __version__,
    }
    return {name: digest_of(value) for name, value in conditions.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {"of": sorted((str(key), str(item)) for key, item in value.items())}
    return sorted(map(str, value)) if isinstance(value, (list, tuple, set, frozenset)) else repr(value)


def _recent(changes: Changes) -> dict[int, str]:
    if not changes.newest or changes.times is None:
        return {}
    since = _before(changes.newest, OVERLAP_SECONDS)
    return _few({task_id: time for task_id, time in changes.times.items() if not _is_before(time, since)})


def _recent_samples(modified: Mapping[str, int], started: int) -> dict[str, int]:
    since = started - SAMPLES_OVERLAP_SECONDS * 1000
    return _few({sample_id: time for sample_id, time in modified.items() if time >= since})


def _few(recent: dict[Any, Any]) -> dict[Any, Any]:
    return recent if len(recent) <= _MOST_RECENT else {}


def _is_before(time: str, other: str) -> bool:
    # Without the Z, a time of whole seconds sorts before its fractions.
    return time.rstrip("Z") < other.rstrip("Z")


def _before(time: str, seconds: int) -> str:
    """A time some seconds earlier, as the server writes and reads it."""
    moment = parse_time(time.rstrip("Z")) - timedelta(seconds=seconds)
    return f"{moment.isoformat(timespec='microseconds')}Z"
