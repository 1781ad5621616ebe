"""Which project a run is sent to, and what a labeling config of others makes of its label schema."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from fo_labelstudio.convert.records import media_key_of
from fo_labelstudio.convert.schema import parse_label_schema
from fo_labelstudio.errors import LabelingConfigError, RunError, ServerError, SettingsError
from fo_labelstudio.runs.existing_project import Existing, existing_of, in_names_of, needed_of, problems_of_data

BOXES = '<RectangleLabels name="animals" toName="img"><Label value="cat"/></RectangleLabels>'
IMAGE = '<Image name="i" value="$url"/>'
SCHEMA = {"gt": {"type": "detections", "classes": ["cat"], "attributes": {}}}


class Server:
    """Has one project that may be seen, and one that may not."""

    url = "http://server"

    def projects_titled(self, title):
        return {"theirs": [7], "both": [9, 8]}.get(title, [])

    def project(self, project_id, names=()):
        if project_id != 7:
            raise ServerError("no", 403 if project_id == 5 else 404 if project_id == 6 else 500)
        return {"label_config": "<View/>", "model_version": None}


def asked(**values):
    names = ("project_id", "project_name", "parts", "labeling_config", "workspace", "sampling", "group_slices")
    nothing = dict.fromkeys(names)
    return SimpleNamespace(**{**nothing, **values})


def test_a_project_is_found_by_its_number_or_name_and_a_new_one_is_not_there():
    there = Existing(7, "<View/>", "")
    assert existing_of(asked(project_id=7), Server(), None) == there
    assert existing_of(asked(project_name="theirs"), Server(), None) == there
    assert existing_of(asked(project_name="new"), Server(), None) is None
    assert existing_of(asked(), Server(), None) is None


def test_the_project_that_an_incomplete_run_has_made_is_its_own():
    assert existing_of(asked(project_name="theirs"), Server(), 7) is None


@pytest.mark.parametrize("number", [5, 6])
def test_a_project_that_may_not_be_seen_or_is_gone_is_named(number):
    with pytest.raises(RunError, match=f"there is no project {number} on http://server that the owner of the api_key"):
        existing_of(asked(project_id=number), Server(), None)


def test_what_else_goes_wrong_is_told_as_it_is():
    with pytest.raises(ServerError):
        existing_of(asked(project_id=4), Server(), None)


def test_two_projects_of_a_name_are_listed():
    with pytest.raises(RunError, match="2 projects are called 'both': 8, 9; pass project_id=8"):
        existing_of(asked(project_name="both"), Server(), None)


@pytest.mark.parametrize("setting", ["parts", "labeling_config", "workspace", "sampling"])
def test_a_project_that_is_found_by_its_name_gets_no_settings_of_a_new_one(setting):
    with pytest.raises(SettingsError, match=f"project 7, which is there, and gets no {setting}"):
        existing_of(asked(project_name="theirs", **{setting: 2}), Server(), None)


def named(image, *more, task_fields=()):
    config = f"<View>{image}{BOXES}{''.join(more)}</View>"
    return in_names_of(config, SCHEMA, task_fields, False, "project 7")


def test_fields_get_the_names_and_the_key_of_the_labeling_config():
    (field,) = parse_label_schema(named('<Image name="img" value="$photo"/>'))
    assert (field.name, field.control, field.to_name, field.data_key) == ("gt", "animals", "img", "photo")


@pytest.mark.parametrize(
    ("value", "task_fields", "message"),
    [
        ("$a.b", (), "project 7: its image has the key 'a.b', under which tasks cannot carry an address"),
        ("$sample_id", (), "its image has the key 'sample_id', under which"),
        ("$photo", ["photo"], "its image has the key 'photo', which one of task_fields has too"),
    ],
)
def test_keys_that_cannot_carry_an_address_are_refused(value, task_fields, message):
    with pytest.raises(LabelingConfigError, match=message):
        named(f'<Image name="img" value="{value}"/>', task_fields=task_fields)


def test_keys_that_nothing_fills_are_refused_and_those_that_all_tasks_have_are_not():
    image = '<Image name="img" value="$photo"/>'
    texts = [f'<Text name="t{key}" value="${key}"/>' for key in ("filename", "sample_id", "one", "two", "meta_data")]
    with pytest.raises(LabelingConfigError, match="nothing fills: 'one', 'two'; pass fields"):
        named(image, *texts, task_fields=["meta.data"])
    assert named(image, *texts, task_fields=["meta.data", "one", "two"])


def test_values_that_the_server_would_refuse_are_told():
    texts = '<Text name="t" value="$one"/><HyperText name="h" value="$two"/>'
    needed = needed_of(f'<View><Image name="i" value="$photo"/>{texts}</View>', "photo")
    assert needed == {"one": "Text", "two": "HyperText"}
    assert problems_of_data({"one": 3, "two": "x"}, needed) == []
    assert problems_of_data({"two": 3}, needed) == [
        "its field for the key 'one' is empty, which <Text> of the labeling config shows; fill it in, or leave the "
        "sample out",
        "its 'two' is 3, where <HyperText> of the labeling config takes texts only; pass a field of texts in "
        "task_fields",
    ]
    assert needed_of(None, "image") == {}


@pytest.mark.parametrize(
    ("tag", "values"),
    [("Paragraphs", [[{"author": "Ann", "text": "Hi"}]]), ("Table", [{"a": 1}, [1]]), ("TimeSeries", [{"a": [1]}])],
)
def test_a_labeling_config_of_others_takes_conversations_tables_and_series_as_the_server_does(tag, values):
    needed = needed_of(f'<View><Image name="i" value="$photo"/><{tag} name="t" value="$one"/></View>', "photo")
    assert [problem for value in values for problem in problems_of_data({"one": value}, needed)] == []
    assert len(problems_of_data({"one": 3}, needed)) == 1


@pytest.mark.parametrize(
    ("beside", "image", "media_key"), [(None, "", ""), ("image", '<Image name="i" value="$url"/>', "url")]
)
def test_a_labeling_config_of_others_shows_values_of_samples_alone_or_beside_their_images(beside, image, media_key):
    entry = {
        "type": "spans",
        "text": "caption",
        "scope": "text",
        "beside": beside,
        "classes": ["PER"],
        "attributes": {},
    }
    texts = '<Text name="words" value="$caption"/><Text name="more" value="$sample_id"/>'
    xml = f'<View>{image}{texts}<Labels name="ner" toName="words"><Label value="PER"/></Labels></View>'
    (field,) = parse_label_schema(in_names_of(xml, {"entities": {**entry, "beside": beside}}, (), True, "it"))
    assert (field.control, field.to_name, field.shown_key, media_key_of([field])) == (
        *("ner", "words", "caption"),
        media_key,
    )
