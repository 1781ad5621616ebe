"""What can be annotated of samples, and what is proposed for it."""

from __future__ import annotations

import fiftyone as fo
import pytest

from fo_labelstudio.backend import LabelStudioBackendConfig
from fo_labelstudio.runs.listed import listed_runs
from fo_labelstudio.runs.propose import draft_field, found_fields

pytestmark = pytest.mark.database


def backend(**settings):
    return LabelStudioBackendConfig("labelstudio", None, **settings).build()


def box(label):
    return fo.Detection(label=label, bounding_box=[0.1, 0.1, 0.2, 0.2])


def test_fields_of_videos_and_of_their_frames(dataset_of):
    video = fo.Sample(filepath="/a.mp4", weather=fo.Classification(label="sun"), boxes=fo.Detections())
    video.frames[1] = fo.Frame(cars=fo.Detections(detections=[box("car"), box("bus")]), lanes=fo.Polylines())
    video.frames[2] = fo.Frame(cars=fo.Detections(detections=[box("car")]))
    found = {field.name: field for field in found_fields(dataset_of([video]))}
    assert (found["weather"].label_types, found["weather"].size) == (("classification",), 1)
    assert (found["frames.cars"].label_types, found["frames.cars"].size) == (("detections",), 3)
    assert "cannot show Detections on samples of media type 'video'" in found["boxes"].problem
    assert "cannot show Polylines on frames of media type 'video'" in found["frames.lanes"].problem
    assert not {"id", "filepath", "metadata", "frames", "created_at", "frames.frame_number"} & set(found)


def test_boxes_of_documents_are_drawn_on_their_pages(dataset_of):
    dataset = dataset_of([fo.Sample(filepath="/a.pdf", stamps=fo.Detections(detections=[box("paid")]))])
    dataset.add_sample_field("ink", fo.EmbeddedDocumentField, embedded_doc_type=fo.Segmentation)
    found = {field.name: field for field in found_fields(dataset)}
    assert found["stamps"].problem is None and "detections" in found["stamps"].label_types
    assert "cannot show Segmentation on samples" in found["ink"].problem
    assert draft_field(dataset, backend(), "stamps", {}).completed["scope"] == "pdf_pages"


def test_fields_in_embedded_documents_and_those_that_are_read_only(dataset_of):
    model = fo.DynamicEmbeddedDocument(boxes=fo.Detections(detections=[box("cat")]), score=0.5)
    dataset = dataset_of([fo.Sample(filepath="/a.png", model=model, fixed="x")])
    field = dataset.get_field("fixed")
    field.read_only = True
    field.save()
    dataset.add_dynamic_sample_fields()
    found = {field.name: field for field in found_fields(dataset)}
    assert (found["model.boxes"].size, found["model.boxes"].problem) == (1, None)
    assert found["model.score"].label_types == ("scalar",)
    assert found["fixed"].problem.startswith("field 'fixed' is read-only")


def test_nothing_is_written_to_the_dataset(dataset_of):
    dataset = dataset_of([fo.Sample(filepath="/a.png", gt=fo.Detections(detections=[box("cat")]))])
    before = dataset.get_field_schema(flat=True).keys(), dataset.first().to_dict()
    found_fields(dataset)
    draft_field(dataset, backend(), "new", {"type": "scalar"})
    assert (dataset.get_field_schema(flat=True).keys(), dataset.first().to_dict()) == before


@pytest.mark.parametrize(
    ("name", "asked", "problem"),
    [
        ("gt", {}, None),
        ("gt", {"type": "keypoints"}, "keypoints"),
        ("gt", {"attributes": {"age": {"type": "slider"}}}, "unsupported type 'slider'"),
        ("new", {}, "You must specify a type for new label field 'new'"),
        ("new", {"type": "detections"}, "new"),
        ("new", {"type": "detections", "classes": ["cat"]}, None),
        ("$new", {"type": "detections", "classes": ["cat"]}, "$new"),
    ],
)
def test_a_draft_says_why_a_field_cannot_be_sent_like_this(dataset_of, name, asked, problem):
    dataset = dataset_of([fo.Sample(filepath="/a.png", gt=fo.Detections(detections=[box("cat")]))])
    drafted = draft_field(dataset, backend(), name, asked)
    if problem is None:
        assert drafted.problem is None and drafted.completed["classes"] == ["cat"]
    else:
        assert problem in drafted.problem and drafted.completed is None


def test_runs_of_others_are_told_from_those_that_can_be_adopted(dataset_of):
    dataset = dataset_of([fo.Sample(filepath="/a.png")])
    assert listed_runs(dataset) == []
