"""import_annotations() of a project beside the plain request for its export, and what it takes of memory.

One server: (a) the floor, the whole export by one request, read as JSON; (b) the first import of the project into a
dataset of its images; (c) the second import, of nothing new. CPU seconds are those of this process, the server and the
database; on a busy machine, they differ less than the times. Then files of growing size, without a server, each in a
process of its own, twice.

    python benchmarks/import.py [--tasks 4000] [--repeats 3] [--memory 1000 10000 100000]
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import psutil
from memory import Peak
from round_trip import Floor
from surroundings import fiftyone_of_its_own

from fo_labelstudio.local.server import LocalServer

BOXES = 20
BLOCK = 1000
GOAL = 1.3
CONFIG = """
<View>
  <Image name="img" value="$image"/>
  <RectangleLabels name="boxes" toName="img"><Label value="cat"/><Label value="dog"/></RectangleLabels>
</View>
"""


def path_of(number: int) -> str:
    """The path of the image of a task; none is there, and none is needed."""
    return f"/data/images/{number:06}.jpg"


def task_of(number: int) -> dict[str, Any]:
    """A task that somebody has answered with BOXES boxes."""
    regions = [
        {
            "id": f"r{number}_{box}",
            "from_name": "boxes",
            "to_name": "img",
            "type": "rectanglelabels",
            "original_width": 640,
            "original_height": 480,
            "image_rotation": 0,
            "value": {
                "x": 2.5 * box + 0.123,
                "y": number % 60 + 0.456,
                "width": 20.5,
                "height": 30.25,
                "rotation": 0,
                "rectanglelabels": ["cat" if box % 2 else "dog"],
            },
        }
        for box in range(BOXES)
    ]
    return {"data": {"image": f"https://example.com{path_of(number)}"}, "annotations": [{"result": regions}]}


def make_dataset(fo: Any, images: int) -> Any:
    """A dataset of as many samples, written to the database as documents, which is fast."""
    from bson import ObjectId

    dataset = fo.Dataset()
    dataset.add_sample(fo.Sample(path_of(0)))
    collection = dataset._sample_collection
    (sample,) = collection.find()
    for start in range(1, images, BLOCK):
        numbers = range(start, min(start + BLOCK, images))
        collection.insert_many([{**sample, "_id": ObjectId(), "filepath": path_of(number)} for number in numbers])
    dataset.reload()
    return dataset


class Cost(NamedTuple):
    """What some work takes, in seconds."""

    time: float
    cpu: float
    own_cpu: float


def cost_of(work: Callable[[], Any]) -> Cost:
    """What some work takes: the time, the CPU of all processes, and that of this one."""
    start = time.perf_counter(), cpu_seconds(), time.process_time()
    work()
    end = time.perf_counter(), cpu_seconds(), time.process_time()
    return Cost(*(after - before for before, after in zip(start, end, strict=True)))


def cpu_seconds() -> float:
    """What this process and those that it has started, the server and the database, have taken of the CPU."""
    own = psutil.Process()
    times = [process.cpu_times() for process in (own, *own.children(recursive=True))]
    return sum(one.user + one.system for one in times)


def compare(server: LocalServer, tasks: int, repeats: int) -> None:
    """Times the export, the first and the second import, one after another, and prints what came out."""
    import fiftyone as fo

    import fo_labelstudio

    floor = Floor(server)
    project = floor.call("POST", "/api/projects/", json={"title": "import", "label_config": CONFIG})["id"]
    for start in range(0, tasks, BLOCK):
        block = [task_of(number) for number in range(start, min(start + BLOCK, tasks))]
        floor.call("POST", f"/api/projects/{project}/import", json=block)
    connection = {"url": server.url, "api_key": server.legacy_token}
    rows = []
    for _ in range(repeats):
        dataset = make_dataset(fo, tasks)

        def load(dataset: Any = dataset) -> None:
            fo_labelstudio.import_annotations(dataset, project_id=project, **connection)

        rows.append((cost_of(lambda: floor.load(project)), cost_of(load), cost_of(load)))
        number = dataset.count("boxes.detections")
        if number != tasks * BOXES:
            raise SystemExit(f"{number} labels were imported, expected {tasks * BOXES}")
        dataset.delete()
    print(f"{tasks} tasks with {BOXES} boxes: medians of {repeats}, and from the least to the most")
    for place, name in enumerate(("whole export", "first import", "second import")):
        costs = [row[place] for row in rows]
        parts = [f"{spread([cost.time for cost in costs])} s"]
        parts.append(f"CPU {spread([cost.cpu for cost in costs])} s, here {spread([cost.own_cpu for cost in costs])} s")
        print(f"  {name:13} {', '.join(parts)}")
        if place:
            goal = f" (goal: at most {GOAL})" if place == 1 else ""
            ratios, cpu = ([row[place][n] / row[0][n] for row in rows] for n in (0, 1))
            print(f"  {'':13} {spread(ratios)} x the export{goal}, CPU {spread(cpu)} x")


def spread(numbers: list[float]) -> str:
    """The median of some numbers, the least and the most."""
    return f"{statistics.median(numbers):.2f} ({min(numbers):.2f} to {max(numbers):.2f})"


def lines(tasks: int) -> Iterator[str]:
    """As many tasks as JSON lines, as the server exports them."""
    for number in range(tasks):
        whole = {**task_of(number), "id": number + 1, "project": 1, "created_at": f"2026-01-01T00:00:00.{number:06}Z"}
        whole["annotations"][0].update(id=number, was_cancelled=False, updated_at="2026-01-01T00:00:00.000000Z")
        yield json.dumps(whole) + "\n"


def measure(tasks: int, path: Path) -> None:
    """Prints the peaks of one size."""
    import fiftyone as fo

    import fo_labelstudio

    # The connection and the first query belong to what FiftyOne takes.
    dataset = fo.load_dataset("import")
    for name in ("first", "second"):
        peak = Peak()
        megabytes, seconds = peak.of(
            lambda: fo_labelstudio.import_annotations(dataset, json_path=path, labeling_config=CONFIG)
        )
        print(f"{tasks:7} tasks, {name:6} import {megabytes:6.0f} MB more than before, {seconds:7.1f} s", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", type=int, default=4000, help="tasks on the server; no server where 0")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--memory", type=int, nargs="*", default=[1000, 10_000, 100_000])
    parser.add_argument("--template", type=Path, help="folder that keeps Label Studio's empty database")
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        measure(int(options.measure[0]), Path(options.measure[1]))
        return
    with fiftyone_of_its_own() as home:
        import fiftyone as fo

        if options.tasks:
            with LocalServer(template_dir=options.template) as server:
                compare(server, options.tasks, options.repeats)
        for tasks in options.memory:
            path = home / "tasks.jsonl"
            with path.open("w") as file:
                file.writelines(lines(tasks))
            dataset = make_dataset(fo, tasks)
            dataset.name = "import"
            dataset.persistent = True
            subprocess.run([sys.executable, __file__, "--measure", str(tasks), str(path)], check=True)
            dataset.delete()


if __name__ == "__main__":
    main()
