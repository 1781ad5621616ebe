"""Memory and time of annotate() and load_annotations() of videos with tracks.

Memory is that of the client, for growing numbers of videos, with a stand-in for the server; each size runs in a process
of its own. Time is compared with a plain look at what all frames hold and plain requests to a real server that send the
same tasks, and with those that export them; both one after the other, on the clock and by what processors take of it.

With ``--turn 1``, every box is a keyframe, as those of a detector are.

    python benchmarks/video.py [--videos 4 16] [--frames 1000] [--tracks 20] [--turn 25] [--timed 3 --timed-frames 5000]
    python benchmarks/video.py --videos 10 100 --frames 10000 --timed 10 --timed-frames 10000
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import psutil
import requests
from memory import Peak
from server_stub import Stub
from surroundings import fiftyone_of_its_own

from fo_labelstudio.local.server import LocalServer

RATE = 25
BLOCK = 1000
"""Frames that are written to the database at once."""

NAME = "video"
SENT = tuple(f"det.detections.{name}" for name in ("bounding_box", "label", "index", "confidence"))
"""What is sent of the boxes of a frame."""

SCHEMA = {"frames.det": {"type": "detections", "classes": ["car"]}}


def write_video(path: Path, frames: int) -> None:
    """Writes a video of one colour."""
    source = f"color=c=gray:s=64x48:r={RATE}:d={(frames - 0.5) / RATE}"
    coding = ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-preset", "ultrafast")
    subprocess.run(("ffmpeg", "-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i", source, *coding, path), check=True)


def boxes_of_track(generator: np.random.Generator, frames: int, turn: int) -> np.ndarray:
    """Boxes that move along lines, with a turn after some frames; shape (frames, 4)."""
    turns = np.arange(0, frames + turn, turn)
    corners = generator.random((len(turns), 2)) * 0.7
    places = np.column_stack([np.interp(np.arange(frames), turns, corners[:, axis]) for axis in (0, 1)])
    return np.column_stack([places, np.full((frames, 2), 0.2)])


def make_dataset(fo: Any, folder: Path, videos: int, frames: int, tracks: int, turn: int) -> Any:
    """A dataset of videos with tracks, written to the database as documents, which is fast."""
    from bson import ObjectId

    folder.mkdir(parents=True)
    write_video(folder / "0.mp4", frames)
    for number in range(1, videos):
        (folder / f"{number}.mp4").hardlink_to(folder / "0.mp4")
    dataset = fo.Dataset(NAME, persistent=True)
    samples = [fo.Sample(str(folder / f"{number}.mp4")) for number in range(videos)]
    box = fo.Detection(label="car", index=1, bounding_box=[0.1, 0.2, 0.3, 0.4], confidence=0.5)
    samples[0].frames[1] = fo.Frame(det=fo.Detections(detections=[box]))
    dataset.add_samples(samples, progress=False)
    collection = dataset._frame_collection
    (frame,) = collection.find()
    collection.delete_one({"_id": frame["_id"]})
    (label,) = frame["det"]["detections"]
    generator = np.random.default_rng(0)
    for sample_id in dataset.values("_id"):
        moves = [boxes_of_track(generator, frames, turn).tolist() for _ in range(tracks)]
        for start in range(0, frames, BLOCK):
            collection.insert_many(
                {
                    **frame,
                    "_id": ObjectId(),
                    "_sample_id": sample_id,
                    "frame_number": number + 1,
                    "det": {
                        **frame["det"],
                        "detections": [
                            {**label, "_id": ObjectId(), "index": index, "bounding_box": boxes[number]}
                            for index, boxes in enumerate(moves, 1)
                        ],
                    },
                }
                for number in range(start, min(start + BLOCK, frames))
            )
    dataset.reload()
    return dataset


def annotate(dataset: Any, root: Path, connection: dict[str, Any], key: str = "run") -> Any:
    """Sends the dataset, whose files the server reads on its own disk."""
    where = {"media": "local_files", "local_files_root": str(root)}
    return dataset.annotate(key, backend="labelstudio", label_schema=SCHEMA, attributes=False, **where, **connection)


def measure(videos: int, url: str, root: Path) -> None:
    """Prints the peaks of one size."""
    import fiftyone as fo

    import fo_labelstudio

    fo_labelstudio.register()
    # The connection and the first query belong to what FiftyOne takes.
    fo.list_datasets()
    peak = Peak()
    dataset = fo.load_dataset(NAME)
    connection = {"url": url, "api_key": "x" * 40}
    for name, work in (
        ("annotate", lambda: annotate(dataset, root, connection)),
        ("load", lambda: dataset.load_annotations("run", **connection)),
    ):
        megabytes, seconds = peak.of(work)
        print(
            f"{videos:5} videos, {name:8} {megabytes:6.0f} MB above the import of FiftyOne, {seconds:7.1f} s",
            flush=True,
        )


class Spent(NamedTuple):
    """What some work takes.

    Attributes:
        seconds: on the clock
        processor_seconds: of this process, of MongoDB and of the server
    """

    seconds: float
    processor_seconds: float

    @classmethod
    def by(cls, work: Callable[[], Any]) -> Spent:
        """What some work takes."""
        start, used = time.perf_counter(), _processor_seconds()
        work()
        return cls(time.perf_counter() - start, _processor_seconds() - used)


def _processor_seconds() -> float:
    servers = [process.cpu_times() for process in psutil.Process().children(recursive=True)]
    return time.process_time() + sum(times.user + times.system for times in servers)


def compare(step: str, ours: list[Spent], floor: list[Spent], goal: float) -> None:
    """Prints medians of both, and of what each of ours takes beside the floor that was timed after it."""
    for what, unit in (("seconds", "s"), ("processor_seconds", "s of processors")):
        pairs = [(getattr(one, what), getattr(other, what)) for one, other in zip(ours, floor, strict=True)]
        own, others = (statistics.median(numbers) for numbers in zip(*pairs, strict=True))
        ratio = statistics.median(one / other for one, other in pairs)
        print(f"  {step} {own:7.2f} {unit}, floor {others:7.2f}: {ratio:5.2f} times (goal: at most {goal})")


def time_beside_the_floor(
    fo: Any, home: Path, videos: int, frames: int, tracks: int, turn: int, repeats: int = 3
) -> None:
    """Prints what annotate() and load_annotations() take, and plain requests that do the same on the server.

    The floor of annotate() reads what is sent of each frame once, one frame after another, and sends the same tasks;
    the floor of a load exports them, one by one.
    """
    environment = {
        "LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED": "true",
        "LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT": str(home),
    }
    dataset = make_dataset(fo, home / "timed", videos, frames, tracks, turn)
    with LocalServer(env=environment) as server:
        connection = {"url": server.url, "api_key": server.legacy_token}
        session = requests.Session()
        session.headers["Authorization"] = f"Token {server.legacy_token}"

        def call(method: str, path: str, **options: Any) -> Any:
            answer = session.request(method, server.url + path, timeout=600, **options)
            answer.raise_for_status()
            return answer.json()

        def look() -> None:
            for sample_id in dataset.values("_id"):
                for _ in dataset._frame_collection.find({"_sample_id": sample_id}, dict.fromkeys(SENT, True)):
                    pass

        def send(labeling_config: str, bodies: list[str]) -> None:
            made = call("POST", "/api/projects/", json={"title": "plain", "label_config": labeling_config})
            for body in bodies:
                call(
                    "POST",
                    f"/api/projects/{made['id']}/import?return_task_ids=true",
                    data=f"[{body}]",
                    headers={"Content-Type": "application/json"},
                )

        def export(project_id: int, task_ids: list[int]) -> None:
            for task_id in task_ids:
                call("GET", f"/api/projects/{project_id}/export?exportType=JSON&ids[]={task_id}")

        spent: dict[str, list[Spent]] = {}

        def note(step: str, work: Callable[[], Any]) -> None:
            spent.setdefault(step, []).append(Spent.by(work))

        bodies: list[str] = []
        for number in range(repeats):
            key = f"run{number}"
            note("annotate", lambda key=key: annotate(dataset, home, connection, key))
            results = dataset.load_annotation_results(key)
            ids = list(results.tasks.values())
            labeling_config = call("GET", f"/api/projects/{results.project_id}/")["label_config"]
            bodies = [_body(call("GET", f"/api/tasks/{task_id}/")) for task_id in ids]
            note("floor", lambda config=labeling_config, bodies=bodies: (look(), send(config, bodies)))
            call(
                "POST",
                f"/api/dm/actions?id=predictions_to_annotations&project={results.project_id}",
                json={"selectedItems": {"all": False, "included": ids}},
            )
            note("load", lambda key=key: dataset.load_annotations(key, **connection))
            note("export", lambda project_id=results.project_id, ids=ids: export(project_id, ids))
        size = sum(map(len, bodies)) / 1e6 / videos
        print(f"{videos} videos of {frames} frames with {tracks} tracks, {size:.1f} MB a task, medians of {repeats}:")
        compare("annotate()           ", spent["annotate"], spent["floor"], 1.5)
        compare("load, nothing changed", spent["load"], spent["export"], 1.25)
    dataset.delete()


def _body(task: dict[str, Any]) -> str:
    """The JSON that makes a task once more."""
    predictions = [{name: one[name] for name in ("model_version", "result")} for one in task["predictions"]]
    return json.dumps({"data": task["data"], "meta": task["meta"], "predictions": predictions})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--videos", type=int, nargs="*", default=[4, 16])
    parser.add_argument("--frames", type=int, default=1000)
    parser.add_argument("--tracks", type=int, default=20)
    parser.add_argument("--turn", type=int, default=25, help="frames after which a track moves elsewhere")
    parser.add_argument("--timed", type=int, default=3, help="videos that are sent to a real server; none where 0")
    parser.add_argument("--timed-frames", type=int, default=5000, help="frames of each of these")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--measure", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        videos, url, root = options.measure
        measure(int(videos), url, Path(root))
        return
    with fiftyone_of_its_own() as home:
        import fiftyone as fo

        import fo_labelstudio

        fo_labelstudio.register()
        for videos in options.videos:
            root = home / str(videos)
            dataset = make_dataset(fo, root / "videos", videos, options.frames, options.tracks, options.turn)
            with Stub() as stub:
                command = [sys.executable, __file__, "--measure", str(videos), stub.url, str(root)]
                subprocess.run(command, check=True)
            dataset.delete()
        if options.timed:
            size = options.timed, options.timed_frames, options.tracks, options.turn
            time_beside_the_floor(fo, home, *size, options.repeats)


if __name__ == "__main__":
    main()
