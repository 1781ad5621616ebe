"""What FiftyOne's own annotation plugin asks of a backend, ours behind its forms.

Source: ``@voxel51/annotation`` 1.0.0, in the state of 2025; it is on GitHub only, so its calls are repeated here.
"""

from __future__ import annotations

import json

import fiftyone as fo
import fiftyone.core.fields as fof
import fiftyone.utils.annotations as foua
import pytest
from bson import json_util
from fiftyone.core.odm import get_db_conn

from tests.test_parts import boxes

pytestmark = pytest.mark.server


@pytest.fixture
def injected(connection, monkeypatch):
    """The plugin writes its secrets into FiftyOne's annotation config before it calls the backend."""
    entry = {**fo.annotation_config.backends["labelstudio"], **connection}
    monkeypatch.setitem(fo.annotation_config.backends, "labelstudio", entry)
    return connection


def test_its_forms_find_what_the_backend_supports(injected):
    backend = foua._parse_config("labelstudio", None).build()
    types = backend.supported_label_types
    assert {"classifications", "detections", "polylines", "keypoints", "segmentation", "scalar"} <= set(types)
    assert {"temporal_detections"} <= set(types)
    assert all(issubclass(cls, fof.Field) for cls in backend.supported_scalar_types)
    assert {"text", "select", "radio", "checkbox"} <= set(backend.supported_attr_types)


def test_each_of_its_operators_works(make_dataset, injected, annotator):
    dataset = make_dataset({"gt": boxes("cat")}, {"gt": boxes("dog")})
    rows = [
        {"name": "age", "type": "text", "values": [], "default": "", "mutable": True, "read_only": False},
        {"name": "sex", "type": "select", "values": ["f", "m"], "default": None, "mutable": True, "read_only": False},
    ]
    # request_annotations
    dataset.view().annotate(
        "run",
        label_schema={
            "gt": {"type": "detections", "classes": ["cat", "dog"], "attributes": rows},
            "weather": {"type": "classifications", "classes": ["sun"]},
        },
        backend="labelstudio",
        project_name="Requested",
        launch_editor=False,
        allow_additions=True,
        allow_deletions=False,
        allow_label_edits=True,
        allow_index_edits=True,
        allow_spatial_edits=True,
    )
    results = dataset.load_annotation_results("run")
    assert results.config.label_schema["gt"]["attributes"].keys() == {"age", "sex"}
    assert results.config.label_schema["gt"]["allow_deletions"] is False
    # load_annotations
    annotator.accept_all(results)
    dataset.load_annotations("run", unexpected="keep", cleanup=False)
    assert [len(labels) for labels in dataset.values("gt.detections")] == [1, 1]
    # get_annotation_info
    info = dataset.get_annotation_info("run")
    shown = {key: value for key, value in info.config.serialize().items() if value is not None}
    assert shown["project_name"] == "Requested" and json.dumps(shown)
    # load_annotation_view
    assert len(dataset.load_annotation_view("run")) == 2
    # rename_annotation_run
    dataset.rename_annotation_run("run", "renamed")
    stored = list(get_db_conn().runs.find())
    assert injected["api_key"] not in json.dumps(stored, default=json_util.default)
    # delete_annotation_run
    dataset.load_annotation_results("renamed").cleanup()
    dataset.delete_annotation_run("renamed")
    assert dataset.list_annotation_runs() == []
    titles = [row["title"] for row in annotator.call("GET", "/api/projects/?page_size=1000")["results"]]
    assert "Requested" not in titles
