"""What the samples of a collection are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import fiftyone.core.collections as foc

from fo_labelstudio.convert.media import DEFAULT, media_of_extension, medium_of_type
from fo_labelstudio.convert.media.medium import UNKNOWN, Medium
from fo_labelstudio.dataset.internals import aggregate
from fo_labelstudio.errors import LabelSchemaError

_END = r"\.[^./\\]{1,20}$"


def medium_of_samples(samples: foc.SampleCollection) -> Medium:
    """What the samples of a collection are: by their media type, or by the names of files that FiftyOne does not know.

    Files whose names tell nothing count as images. Where names tell several kinds, the first file that is of one does.

    Raises:
        LabelSchemaError: they are of several kinds
    """
    if samples.media_type != UNKNOWN:
        return medium_of_type(samples.media_type)
    found = _extensions(samples)
    media = {extension: media_of_extension(extension) for extension in found}
    known = list(dict.fromkeys(media.values()))
    if not any(known):
        # Their content tells: images may have any name, or an address that tells nothing.
        return DEFAULT
    if len(known) == 1:
        return known[0][0] if len(known[0]) == 1 else _by_content(samples, known[0])
    kinds = ", ".join(f"{count} {extension or 'without an extension'}" for extension, count in found.items())
    some = next(extension for extension, one in media.items() if one)
    raise LabelSchemaError(
        f"the samples are files of several kinds ({kinds}); annotate a view of one kind, such as "
        f"dataset.match(F('filepath').ends_with({some!r}))"
    )


def _by_content(samples: foc.SampleCollection, media: Sequence[Medium]) -> Medium:
    """Which of several media the first file is that is one of them; the first of them where none is."""
    for sample in samples.select_fields("filepath").iter_samples():
        try:
            with open(sample.filepath, encoding="utf-8-sig") as file:
                content = file.read()
        except (OSError, ValueError):
            continue
        medium = next((medium for medium in media if medium.is_content(content)), None)
        if medium is not None:
            return medium
    return media[0]


def _extensions(samples: foc.SampleCollection) -> Mapping[str, int]:
    """How the names of the files of samples end -> how many do, most first."""
    end: dict[str, Any] = {"$regexFind": {"input": {"$ifNull": ["$filepath", ""]}, "regex": _END}}
    pipeline: list[dict[str, Any]] = [
        {"$project": {"end": end}},
        {"$group": {"_id": {"$toLower": "$end.match"}, "count": {"$sum": 1}}},
        {"$sort": {"count": -1, "_id": 1}},
    ]
    return {row["_id"] or "": row["count"] for row in aggregate(samples, pipeline)}
