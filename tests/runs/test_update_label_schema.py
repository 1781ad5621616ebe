"""A run that is going on asks for more, in a project in memory."""

from __future__ import annotations

import wave
from datetime import datetime, timezone

import fiftyone as fo
import pytest
from PIL import Image

from fo_labelstudio.convert.labeling_config.write import to_labeling_config
from fo_labelstudio.convert.names import control_name, inner_name
from fo_labelstudio.errors import LabelSchemaError, RunError, ServerError
from fo_labelstudio.runs.load_annotations import load_run
from fo_labelstudio.runs.load_options import LoadOptions
from fo_labelstudio.runs.update_label_schema import update_label_schema
from tests.memory import annotate_in_memory
from tests.support import stored

pytestmark = pytest.mark.database

SCHEMA = {
    "gt": {"type": "detections", "classes": ["cat", "dog"], "attributes": {}, "existing_field": True},
    "seen": {
        "type": "scalar",
        "classes": ["day", "night"],
        "attributes": {},
        "existing_field": True,
    },
}
AGE = inner_name(control_name("gt"), "age")
MORE = {"gt": {"classes": ["cat", "dog", "cow"], "attributes": {"age": {"type": "number"}}}}


@pytest.fixture
def dataset(make_dataset):
    def box():
        return fo.Detections(detections=[fo.Detection(label="cat", bounding_box=[0.1, 0.2, 0.3, 0.4])])

    return make_dataset(*({"gt": box(), "seen": ["day"]} for _ in range(2)))


@pytest.fixture
def begun(dataset):
    results, project = annotate_in_memory(dataset, "run", SCHEMA)
    project.clock = datetime(2026, 11, 20, 12, tzinfo=timezone.utc)
    return results, project


def update(results, project, schema=MORE, **options):
    update_label_schema(results.backend, results, schema, holder=project, **options)


def load(results, project, **options):
    load_run(results, LoadOptions(**options), project)
    results.save()


def submit(project, task_id, edit, hour, number=1):
    project.submit(task_id, edit, id=number, updated_at=f"2026-11-20T{hour:02}:00:00.000000Z")


def relabelled(result):
    (region,) = [region for region in result if region["type"] == "rectanglelabels"]
    region["value"]["rectanglelabels"] = ["cow"]
    age = {**region, "from_name": AGE, "type": "number", "value": {"number": 3}}
    return [*result, age]


def test_new_classes_and_attributes_are_asked_for_and_loaded(dataset, begun):
    results, project = begun
    update(results, project)
    assert '<Label value="cow"' in project.labeling_config and f'name="{AGE}"' in project.labeling_config
    submit(project, 1, relabelled, 14)
    load(results, project)
    dataset.reload()
    (label,) = dataset.first().gt.detections
    assert (label.label, label.age) == ("cow", 3)
    assert dataset.get_annotation_info("run").config.label_schema["gt"]["classes"] == ["cat", "dog", "cow"]


@pytest.mark.parametrize(("policy", "ages"), [("annotator", [3, 3]), ("dataset", [8, 3])])
def test_a_value_that_nobody_was_shown_is_in_conflict_with_an_answer(dataset, begun, policy, ages):
    sample = dataset.first()
    sample.gt.detections[0]["age"] = 8
    sample.save()
    results, project = begun
    update(results, project)
    for task_id in (1, 2):
        submit(project, task_id, relabelled, 14)
    load(results, project, on_conflict=policy)
    (conflict,) = results.conflicts
    assert (conflict["sample_id"], conflict["aspect"], conflict["kept"]) == (sample.id, "attribute age", policy)
    assert (conflict["sent"], conflict["dataset"], conflict["annotator"]) == (None, 8, 3)
    dataset.reload()
    assert [value.detections[0].age for value in dataset.values("gt")] == ages


def test_the_same_call_again_changes_nothing(begun):
    results, project = begun
    update(results, project)
    schema, config = results.config.label_schema, project.labeling_config
    update(results, project)
    assert results.config.label_schema == schema and project.labeling_config == config


def test_answers_from_before_the_change_load_as_they_would_have(dataset, begun):
    results, project = begun
    before = stored(dataset)
    submit(project, 1, lambda result: result, 8)
    update(results, project)
    load(results, project)
    assert stored(dataset) == before


WIDER = {"seen": {"classes": ["day", "night", "dusk"]}}


def cleared(result):
    return [region for region in result if region["from_name"] != "seen"]


def test_what_is_cleared_after_the_change_is_cleared(dataset, begun):
    results, project = begun
    update(results, project, WIDER)
    submit(project, 1, cleared, 14)
    load(results, project)
    dataset.reload()
    assert dataset.values("seen") == [[], ["day"]] or dataset.values("seen") == [None, ["day"]]


def test_an_answer_from_while_it_was_changed_may_not_have_been_shown_what_is_new(dataset, begun):
    results, project = begun
    update(results, project, WIDER)
    before = stored(dataset)
    project.submit(1, cleared, updated_at="2026-11-20T12:00:30.000000Z")
    load(results, project)
    assert stored(dataset) == before


def test_all_that_would_be_taken_away_is_refused_and_nothing_changes(begun):
    results, project = begun
    config = project.labeling_config
    with pytest.raises(LabelSchemaError) as error:
        update(results, project, {"gt": {"classes": ["cow"], "type": "polylines"}, "other": {"classes": ["x"]}})
    text = str(error.value)
    assert "'cat', 'dog' would be taken away" in text and "its type is 'detections'" in text and "'other'" in text
    assert project.labeling_config == config and results.config.label_schema["gt"]["classes"] == ["cat", "dog"]


def test_an_attribute_that_cannot_be_asked_for_is_refused(begun):
    results, project = begun
    with pytest.raises(LabelSchemaError, match="attribute 'label'"):
        update(results, project, {"gt": {"attributes": {"label": {"type": "text"}}}})


def test_a_labeling_config_that_somebody_has_changed_is_not_replaced(begun):
    results, project = begun
    project.labeling_config = theirs = project.labeling_config.replace("<Image", '<Header value="Hi"/><Image')
    with pytest.raises(RunError, match="somebody has changed the labeling config of project 1"):
        update(results, project)
    assert project.labeling_config == theirs


def test_it_is_replaced_by_one_that_fits_and_is_given(dataset, begun):
    results, project = begun
    project.labeling_config = project.labeling_config.replace("<Image", '<Header value="Hi"/><Image')
    classes = project.labeling_config.replace('<Label value="cat"', '<Label value="cow"/><Label value="cat"')
    update(results, project, {"gt": {"classes": ["cat", "dog", "cow"]}}, labeling_config=classes)
    assert project.labeling_config == classes
    submit(project, 1, lambda result: relabelled(result)[:-1], 14)
    load(results, project)
    dataset.reload()
    assert dataset.first().gt.detections[0].label == "cow"
    with pytest.raises(RunError, match="pass labeling_config="):
        update(results, project, WIDER)


def test_runs_in_projects_of_others_keep_their_labeling_config(begun):
    results, project = begun
    results.config.run_state["owns_project"] = False
    results.save_config()
    with pytest.raises(RunError, match="in project 1, which was there before and keeps its labeling config"):
        update(results, project)


def test_a_server_that_refuses_leaves_the_run_as_it_was(begun, monkeypatch):
    results, project = begun

    def refuse(labeling_config):
        raise ServerError("no", 400)

    monkeypatch.setattr(project, "set_labeling_config", refuse)
    with pytest.raises(ServerError):
        update(results, project)
    assert results.saved().config.label_schema["gt"]["classes"] == ["cat", "dog"] and results.configs == []
    assert project.labeling_config == to_labeling_config(results.config.label_fields())


def test_a_project_of_1_0_that_shows_audio_is_not_taken_for_one_that_somebody_has_changed(dataset_of, tmp_path):
    path = tmp_path / "talk.wav"
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1), sound.setsampwidth(2), sound.setframerate(8000)
        sound.writeframes(bytes(1000))
    schema = {"speech": {"type": "spans", "classes": ["Ann"], "attributes": {}, "scope": "audio", "beside": None}}
    results, project = annotate_in_memory(dataset_of([fo.Sample(filepath=str(path))]), "run", schema)
    project.labeling_config = project.labeling_config.replace(' decoder="ffmpeg"', "")
    update(results, project, {"speech": {"classes": ["Ann", "Ben"]}})
    assert '<Label value="Ben"' in project.labeling_config and 'decoder="ffmpeg"' in project.labeling_config


def test_more_classes_of_a_document_whose_pages_are_shown(dataset_of, tmp_path):
    Image.new("RGB", (30, 20)).save(tmp_path / "a.pdf")
    entry = {"attributes": {}, "scope": "pdf_pages", "beside": None}
    schema = {
        "stamps": {"type": "detections", "classes": ["paid"], **entry},
        "kind": {"type": "classification", "classes": ["bill"], **entry},
    }
    results, project = annotate_in_memory(dataset_of([fo.Sample(filepath=str(tmp_path / "a.pdf"))]), "run", schema)
    update(results, project, {"kind": {"classes": ["bill", "letter"]}})
    assert '<Choice value="letter"' in project.labeling_config and "<Pdf" not in project.labeling_config
    assert results.config.label_schema["kind"]["scope"] == "pdf_pages"
