"""Keypoints: Keypoint(s) <-> <VectorLabels> where the field has a skeleton, else <KeyPointLabels>.

A skeleton is one region for each instance: it shows its edges, moves as one, and its joints cannot be mistaken for
those of another instance. Its vertices bear the number of their joint as id. Points without a skeleton are a region
each, and those of one instance share the beginning of their ids; servers before 1.22, which have no <VectorLabels>,
show skeletons like this too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import Element

import fiftyone.core.labels as fol

from fo_labelstudio.convert.checks import class_of_parts, only_region, unknown_class
from fo_labelstudio.convert.digests import digest_of
from fo_labelstudio.convert.families.polylines import VECTOR, parse_vertices
from fo_labelstudio.convert.family import Family, Grouping, Revision
from fo_labelstudio.convert.media import ON_IMAGES
from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.convert.numbers import is_number
from fo_labelstudio.convert.records import Aspect, LabelAnswer, LabelField, ParsedLabel, Region, Skeleton
from fo_labelstudio.convert.regions import drawn_region, part_id, part_number, whole_id
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

_POINTS = "KeyPointLabels"
_VECTOR_TYPE = "vectorlabels"
_POINT_TYPE = "keypointlabels"

_POINT_PERCENT = 0.6
"""Size of a point in the editor, in percent of the image's width; required by the editor."""

NO_VERTEX = "-"
"""The id of no vertex: the editor connects a vertex that names none to the one before it in the list (1.23.2)."""


def control_tags(field: LabelField) -> list[Element]:
    if field.tool == VECTOR:
        # With skeleton="true" the editor draws lines that are none from joints without edges (1.23.2).
        limit = {"maxPoints": str(len(field.skeleton.joints))} if field.skeleton else {}
        return [labels_control(VECTOR, field, closable="false", curves="false", **limit)]
    return [labels_control(_POINTS, field, strokeWidth="1")]


def check(keypoint: fol.Keypoint, field: LabelField) -> str | None:
    points = keypoint.points or ()
    for point in points:
        problem = None if _is_missing(point) else problem_of_point(point)
        if problem:
            return problem
    if field.skeleton and len(points) > len(field.skeleton.joints):
        joints = len(field.skeleton.joints)
        return (
            f"it has {len(points)} points, but the skeleton of the field has {joints}; correct the label or the "
            "skeleton"
        )
    return unknown_class(keypoint, field)


def key_of(keypoint: fol.Keypoint, field: LabelField) -> str | None:
    return keypoint.id if any(not _is_missing(point) for point in keypoint.points or ()) else None


def to_regions(keypoints: Sequence[fol.Keypoint], field: LabelField, media: MediaInfo) -> list[Region]:
    make = _skeleton_regions if field.tool == VECTOR else _point_regions
    return [region for keypoint in keypoints for region in make(keypoint, field, media)]


def _skeleton_regions(keypoint: fol.Keypoint, field: LabelField, media: MediaInfo) -> Iterator[Region]:
    points = dict(_visible_points(keypoint, to_percent_point))
    if not points:
        return
    vertices = [
        {
            "id": str(number),
            "x": points[number][0],
            "y": points[number][1],
            "prevPointId": NO_VERTEX if before is None else str(before),
            "isBezier": False,
        }
        for number, before in _tree(points, field.skeleton)
    ]
    value = {"vertices": vertices, "closed": False}
    yield drawn_region(keypoint.id, _VECTOR_TYPE, keypoint, field, media, value)


def _tree(points: Mapping[int, Any], skeleton: Skeleton | None) -> Iterator[tuple[int, int | None]]:
    """Joints in an order in which each follows one that it is connected to, with that one; None where there is none."""
    neighbours: dict[int, list[int]] = {}
    for start, end in skeleton.edges if skeleton else ():
        neighbours.setdefault(start, []).append(end)
        neighbours.setdefault(end, []).append(start)
    seen: set[int] = set()
    for root in points:
        reached: list[tuple[int, int | None]] = [] if root in seen else [(root, None)]
        while reached:
            number, before = reached.pop()
            if number not in seen:
                seen.add(number)
                yield number, before
                reached += [(other, number) for other in reversed(neighbours.get(number, ())) if other in points]


def _point_regions(keypoint: fol.Keypoint, field: LabelField, media: MediaInfo) -> Iterator[Region]:
    confidences = keypoint.confidence or ()
    first = None
    for number, (x, y) in _visible_points(keypoint, to_shown_point):
        region_id = part_id(keypoint.id, number)
        region = drawn_region(region_id, _POINT_TYPE, keypoint, field, media, {"x": x, "y": y, "width": _POINT_PERCENT})
        if number < len(confidences) and _is_score(confidences[number]):
            region["score"] = float(confidences[number])
        if first is not None:
            region["parentID"] = first
        first = first or region_id
        yield region


def parse_regions(regions: Sequence[Region], field: LabelField, media: MediaInfo) -> list[ParsedLabel]:
    label, notes = class_of_parts(regions, field)
    if field.tool == VECTOR:
        region = only_region(regions)
        points, note = _parse_skeleton(region["value"], field.skeleton)
        return [ParsedLabel(region["id"], {"label": label, "points": points}, media, (*notes, *note))]
    key = whole_id(regions[0]["id"])
    points = []
    for region in regions:
        value = region["value"]
        # None stands for a point that was drawn, which has no place among the others yet.
        points.append([part_number(region, key), *parse_point(value.get("x"), value.get("y"))])
    return [ParsedLabel(key, {"label": label, "points": points}, media, notes)]


def _parse_skeleton(value: dict[str, Any], skeleton: Skeleton | None) -> tuple[list[list[Any]], tuple[str, ...]]:
    """The joints, as [number, x, y] in percent of the image.

    A skeleton that was drawn has its joints in the order of the clicks. In one that was sent, a vertex that was drawn
    takes the place of a joint that is missing: one that the skeleton connects to the vertex that it was drawn from, or
    else the first one.
    """
    vertices = parse_vertices(value)
    size = len(skeleton.joints) if skeleton else None
    if size is not None and len(vertices) > size:
        raise RegionError(f"it has {len(vertices)} points, the skeleton of the field has {size}")
    numbers: list[int | None] = []
    seen: set[int | None] = set()
    for vertex in vertices:
        number = _joint_number(vertex.get("id"), size)
        numbers.append(None if number in seen else number)
        seen.add(number)
    drawn = [place for place, number in enumerate(numbers) if number is None]
    is_new = len(drawn) == len(vertices)
    names = []
    for place in drawn:
        before = vertices[place].get("prevPointId")
        neighbours = [numbers[other] for other, vertex in enumerate(vertices) if vertex.get("id") == before]
        number = numbers[place] = place if is_new else _free_joint(numbers, neighbours[:1], skeleton)
        names.append(skeleton.joints[number] if skeleton else str(number))
    points = sorted([number, *vertex["point"]] for number, vertex in zip(numbers, vertices, strict=True))
    return points, () if is_new or not names else (f"the points that were drawn were taken for {', '.join(names)}",)


def _joint_number(vertex_id: Any, size: int | None) -> int | None:
    if not isinstance(vertex_id, str) or not vertex_id.isascii() or not vertex_id.isdecimal() or len(vertex_id) > 6:
        return None
    number = int(vertex_id)
    return number if size is None or number < size else None


def _free_joint(taken: Sequence[int | None], neighbours: Sequence[int | None], skeleton: Skeleton | None) -> int:
    for edge in skeleton.edges if skeleton else ():
        for one, other in (edge, edge[::-1]):
            if one in neighbours and other not in taken:
                return other
    return next(number for number in range(len(taken) + 1) if number not in taken)


def to_values(parsed: ParsedLabel, field: LabelField) -> dict[str, Any]:
    points = parsed.values["points"]
    if field.tool != VECTOR:
        return {"label": parsed.values["label"], "points": [to_relative_point(point[1:]) for point in points]}
    size = max(len(field.skeleton.joints) if field.skeleton else 0, points[-1][0] + 1)
    found = [_missing() for _ in range(size)]
    for number, *point in points:
        found[number] = to_relative_point(point)
    return {"label": parsed.values["label"], "points": found}


def to_label(parsed: ParsedLabel, field: LabelField) -> fol.Keypoint:
    return fol.Keypoint(**to_values(parsed, field))


def revise(keypoint: fol.Keypoint, edit: LabelAnswer, field: LabelField) -> Revision:
    """A label after an edit: a joint that was deleted is NaN in its place; any other point is gone, with its score."""
    revised = copy_of(keypoint)
    revised.label = edit.parsed.values["label"]
    points = [list(point) for point in keypoint.points or ()]
    confidence: list[Any] = list(keypoint.confidence or ())
    confidence += [math.nan] * (len(points) - len(confidence))
    stored = list(zip(points, confidence, strict=False))
    before = [[number, *point] for number, point in _visible_points(keypoint, to_percent_point)]
    is_as_sent = digest_of(before) == edit.sent.get("points")
    if field.tool != VECTOR and not is_as_sent:
        # Points outside the image are shown clipped to it; earlier versions did not clip them.
        before = [[number, *point] for number, point in _visible_points(keypoint, to_shown_point)]
        is_as_sent = digest_of(before) == edit.sent.get("points")
    answered = edit.parsed.values["points"]
    if field.tool == VECTOR:
        rows = _with_joints(stored, dict(_visible_points(keypoint, to_percent_point)), answered)
    elif [row[1:] for row in before] == [row[1:] for row in answered]:
        # Points that are equal cannot be told from each other, so none of them has moved.
        rows = stored
    elif is_as_sent:
        rows = _with_numbered_points(stored, before, answered)
    else:
        rows = _with_points(stored, before, answered)
    revised.points = [point for point, _ in rows]
    if keypoint.confidence:
        revised.confidence = [score for _, score in rows]
    return revised, ()


_Row = tuple[list[float], Any]
"""A point, relative to the image, and its confidence."""


def _with_joints(stored: list[_Row], before: Mapping[int, list[float]], answered: Sequence[list[Any]]) -> list[_Row]:
    size = max([len(stored), *(number + 1 for number, *_ in answered)])
    rows = [*stored, *((_missing(), math.nan) for _ in range(size - len(stored)))]
    now = {number: point for number, *point in answered}
    for number, (_, score) in enumerate(rows):
        if number in now and now[number] != before.get(number):
            rows[number] = (to_relative_point(now[number]), score)
        elif number not in now and number in before:
            rows[number] = (_missing(), score)
    return rows


def _with_numbered_points(stored: list[_Row], before: Sequence[list[Any]], answered: Sequence[list[Any]]) -> list[_Row]:
    """The points of a label that is as it was sent, so that the number of a point is its place."""
    was = {number: point for number, *point in before}
    now = {number: point for number, *point in answered if number in was}
    rows = []
    for number, (point, score) in enumerate(stored):
        if number in now:
            rows.append((point if now[number] == was[number] else to_relative_point(now[number]), score))
        elif number not in was:
            rows.append((point, score))
    drawn = [point for number, *point in answered if number not in was]
    return [*rows, *((to_relative_point(point), math.nan) for point in drawn)]


def _with_points(stored: list[_Row], before: Sequence[list[Any]], answered: Sequence[list[Any]]) -> list[_Row]:
    """The points of a label that has changed since it was sent, so that only equal points are known to be the same."""
    was, now = [tuple(point) for _, *point in before], [tuple(point) for _, *point in answered]
    known, left = set(was), set(now)
    moved = iter([point for point in now if point not in known])
    places = {number: tuple(point) for number, *point in before}
    rows = []
    for number, row in enumerate(stored):
        if number not in places or places[number] in left:
            rows.append(row)
        elif (point := next(moved, None)) is not None:
            rows.append((to_relative_point(point), row[1]))
    return [*rows, *((to_relative_point(point), math.nan) for point in moved)]


def _missing() -> list[float]:
    return [math.nan, math.nan]


def _visible_points(
    keypoint: fol.Keypoint, to_point: Callable[[Sequence[float]], list[float]]
) -> Iterator[tuple[int, list[float]]]:
    """The points that are not missing, with their numbers, as they are sent: in percent of the image."""
    for number, point in enumerate(keypoint.points or ()):
        if not _is_missing(point):
            yield number, to_point(point)


def _is_missing(point: Any) -> bool:
    return all(isinstance(value, float) and math.isnan(value) for value in point)


def _is_score(value: Any) -> bool:
    return is_number(value) and 0 <= value <= 1


FAMILY = Family(
    scopes=ON_IMAGES,
    label_types={"keypoint": fol.Keypoint, "keypoints": fol.Keypoints},
    region_types=(_VECTOR_TYPE, _POINT_TYPE),
    is_drawn=True,
    grouping=lambda field: Grouping.REGION if field.tool == VECTOR else Grouping.PARTS,
    aspects={
        "label": Aspect({"label": None}, "allow_label_edits"),
        "points": Aspect({"points": None, "confidence": None}, "allow_spatial_edits"),
    },
    control_tags=control_tags,
    check=check,
    key_of=key_of,
    to_regions=to_regions,
    parse_regions=parse_regions,
    to_label=to_label,
    to_values=to_values,
    revise=revise,
    tools=(VECTOR, _POINTS),
    not_held=("the confidences of points", "what is outside the image"),
    claims={_POINT_TYPE: "keypoints"},
    has_joints=True,
    can_lack_class=True,
)
