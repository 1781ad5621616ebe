"""fetch(): what people submitted on the server -> answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import fiftyone.core.utils as fou

from fo_labelstudio.convert.annotation import added
from fo_labelstudio.convert.annotation.added import Asked
from fo_labelstudio.convert.annotation.answer import Answer, Problem
from fo_labelstudio.convert.annotation.choose import annotation_of, time_of
from fo_labelstudio.convert.annotation.origin import Configs, Missing, Sighting, missing_from
from fo_labelstudio.convert.annotation.parse import parse_task, prediction_in_doubt
from fo_labelstudio.convert.families import has_masks
from fo_labelstudio.convert.records import LabelField
from fo_labelstudio.errors import AnswerTooLargeError, RunError
from fo_labelstudio.log import logger
from fo_labelstudio.remote.client import Client
from fo_labelstudio.runs.project import project_of
from fo_labelstudio.runs.streams import Spool, read_ahead

_EXPORTED = 200
"""Tasks a request; their ids stand in its address, which proxies cut at 4,096 to 8,192 characters."""

_EXPORTED_WITH_MASKS = 20
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
    client: Client,
    project_id: int | None,
    tasks: Mapping[str, int],
    sightings: Sequence[Sighting] = (),
    is_complete: bool = True,
    gone: Collection[str] = (),
) -> Answers:
    """The submitted annotations of a run.

    Args:
        run_token: the token of the run
        fields: its label fields
        client: the server
        project_id: its project, or None where cleanup() has removed it
        tasks: sample id -> task id, of all of its tasks
        sightings: what earlier loads have seen of the labeling config
        is_complete: whether everything of the run was sent
        gone: names of the fields whose labels have left the dataset, so that answers are to hold what was sent

    Raises:
        RunError: the project is gone
        ServerError: a download failed
    """
    if project_id is None:
        raise RunError("the run's project was removed by cleanup(); delete the run and annotate again")
    project = _project(client, project_id)
    while True:
        missing = missing_from(project.get("label_config"), fields)
        if not is_complete and missing == missing_from("", fields):
            # A run gets its labeling config last; until then, nobody has taken anything out of it.
            missing = Missing()
        configs = Configs(sightings, missing)
        answers = _download(run_token, fields, client, project_id, tasks, configs, gone)
        on_server = project.get("task_number")
        if isinstance(on_server, int):
            answers.missing = max(len(tasks) - on_server, 0)
        before, project = project, _project(client, project_id)
        if project.get("label_config") == before.get("label_config"):
            return answers
        logger.info("The labeling config was changed meanwhile; downloading once more...")


def _project(client: Client, project_id: int) -> dict[str, Any]:
    project = project_of(client, project_id)
    if project is None:
        raise RunError(
            f"project {project_id} is gone from {client.url}; nothing was loaded. Delete the run with "
            "dataset.delete_annotation_run() and annotate again",
            project_id,
        )
    return project


def _download(
    run_token: str,
    fields: Sequence[LabelField],
    client: Client,
    project_id: int,
    tasks: Mapping[str, int],
    configs: Configs,
    gone: Collection[str],
) -> Answers:
    answers = Answers()
    task_ids = list(tasks.values())
    logger.info("Downloading annotations from Label Studio...")
    size = _EXPORTED_WITH_MASKS if any(has_masks(field.label_type) for field in fields) else _EXPORTED
    requests = [task_ids[start : start + size] for start in range(0, len(task_ids), size)]
    exports = read_ahead(_export(client, project_id, request) for request in requests)
    until = ""
    with fou.ProgressBar(total=len(task_ids), iters_str="tasks") as progress:
        for request, exported in zip(requests, exports, strict=True):
            page = []
            for task in exported:
                annotation = annotation_of(task)
                until = max(until, time_of(annotation or {}))
                parent = prediction_in_doubt(task, fields, run_token)
                if annotation is not None and parent is not None:
                    annotation["prediction"] = client.prediction(parent)
                answer = parse_task(task, fields, run_token, answers.problems, configs, gone)
                if answer and _is_ours(answer, tasks, answers.problems):
                    page.append(answer)
            answers.add(page)
            progress.update(len(request))
    answers.configs = configs.seen(until)
    return answers


def _is_ours(answer: Answer, tasks: Mapping[str, int], problems: list[Problem]) -> bool:
    if tasks.get(answer.sample_id) == answer.task_id:
        return True
    reason = f"it names sample {answer.sample_id}, for which it was not made; left alone"
    problems.append(Problem(answer.task_id, None, reason))
    return False


def _export(client: Client, project_id: int, task_ids: Sequence[int]) -> list[Any]:
    """The annotated ones of some tasks, in as many requests as their size takes.

    Raises:
        AnswerTooLargeError: a single task is too large
    """
    try:
        return client.export_tasks(project_id, task_ids)
    except AnswerTooLargeError as error:
        if len(task_ids) == 1:
            error.args = (f"task {task_ids[0]} is too large: {error.args[0]}",)
            raise
    middle = len(task_ids) // 2
    return _export(client, project_id, task_ids[:middle]) + _export(client, project_id, task_ids[middle:])
