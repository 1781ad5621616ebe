"""What annotate() makes of label fields on values of samples, before a server is asked."""

from __future__ import annotations

import fiftyone as fo
import fiftyone.utils.annotations as foua
import pytest

import fo_labelstudio.backend
from fo_labelstudio.convert.records import media_key_of, objects_of
from fo_labelstudio.convert.schema import parse_label_schema
from fo_labelstudio.dataset.internals import built_label_schema
from fo_labelstudio.dataset.label_schema import completed_label_schema
from fo_labelstudio.errors import LabelSchemaError

pytestmark = pytest.mark.database

PERMISSIONS = ("allow_additions", "allow_deletions", "allow_label_edits", "allow_spatial_edits")
SPANS = {"type": "spans", "text": "caption", "classes": ["PER"]}


@pytest.fixture
def backend():
    return fo_labelstudio.backend.LabelStudioBackendConfig("labelstudio", None).build()


@pytest.fixture
def captioned(dataset_of):
    span = fo.Classification(label="PER", start=0, end=3, text="Ann", source="model")
    sample = fo.Sample(
        filepath="a.png",
        caption="Ann sits",
        answer="No",
        count=3,
        entities=fo.Classifications(classifications=[span]),
        boxes=fo.Detections(),
        ocr=fo.DynamicEmbeddedDocument(text="Hi"),
    )
    return dataset_of([sample])


def schema_of(samples, backend, label_schema, show_media=True):
    built, _ = built_label_schema(samples, backend, label_schema)
    schema = completed_label_schema(built, samples, "1.23.2", "brush", {}, show_media=show_media)
    parse_label_schema(schema)
    return schema


def test_a_field_of_spans_names_the_text_that_they_are_on(captioned, backend):
    info = schema_of(captioned, backend, {"entities": SPANS})["entities"]
    expected = {"type": "spans", "text": "caption", "scope": "text", "beside": "image", "existing_field": True}
    assert {key: info[key] for key in expected} == expected
    assert [*info["attributes"]] == ["source"]
    (field,) = parse_label_schema({"entities": info})
    assert (field.shows, field.to_name, field.shown_key, field.medium.name) == (
        "caption",
        "caption%.text",
        "caption",
        "text",
    )


def test_the_classes_of_spans_that_are_there_are_found(captioned, backend):
    info = schema_of(captioned, backend, {"entities": {"type": "spans", "text": "caption"}})["entities"]
    assert info["classes"] == ["PER"]


@pytest.mark.parametrize(
    "permission", ["allow_additions", "allow_deletions", "allow_label_edits", "allow_spatial_edits"]
)
def test_each_permission_is_handed_on(captioned, backend, permission):
    assert schema_of(captioned, backend, {"entities": {**SPANS, permission: False}})["entities"][permission] is False


def test_other_backends_notice_nothing(captioned, backend, monkeypatch):
    asked = {"entities": {"type": "classifications", "text": "caption", "classes": ["PER"], "attributes": False}}
    assert built_label_schema(captioned, backend, asked)[0]["entities"]["text"] == "caption"
    monkeypatch.setattr(foua.AnnotationBackend, "supported_label_types", ["classifications"])
    other = foua.AnnotationBackend(foua.AnnotationBackendConfig("other", {}))
    assert "text" not in built_label_schema(captioned, other, asked)[0]["entities"]


def test_who_sends_spans_as_classes_is_told_of_the_type_that_marks_them(captioned, backend, caplog):
    schema_of(captioned, backend, {"entities": {"type": "classifications", "text": "caption", "classes": ["PER"]}})
    (told,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert told == (
        'Field \'entities\': its labels have start and end, as spans have, and are sent as classes; "type": "spans" in '
        "its entry of label_schema has people mark them"
    )
    schema_of(captioned, backend, {"entities": SPANS})
    assert len(caplog.records) == 1


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        (
            {"entities": {"type": "spans", "classes": ["PER"]}},
            "field 'entities': nothing says what its spans are on; name the field that holds it under \"text\"",
        ),
        (
            {"entities": {**SPANS, "text": "captoin"}},
            "field 'entities': \"text\" names 'captoin', and there is no such field of samples; did you "
            "mean 'caption'?",
        ),
        (
            {"entities": {**SPANS, "text": "count"}},
            "field 'entities': \"text\" names 'count', and it is an IntField; name a field of the "
            "samples that holds texts",
        ),
        (
            {"entities": {**SPANS, "text": "boxes.detections.label"}},
            "field 'entities': \"text\" names 'boxes.detections.label', and it is inside a list, so that a sample has "
            "no single value; name a field of the samples that holds texts",
        ),
        (
            {"entities": {**SPANS, "text": "ocr.text"}},
            "field 'entities': \"text\" names 'ocr.text', and there is no such field of samples; if they have it all "
            "the same, dataset.add_dynamic_sample_fields() declares it",
        ),
        ({"entities": {**SPANS, "text": 7}}, "field 'entities': \"text\" is 7, expected the name of a field"),
        (
            {"boxes": {"type": "detections", "text": "caption", "classes": ["PER"]}},
            "field 'boxes': labels of type 'detections' cannot be on a text; take \"text\" out of its entry",
        ),
        (
            {"entities": SPANS, "caption": {"type": "scalar"}},
            "field 'entities': its labels are on 'caption', which the same run has people correct",
        ),
    ],
)
def test_what_cannot_be_shown_is_refused_with_what_to_do(captioned, backend, schema, message):
    with pytest.raises(LabelSchemaError) as caught:
        schema_of(captioned, backend, schema)
    assert str(caught.value).startswith(message)


def test_classes_and_values_can_be_on_texts_and_on_the_image_in_one_run(captioned, backend):
    schema = {
        "tone": {"type": "classification", "text": "caption", "classes": ["calm"]},
        "right": {"type": "classifications", "text": "answer", "classes": ["yes"]},
        "caption": {"type": "scalar", "text": "caption"},
        "scene": {"type": "classification", "classes": ["indoor"]},
    }
    fields = parse_label_schema(schema_of(captioned, backend, schema))
    assert [(field.name, field.to_name) for field in fields] == [
        ("tone", "caption%.text"),
        ("right", "answer%.text"),
        ("caption", "caption%.text"),
        ("scene", "image"),
    ]


def test_tasks_may_show_values_alone(captioned, backend):
    (field,) = parse_label_schema(schema_of(captioned, backend, {"entities": SPANS}, show_media=False))
    assert (field.beside, [*objects_of([field])], media_key_of([field])) == (None, ["caption%.text"], "")


def test_what_is_on_the_image_needs_it_shown(captioned, backend):
    schema = {"entities": SPANS, "boxes": {"type": "detections", "classes": ["PER"]}}
    with pytest.raises(LabelSchemaError) as caught:
        schema_of(captioned, backend, schema, show_media=False)
    assert str(caught.value).startswith(
        "field 'boxes': show_media=False leaves out the image that its labels are on; name the field of the samples "
        'that they are on under "text"'
    )


def test_label_fields_may_be_called_like_what_shows_text_files(dataset_of, backend):
    samples = dataset_of([fo.Sample(filepath="a.txt", caption="Ann")])
    new = {"type": "classification", "classes": ["PER"]}
    schema = {"text": new, "image": {**new, "text": "caption"}, "entities": {"type": "spans", "classes": ["PER"]}}
    fields = parse_label_schema(schema_of(samples, backend, schema))
    assert [(field.name, field.control, field.to_name) for field in fields] == [
        ("text", "%74ext", "text"),
        ("image", "%69mage", "caption%.text"),
        ("entities", "entities", "text"),
    ]


def test_no_shape_is_on_a_text_file(dataset_of, backend):
    samples = dataset_of([fo.Sample(filepath="a.txt")])
    with pytest.raises(LabelSchemaError, match="'boxes': labels of type 'detections' cannot be annotated on a text"):
        schema_of(samples, backend, {"boxes": {"type": "detections", "classes": ["PER"]}})


def test_the_columns_of_files_are_those_of_the_first_one_that_tells_them(dataset_of, backend, tmp_path):
    rows = "".join(f"2026-01-31 12:00:00.{place:06d},{place}\n" for place in range(60_000))
    for name, text in {"numbers": "1,2\n", "long": f"Date,Speed\n{rows}", "other": "a\n1\n"}.items():
        (tmp_path / f"{name}.csv").write_text(text)
    paths = [str(tmp_path / f"{name}.csv") for name in ("missing", "numbers", "long", "other")]
    dataset = dataset_of([fo.Sample(filepath=path, copy=path) for path in paths])
    asked = {"states": {"type": "spans", "classes": ["run"]}, "kind": {"type": "classification", "classes": ["a"]}}
    schema = schema_of(dataset, backend, asked)
    assert [info["columns"] for info in schema.values()] == [["time (utc)", "Speed"]] * 2
    fields = parse_label_schema(schema)
    assert objects_of(fields).keys() == {"timeseries"}
    assert schema_of(dataset[:2], backend, asked)["states"].get("columns") is None
    built, _ = built_label_schema(dataset, backend, asked)
    schema = completed_label_schema(built, dataset[3:], "1.23.2", "brush", {}, media_field="copy")
    assert schema["kind"]["columns"] == ["a"]


def test_files_that_are_no_conversations_are_named_where_spans_are_to_be_on_them(dataset_of, backend, tmp_path):
    path = tmp_path / "talk.json"
    path.write_text('[{"role": "user", "content": "Hi"}]')
    with pytest.raises(LabelSchemaError) as caught:
        schema_of(dataset_of([fo.Sample(filepath=str(path))]), backend, {"said": {"type": "spans", "classes": ["A"]}})
    assert str(caught.value).startswith(
        "field 'said': the samples are tables, for the first of their files holds no conversation as documented, "
        "and no spans can be on these; name the field that holds it under "
    )
