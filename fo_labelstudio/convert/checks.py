"""What families check: numbers, classes, that a region has its id for itself."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import fiftyone.core.labels as fol

from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.convert.numbers import is_number
from fo_labelstudio.convert.records import LabelField, Region
from fo_labelstudio.errors import RegionError
from fo_labelstudio.messages import quoted


def only_region(regions: Sequence[Region]) -> Region:
    """The one region that has its id.

    Raises:
        RegionError: others share it
    """
    if len(regions) != 1:
        raise RegionError(f"{len(regions)} results share its id, expected one")
    return regions[0]


MOST_FRAMES = 1_000_000
"""Nine hours at 30 frames a second; a label of more would take gigabytes."""


def check_frames(media: MediaInfo) -> None:
    """Refuses labels of frames of videos that are too long, or are said to be.

    Raises:
        RegionError: the video has more than MOST_FRAMES
    """
    if media.frame_count > MOST_FRAMES:
        raise RegionError(f"its video has {quoted(media.frame_count)} frames, more than {MOST_FRAMES:,}; cut the video")


def unseen(media: MediaInfo) -> str:
    """What keeps a region from being a label of frames that is in no frame of its video."""
    return f"it is in none of the {media.frame_count} frames of the video"


def left_without_frames(frames: Collection[int], media: MediaInfo) -> str:
    """What keeps an edit from being taken over that leaves a label of frames in none; nobody has deleted it.

    Args:
        frames: the frames that it is to be in
        media: the video
    """
    is_elsewhere = any(1 <= frame <= media.frame_count for frame in frames)
    reason = "it is now in other frames only, which do not get it (allow_additions=False)" if is_elsewhere else None
    return f"{reason or unseen(media)}; delete its region to delete it"


def number_of(value: Mapping[str, Any], key: str, low: float, high: float) -> float:
    """A finite number of a region's value, within [low, high].

    Raises:
        RegionError: it is missing, of another type, or out of range
    """
    number = value.get(key)
    if type(number) is float and low <= number <= high:
        return number
    if not is_number(number):
        raise RegionError(f"{key} is {quoted(number)}, expected a number")
    if not low <= number <= high:
        raise RegionError(f"{key} is {quoted(number)}, expected a number from {low:g} to {high:g}")
    return float(number)


def ranges_in(value: Mapping[str, Any], most: int) -> list[list[int]]:
    """The ranges of frames in a region's value, each as the numbers at its start and its end.

    Args:
        value: the value
        most: the highest number of a frame, before or behind the first one, that is understood

    Raises:
        RegionError: there are none, or one of them is no range of frames
    """
    ranges = value.get("ranges")
    if not isinstance(ranges, list) or not ranges or not all(isinstance(one, Mapping) for one in ranges):
        raise RegionError(f"its ranges are {quoted(ranges)}, expected a list of ranges of frames")
    return [[_frame(one, key, most) for key in ("start", "end")] for one in ranges]


def _frame(value: Mapping[str, Any], key: str, most: int) -> int:
    number = number_of(value, key, -most, most)
    if not number.is_integer():
        raise RegionError(f"{key} is {quoted(value[key])}, expected the number of a frame")
    return int(number)


def class_if_any(names: Any, field: LabelField) -> str | None:
    """The one class that a region names, or None where it names none and need not.

    Raises:
        RegionError: there is none although there must be, more than one, or one outside the field's classes
    """
    return None if names in (None, []) and field.takes_class(None) else class_of(names, field)


def class_of(names: Any, field: LabelField) -> str:
    """The one class that a region names.

    Raises:
        RegionError: there is none, more than one, or one outside the field's classes
    """
    if not isinstance(names, list) or len(names) != 1:
        raise RegionError(f"its label is {quoted(names)}, expected a list of one class")
    return known_class(names[0], field)


def class_of_parts(regions: Sequence[Region], field: LabelField) -> tuple[str | None, tuple[str, ...]]:
    """The class of a label of several regions, the first one's, if any, and a note where they disagree.

    Raises:
        RegionError: one of them names none although it must, more than one, or one outside the field's classes
    """
    classes = [class_if_any(region["value"].get(region["type"]), field) for region in regions]
    others = sorted({name for name in classes if name != classes[0]}, key=str)
    notes = [f"its regions have several classes; took {classes[0]!r} rather than {others}"] if others else []
    return classes[0], tuple(notes)


def known_class(name: Any, field: LabelField) -> str:
    """A class name, checked to be one that the field takes.

    Raises:
        RegionError: it is not
    """
    if not field.takes_class(name):
        raise RegionError(f"class {quoted(name)} is not one of the field's classes")
    found: str = name
    return found


def unknown_class(label: fol.Label, field: LabelField) -> str | None:
    """What keeps a label's class from being sent, or None."""
    if field.takes_class(label.label):
        return None
    return (
        f"its class {label.label!r} is not among the classes of the label schema; add it to `classes`, or leave such "
        f"labels out with filter_labels({field.name!r}, F('label').is_in(classes), only_matches=False)"
    )
