"""What the real editor wrote, imported with its labeling config and from the results alone."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from fo_labelstudio.convert.foreign.which import Which
from tests.convert.foreign.importing import Imported, golden, sample_id_of

both = pytest.mark.parametrize("with_config", [True, False], ids=["config", "results alone"])


def imported(name, with_config=True, which=None):
    task, config = golden(name)
    return Imported(task, config if with_config else None, which)


@both
def test_questions_about_the_whole_image(with_config):
    found = imported("classification_accepted", with_config)
    assert found.problems == []
    assert found.values() == {
        "weather": {"label": "rain"},
        # The name of a field that all samples have.
        "tags_": [{"label": "day"}, {"label": "car, red"}],
        "sel": {"label": "s2"},
        "count": 12.5,
        "caption": "hello é world",
        "notes": ["line1", "line2\nx"],
        "quality": 4,
        "day": date(2024, 2, 29),
        "dtime": datetime(2024, 2, 29, 13, 45),
        "tax": [{"label": "Animal/Cat", "path": ["Animal", "Cat"]}, {"label": "Plant", "path": ["Plant"]}],
    }


def test_scores_of_predictions_are_confidences():
    found = imported("classification_accepted", which=Which(annotations=None, predictions="m1"))
    assert found.values()["weather_m1"] == {"label": "rain", "confidence": 0.8}
    boxes = imported("shapes_accepted_unchanged", which=Which(annotations=None, predictions="m1")).values()
    assert [label["confidence"] for label in boxes["rect_m1"]] == [0.9, 0.4]
    assert boxes["kp_m1"] == [{"label": "nose", "points": [[0.5, 0.5]], "confidence": [0.3]}]
    skeleton = imported("vector_skeleton_accepted", which=Which(annotations=None, predictions="all")).values()
    assert skeleton["vec_m"][0]["confidence"] == [0.9] * 5


def test_questions_about_regions_are_attributes():
    found = imported("per_region_accepted")
    assert found.problems == []
    assert found.values() == {
        "rect": [
            {
                "label": "car",
                "bounding_box": [0.1, 0.1, 0.3, 0.3],
                "car__color": "red",
                "occluded": "false",
                "speed": 12.5,
                "rate": 2,
                "tax": ["A/B"],
                "when": datetime(2024, 1, 1),
            },
            {"label": "person", "bounding_box": [0.55, 0.5, 0.3, 0.35], "person__name": ["Bob"]},
        ]
    }


def test_from_the_results_alone_a_text_is_one_where_there_is_never_more_than_one():
    assert imported("per_region_accepted", with_config=False).values()["rect"][1]["person__name"] == "Bob"


@both
def test_relations_lead_from_label_to_label(with_config):
    found = imported("per_region_accepted", with_config)
    car, person = found.answers[0].fields["rect"].added
    assert found.answers[0].fields["rect"].related == {person.label_id: [car.label_id]}
    assert found.answers[0].relations == {person.label_id: [car.label_id]}
    assert found.fields.notes == ("relations are kept without what they are called ('drives')",)


@both
def test_each_image_of_a_list_is_a_sample_of_its_own(with_config):
    found = imported("multi_image_accepted", with_config)
    assert found.problems == []
    assert found.addresses == ["/data/upload/1/7cd0b456-img0.png", "/data/upload/1/207d3316-img1.png"]
    assert [answer.sample_id for answer in found.answers] == list(map(sample_id_of, found.addresses))
    assert [found.values(number) for number in (0, 1)] == [
        {"rect": [{"label": "car", "bounding_box": [0.1, 0.1, 0.2, 0.2]}], "c": {"label": "day"}},
        {"rect": [{"label": "car", "bounding_box": [0.3, 0.3, 0.2, 0.2]}], "c": {"label": "night"}},
    ]
    ids = [edit.label_id for answer in found.answers for part in answer.fields.values() for edit in part.added]
    assert len(set(ids)) == 4


@both
def test_regions_with_their_class_in_a_result_of_its_own(with_config):
    (label,) = imported("rectangle_labels_pair_drawn", with_config).labels("rect")
    assert label.label == "dog"
    box = [0.19978046103183313, 0.19996341017197217, 0.25027442371020864, 0.30003658982802797]
    assert label.bounding_box == pytest.approx(box, abs=1e-9)


@both
def test_shapes_and_the_notes_of_regions(with_config):
    found = imported("shapes_accepted_unchanged", with_config)
    values = found.values()
    assert values["rect"][0] == {"label": "cat", "bounding_box": [0.1, 0.1, 0.3, 0.3], "note": "note"}
    assert values["rect"][1]["rotation"] == pytest.approx(0.5811946409141117)
    assert values["poly"] == [
        {"label": "road", "points": [[[0.6, 0.1], [0.90123456789, 0.1], [0.75, 0.4]]], "closed": True, "filled": True}
    ]
    assert values["kp"] == [{"label": "nose", "points": [[0.5, 0.5]]}]
    (ellipse,) = values["ell"]
    assert (ellipse["label"], ellipse["closed"], len(ellipse["points"][0])) == ("eye", True, 128)


@both
def test_points_in_the_tree_of_a_box_keep_their_own_classes(with_config):
    found = imported("keypoints_parentid_accepted", with_config)
    assert found.problems == []
    assert [(label.label, label.points) for label in found.labels("kp")] == [
        ("head", [[0.15, 0.15]]),
        ("neck", [[0.2, 0.2]]),
    ]


@both
def test_paths_are_open_or_closed(with_config):
    shape = pytest.approx([0.600439077936, 0.100439077936])
    for name, is_closed in (("vector_open_drawn", False), ("vector_closed_drawn", True)):
        (label,) = imported(name, with_config).labels("vec")
        assert (label.label, label.closed, label.filled) == ("lane", is_closed, False)
        assert (label.points[0][0], len(label.points[0])) == (shape, 3)


@both
def test_a_vector_that_branches_is_a_skeleton(with_config):
    (label,) = imported("vector_skeleton_accepted", with_config).labels("vec")
    assert label.label == "person"
    assert label.points == [[0.5, 0.1], [0.5, 0.3], [0.3, 0.5], [0.7, 0.5], [0.5, 0.6]]


@both
@pytest.mark.parametrize(("name", "field"), [("brush_drawn", "brush"), ("bitmask_drawn", "bitmask")])
def test_masks_that_were_drawn_by_hand(with_config, name, field):
    (label,) = imported(name, with_config).labels(field)
    assert label.label == {"brush": "sky", "bitmask": "sea"}[field]
    height, width = label.mask.shape
    assert label.bounding_box[2:] == [width / 640, height / 480]
    assert label.mask.any(axis=0).all() and label.mask.any(axis=1).all()


@both
def test_drafts_and_skipped_tasks_say_nothing(with_config):
    for name in ("brush_draft_only", "skipped_task"):
        assert imported(name, with_config).answers == []


def test_an_empty_annotation_says_that_there_is_nothing():
    found = imported("prediction_all_deleted")
    answer = found.answers[0].fields["rect"]
    assert (answer.added, answer.is_looked_at) == ([], True)
    assert answer.gone(["5" * 24]) == ["5" * 24]


def test_a_duplicated_region_is_a_label_of_its_own():
    labels = imported("prediction_duplicated_region").labels("rect")
    assert len({label.id for label in labels}) == 2
