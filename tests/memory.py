"""A project in memory: what tasks are made in and what annotations come from, without a server."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

from fo_labelstudio.backend import LabelStudioAnnotationResults, LabelStudioBackendConfig
from fo_labelstudio.convert.annotation.review import Review
from fo_labelstudio.convert.labeling_config.write import to_labeling_config
from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.convert.records import LabelField
from fo_labelstudio.convert.task.write import MODEL_VERSION, SampleRecord, to_task
from fo_labelstudio.dataset.groups import groups_of
from fo_labelstudio.dataset.label_schema import completed_label_schema
from fo_labelstudio.errors import RunError, ServerError
from fo_labelstudio.runs.annotate import saved_ranges
from fo_labelstudio.runs.ports import Changes, MadeTasks, Page, ProjectState
from fo_labelstudio.runs.prepare import prepared_tasks
from fo_labelstudio.runs.run import run_of
from fo_labelstudio.runs.send import send
from fo_labelstudio.runs.state import RunState
from fo_labelstudio.transport.transport import ShownFile
from tests.support import Result, as_exported

SIZE = MediaInfo(64, 48)


class MemoryTasks:
    """The tasks of a project; a ``TaskSource`` and a ``TaskSink``.

    Attributes:
        by_id: task id -> task, with ``annotations`` and ``predictions``
        requests: how many tasks each request was to make
        deleted: ids of tasks that were deleted
        pages: the tasks that each page was asked for
        labeling_config: the labeling config
        users: id of an annotator -> e-mail
        lists_all: whether changed tasks are listed that nobody has answered
        model_version: which predictions people start from
        clock: the time of the server
        reviewed: id of an annotation -> the newest review of it; None where nobody can review
        settled: how often it was waited for what was sent before
        retries, max_tasks, max_bytes: as a sink has them
    """

    def __init__(self, *, retries: int = 0, max_tasks: int = 1000, max_bytes: int = 10**9):
        self.retries, self.max_tasks, self.max_bytes = retries, max_tasks, max_bytes
        self.by_id: dict[int, dict[str, Any]] = {}
        self.requests: list[int] = []
        self.deleted: list[int] = []
        self.pages: list[list[int]] = []
        self.labeling_config = ""
        self.model_version: str | None = None
        self.is_gone = False
        self.clock: datetime | None = None
        self._last = 0
        self.lists_all = True
        self._hours = 0
        self._seen: dict[int, tuple[str, str]] = {}
        self.users: dict[int, str] = {}
        self.reviewed: dict[int, Review] | None = None
        self.settled = 0

    def state(self) -> ProjectState:
        if self.is_gone:
            raise RunError("the project is gone")
        return ProjectState(self.labeling_config, len(self.by_id), self.model_version)

    def tasks(self, after: int = 0) -> Iterator[dict[str, Any]]:
        for task_id, task in sorted(self.by_id.items()):
            if task_id > after:
                yield {**task, "total_predictions": len(task["predictions"])}

    def exported(self, task_ids: Sequence[int] | None, page_tasks: int) -> Iterator[Page]:
        wanted = sorted(self.by_id) if task_ids is None else list(task_ids)
        for start in range(0, len(wanted), page_tasks):
            page = wanted[start : start + page_tasks]
            self.pages.append(page)
            there = [self.by_id[task_id] for task_id in page if task_id in self.by_id]
            yield Page(len(page), json.loads(json.dumps([task for task in there if task["annotations"]])))

    def whole(self, task_ids: Sequence[int]) -> Iterator[dict[str, Any]]:
        self.pages.append(list(task_ids))
        yield from [json.loads(json.dumps(self.by_id[task_id])) for task_id in task_ids if task_id in self.by_id]

    def time(self) -> datetime | None:
        return self.clock

    def prediction(self, prediction_id: int) -> dict[str, Any] | None:
        return None

    def changes(self, since: str | None, most: int) -> Changes | None:
        self._look_for_changes()
        newest = max((time for _, time in self._seen.values()), default="")
        if since is None:
            return Changes(newest)
        times = {task_id: time for task_id, (_, time) in self._seen.items() if time >= since}
        answered = {task_id: time for task_id, time in times.items() if self.by_id[task_id]["annotations"]}
        if len(answered) > most:
            return Changes(newest)
        if self.lists_all:
            return Changes(newest, times)
        return Changes(newest, answered, len(times) - len(answered))

    def people(self) -> dict[int, str]:
        return self.users

    def reviews(self) -> dict[int, Review] | None:
        return self.reviewed

    def settle(self) -> None:
        self.settled += 1

    def _look_for_changes(self) -> None:
        """Dates each task that is not what it was when somebody asked last, as the server does at once."""
        self._hours += 1
        now = f"{datetime(2026, 11, 20) + timedelta(hours=self._hours):%Y-%m-%dT%H:%M:%S.%f}Z"
        there = {task_id: json.dumps(task) for task_id, task in self.by_id.items()}
        self._seen = {
            task_id: self._seen[task_id] if self._seen.get(task_id, ("",))[0] == text else (text, now)
            for task_id, text in there.items()
        }

    def make_tasks(self, tasks: Sequence[bytes]) -> MadeTasks:
        self.requests.append(len(tasks))
        made = [self.add(json.loads(task)) for task in tasks]
        answers = [self.by_id[task_id][name] for task_id in made for name in ("predictions", "annotations")]
        return MadeTasks(made, sum(map(len, answers)))

    def delete_tasks(self, task_ids: Sequence[int]) -> None:
        self.deleted += task_ids
        for task_id in task_ids:
            del self.by_id[task_id]

    def set_labeling_config(self, labeling_config: str) -> None:
        self.labeling_config = labeling_config

    def start_from(self, model_version: str) -> None:
        self.model_version = model_version

    def add(self, task: dict[str, Any]) -> int:
        """Adds a task; returns its id."""
        self._last += 1
        self.by_id[self._last] = {"annotations": [], "predictions": [], **task, "id": self._last}
        return self._last

    def submit(self, task_id: int, edit: Callable[[Result], Result] = lambda result: result, **values: Any) -> None:
        """Submits what the editor starts from, after an edit."""
        task = self.by_id[task_id]
        started = task["predictions"][0]["result"] if task["predictions"] else []
        task["annotations"].append(as_exported(edit(json.loads(json.dumps(started))), started, **values))


class MemoryOverview:
    """What the lists of a server say of a project in memory; a ``TaskOverview``.

    Attributes:
        asked: what was asked for, in order
    """

    def __init__(self, project: MemoryTasks, users: Mapping[int, str] | None = None):
        self._project = project
        self._users = dict(users or {})
        self.asked: list[str] = []

    def total(self) -> int:
        self.asked.append("total")
        return self._project.state().tasks or 0

    def count(self, first: int, last: int) -> int:
        self.asked.append("count")
        return len(self._within(first, last))

    def ids(self, first: int, last: int) -> Iterator[int]:
        self.asked.append("ids")
        return iter(self._within(first, last))

    def rows(self, first: int, last: int, is_touched: bool) -> Iterator[dict[str, Any]]:
        self.asked.append("rows")
        rows = [self._row(self._project.by_id[task_id]) for task_id in self._within(first, last)]
        yield from (row for row in rows if not is_touched or row["annotations_ids"] or row["draft_exists"])

    def model_versions(self) -> dict[str, int]:
        self.asked.append("model versions")
        predictions = (prediction for task in self._project.by_id.values() for prediction in task["predictions"])
        return dict(Counter(prediction["model_version"] for prediction in predictions))

    def users(self) -> dict[int, str]:
        self.asked.append("users")
        return self._users

    def _within(self, first: int, last: int) -> list[int]:
        return [task_id for task_id in sorted(self._project.by_id) if first <= task_id <= last]

    def _row(self, task: dict[str, Any]) -> dict[str, Any]:
        annotations = task["annotations"]
        skipped = sum(annotation["was_cancelled"] for annotation in annotations)
        times = [annotation["lead_time"] for annotation in annotations if annotation.get("lead_time") is not None]
        changed = [annotation["updated_at"] for annotation in annotations if annotation.get("updated_by") is not None]
        return {
            "id": task["id"],
            "total_annotations": len(annotations) - skipped,
            "cancelled_annotations": skipped,
            "annotations_ids": ",".join(str(annotation["id"]) for annotation in annotations),
            "annotators": sorted({annotation["completed_by"] for annotation in annotations} - {None}),
            "avg_lead_time": sum(times) / len(times) if times else None,
            "draft_exists": bool(task.get("drafts")),
            "created_at": "2026-11-20T09:00:00Z",
            "updated_at": max([annotation["updated_at"] for annotation in annotations], default="2026-11-20T09:00:00Z"),
            "updated_by": [{"user_id": 1}] if changed else [],
            "predictions_model_versions": ",".join(item["model_version"] for item in task["predictions"]),
        }


def sent_run(fields: Sequence[LabelField], labels: dict[str, dict[str, Any]], token: str) -> MemoryTasks:
    """A project that has a run: sample id -> label field -> its value."""
    project = MemoryTasks()
    for sample_id, values in labels.items():
        record = SampleRecord(sample_id, f"{sample_id}.png", SIZE, values)
        project.add(json.loads(json.dumps(to_task(record, fields, f"/data/{sample_id}.png", token))))
    project.set_labeling_config(to_labeling_config(fields))
    project.start_from(MODEL_VERSION)
    return project


class MemoryMedia:
    """Gets media nowhere; a ``FileSender``."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    def addresses_of(self, files: Iterable[ShownFile]) -> dict[ShownFile, str]:
        files = list(files)
        self.sent += [file.path for file in files]
        return {file: f"/data/{file.path}" for file in files}


class MemorySamples:
    """The samples of a collection, as the sending of prepared tasks sees them."""

    def __init__(self, ids: Sequence[str]):
        self._ids = list(ids)

    def __len__(self) -> int:
        return len(self._ids)

    def values(self, name: str) -> list[str]:
        assert name == "id"
        return list(self._ids)


class MemoryState(RunState):
    """The state of a run in memory; nothing of it needs a database.

    Attributes:
        saves: what was saved, in order: ``state`` or ``config``
        deleted: the ids of the projects that were deleted
    """

    key = "run"
    is_frames = False
    overwrites_masks = False

    def __init__(self, project_id: int | None = 1, left_behind: Sequence[str] = ()):
        self.tasks = {"sample": 1}
        self.left_behind = list(left_behind)
        self.predicted, self.conflicts = {}, []
        self.tagged = {}
        self.answered = {}
        self.last_load, self.skipped = {}, ""
        self.saves: list[str] = []
        self.deleted: list[int] = []
        state = {"token": "token", "project_id": project_id, "complete": True}
        self._config = SimpleNamespace(saved_state=state, media="local_files")

    @property
    def config(self) -> Any:
        return self._config

    @property
    def dataset(self) -> Any:
        raise AssertionError("nobody needs the dataset")

    def save(self) -> None:
        self.saves.append("state")

    def save_config(self) -> None:
        self.saves.append("config")

    def saved(self) -> RunState:
        return self

    def connect_to_api(self) -> Any:
        there = {"task_number": len(self.tasks)}
        client = SimpleNamespace(delete_project=self.deleted.append, project=lambda project_id, names=(): there)
        client.model_versions = lambda project_id: {}
        return SimpleNamespace(client=client)


def annotate_in_memory(
    dataset: Any, key: str, label_schema: dict[str, dict[str, Any]], **settings: Any
) -> tuple[Any, MemoryTasks]:
    """A run of a dataset, or of a view, that was sent to a project in memory: its results, and the project."""
    config = LabelStudioBackendConfig("labelstudio", None, url="http://memory", api_key="none", **settings)
    config.label_schema = completed_label_schema(label_schema, dataset, "1.23.2", config.mask_tool, config.scalar_types)
    config.run_state = {"token": key, "project_id": 1, "complete": True}
    config.url = "http://memory"
    backend = config.build()
    backend.put_run(dataset, key, overwrite=True, cleanup=False)
    results = LabelStudioAnnotationResults(dataset, config, key, {}, backend=backend)
    results.ranges, results.groups = saved_ranges(config, dataset), groups_of(dataset, config.group_slices)
    run, project = run_of(config, dataset, key), MemoryTasks()
    send(run, prepared_tasks(run), project, MemoryMedia(), results.tasks, lambda: None)
    backend.save_run_results(dataset, key, results)
    return results, project


class MemoryPredictions(MemoryTasks):
    """The tasks of a project and their predictions, each with an id; a ``TaskSource`` and a ``PredictionSink``.

    Args:
        project: the tasks
        started_from: the model whose predictions people start from

    Attributes:
        calls: what was asked of it that changes anything, in order
        fail_at: the number of such a call, from 1, that fails; none where 0
        is_lost: whether it is served before it fails
    """

    def __init__(self, project: MemoryTasks, **options: Any):
        super().__init__(**options)
        self.by_id, self._last = project.by_id, project._last
        self.labeling_config, self.model_version = project.labeling_config, project.model_version
        self.calls: list[str] = []
        self.fail_at, self.is_lost = 0, False
        self._number = 100
        for task in self.by_id.values():
            task["predictions"] = [self._with_id(prediction) for prediction in task["predictions"]]

    def exported(self, task_ids: Sequence[int] | None, page_tasks: int) -> Iterator[Page]:
        for page in super().exported(task_ids, page_tasks):
            for task in page.tasks:
                task["predictions"] = [prediction["id"] for prediction in task["predictions"]]
            yield page

    def answered_tasks(self) -> set[int]:
        submitted = {number: [a for a in task["annotations"] if not a["was_cancelled"]] for number, task in self._tasks}
        return {number for number, annotations in submitted.items() if annotations}

    def model_versions(self) -> dict[str, int]:
        return dict(Counter(prediction["model_version"] for _, prediction in self._predictions))

    def predictions_of(self, model_version: str) -> Iterator[dict[str, Any]]:
        for task_id, prediction in list(self._predictions):
            if prediction["model_version"] == model_version:
                yield {**json.loads(json.dumps(prediction)), "task": task_id}

    def prediction(self, prediction_id: int) -> dict[str, Any] | None:
        found = [prediction for _, prediction in self._predictions if prediction["id"] == prediction_id]
        return json.loads(json.dumps(found[0])) if found else None

    def add_predictions(self, predictions: Sequence[bytes]) -> int:
        def add() -> None:
            for body in map(json.loads, predictions):
                self.by_id[body.pop("task")]["predictions"].append(self._with_id(body))

        self._call("add", add)
        return len(predictions)

    def replace_prediction(self, prediction_id: int, result: Sequence[Any], score: float | None) -> None:
        def replace() -> None:
            (found,) = (prediction for _, prediction in self._predictions if prediction["id"] == prediction_id)
            found.update(result=list(result), score=score)

        self._call("replace", replace)

    def delete_prediction(self, prediction_id: int) -> None:
        def delete() -> None:
            for task in self.by_id.values():
                task["predictions"] = [item for item in task["predictions"] if item["id"] != prediction_id]

        self._call("delete", delete)

    def start_from(self, model_version: str) -> None:
        self._call("start from", lambda: super(MemoryPredictions, self).start_from(model_version))

    def opened(self, task_id: int, model_version: str | None = None) -> tuple[int | None, Result]:
        """What the editor starts from: the id and the result of the prediction of a model."""
        wanted = model_version or self.model_version
        found = [item for item in self.by_id[task_id]["predictions"] if item["model_version"] == wanted]
        assert len(found) <= 1, "a task has one prediction of a model"
        return (found[0]["id"], json.loads(json.dumps(found[0]["result"]))) if found else (None, [])

    def answer(
        self,
        task_id: int,
        edit: Callable[[Result], Result] = lambda result: result,
        opened: tuple[int | None, Result] | None = None,
        **values: Any,
    ) -> None:
        """Submits what was opened, after an edit, as the editor does, which keeps no key that it does not know."""
        parent, result = self.opened(task_id) if opened is None else opened
        kept = [{key: value for key, value in region.items() if key != "fiftyone"} for region in edit(result)]
        seen = self.opened(task_id)[0]
        copy = {"parent_prediction": parent, "prediction": self.prediction(seen or 0) or {}}
        self.by_id[task_id]["annotations"].append({**as_exported(kept, []), **copy, **values})

    @property
    def _tasks(self) -> list[tuple[int, dict[str, Any]]]:
        return sorted(self.by_id.items())

    @property
    def _predictions(self) -> Iterator[tuple[int, dict[str, Any]]]:
        return ((task_id, prediction) for task_id, task in self._tasks for prediction in task["predictions"])

    def _with_id(self, prediction: dict[str, Any]) -> dict[str, Any]:
        self._number += 1
        return {"id": self._number, "score": None, **prediction}

    def _call(self, name: str, serve: Callable[[], None]) -> None:
        self.calls.append(name)
        fails = len(self.calls) == self.fail_at
        if not fails or self.is_lost:
            serve()
        if fails:
            raise ServerError(f"call {self.fail_at} failed", 500)
