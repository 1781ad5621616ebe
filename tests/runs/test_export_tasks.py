"""A run goes to files, and comes back from a JSON export, without a server."""

from __future__ import annotations

import json
import os
from pathlib import Path
from urllib.parse import quote

import fiftyone as fo
import pytest

import fo_labelstudio
from fo_labelstudio.errors import ExportError, RunError, SampleError, SettingsError
from tests.support import as_exported, stored, write_image

pytestmark = pytest.mark.database


def boxes(*labels):
    found = [fo.Detection(label=label, bounding_box=[1 / 3, 0.1, 0.2, 0.3], note="kept") for label in labels]
    return fo.Detections(detections=found)


@pytest.fixture
def dataset(make_dataset):
    return make_dataset({"gt": boxes("cat", "dog")}, {"gt": boxes("dog")}, {})


SCHEMA = {"gt": {"type": "detections", "classes": ["cat", "dog"], "attributes": False}}


def read(folder):
    return json.loads((folder / "tasks.json").read_text())


def export_of(folder, path, edit=lambda result: result, first_id=41, **values):
    """What Label Studio exports once the tasks of a folder were imported and submitted after an edit."""
    tasks = read(folder)
    for number, task in enumerate(tasks):
        started = task["predictions"][0]["result"] if task["predictions"] else []
        annotation = as_exported(edit(json.loads(json.dumps(started))), started, id=number + 1)
        task.update(id=first_id + number, project=9, annotations=[annotation], predictions=[5], **values)
    path.write_text(json.dumps(tasks))
    return path


class TestWritten:
    def test_the_folder_holds_what_annotate_would_send(self, dataset, tmp_path):
        results = fo_labelstudio.export_tasks(dataset, "run", tmp_path / "out", SCHEMA)
        tasks = read(tmp_path / "out")
        assert [task["data"]["sample_id"] for task in tasks] == dataset.values("id")
        regions = tasks[0]["predictions"][0]["result"]
        assert [region["id"] for region in regions] == [label.id for label in dataset.first().gt.detections]
        assert tasks[2]["predictions"] == []
        assert "<RectangleLabels" in (tmp_path / "out/labeling_config.xml").read_text()
        assert results.tasks == dict(zip(dataset.values("id"), [1, 2, 3]))
        state = dataset.get_annotation_info("run").config.run_state
        assert (state["owner"], state["project_id"], state["complete"]) == ("files", None, True)
        assert dataset.load_annotation_results("run").tasks == results.tasks

    def test_media_are_copied_beside_the_tasks_under_their_own_names(self, make_dataset, tmp_path):
        dataset = make_dataset({}, {})
        for number, sample in enumerate(dataset):
            sample.filepath = str(write_image(tmp_path / f"from{number}" / "a b#.png"))
            sample.save()
        fo_labelstudio.export_tasks(dataset, "run", tmp_path / "out", SCHEMA)
        addresses = [task["data"]["image"] for task in read(tmp_path / "out")]
        assert addresses == [
            "/data/local-files/?d=out/images/a%20b%23.png",
            "/data/local-files/?d=out/images/a%20b%23-2.png",
        ]
        for name, sample in zip(["a b#.png", "a b#-2.png"], dataset):
            assert (tmp_path / "out/images" / name).read_bytes() == Path(sample.filepath).read_bytes()

    def test_a_file_that_several_samples_show_is_copied_once(self, make_dataset, tmp_path):
        dataset = make_dataset({})
        dataset.add_sample(fo.Sample(filepath=os.path.join(os.path.dirname(dataset.first().filepath), "x.png")))
        (first, second) = dataset
        write_image(Path(second.filepath))
        second["other"], first["other"] = first.filepath, first.filepath
        first.save(), second.save()
        fo_labelstudio.export_tasks(dataset, "run", tmp_path / "out", SCHEMA, media_field="other")
        assert len(list((tmp_path / "out/images").iterdir())) == 1

    def test_media_on_the_servers_disk_keep_their_places(self, dataset, tmp_path):
        root = os.path.dirname(os.path.dirname(dataset.first().filepath))
        fo_labelstudio.export_tasks(dataset, "run", tmp_path / "out", SCHEMA, local_files_root=root, url="http://x/ls")
        expected = quote(os.path.relpath(dataset.first().filepath, root))
        assert read(tmp_path / "out")[0]["data"]["image"] == f"/ls/data/local-files/?d={expected}"
        assert not (tmp_path / "out/images").exists()

    def test_addresses_of_buckets_stay_what_they_are(self, dataset, tmp_path):
        dataset.compute_metadata()
        dataset.set_values("address", [f"s3://bucket/{number}.png" for number in range(3)])
        fo_labelstudio.export_tasks(dataset, "run", tmp_path / "out", SCHEMA, media_field="address")
        assert [task["data"]["image"] for task in read(tmp_path / "out")] == dataset.values("address")
        assert dataset.get_annotation_info("run").config.media == "cloud"

    def test_images_that_browsers_do_not_show_are_converted_on_request(self, make_dataset, tmp_path):
        dataset = make_dataset({})
        sample = dataset.first()
        sample.filepath = str(write_image(tmp_path / "a.tiff"))
        sample.save()
        with pytest.raises(SampleError, match="TIFF"):
            fo_labelstudio.export_tasks(dataset, "run", tmp_path / "out", SCHEMA)
        fo_labelstudio.export_tasks(dataset, "run", tmp_path / "out", SCHEMA, unusable_media="convert")
        assert (tmp_path / "out/images/a.png").read_bytes().startswith(b"\x89PNG")

    def test_every_way_of_annotate_to_name_the_fields_is_taken(self, dataset, tmp_path):
        fo_labelstudio.export_tasks(dataset, "a", tmp_path / "a", label_field="gt", classes=["cat", "dog"])
        fo_labelstudio.export_tasks(dataset, "b", tmp_path / "b", ["gt"], classes=["cat", "dog"])
        fo_labelstudio.export_tasks(dataset, "c", tmp_path / "c", "gt", classes=["cat", "dog"])
        configs = {(tmp_path / name / "labeling_config.xml").read_text() for name in "abc"}
        assert len(configs) == 1


class TestRefused:
    """What cannot be written leaves neither files nor a run."""

    def check_nothing_is_left(self, dataset, folder):
        assert dataset.list_annotation_runs() == []
        assert not folder.exists()

    def test_a_label_that_cannot_be_sent(self, dataset, tmp_path):
        sample = dataset.first()
        sample.gt.detections[0].bounding_box = [0, 0, -1, 1]
        sample.save()
        with pytest.raises(SampleError, match=f"field 'gt', sample {sample.id}"):
            fo_labelstudio.export_tasks(dataset, "run", tmp_path / "out", SCHEMA)
        self.check_nothing_is_left(dataset, tmp_path / "out")

    def test_a_file_that_cannot_be_copied(self, dataset, tmp_path, monkeypatch):
        def fail(*arguments):
            raise OSError("disk full")

        monkeypatch.setattr("fo_labelstudio.transport.copied.shutil.copyfile", fail)
        with pytest.raises(ExportError, match=f"sample {dataset.first().id}: .* cannot be copied .disk full"):
            fo_labelstudio.export_tasks(dataset, "run", tmp_path / "out", SCHEMA)
        self.check_nothing_is_left(dataset, tmp_path / "out")

    def test_a_run_that_cannot_be_registered(self, dataset, tmp_path, monkeypatch):
        def fail(*arguments, **options):
            raise OSError("no database")

        monkeypatch.setattr("fo_labelstudio.backend.LabelStudioBackend.put_run", fail)
        with pytest.raises(OSError, match="no database"):
            fo_labelstudio.export_tasks(dataset, "run", tmp_path / "out", SCHEMA)
        assert list((tmp_path / "out").iterdir()) == []

    def test_a_folder_that_holds_tasks(self, dataset, tmp_path):
        (tmp_path / "tasks.json").write_text("mine")
        with pytest.raises(ExportError, match=r"holds tasks.json already; choose another folder$"):
            fo_labelstudio.export_tasks(dataset, "run", tmp_path, SCHEMA)
        assert (tmp_path / "tasks.json").read_text() == "mine"

    @pytest.mark.parametrize(
        "options, message",
        [
            ({"media": "upload"}, "media is 'upload', .* files names of its own, which files with tasks cannot know"),
            ({"parts": 2}, "parts is for runs that are sent to a server"),
            ({"media": "cloud", "unusable_media": "convert"}, "'convert' is not possible with media='cloud'"),
            ({"export_dri": 1}, "did you mean 'export_dir'"),
        ],
    )
    def test_settings_that_take_a_server(self, dataset, tmp_path, options, message):
        with pytest.raises(SettingsError, match=message):
            fo_labelstudio.export_tasks(dataset, "run", tmp_path / "out", SCHEMA, **options)
        self.check_nothing_is_left(dataset, tmp_path / "out")

    def test_copies_for_a_server(self, dataset):
        with pytest.raises(SettingsError, match=r"copies media beside the tasks that fo_labelstudio.export_tasks"):
            dataset.annotate("run", backend="labelstudio", label_schema=SCHEMA, media="copy")

    def test_a_key_that_is_taken(self, dataset, tmp_path):
        fo_labelstudio.export_tasks(dataset, "run", tmp_path / "one", SCHEMA)
        with pytest.raises(ValueError, match="'run' already exists"):
            fo_labelstudio.export_tasks(dataset, "run", tmp_path / "two", SCHEMA)
        assert not (tmp_path / "two").exists()


class TestLoaded:
    @pytest.fixture
    def folder(self, dataset, tmp_path):
        fo_labelstudio.export_tasks(dataset, "run", tmp_path / "out", SCHEMA)
        return tmp_path / "out"

    def test_untouched_labels_stay_bit_identical(self, dataset, folder, tmp_path):
        before = stored(dataset)
        path = export_of(folder, tmp_path / "export.json")
        assert fo_labelstudio.load_annotations(dataset, "run", json_path=path) is None
        assert stored(dataset) == before

    def test_edits_are_loaded_and_taken_back(self, dataset, folder, tmp_path):
        before = stored(dataset)

        def relabel(result):
            for region in result:
                region["value"]["rectanglelabels"] = ["dog"]
            return result

        path = export_of(folder, tmp_path / "export.json", relabel)
        fo_labelstudio.load_annotations(dataset, "run", json_path=path)
        assert dataset.values("gt.detections.label") == [["dog", "dog"], ["dog"], None]
        assert dataset.values("gt.detections.note") == [["kept", "kept"], ["kept"], None]
        export_of(folder, path)
        fo_labelstudio.load_annotations(dataset, "run", json_path=path)
        first = str(dataset.first()._id)
        assert {**stored(dataset)[first], "last_modified_at": None} == {**before[first], "last_modified_at": None}

    def test_a_sample_whose_task_was_imported_twice_has_the_newest_answer(self, dataset, folder, tmp_path, caplog):
        def none(result):
            return result[:1]

        one = json.loads(export_of(folder, tmp_path / "one.json").read_text())
        two = json.loads(export_of(folder, tmp_path / "two.json", none, first_id=81).read_text())
        one[0]["annotations"][0]["updated_at"] = "2026-11-21T10:00:00Z"
        two[1]["annotations"] = []
        (tmp_path / "both.json").write_text(json.dumps(two + one))
        fo_labelstudio.load_annotations(dataset, "run", json_path=tmp_path / "both.json")
        assert dataset.values("gt.detections.label") == [["cat", "dog"], ["dog"], None]
        first = dataset.first().id
        assert f"task 41: sample {first} has 2 tasks, [81, 41]; the answer to this one counts" in caplog.text

    def test_where_nothing_of_a_control_tag_came_back_its_labels_stay(self, dataset, folder, tmp_path, caplog):
        before = stored(dataset)
        path = export_of(folder, tmp_path / "export.json", lambda result: [])
        fo_labelstudio.load_annotations(dataset, "run", json_path=path)
        assert dataset.values("gt.detections.label") == [["cat", "dog"], ["dog"], None]
        assert stored(dataset) == before
        assert "No annotation holds anything of 'gt', with which people began" in caplog.text
        config = folder / "labeling_config.xml"
        fo_labelstudio.load_annotations(dataset, "run", json_path=path, labeling_config=config)
        assert dataset.values("gt.detections.label") == [[], [], None]

    def test_a_doubt_of_an_earlier_load_is_no_doubt_of_a_later_one(self, dataset, folder, tmp_path):
        path = export_of(folder, tmp_path / "export.json", lambda result: [])
        tasks = json.loads(path.read_text())
        path.write_text(json.dumps(tasks[:1]))
        fo_labelstudio.load_annotations(dataset, "run", json_path=path)
        assert dataset.values("gt.detections.label") == [["cat", "dog"], ["dog"], None]
        kept = json.loads(export_of(folder, tmp_path / "later.json").read_text())
        path.write_text(json.dumps([tasks[0], kept[1]]))
        fo_labelstudio.load_annotations(dataset, "run", json_path=path)
        assert dataset.values("gt.detections.label") == [[], ["dog"], None]

    def test_tasks_of_other_runs_are_passed_over(self, dataset, folder, tmp_path):
        fo_labelstudio.export_tasks(dataset, "other", tmp_path / "other", SCHEMA)
        one = json.loads(export_of(folder, tmp_path / "one.json").read_text())
        two = json.loads(export_of(tmp_path / "other", tmp_path / "two.json", lambda result: result[:1]).read_text())
        (tmp_path / "both.json").write_text(json.dumps([*two, *one, {"data": {"image": "x.png"}}]))
        fo_labelstudio.load_annotations(dataset, "run", json_path=tmp_path / "both.json")
        assert dataset.values("gt.detections.label") == [["cat", "dog"], ["dog"], None]
        with pytest.raises(ExportError, match="none of its 3 tasks is of this annotation run"):
            fo_labelstudio.load_annotations(dataset, "run", json_path=tmp_path / "two.json")

    def test_a_format_without_the_run_is_refused_by_name(self, dataset, folder, tmp_path):
        flat = [{"id": 1, "image": "a.png", "gt": [], "annotator": 1, "annotation_id": 1}]
        (tmp_path / "min.json").write_text(json.dumps(flat))
        with pytest.raises(ExportError, match=r"none of its 1 tasks says which run .* JSON-MIN, CSV .* as JSON"):
            fo_labelstudio.load_annotations(dataset, "run", json_path=tmp_path / "min.json")

    def test_an_annotation_whose_start_is_not_known_deletes_nothing(self, dataset, folder, tmp_path, caplog):
        path = export_of(folder, tmp_path / "export.json")
        tasks = json.loads(path.read_text())
        tasks[0]["annotations"][0].update(result=[], prediction={})
        path.write_text(json.dumps(tasks))
        before = dataset.first().to_dict()
        fo_labelstudio.load_annotations(dataset, "run", json_path=path)
        assert dataset.first().to_dict() == before
        assert "cannot have shown" in caplog.text

    def test_without_the_export_it_is_said_how_to_load(self, dataset, folder):
        for load in (dataset.load_annotations, lambda key: fo_labelstudio.load_annotations(dataset, key)):
            with pytest.raises(RunError, match=r"'run' was written to files, .* json_path=..."):
                load("run")

    def test_settings_of_a_connection_are_refused(self, dataset, folder, tmp_path):
        path = export_of(folder, tmp_path / "export.json")
        with pytest.raises(SettingsError, match="cleanup, url: a load with json_path asks no server"):
            fo_labelstudio.load_annotations(dataset, "run", cleanup=True, json_path=path, url="http://x")


OWN_CONFIG = """<View><Header value="Look"/><Image name="photo" value="$picture"/>
<RectangleLabels name="things" toName="photo"><Label value="cat"/><Label value="dog"/></RectangleLabels></View>"""


def test_a_labeling_config_of_ones_own_is_written_and_told_from_one_that_was_changed(dataset, tmp_path, caplog):
    schema = {"gt": {"type": "detections", "classes": ["cat", "dog"], "attributes": False}}
    fo_labelstudio.export_tasks(dataset, "run", tmp_path / "out", schema, labeling_config=OWN_CONFIG)
    assert (tmp_path / "out/labeling_config.xml").read_text() == OWN_CONFIG
    task = read(tmp_path / "out")[0]
    assert "picture" in task["data"] and task["predictions"][0]["result"][0]["from_name"] == "things"
    path = export_of(tmp_path / "out", tmp_path / "export.json", lambda result: result[1:])
    fo_labelstudio.load_annotations(dataset, "run", json_path=path)
    assert dataset.values("gt.detections.label") == [["dog"], [], None]


def test_a_project_that_is_there_is_for_a_server(dataset, tmp_path):
    with pytest.raises(SettingsError, match="project_id is for runs that are sent to a server"):
        fo_labelstudio.export_tasks(dataset, "run", tmp_path / "out", SCHEMA, project_id=3)


def test_there_is_nothing_to_clean_up(dataset, tmp_path):
    results = fo_labelstudio.export_tasks(dataset, "run", tmp_path / "out", SCHEMA)
    results.cleanup()
    dataset.delete_annotation_run("run")
    assert read(tmp_path / "out")
