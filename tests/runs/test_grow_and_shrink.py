"""Samples are added to a run and taken out of it, in a project in memory."""

from __future__ import annotations

from pathlib import Path

import fiftyone as fo
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fo_labelstudio.dataset.run_lock import sole_sender
from fo_labelstudio.errors import RunError, SampleError, ServerError
from fo_labelstudio.runs.add_samples import add_samples
from fo_labelstudio.runs.delete_tasks import delete_tasks
from fo_labelstudio.runs.load_annotations import load_run
from fo_labelstudio.runs.load_options import LoadOptions
from fo_labelstudio.runs.remove_samples import remove_samples
from tests.memory import MemoryMedia, MemoryTasks, annotate_in_memory
from tests.support import stored, write_image

pytestmark = pytest.mark.database

SCHEMA = {"gt": {"type": "detections", "classes": ["cat", "dog"], "attributes": {}, "existing_field": True}}


def box(label="cat"):
    return fo.Detections(detections=[fo.Detection(label=label, bounding_box=[0.1, 0.2, 0.3, 0.4])])


@pytest.fixture
def dataset(make_dataset):
    return make_dataset(*({"gt": box()} for _ in range(5)))


@pytest.fixture
def begun(dataset):
    """A run on the first two samples."""
    results, project = annotate_in_memory(dataset[:2], "run", SCHEMA)
    return results, project


def add(results, project, samples, media=None):
    return add_samples(results.backend, results, samples, project, media or MemoryMedia())


def load(results, project):
    load_run(results, LoadOptions(), project)
    results.save()


def cleared(result):
    return []


def as_dog(result):
    result[0]["value"]["rectanglelabels"] = ["dog"]
    return result


def run_of(dataset):
    """The ids of the samples of the run as another session sees them, and its tasks."""
    dataset.reload()
    dataset._annotation_cache.clear()
    view = dataset.load_annotation_view("run")
    return view.values("id"), dataset.load_annotation_results("run", url="http://memory", api_key="none").tasks


def test_only_samples_that_the_run_does_not_have_are_sent_and_its_view_and_tasks_follow(dataset, begun):
    results, project = begun
    ids, media = dataset.values("id"), MemoryMedia()
    assert add(results, project, dataset[1:4], media) == 2
    assert media.sent == [sample.filepath for sample in dataset[2:4]]
    assert list(results.tasks) == ids[:4] and sorted(results.tasks.values()) == [1, 2, 3, 4]
    assert run_of(dataset) == (ids[:4], results.tasks)
    assert results.samples.values("id") == ids[:4]
    assert add(results, project, dataset[1:4], media) == 0 and len(project.by_id) == 4


def test_answers_to_added_samples_are_loaded(dataset, begun):
    results, project = begun
    add(results, project, dataset[2:])
    project.submit(results.tasks[dataset.last().id], cleared)
    load(results, project)
    dataset.reload()
    assert [len(value.detections) for value in dataset.values("gt")] == [1, 1, 1, 1, 0]


def test_a_run_on_the_whole_dataset_stays_one_when_new_samples_are_added(make_dataset, tmp_path):
    dataset = make_dataset({"gt": box()})
    results, project = annotate_in_memory(dataset, "run", SCHEMA)
    dataset.add_sample(fo.Sample(filepath=dataset.first().filepath, gt=box("dog")))
    assert add(results, project, dataset) == 1
    assert isinstance(dataset.load_annotation_view("run"), fo.Dataset)


def test_samples_of_another_dataset_are_refused(begun, make_dataset):
    results, project = begun
    other = make_dataset({"gt": box()})
    with pytest.raises(RunError, match=f"the samples are of dataset '{other.name}', but annotation run 'run' is one"):
        add(results, project, other)
    assert len(project.by_id) == 2


def test_what_cannot_be_sent_is_refused_before_anything_is_made(dataset, begun):
    results, project = begun
    sample = dataset.last()
    Path(sample.filepath).write_text("no image")
    with pytest.raises(SampleError, match=sample.id):
        add(results, project, dataset)
    assert len(project.by_id) == 2 and len(results.tasks) == 2
    assert run_of(dataset)[0] == dataset[:2].values("id")


class Breaking(MemoryTasks):
    """Loses the connection after a request has made tasks."""

    is_broken = False

    def make_tasks(self, tasks):
        made = super().make_tasks(tasks)
        if self.is_broken:
            raise ServerError("it broke", 400)
        return made


def test_what_was_interrupted_is_continued_and_loaded_meanwhile(dataset, begun):
    results, project = begun
    broken = Breaking(max_tasks=1)
    broken.by_id, broken._last, broken.is_broken = project.by_id, project._last, True
    broken.labeling_config = project.labeling_config
    with pytest.raises(RunError, match=r"add_samples\(\) stopped half-way .* call it with the same samples once more"):
        add(results, broken, dataset)
    assert len(results.tasks) == 2 and len(broken.by_id) == 3
    ids = dataset.values("id")
    broken.submit(3, cleared)
    load(results, broken)
    assert results.tasks[ids[2]] == 3
    dataset.reload()
    assert [len(value.detections) for value in dataset.values("gt")] == [1, 1, 0, 1, 1]
    broken.is_broken = False
    assert add(results, broken, dataset) == 2
    assert len(broken.by_id) == 5 and run_of(dataset) == (ids, results.tasks)


def test_a_load_that_began_before_samples_were_added_does_not_lose_them(dataset, begun):
    results, project = begun
    before = dict(results.tasks)
    add(results, project, dataset)
    # A load of another session saves what it began with.
    results.tasks = before
    results.save()
    project.submit(5, cleared)
    load(results, project)
    assert len(results.tasks) == 5
    dataset.reload()
    assert dataset.last().gt.detections == []


def test_what_another_session_loads_while_samples_are_added_is_kept(dataset, begun):
    results, project = begun
    project.submit(1, cleared)

    class Loading(MemoryMedia):
        def addresses_of(self, files):
            other = results.backend.load_run_results(dataset, "run", cache=False, load_view=False)
            load(other, project)
            return super().addresses_of(files)

    add(results, project, dataset, Loading())
    saved = results.backend.load_run_results(dataset, "run", cache=False, load_view=False)
    assert len(saved.tasks) == 5 and list(saved.removed["gt"]) == dataset[:1].values("id")
    assert list(saved.answered) == dataset[:1].values("id")


def test_who_sends_the_run_keeps_others_from_changing_it(dataset, begun):
    results, project = begun
    with sole_sender(dataset, "run"):
        for change in (add, lambda *given: remove_samples(results.backend, results, given[2], keeper=project)):
            with pytest.raises(RunError, match="is being sent"):
                change(results, project, dataset)
    assert len(project.by_id) == 2


def test_an_incomplete_run_is_completed_first(dataset, begun):
    results, project = begun
    results.config.run_state["complete"] = False
    results.save_config()
    with pytest.raises(RunError, match=r"is not complete; call annotate\(\) with the same anno_key"):
        add(results, project, dataset)


def test_removed_samples_leave_the_run_with_their_tasks_and_keep_their_labels(dataset, begun):
    results, project = begun
    add(results, project, dataset)
    ids, before = dataset.values("id"), stored(dataset)
    gone = [results.tasks[ids[1]], results.tasks[ids[4]]]
    assert remove_samples(results.backend, results, dataset.select([ids[1], ids[4]]), keeper=project) == 2
    assert project.deleted == gone and list(results.tasks) == [ids[0], ids[2], ids[3]]
    assert run_of(dataset) == ([ids[0], ids[2], ids[3]], results.tasks)
    load(results, project)
    assert stored(dataset) == before


def test_removed_samples_can_be_added_again_and_what_loads_put_there_stays(make_dataset):
    dataset = make_dataset({})
    schema = {"gt": {"type": "detections", "classes": ["cat"], "attributes": {}}}
    results, project = annotate_in_memory(dataset, "run", schema)
    value = {"x": 10, "y": 20, "width": 30, "height": 40, "rotation": 0, "rectanglelabels": ["cat"]}
    region = {"id": "drawn", "from_name": "gt", "to_name": "image", "type": "rectanglelabels", "value": value}
    project.submit(1, lambda result: [{**region, "original_width": 64, "original_height": 48}])
    load(results, project)
    dataset.reload()
    (label,) = dataset.first().gt.detections
    remove_samples(results.backend, results, dataset, keeper=project)
    assert add(results, project, dataset) == 1
    project.submit(2, cleared)
    load(results, project)
    dataset.reload()
    assert [kept.id for kept in dataset.first().gt.detections] == [label.id]


def test_an_answer_that_was_loaded_before_a_sample_was_removed_is_news_once_it_is_added_again(dataset, begun):
    results, project = begun
    project.submit(1, as_dog)
    load(results, project)
    dataset.reload()
    sample = dataset.first()
    assert sample.gt.detections[0].label == "dog"
    remove_samples(results.backend, results, dataset[:1], keeper=project)
    sample.gt.detections[0].label = "cat"
    sample.save()
    assert add(results, project, dataset[:1]) == 1
    project.submit(results.tasks[sample.id], as_dog)
    load(results, project)
    dataset.reload()
    assert dataset.first().gt.detections[0].label == "dog"
    assert results.conflicts == []


def test_conflicts_that_another_session_was_told_are_kept_while_samples_are_added(dataset, begun):
    results, project = begun
    sample = dataset.first()
    sample.gt.detections[0].label = "cow"
    sample.save()
    project.submit(1, as_dog)
    other = results.backend.load_run_results(dataset, "run", cache=False, load_view=False)
    load(other, project)
    assert [conflict["kept"] for conflict in other.conflicts] == ["annotator"]
    add(results, project, dataset)
    assert results.conflicts == results.saved().conflicts == other.conflicts


def test_answers_that_were_not_loaded_and_drafts_keep_tasks_unless_forced(dataset, begun):
    results, project = begun
    add(results, project, dataset)
    ids = dataset.values("id")
    project.submit(1, cleared)
    load(results, project)
    project.submit(2, cleared)
    project.by_id[3]["drafts"] = [{"id": 1, "result": []}]
    remove = lambda **options: remove_samples(results.backend, results, dataset, keeper=project, **options)  # noqa: E731
    with pytest.raises(RunError) as error:
        remove()
    assert "1 of 5 tasks have answers that were not loaded, and 1 have drafts" in str(error.value)
    assert "task 2: an answer that was not loaded" in str(error.value)
    assert "task 3: a draft that was not submitted" in str(error.value)
    assert len(project.by_id) == 5 and list(results.tasks) == ids
    project.submit(1, cleared, id=9, updated_at="2026-11-21T10:00:00Z")
    with pytest.raises(RunError, match="2 of 5 tasks have answers that were not loaded"):
        remove()
    assert remove(force=True) == 5 and project.by_id == {} and results.tasks == {}


def test_tasks_are_deleted_by_their_ids(dataset, begun):
    results, project = begun
    _, second = results.tasks
    assert delete_tasks(results.backend, results, 1, keeper=project) == 1
    assert results.tasks == {second: 2} and run_of(dataset)[0] == [second]


def test_tasks_of_others_are_never_deleted(dataset, begun, caplog):
    results, project = begun
    theirs = project.add({"data": {}, "meta": {}})
    with pytest.raises(RunError, match="1 of 2 are not tasks of annotation run 'run', so nothing was deleted"):
        delete_tasks(results.backend, results, [1, theirs], keeper=project)
    # A server on SQLite gives ids anew.
    project.by_id[1] = {**project.by_id[theirs], "id": 1}
    assert delete_tasks(results.backend, results, [1], keeper=project) == 0
    assert "Task 1 was not made by the run, and is left alone" in caplog.text
    assert project.deleted == [] and len(results.tasks) == 1


def test_tasks_that_are_gone_from_the_server_are_forgotten(dataset, begun, caplog):
    results, project = begun
    del project.by_id[1]
    assert remove_samples(results.backend, results, dataset, keeper=project) == 1
    assert "1 of 2 tasks were gone from the server already" in caplog.text and results.tasks == {}


INDEXES = st.sets(st.integers(0, 3), max_size=3)
STEPS = st.one_of(
    st.tuples(st.just("add"), INDEXES), st.tuples(st.just("remove"), INDEXES), st.tuples(st.just("clear"), INDEXES)
)


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEPS, max_size=6))
def test_whatever_is_added_and_removed_the_view_has_the_samples_of_the_tasks_and_answers_count_once(
    steps, dataset_of, tmp_path
):
    path = str(write_image(tmp_path / "image.png"))
    dataset = dataset_of(fo.Sample(filepath=path, gt=box()) for _ in range(4))
    results, project = annotate_in_memory(dataset[:1], "run", SCHEMA)
    ids = dataset.values("id")
    there, emptied = {ids[0]}, set()
    for step, indexes in steps:
        chosen = {ids[number] for number in indexes}
        if step == "add":
            assert add(results, project, dataset.select(list(chosen))) == len(chosen - there)
            there |= chosen
        elif step == "remove":
            removed = remove_samples(results.backend, results, dataset.select(list(chosen)), keeper=project)
            assert removed == len(chosen & there)
            there -= chosen
        else:
            for sample_id in chosen & there:
                project.by_id[results.tasks[sample_id]]["annotations"].clear()
                project.submit(results.tasks[sample_id], cleared)
            load(results, project)
            emptied |= chosen & there
        assert set(run_of(dataset)[0]) == set(results.tasks) == there
        assert sorted(project.by_id) == sorted(results.tasks.values())
        dataset.reload()
        results = dataset.load_annotation_results("run", url="http://memory", api_key="none")
    assert {sample.id for sample in dataset if not sample.gt.detections} == emptied
