"""Which client carries the calls: label-studio-sdk or requests?

Run ``.venv/bin/python benchmarks/sdk_or_requests.py`` after ``make test`` has made the environment. It starts a server
of its own and prints, for each way, the median of several runs and its ratio to requests.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import label_studio_sdk

from fo_labelstudio.local.server import LocalServer
from fo_labelstudio.remote.client import Client
from fo_labelstudio.settings import ConnectionSettings, Secret

TASKS = 1000
BOXES = 10
RUNS = 3
LABELING_CONFIG = (
    '<View><Image name="image" value="$image"/>'
    '<RectangleLabels name="boxes" toName="image"><Label value="cat"/></RectangleLabels></View>'
)


def a_task(number: int) -> dict:
    regions = [
        {
            "id": f"{number}-{box}",
            "from_name": "boxes",
            "to_name": "image",
            "type": "rectanglelabels",
            "original_width": 640,
            "original_height": 480,
            "value": {"x": box, "y": box, "width": 5.5, "height": 5.5, "rotation": 0, "rectanglelabels": ["cat"]},
        }
        for box in range(BOXES)
    ]
    return {
        "data": {"image": "/x.png"},
        "predictions": [{"result": regions, "model_version": "m"}],
        "annotations": [{"result": regions}],
    }


def median(function: Callable[[], object]) -> float:
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def import_time(statement: str) -> float:
    empty = median(lambda: subprocess.run([sys.executable, "-c", "pass"], check=True))
    return median(lambda: subprocess.run([sys.executable, "-c", statement], check=True)) - empty


def report(what: str, sdk: float, ours: float) -> None:
    print(f"{what:<45} sdk {sdk:7.3f} s   requests {ours:7.3f} s   ratio {sdk / ours:5.2f}", flush=True)


def main() -> None:
    report(
        "import",
        import_time("from label_studio_sdk import LabelStudio; LabelStudio(base_url='http://x', api_key='x')"),
        import_time("import requests"),
    )
    with LocalServer() as server:
        client = Client(ConnectionSettings(server.url, Secret(server.legacy_token)))
        sdk = label_studio_sdk.LabelStudio(base_url=server.url, api_key=server.legacy_token)
        project = client.create_project(title="benchmark", label_config=LABELING_CONFIG)
        tasks = [a_task(number) for number in range(TASKS)]
        report(
            f"import of {TASKS} tasks, {BOXES} boxes each",
            median(lambda: sdk.projects.import_tasks(id=project, request=tasks, return_task_ids=True)),
            median(lambda: client.import_tasks(project, [json.dumps(task).encode() for task in tasks])),
        )
        task_ids, _ = client.import_tasks(project, [json.dumps(task).encode() for task in tasks])
        chosen = task_ids[:500]
        report(
            "export of 500 tasks by id (the sdk sends all)",
            median(lambda: b"".join(sdk.projects.exports.download_sync(id=project, export_type="JSON", ids=chosen))),
            median(lambda: client.export_tasks(project, chosen)),
        )


if __name__ == "__main__":
    main()
