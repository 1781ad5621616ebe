"""The examples of Label Studio's docs are imported as they stand, with and without their labeling config."""

from __future__ import annotations

import pytest

from fo_labelstudio.convert.foreign.which import Which
from tests.convert.foreign import examples
from tests.convert.foreign.importing import Imported

MODELS = Which(annotations=None, predictions="all")


def configured(config):
    """With the labeling config, and from the results alone."""
    return pytest.mark.parametrize("config", [config, None], ids=["config", "results alone"])


def box(x, y, width, height):
    return pytest.approx([x / 100, y / 100, width / 100, height / 100])


@configured(examples.BOXES_CONFIG)
def test_boxes_and_choices_of_a_prediction(config):
    imported = Imported(examples.BOXES, config, MODELS)
    assert imported.problems == []
    assert imported.values() == {
        "label_one": [
            {"label": "Airplane", "bounding_box": box(4.98, 12.82, 32.52, 44.91), "confidence": 0.5},
            {"label": "Car", "bounding_box": box(75.47, 82.33, 5.74, 7.40), "confidence": 0.5},
        ],
        "choice_one": {"label": "Airbus", "confidence": 0.5},
    }


def test_regions_without_labels():
    imported = Imported(examples.WITHOUT_LABELS, examples.WITHOUT_LABELS_CONFIG, MODELS)
    assert imported.problems == []
    values = imported.values()
    (ellipse,) = values.pop("ellipse_one")
    assert values == {
        "rect_one": [{"bounding_box": box(55.46, 2.36, 35.86, 46.9), "confidence": 0.5}],
        "polygon_one": [
            {
                "points": [[pytest.approx([x / 100, y / 100]) for x, y in examples.CORNERS]],
                "closed": True,
                "filled": True,
                "confidence": 0.5,
            }
        ],
        "kp_one": [{"points": [pytest.approx([0.384, 0.3421])], "confidence": [0.5]}],
    }
    (shape,) = ellipse.pop("points")
    assert ellipse == {"closed": True, "filled": True, "confidence": 0.5}
    assert min(x for x, _ in shape) == pytest.approx(0.044)
    assert max(x for x, _ in shape) == pytest.approx(0.124)
    assert min(y for _, y in shape) == pytest.approx(0.1304)
    assert max(y for _, y in shape) == pytest.approx(0.2724)


def test_regions_without_labels_from_the_results_alone():
    imported = Imported(examples.WITHOUT_LABELS, None, MODELS)
    assert imported.problems == []
    assert {name: len(labels) for name, labels in imported.values().items()} == {
        "rect_one": 1,
        "rect_keypoints_one": 1,
        "polygon_one": 1,
        "ellipse_one": 1,
    }


@configured(examples.OCR_CONFIG)
def test_text_that_was_recognised_in_a_region(config):
    imported = Imported(examples.OCR, config, MODELS)
    assert imported.problems == []
    line = [48.93333333333333, 61.333333333333336, 9.733333333333333, 2.8444444444444446]
    assert imported.values() == {
        "bbox_best_ocr_model_1_final": [
            {"label": "Text", "bounding_box": box(*line), "transcription": "TOTAL", "confidence": 0.89}
        ]
    }


@pytest.mark.parametrize("task", [examples.TASK, examples.COMPLETIONS], ids=["task", "completions"])
def test_a_task_with_an_annotation_and_predictions_of_two_models(task):
    imported = Imported(task, None, Which(predictions="all"))
    assert imported.problems == []
    walker = [50.8, 5.869797225186766, 12.4, 10.458911419423693]
    assert imported.values() == {
        "tag": [{"label": "Moonwalker", "bounding_box": box(*walker)}],
        "tag_model_1": [
            {"label": "Moonwalker", "bounding_box": box(13.2, 34.702495201535505, 39.6, 11.612284069097889)}
        ],
        "tag_model_2": [
            {"label": "Moonwalker", "bounding_box": box(13.2, 54.702495201535505, 39.6, 33.61228406909789)}
        ],
    }
    assert imported.addresses == [task["data"]["image"]]
