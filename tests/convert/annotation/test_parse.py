from __future__ import annotations

import copy
import dataclasses
import json

import fiftyone as fo
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fo_labelstudio.convert.annotation.answer import Answer
from fo_labelstudio.convert.annotation.field_reader import label_id_of
from fo_labelstudio.convert.annotation.parse import parse_task
from fo_labelstudio.convert.edits import to_label
from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.convert.task.write import SampleRecord, to_task
from tests.convert import strategies
from tests.convert.families.test_contract import junk
from tests.support import as_exported

RUN = "run"
MEDIA = MediaInfo(640, 480)
SAMPLE = "6b01070a57a5240a9753b925"
BOXES = strategies.field_of("detections", "boxes")


def a_task(labels, result=None, field=BOXES, annotations=None, media=MEDIA):
    """A task as exported after it was sent with labels and answered with what result() makes of them."""
    task = json.loads(
        json.dumps(to_task(SampleRecord(SAMPLE, "x.png", media, {field.name: labels}), [field], "u", RUN))
    )
    preloaded = copy.deepcopy(task.pop("predictions"))
    regions = preloaded[0]["result"] if preloaded else []
    if annotations is None:
        started = copy.deepcopy(regions)
        annotations = [as_exported(result(regions) if result else regions, started)]
    return {"id": 7, "annotations": annotations, **task}


def read(task, field=BOXES) -> tuple[Answer | None, list[str]]:
    problems: list = []
    answer = parse_task(task, [field], RUN, problems)
    return answer, [str(problem) for problem in problems]


def two_boxes():
    return fo.Detections(
        detections=[
            fo.Detection(label="cat", bounding_box=[0.1, 0.2, 0.3, 0.4], confidence=0.5),
            fo.Detection(label="dog", bounding_box=[1 / 3, 0.5, 0.1, 0.1], rotation=0.3),
        ]
    )


@given(
    result=st.lists(
        junk
        | st.fixed_dictionaries(
            {},
            optional={
                "id": junk,
                "from_name": st.just("boxes") | junk,
                "type": st.just("rectanglelabels") | junk,
                "value": junk,
            },
        )
    )
)
def test_no_result_loses_a_label_that_it_still_holds(result):
    labels = two_boxes()
    answer, _ = read(a_task(labels, lambda sent: sent + result))
    sent_ids = [label.id for label in labels.detections]
    assert set(sent_ids) <= {
        *answer.fields["boxes"].kept,
        *(edit.label_id for edit in answer.fields["boxes"].edited),
    }


@given(task=junk)
def test_anything_else_than_a_task_is_reported_not_raised(task):
    answer, problems = read(task)
    assert answer is None and len(problems) == 1


def test_a_moved_box_is_an_edit_of_its_box_only():
    labels = two_boxes()

    def move(result):
        result[0]["value"]["x"] += 5
        return result

    answer, _ = read(a_task(labels, move))
    (edit,) = answer.fields["boxes"].edited
    assert edit.label_id == labels.detections[0].id
    assert edit.aspects == ("box",)
    assert to_label(edit, BOXES).bounding_box == pytest.approx([0.15, 0.2, 0.3, 0.4])
    assert answer.fields["boxes"].kept == [labels.detections[1].id]


def test_a_relabelled_box_is_an_edit_of_its_label_only():
    labels = two_boxes()

    def relabel(result):
        result[1]["value"]["rectanglelabels"] = ["cat"]
        return result

    answer, _ = read(a_task(labels, relabel))
    (edit,) = answer.fields["boxes"].edited
    assert (edit.label_id, to_label(edit, BOXES).label) == (labels.detections[1].id, "cat")
    assert edit.aspects == ("label",)


def test_a_region_that_is_gone_deletes_its_label():
    labels = two_boxes()
    answer, _ = read(a_task(labels, lambda result: result[1:]))
    assert answer.fields["boxes"].deleted == [labels.detections[0].id]


def test_a_drawn_region_gets_the_same_id_at_every_load():
    drawn = {
        "id": "0BJ-KyMeYB",
        "from_name": "boxes",
        "to_name": "image",
        "type": "rectanglelabels",
        "score": 0.9,
    }
    drawn["value"] = {"x": 1, "y": 2, "width": 3, "height": 4, "rotation": 0, "rectanglelabels": ["cat"]}
    task = a_task(two_boxes(), lambda result: [*result, drawn])
    (first,), (second,) = (read(copy.deepcopy(task))[0].fields["boxes"].added for _ in range(2))
    assert first.label_id == second.label_id == label_id_of(RUN, 7, BOXES, "0BJ-KyMeYB")
    assert to_label(first, BOXES).bounding_box == [0.01, 0.02, 0.03, 0.04]
    assert to_label(first, BOXES).confidence is None, "the score of a duplicated region is another region's"


@pytest.mark.parametrize(
    "change",
    [
        {"rectanglelabels": ["zebra"]},
        {"rectanglelabels": []},
        {"rectanglelabels": ["cat", "dog"]},
        {"x": "10"},
        {"width": None},
        {"height": float("nan")},
        {"y": 1e308},
    ],
)
def test_a_region_that_cannot_be_understood_costs_only_itself(change):
    labels = two_boxes()

    def damage(result):
        result[0]["value"].update(change)
        result[1]["value"]["x"] = 1
        return result

    answer, problems = read(a_task(labels, damage))
    assert answer.fields["boxes"].kept == [labels.detections[0].id]
    assert [edit.label_id for edit in answer.fields["boxes"].edited] == [labels.detections[1].id]
    (problem,) = problems
    assert problem.startswith(f"task 7, region '{labels.detections[0].id}': field 'boxes': ")


@pytest.mark.parametrize("change", [{"from_name": "renamed"}, {"id": 5}, {"id": None, "from_name": None}])
def test_a_region_that_belongs_to_no_field_deletes_no_label(change):
    labels = two_boxes()
    answer, problems = read(a_task(labels, lambda result: [{**result[0], **change}, result[1]]))
    assert set(answer.fields["boxes"].kept) >= {label.id for label in labels.detections}
    assert answer.fields["boxes"].deleted == []
    assert len(problems) == 1


def test_a_relation_hides_nothing_and_names_the_labels_that_it_connects():
    labels = two_boxes()
    first, second = (label.id for label in labels.detections)
    relation = {"type": "relation", "from_id": first, "to_id": second, "direction": "right", "labels": ["drives"]}
    answer, problems = read(a_task(labels, lambda result: [result[0], relation]))
    assert answer.fields["boxes"].deleted == [second]
    assert (answer.relations, problems) == ({first: [second]}, [])


def test_a_relation_of_something_that_is_no_label_is_none():
    relation = {"type": "relation", "from_id": "a", "to_id": "b", "direction": "right"}
    answer, problems = read(a_task(two_boxes(), lambda result: [*result, relation]))
    assert (answer.relations, problems) == ({}, [])


@pytest.mark.parametrize("box", [[-0.0, 0.3, 1.0000001, 0.3], [0.2, -0.0, 0.3, 1.02]])
def test_a_negative_zero_that_a_browser_writes_as_0_is_no_edit(box):
    labels = fo.Detections(detections=[fo.Detection(label="cat", bounding_box=box)])
    answer, _ = read(a_task(labels, lambda result: json.loads(json.dumps(result).replace("-0.0", "0"))))
    assert answer.fields["boxes"].kept == [labels.detections[0].id]


def test_a_region_of_another_control_that_only_one_field_could_have_made_is_taken_for_its_label():
    labels = two_boxes()
    value = {"x": 1, "y": 2, "width": 3, "height": 4, "rectanglelabels": ["dog"]}
    other = {"id": "r", "from_name": "other", "type": "rectanglelabels", "value": value}
    answer, problems = read(a_task(labels, lambda result: [*result, other]))
    (edit,) = answer.fields["boxes"].added
    assert to_label(edit, BOXES).bounding_box == [0.01, 0.02, 0.03, 0.04]
    assert (len(answer.fields["boxes"].kept), answer.unexpected, problems) == (2, {}, [])


@pytest.mark.parametrize(
    ("kind", "value", "label_type"),
    [
        ("rectanglelabels", {"x": 1, "y": 2, "width": 3, "height": 4, "rectanglelabels": ["zebra"]}, "detections"),
        ("polygonlabels", {"points": [[1, 2], [3, 4], [5, 6]], "polygonlabels": ["cat"]}, "polygons"),
        ("choices", {"choices": ["zebra"]}, "classifications"),
    ],
)
def test_a_region_of_another_control_that_no_field_could_have_made_is_unexpected(kind, value, label_type):
    other = {"id": "r", "from_name": "other", "type": kind, "value": value}
    answer, problems = read(a_task(two_boxes(), lambda result: [*result, other]))
    assert [edit.parsed.values["label"] for edit in answer.unexpected[label_type]] == [value[kind][0]]
    assert (len(answer.fields["boxes"].kept), answer.fields["boxes"].added, problems) == (2, [], [])


@pytest.mark.parametrize("value", [{}, {"rectanglelabels": ["cat"]}, {"rectanglelabels": [3], "x": 1}])
def test_a_result_of_another_control_that_is_no_region_is_reported(value):
    other = {"id": "r", "from_name": "other", "type": "rectanglelabels", "value": value}
    answer, problems = read(a_task(two_boxes(), lambda result: [*result, other]))
    (problem,) = problems
    assert problem.startswith("task 7, region 'r': ") and problem.endswith("; left alone")
    assert (len(answer.fields["boxes"].kept) >= 2, answer.fields["boxes"].deleted) == (True, [])


def test_a_skipped_annotation_is_no_answer(golden):
    skipped = golden("export_all_states")[0]["annotations"]
    assert skipped[0]["was_cancelled"] is True
    assert read(a_task(two_boxes(), annotations=skipped)) == (None, [])


def test_a_task_without_annotation_is_no_answer():
    assert read(a_task(two_boxes(), annotations=[])) == (None, [])


def test_the_newest_submitted_annotation_counts():
    labels = two_boxes()
    sent = a_task(labels)["annotations"][0]["result"]
    annotations = [
        {"id": 3, "was_cancelled": False, "updated_at": "2026-11-20T10:00:00.5Z", "result": sent[:1]},
        {"id": 4, "was_cancelled": False, "updated_at": "2026-11-20T10:00:00Z", "result": []},
        {"id": 5, "was_cancelled": True, "updated_at": "2026-11-20T11:00:00Z", "result": []},
    ]
    answer, _ = read(a_task(labels, annotations=annotations))
    assert answer.fields["boxes"].deleted == [labels.detections[1].id]


@pytest.mark.parametrize("meta", [{}, {"fiftyone": {"run": "another"}}, None])
def test_a_task_of_another_run_is_left_alone(meta):
    task = {**a_task(two_boxes()), "meta": meta}
    answer, problems = read(task)
    assert answer is None
    assert problems == ["task 7: it was not made by this annotation run; its annotation was left alone"]


def test_a_task_of_a_later_format_is_left_alone():
    task = a_task(two_boxes())
    task["meta"]["fiftyone"]["version"] = 2
    answer, problems = read(task)
    assert answer is None
    assert problems == ["task 7: its meta has format 2, expected 1; update fo-labelstudio"]


def test_a_second_label_for_a_field_of_one_is_reported():
    field = strategies.field_of("detection", "one")
    label = two_boxes().detections[0]
    answer, problems = read(a_task(label, lambda result: [*result, {**result[0], "id": "new"}], field=field), field)
    assert answer.fields["one"].kept == [label.id] and answer.fields["one"].added == []
    assert problems == ["task 7: field 'one': 'cat' is one label too many for a field of type detection; left out"]


class TestChoices:
    """A control holds one region with all choices."""

    def choose(self, *choices):
        region = {"id": "c9", "from_name": "tags", "to_name": "image", "type": "choices"}
        return lambda result: [{**region, "value": {"choices": list(choices)}}]

    def test_a_choice_changed_in_a_field_of_one_edits_its_label(self):
        field = strategies.field_of("classification", "tags")
        label = fo.Classification(label="cat", confidence=0.3)
        answer, _ = read(a_task(label, self.choose("dog"), field=field), field)
        (edit,) = answer.fields["tags"].edited
        assert (edit.label_id, to_label(edit, field).label) == (label.id, "dog")

    def test_a_choice_made_anew_keeps_its_label(self):
        field = strategies.field_of("classification", "tags")
        label = fo.Classification(label="cat")
        answer, _ = read(a_task(label, self.choose("cat"), field=field), field)
        assert answer.fields["tags"].kept == [label.id]

    def test_a_choice_for_a_label_without_class_edits_it(self):
        field = strategies.field_of("classification", "tags")
        label = fo.Classification(confidence=0.2)
        answer, _ = read(a_task(label, self.choose("dog"), field=field), field)
        assert [(edit.label_id, to_label(edit, field).label) for edit in answer.fields["tags"].edited] == [
            (label.id, "dog")
        ]

    def test_no_choice_keeps_a_label_without_class(self):
        field = strategies.field_of("classification", "tags")
        label = fo.Classification(confidence=0.2)
        answer, _ = read(a_task(label, lambda result: [], field=field), field)
        assert answer.fields["tags"].kept == [label.id]

    def test_choices_of_a_list_are_matched_by_class(self):
        field = strategies.field_of("classifications", "tags")
        labels = [fo.Classification(label=name) for name in ("cat", "dog", "dog")]
        value = fo.Classifications(classifications=labels)
        answer, _ = read(a_task(value, self.choose("日本", "dog"), field=field), field)
        assert answer.fields["tags"].kept == [labels[1].id, labels[2].id]
        assert answer.fields["tags"].deleted == [labels[0].id]
        assert [to_label(edit, field).label for edit in answer.fields["tags"].added] == ["日本"]

    def test_a_choice_outside_the_classes_leaves_the_whole_field_alone(self):
        field = strategies.field_of("classifications", "tags")
        label = fo.Classification(label="cat")
        value = fo.Classifications(classifications=[label])
        answer, problems = read(a_task(value, self.choose("zebra"), field=field), field)
        assert answer.fields["tags"].kept[0] == label.id and answer.fields["tags"].deleted == []
        assert problems == [
            "task 7, region 'c9': field 'tags': class 'zebra' is not one of the field's classes; left alone"
        ]


class TestParts:
    """Regions that share the beginning of their ids, or name one of them as their parent, are one label."""

    FIELD = strategies.field_of("polygons", "areas")

    def a_label(self, x):
        return fo.Polyline(label="cat", points=[[[x, 0.1], [x, 0.2], [0.3, 0.3]], [[x, 0.5], [x, 0.6], [0.7, 0.7]]])

    def test_a_label_is_deleted_when_its_last_region_is_gone(self):
        labels = [self.a_label(0.1), self.a_label(0.2)]
        value = fo.Polylines(polylines=labels)
        answer, _ = read(a_task(value, lambda result: [result[3]], field=self.FIELD), self.FIELD)
        assert answer.fields["areas"].deleted == [labels[0].id]
        assert [(edit.label_id, edit.aspects) for edit in answer.fields["areas"].edited] == [
            (labels[1].id, ("points",))
        ]

    def test_a_part_that_no_field_understands_keeps_its_label(self):
        label = self.a_label(0.1)
        value = fo.Polylines(polylines=[label])
        change = {"from_name": "renamed"}
        answer, problems = read(
            a_task(value, lambda result: [{**region, **change} for region in result], field=self.FIELD), self.FIELD
        )
        assert answer.fields["areas"].deleted == [] and label.id in answer.fields["areas"].kept
        assert len(problems) == 2

    def test_a_note_about_a_label_is_a_problem_of_its_region_and_hinders_nothing(self):
        label = self.a_label(0.1)
        value = fo.Polylines(polylines=[label])

        def relabel(result):
            result[1]["value"]["polygonlabels"] = ["dog"]
            return result

        answer, problems = read(a_task(value, relabel, field=self.FIELD), self.FIELD)
        assert answer.fields["areas"].kept == [label.id]
        assert problems == [
            f"task 7, region '{label.id}': field 'areas': its regions have several classes; took 'cat' rather than "
            "['dog']"
        ]

    @pytest.mark.parametrize("parents", [(1, 0), (0, 0), (1, None), (None, 1)])
    def test_regions_that_are_their_own_parents_are_read_all_the_same(self, parents):
        labels = [self.a_label(0.1), self.a_label(0.2)]
        value = fo.Polylines(polylines=labels)

        def nest(result):
            for region, parent in zip((result[0], result[2]), parents, strict=True):
                region["parentID"] = None if parent is None else labels[parent].id
            return result

        answer, _ = read(a_task(value, nest, field=self.FIELD), self.FIELD)
        found = answer.fields["areas"]
        assert {*found.kept, *found.deleted, *(edit.label_id for edit in found.edited)} == {
            label.id for label in labels
        }


def test_an_edit_of_one_of_two_fields_without_classes_is_read():
    fields = [dataclasses.replace(strategies.field_of("detections", name), classes=()) for name in ("boxes", "others")]
    labels = {
        field.name: fo.Detections(detections=[fo.Detection(bounding_box=[0.1, 0.2, 0.3, 0.4])]) for field in fields
    }
    task = json.loads(json.dumps(to_task(SampleRecord(SAMPLE, "x.png", MEDIA, labels), fields, "u", RUN)))
    started = task.pop("predictions")[0]["result"]
    result = copy.deepcopy(started)
    for region in result:
        region["value"]["x"] = 40.0
    problems: list = []
    answer = parse_task({"id": 7, "annotations": [as_exported(result, started)], **task}, fields, RUN, problems)
    assert problems == []
    for field in fields:
        (edit,) = answer.fields[field.name].edited
        assert edit.label_id == labels[field.name].detections[0].id
