"""The tasks of the slices of a group as one task, and back."""

from __future__ import annotations

import json
from dataclasses import replace

import fiftyone as fo
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fo_labelstudio.convert.annotation.parse import parse_task
from fo_labelstudio.convert.labeling_config.read import read
from fo_labelstudio.convert.labeling_config.write import to_labeling_config
from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.convert.slices import asked_fields, check_slices, fields_by_slice
from fo_labelstudio.convert.task.joined import join, left_over, parts
from fo_labelstudio.convert.task.origin import digest_of_origin, has_prediction
from fo_labelstudio.convert.task.write import Finished, SampleRecord, to_task
from fo_labelstudio.errors import LabelSchemaError, RegionError
from tests.convert import strategies
from tests.properties import examples
from tests.support import as_exported

RUN, GROUP = "token", "6b01070a57a5240a9753b900"
SLICES = ("left", "right", "top")
SAMPLES = {name: f"6b01070a57a5240a9753b92{number}" for number, name in enumerate(SLICES)}
SIZES = {"left": MediaInfo(640, 480), "right": MediaInfo(320, 240), "top": MediaInfo(64, 64)}
BOXES = strategies.field_of("detections", "boxes")
DAY = strategies.field_of("classification", "day")
COUNT = strategies.field_of("scalar", "count")
FIELDS = (BOXES, DAY, COUNT)


def box(label="cat", **values):
    return fo.Detection(label=label, bounding_box=[0.1, 0.2, 0.3, 0.4], **values)


def boxes(*labels):
    return fo.Detections(detections=list(labels))


def tasks_of(labels, fields=FIELDS, slices=SLICES, finished=None, sizes=SIZES, **shown):
    """Slice -> the task that would show it alone, of those that have labels."""
    asked = fields_by_slice(fields, slices)
    return {
        name: to_task(
            SampleRecord(SAMPLES[name], f"/{name}.png", sizes[name], values, shown), asked[name], "", RUN, finished
        )
        for name, values in labels.items()
    }


def joined(labels, fields=FIELDS, slices=SLICES, **options):
    return join(GROUP, tasks_of(labels, fields, slices, **options), fields_by_slice(fields, slices))


def answered(task, edit=lambda result: result, **values):
    started = task["predictions"][0]["result"] if task["predictions"] else []
    annotation = as_exported(edit(json.loads(json.dumps(started))), started, **values)
    return {**json.loads(json.dumps(task)), "id": 7, "annotations": [annotation]}


def parts_of(task, fields=FIELDS, slices=SLICES, samples=SAMPLES):
    return parts(task, fields_by_slice(fields, slices), samples, RUN)


def answers_of(task, fields=FIELDS, slices=SLICES):
    """Id of a sample -> what was answered of it, and the problems."""
    problems = []
    found = [parse_task(part.task, part.fields, RUN, problems) for part in parts_of(task, fields, slices)]
    return {answer.sample_id: answer for answer in found}, problems


def test_a_task_shows_each_slice_under_its_name_and_leaves_empty_what_the_group_lacks():
    task = joined({"left": {"boxes": boxes(box())}, "top": {"day": fo.Classification(label="dog")}}, weather="rain")
    assert task["data"] == {
        "sample_id": GROUP,
        "filename": "left.png, top.png",
        "left": "",
        "left_weather": "rain",
        "right": "",
        "top": "",
        "top_weather": "rain",
    }
    origin = task["meta"]["fiftyone"]
    assert (origin["version"], origin["run"]) == (2, RUN)
    assert origin["slices"] == {"left": SAMPLES["left"], "top": SAMPLES["top"]}
    assert origin["size"] == {"left": [640, 480], "top": [64, 64]}
    assert set(origin["sent"]) == {"left%.boxes", "top%.day"}
    result = task["predictions"][0]["result"]
    assert [(item["from_name"], item["to_name"]) for item in result] == [("left%.boxes", "left"), ("top%.day", "top")]
    assert has_prediction(origin)


def test_the_digest_of_a_task_tells_what_was_sent_of_each_slice():
    one = joined({"left": {"boxes": boxes(box(id="6b01070a57a5240a9753b999"))}})
    other = joined({"right": {"boxes": boxes(box(id="6b01070a57a5240a9753b999"))}})
    assert len({digest_of_origin(task["meta"]["fiftyone"]) for task in (one, other)}) == 2


@pytest.mark.parametrize("label_type", strategies.IMAGE_TYPES)
@given(data=st.data())
@examples(20)
def test_each_slice_is_read_as_if_it_had_a_task_of_its_own(label_type, data):
    case = data.draw(strategies.cases(label_type))
    other = data.draw(st.lists(st.sampled_from(case.labels), unique_by=id) if case.labels else st.just([]))
    fields = (case.field, replace(case.field, name="another", control="another", attributes=()))
    # The same labels on both, so that their regions share their ids.
    labels = {"left": {case.field.name: case.value}, "right": {"another": case._replace(labels=other).value}}
    sizes = dict.fromkeys(SLICES, case.media)
    own = tasks_of(labels, fields, sizes=sizes)
    task = answered(joined(labels, fields, sizes=sizes))
    ids = [item["id"] for item in task["predictions"][0]["result"]] if task["predictions"] else []
    left = [item["id"] for item in own["left"]["predictions"][0]["result"]] if own["left"]["predictions"] else []
    assert not {*ids[: len(left)]} & {*ids[len(left) :]}
    found = {part.task["data"]["sample_id"]: part for part in parts_of(task, fields)}
    for name, alone in own.items():
        part = found[SAMPLES[name]]
        started = alone["predictions"][0]["result"] if alone["predictions"] else []
        assert part.task["meta"] == json.loads(json.dumps(alone["meta"]))
        assert part.task["annotations"][0]["result"] == json.loads(json.dumps(started))
        problems = []
        answer = parse_task(part.task, part.fields, RUN, problems)
        assert not [problem for problem in problems if not problem.is_note]
        assert all(answer.fields[field.name].is_untouched for field in fields)


def test_what_is_moved_drawn_and_deleted_is_told_of_its_own_slice():
    labels = {
        "left": {"boxes": boxes(box(), box("dog"))},
        "right": {"boxes": boxes(box()), "day": fo.Classification(label="cat")},
    }
    first, second = labels["left"]["boxes"].detections

    def edit(result):
        result = [item for item in result if item["id"] != second.id]
        result[0]["value"]["x"] = 50
        drawn = {**result[1], "id": "drawn", "value": {**result[1]["value"], "rectanglelabels": ["dog"]}}
        return [*result, drawn]

    answers, problems = answers_of(answered(joined(labels), edit))
    left, right = (answers[SAMPLES[name]].fields for name in ("left", "right"))
    assert problems == []
    assert [change.label_id for change in left["boxes"].edited] == [first.id]
    assert (left["boxes"].deleted, left["boxes"].added) == ([second.id], [])
    assert (right["boxes"].deleted, right["boxes"].edited) == ([], [])
    assert [change.parsed.values["label"] for change in right["boxes"].added] == ["dog"]
    assert right["day"].is_untouched


def test_what_is_made_on_two_slices_alike_are_two_labels():
    def choose(result):
        choice = {"type": "choices", "value": {"choices": ["dog"]}}
        return [{**choice, "id": name, "from_name": f"{name}%.day", "to_name": name} for name in ("left", "right")]

    answers, _ = answers_of(answered(joined({"left": {}, "right": {}}), choose))
    made = [answer.fields["day"].added[0].label_id for answer in answers.values()]
    assert len({*made}) == 2


def test_the_group_lacks_what_is_not_said_and_nothing_of_it_is_looked_at():
    answers, _ = answers_of(answered(joined({"left": {"boxes": boxes(box())}}), lambda result: []))
    assert set(answers) == {SAMPLES["left"]}


def test_what_is_answered_of_a_slice_that_is_not_shown_is_told_and_left():
    choice = {
        "id": "c",
        "type": "choices",
        "from_name": "right%.day",
        "to_name": "right",
        "value": {"choices": ["dog"]},
    }
    task = answered(joined({"left": {"boxes": boxes(box())}}), lambda result: [*result, choice])
    answers, problems = answers_of(task)
    assert answers[SAMPLES["left"]].fields["boxes"].is_untouched and problems == []
    told = left_over(task, task["annotations"][0], fields_by_slice(FIELDS, SLICES), RUN)
    assert [*told] == [("c", "it is about slice 'right', which its task does not show; left alone")]


def test_relations_stay_within_a_slice():
    labels = {"left": {"boxes": boxes(box(), box("dog"))}, "right": {"boxes": boxes(box())}}
    one, two = (label.id for label in labels["left"]["boxes"].detections)
    far = labels["right"]["boxes"].detections[0].id
    ends = [{"type": "relation", "from_id": one, "to_id": end, "direction": "right"} for end in (two, far)]
    task = answered(joined(labels), lambda result: [*result, *ends])
    answers, problems = answers_of(task)
    assert answers[SAMPLES["left"]].relations == {one: [two]}
    assert answers[SAMPLES["left"]].relations_unclear and answers[SAMPLES["right"]].relations == {}
    (told,) = left_over(task, task["annotations"][0], fields_by_slice(FIELDS, SLICES), RUN)
    assert told[0] == one and "leads from slice 'left' to 'right'" in told[1]
    assert problems == []


@pytest.mark.parametrize("lacks", ["to_name", "from_name", "id", "value", "all"])
def test_what_cannot_be_read_deletes_nothing_anywhere(lacks):
    labels = {"left": {"boxes": boxes(box())}, "right": {"boxes": boxes(box())}}

    def damage(result):
        result[0] = None if lacks == "all" else {key: value for key, value in result[0].items() if key != lacks}
        return result

    answers, _ = answers_of(answered(joined(labels), damage))
    for answer in answers.values():
        assert not answer.fields["boxes"].deleted and not answer.unexpected
        assert not answer.fields["boxes"].edited
    assert not answers[SAMPLES["right"]].fields["boxes"].added


def test_a_region_that_hangs_on_the_control_of_another_slice_is_no_label_of_that_slice():
    field = replace(BOXES, takes_none=True)
    labels = {"left": {"boxes": boxes(box())}, "right": {"boxes": boxes(box())}}
    orphan = labels["right"]["boxes"].detections[0].id

    def hang(result):
        for item in result:
            if item["id"] == orphan:
                item.update(from_name="left%.boxes", to_name="left", value={**item["value"], "rectanglelabels": []})
        return result

    answers, _ = answers_of(answered(joined(labels, (field,)), hang), (field,))
    assert answers[SAMPLES["left"]].fields["boxes"].is_untouched
    right = answers[SAMPLES["right"]].fields["boxes"]
    assert not right.deleted and not right.added


def test_a_finished_annotation_holds_all_slices_and_is_known_by_one_number():
    labels = {"left": {"boxes": boxes(box())}, "right": {"boxes": boxes(box())}}
    tasks = tasks_of(labels, finished=Finished(ground_truth=True))
    task = join(GROUP, tasks, fields_by_slice(FIELDS, SLICES), 12)
    (annotation,) = task["annotations"]
    assert (annotation["id"], annotation["ground_truth"], len(annotation["result"])) == (12, True, 2)
    assert task["predictions"] == [] and task["meta"]["fiftyone"]["annotation"] == 12
    back = parts_of({**task, "id": 7})
    assert {part.task["meta"]["fiftyone"]["annotation"] for part in back} == {12}


def test_the_slice_that_is_served_first_says_the_score():
    labels = {"left": {"boxes": boxes(box(confidence=0.75))}, "right": {"boxes": boxes(box(confidence=0.25))}}
    assert joined(labels)["predictions"][0]["score"] == 0.25


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda origin: origin.update(run="another"), "not made by this annotation run"),
        (lambda origin: origin.update(version=3), "has format 3, expected 2; update fo-labelstudio"),
        (lambda origin: origin["slices"].update(left=SAMPLES["right"]), "meta was changed"),
        (lambda origin: origin.update(slices=None), "meta was changed"),
        (lambda origin: origin.update(sent={"left%.boxes": 1}), "meta was changed"),
    ],
)
def test_a_task_that_somebody_has_changed_is_left_alone(change, words):
    task = answered(joined({"left": {"boxes": boxes(box())}}))
    change(task["meta"]["fiftyone"])
    with pytest.raises(RegionError, match=words):
        parts_of(task)


def test_the_labeling_config_asks_each_slice_beside_the_others():
    xml = to_labeling_config(FIELDS, ("left", "right cam"))
    config = read(xml)
    assert not config.problems
    assert '<Image name="left" value="$left"' in xml and '<Image name="right cam" value="$right_cam"' in xml
    for field in asked_fields(FIELDS, ("left", "right cam")):
        assert f'name="{field.control}" toName="{field.object_name}"' in xml


def test_slices_that_a_task_cannot_show_are_refused():
    check_slices(("left", "right"), FIELDS, ("weather",))
    for slices, task_fields, words in (
        (("a b", "a_b"), (), "the data of its task would have 'a_b', which slice 'a b' has"),
        (("filename",), (), "would have 'filename', which each task itself has"),
        (("a", "a_b"), ("b",), "would have 'a_b', which slice 'a' has"),
        (("",), (), "its name is blank"),
    ):
        with pytest.raises(LabelSchemaError, match=words):
            check_slices(slices, FIELDS, task_fields)
    of_text = replace(DAY, shows="caption", scope="text")
    with pytest.raises(LabelSchemaError, match="field 'day': its labels are on 'caption'"):
        check_slices(("left",), (of_text,), ())


def test_a_task_without_its_meta_is_not_the_runs():
    with pytest.raises(RegionError, match="not made by this annotation run"):
        parts_of({"id": 1, "data": {}, "annotations": []})
    assert parts_of(answered(joined({"left": {}})))[0].of_answer("text") == "text"
