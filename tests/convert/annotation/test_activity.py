"""What people have done to a task is told by the list of tasks where it can, by the annotations where it cannot."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fo_labelstudio.convert.annotation.activity import (
    NOTHING,
    Activity,
    Share,
    activity_of_row,
    activity_of_task,
    annotator_of,
    parse_row,
)

ROW = {
    "id": 7,
    "total_annotations": 1,
    "cancelled_annotations": 0,
    "annotations_ids": "12",
    "annotators": [3],
    "avg_lead_time": 4.5,
    "draft_exists": False,
    "created_at": "2026-11-20T09:00:00.000001Z",
    "updated_at": "2026-11-20T10:00:00.5Z",
    "updated_by": [{"user_id": 3}],
    "predictions_model_versions": "FiftyOne",
}
"""As Label Studio 1.23.2 lists a task."""


def row(**values):
    return parse_row({**ROW, **values})


def annotation(user=3, **values):
    times = {"created_at": "2026-11-20T09:30:00Z", "updated_at": "2026-11-20T10:00:00.5Z"}
    return {"id": 12, "completed_by": user, "was_cancelled": False, "lead_time": 4.5, "result": [], **times, **values}


junk = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.just(10**400)
    | st.just("9" * 5000),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)


@given(st.dictionaries(st.sampled_from(sorted(ROW)), junk))
def test_whatever_the_server_lists_can_be_read(columns):
    for is_sent_finished in (False, True):
        activity_of_row(parse_row({**ROW, **columns, "id": 7}), is_sent_finished)


KEYS = ("id", "completed_by", "updated_by", "was_cancelled", "lead_time", "created_at", "updated_at", "import_id")


@given(st.lists(st.dictionaries(st.sampled_from(KEYS), junk) | junk, max_size=3) | junk)
def test_whatever_the_server_exports_can_be_read(annotations):
    activity_of_task({"id": 7, "annotations": annotations, "meta": {"fiftyone": {"annotation": 99}}})


def test_a_row_says_what_the_list_says():
    assert row() == (7, 1, 0, (3,), (12,), 4.5, False, "2026-11-20T10:00:00.5", True, "FiftyOne", None, None)


@pytest.mark.parametrize("listed", ["12,13", "12, 13", [12, 13]], ids=["sqlite", "postgresql", "a list"])
def test_the_ids_of_annotations_are_read_as_any_database_gives_them(listed):
    assert row(annotations_ids=listed).annotations == (12, 13)


def test_a_row_of_an_edition_with_reviews_counts_them_and_names_annotators_as_objects():
    found = parse_row({"id": 7, "annotators": [{"user_id": 3}, {}], "reviews_accepted": 2, "reviews_rejected": 0})
    assert (found.annotators, found.accepted, found.rejected) == ((3,), 2, 0)


def test_columns_that_the_server_leaves_out_say_nothing():
    assert parse_row({"id": 7}) == (7, 0, 0, (), (), None, False, "", True, "", None, None)


@pytest.mark.parametrize(
    ("columns", "is_changed"),
    [
        ({"updated_by": []}, True),
        ({"updated_by": [], "updated_at": "2026-11-20T09:00:00.000009Z"}, False),
        ({"updated_by": [{"user_id": 3}], "updated_at": "2026-11-20T09:00:00.000009Z"}, True),
    ],
)
def test_a_task_is_changed_where_somebody_has_changed_it_or_its_times_say_so(columns, is_changed):
    assert row(**columns).is_changed is is_changed


def test_the_list_tells_all_of_one_annotation():
    assert activity_of_row(row(), False) == Activity({3: Share(True, False, 4.5)})
    skipped = row(total_annotations=0, cancelled_annotations=1, avg_lead_time=None)
    assert activity_of_row(skipped, False) == Activity({3: Share(False, True, 0.0)})
    assert activity_of_row(row(total_annotations=0, draft_exists=True), False) == NOTHING


@pytest.mark.parametrize("columns", [{"total_annotations": 2}, {"cancelled_annotations": 1}, {"annotators": []}])
def test_of_several_annotations_or_of_a_deleted_account_only_the_annotations_tell(columns):
    assert activity_of_row(row(**columns), False) is None


def test_an_annotation_that_was_sent_is_nobodys_until_the_task_is_changed():
    assert activity_of_row(row(updated_by=[], updated_at=ROW["created_at"]), True) == NOTHING
    assert activity_of_row(row(), True) is None
    assert activity_of_row(row(total_annotations=0), True) == NOTHING


def test_a_task_tells_who_did_what_and_when():
    made = [
        annotation(3),
        annotation(4, was_cancelled=True, lead_time=None, updated_at="2026-11-21T08:00:00Z"),
        annotation({"id": 5, "email": "c@example.org"}, lead_time=2, created_at="2026-11-19T08:00:00Z"),
    ]
    activity = activity_of_task({"id": 7, "annotations": made})
    assert activity.shares == {3: Share(True, False, 4.5), 4: Share(False, True, 0.0), 5: Share(True, False, 2.0)}
    assert (activity.first, activity.last) == ("2026-11-19T08:00:00", "2026-11-21T08:00:00")
    assert activity.is_answered and not activity.is_skipped


def test_who_skips_and_answers_has_done_both():
    both = activity_of_task({"annotations": [annotation(was_cancelled=True), annotation(lead_time=1)]})
    assert both.shares == {3: Share(True, True, 5.5)}
    assert both.is_answered and not both.is_skipped


@pytest.mark.parametrize("annotations", [None, [], [None], [{"id": 1}]])
def test_what_is_no_annotation_says_nothing(annotations):
    assert activity_of_task({"annotations": annotations}) == NOTHING


TASK = {"meta": {"fiftyone": {"annotation": 99}}}
"""Sent with an annotation."""

SENT_AT = "2026-11-20T09:00:00Z"


class TestSentAnnotations:
    """An annotation that was sent with its task is the answer of who edits it."""

    def sent(self, **values):
        return annotation(1, import_id=99, created_at=SENT_AT, **{"updated_at": SENT_AT, **values})

    def test_it_is_nobodys_before(self):
        assert activity_of_task({**TASK, "annotations": [self.sent(updated_by=None)]}) == NOTHING

    def test_it_is_the_editors_after(self):
        edited = self.sent(updated_by=4, updated_at="2026-11-21T08:00:00Z")
        activity = activity_of_task({**TASK, "annotations": [edited]})
        assert activity == ({4: Share(True, False, 4.5)}, "2026-11-21T08:00:00", "2026-11-21T08:00:00")

    def test_others_are_of_who_made_them(self):
        assert annotator_of(annotation(3, updated_by=4), TASK) == 3
        assert annotator_of(annotation(None), TASK) is None
