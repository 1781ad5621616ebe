"""Memory and time of annotate() and load_annotations() of videos with tracks.

Memory is that of the client, for growing numbers of videos, with a stand-in for the server; each size runs in a process
of its own. Time is compared with a plain look at all frames and plain requests to a real server that send the same
tasks, and with those that export them.

With ``--turn 1``, every box is a keyframe, as those of a detector are.

    python benchmarks/video.py [--videos 2 8] [--frames 1000] [--tracks 20] [--turn 25] [--timed 4]
    python benchmarks/video.py --videos 10 100 --frames 10000 --timed 0
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import requests
from memory import Peak
from server_stub import Stub
from surroundings import fiftyone_of_its_own

from fo_labelstudio.local.server import LocalServer

RATE = 25
BLOCK = 1000
"""Frames that are written to the database at once."""

NAME = "video"
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


def annotate(dataset: Any, root: Path, connection: dict[str, Any]) -> Any:
    """Sends the dataset, whose files the server reads on its own disk."""
    where = {"media": "local_files", "local_files_root": str(root)}
    return dataset.annotate("run", backend="labelstudio", label_schema=SCHEMA, attributes=False, **where, **connection)


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


def seconds(work: Callable[[], Any]) -> float:
    """How long some work takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def time_beside_the_floor(fo: Any, home: Path, videos: int, frames: int, tracks: int, turn: int) -> None:
    """Prints how long annotate() and load_annotations() take, and plain requests that do the same on the server."""
    environment = {
        "LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED": "true",
        "LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT": str(home),
    }
    dataset = make_dataset(fo, home / "timed", videos, frames, tracks, turn)
    with LocalServer(env=environment) as server:
        connection = {"url": server.url, "api_key": server.legacy_token}
        sending = seconds(lambda: annotate(dataset, home, connection))
        results = dataset.load_annotation_results("run")
        session = requests.Session()
        session.headers["Authorization"] = f"Token {server.legacy_token}"

        def call(method: str, path: str, **options: Any) -> Any:
            answer = session.request(method, server.url + path, timeout=600, **options)
            answer.raise_for_status()
            return answer.json()

        project = call("GET", f"/api/projects/{results.project_id}/")
        tasks = [call("GET", f"/api/tasks/{task_id}/") for task_id in results.tasks.values()]
        bodies = [
            json.dumps(
                {
                    "data": task["data"],
                    "meta": task["meta"],
                    "predictions": [
                        {"model_version": one["model_version"], "result": one["result"]} for one in task["predictions"]
                    ],
                }
            )
            for task in tasks
        ]

        def plain() -> None:
            for sample_id in dataset.values("_id"):
                list(dataset._frame_collection.find({"_sample_id": sample_id}))
            made = call("POST", "/api/projects/", json={"title": "plain", "label_config": project["label_config"]})
            for body in bodies:
                call(
                    "POST",
                    f"/api/projects/{made['id']}/import?return_task_ids=true",
                    data=f"[{body}]",
                    headers={"Content-Type": "application/json"},
                )

        floor = seconds(plain)
        ids = list(results.tasks.values())
        call(
            "POST",
            f"/api/dm/actions?id=predictions_to_annotations&project={results.project_id}",
            json={"selectedItems": {"all": False, "included": ids}},
        )

        def export() -> None:
            for task_id in ids:
                call("GET", f"/api/projects/{results.project_id}/export?exportType=JSON&ids[]={task_id}")

        exporting = seconds(export)
        loading = seconds(lambda: dataset.load_annotations("run", **connection))
        again = seconds(lambda: dataset.load_annotations("run", **connection))
        size = sum(map(len, bodies)) / 1e6 / videos
        print(f"{videos} videos of {frames} frames with {tracks} tracks, {size:.1f} MB a task:")
        print(f"  annotate() {sending:6.1f} s, plain requests {floor:6.1f} s: {sending / floor:5.2f} times")
        print(f"  load, nothing changed {loading:6.1f} s, export {exporting:6.1f} s: {loading / exporting:5.2f} times")
        print(f"  load, nothing new {again:6.1f} s")
    dataset.delete()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--videos", type=int, nargs="*", default=[2, 8])
    parser.add_argument("--frames", type=int, default=1000)
    parser.add_argument("--tracks", type=int, default=20)
    parser.add_argument("--turn", type=int, default=25, help="frames after which a track moves elsewhere")
    parser.add_argument("--timed", type=int, default=4, help="videos that are sent to a real server; none where 0")
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
            time_beside_the_floor(fo, home, options.timed, options.frames, options.tracks, options.turn)


if __name__ == "__main__":
    main()
