"""fetch_answers(): what people submitted -> answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from dataclasses import field as dataclass_field
from typing import Any, NamedTuple

from fo_labelstudio.convert.annotation import added
from fo_labelstudio.convert.annotation.added import Asked
from fo_labelstudio.convert.annotation.answer import Answer, Problem
from fo_labelstudio.convert.annotation.choose import annotation_of, annotators_of, is_skipped, time_of
from fo_labelstudio.convert.annotation.origin import Configs, Missing, Sighting, missing_from
from fo_labelstudio.convert.annotation.parse import parse_task, prediction_in_doubt
from fo_labelstudio.convert.families import has_masks
from fo_labelstudio.convert.foreign.which import ALL, NEWEST, Which
from fo_labelstudio.convert.records import LabelField
from fo_labelstudio.log import logger
from fo_labelstudio.runs.ports import ProjectState, Task, TaskSource
from fo_labelstudio.runs.progress import progress_bar
from fo_labelstudio.runs.shown_groups import ShownGroups
from fo_labelstudio.runs.streams import Spool, read_ahead

PAGE_TASKS = 200
"""Tasks that are held in memory at once."""

PAGE_TASKS_WITH_MASKS = 20
"""The same where tasks hold masks, each of which comes back twice: in the annotation and in its prediction."""

PAGE_TASKS_WITH_FRAMES = 4
"""The same where tasks hold tracks, which may have a keyframe for each frame of a long video."""


class NotShown(NamedTuple):
    """Labels of one field, or attributes of theirs, that the annotation of a task cannot have shown.

    Attributes:
        task_id: the task
        number: how many they are
        reason: why it cannot
        what: ``label`` or ``attribute``
    """

    task_id: int
    number: int
    reason: str
    what: str = "label"

    def __str__(self) -> str:
        return f"task {self.task_id}, {self.number} {self.what}{'s' * (self.number > 1)}: {self.reason}"


class Answers:
    """The submitted annotations of a run, at most one a task, in pages.

    They are kept in a temporary file, so that nothing is merged before all of them are there, and memory does not grow
    with them.

    Attributes:
        count: how many tasks have one
        problems: what could not be understood
        missing: number of tasks that are gone from the server
        unexpected: label type -> number of labels that no label field expects
        relations: number of relations
        answered: name of a control tag that somebody added -> number of regions that it tells something of
        asked: label field -> name of such a control tag -> what the answers about its labels are like
        not_shown: label field -> what annotations cannot have shown, a line a task and reason
        configs: what loads have seen of the labeling config, with this one
        times: sample id -> when its annotation was submitted
    """

    def __init__(self) -> None:
        self.count = 0
        self.problems: list[Problem] = []
        self.missing = 0
        self.unexpected: Counter[str] = Counter()
        self.relations = 0
        self.answered: Counter[str] = Counter()
        self.asked: dict[str, dict[str, Asked]] = {}
        self.not_shown: dict[str, list[NotShown]] = {}
        self.configs: list[Sighting] = []
        self.times: dict[str, str] = {}
        self._pages = Spool[list[Answer]]()

    def add(self, page: list[Answer]) -> None:
        """Adds some answers."""
        self.count += len({answer.task_id for answer in page})
        for answer in page:
            self.unexpected.update({kind: len(edits) for kind, edits in answer.unexpected.items()})
            self.relations += sum(map(len, answer.relations.values()))
            if answer.answered:
                self.answered.update(answer.answered)
                added.observe(answer, self.asked)
            for field, answered in answer.fields.items():
                for reason, count in Counter(answered.not_shown.values()).items():
                    self.not_shown.setdefault(field, []).append(NotShown(answer.task_id, count, reason))
                for reason, count in Counter(answered.attributes_not_shown.values()).items():
                    self.not_shown.setdefault(field, []).append(NotShown(answer.task_id, count, reason, "attribute"))
        self._pages.add(page)

    def __iter__(self) -> Iterator[list[Answer]]:
        return iter(self._pages)


@dataclass
class Fetched:
    """What was downloaded of a run.

    Attributes:
        answers: whose answers -> the answers; where only one annotation of each task is asked for, None -> the answers
        state: what the project said of itself
        looked_at: the tasks that were looked at; None for all
        answered: those of them that have an answer
        skipped: those that somebody has skipped and nobody answered
        configs: what loads have seen of the labeling config, with this one
        problems: what could not be understood of tasks that nobody has answered, where each annotator's answers are
            asked for
    """

    answers: dict[str | None, Answers]
    state: ProjectState
    looked_at: Collection[int] | None = None
    answered: set[int] = dataclass_field(default_factory=set)
    skipped: set[int] = dataclass_field(default_factory=set)
    configs: list[Sighting] = dataclass_field(default_factory=list)
    problems: list[Problem] = dataclass_field(default_factory=list)


def fetch_answers(
    run_token: str,
    fields: Sequence[LabelField],
    source: TaskSource,
    tasks: Mapping[str, int],
    sightings: Sequence[Sighting] = (),
    is_complete: bool = True,
    gone: Collection[str] = (),
    made_with: str | None = None,
    which: Which = NEWEST,
    state: ProjectState | None = None,
    only: Collection[int] | None = None,
    annotators: Collection[str] = (),
    groups: ShownGroups | None = None,
) -> Fetched:
    """The submitted annotations of a run, those of each annotator where all are asked for.

    Args:
        run_token: the token of the run
        fields: its label fields
        source: where its tasks come back from
        tasks: sample id -> task id, of all of its tasks
        sightings: what earlier loads have seen of the labeling config
        is_complete: whether everything of the run was sent
        gone: names of the fields whose labels have left the dataset, so that answers are to hold what was sent
        made_with: the labeling config that the run was made with, where it is somebody else's
        which: which annotations are asked for
        state: what the project has said of itself, where that was asked for
        only: the tasks that are looked at; all by default
        annotators: whose answers earlier loads have found, where those of each are asked for
        groups: the groups that its tasks show, where they show several samples each

    Raises:
        RunError: the project is gone
        ServerError: a download failed
    """
    project = source.state() if state is None else state
    asked = fields if groups is None else groups.asked
    while True:
        missing = missing_from(project.labeling_config, asked, made_with)
        if not is_complete and missing == missing_from("", asked, made_with):
            # A run gets its labeling config last; until then, nobody has taken anything out of it.
            missing = Missing()
        configs = Configs(sightings, missing)
        download = _Download(run_token, fields, source, tasks, configs, gone, which, annotators, groups)
        fetched = download.of(project, only)
        for answers in fetched.answers.values():
            if project.tasks is not None:
                answers.missing = max(len(tasks) - project.tasks, 0)
        before, project = project, source.state()
        if project.labeling_config == before.labeling_config:
            if not project.is_certain:
                fetched.configs = list(sightings)
            for answers in fetched.answers.values():
                answers.configs = fetched.configs
            return fetched
        logger.info("The labeling config was changed meanwhile; downloading once more...")
        # What is not looked at means something else by another one.
        only = None


class _Download:
    """Reads what people answered, whoever of them counts; see :func:`fetch_answers`."""

    def __init__(
        self,
        run_token: str,
        fields: Sequence[LabelField],
        source: TaskSource,
        tasks: Mapping[str, int],
        configs: Configs,
        gone: Collection[str],
        which: Which,
        annotators: Collection[str],
        groups: ShownGroups | None,
    ):
        self._token = run_token
        self._fields = fields
        self._source = source
        self._tasks = tasks
        self._configs = configs
        self._gone = gone
        self._which = which
        self._groups = groups
        self._until = ""
        self._answers: dict[str | None, Answers] = {}
        for name in sorted(annotators) if which.annotations == ALL else [None]:
            self._answers[name] = Answers()

    def of(self, state: ProjectState, only: Collection[int] | None) -> Fetched:
        """What was answered of some tasks."""
        logger.info("Downloading annotations from Label Studio...")
        fetched = Fetched(self._answers, state, only)
        task_ids = list(self._tasks.values() if only is None else only)
        pages = self._source.exported(task_ids, _page_tasks(self._fields))
        with progress_bar("Downloading annotations", len(task_ids), iters_str="tasks") as progress:
            for looked_at, exported in read_ahead(pages):
                fetched.skipped.update(task["id"] for task in exported if is_skipped(task) and type(task["id"]) is int)
                for name, page in self._read(exported, fetched.problems).items():
                    fetched.answered.update(answer.task_id for answer in page)
                    self._answers[name].add(page)
                progress.update(looked_at)
        fetched.configs = self._configs.seen(self._until)
        return fetched

    def _read(self, exported: Sequence[Task], problems: list[Problem]) -> dict[str | None, list[Answer]]:
        """Whose answers -> those that some tasks hold."""
        pages: dict[str | None, list[Answer]] = {}
        for task in exported:
            names = self._names_in(task)
            if not names:
                self._answers_in(task, self._which, problems, {})
            for name in names:
                answers = self._answers.setdefault(name, Answers())
                which = self._which if name is None else replace(self._which, annotations=name)
                pages.setdefault(name, []).extend(self._answers_in(task, which, answers.problems, answers.times))
        return pages

    def _names_in(self, task: Task) -> Collection[str | None]:
        return annotators_of(task, self._which.people) if self._which.annotations == ALL else (None,)

    def _answers_in(self, task: Task, which: Which, problems: list[Problem], times: dict[str, str]) -> list[Answer]:
        """What a task answers, of each sample that it shows."""
        annotation = annotation_of(task, which=which)
        self._until = max(self._until, time_of(annotation or {}))
        if annotation is None or self._groups is None:
            answer = self._answer(task, self._fields, annotation, which, problems)
            if answer is None or not _is_ours(answer, self._tasks, problems):
                return []
            times[answer.sample_id] = time_of(annotation or {})
            return [answer]
        group_id, parts = self._groups.parts_of(task, self._tasks, problems)
        if parts:
            times[group_id] = time_of(annotation)
            problems += self._groups.left_over(task, annotation)
        found = (
            self._answer(part.task, part.fields, annotation_of(part.task, which=which), which, problems, part.of_answer)
            for part in parts
        )
        return [answer for answer in found if answer is not None]

    def _answer(
        self,
        task: Task,
        fields: Sequence[LabelField],
        annotation: dict[str, Any] | None,
        which: Which,
        problems: list[Problem],
        seen: Callable[[Any], Any] = lambda prediction: prediction,
    ) -> Answer | None:
        parent = prediction_in_doubt(task, fields, self._token, which)
        if annotation is not None and parent is not None:
            annotation["prediction"] = seen(self._source.prediction(parent))
        return parse_task(task, fields, self._token, problems, self._configs, self._gone, which)


def _page_tasks(fields: Sequence[LabelField]) -> int:
    if any(field.is_of_frames for field in fields):
        return PAGE_TASKS_WITH_FRAMES
    return PAGE_TASKS_WITH_MASKS if any(has_masks(field.label_type) for field in fields) else PAGE_TASKS


def _is_ours(answer: Answer, tasks: Mapping[str, int], problems: list[Problem]) -> bool:
    if tasks.get(answer.sample_id) == answer.task_id:
        return True
    reason = f"it names sample {answer.sample_id}, for which it was not made; left alone"
    problems.append(Problem(answer.task_id, None, reason))
    return False
