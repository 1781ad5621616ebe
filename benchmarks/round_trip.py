"""annotate() and load_annotations() beside the shortest script that moves the same, and the built-in integration.

One run on one server: (a) the floor, the same finished payload moved by plain requests, without FiftyOne; (b) this
package; (c) what ships inside FiftyOne, where it can run: by upload it fails beyond 100 files, so it is measured on as
many images as it takes, and its time is scaled.

    python benchmarks/round_trip.py [--images 2000] [--repeats 3]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import requests
from PIL import Image

from fo_labelstudio.demo.database import LocalDatabase
from fo_labelstudio.demo.server import LocalServer

BOXES = 10
BUILT_IN_IMAGES = 100


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


class Floor:
    """The same payload by plain requests."""

    def __init__(self, server: LocalServer):
        self._url = server.url
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Token {server.legacy_token}"

    def call(self, method: str, path: str, **options: Any) -> Any:
        answer = self._session.request(method, self._url + path, timeout=600, **options)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def send(self, labeling_config: str, tasks: list[dict[str, Any]], paths: list[str], settings: Any) -> int:
        """Makes a project and its tasks: media in blocks of 100, tasks in one request per 1,000."""
        project = self.call("POST", "/api/projects/", json={"title": "floor", "label_config": labeling_config})["id"]
        urls = []
        for start in range(0, len(paths), 100):
            files = {
                f"f{n}": (Path(path).name, Path(path).read_bytes()) for n, path in enumerate(paths[start : start + 100])
            }
            answer = self.call("POST", f"/api/projects/{project}/import?commit_to_project=false", files=files)
            ids = answer["file_upload_ids"]
            uploads = self.call("GET", f"/api/projects/{project}/file-uploads", params={"ids": str(ids)})
            by_id = {upload["id"]: upload["file"] for upload in uploads}
            urls += [f"/data/{by_id[number]}" for number in ids]
        for task, url in zip(tasks, urls, strict=True):
            task["data"]["image"] = url
        for start in range(0, len(tasks), 1000):
            self.call("POST", f"/api/projects/{project}/import?return_task_ids=true", json=tasks[start : start + 1000])
        return project

    def accept_all(self, project: int) -> None:
        """Submits every task unchanged, on the server."""
        body = {"selectedItems": {"all": True, "excluded": []}}
        self.call("POST", f"/api/dm/actions?id=predictions_to_annotations&project={project}", json=body)

    def load(self, project: int) -> list[Any]:
        """The whole project by the export endpoint."""
        return self.call("GET", f"/api/projects/{project}/export?exportType=JSON&download_all_tasks=true")


def make_dataset(fo: Any, folder: Path, images: int) -> Any:
    generator = np.random.default_rng(0)
    samples = []
    for number in range(images):
        path = folder / f"{number}.jpg"
        if not path.exists():
            Image.fromarray(generator.integers(0, 255, (48, 64, 3), dtype=np.uint8)).save(path)
        boxes = generator.random((BOXES, 4)) * 0.5
        labels = [
            fo.Detection(label=f"class {n % 5}", bounding_box=box.tolist(), confidence=0.5)
            for n, box in enumerate(boxes)
        ]
        samples.append(fo.Sample(str(path), labels=fo.Detections(detections=labels)))
    dataset = fo.Dataset()
    dataset.add_samples(samples, progress=False)
    return dataset


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--template", type=Path, help="folder that keeps Label Studio's empty database")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ.update(FIFTYONE_DO_NOT_TRACK="true", FIFTYONE_SHOW_PROGRESS_BARS="false")
        database = LocalDatabase(Path(home) / "mongo")
        database.start()
        os.environ.setdefault("FIFTYONE_DATABASE_URI", database.uri)
        try:
            with LocalServer(template_dir=options.template) as server:
                compare(server, Path(home), options.images, options.repeats)
        finally:
            database.stop()


def compare(server: LocalServer, folder: Path, images: int, repeats: int) -> None:
    import fiftyone as fo

    import fo_labelstudio
    from fo_labelstudio.convert.labeling_config import to_labeling_config
    from fo_labelstudio.convert.tasks import to_task
    from fo_labelstudio.dataset.samples import read_blocks

    fo_labelstudio.register()
    floor = Floor(server)
    dataset = make_dataset(fo, folder, images)
    connection = {"url": server.url, "api_key": server.legacy_token}
    times: dict[str, list[float]] = {}

    def note(name: str, seconds: float) -> None:
        times.setdefault(name, []).append(seconds)

    for number in range(repeats):
        key = f"run{number}"
        seconds, results = timed(
            lambda key=key: dataset.annotate(
                key, backend="labelstudio", label_field="labels", attributes=False, **connection
            )
        )
        note("ours, annotate", seconds)
        floor.accept_all(results.project_id)
        note("ours, load", timed(lambda key=key: dataset.load_annotations(key))[0])
        fields = results.config.label_fields()
        blocks = read_blocks(dataset, fields, "filepath", [])
        tasks = [json.loads(json.dumps(to_task(s, fields, "", "x"))) for block in blocks for s in block]
        paths = dataset.values("filepath")
        config = to_labeling_config(fields)
        seconds, project = timed(lambda tasks=tasks: floor.send(config, tasks, paths, None))
        note("floor, annotate", seconds)
        floor.accept_all(project)
        note("floor, load", timed(lambda project=project: floor.load(project))[0])

        part = dataset.limit(min(images, BUILT_IN_IMAGES))
        built_in = "fiftyone.utils.labelstudio.LabelStudioBackendConfig"
        seconds, results = timed(
            lambda key=key, part=part: part.annotate(
                f"{key}_built_in",
                backend="labelstudio",
                label_field="labels",
                attributes=False,
                config_cls=built_in,
                project_name=key,
                **connection,
            )
        )
        note(f"built-in, annotate ({len(part)} images)", seconds)
        floor.accept_all(results.project_id)
        seconds = timed(lambda key=key: dataset.load_annotations(f"{key}_built_in", **connection))[0]
        note(f"built-in, load ({len(part)} images)", seconds)
    medians = {name: statistics.median(values) for name, values in times.items()}
    for name, seconds in medians.items():
        print(f"{name:40} {seconds:8.2f} s")
    for step, goal in (("annotate", 1.25), ("load", 1.5)):
        print(f"{step}: {medians[f'ours, {step}'] / medians[f'floor, {step}']:.2f} x the floor (goal {goal})")
        (scaled,) = (
            seconds * images / min(images, BUILT_IN_IMAGES)
            for name, seconds in medians.items()
            if name.startswith(f"built-in, {step}")
        )
        print(f"{step}: the built-in one takes {scaled / medians[f'ours, {step}']:.1f} x as long, scaled")


if __name__ == "__main__":
    main()
