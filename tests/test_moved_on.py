"""The dataset moved on between annotate() and load_annotations()."""

from __future__ import annotations

import fiftyone as fo
import fiftyone.core.fields as fof
import numpy as np
import pytest

import fo_labelstudio
from fo_labelstudio.errors import LabelSchemaError, SettingsError
from tests.support import stored, write_image

pytestmark = [pytest.mark.server, pytest.mark.sampled]

LOGGER = "fiftyone.fo_labelstudio"
CLASSES = ["cat", "dog"]


def boxes():
    """Two boxes of different confidence."""
    return fo.Detections(
        detections=[
            fo.Detection(
                label="cat", bounding_box=[0.1, 0.1, 0.2, 0.2], confidence=0.9, tags=["mine"], index=3, iscrowd=True
            ),
            fo.Detection(label="dog", bounding_box=[0.5, 0.5, 0.25, 0.25]),
        ]
    )


def annotate(dataset, connection, label_type="detections", field="gt", **options):
    options.setdefault("attributes", False)
    schema = {field: {"type": label_type, "classes": CLASSES}}
    return dataset.annotate("run", backend="labelstudio", label_schema=schema, **connection, **options)


def move_first(result):
    """Moves the first box to x = 30 %."""
    result[0]["value"]["x"] = 30
    return result


def ids_of(labels):
    return [label.id for label in labels.detections]


def project_of(annotator, results):
    return [project["id"] for project in annotator.call("GET", "/api/projects?page_size=1000")["results"]].count(
        results.config.run_state["project_id"]
    )


@pytest.fixture
def moved(make_dataset, connection, annotator):
    """A dataset of two boxes in ``gt``, of which somebody has moved the first and accepted the second."""
    dataset = make_dataset({"gt": boxes()})
    results = annotate(dataset, connection)
    (task_id,) = results.tasks.values()
    annotator.submit(task_id, move_first)
    return dataset


def check_remade(labels, ids):
    """Checks that two boxes are those of the answer, as far as regions hold them."""
    first, second = labels.detections
    assert [first.id, second.id] == ids
    assert (first.label, second.label) == ("cat", "dog")
    assert first.bounding_box == pytest.approx([0.3, 0.1, 0.2, 0.2], abs=1e-9)
    assert second.bounding_box == pytest.approx([0.5, 0.5, 0.25, 0.25], abs=1e-9)
    assert (first.confidence, second.confidence) == (0.9, None)
    assert (first.tags, first.index) == ([], None)


class TestAFieldThatIsGone:
    def test_comes_back_whole_from_the_regions_and_the_report_says_what_these_do_not_hold(self, moved, caplog):
        ids = ids_of(moved.first().gt)
        moved.delete_sample_field("gt")
        with caplog.at_level("WARNING", LOGGER):
            moved.load_annotations("run")
        moved.reload()
        check_remade(moved.first().gt, ids)
        assert (
            "Field 'gt' of the run is gone; made 2 labels of answered tasks again, in 'gt'. Their regions do not hold "
            "tags, index, attributes, what is outside the image." in caplog.text
        )
        before = stored(moved)
        moved.load_annotations("run")
        assert stored(moved) == before

    def test_comes_back_in_the_field_that_is_asked_for(self, moved):
        ids = ids_of(moved.first().gt)
        moved.delete_sample_field("gt")
        moved.load_annotations("run", dest_field="new")
        moved.reload()
        check_remade(moved.first().new, ids)
        assert not moved.has_sample_field("gt")
        before = stored(moved)
        moved.load_annotations("run", dest_field="new")
        assert stored(moved) == before

    def test_is_named_again_only_where_labels_are_made_anew(self, make_dataset, connection, annotator, caplog):
        dataset = make_dataset({"gt": boxes()}, {"gt": boxes()})
        results = annotate(dataset, connection)
        first, second = (results.tasks[sample.id] for sample in dataset)
        dataset.delete_sample_field("gt")

        def said():
            caplog.clear()
            with caplog.at_level("WARNING", LOGGER):
                dataset.load_annotations("run", dest_field="new")
            return [
                line.getMessage().partition(";")[2][:21] for line in caplog.records if "again, in" in line.getMessage()
            ]

        assert (said(), said()) == ([" made 0 labels of ans"], [])
        annotator.submit(first, move_first)
        assert (said(), said()) == ([" made 2 labels of ans"], [])
        annotator.submit(second)
        assert (said(), said()) == ([" made 2 labels of ans"], [])

    def test_comes_back_as_its_prediction_shows_it_where_an_edit_is_taken_back(
        self, make_dataset, connection, annotator
    ):
        dataset = make_dataset({"gt": boxes()})
        ids = ids_of(dataset.first().gt)
        (task_id,) = annotate(dataset, connection).tasks.values()
        prediction = annotator.task(task_id)["predictions"][0]["id"]
        sent = annotator.preloaded(task_id)
        made = annotator.submit(task_id, move_first, parent_prediction=prediction)
        dataset.delete_sample_field("gt")
        dataset.load_annotations("run")
        dataset.reload()
        check_remade(dataset.first().gt, ids)
        annotator.call("PATCH", f"/api/annotations/{made['id']}/", json={"result": sent})
        dataset.load_annotations("run")
        first = dataset.first().gt.detections[0]
        assert first.bounding_box == pytest.approx([0.1, 0.1, 0.2, 0.2], abs=1e-9)

    def test_comes_back_with_later_answers_too_and_its_project_stays_until_then(
        self, make_dataset, connection, annotator, caplog
    ):
        dataset = make_dataset({"gt": boxes()}, {"gt": boxes()})
        ids = [ids_of(sample.gt) for sample in dataset]
        results = annotate(dataset, connection)
        first, second = (results.tasks[sample.id] for sample in dataset)
        annotator.submit(first, move_first)
        dataset.delete_sample_field("gt")
        with caplog.at_level("WARNING", LOGGER):
            dataset.load_annotations("run", cleanup=True)
        assert "left something behind: the labels of field 'gt' on 1 tasks without an answer" in caplog.text
        dataset.reload()
        assert dataset.last().gt is None
        annotator.submit(second)
        dataset.load_annotations("run", cleanup=True)
        assert [ids_of(sample.gt) for sample in dataset] == ids
        assert dataset.load_annotation_results("run").project_id is None

    def test_is_made_by_fiftyone_while_nobody_has_answered_and_filled_all_the_same(
        self, make_dataset, connection, annotator
    ):
        dataset = make_dataset({"gt": boxes()})
        ids = ids_of(dataset.first().gt)
        (task_id,) = annotate(dataset, connection).tasks.values()
        dataset.delete_sample_field("gt")
        dataset.load_annotations("run")
        assert dataset.has_sample_field("gt")
        annotator.submit(task_id, move_first)
        dataset.load_annotations("run")
        dataset.reload()
        check_remade(dataset.first().gt, ids)

    def test_does_not_bring_back_what_somebody_deletes_once_it_is_back(self, moved):
        moved.delete_sample_field("gt")
        moved.load_annotations("run")
        moved.reload()
        sample = moved.first()
        del sample.gt.detections[0]
        sample.save()
        before = stored(moved)
        moved.load_annotations("run")
        assert stored(moved) == before

    def test_comes_back_once_more_where_it_is_deleted_once_more(self, moved):
        ids = ids_of(moved.first().gt)
        for _ in range(2):
            moved.delete_sample_field("gt")
            moved.load_annotations("run")
            moved.reload()
            check_remade(moved.first().gt, ids)

    def test_of_another_type_is_refused_and_another_field_gets_all(self, moved):
        ids = ids_of(moved.first().gt)
        moved.delete_sample_field("gt")
        moved.add_sample_field("gt", fof.EmbeddedDocumentField, embedded_doc_type=fo.Polylines)
        before = stored(moved)
        with pytest.raises(
            LabelSchemaError, match="field 'gt' cannot hold labels of type 'detections', because it holds"
        ):
            moved.load_annotations("run")
        assert stored(moved) == before
        moved.load_annotations("run", dest_field={"gt": "new"})
        moved.reload()
        check_remade(moved.first().new, ids)

    def test_within_another_field_comes_back_with_that(self, make_dataset, connection, annotator):
        dataset = make_dataset({"a": fo.DynamicEmbeddedDocument(b=boxes())})
        dataset.add_dynamic_sample_fields()
        ids = ids_of(dataset.first().a.b)
        (task_id,) = annotate(dataset, connection, field="a.b").tasks.values()
        annotator.submit(task_id, move_first)
        dataset.delete_sample_field("a")
        dataset.load_annotations("run")
        dataset.reload()
        check_remade(dataset.first().a.b, ids)

    @pytest.mark.parametrize(
        ("label_type", "label"),
        [
            ("detection", lambda: boxes().detections[0]),
            ("polyline", lambda: fo.Polyline(label="cat", points=[[[0.1, 0.1], [0.5, 0.5]]], confidence=0.4)),
            ("polygons", lambda: fo.Polylines(polylines=[
                fo.Polyline(label="cat", points=[[[0.1, 0.1], [0.5, 0.5], [0.1, 0.5]]], closed=True, filled=True)])),
            ("keypoints", lambda: fo.Keypoints(keypoints=[fo.Keypoint(label="cat", points=[[0.25, 0.25]])])),
            ("classification", lambda: fo.Classification(label="cat", confidence=0.6)),
            ("classifications", lambda: fo.Classifications(
                classifications=[fo.Classification(label="cat"), fo.Classification(label="dog")])),
            ("instances", lambda: fo.Detections(detections=[
                fo.Detection(label="cat", bounding_box=[0.25, 0.25, 0.5, 0.5], mask=np.ones((24, 32), bool),
                             confidence=0.3)])),
        ],
    )  # fmt: skip
    def test_of_every_kind_comes_back_with_its_ids_and_confidences(
        self, make_dataset, connection, annotator, label_type, label
    ):
        dataset = make_dataset({"gt": label()})
        before = dataset.first().gt
        results = annotate(dataset, connection, label_type)
        annotator.accept_all(results)
        dataset.delete_sample_field("gt")
        dataset.load_annotations("run")
        dataset.reload()
        after = dataset.first().gt

        def facts(value):
            labels = value[value._LABEL_LIST_FIELD] if isinstance(value, fo.core.labels._HasLabelList) else [value]
            return [(type(one).__name__, one.id, one.label, one.confidence) for one in labels]

        assert type(after) is type(before)
        assert facts(after) == [
            (name, label_id, text, confidence or (None if name != "Keypoint" else confidence))
            for name, label_id, text, confidence in facts(before)
        ]
        if label_type == "instances":
            assert after.detections[0].mask.astype(bool).tolist() == np.ones((24, 32), bool).tolist()
            assert after.detections[0].bounding_box == [0.25, 0.25, 0.5, 0.5]

    def test_of_masks_comes_back_as_the_editor_shows_it(self, make_dataset, connection, annotator):
        mask = np.zeros((48, 64), np.uint8)
        mask[10:20, 10:30] = 1
        mask[30:40, 10:30] = 2
        dataset = make_dataset({"gt": fo.Segmentation(mask=mask)})
        label_id = dataset.first().gt.id
        schema = {"gt": {"type": "segmentation", "mask_targets": {1: "cat", 2: "dog"}}}
        results = dataset.annotate("run", backend="labelstudio", label_schema=schema, attributes=False, **connection)
        annotator.accept_all(results)
        dataset.delete_sample_field("gt")
        dataset.load_annotations("run")
        dataset.reload()
        assert dataset.first().gt.id == label_id
        assert dataset.first().gt.mask.tolist() == mask.tolist()

    def test_of_attributes_comes_back_with_those_that_were_asked(self, make_dataset, connection, annotator):
        dataset = make_dataset({"gt": boxes()})
        results = annotate(dataset, connection, attributes={"iscrowd": {"type": "checkbox"}})
        annotator.accept_all(results)
        dataset.delete_sample_field("gt")
        dataset.load_annotations("run")
        dataset.reload()
        assert [label.get_attribute_value("iscrowd", None) for label in dataset.first().gt.detections] == [True, None]

    def test_of_values_comes_back_accepted_and_edited(self, make_dataset, connection, annotator):
        dataset = make_dataset({"caption": "one"}, {"caption": "two"}, {"caption": "three"})
        schema = {"caption": {"type": "scalar"}}
        results = dataset.annotate("run", backend="labelstudio", label_schema=schema, **connection)
        first, second, _ = (results.tasks[sample.id] for sample in dataset)

        def rewrite(result):
            result[0]["value"]["text"] = ["edited"]
            return result

        annotator.submit(first)
        annotator.submit(second, rewrite)
        dataset.delete_sample_field("caption")
        dataset.load_annotations("run")
        dataset.reload()
        assert dataset.values("caption") == ["one", "edited", None]
        dataset.load_annotations("run")
        assert dataset.values("caption") == ["one", "edited", None]

    def test_of_values_that_was_renamed_keeps_what_was_accepted_and_changed_since(
        self, make_dataset, connection, annotator
    ):
        dataset = make_dataset({"caption": "one"}, {"caption": "two"})
        schema = {"caption": {"type": "scalar"}}
        results = dataset.annotate("run", backend="labelstudio", label_schema=schema, **connection)
        first, second = (results.tasks[sample.id] for sample in dataset)

        def rewrite(result):
            result[0]["value"]["text"] = ["edited"]
            return result

        annotator.submit(first)
        annotator.submit(second, rewrite)
        dataset.rename_sample_field("caption", "text")
        sample = dataset.first()
        sample.text = "changed since"
        sample.save()
        dataset.load_annotations("run", dest_field={"caption": "text"})
        dataset.reload()
        assert dataset.values("text") == ["changed since", "edited"]

    def test_of_frames_comes_back_or_is_named_where_it_was_renamed(self, connection, annotator, tmp_path):
        dataset = fo.Dataset()
        try:
            sample = fo.Sample(filepath=str(tmp_path / "video.mp4"))
            for number in (1, 2):
                sample.frames[number] = fo.Frame(filepath=str(write_image(tmp_path / f"{number}.png")), gt=boxes())
            dataset.media_type = "video"
            dataset.add_sample(sample)
            ids = ids_of(sample.frames[1].gt)
            frames = dataset.to_frames(sample_frames=False)
            results = annotate(frames, connection)
            annotator.submit(results.tasks[frames.first().id], move_first)
            dataset.rename_frame_field("gt", "renamed")
            with pytest.raises(LabelSchemaError, match="field 'gt' of the run is gone, and field 'renamed' holds its"):
                dataset.load_annotations("run")
            dataset.delete_frame_field("renamed")
            dataset.load_annotations("run")
            dataset.reload()
            check_remade(dataset.first().frames[1].gt, ids)
            assert dataset.first().frames[2].gt is None
        finally:
            dataset.delete()

    def test_that_was_made_by_a_load_comes_back(self, make_dataset, connection, annotator):
        dataset = make_dataset({})
        results = annotate(dataset, connection, field="new")
        (task_id,) = results.tasks.values()
        region = {
            "id": "drawn",
            "from_name": results.config.label_fields()[0].control,
            "to_name": "image",
            "type": "rectanglelabels",
            "original_width": 64,
            "original_height": 48,
            "image_rotation": 0,
            "value": {"x": 10, "y": 20, "width": 30, "height": 40, "rotation": 0, "rectanglelabels": ["cat"]},
        }
        annotator.submit(task_id, lambda _: [region])
        dataset.load_annotations("run")
        dataset.reload()
        (label_id,) = ids_of(dataset.first().new)
        dataset.rename_sample_field("new", "renamed")
        with pytest.raises(LabelSchemaError, match="field 'new' of the run is gone, and field 'renamed' holds its"):
            dataset.load_annotations("run")
        dataset.delete_sample_field("renamed")
        dataset.load_annotations("run")
        dataset.reload()
        assert ids_of(dataset.first().new) == [label_id]


class TestARenamedField:
    def test_is_named_by_an_error_before_anything_is_written(self, moved):
        moved.rename_sample_field("gt", "renamed")
        before = stored(moved)
        with pytest.raises(
            LabelSchemaError,
            match=r"field 'gt' of the run is gone, and field 'renamed' holds its labels; nothing was loaded. Pass "
            r"dest_field=\{'gt': 'renamed'\} to load into that, or dest_field=\{'gt': 'gt'\} to make 'gt' again",
        ):
            fo_labelstudio.load_annotations(moved, "run", cleanup=True, on_conflict="dataset")
        assert stored(moved) == before
        assert list(moved.get_field_schema()) == [*fo.Dataset().get_field_schema(), "renamed"]
        assert moved.load_annotation_results("run").project_id is not None

    def test_is_edited_in_place_where_it_is_named(self, moved):
        moved.rename_sample_field("gt", "renamed")
        before = stored(moved)
        moved.load_annotations("run", dest_field={"gt": "renamed"})
        (doc,) = stored(moved).values()
        (was,) = before.values()
        labels, earlier = doc["renamed"]["detections"], was["renamed"]["detections"]
        assert labels == [{**earlier[0], "bounding_box": [0.3, *earlier[0]["bounding_box"][1:]]}, earlier[1]]
        assert not moved.has_sample_field("gt")

    def test_is_followed_by_what_earlier_loads_did(self, make_dataset, connection, annotator):
        dataset = make_dataset({"gt": boxes()})
        before = [label.to_dict() for label in dataset.first().gt.detections]
        (task_id,) = annotate(dataset, connection).tasks.values()
        sent = annotator.preloaded(task_id)
        made = annotator.submit(task_id, lambda result: move_first(result)[:1])
        dataset.load_annotations("run")
        dataset.rename_sample_field("gt", "renamed")
        annotator.call("PATCH", f"/api/annotations/{made['id']}/", json={"result": sent})
        dataset.load_annotations("run", dest_field={"gt": "renamed"})
        dataset.reload()
        assert [label.to_dict() for label in dataset.first().renamed.detections] == before

    def test_is_made_anew_where_that_is_asked_for(self, moved):
        ids = ids_of(moved.first().gt)
        moved.rename_sample_field("gt", "renamed")
        moved.load_annotations("run", dest_field={"gt": "gt"})
        moved.reload()
        check_remade(moved.first().gt, ids)

    def test_keeps_labels_away_that_were_deleted_from_it(self, moved, caplog):
        moved.rename_sample_field("gt", "renamed")
        sample = moved.first()
        del sample.renamed.detections[0]
        sample.save()
        before = stored(moved)
        with caplog.at_level("WARNING", LOGGER):
            fo_labelstudio.load_annotations(moved, "run", "renamed", on_conflict="dataset")
        assert stored(moved) == before
        assert "Field 'gt': 1 labels were edited in Label Studio and deleted in FiftyOne" in caplog.text


class TestALabelThatWasDeletedInFiftyOne:
    def test_is_pointed_to_where_another_field_has_it(self, moved, caplog):
        moved.rename_sample_field("gt", "old")
        moved.add_sample_field("gt", fof.EmbeddedDocumentField, embedded_doc_type=fo.Detections)
        before = stored(moved)
        with caplog.at_level("WARNING", LOGGER):
            moved.load_annotations("run")
        assert stored(moved) == before
        assert "they stay deleted; field 'old' holds some: pass dest_field={'gt': 'old'}" in caplog.text
        moved.load_annotations("run", dest_field={"gt": "old"})
        moved.reload()
        assert moved.first().old.detections[0].bounding_box == pytest.approx([0.3, 0.1, 0.2, 0.2], abs=1e-9)

    @pytest.mark.parametrize("how", ["removed from its list", "the field set to None", "the field cleared"])
    def test_stays_deleted_where_the_dataset_counts_and_the_report_says_so(self, moved, caplog, how):
        sample = moved.first()
        label_id = sample.gt.detections[0].id
        if how == "removed from its list":
            del sample.gt.detections[0]
            sample.save()
        elif how == "the field set to None":
            sample.gt = None
            sample.save()
        else:
            moved.clear_sample_field("gt")
        before = stored(moved)
        with caplog.at_level("WARNING", LOGGER):
            fo_labelstudio.load_annotations(moved, "run", cleanup=True, on_conflict="dataset")
        assert stored(moved) == before
        assert (
            f"Field 'gt': 1 labels were edited in Label Studio and deleted in FiftyOne, such as {label_id} of sample "
            f"{sample.id}; they stay deleted" in caplog.text
        )
        assert "is kept, because the last load left something behind: 1 changes of field 'gt'" in caplog.text
        assert moved.load_annotation_results("run").project_id is not None

    def test_lets_the_project_be_deleted_by_who_insists(self, moved, annotator):
        moved.clear_sample_field("gt")
        fo_labelstudio.load_annotations(moved, "run", on_conflict="dataset")
        results = moved.load_annotation_results("run")
        results.cleanup()
        assert project_of(annotator, results) == 1
        results.cleanup(force=True)
        assert results.project_id is None

    def test_stays_deleted_in_a_field_of_one_that_holds_another_now(self, make_dataset, connection, annotator):
        dataset = make_dataset({"gt": boxes().detections[0]})
        (task_id,) = annotate(dataset, connection, "detection").tasks.values()
        annotator.submit(task_id, move_first)
        sample = dataset.first()
        sample.gt = fo.Detection(label="dog", bounding_box=[0, 0, 1, 1])
        sample.save()
        before = stored(dataset)
        dataset.load_annotations("run")
        assert stored(dataset) == before

    def test_stays_deleted_where_it_is_on_another_sample_now(self, make_dataset, connection, annotator):
        dataset = make_dataset({"gt": boxes()}, {"gt": boxes()})
        results = annotate(dataset, connection)
        first, second = dataset
        annotator.submit(results.tasks[first.id], move_first)
        second.gt.detections.append(first.gt.detections.pop(0))
        first.save()
        second.save()
        before = stored(dataset)
        dataset.load_annotations("run")
        assert stored(dataset) == before

    def test_stays_deleted_though_a_load_had_added_it(self, make_dataset, connection, annotator):
        dataset = make_dataset({"gt": boxes()})
        (task_id,) = annotate(dataset, connection).tasks.values()
        annotator.submit(task_id, lambda result: [*result, {**result[0], "id": "drawn"}])
        dataset.load_annotations("run")
        sample = dataset.first()
        assert len(sample.gt.detections) == 3
        sample.gt.detections.pop()
        sample.save()
        before = stored(dataset)
        dataset.load_annotations("run")
        assert stored(dataset) == before

    def test_comes_back_whole_where_a_load_had_deleted_it(self, make_dataset, connection, annotator):
        dataset = make_dataset({"gt": boxes()})
        before = [label.to_dict() for label in dataset.first().gt.detections]
        (task_id,) = annotate(dataset, connection).tasks.values()
        sent = annotator.preloaded(task_id)
        made = annotator.submit(task_id, lambda result: result[1:])
        dataset.load_annotations("run")
        assert len(dataset.first().gt.detections) == 1
        annotator.call("PATCH", f"/api/annotations/{made['id']}/", json={"result": sent})
        dataset.load_annotations("run")
        assert [label.to_dict() for label in dataset.first().gt.detections] == before[::-1]

    def test_value_stays_deleted_where_the_dataset_counts(self, make_dataset, connection, annotator, caplog):
        dataset = make_dataset({"caption": "one"})
        schema = {"caption": {"type": "scalar"}}
        results = dataset.annotate("run", backend="labelstudio", label_schema=schema, **connection)

        def rewrite(result):
            result[0]["value"]["text"] = ["edited"]
            return result

        annotator.submit(*results.tasks.values(), rewrite)
        sample = dataset.first()
        sample.caption = None
        sample.save()
        with caplog.at_level("WARNING", LOGGER):
            fo_labelstudio.load_annotations(dataset, "run", on_conflict="dataset")
        dataset.reload()
        assert dataset.first().caption is None
        assert "Field 'caption': 1 labels were edited in Label Studio and deleted in FiftyOne" in caplog.text


class TestADestination:
    @pytest.mark.parametrize(
        ("dest_field", "error", "message"),
        [
            ({"g": "new"}, SettingsError, "dest_field names 'g', which is not a field of the run; the run's"),
            (["x"], SettingsError, "dest_field is .'x'., expected the name of a field, or a dict: field of"),
            (3, SettingsError, "dest_field is 3, expected the name of a field, or a dict"),
            ({"gt": None}, SettingsError, "dest_field 'gt' is None, expected the name of a field"),
            ("", LabelSchemaError, "its name is blank"),
            ("_x", LabelSchemaError, "Field names cannot start with '_'"),
            ("a$b", LabelSchemaError, "Field names cannot contain"),
            ("id", LabelSchemaError, "'id' is FiftyOne's own"),
            ("filepath", LabelSchemaError, "'filepath' is FiftyOne's own"),
            ("tags", LabelSchemaError, "cannot hold labels of type 'detections', because it holds ListField"),
            ("metadata", LabelSchemaError, "'metadata' is FiftyOne's own"),
            ("get_field", LabelSchemaError, "FiftyOne uses the name 'get_field' itself"),
            ("text", LabelSchemaError, "field 'text' cannot hold labels of type 'detections', because it holds Stri"),
            ("text.b", LabelSchemaError, "'text' is not a field of one embedded"),
            ("nothing.b", LabelSchemaError, "'nothing' is not a field of one embedded"),
            ("gt.detections.b", LabelSchemaError, "'gt.detections' is not a field of one"),
        ],
    )  # fmt: skip
    def test_that_makes_no_sense_is_refused_before_anything_is_downloaded(
        self, moved, monkeypatch, dest_field, error, message
    ):
        moved.add_sample_field("text", fof.StringField)
        before, schema = stored(moved), moved.get_field_schema(flat=True).keys()
        monkeypatch.setattr("fo_labelstudio.runs.load_annotations.fetch_answers", None)
        with pytest.raises(error, match=message):
            moved.load_annotations("run", dest_field=dest_field)
        assert stored(moved) == before
        assert moved.get_field_schema(flat=True).keys() == schema

    @pytest.fixture
    def of_two(self, make_dataset, connection, annotator):
        """A dataset with two label fields and a scalar field in its run."""
        dataset = make_dataset({"a": boxes(), "one": boxes().detections[0], "text": "words"})
        schema = {
            "a": {"type": "detections", "classes": CLASSES},
            "one": {"type": "detection", "classes": CLASSES},
            "text": {"type": "scalar"},
        }
        results = dataset.annotate("run", backend="labelstudio", label_schema=schema, attributes=False, **connection)
        annotator.accept_all(results)
        return dataset

    @pytest.mark.parametrize(
        ("dest_field", "error", "message"),
        [
            ("new", SettingsError, "dest_field 'new' is one field, but the run has 3: 'a', 'one', 'text'; pass"),
            ({"a": "new", "text": "tags"}, LabelSchemaError, "field 'tags' holds ListField, but the answers are of"),
            ({"a": "new", "one": "new"}, LabelSchemaError, "fields 'a' and 'one' cannot both be loaded into 'new'"),
            ({"a": "new", "text": "filepath"}, LabelSchemaError, "'filepath' is FiftyOne's own"),
            ({"a": "new", "one": "a"}, LabelSchemaError, "field 'a' cannot hold labels of type 'detection'"),
        ],
    )  # fmt: skip
    def test_that_is_refused_leaves_no_new_field_of_another(self, of_two, dest_field, error, message):
        before, schema = stored(of_two), of_two.get_field_schema(flat=True).keys()
        with pytest.raises(error, match=message):
            of_two.load_annotations("run", dest_field=dest_field)
        assert stored(of_two) == before
        assert of_two.get_field_schema(flat=True).keys() == schema

    def test_that_is_read_only_by_now_leaves_no_new_field_of_another(self, of_two):
        field = of_two.get_field("text")
        field.read_only = True
        field.save()
        schema = of_two.get_field_schema(flat=True).keys()
        with pytest.raises(LabelSchemaError, match="field 'text' is read-only, so nothing was loaded into 'text'"):
            of_two.load_annotations("run", dest_field={"a": "new"})
        assert of_two.get_field_schema(flat=True).keys() == schema
        field.read_only = False
        field.save()

    def test_that_was_deleted_is_filled_anew(self, of_two):
        ids = ids_of(of_two.first().a)
        for _ in range(2):
            of_two.load_annotations("run", dest_field={"a": "new"})
            of_two.reload()
            assert ids_of(of_two.first().new) == ids
            of_two.delete_sample_field("new")

    def test_follows_an_edit_that_is_taken_back(self, make_dataset, connection, annotator):
        dataset = make_dataset({"gt": boxes()})
        (task_id,) = annotate(dataset, connection).tasks.values()
        sent = annotator.preloaded(task_id)
        made = annotator.submit(task_id, move_first)
        dataset.load_annotations("run", dest_field="new")
        annotator.call("PATCH", f"/api/annotations/{made['id']}/", json={"result": sent})
        dataset.load_annotations("run", dest_field="new")
        dataset.reload()
        (doc,) = stored(dataset).values()
        assert doc["new"] == doc["gt"]


def test_a_renamed_dataset_is_loaded(moved):
    moved.name = f"{moved.name}-renamed"
    moved.load_annotations("run")
    assert moved.first().gt.detections[0].bounding_box == pytest.approx([0.3, 0.1, 0.2, 0.2], abs=1e-9)


def test_a_cloned_dataset_loads_the_run_by_itself(moved, connection):
    before = stored(moved)
    clone = moved.clone()
    try:
        clone.load_annotations("run", **connection)
        assert clone.first().gt.detections[0].bounding_box == pytest.approx([0.3, 0.1, 0.2, 0.2], abs=1e-9)
        assert stored(moved) == before
        moved.load_annotations("run")
        assert moved.first().gt.detections[0].bounding_box == clone.first().gt.detections[0].bounding_box
    finally:
        clone.delete()


def test_deleted_samples_are_named_and_keep_the_project(make_dataset, connection, annotator, caplog):
    dataset = make_dataset({"gt": boxes()}, {"gt": boxes()})
    results = annotate(dataset, connection)
    first, second = dataset
    for sample in (first, second):
        annotator.submit(results.tasks[sample.id], move_first)
    dataset.delete_samples([second.id])
    with caplog.at_level("WARNING", LOGGER):
        dataset.load_annotations("run", cleanup=True)
    assert first.gt.detections[0].bounding_box == pytest.approx([0.3, 0.1, 0.2, 0.2], abs=1e-9)
    assert "left something behind: the answers to 1 samples that are no longer in the dataset" in caplog.text
    assert results.project_id is not None
