"""What the forms ask, fill in and refuse; no server is asked."""

from __future__ import annotations

import fiftyone as fo
import fiftyone.operators as foo
import pytest

import fo_labelstudio
from fo_labelstudio.app import OPERATORS, send_form
from fo_labelstudio.app.send_form import MORE
from fo_labelstudio.errors import ConnectionFailedError
from fo_labelstudio.settings import RUN_SETTINGS, SECRET_SETTINGS, SETTINGS, Switch
from tests.support import write_image
from tests.test_parts import boxes

pytestmark = pytest.mark.database

SEND = "send_for_annotation"


@pytest.fixture(autouse=True)
def _settings(monkeypatch):
    monkeypatch.setenv("FIFTYONE_LABELSTUDIO_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("FIFTYONE_LABELSTUDIO_API_KEY", "0123456789abcdef")
    monkeypatch.setattr("fo_labelstudio.remote.client.Client.check", lambda client: pytest.fail("the server was asked"))


@pytest.fixture
def dataset(make_dataset):
    labels = boxes("cat", "dog")
    labels.detections[0]["occluded"] = True
    labels.detections[1]["age"] = 3
    return make_dataset(
        {"gt": labels, "weather": fo.Classification(label="sun"), "score": 0.5, "heat": fo.Regression(value=1.0)},
        {"gt": boxes("cat")},
    )


def refusals(asked):
    """Name of an input -> why the form cannot be executed."""
    return {name: prop.error_message for name, prop in asked.items() if prop.invalid}


def choices(prop):
    return {choice.value: choice.description for choice in prop.view.choices}


def test_the_fields_of_the_samples_are_offered_with_what_they_hold(form, dataset):
    asked = form(SEND, dataset)
    assert choices(asked["fields"]) == {
        "tags": "ListField, 0",
        "gt": "Detections, 3",
        "weather": "Classification, 1",
        "score": "FloatField, 1",
    }
    assert "field 'heat': Label Studio cannot show Regression" in asked["not_offered"].view.description
    assert refusals(asked) == {"fields": "choose a field to annotate, or add a new one"}


def test_a_chosen_field_is_filled_in_from_its_labels(form, dataset):
    asked = form(SEND, dataset, {"anno_key": "run", "fields": ["gt"]})
    field = asked["of_gt"].type.properties
    assert field["type"].type.values == ["detections", "instances"]
    assert field["type"].default == "detections"
    assert field["classes"].default == ["cat", "dog"]
    assert field["attributes"].default == [
        {"name": "age", "type": "number"},
        {"name": "occluded", "type": "radio", "values": ["True", "False"]},
    ]
    assert refusals(asked) == {}


def test_only_what_is_selected_is_looked_at(form, dataset):
    asked = form(SEND, dataset, {"fields": ["gt"]}, selected=[dataset.last().id])
    assert choices(asked["fields"])["gt"] == "Detections, 1"
    attributes = asked["of_gt"].type.properties["attributes"]
    assert attributes.default == []


def test_what_cannot_be_sent_is_told_by_field(form, dataset):
    wrong = {"attributes": [{"name": "age", "type": "select"}]}
    asked = form(SEND, dataset, {"anno_key": "run", "fields": ["gt", "weather"], "of_gt": wrong})
    (told,) = refusals(asked).values()
    assert told == "Attribute 'age' of type 'select' requires a list of values"
    assert asked["problem_0"].view.label == "Field gt cannot be sent like this"
    asked = form(SEND, dataset, {"anno_key": "run", "new_fields": [{"name": "new", "type": "detections"}]})
    assert "new" in "".join(refusals(asked).values())
    asked = form(SEND, dataset, {"anno_key": "run", "fields": ["gone"]})
    assert refusals(asked)["fields"].startswith("field 'gone': the samples do not have it; they have: tags, gt")


def test_samples_that_cannot_be_sent_are_told_before_anything_is_made(form, dataset):
    bad = dataset.first()
    bad.gt.detections[0].bounding_box = [0.1, 0.1, float("nan"), 0.1]
    bad.save()
    dataset.add_sample(fo.Sample(filepath="/nowhere/at all.png"))
    asked = form(SEND, dataset, {"anno_key": "run", "fields": ["gt"]})
    told = refusals(asked)
    assert set(told) == {"unsendable_0", "unsendable_1"}
    text = "".join(told.values())
    assert "1 labels of field gt cannot be sent:" in text and bad.gt.detections[0].id in text
    assert "1 samples cannot be sent:" in text and "/nowhere/at all.png" in text


def test_the_slices_of_groups_are_asked_for_together(form, dataset_of, tmp_path):
    group = fo.Group()
    paths = {name: str(write_image(tmp_path / f"{name}.png")) for name in ("left", "right")}
    labels = {"left": "cat", "right": "dog"}
    groups = dataset_of(
        fo.Sample(filepath=path, group=group.element(name), weather=fo.Classification(label=labels[name]))
        for name, path in paths.items()
    )
    params = {"anno_key": "run", "fields": ["weather"], "preview": True, "more_options": True}
    alone = form(SEND, groups, params)
    assert "group_slices" in alone and alone["of_weather"].type.properties["classes"].default == ["cat"]
    asked = form(SEND, groups, {**params, "group_slices": ["left", "right"]})
    assert refusals(asked) == {} and asked["of_weather"].type.properties["classes"].default == ["cat", "dog"]
    assert '<Choices name="right%.weather" toName="right"' in asked["labeling_config_preview"].default


def test_the_labeling_config_is_shown_where_it_is_asked_for(form, dataset):
    asked = form(SEND, dataset, {"anno_key": "run", "fields": ["gt"], "preview": True})
    assert asked["labeling_config_preview"].default == fo_labelstudio.to_labeling_config(["gt"], dataset)


@pytest.mark.parametrize(
    ("key", "told"),
    [("not a key", "'not a key' is no name"), ("there", "has an annotation run 'there' already")],
)
def test_a_name_that_no_run_can_have_is_refused(form, dataset, tmp_path, key, told):
    fo_labelstudio.export_tasks(dataset, "there", tmp_path / "tasks", "weather", attributes=False)
    assert told in refusals(form(SEND, dataset, {"anno_key": key, "fields": ["gt"]}))["anno_key"]


def test_settings_that_are_set_are_shown_and_not_asked_for(form, dataset, monkeypatch):
    monkeypatch.setitem(fo.annotation_config.backends["labelstudio"], "media", "upload")
    monkeypatch.setitem(fo.annotation_config.backends["labelstudio"], "project_name", "Ours")
    asked = form(SEND, dataset, {"fields": ["gt"], "more_options": True})
    assert asked["assigned_media"].default == "upload" and asked["assigned_project_name"].default == "Ours"
    assert not {"media", "project", "project_name", "url"} & set(asked)


def test_each_setting_of_a_run_is_asked_for(form, dataset):
    asked = set(form(SEND, dataset, {"fields": ["gt"], "more_options": True, "media": "local_files"}))
    of_others = {"frame_start", "frame_stop", "keyframe_tolerance", "group_slices"}
    # Of new fields, their kind stands beside them; files and parts are no matter of a form.
    elsewhere = {"scalar_types", "export_dir", "parts", "project_id", "existing_tasks"}
    assert set(RUN_SETTINGS) - asked == of_others | elsewhere
    assert set(MORE) - asked == of_others


def test_what_nobody_switches_is_as_if_it_was_not_given(form, dataset):
    asked = form(SEND, dataset, {"fields": ["gt"], "more_options": True})
    switches = {row.name: row.parse(None) for row in SETTINGS if row.of_run and isinstance(row.parse, Switch)}
    assert {name: asked[name].default for name in switches} == switches
    assert switches["show_media"] is True


@pytest.mark.parametrize("operator", [operator().config.name for operator in OPERATORS if operator().config.name])
def test_no_form_asks_for_a_secret(form, dataset, monkeypatch, operator):
    if operator in ("send_part", "labelstudio_panel"):
        return

    def refuse(client):
        raise ConnectionFailedError("nothing answers")

    monkeypatch.setattr("fo_labelstudio.remote.client.Client.check", refuse)
    asked = form(operator, dataset, {"more_options": True})
    assert not set(asked) & set(SECRET_SETTINGS)
    assert "0123456789abcdef" not in str([prop.to_json() for prop in asked.values()])


def test_without_a_key_each_form_says_where_to_set_it(form, dataset, monkeypatch):
    monkeypatch.delenv("FIFTYONE_LABELSTUDIO_API_KEY")
    monkeypatch.delenv("FIFTYONE_LABELSTUDIO_URL")
    for operator in (SEND, "load_annotations", "refresh_predictions", "adopt", "import_project"):
        told = refusals(form(operator, dataset))["connection"]
        assert told.startswith("no api_key for the Label Studio server; set the environment variable")
        assert "FIFTYONE_LABELSTUDIO_API_KEY" in told
    assert form(SEND, dataset)["url"].required
    assert "url" not in form("load_annotations", dataset)


def test_what_takes_long_is_looked_up_once_in_a_form(form, dataset, monkeypatch):
    looked = []

    def noted(name, otherwise):
        def look(*arguments):
            looked.append(name)
            return otherwise(*arguments)

        return look

    for name in ("found_fields", "draft_field", "unsendable"):
        monkeypatch.setattr(send_form, name, noted(name, getattr(send_form, name)))
    params = {"anno_key": "run", "fields": ["gt"]}
    form(SEND, dataset, params, prompt_id="one")
    first = list(looked)
    assert set(first) == {"found_fields", "draft_field", "unsendable"}
    form(SEND, dataset, {**params, "anno_key": "another"}, prompt_id="one")
    assert looked == first
    form(SEND, dataset, params, prompt_id="one", selected=[dataset.first().id])
    assert looked == first * 2
    form(SEND, dataset, params, prompt_id="two")
    assert looked == first * 3


@pytest.mark.parametrize("operator", ["load_annotations", "refresh_predictions", "clean_up", "adopt"])
def test_a_run_that_is_gone_is_named_with_those_that_there_are(form, dataset, operator):
    told = refusals(form(operator, dataset, {"anno_key": "gone"}))["anno_key"]
    assert told == f"dataset {dataset.name!r} has no annotation run 'gone' of this kind; it has: none"
    assert "no_run" in refusals(form(operator, dataset))


def test_plugin_secrets_are_used(plugins_dir, dataset, monkeypatch):
    from fiftyone.operators.executor import ExecutionContext

    from fo_labelstudio.app.connection import connection_of

    operator = foo.get_operator(f"fo-labelstudio/{SEND}")
    ctx = ExecutionContext({"params": {}}, operator_uri=operator.uri, required_secrets=operator._plugin_secrets)
    assert connection_of(ctx, is_new=True) == {"url": "http://127.0.0.1:9", "api_key": "0123456789abcdef"}
    # The url of a run counts more than that of all.
    assert connection_of(ctx) == {"api_key": "0123456789abcdef"}


def test_a_label_schema_stands_for_the_form(form, dataset):
    for given in (["gt"], {"gt": {}}, '{"gt": {"type": "detections"}}'):
        assert refusals(form(SEND, dataset, {"anno_key": "run", "label_schema": given})) == {}
    told = refusals(form(SEND, dataset, {"anno_key": "run", "label_schema": '{"gt"'}))
    assert told["label_schema"].startswith("label_schema is no JSON")
    told = refusals(form(SEND, dataset, {"anno_key": "run", "label_schema": {"gone": {}}}))
    assert told["problem_0"] == "You must specify a type for new label field 'gone'"


def test_text_files_are_offered_what_texts_can_have(form, dataset_of):
    span = fo.Classification(label="PER", start=0, end=3, text="Ann")
    sample = fo.Sample(filepath="/a/b.txt", entities=fo.Classifications(classifications=[span]), gt=boxes("cat"))
    asked = form(SEND, dataset_of([sample]), {"fields": ["entities"]})
    assert "spans" in asked["of_entities"].type.properties["type"].type.values
    assert "field 'gt'" in asked["not_offered"].view.description


def test_labels_can_be_on_values_of_the_samples(form, make_dataset):
    span = fo.Classification(label="PER", start=0, end=3, text="Ann")
    dataset = make_dataset(
        {"caption": "Ann swims", "words": fo.Classifications(classifications=[span]), "boxes": boxes()}
    )
    asked = form(SEND, dataset, {"anno_key": "run", "fields": ["words"]})
    offered = asked["of_words"].type.properties
    assert {"spans", "classifications"} <= set(offered["type"].type.values)
    assert offered["on"].type.values[:2] == ["text caption", "html caption"]
    assert "boxes" not in " ".join(asked["new_fields"].type.element_type.properties["on"].type.values)
    told = refusals(form(SEND, dataset, {"anno_key": "run", "fields": ["words"], "of_words": {"type": "spans"}}))
    assert "nothing says what its spans are on" in told["problem_0"]
    chosen = {"type": "spans", "on": "text caption"}
    params = {"anno_key": "run", "fields": ["words"], "of_words": chosen, "preview": True}
    asked = form(SEND, dataset, params)
    assert refusals(asked) == {}
    assert asked["of_words"].type.properties["on"].default == "text caption"
    assert asked["of_words"].type.properties["classes"].default == ["PER"]
    schema = {"words": {"type": "spans", "text": "caption"}}
    assert asked["labeling_config_preview"].default == fo_labelstudio.to_labeling_config(schema, dataset)
    new = [{"name": "tone", "type": "classification", "classes": ["kind"], "on": "text caption"}]
    asked = form(SEND, dataset, {"anno_key": "run", "new_fields": new, "preview": True})
    assert refusals(asked) == {} and "<Text" in asked["labeling_config_preview"].default


def test_files_of_several_kinds_are_refused_with_a_view_of_one(form, dataset_of):
    samples = dataset_of([fo.Sample(filepath="/a/b.txt"), fo.Sample(filepath="/a/c.wav")])
    assert "annotate a view of one kind" in refusals(form(SEND, samples))["samples"]
