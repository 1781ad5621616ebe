"""Videos with labels in their frames, and what annotators do to the tracks and ranges that they are shown as."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

import bson
import fiftyone as fo
from bson.raw_bson import RawBSONDocument

from fo_labelstudio.dataset.internals import collection_of
from tests.support import Result

FRAMES = 30
SIZE = (64, 48)
CLASSES = ["car", "person"]
ACTIONS = ["walk", "run"]

TRACKS = {"type": "detections", "classes": CLASSES}
RUNS = {"type": "classification", "classes": ACTIONS}
EXISTING = {"existing_field": True}

Edit = Callable[[dict[str, Any]], None]


def video_sample(path: object, **values: Any) -> fo.Sample:
    """A sample with two tracks, of which one leaves and returns, a single box, and two runs of classes."""
    metadata = fo.VideoMetadata(
        frame_width=SIZE[0], frame_height=SIZE[1], total_frame_count=FRAMES, frame_rate=25.0, duration=FRAMES / 25
    )
    sample = fo.Sample(filepath=str(path), metadata=metadata, **values)
    for number in range(1, FRAMES + 1):
        boxes = []
        if number <= 20:
            boxes.append(
                _box("car", 1, [0.1 + 0.01 * number, 0.25, 0.25, 0.25], confidence=number / 100, tags=["mine"])
            )
        if 5 <= number <= 10 or 15 <= number <= 25:
            boxes.append(_box("person", 2, [0.5, 0.1 + 0.01 * number, 0.125, 0.25], colour="red"))
        if number == 3:
            boxes.append(_box("person", None, [0.75, 0.5, 0.125, 0.125]))
        frame = fo.Frame(det=fo.Detections(detections=boxes)) if boxes else fo.Frame()
        if number <= 24:
            frame["act"] = fo.Classification(label="walk" if number <= 12 else "run", confidence=number / 100)
        sample.frames[number] = frame
    return sample


def _box(label: str, index: int | None, bounding_box: list[float], **values: Any) -> fo.Detection:
    return fo.Detection(label=label, index=index, bounding_box=bounding_box, **values)


def raw_frames(dataset: fo.Dataset) -> dict[tuple[str, int], bytes]:
    """Each frame as the database stores it, byte for byte, by sample and number."""
    collection = collection_of(dataset, True).with_options(bson.CodecOptions(document_class=RawBSONDocument))
    return {(str(doc["_sample_id"]), doc["frame_number"]): bytes(doc.raw) for doc in collection.find()}


def changed_numbers(before: Mapping[tuple[str, int], bytes], after: Mapping[tuple[str, int], bytes]) -> list[int]:
    """The numbers of the frames that are other ones, of all samples."""
    return sorted(
        {number for key in before.keys() | after.keys() if before.get(key) != after.get(key) for number in key[1:]}
    )


def boxes_of(sample: fo.Sample, label: str, index: int | None = None, field: str = "det") -> dict[int, list[float]]:
    """Frame number -> box of a class, and of an index where one is given."""
    found = {}
    for number, frame in sample.frames.items():
        value = frame.get_field(field) if field in frame.field_names else None
        for box in value.detections if value else ():
            if box.label == label and index in (None, box.index):
                found[number] = [round(one, 6) for one in box.bounding_box]
    return found


def classes_of(sample: fo.Sample, field: str = "act") -> dict[int, str]:
    """Frame number -> class."""
    values = {number: frame[field] for number, frame in sample.frames.items() if frame[field]}
    return {number: value.label for number, value in values.items()}


def region_of(result: Result, label: str, frames: int | None = None) -> dict[str, Any]:
    """The region of a class; where several have it, the one with so many keyframes."""
    found = [
        region
        for region in result
        if region["type"] == "videorectangle"
        and region["value"]["labels"] == [label]
        and frames in (None, len(region["value"]["sequence"]))
    ]
    assert len(found) == 1, f"{len(found)} regions of {label}"
    return found[0]


def edited(label: str, edit: Edit, keyframes: int | None = None) -> Callable[[Result], Result]:
    """An edit of one track."""

    def apply(result: Result) -> Result:
        result = deepcopy(result)
        edit(region_of(result, label, keyframes))
        return result

    return apply


def moved(frame: int, **by: float) -> Edit:
    """Has the box at a frame moved there, which makes it a keyframe where it is none."""

    def edit(region: dict[str, Any]) -> None:
        sequence = region["value"]["sequence"]
        before = [key for key in sequence if key["frame"] <= frame][-1]
        key = before
        if before["frame"] != frame:
            after = [key for key in sequence if key["frame"] > frame]
            key = dict(before)
            if after:
                share = (frame - before["frame"]) / (after[0]["frame"] - before["frame"])
                for name in ("x", "y", "width", "height"):
                    key[name] = before[name] + share * (after[0][name] - before[name])
            key["frame"] = frame
            sequence.insert(sequence.index(before) + 1, key)
        for name, value in by.items():
            key[name] += value

    return edit


def ended(frame: int) -> Edit:
    """Has a track end at a frame."""

    def edit(region: dict[str, Any]) -> None:
        moved(frame)(region)
        sequence = [key for key in region["value"]["sequence"] if key["frame"] <= frame]
        sequence[-1] = {**sequence[-1], "enabled": False}
        region["value"]["sequence"] = sequence

    return edit


def begun(frame: int) -> Edit:
    """Has a track begin at a frame."""

    def edit(region: dict[str, Any]) -> None:
        sequence = region["value"]["sequence"]
        if frame < sequence[0]["frame"]:
            sequence.insert(0, {**sequence[0], "frame": frame, "enabled": True})
        else:
            moved(frame)(region)
            region["value"]["sequence"] = [key for key in region["value"]["sequence"] if key["frame"] >= frame]

    return edit


def extended(frame: int) -> Edit:
    """Has a track go on until a frame, without moving any more."""

    def edit(region: dict[str, Any]) -> None:
        last = region["value"]["sequence"][-1]
        last["enabled"] = True
        region["value"]["sequence"].append({**last, "frame": frame, "enabled": False})

    return edit


def relabelled(label: str) -> Edit:
    """Has a track get another class."""
    return lambda region: region["value"].update(labels=[label])


def without(label: str, keyframes: int | None = None) -> Callable[[Result], Result]:
    """Deletes one track."""
    return lambda result: [region for region in result if region is not region_of(result, label, keyframes)]


def with_track(first: int, last: int, label: str = "car", key: str = "drawn") -> Callable[[Result], Result]:
    """Draws a track."""

    def apply(result: Result) -> Result:
        like = next(region for region in result if region["type"] == "videorectangle")
        box = {"x": 10.0, "y": 20.0, "width": 25.0, "height": 25.0, "rotation": 0, "enabled": True}
        sequence = [{**box, "frame": first}, {**box, "frame": last, "x": 40.0, "enabled": False}]
        if first == last:
            del sequence[0]
        value = {**like["value"], "labels": [label], "sequence": sequence}
        return [*result, {**like, "id": key, "value": value}]

    return apply


def ranges(result: Result) -> dict[str, dict[str, Any]]:
    """Class -> its region on the timeline; of a class that has several, the last."""
    return {region["value"]["timelinelabels"][0]: region for region in result if region["type"] == "timelinelabels"}


def with_range(label: str, first: int, last: int) -> Callable[[Result], Result]:
    """Has a range of a class be another one."""

    def apply(result: Result) -> Result:
        result = deepcopy(result)
        ranges(result)[label]["value"]["ranges"] = [{"start": first, "end": last}]
        return result

    return apply


def with_drawn_range(label: str, first: int, last: int, key: str = "drawn") -> Callable[[Result], Result]:
    """Draws a range on the timeline."""

    def apply(result: Result) -> Result:
        like = next(iter(ranges(result).values()))
        value = {"ranges": [{"start": first, "end": last}], "timelinelabels": [label]}
        return [*result, {**like, "id": key, "value": value}]

    return apply


def without_range(label: str) -> Callable[[Result], Result]:
    """Deletes the range of a class."""
    return lambda result: [region for region in result if region is not ranges(result).get(label)]
