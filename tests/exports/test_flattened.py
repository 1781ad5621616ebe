"""What JSON-MIN, CSV and TSV lost is filled in as documented."""

from __future__ import annotations

from fo_labelstudio.convert.labeling_config.read import LabelingConfig, ObjectTag
from fo_labelstudio.exports.flattened import of_record, of_row, tasks, to_results
from tests.exports.config import config_of, control

BOX = {"x": 1.5, "y": 2, "width": 3, "height": 4, "rotation": 0}
OTHER = {**BOX, "x": 50}
DATA = {"image": "a.png"}
SIZE = {"original_width": 64, "original_height": 48}
REST = {"annotator": 3, "annotation_id": 7, "created_at": "c", "updated_at": "u", "lead_time": 1.5}


def results(answers, config=None, data=DATA):
    notes = []
    return to_results(answers, data, config, notes.append), notes


def result(region_id, name, kind, value, **sizes):
    return {"id": region_id, "from_name": name, "to_name": "image", "type": kind, **sizes, "value": value}


def test_a_region_has_its_type_from_its_keys_and_its_id_from_its_place():
    answers = {
        "rect": [{**BOX, "rectanglelabels": ["cat"], **SIZE}, {**OTHER, "rectanglelabels": []}],
        "a": [{"points": [[1, 2]], "closed": True, "polygonlabels": ["road"]}],
        "b": [{"x": 1, "y": 2, "width": 0.5, "keypointlabels": ["nose"]}],
        "c": [{"x": 1, "y": 2, "radiusX": 3, "radiusY": 4, "rotation": 0}],
        "d": [{"format": "rle", "rle": [1], "brushlabels": ["x"]}],
        "e": [{"vertices": [], "closed": False}],
        "f": [{"rating": 3}],
        "g": [{"taxonomy": [["A", "B"]]}],
        "h": [{"number": 3}],
    }
    found, notes = results(answers)
    assert [(r["id"], r["type"]) for r in found] == [
        ("a-1", "polygonlabels"),
        ("b-1", "keypointlabels"),
        ("c-1", "ellipse"),
        ("d-1", "brushlabels"),
        ("e-1", "vector"),
        ("f-1", "rating"),
        ("g-1", "taxonomy"),
        ("h-1", "number"),
        ("rect-1", "rectanglelabels"),
        ("rect-2", "rectanglelabels"),
    ]
    assert found[-2] == result("rect-1", "rect", "rectanglelabels", {**BOX, "rectanglelabels": ["cat"]}, **SIZE)
    assert notes == []


def test_the_labeling_config_says_the_type_and_the_object_tag():
    config = config_of(ObjectTag("picture", "Image", "image"), rect="RectangleLabels", t="TextArea")
    found, _ = results({"rect": [BOX], "t": ["a cat"]}, config)
    assert [(r["type"], r["to_name"], r["value"]) for r in found] == [
        ("rectanglelabels", "picture", BOX),
        ("textarea", "picture", {"text": ["a cat"]}),
    ]


def test_results_of_one_shape_are_one_region_also_where_two_regions_are_alike():
    answers = {
        "label": [{**BOX, "labels": ["cat"]}, {**BOX, "labels": ["dog"]}, {**OTHER, "labels": ["cow"]}],
        "plain": [BOX, OTHER, BOX],
    }
    found, _ = results(answers)
    assert [(r["from_name"], r["id"]) for r in found] == [
        ("label", "label-1"),
        ("label", "label-2"),
        ("label", "label-3"),
        ("plain", "label-1"),
        ("plain", "label-3"),
        ("plain", "label-2"),
    ]


def test_texts_about_regions_belong_to_them_in_order_where_each_has_one():
    config = config_of(rect="RectangleLabels", color="Choices*", name="TextArea*")
    boxes = [{**BOX, "rectanglelabels": ["car"], **SIZE}, {**OTHER, "rectanglelabels": ["car"], **SIZE}]
    found, notes = results({"rect": boxes, "color": ["red", "blue"], "name": ["Ada"]}, config)
    assert found[2:] == [
        result("rect-1", "color", "choices", {**BOX, "choices": ["red"]}, **SIZE),
        result("rect-2", "color", "choices", {**OTHER, "choices": ["blue"]}, **SIZE),
    ]
    assert notes == ["control tag 'name': it is not told which regions 1 of its answers are about"]


def test_an_answer_about_a_region_that_has_its_shape_is_kept_beside_those_that_have_none():
    config = config_of(rect="RectangleLabels", color="Choices*")
    two = {**OTHER, "choices": ["red", "blue"]}
    found, notes = results({"rect": [BOX, OTHER, {**BOX, "x": 9}], "color": ["red", two]}, config)
    assert found[3:] == [result("rect-2", "color", "choices", two)]
    assert notes == ["control tag 'color': it is not told which regions 1 of its answers are about"]


def test_texts_stay_unassigned_where_the_order_of_the_regions_is_not_told():
    config = config_of(rect="RectangleLabels", poly="PolygonLabels", color="Choices*")
    polygon = {"points": [[1, 2]], "closed": True}
    found, notes = results({"rect": [BOX], "poly": [polygon], "color": ["red", "blue"]}, config)
    assert [r["from_name"] for r in found] == ["poly", "rect"]
    assert len(notes) == 1


def test_answers_about_a_list_of_images_are_left_out_unless_it_has_one():
    config = config_of(ObjectTag("image", "Image", "images", is_list=True), rect="RectangleLabels")
    assert results({"rect": [BOX]}, config, {"images": ["a.png", "b.png"]}) == (
        [],
        ["control tag 'rect': it is not told which of several images it is about"],
    )
    (found,), _ = results({"rect": [BOX]}, config, {"images": ["a.png"]})
    assert found["type"] == "rectanglelabels"
    two = LabelingConfig({}, {"rect": control("rect", "RectangleLabels", "left", "right")})
    assert results({"rect": [BOX]}, two)[0] == []
    assert results({"rect": [BOX]}, None, {"left": "a.png", "right": "b.png"})[0] == []
    compared = LabelingConfig({}, {"better": control("better", "Pairwise", "left", "right")})
    (found,), _ = results({"better": [{"selected": "left"}]}, compared)
    assert (found["to_name"], found["type"]) == ("left,right", "pairwise")


def test_controls_in_a_repeater_are_known_by_their_pattern():
    found, _ = results({"text_12": ["a"]}, config_of(index_flags=("{{idx}}",), **{"text_{{idx}}": "TextArea"}))
    assert found == [result("text_12-1", "text_12", "textarea", {"text": ["a"]})]


def test_a_record_of_json_min_is_told_apart_by_the_order_of_its_keys():
    record = {"image": "a.png", "weather": "sun", "id": 5, "scene": "day", "rect": [BOX], "extra": {"a": 1}, **REST}
    flat = of_record(record, None, [].append)
    assert flat.task == {
        "id": 5,
        "data": {"image": "a.png", "weather": "sun", "extra": {"a": 1}},
        "meta": {},
        "annotations": [],
        "predictions": [],
        "drafts": [],
    }
    assert flat.answers == {"scene": ["day"], "rect": [BOX]}
    assert flat.annotation == {
        "id": 7,
        "completed_by": 3,
        "was_cancelled": False,
        "ground_truth": False,
        "created_at": "c",
        "updated_at": "u",
        "lead_time": 1.5,
    }


def test_media_are_data_wherever_they_stand_but_a_path_of_choices_is_none():
    record = {
        "id": 5,
        "image": "/data/upload/1/a.png",
        "url": "s3://b/c",
        "file": "b.JPG",
        "kind": "Animal/Cat",
        **REST,
    }
    flat = of_record(record, None, [].append)
    assert flat.task["data"] == {"image": "/data/upload/1/a.png", "url": "s3://b/c", "file": "b.JPG"}
    assert flat.answers == {"kind": ["Animal/Cat"]}
    assert of_record(record, config_of(url="TextArea"), [].append).answers == {
        "kind": ["Animal/Cat"],
        "url": ["s3://b/c"],
    }


def test_a_text_under_a_name_that_is_a_data_key_too_is_data_and_said():
    notes = []
    record = {"image": "a.png", "scene": "day", "id": 5, **REST}
    flat = of_record(record, config_of(scene="Choices"), notes.append)
    assert flat.task["data"] == {"image": "a.png", "scene": "day"} and flat.answers == {}
    assert notes == ["'scene' is the name of a control tag and of a data key, so its text is taken for data"]


def test_texts_of_a_row_are_answers_where_the_labeling_config_names_the_column():
    row = {"id": 5, "image": "a.png", "scene": "day", "rect": '[{"x": 1, "rectanglelabels": ["a"]}]', "n": ""}
    row |= {"_data_scene": "old", "list": '["x"]', "object": "{broken", "annotator": "ada@x.org"}
    row |= {"annotation_id": 7, "created_at": "c", "updated_at": "u", "lead_time": ""}
    flat = of_row(row, config_of(scene="Choices"))
    assert flat.task["data"] == {"image": "a.png", "scene": "old", "list": ["x"], "object": "{broken"}
    assert flat.answers == {"scene": ["day"], "rect": [{"x": 1, "rectanglelabels": ["a"]}]}
    assert (flat.annotation["completed_by"], flat.annotation["lead_time"]) == ({"email": "ada@x.org"}, None)
    assert of_row({**row, "_data_scene": ""}, None).task["data"]["scene"] == "day"


def test_a_text_that_looks_like_json_is_a_text():
    rest = {"id": 1, "annotator": "1", "annotation_id": 7, "created_at": "", "updated_at": "", "lead_time": ""}
    flat = of_row({"t": "[1, 2]", **rest}, config_of(t="TextArea"))
    assert flat.answers == {"t": ["[1, 2]"]}


def test_records_of_one_task_that_follow_each_other_are_one_task():
    records = [{"image": "a.png", "id": number, "scene": "day", **REST} for number in (1, 1, 2, 1)]
    records[2]["annotation_id"] = None
    del records[2]["scene"]
    flats = [of_record(record, None, [].append) for record in records]
    found = list(tasks(flats, None, [].append))
    assert [(task["id"], len(task["annotations"])) for task in found] == [(1, 2), (2, 0), (1, 1)]
