"""What FiftyOne's own pages and tests print works as printed, with ``backend="labelstudio"``.

Source: docs.voxel51.com, "Annotating Datasets", "CVAT Integration" and "Label Studio Integration"; FiftyOne's
``tests/intensive/cvat_tests.py`` and ``labelstudio_tests.py``
"""

from __future__ import annotations

import contextlib
import logging
import tempfile
from pathlib import Path

import fiftyone as fo
import fiftyone.core.brain as fob
import fiftyone.utils.annotations as foua
import pytest
from fiftyone import ViewField as F

from fo_labelstudio import CONFIG_CLS
from fo_labelstudio.errors import LabelSchemaError
from tests.support import stored, write_image

pytestmark = [pytest.mark.database, pytest.mark.server]


def box(label, **attributes):
    return fo.Detection(label=label, bounding_box=[0.1, 0.1, 0.3, 0.3], **attributes)


@pytest.fixture
def quickstart(make_dataset):
    """A dataset like FiftyOne's quickstart: boxes that were found and that are true, and nothing declared."""

    def sample(number):
        truth = [box("person", iscrowd=0.0, area=99.5), box("carrot", iscrowd=1.0, area=3.0)]
        found = [box("person", confidence=0.9), box("bird", confidence=0.8)]
        return {
            "ground_truth": fo.Detections(detections=truth),
            "predictions": fo.Detections(detections=found),
            "uniqueness": number / 2,
        }

    return make_dataset(sample(0), sample(1))


def annotate(samples, connection, **arguments):
    return samples.annotate("key", backend="labelstudio", **arguments, **connection)


def attributes_of(dataset, label_field):
    return dataset.get_annotation_info("key").config.label_schema[label_field]["attributes"]


class TestAttributes:
    @pytest.mark.parametrize("attributes", [["iscrowd"], {"iscrowd": {}}, "iscrowd"])
    def test_one_given_by_its_name_alone_is_what_all_of_them_would_find(
        self, quickstart, connection, annotator, attributes
    ):
        annotate(quickstart, connection, label_field="ground_truth", attributes=True)
        (found,) = [facts for name, facts in attributes_of(quickstart, "ground_truth").items() if name == "iscrowd"]
        quickstart.load_annotation_results("key").cleanup()
        quickstart.delete_annotation_run("key")
        before = stored(quickstart)
        results = annotate(quickstart, connection, label_field="ground_truth", attributes=attributes)
        assert attributes_of(quickstart, "ground_truth") == {"iscrowd": {"type": "number"}}
        assert found == {"type": "number", "discovered": True}
        first, second = quickstart.values("id")

        def set_to_one(result):
            return [
                {**item, "value": {**item["value"], "number": 1}} if item["type"] == "number" else item
                for item in result
            ]

        annotator.submit(results.tasks[first], set_to_one)
        annotator.submit(results.tasks[second])
        quickstart.load_annotations("key", **connection)
        quickstart.reload()
        assert [label.iscrowd for label in quickstart[first].ground_truth.detections] == [1.0, 1.0]
        assert stored(quickstart)[second] == before[second]

    def test_what_evaluations_and_other_runs_wrote_is_not_asked_for(self, quickstart, connection):
        quickstart.evaluate_detections("predictions", gt_field="ground_truth", eval_key="eval", progress=False)
        assert {"eval", "eval_id", "eval_iou"} <= set(quickstart.first().predictions.detections[0].field_names)
        register_brain_run(quickstart, ["predictions.detections.mistakenness", "predictions", "uniqueness"])
        quickstart.set_values("predictions.detections.mistakenness", [[0.5, 0.5]] * 2)
        quickstart.set_values("predictions.detections.mine", [["a", "b"]] * 2)
        annotate(quickstart, connection, label_schema=["predictions", "ground_truth"])
        assert set(attributes_of(quickstart, "predictions")) == {"mine"}
        assert set(attributes_of(quickstart, "ground_truth")) == {"iscrowd", "area"}

    def test_what_a_run_wrote_can_be_asked_for_by_name(self, quickstart, connection):
        quickstart.evaluate_detections("predictions", gt_field="ground_truth", eval_key="eval", progress=False)
        annotate(quickstart, connection, label_field="predictions", attributes=["eval"])
        assert attributes_of(quickstart, "predictions") == {"eval": {"type": "text", "kind": "str"}}

    def test_text_on_a_list_of_strings_becomes_a_list(self, make_dataset, connection, annotator):
        labels = [box("cat"), box("cat", tags=["dark", "far"]), box("cat", tags=["old"])]
        dataset = make_dataset({"gt": fo.Detections(detections=labels)})
        results = annotate(dataset, connection, label_field="gt", attributes={"tags": {"type": "text"}})
        (task_id,) = results.tasks.values()

        def edit(result):
            texts = [item for item in result if item["type"] == "textarea"]
            assert [(item["id"], item["value"]["text"]) for item in texts] == [
                (labels[1].id, ["dark", "far"]),
                (labels[2].id, ["old"]),
            ]
            kept = [item for item in result if item is not texts[1]]
            return [*kept, {**texts[0], "id": labels[0].id, "value": {"text": ["blurry"]}}]

        annotator.submit(task_id, edit)
        dataset.load_annotations("key", **connection)
        dataset.reload()
        assert [label.tags for label in dataset.first().gt.detections] == [["blurry"], ["dark", "far"], []]
        dataset.first().save()
        dataset.clone().delete()

    @pytest.mark.parametrize(
        ("attribute", "asked", "problem"),
        [
            ("No. of people", {"type": "number"}, "the database allows no dots in names"),
            ("$x", {"type": "text"}, r"cannot begin with '\$'"),
            ("_id", {"type": "text"}, "cannot begin with '_'"),
            ("_cls", {"type": "text"}, "cannot begin with '_'"),
            ("clean", {"type": "text"}, "FiftyOne uses the name itself"),
            ("index", {"type": "date"}, "declares it as IntField, which cannot hold answers of type 'date'"),
        ],
    )
    def test_one_that_could_not_be_loaded_is_refused_and_nothing_is_made(
        self, quickstart, connection, annotator, attribute, asked, problem
    ):
        projects = annotator.call("GET", "/api/projects/")["count"]
        with pytest.raises(LabelSchemaError, match=f"field 'ground_truth', attribute .*{problem}"):
            annotate(quickstart, connection, label_field="ground_truth", attributes={attribute: asked})
        assert quickstart.list_annotation_runs() == []
        assert annotator.call("GET", "/api/projects/")["count"] == projects


def register_brain_run(dataset, fields):
    """A brain run that says which fields it has written."""
    config = _BrainConfig(fields=fields)
    config.build().register_run(dataset, "brain")


class _BrainConfig(fob.BrainMethodConfig):
    def __init__(self, fields=(), **kwargs):
        self.fields = list(fields)
        super().__init__(**kwargs)

    @property
    def type(self):
        return "test"

    @property
    def method(self):
        return "test"


class _Brain(fob.BrainMethod):
    def get_fields(self, samples, key):
        return self.config.fields


@pytest.mark.parametrize("field", ["filepath", "id", "metadata.width", "created_at", "last_modified_at"])
def test_fields_of_fiftyones_own_are_no_scalars_to_edit(make_dataset, connection, field):
    dataset = make_dataset({"metadata": fo.ImageMetadata(width=64, height=48)})
    before = stored(dataset)
    with pytest.raises(ValueError, match=f"ield '{field}'.*(FiftyOne's own|unsupported scalar type)"):
        annotate(dataset, connection, label_field=field)
    assert dataset.list_annotation_runs() == []
    assert stored(dataset) == before


@contextlib.contextmanager
def messages():
    """What FiftyOne's annotation module says."""
    found: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: found.append(record.getMessage())
    foua.logger.addHandler(handler)
    try:
        yield found
    finally:
        foua.logger.removeHandler(handler)


class TestNoise:
    def test_a_field_of_boxes_alone_says_nothing_of_other_types_nor_of_empty_merges(
        self, quickstart, connection, annotator, capfd
    ):
        with messages() as said:
            results = annotate(quickstart, connection, label_schema={"ground_truth": {}, "uniqueness": {}})
            annotator.accept_all(results)
            quickstart.load_annotations("key", progress=True, **connection)
        assert said == []
        assert "0/0" not in "".join(capfd.readouterr())

    def test_a_field_of_boxes_and_masks_says_that_the_masks_are_left_out(self, make_dataset, connection, tmp_path):
        labels = [box("cat"), box("cat", mask_path=str(write_image(tmp_path / "mask.png")))]
        dataset = make_dataset({"gt": fo.Detections(detections=labels)})
        with messages() as said:
            annotate(dataset, connection, label_field="gt")
        assert said == [
            "Found existing field 'gt' with multiple types ['detections', 'instances']. Only the 'detections' will be "
            "annotated"
        ]

    def test_a_field_of_polygons_alone_says_nothing(self, make_dataset, connection):
        polygon = fo.Polyline(label="cat", points=[[[0, 0], [1, 0], [1, 1]]], closed=True, filled=True)
        dataset = make_dataset({"gt": fo.Polylines(polylines=[polygon])})
        with messages() as said:
            annotate(dataset, connection, label_field="gt")
        assert said == []
        assert dataset.get_annotation_info("key").config.label_schema["gt"]["type"] == "polygons"


def test_the_class_can_be_named_where_the_backend_is_registered_too(quickstart, connection):
    assert fo.annotation_config.backends["labelstudio"]["config_cls"] == CONFIG_CLS
    results = annotate(quickstart, connection, label_field="uniqueness", config_cls=CONFIG_CLS)
    assert results.config.cls == CONFIG_CLS


def test_the_results_say_which_task_shows_which_sample(quickstart, connection):
    results = annotate(quickstart, connection, label_field="uniqueness")
    assert results.uploaded_tasks == {results.tasks[sample_id]: sample_id for sample_id in quickstart.values("id")}
    quickstart.reload()
    quickstart._annotation_cache.clear()
    again = quickstart.load_annotation_results("key", **connection)
    assert again.uploaded_tasks == results.uploaded_tasks
    assert all(isinstance(task_id, int) for task_id in again.uploaded_tasks)


CLASSES = ["person", "dog", "cat", "helicopter"]
SEX_AND_AGE = {"sex": {"type": "select", "values": ["male", "female"]}, "age": {"type": "text", "values": []}}
OCCLUDED = {"type": "radio", "values": [True, False], "default": True, "mutable": True}
WEATHER = {"type": "select", "values": ["cloudy", "sunny", "overcast"], "mutable": False}
VAL = {"type": "select", "values": ["val1", "val2"], "default": "val1"}
RESTRICTED = {
    f"allow_{what}": False for what in ("additions", "deletions", "label_edits", "index_edits", "spatial_edits")
}


@pytest.mark.parametrize(
    "arguments",
    [
        {"label_field": "ground_truth"},
        {"label_field": "ground_truth", "attributes": ["iscrowd"]},
        {
            "label_field": "ground_truth",
            "classes": CLASSES,
            "attributes": {"iscrowd": {}, "attr2": {"type": "select", "values": ["val1", "val2"]}},
        },
        {"label_field": "new", "label_type": "classifications", "classes": ["dog", "cat", "person"]},
        {"label_schema": {"new": {"type": "classifications", "classes": ["dog", "cat", "person"]}}},
        {
            "label_schema": {
                "ground_truth": {},
                "new_keypoints": {
                    "type": "keypoints",
                    "classes": ["person", "cat", "dog", "food"],
                    "attributes": {"occluded": {"type": "select", "values": [True, False]}},
                },
            }
        },
        {
            "label_schema": {
                "new_field": {
                    "type": "classifications",
                    "classes": ["class1", "class2"],
                    "attributes": {"attr1": VAL, "attr2": {**OCCLUDED, "default": False}},
                },
                "ground_truth": {"classes": ["class3", "class4"], "attributes": {"attr3": {"type": "text"}}},
            }
        },
        {
            "label_field": "new_field",
            "label_type": "detections",
            "classes": ["dog", "cat", "person"],
            "attributes": {"occluded": OCCLUDED, "weather": WEATHER, "caption": {"type": "text"}},
        },
        {
            "label_field": "ground_truth",
            "classes": ["person", "test"],
            "attributes": SEX_AND_AGE,
            **RESTRICTED,
        },
        {
            "label_schema": {
                "ground_truth": {
                    "classes": [
                        "person",
                        {"classes": ["carrot", "bird"], "attributes": {"ripe": {"type": "checkbox"}}},
                    ],
                    "attributes": {"iscrowd": {"type": "number", "read_only": True}},
                }
            }
        },
        {
            "label_schema": {
                "scalar1": {"type": "scalar"},
                "scalar2": {"type": "scalar", "classes": ["class1", "class2", "class3"]},
            }
        },
        {"label_field": "uniqueness"},
        {"label_field": "seg", "label_type": "segmentation", "mask_targets": {1: "person", 2: "dog"}},
        {"label_schema": {"predictions": {}, "ground_truth": {}}, "classes": ["Person"]},
        {"label_field": "ground_truth", "media_field": "alt_filepath"},
    ],
    ids=lambda arguments: " ".join(map(str, arguments.get("label_schema", [arguments.get("label_field")]))),
)
def test_an_example_runs_as_printed_and_what_nobody_touched_stays(quickstart, connection, annotator, arguments):
    quickstart.set_values("alt_filepath", quickstart.values("filepath"))
    before = stored(quickstart)
    results = annotate(quickstart, connection, **arguments)
    print(quickstart.get_annotation_info("key"))
    annotator.accept_all(results)
    quickstart.load_annotations("key", cleanup=True, **connection)
    quickstart.delete_annotation_run("key")
    quickstart.reload()
    after = stored(quickstart)
    for sample_id, doc in before.items():
        kept = {name: value for name, value in after[sample_id].items() if name in doc}
        assert {**kept, "last_modified_at": None} == {**doc, "last_modified_at": None}
    for sample in quickstart:
        sample.save()


def test_the_basic_recipe_of_the_label_studio_page(quickstart, connection, annotator):
    quickstart.evaluate_detections("predictions", gt_field="ground_truth", eval_key="eval", progress=False)
    most_fp_view = quickstart.filter_labels("predictions", (F("confidence") > 0.75) & (F("eval") == "fp")).sort_by(
        F("predictions.detections").length(), reverse=True
    )
    view = quickstart.select(most_fp_view.first().id)
    classes = quickstart.distinct("ground_truth.detections.label")
    results = annotate(view, connection, label_schema={"new_ground_truth": {"type": "detections", "classes": classes}})
    assert list(results.tasks) == view.values("id")
    annotator.accept_all(results)
    quickstart.load_annotations("key", **connection)
    assert quickstart.load_annotation_view("key").values("id") == view.values("id")
    assert quickstart[view.first().id].new_ground_truth.detections == []


class TestLocalFiles:
    """FiftyOne's page: set Label Studio's own variables where annotate() runs, and nothing is copied."""

    @pytest.fixture
    def dataset(self, make_dataset, shared):
        return make_dataset(*({"filepath": str(write_image(shared / "a b" / f"{name}.png"))} for name in "xy"))

    @pytest.fixture(autouse=True)
    def variables(self, monkeypatch, shared):
        monkeypatch.setenv("LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED", "true")
        monkeypatch.setenv("LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT", str(shared))

    def annotate(self, dataset, server, **settings):
        connection = {"url": server.url, "api_key": server.legacy_token}
        return annotate(dataset, connection, label_field="kind", label_type="classification", classes=["a"], **settings)

    def test_media_below_the_shared_folder_are_served_and_not_copied(self, dataset, sharing, caplog):
        results = self.annotate(dataset, sharing)
        assert results.config.media == "local_files"
        assert results.connect_to_api().client.uploads(results.project_id) == []
        assert [record.getMessage() for record in caplog.records if "DOCUMENT_ROOT" in record.getMessage()] == [
            "All media are below LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT, so the server reads them there and nothing "
            "is copied; pass media='upload' to copy them"
        ]

    def test_media_elsewhere_are_copied(self, dataset, sharing):
        # The temporary folders of the tests are all shared.
        with tempfile.TemporaryDirectory() as folder:
            dataset.add_sample(fo.Sample(str(write_image(Path(folder) / "z.png"))))
            assert self.annotate(dataset, sharing).config.media == "upload"

    def test_media_that_lie_in_the_folder_itself_are_copied(self, dataset, sharing, shared):
        dataset.add_sample(fo.Sample(str(write_image(shared / "z.png"))))
        assert self.annotate(dataset, sharing).config.media == "upload"

    def test_a_setting_counts_more(self, dataset, sharing):
        assert self.annotate(dataset, sharing, media="upload").config.media == "upload"

    @pytest.mark.parametrize("value", ["false", ""])
    def test_without_serving_they_are_copied(self, dataset, sharing, monkeypatch, value):
        monkeypatch.setenv("LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED", value)
        assert self.annotate(dataset, sharing).config.media == "upload"

    def test_a_server_that_serves_none_is_an_error_that_says_how_to_copy(self, dataset, server):
        with pytest.raises(Exception, match="pass media='upload' to copy the files"):
            self.annotate(dataset, server)
