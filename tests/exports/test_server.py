"""What a real server exports is read alike in each of its formats; what is written, its import page takes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import requests

from fo_labelstudio.convert.labeling_config import read as labeling_config
from fo_labelstudio.exports.read import read_tasks
from fo_labelstudio.exports.write import write_tasks

pytestmark = pytest.mark.server

XML = """<View>
  <Image name="image" value="$image"/>
  <RectangleLabels name="rect" toName="image"><Label value="cat"/><Label value="car"/></RectangleLabels>
  <EllipseLabels name="ell" toName="image"><Label value="eye"/></EllipseLabels>
  <PolygonLabels name="poly" toName="image"><Label value="road"/></PolygonLabels>
  <KeyPointLabels name="kp" toName="image"><Label value="nose"/></KeyPointLabels>
  <Labels name="label" toName="image"><Label value="dog"/></Labels>
  <Rectangle name="plain" toName="image"/>
  <Choices name="scene" toName="image"><Choice value="day"/><Choice value="night"/></Choices>
  <Choices name="weather" toName="image" choice="multiple"><Choice value="sun"/><Choice value="rain"/></Choices>
  <TextArea name="caption" toName="image"/>
  <Taxonomy name="tax" toName="image"><Choice value="A"><Choice value="B"/></Choice></Taxonomy>
  <Number name="count" toName="image"/>
  <Rating name="stars" toName="image"/>
  <Choices name="color" toName="image" perRegion="true"><Choice value="red"/><Choice value="blue"/></Choices>
  <TextArea name="about" toName="image" perRegion="true"/>
</View>"""

DATA = [
    {"image": "/data/upload/1/a.png", "sample_id": "012345678901234567890123", "weight": 0.1 + 0.2, "tags": ["x", "ü"]},
    {"image": "/data/upload/1/b, c.png", "note": 'two\nlines, and "quotes"\t', "count_of": 7, "is_new": True},
]


def about_image(name, kind, **value):
    return {"id": f"id of {name}", "from_name": name, "to_name": "image", "type": kind, "value": value}


ABOUT_IMAGE = [
    about_image("scene", "choices", choices=["night"]),
    about_image("weather", "choices", choices=["sun", "rain"]),
    about_image("caption", "textarea", text=['a "cat",\nand [one] more: é']),
    about_image("tax", "taxonomy", taxonomy=[["A", "B"]]),
    about_image("count", "number", number=0.30000000000000004),
    about_image("stars", "rating", rating=3),
]


BOX = {
    **about_image("rect", "rectanglelabels", x=10, y=20.5, width=30, height=40, rotation=0, rectanglelabels=["cat"]),
    "original_width": 64,
    "original_height": 48,
}


def per_region(region_id, color, about):
    """A box with answers about it, as the editor writes them: each with the shape."""
    shape = {key: value for key, value in BOX["value"].items() if key != "rectanglelabels"}
    box = {**BOX, "id": region_id, "value": {**BOX["value"], "x": 5 * color}}
    shape["x"] = 5 * color
    said = {
        "color": ("choices", {"choices": ["red" if color == 1 else "blue"]}),
        "about": ("textarea", {"text": about}),
    }
    answers = [
        {**box, "from_name": name, "type": kind, "value": {**shape, **value}} for name, (kind, value) in said.items()
    ]
    return [box, *answers]


PER_REGION = [*per_region("one", 1, ["a text"]), *per_region("two", 2, ["two", "texts"])]


@pytest.fixture(scope="module")
def answered(server):
    """A project with two tasks that are answered twice and once; calls the API."""
    session = requests.Session()
    session.headers["Authorization"] = f"Token {server.legacy_token}"

    def call(method, path, **options):
        answer = session.request(method, server.url + path, **options)
        answer.raise_for_status()
        return answer

    golden = Path(__file__).parents[1] / "golden" / "labelstudio-1.23.2"
    drawn, pair = (
        json.loads((golden / f"{name}.json").read_text(encoding="utf-8"))["annotations"][0]["result"]
        for name in ("shapes_drawn", "rectangle_labels_pair_drawn")
    )
    for result in pair:
        result["from_name"] = {"rect": "plain"}.get(result["from_name"], result["from_name"])
    project = call("POST", "/api/projects/", json={"title": "formats", "label_config": XML}).json()["id"]
    tasks = [{"data": data} for data in DATA]
    path = f"/api/projects/{project}/import?return_task_ids=true"
    first, second = call("POST", path, json=tasks).json()["task_ids"]
    for task, result in ((first, drawn + ABOUT_IMAGE), (first, pair), (second, [*PER_REGION, ABOUT_IMAGE[0]])):
        call("POST", f"/api/tasks/{task}/annotations/", json={"result": result, "lead_time": 1.5})
    return project, call


def exported(answered, form, folder):
    project, call = answered
    path = folder / f"{form} without a telling name"
    path.write_bytes(call("GET", f"/api/projects/{project}/export?exportType={form}").content)
    return path


def labels(task):
    """What the annotations of a task say, without what JSON-MIN and CSV lose."""
    answers = []
    for annotation in task["annotations"]:
        names = {}
        results = []
        for result in sorted(annotation["result"], key=lambda result: result["from_name"]):
            region = names.setdefault(result["id"], len(names))
            sizes = (result.get("original_width"), result.get("original_height"))
            results.append((region, result["from_name"], result["to_name"], result["type"], sizes, result["value"]))
        about = ("id", "completed_by", "was_cancelled", "created_at", "updated_at", "lead_time")
        answers.append(({key: annotation[key] for key in about}, results))
    return task["id"], task["data"], sorted(answers, key=lambda answer: answer[0]["id"])


def test_every_format_of_the_server_is_read_as_the_same_labels(answered, tmp_path):
    path = exported(answered, "JSON", tmp_path)
    tasks = list(read_tasks(path))
    assert tasks == json.loads(path.read_text(encoding="utf-8"))
    expected = [labels(task) for task in tasks]
    assert [data for _, data, _ in expected] == DATA
    assert [len(answers) for _, _, answers in expected] == [2, 1]
    config = labeling_config.read(XML)
    for form in ("JSON_MIN", "CSV", "TSV"):
        read = list(read_tasks(exported(answered, form, tmp_path), config))
        assert [labels(task) for task in read] == expected, form


def test_json_min_is_read_alike_without_the_labeling_config(answered, tmp_path):
    with_config, without = (
        list(read_tasks(exported(answered, "JSON_MIN", tmp_path), config))
        for config in (labeling_config.read(XML), None)
    )
    for task in with_config:
        for annotation in task["annotations"]:
            for result in annotation["result"]:
                if len(result["value"].get("text", ())) == 1:
                    # A text alone does not say whether it was chosen or written.
                    result["type"] = "choices"
                    result["value"]["choices"] = result["value"].pop("text")
    assert without == with_config


def test_other_formats_of_the_server_are_named(answered, tmp_path):
    _, call = answered
    boxes = XML.partition("<EllipseLabels")[0] + "</View>"
    project = call("POST", "/api/projects/", json={"title": "boxes", "label_config": boxes}).json()["id"]
    call("POST", f"/api/projects/{project}/import", json=[{"data": DATA[0], "annotations": [{"result": [BOX]}]}])
    for form, named in (("COCO", "COCO"), ("YOLO", "YOLO"), ("VOC", "Pascal VOC")):
        with pytest.raises(ValueError, match=f"{named}.*; export the project as JSON"):
            list(read_tasks(exported((project, call), form, tmp_path)))


def test_the_import_page_takes_what_is_written(answered, tmp_path):
    _, call = answered
    tasks = list(read_tasks(exported(answered, "JSON", tmp_path)))
    sent = [{"data": task["data"], "annotations": task["annotations"][:1]} for task in tasks]
    (path,) = write_tasks(sent, tmp_path / "out", XML)
    config = (tmp_path / "out" / "labeling_config.xml").read_text(encoding="utf-8")
    project = call("POST", "/api/projects/", json={"title": "imported", "label_config": config}).json()["id"]
    with path.open("rb") as file:
        answer = call("POST", f"/api/projects/{project}/import", files={"file": (path.name, file)}).json()
    assert (answer["task_count"], answer["annotation_count"]) == (2, 2)
    back = list(read_tasks(exported((project, call), "JSON", tmp_path)))
    results = [[labels(task)[2][0][1] for task in some] for some in (sorted(tasks, key=lambda t: t["id"]), back)]
    assert results[0] == results[1]


def test_a_target_storage_is_read_as_the_export(sharing, tmp_path):
    session = requests.Session()
    session.headers["Authorization"] = f"Token {sharing.legacy_token}"

    def call(method, path, **options):
        answer = session.request(method, sharing.url + path, **options)
        answer.raise_for_status()
        return answer

    folder = tmp_path / "target"
    folder.mkdir()
    project = call("POST", "/api/projects/", json={"title": "target", "label_config": XML}).json()["id"]
    storage = {"project": project, "path": str(folder), "title": "target"}
    storage_id = call("POST", "/api/storages/export/localfiles", json=storage).json()["id"]
    path = f"/api/projects/{project}/import?return_task_ids=true"
    first, second = call("POST", path, json=[{"data": data} for data in DATA]).json()["task_ids"]
    for task, result in ((first, ABOUT_IMAGE[:1]), (first, ABOUT_IMAGE[1:]), (second, ABOUT_IMAGE)):
        call("POST", f"/api/tasks/{task}/annotations/", json={"result": result, "lead_time": 1.5})
    call("POST", f"/api/storages/export/localfiles/{storage_id}/sync")
    assert sorted(path.suffix for path in folder.iterdir()) == ["", "", ""]
    read = list(read_tasks(folder))
    for task in read:
        for annotation in task["annotations"]:
            assert annotation["completed_by"].keys() >= {"id", "email"}
            annotation["completed_by"] = annotation["completed_by"]["id"]
    expected = [labels(task) for task in read_tasks(exported((project, call), "JSON", tmp_path))]
    assert [labels(task) for task in read] == expected
    assert len(expected) == 2
