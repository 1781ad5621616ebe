from __future__ import annotations

import json
import math

import fiftyone as fo
import pytest

from fo_labelstudio.backend import LabelStudioBackendConfig
from fo_labelstudio.convert.records import KEYFRAME_TOLERANCE
from fo_labelstudio.errors import SettingsError
from fo_labelstudio.settings import SETTINGS, Secret, parse_url

KEY = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(autouse=True)
def nobody_to_ask(monkeypatch):
    monkeypatch.setattr("sys.stdin", None)


@pytest.fixture
def configured():
    """FiftyOne's annotation config for the backend."""
    return fo.annotation_config.backends["labelstudio"]


def config(**settings):
    return LabelStudioBackendConfig("labelstudio", None, **settings)


def saved(url):
    return config(url=url, run_state={"token": "t", "project_id": 1, "complete": True})


def test_the_call_comes_before_all_else(monkeypatch, configured):
    configured.update(url="http://file", api_key="file")
    monkeypatch.setenv("FIFTYONE_LABELSTUDIO_URL", "http://environment")
    monkeypatch.setenv("FIFTYONE_LABELSTUDIO_API_KEY", "environment")
    settings = config(url="http://call", api_key="call").connection_settings()
    assert (settings.url, settings.api_key.reveal()) == ("http://call", "call")


def test_the_environment_is_read_when_connecting_and_comes_before_the_config_file(monkeypatch, configured):
    configured.update(url="http://file", api_key="file")
    # As FiftyOne does it: the entry of the annotation config is handed to the config class with the call.
    made = config(url="http://file", api_key="file")
    assert made.connection_settings().url == "http://file"
    monkeypatch.setenv("FIFTYONE_LABELSTUDIO_URL", "http://environment")
    monkeypatch.setenv("FIFTYONE_LABELSTUDIO_API_KEY", "1234567")
    settings = made.connection_settings()
    assert (settings.url, settings.api_key.reveal()) == ("http://environment", "1234567")


def test_the_url_of_the_run_comes_after_the_call_and_before_the_environment(monkeypatch):
    monkeypatch.setenv("FIFTYONE_LABELSTUDIO_URL", "http://environment")
    made = saved("http://run")
    made.load_credentials(api_key="k")
    assert made.connection_settings().url == "http://run"
    made.load_credentials(url="http://call")
    assert made.connection_settings().url == "http://call"


def test_the_variables_bear_the_name_of_the_backend(monkeypatch):
    monkeypatch.setenv("FIFTYONE_TEAM_LS_URL", "http://team")
    monkeypatch.setenv("FIFTYONE_TEAM_LS_API_KEY", "k")
    assert LabelStudioBackendConfig("team_ls", None).connection_settings().url == "http://team"


def test_fiftyones_own_default_url_counts_as_none():
    with pytest.raises(SettingsError, match="no url for the Label Studio server; pass url="):
        config(url="https://labelstud.io", api_key="k").connection_settings()


def test_a_missing_key_that_nobody_can_be_asked_for_names_its_variable():
    with pytest.raises(SettingsError, match="set the environment variable FIFTYONE_LABELSTUDIO_API_KEY"):
        config(url="http://call").connection_settings()


def test_somebody_at_a_terminal_is_asked_without_showing_the_answer(monkeypatch):
    class Terminal:
        def isatty(self):
            return True

    asked = []
    monkeypatch.setattr("sys.stdin", Terminal())
    monkeypatch.setattr("getpass.getpass", lambda question: asked.append(question) or KEY)
    assert config(url="http://call").connection_settings().api_key.reveal() == KEY
    assert asked == ["Label Studio api_key: "]


def test_a_notebook_that_runs_alone_is_not_asked(monkeypatch):
    def refuse(question):
        raise NotImplementedError("raw_input was called, but this frontend does not support input requests.")

    monkeypatch.setattr("fiftyone.core.context.is_notebook_context", lambda: True)
    monkeypatch.setattr("getpass.getpass", refuse)
    with pytest.raises(SettingsError, match="FIFTYONE_LABELSTUDIO_API_KEY"):
        config(url="http://call").connection_settings()


@pytest.mark.parametrize(
    ("unknown", "near"),
    [
        ("api_kee", "did you mean 'api_key'"),
        ("projectname", "did you mean 'project_name'"),
        ("zzz", "known settings: url"),
    ],
)
def test_an_unknown_setting_is_refused_with_the_nearest_known_one(unknown, near):
    with pytest.raises(SettingsError, match=near) as error:
        config(**{unknown: "secret value"})
    assert "secret value" not in str(error.value)


def test_an_unknown_setting_of_a_load_is_refused():
    with pytest.raises(SettingsError, match="did you mean 'timeout'"):
        saved("http://run").load_credentials(timeuot=3)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"url": "localhost:8080"}, "url 'localhost:8080' is not an http"),
        ({"url": "http://[broken"}, "is not an http"),
        ({"url": "http://host:99999"}, "is not an http"),
        ({"url": "http://me:pass@host"}, "url holds a user name or password"),
        ({"url": "http://host/?token=pass"}, "url http://host/ has a query or fragment"),
        ({"api_key": "two words"}, "api_key is malformed"),
        ({"http_headers": "X-A: b"}, "http_headers must map strings to strings"),
        ({"http_headers": {"X-A": 3}}, "http_headers must map strings to strings"),
        ({"proxies": 3}, "proxies must map strings to strings"),
        ({"verify_ssl": "/no/such/bundle.pem"}, "neither true, false nor the path of a CA bundle that exists"),
        ({"cloud_storage": "presign"}, "cloud_storage must be a mapping, for example"),
        ({"cloud_storage": {"aws_acess_key_id": "pass@"}}, "unknown key 'aws_acess_key_id'; did you mean 'aws_access"),
        ({"cloud_storage": {"zzz": "pass@"}}, "unknown key 'zzz'; known keys: aws_access_key_id"),
        ({"cloud_storage": {"account_key": ["pass@"]}}, "cloud_storage must map its keys to texts"),
        ({"timeout": "soon"}, "timeout is 'soon', expected a number of seconds"),
        ({"retries": -1}, "retries is -1, expected a whole number"),
    ],
)
def test_a_malformed_setting_says_what_was_expected(settings, message):
    with pytest.raises(SettingsError, match=message) as error:
        config(**{"url": "http://host", "api_key": "k", **settings}).connection_settings()
    assert "pass@" not in str(error.value) and "token=pass" not in str(error.value)


def test_settings_of_the_environment_are_strings_and_are_read(monkeypatch, tmp_path):
    bundle = tmp_path / "ca.pem"
    bundle.touch()
    values = {
        "URL": "http://host/label-studio/",
        "API_KEY": KEY,
        "HTTP_HEADERS": '{"X-Team": "a, b"}',
        "PROXIES": "http://proxy:3128",
        "VERIFY_SSL": str(bundle),
        "TIMEOUT": "2.5",
        "RETRIES": "0",
    }
    for name, value in values.items():
        monkeypatch.setenv(f"FIFTYONE_LABELSTUDIO_{name}", value)
    settings = config().connection_settings()
    assert settings.url == "http://host/label-studio"
    assert settings.http_headers.reveal() == {"X-Team": "a, b"}
    assert settings.proxies.reveal() == {"http": "http://proxy:3128", "https": "http://proxy:3128"}
    assert (settings.verify_ssl, settings.timeout, settings.retries) == (str(bundle), 2.5, 0)
    monkeypatch.setenv("FIFTYONE_LABELSTUDIO_VERIFY_SSL", "False")
    assert config().connection_settings().verify_ssl is False


def test_nothing_but_what_a_run_needs_is_saved():
    made = config(url="http://host", api_key=KEY, http_headers={"X": "secret"}, proxies="http://u:secret@proxy")
    made.later = "secret"
    written = json.dumps(made.serialize())
    assert KEY not in written and "secret" not in written


def test_a_secret_has_no_repr():
    assert KEY not in repr(Secret(KEY)) + repr(config(url="http://host", api_key=KEY).connection_settings())


def test_a_url_is_freed_of_spaces_and_slashes():
    assert parse_url(" https://host/label-studio// ") == "https://host/label-studio"


def test_what_becomes_of_unusable_media_is_one_of_three_things():
    assert config().unusable_media == "refuse"
    assert config(unusable_media="skip").serialize()["unusable_media"] == "skip"
    for wrong in ("Skip", True, "ignore"):
        with pytest.raises(SettingsError, match="expected 'refuse', 'skip' or 'convert'"):
            config(unusable_media=wrong)


def test_the_media_of_samples_are_shown_unless_they_are_not_to_be():
    assert [config(show_media=value).show_media for value in (None, True, False)] == [True, True, False]
    with pytest.raises(SettingsError, match="show_media is 'no', expected True or False"):
        config(show_media="no")


def test_boxes_between_keyframes_may_be_off_by_a_part_of_the_frame():
    assert config().keyframe_tolerance == KEYFRAME_TOLERANCE
    assert config(keyframe_tolerance="0.01").keyframe_tolerance == 0.01
    assert config(keyframe_tolerance=0).serialize()["keyframe_tolerance"] == 0
    for wrong in (-0.1, 2, "near", True, math.nan):
        with pytest.raises(SettingsError, match="expected a number from 0 to 1, relative to the frame"):
            config(keyframe_tolerance=wrong)


def test_frames_are_numbers_for_all_videos_for_each_in_turn_or_by_file():
    assert config().frame_start is None
    assert config(frame_start="5", frame_stop=[7, 9.0]).serialize()["frame_stop"] == [7, 9]
    assert config(frame_start={"/a.mp4": 0}).frame_start == {"/a.mp4": 0}
    for wrong in (-1, 1.5, "x", True, [], [-1], {1: 2}, {"/a.mp4": None}):
        with pytest.raises(SettingsError, match=r"frame_start is .*, expected a whole number from 0"):
            config(frame_start=wrong)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("tags", ["tags"]),
        ("tags, uniqueness", ["tags", "uniqueness"]),
        (("tags", "tags", "metadata.width"), ["tags", "metadata.width"]),
        ([], None),
        (None, None),
    ],
)
def test_the_fields_of_tasks_are_a_list_or_a_text_with_commas_as_in_the_environment(given, expected):
    assert config(task_fields=given).task_fields == expected


@pytest.mark.parametrize("given", [5, [""], ["tags", 3], {"tags": 1}, "a,,b"])
def test_fields_of_tasks_that_are_no_names_are_refused(given):
    with pytest.raises(SettingsError, match="expected names of fields"):
        config(task_fields=given)


def test_what_is_shown_of_a_run_has_no_token_and_no_empty_rows_and_what_is_saved_has_all():
    made = saved("http://run")
    shown = made.serialize()
    assert shown["run_state"] == {"project_id": 1, "complete": True}
    assert "task_fields" not in shown and "project_name" not in shown
    assert '"t"' not in str(made)
    with made.being_saved():
        whole = made.serialize()
    assert whole["run_state"] == {"token": "t", "project_id": 1, "complete": True}
    again = LabelStudioBackendConfig.from_dict(json.loads(json.dumps(whole)))
    assert again.serialize() == shown and again.run_state == made.run_state


@pytest.mark.parametrize("row", SETTINGS, ids=lambda row: row.name)
def test_each_setting_is_a_row_with_a_meaning(row):
    assert row.meaning
    assert not (row.of_run and row.is_secret), "what is saved with a run must be no secret"
    if row.of_run:
        defaults = ("brush", "leave", "refuse", "new", "predictions", "lowest", "annotator", 0.001)
        assert row.parse(None) in (None, False, {}, *defaults) or row.name == "show_media"


def test_a_labeling_config_is_given_as_xml_or_as_a_path(tmp_path):
    path = tmp_path / "own.xml"
    path.write_text("<View/>", encoding="utf-8-sig")
    assert config(labeling_config=" <View/>").labeling_config == " <View/>"
    assert config(labeling_config=str(path)).labeling_config == "<View/>"
    assert config(labeling_config=path).labeling_config == "<View/>"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"project_id": "x"}, "project_id is 'x', expected the number of a project"),
        ({"project_id": 0}, "project_id is 0, expected"),
        ({"project_id": True}, "project_id is True, expected"),
        ({"workspace": " "}, "workspace is ' ', expected the title or the id of a workspace"),
        ({"workspace": 0}, "workspace is 0, expected"),
        ({"workspace": 1.5}, "workspace is 1.5, expected"),
        ({"labeling_config": 3}, "labeling_config is 3, expected a labeling config"),
        ({"labeling_config": "/nowhere/own.xml"}, "labeling_config: '/nowhere/own.xml' cannot be read"),
        ({"existing_tasks": "all"}, "existing_tasks is 'all', expected 'new', 'skip' or 'predict'"),
    ],
)
def test_what_names_no_project_or_labeling_config_is_refused(settings, message):
    with pytest.raises(SettingsError, match=message):
        config(**settings)


def test_a_project_id_may_come_as_text():
    assert config(project_id="42").project_id == 42


@pytest.mark.parametrize(("given", "asked"), [("Vision ", "Vision"), ("42", 42), (42, 42), (None, None)])
def test_a_workspace_is_named_by_its_title_or_id(given, asked):
    assert config(workspace=given).workspace == asked
