"""``watch``, as people run it: in a process of its own, until Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import fiftyone as fo
import pytest

from tests.support import heeds_ctrl_c


def relabelled(result):
    return [{**region, "value": {**region["value"], "rectanglelabels": ["dog"]}} for region in result]


@pytest.mark.server
@pytest.mark.process
def test_an_answer_is_loaded_while_it_runs_and_ctrl_c_ends_it_well(make_dataset, connection, annotator):
    box = fo.Detection(label="cat", bounding_box=[0.1, 0.1, 0.2, 0.2])
    dataset = make_dataset({"gt": fo.Detections(detections=[box])})
    dataset.persistent = True
    schema = {"gt": {"type": "detections", "classes": ["cat", "dog"], "attributes": False}}
    dataset.annotate("run", backend="labelstudio", label_schema=schema, **connection)
    (task_id,) = dataset.load_annotation_results("run").tasks.values()

    command = [sys.executable, "-m", "fo_labelstudio.cli", "watch", dataset.name, "run", "--interval", "0.2"]
    process = subprocess.Popen(
        command,
        env={**os.environ, "FIFTYONE_LABELSTUDIO_API_KEY": connection["api_key"]},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=heeds_ctrl_c,
    )
    try:
        annotator.submit(task_id, relabelled)
        while dataset.values("gt.detections.label") != [["dog"]]:
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.1)
            dataset.reload()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
    finally:
        process.kill()
    assert (process.returncode, out) == (0, ""), err
    assert "Traceback" not in err and connection["api_key"] not in err
