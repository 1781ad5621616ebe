"""Tasks are made in a sink; reading those that there are reads, and only the sender that holds the lock repairs."""

from __future__ import annotations

import json
from types import SimpleNamespace

import fiftyone as fo
import pytest

import fo_labelstudio
from fo_labelstudio.convert.records import LabelField
from fo_labelstudio.convert.task.origin import META, digest_of_origin
from fo_labelstudio.convert.task.write import SampleRecord, to_task
from fo_labelstudio.errors import ConnectionFailedError, HalfMadeError, SampleError, ServerError
from fo_labelstudio.remote import retrying
from fo_labelstudio.runs.prepare import LeftOut, PreparedTask, Refused
from fo_labelstudio.runs.run import Run
from fo_labelstudio.runs.send import make_tasks, part_of, part_of_run, reconcile_tasks, send, tasks_of_run
from fo_labelstudio.transport.transport import MediaSettings, ShownFile
from tests.memory import SIZE, MemoryMedia, MemorySamples, MemoryTasks
from tests.support import tasks_of, write_image

RUN = "token"
FIELD = LabelField("gt", "detections", ("cat",), "gt")
IDS = [f"{number:024x}" for number in range(5)]


def task(sample_id, predictions=1, run=RUN):
    sent = {"gt": {"label": {"box": "digest"}}}
    meta = {"fiftyone": {"version": 1, "run": run, "size": [64, 48], "sent": sent}}
    return {"data": {"sample_id": sample_id}, "meta": meta, "predictions": [{"result": []}] * predictions}


@pytest.fixture
def project():
    """A project with a whole task, one that is half-made, one that was made twice, and one of another run."""
    project = MemoryTasks()
    for made in (task("a"), task("b", predictions=0), task("a"), task("c", run="other")):
        project.add(made)
    return project


def test_reading_the_tasks_of_a_run_deletes_none(project):
    assert {sample: found.id for sample, found in tasks_of_run(RUN, project).items()} == {"a": 1}
    assert project.deleted == []


def test_reconciling_them_deletes_half_made_ones_and_copies(project):
    assert {sample: found.id for sample, found in reconcile_tasks(RUN, project).items()} == {"a": 1}
    assert project.deleted == [2, 3]


def prepared(sample_id, labels=1, path=None):
    box = fo.Detection(id=sample_id, label="cat", bounding_box=[0.1, 0.1, 0.2, 0.2])
    record = SampleRecord(sample_id, path or f"{sample_id}.png", SIZE, {"gt": fo.Detections(detections=[box] * labels)})
    made = to_task(record, [FIELD], "", RUN)
    rest = json.dumps({key: value for key, value in made.items() if key != "data"}, separators=(",", ":")).encode()
    digest = digest_of_origin(made["meta"][META])
    shown = {"image": ShownFile("image", record.path)}
    return PreparedTask(sample_id, record.path, rest, made["data"], len(made["predictions"]), digest, shown)


RUN_OF_ALL = Run(MemorySamples(IDS), [FIELD], "filepath", RUN, MediaSettings())


def sent(sink, items, run=RUN_OF_ALL, media=None, tasks=None):
    tasks = {} if tasks is None else tasks
    send(run, items, sink, media or MemoryMedia(), tasks, lambda: None)
    return tasks


def samples_in(sink):
    return [task["data"]["sample_id"] for task in sink.by_id.values()]


def test_tasks_are_made_with_their_media_in_as_many_requests_as_it_takes():
    sink, media = MemoryTasks(max_tasks=2), MemoryMedia()
    assert sent(sink, map(prepared, IDS), media=media) == dict(zip(IDS, range(1, 6), strict=True))
    assert sink.requests == [2, 2, 1]
    assert media.sent == [f"{sample_id}.png" for sample_id in IDS]
    assert sink.by_id[1]["data"]["image"] == f"/data/{IDS[0]}.png"


def test_a_request_holds_no_more_bytes_than_it_may():
    sink = MemoryTasks(max_bytes=prepared(IDS[0]).size * 2)
    sent(sink, map(prepared, IDS))
    assert sink.requests == [2, 2, 1]


def test_people_can_work_and_start_from_the_predictions_once_all_is_sent():
    class Watched(MemoryTasks):
        def set_labeling_config(self, labeling_config):
            assert len(self.by_id) == 5
            super().set_labeling_config(labeling_config)

    sink = Watched()
    sent(sink, map(prepared, IDS))
    assert "RectangleLabels" in sink.labeling_config and sink.model_version == "FiftyOne"


def test_a_run_is_continued_with_the_tasks_that_are_not_there_yet(caplog):
    sink = MemoryTasks()
    make_tasks(RUN_OF_ALL, map(prepared, IDS[:2]), sink, MemoryMedia(), {}, lambda made: None)
    media = MemoryMedia()
    assert list(sent(sink, map(prepared, IDS), media=media)) == IDS
    assert sink.requests == [2, 3] and media.sent == [f"{sample_id}.png" for sample_id in IDS[2:]]
    assert "were changed since" not in caplog.text


def test_samples_that_were_changed_since_their_task_was_made_are_named(caplog):
    sink = MemoryTasks()
    sent(sink, [prepared(sample_id) for sample_id in IDS])
    sent(sink, [prepared(IDS[0], labels=0), *map(prepared, IDS[1:])])
    assert f"1 samples were changed since their tasks were made, such as {IDS[0]}" in caplog.text
    assert len(sink.by_id) == 5


def test_samples_that_are_gone_keep_their_tasks_and_are_named(caplog):
    sink = MemoryTasks()
    sent(sink, map(prepared, IDS))
    run = Run(MemorySamples(IDS[1:]), [FIELD], "filepath", RUN, MediaSettings())
    assert set(sent(sink, map(prepared, IDS[1:]), run)) == set(IDS)
    assert f"1 tasks show samples that are no longer there, such as {IDS[0]}" in caplog.text


def test_what_cannot_be_sent_is_named_once_all_else_is_sent(caplog):
    sink, tasks = MemoryTasks(), {}
    items = [prepared(IDS[0]), Refused("sample 1: broken"), LeftOut(IDS[2], "sample 2: empty"), prepared(IDS[3])]
    with pytest.raises(SampleError) as error:
        sent(sink, items, tasks=tasks)
    assert error.value.problems == ("sample 1: broken",)
    assert list(tasks) == [IDS[0], IDS[3]]
    assert (
        "1 samples are left out, because their media cannot be sent" in caplog.text and "sample 2: empty" in caplog.text
    )
    assert sink.labeling_config == ""


class LosingTasks(MemoryTasks):
    """Makes the tasks of the first request, and loses its answer."""

    def make_tasks(self, tasks):
        made = super().make_tasks(tasks)
        if len(self.requests) == 1:
            raise ConnectionFailedError("the answer was lost")
        return made


class ForgettingTasks(MemoryTasks):
    """Makes the tasks of the first request without their predictions."""

    def make_tasks(self, tasks):
        if not self.requests:
            tasks = [task.split(b',"predictions":')[0] + b"}" for task in tasks]
        return super().make_tasks(tasks)


@pytest.fixture
def _at_once(monkeypatch):
    # Not the module's own function: other threads sleep, too.
    monkeypatch.setattr(retrying, "time", SimpleNamespace(sleep=lambda seconds: None))


@pytest.mark.usefixtures("_at_once")
def test_what_a_request_made_whose_answer_was_lost_is_not_made_again():
    sink = LosingTasks(retries=1, max_tasks=3)
    assert sorted(sent(sink, map(prepared, IDS)).values()) == [1, 2, 3, 4, 5]
    assert samples_in(sink) == IDS and sink.requests == [3, 2]


@pytest.mark.usefixtures("_at_once")
def test_what_was_sent_before_is_waited_for_before_it_is_looked_for():
    class Queue(LosingTasks):
        """Makes what it was sent once somebody waits for it."""

        def __init__(self, **options):
            super().__init__(**options)
            self.queue = []

        def make_tasks(self, tasks):
            if not self.requests:
                self.requests.append(len(tasks))
                self.queue = list(tasks)
                raise ConnectionFailedError("the answer was lost")
            return MemoryTasks.make_tasks(self, tasks)

        def settle(self):
            super().settle()
            for task in self.queue:
                self.add(json.loads(task))
            self.queue = []

    sink = Queue(retries=1, max_tasks=3)
    assert sorted(sent(sink, map(prepared, IDS)).values()) == [1, 2, 3, 4, 5]
    assert samples_in(sink) == IDS and sink.requests == [3, 2] and sink.settled == 2


def test_without_a_retry_a_lost_answer_ends_the_run_and_the_next_call_continues_it():
    sink = LosingTasks(max_tasks=3)
    with pytest.raises(ConnectionFailedError):
        sent(sink, map(prepared, IDS))
    assert list(sent(sink, map(prepared, IDS))) == IDS
    assert samples_in(sink) == IDS


@pytest.mark.usefixtures("_at_once")
def test_tasks_that_were_made_without_their_predictions_are_made_again():
    sink = ForgettingTasks(retries=4, max_tasks=2)
    items = [prepared(sample_id, labels) for sample_id, labels in zip(IDS, (1, 1, 0, 0), strict=False)]
    tasks = sent(sink, items, Run(MemorySamples(IDS[:4]), [FIELD], "filepath", RUN, MediaSettings()))
    assert sink.requests == [2, 2, 2]
    assert sorted(samples_in(sink)) == IDS[:4] == sorted(tasks)
    assert sorted(len(task["predictions"]) for task in sink.by_id.values()) == [0, 0, 1, 1]


def test_tasks_that_stay_half_made_are_an_error_that_counts_them():
    sink = ForgettingTasks(max_tasks=2)
    with pytest.raises(HalfMadeError, match="made 2 of 2 tasks and 0 of 2 predictions") as error:
        sent(sink, map(prepared, IDS))
    assert error.value.status is None


def test_a_part_that_stopped_half_way_is_continued_and_says_how_far_it_is():
    ids = [f"{number:024x}" for number in range(40)]
    run = part_of_run(Run(MemorySamples(ids), [FIELD], "filepath", RUN, MediaSettings()), 2, 2)
    assert run.sample_ids == [sample_id for sample_id in ids if part_of(sample_id, 2) == 2]

    class Interrupted(MemoryTasks):
        def make_tasks(self, tasks):
            if len(self.requests) == 1:
                self.requests.append(len(tasks))
                raise KeyboardInterrupt
            return super().make_tasks(tasks)

    sink = Interrupted(max_tasks=4)
    with pytest.raises(KeyboardInterrupt):
        make_tasks(run, map(prepared, run.sample_ids), sink, MemoryMedia(), {}, lambda made: None)
    steps, tasks = [], {}
    make_tasks(run, map(prepared, run.sample_ids), sink, MemoryMedia(), tasks, steps.append)
    assert len(tasks) == len(run.sample_ids) == sum(sink.requests) - sink.requests[1]
    assert steps[0] == 8 and steps[-1] == len(tasks)
    assert sink.labeling_config == ""


def test_media_that_vanish_during_the_upload_are_named(tmp_path):
    class Vanished(MemoryMedia):
        def addresses_of(self, files):
            if any("gone" in file.path for file in files):
                raise FileNotFoundError("gone")
            return super().addresses_of(files)

    there = write_image(tmp_path / "there.png")
    items = [prepared(IDS[0], path=str(there)), prepared(IDS[1], path=str(tmp_path / "gone.png"))]
    sink, tasks = MemoryTasks(), {}
    with pytest.raises(SampleError, match=f"sample {IDS[1]}, filepath .*gone.png"):
        sent(sink, items, media=Vanished(), tasks=tasks)
    assert list(tasks) == [IDS[0]]


def test_a_refusal_of_the_server_ends_the_run_with_what_it_made():
    class Full(MemoryTasks):
        def make_tasks(self, tasks):
            if self.requests:
                raise ServerError("the disk is full", 500)
            return super().make_tasks(tasks)

    tasks = {}
    with pytest.raises(ServerError, match="the disk is full"):
        sent(Full(max_tasks=2), map(prepared, IDS), tasks=tasks)
    assert list(tasks) == IDS[:2]


@pytest.mark.server
def test_loading_a_run_that_is_being_sent_deletes_no_task(make_dataset, connection, annotator):
    box = fo.Detection(label="cat", bounding_box=[0.1, 0.1, 0.2, 0.2])
    dataset = make_dataset({"gt": fo.Detections(detections=[box])}, {"gt": fo.Detections(detections=[box.copy()])})
    options = {"label_field": "gt", "classes": ["cat"], "attributes": False, **connection}
    project_id = dataset.annotate("run", backend="labelstudio", parts=1, **options).project_id
    fo_labelstudio.send_part(dataset, "run", 1, **connection)
    *_, second = annotator.call("GET", f"/api/tasks?project={project_id}&fields=all&page_size=100")["tasks"]
    # As a server on SQLite leaves a task for a moment.
    annotator.call("DELETE", f"/api/predictions/{second['predictions'][0]['id']}/")
    dataset.load_annotations("run")
    assert {len(found) for found in tasks_of(annotator, project_id).values()} == {1}
