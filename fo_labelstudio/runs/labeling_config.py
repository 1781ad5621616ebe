"""to_labeling_config(): a label schema -> the labeling config that annotate() would give its project, as text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import fiftyone.core.collections as foc

from fo_labelstudio.convert import attributes
from fo_labelstudio.convert.families import LABEL_TYPES, family_in, family_of, is_served
from fo_labelstudio.convert.families.polylines import VECTOR
from fo_labelstudio.convert.labeling_config import write
from fo_labelstudio.convert.media import DEFAULT, MEDIA, medium_of
from fo_labelstudio.convert.media.medium import Medium
from fo_labelstudio.convert.records import LabelField
from fo_labelstudio.convert.schema import ATTRIBUTE_TYPES, parse_label_schema, shown_keys, shown_medium
from fo_labelstudio.dataset.internals import built_label_schema
from fo_labelstudio.dataset.label_schema import completed_label_schema, not_served
from fo_labelstudio.errors import LabelSchemaError

NEWEST_TAGS = "1.23.2"
"""The server whose tags are used, where none is asked."""


def to_labeling_config(
    label_schema: Mapping[str, Any] | Iterable[str], samples: foc.SampleCollection | None, backend: Any
) -> str:
    """The labeling config of a label schema.

    Args:
        label_schema: as ``annotate()`` takes it
        samples: the collection that has the fields; without it, the label schema must hold all
        backend: FiftyOne's object of the annotation backend; no server is asked

    Raises:
        LabelSchemaError: a field or an attribute cannot be annotated as asked
    """
    if samples is None:
        fields = fields_of(label_schema)
    else:
        built, _ = built_label_schema(samples, backend, label_schema)
        config = backend.config
        schema = completed_label_schema(
            built,
            samples,
            NEWEST_TAGS,
            config.mask_tool,
            config.scalar_types,
            config.keyframe_tolerance,
            media_field=config.media_field,
        )
        fields = parse_label_schema(schema)
    return write.to_labeling_config(fields)


def fields_of(label_schema: Mapping[str, Any] | Iterable[str]) -> tuple[LabelField, ...]:
    """The label fields of a label schema that no dataset completes.

    Raises:
        LabelSchemaError: it leaves something open, or a field or an attribute cannot be annotated as asked
    """
    if not isinstance(label_schema, Mapping):
        raise LabelSchemaError(
            f"label schema {label_schema!r} only names fields; pass the samples that have them, or a dict of each "
            "field's type and classes"
        )
    on_media = {name: info or {} for name, info in label_schema.items() if not shown_keys(info or {})}
    medium = _medium_of({name: info.get("type") for name, info in on_media.items()})
    fields = parse_label_schema({name: _completed(name, info or {}, medium) for name, info in label_schema.items()})
    for field in fields:
        attributes.check_number(field, family_of(field))
    return fields


def _medium_of(label_types: Mapping[str, Any]) -> Medium:
    """What the samples must be: what has frames where a field is one of frames, or where no image has such labels.

    Args:
        label_types: name of a field -> its label type
    """
    known = [label_type for label_type in label_types.values() if label_type in LABEL_TYPES]
    has_frames = any(name.startswith("frames.") for name in label_types)
    if has_frames or not all(is_served(DEFAULT.scopes[0], label_type) for label_type in known):
        return next(medium for medium in MEDIA if medium.frame_scope is not None)
    return DEFAULT


def _completed(name: str, given: Mapping[str, Any], medium: Medium) -> dict[str, Any]:
    info, label_type = dict(given), given.get("type")
    if label_type not in LABEL_TYPES:
        raise LabelSchemaError(
            f"field {name!r}: label type {label_type!r} is not supported; use one of {[*LABEL_TYPES]}"
        )
    shown_as = shown_medium(name, info)
    scope = (shown_as or medium).scope_of(name.startswith("frames."))
    if not is_served(scope, label_type):
        raise LabelSchemaError(not_served(name, label_type, medium, scope))
    if scope != DEFAULT.scopes[0]:
        info["scope"] = scope
    if shown_as is not None:
        info["beside"] = medium.name
    family = family_in(scope, label_type)
    if family.tools:
        without_joints = family.has_joints and info.get("skeleton") is None
        is_stretched = VECTOR in family.tools and medium_of(scope).stretches_vectors
        info.setdefault("tool", family.tools[1] if without_joints or is_stretched else family.tools[0])
    has_attributes = family.has_attributes
    info["attributes"] = _attributes(name, info.get("attributes")) if has_attributes else {}
    info["classes"] = [
        {**entry, "classes": _listed(entry["classes"]), "attributes": _attributes(name, entry.get("attributes"))}
        if isinstance(entry, Mapping)
        else entry
        for entry in info.get("classes") or ()
    ]
    return info


def _listed(names: str | Iterable[str]) -> list[str]:
    return [names] if isinstance(names, str) else list(names)


def _attributes(field: str, given: Any) -> dict[str, dict[str, Any]]:
    """Attributes as a dict of how each is asked for; where nothing is said of one, or of all, as FiftyOne does.

    Source: FiftyOne 1.22.1, ``fiftyone.utils.annotations._get_attributes``
    """
    if isinstance(given, bool) or not given:
        return {}
    if not isinstance(given, Mapping):
        return {name: {"type": "text"} for name in _listed(given)}
    found = {}
    for name, facts in given.items():
        found[name] = {"type": "text", **(facts or {})}
        if found[name]["type"] not in ATTRIBUTE_TYPES:
            raise LabelSchemaError(
                f"field {field!r}, attribute {name!r}: type {found[name]['type']!r} is not supported; use one of "
                f"{list(ATTRIBUTE_TYPES)}"
            )
    return found
