"""Labels go to a folder of Label Studio's and come back, as FiftyOne has it for COCO."""

from __future__ import annotations

import json
import math
import os
import sys
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import fiftyone as fo
import numpy as np
import pytest
from fiftyone.core import cli
from hypothesis import HealthCheck, Phase, given
from hypothesis import strategies as st

from fo_labelstudio.errors import ExportError, SettingsError
from fo_labelstudio.runs import export_dataset
from fo_labelstudio.types import LabelStudioDataset
from tests.convert import strategies
from tests.frames import video_sample
from tests.properties import examples
from tests.support import comparable, write_image
from tests.test_every_family import KINDS, SIZE, SKELETON, a_value, checkered, weather

pytestmark = [pytest.mark.database, pytest.mark.sampled]


def everything() -> dict[str, Any]:
    values: dict[str, Any] = {label_type: a_value(label_type) for label_type in KINDS}
    values["weather"] = weather("cat")
    values["tags_of_image"] = fo.Classifications(classifications=[weather("cat"), weather("日本")])
    values["mask"] = fo.Segmentation(mask=checkered(48, 64))
    return values


@pytest.fixture
def dataset(make_dataset):
    dataset = make_dataset(everything(), everything(), {}, size=SIZE)
    dataset.default_skeleton = SKELETON
    dataset.save()
    return dataset


def back(folder, **options):
    return fo.Dataset.from_dir(dataset_dir=str(folder), dataset_type=LabelStudioDataset, **options)


def values_in(dataset, names):
    """Base name of an image -> what the database stores in some fields of its sample."""
    docs = list(dataset._sample_collection.find())
    return {os.path.basename(doc["filepath"]): comparable({name: doc.get(name) for name in names}) for doc in docs}


@pytest.mark.parametrize("upload_as", ["annotations", "predictions"])
def test_what_is_exported_is_what_is_imported(dataset, tmp_path, upload_as):
    names = [name for name in dataset.get_field_schema() if name in everything()]
    options = {"label_field": {name: name for name in names}, "upload_as": upload_as}
    dataset.export(export_dir=str(tmp_path / "out"), dataset_type=LabelStudioDataset, **options)
    found = back(tmp_path / "out")
    assert values_in(found, names) == values_in(dataset, names)
    images = {os.path.basename(sample.filepath): Path(sample.filepath) for sample in found}
    for sample in dataset:
        assert images[os.path.basename(sample.filepath)].read_bytes() == Path(sample.filepath).read_bytes()
    found.delete()


def test_what_no_control_tag_holds_comes_back_as_it_was(make_dataset, tmp_path):
    odd = {
        "tags": ["mine"],
        "nested": {"deep": [1, {"x": 0.1}]},
        "index": 7,
        "at": datetime(2020, 2, 29, 1, 2, 3, 4000),
    }
    box = fo.Detection(label="cat", bounding_box=[0.07, 0.1, 1 / 3, 0.3], confidence=0.123456789012345678, **odd)
    classes = fo.Classifications(classifications=[fo.Classification(label="cat", confidence=0.3, **odd)], logits=[0.1])
    line = fo.Polyline(label="cat", points=[[[0.1, 0.1], [0.2, 0.2], [0.3, 0.1]]], closed=True, filled=False, **odd)
    point = fo.Keypoint(label="cat", points=[[0.1, 0.2], [math.nan, math.nan]], confidence=[0.5, 0.25], **odd)
    values = {
        "boxes": fo.Detections(detections=[box]),
        "classes": classes,
        "one": fo.Classification(label="cat", confidence=0.9, logits=[1.5], **odd),
        "lines": fo.Polylines(polylines=[line]),
        "points": fo.Keypoints(keypoints=[point]),
        "mask": fo.Segmentation(mask=checkered(48, 64), **odd),
    }
    dataset = make_dataset(values, {})
    options = {"label_field": {name: name for name in values}, "dataset_type": LabelStudioDataset}
    dataset.export(export_dir=str(tmp_path / "out"), **options)
    found = back(tmp_path / "out")
    assert values_in(found, values) == values_in(dataset, values)
    found.delete()


def a_mask(label, **values):
    return fo.Detection(label=label, bounding_box=[0.25, 0.25, 0.25, 0.25], mask=np.eye(12, dtype=bool), **values)


def test_boxes_and_masks_of_one_field_are_shown_by_two_control_tags(make_dataset, tmp_path):
    mixed = fo.Detections(detections=[a_mask("dog"), *boxes("cat").detections, a_mask("cat"), *boxes("dog").detections])
    dataset = make_dataset({"gt": mixed}, {"gt": boxes("cat")}, {"gt": fo.Detections()}, {})
    options = {"dataset_type": LabelStudioDataset, "label_field": {"gt": "gt"}}
    dataset.export(export_dir=str(tmp_path / "out"), **options)
    task = json.loads((tmp_path / "out" / "tasks.json").read_text())[0]
    kinds = [(region["from_name"], region["type"]) for region in task["annotations"][0]["result"]]
    assert sorted(kinds) == [("gt", "rectanglelabels")] * 2 + [("gt_instances", "brushlabels")] * 2
    found = back(tmp_path / "out", label_field="gt")
    assert values_in(found, ["gt"]) == values_in(dataset, ["gt"])
    found.delete()


def test_masks_in_files_come_back_without_their_files(make_dataset, tmp_path):
    label = a_mask("cat", nested={"deep": 1})
    mask = label.mask.copy()
    label.export_mask(str(tmp_path / "mask.png"), update=True)
    dataset = make_dataset({"gt": fo.Detections(detections=[label])})
    dataset.export(export_dir=str(tmp_path / "out"), dataset_type=LabelStudioDataset, label_field="gt")
    (tmp_path / "mask.png").unlink()
    found = back(tmp_path / "out", label_field="gt")
    (other,) = found.first().gt.detections
    assert (other.id, other.nested, other.mask_path) == (label.id, {"deep": 1}, None)
    assert np.array_equal(other.mask > 0, mask)
    found.delete()


@pytest.mark.server
def test_labels_that_went_through_a_server_are_what_they_were(dataset, tmp_path, annotator):
    names = [name for name in dataset.get_field_schema() if name in everything()]
    folder = tmp_path / "out"
    options = {"dataset_type": LabelStudioDataset, "label_field": {name: name for name in names}}
    dataset.export(export_dir=str(folder), **options)
    config = (folder / "labeling_config.xml").read_text()
    project = annotator.call("POST", "/api/projects/", json={"title": "Went through", "label_config": config})["id"]
    annotator.call("POST", f"/api/projects/{project}/import", json=json.loads((folder / "tasks.json").read_text()))
    tasks = annotator.call("GET", f"/api/projects/{project}/export?exportType=JSON&download_all_tasks=true")
    (folder / "tasks.json").write_text(json.dumps(tasks))
    found = back(folder)
    assert values_in(found, names) == values_in(dataset, names)
    found.delete()
    annotator.call("DELETE", f"/api/projects/{project}/")


def test_an_export_in_several_files_is_read_in_their_order(make_dataset, tmp_path, monkeypatch):
    dataset = make_dataset(*({"gt": boxes("cat", "dog")} for _ in range(11)))
    monkeypatch.setattr(export_dataset, "write_tasks", partial(export_dataset.write_tasks, max_tasks=1))
    options = {"dataset_type": LabelStudioDataset, "label_field": "gt"}
    dataset.export(export_dir=str(tmp_path / "out"), **options)
    assert not (tmp_path / "out" / "tasks.json").exists() and (tmp_path / "out" / "tasks_11.json").exists()
    found = back(tmp_path / "out", label_field="gt")
    assert found.values("gt.detections.id") == dataset.values("gt.detections.id")
    assert values_in(found, ["gt"]) == values_in(dataset, ["gt"])
    found.delete()


def edited_tasks(folder, edit, **annotation):
    """Has somebody submit the annotations of the tasks in a folder, as Label Studio exports them."""
    path = folder / "tasks.json"
    tasks = json.loads(path.read_text())
    for number, task in enumerate(tasks, 1):
        task["id"] = number
        for one in task["annotations"]:
            times = {"created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:05:00Z", "updated_by": 1}
            one.update({"import_id": one.pop("id", None), "id": number * 10, **times, **annotation})
            edit(one["result"])
    path.write_text(json.dumps(tasks))


def test_what_people_changed_is_changed_and_nothing_else(make_dataset, tmp_path):
    odd = {"tags": ["mine"], "nested": {"deep": [1]}, "confidence": 0.5}
    first, second, third = (
        fo.Detection(label=name, bounding_box=[0.07, 0.1, 1 / 3, 0.3], **odd) for name in ("cat", "dog", "cat")
    )
    dataset = make_dataset({"gt": fo.Detections(detections=[first, second, third])})
    dataset.export(export_dir=str(tmp_path / "out"), dataset_type=LabelStudioDataset, label_field="gt")

    def edit(result):
        result[0]["value"]["rectanglelabels"] = ["dog"]
        result[2]["value"]["x"] = 50
        del result[1]

    edited_tasks(tmp_path / "out", edit)
    found = back(tmp_path / "out", label_field="gt")
    (before,), (after,) = (values_in(one, ["gt"]).values() for one in (dataset, found))
    expected = [dict(before["gt"]["detections"][0], label="dog"), dict(before["gt"]["detections"][2])]
    expected[1]["bounding_box"] = [0.5, 0.1, 1 / 3, 0.3]
    assert after["gt"]["detections"] == expected
    found.delete()


def test_all_labels_that_people_deleted_are_gone(make_dataset, tmp_path):
    dataset = make_dataset({"gt": boxes("cat", "dog")}, {"gt": boxes("cat")})
    dataset.export(export_dir=str(tmp_path / "out"), dataset_type=LabelStudioDataset, label_field="gt")
    edited_tasks(tmp_path / "out", lambda result: result.clear())
    found = back(tmp_path / "out", label_field="gt")
    assert found.values("gt.detections") == [[], []]
    found.delete()


def test_a_script_may_edit_the_tasks_in_the_folder(exported):
    _, folder = exported
    tasks = json.loads((folder / "tasks.json").read_text())
    del tasks[0]["annotations"][0]["result"][0]
    tasks[1]["annotations"][0]["result"].clear()
    (folder / "tasks.json").write_text(json.dumps(tasks))
    found = back(folder)
    assert found.values("ground_truth.detections.label") == [["dog"], [], []]
    found.delete()


BOX = {"_cls": "Detection", "_id": {"$oid": "a" * 24}, "label": "cat", "bounding_box": [0.1, 0.1, 0.2, 0.3]}


NO_MASK = {"$binary": {"base64": "AAAA", "subType": "00"}}


@pytest.mark.parametrize("carried", [{}, {"ground_truth": None}])
@pytest.mark.parametrize("upload_as", ["annotations", "predictions"])
def test_where_somebody_took_away_what_tasks_carry_their_regions_are_read(exported, carried, upload_as):
    dataset, folder = exported
    options = {"label_field": "gt", "upload_as": upload_as, "overwrite": True}
    dataset.export(export_dir=str(folder), dataset_type=LabelStudioDataset, **options)
    tasks = json.loads((folder / "tasks.json").read_text())
    for task in tasks:
        task["meta"]["fiftyone"]["labels"] = carried
    (folder / "tasks.json").write_text(json.dumps(tasks))
    found = back(folder)
    assert found.values("ground_truth.detections.id")[:2] == dataset.values("gt.detections.id")[:2]
    found.delete()


@pytest.mark.parametrize(
    "carried",
    [
        *("gone", None, [], {"ground_truth": 5}, {"ground_truth": {"detections": []}}, {"ground_truth": {"$oid": 3}}),
        *({"ground_truth": {"_cls": "Detections", "detections": value}} for value in (5, [5], [{"_cls": "Nothing"}])),
        {"ground_truth": {"_cls": "Detections", "detections": [{**BOX, "_id": "x"}]}},
        {"ground_truth": {"_cls": "Detections", "detections": [{**BOX, "mask": {"$binary": "x"}}]}},
        {"ground_truth": {"_cls": "Detections", "detections": [{**BOX, "mask": NO_MASK}]}},
        {"ground_truth": BOX},
        {"ground_truth": {"_cls": "Polylines", "polylines": []}},
    ],
)
def test_where_somebody_changed_what_tasks_carry_their_regions_are_read(exported, caplog, carried):
    dataset, folder = exported
    tasks = json.loads((folder / "tasks.json").read_text())
    for task in tasks:
        task["meta"]["fiftyone"]["labels"] = carried
    (folder / "tasks.json").write_text(json.dumps(tasks))
    found = back(folder)
    assert found.values("ground_truth.detections.id") == dataset.values("gt.detections.id")
    assert found.values("ground_truth.detections.label") == [["cat", "dog"], ["dog"], []]
    assert "its labels are what its regions say" in caplog.text
    found.delete()


def test_tasks_of_others_that_nobody_answered_have_their_first_prediction(exported):
    _, folder = exported
    (folder / "label_schema.json").unlink()
    tasks = json.loads((folder / "tasks.json").read_text())
    region = tasks[0]["annotations"][0]["result"][0] | {"score": 0.25}
    other = {**region, "value": {**region["value"], "rectanglelabels": ["dog"]}}
    tasks[0].update(annotations=[], predictions=[{"id": 1, "model_version": "v1", "result": [region]}])
    tasks[0]["predictions"].append({"id": 2, "model_version": "v2", "result": [other]})
    tasks[1]["predictions"] = [{"id": 3, "model_version": "v1", "result": [region]}]
    tasks[2].update(annotations=[], predictions=[])
    for task in tasks:
        task["meta"] = {}
    (folder / "tasks.json").write_text(json.dumps(tasks))
    found = back(folder, label_field="gt")
    labels = [value and [(label.label, label.confidence) for label in value.detections] for value in found.values("gt")]
    assert labels == [[("cat", 0.25)], [("dog", None)], None]
    found.delete()


SCALARS = {
    "n": 3,
    "at": datetime(2020, 2, 29, 1, 2, 3),
    "day": date(2020, 2, 29),
    "x": 0.5,
    "text": "it's",
    "flag": False,
    "names": ["a", "b"],
}


def test_scalars_come_back_in_their_own_type(make_dataset, tmp_path):
    dataset = make_dataset(SCALARS, {})
    fields = {name: name for name in SCALARS}
    dataset.export(export_dir=str(tmp_path / "out"), dataset_type=LabelStudioDataset, label_field=fields)
    found = back(tmp_path / "out")
    assert {name: found.values(name)[0] for name in SCALARS} == SCALARS
    assert found.values("n")[1] is None
    found.delete()


def boxes(*labels):
    found = [fo.Detection(label=label, bounding_box=[0.1, 0.1, 0.2, 0.3], confidence=0.5) for label in labels]
    return fo.Detections(detections=found)


@pytest.fixture
def exported(make_dataset, tmp_path):
    dataset = make_dataset({"gt": boxes("cat", "dog")}, {"gt": boxes("dog")}, {"gt": boxes()})
    dataset.export(export_dir=str(tmp_path / "out"), dataset_type=LabelStudioDataset, label_field="gt")
    return dataset, tmp_path / "out"


def test_one_field_is_ground_truth_unless_it_is_named(exported):
    dataset, folder = exported
    found, named = back(folder), back(folder, label_field="mine")
    assert found.values("ground_truth.detections.id") == dataset.values("gt.detections.id")
    assert named.values("mine.detections.confidence") == [[0.5, 0.5], [0.5], []]
    found.delete(), named.delete()


def test_the_folder_is_one_for_the_import_page(exported):
    _, folder = exported
    assert sorted(os.listdir(folder)) == ["images", "label_schema.json", "labeling_config.xml", "tasks.json"]
    task = json.loads((folder / "tasks.json").read_text())[0]
    assert task["data"]["image"] == "/data/local-files/?d=out/images/image%200.png"
    (annotation,) = task["annotations"]
    assert [region["value"]["rectanglelabels"] for region in annotation["result"]] == [["cat"], ["dog"]]


def test_samples_are_chosen_as_for_coco(exported):
    _, folder = exported
    cats, two, first, again = (
        back(folder, **options)
        for options in ({"classes": "cat"}, {"max_samples": 2}, *[{"shuffle": True, "seed": 7, "max_samples": 1}] * 2)
    )
    assert (len(cats), len(two)) == (1, 2)
    assert first.values("filepath") == again.values("filepath")
    for one in (cats, two, first, again):
        one.delete()


def test_images_may_be_elsewhere(exported, tmp_path):
    dataset, folder = exported
    os.rename(folder / "images", tmp_path / "elsewhere")
    paths = {os.path.basename(path): path for path in dataset.values("filepath")}
    (tmp_path / "data.json").write_text(json.dumps(paths))
    for data_path in (str(tmp_path / "elsewhere"), str(tmp_path / "data.json"), paths):
        found = back(folder, data_path=data_path)
        assert len(found) == 3
        found.delete()


def test_labels_alone_are_exported(make_dataset, tmp_path):
    dataset = make_dataset({"gt": boxes("cat")})
    path = tmp_path / "labels" / "mine.json"
    dataset.export(dataset_type=LabelStudioDataset, labels_path=str(path), label_field="gt", export_media=False)
    assert json.loads(path.read_text())[0]["data"]["filename"] == os.path.basename(dataset.first().filepath)
    paths = {os.path.basename(name): name for name in dataset.values("filepath")}
    found = fo.Dataset.from_dir(dataset_type=LabelStudioDataset, labels_path=str(path), data_path=paths)
    assert found.values("filepath") == dataset.values("filepath")
    found.delete()


def test_labels_are_merged_into_a_dataset_that_has_the_images(exported):
    dataset, folder = exported
    images = {os.path.basename(path): path for path in dataset.values("filepath")}
    options = {"labels_path": str(folder / "tasks.json"), "data_path": images, "label_field": "merged"}
    dataset.merge_dir(dataset_type=LabelStudioDataset, **options)
    assert len(dataset) == 3
    assert dataset.values("merged.detections.id") == dataset.values("gt.detections.id")


def test_exports_of_label_studio_are_read_without_a_label_schema(exported):
    _, folder = exported
    (folder / "label_schema.json").unlink()
    tasks = json.loads((folder / "tasks.json").read_text())
    for number, task in enumerate(tasks, 1):
        task.update(id=number, meta={})
        task["data"] = {"image": f"/data/upload/1/0a1b2c3d-{task['data']['filename']}"}
    (folder / "tasks.json").write_text(json.dumps(tasks))
    found = back(folder, include_id=True)
    assert found.values("ground_truth.detections.label") == [["cat", "dog"], ["dog"], []]
    assert found.values("task_id") == [1, 2, 3]
    found.delete()


def ids_of(value):
    """The ids of the labels that a field holds, whether it holds one or a list."""
    labels = value[value._LABEL_LIST_FIELD] if hasattr(value, "_LABEL_LIST_FIELD") else [value]
    return [label.id for label in labels]


def test_labels_keep_their_ids_without_a_label_schema(dataset, tmp_path):
    # A semantic mask comes back as one mask of each class.
    names = [name for name, value in everything().items() if isinstance(value, fo.Label) and name != "mask"]
    options = {"dataset_type": LabelStudioDataset, "label_field": {name: name for name in names}}
    dataset.export(export_dir=str(tmp_path / "out"), **options)
    (tmp_path / "out" / "label_schema.json").unlink()
    found = back(tmp_path / "out")
    others = {os.path.basename(sample.filepath): sample for sample in found}
    for sample in dataset[:2]:
        other = others[os.path.basename(sample.filepath)]
        assert {name: ids_of(other[name]) for name in names} == {name: ids_of(sample[name]) for name in names}
    found.delete()


def test_relations_follow_the_ids_of_labels_without_a_label_schema(exported):
    dataset, folder = exported
    (folder / "label_schema.json").unlink()
    tasks = json.loads((folder / "tasks.json").read_text())
    cat, dog = dataset.values("gt.detections.id")[0]
    relation = {"type": "relation", "from_id": cat, "to_id": dog, "direction": "right"}
    tasks[0]["annotations"][0]["result"].append(relation)
    (folder / "tasks.json").write_text(json.dumps(tasks))
    found = back(folder)
    first, second = found.first().ground_truth.detections
    assert (first.id, first["related_to"], second.id) == (cat, [dog], dog)
    found.delete()


def test_keypoints_with_fewer_points_than_joints_get_no_others(make_dataset, tmp_path):
    points = [[[0.1, 0.2], [0.3, 0.4]], [[0.5, 0.6]]]
    labels = fo.Keypoints(keypoints=[fo.Keypoint(label="cat", points=found) for found in points])
    dataset = make_dataset({"joints": labels})
    dataset.default_skeleton = SKELETON
    dataset.export(export_dir=str(tmp_path / "out"), dataset_type=LabelStudioDataset, label_field="joints")
    found = back(tmp_path / "out", label_field="joints")
    assert found.values("joints.keypoints.id") == dataset.values("joints.keypoints.id")
    assert [comparable(label.points) for label in found.first().joints.keypoints] == points
    found.delete()


def test_a_field_without_any_class_keeps_no_other_from_being_exported(make_dataset, tmp_path):
    nothing = {"tags_of_image": fo.Classifications(), "mask": fo.Segmentation(mask=np.zeros((48, 64), np.uint8))}
    dataset = make_dataset({"gt": boxes("cat"), **nothing})
    fields = {name: name for name in ("gt", *nothing)}
    dataset.export(export_dir=str(tmp_path / "out"), dataset_type=LabelStudioDataset, label_field=fields)
    found = back(tmp_path / "out", label_field="gt")
    assert found.values("gt.detections.label") == [["cat"]]
    found.delete()


@pytest.mark.parametrize("options", [{"label_field": "frames.det"}, {"label_field": "weather"}, {}])
def test_videos_are_refused_with_what_writes_them(dataset_of, tmp_path, options):
    dataset = dataset_of([video_sample(tmp_path / "street.mp4", weather=fo.Classification(label="sun"))])
    with pytest.raises(
        SettingsError, match=r"the samples are of the media type 'video'; .*fo_labelstudio\.export_tasks\(\)"
    ):
        dataset.export(export_dir=str(tmp_path / "out"), dataset_type=LabelStudioDataset, **options)


def test_tasks_that_show_videos_are_refused_with_what_reads_them(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "street.mp4").write_bytes(b"")
    (tmp_path / "tasks.json").write_text(
        json.dumps([{"id": 1, "data": {"clip": "/data/street.mp4"}, "annotations": []}])
    )
    config = '<View><Video name="v" value="$clip"/><VideoRectangle name="box" toName="v"/></View>'
    (tmp_path / "labeling_config.xml").write_text(config)
    with pytest.raises(ExportError, match=r"show no images, .*fo_labelstudio\.import_annotations\(dataset, json_path"):
        back(tmp_path)


def test_a_label_that_cannot_be_written_is_named(make_dataset, tmp_path):
    wrong = fo.Detections(detections=[fo.Detection(label="cat", bounding_box=[0, 0, -1, 1])])
    dataset = make_dataset({"gt": wrong})
    with pytest.raises(ValueError, match=wrong.detections[0].id):
        dataset.export(export_dir=str(tmp_path / "out"), dataset_type=LabelStudioDataset, label_field="gt")


def stored_as(case, path):
    """A dataset with the labels of a case; its image is smaller than it says, for nothing opens it."""
    sample = fo.Sample(filepath=str(path), metadata=fo.ImageMetadata(width=case.media.width, height=case.media.height))
    sample["mine"] = case.value
    dataset = fo.Dataset()
    dataset.add_sample(sample, dynamic=False)
    if "keypoint" in case.field.label_type:
        joints, edges = case.field.skeleton
        dataset.default_skeleton = fo.KeypointSkeleton(labels=list(joints), edges=[list(edge) for edge in edges])
    if case.field.label_type == "segmentation":
        dataset.default_mask_targets = {value: name for name, value in case.field.targets.items()}
    dataset.save()
    return dataset


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    return write_image(tmp_path_factory.mktemp("image") / "image.png")


@pytest.mark.parametrize("label_type", strategies.IMAGE_TYPES)
@given(data=st.data())
@examples(8, fewest=3, phases=[Phase.generate], suppress_health_check=[HealthCheck.too_slow])
def test_labels_of_every_kind_are_what_they_were(label_type, image, tmp_path_factory, data):
    case = data.draw(strategies.cases(label_type).filter(lambda case: case.labels))
    dataset, folder = stored_as(case, image), tmp_path_factory.mktemp("out")
    dataset.export(export_dir=str(folder), dataset_type=LabelStudioDataset, label_field={"mine": "mine"})
    found = back(folder, label_field="mine")
    assert list(values_in(found, ["mine"]).values()) == list(values_in(dataset, ["mine"]).values())
    dataset.delete(), found.delete()


def test_a_folder_is_converted_by_the_command_of_fiftyone(exported, tmp_path, monkeypatch):
    _, folder = exported
    coco, again = str(tmp_path / "coco"), str(tmp_path / "again")
    ours, theirs = "fo_labelstudio.types.LabelStudioDataset", "fiftyone.types.COCODetectionDataset"
    for source, its_type, target, wanted in ((str(folder), ours, coco, theirs), (coco, theirs, again, ours)):
        options = ["--input-dir", source, "--input-type", its_type, "--output-dir", target, "--output-type", wanted]
        monkeypatch.setattr(sys, "argv", ["fiftyone", "convert", *options])
        cli.main()
    found = back(again)
    labels = [[label.label for label in value.detections] for value in found.values("ground_truth") if value]
    assert sorted(filter(None, labels)) == [["cat", "dog"], ["dog"]]
    numbers = found.values("ground_truth.detections.bounding_box[]", unwind=True)
    assert numbers == pytest.approx([0.1, 0.1, 0.2, 0.3] * 3)
    found.delete()
