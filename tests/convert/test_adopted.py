"""What a task of the integration inside FiftyOne would say if it were ours."""

from __future__ import annotations

import json

import fiftyone as fo
import fiftyone.utils.labelstudio as foul
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fo_labelstudio.convert.adopted import NOBODY, SentIds, adopted_task, as_own_annotation, sent_ids
from fo_labelstudio.convert.annotation.parse import parse_task
from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.convert.records import LabelField
from fo_labelstudio.convert.task.origin import META, SAMPLE_ID
from tests.support import as_exported

RUN, SAMPLE = "token", "sample"
SIZE = MediaInfo(64, 48)
BOXES = LabelField("gt", "detections", ("cat", "dog"), "gt")
SCENE = LabelField("scene", "classification", ("day", "night"), "scene")
WEATHER = LabelField("weather", "classifications", ("sun", "wind"), "weather")
LINES = LabelField("lines", "polygons", ("road",), "lines", tool="PolygonLabels")
POINTS = LabelField("points", "keypoints", ("nose",), "points", tool="KeyPointLabels")


def box(label="cat", x=0.1):
    return fo.Detection(label=label, bounding_box=[x, 0.2, 1 / 3, 0.1 + 0.2])


class Task:
    """A task as the integration makes it: a prediction for each field, made by its own functions."""

    def __init__(self, **values):
        self.values = values
        self.labels = {name: labels(value) for name, value in values.items()}
        self.task = {"id": 7, "data": {"image": "/data/upload/1/abc-a.png"}, "annotations": [], "predictions": []}
        self.ids = dict(self._ids())
        for number, (name, value) in enumerate(values.items(), start=11):
            full = {"from_name": name, "to_name": "image", "original_width": 64, "original_height": 48}
            result = foul.export_label_to_label_studio(value, full_result={**full, "image_rotation": 0})
            self.task["predictions"].append({"id": number, "result": json.loads(json.dumps(result))})

    def _ids(self):
        for name, value in self.values.items():
            ids = foul._get_label_ids(value)
            yield name, ids if isinstance(ids, list) else [ids]

    def adopted(self, *fields, others=None, labels=None):
        known = SentIds(self.ids, others or {})
        return adopted_task(self.task, SAMPLE, fields, known, labels or self.labels, SIZE, RUN)

    def answer(self, *fields, start=0, edit=lambda result: result, **values):
        """What an annotation that started from a prediction says."""
        found = self.adopted(*fields)
        assert found.problems == []
        prediction = self.task["predictions"][start]
        started = json.loads(json.dumps(prediction["result"]))
        annotation = {**as_exported(edit(started), [], parent_prediction=prediction["id"]), **values}
        task = {**self.task, "data": {SAMPLE_ID: SAMPLE}, "meta": {META: found.meta}}
        task["annotations"] = [as_own_annotation(annotation, found.predictions)]
        problems = []
        answer = parse_task(task, fields, RUN, problems)
        assert problems == []
        return answer.fields


def labels(value):
    return value[value._LABEL_LIST_FIELD] if hasattr(value, "_LABEL_LIST_FIELD") else [value]


def both():
    return Task(
        gt=fo.Detections(detections=[box(), box("dog", 0.5)]), scene=fo.Classification(label="day", confidence=0.5)
    )


def test_untouched_labels_are_kept_under_their_own_ids():
    made = both()
    answers = made.answer(BOXES, SCENE)
    assert answers["gt"].kept == made.ids["gt"] and not answers["gt"].edited and not answers["gt"].deleted


def test_labels_of_a_field_whose_prediction_was_not_shown_are_not_deleted():
    made = both()
    assert made.answer(BOXES, SCENE)["scene"].not_shown.keys() == set(made.ids["scene"])
    answers = made.answer(BOXES, SCENE, start=1)
    assert answers["gt"].not_shown.keys() == set(made.ids["gt"]) and answers["scene"].kept == made.ids["scene"]


def test_edits_and_deletions_are_those_of_the_labels():
    made = both()

    def edited(result):
        result[1]["value"]["x"] = 1
        return result[1:]

    answer = made.answer(BOXES, SCENE, edit=edited)["gt"]
    assert answer.deleted == made.ids["gt"][:1] and [edit.label_id for edit in answer.edited] == made.ids["gt"][1:]
    cleared = made.answer(BOXES, SCENE, start=1, edit=lambda result: [])["scene"]
    assert cleared.deleted == made.ids["scene"]


SHARES = st.floats(0, 1, allow_nan=False, allow_subnormal=False)


@given(
    st.lists(st.tuples(SHARES, SHARES, SHARES, SHARES, st.sampled_from(["cat", "dog"])), max_size=5),
    st.sets(st.integers(0, 4)),
)
def test_of_any_boxes_those_that_nobody_touched_are_kept_and_those_that_are_gone_deleted(boxes, gone):
    made = Task(gt=fo.Detections(detections=[fo.Detection(label=name, bounding_box=box) for *box, name in boxes]))
    edit = lambda result: [region for n, region in enumerate(result) if n not in gone]  # noqa: E731
    answer = made.answer(BOXES, edit=edit)["gt"]
    assert answer.kept == [label_id for n, label_id in enumerate(made.ids["gt"]) if n not in gone]
    assert answer.deleted == [label_id for n, label_id in enumerate(made.ids["gt"]) if n in gone]
    assert not answer.added and not answer.edited


@pytest.mark.parametrize("values", [{"parent_prediction": None}, {"parent_prediction": 99}])
def test_nothing_is_deleted_where_nobody_knows_what_was_shown(values):
    made = both()
    answers = made.answer(BOXES, SCENE, edit=lambda result: result[1:], **values)
    assert answers["gt"].not_shown.keys() == set(made.ids["gt"][:1]) and answers["gt"].kept == made.ids["gt"][1:]
    assert answers["scene"].not_shown.keys() == set(made.ids["scene"])


def test_several_choices_of_one_region_are_told_by_their_class():
    chosen = [fo.Classification(label="sun"), fo.Classification(label="wind")]
    made = Task(weather=fo.Classifications(classifications=chosen))
    entry = made.adopted(WEATHER).meta["sent"]["weather"]
    assert {key: facts["ids"] for key, facts in entry.items()} == {"sun": [chosen[0].id], "wind": [chosen[1].id]}
    edit = lambda result: [{**result[0], "id": "new", "value": {"choices": ["wind"]}}]  # noqa: E731
    answer = made.answer(WEATHER, edit=edit)["weather"]
    assert (answer.kept, answer.deleted) == ([chosen[1].id], [chosen[0].id])


def test_choices_that_a_load_has_given_new_ids_are_found_by_their_class():
    made = Task(scene=fo.Classification(label="day"))
    now = fo.Classification(label="day")
    assert made.adopted(SCENE, labels={"scene": [now]}).meta["sent"]["scene"]["choice"]["ids"] == [now.id]


def test_regions_that_an_earlier_load_has_made_labels_of_are_not_added_again():
    made = both()
    region = {**made.task["predictions"][0]["result"][0], "id": "drawn"}
    region["value"] = {"x": 5, "y": 5, "width": 10, "height": 10, "rotation": 0, "rectanglelabels": ["dog"]}
    made.task["annotations"] = [as_exported([region], [], parent_prediction=11)]
    loaded = fo.Detection(label="dog", bounding_box=[0.05, 0.05, 0.1, 0.1], rotation=0)
    made.labels["gt"] = [*made.labels["gt"], loaded]
    made.ids["gt"] = [*made.ids["gt"], loaded.id]
    answer = made.answer(BOXES, SCENE, edit=lambda result: [*result, region])["gt"]
    assert answer.added == [] and loaded.id in answer.kept


def test_a_label_without_a_value_is_nothing():
    made = both()
    made.task["predictions"].append({"id": 13, "result": [{"from_name": "gt", "type": None, "id": None, "value": {}}]})
    assert made.answer(BOXES, SCENE)["gt"].kept == made.ids["gt"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (
            LINES,
            fo.Polylines(
                polylines=[
                    fo.Polyline(
                        label="road",
                        points=[[(0.1, 0.1), (0.2, 0.1), (0.2, 0.2)], [(0.5, 0.5), (0.6, 0.5), (0.6, 0.6)]],
                        closed=True,
                        filled=True,
                    )
                ]
            ),
        ),
        (POINTS, fo.Keypoints(keypoints=[fo.Keypoint(label="nose", points=[(0.1, 0.1), (0.2, 0.2)])])),
    ],
)
def test_labels_of_which_a_part_was_sent_are_refused_by_name(field, value):
    made = Task(**{field.name: value})
    (problem,) = made.adopted(field).problems
    assert f"task 7, sample {SAMPLE}, field {field.name!r}, label {made.ids[field.name][0]}: it has several" in problem


def test_a_prediction_with_labels_of_another_sample_is_refused():
    made = both()
    others = {label_id: "another" for label_id in made.ids["gt"]}
    made.ids["gt"] = []
    problems = made.adopted(BOXES, SCENE, others=others).problems
    assert len(problems) == 2 and "it is a label of sample another" in problems[0]


def test_an_annotation_that_started_from_a_prediction_of_others_keeps_it():
    annotation = {"parent_prediction": 50, "prediction": {"id": 50, "result": []}}
    assert as_own_annotation(annotation, [{"id": 11, "result": []}]) == annotation
    assert as_own_annotation({}, [])["parent_prediction"] == NOBODY


def test_ids_are_read_as_the_integration_keeps_them():
    found = sent_ids({"gt": {"a": ["1", "2"], "b": []}, "scene": {"a": "3"}})
    assert list(found) == [("gt", "a", ["1", "2"]), ("gt", "b", []), ("scene", "a", ["3"])]
