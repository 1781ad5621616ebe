"""Spans of HTML: characters of its text as <HyperText> counts them, which are code points (1.23.2).

What people mark says where it is twice: by paths to the elements, and by ``globalOffsets``. A prediction that has the
same two numbers as one of <Text> is shown alike, and comes back as it is. A path tells nothing without the browser.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.convert.shapes.spans import text
from fo_labelstudio.convert.shapes.spans.kind import Span, SpanKind
from fo_labelstudio.errors import RegionError
from fo_labelstudio.messages import quoted

_COUNTED = "globalOffsets"


def parse(value: Mapping[str, Any], media: MediaInfo) -> Span:
    counted = value.get(_COUNTED)
    if isinstance(counted, Mapping):
        return text.parse({**value, **{key: counted.get(key) for key in ("start", "end")}}, media)
    if isinstance(value.get("start"), str):
        raise RegionError(
            f"it says where it is by the path {quoted(value['start'])} alone, without {_COUNTED}; open its task in "
            "the editor and update the annotation, which adds them"
        )
    return text.parse(value, media)


KIND = SpanKind("HyperTextLabels", text.problem_of, text.to_value, parse, text.words)
