"""What happens to the dataset, the run and the project when something breaks."""

from __future__ import annotations

from pathlib import Path

import fiftyone as fo
import pytest
from PIL import Image

from fo_labelstudio.errors import (
    AuthenticationError,
    ConnectionFailedError,
    LabelSchemaError,
    RunError,
    SampleError,
    ServerError,
    SettingsError,
)
from fo_labelstudio.remote.client import Client
from tests.support import start, stored, write_image

pytestmark = [pytest.mark.server, pytest.mark.sampled]

BOX = {"label": "cat", "bounding_box": [0.1, 0.2, 0.3, 0.4]}


def boxes(*labels):
    return fo.Detections(detections=[fo.Detection(**{**BOX, "label": label}) for label in labels or ("cat",)])


def annotate(dataset, connection, **options):
    options = {"label_field": "labels", "classes": ["cat", "dog"], "attributes": False, **options}
    return dataset.annotate("run", backend="labelstudio", **connection, **options)


@pytest.fixture
def dataset(make_dataset):
    return make_dataset(*({"labels": boxes()} for _ in range(3)))


@pytest.fixture
def project_ids(annotator):
    """The ids of all projects on the server."""
    return lambda: {project["id"] for project in annotator.call("GET", "/api/projects/?page_size=10000")["results"]}


class TestNothingIsMade:
    """What can be refused is refused before a project, a run or anything else exists."""

    @pytest.fixture(autouse=True)
    def nothing_made(self, dataset, project_ids):
        before, projects = stored(dataset), project_ids()
        yield
        assert dataset.list_annotation_runs() == []
        assert project_ids() == projects
        assert stored(dataset) == before

    def test_without_a_key(self, dataset, connection, monkeypatch):
        monkeypatch.setattr("sys.stdin", None)
        with pytest.raises(SettingsError, match="FIFTYONE_LABELSTUDIO_API_KEY"):
            annotate(dataset, {"url": connection["url"]})

    def test_with_a_wrong_key(self, dataset, connection):
        with pytest.raises(AuthenticationError):
            annotate(dataset, {**connection, "api_key": "wrong"})

    def test_without_a_server(self, dataset, connection):
        with pytest.raises(ConnectionFailedError):
            annotate(dataset, {**connection, "url": "http://127.0.0.1:9", "retries": 0})

    def test_with_an_unknown_setting(self, dataset, connection):
        with pytest.raises(SettingsError, match="did you mean 'project_name'"):
            annotate(dataset, connection, projectname="x")

    @pytest.mark.parametrize("name", ["ab", "x" * 51])
    def test_with_a_title_that_the_server_refuses(self, dataset, connection, name):
        with pytest.raises(SettingsError, match="Label Studio takes 3 to 50"):
            annotate(dataset, connection, project_name=name)

    def test_with_a_class_outside_the_label_schema(self, dataset, connection):
        with pytest.raises(SampleError, match="its class 'cat' is not among the classes") as error:
            annotate(dataset, connection, classes=["dog"], unlisted_classes="refuse")
        assert len(error.value.problems) == 3
        assert dataset.first().id in str(error.value) and "field 'labels'" in str(error.value)

    def test_with_a_mistyped_field(self, dataset, connection):
        with pytest.raises(ValueError, match="You must specify a type for new label field 'lables'"):
            annotate(dataset, connection, label_field="lables")

    @pytest.mark.parametrize("name", ["filepath.new", "no_such.new", "labels.detections.new"])
    def test_with_a_new_field_where_none_can_be(self, dataset, connection, name):
        with pytest.raises(LabelSchemaError, match=f"field '{name}'.* is not a field of one embedded document"):
            annotate(dataset, connection, label_field=name, label_type="detections")

    def test_with_a_label_type_that_is_not_supported(self, dataset, connection):
        with pytest.raises(ValueError, match="unsupported label type 'regression'"):
            annotate(dataset, connection, label_field="new", label_type="regression")

    def test_with_labels_of_videos_on_images(self, dataset, connection):
        with pytest.raises(LabelSchemaError, match="'temporal_detections' cannot be annotated on an image"):
            annotate(dataset, connection, label_field="new", label_type="temporal_detections", classes=["cat"])


def test_media_that_cannot_be_sent_are_all_named(make_dataset, connection, tmp_path):
    (tmp_path / "empty.png").touch()
    (tmp_path / "text.jpg").write_text("no image")
    Image.new("RGB", (8, 8)).save(tmp_path / "scan.tif")
    names = ["missing.png", "empty.png", "text.jpg", "scan.tif"]
    good = write_image(tmp_path / "good.png")
    dataset = make_dataset({"filepath": str(good)}, *({"filepath": str(tmp_path / name)} for name in names))
    with pytest.raises(SampleError) as error:
        annotate(dataset, connection, label_field="new", label_type="detections")
    assert len(error.value.problems) == 4
    for sample, name in zip(dataset.skip(1), names, strict=True):
        assert any(sample.id in problem and name in problem for problem in error.value.problems)
    assert "Label Studio does not take .tif; convert it" in str(error.value)
    assert dataset.list_annotation_runs() == []


def test_an_empty_media_field_is_named(make_dataset, connection):
    dataset = make_dataset({"thumbnail": None, "labels": boxes()})
    dataset.add_sample_field("thumbnail", fo.StringField)
    with pytest.raises(SampleError, match="thumbnail None: its image cannot be read"):
        annotate(dataset, connection, media_field="thumbnail")


def test_a_read_only_field_is_refused(dataset, connection):
    field = dataset.get_field("labels")
    field.read_only = True
    field.save()
    with pytest.raises(LabelSchemaError, match="field 'labels' is read-only"):
        annotate(dataset, connection)
    field.read_only = False
    field.save()


class TestHalfWay:
    """A run that stopped half-way is not lost, and its key can be used again."""

    @pytest.fixture
    def broken(self, dataset, connection, monkeypatch):
        """A run whose server failed at the import of the tasks."""

        def fail(self, project_id, tasks):
            raise ServerError("the disk is full", 500)

        with monkeypatch.context() as patch:
            patch.setattr(Client, "import_tasks", fail)
            with pytest.raises(RunError) as error:
                annotate(dataset, connection)
        return error.value

    def test_the_error_names_the_project_and_what_to_do(self, broken, connection, project_ids):
        assert broken.project_id in project_ids()
        message = str(broken)
        assert "stopped half-way (ServerError: the disk is full)" in message
        assert f"It left project {broken.project_id} at {connection['url']}/projects/{broken.project_id}" in message
        assert "To continue, call annotate() with anno_key 'run' and the same arguments once more" in message

    def test_the_same_call_continues_it(self, broken, dataset, connection, annotator, project_ids):
        before, projects = stored(dataset), project_ids()
        results = annotate(dataset, connection)
        assert results.project_id == broken.project_id and project_ids() == projects
        annotator.accept_all(results)
        dataset.load_annotations("run")
        assert stored(dataset) == before

    def test_the_advice_to_remove_it_holds(self, broken, dataset, connection, project_ids):
        dataset.load_annotation_results("run", **connection).cleanup()
        dataset.delete_annotation_run("run")
        assert broken.project_id not in project_ids()
        assert dataset.list_annotation_runs() == []

    def test_it_cannot_be_loaded(self, broken, dataset, connection):
        before = stored(dataset)
        with pytest.raises(RunError, match="'run' is not complete; call annotate"):
            dataset.load_annotations("run", **connection)
        assert stored(dataset) == before

    def test_a_project_that_people_work_on_is_not_removed(self, broken, dataset, connection, annotator, project_ids):
        task = annotator.call(
            "POST", f"/api/projects/{broken.project_id}/import?return_task_ids=true", json=[{"image": "/x.png"}]
        )
        annotator.submit(task["task_ids"][0])
        with pytest.raises(RunError, match="of the incomplete run has annotations of people"):
            annotate(dataset, connection, classes=["cat", "others"])
        assert broken.project_id in project_ids()

    def test_the_tasks_that_were_made_can_be_loaded(self, dataset, connection, annotator, monkeypatch):
        import_tasks = Client.import_tasks

        def fail_at_the_second(self, project_id, tasks):
            if len(tasks) == 1:
                raise ServerError("the disk is full", 500)
            return import_tasks(self, project_id, tasks)

        with monkeypatch.context() as patch:
            patch.setattr(Client, "import_tasks", fail_at_the_second)
            with pytest.raises(RunError, match="with 2 tasks"):
                annotate(dataset, connection, max_tasks=2)
        results = dataset.load_annotation_results("run")
        annotator.submit(results.tasks[dataset.first().id], lambda result: [])
        with pytest.raises(RunError, match=r"load them with load_annotations\(\)"):
            annotate(dataset, connection, classes=["cat", "others"])
        dataset.load_annotations("run")
        dataset.reload()
        assert [len(sample.labels.detections) for sample in dataset] == [0, 1, 1]

    def test_a_browser_that_does_not_open_costs_nothing(self, dataset, connection, annotator, monkeypatch):
        def fail(url, **options):
            raise OSError("no display")

        before = stored(dataset)
        monkeypatch.setattr("webbrowser.open", fail)
        with pytest.raises(OSError, match="no display"):
            annotate(dataset, connection, launch_editor=True)
        dataset._annotation_cache.clear()
        annotator.accept_all(dataset.load_annotation_results("run", **connection))
        dataset.load_annotations("run")
        assert stored(dataset) == before

    def test_a_run_whose_project_may_exist_is_not_forgotten(self, dataset, connection, monkeypatch, project_ids):
        create = Client.create_project

        def lose_the_answer(self, **settings):
            create(self, **settings)
            raise KeyboardInterrupt

        def fail(self, part):
            raise ConnectionFailedError("no connection")

        before = project_ids()
        with monkeypatch.context() as patch:
            patch.setattr(Client, "create_project", lose_the_answer)
            patch.setattr(Client, "find_project", fail)
            with pytest.raises(ConnectionFailedError):
                annotate(dataset, connection)
        (left,) = project_ids() - before
        results = annotate(dataset, connection)
        assert project_ids() - before == {results.project_id} == {left}

    def test_another_call_starts_over_and_the_old_project_goes(self, broken, dataset, connection, project_ids):
        results = annotate(dataset, connection, classes=["cat", "others"])
        assert broken.project_id not in project_ids() and results.project_id in project_ids()

    def test_a_project_whose_creation_was_not_answered_is_found(self, dataset, connection, monkeypatch, project_ids):
        create = Client.create_project

        def lose_the_answer(self, **settings):
            create(self, **settings)
            raise ConnectionFailedError("the answer was lost")

        before = project_ids()
        monkeypatch.setattr(Client, "create_project", lose_the_answer)
        results = annotate(dataset, connection)
        assert project_ids() - before == {results.project_id}

    def test_a_project_that_a_killed_process_did_not_get_to_know_is_removed(
        self, dataset, connection, monkeypatch, project_ids
    ):
        before = project_ids()
        code = (
            "import os, sys, fiftyone as fo, fo_labelstudio\n"
            "from fo_labelstudio.remote.client import Client\n"
            "fo_labelstudio.register()\n"
            "create = Client.create_project\n"
            "Client.create_project = lambda *arguments, **settings: (create(*arguments, **settings), os._exit(9))\n"
            "fo.load_dataset(sys.argv[1]).annotate('run', backend='labelstudio', label_field='labels')\n"
        )
        dataset.persistent = True
        killed = start(code, connection, dataset.name)
        killed.communicate()
        assert killed.returncode == 9
        (left,) = project_ids() - before
        dataset.reload()
        results = annotate(dataset, connection)
        assert project_ids() - before == {results.project_id} != {left}

    def test_an_incomplete_run_on_another_server_is_not_forgotten(self, broken, dataset, connection):
        other = connection["url"].replace("127.0.0.1", "localhost")
        with pytest.raises(RunError, match=f"its project is on {connection['url']}; pass that url"):
            annotate(dataset, {**connection, "url": other})

    def test_the_server_stopped_in_between(self, dataset, connection, server, annotator, monkeypatch):
        before = stored(dataset)
        import_tasks = Client.import_tasks

        def stop_first(self, project_id, tasks):
            server.stop()
            return import_tasks(self, project_id, tasks)

        with monkeypatch.context() as patch:
            patch.setattr(Client, "import_tasks", stop_first)
            with pytest.raises(RunError, match=r"ConnectionFailedError: no connection to .*is the server running"):
                annotate(dataset, connection, retries=0)
        server.start()
        annotator.accept_all(annotate(dataset, connection))
        dataset.load_annotations("run")
        assert stored(dataset) == before

    def test_a_person_who_interrupts_is_told_the_same(self, dataset, connection, monkeypatch, caplog):
        def interrupt(self, project_id, tasks):
            raise KeyboardInterrupt

        monkeypatch.setattr(Client, "import_tasks", interrupt)
        with pytest.raises(KeyboardInterrupt):
            annotate(dataset, connection)
        assert "annotate() stopped half-way (KeyboardInterrupt)" in caplog.text


class TestDownload:
    """A download that fails leaves the dataset as it was."""

    @pytest.fixture
    def answered(self, dataset, connection, annotator):
        results = annotate(dataset, connection)
        for task_id in results.tasks.values():
            annotator.submit(task_id, lambda result: [])
        return results

    def test_a_project_that_is_gone(self, answered, dataset, annotator):
        before = stored(dataset)
        annotator.call("DELETE", f"/api/projects/{answered.project_id}/")
        with pytest.raises(RunError, match=f"project {answered.project_id} is gone from"):
            dataset.load_annotations("run")
        assert stored(dataset) == before
        answered.cleanup()
        with pytest.raises(RunError, match=r"was removed by cleanup\(\)"):
            dataset.load_annotations("run")
        with pytest.raises(RunError, match=r"was removed by cleanup\(\)"):
            answered.launch_editor()

    def test_samples_that_left_the_dataset(self, answered, dataset, caplog):
        gone = dataset.first().id
        dataset.delete_samples([gone])
        with caplog.at_level("WARNING", "fiftyone.fo_labelstudio"):
            dataset.load_annotations("run")
        assert dataset.count("labels.detections") == 0
        assert f"1 samples that are no longer in the dataset, such as {gone}" in caplog.text

    def test_a_region_that_cannot_be_understood_is_reported(self, dataset, connection, annotator, caplog):
        before = stored(dataset)
        results = annotate(dataset, connection)
        task_id = results.tasks[dataset.first().id]
        value = {"x": "ten", "y": 1, "width": 1, "height": 1, "rectanglelabels": ["cat"]}
        strange = {
            "id": "strange",
            "from_name": "labels",
            "to_name": "image",
            "type": "rectanglelabels",
            "value": value,
        }
        annotator.submit(task_id, lambda result: [*result, strange])
        with caplog.at_level("WARNING", "fiftyone.fo_labelstudio"):
            dataset.load_annotations("run")
        assert stored(dataset) == before
        assert f"task {task_id}, region 'strange': field 'labels': x is 'ten', expected a number" in caplog.text


def test_images_that_vanish_during_the_upload_are_named(dataset, connection, monkeypatch):
    create = Client.create_project

    def remove_a_file(self, **settings):
        Path(dataset.last().filepath).unlink()
        return create(self, **settings)

    monkeypatch.setattr(Client, "create_project", remove_a_file)
    with pytest.raises(RunError, match=f"sample {dataset.last().id}, filepath"):
        annotate(dataset, connection)
