"""Whatever tracks videos have and whatever people do to them, each frame comes to have what the editor shows there.

What is expected is found here frame by frame, and apart from what the package does.
"""

from __future__ import annotations

import math
from collections import Counter
from copy import deepcopy
from random import Random

import bson
import fiftyone as fo
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fo_labelstudio.convert.frame_labels import tracks_of
from tests.frames import ACTIONS, CLASSES, EXISTING, RUNS, SIZE, TRACKS, raw_frames
from tests.properties import examples
from tests.runs.test_frames import Sent
from tests.videos import write_video

pytestmark = [pytest.mark.database, pytest.mark.ffmpeg]

LAST = 12
SCHEMA = {
    "frames.det": {**TRACKS, **EXISTING},
    "frames.acts": {**RUNS, "type": "classifications", **EXISTING},
}
SIDES = ("x", "y", "width", "height")
TOLERANCE = 0.001 + 1e-9
"""Relative to the frame; what `keyframe_tolerance` allows where nobody touches anything."""
EXACT = 1e-7


@pytest.fixture(scope="session")
def video(tmp_path_factory):
    return write_video(tmp_path_factory.mktemp("videos") / "video.mp4", frames=LAST, size=SIZE)


def sample_of(video, random):
    """A sample with any tracks, single boxes and classes, of which some boxes are partly or wholly outside."""
    metadata = fo.VideoMetadata(
        frame_width=SIZE[0], frame_height=SIZE[1], total_frame_count=LAST, frame_rate=25.0, duration=LAST / 25
    )
    sample = fo.Sample(filepath=str(video), metadata=metadata)
    boxes, acts = {}, {}
    for index in range(random.randint(1, 3)):
        for number, box in a_track(random, index + 1):
            boxes.setdefault(number, []).append(box)
    for _ in range(random.randint(0, 2)):
        label = random.choice(ACTIONS)
        for number in some_frames(random):
            acts.setdefault(number, []).append(fo.Classification(label=label, confidence=random.random()))
    for number in {1, *boxes, *acts}:
        sample.frames[number] = fo.Frame(
            det=fo.Detections(detections=boxes.get(number, [])),
            acts=fo.Classifications(classifications=acts.get(number, [])),
        )
    return sample


def some_frames(random):
    """Consecutive frames, some of which are left out at times."""
    first = random.randint(1, LAST)
    numbers = list(range(first, random.randint(first, LAST) + 1))
    if random.random() < 0.3:
        numbers = [number for number in numbers if random.random() < 0.7] or numbers[:1]
    return numbers


def a_track(random, index):
    """The boxes of one object: frame number -> box."""
    kind = random.choice(("index", "index", "instance", "single"))
    numbers = some_frames(random)[: 1 if kind == "single" else LAST]
    label, instance = random.choice(CLASSES), fo.Instance()
    start = [random.randint(-6, 20) / 20 for _ in "xy"] + [random.randint(0, 12) / 20 for _ in "wh"]
    step = [random.choice((0, 0, 0.05, -0.03)) for _ in "xy"] + [random.choice((0, 0, 0.02)) for _ in "wh"]
    jitter = random.choice((0, 0, 0.0004, 0.2))
    turn = random.choice((None, None, None, (0.5, 0.0), (0.0, 0.1)))
    marks = random.random() < 0.3
    for number in numbers:
        ahead = number - numbers[0]
        box = [one + ahead * by + jitter * random.random() for one, by in zip(start, step, strict=True)]
        found = fo.Detection(label=label, bounding_box=box, confidence=random.random(), tags=[f"tag {number}"])
        if kind == "index":
            found.index = index
        if kind == "instance":
            found.instance = instance
        if turn:
            found["rotation"] = turn[0] + ahead * turn[1]
        if marks:
            found["keyframe"] = random.random() < 0.5
        yield number, found


def any_edit(random):
    """An edit of a result: any number of things that people do in the editor."""

    def apply(result):
        result = deepcopy(result)
        for _ in range(random.randint(1, 4)):
            region = random.choice(result) if result else None
            if region is None or random.random() < 0.1:
                result.append(drawn(random, f"drawn {len(result)}"))
            elif random.random() < 0.15:
                result.remove(region)
            elif region["type"] == "videorectangle":
                edit_track(random, region["value"])
            else:
                edit_ranges(random, region["value"])
        return result

    return apply


def drawn(random, key):
    common = {"to_name": "video", "origin": "manual", "id": key}
    frames = sorted({random.randint(1, LAST + 2) for _ in range(random.randint(1, 3))})
    sequence = [{"frame": frame, "enabled": random.random() < 0.6, **any_place(random)} for frame in frames]
    value = {"sequence": sequence, "labels": [random.choice(CLASSES)], "framesCount": LAST, "duration": LAST / 25}
    return {**common, "type": "videorectangle", "value": value}


def any_place(random):
    sides = {side: random.uniform(-20, 100) for side in SIDES[:2]} | {side: random.uniform(0, 60) for side in SIDES[2:]}
    return {**sides, "rotation": random.choice((0, 0, 30))}


def edit_track(random, value):
    """Does one thing to the keyframes, or to the class, of a track."""
    sequence = value["sequence"]
    key = random.choice(sequence)
    match random.choice(("move", "move", "add", "add", "remove", "end", "relabel")):
        case "move":
            change(random, key)
        case "add":
            frame = random.randint(1, LAST + 2)
            if all(one["frame"] != frame for one in sequence):
                place = shown(sequence, frame) or any_place(random)
                sequence.append({**place, "frame": frame, "enabled": random.random() < 0.7})
                sequence.sort(key=lambda one: one["frame"])
                if random.random() < 0.7:
                    change(random, next(one for one in sequence if one["frame"] == frame))
        case "remove" if len(sequence) > 1:
            sequence.remove(key)
        case "end":
            key["enabled"] = not key["enabled"]
        case "relabel":
            value["labels"] = [random.choice(CLASSES)]


def change(random, key):
    for side in random.sample(SIDES, random.randint(1, 4)):
        key[side] = max(key[side] + random.choice((-15, -5, 0.5, 5, 15)), -40 if side in "xy" else 0)
    if random.random() < 0.1:
        key["rotation"] = random.choice((0, 20, 90))


def edit_ranges(random, value):
    """Drags, splits or relabels a range."""
    if random.random() < 0.2:
        value["timelinelabels"] = [random.choice(ACTIONS)]
        return
    number = random.randint(1, 2)
    starts = [random.randint(1, LAST) for _ in range(number)]
    value["ranges"] = [{"start": start, "end": random.randint(start, LAST + 2)} for start in starts]


def shown(sequence, frame):
    """The box that the editor shows on a frame, in percent, or None."""
    before = [key for key in sequence if key["frame"] <= frame]
    if not before:
        return None
    last = before[-1]
    names = (*SIDES, "rotation")
    if last["frame"] == frame:
        return {name: last[name] for name in names}
    if not last["enabled"]:
        return None
    behind = [key for key in sequence if key["frame"] > frame]
    if not behind:
        return {name: last[name] for name in names}
    share = (frame - last["frame"]) / (behind[0]["frame"] - last["frame"])
    place = {name: last[name] + share * (behind[0][name] - last[name]) for name in SIDES}
    turn = (behind[0]["rotation"] - last["rotation"] + 180) % 360 - 180
    return {**place, "rotation": last["rotation"] + share * (180 if turn == -180 else turn)}


def touched(before, after):
    """The frames that an edit is about: those between keyframes that are as they were."""
    names = ("frame", "enabled", *SIDES, "rotation")
    old, new = ({key["frame"]: tuple(key[name] for name in names) for key in one} for one in (before, after))
    kept = {frame for frame in old if old[frame] == new.get(frame)}
    edited = (old.keys() | new.keys()) - kept
    found = set()
    for frame in edited:
        low = max((one for one in kept if one < frame), default=0)
        high = min((one for one in kept if one > frame), default=LAST + 1)
        found |= {*range(low + 1, high)}
    return found


def relative(place):
    """The box of FiftyOne's and its rotation in radians, of a box of the editor's."""
    width, height = SIZE
    x, y, w, h = (place[side] / 100 for side in SIDES)
    angle = math.radians(place["rotation"] % 360)
    centre = w * width / 2, h * height / 2
    dx = centre[0] * math.cos(angle) - centre[1] * math.sin(angle)
    dy = centre[0] * math.sin(angle) + centre[1] * math.cos(angle)
    if not angle:
        return [x, y, w, h], 0.0
    return [x + dx / width - w / 2, y + dy / height - h / 2, w, h], angle


def clipped(box):
    ends = [(min(max(box[i], 0), 1), min(max(box[i] + box[i + 2], 0), 1)) for i in (0, 1)]
    return [ends[0][0], ends[1][0], ends[0][1] - ends[0][0], ends[1][1] - ends[1][0]]


def corners(box, turn):
    """The corners of a turned box, relative to the frame."""
    x, y, w, h = box
    width, height = SIZE
    found = []
    for side, up in ((-1, -1), (1, -1), (1, 1), (-1, 1)):
        dx, dy = side * w * width / 2, up * h * height / 2
        across, down = dx * math.cos(turn) - dy * math.sin(turn), dx * math.sin(turn) + dy * math.cos(turn)
        found.append((x + w / 2 + across / width, y + h / 2 + down / height))
    return found


def is_at(some, others, by):
    """Whether two boxes have the same corners, whichever they begin with."""
    turned = ([*others[start:], *others[:start]] for start in range(4))
    return any(all(is_near(*pair, by) for pair in zip(some, other, strict=True)) for other in turned)


def is_near(one, other, by):
    return all(abs(a - b) <= by for a, b in zip(one, other, strict=True))


def docs_of(sent, field, key):
    """Frame number -> id -> what the frame stores of a label."""
    docs = map(bson.decode, raw_frames(sent.dataset).values())
    found = {doc["frame_number"]: {one["_id"]: one for one in (doc.get(field) or {}).get(key) or ()} for doc in docs}
    return {number: labels for number, labels in found.items() if labels}


def check_sent(tracks, result):
    """Each track is sent as a region that shows its boxes, clipped to the frame, in its frames and in no others."""
    regions = {region["id"]: region["value"]["sequence"] for region in result if region["type"] == "videorectangle"}
    assert regions.keys() == tracks.keys()
    for track_id, docs in tracks.items():
        for number in range(1, LAST + 1):
            place = shown(regions[track_id], number)
            assert (place is None) == (number not in docs)
            if place:
                box, turn = docs[number]["bounding_box"], docs[number].get("rotation") or 0.0
                expected = clipped(box) if place["rotation"] == 0 else box
                assert is_at(corners(expected, turn), corners(*relative(place)), 10 * TOLERANCE)


def check_boxes(tracks, after, sent, answered):
    """Each frame has what the editor shows there, and what nobody touched is as it was."""
    regions = [
        {region["id"]: region["value"] for region in result if region["type"] == "videorectangle"}
        for result in (sent, answered)
    ]
    left = deepcopy(after)
    for track_id, docs in tracks.items():
        if track_id not in regions[1]:
            assert not any(doc["_id"] in left.get(number, {}) for number, doc in docs.items())
            continue
        (label,) = regions[1][track_id]["labels"]
        was, now = (one[track_id]["sequence"] for one in regions)
        concerned = touched(was, now)
        if not any(shown(now, number) for number in range(1, LAST + 1)):
            # Nobody has deleted what was moved out of the video.
            concerned, label = set(), next(iter(docs.values()))["label"]
        for number in range(1, LAST + 1):
            stored = docs.get(number)
            if number not in concerned:
                found = left.get(number, {}).pop(stored["_id"], None) if stored else None
                if found and is_made_a_track(docs, now):
                    assert found.pop("index") and found.pop("instance")
                    stored = {name: value for name, value in stored.items() if name not in ("index", "instance")}
                assert (found and {**found, "label": stored["label"]}) == stored
                assert not found or found["label"] == label
                continue
            place = shown(now, number)
            if place is None:
                assert not stored or stored["_id"] not in left.get(number, {})
                continue
            labels = left[number]
            if stored:
                found = labels.pop(stored["_id"])
                assert (found["confidence"], found["tags"]) == (stored["confidence"], stored["tags"])
            else:
                found = next(one for one in labels.values() if one["label"] == label and fits(one, place))
                del labels[found["_id"]]
            assert found["label"] == label
            check_box(found, stored, shown(was, number), place)
    for track_id in regions[1].keys() - tracks.keys():
        (label,), sequence = regions[1][track_id]["labels"], regions[1][track_id]["sequence"]
        for number in range(1, LAST + 1):
            if place := shown(sequence, number):
                found = next(one for one in left[number].values() if one["label"] == label and fits(one, place))
                del left[number][found["_id"]]
    assert not any(left.values()), "frames have boxes that nobody is shown"
    for labels in after.values():
        # Nothing becomes one with another track.
        indexes = Counter(one.get("index") for one in labels.values() if one.get("index") is not None)
        assert all(count == 1 for count in indexes.values())


def is_made_a_track(docs, sequence):
    """Whether a box of one frame has come to be in several."""
    ((_, doc), *others) = docs.items()
    is_told = others or doc.get("index") is not None or doc.get("instance")
    return not is_told and sum(shown(sequence, number) is not None for number in range(1, LAST + 1)) > 1


def fits(found, place):
    return is_at(corners(found["bounding_box"], found.get("rotation") or 0.0), corners(*relative(place)), EXACT)


def check_box(found, stored, was, place):
    box, turn = relative(place)
    rotation = found.get("rotation") or 0.0
    if stored is None:
        assert fits(found, place)
        return
    if not turn and not rotation:
        assert is_near(clipped(found["bounding_box"]), clipped(box), 2 * TOLERANCE), (found["bounding_box"], box)
    if was is None:
        return
    before, turned = relative(was)
    is_plain = not turn and not turned
    for start, size in ((0, 2), (1, 3)):
        is_same = abs(before[start] - box[start]) < EXACT and abs(before[size] - box[size]) < EXACT
        if is_same and is_plain:
            assert found["bounding_box"][start] == stored["bounding_box"][start]
            assert found["bounding_box"][size] == stored["bounding_box"][size]
        elif is_plain:
            for side in (start, size):
                if abs(before[side] - box[side]) > EXACT:
                    assert abs(found["bounding_box"][side] - box[side]) < EXACT


def check_classes(before, after, answered):
    """Each frame has the classes of the ranges that are over it."""
    expected = Counter()
    for region in answered:
        if region["type"] == "timelinelabels":
            value = region["value"]
            numbers = {n for one in value["ranges"] for n in range(one["start"], min(one["end"], LAST) + 1)}
            expected.update((number, value["timelinelabels"][0]) for number in numbers)
    found = Counter((number, one["label"]) for number, labels in after.items() for one in labels.values())
    assert found == expected
    there = {label_id: one for labels in before.values() for label_id, one in labels.items()}
    for labels in after.values():
        for label_id, one in labels.items():
            if label_id in there:
                assert one["confidence"] == there[label_id]["confidence"]


@examples(30)
@given(seed=st.integers(0, 2**32))
def test_frames_come_to_have_what_the_editor_shows_there(video, seed):
    random = Random(seed)
    dataset = fo.Dataset()
    try:
        dataset.add_samples([sample_of(video, random)], progress=False)
        sent = Sent(dataset, SCHEMA)
        (task,) = sent.project.by_id.values()
        result = task["predictions"][0]["result"] if task["predictions"] else []
        control = {field.name: field.control for field in sent.results.config.label_fields()}["frames.det"]
        boxes, acts = docs_of(sent, "det", "detections"), docs_of(sent, "acts", "classifications")
        composed = tracks_of({number: list(labels.values()) for number, labels in boxes.items()}, sent.ids[0])
        by_id = {str(one["_id"]): {*map(int, one["frames"])} for one in composed}
        ids = {str(one["_id"]): {doc["_id"] for doc in one["frames"].values()} for one in composed}
        tracks = {
            key: {n: doc for n in numbers for doc in boxes[n].values() if doc["_id"] in ids[key]}
            for key, numbers in by_id.items()
        }
        check_sent(tracks, result)
        for _ in range(2):
            answered = any_edit(random)(result)
            for region in answered:
                region.setdefault("from_name", control)
            sent.answer(lambda _, answered=answered: deepcopy(answered))
            sent.load()
            check_boxes(tracks, docs_of(sent, "det", "detections"), result, answered)
            check_classes(acts, docs_of(sent, "acts", "classifications"), answered)
        sent.load_again()
        sent.answer()
        sent.load()
        assert docs_of(sent, "det", "detections") == boxes
        assert docs_of(sent, "acts", "classifications") == acts
    finally:
        dataset.delete()
