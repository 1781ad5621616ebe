"""JSON-MIN, CSV and TSV: one record an annotation, its results listed under the names of their control tags.

What these formats leave out is filled in so that the same file always gives the same:

=====================  ==========================================================================================
ids of regions         the name of the control tag and the place in its list: ``rect-1``. Results of several control
                       tags with the same shape are one region, as those of ``<Rectangle>`` with ``<Labels>`` are
type, object tag       from the labeling config; without it, from the keys of the value, and the only media of the task
texts about regions    belong to the regions in order, where there is one for each; otherwise they are left out. Without
                       the labeling config, a single text is about the image
image of several       not told: answers about a list of images are left out, unless it has one
relations, scores,     gone; no annotation is ground truth, none was skipped, and there are no predictions
notes, predictions
=====================  ==========================================================================================

Texts in a CSV are answers only where the labeling config names their column; in JSON-MIN, by where they stand.

Source: label_studio_sdk 2.1.2, converter/converter.py (``convert_to_json_min``), converter/utils.py
(``prettify_result``), converter/exports/csv2.py
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from fo_labelstudio.convert.labeling_config.read import ControlTag, LabelingConfig
from fo_labelstudio.exports.tasks import Task
from fo_labelstudio.messages import quoted


class Flat(NamedTuple):
    """A record, taken apart.

    Attributes:
        task: what it says of its task, without annotations
        annotation: what it says of its annotation, without results; None where the task has none
        answers: name of the control tag -> what stands under it
    """

    task: Task
    annotation: dict[str, Any] | None
    answers: dict[str, list[Any]]


_ALWAYS = {"annotator", "annotation_id", "created_at", "updated_at", "lead_time"}
_BESIDES = {"id", "agreement", "history", *_ALWAYS}

_OF_ANSWER = {
    "choices": "Choices",
    "text": "TextArea",
    "number": "Number",
    "rating": "Rating",
    "datetime": "DateTime",
    "taxonomy": "Taxonomy",
    "ranker": "Ranker",
    "selected": "Pairwise",
}
"""Key of a value -> its control tag; the type of a result is that in small letters."""

_OF_SHAPE = {
    "vertices": "Vector",
    "points": "Polygon",
    "rle": "Brush",
    "imageDataURL": "Bitmask",
    "radiusX": "Ellipse",
    "height": "Rectangle",
    "x": "KeyPoint",
}
"""Key of a value that has no labels -> its control tag; the first one counts."""

_BESIDES_SHAPE = {"choices", "number", "rating", "datetime", "taxonomy", "ranker", "selected", "meta"}

_MEDIA = re.compile(r"(\w[\w+.-]*://|/).*|.*\.(jpe?g|png|gif|bmp|webp|tiff?|svg)", re.IGNORECASE | re.DOTALL)


def is_flat(record: Any) -> bool:
    """Whether a record, or the row of a table, is of such an export; tasks have none of these keys."""
    return isinstance(record, dict) and _ALWAYS <= record.keys()


def tasks(flats: Iterable[Flat], config: LabelingConfig | None, note: Callable[[Task, str], None]) -> Iterator[Task]:
    """Tasks with their annotations, of the records of an export, in which those of one task follow each other.

    Args:
        flats: the records
        config: the labeling config, or None
        note: told of answers that are left out, with their task
    """
    task: Task | None = None
    for flat in flats:
        if task is None or flat.task["id"] is None or flat.task["id"] != task["id"]:
            if task is not None:
                yield task
            task = flat.task
        if flat.annotation is not None:
            results = to_results(flat.answers, task["data"], config, partial(note, task))
            task["annotations"].append({**flat.annotation, "result": results})
    if task is not None:
        yield task


def of_record(record: Mapping[str, Any], config: LabelingConfig | None, note: Callable[[str], None]) -> Flat:
    """A record of JSON-MIN, taken apart.

    Its keys stand in this order: data, ``id``, control tags, ``annotator`` and the rest; a control tag with the name of
    a data key stands in the latter's place.
    """
    names = list(record)
    begin, end = (names.index(name) if name in record else 0 for name in ("id", "annotator"))
    answered = set(names[begin:end])
    data: dict[str, Any] = {}
    answers: dict[str, list[Any]] = {}
    for name, value in record.items():
        if name in _BESIDES:
            continue
        is_known = _control(config, name) is not None
        if _holds_results(value) or (name in answered and (is_known or _may_be_answer(value))):
            answers[name] = _items(value, value)
        else:
            data[name] = value
            if is_known and isinstance(value, str):
                note(f"{name!r} is the name of a control tag and of a data key, so its text is taken for data")
    return _flat(record, data, answers)


def of_row(row: Mapping[str, Any], config: LabelingConfig | None) -> Flat:
    """A row of CSV or TSV, taken apart; lists and objects are JSON in their cells, and an empty cell is no value."""
    data: dict[str, Any] = {}
    answers: dict[str, list[Any]] = {}
    for name, cell in row.items():
        if name in _BESIDES or cell == "":
            continue
        value = _unfolded(cell)
        if _holds_results(value) or _control(config, name) is not None:
            answers[name] = _items(value, cell)
        else:
            # A data key with the name of a control tag is renamed.
            renamed = name.removeprefix("_data_")
            data[renamed if renamed in row else name] = value
    return _flat({name: None if cell == "" else cell for name, cell in row.items()}, data, answers)


def data_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """The data of a task, of a row of a table for the import page."""
    return {name: _unfolded(cell) for name, cell in row.items() if cell != ""}


def to_results(
    answers: Mapping[str, Sequence[Any]],
    data: Mapping[str, Any],
    config: LabelingConfig | None,
    note: Callable[[str], None],
) -> list[dict[str, Any]]:
    """The results of an annotation.

    Args:
        answers: name of the control tag -> what stands under it: values of results, or the only text of one
        data: of the task
        config: the labeling config, or None
        note: told of each control tag whose answers are left out
    """
    results: list[dict[str, Any]] = []
    about_regions: list[tuple[str, str]] = []
    ids: dict[tuple[str, int], str] = {}
    # Tables have their columns in the order of the alphabet, so that order makes the same ids of all formats.
    for name in sorted(answers):
        control = _control(config, name)
        to_name = _object_of(control, data)
        if to_name is None or _shows_several(to_name, control, data, config) or _is_about_one(control, answers[name]):
            note(f"control tag {name!r}: it is not told which of several images it is about")
        elif any(isinstance(item, str) for item in answers[name]) and _is_about_regions(control, answers[name]):
            about_regions.append((name, to_name))
        else:
            results += _results(name, to_name, answers[name], control, ids)
    shapes = _shapes(results)
    for name, to_name in about_regions:
        control, items = _control(config, name), answers[name]
        if len(shapes) == len(items):
            results += [_about(shape, _result(name, to_name, item, control)) for shape, item in zip(shapes, items)]
        else:
            objects = [item for item in items if isinstance(item, dict)]
            results += _results(name, to_name, objects, control, ids)
            count = len(items) - len(objects)
            note(f"control tag {name!r}: it is not told which regions {count} of its answers are about")
    return results


def _is_about_one(control: ControlTag | None, items: Sequence[Any]) -> bool:
    """Whether results are about one of several object tags; a comparison is about all of them."""
    return (
        control is not None
        and len(control.objects) > 1
        and any(isinstance(item, dict) and _shape(item) for item in items)
    )


def _is_about_regions(control: ControlTag | None, items: Sequence[Any]) -> bool:
    # Of an image, a control tag has one result.
    return len(items) > 1 if control is None else control.per_region


def _about(shape: Mapping[str, Any], result: dict[str, Any]) -> dict[str, Any]:
    """A result about a region: the id, the size and the shape of this, as the editor writes it."""
    return {**shape, **result, "value": {**shape["value"], **result["value"]}}


def _flat(record: Mapping[str, Any], data: dict[str, Any], answers: dict[str, list[Any]]) -> Flat:
    number = record.get("id")
    task: Task = {"id": number if type(number) is int else None, "data": data, "meta": {}}
    task |= {"annotations": [], "predictions": [], "drafts": []}
    if "agreement" in record:
        task["agreement"] = record["agreement"]
    if record.get("annotation_id") is None and not answers:
        return Flat(task, None, answers)
    annotation = {
        "id": record.get("annotation_id"),
        "completed_by": _annotator(record.get("annotator")),
        "was_cancelled": False,
        "ground_truth": False,
        **{key: record.get(key) for key in ("created_at", "updated_at", "lead_time")},
    }
    return Flat(task, annotation, answers)


def _annotator(value: Any) -> Any:
    """Who completed an annotation as an export says it: an id, or an object with the e-mail."""
    if isinstance(value, str):
        return int(value) if value.isdecimal() and len(value) < 20 else {"email": value} if value != "None" else None
    return value


def _results(
    name: str, to_name: str, items: Sequence[Any], control: ControlTag | None, ids: dict[tuple[str, int], str]
) -> list[dict[str, Any]]:
    """The results of a control tag.

    Args:
        name: of the control tag
        to_name: of its object tag
        items: what stands under it
        control: the tag, if it is known
        ids: shape, and how often it was seen under one control tag -> id of its region; regions are added
    """
    seen: Counter[str] = Counter()
    results = []
    for number, item in enumerate(items, 1):
        result = _result(name, to_name, item, control)
        region_id = f"{name}-{number}"
        if shape := _shape(result["value"]):
            seen[shape] += 1
            region_id = ids.setdefault((shape, seen[shape]), region_id)
        results.append({"id": region_id, **result})
    return results


def _result(name: str, to_name: str | None, item: Any, control: ControlTag | None) -> dict[str, Any]:
    value = {_key_of_text(control): [item]} if isinstance(item, str) else dict(item)
    sizes = {key: value.pop(key) for key in ("original_width", "original_height") if key in value}
    kind = control.tag.lower() if control else _type_of(value)
    return {"from_name": name, "to_name": to_name, "type": kind, **sizes, "value": value}


def _key_of_text(control: ControlTag | None) -> str:
    return "text" if control is not None and control.tag.lower() == "textarea" else "choices"


def _type_of(value: Mapping[str, Any]) -> str:
    labels = [key for key in value if key.endswith("labels") and isinstance(value[key], list)]
    answers = [tag for key, tag in _OF_ANSWER.items() if key in value]
    shapes = [tag for key, tag in _OF_SHAPE.items() if key in value]
    return next(iter(labels + answers + shapes), "").lower()


def _shape(value: Mapping[str, Any]) -> str:
    """What tells a region from others; empty where a value has no shape."""
    if not _OF_SHAPE.keys() & value.keys():
        return ""
    shape = {key: part for key, part in value.items() if not (key.endswith("labels") or key in _BESIDES_SHAPE)}
    if isinstance(shape.get("text"), list):
        del shape["text"]
    return json.dumps(shape, sort_keys=True)


def _shapes(results: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The regions of an annotation in order: id, size and shape; none where their order is not told.

    Each list is in the order in which the regions are; of two lists with other regions, it is not told how they mix.
    """
    lists: dict[str, list[str]] = {}
    shapes: dict[str, dict[str, Any]] = {}
    for result in results:
        if _shape(result["value"]):
            lists.setdefault(result["from_name"], []).append(result["id"])
            value = {key: part for key, part in result["value"].items() if not key.endswith("labels")}
            bare = {key: part for key, part in value.items() if key not in _BESIDES_SHAPE | {"text"}}
            shapes.setdefault(result["id"], {**result, "value": bare})
    longest = max(lists.values(), key=len, default=[])
    return [shapes[region_id] for region_id in longest] if set(longest) == shapes.keys() else []


def _holds_results(value: Any) -> bool:
    """Whether a value can be nothing but a list of results, or the only one of those that are given without a list."""
    if isinstance(value, dict):
        return isinstance(value.get("choices"), list) or isinstance(value.get("text"), list)
    if not isinstance(value, list) or not value:
        return False
    objects = [item for item in value if isinstance(item, dict)]
    return bool(objects) and all(isinstance(item, (dict, str)) for item in value) and all(map(_type_of, objects))


def _items(value: Any, cell: Any) -> list[Any]:
    """What stands under a control tag, as a list; a text that only looks like JSON is that text."""
    if isinstance(value, dict):
        return [value]
    if isinstance(value, list) and all(isinstance(item, (str, dict)) for item in value):
        return value
    return [str(cell)]


def _may_be_answer(value: Any) -> bool:
    """Whether texts where answers stand are some; data that has a key ``id`` of its own stands there too."""
    texts = value if isinstance(value, list) else [value]
    return bool(texts) and all(isinstance(text, str) and not _MEDIA.fullmatch(text) for text in texts)


def _unfolded(cell: Any) -> Any:
    """A cell that is a JSON list or object as that, any other as it is."""
    if not isinstance(cell, str) or not cell.startswith(("[", "{")):
        return cell
    try:
        value = json.loads(cell)
    except (ValueError, RecursionError):
        return cell
    return value if isinstance(value, (list, dict)) else cell


def _control(config: LabelingConfig | None, name: str) -> ControlTag | None:
    return None if config is None else config.control_of(name)


def _object_of(control: ControlTag | None, data: Mapping[str, Any]) -> str | None:
    """What results have as ``to_name``: the names of all object tags of the control tag; None where nobody says it."""
    if control is not None:
        return ",".join(control.objects)
    media = [key for key, value in data.items() if _is_media(value)]
    # Label Studio's templates name an object tag as the key that it shows.
    return media[0] if len(media) == 1 else None


def _is_media(value: Any) -> bool:
    items = value if isinstance(value, list) else [value]
    return bool(items) and all(isinstance(item, str) and _MEDIA.fullmatch(item) for item in items)


def _shows_several(
    to_name: str, control: ControlTag | None, data: Mapping[str, Any], config: LabelingConfig | None
) -> bool:
    """Whether a task shows several images as one object tag, so that a result would have to say which it is about."""
    if control is None or config is None:
        shown, is_list = data.get(to_name), isinstance(data.get(to_name), list)
    else:
        tag = config.object_of(to_name)
        shown, is_list = data.get(tag.key or "") if tag else None, tag is not None and tag.is_list
    return is_list and not (isinstance(shown, list) and len(shown) == 1)


def where(task: Task) -> str:
    """A task, as messages name it."""
    return "a task" if task["id"] is None else f"task {quoted(task['id'])}"
