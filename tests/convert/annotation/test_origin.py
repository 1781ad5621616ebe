"""What an annotation started from, and what the labeling config had then."""

from __future__ import annotations

import copy
import json
from dataclasses import replace

import fiftyone as fo
import pytest

from fo_labelstudio.convert.annotation.origin import Configs, Missing, Sighting, missing_from
from fo_labelstudio.convert.annotation.parse import parse_task, prediction_in_doubt
from fo_labelstudio.convert.labeling_config.write import to_labeling_config
from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.convert.task.write import SampleRecord, to_task
from tests.convert.strategies import field_of
from tests.support import as_exported

RUN = "run"
BOXES = field_of("detections", "boxes")
OTHERS = field_of("detections", "others")
FIELDS = [BOXES, OTHERS]
NEVER = Missing(frozenset(["boxes"]), {})
WITHOUT_CLASS = Missing(frozenset(), {"boxes": frozenset(["cat"])})


def box(label="cat"):
    return fo.Detection(label=label, bounding_box=[0.1, 0.2, 0.3, 0.4])


@pytest.fixture
def task():
    """A task as exported, with a box of each field and no annotation yet; and the result of its prediction."""
    labels = {field.name: fo.Detections(detections=[box()]) for field in FIELDS}
    record = SampleRecord("6b01070a57a5240a9753b925", "x.png", MediaInfo(640, 480), labels)
    task = json.loads(json.dumps(to_task(record, FIELDS, "u", RUN)))
    (prediction,) = task.pop("predictions")
    return {"id": 7, "annotations": [], "predictions": [5], **task}, prediction["result"]


def read(task, *annotations, configs=None):
    task = {**task, "annotations": list(annotations)}
    problems: list = []
    given = {} if configs is None else {"configs": configs}
    answer = parse_task(copy.deepcopy(task), FIELDS, RUN, problems, **given)
    states = {}
    for name, field in answer.fields.items():
        is_one = [("kept", field.kept), ("not shown", field.not_shown), ("deleted", field.deleted)]
        states[name] = next(state for state, ids in is_one if ids)
    return states, [str(problem) for problem in problems]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, "deleted"),
        ({"parent_prediction": None}, "not shown"),
        ({"parent_prediction": None, "prediction": {}}, "not shown"),
        ({"parent_prediction": 6}, "not shown"),
        ({"parent_prediction": 6, "prediction": {"id": 6, "model_version": "m", "result": []}}, "not shown"),
        ({"parent_prediction": True}, "not shown"),
        ({"parent_prediction": "5"}, "not shown"),
        ({"prediction": {"id": 5, "model_version": "FiftyOne", "result": []}}, "not shown"),
        ({"prediction": {"id": 5, "model_version": "FiftyOne", "result": None}}, "not shown"),
        ({"prediction": None}, "not shown"),
    ],
)
def test_an_empty_annotation_deletes_what_the_prediction_that_it_started_from_held(task, values, expected):
    task, sent = task
    states, problems = read(task, {**as_exported([], sent), **values})
    assert states == {"boxes": expected, "others": expected}
    assert problems == []


def test_a_region_of_ours_tells_where_an_annotation_started(task):
    task, (first, _) = task
    states, _ = read(task, as_exported([first], []))
    assert states == {"boxes": "kept", "others": "deleted"}


def test_a_prediction_of_another_model_that_holds_a_region_of_ours_shows_that_one(task):
    task, (first, _) = task
    prediction = {"id": 6, "model_version": "m", "result": [first]}
    states, _ = read(task, {**as_exported([], []), "parent_prediction": 6, "prediction": prediction})
    assert states == {"boxes": "deleted", "others": "not shown"}


def test_a_copy_of_an_annotation_was_shown_what_that_one_was(task):
    task, sent = task
    original = as_exported(sent, sent, id=3, updated_at="2026-11-20T09:00:00Z")
    copied = as_exported([], [], id=4, parent_annotation=3)
    assert read(task, original, copied)[0] == {"boxes": "deleted", "others": "deleted"}
    blank = as_exported([], [], id=3, updated_at="2026-11-20T09:00:00Z", parent_annotation=4)
    assert read(task, blank, copied)[0] == {"boxes": "not shown", "others": "not shown"}


def test_the_server_is_asked_only_for_a_prediction_that_decides(task):
    task, sent = task

    def in_doubt(annotation):
        return prediction_in_doubt({**task, "annotations": [annotation]}, FIELDS, RUN)

    assert in_doubt(as_exported([], sent)) is None
    assert in_doubt(as_exported([], [])) is None
    assert in_doubt(as_exported(sent, [], parent_prediction=5)) is None
    assert in_doubt(as_exported([], [], parent_prediction=5)) == 5
    assert prediction_in_doubt({"annotations": 3}, FIELDS, RUN) is None
    assert prediction_in_doubt([], FIELDS, RUN) is None


def test_a_region_hung_on_another_control_without_a_class_is_its_own_fields_and_untouched(task):
    task, (first, second) = task
    orphan = {**second, "from_name": "boxes", "value": {**second["value"], "x": 50}}
    del orphan["value"]["rectanglelabels"]
    states, problems = read(task, as_exported([first, orphan], [first, second]))
    assert states == {"boxes": "kept", "others": "not shown"}
    assert problems == []


def test_an_answer_about_a_region_hung_on_another_control_is_reported(task):
    task, (first, second) = task
    orphan = {**second, "from_name": "boxes", "value": {**second["value"]}}
    del orphan["value"]["rectanglelabels"]
    about = {**orphan, "from_name": "quality", "type": "choices", "value": {"choices": ["broken"]}}
    states, problems = read(task, as_exported([first, orphan, about], [first, second]))
    assert states == {"boxes": "kept", "others": "not shown"}
    where = f"task 7, region '{second['id']}'"
    assert problems == [f"{where}: its answer to 'quality' is about a label whose control tag is gone; left alone"]


class TestTheLabelingConfig:
    def test_of_the_run_lacks_nothing(self):
        assert missing_from(to_labeling_config(FIELDS), FIELDS) == Missing()

    @pytest.mark.parametrize("config", [None, 3, "", "<View", "<View/>"])
    def test_that_says_nothing_lacks_everything(self, config):
        assert missing_from(config, FIELDS) == Missing(frozenset(["boxes", "others"]), {})

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ('name="boxes"', 'name="moved"'),
            ('<RectangleLabels name="boxes" toName="image"', '<RectangleLabels name="boxes" toName="second"'),
            ('<RectangleLabels name="boxes"', '<RectangleLabels whenLabelValue="x" name="boxes"'),
        ],
    )
    def test_that_asks_something_else_lacks_the_control(self, old, new):
        config = to_labeling_config(FIELDS)
        assert old in config
        assert missing_from(config.replace(old, new), FIELDS) == NEVER

    def test_may_lack_a_class(self):
        name = BOXES.classes[0]
        config = to_labeling_config([BOXES]).replace(f'value="{name}"', 'value="renamed"')
        assert missing_from(config, [BOXES]) == Missing(frozenset(), {"boxes": frozenset([name])})

    def test_survives_being_saved(self):
        both = NEVER | WITHOUT_CLASS
        assert Missing.of_json(json.loads(json.dumps(both.to_json()))) == both


class TestOverTime:
    def test_an_answer_lies_between_the_sightings_before_and_after_it(self):
        configs = Configs([Sighting("2", Missing()), Sighting("4", NEVER), Sighting("6", Missing())], WITHOUT_CLASS)
        found = {time: configs.missing_at(time) for time in "12345678"}
        assert [time for time in found if "boxes" in found[time].controls] == ["3", "4", "5", "6"]
        assert [time for time in found if found[time].classes] == ["7", "8"]

    def test_an_answer_without_a_time_may_be_of_any(self):
        configs = Configs([Sighting("2", NEVER)], Missing())
        assert configs.missing_at("") == NEVER

    def test_of_sightings_that_are_alike_the_first_and_the_last_are_kept(self):
        seen: list[Sighting] = []
        for until, missing in [("1", Missing()), ("2", Missing()), ("3", NEVER), ("4", NEVER), ("5", NEVER)]:
            seen = Configs(seen, missing).seen(until)
        assert seen == [Sighting("2", Missing()), Sighting("3", NEVER), Sighting("5", NEVER)]

    def test_a_sighting_without_new_answers_counts_for_those_to_come(self):
        seen = Configs(Configs([], Missing()).seen("2"), NEVER).seen("")
        assert Configs(seen, Missing()).missing_at("2") == Missing()
        assert Configs(seen, Missing()).missing_at("3") == NEVER

    def test_a_deletion_counts_where_the_control_was_seen_before_and_after(self, task):
        task, sent = task
        annotation = as_exported([], sent)
        time = annotation["updated_at"].rstrip("Z")
        assert read(task, annotation, configs=Configs([], NEVER))[0]["boxes"] == "not shown"
        assert read(task, annotation, configs=Configs([Sighting(time, Missing())], NEVER))[0]["boxes"] == "deleted"


CONFIG = """<View><image name="image" value="$photo"/><Image name="other" value="$more"/>
  <rectanglelabels name="boxes" toname="image,other"><Label value="cat"/><Label value="dog"/></rectanglelabels>
  <RectangleLabels name="others" toName="image" whenRole="annotator" visibleWhen="no-region-selected">
  <Label value="cat"/><Label value="dog"/></RectangleLabels></View>"""

PETS = [replace(field, classes=("cat", "dog")) for field in FIELDS]


def test_a_labeling_config_of_others_lacks_nothing_of_itself():
    assert missing_from(CONFIG, PETS, CONFIG) == Missing()


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ('name="boxes"', 'name="renamed"', Missing(frozenset(["boxes"]), {})),
        ('toname="image,other"', 'toname="other"', Missing(frozenset(["boxes"]), {})),
        ('whenRole="annotator"', 'whenTagName="boxes"', Missing(frozenset(["others"]), {})),
        ('<Label value="cat"/><Label value="dog"/></rect', '<Label value="dog"/></rect', WITHOUT_CLASS),
    ],
)
def test_what_a_labeling_config_of_others_has_lost_since_is_found(before, after, expected):
    assert before in CONFIG
    assert missing_from(CONFIG.replace(before, after), PETS, CONFIG) == expected
