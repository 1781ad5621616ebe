"""Peak memory of annotate() and load_annotations(), above what importing FiftyOne takes, for growing datasets.

The server is a stand-in on loopback, so that only the client counts; each size runs in a process of its own.

    python benchmarks/memory.py [--images 1000 10000 100000]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from PIL import Image
from server_stub import Stub
from surroundings import fiftyone_of_its_own

BOXES = 10
FILES = 1000
BLOCK = 5000


class Peak:
    """The most memory that this process has while some work is done."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self.base = self._process.memory_info().rss

    def of(self, work: Callable[[], Any]) -> tuple[float, float]:
        """The peak above the base in MB, and the seconds that the work took."""
        done = threading.Event()
        most = 0

        def watch() -> None:
            nonlocal most
            while not done.wait(0.01):
                most = max(most, self._process.memory_info().rss)

        watcher = threading.Thread(target=watch)
        watcher.start()
        start = time.perf_counter()
        try:
            work()
        finally:
            done.set()
            watcher.join()
        return (most - self.base) / 1e6, time.perf_counter() - start


def make_dataset(fo: Any, folder: Path, images: int) -> Any:
    """A dataset of small JPEGs with BOXES boxes each, written to the database as documents, which is fast."""
    from bson import ObjectId

    folder.mkdir(parents=True)
    for number in range(min(FILES, images)):
        Image.new("RGB", (64, 48), (number % 256, number // 256, 0)).save(folder / f"{number}.jpg")
    dataset = fo.Dataset()
    box = fo.Detection(label="cat", bounding_box=[0.1, 0.2, 0.3, 0.4], confidence=0.5)
    dataset.add_sample(fo.Sample(str(folder / "0.jpg"), labels=fo.Detections(detections=[box])))
    collection = dataset._sample_collection
    (sample,) = collection.find()
    (label,) = sample["labels"]["detections"]
    generator = np.random.default_rng(0)
    for start in range(1, images, BLOCK):
        count = min(BLOCK, images - start)
        boxes = (generator.random((count, BOXES, 4)) * 0.5).tolist()
        docs = [
            {
                **sample,
                "_id": ObjectId(),
                "filepath": str(folder / f"{(start + number) % FILES}.jpg"),
                "labels": {
                    **sample["labels"],
                    "detections": [{**label, "_id": ObjectId(), "bounding_box": box} for box in boxes[number]],
                },
            }
            for number in range(count)
        ]
        collection.insert_many(docs)
    dataset.reload()
    return dataset


def measure(images: int, url: str, root: Path) -> None:
    """Prints the peaks of one size."""
    import fiftyone as fo

    import fo_labelstudio

    fo_labelstudio.register()
    # The connection and the first query belong to what FiftyOne takes.
    fo.list_datasets()
    peak = Peak()
    dataset = fo.load_dataset("memory")
    connection = {"url": url, "api_key": "x" * 40}
    asked = {"label_field": "labels", "label_type": "detections", "classes": ["cat"], "attributes": False}
    media = {"media": "local_files", "local_files_root": str(root)}
    for name, work in (
        ("annotate", lambda: dataset.annotate("run", backend="labelstudio", **asked, **media, **connection)),
        ("load", lambda: dataset.load_annotations("run", **connection)),
    ):
        megabytes, seconds = peak.of(work)
        print(
            f"{images:7} images, {name:8} {megabytes:6.0f} MB above the import of FiftyOne, {seconds:7.1f} s",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, nargs="*", default=[1000, 10_000, 100_000])
    parser.add_argument("--measure", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        images, url, root = options.measure
        measure(int(images), url, Path(root))
        return
    with fiftyone_of_its_own() as home:
        import fiftyone as fo

        for images in options.images:
            root = home / str(images)
            dataset = make_dataset(fo, root / "images", images)
            dataset.name = "memory"
            dataset.persistent = True
            with Stub() as stub:
                command = [sys.executable, __file__, "--measure", str(images), stub.url, str(root)]
                subprocess.run(command, check=True)
            dataset.delete()


if __name__ == "__main__":
    main()
