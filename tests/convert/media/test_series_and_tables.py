from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fo_labelstudio.convert.labeling_config.match import match
from fo_labelstudio.convert.labeling_config.read import read
from fo_labelstudio.convert.labeling_config.write import to_labeling_config
from fo_labelstudio.convert.media import MEDIUM_NAMED, SHOWN_AS
from fo_labelstudio.convert.media.timeseries import parse_file
from fo_labelstudio.convert.records import LabelField, problem_of_columns, problems_of_shown
from fo_labelstudio.errors import LabelingConfigError
from tests.properties import examples

SERIES, TABLE = (SHOWN_AS[key].shown_value for key in ("series", "table"))


def test_a_plain_list_is_the_one_column_of_a_series_over_the_numbers_of_its_values():
    assert SERIES.problem_of([0.5, 1]) is None
    assert (SERIES.to_data([0.5, 1]), SERIES.columns_of([0.5, 1])) == ({"value": [0.5, 1]}, ("value",))


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("text", "holds 'text' as 'value', expected a list of numbers"),
        ({"a": [1, float("nan")]}, "holds nan as 'a' in row 2, expected a finite number, or nothing"),
        ({"a": [1, None], "b": [None, None]}, "holds no number as 'b'; leave the column out"),
        ({"time": [1, 2]}, "has no column besides 'time'"),
        ({"time": [], "a": []}, "has no rows; leave it out"),
        ({"a$": [1]}, "has a column of the name 'a$'; give it one without '$', '=', braces and what one cannot see"),
        ({" a": [1]}, "has a column of the name ' a'"),
        ({"time": [2, 1], "a": [1, 2]}, "has the time 1 behind 2"),
        ({"time": [None, 1], "a": [1, 2]}, "holds None as 'time' in row 1, expected a finite number"),
        ({"Speed": [1], "speed": [2]}, "has the columns 'Speed' and 'speed', which the editor does not tell apart"),
        (
            {"time": [1], "Time": [2], "a": [1]},
            "has the columns 'time' and 'Time', which the editor does not tell apart",
        ),
        (
            {"date": ["2026-01-01"], "a": [1]},
            "holds '2026-01-01' as 'date' in row 1, expected a finite number, or nothing; call the column of dates",
        ),
        ({"time": ["2026-01-01", "2.1.2026"], "a": [1, 2]}, "holds '2.1.2026' as 'time' in row 2, expected a date as"),
        ({"time": ["2026-01-01", 5], "a": [1, 2]}, "holds 5 as 'time' in row 2, expected a date as the first one is"),
        ({"time": [5, "2026-01-01"], "a": [1, 2]}, "holds '2026-01-01' as 'time' in row 2, expected a finite number"),
        ({"time": ["2026-01-02", "2026-01-01"], "a": [1, 2]}, "has the time 2026-01-01 behind 2026-01-02; sort it"),
    ],
)
def test_what_is_no_series_is_not_shown(value, problem):
    assert SERIES.problem_of(value).startswith(problem)


DAY = 24 * 60 * 60 * 1000


@pytest.mark.parametrize(
    "times",
    [
        ["1970-01-02", "1970-01-02 00:00:01.5"],
        ["1970-01-02T00:00", "1970-01-02T00:00:01.500Z"],
        ["1970/01/02 01:00:00+01:00", "1970/01/01 23:00:01.5 -0100"],
        [datetime(1970, 1, 2), datetime(1970, 1, 2, 1, 0, 1, 500000, timezone(timedelta(hours=1)))],
    ],
)
def test_dates_are_sent_as_milliseconds_in_utc_so_that_nothing_of_them_is_lost(times):
    value = {"Time": times, "Speed": [1, None]}
    assert SERIES.problem_of(value) is None
    assert SERIES.to_data(value) == {"time (utc)": [DAY, DAY + 1500], "speed": [1, None]}
    assert SERIES.columns_of(value) == ("time (utc)", "Speed")
    assert SERIES.parse(SERIES.to_data(value)).is_dated and not SERIES.parse({"time": [1], "speed": [1]}).is_dated


def test_the_editor_is_told_of_dates_and_looks_for_columns_in_lower_case():
    field = LabelField("a", "spans", ("x",), "a", scope="timeseries", columns=("time (utc)", "Acc (m/s²)"), beside=None)
    config = to_labeling_config([field])
    assert 'value="$timeseries" valueType="json" timeColumn="time (utc)" timeDisplayFormat="date"' in config
    assert '<Channel column="acc (m/s²)" legend="Acc (m/s²)"' in config
    assert "timeFormat" not in config


FILE = MEDIUM_NAMED["timeseries"]


def test_a_csv_file_holds_what_is_sent():
    text = 'Timestamp,"Speed, km/h",load\r\n2026-01-01 00:00:00,1,\r\n\r\n"2026-01-01 00:00:01",0.25,-1e3\r\n'
    media = parse_file(text)
    first = 1767225600000
    assert FILE.content(media) == {
        "time (utc)": [first, first + 1000],
        "speed, km/h": [1, 0.25],
        "load": [None, -1000.0],
    }
    assert (media.columns, media.is_dated) == (("time (utc)", "Speed, km/h", "load"), True)
    assert FILE.columns_in(text) == media.columns


@pytest.mark.parametrize(
    "value",
    [
        [1, 0.5, None],
        {"time": [0, 1], 'Acc "x", m': [None, -1e-07]},
        {"Time": ["2026-01-31", "2026-01-31 00:00:00.5"], "a": [1, 2]},
        {"time": [datetime(2026, 1, 31), datetime(2026, 1, 31, 1)], "a": [1, 2]},
        {"time (utc)": [1769860800000, 1769860800001], "a": [1, 2]},
    ],
)
def test_a_value_makes_a_file_that_shows_the_same(value):
    assert SERIES.problem_of(value) is None
    media = parse_file(FILE.to_file(value))
    assert FILE.content(media) == SERIES.to_data(value)
    assert SERIES.parse(SERIES.to_data(value)).is_dated is media.is_dated
    assert FILE.content(parse_file(FILE.to_file(SERIES.to_data(value)))) == SERIES.to_data(value)


def test_what_others_call_the_time_is_the_time():
    value = {"T": [0, 1], "a": [1, 2]}
    assert SERIES.of_options(value, {"timeColumn": "t"}) == {"time": [0, 1], "a": [1, 2]}
    assert SERIES.of_options(value, {}) == value
    assert SERIES.of_options([1, 2], {"timeColumn": "t"}) == [1, 2]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"timeColumn": "time", "valueType": "json"}, None),
        ({"timeColumn": "time"}, 'takes what tasks hold for an address; write valueType="json" into it'),
        (
            {"timeColumn": "time", "timeFormat": "%Y", "valueType": "json"},
            "reads times as texts, where tasks have numbers; take timeFormat out of it",
        ),
    ],
)
def test_an_object_tag_of_others_shows_what_tasks_hold_or_is_told(options, problem):
    found = SERIES.problem_of_options(options)
    assert found == problem or found.startswith(problem)


@pytest.mark.parametrize(
    ("named", "columns", "problem"),
    [
        ("Time", ("time", "a"), None),
        ("", ("a",), None),
        ("t", (), None),
        ("t", ("time", "a"), "does not take 'time' for the time, as tasks have it; write timeColumn=\"time\" into it"),
        ("", ("time", "a"), "does not take 'time' for the time"),
        ("time", ("time (utc)", "a"), "does not take 'time (utc)' for the time"),
        ("t", ("a",), "takes 't' for the time, where tasks have none; take timeColumn out of it"),
    ],
)
def test_an_object_tag_of_others_takes_the_same_column_for_the_time_or_is_told(named, columns, problem):
    field = LabelField("run", "spans", ("x",), "run", scope="timeseries", beside=None, columns=columns)
    config = read(
        f'<View><TimeSeries name="ts" value="$ts" valueType="json" timeColumn="{named}"/>'
        '<TimeSeriesLabels name="run" toName="ts"><Label value="x"/></TimeSeriesLabels></View>'
    )
    if problem is None:
        assert match([field], config).fields[0].to_name == "ts"
        return
    with pytest.raises(LabelingConfigError) as caught:
        match([field], config)
    assert f"<TimeSeries> 'ts' of the labeling config {problem}" in str(caught.value)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_cells_may_be_separated_by_commas_semicolons_or_tabs(separator):
    media = parse_file("\n".join(separator.join(row) for row in (["time", "a"], ["0", "5"], ["0.5", "NaN"])))
    assert FILE.content(media) == {"time": [0, 0.5], "a": [5, None]}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is empty"),
        ("1,2\n3,4\n", "has no header row, for its first one is ['1', '2']; write the names of the columns above it"),
        (",a\n0,1\n", "has no name for its column 1; write it into the header row, or leave the column out, as to_csv"),
        ("a,a\n0,1\n", "has two columns 'a'; rename one"),
        ("time,a\n0,1\n1\n", "has 1 cells in line 3, and 2 in its header row; give all rows the same"),
        ("time,a\n0,1\n1,2,3\n", "has 3 cells in line 3, and 2 in its header row"),
        ('time,a\n0,"1\n', "is no CSV (unexpected end of data, in line 2); correct it"),
        ("time,a\r0,1\r", "is no CSV (new-line character seen in unquoted field"),
        ("time,a\n0,walk\n", "holds 'walk' as 'a' in row 1, expected a finite number, or nothing"),
        ("time;a\n0;1,5\n", "holds '1,5' as 'a' in row 1, expected a finite number"),
        ("time,a\n0,inf\n", "holds 'inf' as 'a' in row 1, expected a finite number"),
        ("time,a\n0,1e999\n", "holds inf as 'a' in row 1, expected a finite number"),
        ("date,Time,a\n0,1,2\n", "has the columns 'date' and 'Time', each of which may be the time; join or rename"),
        ("time,a\n0,1\n0,2\n", "has the time 0 behind 0; sort it by time"),
        ("time,a\n,1\n", "holds None as 'time' in row 1, expected a finite number"),
        ("time,a\n", "has no rows; leave it out"),
    ],
)
def test_what_is_no_csv_of_a_series_is_refused_with_its_place(text, problem):
    with pytest.raises(ValueError) as caught:
        parse_file(text)
    assert str(caught.value).startswith(problem)


def test_files_of_other_columns_than_the_first_one_are_refused():
    field = LabelField("a", "spans", ("x",), "a", scope="timeseries", columns=("time", "Speed"), beside=None)
    assert problem_of_columns([field], parse_file("speed,time\n1,0\n")) is None
    assert problem_of_columns([field], parse_file("speed,time\n1,2026-01-01\n")) == (
        "has the columns 'speed', 'time (utc)', and the first one of the run 'time', 'Speed'; give all the same, or "
        "leave it out"
    )


@examples(50)
@given(
    st.lists(st.integers(-(10**15), 10**15), min_size=1, max_size=5, unique=True),
    st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=5),
    st.sampled_from(",;\t"),
)
def test_numbers_of_a_csv_file_are_sent_as_they_are(times, numbers, separator):
    rows = list(zip(sorted(times), numbers, strict=False))
    media = parse_file("\n".join([f"time{separator}a", *(f"{time}{separator}{number!r}" for time, number in rows)]))
    assert FILE.content(media) == {"time": [time for time, _ in rows], "a": [number for _, number in rows]}


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
