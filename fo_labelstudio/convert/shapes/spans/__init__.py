"""The table of span kinds, a module per row: what spans of a medium are."""

from __future__ import annotations

from fo_labelstudio.convert.shapes.spans import audio, hypertext, paragraphs, text, timeseries
from fo_labelstudio.convert.shapes.spans.kind import SpanKind

SPAN_KINDS: dict[str, SpanKind] = {
    "text": text.KIND,  # characters of <Text>
    "hypertext": hypertext.KIND,  # characters of <HyperText>
    "paragraphs": paragraphs.KIND,  # turns and characters of <Paragraphs>
    "audio": audio.KIND,  # seconds of <Audio>
    "timeseries": timeseries.KIND,  # times of <TimeSeries>
}
"""Scope of a medium -> what spans of it are."""
