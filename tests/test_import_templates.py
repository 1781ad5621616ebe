"""Label Studio's own image templates: an answer to each, in the editor's form, is imported with exact values."""

from __future__ import annotations

import numpy as np
import pytest

from fo_labelstudio.convert.labeling_config.kinds import Kind
from fo_labelstudio.convert.shapes import brush
from fo_labelstudio.errors import LabelingConfigError
from tests.convert.foreign.importing import Imported
from tests.docs.labeling_tables import HAS_ALL_TEMPLATES, config_of, templates

pytestmark = pytest.mark.xdist_group("templates")

TEMPLATES = templates()

SIZE = {"original_width": 8, "original_height": 6, "image_rotation": 0}
PLACE = {"x": 10, "y": 20, "width": 30, "height": 40, "rotation": 0}
BOX = {"bounding_box": pytest.approx([0.1, 0.2, 0.3, 0.4])}
CORNERS = [[10, 20], [50, 20], [30, 80]]
POLYGON = {
    "points": [[pytest.approx([x / 100, y / 100]) for x, y in CORNERS]],
    "closed": True,
    "filled": True,
}


def drawn(control, to_name, kind, value, region_id="r", **values):
    base = {"id": region_id, "from_name": control, "to_name": to_name, "type": kind, "value": value, "origin": "manual"}
    return base | SIZE | values


def box(control, to_name, label, region_id="r", **values):
    return drawn(control, to_name, "rectanglelabels", {**PLACE, "rectanglelabels": [label]}, region_id, **values)


def choice(control, to_name, *names):
    return {"id": control, "from_name": control, "to_name": to_name, "type": "choices", "value": {"choices": [*names]}}


def text(control, to_name, *texts, region_id=None, **place):
    value = {**place, "text": [*texts]}
    return {"id": region_id or control, "from_name": control, "to_name": to_name, "type": "textarea", "value": value}


def mask():
    pixels = np.zeros((6, 8), np.uint8)
    pixels[2:4, 1:5] = 1
    return pixels


def one_class(label):
    return {"label": label}


MASK = drawn("tag", "image", "brushlabels", {"format": "rle", "brushlabels": ["Car"]})
MASK["value"]["rle"] = [*brush.encode(mask()[2:4, 1:5].astype(bool), 1, 2, 8, 6)]

CASES = {
    "community-contributions/breast-cancer-mammogram-classification": (
        {"left_cc": "1.jpg", "left_mlo": "2.jpg", "right_cc": "3.jpg", "right_mlo": "4.jpg"},
        None,
        None,
    ),
    "community-contributions/ocr-invoices-pre-ner-bio-format": (
        {"image": "1.jpg"},
        [box("label", "image", "O"), text("transcription", "image", "TOTAL", region_id="r", **PLACE)],
        [{"label": [BOX | {"label": "O", "transcription": ["TOTAL"]}]}],
    ),
    "computer-vision/image-captioning": (
        {"captioning": "1.jpg"},
        [text("caption", "image", "A cat")],
        [{"caption": "A cat"}],
    ),
    "computer-vision/image-classification": (
        {"image": "1.jpg"},
        [choice("choice", "image", "Weapons")],
        [{"choice": one_class("Weapons")}],
    ),
    "computer-vision/inventory-tracking": (
        {"image": "1.jpg", "objects": [{"value": "CocaCola"}]},
        [
            drawn(
                "objects", "image", "polygonlabels", {"points": CORNERS, "closed": True, "polygonlabels": ["CocaCola"]}
            )
        ],
        [{"objects": [POLYGON | {"label": "CocaCola"}]}],
    ),
    "computer-vision/keypoints": (
        {"img": "1.jpg"},
        [drawn("kp-1", "img-1", "keypointlabels", {"x": 25, "y": 75, "width": 0.5, "keypointlabels": ["Nose"]})],
        [{"kp-1": [{"label": "Nose", "points": [[0.25, 0.75]]}]}],
    ),
    "computer-vision/medical-image-classification-with-bboxes": (
        {"image": "1.jpg"},
        [box("label", "image", "Tumor"), choice("classification", "image", "Benign")],
        [{"label": [BOX | {"label": "Tumor"}], "classification": one_class("Benign")}],
    ),
    "computer-vision/multipage-documents": (
        {"pages": ["1.jpg", "2.jpg", "3.jpg"]},
        [box("rectangles", "pdf", "Title", "a", item_index=0), box("rectangles", "pdf", "Date", "b", item_index=2)],
        [{"rectangles": [BOX | {"label": "Title"}]}, {}, {"rectangles": [BOX | {"label": "Date"}]}],
    ),
    "computer-vision/object-detection-with-bounding-boxes": (
        {"image": "1.jpg"},
        [box("label", "image", "Car")],
        [{"label": [BOX | {"label": "Car"}]}],
    ),
    "computer-vision/optical-character-recognition": (
        {"ocr": "1.jpg"},
        [
            drawn("bbox", "image", "rectangle", PLACE, "a"),
            drawn("label", "image", "labels", {**PLACE, "labels": ["Text"]}, "a"),
            text("transcription", "image", "TOTAL", region_id="a", **PLACE),
            drawn("poly", "image", "polygon", {"points": CORNERS, "closed": True}, "b"),
            drawn("label", "image", "labels", {"points": CORNERS, "closed": True, "labels": ["Handwriting"]}, "b"),
            text("transcription", "image", "Thanks", region_id="b", points=CORNERS, closed=True),
        ],
        [
            {
                "bbox": [BOX | {"label": "Text", "transcription": "TOTAL"}],
                "poly": [POLYGON | {"label": "Handwriting", "transcription": "Thanks"}],
            }
        ],
    ),
    "computer-vision/semantic-segmentation-with-masks": ({"image": "1.jpg"}, [MASK], None),
    "computer-vision/semantic-segmentation-with-polygons": (
        {"image": "1.jpg"},
        [drawn("label", "image", "polygonlabels", {"points": CORNERS, "closed": True, "polygonlabels": ["Car"]})],
        [{"label": [POLYGON | {"label": "Car"}]}],
    ),
    "computer-vision/visual-genome": (
        {"image": "1.jpg", "regions": [{"value": "a panda"}], "attributes": [{"value": "nose is black"}]},
        [box("regions", "image", "a panda", "a"), box("attributes", "image", "nose is black", "b")],
        [{"regions": [BOX | {"label": "a panda"}], "attributes": [BOX | {"label": "nose is black"}]}],
    ),
    "computer-vision/visual-question-answering": (
        {"image": "1.jpg", "q1": "How many?", "q2": "?", "q3": "?", "q4": "?"},
        [text("answer1", "q1", "Two"), text("answer3", "q3", "None")],
        [{"answer1": "Two", "answer3": "None"}],
    ),
    "ranking-and-scoring/content-based-image-search": (
        {"query_image": "1.jpg", "image1": "2.jpg", "image2": "3.jpg", "image3": "4.jpg"},
        [choice("similar", "query", "One", "Three")],
        [{"similar": [one_class("One"), one_class("Three")]}, {}, {}, {}],
    ),
    "ranking-and-scoring/pairwise-regression": (
        {"image1": "1.jpg", "image2": "2.jpg"},
        [{"id": "s", "from_name": "rating", "to_name": "image1,image2", "type": "rating", "value": {"rating": 4}}],
        [{"rating": 4}, {"rating": 4}],
    ),
}
"""Template -> the data of a task, the results of its annotation, what the fields of each image hold."""


def imported(name, data, result):
    task = {"id": 1, "project": 3, "data": data, "annotations": [{"id": 1, "result": result, "was_cancelled": False}]}
    return Imported(task, TEMPLATES[name]["config"])


@HAS_ALL_TEMPLATES
def test_each_template_that_shows_images_is_here():
    assert sorted(CASES) == [name for name in TEMPLATES if config_of(name).images]


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name in TEMPLATES else HAS_ALL_TEMPLATES)
        for name, (_, _, values) in CASES.items()
        if values is not None
    ],
)
def test_an_answer_to_a_template_is_imported_with_exact_values(name):
    data, result, values = CASES[name]
    found = imported(name, data, result)
    assert [found.values(number) for number in range(len(found.addresses))] == values
    assert found.problems == []


def test_a_mask_that_was_brushed_has_its_pixels():
    name = "computer-vision/semantic-segmentation-with-masks"
    found = imported(name, *CASES[name][:2])
    ((label,),) = found.values().values()
    assert label["label"] == "Car" and label["mask"].tolist() == [[1] * 4] * 2
    assert label["bounding_box"] == pytest.approx([1 / 8, 2 / 6, 4 / 8, 2 / 6])
    assert found.problems == []


@HAS_ALL_TEMPLATES
def test_the_mammograms_of_one_breast_have_its_classes():
    name = "community-contributions/breast-cancer-mammogram-classification"
    config = config_of(name)
    data = {tag.key: f"{number}.jpg" for number, tag in enumerate(config.images)}
    data |= {tag.key: "text" for tag in config.objects.values() if tag.key not in data and tag.key}
    left, findings = config.controls["birads_left"], config.controls["findings_left"]
    result = [
        choice(left.name, left.objects[0], left.classes[0]),
        choice(findings.name, findings.objects[0], *findings.classes[:2]),
    ]
    found = imported(name, data, result)
    values = {address: found.values(number) for number, address in enumerate(found.addresses)}
    (shown,) = (data[tag.key] for tag in config.images if tag.name == left.objects[0])
    assert values[shown]["birads_left"] == one_class(left.classes[0])
    assert values[shown]["findings_left"] == [one_class(one) for one in findings.classes[:2]]
    assert all(not own for address, own in values.items() if address != shown)


@pytest.mark.parametrize("name", [name for name in TEMPLATES if name not in CASES])
def test_a_template_without_images_is_refused_as_what_it_is(name):
    config = config_of(name)
    with pytest.raises(LabelingConfigError):
        config.check_images()
    rankings = [control.name for control in config.controls.values() if control.kind is Kind.RANKING]
    assert bool(rankings) == (name in RANKINGS)


RANKINGS = {
    "generative-ai/human-feedback-collection",
    "generative-ai/llm-ranker",
    "generative-ai/visual-ranker",
    "ranking-and-scoring/pairwise-classification",
}
