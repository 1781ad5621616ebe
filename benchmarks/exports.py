"""Reading a large JSON export: our reader, json.load, and ijson, each in a process of its own.

    python benchmarks/exports.py [--megabytes 200]

A task has 20 boxes, and its annotation a copy of the prediction, as the server exports those that the editor submitted.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

BOXES = 20
READERS = ("read_tasks", "json.load", "ijson", "the file alone")


def boxes() -> list[dict[str, Any]]:
    return [
        {
            "id": f"{random.getrandbits(96):024x}",
            "from_name": "rect",
            "to_name": "image",
            "type": "rectanglelabels",
            "original_width": 1920,
            "original_height": 1080,
            "image_rotation": 0,
            "value": {
                **{key: random.random() * 50 for key in ("x", "y", "width", "height")},
                "rotation": 0,
                "rectanglelabels": ["cat"],
            },
        }
        for _ in range(BOXES)
    ]


def write(path: Path, megabytes: int) -> int:
    """Writes an export; the number of its tasks."""
    number = 0
    with path.open("w", encoding="utf-8") as file:
        file.write("[")
        while file.tell() < megabytes * 10**6:
            number += 1
            result = boxes()
            annotation = {"id": number, "completed_by": 1, "was_cancelled": False, "result": result}
            annotation["prediction"] = {"id": number, "result": result}
            task = {"id": number, "data": {"image": f"/data/upload/1/{number}.jpg"}, "annotations": [annotation]}
            task |= {"meta": {}, "predictions": [number], "drafts": []}
            file.write(", " * (number > 1) + json.dumps(task))
        file.write("]")
    return number


def measure(reader: str, path: Path) -> None:
    """Prints the seconds and the memory that one reader takes."""
    if reader == "read_tasks":
        from fo_labelstudio.exports.read import read_tasks as read
    elif reader == "ijson":
        import ijson

        def read(path: Path) -> Any:
            return ijson.items(path.open("rb"), "item", use_float=True, buf_size=2**20)

    elif reader == "json.load":

        def read(path: Path) -> Any:
            with path.open(encoding="utf-8") as file:
                return json.load(file)

    else:

        def read(path: Path) -> Any:
            with path.open("rb") as file:
                while piece := file.read(2**20):
                    yield piece

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    count = sum(1 for _ in read(path))
    seconds = time.process_time() - start
    megabytes = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1e3
    print(f"{reader:15} {seconds:6.2f} s of CPU  {megabytes:6.0f} MB more  ({count} items)", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=int, default=200)
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        measure(options.measure[0], Path(options.measure[1]))
        return
    random.seed(0)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "export.json"
        tasks = write(path, options.megabytes)
        print(f"{path.stat().st_size / 1e6:.0f} MB, {tasks} tasks with {BOXES} boxes")
        for reader in READERS:
            subprocess.run([sys.executable, __file__, "--measure", reader, str(path)], check=True)


if __name__ == "__main__":
    main()
