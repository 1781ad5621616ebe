"""What a label schema of FiftyOne's leaves open and the dataset knows: attributes, kinds of values, skeletons."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import copy, deepcopy
from itertools import pairwise
from typing import Any

import fiftyone.core.brain as fob
import fiftyone.core.collections as foc
import fiftyone.core.evaluation as foe
import fiftyone.core.fields as fof
import fiftyone.core.labels as fol
import fiftyone.core.runs as fors
import fiftyone.core.stages as fos
from fiftyone import ViewField as F
from packaging.version import Version

from fo_labelstudio.convert import attributes
from fo_labelstudio.convert.families import (
    FAMILIES,
    LABEL_TYPES,
    family_in,
    family_of,
    has_masks,
    holds_moments,
    is_served,
    label_class_of,
)
from fo_labelstudio.convert.families.detections import HAS_MASK
from fo_labelstudio.convert.family import Family
from fo_labelstudio.convert.media import DEFAULT, MEDIUM_NAMED, SHOWN_AS, medium_of, medium_of_type
from fo_labelstudio.convert.media.images import PLACE
from fo_labelstudio.convert.media.medium import Medium, ShownValue
from fo_labelstudio.convert.question import Question
from fo_labelstudio.convert.records import KEYFRAME_TOLERANCE
from fo_labelstudio.convert.schema import OWN, parse_label_schema, shown_keys, shown_medium
from fo_labelstudio.convert.shapes import masks
from fo_labelstudio.convert.stored import list_name
from fo_labelstudio.dataset.fields import FIELDS, attribute_name_problem, check_field, kind_of
from fo_labelstudio.dataset.internals import (
    aggregate,
    inner_path,
    is_clips,
    is_frame_field,
    labels_path,
    root_dataset,
    stages_of,
    videos_of,
)
from fo_labelstudio.dataset.media import medium_of_samples
from fo_labelstudio.dataset.plain_frames import classes_of, has_label
from fo_labelstudio.errors import LabelSchemaError
from fo_labelstudio.log import logger
from fo_labelstudio.messages import meant, with_article

_VECTOR_VERSION = Version("1.22.0")
"""The first server with <VectorLabels>."""

_BITMASK_VERSION = Version("1.21.0")
"""The first server with <BitmaskLabels>."""

_HEAD = 2**20
"""Bytes of a file that tell its columns."""

MASK_TOOLS = {"brush": masks.BRUSH, "bitmask": masks.BITMASK}
"""Value of the setting ``mask_tool`` -> control tag."""

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

_TYPES_OF_KIND = {
    "str": ("text", "select", "radio"),
    "int": ("number", "text", "rating", "select", "radio"),
    "float": ("number", "text", "rating", "select", "radio"),
    "bool": ("radio", "select", "checkbox"),
    "date": ("date", "datetime"),
    "datetime": ("datetime", "date"),
    "list": ("checkbox", "select", "radio", "text"),
}
"""The kind of a declared attribute's values -> the types by which it can be asked for, the usual one first."""


def completed_label_schema(
    label_schema: Mapping[str, Mapping[str, Any]],
    samples: foc.SampleCollection,
    version: str,
    mask_tool: str,
    scalar_types: Mapping[str, str],
    keyframe_tolerance: float = KEYFRAME_TOLERANCE,
    show_media: bool = True,
    media_field: str = "filepath",
) -> dict[str, Any]:
    """A label schema with all that :func:`parse_label_schema` needs.

    Args:
        label_schema: the label schema as FiftyOne completes it
        samples: the collection
        version: the server's version
        mask_tool: ``brush`` or ``bitmask``
        scalar_types: new scalar field -> kind of its values
        keyframe_tolerance: how far boxes between keyframes may be off, relative to the frame
        show_media: whether tasks show the media of the samples, besides values of theirs
        media_field: the field that holds the paths of the media

    Raises:
        LabelSchemaError: a field or an attribute cannot be annotated as asked, or the samples cannot be shown
    """
    are_clips, samples = is_clips(samples), videos_of(samples)
    medium = medium_of_samples(samples) if show_media else medium_of_type(samples.media_type)
    medium = _as_drawn_on(medium, label_schema.values())
    columns: dict[str, Any] | None = None
    completed = {}
    for name, given in label_schema.items():
        info = deepcopy(dict(given))
        check_field(samples, name, info["type"] == "scalar")
        shown_as = _shown_as(samples, name, info)
        scope = (shown_as or medium).scope_of(is_frame_field(samples, name))
        if not is_served(scope, info["type"]):
            raise LabelSchemaError(not_served(name, info["type"], medium, scope))
        if are_clips and scope == medium.scopes[0] and not holds_moments(info["type"]):
            raise LabelSchemaError(
                f"field {name!r}: labels of type {info['type']!r} live on the video as a whole, of which clips are "
                "parts; annotate the videos: dataset.select(clips.distinct('sample_id'))"
            )
        if scope != DEFAULT.scopes[0]:
            info["scope"] = scope
        if shown_as is not None:
            info["beside"] = medium.name if show_media else None
            info |= _columns(samples, info, shown_as)
        elif medium.columns_in is not None and show_media:
            columns = _columns_of_files(samples, media_field, medium.columns_in) if columns is None else columns
            info |= columns
        elif not show_media:
            keys = " or ".join(f'"{key}"' for key in SHOWN_AS)
            raise LabelSchemaError(
                f"field {name!r}: show_media=False leaves out the {medium.noun} that its labels are on; name the field "
                f"of the samples that they are on under {keys}, or leave show_media out"
            )
        family = family_in(scope, info["type"])
        tools = family.tools
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
            has_vectors = Version(version) >= _VECTOR_VERSION and not medium_of(scope).stretches_vectors
            info["tool"] = tools[0] if has_vectors else tools[1]
        if "keyframe" in family.aspects:
            info["keyframe_tolerance"] = keyframe_tolerance
        if family.has_joints:
            info["skeleton"] = _skeleton(name, samples)
            if info["skeleton"] is None:
                info["tool"] = tools[1]
        if family.can_lack_class and samples.get_field(name) is not None:
            info["without_class"] = _lacks_a_class(samples, name)
        _leave_out_governed(info)
        _complete_attributes(name, info, samples)
        _tell_of_spans(name, info)
        completed[name] = _with_few_controls(name, info)
    return completed


def _as_drawn_on(medium: Medium, entries: Iterable[Mapping[str, Any]]) -> Medium:
    """The medium that shows the samples of a run: another one where labels are on parts of them that theirs lacks."""
    drawn = MEDIUM_NAMED.get(medium.drawn_as)
    if drawn is None:
        return medium
    own = [info for info in entries if not shown_keys(info)]
    is_drawn = any(
        bool(info.get("per_item"))
        or (not is_served(medium.scopes[0], info["type"]) and is_served(drawn.scopes[0], info["type"]))
        for info in own
    )
    return drawn if is_drawn else medium


def _shown_as(samples: foc.SampleCollection, name: str, info: Mapping[str, Any]) -> Medium | None:
    """The medium as which the value that the labels of a field are on is shown; None where they are on the sample.

    Raises:
        LabelSchemaError: there is no such value, or it cannot be shown
    """
    medium = shown_medium(name, info)
    if medium is None or medium.shown_value is None:
        return None
    shown = info[medium.shown_value.key]
    problem = _problem_of_shown(samples, shown, medium.shown_value)
    if problem:
        raise LabelSchemaError(f'field {name!r}: "{medium.shown_value.key}" names {shown!r}, and {problem}')
    return medium


def _problem_of_shown(samples: foc.SampleCollection, name: str, shown: ShownValue) -> str | None:
    """What keeps the values of a field from being shown, whatever they are, and what to do; or None."""
    field, owner = samples.get_field(name), samples.get_field(name.rpartition(".")[0] or name)
    another = f"name a field of the samples that holds {shown.noun}"
    if field is not None and is_frame_field(samples, name):
        return f"it is a field of frames; {another}"
    if field is not None and not isinstance(field, shown.field_types):
        return f"it is {with_article(type(field).__name__)}; {another}"
    if _is_in_list(samples, name):
        return f"it is inside a list, so that a sample has no single value; {another}"
    if field is not None:
        return None
    if isinstance(owner, fof.EmbeddedDocumentField):
        return (
            "there is no such field of samples; if they have it all the same, dataset.add_dynamic_sample_fields() "
            "declares it"
        )
    fields = samples.get_field_schema(flat=True)
    fitting = [path for path, other in fields.items() if isinstance(other, shown.field_types)]
    hint = meant(name, (path for path in fitting if not _is_in_list(samples, path)), another)
    return f"there is no such field of samples; {hint}"


def _is_in_list(samples: foc.SampleCollection, path: str) -> bool:
    owners = [path[:place] for place, char in enumerate(path) if char == "."]
    return any(isinstance(samples.get_field(owner), fof.ListField) for owner in owners)


def _columns(samples: foc.SampleCollection, info: Mapping[str, Any], medium: Medium) -> dict[str, Any]:
    """What the label schema says of the columns of the values that the labels of a field are on.

    Raises:
        LabelSchemaError: no sample has a value, or the first one cannot be shown
    """
    shown = medium.shown_value
    if shown is None or shown.columns_of is None:
        return {}
    name = info[shown.key]
    value = next(iter(samples.exists(name).limit(1).values(name)), None)
    problem = f"is missing in all samples; fill it in for {shown.noun}" if value is None else shown.problem_of(value)
    if problem:
        raise LabelSchemaError(f"field of the samples {name!r}: it {problem}")
    return {"columns": list(shown.columns_of(value))}


def _columns_of_files(
    samples: foc.SampleCollection, media_field: str, columns_in: Callable[[str], tuple[str, ...]]
) -> dict[str, Any]:
    """What the label schema says of the columns of the samples' files: those of the first one that tells them.

    Where none does, there are none: each file is looked at before it is sent, and says then what is wrong.
    """
    for sample in samples.select_fields(media_field).iter_samples():
        try:
            with open(sample[media_field], "rb") as file:
                head = file.read(_HEAD)
            # What is cut off is left out.
            lines = head[: head.rfind(b"\n") + 1] if len(head) == _HEAD else head
            return {"columns": list(columns_in(lines.decode("utf-8-sig")))}
        except (OSError, TypeError, ValueError):
            continue
    return {}


_LISTS = frozenset(filter(None, map(list_name, LABEL_TYPES.values())))
"""What fields of several labels call the list of them."""


def not_served(name: str, label_type: str, medium: Medium, scope: str) -> str:
    """Why labels of a type cannot be annotated where they are to live, and what to do."""
    if scope not in medium.scopes:
        shown = medium_of(scope)
        key = shown.shown_value.key if shown.shown_value else shown.name
        if shown.item and is_served(medium_of_type(shown.item).scopes[0], label_type):
            return (
                f"field {name!r}: labels of type {label_type!r} have one mask for a sample, and "
                f"{with_article(shown.noun)} has several {shown.item}s; annotate instances, or make a sample of each "
                f"{shown.item}"
            )
        return (
            f'field {name!r}: labels of type {label_type!r} cannot be on {with_article(shown.noun)}; take "{key}" out '
            "of its entry"
        )
    served = {key: shown for key, shown in SHOWN_AS.items() if is_served(shown.scopes[0], label_type)}
    keys, lists = [key for key in served if not served[key].item], [key for key in served if served[key].item]
    if keys and not is_served(medium.scopes[0], label_type):
        named = " or ".join(f'"{key}"' for key in keys)
        where = f"nothing says what its {label_type} are on"
        if medium.extensions:
            alike = [shown.noun for shown in served.values() if {*shown.extensions} & {*medium.extensions}]
            unlike = f", for the first of their files holds no {' or '.join(alike)} as documented" if alike else ""
            where = f"the samples are {medium.nouns}{unlike}, and no {label_type} can be on these"
        return (
            f"field {name!r}: {where}; name the field that holds it under {named} in "
            f'its entry of label_schema, such as {{"type": "{label_type}", "{keys[0]}": "caption", "classes": [...]}}'
        )
    if scope == medium.frame_scope:
        inner = name.removeprefix("frames.")
        parent, _, last = inner.rpartition(".")
        if parent and last in _LISTS:
            return f"field {name!r}: it is the list of labels of another field; name that one, {('frames.' + parent)!r}"
        if is_served(medium.scopes[0], label_type) and label_type != "scalar":
            return (
                f"field {name!r}: labels of type {label_type!r} live on the {medium.noun} as a whole; call the field "
                f"{inner!r}"
            )
        what = "values" if label_type == "scalar" else f"labels of type {label_type!r}"
        return (
            f"field {name!r}: Label Studio cannot show {what} in the frames of a {medium.noun}; annotate its frames as "
            f"images: dataset.to_frames(sample_frames=True).annotate(anno_key, label_field={inner!r}, ...)"
        )
    listed = f', or name a field of the samples that lists images under "{lists[0]}" in its entry' if lists else ""
    return (
        f"field {name!r}: labels of type {label_type!r} cannot be annotated on {with_article(medium.noun)}; leave the "
        f"field out{listed}"
    )


def only_type(samples: foc.SampleCollection, label_field: str) -> str | None:
    """The type that FiftyOne takes for an existing field, where no label of it is of another; otherwise None."""
    field = samples.get_field(label_field)
    if not isinstance(field, fof.EmbeddedDocumentField):
        return None
    for family in FAMILIES:
        for label_type, cls in family.label_types.items():
            if family.leaves_out is not None and cls is not None and issubclass(field.document_type, cls):
                found = _has_masks(samples, label_field) if family.leaves_out is HAS_MASK else None
                if found is None:
                    path = inner_path(samples, label_field, "id")
                    found = samples.filter_labels(label_field, family.leaves_out).count(path) > 0
                return None if found else label_type
    return None


def known_classes(samples: foc.SampleCollection, label_field: str) -> list[str] | None:
    """The classes that the labels of an existing field have; None where FiftyOne is to find them."""
    return classes_of(samples, label_field) if is_frame_field(samples, label_field) else None


def _has_masks(samples: foc.SampleCollection, label_field: str) -> bool | None:
    """Whether labels in frames have masks; None where that is to be asked of the view."""
    if not is_frame_field(samples, label_field):
        return None
    found = [has_label(samples, label_field, {name: {"$ne": None}}) for name in ("mask", "mask_path")]
    return None if None in found else True in found


def has_keyframes(samples: foc.SampleCollection, label_field: str) -> bool:
    """Whether the boxes in the frames of videos say which of them are keyframes."""
    found = has_label(samples, label_field, {"keyframe": True})
    return True in samples.distinct(inner_path(samples, label_field, "keyframe")) if found is None else found


def with_mask_paths(samples: foc.SampleCollection, label_schema: Mapping[str, Mapping[str, Any]]) -> Any:
    """The collection with labels whose mask is in a file among those with masks.

    FiftyOne tells boxes from instances by ``mask`` alone (``_select_labels_with_type``, 1.22.1).
    """
    fields = {name: info for name, info in label_schema.items() if samples.get_field(name) is not None}
    wanted = {
        str(_filter(samples, name, F("mask").exists() if is_instance else ~F("mask").exists())): _filter(
            samples, name, HAS_MASK if is_instance else ~HAS_MASK
        )
        for name, info in fields.items()
        for is_instance in (has_masks(info["type"]),)
        if label_class_of(info["type"]) is fol.Detection
    }
    if not any(str(stage) in wanted for stage in stages_of(samples)):
        return samples
    view = copy(samples)
    stages_of(view)[:] = [wanted.get(str(stage), stage) for stage in stages_of(view)]
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
    written = written_by_runs(samples, label_field)
    return {
        name: {**asked, "discovered": True}
        for name, asked in _discovered(samples, label_field, classes).items()
        if name not in written
    }


def _discovered(
    samples: foc.SampleCollection, label_field: str, classes: list[str] | None
) -> dict[str, dict[str, Any]]:
    cls, path = labels_path(samples, label_field)
    names = [*cls._fields] if path == label_field else [*samples.get_field(path).field.document_type._fields]
    frames = is_frame_field(samples, label_field)
    if frames:
        path = path.removeprefix("frames.")
        # It says which boxes of a track stand for those between them.
        names.append("keyframe")
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
    for row in aggregate(samples, pipeline, frames):
        asked = _BY_BSON_TYPE.get(tuple(sorted(row["types"])))
        if asked is not None:
            found[row["_id"]] = dict(asked)
    return found


def _lacks_a_class(samples: foc.SampleCollection, label_field: str) -> bool:
    """Whether a label of a field has no class."""
    root = labels_path(samples, label_field)[1]
    frames = is_frame_field(samples, label_field)
    if frames:
        root = root.removeprefix("frames.")
        found = has_label(samples, label_field, {"label": None})
        if found is not None:
            return found
    pipeline: list[dict[str, Any]] = [
        {"$project": {"label": f"${root}"}},
        {"$unwind": "$label"},
        {"$match": {"label._id": {"$ne": None}, "label.label": None}},
        {"$limit": 1},
    ]
    return any(True for _ in aggregate(samples, pipeline, frames))


def written_by_runs(samples: foc.SampleCollection, label_field: str) -> set[str]:
    """The attributes of a field's labels that FiftyOne's own runs have written, such as evaluations.

    Args:
        samples: the collection
        label_field: the label field
    """
    dataset = root_dataset(samples)
    above = labels_path(samples, label_field)[1].removeprefix("frames.") + "."
    written: set[str] = set()
    for method in (foe.EvaluationMethod, fob.BrainMethod, fors.Run):
        for key in method.list_runs(dataset):
            try:
                paths = method._get_run_fields(dataset, key)
            except Exception as error:
                # Whatever is wrong with somebody else's run must not keep this one from being made.
                logger.warning("Cannot find out which attributes the %s %r wrote: %s", method._run_str(), key, error)
                continue
            found = [path.removeprefix("frames.") for path in paths if isinstance(path, str)]
            written.update(path[len(above) :] for path in found if path.startswith(above))
    return written


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
        raise LabelSchemaError(
            f"field {name!r}: its skeleton has {len(joints)} labels, but edges to joint {size - 1}; correct the "
            "skeleton"
        )
    return {"joints": joints, "edges": edges} if joints else None


def _family_of(info: Mapping[str, Any]) -> Family:
    return family_in(info.get("scope", DEFAULT.scopes[0]), info["type"])


def _leave_out_governed(info: dict[str, Any]) -> None:
    """Takes out attributes that regions show by themselves, such as the rotation of a box."""
    family = _family_of(info)
    governed = {PLACE} if medium_of(info.get("scope", DEFAULT.scopes[0])).item else set()
    governed |= {*family.governs, *(name for aspect in family.aspects.values() for name in aspect.attributes)}
    # What makes up a label is refused by its own error.
    governed -= OWN
    holders: list[Any] = [info, *(entry for entry in info.get("classes") or () if isinstance(entry, Mapping))]
    for holder in holders:
        attributes = holder.get("attributes") or {}
        holder["attributes"] = {key: facts for key, facts in attributes.items() if key not in governed}


def _complete_attributes(name: str, info: dict[str, Any], samples: foc.SampleCollection) -> None:
    """Asks for attributes as the dataset holds them.

    Raises:
        LabelSchemaError: an attribute could not be written when the annotations are loaded
    """
    if not _family_of(info).has_attributes:
        return
    is_existing = bool(info.get("existing_field"))
    path: str = labels_path(samples, name)[1] if is_existing else ""
    label_class = _label_class(samples, path) if is_existing else label_class_of(info["type"])
    known = _Known(samples, name) if is_existing else None
    for holder in _attribute_holders(info):
        for attribute, facts in list(holder.items()):
            if attribute in OWN:
                # Refused by its own error.
                continue
            where = f"field {name!r}, attribute {attribute!r}"
            problem = attribute_name_problem(attribute, label_class)
            if problem and facts.get("discovered"):
                del holder[attribute]
                continue
            if problem:
                raise LabelSchemaError(f"{where}: {problem}; rename the attribute, or leave it out of `attributes`")
            field = samples.get_field(f"{path}.{attribute}") if is_existing else label_class._fields.get(attribute)
            is_open = facts.pop("recommended", False)
            if isinstance(field, fof.Field):
                _fit(where, facts, field, is_open)
            elif known is not None and is_open:
                facts.update(known.asked(attribute))
            elif known is not None and facts["type"] == "text" and known.asked(attribute).get("type") == "number":
                facts["kind"] = known.asked(attribute).get("kind", "float")
            if field is not None and field.read_only and not facts.get("read_only"):
                _respect_read_only(where, facts)


def _label_class(samples: foc.SampleCollection, path: str) -> Any:
    field = samples.get_field(path)
    return (field.field if isinstance(field, fof.ListField) else field).document_type


class _Known:
    """The attributes that the labels of a field have; looked for only once somebody asks."""

    def __init__(self, samples: foc.SampleCollection, label_field: str):
        self._samples = samples
        self._label_field = label_field
        self._found: dict[str, dict[str, Any]] | None = None

    def asked(self, attribute: str) -> dict[str, Any]:
        """How an attribute is asked for; empty where no label tells."""
        if self._found is None:
            self._found = _discovered(self._samples, self._label_field, None)
        return self._found.get(attribute, {})


def _respect_read_only(where: str, facts: dict[str, Any]) -> None:
    if not facts.get("discovered"):
        raise LabelSchemaError(
            f'{where}: the dataset declares it read-only, so answers could not be loaded; pass "read_only": True for '
            "it, or clear the flag of the field"
        )
    facts["read_only"] = True


def _fit(where: str, facts: dict[str, Any], field: fof.Field, is_open: bool) -> None:
    """Has an attribute asked for so that every answer can be stored in its declared field.

    Args:
        where: the attribute, for messages
        facts: what the label schema says of it; brought up to date
        field: the field
        is_open: whether nobody has said how it is to be asked for

    Raises:
        LabelSchemaError: no answer could
    """
    kind = kind_of(field)
    if kind is None:
        raise LabelSchemaError(
            f"{where}: the dataset declares it as {_declared(field)}, which cannot be annotated; leave it out of "
            "`attributes`"
        )
    types = _TYPES_OF_KIND[kind]
    if is_open:
        facts.update({"type": "radio", "values": [True, False]} if kind == "bool" else {"type": types[0]})
        if kind == "list":
            facts["type"] = "text"
    asked, values = facts["type"], facts.get("values")
    is_yes_or_no = asked == "checkbox" and (not values or set(map(type, values)) == {bool})
    if asked not in types or (asked == "checkbox" and is_yes_or_no != (kind == "bool")):
        raise LabelSchemaError(
            f"{where}: the dataset declares it as {_declared(field)}, which cannot hold answers of type {asked!r}"
            f"{'' if asked not in types else ' with these values'}; use one of {list(types)}"
        )
    if kind in ("date", "datetime"):
        facts["type"] = kind
    elif kind == "list":
        facts["kind"] = kind
        if asked == "radio":
            facts["type"] = "checkbox"
        if values:
            facts["values"] = _typed(where, values, "str")
        if isinstance(facts.get("default"), str):
            facts["default"] = [facts["default"]]
    elif asked in ("text", "number"):
        facts["kind"] = kind
    elif values and asked in ("select", "radio"):
        facts["values"] = _typed(where, values, kind)
        if facts.get("default") is not None:
            (facts["default"],) = _typed(where, [facts["default"]], kind)


def _declared(field: fof.Field) -> str:
    inner = f" of {type(field.field).__name__}" if isinstance(field, fof.ListField) and field.field else ""
    return f"{type(field).__name__}{inner}"


def _typed(where: str, values: Iterable[Any], kind: str | None) -> list[Any]:
    """Values to choose from as a field of a kind holds them."""
    parse = _PARSERS.get(kind or "", lambda same: same)
    try:
        return [parse(value) for value in values]
    except (KeyError, TypeError, ValueError, OverflowError):
        raise LabelSchemaError(
            f"{where}: not all of its values {list(values)!r} are of type {kind}; correct them"
        ) from None


def _whole(value: Any) -> int:
    number = int(value)
    if isinstance(value, float) and number != value:
        raise ValueError
    return number


_PARSERS: dict[str, Callable[[Any], Any]] = {
    "str": Question.text_of,
    "int": _whole,
    "float": float,
    "bool": lambda value: {"true": True, "false": False}[str(value).lower()],
}


def _attribute_holders(info: Mapping[str, Any]) -> Iterator[dict[str, dict[str, Any]]]:
    """The attributes of all classes, and those of some."""
    yield info.get("attributes") or {}
    for entry in info.get("classes") or ():
        if isinstance(entry, Mapping):
            yield entry["attributes"] or {}


def _tell_of_spans(name: str, info: Mapping[str, Any]) -> None:
    """Tells who sends classes that look like spans, for FiftyOne cannot tell the two apart."""
    family = _family_of(info)
    are_classes = family.label_types[info["type"]] is fol.Classifications and not family.is_drawn
    if are_classes and {"start", "end"} <= info["attributes"].keys():
        logger.warning(
            'Field \'%s\': its labels have start and end, as spans have, and are sent as classes; "type": "spans" in '
            "its entry of label_schema has people mark them",
            name,
        )


def _with_few_controls(name: str, info: dict[str, Any]) -> dict[str, Any]:
    """A field without the attributes that nobody asked for, where they would make more controls than can be shown."""
    (field,) = parse_label_schema({name: info})
    family = family_of(field)
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
