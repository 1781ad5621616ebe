from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fo_labelstudio.convert.question import Question, kind_of_values
from fo_labelstudio.errors import RegionError
from tests.convert import strategies

questions = pytest.mark.parametrize(
    "question", strategies.QUESTIONS, ids=lambda question: f"{question.tool}-{question.kind}"
)


@questions
@given(data=st.data())
def test_a_value_comes_back_from_its_result(question, data):
    value = data.draw(strategies.answers(question))
    assert question.problem_of(value) is None
    back = question.from_json(question.parse(question.to_value(question.to_json(value))))
    assert type(back) is type(value)
    assert (sorted(back) == sorted(value)) if isinstance(value, list) else (back == value)


@questions
@given(data=st.data())
def test_a_result_has_the_json_types_that_the_editor_asks_for(question, data):
    ((key, answer),) = question.to_value(question.to_json(data.draw(strategies.answers(question)))).items()
    assert key == {"textarea": "text"}.get(question.result_type, question.result_type)
    if key in ("text", "choices"):
        assert isinstance(answer, list) and all(isinstance(text, str) for text in answer)
    elif key == "datetime":
        assert isinstance(answer, str)
    else:
        assert isinstance(answer, (int, float)) and not isinstance(answer, bool)


@pytest.mark.parametrize(
    ("kind", "value", "text"), [("int", -3, "-3"), ("float", 0.25, "0.25"), ("float", 2.0, "2.0"), ("str", "3", "3")]
)
def test_a_number_asked_for_as_text_is_sent_as_text_and_read_as_a_number(kind, value, text):
    question = Question("text", kind)
    assert question.to_value(question.to_json(value)) == {"text": [text]}
    assert question.from_json(question.parse({"text": [text]})) == value


@pytest.mark.parametrize("answer", [{}, None, "x", {"text": []}, {"text": [""]}, {"text": ""}])
def test_no_text_is_no_answer(answer):
    question = Question("text", "str")
    try:
        assert question.parse(answer) is None
    except RegionError:
        assert not (isinstance(answer, dict) and "text" in answer)


@pytest.mark.parametrize("question", [Question("number", "int"), Question("rating", "int"), Question("date", "date")])
def test_no_number_and_no_date_are_no_answer(question):
    assert question.parse({question.result_type: None}) is None
    assert question.parse({}) is None


@pytest.mark.parametrize("number", [10**400, -(10**400), 1e300, float("inf"), float("nan"), 2**53, True, "x", [1]])
@pytest.mark.parametrize("kind", ["int", "float"])
def test_a_number_that_the_editor_cannot_hold_is_refused(kind, number):
    question = Question("number", kind)
    assert question.problem_of(number)
    with pytest.raises(RegionError):
        question.parse({"number": number})


@pytest.mark.parametrize("text", ["--5", "²", "9" * 5000, "1e999", "nan", "", " "])
def test_a_text_that_is_no_number_is_refused_or_no_answer(text):
    question = Question("text", "int")
    try:
        assert question.parse({"text": [text]}) is None and not text.strip()
    except RegionError:
        pass


def test_one_value_may_be_given_with_or_without_a_point():
    question = Question("select", "float", (1, 2.5))
    assert question.problem_of(1.0) is None
    assert question.to_json(1.0) == question.to_json(1) == "1"


@pytest.mark.parametrize(
    ("values", "kind"),
    [((1, 2), "int"), ((1, 2.5), "float"), ((True, False), "bool"), (("a", 1), "str"), ((), "str"), ((1, True), "str")],
)
def test_values_to_choose_from_have_the_kind_that_they_have_in_common(values, kind):
    assert kind_of_values(values) == kind


@pytest.mark.parametrize(
    ("question", "problem"),
    [
        (Question("select", "str"), "a select needs values to choose from"),
        (Question("radio", "str", ("1", 1)), "look alike; leave one out"),
        (Question("checkbox", "list", ("a", " ")), "is blank or cannot be shown"),
        (Question("radio", "bool", (True, False)), None),
        (Question("text", "str"), None),
    ],
)
def test_a_question_that_cannot_be_asked_is_told(question, problem):
    assert (question.problem() is None) if problem is None else (problem in question.problem())


def test_a_date_and_time_without_zone_is_utc_as_in_fiftyone():
    question = Question("datetime", "datetime")
    noon = datetime(2024, 2, 29, 12, 0)
    assert question.to_json(noon) == question.to_json(noon.replace(tzinfo=timezone.utc))
    assert question.to_json(noon) == question.to_json(
        noon.replace(tzinfo=timezone.utc).astimezone(timezone(timedelta(hours=5)))
    )
    assert question.from_json(question.to_json(noon)) == noon


def test_a_date_is_the_day_of_a_date_and_time():
    question = Question("date", "date")
    assert question.from_json(question.parse({"datetime": "2024-02-29T23:59"})) == date(2024, 2, 29)


@pytest.mark.parametrize(
    ("question", "tag", "attributes"),
    [
        (Question("text", "str"), "TextArea", {"maxSubmissions": "1", "editable": "true"}),
        (Question("number", "int"), "Number", {"step": "1"}),
        (Question("number", "float"), "Number", {"step": "any"}),
        (Question("rating", "int"), "Rating", {"maxRating": "5"}),
        (Question("rating", "int", (1, 2, 3)), "Rating", {"maxRating": "3"}),
        (Question("date", "date"), "DateTime", {"only": "date"}),
        (Question("datetime", "datetime"), "DateTime", {"only": None}),
        (Question("radio", "bool", (True, False)), "Choices", {"choice": "single", "layout": None}),
        (Question("select", "str", ("a",)), "Choices", {"choice": "single", "layout": "select"}),
        (Question("checkbox", "list", ("a",)), "Choices", {"choice": "multiple"}),
    ],
    ids=lambda value: str(value)[:20],
)
def test_each_question_has_a_control_tag(question, tag, attributes):
    control = question.control_tag("name", "image")
    assert (control.tag, control.get("name"), control.get("toName")) == (tag, "name", "image")
    assert {key: control.get(key) for key in attributes} == attributes
    choices = [(choice.get("value"), choice.get("alias")) for choice in control]
    assert choices == ([(question.text_of(value), None) for value in question.values] if tag == "Choices" else [])


def test_a_value_that_looks_like_a_reference_to_data_keeps_its_own_name():
    question = Question("select", "str", ("US$x", "plain"))
    first, second = question.control_tag("name", "image")
    assert (first.get("value"), first.get("alias")) == ("US$\u2060x", "US$x")
    assert (second.get("value"), second.get("alias")) == ("plain", None)
