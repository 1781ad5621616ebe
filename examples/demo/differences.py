"""What a person changed in labels of any kind, value by value. Importing this module imports FiftyOne."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import fiftyone as fo
import numpy as np

_HEADER = ("field", "label", "what", "before", "after")
_MARGIN = "  "

Row = tuple[str, str, str, str]


def to_table(
    before: fo.Sample, after: fo.Sample, fields: Sequence[str], mask_targets: Mapping[int, str] | None = None
) -> str:
    """What differs between two states of a sample, one row for each value.

    Args:
        before: the sample as it was, with metadata
        after: the sample as it is
        fields: names of label fields, and of fields of strings, numbers, booleans and lists
        mask_targets: pixel value -> class, of ``Segmentation``
    """
    size = (before.metadata.width, before.metadata.height)
    rows: list[tuple[str, ...]] = [_HEADER]
    for field in fields:
        rows += [(field, *row) for row in _rows(before[field], after[field], size, mask_targets or {})]
    widths = [max(map(len, column)) for column in zip(*rows)]
    rows.insert(1, tuple("-" * width for width in widths))
    return "\n".join(_MARGIN.join(map(str.ljust, row, widths)).rstrip() for row in rows)


def _rows(before: Any, after: Any, size: tuple[int, int], mask_targets: Mapping[int, str]) -> Iterator[Row]:
    """The rows of one field, without its name."""
    if isinstance(before, fo.Segmentation):
        for target, name in mask_targets.items():
            was, now = (f"{np.mean(np.asarray(value.mask) == target):.1%} of the image" for value in (before, after))
            if was != now:
                yield (name, "mask", was, now)
    elif isinstance(before, fo.Label):
        old, new = _by_id(before), _by_id(after)
        for key in dict.fromkeys((*old, *new)):
            if key not in new:
                yield (old[key].label, "deleted", _place_of(old[key], size), "")
            elif key not in old:
                yield (new[key].label, "added", "", _place_of(new[key], size))
            else:
                yield from _changes(old[key], new[key], size)
    elif before != after:
        yield ("", "", _text(before), _text(after))


def _by_id(value: fo.Label) -> dict[str, fo.Label]:
    listed = getattr(value, "_LABEL_LIST_FIELD", None)
    return {label.id: label for label in (value[listed] if listed else [value])}


def _changes(old: fo.Label, new: fo.Label, size: tuple[int, int]) -> Iterator[Row]:
    for name in dict.fromkeys((*old.to_dict(), *new.to_dict())):
        if name.startswith("_"):
            continue
        before, after = (label.get_attribute_value(name, None) for label in (old, new))
        if name == "mask":
            if not np.array_equal(before, after):
                yield (old.label, name, *(f"{np.count_nonzero(mask)} pixels" for mask in (before, after)))
        elif name == "points":
            gone, come = _points_apart(before, after, size)
            if gone or come:
                yield (old.label, name, gone, come)
        elif before != after and not _are_nan(before, after):
            is_box = name == "bounding_box"
            was, now = (_box_text(value, size) if is_box else _text(value) for value in (before, after))
            yield (old.label, name, was, now)


def _points_apart(before: Any, after: Any, size: tuple[int, int]) -> tuple[str, str]:
    """The points that only one of two labels has, in pixels."""
    old, new = (
        [tuple(point) for point in _points_in(points) if not math.isnan(point[0])] for points in (before, after)
    )
    return _without(old, new, size), _without(new, old, size)


def _without(points: Sequence[Sequence[float]], others: Sequence[Sequence[float]], size: tuple[int, int]) -> str:
    return "; ".join(_pixels(point, size) for point in points if point not in others)


def _points_in(points: Any) -> Iterator[Sequence[float]]:
    """The points of a list of points, or of a list of shapes."""
    for point in points:
        if isinstance(point[0], (list, tuple)):
            yield from point
        else:
            yield point


def _pixels(values: Sequence[float], size: tuple[int, int], by: str = ",") -> str:
    return by.join(str(round(value * side)) for value, side in zip(values, size))


def _box_text(box: Sequence[float], size: tuple[int, int]) -> str:
    return f"{_pixels(box[2:], size, '×')} at {_pixels(box[:2], size)}"


def _place_of(label: fo.Label, size: tuple[int, int]) -> str:
    box = label.get_attribute_value("bounding_box", None)
    return "" if box is None else _box_text(box, size)


def _are_nan(before: Any, after: Any) -> bool:
    return isinstance(before, list) and isinstance(after, list) and np.array_equal(before, after, equal_nan=True)


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3g}"
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    return "" if value is None else str(value)
