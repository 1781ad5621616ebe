from __future__ import annotations

import json
from datetime import datetime

import pytest

from fo_labelstudio.convert.labeling_config.write import to_labeling_config
from fo_labelstudio.convert.media import SHOWN_AS
from fo_labelstudio.convert.records import LabelField, problems_of_shown

SERIES, TABLE = (SHOWN_AS[key].shown_value for key in ("series", "table"))


def test_a_plain_list_is_the_one_column_of_a_series_over_the_numbers_of_its_values():
    assert SERIES.problem_of([0.5, 1]) is None
    assert (SERIES.to_data([0.5, 1]), SERIES.columns_of([0.5, 1])) == ({"value": [0.5, 1]}, ("value",))


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("text", "holds 'text' as 'value', expected a list of finite numbers"),
        ({"a": [1, float("nan")]}, "holds [1, nan] as 'a', expected a list of finite numbers"),
        ({"time": [1, 2]}, "has no column besides 'time'"),
        ({"a$": [1]}, "has a column of the name 'a$'"),
        ({"time": [2, 1], "a": [1, 2]}, "has the time 1 behind 2"),
    ],
)
def test_what_is_no_series_is_not_shown(value, problem):
    assert SERIES.problem_of(value).startswith(problem)


def test_the_labeling_config_names_each_column_and_the_time():
    field = LabelField("states", "spans", ("run",), "states", scope="timeseries", shows="signal", columns=("time", "a"))
    config = to_labeling_config([field])
    assert '<TimeSeries name="signal%.timeseries" value="$signal" valueType="json" timeColumn="time">' in config
    assert config.count("<Channel ") == 1 and '<Channel column="a" legend="a"' in config
    assert problems_of_shown([field], {"signal": {"a": [1], "time": [0]}}) == []
    assert problems_of_shown([field], {"signal": {"b": [1], "time": [0]}}) == [
        "its 'signal' has the columns 'b', 'time', and the first one of the run 'time', 'a'; give all the same, or "
        "leave it out"
    ]


@pytest.mark.parametrize("value", [{"a": [True, None, {"b": 1.5}]}, [{"a": 1}], [], '{"a": [true, null, {"b": 1.5}]}'])
def test_a_table_is_any_json_in_which_one_sees_what_is_true_or_false(value):
    assert TABLE.problem_of(value) is None
    shown = TABLE.to_data(value)
    assert json.loads(json.dumps(shown)) == shown
    assert "true" not in json.dumps(shown).replace('"true"', "")


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("no JSON", "is 'no JSON', expected JSON, or a dict"),
        ("7", "is 7, expected a dict, or a list"),
        (7, "is 7, expected a dict, or a list"),
        ({"a": float("inf")}, "holds inf, expected texts and finite numbers"),
        ({"a": datetime(2026, 1, 1)}, "holds datetime.datetime(2026, 1, 1, 0, 0), expected texts and finite numbers"),
        ({1: "a"}, "has the key 1, expected texts"),
        ({"a\0": "a"}, r"has the key 'a\x00', expected texts"),
        ([{"a": "b\0"}], "holds a text that has a zero byte at 1"),
        ('{"a": "\\ud800"}', "holds a text that has half a character at 0"),
    ],
)
def test_what_is_no_table_is_not_shown(value, problem):
    assert TABLE.problem_of(value).startswith(problem)
