"""Which answers to a task count."""

from __future__ import annotations

import pytest

from fo_labelstudio.convert.foreign.which import Which, annotator_of, chosen_of
from tests.convert.foreign.importing import Imported, golden


def annotation(number, **values):
    """A submitted annotation whose only result tells its number."""
    time = f"2026-11-20T10:00:0{number}.000000Z"
    return {"id": number, "was_cancelled": False, "updated_at": time, "result": [number], **values}


def chosen(task, **which):
    """The numbers of the annotations that count, and whose they are."""
    problems = []
    found = [(one.source.name, one.result[0]) for one in chosen_of(task, Which(**which), 1, problems)]
    assert problems == []
    return found


def test_the_newest_submitted_annotation_counts():
    task = {"annotations": [annotation(2), annotation(3, was_cancelled=True), annotation(1)]}
    assert chosen(task) == [(None, 2)]


def test_a_time_of_whole_seconds_is_older_than_its_fractions():
    later = annotation(1, updated_at="2026-11-20T10:00:00.5Z")
    assert chosen({"annotations": [later, annotation(2, updated_at="2026-11-20T10:00:00Z")]}) == [(None, 1)]


def test_without_times_the_highest_id_counts_and_without_ids_the_last():
    def bare(number, **values):
        return {"result": [number], **values}

    assert chosen({"annotations": [bare(1, id=11), bare(2, id=12), bare(3, id=9)]}) == [(None, 2)]
    assert chosen({"annotations": [bare(1, id="9"), bare(2, id="1001")]}) == [(None, 2)]
    assert chosen({"annotations": [bare(1), bare(2)]}) == [(None, 2)]


def test_times_of_old_files_are_seconds():
    task = {
        "completions": [annotation(1, updated_at=None, created_at=1609459201), annotation(2, created_at=1609459200)]
    }
    task["completions"][1].pop("updated_at")
    assert chosen(task) == [(None, 1)]


@pytest.mark.parametrize("flag", ["was_cancelled", "skipped"])
def test_skipped_tasks_never_count(flag):
    task = {"annotations": [{"id": 1, "result": [1], flag: True}], "drafts": [{"result": [2]}]}
    for which in ("latest", "ground_truth", "all", "a@b.co"):
        assert chosen(task, annotations=which) == []


def test_skipped_tasks_and_drafts_count_where_they_are_asked_for():
    draft = {"id": 4, "user": "ann@x.org", "updated_at": "2026-11-20T10:00:09.000000Z", "result": [9]}
    task = {"annotations": [annotation(1), annotation(2, was_cancelled=True)], "drafts": [draft]}
    assert chosen(task) == [(None, 1)]
    assert chosen(task, with_skipped=True) == [(None, 2)]
    assert chosen(task, with_drafts=True) == [(None, 9)]
    assert chosen(task, annotations="ann@x.org", with_drafts=True) == [(None, 9)]


def test_of_a_draft_of_the_brush_it_is_told_that_it_cannot_be_read():
    task, config = golden("brush_draft_only")
    imported = Imported(task, config, Which(with_drafts=True))
    (problem,) = imported.problems
    assert problem.endswith("its value has neither rle nor imageDataURL; left alone")


@pytest.mark.parametrize("flag", ["ground_truth", "honeypot"])
def test_the_newest_ground_truth(flag):
    task = {"annotations": [annotation(1, **{flag: True}), annotation(2, **{flag: False}), annotation(3)]}
    assert chosen(task, annotations="ground_truth") == [(None, 1)]
    assert chosen({"annotations": [annotation(1)]}, annotations="ground_truth") == []


@pytest.mark.parametrize(
    "by",
    [
        {"completed_by": {"id": 4, "email": "Ann@x.org"}},
        {"completed_by": "ann@x.org"},
        {"completed_by": 4, "created_username": "Ann Example ann@x.org, 4"},
        {"created_username": " ann@x.org, 4"},
    ],
)
def test_an_annotator_is_known_by_their_e_mail(by):
    task = {"annotations": [annotation(1, **by), annotation(2, completed_by={"id": 5, "email": "bob@x.org"})]}
    assert chosen(task, annotations="ANN@x.org") == [(None, 1)]
    assert annotator_of(task["annotations"][0], {}) == "ann@x.org"


def test_an_annotator_is_known_by_their_id_where_nothing_tells_the_e_mail():
    task = {"annotations": [annotation(1, completed_by=4), annotation(2, completed_by=5)]}
    assert chosen(task, annotations="4") == [(None, 1)]
    assert chosen(task, annotations="user 4") == [(None, 1)]
    assert chosen(task, annotations="ann@x.org", people={4: "Ann@x.org"}) == [(None, 1)]
    assert chosen(task, annotations="ann@x.org") == []


def test_all_is_the_newest_of_each_annotator():
    by = [{"id": 4, "email": "ann@x.org"}, 5, None]
    task = {"annotations": [annotation(number, completed_by=by[number % 3]) for number in range(6)]}
    assert chosen(task, annotations="all") == [("ann@x.org", 3), ("user 5", 4), ("unknown", 5)]


def test_predictions_are_told_apart_by_their_model_version():
    def prediction(number, **values):
        return {"id": number, "result": [number], **values}

    versions = [prediction(1, model_version="v1"), prediction(2, model_version="v2"), prediction(3, model_version="v1")]
    task = {"annotations": [annotation(9)], "predictions": [*versions, prediction(4), prediction(5, model_version="")]}
    assert chosen(task) == [(None, 9)]
    assert chosen(task, annotations=None, predictions="v1") == [("v1", 3)]
    assert chosen(task, predictions="v3") == [(None, 9)]
    assert chosen(task, annotations=None, predictions="all") == [("v1", 3), ("v2", 2), ("undefined", 5)]


def test_what_is_no_answer_is_told_and_left_out():
    problems = []
    task = {"annotations": [7, annotation(1, result="x")], "predictions": {"a": 1}}
    assert chosen_of(task, Which(predictions="all"), 3, problems) == []
    assert [str(problem) for problem in problems] == [
        "task 3: one of its annotations is 7, expected an object; left out",
        "task 3: the result of its answer 1 is no list",
        "task 3: its predictions are {'a': 1}, expected a list",
    ]


def test_predictions_that_an_export_has_as_ids_are_told():
    task, config = golden("export_all_states")
    imported = Imported(task, config, Which(annotations=None, predictions="all"))
    assert imported.answers == []
    assert imported.problems[0] == "task 34375: one of its predictions is 35488, expected an object; left out"


def test_of_an_export_the_submitted_annotations_count():
    task, config = golden("export_all_states")
    imported = Imported(task, config)
    assert imported.problems == []
    assert [answer.task_id for answer in imported.answers] == [34376, 34379]
    assert [len(answer.fields["rect"].added) for answer in imported.answers] == [1, 0]


def test_each_annotator_and_each_model_has_fields_of_their_own():
    def boxes(x):
        value = {"x": x, "y": 0, "width": 10, "height": 10, "rectanglelabels": ["a"]}
        return [{"id": "r", "from_name": "box", "to_name": "image", "type": "rectanglelabels", "value": value}]

    task = {
        "id": 1,
        "data": {"image": "a.png"},
        "annotations": [
            annotation(1, result=boxes(1), completed_by="ann@x.org"),
            annotation(2, result=boxes(2), completed_by="ann@x.com"),
        ],
        "predictions": [{"model_version": "v1/a", "result": boxes(3)}, {"model_version": "v1 a", "result": boxes(4)}],
    }
    lone = {"id": 2, "data": {"image": "b.png"}, "annotations": [annotation(3, result=[], completed_by="ann@x.org")]}
    imported = Imported([task, lone], None, Which(annotations="all", predictions="all"))
    places = {name: round(100 * labels[0]["bounding_box"][0]) for name, labels in imported.values().items()}
    assert list(places.values()) == [2, 1, 4, 3]
    ann_com, ann_org, *models = places
    assert (ann_com, ann_org) == ("box_ann_x_com", "box_ann_x_org")
    # Names that look alike without what no field can be called are told apart.
    assert [name.startswith("box_v1_a_") for name in models] == [True, True]
    assert len(set(models)) == 2
    ids = {edit.label_id for found in imported.answers[0].fields.values() for edit in found.added}
    assert len(ids) == 4


def test_who_has_not_answered_a_task_says_nothing_of_it():
    def answered(number, person, rating):
        item = {"id": "q", "from_name": "quality", "to_name": "image", "type": "rating", "value": {"rating": rating}}
        return annotation(number, completed_by=person, result=[item])

    tasks = [
        {"id": 1, "data": {"image": "a.png"}, "annotations": [answered(1, "a@x.org", 3), answered(2, "b@x.org", 4)]},
        {"id": 2, "data": {"image": "b.png"}, "annotations": [answered(3, "a@x.org", 5)]},
    ]
    imported = Imported(tasks, None, Which(annotations="all"))
    assert imported.values(0) == {"quality_a_x_org": 3, "quality_b_x_org": 4}
    assert imported.values(1) == {"quality_a_x_org": 5}
    silent = imported.answers[1].fields["quality_b_x_org"]
    assert silent.gone(["value"]) == [] and silent.not_shown and not silent.is_looked_at
