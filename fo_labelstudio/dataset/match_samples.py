"""The samples that tasks of somebody else may show, and new ones for media of which there is none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

import fiftyone as fo
import fiftyone.core.collections as foc
import fiftyone.core.media as fomm

from fo_labelstudio.convert.media_match import Samples, text_of
from fo_labelstudio.dataset.internals import aggregate, root_dataset, ungrouped
from fo_labelstudio.dataset.place import Place, value_at
from fo_labelstudio.errors import SettingsError

_BLOCK = 1_000
"""New samples that are held at once."""


def read_samples(samples: foc.SampleCollection, media_field: str = "filepath", fields: Sequence[str] = ()) -> Samples:
    """The ids, media paths and some fields of the samples of a dataset, those of all its slices; nothing else.

    Args:
        samples: the samples that are asked for: the dataset, or a view into it
        media_field: the field that holds the paths or addresses of the media
        fields: fields by which samples are to be found, too

    Raises:
        SettingsError: there is no such field of samples
    """
    dataset = root_dataset(samples)
    for name in (media_field, *fields):
        if dataset.get_field(name) is None:
            known = ", ".join(sorted(dataset.get_field_schema()))
            raise SettingsError(f"there is no field {name!r} of samples; pass one of {known}")
    # What a view leaves out is looked at, too: a task that shows it must not be taken for another.
    if fields:
        ids, paths, *columns = ungrouped(dataset).values(["id", media_field, *fields])
        values = [_texts(own) for own in zip(*columns)]
    else:
        (ids, paths), values = _ids_and_paths(dataset, media_field), []
    inside = None if samples is dataset else ungrouped(samples).values("id")
    return Samples(ids, [path if isinstance(path, str) else None for path in paths], values, inside)


def _ids_and_paths(dataset: fo.Dataset, media_field: str) -> tuple[list[str], list[Any]]:
    """The same as ``values()`` gives, which holds all documents at once."""
    path = Place(dataset, media_field).db_path
    ids, paths = [], []
    for doc in aggregate(ungrouped(dataset), [{"$project": {path: True}}]):
        ids.append(str(doc["_id"]))
        paths.append(value_at(doc, path))
    return ids, paths


def _texts(values: Sequence[Any]) -> tuple[str, ...] | None:
    texts = [text for value in values if (text := text_of(value)) is not None]
    return tuple(texts) if len(texts) == len(values) else None


def add_samples(
    samples: foc.SampleCollection,
    sizes: Mapping[str, tuple[int, int] | None],
    media_field: str = "filepath",
) -> dict[str, str]:
    """Adds a sample for each media file to the dataset of a collection.

    Args:
        samples: the collection
        sizes: path of a media file -> width and height of its image in pixels, or None where they are not known
        media_field: the field that holds the paths of the media; set beside ``filepath``

    Returns:
        path -> id of its sample

    Raises:
        SettingsError: the dataset holds groups, of which it is not known which slice a file belongs to, or samples of
            another media type
    """
    dataset = root_dataset(samples)
    if dataset.media_type == "group":
        raise SettingsError(
            "samples cannot be added to a dataset of groups, as nothing says which slice they belong to; pass "
            "insert_new=False, or add them first"
        )
    others = [path for path in sizes if dataset.media_type not in (None, fomm.get_media_type(path))]
    if others:
        raise SettingsError(
            f"{len(others)} files, such as {others[0]}, cannot become samples of this dataset, whose media type is "
            f"{dataset.media_type!r}; pass match={{...}} to find the samples that tasks show, insert_new=False, or a "
            "dataset of its own"
        )
    added: dict[str, str] = {}
    remaining = iter(sizes.items())
    while block := list(islice(remaining, _BLOCK)):
        ids = dataset.add_samples(_samples_of(block, media_field), progress=False)
        added.update(zip((path for path, _ in block), ids, strict=True))
    return added


def _samples_of(block: Iterable[tuple[str, tuple[int, int] | None]], media_field: str) -> list[fo.Sample]:
    made = []
    for path, size in block:
        values = {} if media_field == "filepath" else {media_field: path}
        metadata = None if size is None else fo.ImageMetadata(width=size[0], height=size[1])
        made.append(fo.Sample(filepath=path, metadata=metadata, **values))
    return made
