"""What is kept of an annotation run between ``annotate()`` and the last ``load_annotations()``."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

import fiftyone as fo

from fo_labelstudio.dataset.frame_ranges import FrameRange
from fo_labelstudio.dataset.run_lock import sole_loader
from fo_labelstudio.errors import RunError
from fo_labelstudio.merge.ledger import Ledger
from fo_labelstudio.runs.load_report import LoadReport
from fo_labelstudio.runs.run import RunConfig

OWNER_FILES = "files"
"""What the state of a run names as the ``owner`` of its tasks where they were written to files."""


class LoadState(ABC):
    """What loads have done to a dataset, which is saved with it.

    Attributes:
        tasks: sample id -> task id; where they were written to files, their places in these, from 1
        loaded: field and destination -> sample id -> ids of the labels that loads have put there
        removed: field -> sample id -> label id -> label that loads have deleted, for the case that the annotator
            restores it
        edited: field and destination -> sample id -> label id -> attribute -> its value before loads wrote into it, and
            the one that they wrote, for the case that the annotator takes an edit back
        settled: field and destination -> sample id -> label id -> which answers loads have taken over, and what they
            left in the dataset then, so that an answer that was loaded is no news
        conflicts: what the dataset and the answers that the last load brought had both changed, as plain dicts
        changes: what the last load has changed: ``at``, when it began, as ISO 8601 in UTC; ``fields``, path of a field
            -> sample id -> how many labels were added, edited and deleted; ``not_listed``, how many samples there were
            besides. Empty before the first load
        remade: field and destination whose labels loads have made anew, for the run's field was gone
        left_behind: what the project holds that the last load did not load
        ranges: id by which the run knows a sample -> sample id, first and last frame that the task is about, where
            these are not all; clips, each of which has an id of its own, are ranges of samples
        groups: id by which the run knows a task -> slice -> sample id, where tasks show the slices of groups
        predicted: sample id -> the ``task`` of others to which a prediction was added, and the ``meta`` that our own
            task would have; where another integration has made them, also what of its ``predictions`` tells whether a
            label was shown
    """

    tasks: Mapping[str, int]
    loaded: dict[str, Any]
    removed: dict[str, Any]
    edited: dict[str, Any]
    settled: dict[str, Any]
    conflicts: list[dict[str, Any]]
    changes: dict[str, Any]
    remade: list[str]
    left_behind: list[str]
    ranges: Mapping[str, list[Any]] = MappingProxyType({})
    groups: Mapping[str, Mapping[str, str]] = MappingProxyType({})
    predicted: dict[str, dict[str, Any]]
    # FiftyOne saves what has a public name.
    _load_report: LoadReport | None = None

    @property
    def load_report(self) -> LoadReport | None:
        """What the last load of this session has done, as a table; None where there was none. It is not saved."""
        return self._load_report

    def begin_report(self, summary: str) -> LoadReport:
        """The report of a load that begins.

        Args:
            summary: how much of what there is is loaded
        """
        self._load_report = LoadReport(summary)
        return self._load_report

    @property
    def frame_ranges(self) -> dict[str, FrameRange]:
        """Id by which the run knows a sample -> the frames that its task is about, where these are not all."""
        return {name: FrameRange(*row) for name, row in self.ranges.items()}

    @property
    def has_clips(self) -> bool:
        """Whether tasks show clips, so that the ids by which the run knows them are of no samples of the dataset."""
        return any(name != row[0] for name, row in self.ranges.items())

    @property
    def tasks_by_sample(self) -> Mapping[str, int]:
        """Sample id -> task id; of groups, the samples of all slices."""
        if not self.groups:
            return self.tasks
        return {sample_id: task_id for name, task_id in self.tasks.items() for sample_id in self.samples_of(name)}

    def samples_of(self, name: str) -> list[str]:
        """The ids of the samples that a task shows.

        Args:
            name: the id by which the run knows them
        """
        return [*self.groups[name].values()] if name in self.groups else [name]

    @property
    @abstractmethod
    def dataset(self) -> fo.Dataset:
        """The dataset."""

    @property
    @abstractmethod
    def is_frames(self) -> bool:
        """Whether the samples are frames of videos."""

    @property
    @abstractmethod
    def overwrites_masks(self) -> bool:
        """Whether an edited mask that was read from a file is written to that file."""

    @abstractmethod
    def save(self) -> None:
        """Saves the state."""

    def summary(self, answers: int) -> str:
        """How much of what there is is loaded, for people.

        Args:
            answers: how many samples have an answer that is loaded
        """
        return f"{answers} of {len(self.tasks)} tasks have a submitted annotation"

    def records_name(self, label_field: str, destination: str) -> str:
        """The name of the destination of a label field in messages and in what is saved."""
        return label_field if destination == label_field else f"{label_field} -> {destination}"

    def forget(self, label_field: str, destination: str) -> None:
        """Forgets what loads have put into the destination of a label field, but not what they deleted."""
        name = self.records_name(label_field, destination)
        self.loaded.pop(name, None)
        self.edited.pop(name, None)
        self.settled.pop(name, None)

    def records_of(self, label_field: str, destination: str) -> tuple[str, Ledger]:
        """What loads have done to the destination of a label field, and its name in messages and in what is saved."""
        name = self.records_name(label_field, destination)
        ledger = Ledger(
            self.loaded.setdefault(name, {}),
            self.removed.setdefault(label_field, {}),
            self.edited.setdefault(name, {}),
            self.settled.setdefault(name, {}),
        )
        return name, ledger


class RunState(LoadState):
    """The state of a run, which is saved with it.

    Attributes:
        tasks: sample id -> task id
        configs: what loads have seen of the project's labeling config, oldest first: ``until``, the time of the newest
            annotation then, and the ``controls`` and ``classes`` of the run that were gone
        tagged: what tag_samples() has written: ``prefixes`` of tags, and ``fields``
        answered: sample id -> when its newest annotation was submitted that a load has brought home
        last_load: what the last load has seen, see ``runs.changed``; empty where the next one must look at everything
        skipped: the tasks whose samples loads have tagged as skipped, as ``merge.compact_numbers`` writes them
    """

    tasks: dict[str, int]
    groups: dict[str, dict[str, str]]
    configs: list[dict[str, Any]]
    tagged: dict[str, list[str]]
    answered: dict[str, str]
    last_load: dict[str, Any]
    skipped: str

    @property
    @abstractmethod
    def key(self) -> str:
        """The key of the run."""

    @property
    @abstractmethod
    def config(self) -> RunConfig:
        """What annotate() was asked for."""

    @abstractmethod
    def save_config(self) -> None:
        """Saves the config."""

    @abstractmethod
    def saved(self) -> RunState:
        """The state as another session may have saved it since."""

    @abstractmethod
    def connect_to_api(self) -> Any:
        """A connection to the run's server, whose ``client`` has been checked."""

    @property
    def project_id(self) -> int | None:
        """The Label Studio project of the run; None where it has none, or none any more."""
        project_id: int | None = self.config.saved_state.get("project_id")
        return project_id

    def refresh(self, saved: RunState) -> None:
        """Takes over what another session has loaded since.

        Args:
            saved: the state as it is in the database
        """
        self.loaded = saved.loaded
        self.removed = saved.removed
        self.edited = saved.edited
        self.settled = saved.settled
        self.conflicts = saved.conflicts
        self.changes = saved.changes
        self.configs = saved.configs
        self.tagged = saved.tagged
        self.remade = saved.remade
        self.left_behind = saved.left_behind
        self.answered = saved.answered
        self.last_load = saved.last_load
        self.skipped = saved.skipped

    def refresh_run(self, saved: RunState) -> None:
        """Takes over which samples another session has added or removed since, and what it asks for besides.

        Args:
            saved: the state as it is in the database
        """
        if saved is self:
            return
        self.tasks = saved.tasks
        self.predicted = saved.predicted
        self.ranges = saved.ranges
        self.groups = saved.groups
        self.config.label_schema = saved.config.label_schema
        self.config.labeling_config = saved.config.labeling_config
        if "tasks" in saved.config.saved_state:
            self.config.saved_state["tasks"] = saved.config.saved_state["tasks"]

    def save_run(self) -> None:
        """Saves the state, with what another session has loaded since."""
        with sole_loader(self.dataset, self.key):
            self.refresh(self.saved())
            self.save()

    def forget_samples(self, sample_ids: Iterable[str]) -> None:
        """Forgets that samples, or groups, are in the run, and what loads did to them; their labels stay."""
        sample_ids = [sample_id for name in sample_ids for sample_id in (name, *self.samples_of(name))]
        by_sample: list[dict[str, Any]] = [self.tasks, self.predicted, self.answered, self.groups]
        for records in (self.loaded, self.removed, self.edited, self.settled):
            by_sample += records.values()
        for sample_id in sample_ids:
            for record in by_sample:
                record.pop(sample_id, None)


def refuse_clips(results: LoadState, what: str) -> None:
    """Refuses what asks for the samples of a run, where its tasks show clips of them.

    Args:
        results: the state of the run
        what: what was asked for

    Raises:
        RunError: tasks show clips
    """
    if results.has_clips:
        raise RunError(
            f"{what} is not possible for this run, because each of its tasks shows a clip, and several may be of one "
            "sample; annotate the videos that the clips are of, dataset.select(clips.distinct('sample_id'))"
        )


def refuse_groups(results: LoadState, what: str) -> None:
    """Refuses what asks for single samples of a run, where its tasks show groups of them.

    Args:
        results: the state of the run
        what: what was asked for

    Raises:
        RunError: tasks show groups
    """
    if results.groups:
        raise RunError(
            f"{what} is not possible for this run, because each of its tasks shows the slices of a group; annotate "
            "under another anno_key, without group_slices where each sample is to have a task of its own"
        )


def project_id_of(results: RunState) -> int:
    """The project of a run.

    Raises:
        RunError: it has none, or none any more; says why, and what to do
    """
    if results.project_id is None:
        raise RunError(_without_project(results))
    return results.project_id


def _without_project(results: RunState) -> str:
    if results.config.saved_state.get("owner") == OWNER_FILES:
        return (
            f"annotation run {results.key!r} was written to files, and no project is known; import them, and load "
            f"a JSON export: fo_labelstudio.load_annotations(dataset, {results.key!r}, json_path=...)"
        )
    return (
        "the run's project was removed by cleanup(); delete the run and annotate again, or load what a JSON export "
        f"holds: fo_labelstudio.load_annotations(dataset, {results.key!r}, json_path=...)"
    )
