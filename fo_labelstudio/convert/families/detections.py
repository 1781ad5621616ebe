"""Bounding boxes: Detection(s) <-> <RectangleLabels>."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from xml.etree.ElementTree import Element

import fiftyone.core.labels as fol
from fiftyone.core.expressions import ViewField as F

from fo_labelstudio.convert.checks import class_if_any, number_of, only_region, unknown_class
from fo_labelstudio.convert.digests import digest_of
from fo_labelstudio.convert.family import Family, Grouping, Revision
from fo_labelstudio.convert.media import ON_IMAGES
from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.convert.numbers import TOLERANCE, is_finite
from fo_labelstudio.convert.records import Aspect, LabelAnswer, LabelField, ParsedLabel, Region
from fo_labelstudio.convert.regions import drawn_region
from fo_labelstudio.convert.shapes.geometry import (
    PercentBox,
    rounded,
    to_fitting_box,
    to_percent_box,
    to_relative_box,
    with_positive_sizes,
)
from fo_labelstudio.convert.stored import copy_of
from fo_labelstudio.convert.tags import labels_control

_TYPE = "rectanglelabels"

MAX_RELATIVE = 10.0
"""Relative to the image; more is a mistake, as a rule pixels."""

MAX_CORNER_PERCENT = 1e7
"""Percent; the corner of a turned box may be far outside of a long, thin image."""


def control_tags(field: LabelField) -> list[Element]:
    return [labels_control("RectangleLabels", field)]


def check(detection: fol.Detection, field: LabelField) -> str | None:
    if detection.mask is not None or detection.mask_path is not None:
        return (
            "it has a mask, which would no longer fit an edited box; annotate such labels as instances, or leave "
            f"them out with filter_labels({field.name!r}, ~F('mask').exists() & ~F('mask_path').exists(), "
            "only_matches=False)"
        )
    rotation = _rotation(detection)
    if not is_finite(rotation):
        return f"its rotation is {rotation!r}, expected a number of radians"
    return problem_of_box(detection.bounding_box) or unknown_class(detection, field)


def problem_of_box(box: Sequence[float] | None) -> str | None:
    """What is wrong with the box of a label, or None."""
    if box is None or len(box) != 4 or not all(map(is_finite, box)):
        return f"its bounding_box is {box!r}, expected four finite numbers, relative to the image"
    if box[2] < 0 or box[3] < 0:
        return f"its bounding_box {box!r} has a negative size"
    if max(map(abs, box)) > MAX_RELATIVE:
        return f"its bounding_box is {box!r}, expected values relative to the image, not pixels"
    return None


def key_of(detection: fol.Detection, field: LabelField) -> str:
    label_id: str = detection.id
    return label_id


def to_regions(detections: Sequence[fol.Detection], field: LabelField, media: MediaInfo) -> list[Region]:
    return [_to_region(detection, field, media) for detection in detections]


def _to_region(detection: fol.Detection, field: LabelField, media: MediaInfo) -> Region:
    _, box = to_fitting_box(detection.bounding_box, _rotation(detection), media)
    return drawn_region(detection.id, _TYPE, detection, field, media, box._asdict())


def parse_regions(regions: Sequence[Region], field: LabelField, media: MediaInfo) -> list[ParsedLabel]:
    region = only_region(regions)
    value = region["value"]
    box = PercentBox(
        number_of(value, "x", -MAX_CORNER_PERCENT, MAX_CORNER_PERCENT),
        number_of(value, "y", -MAX_CORNER_PERCENT, MAX_CORNER_PERCENT),
        number_of(value, "width", -100 * MAX_RELATIVE, 100 * MAX_RELATIVE),
        number_of(value, "height", -100 * MAX_RELATIVE, 100 * MAX_RELATIVE),
        number_of(value, "rotation", -360, 360) if "rotation" in value else 0.0,
    )
    label = class_if_any(value.get(_TYPE), field)
    values = {"label": label, "box": rounded(with_positive_sizes(box, media))}
    return [ParsedLabel(region["id"], values, media)]


def to_values(parsed: ParsedLabel, field: LabelField) -> dict[str, Any]:
    box, rotation = to_relative_box(PercentBox(*parsed.values["box"]), parsed.media)
    values = {"label": parsed.values["label"], "bounding_box": box}
    return {**values, "rotation": rotation} if rotation else values


def to_label(parsed: ParsedLabel, field: LabelField) -> fol.Detection:
    return fol.Detection(**to_values(parsed, field))


def revise(detection: fol.Detection, edit: LabelAnswer, field: LabelField) -> Revision:
    """A label after an edit, with every number that the edit left alone exactly as stored."""
    media = edit.parsed.media
    quarters, sent = _as_sent(detection, edit)
    box = PercentBox(*edit.parsed.values["box"])
    revised = copy_of(detection)
    revised.label = edit.parsed.values["label"]
    before, after = (to_relative_box(corners, media, quarters) for corners in (sent, box))
    merged = list(detection.bounding_box)
    for start, size in ((0, 2), (1, 3)):
        pairs = [(before[0][place], after[0][place]) for place in (start, size)]
        is_clipped = any(abs(detection.bounding_box[place] - before[0][place]) > TOLERANCE for place in (start, size))
        for place, (was, now) in zip((start, size), pairs, strict=True):
            # Of a side that was shown clipped, what was seen counts, once it was touched.
            if abs(was - now) > TOLERANCE or (is_clipped and any(abs(was - now) > TOLERANCE for was, now in pairs)):
                merged[place] = now
    revised.bounding_box = merged
    if abs(before[1] - after[1]) > TOLERANCE:
        revised.set_attribute_value("rotation", after[1])
    return revised, ()


def _as_sent(detection: fol.Detection, edit: LabelAnswer) -> tuple[int, PercentBox]:
    """The quarters by which the box of a label was described as turned, and the box; earlier versions knew none."""
    turned = detection.bounding_box, _rotation(detection), edit.parsed.media
    quarters, box = to_fitting_box(*turned)
    if quarters:
        plain = to_percent_box(*turned)
        if digest_of(list(plain)) == edit.sent.get("box"):
            return 0, plain
    return quarters, box


def _rotation(detection: fol.Detection) -> float:
    rotation = detection.get_attribute_value("rotation", None)
    return 0.0 if rotation is None else rotation


HAS_MASK = F("mask").exists() | F("mask_path").exists()
"""Whether a label is an instance with a mask, not a box."""

FAMILY = Family(
    scopes=ON_IMAGES,
    label_types={"detection": fol.Detection, "detections": fol.Detections},
    region_types=(_TYPE,),
    is_drawn=True,
    grouping=lambda field: Grouping.REGION,
    aspects={
        "label": Aspect({"label": None}, "allow_label_edits"),
        "box": Aspect({"bounding_box": None, "rotation": 0.0}, "allow_spatial_edits"),
    },
    control_tags=control_tags,
    check=check,
    key_of=key_of,
    to_regions=to_regions,
    parse_regions=parse_regions,
    to_label=to_label,
    to_values=to_values,
    revise=revise,
    claims={_TYPE: "detections"},
    leaves_out=HAS_MASK,
    not_held=("what is outside the image",),
    can_lack_class=True,
)
