"""annotate() and load_annotations() beside the shortest script that moves the same, and the built-in integration.

One run on one server: (a) the floor, the same finished payload moved by plain requests, without FiftyOne; (b) this
package; (c) what ships inside FiftyOne, on as many images as it takes (100 by upload, 1,000 by local files: its request
for more is refused, and it then deletes their labels), its time scaled to all of them.

    python benchmarks/round_trip.py [--images 2000] [--repeats 3] [--media upload local_files] [--masks 50]
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import requests
from PIL import Image
from surroundings import fiftyone_of_its_own

from fo_labelstudio.local.server import LocalServer

BOXES = 10
MASKS = 5
BUILT_IN = "fiftyone.utils.labelstudio.LabelStudioBackendConfig"
BUILT_IN_IMAGES = {"upload": 100, "local_files": 1000}
GOALS = {"annotate": 1.25, "load": 1.5}


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

    def payload(self, project: int) -> tuple[str, list[dict[str, Any]]]:
        """The labeling config and the tasks of a project, as they were sent."""
        answer = self.call("GET", f"/api/tasks?project={project}&fields=all&page_size=100000")
        tasks = [
            {
                "data": task["data"],
                "meta": task["meta"],
                "predictions": [
                    {key: prediction[key] for key in ("result", "score", "model_version")}
                    for prediction in task["predictions"]
                ],
            }
            for task in answer["tasks"]
        ]
        return self.call("GET", f"/api/projects/{project}/")["label_config"], tasks

    def send(self, labeling_config: str, tasks: list[dict[str, Any]], paths: list[str], root: Path | None) -> int:
        """Makes a project and its tasks: media in blocks of 100, or served from a disk; 1,000 tasks a request."""
        project = self.call("POST", "/api/projects/", json={"title": "floor", "label_config": labeling_config})["id"]
        urls = self._upload(project, paths) if root is None else self._serve(project, paths, root)
        for task, url in zip(tasks, urls, strict=True):
            task["data"]["image"] = url
        for start in range(0, len(tasks), 1000):
            self.call("POST", f"/api/projects/{project}/import?return_task_ids=true", json=tasks[start : start + 1000])
        return project

    def _upload(self, project: int, paths: list[str]) -> list[str]:
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
        return urls

    def _serve(self, project: int, paths: list[str], root: Path) -> list[str]:
        folder = str(root / Path(paths[0]).relative_to(root).parts[0])
        self.call("POST", "/api/storages/localfiles/", json={"project": project, "path": folder, "use_blob_urls": True})
        return [f"/data/local-files/?d={Path(path).relative_to(root)}" for path in paths]

    def accept_all(self, project: int) -> None:
        """Submits every task unchanged, on the server."""
        body = {"selectedItems": {"all": True, "excluded": []}}
        self.call("POST", f"/api/dm/actions?id=predictions_to_annotations&project={project}", json=body)

    def load(self, project: int) -> list[Any]:
        """The whole project by the export endpoint."""
        return self.call("GET", f"/api/projects/{project}/export?exportType=JSON&download_all_tasks=true")


class Times:
    """How long each step took, by who took it."""

    def __init__(self) -> None:
        self._seconds: dict[tuple[str, str], list[float]] = {}

    def of(self, step: str, who: str, work: Callable[[], Any], scale: float = 1.0) -> Any:
        """The result of some work, whose time is noted."""
        start = time.perf_counter()
        result = work()
        self._seconds.setdefault((step, who), []).append(scale * (time.perf_counter() - start))
        return result

    def report(self, what: str) -> None:
        """Prints medians of the seconds, and of the ratios of what was timed one after another."""
        print(f"\n{what}: medians of {len(next(iter(self._seconds.values())))}, and from the least to the most")
        for step, goal in GOALS.items():
            for who in ("floor", "ours", "built-in, scaled"):
                print(f"  {step:9} {who:17} {_spread(self._seconds[step, who])} s")
            print(f"  {step:9} {self._ratio(step, 'ours', 'floor')} x the floor (goal: at most {goal})")
            print(f"  {step:9} the built-in one takes {self._ratio(step, 'built-in, scaled', 'ours')} x as long")

    def _ratio(self, step: str, who: str, other: str) -> str:
        pairs = zip(self._seconds[step, who], self._seconds[step, other], strict=True)
        return _spread([one / another for one, another in pairs])


def _spread(numbers: list[float]) -> str:
    return f"{statistics.median(numbers):.2f} ({min(numbers):.2f} to {max(numbers):.2f})"


def boxes_dataset(fo: Any, folder: Path, images: int) -> Any:
    """A dataset of small JPEGs with BOXES boxes each."""
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
    return _saved(fo, samples)


def masks_dataset(fo: Any, folder: Path, images: int) -> Any:
    """A dataset of images of 1920 x 1080 with MASKS masks each, ellipses of a quarter of the image's sides."""
    height, width = 270, 480
    rows, columns = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    samples = []
    for number in range(images):
        path = folder / f"large {number}.jpg"
        Image.new("RGB", (1920, 1080), (number, 99, 99)).save(path)
        labels = [
            fo.Detection(
                label=f"class {n % 5}",
                bounding_box=[0.15 * n, 0.1 * n, 0.25, 0.25],
                mask=rows**2 + columns**2 < 1 - 0.1 * n,
            )
            for n in range(MASKS)
        ]
        samples.append(fo.Sample(str(path), labels=fo.Detections(detections=labels)))
    return _saved(fo, samples)


def _saved(fo: Any, samples: list[Any]) -> Any:
    dataset = fo.Dataset()
    dataset.add_samples(samples, progress=False)
    return dataset


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--media", nargs="*", choices=BUILT_IN_IMAGES, default=list(BUILT_IN_IMAGES))
    parser.add_argument("--masks", type=int, default=50, help="images with masks; none where 0")
    parser.add_argument("--template", type=Path, help="folder that keeps Label Studio's empty database")
    options = parser.parse_args()
    with fiftyone_of_its_own() as home:
        root = home / "root"
        # What ships inside FiftyOne takes the folder above the one that it should.
        folder = root / "shared" / "images"
        folder.mkdir(parents=True)
        sharing = {
            "LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED": "true",
            "LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT": str(root),
        }
        with LocalServer(template_dir=options.template, env=sharing) as server:
            import fiftyone as fo

            for media in options.media:
                dataset = boxes_dataset(fo, folder, options.images)
                is_shared = media == "local_files"
                os.environ.update(sharing if is_shared else dict.fromkeys(sharing, ""))
                compare(server, dataset, "detections", media, root if is_shared else None, options.repeats)
            if options.masks:
                dataset = masks_dataset(fo, folder, options.masks)
                compare(server, dataset, "instances", "upload", None, options.repeats)


def compare(server: LocalServer, dataset: Any, label_type: str, media: str, root: Path | None, repeats: int) -> None:
    """Times the three ways, one after another, and prints what came out."""
    import fo_labelstudio

    fo_labelstudio.register()
    floor = Floor(server)
    times = Times()
    connection = {"url": server.url, "api_key": server.legacy_token}
    asked = {
        **connection,
        "backend": "labelstudio",
        "label_field": "labels",
        "label_type": label_type,
        "classes": [f"class {n}" for n in range(5)],
        "attributes": False,
    }
    ours = {"media": media, **({"local_files_root": str(root)} if root else {})}
    paths = dataset.values("filepath")
    built_in_images = min(BUILT_IN_IMAGES[media], len(dataset))
    scale = len(dataset) / built_in_images
    for number in range(repeats):
        key = f"{media}_{label_type}_{number}"

        def annotate(key: str = key) -> Any:
            return dataset.annotate(key, **asked, **ours)

        def load(key: str = key) -> Any:
            return dataset.load_annotations(key)

        results = times.of("annotate", "ours", annotate)
        floor.accept_all(results.project_id)
        times.of("load", "ours", load)
        labeling_config, tasks = floor.payload(results.project_id)

        def send(labeling_config: str = labeling_config, tasks: Any = tasks) -> int:
            return floor.send(labeling_config, tasks, paths, root)

        project = times.of("annotate", "floor", send)
        floor.accept_all(project)
        times.of("load", "floor", lambda project=project: floor.load(project))

        # What it loads, it writes anew, and not always as it was.
        copy = dataset.limit(built_in_images).clone()

        def annotate_built_in(copy: Any = copy, key: str = key) -> Any:
            return copy.annotate(f"{key}_built_in", config_cls=BUILT_IN, project_name=key, **asked)

        def load_built_in(copy: Any = copy, key: str = key) -> Any:
            return copy.load_annotations(f"{key}_built_in", **connection)

        results = times.of("annotate", "built-in, scaled", annotate_built_in, scale)
        floor.accept_all(results.project_id)
        times.of("load", "built-in, scaled", load_built_in, scale)
        copy.delete()
    times.report(f"{len(dataset)} images, {label_type}, {media}")


if __name__ == "__main__":
    main()
