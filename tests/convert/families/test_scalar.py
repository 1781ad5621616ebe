from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

import pytest

from fo_labelstudio.convert.edits import to_label
from fo_labelstudio.convert.question import Question
from fo_labelstudio.convert.schema import parse_label_schema
from tests.convert import strategies
from tests.convert.trip import Trip

KINDS = {
    "str": (Question("text", "str"), "a\nb é", {"text": ["a\nb é"]}),
    "int": (Question("number", "int"), -3, {"number": -3}),
    "float": (Question("number", "float"), 0.1, {"number": 0.1}),
    "bool": (Question("radio", "bool", (True, False)), False, {"choices": ["false"]}),
    "date": (Question("date", "date"), date(2024, 2, 29), {"datetime": "2024-02-29"}),
    "list": (Question("checkbox", "list", ("a", "b", "c")), ["c", "a"], {"choices": ["a", "c"]}),
    "select": (Question("select", "int", (1, 2, 30)), 30, {"choices": ["30"]}),
}


def a_field(question, **values):
    return strategies.field_of("scalar", "count", question=question, **values)


def a_trip(question, *values):
    return Trip(a_field(question), *values)


def an_item(question, value):
    return {"id": "n", "from_name": "count", "to_name": "image", "type": question.result_type, "value": value}


@pytest.mark.parametrize(("question", "value", "sent"), KINDS.values(), ids=KINDS)
class TestEveryKind:
    def test_a_value_is_one_result(self, question, value, sent):
        (item,) = a_trip(question, value).sent
        assert (item["type"], item["value"]) == (question.result_type, sent)
        assert "original_width" not in item

    def test_a_value_that_comes_back_is_kept(self, question, value, sent):
        trip = a_trip(question, value)
        answer, problems = trip.answer([an_item(question, sent)])
        assert (answer.kept, answer.edited, answer.deleted, problems) == (["value"], [], [], [])

    def test_an_answer_where_there_was_none_is_added(self, question, value, sent):
        answer, problems = a_trip(question).answer([an_item(question, sent)])
        back = to_label(answer.added[0], a_field(question))
        assert (sorted(back) if isinstance(back, list) else back) == (
            sorted(value) if isinstance(value, list) else value
        )
        assert type(back) is type(value) and problems == []

    def test_an_answer_taken_away_is_a_deletion(self, question, value, sent):
        assert a_trip(question, value).answer([])[0].deleted == ["value"]

    def test_an_answer_to_another_question_leaves_the_value_alone(self, question, value, sent):
        for wrong in (
            {},
            {"number": "x"},
            {"choices": ["zebra"]},
            {"text": [3]},
            {"datetime": "soon"},
            {"number": True},
        ):
            answer, problems = a_trip(question, value).answer([an_item(question, wrong)])
            understood = answer.deleted or answer.edited
            assert (answer.kept and problems) or understood
            assert not answer.edited, f"{wrong} was taken for a value"


def test_a_date_and_time_keeps_its_parts_of_a_second():
    question, value = Question("datetime", "datetime"), datetime(2024, 2, 29, 13, 45, 7, 123000)
    trip = a_trip(question, value)
    assert trip.sent[0]["value"]["datetime"].startswith("2024-02-29T13:45:07.123")
    assert trip.answer()[0].kept == ["value"]


def test_a_date_and_time_is_sent_in_utc():
    question = Question("datetime", "datetime")
    east = datetime(2024, 2, 29, 1, 0, tzinfo=timezone(timedelta(hours=3)))
    assert a_trip(question, east).sent[0]["value"]["datetime"].startswith("2024-02-28T22:00")


def test_what_the_editor_writes_for_a_date_and_time_is_read():
    question = Question("datetime", "datetime")
    (edit,) = a_trip(question).answer([an_item(question, {"datetime": "2024-02-29T13:45"})])[0].added
    assert to_label(edit, a_field(question)) == datetime(2024, 2, 29, 13, 45)


@pytest.mark.parametrize(
    ("kind", "answer", "value"),
    [
        ("int", {"number": 4.0}, 4),
        ("int", {"number": "4"}, 4),
        ("float", {"number": 4}, 4.0),
        ("str", {"text": "one line"}, "one line"),
        ("str", {"text": ["one", "two"]}, "one\ntwo"),
        ("date", {"datetime": "2024-02-29T13:45"}, date(2024, 2, 29)),
        ("list", {"choices": ["b", "b"]}, ["b"]),
    ],
)
def test_an_answer_gets_the_type_of_the_field(kind, answer, value):
    question = KINDS[kind][0]
    (edit,) = a_trip(question).answer([an_item(question, answer)])[0].added
    back = to_label(edit, a_field(question))
    assert back == value and type(back) is type(value)


@pytest.mark.parametrize(("kind", "empty"), [("str", ""), ("list", [])])
def test_an_empty_value_is_not_sent_and_kept_where_nothing_was_answered(kind, empty):
    trip = a_trip(KINDS[kind][0], empty)
    assert trip.sent == [] and trip.answer()[0].kept == ["value"]


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        ("int", 2.5),
        ("int", "3"),
        ("int", True),
        ("int", 2**60),
        ("float", "x"),
        ("float", float("nan")),
        ("str", 3),
        ("str", "a\x00b"),
        ("bool", 1),
        ("list", "a"),
        ("list", ["z"]),
        ("date", "2024-02-29"),
        ("select", 3),
    ],
)
def test_a_value_of_another_kind_is_told_before_anything_is_sent(kind, wrong):
    assert KINDS[kind][0].problem_of(wrong)


def test_two_answers_to_one_question_leave_the_value_alone():
    question = KINDS["int"][0]
    items = [an_item(question, {"number": 1}), {**an_item(question, {"number": 2}), "id": "m"}]
    answer, problems = a_trip(question, 5).answer(items)
    assert (answer.kept[0], answer.edited, len(problems)) == ("value", [], 1)


@pytest.mark.parametrize(
    ("info", "question"),
    [
        ({}, Question("text", "str")),
        ({"kind": "int"}, Question("number", "int")),
        ({"kind": "float"}, Question("number", "float")),
        ({"kind": "bool"}, Question("radio", "bool", (True, False))),
        ({"kind": "date"}, Question("date", "date")),
        ({"kind": "datetime"}, Question("datetime", "datetime")),
        ({"kind": "list", "classes": ["a"]}, Question("checkbox", "list", ("a",))),
        ({"classes": [1, 2.5]}, Question("select", "float", (1, 2.5))),
        ({"classes": ["a", "b"]}, Question("select", "str", ("a", "b"))),
        ({"kind": "int", "classes": [1, 2]}, Question("select", "int", (1, 2))),
    ],
)
def test_the_label_schema_says_what_is_asked(info, question):
    (field,) = parse_label_schema({"count": {"type": "scalar", "existing_field": True, **info}})
    assert field.question == question and field.attributes == ()
