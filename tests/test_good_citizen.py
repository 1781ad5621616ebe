"""A project of this package in Label Studio's own hands: its checks, its exports, its Data Manager."""

from __future__ import annotations

import csv
import io
import json
import math
import zipfile
from pathlib import PurePosixPath
from xml.etree import ElementTree

import fiftyone as fo
import numpy as np
import pytest
from label_studio_sdk.label_interface import LabelInterface
from PIL import Image

import fo_labelstudio
from fo_labelstudio.errors import LabelSchemaError, SettingsError
from fo_labelstudio.local.server import LocalServer
from tests.editor import Editor
from tests.support import Annotator, stored, write_image
from tests.test_editor import screenshot  # noqa: F401
from tests.test_every_family import ATTRIBUTE_VALUES, ATTRIBUTES, SKELETON

pytestmark = pytest.mark.server

SIZE = (640, 480)
CLASSES = ["cat", "dog"]
NAMES = ["000000000139.png", "my photo (2).png", "日本.png"]
SCHEMA = {
    # One of the whole image comes first on purpose.
    "weather": {"type": "classification", "classes": CLASSES, "attributes": {"note": {"type": "text"}}},
    "kinds": {"type": "classifications", "classes": CLASSES},
    "boxes": {"type": "detections", "classes": CLASSES, "attributes": ATTRIBUTES},
    "masks": {"type": "instances", "classes": CLASSES},
    "segments": {"type": "segmentation", "mask_targets": {1: "cat", 2: "dog"}},
    "areas": {"type": "polygons", "classes": CLASSES},
    "paths": {"type": "polylines", "classes": CLASSES},
    "people": {"type": "keypoints", "classes": CLASSES},
    "eyes": {"type": "keypoints", "classes": ["left eye", "right eye"]},
    "count": {"type": "scalar"},
    "speed": {"type": "scalar"},
    "title": {"type": "scalar"},
    "flag": {"type": "scalar"},
    "words": {"type": "scalar", "classes": ["a", "b", "c"]},
}
TASK_FIELDS = ["tags", "uniqueness", "good", "metadata.width"]


def labels():
    """Labels of every kind, some of them partly or altogether outside the image."""
    segments = np.zeros((SIZE[1], SIZE[0]), np.uint8)
    segments[300:360, 20:120], segments[400:460, 20:120] = 1, 2
    shape = [[0.5, 0.5], [1.25, 0.5], [1.5, 1.5], [1.25, 1.25], [0.5, 0.75]]
    outside = [[1.25, 0.1], [1.5, 0.1], [1.5, 0.3]]
    return {
        "weather": fo.Classification(label="cat", confidence=0.5, note="wet"),
        "kinds": fo.Classifications(classifications=[fo.Classification(label=name) for name in CLASSES]),
        "boxes": fo.Detections(
            detections=[
                fo.Detection(label="cat", bounding_box=[0.25, 0.25, 0.5, 0.25], confidence=0.5, **ATTRIBUTE_VALUES),
                fo.Detection(label="dog", bounding_box=[0.75, 0.75, 0.5, 0.5]),
            ]
        ),
        "masks": fo.Detections(
            detections=[fo.Detection(label="cat", bounding_box=[0.25, 0.25, 0.1, 0.125], mask=np.ones((60, 64), bool))]
        ),
        "segments": fo.Segmentation(mask=segments),
        "areas": fo.Polylines(
            polylines=[fo.Polyline(label="cat", points=[shape, outside], closed=True, filled=True)],
        ),
        "paths": fo.Polylines(polylines=[fo.Polyline(label="dog", points=[[[0.5, 0.5], [1.25, 0.5]]])]),
        "people": fo.Keypoints(
            keypoints=[fo.Keypoint(label="cat", points=[[0.5, 0.5], [1.25, 0.5], [math.nan] * 2, [0.2, 0.2]])]
        ),
        "eyes": fo.Keypoints(
            keypoints=[
                fo.Keypoint(label="left eye", points=[[0.25, 0.5]], confidence=[0.5]),
                fo.Keypoint(label="right eye", points=[[0.5, 1.5]]),
            ]
        ),
        "count": 3,
        "speed": 0.1 + 0.2,
        "title": "as <sent>",
        "flag": True,
        "words": ["a", "c"],
    }


@pytest.fixture(scope="module")
def server(template_dir):
    """A server that refuses predictions which do not pass its check."""
    environment = {"fflag_feat_utc_210_prediction_validation_15082025": "true"}
    with LocalServer(template_dir=template_dir, env=environment) as server:
        yield server


@pytest.fixture(scope="module")
def citizen(server, tmp_path_factory):
    """A run of every family, all of whose tasks were accepted as they are: dataset, what it stored, results, server."""
    folder = tmp_path_factory.mktemp("citizen")
    fo_labelstudio.register()
    dataset = fo.Dataset()
    for number, name in enumerate(NAMES):
        path = write_image(folder / name, SIZE)
        values = {"tags": ["train", "hard"][:number], "uniqueness": [0.5, 0.25, 10.0][number], "good": number == 1}
        dataset.add_sample(fo.Sample(filepath=str(path), **values, **labels()))
    dataset.skeletons = {"people": SKELETON}
    dataset.compute_metadata(progress=False)
    before = stored(dataset)
    results = dataset.annotate(
        "run",
        backend="labelstudio",
        label_schema=SCHEMA,
        task_fields=TASK_FIELDS,
        url=server.url,
        api_key=server.legacy_token,
    )
    Annotator(server.url, server.legacy_token).accept_all(results)
    yield dataset, before, results
    dataset.delete()


@pytest.fixture
def export(citizen, annotator):
    """Files of an export, by the path in its archive."""

    def get(kind):
        answer = annotator._session.get(
            f"{annotator.url}/api/projects/{citizen[2].project_id}/export", params={"exportType": kind}, timeout=120
        )
        assert answer.status_code == 200, answer.text
        if not answer.content.startswith(b"PK"):
            return answer.content
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            return {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}

    return get


def base_of(path):
    """The base name that an uploaded file had, as the server keeps it."""
    return PurePosixPath(path).stem.partition("-")[2].rpartition("-")[0]


BASES = ["000000000139", "my_photo_2", "日本"]


def test_a_project_of_every_family_passes_the_checks_of_labeling_configs_and_predictions(citizen, annotator):
    _, _, results = citizen
    labeling_config = annotator.call("GET", f"/api/projects/{results.project_id}")["label_config"]
    interface = LabelInterface(labeling_config)
    interface.validate()
    tasks = [annotator.task(task_id) for task_id in results.tasks.values()]
    errors = [
        interface.validate_prediction(prediction, return_errors=True)
        for task in tasks
        for prediction in task["predictions"]
    ]
    assert errors == [[], [], []]
    # In a project that has its labeling config before its tasks, the server checks them itself.
    again = annotator.call("POST", "/api/projects/", json={"title": "again", "label_config": labeling_config})
    body = [
        {"data": task["data"], "predictions": [{key: sent[key] for key in ("result", "model_version", "score")}]}
        for task in tasks
        for sent in task["predictions"]
    ]
    made = annotator.call("POST", f"/api/projects/{again['id']}/import", json=body)
    assert (made["task_count"], made["prediction_count"]) == (3, 3)
    body[0]["predictions"][0]["result"][0]["value"]["x"] = 101
    refused = annotator._session.post(f"{annotator.url}/api/projects/{again['id']}/import", json=body, timeout=120)
    assert refused.status_code == 400 and "out of bounds" in refused.text


def test_untouched_labels_come_back_bit_identical(citizen, connection):
    dataset, before, _ = citizen
    dataset.load_annotations("run", **connection)
    assert stored(dataset) == before


def test_the_json_exports_lead_back_to_the_samples(citizen, export):
    dataset, _, results = citizen
    by_sample = {task["data"]["sample_id"]: task for task in json.loads(export("JSON"))}
    assert by_sample.keys() == results.tasks.keys()
    for sample, task, base in zip(dataset, map(by_sample.get, dataset.values("id")), BASES, strict=True):
        assert base_of(task["data"]["image"]) == base
        assert task["data"]["filename"] == sample.filename
        assert len(task["annotations"][0]["result"]) == len(task["annotations"][0]["prediction"]["result"])
    small = {row["filename"]: row for row in json.loads(export("JSON_MIN"))}
    assert list(small) == NAMES
    row = small["my photo (2).png"]
    assert (row["weather"], row["title"], row["tags"], row["uniqueness"]) == ("cat", "as <sent>", "train", 0.25)
    assert [box["rectanglelabels"] for box in row["boxes"]] == [["cat"], ["dog"]]


@pytest.mark.parametrize(("kind", "separator"), [("CSV", ","), ("TSV", "\t")])
def test_the_table_exports_have_a_column_for_each_field(export, kind, separator):
    rows = list(csv.DictReader(io.StringIO(export(kind).decode()), delimiter=separator))
    assert [row["filename"] for row in rows] == NAMES
    assert SCHEMA.keys() <= rows[0].keys()
    columns = ("sample_id", "tags", "good", "uniqueness", "metadata_width", "weather", "title")
    assert [rows[1][column] for column in columns[1:]] == ["train", "true", "0.25", "640", "cat", "as <sent>"]


def test_the_coco_export_has_boxes_polygons_and_keypoints(export):
    coco = json.loads(export("COCO")["result.json"])
    assert [base_of(image["file_name"]) for image in coco["images"]] == BASES
    assert {(image["width"], image["height"]) for image in coco["images"]} == {SIZE}
    names = {category["id"]: category["name"] for category in coco["categories"]}
    (keypoints,) = [category for category in coco["categories"] if "keypoints" in category]
    assert keypoints["keypoints"] == ["left eye", "right eye"]
    first = [item for item in coco["annotations"] if item["image_id"] == 0]
    boxes = [(names[item["category_id"]], item["bbox"]) for item in first if item.get("segmentation") == []]
    assert boxes == [("cat", [160, 120, 320, 120]), ("dog", [480, 360, 160, 120])]
    shapes = [(names[item["category_id"]], item["segmentation"]) for item in first if item.get("segmentation")]
    assert shapes == [
        ("cat", [[320, 240, 640, 240, 640, 480, 640, 480, 320, 360]]),
        ("cat", [[640, 48, 640, 48, 640, 144]]),
    ]
    points = [item["keypoints"] for item in first if "keypoints" in item]
    assert points == [[160, 240, 2, 320, 480, 2]]
    with_images = export("COCO_WITH_IMAGES")
    assert sorted(base_of(name) for name in with_images if name.startswith("images/")) == BASES


@pytest.mark.parametrize("kind", ["YOLO", "YOLO_OBB"])
def test_the_yolo_exports_name_their_files_like_the_samples(export, kind):
    files = export(kind)
    assert files["classes.txt"].decode().split() == CLASSES
    rows = {base_of(name): text.decode() for name, text in files.items() if name.startswith("labels/")}
    assert sorted(rows) == BASES
    boxes = [[float(number) for number in row.split()[:5]] for row in rows["日本"].splitlines()]
    assert boxes == [[0, 0.5, 0.375, 0.5, 0.25], [1, 0.875, 0.875, 0.25, 0.25]]


def test_the_voc_export_has_the_boxes_of_each_sample(export):
    files = export("VOC")
    pages = {
        base_of(name): ElementTree.fromstring(text) for name, text in files.items() if name.startswith("Annotations/")
    }
    assert sorted(pages) == BASES
    for base, page in pages.items():
        assert base_of(page.findtext("filename")) == base
        boxes = [
            (item.findtext("name"), *(int(edge.text) for edge in item.find("bndbox"))) for item in page.iter("object")
        ]
        assert boxes == [("cat", 160, 120, 480, 240), ("dog", 480, 360, 640, 480)]


def test_the_brush_exports_have_the_masks(export, citizen):
    _, _, results = citizen
    pictures, arrays = export("BRUSH_TO_PNG"), export("BRUSH_TO_NUMPY")
    names = {f"{field}-{name}" for field, name in (("masks", "cat"), ("segments", "cat"), ("segments", "dog"))}
    for task_id in results.tasks.values():
        own = {name: content for name, content in pictures.items() if name.startswith(f"task-{task_id}-")}
        assert {name.partition("-by-1-")[2].removesuffix("-0.png") for name in own} == names
        (mask,) = [content for name, content in own.items() if "-masks-cat-" in name]
        pixels = np.asarray(Image.open(io.BytesIO(mask))) > 0
        assert pixels.sum() == 60 * 64 and pixels[120:180, 160:224].all()
    assert {name.removesuffix(".npy") for name in arrays} == {name.removesuffix(".png") for name in pictures}
    coco = json.loads(export("BRUSH_TO_COCO")["result_coco.json"])
    assert {category["name"] for category in coco["categories"]} == set(CLASSES)


def test_the_data_manager_filters_and_sorts_by_fields(citizen, annotator):
    _, _, results = citizen
    columns = annotator.call("GET", f"/api/dm/columns?project={results.project_id}")["columns"]
    shown = {column["id"] for column in columns if column.get("parent") == "data"}
    assert shown == {"image", "sample_id", "filename", "tags", "uniqueness", "good", "metadata_width"}

    def names(ordering=None, key=None, **item):
        items = [{"filter": f"filter:tasks:data.{key}", **item}]
        query = {"filters": {"conjunction": "and", "items": items}} if key else {"ordering": [ordering]}
        answer = annotator.call(
            "GET",
            "/api/tasks",
            params={"project": results.project_id, "fields": "all", "query": json.dumps(query)},
        )
        return [task["data"]["filename"] for task in answer["tasks"]]

    text = {"type": "String"}
    assert names(key="filename", operator="contains", value="photo", **text) == NAMES[1:2]
    assert names(key="filename", operator="equal", value=NAMES[2], **text) == NAMES[2:]
    assert names(key="tags", operator="contains", value="train", **text) == NAMES[1:]
    assert names(key="tags", operator="empty", value="true", **text) == NAMES[:1]
    assert names(key="good", operator="equal", value="true", **text) == NAMES[1:2]
    assert names(key="uniqueness", operator="greater", value=0.3, type="Number") == [NAMES[0], NAMES[2]]
    assert names(key="metadata_width", operator="equal", value=640, type="Number") == NAMES
    assert names("tasks:data.uniqueness") == [NAMES[1], NAMES[0], NAMES[2]]
    assert names("-tasks:data.filename") == NAMES[::-1]


def test_the_info_of_a_run_shows_no_token_and_no_empty_rows(citizen, annotator):
    dataset, _, results = citizen
    info = dataset.get_annotation_info("run")
    shown = info.config.serialize()
    token = info.config.run_state["token"]
    assert token not in str(info) + str(shown) + str(results.config)
    assert all(value not in (None, {}, []) for value in shown.values())
    assert all(value not in (None, {}, []) for field in shown["label_schema"].values() for value in field.values())
    assert shown["label_schema"]["count"]["type"] == "scalar" and "classes" not in shown["label_schema"]["count"]
    assert not any(line.endswith((": null,", ": {},", ": [],")) for line in str(info).splitlines())
    assert shown["run_state"] == {"project_id": results.project_id, "complete": True}
    assert shown["task_fields"] == TASK_FIELDS
    # What is saved is whole, whatever was shown.
    dataset.reload()
    assert dataset.get_annotation_info("run").config.run_state["token"] == token
    results.save_config()
    assert dataset.get_annotation_info("run").config.run_state["token"] == token
    clone = dataset.clone()
    assert clone.get_annotation_info("run").config.run_state["token"] == token
    clone.delete()


def test_files_of_any_name_are_served_and_lead_back_to_a_sample_and_those_alike_are_uploaded_once(
    dataset_of, connection, annotator, tmp_path
):
    odd = [
        "x" * 150 + ".png",
        "日" * 70 + ".png",
        "n%41 #&+'é.png",
        "!!!.PNG",
        "a/same.png",
        "b/same.png",
        "c/copy.png",
    ]
    paths = [write_image(tmp_path / name, SIZE) for name in odd[:-1]]
    paths.append(tmp_path / odd[-1])
    paths[-1].parent.mkdir()
    paths[-1].write_bytes(paths[-3].read_bytes())
    dataset = dataset_of(fo.Sample(filepath=str(path)) for path in paths)
    results = dataset.annotate(
        "run", backend="labelstudio", label_field="gt", label_type="detections", classes=["a"], **connection
    )
    tasks = {task["data"]["filename"]: task["data"]["image"] for task in map(annotator.task, results.tasks.values())}
    images = [annotator.task(task_id)["data"]["image"] for task_id in results.tasks.values()]
    assert [annotator._session.get(annotator.url + image, timeout=60).content for image in images] == [
        path.read_bytes() for path in paths
    ]
    assert list(tasks) == [*odd[:4], "same.png", "copy.png"]
    bases = [base_of(image) for image in images]
    assert bases == ["x" * len(bases[0]), "日" * len(bases[1]), "n41_é", "", "same", "same", "same"]
    assert (len(bases[0]) > 50, len(bases[1]) > 30) == (True, True)
    assert images[4] != images[5] and images[4] == images[6]
    assert len(set(images)) == len(paths) - 1


@pytest.mark.parametrize("wrong", [["uniquenes"], ["boxes"], ["filename"]])
def test_fields_that_tasks_cannot_carry_are_refused_before_anything_is_made(make_dataset, connection, annotator, wrong):
    dataset = make_dataset({"boxes": fo.Detections(detections=[]), "uniqueness": 0.5})
    before = annotator.call("GET", "/api/projects/")["count"]
    with pytest.raises(LabelSchemaError, match="task_fields cannot be shown"):
        dataset.annotate(
            "run", backend="labelstudio", label_field="boxes", classes=["a"], task_fields=wrong, **connection
        )
    assert annotator.call("GET", "/api/projects/")["count"] == before
    assert dataset.list_annotation_runs() == []


def test_names_that_are_none_are_refused(make_dataset, connection):
    with pytest.raises(SettingsError, match="task_fields is 5, expected names of fields"):
        make_dataset({"gt": None}).annotate(
            "run",
            backend="labelstudio",
            label_field="gt",
            label_type="detections",
            classes=["a"],
            task_fields=5,
            **connection,
        )


def test_a_run_that_is_continued_names_samples_whose_fields_were_changed_and_keeps_tasks_of_earlier_versions(
    make_dataset, connection, annotator, caplog
):
    values = {"boxes": fo.Detections(detections=[fo.Detection(label="a", bounding_box=[0, 0, 0.5, 0.5])])}
    dataset = make_dataset({**values, "uniqueness": 0.5}, values)
    dataset.persistent = True
    arguments = {"backend": "labelstudio", "label_field": "boxes", "attributes": False, "task_fields": "uniqueness"}
    dataset.annotate("run", parts=1, **arguments, **connection)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in connection.items():
            patch.setenv(f"FIFTYONE_LABELSTUDIO_{name.upper()}", value)
        assert fo_labelstudio.send_part(dataset.name, "run", 1) == 2
    dataset.reload()
    project = dataset.get_annotation_info("run").config.run_state["project_id"]
    tasks = {
        task["data"]["sample_id"]: task
        for task in annotator.call("GET", f"/api/tasks?project={project}&fields=all")["tasks"]
    }
    first, second = dataset
    assert tasks[first.id]["data"]["uniqueness"] == 0.5 and "uniqueness" not in tasks[second.id]["data"]
    # A task as earlier versions made it.
    old = {key: value for key, value in tasks[second.id]["data"].items() if key != "filename"}
    annotator.call("PATCH", f"/api/tasks/{tasks[second.id]['id']}/", json={"data": old})
    first["uniqueness"] = 0.75
    first.save()
    caplog.clear()
    results = dataset.annotate("run", **arguments, **connection)
    assert results.project_id == project
    assert results.tasks == {sample_id: task["id"] for sample_id, task in tasks.items()}
    assert f"1 samples were changed since their tasks were made, such as {first.id}" in caplog.text
    before = stored(dataset)
    annotator.accept_all(results)
    dataset.load_annotations("run", **connection)
    assert stored(dataset) == before


@pytest.fixture(scope="module")
def editor(server):
    with Editor(server.url, server.username, server.password) as editor:
        yield editor


@pytest.mark.browser
def test_the_editor_leaves_what_is_shown_on_the_border_as_it_is(
    make_dataset,
    connection,
    editor,
    annotator,
    screenshot,  # noqa: F811
):
    values = {name: value for name, value in labels().items() if name in ("weather", "boxes", "areas", "eyes")}
    dataset = make_dataset(values, size=SIZE)
    before = stored(dataset)
    schema = {name: SCHEMA[name] for name in values}
    results = dataset.annotate("run", backend="labelstudio", label_schema=schema, **connection)
    (task_id,) = results.tasks.values()
    page = editor.open_task(results.project_id, task_id)
    page.screenshot(screenshot)
    assert page.problems() == []
    page.submit()
    sent = annotator.task(task_id)
    dataset.load_annotations("run", **connection)
    assert stored(dataset) == before
    assert sent["annotations"][0]["result"][-1]["from_name"].startswith("weather")

    (first,) = [region for region in page.regions() if region.type == "polygonlabels" and "." not in region.id]
    page.move_vertex(first.id, 0, -10, 10)
    page.submit()
    dataset.load_annotations("run", **connection)
    now = stored(dataset)
    (was,), (is_now,) = ([doc["areas"]["polylines"][0]["points"] for doc in docs.values()] for docs in (before, now))
    assert is_now[0][0] == pytest.approx([0.4, 0.6], abs=0.01)
    assert (is_now[0][1:], is_now[1:]) == (was[0][1:], was[1:])


@pytest.mark.browser
def test_the_data_manager_shows_the_fields(citizen, editor, screenshot):  # noqa: F811
    _, _, results = citizen
    page = editor._context.new_page()
    page.goto(f"{editor.url}/projects/{results.project_id}/data")
    page.get_by_text(NAMES[2]).wait_for()
    page.screenshot(path=str(screenshot))
    text = page.locator("body").inner_text()
    assert all(name in text for name in (*NAMES, "uniqueness", "metadata_width", "train, hard"))
    page.close()
