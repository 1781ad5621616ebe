"""The pages of PDF documents: <Image> with a valueList, for labels that are drawn, which <Pdf> does not take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from fo_labelstudio.convert.media import images
from fo_labelstudio.convert.media.medium import MediaInfo

_SIZES = "page_sizes"


def to_meta(media: MediaInfo) -> dict[str, Any]:
    return {_SIZES: [[page.width, page.height] for page in media.items]}


def parse_meta(meta: Mapping[str, Any]) -> MediaInfo | None:
    return images.sizes_in(meta.get(_SIZES))


MEDIUM = replace(
    images.MEDIUM,
    name="pdf_pages",
    noun="PDF document",
    scopes=("pdf_pages",),
    meta_keys=(_SIZES,),
    to_meta=to_meta,
    parse_meta=parse_meta,
    shown_value=None,
)
