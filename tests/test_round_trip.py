"""annotate() -> people -> load_annotations(), against a real server."""

from __future__ import annotations

import copy
import subprocess
import sys

import fiftyone as fo
import pytest
from bson import ObjectId
from fiftyone import ViewField as F
from PIL import Image

from fo_labelstudio.backend import LabelStudioBackendConfig
from fo_labelstudio.errors import LabelSchemaError
from tests.support import stored, write_image

pytestmark = pytest.mark.server

CLASSES = ["cat", "dog", 'a<b & "c"', "日本"]


def box(label="cat", **values):
    return fo.Detection(
        **{
            "label": label,
            "bounding_box": [1 / 3, 0.1, 0.3, 0.1 + 0.2],
            "confidence": 0.7,
            "tags": ["mine"],
            "index": 4,
            "iscrowd": True,
            **values,
        }
    )


def classification(label="cat"):
    return fo.Classification(label=label, confidence=0.6, tags=["mine"], source="model")


VALUES = {
    "classification": lambda: classification(),
    "classifications": lambda: fo.Classifications(classifications=[classification(), classification("dog")]),
    "detection": lambda: box(),
    "detections": lambda: fo.Detections(
        detections=[box(), box("日本", rotation=0.3), box('a<b & "c"', bounding_box=[-0.01, 0, 1.02, 1])]
    ),
}
label_types = pytest.mark.parametrize("label_type", VALUES)
by_region = pytest.mark.parametrize("label_type", ["detection", "detections"])


def annotate(dataset, connection, label_type="detections", field="labels", **options):
    options.setdefault("attributes", False)
    schema = {field: {"type": label_type, "classes": CLASSES, **options.pop("field_options", {})}}
    return dataset.annotate("run", backend="labelstudio", label_schema=schema, **connection, **options)


@pytest.fixture
def labelled(make_dataset):
    """Makes a dataset of samples whose field "labels" holds a value, none, and an empty one."""

    def make(label_type, count=2):
        values = [{"labels": VALUES[label_type]()} for _ in range(count)]
        if label_type.endswith("s"):
            values.append({"labels": type(values[0]["labels"])()})
        return make_dataset(*values, {"labels": None})

    return make


@label_types
def test_accepting_everything_changes_nothing(labelled, connection, annotator, label_type):
    dataset = labelled(label_type)
    before = stored(dataset)
    annotator.accept_all(annotate(dataset, connection, label_type))
    dataset.load_annotations("run")
    assert stored(dataset) == before


@label_types
def test_answering_nothing_changes_nothing(labelled, connection, label_type):
    dataset = labelled(label_type)
    before = stored(dataset)
    annotate(dataset, connection, label_type)
    dataset.load_annotations("run")
    assert stored(dataset) == before


@label_types
def test_skipped_tasks_change_nothing(labelled, connection, annotator, label_type):
    dataset = labelled(label_type)
    before = stored(dataset)
    for task_id in annotate(dataset, connection, label_type).tasks.values():
        annotator.submit(task_id, lambda result: [], was_cancelled=True)
    dataset.load_annotations("run")
    assert stored(dataset) == before


@label_types
def test_clearing_everything_deletes_the_labels(labelled, connection, annotator, label_type):
    dataset = labelled(label_type)
    for task_id in annotate(dataset, connection, label_type).tasks.values():
        annotator.submit(task_id, lambda result: [])
    dataset.load_annotations("run")
    left = [sample.labels for sample in dataset]
    if label_type.endswith("s"):
        assert [value and value[value._LABEL_LIST_FIELD] for value in left] == [[], [], [], None]
    else:
        assert left == [None, None, None]


@label_types
def test_only_answered_tasks_are_loaded(labelled, connection, annotator, label_type):
    dataset = labelled(label_type)
    before = stored(dataset)
    results = annotate(dataset, connection, label_type)
    answered = dataset.first().id
    annotator.submit(results.tasks[answered], lambda result: [])
    dataset.load_annotations("run")
    after = stored(dataset)
    assert {id for id in before if after[id] != before[id]} == {answered}


@by_region
def test_a_moved_box_changes_only_where_it_was_moved(labelled, connection, annotator, label_type):
    dataset = labelled(label_type)
    before = stored(dataset)
    results = annotate(dataset, connection, label_type)
    sample = dataset.first()

    def move(result):
        result[0]["value"]["x"] += 10
        return result

    annotator.submit(results.tasks[sample.id], move)
    dataset.load_annotations("run")
    expected = copy.deepcopy(before)
    doc = expected[sample.id]["labels"]
    doc = doc["detections"][0] if label_type == "detections" else doc
    doc["bounding_box"] = [pytest.approx(1 / 3 + 0.1, abs=1e-9), *doc["bounding_box"][1:]]
    after = stored(dataset)
    expected[sample.id]["last_modified_at"] = after[sample.id]["last_modified_at"]
    assert after == expected


@label_types
def test_a_relabelled_label_keeps_all_else(labelled, connection, annotator, label_type):
    dataset = labelled(label_type)
    before = stored(dataset)
    results = annotate(dataset, connection, label_type)
    sample = dataset.first()

    def relabel(result):
        result[0]["value"][result[0]["type"]][0] = "日本"
        return result

    annotator.submit(results.tasks[sample.id], relabel)
    dataset.load_annotations("run")
    after = stored(dataset)
    if label_type == "classifications":
        labels = dataset.first().labels.classifications
        assert [label.label for label in labels] == ["dog", "日本"]
        assert after[sample.id]["labels"]["classifications"][0] == before[sample.id]["labels"]["classifications"][1]
        return
    doc = before[sample.id]["labels"]
    (doc["detections"][0] if label_type == "detections" else doc)["label"] = "日本"
    assert after[sample.id]["labels"] == doc


def test_edits_deletions_and_additions_arrive_together_and_only_once(labelled, connection, annotator):
    dataset = labelled("detections")
    results = annotate(dataset, connection)
    sample = dataset.first()
    kept, _deleted, relabelled = sample.labels.detections

    def work(result):
        result[2]["value"]["rectanglelabels"] = ["dog"]
        value = {"x": 1, "y": 2, "width": 3, "height": 4, "rotation": 90, "rectanglelabels": ["cat"]}
        return [result[0], result[2], {**result[0], "id": "0BJ-KyMeYB", "value": value}]

    annotator.submit(results.tasks[sample.id], work)
    dataset.load_annotations("run")
    once = stored(dataset)
    labels = fo.load_dataset(dataset.name)[sample.id].labels.detections
    assert [label.id for label in labels[:2]] == [kept.id, relabelled.id]
    assert [label.label for label in labels] == ["cat", "dog", "cat"]
    assert labels[2].rotation == pytest.approx(3.141592653589793 / 2)
    assert labels[2].confidence is None and labels[2].tags == []
    # 3 % x 4 % of 64 x 48 pixels, turned by a quarter about its top-left corner
    assert labels[2].bounding_box == pytest.approx([0.01 - 0.015 - 0.015, 0.02 + 0.02 - 0.02, 0.03, 0.04])
    dataset.load_annotations("run")
    assert stored(dataset) == once


def test_labels_of_the_session_follow_a_load(labelled, connection, annotator):
    dataset = labelled("detections")
    sample = dataset.first()
    results = annotate(dataset, connection)
    annotator.submit(results.tasks[sample.id], lambda result: result[:1])
    dataset.load_annotations("run")
    assert len(sample.labels.detections) == 1


def test_answers_that_change_are_followed(labelled, connection, annotator):
    dataset = labelled("detections", count=1)
    before = stored(dataset)
    sample = dataset.first()
    results = annotate(dataset, connection)
    preloaded = annotator.preloaded(results.tasks[sample.id])
    drawn = {**preloaded[0], "id": "new"}
    annotation = annotator.submit(results.tasks[sample.id], lambda result: [drawn])
    dataset.load_annotations("run")
    assert len(dataset.first().labels.detections) == 1

    # As in another session, where the results come from the database.
    dataset._annotation_cache.clear()
    annotator.call("PATCH", f"/api/annotations/{annotation['id']}/", json={"result": preloaded})
    dataset.load_annotations("run", **connection)
    after = stored(dataset)[sample.id]["labels"]["detections"]
    key = lambda doc: str(doc["_id"])  # noqa: E731
    assert sorted(after, key=key) == sorted(before[sample.id]["labels"]["detections"], key=key)


@label_types
def test_a_new_field_holds_what_was_made_and_none_where_nobody_answered(
    make_dataset, connection, annotator, label_type
):
    dataset = make_dataset({}, {}, {})
    results = annotate(dataset, connection, label_type, field="new")
    made, empty, unanswered = dataset.values("id")
    control = {"from_name": "new", "to_name": "image", "id": "r1"}
    if label_type.startswith("classification"):
        region = {**control, "type": "choices", "value": {"choices": ["dog"]}}
    else:
        value = {"x": 10, "y": 20, "width": 30, "height": 40, "rotation": 0, "rectanglelabels": ["dog"]}
        region = {**control, "type": "rectanglelabels", "value": value}
    annotator.submit(results.tasks[made], lambda result: [region])
    annotator.submit(results.tasks[empty])
    dataset.load_annotations("run")
    once = stored(dataset)
    values = {sample.id: sample.new for sample in dataset}
    is_list = label_type.endswith("s")
    (label,) = values[made][values[made]._LABEL_LIST_FIELD] if is_list else [values[made]]
    assert label.label == "dog"
    if is_list:
        assert values[empty][values[empty]._LABEL_LIST_FIELD] == []
    else:
        assert values[empty] is None
    assert values[unanswered] is None
    dataset.load_annotations("run")
    assert stored(dataset) == once


def test_fields_existing_and_new_with_odd_names_share_one_task(make_dataset, connection, annotator):
    names = {
        "weather @ noon": "classification",
        "tags #1": "classifications",
        "image": "detections",
        "größe in 'px'": "detection",
    }
    dataset = make_dataset({name: VALUES[label_type]() for name, label_type in names.items()})
    before = stored(dataset)
    schema = {name: {"type": label_type, "classes": CLASSES} for name, label_type in names.items()}
    schema["new field"] = {"type": "detections", "classes": ["only here"]}
    results = dataset.annotate("run", backend="labelstudio", label_schema=schema, attributes=False, **connection)
    (task_id,) = results.tasks.values()
    assert len(annotator.preloaded(task_id)) == 6
    annotator.submit(task_id)
    dataset.load_annotations("run")
    (after,) = stored(dataset).values()
    (expected,) = before.values()
    assert after.pop("new field") == {"_cls": "Detections", "detections": []}
    assert {**after, "last_modified_at": expected["last_modified_at"]} == expected


def test_an_embedded_field_is_read_and_written(make_dataset, connection, annotator):
    dataset = make_dataset({}, {})
    dataset.add_sample_field("a", fo.EmbeddedDocumentField, embedded_doc_type=fo.DynamicEmbeddedDocument)
    dataset.add_sample_field("a.b", fo.EmbeddedDocumentField, embedded_doc_type=fo.Detections)
    first = dataset.first()
    first["a"] = fo.DynamicEmbeddedDocument(b=VALUES["detections"](), c=3)
    first.save()
    results = annotate(dataset, connection, field="a.b")
    annotator.submit(results.tasks[first.id], lambda result: result[1:])
    value = {"x": 10, "y": 20, "width": 30, "height": 40, "rectanglelabels": ["dog"]}
    region = {"id": "r", "from_name": "a.b", "to_name": "image", "type": "rectanglelabels", "value": value}
    annotator.submit(results.tasks[dataset.last().id], lambda result: [region])
    dataset.load_annotations("run")
    dataset.reload()
    assert [label.label for label in dataset.first().a.b.detections] == ["日本", 'a<b & "c"']
    assert dataset.first().a.c == 3
    assert [label.label for label in dataset.last().a.b.detections] == ["dog"]


def test_destination_fields_receive_the_labels_and_the_source_stays(labelled, connection, annotator):
    dataset = labelled("detections")
    before = stored(dataset)
    results = annotate(dataset, connection)
    first, second, *_ = dataset
    annotator.submit(results.tasks[first.id], lambda result: result[:1])
    dataset.load_annotations("run", dest_field="corrected")
    after = stored(dataset)
    assert all(doc.get("labels") == before[id].get("labels") for id, doc in after.items())
    assert after[first.id]["corrected"]["detections"] == before[first.id]["labels"]["detections"][:1]
    assert after[second.id].get("corrected") is None
    dataset.load_annotations("run", dest_field={"labels": "corrected"})
    assert stored(dataset) == after


def test_two_fields_loaded_into_one_both_arrive_and_stay(make_dataset, connection, annotator):
    dataset = make_dataset({"a": VALUES["detections"](), "b": VALUES["detections"]()})
    schema = {name: {"classes": CLASSES} for name in "ab"}
    results = dataset.annotate("run", backend="labelstudio", label_schema=schema, attributes=False, **connection)
    annotator.accept_all(results)
    for _ in range(2):
        dataset.load_annotations("run", dest_field={"a": "both", "b": "both"})
        dataset.reload()
        assert dataset.count("both.detections") == 6


def test_fields_that_share_label_ids_do_not_touch_each_other(make_dataset, connection, annotator):
    dataset = make_dataset({"labels": VALUES["detections"]()})
    dataset.clone_sample_field("labels", "fixed")
    sample = dataset.first()
    sample.fixed.detections[0].bounding_box = [0.12, 0.2, 0.5, 0.4]
    sample.save()
    before = stored(dataset)
    schema = {name: {"classes": CLASSES} for name in ("labels", "fixed")}
    results = dataset.annotate("run", backend="labelstudio", label_schema=schema, attributes=False, **connection)
    (task_id,) = results.tasks.values()
    ids = [region["id"] for region in annotator.preloaded(task_id)]
    assert len(set(ids)) == 6
    annotator.submit(task_id)
    dataset.load_annotations("run")
    assert stored(dataset) == before


def test_samples_that_share_a_label_id_get_their_own_label_back(make_dataset, connection, annotator):
    first = box("cat", bounding_box=[0.1, 0.1, 0.1, 0.1])
    second = box("dog", bounding_box=[0.9, 0.9, 0.1, 0.1])
    second.id = first.id
    dataset = make_dataset(*({"labels": fo.Detections(detections=[label])} for label in (first, second)))
    before = stored(dataset)
    results = annotate(dataset, connection)
    tasks = list(results.tasks.values())
    sent = [annotator.preloaded(task_id) for task_id in tasks]
    made = [annotator.submit(task_id, lambda result: []) for task_id in tasks]
    dataset.load_annotations("run")
    for annotation, result in zip(made, sent, strict=True):
        annotator.call("PATCH", f"/api/annotations/{annotation['id']}/", json={"result": result})
    dataset.load_annotations("run")
    after = stored(dataset)
    assert all(after[id]["labels"] == before[id]["labels"] for id in before)


def test_what_another_session_loaded_is_known_here(labelled, connection, annotator):
    dataset = labelled("detections", count=1)
    dataset.persistent = True
    before = stored(dataset)
    sample_id = dataset.first().id
    results = annotate(dataset, connection)
    sent = annotator.preloaded(results.tasks[sample_id])
    annotation = annotator.submit(results.tasks[sample_id], lambda result: [])
    code = "import sys, fiftyone as fo\nfo.load_dataset(sys.argv[1]).load_annotations('run', api_key=sys.argv[2])"
    subprocess.run([sys.executable, "-c", code, dataset.name, connection["api_key"]], check=True)
    annotator.call("PATCH", f"/api/annotations/{annotation['id']}/", json={"result": sent})
    dataset.load_annotations("run")
    assert stored(dataset)[sample_id]["labels"] == before[sample_id]["labels"]


def test_a_read_only_destination_is_not_written(labelled, connection, annotator):
    dataset = labelled("detections")
    annotator.accept_all(annotate(dataset, connection))
    field = dataset.get_field("labels")
    field.read_only = True
    field.save()
    before = stored(dataset)
    with pytest.raises(LabelSchemaError, match="field 'labels' is read-only, so nothing was loaded into 'labels'"):
        dataset.load_annotations("run")
    assert stored(dataset) == before
    field.read_only = False
    field.save()


def test_a_renamed_field_is_told_and_can_be_named(labelled, connection, annotator, caplog):
    dataset = labelled("detections", count=1)
    results = annotate(dataset, connection)
    annotator.submit(results.tasks[dataset.first().id], lambda result: result[:1])
    dataset.rename_sample_field("labels", "renamed")
    with caplog.at_level("WARNING", "fiftyone.fo_labelstudio"):
        dataset.load_annotations("run", dest_field={"labels": "renamed"})
    assert "Field 'labels' of the run is gone" in caplog.text
    assert len(dataset.first().renamed.detections) == 1


def test_labels_changed_in_fiftyone_meanwhile_are_left_alone(labelled, connection, annotator):
    dataset = labelled("detections", count=1)
    results = annotate(dataset, connection)
    annotator.accept_all(results)
    sample = dataset.first()
    sample.labels.detections[0].label = "changed meanwhile"
    sample.labels.detections[1].bounding_box = [0, 0, 1, 1]
    del sample.labels.detections[2]
    sample.labels.detections.append(box("drawn meanwhile"))
    sample.save()
    before = stored(dataset)
    dataset.load_annotations("run")
    assert stored(dataset) == before


@pytest.mark.parametrize("flag", ["allow_additions", "allow_deletions", "allow_label_edits", "allow_spatial_edits"])
def test_what_the_run_does_not_allow_is_not_loaded(labelled, connection, annotator, flag):
    dataset = labelled("detections", count=1)
    results = annotate(dataset, connection, field_options={flag: False})
    sample = dataset.first()
    sent = sample.labels.detections

    def work(result):
        result[0]["value"].update(rectanglelabels=["dog"])
        result[1]["value"].update(rotation=0, x=5)
        return [*result[:2], {**result[0], "id": "new"}]

    annotator.submit(results.tasks[sample.id], work)
    dataset.load_annotations("run")
    dataset.reload()
    labels = {label.id: label for label in dataset.first().labels.detections}
    assert (sent[2].id in labels) == (flag == "allow_deletions")
    assert len(labels) == {"allow_additions": 2, "allow_deletions": 4}.get(flag, 3)
    assert labels[sent[0].id].label == ("cat" if flag == "allow_label_edits" else "dog")
    assert labels[sent[1].id].rotation == (0.3 if flag == "allow_spatial_edits" else 0.0)


def test_cleanup_deletes_the_project(labelled, connection, annotator):
    dataset = labelled("detections")
    results = annotate(dataset, connection)
    project = results.project_id
    dataset.load_annotations("run", cleanup=True)
    assert results.project_id is None
    with pytest.raises(Exception, match="404"):
        annotator.call("GET", f"/api/projects/{project}/")


def test_a_renamed_run_is_loaded_under_its_new_name_in_a_new_process(labelled, connection, annotator):
    dataset = labelled("detections")
    dataset.persistent = True
    results = annotate(dataset, connection)
    sample = dataset.first()
    annotator.submit(results.tasks[sample.id], lambda result: result[:1])
    dataset.rename_annotation_run("run", "renamed")
    code = (
        "import sys, fiftyone as fo\n"
        "dataset = fo.load_dataset(sys.argv[1])\n"
        "dataset.load_annotations('renamed', api_key=sys.argv[2])\n"
        "print(len(dataset.first().labels.detections), dataset.get_annotation_info('renamed').config.url)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, dataset.name, connection["api_key"]], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-2:] == ["1", connection["url"]]
    dataset.delete_annotation_run("renamed")
    assert dataset.list_annotation_runs() == []
    assert annotator.call("GET", f"/api/projects/{results.project_id}/")["id"] == results.project_id


def test_the_class_of_the_config_is_a_backend_too(labelled, connection, annotator):
    dataset = labelled("detections")
    dataset.persistent = True
    results = dataset.annotate(
        "run", backend=LabelStudioBackendConfig, label_field="labels", classes=CLASSES, attributes=False, **connection
    )
    annotator.submit(results.tasks[dataset.first().id], lambda result: result[:1])
    code = (
        "import os, sys, fiftyone as fo\n"
        "os.environ['FIFTYONE_LABELSTUDIO_API_KEY'] = sys.argv[2]\n"
        "dataset = fo.load_dataset(sys.argv[1])\n"
        "dataset.load_annotations('run')"
    )
    subprocess.run([sys.executable, "-c", code, dataset.name, connection["api_key"]], check=True)
    dataset.reload()
    assert len(dataset.first().labels.detections) == 1


def test_no_secret_reaches_the_database(labelled, server, caplog):
    dataset = labelled("detections")
    connection = {"url": server.url, "api_key": server.personal_access_token()}
    headers = {"X-Secret": "do-not-tell"}
    annotate(dataset, connection, http_headers=headers)
    dataset.load_annotations("run")
    run = dataset._doc.annotation_runs["run"]
    run.results.seek(0)
    written = str(run.to_mongo()) + run.results.read().decode() + caplog.text
    assert connection["api_key"] not in written and "do-not-tell" not in written


def test_deleted_tasks_change_nothing_and_are_reported(labelled, connection, annotator, caplog):
    dataset = labelled("detections")
    before = stored(dataset)
    results = annotate(dataset, connection)
    gone, *others = results.tasks.values()
    for task_id in others:
        annotator.submit(task_id)
    annotator.call("DELETE", f"/api/tasks/{gone}/")
    with caplog.at_level("WARNING", "fiftyone.fo_labelstudio"):
        dataset.load_annotations("run")
    assert stored(dataset) == before
    assert "1 tasks are gone from the server" in caplog.text


def test_a_label_never_lands_on_another_sample(labelled, connection, annotator, caplog):
    dataset = labelled("detections")
    before = stored(dataset)
    results = annotate(dataset, connection)
    (_, task_id), (second, other_id), *_ = results.tasks.items()
    data = annotator.task(task_id)["data"]
    annotator.submit(task_id, lambda result: [])
    annotator.submit(other_id)
    annotator.call("PATCH", f"/api/tasks/{task_id}/", json={"data": {**data, "sample_id": second}})
    with caplog.at_level("WARNING", "fiftyone.fo_labelstudio"):
        dataset.load_annotations("run")
    assert stored(dataset) == before
    assert f"task {task_id}: it names sample {second}, for which it was not made" in caplog.text


def test_files_of_one_name_in_many_folders_and_names_of_any_kind_find_their_samples(
    make_dataset, connection, annotator, tmp_path
):
    names = ["a/1.png", "b/1.png", "c d/日本 #1.png", "e/100%&?.JPG", "f/it's+.jpeg"]
    dataset = make_dataset(
        *({"filepath": str(write_image(tmp_path / name)), "labels": VALUES["detections"]()} for name in names)
    )
    results = annotate(dataset, connection)
    for sample in dataset:
        data = annotator.task(results.tasks[sample.id])["data"]
        assert data["sample_id"] == sample.id
        image = annotator._session.get(annotator.url + data["image"], timeout=60).content
        with open(sample.filepath, "rb") as file:
            assert image == file.read()


def test_an_exif_turned_photograph_is_measured_as_it_is_shown(make_dataset, connection, annotator, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    path = write_image(tmp_path / "turned.jpg", (64, 48), exif=exif)
    dataset = make_dataset({"filepath": str(path), "labels": VALUES["detections"]()})
    before = stored(dataset)
    results = annotate(dataset, connection)
    (task_id,) = results.tasks.values()
    region = annotator.preloaded(task_id)[1]
    assert (region["original_width"], region["original_height"]) == (48, 64)
    annotator.accept_all(results)
    dataset.load_annotations("run")
    assert stored(dataset) == before


def test_250_samples_go_in_one_run(make_dataset, connection, annotator):
    dataset = make_dataset(*({"labels": fo.Detections(detections=[box(index=n)])} for n in range(250)))
    before = stored(dataset)
    results = annotate(dataset, connection)
    assert list(results.tasks) == dataset.values("id")
    annotator.call(
        "POST",
        f"/api/dm/actions?id=predictions_to_annotations&project={results.project_id}",
        json={"selectedItems": {"all": True, "excluded": []}, "model_version": "FiftyOne"},
    )
    dataset.load_annotations("run")
    assert stored(dataset) == before


def test_a_view_sends_only_its_labels_and_can_delete_only_them(labelled, connection, annotator):
    dataset = labelled("detections")
    view = dataset.filter_labels("labels", F("label") == "cat")
    results = annotate(view, connection)
    assert list(results.tasks) == view.values("id")
    for task_id in results.tasks.values():
        assert len(annotator.preloaded(task_id)) == 1
        annotator.submit(task_id, lambda result: [])
    dataset.load_annotations("run")
    assert [len(sample.labels.detections) for sample in dataset if sample.labels] == [2, 2, 0]


def test_a_patches_view_sends_the_images_of_its_patches(labelled, connection, annotator):
    dataset = labelled("detections")
    patches = dataset.to_patches("labels").match(F("labels.label") == "日本")
    results = annotate(patches, connection)
    assert set(results.tasks) == set(dataset.values("id")[:2])
    assert [len(annotator.preloaded(task_id)) for task_id in results.tasks.values()] == [1, 1]
    annotator.submit(results.tasks[dataset.first().id], lambda result: [])
    dataset.load_annotations("run")
    assert [label.label for label in dataset.first().labels.detections] == ["cat", 'a<b & "c"']


def test_slices_of_a_group_each_get_their_labels(connection, annotator, tmp_path):
    dataset = fo.Dataset()
    dataset.add_group_field("group", default="left")
    group = fo.Group()
    dataset.add_samples(
        fo.Sample(
            filepath=str(write_image(tmp_path / f"{name}.png")),
            group=group.element(name),
            labels=VALUES["detections"](),
        )
        for name in ("left", "right")
    )
    view = dataset.select_group_slices(["left", "right"])
    results = annotate(view, connection)
    right = view.match(F("filepath").ends_with("right.png")).first().id
    annotator.submit(results.tasks[right], lambda result: result[:1])
    dataset.load_annotations("run")
    counts = {sample.group.name: len(sample.labels.detections) for sample in view}
    dataset.delete()
    assert counts == {"left": 3, "right": 1}


def test_the_media_field_says_which_file_is_sent(make_dataset, connection, annotator, tmp_path):
    small = write_image(tmp_path / "small.jpg", (32, 24))
    dataset = make_dataset({"thumbnail": str(small), "labels": VALUES["detections"]()})
    results = annotate(dataset, connection, media_field="thumbnail")
    (task_id,) = results.tasks.values()
    assert annotator.task(task_id)["data"]["image"].endswith(".jpg")
    assert annotator.preloaded(task_id)[0]["original_width"] == 32


def test_the_frames_of_a_video_are_annotated_as_images(connection, annotator, tmp_path):
    dataset = fo.Dataset()
    sample = fo.Sample(filepath=str(tmp_path / "video.mp4"))
    for number in (1, 2):
        path = str(write_image(tmp_path / f"{number}.png"))
        sample.frames[number] = fo.Frame(filepath=path, labels=VALUES["detections"]())
    dataset.media_type = "video"
    dataset.add_sample(sample)
    frames = dataset.to_frames(sample_frames=False)
    results = annotate(frames, connection)
    first, second = frames.values("id")
    annotator.submit(results.tasks[first], lambda result: result[:1])
    annotator.submit(results.tasks[second])
    dataset.load_annotations("run")
    sample = fo.load_dataset(dataset.name).first()
    counts = [len(sample.frames[number].labels.detections) for number in (1, 2)]
    dataset.delete()
    assert counts == [1, 3]


class TestProject:
    def test_the_title_names_the_dataset_and_is_made_unique(self, labelled, connection, annotator):
        dataset = labelled("detections")
        titles = []
        for _ in range(3):
            results = annotate(dataset, connection)
            titles.append(annotator.call("GET", f"/api/projects/{results.project_id}/")["title"])
            dataset.delete_annotation_run("run")
        assert titles == [f"FiftyOne_{dataset.name}"[:50], *(f"FiftyOne_{dataset.name}_{n}" for n in (2, 3))]

    def test_a_project_name_is_its_title(self, labelled, connection, annotator):
        name = f"mine {ObjectId()}"
        results = annotate(labelled("detections"), connection, project_name=name)
        assert annotator.call("GET", f"/api/projects/{results.project_id}/")["title"] == name

    def test_annotators_start_from_the_prediction(self, labelled, connection, annotator):
        results = annotate(labelled("detections"), connection)
        project = annotator.call("GET", f"/api/projects/{results.project_id}/")
        assert project["model_version"] == "FiftyOne"
        assert project["show_collab_predictions"] and project["enable_empty_annotation"]

    def test_the_editor_is_opened_where_asked_for(self, labelled, connection, monkeypatch):
        opened = []
        monkeypatch.setattr("webbrowser.open", lambda url, **_: opened.append(url))
        results = annotate(labelled("detections"), connection, launch_editor=True)
        assert opened == [f"{connection['url']}/projects/{results.project_id}/data"]
