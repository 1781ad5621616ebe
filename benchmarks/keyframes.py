"""How long does it take to find the keyframes of many long tracks, and how many are there?

Run ``.venv/bin/python benchmarks/keyframes.py`` after ``make test`` has made the environment. It makes tracks of some
kinds, checks that the keyframes have every box within the tolerance, and prints the median of the seconds
of the processor that several runs take.
"""

from __future__ import annotations

import statistics
import time

import numpy as np

from fo_labelstudio.convert.records import KEYFRAME_TOLERANCE
from fo_labelstudio.convert.shapes.tracks import Keyframes, Track, boxes_of, short_way, to_keyframes

TRACKS, FRAMES = 50, 10_000
RUNS = 5


def boxes_of_kind(kind: str, generator: np.random.Generator) -> np.ndarray:
    numbers = np.arange(1, FRAMES + 1)
    if kind == "straight line":
        return np.linspace([0, 0, 10, 10, 0], [50, 50, 20, 20, 0], FRAMES)
    if kind == "100 straight lines":
        bends = np.sort(generator.choice(FRAMES, 100, replace=False))
        return np.stack([np.interp(numbers, bends, generator.random(100) * 50) for _ in range(5)], axis=1)
    steps = np.cumsum(generator.normal(0, 0.02 if kind == "smoothed tracker" else 0.1, (FRAMES, 5)), axis=0)
    if kind == "smoothed tracker":
        return np.stack([np.convolve(column, np.ones(25) / 25, "same") for column in steps.T], axis=1)
    return steps


def check(track: Track, keyframes: Keyframes) -> None:
    frames, boxes = boxes_of(keyframes, FRAMES)
    assert np.array_equal(frames, track.frames)
    assert np.abs(boxes[:, :4] - track.boxes[:, :4]).max() <= 100 * KEYFRAME_TOLERANCE + 1e-6
    assert np.abs(np.radians(short_way(boxes[:, 4] - track.boxes[:, 4]))).max() <= KEYFRAME_TOLERANCE + 1e-6


def main() -> None:
    print(f"{TRACKS} tracks of {FRAMES:,} frames, tolerance {KEYFRAME_TOLERANCE}")
    for kind in ("straight line", "100 straight lines", "smoothed tracker", "shaking tracker"):
        generator = np.random.default_rng(0)
        frames, marks = np.arange(1, FRAMES + 1), np.zeros(FRAMES, bool)
        tracks = [Track(frames, np.round(boxes_of_kind(kind, generator), 10), marks) for _ in range(TRACKS)]
        times = []
        for _ in range(RUNS):
            start = time.process_time()
            found = to_keyframes(tracks, KEYFRAME_TOLERANCE)
            times.append(time.process_time() - start)
        for track, keyframes in zip(tracks, found, strict=True):
            check(track, keyframes)
        number = sum(len(keyframes.frames) for keyframes in found) / TRACKS
        print(f"{kind:<20} {statistics.median(times):6.2f} s   {number:8.1f} keyframes a track")


if __name__ == "__main__":
    main()
