"""What reviewers have said: the newest review of an annotation speaks of it, until it is changed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fo_labelstudio.convert.annotation.choose import annotation_of
from fo_labelstudio.convert.annotation.review import Review, is_accepted, reviews_of, verdict_of
from fo_labelstudio.convert.foreign.which import Which

EARLY, LATE = "2026-11-20T10:00:00Z", "2026-11-20T11:00:00.5Z"


def review(annotation, accepted, time=EARLY, number=1, fixed=None):
    values = {"id": number, "annotation": annotation, "accepted": accepted, "created_at": time}
    return {**values, "fixed_annotation_history": fixed}


def test_the_newest_review_of_each_annotation_counts():
    rows = [review(1, True, LATE, 2), review(1, False, EARLY, 3), review(2, True, fixed=7)]
    assert reviews_of(rows) == {
        1: Review("accepted", LATE.rstrip("Z")),
        2: Review("fixed", EARLY.rstrip("Z")),
    }


def test_of_two_of_one_time_the_later_one_counts():
    assert reviews_of([review(1, True, number=2), review(1, False, number=1)])[1].verdict == "accepted"


@pytest.mark.parametrize("row", [{}, review("1", True), review(1, None), review(True, True), review(1, "yes")])
def test_a_review_that_does_not_say_what_it_is_of_says_nothing(row):
    assert reviews_of([row]) == {}


@pytest.mark.parametrize(
    ("last_action", "updated_at", "verdict"),
    [
        ("accepted", LATE, "accepted"),
        ("fixed_and_accepted", LATE, "accepted"),
        (None, LATE, "accepted"),
        ("updated", EARLY, "accepted"),
        ("updated", LATE, None),
        ("submitted", LATE, None),
        ("deleted_review", LATE, None),
    ],
)
def test_a_review_speaks_of_an_annotation_until_that_is_changed(last_action, updated_at, verdict):
    annotation = {"id": 1, "last_action": last_action, "updated_at": updated_at}
    assert verdict_of(annotation, reviews_of([review(1, True)])) == verdict


def test_reviews_that_an_export_lists_itself_count():
    annotation = {"id": 1, "reviews": [{"id": 5, "accepted": True, "created_at": EARLY, "created_by": {"id": 2}}]}
    assert is_accepted(annotation, {})
    assert not is_accepted({"id": 1, "reviews": []}, reviews_of([review(1, True)]))


def test_the_newest_accepted_annotation_of_a_task_is_its_answer():
    submitted = {"was_cancelled": False, "result": []}
    first, second = {**submitted, "id": 1, "updated_at": EARLY}, {**submitted, "id": 2, "updated_at": LATE}
    task = {"id": 9, "annotations": [first, second]}
    which = Which("accepted", reviews=reviews_of([review(1, True, LATE), review(2, False, LATE)]))
    assert annotation_of(task, which=which) == first
    assert annotation_of(task, which=Which("accepted")) is None


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "annotation", "accepted", "created_at", "reviews", "last_action", "updated_at"]),
            inner,
        )
    ),
)


@given(
    st.lists(st.dictionaries(st.sampled_from(list(review(1, True))), anything)),
    st.dictionaries(st.just("reviews"), anything),
)
def test_nothing_that_a_server_says_of_reviews_raises_an_error(rows, annotation):
    assert verdict_of(annotation, reviews_of(rows)) in (None, "accepted", "fixed", "rejected")
