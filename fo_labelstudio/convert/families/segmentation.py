"""Masks of the whole image: Segmentation <-> <BrushLabels> or <BitmaskLabels>, a region for each class.

What an edit changes, pixel by pixel: pixels that left a class become background, pixels that a class gained become its
own. Where several classes gained the same pixel, the one whose region comes last has it. A person who was not shown the
mask gains only pixels that have no class.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from xml.etree.ElementTree import Element

import fiftyone.core.labels as fol
import numpy as np
from numpy.typing import NDArray

from fo_labelstudio.convert.checks import class_of
from fo_labelstudio.convert.family import Family, Grouping, Revision
from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.convert.records import Aspect, LabelAnswer, LabelField, ParsedLabel, Region
from fo_labelstudio.convert.regions import part_id, placed_region
from fo_labelstudio.convert.shapes import masks
from fo_labelstudio.convert.stored import copy_of
from fo_labelstudio.convert.tags import labels_control

_KEY = "mask"
_ASPECT = "mask/"


def control_tags(field: LabelField) -> list[Element]:
    return [labels_control(field.tool or masks.BRUSH, field)]


def check(segmentation: fol.Segmentation, field: LabelField) -> str | None:
    mask = segmentation.mask
    if mask is None:
        return None
    if mask.ndim not in (2, 3) or not mask.size or (mask.ndim == 3 and mask.shape[2] != 3):
        return f"its mask has shape {mask.shape}, expected (height, width) or (height, width, 3)"
    if _is_rgb(field) != (mask.ndim == 3):
        expected = "#rrggbb" if mask.ndim == 3 else "whole numbers"
        return f"its mask has shape {mask.shape}, so the keys of `mask_targets` must be {expected}"
    return None


def key_of(segmentation: fol.Segmentation, field: LabelField) -> str:
    return _KEY


def to_regions(labels: Sequence[fol.Segmentation], field: LabelField, media: MediaInfo) -> list[Region]:
    masks.check_size(media)
    tool = field.tool or masks.BRUSH
    regions = []
    for segmentation in labels:
        if segmentation.mask is None:
            continue
        for number, (class_name, pixels) in enumerate(_pixels_by_class(segmentation.mask, field)):
            mask = masks.cropped(masks.resized(pixels, media.width, media.height))
            value = {**masks.to_value(mask, tool, media), masks.TYPES[tool]: [class_name]}
            regions.append(placed_region(part_id(segmentation.id, number), masks.TYPES[tool], field, media, value))
    return regions


def _pixels_by_class(mask: NDArray[Any], field: LabelField) -> list[tuple[str, NDArray[np.bool_]]]:
    """Each class that a mask holds, with the pixels that have it, as a bool array of the mask's size."""
    numbers = _numbers(mask)
    present = set(np.unique(numbers).tolist())
    return [(class_name, numbers == number) for class_name, number in _targets(field).items() if number in present]


def parse_regions(regions: Sequence[Region], field: LabelField, media: MediaInfo) -> list[ParsedLabel]:
    values: dict[str, tuple[bytes, ...]] = {}
    for region in regions:
        value = region["value"]
        name = _ASPECT + class_of(value.get(region["type"]), field)
        code = masks.parse_value(value)
        if not masks.is_empty(code, media):
            # What comes last is on top.
            values[name] = (*values.pop(name, ()), code)
    return [ParsedLabel(_KEY, dict(values), media)]


def to_label(parsed: ParsedLabel, field: LabelField) -> fol.Segmentation:
    media = parsed.media
    masks.check_size(media)
    shape = (media.height, media.width, 3) if _is_rgb(field) else (media.height, media.width)
    mask: NDArray[np.integer] = np.zeros(shape, _dtype(field))
    for name, codes in parsed.values.items():
        pixels = masks.framed(masks.decode_all(codes, media), media)
        mask[pixels] = _colour(name.removeprefix(_ASPECT), field)
    return fol.Segmentation(mask=mask)


def revise(segmentation: fol.Segmentation, edit: LabelAnswer, field: LabelField) -> Revision:
    """A label after an edit, and a note on pixels that belong to several classes; None if no pixel has a value."""
    parsed, stored = edit.parsed, segmentation.mask
    if stored is None:
        return to_label(parsed, field), ()
    masks.check_size(parsed.media)
    height, width = stored.shape[:2]
    mask = stored.astype(np.result_type(stored.dtype, _dtype(field)))
    before = dict(_pixels_by_class(stored, field))
    stored_pixels = stored.any(axis=2) if stored.ndim == 3 else stored != 0
    above = np.zeros((parsed.media.height, parsed.media.width), bool)
    gained = []
    disputed = 0
    for name in [*(set(edit.aspects) - set(parsed.values)), *filter(edit.aspects.__contains__, parsed.values)][::-1]:
        class_name = name.removeprefix(_ASPECT)
        old = before.get(class_name, np.zeros((height, width), bool))
        shown = masks.resized(old, parsed.media.width, parsed.media.height)
        codes = parsed.values.get(name, ())
        now = masks.framed(masks.decode_all(codes, parsed.media), parsed.media)
        if edit.is_part:
            taken = masks.resized(stored_pixels, parsed.media.width, parsed.media.height)
            now = (now & ~taken) | shown
        disputed += int((now & above).sum())
        mask[masks.resized(shown & ~now, width, height) & old] = 0
        gained.append((class_name, masks.resized(now & ~shown & ~above, width, height) & ~old))
        above |= now
    for class_name, pixels in gained:
        mask[pixels] = _colour(class_name, field)
    if not parsed.values and not mask.any():
        return None, ()
    revised = copy_of(segmentation)
    revised.mask = mask.astype(stored.dtype) if np.array_equal(mask.astype(stored.dtype), mask) else mask
    return revised, [f"{disputed} pixels belong to several regions; the last one has them"] if disputed else []


def _dtype(field: LabelField) -> type:
    largest = max(_targets(field).values())
    return np.uint8 if _is_rgb(field) or largest < 2**8 else np.uint16 if largest < 2**16 else np.int64


def _is_rgb(field: LabelField) -> bool:
    return any(isinstance(target, str) for target in (field.targets or {}).values())


def _targets(field: LabelField) -> dict[str, int]:
    """Class -> number of its pixels; of a colour, its three bytes as one number."""
    return {
        name: int(target[1:], 16) if isinstance(target, str) else target
        for name, target in (field.targets or {}).items()
    }


def _numbers(mask: NDArray[Any]) -> NDArray[Any]:
    if mask.ndim == 2:
        return mask
    red, green, blue = (mask[:, :, channel].astype(np.int64) for channel in range(3))
    return red << 16 | green << 8 | blue


def _colour(class_name: str, field: LabelField) -> int | list[int]:
    number = _targets(field)[class_name]
    return [number >> 16, number >> 8 & 255, number & 255] if _is_rgb(field) else number


FAMILY = Family(
    scopes=("image",),
    label_types={"segmentation": fol.Segmentation},
    region_types=tuple(masks.TYPES.values()),
    is_drawn=True,
    grouping=lambda field: Grouping.FIELD,
    aspects={"mask": Aspect({"mask": None}, "allow_spatial_edits", is_whole=True)},
    control_tags=control_tags,
    check=check,
    key_of=key_of,
    to_regions=to_regions,
    parse_regions=parse_regions,
    to_label=to_label,
    revise=revise,
    tools=tuple(masks.TYPES),
    is_edited_when_empty=True,
    not_held=("the resolution of masks", "pixels of values that are no class"),
    has_attributes=False,
)
