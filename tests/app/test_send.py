from __future__ import annotations

import fiftyone as fo
import fiftyone.operators as foo
import pytest

pytestmark = pytest.mark.server
SEND = "fo-labelstudio/send_for_annotation"


def boxes(*labels):
    return fo.Detections(detections=[fo.Detection(label=label, bounding_box=[0.1, 0.2, 0.3, 0.4]) for label in labels])


def test_what_is_selected_is_sent(make_dataset, assigned):
    dataset = make_dataset({"gt": boxes("cat")}, {"gt": boxes("dog")}, {"gt": boxes()})
    selected = dataset.values("id")[1:]
    result = foo.execute_operator(
        SEND, dataset=dataset, selected=selected, params={"anno_key": "run", "fields": ["gt"]}
    ).result
    dataset.reload()
    results = dataset.load_annotation_results("run")
    assert set(results.tasks) == set(selected)
    assert result["tasks"] == 2
