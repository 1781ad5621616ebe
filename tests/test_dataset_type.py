"""Labels go to a folder of Label Studio's and come back, as FiftyOne has it for COCO."""

from __future__ import annotations

import json
import math
import os
import sys
from datetime import date, datetime
from pathlib import Path
from typing import Any

import fiftyone as fo
import numpy as np
import pytest
from fiftyone.core import cli
from hypothesis import HealthCheck, Phase, given
from hypothesis import strategies as st

from fo_labelstudio.convert.families import LABEL_TYPES, holds_list
from fo_labelstudio.types import LabelStudioDataset
from tests.convert import strategies
from tests.convert.families.test_contract import assert_alike
from tests.properties import examples
from tests.support import write_image
from tests.test_every_family import KINDS, SIZE, SKELETON, a_value, checkered, weather

pytestmark = pytest.mark.database


def everything() -> dict[str, Any]:
    values: dict[str, Any] = {label_type: a_value(label_type) for label_type in KINDS}
    values["weather"] = weather("cat")
    values["tags_of_image"] = fo.Classifications(classifications=[weather("cat"), weather("日本")])
    values["mask"] = fo.Segmentation(mask=checkered(48, 64))
    return values


def plain(value):
    """A label as a dict of what a task can hold, rounded: no tags, nothing nested, no empty texts."""
    if isinstance(value, dict):
        found = {key: plain(item) for key, item in value.items() if key not in ("tags", "untouched")}
        if found.get("_cls") in ("Classification", "Keypoint"):
            # Of one class among others, and of each point, it cannot be shown.
            found.pop("confidence", None)
        return {key: item for key, item in found.items() if item not in (None, "")}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return "NaN" if np.isnan(value) else round(value, 9)
    return value


def described(label):
    return None if label is None else plain(label.to_dict())


@pytest.fixture
def dataset(make_dataset):
    dataset = make_dataset(everything(), everything(), {}, size=SIZE)
    dataset.default_skeleton = SKELETON
    dataset.save()
    return dataset


def back(folder, **options):
    return fo.Dataset.from_dir(dataset_dir=str(folder), dataset_type=LabelStudioDataset, **options)


@pytest.mark.parametrize("upload_as", ["annotations", "predictions"])
def test_what_is_exported_is_what_is_imported(dataset, tmp_path, upload_as):
    names = [name for name in dataset.get_field_schema() if name in everything()]
    options = {"label_field": {name: name for name in names}, "upload_as": upload_as}
    dataset.export(export_dir=str(tmp_path / "out"), dataset_type=LabelStudioDataset, **options)
    found = back(tmp_path / "out")
    by_name = {os.path.basename(sample.filepath): sample for sample in found}
    for sample in dataset:
        other = by_name[os.path.basename(sample.filepath)]
        assert Path(other.filepath).read_bytes() == Path(sample.filepath).read_bytes()
        for name in names:
            assert described(other[name]) == described(sample[name]), name
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


def test_keypoints_with_fewer_points_than_joints_get_no_others(make_dataset, tmp_path):
    points = [[[0.1, 0.2], [0.3, 0.4]], [[0.5, 0.6]]]
    labels = fo.Keypoints(keypoints=[fo.Keypoint(label="cat", points=found) for found in points])
    dataset = make_dataset({"joints": labels})
    dataset.default_skeleton = SKELETON
    dataset.export(export_dir=str(tmp_path / "out"), dataset_type=LabelStudioDataset, label_field="joints")
    found = back(tmp_path / "out", label_field="joints")
    assert found.values("joints.keypoints.id") == dataset.values("joints.keypoints.id")
    assert [plain(label.points) for label in found.first().joints.keypoints] == points
    found.delete()


def test_a_field_without_any_class_keeps_no_other_from_being_exported(make_dataset, tmp_path):
    nothing = {"tags_of_image": fo.Classifications(), "mask": fo.Segmentation(mask=np.zeros((48, 64), np.uint8))}
    dataset = make_dataset({"gt": boxes("cat"), **nothing})
    fields = {name: name for name in ("gt", *nothing)}
    dataset.export(export_dir=str(tmp_path / "out"), dataset_type=LabelStudioDataset, label_field=fields)
    found = back(tmp_path / "out", label_field="gt")
    assert found.values("gt.detections.label") == [["cat"]]
    found.delete()


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


def labels_in(dataset, label_type):
    """The labels of the only sample, or its scalar."""
    value = dataset.first()["mine"] if dataset.has_field("mine") else None
    if value is None:
        return []
    return list(value[value._LABEL_LIST_FIELD]) if holds_list(label_type) else [value]


def said(value):
    """A scalar with its type; people choose several values in no order."""
    return (list, set(value)) if isinstance(value, (list, tuple)) else (type(value), value)


def is_whole_turn(label):
    return abs((label.get_attribute_value("rotation", None) or 0) - 2 * math.pi) < 1e-9


def attributes_in(label, field):
    """The attributes of a label that say something; people choose several values in no order."""
    found = {one.name: label.get_attribute_value(one.name, None) for one in field.attributes}
    said = {name: value for name, value in found.items() if value not in (None, "", [])}
    return {name: set(value) if isinstance(value, list) else value for name, value in said.items()}


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    return write_image(tmp_path_factory.mktemp("image") / "image.png")


@pytest.mark.parametrize("label_type", LABEL_TYPES)
@given(data=st.data())
@examples(8, phases=[Phase.generate], suppress_health_check=[HealthCheck.too_slow])
def test_labels_of_every_kind_are_what_they_were(label_type, image, tmp_path_factory, data):
    case = data.draw(strategies.cases(label_type).filter(lambda case: case.labels))
    dataset, folder = stored_as(case, image), tmp_path_factory.mktemp("out")
    dataset.export(export_dir=str(folder), dataset_type=LabelStudioDataset, label_field={"mine": "mine"})
    found = back(folder, label_field="mine")
    labels, others = (labels_in(one, label_type) for one in (dataset, found))
    if label_type == "segmentation":
        # A mask of nothing is no region.
        labels = [label for label in labels if label.mask.any()]
    assert len(others) == len(labels)
    for label, other in zip(labels, others):
        if label_type == "scalar":
            assert said(other) == said(label)
            continue
        if label_type.startswith("detection") and is_whole_turn(label):
            # A whole turn is none.
            label.rotation = 0.0
        assert_alike(other, label, case.field, case.media)
        assert other.id == label.id
        assert attributes_in(other, case.field) == attributes_in(label, case.field)
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
