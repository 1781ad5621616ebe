"""Paths: Polyline(s) <-> <VectorLabels>, a region for each shape of a label.

Servers before 1.22 have no <VectorLabels>. There the shapes are <PolygonLabels>, which the editor shows closed; whether
a label is closed stays as it is in the dataset.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any
from xml.etree.ElementTree import Element

import fiftyone.core.labels as fol

from fo_labelstudio.convert.checks import class_of_parts
from fo_labelstudio.convert.families import polygons
from fo_labelstudio.convert.family import Family, Grouping, Revision, region_type_of
from fo_labelstudio.convert.media import ON_IMAGES
from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.convert.records import Aspect, LabelAnswer, LabelField, ParsedLabel, Region
from fo_labelstudio.convert.regions import whole_id
from fo_labelstudio.convert.shapes.geometry import parse_point, rounded, to_percent_point
from fo_labelstudio.convert.tags import labels_control
from fo_labelstudio.errors import RegionError

VECTOR = "VectorLabels"
TYPE = "vectorlabels"
_POLYGON = "PolygonLabels"

CURVE_POINTS = 32
"""Points that a curve between two vertices becomes."""


def control_tags(field: LabelField) -> list[Element]:
    if field.tool == _POLYGON:
        return polygons.control_tags(field)
    return [labels_control(VECTOR, field, closable="true", curves="false")]


def to_regions(polylines: Sequence[fol.Polyline], field: LabelField, media: MediaInfo) -> list[Region]:
    if field.tool == _POLYGON:
        return polygons.to_regions(polylines, field, media)
    return [
        region
        for polyline in polylines
        for region in polygons.shape_regions(polyline, TYPE, to_percent_point, _to_value, field, media)
    ]


def _to_value(points: list[list[float]], polyline: fol.Polyline) -> dict[str, Any]:
    vertices = [
        {"id": str(number), "x": x, "y": y, "prevPointId": str(number - 1) if number else None, "isBezier": False}
        for number, (x, y) in enumerate(points)
    ]
    return {"vertices": vertices, "closed": bool(polyline.closed) and _can_close(points)}


def _can_close(points: Sequence[Any]) -> bool:
    return len(points) > 2


def parse_regions(regions: Sequence[Region], field: LabelField, media: MediaInfo) -> list[ParsedLabel]:
    if any(region["type"] == region_type_of(field, polygons.TYPE) for region in regions):
        return polygons.parse_regions(regions, field, media)
    label, notes = class_of_parts(regions, field)
    shapes, closed = [], []
    for region in regions:
        points, is_curved = _parse_path(region["value"])
        shapes.append(points)
        closed.append(region["value"].get("closed") is True)
        if is_curved:
            notes += (f"its curves became {CURVE_POINTS} points each",)
    values: dict[str, Any] = {"label": label, "points": shapes}
    can_close = [is_closed for points, is_closed in zip(shapes, closed, strict=True) if _can_close(points)]
    if can_close:
        values["closed"] = all(can_close)
        if any(can_close) and not all(can_close):
            # A label is open or closed as a whole: a closed shape among open ones comes back to its first point.
            shapes[:] = [
                [*points, points[0]] if is_closed else points for points, is_closed in zip(shapes, closed, strict=True)
            ]
    return [ParsedLabel(whole_id(regions[0]["id"]), values, media, notes)]


def _parse_path(value: dict[str, Any]) -> tuple[list[list[float]], bool]:
    vertices = path_of(parse_vertices(value))
    is_curved = any(vertex.get("isBezier") is True for vertex in vertices)
    if not is_curved:
        return [vertex["point"] for vertex in vertices], False
    pairs = list(pairwise(vertices))
    if value.get("closed") is True:
        pairs.append((vertices[-1], vertices[0]))
    points = [vertices[0]["point"]]
    for start, end in pairs:
        points += _curve(start, end)
    return points[:-1] if value.get("closed") is True else points, True


def parse_vertices(value: dict[str, Any]) -> list[dict[str, Any]]:
    """The vertices of a vector region, in the order of its list, each with its ``point`` in percent of the image.

    Raises:
        RegionError: they are malformed
    """
    vertices = value.get("vertices")
    if not isinstance(vertices, list) or not all(isinstance(vertex, dict) for vertex in vertices) or not vertices:
        raise RegionError("its vertices are not a list of points")
    parsed: list[dict[str, Any]] = []
    for vertex in vertices:
        point = parse_point(vertex.get("x"), vertex.get("y"))
        # A fast first click makes the editor write the first vertex twice; the ids that we send are numbers.
        if parsed and parsed[-1]["point"] == point and not _is_number(vertex.get("id")):
            continue
        parsed.append({**vertex, "point": point})
    return parsed


def path_of(vertices: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Vertices in the order in which the path connects them, that of the list where it is no single path."""
    ids = [_name(vertex.get("id")) for vertex in vertices]
    known = set(ids)
    before = [_name(vertex.get("prevPointId")) for vertex in vertices]
    following: dict[str | None, int] = {}
    for place, name in enumerate(before):
        following.setdefault(name, place)
    path = [next((place for place, name in enumerate(before) if name not in known), 0)]
    while len(path) < len(vertices):
        after = following.get(ids[path[-1]]) if ids[path[-1]] is not None else None
        if after is None or after in path[:1]:
            return vertices
        path.append(after)
    return [vertices[place] for place in path] if len(set(path)) == len(vertices) else vertices


def _is_number(vertex_id: Any) -> bool:
    return isinstance(vertex_id, (str, int)) and str(vertex_id).isdigit()


def _name(vertex_id: Any) -> str | None:
    return vertex_id if isinstance(vertex_id, str) else None


def _curve(start: dict[str, Any], end: dict[str, Any]) -> Iterator[list[float]]:
    """Points of the cubic curve from a vertex to the next, without the first.

    Source: Label Studio 1.23.2, KonvaVector: the second control point of a vertex and the first of the one after it
    """
    if not (start.get("isBezier") is True or end.get("isBezier") is True):
        yield end["point"]
        return
    corners = [start["point"], _handle(start, "controlPoint2"), _handle(end, "controlPoint1"), end["point"]]
    for step in range(1, CURVE_POINTS + 1):
        t = step / CURVE_POINTS
        weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3)
        yield rounded(
            sum(weight * corner[axis] for weight, corner in zip(weights, corners, strict=True)) for axis in (0, 1)
        )


def _handle(vertex: dict[str, Any], name: str) -> list[float]:
    handle = vertex.get(name)
    if vertex.get("isBezier") is not True or not isinstance(handle, dict):
        point: list[float] = vertex["point"]
        return point
    return parse_point(handle.get("x"), handle.get("y"))


def to_values(parsed: ParsedLabel, field: LabelField) -> dict[str, Any]:
    values = parsed.values
    points = polygons.relative_shapes(values["points"])
    is_closed = values.get("closed", field.tool == _POLYGON)
    return {"label": values["label"], "points": points, "closed": is_closed, "filled": False}


def to_label(parsed: ParsedLabel, field: LabelField) -> fol.Polyline:
    return fol.Polyline(**to_values(parsed, field))


def revise(polyline: fol.Polyline, edit: LabelAnswer, field: LabelField) -> Revision:
    """A label after an edit, with every vertex that the edit left alone exactly as stored."""
    if field.tool == _POLYGON:
        return polygons.revise(polyline, edit, field)
    return polygons.revise_shapes(polyline, edit, to_percent_point)


FAMILY = Family(
    scopes=ON_IMAGES,
    label_types={"polyline": fol.Polyline, "polylines": fol.Polylines},
    region_types=(TYPE, polygons.TYPE),
    is_drawn=True,
    grouping=lambda field: Grouping.PARTS,
    aspects={
        "label": Aspect({"label": None}, "allow_label_edits"),
        "points": Aspect({"points": None}, "allow_spatial_edits"),
        "closed": Aspect({"closed": False}, "allow_spatial_edits"),
    },
    control_tags=control_tags,
    check=polygons.check,
    key_of=polygons.key_of,
    to_regions=to_regions,
    parse_regions=parse_regions,
    to_label=to_label,
    to_values=to_values,
    revise=revise,
    tools=(VECTOR, _POLYGON),
    claims={"vectorlabels": "polylines"},
    can_lack_class=True,
)
