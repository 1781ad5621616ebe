"""What became of samples -> tags of samples, or a field: one write per changed sample, none for the others."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice

import fiftyone as fo
import fiftyone.core.fields as fof

from fo_labelstudio.dataset.internals import ungrouped
from fo_labelstudio.dataset.place import Place

_BLOCK = 10_000
"""Samples that one view selects; a document of the database has room for 16 MB."""


def tags_in_use(dataset: fo.Dataset, tags: Collection[str]) -> list[str]:
    """Those of some tags that samples have."""
    return sorted(set(tags) & set(ungrouped(dataset).distinct("tags")))


def write_tags(place: Place, wanted: Mapping[str, Collection[str]]) -> tuple[int, int]:
    """Gives each tag to some samples and takes it from all others; other tags stay.

    Args:
        place: the tags of samples
        wanted: tag -> ids of the samples that are to have it

    Returns:
        how many tags were added, and how many were taken away
    """
    samples, changes = ungrouped(place.dataset), {"$addToSet": 0, "$pull": 0}
    for tag, ids in wanted.items():
        tagged = set(samples.match_tags(tag).values("id"))
        for operator, changed in (("$pull", tagged - set(ids)), ("$addToSet", set(ids) - tagged)):
            for block in _blocks(sorted(changed)):
                if place.stamp is not None:
                    place.stamp.begin()
                docs = place.read(block)
                operations = [place.update(doc, {operator: {place.db_path: tag}}) for doc in docs.values()]
                changes[operator] += place.write(operations, docs)
    return changes["$addToSet"], changes["$pull"]


def write_states(place: Place, wanted: Mapping[str, Sequence[str]]) -> None:
    """Writes a list of texts to a field of some samples, or frames, and takes it from all others.

    Args:
        place: the field, which is made where it is missing
        wanted: id -> the texts
    """
    place.ensure(ftype=fof.ListField, subfield=fof.StringField)
    # Further ones are of samples that have left the run.
    for ids in _blocks([*wanted, *(set(place.ids_with_values()) - wanted.keys())]):
        docs = place.read(ids)
        changed = {
            doc_id: place.replace(doc, list(wanted[doc_id]) if doc_id in wanted else None)
            for doc_id, doc in docs.items()
            if place.value_in(doc) != (list(wanted[doc_id]) if doc_id in wanted else None)
        }
        place.write(list(changed.values()), changed)


def _blocks(ids: Iterable[str]) -> Iterator[list[str]]:
    rest = iter(ids)
    while block := list(islice(rest, _BLOCK)):
        yield block
