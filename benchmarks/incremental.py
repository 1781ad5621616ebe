"""load_annotations() of a campaign: its time against how many tasks were answered since the last load.

One run on one server. Tasks are answered over the API, by copies of their predictions, and then loaded; the same is
then loaded once more with ``full=True``. Samples share 1,000 image files, which the server serves from its disk.

    python benchmarks/incremental.py [--images 2000] [--answers 0 10 100 1000] [--full-up-to 10000] [--wait 0]
    python benchmarks/incremental.py --images 10000
    python benchmarks/incremental.py --images 100000 --answers 0 500  # makes the tasks for minutes
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import requests
from memory import make_dataset
from surroundings import fiftyone_of_its_own

from fo_labelstudio.local.server import LocalServer

PAGE = 500
"""Tasks that are answered at once."""


class Annotators:
    """Answer tasks over the API."""

    def __init__(self, server: LocalServer):
        self._url = server.url
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Token {server.legacy_token}"

    def answer(self, project: int, task_ids: Sequence[int]) -> None:
        """Submits what tasks start from, without a change."""
        for start in range(0, len(task_ids), PAGE):
            selected = {"selectedItems": {"all": False, "included": list(task_ids[start : start + PAGE])}}
            url = f"{self._url}/api/dm/actions?id=predictions_to_annotations&project={project}"
            self._session.post(url, json=selected, timeout=600).raise_for_status()


def seconds(work: Callable[[], Any]) -> float:
    """How long some work takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--answers", type=int, nargs="+", default=[0, 10, 100, 1000])
    parser.add_argument(
        "--full-up-to", type=int, default=10_000, help="images up to which all others are answered, too"
    )
    parser.add_argument("--wait", type=float, default=0, help="seconds before each load")
    parser.add_argument("--template", type=Path, help="folder that keeps Label Studio's empty database")
    arguments = parser.parse_args()
    with fiftyone_of_its_own() as home:
        import fiftyone as fo

        import fo_labelstudio

        fo_labelstudio.register()
        environment = {
            "LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED": "true",
            "LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT": str(home),
        }
        with LocalServer(template_dir=arguments.template, env=environment) as server:
            measure(fo, server, make_dataset(fo, home / "images", arguments.images), home, arguments)


def measure(fo: Any, server: LocalServer, dataset: Any, home: Path, arguments: argparse.Namespace) -> None:
    """Prints how long loads take."""
    connection = {"url": server.url, "api_key": server.legacy_token}
    where = {"media": "local_files", "local_files_root": str(home)}
    dataset.annotate(
        "run", backend="labelstudio", label_field="labels", classes=["cat"], attributes=False, **where, **connection
    )
    results = dataset.load_annotation_results("run")
    annotators, remaining = Annotators(server), list(results.tasks.values())
    print(f"{len(remaining)} tasks; the first load takes {seconds(lambda: dataset.load_annotations('run')):.2f} s")
    print(f"{'new answers':>12} {'answers in all':>15} {'load':>9} {'full=True':>10}")
    answered = 0
    rest = [len(remaining)] if arguments.images <= arguments.full_up_to else []
    for number in (*arguments.answers, *rest):
        number = min(number, len(remaining))
        time.sleep(arguments.wait)
        # A load looks once more at what was changed shortly before one that looked at everything.
        dataset.load_annotations("run")
        chosen, remaining = remaining[:number], remaining[number:]
        annotators.answer(results.project_id, chosen)
        answered += len(chosen)
        taken = seconds(lambda: dataset.load_annotations("run"))
        full = seconds(lambda: dataset.load_annotations("run", full=True))
        print(f"{len(chosen):12} {answered:15} {taken:7.2f} s {full:8.2f} s", flush=True)


if __name__ == "__main__":
    main()
