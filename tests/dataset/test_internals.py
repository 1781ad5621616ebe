"""The private names of FiftyOne are there, and stand for what is expected of them."""

from __future__ import annotations

import importlib

import fiftyone as fo
import fiftyone.utils.annotations as foua
import pytest
from bson import ObjectId
from fiftyone.core.odm.runs import RunDocument
from gridfs import GridFS

import fo_labelstudio.backend
from fo_labelstudio.dataset import internals
from fo_labelstudio.dataset.import_record import save_record
from fo_labelstudio.errors import RunError
from tests.memory import annotate_in_memory


@pytest.mark.database
class TestOfADataset:
    @pytest.fixture
    def dataset(self, make_dataset):
        box = fo.Detection(label="cat", bounding_box=[0.1, 0.1, 0.2, 0.2])
        return make_dataset({"gt": fo.Detections(detections=[box])}, {})

    def test_the_root_of_a_view_is_its_dataset(self, dataset):
        assert internals.root_dataset(dataset.limit(1)) is dataset
        assert internals.root_dataset(dataset) is dataset

    def test_groups_are_the_samples_of_all_their_slices(self, dataset, dataset_of):
        group = fo.Group()
        groups = dataset_of(fo.Sample(f"/{name}.png", group=group.element(name)) for name in ("left", "right"))
        assert internals.ungrouped(groups).values("filepath") == ["/left.png", "/right.png"]
        assert internals.ungrouped(groups.match_tags("none")).values("filepath") == []
        assert internals.ungrouped(dataset) is dataset

    def test_the_collection_holds_the_samples(self, dataset):
        ids = {str(doc["_id"]) for doc in internals.collection_of(dataset, False).find()}
        assert ids == set(dataset.values("id"))

    def test_what_is_written_is_read_by_objects_that_are_there(self, dataset):
        sample = dataset.first()
        update = foo_update(sample.id, {"tags": ["seen"]})
        assert internals.bulk_write(dataset, [update], [sample.id], False) == 1
        assert sample.tags == ["seen"]

    def test_the_id_is_that_of_the_datasets_document(self, dataset):
        assert isinstance(internals.id_of(dataset), ObjectId)

    def test_the_labels_of_a_list_field_have_a_path(self, dataset):
        assert internals.labels_path(dataset, "gt") == (fo.Detections, "gt.detections")
        assert internals.inner_path(dataset, "gt", "id") == "gt.detections.id"
        assert not internals.is_frame_field(dataset, "gt")

    def test_own_fields_are_fiftyones(self, dataset):
        assert {"id", "filepath", "tags", "metadata"} <= set(internals.own_fields(dataset, False))
        assert fo.Sample in internals.document_classes(dataset, False)

    def test_results_that_are_saved_again_are_there_at_any_time(self, dataset, monkeypatch):
        database = fo.core.odm.get_db_conn()
        schema = {"gt": {"type": "detections", "classes": ["cat"], "existing_field": True}}
        results, _ = annotate_in_memory(dataset, "run", schema)
        save_record(dataset, "import", {}, {"number": 1})
        before = database["fs.files"].count_documents({})
        seen = []

        def all_are_there():
            runs = list(database["runs"].find({"key": {"$in": ["run", "import"]}}))
            assert len(runs) == 2
            assert all(database["fs.files"].find_one({"_id": run["results"]}) for run in runs)

        def watched(function):
            def call(*arguments, **options):
                all_are_there()
                seen.append(function.__name__)
                found = function(*arguments, **options)
                all_are_there()
                return found

            return call

        with monkeypatch.context() as context:
            for owner, name in ((GridFS, "put"), (GridFS, "delete"), (RunDocument, "save")):
                context.setattr(owner, name, watched(getattr(owner, name)))
            results.save()
            save_record(dataset, "import", {}, {"number": 2})
        assert seen == ["put", "save", "delete"] * 2
        assert database["fs.files"].count_documents({}) == before

    def test_results_that_could_not_be_saved_leave_those_that_were_there(self, dataset, monkeypatch):
        results, _ = annotate_in_memory(dataset, "run", {"gt": {"type": "detections", "classes": ["cat"]}})
        kept = results.tasks
        with monkeypatch.context() as context:
            context.setattr(RunDocument, "save", lambda document: (_ for _ in ()).throw(ConnectionError()))
            results.tasks = {}
            with pytest.raises(ConnectionError):
                results.save()
        assert results.saved().tasks == kept
        results.save()
        assert results.saved().tasks == {}

    def test_a_person_is_asked_for_the_field_of_imported_labels(self, dataset, monkeypatch):
        monkeypatch.setattr("builtins.input", lambda question: "boxes" if "'detections'" in question else "")
        assert internals.prompt_imported_field(dataset, "detections") == "boxes"
        assert internals.prompt_imported_field(dataset, "keypoints") is None

    def test_an_aggregation_sees_the_samples_of_the_view(self, dataset):
        (row,) = internals.aggregate(dataset.limit(1), [{"$count": "samples"}])
        assert row == {"samples": 1}

    def test_a_label_schema_is_built_as_annotate_does_without_other_arguments(self, dataset):
        backend = fo_labelstudio.backend.LabelStudioBackendConfig("labelstudio", None).build()
        built, _ = internals.built_label_schema(dataset, backend, {"gt": {}})
        assert {key: built["gt"][key] for key in ("type", "classes", "attributes", "existing_field")} == {
            "type": "detections",
            "classes": ["cat"],
            "attributes": {},
            "existing_field": True,
        }

    def test_the_stages_of_a_view_can_be_replaced(self, dataset):
        view = dataset.limit(1)
        internals.stages_of(view)[:] = [fo.Skip(1)]
        assert view.values("id") == dataset.values("id")[1:]
        assert internals.stages_of(dataset) == []


def foo_update(sample_id, values):
    from pymongo import UpdateOne

    return UpdateOne({"_id": ObjectId(sample_id)}, {"$set": values})


class TestOfALoad:
    def test_the_arguments_of_the_running_load_are_read(self, monkeypatch):
        seen = []

        def load_annotations(samples, anno_key, dest_field=None, unexpected="prompt", **kwargs):
            seen.append(internals.load_arguments())

        monkeypatch.setattr(foua, "load_annotations", load_annotations)
        load_annotations(None, "key", dest_field="x", unexpected="keep", annotations="all")
        assert seen == [("x", "keep", {"annotations": "all"})]
        assert internals.load_arguments() is None

    def test_a_load_without_these_arguments_is_an_error(self, monkeypatch):
        def load_annotations(samples):
            return internals.load_arguments()

        monkeypatch.setattr(foua, "load_annotations", load_annotations)
        with pytest.raises(RunError, match="has no 'dest_field' in load_annotations"):
            load_annotations(None)

    def test_the_real_one_has_them(self):
        names = foua.load_annotations.__code__.co_varnames
        assert {"dest_field", "unexpected", "kwargs"} <= set(names)


class TestPatches:
    NAMES = (
        *("_get_label_attributes", "_get_label_type", "_get_backend_field_type", "_build_label_schema"),
        *("_merge_labels", "_merge_scalars", "_get_classes"),
    )

    def test_patching_twice_wraps_once(self):
        importlib.reload(internals).patch()
        internals.patch()
        for name in self.NAMES:
            otherwise = getattr(foua, name).fo_labelstudio_otherwise
            assert otherwise.__module__ == foua.__name__
            assert not hasattr(otherwise, "fo_labelstudio_otherwise")

    def test_other_backends_are_asked_as_ever(self, monkeypatch):
        asked = []
        for name in self.NAMES:
            original = getattr(foua, name).fo_labelstudio_otherwise
            monkeypatch.setattr(foua, name, lambda *args, **kwargs: asked.append(args), raising=True)
            monkeypatch.setattr(getattr(foua, name), "__name__", original.__name__, raising=False)
        internals.patch()
        other = object()
        foua._get_label_attributes("samples", other, "gt", "detections")
        foua._get_label_type("samples", other, None, "gt", {})
        foua._get_backend_field_type(other, "field")
        foua._get_classes("samples", other, None, "gt", {}, True, "detections")
        foua._build_label_schema("samples", backend=other, label_schema={})
        foua._merge_labels("dataset", {}, other)
        foua._merge_scalars("dataset", {}, other)
        assert len(asked) == len(self.NAMES)

    def test_label_types_can_be_tracks_but_where_our_label_schema_is_built(self):
        assert "detections" in foua._TRACKABLE_TYPES
        with internals._no_trackable_types():
            assert "detections" not in foua._TRACKABLE_TYPES
        assert "detections" in foua._TRACKABLE_TYPES

    def test_our_backend_answers_itself(self):
        assert hasattr(fo_labelstudio.backend.LabelStudioBackend, "discover_attributes")
        assert hasattr(fo_labelstudio.backend.LabelStudioBackend, "only_type")
        assert hasattr(fo_labelstudio.backend.LabelStudioBackend, "has_keyframes")
        assert hasattr(fo_labelstudio.backend.LabelStudioBackend, "known_classes")
        assert fo_labelstudio.backend.LabelStudioAnnotationResults.merges_itself
