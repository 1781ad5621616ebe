"""A run that is going on grows, shrinks and asks for more, against a real server, by the calls of the docs."""

from __future__ import annotations

import re
from pathlib import Path

import fiftyone as fo
import pytest

from fo_labelstudio.convert.names import control_name, inner_name
from fo_labelstudio.errors import RunError
from tests.support import stored

pytestmark = pytest.mark.server

PAGE = (Path(__file__).parents[1] / "docs" / "grow_and_shrink.md").read_text(encoding="utf-8")
SCHEMA = {"ground_truth": {"type": "detections", "classes": ["cat", "dog"], "attributes": False}}


def box():
    return fo.Detections(detections=[fo.Detection(label="cat", bounding_box=[0.1, 0.2, 0.3, 0.4])])


@pytest.fixture
def dataset(make_dataset):
    tags = [[], [], ["week 2"], ["week 2", "blurred"]]
    return make_dataset(*({"ground_truth": box(), "tags": own} for own in tags))


def annotate(samples, connection, **options):
    return samples.annotate("boxes", backend="labelstudio", label_schema=SCHEMA, **connection, **options)


def test_each_call_of_the_page_in_turn(dataset, connection, annotator, caplog):
    load, add, shrink, ask, end = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    results = annotate(dataset[:2], connection)
    names = {"dataset": dataset}
    exec(load, names)
    exec(add, names)
    ids = dataset.values("id")
    assert list(results.tasks) == ids and dataset.load_annotation_view("boxes").values("id") == ids
    # An annotation that is there keeps the server from taking classes away, not from getting more.
    annotator.submit(results.tasks[ids[0]])
    exec(ask, names)

    def relabelled(result):
        result[0]["value"]["rectanglelabels"] = ["cow"]
        age = {
            **result[0],
            "from_name": inner_name(control_name("ground_truth"), "age"),
            "type": "number",
            "value": {"number": 3},
        }
        return [result[0], age]

    annotator.submit(results.tasks[ids[2]], relabelled)
    before = stored(dataset)
    dataset.load_annotations("boxes", **connection)
    after = stored(dataset)
    assert [sample_id for sample_id in ids if after[sample_id] != before[sample_id]] == [ids[2]]
    (label,) = dataset[ids[2]].ground_truth.detections
    assert (label.label, label.age) == ("cow", 3)
    blurred, second = results.tasks[ids[3]], results.tasks[ids[1]]
    annotator.submit(second)
    draft = {"result": annotator.preloaded(blurred), "lead_time": 1}
    annotator.call("POST", f"/api/tasks/{blurred}/drafts", json=draft)
    remove, delete = shrink.splitlines()
    with pytest.raises(RunError, match="0 of 1 tasks have answers that were not loaded, and 1 have drafts"):
        exec(remove, names)
    results.remove_samples(dataset.match_tags("blurred"), force=True)
    delete = delete.replace("101", str(second))
    with pytest.raises(RunError, match="1 of 1 tasks have answers that were not loaded"):
        exec(delete, names)
    dataset.load_annotations("boxes", **connection)
    exec(delete, names)
    assert list(results.tasks) == [ids[0], ids[2]]
    left = annotator.call("GET", f"/api/tasks?project={results.project_id}")["tasks"]
    assert sorted(task["id"] for task in left) == sorted(results.tasks.values())
    assert stored(dataset) == after
    project_id = results.project_id
    exec(end, names)
    assert f"deletes none from its disk: they are in media/upload/{project_id} of its data directory" in caplog.text


CONFIG = """<View><Image name="img" value="$photo"/>
<RectangleLabels name="ground_truth" toName="img"><Label value="cat"/><Label value="dog"/></RectangleLabels></View>"""


def test_samples_are_added_to_a_run_in_a_project_of_others_whose_files_stay(
    dataset, connection, annotator, make_project, upload
):
    project_id = make_project(CONFIG)
    theirs = upload(project_id, dataset.last().filepath)
    results = annotate(dataset[:1], connection, project_id=project_id, existing_tasks="skip")
    assert results.add_samples(dataset) == 2
    assert list(results.tasks) == dataset[:3].values("id")
    with pytest.raises(RunError, match="which was there before and keeps its labeling config"):
        results.update_label_schema({"ground_truth": {"classes": ["cat", "dog", "cow"]}})
    assert len(annotator.call("GET", f"/api/projects/{project_id}/file-uploads?all=true")) == 4
    results.cleanup()
    (task,) = annotator.call("GET", f"/api/tasks?project={project_id}")["tasks"]
    assert task["id"] == theirs
    (file,) = annotator.call("GET", f"/api/projects/{project_id}/file-uploads?all=true")
    assert task["data"]["photo"].endswith(file["file"])
    assert annotator.call("GET", f"/api/projects/{project_id}/")["label_config"] == CONFIG
