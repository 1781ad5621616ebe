"""Every private name of FiftyOne that this package leans on; all seen in FiftyOne 1.17 to 1.22.1.

FiftyOne may rename them in any release. What they stand for is asked for here and nowhere else, so a new release is
looked at in one place.
"""

from __future__ import annotations

import functools
import inspect
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from types import FrameType
from typing import IO, Any, NamedTuple

import fiftyone as fo
import fiftyone.core.annotation as foan
import fiftyone.core.collections as foc
import fiftyone.core.fields as fof
import fiftyone.core.frame as fofr
import fiftyone.core.labels as fol
import fiftyone.core.odm as foo
import fiftyone.core.runs as fors
import fiftyone.core.sample as fos
import fiftyone.utils.annotations as foua
from bson import ObjectId, json_util
from mongoengine.errors import DoesNotExist

from fo_labelstudio.convert.families import FAMILIES, family_of_type
from fo_labelstudio.convert.media import SHOWN_AS
from fo_labelstudio.errors import RunError

run_documents = threading.RLock()
"""To be held by who reads or writes the document of a run, which FiftyOne keeps once for all threads (1.22.1)."""

_READS = 20
"""How often results are read that another session replaces again and again."""


def root_dataset(samples: foc.SampleCollection) -> fo.Dataset:
    """The dataset that a collection is, or is a view into."""
    return samples._root_dataset


def ungrouped(samples: foc.SampleCollection) -> foc.SampleCollection:
    """The samples of all slices of a collection of groups; another collection as it is."""
    return samples.select_group_slices(_allow_mixed=True) if samples.media_type == "group" else samples


def is_generated(samples: foc.SampleCollection) -> bool:
    """Whether the samples of a view are patches, frames or clips, made of those of a dataset."""
    return bool(samples._dataset._is_generated)


def is_clips(samples: foc.SampleCollection) -> bool:
    """Whether the samples of a view are clips of videos."""
    return bool(samples._is_clips)


def videos_of(samples: foc.SampleCollection) -> foc.SampleCollection:
    """The samples that the clips of a view are of, as the view was made of them; another collection as it is."""
    if not is_clips(samples):
        return samples
    return samples._source_collection.select(samples.distinct("sample_id"))


def collection_of(dataset: fo.Dataset, frames: bool) -> Any:
    """The collection of MongoDB that holds a dataset's samples, or its frames."""
    return dataset._frame_collection if frames else dataset._sample_collection


def bulk_write(dataset: fo.Dataset, operations: Sequence[Any], ids: Sequence[str], frames: bool) -> int:
    """Writes into samples or frames, has their objects read again, and returns how many documents were found."""
    # They are few, and FiftyOne would begin with a batch of one.
    results = foo.bulk_write(list(operations), collection_of(dataset, frames), batcher=False)
    if frames:
        fofr.Frame._reload_docs(dataset._frame_collection_name, frame_ids=list(ids))
    else:
        fos.Sample._reload_docs(dataset._sample_collection_name, sample_ids=list(ids))
    return sum(result.matched_count for result in results)


def bulk_write_frames(dataset: fo.Dataset, operations: Sequence[Any], sample_ids: Sequence[str]) -> int:
    """Writes into frames of some samples, has these read again, and returns how many were found or made."""
    results = foo.bulk_write(list(operations), collection_of(dataset, True), batcher=False)
    fofr.Frame._reload_docs(dataset._frame_collection_name, sample_ids=list(sample_ids))
    return sum(result.matched_count + result.upserted_count for result in results)


def id_of(dataset: fo.Dataset) -> ObjectId:
    """The id of a dataset."""
    dataset_id: ObjectId = dataset._doc.id
    return dataset_id


def reload_run(document: Any) -> None:
    """Reads the document of a run again, whose results can then be saved any number of times.

    MongoEngine (0.29) leaves the file of the results with a document of its own. It then saves the next change, and
    after that deletes the file without saving where the new one is, so that nothing could be loaded any more.

    Raises:
        RunError: the run was deleted
    """
    try:
        document.reload()
    except DoesNotExist:
        raise RunError(f"annotation run {document.key!r} was deleted meanwhile; annotate again") from None
    if document.results:
        document.results.instance = document


def put_run_results(dataset: fo.Dataset, key: str, content: IO[bytes]) -> None:
    """Saves the results of a run that a file holds as JSON, piece by piece; FiftyOne makes three copies of the whole.

    Args:
        dataset: the dataset
        key: the key of the run
        content: what FiftyOne would save (1.22.1), from its beginning
    """
    with run_documents:
        document = fors.Run._get_run_doc(dataset, key)
        reload_run(document)
        _replace_results(document, content)


def save_run_results(backend: Any, samples: foc.SampleCollection, key: str, results: Any, cache: bool) -> None:
    """Saves the results of a run, as FiftyOne does (1.22.1), but the old ones go last.

    Args:
        backend: the class that the run is of
        samples: the dataset of the run, or any view into it
        key: the key of the run
        results: the results
        cache: whether FiftyOne keeps them for this session
    """
    with run_documents:
        document = backend._get_run_doc(samples, key)
        if hasattr(document, "results_meta"):
            document.results_meta = dict(results.get_meta() or {})
        _replace_results(document, json_util.dumps(results.serialize()).encode())
        if cache:
            getattr(root_dataset(samples), backend._results_cache_field())[key] = results


def saved_run_results(backend: Any, samples: foc.SampleCollection, key: str) -> Any:
    """The results of a run as another session may have saved them since, or None.

    Raises:
        RunError: the run was deleted
    """
    with run_documents:
        reload_run(backend._get_run_doc(samples, key))
        return backend.load_run_results(samples, key, cache=False, load_view=False)


def reload_run_that_is_read() -> None:
    """Reads the document of the run again whose results FiftyOne is about to read, where it is.

    FiftyOne has the config of a run take credentials between the two (1.22.1), also where nobody has imported this
    package before.

    Raises:
        RunError: the run was deleted
    """
    frame: FrameType | None = sys._getframe()
    while frame is not None and frame.f_code is not fors.BaseRun.load_run_results.__func__.__code__:
        frame = frame.f_back
    document = None if frame is None else frame.f_locals.get("run_doc")
    if document is not None:
        with run_documents:
            reload_run(document)


def _load_run_results(
    cls: Any, /, samples: foc.SampleCollection, key: str, cache: bool = True, load_view: bool = True, **kwargs: Any
) -> Any:
    """FiftyOne's own function reads results by what this session knows of the document of a run (1.22.1).

    Another session may be putting others in their place. Each try reads the document again, see
    :func:`reload_run_that_is_read`.
    """
    load = fors.BaseRun.load_run_results.__func__
    for left in reversed(range(_READS)):
        try:
            return load(cls, samples, key, cache=cache, load_view=load_view, **kwargs)
        except AttributeError:
            config = cls._get_run_doc(samples, key).config or {}
            if not left or not str(config.get("cls")).startswith("fo_labelstudio."):
                raise
    return None


def _replace_results(document: Any, content: bytes | IO[bytes]) -> None:
    """Puts other results in the place of those of a run: who reads meanwhile, or after a kill, finds either."""
    results, old = document.results, document.results.grid_id
    results.instance, results.grid_id, results.gridout = document, None, None
    results.put(content, content_type="application/json")
    document.save()
    if old is not None:
        results.fs.delete(old)


def results_file_of(dataset: fo.Dataset, key: str) -> str:
    """The id of the file that holds the results of a run, another one whenever they are saved; empty without any."""
    with run_documents:
        document = foan.AnnotationMethod._get_run_doc(dataset, key)
        return str(document.results.grid_id) if document.results else ""


def save_run_view(document: Any, view: foc.SampleCollection) -> None:
    """Has the document of a run name other samples, as FiftyOne does (``BaseRun.save_run_info``, 1.22.1)."""
    with run_documents:
        _save_run_view(document, view)


def _save_run_view(document: Any, view: foc.SampleCollection) -> None:
    reload_run(document)
    stages = view._serialize(include_uuids=False) if isinstance(view, fo.DatasetView) else None
    document.view_stages = stages and [json_util.dumps(stage) for stage in stages]
    document.save()


def narrowed(samples: foc.SampleCollection, backend: Any, label_schema: Mapping[str, Any]) -> foc.SampleCollection:
    """The samples with those of their labels that a label schema takes, as ``annotate()`` narrows them."""
    # The classes do not count here; without any, FiftyOne looks for them.
    rest = {"classes": ["any"], "mask_targets": {}, "attributes": False}
    asked = {
        name: {"type": info["type"], **rest}
        for name, info in label_schema.items()
        if info.get("existing_field") and samples.get_field(name) is not None
    }
    return built_label_schema(samples, backend, asked)[1]


def document_classes(samples: foc.SampleCollection, frames: bool) -> tuple[type, ...]:
    """The classes whose names no field of samples, or of frames, can have."""
    dataset = root_dataset(samples)
    return fo.Sample, dataset._frame_doc_cls if frames else dataset._sample_doc_cls


def own_fields(samples: foc.SampleCollection, frames: bool) -> tuple[str, ...]:
    """The fields that FiftyOne itself gives samples, or frames."""
    defaults = samples._get_default_frame_fields if frames else samples._get_default_sample_fields
    return tuple(defaults(include_private=True))


def labels_path(samples: foc.SampleCollection, label_field: str) -> tuple[Any, str]:
    """The class of a label field, and the path of its labels, with ``frames.`` where it is one of frames."""
    cls, path = samples._get_label_field_path(label_field)
    return cls, path


def inner_path(samples: foc.SampleCollection, label_field: str, name: str) -> str:
    """The path of an attribute of a field's labels."""
    path: str = samples._get_label_field_path(label_field, name)[1]
    return path


def is_frame_field(samples: foc.SampleCollection, name: str) -> bool:
    """Whether a field is one of the frames of videos."""
    return bool(samples._is_frame_field(name))


def aggregate(
    samples: foc.SampleCollection, pipeline: Sequence[Mapping[str, Any]], frames: bool = False
) -> Iterator[Any]:
    """What MongoDB makes of the samples of a collection, or of their frames."""
    if frames:
        return iter(samples._aggregate(frames_only=True, post_pipeline=list(pipeline)))
    return iter(samples._aggregate(pipeline=list(pipeline)))


def stages_of(samples: foc.SampleCollection) -> list[Any]:
    """The stages of a view, which can be replaced in place; none of a dataset."""
    return getattr(samples, "_stages", [])


def prompt_field(results: Any, label_type: str, label_field: str, frames: bool) -> str | None:
    """Asks the person at the terminal which field unexpected labels go to; None where they are to be skipped."""
    schema = results.config.label_schema
    field: str | None = foua._prompt_field(results.dataset, label_type, label_field, schema, frames)
    return field


def prompt_imported_field(dataset: fo.Dataset, label_type: str) -> str | None:
    """Asks the same of labels of which no field of the dataset is known to be theirs."""
    field: str | None = foua._prompt_field(dataset, label_type, None, {}, False)
    return field


def built_label_schema(
    samples: foc.SampleCollection, backend: Any, label_schema: Any
) -> tuple[dict[str, Any], foc.SampleCollection]:
    """A label schema as ``annotate()`` completes it, without other arguments, before it calls the backend; and the
    samples with those of their labels that it takes.
    """
    defaults = inspect.signature(foua.annotate).parameters
    asked = [name for name in inspect.signature(foua._build_label_schema).parameters if name in defaults]
    arguments = {name: defaults[name].default for name in asked}
    arguments.update(samples=samples, backend=backend, label_schema=label_schema)
    built: tuple[dict[str, Any], foc.SampleCollection] = foua._build_label_schema(**arguments)
    return built


class LoadArguments(NamedTuple):
    """What a call of ``load_annotations()`` was given.

    Attributes:
        dest_field: where the labels go
        unexpected: what becomes of labels that the label schema does not expect
        settings: all other keyword arguments that FiftyOne does not know
    """

    dest_field: Any
    unexpected: Any
    settings: Mapping[str, Any]


def load_arguments() -> LoadArguments | None:
    """The arguments of the call of ``load_annotations()`` that is running, which hands them to no backend; None where
    none is running.

    Raises:
        RunError: this version of FiftyOne calls them otherwise
    """
    frame: FrameType | None = sys._getframe()
    while frame is not None and frame.f_code is not foua.load_annotations.__code__:
        frame = frame.f_back
    if frame is None:
        return None
    names = ("dest_field", "unexpected", "kwargs")
    # A frame of Python 3.13 raises an error of its own for what it does not have.
    given = dict(frame.f_locals)
    if missing := [name for name in names if name not in given]:
        raise RunError(f"this version of FiftyOne has no {missing[0]!r} in load_annotations(); report it")
    return LoadArguments(*(given[name] for name in names))


def is_end_of_load() -> bool:
    """Whether it is FiftyOne's ``load_annotations()`` itself that has called who calls this."""
    caller = sys._getframe(1).f_back
    return caller is not None and caller.f_code is foua.load_annotations.__code__


_OWN_KEYS = (*SHOWN_AS, "per_item")
"""What entries of a label schema may say to a backend of ours, and FiftyOne leaves out."""

_LACKING: Mapping[str, type[fol.Label]] = {
    label_type: cls
    for family in FAMILIES
    for label_type, cls in family.label_types.items()
    if family.is_new_to_annotate and cls is not None
}
"""The label types that ``annotate()`` does not know -> class of the label field's value."""

_KNOWN = tuple(cls for name, cls in foua._LABEL_TYPES_MAP.items() if name not in _LACKING)
_UNKNOWN = {name: cls for name, cls in _LACKING.items() if cls not in _KNOWN}
"""Those of them whose class is that of no label type that it knows."""

_OTHERWISE = "fo_labelstudio_otherwise"
"""The attribute of a function of ours that holds the one of FiftyOne's in whose place it is."""


def patch() -> None:
    """Has FiftyOne ask our backend where it asks none; other backends notice nothing. Patching twice changes nothing.

    A backend of ours has ``shown_samples(samples)``; ``discover_attributes(samples, label_field, classes)``;
    ``only_type``, ``known_classes`` and ``has_keyframes``, each of ``(samples, label_field)``; results of ours have
    ``merges_itself``.

    Label types that FiftyOne's tables lack are added there, since its functions look into them by name. They ask the
    backend first whether it supports a type, so no other backend gets to see them.
    """
    filed_as = {label_type: family_of_type(label_type).filed_as for label_type in _LACKING}
    foua._LABEL_TYPES_MAP.update(_LACKING)
    foua._RETURN_TYPES_MAP.update(filed_as)
    foua._LABEL_TYPES = tuple(dict.fromkeys((*foua._LABEL_TYPES, *filed_as.values())))
    if not isinstance(foua._TRACKABLE_TYPES, _TrackableTypes):
        foua._TRACKABLE_TYPES = _TrackableTypes(foua._TRACKABLE_TYPES)
    _replace("_build_label_schema", _label_schema)
    _replace("_get_backend_field_type", _field_type)
    _replace("_get_classes", _classes)
    _replace("_get_label_attributes", _label_attributes)
    _replace("_get_label_type", _label_type)
    _replace("_merge_labels", _merge)
    _replace("_merge_scalars", _merge)
    foan.AnnotationMethod.load_run_results = classmethod(_load_run_results)


def _replace(name: str, make: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    current = getattr(foua, name)
    otherwise = getattr(current, _OTHERWISE, current)
    replacement = functools.wraps(otherwise)(make(otherwise))
    setattr(replacement, _OTHERWISE, otherwise)
    setattr(foua, name, replacement)


def _label_attributes(otherwise: Callable[..., Any]) -> Callable[..., Any]:
    """FiftyOne's own function loads every label to find what ``attributes=True`` stands for."""

    def label_attributes(
        samples: Any, backend: Any, label_field: str, label_type: str, classes: list[str] | None = None
    ) -> Any:
        if hasattr(backend, "discover_attributes"):
            return backend.discover_attributes(samples, label_field, classes)
        return otherwise(samples, backend, label_field, label_type, classes=classes)

    return label_attributes


def _classes(otherwise: Callable[..., Any]) -> Callable[..., Any]:
    """FiftyOne looks for the classes of a field in the dataset and in the view, each through all frames (1.22.1)."""

    def classes_of(
        samples: Any,
        backend: Any,
        classes: Any,
        label_field: str,
        label_info: Mapping[str, Any],
        existing_field: bool,
        label_type: str,
    ) -> Any:
        is_asked = label_info.get("classes", classes) or label_type == "scalar" or not existing_field
        found = (
            None if is_asked or not hasattr(backend, "known_classes") else backend.known_classes(samples, label_field)
        )
        if found is not None:
            return found
        return otherwise(samples, backend, classes, label_field, label_info, existing_field, label_type)

    return classes_of


def _label_type(otherwise: Callable[..., Any]) -> Callable[..., Any]:
    """Of a field that may hold labels of two types, FiftyOne takes one, and warns whether there are others or not."""

    def label_type_of(
        samples: Any, backend: Any, label_type: str | None, label_field: str, label_info: Mapping[str, Any]
    ) -> Any:
        if hasattr(backend, "only_type") and label_type is None and "type" not in label_info:
            label_type = backend.only_type(samples, label_field)
        asked = label_info.get("type", label_type)
        if hasattr(backend, "only_type") and asked in _LACKING and asked not in _UNKNOWN:
            field = samples.get_field(label_field)
            if isinstance(field, fof.EmbeddedDocumentField) and issubclass(field.document_type, _LACKING[asked]):
                return asked, is_frame_field(samples, label_field), True, False
        return otherwise(samples, backend, label_type, label_field, label_info)

    return label_type_of


def _field_type(otherwise: Callable[..., Any]) -> Callable[..., Any]:
    """FiftyOne's own function takes no field of the label types that its tables lack."""

    def field_type(backend: Any, field: Any) -> Any:
        if hasattr(backend, "only_type") and isinstance(field, fof.EmbeddedDocumentField):
            for label_type, cls in _UNKNOWN.items():
                if issubclass(field.document_type, cls):
                    return label_type
        return otherwise(backend, field)

    return field_type


def _label_schema(otherwise: Callable[..., Any]) -> Callable[..., Any]:
    """FiftyOne hands ``allow_spatial_edits`` on for the shapes that its tables have, and no key that is ours alone.

    The forms of its annotation plugin have attributes as rows, which FiftyOne itself does not take.

    To find out whether tracks have keyframes, it has MongoDB put the frames of all videos through the view, which takes
    as long as to read them (1.22.1).

    Clips have the moments of their videos as other labels, or not at all, so the label schema is that of the videos.
    """
    signature = inspect.signature(otherwise)

    def label_schema(samples: Any, backend: Any, *args: Any, **kwargs: Any) -> Any:
        if not hasattr(backend, "only_type"):
            return otherwise(samples, backend, *args, **kwargs)
        samples = backend.shown_samples(samples)
        bound = signature.bind(videos_of(samples), backend, *args, **kwargs)
        asked = bound.arguments
        given = asked["label_schema"] = _without_rows(asked.get("label_schema"))
        with _no_trackable_types():
            schema, videos = otherwise(*bound.args, **bound.kwargs)
        for name, info in schema.items():
            own = (given.get(name) if isinstance(given, Mapping) else None) or {}
            info.update({key: own[key] for key in _OWN_KEYS if key in own})
            if info.get("type") in _LACKING and info["existing_field"]:
                info["allow_spatial_edits"] = own.get("allow_spatial_edits", asked.get("allow_spatial_edits", True))
            # Nothing has a name where the project is to say what is asked.
            is_of_frames = name is not None and is_frame_field(videos, name)
            is_of_tracks = is_of_frames and foua._RETURN_TYPES_MAP[info["type"]] in foua._TRACKABLE_TYPES
            if is_of_tracks and info["existing_field"]:
                info["allow_index_edits"] = own.get("allow_index_edits", asked.get("allow_index_edits", True))
                info["only_keyframes"] = backend.has_keyframes(videos, name)
        return schema, _narrowed_alike(samples, videos) if is_clips(samples) else videos

    return label_schema


def _without_rows(label_schema: Any) -> Any:
    """A label schema whose attributes have their names as keys, where they are rows that hold them.

    Source: ``@voxel51/annotation`` 1.0.0, ``create_attribute_schema``
    """
    if not isinstance(label_schema, Mapping):
        return label_schema
    return {
        name: {**info, "attributes": _named_rows(info["attributes"])} if info and "attributes" in info else info
        for name, info in label_schema.items()
    }


def _named_rows(attributes: Any) -> Any:
    are_rows = isinstance(attributes, list) and all(isinstance(row, Mapping) and "name" in row for row in attributes)
    if not are_rows or not attributes:
        return attributes
    return {
        row["name"]: {key: value for key, value in row.items() if key != "name" and value not in (None, "", [])}
        for row in attributes
    }


_untracked: ContextVar[bool] = ContextVar("untracked", default=False)
"""Whether the label schema that is being built asks nothing about tracks."""


@contextmanager
def _no_trackable_types() -> Iterator[None]:
    """Has FiftyOne complete a label schema, in this thread, without what it knows of tracks."""
    token = _untracked.set(True)
    try:
        yield
    finally:
        _untracked.reset(token)


class _TrackableTypes(tuple[str, ...]):
    """The types of labels that FiftyOne looks for tracks among."""

    def __contains__(self, label_type: object) -> bool:
        return not _untracked.get() and super().__contains__(label_type)


def _narrowed_alike(clips: Any, videos: Any) -> Any:
    """Clips with those labels only that their videos were narrowed to."""
    for stage in stages_of(videos)[len(stages_of(videos_of(clips))) :]:
        clips = clips.add_stage(stage)
    return clips


def _merge(otherwise: Callable[..., Any]) -> Callable[..., Any]:
    """FiftyOne's merges say at length that they were handed nothing."""

    def merge(dataset: Any, anno_dict: Any, results: Any, *args: Any, **kwargs: Any) -> Any:
        if anno_dict or not getattr(results, "merges_itself", False):
            return otherwise(dataset, anno_dict, results, *args, **kwargs)
        return None

    return merge
