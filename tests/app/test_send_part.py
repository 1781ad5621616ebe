from __future__ import annotations

import os
import subprocess
import sys
import time

import fiftyone.operators as foo
import pytest
from fiftyone.operators.delegated import DelegatedOperationService

from tests.support import tasks_of
from tests.test_parts import annotate, boxes

pytestmark = pytest.mark.server

OPERATOR = "fo-labelstudio/send_part"
# As the command fiftyone does, which need not be on the PATH.
WORKER = [sys.executable, "-c", "from fiftyone.core.cli import main; main()", "delegated", "launch"]


@pytest.fixture
def start_workers(plugins_dir, connection):
    """Starts two delegated workers; whoever starts FiftyOne may delete datasets that are not to be kept."""
    environment = {
        **os.environ,
        "FIFTYONE_PLUGINS_DIR": str(plugins_dir),
        "FIFTYONE_LABELSTUDIO_API_KEY": connection["api_key"],
    }
    processes = []

    def start():
        processes.extend(subprocess.Popen(WORKER, env=environment) for _ in range(2))
        return processes

    yield start
    for process in processes:
        process.terminate()
        process.wait()


def test_delegated_workers_send_the_parts_of_a_run(make_dataset, connection, annotator, start_workers):
    dataset = make_dataset(*({"labels": boxes("cat")} for _ in range(12)))
    dataset.persistent = True
    workers = start_workers()
    project_id = annotate(dataset, connection, parts=4).project_id
    queued = [
        foo.execute_operator(
            OPERATOR, dataset=dataset, params={"anno_key": "run", "part": part}, request_delegation=True
        ).result["id"]
        for part in range(1, 5)
    ]
    service = DelegatedOperationService()
    operations = []
    while len(operations) < len(queued) and all(worker.poll() is None for worker in workers):
        operations = [service.get(id) for id in queued]
        operations = [operation for operation in operations if operation.run_state in ("completed", "failed")]
        # The workers need the cores.
        time.sleep(0.05)
    assert [operation.run_state for operation in operations] == ["completed"] * 4, operations
    assert sum(operation.result.result["tasks"] for operation in operations) == 12
    assert {len(copies) for copies in tasks_of(annotator, project_id).values()} == {1}
    assert set(annotate(dataset, connection).tasks) == set(dataset.values("id"))


def test_the_operator_asks_for_the_run_and_its_part(make_dataset, connection, plugins_dir, monkeypatch):
    monkeypatch.setenv("FIFTYONE_LABELSTUDIO_API_KEY", connection["api_key"])
    dataset = make_dataset({"labels": boxes("cat")})
    annotate(dataset, connection, parts=1)
    with pytest.raises(Exception, match="part"):
        foo.execute_operator(OPERATOR, dataset=dataset, params={"anno_key": "run"})
    result = foo.execute_operator(OPERATOR, dataset=dataset, params={"anno_key": "run", "part": 1})
    assert result.result == {"tasks": 1}
