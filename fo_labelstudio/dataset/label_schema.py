"""What a label schema of FiftyOne's leaves open and the dataset knows: attributes, kinds of values, skeletons."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import copy, deepcopy
from itertools import pairwise
from typing import Any

import fiftyone.core.collections as foc
import fiftyone.core.fields as fof
import fiftyone.core.stages as fos
from fiftyone import ViewField as F
from packaging.version import Version

from fo_labelstudio.convert import attributes, masks
from fo_labelstudio.convert.families import family_of
from fo_labelstudio.convert.schema import OWN, parse_label_schema
from fo_labelstudio.convert.values import Question
from fo_labelstudio.dataset.scalars import FIELDS, kind_of
from fo_labelstudio.errors import LabelSchemaError
from fo_labelstudio.log import logger

_VECTOR_VERSION = Version("1.22.0")
"""The first server with <VectorLabels>."""

_BITMASK_VERSION = Version("1.21.0")
"""The first server with <BitmaskLabels>."""

MASK_TOOLS = {"brush": masks.BRUSH, "bitmask": masks.BITMASK}
"""Value of the setting ``mask_tool`` -> control tag."""

_HAS_MASK = F("mask").exists() | F("mask_path").exists()

_BY_BSON_TYPE: Mapping[tuple[str, ...], Mapping[str, Any]] = {
    ("bool",): {"type": "radio", "values": [True, False]},
    ("string",): {"type": "text"},
    ("int",): {"type": "number", "kind": "int"},
    ("long",): {"type": "number", "kind": "int"},
    ("double",): {"type": "number"},
    ("double", "int"): {"type": "number"},
    ("double", "int", "long"): {"type": "number"},
    ("double", "long"): {"type": "number"},
    ("int", "long"): {"type": "number", "kind": "int"},
    ("date",): {"type": "datetime"},
}
"""The types of an attribute's values in the database -> how it is asked for."""

_KINDS_OF_TOOL = {"text": ("str", "int", "float"), "number": ("int", "float")}
"""Attribute types whose values may be of several kinds; the dataset's own decides."""


def complete(
    label_schema: Mapping[str, Mapping[str, Any]],
    samples: foc.SampleCollection,
    version: str,
    mask_tool: str,
    scalar_types: Mapping[str, str],
) -> dict[str, Any]:
    """A label schema with all that :func:`parse_label_schema` needs.

    Args:
        label_schema: the label schema as FiftyOne completes it
        samples: the collection
        version: the server's version
        mask_tool: ``brush`` or ``bitmask``
        scalar_types: new scalar field -> kind of its values

    Raises:
        LabelSchemaError: a field or an attribute cannot be annotated as asked
    """
    completed = {}
    for name, given in label_schema.items():
        info = deepcopy(dict(given))
        tools = family_of(info["type"]).tools
        if info["type"] == "scalar":
            _complete_scalar(name, info, samples, scalar_types)
        elif masks.BRUSH in tools:
            info["tool"] = MASK_TOOLS[mask_tool]
            if info["tool"] == masks.BITMASK and Version(version) < _BITMASK_VERSION:
                raise LabelSchemaError(
                    f"field {name!r}: Label Studio {version} has no bitmasks; use mask_tool='brush', or upgrade the "
                    f"server to {_BITMASK_VERSION}"
                )
        elif tools:
            info["tool"] = tools[0] if Version(version) >= _VECTOR_VERSION else tools[1]
        if info["type"] in ("keypoint", "keypoints"):
            info["skeleton"] = _skeleton(name, samples)
            if info["skeleton"] is None:
                info["tool"] = tools[1]
        _leave_out_governed(info)
        _complete_attributes(name, info, samples)
        completed[name] = _with_few_controls(name, info)
    return completed


def with_mask_paths(samples: foc.SampleCollection, label_schema: Mapping[str, Mapping[str, Any]]) -> Any:
    """The collection with labels whose mask is in a file among those with masks.

    FiftyOne tells boxes from instances by ``mask`` alone (``_select_labels_with_type``, 1.22.1).
    """
    fields = {name: info for name, info in label_schema.items() if samples.get_field(name) is not None}
    wanted = {
        str(_filter(samples, name, F("mask").exists() if is_instance else ~F("mask").exists())): _filter(
            samples, name, _HAS_MASK if is_instance else ~_HAS_MASK
        )
        for name, info in fields.items()
        for is_instance in (info["type"] in ("instance", "instances"),)
        if info["type"] in ("instance", "instances", "detection", "detections")
    }
    if not any(str(stage) in wanted for stage in getattr(samples, "_stages", ())):
        return samples
    view = copy(samples)
    view._stages[:] = [wanted.get(str(stage), stage) for stage in view._stages]
    return view


def _filter(samples: foc.SampleCollection, name: str, expression: Any) -> fos.FilterLabels:
    stage = fos.FilterLabels(name, expression, only_matches=False)
    stage.validate(samples)
    return stage


def discover_attributes(
    samples: foc.SampleCollection, label_field: str, classes: list[str] | None = None
) -> dict[str, dict[str, Any]]:
    """The attributes that the labels of a field have, found by the database without reading the labels.

    Args:
        samples: the collection
        label_field: the label field
        classes: the classes whose labels count; all by default

    Returns:
        attribute -> how it is asked for; those that cannot be asked for are missing, and stay as they are
    """
    cls, path = samples._get_label_field_path(label_field)
    names = [*cls._fields] if path == label_field else [*samples.get_field(path).field.document_type._fields]
    if samples._is_frame_field(label_field):
        path = path.removeprefix("frames.")
    root = f"${path}"
    pipeline: list[dict[str, Any]] = [{"$project": {"label": root}}, {"$unwind": "$label"}]
    if classes is not None:
        pipeline.append({"$match": {"label.label": {"$in": list(classes)}}})
    pipeline += [
        {"$project": {"value": {"$objectToArray": "$label"}}},
        {"$unwind": "$value"},
        {"$match": {"value.k": {"$nin": [*names, "_id", "_cls"]}, "value.v": {"$ne": None}}},
        {"$group": {"_id": "$value.k", "types": {"$addToSet": {"$type": "$value.v"}}}},
        {"$sort": {"_id": 1}},
    ]
    found = {}
    for row in samples._aggregate(pipeline=pipeline):
        asked = _BY_BSON_TYPE.get(tuple(sorted(row["types"])))
        if asked is not None:
            found[row["_id"]] = {**asked, "discovered": True}
    return found


def _complete_scalar(
    name: str, info: dict[str, Any], samples: foc.SampleCollection, scalar_types: Mapping[str, str]
) -> None:
    field = samples.get_field(name)
    if field is None:
        kind = scalar_types.get(name)
        if kind is not None and kind not in FIELDS.values():
            raise LabelSchemaError(f"field {name!r}: scalar type {kind!r} is not one of {sorted(FIELDS.values())}")
    else:
        kind = kind_of(field)
        if kind is None:
            raise LabelSchemaError(f"field {name!r}: lists of {type(field.field).__name__} cannot be annotated")
    if kind is not None:
        info["kind"] = kind
    if info.get("classes") and kind != "list":
        # FiftyOne takes classes that are no strings for those that have attributes of their own.
        info["values"] = _typed(f"field {name!r}", info["classes"], kind)
        info["classes"] = [Question.text_of(value) for value in info["values"]]
    if kind == "list" and not info.get("classes"):
        info["classes"] = sorted(samples.distinct(name)) if field is not None else []
        if not info["classes"]:
            raise LabelSchemaError(f"field {name!r}: there is nothing to choose from; pass classes=[...]")


def _skeleton(name: str, samples: foc.SampleCollection) -> dict[str, Any] | None:
    skeleton = samples.skeletons.get(name, samples.default_skeleton)
    if skeleton is None:
        return None
    edges = [list(pair) for path in skeleton.edges or () for pair in pairwise(path)]
    size = max([len(skeleton.labels or ()), *(max(pair) + 1 for pair in edges)])
    joints = list(skeleton.labels or ()) or [str(number + 1) for number in range(size)]
    if len(joints) < size:
        raise LabelSchemaError(f"field {name!r}: its skeleton has {len(joints)} labels, but edges to joint {size - 1}")
    return {"joints": joints, "edges": edges} if joints else None


def _leave_out_governed(info: dict[str, Any]) -> None:
    """Takes out attributes that regions show by themselves, such as the rotation of a box."""
    governed = {name for aspect in family_of(info["type"]).aspects.values() for name in aspect.attributes}
    # What makes up a label is refused by its own error.
    governed -= OWN
    holders: list[Any] = [info, *(entry for entry in info.get("classes") or () if isinstance(entry, Mapping))]
    for holder in holders:
        attributes = holder.get("attributes") or {}
        holder["attributes"] = {key: facts for key, facts in attributes.items() if key not in governed}


def _complete_attributes(name: str, info: dict[str, Any], samples: foc.SampleCollection) -> None:
    if not info.get("existing_field") or info["type"] == "scalar":
        return
    _, path = samples._get_label_field_path(name)
    for attribute, facts in _each_attribute(info):
        kinds = _KINDS_OF_TOOL.get(facts["type"], ())
        field = samples.get_field(f"{path}.{attribute}")
        kind = kind_of(field) if isinstance(field, fof.Field) else None
        if kind in kinds:
            facts["kind"] = kind
        elif kind and facts.get("values") and facts["type"] in ("select", "radio"):
            where = f"field {name!r}, attribute {attribute!r}"
            facts["values"] = _typed(where, facts["values"], kind)
            if facts.get("default") is not None:
                (facts["default"],) = _typed(where, [facts["default"]], kind)


def _typed(where: str, values: Iterable[Any], kind: str | None) -> list[Any]:
    """Values to choose from as a field of a kind holds them."""
    parse: dict[str | None, Callable[[Any], Any]] = {
        "int": int,
        "float": float,
        "bool": lambda value: {"true": True, "false": False}[str(value).lower()],
    }
    try:
        return [parse.get(kind, lambda same: same)(value) for value in values]
    except (KeyError, TypeError, ValueError):
        raise LabelSchemaError(f"{where}: not all of {list(values)!r} are of its type, {kind}; correct them") from None


def _each_attribute(info: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    yield from (info.get("attributes") or {}).items()
    for entry in info.get("classes") or ():
        if isinstance(entry, Mapping):
            yield from (entry["attributes"] or {}).items()


def _with_few_controls(name: str, info: dict[str, Any]) -> dict[str, Any]:
    """A field without the attributes that nobody asked for, where they would make more controls than can be shown."""
    (field,) = parse_label_schema({name: info})
    family = family_of(field.label_type)
    try:
        attributes.check_number(field, family)
    except LabelSchemaError:
        asked = {key: facts for key, facts in info["attributes"].items() if not facts.get("discovered")}
        if len(asked) == len(info["attributes"]):
            raise
        logger.warning(
            "Field '%s': %d attributes of %d classes are too many to ask for; they stay as they are. Pass "
            "attributes=[...] to choose",
            name,
            len(info["attributes"]) - len(asked),
            len(field.classes),
        )
        return _with_few_controls(name, {**info, "attributes": asked})
    return info
