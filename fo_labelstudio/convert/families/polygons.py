"""Filled shapes: Polyline(s) <-> <PolygonLabels>, a region for each shape of a label."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any
from xml.etree.ElementTree import Element

import fiftyone.core.labels as fol
from fiftyone.core.expressions import ViewField as F

from fo_labelstudio.convert.checks import class_of_parts, unknown_class
from fo_labelstudio.convert.digests import digest_of
from fo_labelstudio.convert.family import Family, Grouping, Revision
from fo_labelstudio.convert.media import ON_IMAGES
from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.convert.numbers import is_number
from fo_labelstudio.convert.records import Aspect, LabelAnswer, LabelField, ParsedLabel, Region
from fo_labelstudio.convert.regions import drawn_region, part_id, whole_id
from fo_labelstudio.convert.shapes.geometry import (
    parse_point,
    problem_of_point,
    to_percent_point,
    to_relative_point,
    to_shown_point,
)
from fo_labelstudio.convert.stored import copy_of
from fo_labelstudio.convert.tags import labels_control
from fo_labelstudio.errors import RegionError
from fo_labelstudio.messages import quoted

TYPE = "polygonlabels"
_ELLIPSE = "ellipselabels"

ELLIPSE_POINTS = 128
"""Corners of the polygon that an ellipse becomes: nowhere farther from it than 0.03 % of its radius."""

Point = list[float]
Shape = list[Point]


def control_tags(field: LabelField) -> list[Element]:
    return [labels_control("PolygonLabels", field)]


def check(polyline: fol.Polyline, field: LabelField) -> str | None:
    for shape in polyline.points or ():
        for point in shape:
            problem = problem_of_point(point)
            if problem:
                return problem
    return unknown_class(polyline, field)


def key_of(polyline: fol.Polyline, field: LabelField) -> str | None:
    return polyline.id if any(polyline.points or ()) else None


def to_regions(polylines: Sequence[fol.Polyline], field: LabelField, media: MediaInfo) -> list[Region]:
    return [
        region
        for polyline in polylines
        for region in shape_regions(polyline, TYPE, to_shown_point, _to_value, field, media)
    ]


def shape_regions(
    polyline: fol.Polyline,
    region_type: str,
    to_point: Callable[[Sequence[float]], Point],
    to_value: Any,
    field: LabelField,
    media: MediaInfo,
) -> list[Region]:
    """A region for each shape of a label that has points; all but the first name the first as their parent."""
    shapes = [shape for shape in polyline.points or () if shape]
    regions = []
    for number, shape in enumerate(shapes):
        points = [to_point(point) for point in shape]
        region = drawn_region(
            part_id(polyline.id, number), region_type, polyline, field, media, to_value(points, polyline)
        )
        if number:
            region["parentID"] = polyline.id
        regions.append(region)
    return regions


def _to_value(points: list[list[float]], polyline: fol.Polyline) -> dict[str, Any]:
    # The editor does not let anybody submit while a polygon is open.
    return {"points": points, "closed": True}


def parse_regions(regions: Sequence[Region], field: LabelField, media: MediaInfo) -> list[ParsedLabel]:
    label, notes = class_of_parts(regions, field)
    values = {"label": label, "points": [_parse_shape(region["value"]) for region in regions]}
    return [ParsedLabel(whole_id(regions[0]["id"]), values, media, notes)]


def _parse_shape(value: dict[str, Any]) -> list[list[float]]:
    points = value.get("points")
    if not isinstance(points, list) or not points:
        raise RegionError(f"its points are {quoted(points)}, expected a list of points")
    if not all(isinstance(point, list) and len(point) == 2 for point in points):
        raise RegionError("one of its points is not a pair of numbers")
    return [parse_point(*point) for point in points]


def to_values(parsed: ParsedLabel, field: LabelField) -> dict[str, Any]:
    points = relative_shapes(parsed.values["points"])
    return {"label": parsed.values["label"], "points": points, "closed": True, "filled": True}


def to_label(parsed: ParsedLabel, field: LabelField) -> fol.Polyline:
    return fol.Polyline(**to_values(parsed, field))


def revise(polyline: fol.Polyline, edit: LabelAnswer, field: LabelField) -> Revision:
    """A label after an edit, with every vertex that the edit left alone exactly as stored."""
    return revise_shapes(polyline, edit, to_shown_point)


def revise_shapes(polyline: fol.Polyline, edit: LabelAnswer, to_point: Callable[[Sequence[float]], Point]) -> Revision:
    """A label of shapes after an edit, with every vertex that the edit left alone exactly as stored.

    Args:
        polyline: the label as stored
        edit: the edit
        to_point: how vertices are sent; earlier versions did not clip them
    """
    revised = copy_of(polyline)
    revised.label = edit.parsed.values["label"]
    revised.closed = edit.parsed.values.get("closed", polyline.closed)
    stored = [[list(point) for point in shape] for shape in polyline.points or () if shape]
    exact = [[to_percent_point(point) for point in shape] for shape in stored]
    if digest_of(exact) == edit.sent.get("points"):
        sent = exact
    else:
        sent = [[to_point(point) for point in shape] for shape in stored]
    points = _merged_shapes(edit.parsed.values["points"], sent, stored)
    # Shapes without points are not shown, so nobody can have deleted them.
    for place, shape in enumerate(polyline.points or ()):
        if not shape:
            points.insert(place, [])
    revised.points = points
    return revised, ()


def _merged_shapes(now: Sequence[Shape], sent: Sequence[Shape], stored: Sequence[Shape]) -> list[Shape]:
    """Shapes as they came back, with every vertex that is as it was sent as it is stored."""
    if len(now) == len(sent):
        return [_merged_shape(*shapes) for shapes in zip(now, sent, stored, strict=True)]
    left = list(range(len(sent)))
    places = []
    for shape in now:
        place = next((place for place in left if sent[place] == shape), None)
        places.append(place)
        if place is not None:
            left.remove(place)
    others = [point for place in left for point in zip(sent[place], stored[place], strict=True)]
    return [
        list(stored[place]) if place is not None else _known_vertices(shape, others)
        for shape, place in zip(now, places, strict=True)
    ]


def _merged_shape(now: Shape, sent: Shape, stored: Shape) -> Shape:
    if len(now) == len(sent):
        return [_merged(*points) for points in zip(now, sent, stored, strict=True)]
    return _known_vertices(now, zip(sent, stored, strict=True))


def _known_vertices(now: Shape, known: Iterable[tuple[Point, Point]]) -> Shape:
    """A shape that gained or lost vertices.

    Args:
        now: it
        known: vertices as they were sent, and as they are stored; several may have been sent alike
    """
    stored: dict[tuple[float, ...], list[Point]] = {}
    for was, point in known:
        stored.setdefault(tuple(was), []).append(point)
    shape = []
    for point in now:
        alike = stored.get(tuple(point))
        shape.append(to_relative_point(point) if alike is None else alike.pop(0) if len(alike) > 1 else alike[0])
    return shape


def _merged(now: Point, sent: Point, stored: Point) -> Point:
    """A vertex, with each coordinate that did not change as stored.

    One that was shown clipped is where it was seen, once it was moved.
    """
    if now != sent and sent != to_percent_point(stored):
        return to_relative_point(now)
    return [old if was == new else new / 100 for old, was, new in zip(stored, sent, now, strict=True)]


def relative_shapes(shapes: Sequence[Sequence[Sequence[float]]]) -> list[list[list[float]]]:
    """Shapes in percent of the image, relative to the image."""
    return [[to_relative_point(point) for point in shape] for shape in shapes]


def ellipse_as_polygon(region: Region, media: MediaInfo) -> Region:
    """An ellipse as a polygon.

    Raises:
        RegionError: it is damaged

    Source: Label Studio 1.23.2: x, y is the centre, the radii are percent of width and height, the rotation is in
    degrees, clockwise, about the centre
    """
    value = region["value"]
    numbers: list[Any] = [value.get(key) for key in ("x", "y", "radiusX", "radiusY")] + [value.get("rotation", 0)]
    if not all(is_number(number) and abs(number) < 1e6 for number in numbers):
        raise RegionError(f"its ellipse is {quoted(numbers)}, expected five numbers")
    x, y, radius_x, radius_y, rotation = numbers
    # Some tools write negative radii where it was drawn to the left or upwards: the ellipse is the same.
    radius_x, radius_y = abs(radius_x), abs(radius_y)
    cos, sin = math.cos(math.radians(rotation)), math.sin(math.radians(rotation))
    points = []
    for number in range(ELLIPSE_POINTS):
        angle = 2 * math.pi * number / ELLIPSE_POINTS
        across = radius_x * media.width * math.cos(angle)
        down = radius_y * media.height * math.sin(angle)
        points.append([x + (across * cos - down * sin) / media.width, y + (across * sin + down * cos) / media.height])
    return {**region, "type": TYPE, "value": {"points": points, "closed": True, TYPE: value.get(_ELLIPSE)}}


FAMILY = Family(
    scopes=ON_IMAGES,
    label_types={"polygon": fol.Polyline, "polygons": fol.Polylines},
    region_types=(TYPE,),
    is_drawn=True,
    grouping=lambda field: Grouping.PARTS,
    aspects={
        "label": Aspect({"label": None}, "allow_label_edits"),
        "points": Aspect({"points": None}, "allow_spatial_edits"),
    },
    control_tags=control_tags,
    check=check,
    key_of=key_of,
    to_regions=to_regions,
    parse_regions=parse_regions,
    to_label=to_label,
    to_values=to_values,
    revise=revise,
    files_as="polylines",
    claims={TYPE: "polygons", _ELLIPSE: "polygons"},
    reshapes={_ELLIPSE: ellipse_as_polygon},
    leaves_out=F("filled") == False,  # noqa: E712
    not_held=("what is outside the image",),
    can_lack_class=True,
)
