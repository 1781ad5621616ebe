"""fetch(): what people submitted -> answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

import fiftyone.core.utils as fou

from fo_labelstudio.convert.annotation import added
from fo_labelstudio.convert.annotation.added import Asked
from fo_labelstudio.convert.annotation.answer import Answer, Problem
from fo_labelstudio.convert.annotation.choose import annotation_of, time_of
from fo_labelstudio.convert.annotation.origin import Configs, Missing, Sighting, missing_from
from fo_labelstudio.convert.annotation.parse import parse_task, prediction_in_doubt
from fo_labelstudio.convert.families import has_masks
from fo_labelstudio.convert.records import LabelField
from fo_labelstudio.log import logger
from fo_labelstudio.runs.ports import TaskSource
from fo_labelstudio.runs.streams import Spool, read_ahead

PAGE_TASKS = 200
"""Tasks that are held in memory at once."""

PAGE_TASKS_WITH_MASKS = 20
"""The same where tasks hold masks, each of which comes back twice: in the annotation and in its prediction."""


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
        count: how many there are
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
        self.count += len(page)
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


def fetch(
    run_token: str,
    fields: Sequence[LabelField],
    source: TaskSource,
    tasks: Mapping[str, int],
    sightings: Sequence[Sighting] = (),
    is_complete: bool = True,
    gone: Collection[str] = (),
    made_with: str | None = None,
) -> Answers:
    """The submitted annotations of a run.

    Args:
        run_token: the token of the run
        fields: its label fields
        source: where its tasks come back from
        tasks: sample id -> task id, of all of its tasks
        sightings: what earlier loads have seen of the labeling config
        is_complete: whether everything of the run was sent
        gone: names of the fields whose labels have left the dataset, so that answers are to hold what was sent
        made_with: the labeling config that the run was made with, where it is somebody else's

    Raises:
        RunError: the project is gone
        ServerError: a download failed
    """
    project = source.state()
    while True:
        missing = missing_from(project.labeling_config, fields, made_with)
        if not is_complete and missing == missing_from("", fields, made_with):
            # A run gets its labeling config last; until then, nobody has taken anything out of it.
            missing = Missing()
        answers = _download(run_token, fields, source, tasks, Configs(sightings, missing), gone)
        if project.tasks is not None:
            answers.missing = max(len(tasks) - project.tasks, 0)
        before, project = project, source.state()
        if project.labeling_config == before.labeling_config:
            if not project.is_certain:
                answers.configs = list(sightings)
            return answers
        logger.info("The labeling config was changed meanwhile; downloading once more...")


def _download(
    run_token: str,
    fields: Sequence[LabelField],
    source: TaskSource,
    tasks: Mapping[str, int],
    configs: Configs,
    gone: Collection[str],
) -> Answers:
    answers = Answers()
    logger.info("Downloading annotations from Label Studio...")
    page_tasks = PAGE_TASKS_WITH_MASKS if any(has_masks(field.label_type) for field in fields) else PAGE_TASKS
    until = ""
    with fou.ProgressBar(total=len(tasks), iters_str="tasks") as progress:
        for looked_at, exported in read_ahead(source.exported(list(tasks.values()), page_tasks)):
            page = []
            for task in exported:
                annotation = annotation_of(task)
                until = max(until, time_of(annotation or {}))
                parent = prediction_in_doubt(task, fields, run_token)
                if annotation is not None and parent is not None:
                    annotation["prediction"] = source.prediction(parent)
                answer = parse_task(task, fields, run_token, answers.problems, configs, gone)
                if answer and _is_ours(answer, tasks, answers.problems):
                    page.append(answer)
                    answers.times[answer.sample_id] = time_of(annotation or {})
            answers.add(page)
            progress.update(looked_at)
    answers.configs = configs.seen(until)
    return answers


def _is_ours(answer: Answer, tasks: Mapping[str, int], problems: list[Problem]) -> bool:
    if tasks.get(answer.sample_id) == answer.task_id:
        return True
    reason = f"it names sample {answer.sample_id}, for which it was not made; left alone"
    problems.append(Problem(answer.task_id, None, reason))
    return False
