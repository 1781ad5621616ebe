"""Samples of a collection -> SampleRecords, block by block."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from pathlib import Path

import fiftyone.core.collections as foc
import fiftyone.core.fields as fof
import fiftyone.core.metadata as fom

from fo_labelstudio.convert.families import has_masks
from fo_labelstudio.convert.schema import LabelField, MediaInfo
from fo_labelstudio.convert.stored import StoredLabels
from fo_labelstudio.convert.tasks import SampleRecord
from fo_labelstudio.dataset import masks
from fo_labelstudio.errors import LabelSchemaError

BLOCK = 500
"""Samples held at once. Label Studio imports 500 to 2,000 tasks a request fastest (1.23.2, SQLite)."""

BLOCK_WITH_MASKS = 20
"""The same where samples hold masks, which take megabytes each."""


def check_writable(samples: foc.SampleCollection, fields: Sequence[LabelField]) -> None:
    """Refuses label fields that could not be written when the annotations are loaded.

    Raises:
        LabelSchemaError: a field is read-only, or is to be made where there is no document to hold it
    """
    for field in fields:
        stored = samples.get_field(field.name)
        if stored is not None and stored.read_only:
            raise LabelSchemaError(
                f"field {field.name!r} is read-only, its annotations could not be loaded; clear the flag with "
                f"`field = dataset.get_field({field.name!r}); field.read_only = False; field.save()`"
            )
        parent = field.name.rpartition(".")[0]
        if parent and not isinstance(samples.get_field(parent), fof.EmbeddedDocumentField):
            raise LabelSchemaError(
                f"field {field.name!r}: {parent!r} is no field of one embedded document, so it cannot hold labels; "
                "make it first with dataset.add_sample_field(), or choose another field"
            )


def read_blocks(
    samples: foc.SampleCollection,
    fields: Sequence[LabelField],
    media_field: str,
    problems: list[str],
    without: Collection[str] = (),
) -> Iterator[list[SampleRecord]]:
    """The samples of a collection, each once, in blocks of BLOCK.

    Args:
        samples: the collection
        fields: the label fields of the run
        media_field: the field that holds the paths of the media
        problems: receives a message for each sample whose media cannot be read; such samples are left out
        without: ids of samples that are left out
    """
    paths = ["id", media_field, *(field.name for field in fields if field.existing)]
    label_fields = {field.name for field in fields if field.question is None}
    with_masks = {field.name for field in fields if has_masks(field.label_type)}
    ids = (sample_id for sample_id in dict.fromkeys(samples.values("id")) if sample_id not in without)
    size = BLOCK_WITH_MASKS if with_masks else BLOCK
    while block := list(islice(ids, size)):
        columns = samples.select(block).values(paths, _raw=True)
        rows = {str(row[0]): row for row in zip(*columns, strict=True)}
        records = []
        for sample_id in block:
            if sample_id not in rows:
                problems.append(f"sample {sample_id}: it was deleted meanwhile")
                continue
            _, path, *labels = rows[sample_id]
            try:
                media = read_media(path)
            except (OSError, TypeError, ValueError) as error:
                problems.append(f"sample {sample_id}, {media_field} {path!r}: its image cannot be read ({error})")
                continue
            values = dict(zip(paths[2:], labels, strict=True))
            for name in label_fields & values.keys():
                values[name] = StoredLabels.of(values[name])
            try:
                for name in with_masks & values.keys():
                    for label in values[name]:
                        masks.read_into(label)
            except OSError as error:
                problems.append(f"sample {sample_id}: {error}; correct the mask_path, or leave the label out")
                continue
            records.append(SampleRecord(sample_id, path, media, values))
        yield records


def read_media(path: str) -> MediaInfo:
    """The size of an image file, from its header alone.

    Raises:
        OSError: there is no such file, or it is no image
        ValueError: the path is empty
    """
    if not path:
        raise ValueError("there is no path")
    with Path(path).open("rb") as file:
        width, height, _ = fom.get_image_info(file)
    return MediaInfo(width, height)
