"""Boxes in the frames of videos: Detection(s) <-> <VideoRectangle> and <Labels>.

A region is a track, or a box that is in one frame only. What it carries of it are keyframes; the boxes of all frames
between them stay in the dataset as they are, as long as nobody touches a keyframe beside them.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import chain, pairwise
from operator import itemgetter
from typing import Any
from xml.etree.ElementTree import Element

import fiftyone.core.labels as fol
import numpy as np

from fo_labelstudio.convert.attributes import problem_of_changes
from fo_labelstudio.convert.box_columns import BoxColumns
from fo_labelstudio.convert.checks import (
    check_frames,
    class_if_any,
    left_without_frames,
    number_of,
    only_region,
    unknown_class,
    unseen,
)
from fo_labelstudio.convert.digests import digests_of
from fo_labelstudio.convert.families.detections import HAS_MASK, MAX_CORNER_PERCENT, MAX_RELATIVE, problem_of_box
from fo_labelstudio.convert.family import Family, Grouping, Revision
from fo_labelstudio.convert.frame_labels import (
    FRAMES,
    LABELS,
    FrameLabel,
    confidence_of,
    empty_doc,
    label_id_at,
    told,
    tracks_of,
)
from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.convert.names import inner_name
from fo_labelstudio.convert.numbers import TOLERANCE, is_finite
from fo_labelstudio.convert.records import Aspect, LabelAnswer, LabelField, ParsedLabel, Region
from fo_labelstudio.convert.regions import placed_region, scored
from fo_labelstudio.convert.shapes.boxes import Numbers, to_percent_boxes, to_relative_boxes
from fo_labelstudio.convert.shapes.geometry import PercentBox, all_rounded, rounded, with_positive_sizes
from fo_labelstudio.convert.shapes.tracks import (
    Flags,
    Frames,
    Keyframes,
    Track,
    boxes_of,
    to_keyframes,
    without_filled_in,
)
from fo_labelstudio.convert.stored import LabelDoc, copy_of
from fo_labelstudio.convert.tags import labels_control
from fo_labelstudio.convert.track_frames import BOX, TrackFrames, has_any, values_of
from fo_labelstudio.errors import RegionError
from fo_labelstudio.messages import quoted

_TYPE = "videorectangle"
_CLASSES = "labels"
_KEYFRAME = "keyframe"
_PREFIX = f"{_KEYFRAME}/"
_MASKS = ("mask", "mask_path")

_MOST_PARTS = 200
"""Parts of a track that are compared each by itself, so that what tasks carry of it does not grow with the video."""


def control_tags(field: LabelField) -> list[Element]:
    own = Element("VideoRectangle", name=field.control, toName=field.to_name)
    return [own, labels_control("Labels", field, class_control(field))] if field.classes else [own]


def class_control(field: LabelField) -> str:
    """The name of the control tag that has the classes of a field."""
    return field.labels_control or inner_name(field.control, _CLASSES)


def check(track: Any, field: LabelField) -> str | None:
    if not _is_clearly_right(track.frames):
        for number, doc in track.frames.items():
            if problem := _problem_of_frame(doc, field):
                return f"in frame {number}, label {doc['_id']}: {problem}"
    return unknown_class(track, field) or problem_of_changes(track, track.frames, field)


def _is_clearly_right(frames: Mapping[str, LabelDoc]) -> bool:
    """Whether all boxes are as they are expected, found out for all at once."""
    if any(has_any(frames, mask) for mask in _MASKS):
        return False
    try:
        boxes, radians = _boxes_in(frames), np.array(_rotations_in(frames), np.float64)
    except (KeyError, OverflowError, TypeError, ValueError):
        return False
    is_right = boxes.shape[1:] == (4,) and np.isfinite(boxes).all() and np.isfinite(radians).all()
    return bool(is_right and (boxes[:, 2:] >= 0).all() and (np.abs(boxes) <= MAX_RELATIVE).all())


def _problem_of_frame(doc: LabelDoc, field: LabelField) -> str | None:
    if doc.get("mask") is not None or doc.get("mask_path") is not None:
        return (
            "it has a mask, and Label Studio has no masks in videos; annotate the frames as images, with "
            f"`to_frames()`, or leave such labels out with filter_labels({field.name!r}, ~F('mask').exists() & "
            "~F('mask_path').exists(), only_matches=False)"
        )
    rotation = _rotation_of(doc)
    problem = problem_of_box(doc.get("bounding_box"))
    if not is_finite(rotation):
        problem = f"its rotation is {rotation!r}, expected a number of radians"
    return f"{problem}; correct the label, or delete it" if problem else None


def key_of(track: Any, field: LabelField) -> str:
    label_id: str = track.id
    return label_id


def to_regions(tracks: Sequence[Any], field: LabelField, media: MediaInfo) -> list[Region]:
    shown = _keyframes_of([track.frames for track in tracks], field, media)
    return [_to_region(track, keyframes, field, media) for track, (_, keyframes) in zip(tracks, shown, strict=True)]


def _to_region(track: Any, keyframes: Keyframes, field: LabelField, media: MediaInfo) -> Region:
    rate = media.frame_rate or 1.0
    value: dict[str, Any] = {
        # The editor draws a track in the wrong place that lacks any of these (HumanSignal/label-studio#4930, #5559).
        "framesCount": media.frame_count,
        "duration": media.frame_count / rate,
        "sequence": [
            # The editor writes the time of the frame behind, and never reads it (1.23.2).
            {
                "frame": frame,
                "enabled": is_enabled,
                "x": x,
                "y": y,
                "width": width,
                "height": height,
                "rotation": rotation,
                "time": frame / rate,
            }
            for frame, is_enabled, x, y, width, height, rotation in _rows(keyframes)
        ],
    }
    if field.classes:
        value[_CLASSES] = [] if track.label is None else [track.label]
    return scored(placed_region(track.id, _TYPE, field, media, value), confidence_of(track.frames))


def parse_regions(regions: Sequence[Region], field: LabelField, media: MediaInfo) -> list[ParsedLabel]:
    check_frames(media)
    region = only_region(regions)
    value = region["value"]
    label = class_if_any(_own_classes(value.get(_CLASSES), field), field)
    keyframes = _parsed_sequence(value.get("sequence"), media)
    return [ParsedLabel(region["id"], {"label": label, **_parts(keyframes, media)}, media)]


def _own_classes(names: Any, field: LabelField) -> Any:
    """The classes that a region names, without those that the editor adds where a range's class is chosen as well.

    It gives a new box the classes that are chosen in all control tags of the video (1.23.2).
    """
    if not isinstance(names, list) or len(names) < 2:
        return names
    own = [name for name in names if field.takes_class(name)]
    return own if len(own) == 1 else names


def _parsed_sequence(sequence: Any, media: MediaInfo) -> Keyframes:
    """The keyframes of a region, in the order of their frames; of several of one frame the last counts.

    Raises:
        RegionError: there are none, or one cannot be understood
    """
    if not isinstance(sequence, list) or not sequence:
        raise RegionError(f"its sequence is {quoted(sequence)}, expected a list of keyframes")
    plain = _plain_sequence(sequence)
    if plain is not None:
        return plain
    found = {}
    for entry in sequence:
        if not isinstance(entry, Mapping):
            raise RegionError(f"a keyframe is {quoted(entry)}, expected an object")
        frame = number_of(entry, "frame", 1, _MAX_FRAME)
        if not frame.is_integer():
            raise RegionError(f"frame is {quoted(entry['frame'])}, expected a whole number")
        box = PercentBox(
            number_of(entry, "x", -MAX_CORNER_PERCENT, MAX_CORNER_PERCENT),
            number_of(entry, "y", -MAX_CORNER_PERCENT, MAX_CORNER_PERCENT),
            number_of(entry, "width", -100 * MAX_RELATIVE, 100 * MAX_RELATIVE),
            number_of(entry, "height", -100 * MAX_RELATIVE, 100 * MAX_RELATIVE),
            # The editor writes turns beyond a full one where somebody turns a box on and on.
            number_of(entry, "rotation", -_MAX_DEGREES, _MAX_DEGREES) if "rotation" in entry else 0.0,
        )
        # The editor shows what does not say it in its own frame only (1.23.2).
        is_enabled = entry.get("enabled")
        if is_enabled is not None and not isinstance(is_enabled, (bool, int)):
            raise RegionError(f"enabled is {quoted(is_enabled)}, expected true or false")
        row = rounded(with_positive_sizes(box, media))
        found[int(frame)] = (bool(is_enabled), row, entry.get("auto") is True)
    rows = [(frame, *found[frame]) for frame in sorted(found)]
    frames, is_enabled, boxes, is_filled = (np.array(column) for column in zip(*rows, strict=True))
    return without_filled_in(Keyframes(frames.astype(np.int64), is_enabled, boxes.astype(np.float64)), is_filled)


_MAX_FRAME = 2**53
_MAX_DEGREES = 3600.0

_HIGHEST = (MAX_CORNER_PERCENT, MAX_CORNER_PERCENT, 100 * MAX_RELATIVE, 100 * MAX_RELATIVE, _MAX_DEGREES)
_LOWEST = (-MAX_CORNER_PERCENT, -MAX_CORNER_PERCENT, 0.0, 0.0, -_MAX_DEGREES)
_values_of = itemgetter("frame", "enabled", *PercentBox._fields)


def _plain_sequence(sequence: list[Any]) -> Keyframes | None:
    """The same keyframes, found for all at once; None where one of them needs to be looked at by itself."""
    if {*map(type, sequence)} != {dict} or any("auto" in entry for entry in sequence):
        return None
    try:
        numbers, is_enabled, *sides = zip(*map(_values_of, sequence), strict=True)
    except KeyError:
        return None
    if {*map(type, numbers)} != {int} or {*map(type, is_enabled)} != {bool}:
        return None
    if not {*map(type, chain.from_iterable(sides))} <= {float, int}:
        return None
    try:
        frames, boxes = np.array(numbers, np.int64), np.array(sides, np.float64).T
    except OverflowError:
        return None
    is_ascending = 1 <= frames[0] and frames[-1] <= _MAX_FRAME and (frames[1:] > frames[:-1]).all()
    # What is no number is within no limits.
    if not is_ascending or not ((boxes >= _LOWEST) & (boxes <= _HIGHEST)).all():
        return None
    return Keyframes(frames, np.array(is_enabled), all_rounded(boxes))


def _parts(keyframes: Keyframes, media: MediaInfo) -> dict[str, Any]:
    """Keyframes as the values of a parsed label: those of some frames are one aspect."""
    rows = list(map(list, _rows(keyframes)))
    starts = _part_start(keyframes.frames, _part_size(media))
    firsts = [0, *(np.flatnonzero(np.diff(starts)) + 1).tolist(), len(rows)] if rows else [0]
    return {
        f"{_PREFIX}{start}": rows[first:end]
        for start, (first, end) in zip(starts[firsts[:-1]].tolist(), pairwise(firsts), strict=True)
    }


def _part_start(frame: Any, size: int) -> Any:
    """The first of the frames that are one aspect with a frame."""
    return (frame - 1) // size * size + 1


def _part_size(media: MediaInfo) -> int:
    """The number of frames that are one aspect."""
    return max(1, -(-media.frame_count // _MOST_PARTS))


def _rows(keyframes: Keyframes) -> Iterator[tuple[Any, ...]]:
    """Of each keyframe its frame, whether it is enabled, and the numbers of its box."""
    return zip(*_columns(keyframes), strict=True)


def _columns(keyframes: Keyframes) -> tuple[list[Any], ...]:
    frames, is_enabled, boxes = keyframes
    return frames.tolist(), is_enabled.tolist(), *boxes.T.tolist()


def _keyframes_in(values: Mapping[str, Any]) -> Keyframes:
    """The keyframes in the values of a parsed label."""
    rows = [row for aspect, part in values.items() if aspect.startswith(_PREFIX) for row in part]
    rows.sort(key=lambda row: row[0])
    return Keyframes(
        np.array([row[0] for row in rows], np.int64),
        np.array([row[1] for row in rows], bool),
        np.array([row[2:] for row in rows], np.float64).reshape(-1, 5),
    )


def to_label(parsed: ParsedLabel, field: LabelField) -> FrameLabel:
    media = parsed.media
    keyframes = _keyframes_in(parsed.values)
    numbers, boxes = boxes_of(keyframes, media.frame_count)
    if not len(numbers):
        raise RegionError(unseen(media))
    given = set(keyframes.frames.tolist()) if field.tells_keyframes else None
    places = _relative(numbers, boxes, media)
    frames = {str(n): {**empty_doc(fol.Detection), **_placed(*place), **_mark(n, given)} for n, place in places.items()}
    return FrameLabel(label=parsed.values["label"], frames=frames)


def revise(track: Any, edit: LabelAnswer, field: LabelField) -> Revision:
    """A track after an edit: other boxes from the keyframe before what was edited to the one behind it.

    Raises:
        RegionError: it would be in no frame any more, though nobody has deleted it
    """
    media = edit.parsed.media
    stored: Mapping[str, LabelDoc] = track.frames
    now = _keyframes_in(edit.parsed.values)
    quarters, before = _as_sent(stored, edit, field)
    last = max(media.frame_count, *map(int, stored))
    is_touched = _touched(before, now, edit, last)
    was = {} if before is None else _places(before, last, is_touched, media, quarters)
    places = _places(now, last, is_touched, media, quarters)
    is_marked = field.tells_keyframes or any(doc.get(_KEYFRAME) is not None for doc in stored.values())
    given = set(now.frames.tolist()) if is_marked else None
    frames = {int(number): doc for number, doc in stored.items() if not is_touched[int(number)]}
    notes, shared = [], track.to_dict()
    for number, place in places.items():
        doc = stored.get(str(number))
        if doc is not None:
            frames[number] = {**doc, **_moved(doc, was.get(number), place), **_mark(number, given, doc)}
        elif field.allow_additions:
            new = {"_id": label_id_at(track.id, number), **empty_doc(fol.Detection, shared), **_placed(*place)}
            frames[number] = {**new, **_mark(number, given)}
    left = [number for number in map(int, stored) if is_touched[number] and number not in places]
    if left and not field.allow_deletions:
        frames.update((number, stored[str(number)]) for number in left)
        notes.append(f"{told(track)}: {len(left)} frames that it has left keep it (allow_deletions=False)")
    if missing := sum(str(number) not in stored and number not in frames for number in places):
        notes.append(f"{told(track)}: {missing} frames do not get it (allow_additions=False)")
    if not frames:
        raise RegionError(left_without_frames(places, media))
    revised = copy_of(track)
    revised.label, revised.labels = edit.parsed.values["label"], None
    revised.frames = {str(number): frames[number] for number in sorted(frames)}
    if not _is_found_again(track, revised.frames):
        revised.instance = fol.Instance(id=track.id)
    return revised, notes


def _as_sent(stored: Mapping[str, LabelDoc], edit: LabelAnswer, field: LabelField) -> tuple[int, Keyframes | None]:
    """How a track was described and its keyframes as they were sent; None where the track is another one by now."""
    media = edit.parsed.media
    sent = {aspect: digest for aspect, digest in edit.sent.items() if aspect.startswith(_PREFIX)}
    if not sent:
        return 0, None
    ((quarters, keyframes),) = _keyframes_of([stored], field, media)
    return quarters, keyframes if digests_of(_parts(keyframes, media)) == sent else None


def _touched(before: Keyframes | None, now: Keyframes, edit: LabelAnswer, last: int) -> Flags:
    """Which frames an edit concerns, by number: those between keyframes that are as they were."""
    if before is None:
        size = _part_size(edit.parsed.media)
        starts = {int(aspect.removeprefix(_PREFIX)) for aspect in edit.aspects if aspect.startswith(_PREFIX)}
        edited = [(start, start + size - 1) for start in starts]
        kept = [frame for frame in now.frames.tolist() if _part_start(frame, size) not in starts]
    else:
        old, new = ({frame: row for frame, *row in _rows(keyframes)} for keyframes in (before, now))
        kept = sorted(frame for frame in old.keys() & new.keys() if old[frame] == new[frame])
        edited = [(frame, frame) for frame in (old.keys() | new.keys()).difference(kept)]
    is_touched = np.zeros(last + 1, bool)
    for low, high in edited:
        place = bisect_left(kept, low)
        start = kept[place - 1] + 1 if place else 1
        end = kept[place] if (place := bisect_right(kept, high)) < len(kept) else last + 1
        is_touched[start:end] = True
    return is_touched


def _places(
    keyframes: Keyframes, last: int, is_touched: Flags, media: MediaInfo, quarters: int
) -> dict[int, tuple[list[float], float]]:
    """The relative box and the rotation in radians in each frame that is touched and shows them."""
    numbers, boxes = boxes_of(keyframes, last)
    is_wanted = is_touched[numbers]
    return _relative(numbers[is_wanted], boxes[is_wanted], media, quarters)


def _relative(
    numbers: Frames, boxes: Numbers, media: MediaInfo, quarters: int = 0
) -> dict[int, tuple[list[float], float]]:
    relative, radians = to_relative_boxes(boxes, media, quarters)
    return dict(zip(numbers.tolist(), zip(relative.tolist(), radians.tolist(), strict=True), strict=True))


def _moved(doc: LabelDoc, was: tuple[list[float], float] | None, now: tuple[list[float], float]) -> dict[str, Any]:
    """What is other in a frame after an edit, with every number that the edit left alone exactly as stored."""
    box, rotation = doc["bounding_box"], _rotation_of(doc)
    before = (box, rotation) if was is None else was
    merged = list(box)
    for start, size in ((0, 2), (1, 3)):
        is_moved = [abs(before[0][side] - now[0][side]) > TOLERANCE for side in (start, size)]
        is_clipped = box[start] < 0 or box[start] + box[size] > 1
        for side, is_other in zip((start, size), is_moved, strict=True):
            # Of a side that was shown clipped, what was seen counts, once it was touched.
            if is_other or (is_clipped and any(is_moved)):
                merged[side] = now[0][side]
    moved: dict[str, Any] = {} if merged == box else {"bounding_box": merged}
    if abs(math.remainder(before[1] - now[1], math.tau)) > TOLERANCE:
        in_dict = doc.get("attributes") or {}
        if "rotation" in in_dict:
            # Labels of old datasets keep their attributes in a dict.
            moved["attributes"] = {**in_dict, "rotation": {**in_dict["rotation"], "value": now[1]}}
        else:
            moved["rotation"] = now[1]
    return moved


def _mark(number: int, given: Collection[int] | None, doc: LabelDoc | None = None) -> dict[str, Any]:
    """Whether a frame has a keyframe, where the field says it, and the frame does not say the same already."""
    if given is None:
        return {}
    is_key = number in given
    is_said = doc is not None and bool(doc.get(_KEYFRAME)) == is_key
    return {} if is_said else {_KEYFRAME: is_key}


def _is_found_again(track: Any, frames: Mapping[str, LabelDoc]) -> bool:
    """Whether a track is known by the same id when only its frames are looked at."""
    if track.index is not None or track.get_attribute_value("instance", None) is not None:
        return True
    return len(frames) == 1 and all(str(doc["_id"]) == track.id for doc in frames.values())


def _keyframes_of(
    tracks: Sequence[Mapping[str, LabelDoc]], field: LabelField, media: MediaInfo
) -> list[tuple[int, Keyframes]]:
    """By how many quarters each track is described as turned further, and its keyframes."""
    described = []
    for frames in tracks:
        numbers = frames.numbers if isinstance(frames, TrackFrames) else np.array([*map(int, frames)], np.int64)
        radians = np.array(_rotations_in(frames), np.float64)
        quarters, percent = to_percent_boxes(_boxes_in(frames), radians, media)
        is_marked = np.array([*map(bool, values_of(frames, _KEYFRAME))])
        described.append((quarters, Track(numbers, percent, is_marked)))
    keyframes = to_keyframes([track for _, track in described], field.keyframe_tolerance)
    return [(quarters, found) for (quarters, _), found in zip(described, keyframes, strict=True)]


def _placed(box: list[float], rotation: float) -> dict[str, Any]:
    return {"bounding_box": box, "rotation": rotation} if rotation else {"bounding_box": box}


def _boxes_in(frames: Mapping[str, LabelDoc]) -> Numbers:
    """The box in each frame, relative to it; shape (n, 4)."""
    if isinstance(frames, TrackFrames):
        return frames.boxes
    return np.array([doc[BOX] for doc in frames.values()], np.float64)


def _rotations_in(frames: Mapping[str, LabelDoc]) -> list[Any]:
    """The rotation in each frame, in radians."""
    if has_any(frames, "attributes"):
        return [_rotation_of(doc) for doc in frames.values()]
    if not has_any(frames, "rotation"):
        return [0.0] * len(frames)
    return [0.0 if rotation is None else rotation for rotation in values_of(frames, "rotation")]


def _rotation_of(doc: LabelDoc) -> Any:
    rotation = doc.get("rotation")
    if rotation is None and doc.get("attributes"):
        rotation = doc["attributes"].get("rotation", {}).get("value")
    return 0.0 if rotation is None else rotation


def _composed(columns: BoxColumns, sample_id: str) -> list[LabelDoc] | None:
    """The tracks in boxes; None where one is not right, for its own document tells its id."""
    tracks = columns.tracks(sample_id)
    is_right = tracks is not None and all(_is_clearly_right(track[FRAMES]) for track in tracks)
    return tracks if is_right else None


FAMILY = Family(
    scopes=("frames",),
    label_types={"detection": fol.Detection, "detections": fol.Detections},
    region_types=(_TYPE,),
    is_drawn=True,
    grouping=lambda field: Grouping.REGION,
    aspects={
        "label": Aspect({"label": None, LABELS: None}, "allow_label_edits"),
        _KEYFRAME: Aspect({FRAMES: None, "instance": None}, "allow_spatial_edits"),
    },
    control_tags=control_tags,
    check=check,
    told=told,
    key_of=key_of,
    to_regions=to_regions,
    parse_regions=parse_regions,
    to_label=to_label,
    revise=revise,
    is_drawn_with_first=True,
    governs=("rotation", _KEYFRAME),
    class_control=class_control,
    compose=lambda frames, sample_id, known, ranges: tracks_of(frames, sample_id),
    compose_columns=_composed,
    leaves_out=HAS_MASK,
    not_held=("what is outside the frame", "boxes between keyframes, beyond `keyframe_tolerance`"),
    can_lack_class=True,
)
