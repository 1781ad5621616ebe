"""One run that is sent in parts; tests/test_postgresql.py has several processes do it at the same time."""

from __future__ import annotations

import os
import signal

import fiftyone as fo
import pytest
from fiftyone import ViewField as F
from fiftyone.operators.store import ExecutionStore

import fo_labelstudio
from fo_labelstudio.dataset.run_lock import sole_sender
from fo_labelstudio.errors import RunError, SettingsError
from fo_labelstudio.runs.send import part_of
from tests.support import start, tasks_of, write_image

pytestmark = pytest.mark.server

SEND = "import sys, fo_labelstudio; fo_labelstudio.send_part(sys.argv[1], 'run', int(sys.argv[2]), max_tasks=5)"


def boxes(*labels):
    return fo.Detections(
        detections=[fo.Detection(label=label, bounding_box=[0.1, 0.2, 0.3, 0.4], confidence=0.5) for label in labels]
    )


def annotate(samples, connection, **options):
    options = {"label_field": "labels", "classes": ["cat", "dog"], "attributes": False, **connection, **options}
    return samples.annotate("run", backend="labelstudio", **options)


@pytest.fixture
def dataset(make_dataset):
    dataset = make_dataset(*({"labels": boxes(*["cat", "dog"][: n % 3])} for n in range(40)))
    dataset.persistent = True
    return dataset


def test_a_part_leaves_the_tasks_of_other_samples_alone(dataset, connection, annotator):
    project_id = annotate(dataset, connection, parts=2).project_id
    made = fo_labelstudio.send_part(dataset, "run", 1, **connection)
    # As another process may have left them: some half-made, some made twice.
    others = annotator.call("GET", f"/api/tasks?project={project_id}&fields=all&page_size=100")["tasks"]
    foreign = next(sample_id for sample_id in dataset.values("id") if part_of(sample_id, 2) == 2)
    copies = [{"data": {**others[0]["data"], "sample_id": foreign}, "meta": others[0]["meta"]} for _ in range(2)]
    annotator.call("POST", f"/api/projects/{project_id}/import", json=copies)
    assert fo_labelstudio.send_part(dataset, "run", 1, **connection) == made
    assert len(tasks_of(annotator, project_id)[foreign]) == 2
    annotate(dataset, connection)
    assert len(tasks_of(annotator, project_id)[foreign]) == 1


def test_the_view_of_the_run_is_what_parts_are_sent_of(dataset, connection, annotator):
    view = dataset.match(F("labels.detections").length() > 0).shuffle(seed=1).limit(9)
    expected = set(view.values("id"))
    project_id = annotate(view, connection, parts=3).project_id
    numbers = [fo_labelstudio.send_part(dataset.name, "run", part, **connection) for part in (1, 2, 3)]
    assert sum(numbers) == 9 and set(tasks_of(annotator, project_id)) == expected
    assert set(annotate(view, connection).tasks) == expected


def test_patches_are_sent_in_parts(make_dataset, connection, annotator):
    dataset = make_dataset({"labels": boxes("cat", "dog")}, {"labels": boxes("dog")})
    patches = dataset.to_patches("labels").match(F("labels.label") == "cat")
    project_id = annotate(patches, connection, parts=2).project_id
    assert sum(fo_labelstudio.send_part(dataset, "run", part, **connection) for part in (1, 2)) == 1
    (copies,) = tasks_of(annotator, project_id).values()
    assert [len(results) for results in copies] == [1]


def test_frames_of_videos_are_sent_in_parts(connection, annotator, tmp_path):
    dataset = fo.Dataset()
    sample = fo.Sample(filepath=str(tmp_path / "video.mp4"))
    for number in range(1, 5):
        path = str(write_image(tmp_path / f"{number}.png"))
        sample.frames[number] = fo.Frame(filepath=path, labels=boxes("cat"))
    dataset.media_type = "video"
    dataset.add_sample(sample)
    frames = dataset.to_frames(sample_frames=False)
    project_id = annotate(frames, connection, parts=2).project_id
    numbers = [fo_labelstudio.send_part(dataset, "run", part, **connection) for part in (1, 2)]
    expected = set(frames.values("id"))
    dataset.delete()
    assert sum(numbers) == 4 and set(tasks_of(annotator, project_id)) == expected


class TestOthersWhoSend:
    """What others send is left to them."""

    @pytest.fixture
    def project_id(self, dataset, connection):
        return annotate(dataset, connection, parts=2).project_id

    def test_a_part_that_somebody_sends_is_sent_by_nobody_else(self, dataset, connection, project_id):
        with sole_sender(dataset, "run", 1):
            with pytest.raises(RunError, match=rf"process {os.getpid()} on .* sends its part 1; wait until it ends"):
                fo_labelstudio.send_part(dataset, "run", 1, **connection)
            assert fo_labelstudio.send_part(dataset, "run", 2, **connection)
        assert fo_labelstudio.send_part(dataset, "run", 1, **connection)

    def test_a_run_is_not_completed_while_a_part_is_sent_and_the_other_way_round(
        self, dataset, connection, annotator, project_id
    ):
        with sole_sender(dataset, "run", 1), pytest.raises(RunError, match="sends its part 1"):
            annotate(dataset, connection)
        with sole_sender(dataset, "run"):
            with pytest.raises(RunError, match="sends it; wait"):
                annotate(dataset, connection)
            with pytest.raises(RunError, match="sends it; wait"):
                fo_labelstudio.send_part(dataset, "run", 1, **connection)
        assert tasks_of(annotator, project_id) == {}
        assert len(annotate(dataset, connection).tasks) == 40

    def test_one_that_was_killed_is_in_nobodys_way_on_its_machine(self, dataset, connection, project_id):
        code = (
            "import os, signal, sys, fiftyone as fo\n"
            "from fo_labelstudio.dataset.run_lock import sole_sender\n"
            "with sole_sender(fo.load_dataset(sys.argv[1]), 'run'): os.kill(os.getpid(), signal.SIGKILL)\n"
        )
        assert start(code, connection, dataset.name).wait() == -signal.SIGKILL
        assert len(annotate(dataset, connection).tasks) == 40

    def test_one_on_another_machine_is_waited_for_until_its_note_is_gone(
        self, dataset, connection, project_id, monkeypatch
    ):
        store = ExecutionStore.create("fo-labelstudio", dataset_id=dataset._doc.id)
        store.set("sending/run/another", {"part": None, "host": "elsewhere", "process": 1})
        with pytest.raises(RunError, match="process 1 on elsewhere sends it"):
            annotate(dataset, connection)
        store.delete("sending/run/another")
        assert store.list_keys() == []
        assert len(annotate(dataset, connection).tasks) == 40

    def test_a_note_is_renewed_while_its_writer_is_there(self, dataset, monkeypatch):
        monkeypatch.setattr("fo_labelstudio.dataset.run_lock._NOTE_RENEWAL_SECONDS", 0.05)
        store = ExecutionStore.create("fo-labelstudio", dataset_id=dataset._doc.id)
        with sole_sender(dataset, "run"):
            (key,) = store.list_keys()
            store.delete(key)
            while store.list_keys() != [key]:
                pass
        assert store.list_keys() == []


def test_a_run_of_another_session_is_not_replaced_unseen(dataset, connection):
    annotate(dataset, connection, parts=2)
    runs = dict(dataset._doc.annotation_runs)
    # As in a session that loaded the dataset before.
    dataset._doc.annotation_runs.clear()
    with pytest.raises(RunError, match=r"another session has made annotation run 'run'; call dataset.reload\(\)"):
        annotate(dataset, connection)
    dataset._doc.annotation_runs.update(runs)


def test_what_cannot_be_sent_in_parts_is_refused_with_the_remedy(dataset, connection):
    with pytest.raises(SettingsError, match="parts is 0, expected a whole number, 1 or more"):
        annotate(dataset, connection, parts=0)
    annotate(dataset, connection, parts=2)
    with pytest.raises(SettingsError, match="part is 3, expected a whole number from 1 to 2"):
        fo_labelstudio.send_part(dataset, "run", 3, **connection)
    annotate(dataset, connection)
    with pytest.raises(RunError, match=r"has no parts to send; it is made with annotate\(\.\.\., parts="):
        fo_labelstudio.send_part(dataset, "run", 1, **connection)
