"""The tasks of a run in a JSON export of Label Studio's, as source."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from xml.etree import ElementTree
from zlib import crc32

from fo_labelstudio.convert.annotation.answer import Problem
from fo_labelstudio.convert.annotation.choose import annotation_of, time_of
from fo_labelstudio.convert.annotation.review import Review
from fo_labelstudio.convert.labeling_config.write import to_labeling_config
from fo_labelstudio.convert.records import LabelField
from fo_labelstudio.convert.task.origin import META, SAMPLE_ID, SENT_ANNOTATION
from fo_labelstudio.errors import ExportError
from fo_labelstudio.exports.read import read_tasks
from fo_labelstudio.log import logger
from fo_labelstudio.runs.ports import Changes, Page, ProjectState, Task


class SentTasks(NamedTuple):
    """What a run knows of its tasks.

    Attributes:
        by_sample: sample id -> task id
        project_id: the project that has them, or None where no project is known, and the ids say nothing
    """

    by_sample: Mapping[str, int]
    project_id: int | None


class _Found(NamedTuple):
    """A task of the run; of several of a sample, the greatest counts.

    Attributes:
        is_known: whether it is the one that the run made
        time: when its annotation was submitted; empty where it has none
        annotation: the id of the annotation
        place: which task of the file it is, from 0
        id: its id
    """

    is_known: bool
    time: str
    annotation: int
    place: int
    id: int


class FileTasks:
    """The tasks of a run in a file, a folder or a zip file; a :class:`TaskSource`.

    They are found by their samples and by the token of the run, for ids of tasks are given by the server that imports
    them. The files are read twice, one task at a time.

    Args:
        path: the file or folder
        token: the token of the run
        fields: its label fields
        sent: what the run knows of its tasks
        labeling_config: that of the project, where it is known
        made_with: the one that the run was made with, where it is somebody else's

    Attributes:
        by_sample: sample id -> id of its task in the file
        problems: tasks that were left alone, and what had to be decided

    Raises:
        ExportError: nothing in the file is of the run, or it cannot be read
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        token: str,
        fields: Sequence[LabelField],
        sent: SentTasks,
        labeling_config: str | None = None,
        made_with: str | None = None,
    ):
        self._path = path
        self._token = token
        self._sent = sent
        self._samples_by_id = {task_id: sample_id for sample_id, task_id in sent.by_sample.items()}
        self.problems: list[Problem] = []
        self._controls = [(field.name, field.control) for field in fields]
        self._started: set[str] = set()
        self._answered: set[str] = set()
        found = self._find()
        self.by_sample = {sample_id: task.id for sample_id, task in found.items()}
        self._ids_by_place = {task.place: task.id for task in found.values()}
        self._is_certain = labeling_config is not None
        self._labeling_config = labeling_config or self._assumed_config(made_with or to_labeling_config(fields))

    def state(self) -> ProjectState:
        """What is known of the project: its labeling config, as far as the answers tell."""
        return ProjectState(self._labeling_config, is_certain=self._is_certain)

    def tasks(self, after: int = 0) -> Iterator[Task]:
        """The tasks; see :class:`TaskHolder`."""
        return (task for task in self._chosen() if task["id"] > after)

    def exported(self, task_ids: Sequence[int] | None, page_tasks: int) -> Iterator[Page]:
        """The annotated ones of some tasks, in pages; see :class:`TaskSource`."""
        wanted = None if task_ids is None else set(task_ids)
        page: list[Task] = []
        looked_at = 0
        for task in self._chosen():
            if wanted is not None and task["id"] not in wanted:
                continue
            looked_at += 1
            page += [task] if task["annotations"] else []
            if looked_at == page_tasks:
                yield Page(looked_at, page)
                page, looked_at = [], 0
        if looked_at:
            yield Page(looked_at, page)

    def prediction(self, prediction_id: int) -> dict[str, Any] | None:
        """None: a file holds no predictions beside the tasks."""
        return None

    def changes(self, since: str | None, most: int) -> Changes | None:
        """None: a file does not tell what was changed since another one was written."""
        return None

    def people(self) -> Mapping[int, str]:
        """Nobody: a file names annotators by their ids, or by their e-mail."""
        return {}

    def reviews(self) -> Mapping[int, Review] | None:
        """None besides those that the annotations of the file list."""
        return {}

    def _chosen(self) -> Iterator[Task]:
        for place, task in enumerate(read_tasks(self._path, report=lambda left_out: None)):
            if place in self._ids_by_place:
                task["id"] = self._ids_by_place[place]
                yield task

    def _find(self) -> dict[str, _Found]:
        """The tasks that count, by sample; takes a note of the others, and of what annotations hold."""
        found: dict[str, _Found] = {}
        ids: dict[str, list[int]] = {}
        total = without_origin = 0
        for total, task in enumerate(read_tasks(self._path), 1):
            origin = task["meta"].get(META)
            if not isinstance(origin, Mapping):
                without_origin += 1
            elif origin.get("run") == self._token and (sample_id := self._sample_of(task)) is not None:
                one = self._found(task, sample_id, total - 1)
                found[sample_id] = max(one, found.get(sample_id, one))
                ids.setdefault(sample_id, []).append(one.id)
                self._note_controls(task)
        if not ids and not self.problems:
            raise ExportError(self._nothing(total, without_origin))
        if total > sum(map(len, ids.values())) + len(self.problems):
            logger.info("Passing over the tasks of %s that are not of this run", self._path)
        for sample_id, several in ids.items():
            if len(several) > 1:
                chosen = found[sample_id].id
                reason = f"sample {sample_id} has {len(several)} tasks, {several}; the answer to this one counts"
                self.problems.append(Problem(chosen, None, reason, is_note=True))
        return found

    def _sample_of(self, task: Task) -> str | None:
        """The sample that a task of the run shows, or None where it does not say so."""
        sample_id = task["data"].get(SAMPLE_ID)
        if not isinstance(sample_id, str):
            self.problems.append(Problem(task["id"], None, "its data was changed; its annotation was left alone"))
            return None
        made_for = self._samples_by_id.get(task["id"], sample_id) if self._is_of_project(task) else sample_id
        if made_for != sample_id:
            reason = f"it names sample {sample_id}, for which it was not made; left alone"
            self.problems.append(Problem(task["id"], None, reason))
            return None
        return sample_id

    def _is_of_project(self, task: Task) -> bool:
        """Whether a task is of the project of the run, so that its id is known."""
        return self._sent.project_id is not None and task.get("project") == self._sent.project_id

    def _found(self, task: Task, sample_id: str, place: int) -> _Found:
        annotation = annotation_of(task) or {}
        number = annotation.get("id")
        is_known = self._is_of_project(task) and self._sent.by_sample.get(sample_id) == task["id"]
        # What was never imported has no id; labels get theirs from it, so it must stay the same.
        task_id = crc32(sample_id.encode()) if task["id"] is None else task["id"]
        return _Found(is_known, time_of(annotation), number if isinstance(number, int) else 0, place, task_id)

    def _note_controls(self, task: Task) -> None:
        annotation = annotation_of(task)
        if annotation is not None:
            prediction = annotation.get("prediction")
            self._started |= _controls_of(prediction.get("result") if isinstance(prediction, Mapping) else None)
            if SENT_ANNOTATION in task["meta"][META]:
                sent = task["meta"][META].get("sent")
                self._started |= {control for name, control in self._controls if sent and {name, control} & {*sent}}
            self._answered |= _controls_of(annotation["result"])

    def _assumed_config(self, made_with: str) -> str:
        """The run's own labeling config, without the control tags that people may have been shown nothing of.

        An export does not say what labeling config its project had. Where people began with labels of a control tag and
        no annotation of all holds one, it may have been taken out: then nobody has deleted them.
        """
        root = ElementTree.fromstring(made_with)
        in_doubt = self._started - self._answered
        for parent in [*root.iter()]:
            for tag in [tag for tag in parent if tag.get("name") in in_doubt]:
                parent.remove(tag)
        if in_doubt:
            logger.warning(
                "No annotation holds anything of %s, with which people began: they may have deleted all of it, or the "
                "labeling interface may have lost it. It is left as it is; pass labeling_config=, the one of the "
                "project, to say which",
                ", ".join(sorted(map(repr, in_doubt))),
            )
        return ElementTree.tostring(root, encoding="unicode")

    def _nothing(self, total: int, without_origin: int) -> str:
        if without_origin == total:
            return (
                f"{self._path}: none of its {total} tasks says which run it is of, as JSON-MIN, CSV and TSV do not; "
                "export the project as JSON"
            )
        return f"{self._path}: none of its {total} tasks is of this annotation run; is it an export of another one?"


def _controls_of(result: Any) -> set[str]:
    return {
        region["from_name"]
        for region in (result if isinstance(result, list) else ())
        if isinstance(region, Mapping) and isinstance(region.get("from_name"), str)
    }
