"""What is kept of imports of one project, so that the next one changes only what has changed since."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import fiftyone as fo

from fo_labelstudio.convert.digests import digest_of
from fo_labelstudio.dataset.import_record import METHOD, delete_record, load_origins, load_record, save_record
from fo_labelstudio.merge.compact_ids import CompactIds
from fo_labelstudio.merge.ledger import Ledger
from fo_labelstudio.runs.state import LoadState


class Origin(NamedTuple):
    """Where tasks come from.

    Attributes:
        place: the address of the server, or the path of the file
        project: the id of their project, or None where they do not say
        made_at: when the project was made, where the server says so
    """

    place: str
    project: int | None
    made_at: str | None = None


class ImportState(LoadState):
    """What imports of one project have done to a dataset.

    Attributes:
        identity: tells the project from all others; the ids of labels are made of it
        seen: a task -> digest of what of it was loaded last
        shown: sample id -> the tasks that have shown it, in lines
        identities: a task that was imported before it was known to be of this project -> the identity that it had then
        joined: the keys of earlier imports that are a part of this one now
    """

    def __init__(self, dataset: fo.Dataset, key: str, origin: Mapping[str, Any], record: Mapping[str, Any]):
        self._dataset = dataset
        self._key = key
        self._origin = origin
        self.identity: str = origin["identity"]
        self.tasks: Mapping[str, int] = {}
        self.loaded: dict[str, Any] = {name: CompactIds(saved) for name, saved in record.get("loaded", {}).items()}
        self.removed: dict[str, Any] = record.get("removed", {})
        self.edited: dict[str, Any] = record.get("edited", {})
        # An import has nothing to settle: nothing was sent.
        self.settled: dict[str, Any] = {}
        self.conflicts: list[dict[str, Any]] = []
        self.changes: dict[str, Any] = {}
        self.remade: list[str] = []
        self.left_behind: list[str] = []
        self.seen: dict[str, str] = record.get("seen", {})
        self.shown: dict[str, str] = record.get("shown", {})
        self.identities: dict[str, str] = record.get("identities", {})
        self.joined: list[str] = []
        self.unchanged = 0
        """How many samples have answers that are as they were at the last import."""
        self.is_kept = bool(record)
        """Whether the dataset holds it as it is now."""

    def identity_of(self, task: str) -> str:
        """What the ids of the labels of a task are made of."""
        return task_identity(self._origin["project"], task, self.identities.get(task, self.identity))

    def move(self, old: str, new: str) -> None:
        """Takes what imports have done to a field for what they have done to another, which is the same, renamed."""
        for done in (self.loaded, self.removed, self.edited):
            if old in done:
                done[new] = done.pop(old)
        self.is_kept = False

    def forget(self, label_field: str, destination: str) -> None:
        """Forgets what imports have put into the destination of a label field; see :class:`LoadState`."""
        super().forget(label_field, destination)
        self.is_kept = False

    def forget_seen(self) -> None:
        """Forgets what of tasks was loaded, so that it is loaded again."""
        self.seen.clear()
        self.is_kept = False

    def note_seen(self, seen: Mapping[str, str]) -> None:
        """Notes what of tasks was loaded last: a task -> its digest."""
        self.is_kept = self.is_kept and seen.items() <= self.seen.items()
        self.seen.update(seen)

    def tasks_of(self, sample_id: str) -> list[str]:
        """The tasks that have shown a sample."""
        return self.shown.get(sample_id, "").splitlines()

    def note_shown(self, shown: Mapping[str, Collection[str]]) -> None:
        """Notes which tasks show a sample; those of earlier imports do so still, as far as is known."""
        for sample_id, tasks in shown.items():
            # Of one task, it is the same text as elsewhere, which takes no memory.
            lines = "\n".join(dict.fromkeys([*self.tasks_of(sample_id), *sorted(tasks)]))
            if self.shown.get(sample_id) != lines:
                self.shown[sample_id] = lines
                self.is_kept = False

    def join(self, key: str, other: ImportState) -> None:
        """Takes over what another import has done, of which is known now that it was of the same project.

        Args:
            key: the key of its run, which is deleted when this state is saved
            other: its state
        """
        for name, ids in other.loaded.items():
            own = self.loaded.setdefault(name, CompactIds())
            for sample_id, labels in ids.items():
                own[sample_id] = [*dict.fromkeys([*own.get(sample_id, ()), *labels])]
        for mine, theirs in ((self.removed, other.removed), (self.edited, other.edited)):
            for name, samples in theirs.items():
                known = mine.setdefault(name, {})
                for sample_id, labels in samples.items():
                    known[sample_id] = {**labels, **known.get(sample_id, {})}
        theirs_only = other.seen.keys() - self.seen.keys()
        self.identities.update({task: other.identity_of(task) for task in theirs_only})
        self.seen = {**other.seen, **self.seen}
        self.note_shown({sample_id: other.tasks_of(sample_id) for sample_id in other.shown})
        self.joined.append(key)
        self.is_kept = False

    def summary(self, answers: int) -> str:
        """How much is imported, for people."""
        unchanged = f"; those of {self.unchanged} have not changed since the last import" if self.unchanged else ""
        return f"Importing the answers to {answers} samples{unchanged}"

    @property
    def dataset(self) -> fo.Dataset:
        """The dataset."""
        return self._dataset

    @property
    def is_frames(self) -> bool:
        """Tasks show images, which are samples."""
        return False

    @property
    def overwrites_masks(self) -> bool:
        """The files of masks are never written to."""
        return False

    def records_of(self, label_field: str, destination: str) -> tuple[str, Ledger]:
        """What imports have done to the destination of a label field; see :class:`LoadState`."""
        self.loaded.setdefault(self.records_name(label_field, destination), CompactIds())
        return super().records_of(label_field, destination)

    def save(self) -> None:
        """Keeps the state with the dataset."""
        loaded = {name: ids.saved() for name, ids in self.loaded.items()}
        record = {"loaded": loaded, "removed": self.removed, "edited": self.edited, "seen": self.seen}
        record |= {"shown": self.shown, "identities": self.identities}
        save_record(self._dataset, self._key, self._origin, record)
        for key in self.joined:
            delete_record(self._dataset, key)
        self.joined = []
        self.is_kept = True


class Earlier:
    """The imports that may have been of the same project.

    Ids of projects and tasks begin at 1 on each server. So an earlier import is of the same project only where a task
    of it, or the project itself, was made at the same time. Imports of some tasks of a project, and of others, are one
    where a third has tasks of both.

    Args:
        dataset: the dataset
    """

    def __init__(self, dataset: fo.Dataset):
        self._dataset = dataset
        self._origins = list(load_origins(dataset))
        self._records: dict[str, dict[str, Any]] = {}

    def state(self, origin: Origin, first: str, tasks: Iterable[str]) -> ImportState:
        """The state of the imports of a project: that of an earlier one, from a server or from a file, or a new one.

        Args:
            origin: where the tasks come from
            first: the first of its tasks
            tasks: what tells each task from all others, with the time at which it was made
        """
        like = list(self._like(origin))
        names = set(tasks) if like else set()
        found: ImportState | None = None
        for key, earlier in like:
            record = self._record(key)
            del self._records[key]
            if _is_same(origin, earlier) or not names.isdisjoint(record.get("seen", ())):
                state = ImportState(self._dataset, key, earlier, record)
                if found is None:
                    found = state
                else:
                    found.join(key, state)
        if found is not None:
            return found
        identity = _new_identity(origin, first)
        new = {**origin._asdict(), "identity": identity}
        return ImportState(self._dataset, f"{METHOD}_{identity}", new, {})

    def guess(self, origin: Origin, first: str, task: str) -> tuple[str | None, Collection[str]]:
        """What will be the identity of a project as far as one of its tasks tells, and the tasks that are known.

        Args:
            origin: where its tasks come from
            first: the first of its tasks
            task: one of its tasks

        Returns:
            the identity, None where that cannot be said; and what tells each task of earlier imports from all others
        """
        alike = list(self._like(origin))
        for key, earlier in alike:
            seen = self._record(key).get("seen", {})
            if _is_same(origin, earlier) or task in seen:
                return earlier["identity"], seen
        return (None if alike else _new_identity(origin, first)), ()

    def _like(self, origin: Origin) -> Iterator[tuple[str, Mapping[str, Any]]]:
        for key, earlier in self._origins:
            if earlier["project"] == origin.project and (
                origin.project is not None or earlier["place"] == origin.place
            ):
                yield key, earlier

    def _record(self, key: str) -> dict[str, Any]:
        if key not in self._records:
            self._records[key] = load_record(self._dataset, key)
        return self._records[key]


def _new_identity(origin: Origin, first: str) -> str:
    return digest_of([origin.place, origin.project, first])


def _is_same(origin: Origin, earlier: Mapping[str, Any]) -> bool:
    """Whether an earlier import of a project of the same number is of the same one, whatever its tasks are."""
    if origin.project is None:
        return True
    same_time = origin.made_at is not None and origin.made_at == earlier.get("made_at")
    return same_time and origin.place == earlier["place"]


def task_identity(project: int | None, key: str, identity: str) -> str:
    """What tells a task from those of other projects that have the same id; the ids of labels are made of it.

    A project and a file of it are the same, so that labels have the same ids wherever they come from.

    Args:
        project: the id of its project, or None
        key: what tells it from all others, which ends with the time at which it was made, or with None
        identity: that of the imports, for tasks that do not say enough themselves
    """
    made_at = key.partition("@")[2]
    return identity if project is None or made_at == "None" else digest_of([project, made_at])
