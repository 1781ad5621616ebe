"""What can be annotated of some samples, and how: what a form proposes before a run is made. Nothing is changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import fiftyone.core.aggregations as foa
import fiftyone.core.collections as foc
import fiftyone.core.fields as fof
import fiftyone.core.labels as fol

from fo_labelstudio.convert.families import LABEL_TYPES, is_served
from fo_labelstudio.convert.labeling_config import write
from fo_labelstudio.convert.media import MEDIUM_NAMED, SHOWN_AS, medium_of_type
from fo_labelstudio.convert.schema import parse_label_schema
from fo_labelstudio.dataset.fields import check_field, kind_of
from fo_labelstudio.dataset.internals import built_label_schema, labels_path, own_fields
from fo_labelstudio.dataset.label_schema import completed_label_schema
from fo_labelstudio.dataset.media import medium_of_samples
from fo_labelstudio.errors import LabelSchemaError, LabelStudioError
from fo_labelstudio.runs import existing_project
from fo_labelstudio.runs.labeling_config import NEWEST_TAGS
from fo_labelstudio.runs.prepare import LeftOut, Refused, prepared_tasks
from fo_labelstudio.runs.run import run_of

_FRAMES = "frames."


class FoundField(NamedTuple):
    """A field that samples have.

    Attributes:
        name: its name, as a label schema names it
        kind: FiftyOne's name of the class of its value
        label_types: the types that it can be annotated as; empty where there is none
        size: how many labels or values it has
        problem: what keeps it from being annotated, and what to do; None where nothing does
    """

    name: str
    kind: str
    label_types: tuple[str, ...]
    size: int
    problem: str | None = None


class ShowableValue(NamedTuple):
    """A value of samples that labels can be on, beside the samples themselves.

    Attributes:
        key: the key of a label schema's entry that names its field
        field: the field
        noun: what such values are, in the plural
    """

    key: str
    field: str
    noun: str


class DraftedField(NamedTuple):
    """What is to be asked about one field.

    Attributes:
        built: its entry in the label schema, as ``annotate()`` completes it; empty where it cannot
        completed: the same with all that sending it takes; None where it cannot be sent
        problem: what keeps it from being sent, and what to do; None where nothing does
    """

    built: dict[str, Any]
    completed: dict[str, Any] | None = None
    problem: str | None = None


class Unsendable(NamedTuple):
    """What of samples cannot be sent.

    Attributes:
        by_field: name of a field -> problems with its labels; None -> problems with samples and their media
        left_out: problems of samples that the run would do without
    """

    by_field: dict[str | None, list[str]]
    left_out: list[str]


def showable_values(samples: foc.SampleCollection) -> list[ShowableValue]:
    """The values of samples that labels can be on; their contents are not looked at."""
    values = []
    own = {*own_fields(samples, False), samples.group_field}
    for name, field in samples.get_field_schema(flat=True).items():
        if name.partition(".")[0] in own or _is_in_label(samples, name):
            continue
        for key, medium in SHOWN_AS.items():
            if medium.shown_value is not None and isinstance(field, medium.shown_value.field_types):
                values.append(ShowableValue(key, name, medium.shown_value.noun))
    return values


def _is_in_label(samples: foc.SampleCollection, name: str) -> bool:
    parts = name.split(".")
    return any(_is_label(samples.get_field(".".join(parts[:end]))) for end in range(1, len(parts)))


def found_fields(samples: foc.SampleCollection) -> list[FoundField]:
    """The fields of samples that hold labels or values; their labels are counted by the database, and not read."""
    fields = list(_fields_of(samples))
    paths = [labels_path(samples, name)[1] if _is_label(field) else name for name, field in fields]
    counts = samples.aggregate([foa.Count(path) for path in paths]) if paths else []
    medium = medium_of_samples(samples)
    of_values = {SHOWN_AS[value.key].scopes[0] for value in showable_values(samples)}
    drawn = MEDIUM_NAMED[medium.drawn_as].scopes if medium.drawn_as else ()
    found = []
    for (name, field), count in zip(fields, counts, strict=True):
        scope = medium.scope_of(name.startswith(_FRAMES))
        if _is_label(field):
            kind = field.document_type.__name__
            known = [label_type for label_type, cls in LABEL_TYPES.items() if cls is field.document_type]
        else:
            kind = type(field).__name__
            known = ["scalar"] if kind_of(field) is not None else []
        scopes = [scope] if name.startswith(_FRAMES) else [scope, *drawn, *of_values]
        label_types = tuple(label_type for label_type in known if any(is_served(one, label_type) for one in scopes))
        found.append(FoundField(name, kind, label_types, count, _problem_of(samples, name, kind, label_types)))
    return found


def _problem_of(samples: foc.SampleCollection, name: str, kind: str, label_types: tuple[str, ...]) -> str | None:
    if not label_types:
        where = ("frames" if name.startswith(_FRAMES) else "samples") + f" of media type {samples.media_type!r}"
        return f"field {name!r}: Label Studio cannot show {kind} on {where}; leave the field out"
    try:
        check_field(samples, name, label_types[0] == "scalar")
    except LabelSchemaError as error:
        return str(error)
    return None


def _is_label(field: fof.Field) -> bool:
    return isinstance(field, fof.EmbeddedDocumentField) and issubclass(field.document_type, fol.Label)


def _fields_of(samples: foc.SampleCollection) -> Iterator[tuple[str, fof.Field]]:
    schemas = [("", samples.get_field_schema(), {*own_fields(samples, False), samples.group_field} - {"tags"})]
    if medium_of_type(samples.media_type).frame_scope is not None:
        schemas.append((_FRAMES, samples.get_frame_field_schema(), set(own_fields(samples, True))))
    for prefix, schema, own in schemas:
        for name, field in schema.items():
            if name not in own:
                yield from _within(prefix + name, field)


def _within(name: str, field: fof.Field) -> Iterator[tuple[str, fof.Field]]:
    if not isinstance(field, fof.EmbeddedDocumentField) or _is_label(field):
        if _is_label(field) or kind_of(field) is not None:
            yield name, field
        return
    for inner, below in field.get_field_schema().items():
        yield from _within(f"{name}.{inner}", below)


def draft_field(samples: foc.SampleCollection, backend: Any, name: str, asked: Mapping[str, Any]) -> DraftedField:
    """What is to be asked about one field: what the call says, and all else from the labels that there are.

    Args:
        samples: the samples
        backend: FiftyOne's object of the annotation backend; no server is asked
        name: the field, which may be new
        asked: its entry in a label schema, as ``annotate()`` takes it
    """
    built: dict[str, Any] = {}
    config = backend.config
    try:
        label_schema, narrowed = built_label_schema(samples, backend, {name: dict(asked)})
        built = label_schema[name]
        completed = completed_label_schema(
            label_schema,
            narrowed,
            NEWEST_TAGS,
            config.mask_tool,
            config.scalar_types or {},
            config.keyframe_tolerance,
            media_field=config.media_field,
        )
        parse_label_schema(completed)
    except (LabelStudioError, ValueError) as error:
        # FiftyOne refuses what a label schema lacks with the latter.
        return DraftedField(built, None, str(error))
    return DraftedField(built, completed[name])


def preview(completed: Mapping[str, Mapping[str, Any]], slices: Sequence[str] = ()) -> str:
    """The labeling config of a project for some fields.

    Args:
        completed: name of a field -> its complete entry
        slices: the slices of groups that a task shows beside each other; none where it shows one sample

    Raises:
        LabelSchemaError: the fields do not go together
    """
    return write.to_labeling_config(parse_label_schema(completed), slices)


def unsendable(samples: foc.SampleCollection, backend: Any, label_schema: Mapping[str, Any]) -> Unsendable:
    """What of samples cannot be sent; each of them is looked at.

    Args:
        samples: the samples
        backend: FiftyOne's object of the annotation backend, whose config says how they would be sent; no server is
            asked
        label_schema: the label schema, as ``annotate()`` takes it

    Raises:
        LabelStudioError: the label schema, or a setting, is not right
    """
    config = backend.config
    config.label_schema, narrowed = built_label_schema(samples, backend, label_schema)
    narrowed = existing_project.complete(backend, narrowed, None, NEWEST_TAGS, True, "labeling_config")
    config.serve_shared_files(narrowed)
    by_field: dict[str | None, list[str]] = {}
    left_out = []
    beginnings = {name: f"field {name!r}, " for name in label_schema}
    for item in prepared_tasks(run_of(config, narrowed, "")):
        if isinstance(item, Refused):
            whose = (name for name, beginning in beginnings.items() if item.problem.startswith(beginning))
            by_field.setdefault(next(whose, None), []).append(item.problem)
        elif isinstance(item, LeftOut):
            left_out.append(item.problem)
    return Unsendable(by_field, left_out)
