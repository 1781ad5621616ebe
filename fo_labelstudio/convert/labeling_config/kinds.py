"""The tags of labeling configs: what each control tag asks for, and what each object tag shows.

Source: Label Studio docs, tags; label-studio 1.23.2, whose editor takes names of tags in upper and lower case alike
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import NamedTuple

from fo_labelstudio.convert.families import FAMILIES
from fo_labelstudio.convert.media.medium import Medium
from fo_labelstudio.convert.shapes.spans import SPAN_KINDS


class Kind(Enum):
    """What a control tag asks for."""

    SHAPE = "region shape"
    CLASSES = "class of regions"
    CHOICES = "choices"
    TAXONOMY = "taxonomy"
    SCALAR = "scalar"
    TEXT = "text"
    RELATION = "relation"
    RANKING = "ranking"
    TRACK = "boxes over the frames of a video"
    RANGE = "ranges of frames of a video"
    SPAN = "parts of texts, or of time"
    OTHER_MEDIUM = "other medium"


class TagFacts(NamedTuple):
    """What is known of a control tag.

    Attributes:
        kind: what it asks for
        shape: of a shape, the ``type`` of its geometry: that of ``<RectangleLabels>`` is ``rectangle``
        has_classes: whether it holds the classes to choose from
    """

    kind: Kind
    shape: str | None = None
    has_classes: bool = False


_LABELS = "Labels"
_SHAPES = ("Rectangle", "Polygon", "KeyPoint", "Ellipse", "Brush", "Bitmask", "Vector")
_TEXT_AND_TIME = ("HyperTextLabels", "ParagraphLabels", "TimeSeriesLabels", "TableLabels")
_DOCUMENTS = ("OcrLabels", "PdfLabels", "Chat", "ChatMessage", "ReactCode", "CubeLabels")

CONTROL_TAGS: Mapping[str, TagFacts] = {
    **{tag: TagFacts(Kind.SHAPE, tag.lower()) for tag in _SHAPES},
    **{f"{tag}Labels": TagFacts(Kind.SHAPE, tag.lower(), has_classes=True) for tag in _SHAPES},
    "MagicWand": TagFacts(Kind.SHAPE, "brush"),
    "Labels": TagFacts(Kind.CLASSES, has_classes=True),
    "Choices": TagFacts(Kind.CHOICES, has_classes=True),
    "Taxonomy": TagFacts(Kind.TAXONOMY, has_classes=True),
    "Rating": TagFacts(Kind.SCALAR),
    "Number": TagFacts(Kind.SCALAR),
    "DateTime": TagFacts(Kind.SCALAR),
    "TextArea": TagFacts(Kind.TEXT),
    "Relations": TagFacts(Kind.RELATION, has_classes=True),
    "Pairwise": TagFacts(Kind.RANKING),
    "Ranker": TagFacts(Kind.RANKING),
    **{tag: TagFacts(Kind.OTHER_MEDIUM, has_classes=True) for tag in (*_TEXT_AND_TIME, *_DOCUMENTS)},
    **{tag: TagFacts(Kind.OTHER_MEDIUM) for tag in ("VideoVector", "Cube")},
    "VideoRectangle": TagFacts(Kind.TRACK),
    "TimelineLabels": TagFacts(Kind.RANGE, has_classes=True),
    "VideoVectorLabels": TagFacts(Kind.OTHER_MEDIUM, has_classes=True),
    **{kind.tag: TagFacts(Kind.SPAN, has_classes=True) for kind in SPAN_KINDS.values() if kind.tag != _LABELS},
}
"""Control tag -> what it asks for."""

OBJECT_TAGS: Mapping[str, str] = {
    "Image": "image",
    "Video": "video",
    "Audio": "audio",
    "AudioPlus": "audio",
    "Text": "text",
    "HyperText": "hypertext",
    "Paragraphs": "paragraphs",
    "Chat": "chat",
    "TimeSeries": "timeseries",
    "Table": "table",
    "List": "list",
    "Pdf": "pdf",
    "GPSMap": "map",
    "Object3D": "3D",
    "ReactCode": "code of its own",
}
"""Object tag -> the medium that it shows."""

HELPERS = (
    *("View", "Header", "Style", "Collapse", "Panel", "Dialog", "Markdown", "PagedView", "Repeater", "Typography"),
    *("Filter", "Magnify", "Shortcut", "Label", "Choice", "Relation", "Channel", "MultiChannel", "Bucket"),
)
"""Tags that neither show nor ask: layout, what can be chosen, and tools of the editor."""

PATH_SEPARATOR = "/"
"""Between the parts of a choice that is a path, in the name of the class that it becomes."""

_CANONICAL = {tag.lower(): tag for tag in (*CONTROL_TAGS, *OBJECT_TAGS, *HELPERS)}

_LABEL_TYPES = {kind: label_type for family in FAMILIES for kind, label_type in family.claims.items()}
_SCOPES: dict[str, set[str]] = {}
for _family in FAMILIES:
    for _region_type in (*_family.region_types, *_family.claims):
        _SCOPES.setdefault(_region_type, set()).update(_family.scopes)
_FILED_AS = {region_type: family.filed_as for family in FAMILIES for region_type in family.region_types}


def canonical(tag: str) -> str:
    """A tag's name as Label Studio's docs write it; that of an unknown tag as it is."""
    return _CANONICAL.get(tag.lower(), tag)


def is_known(tag: str) -> bool:
    """Whether Label Studio's docs have a tag."""
    return tag.lower() in _CANONICAL


def facts_of(tag: str) -> TagFacts | None:
    """What is known of a control tag, however it is written; None for other tags."""
    return CONTROL_TAGS.get(canonical(tag))


def kind_of(tag: str) -> Kind | None:
    """What a control tag asks for; None for other tags."""
    facts = facts_of(tag)
    return facts.kind if facts else None


def label_type_of(tag: str) -> str | None:
    """The label type that answers to a control tag about whole images, or its regions, become; None for no labels."""
    facts = facts_of(tag)
    if facts is None:
        return None
    if facts.kind is Kind.SHAPE:
        return _LABEL_TYPES.get(f"{facts.shape}labels")
    if facts.kind in (Kind.RANGE, Kind.TRACK):
        region_type = canonical(tag).lower()
        return _LABEL_TYPES.get(region_type, _FILED_AS[region_type])
    return _LABEL_TYPES["choices"] if facts.kind in (Kind.CHOICES, Kind.TAXONOMY) else None


def drawn_kind(tag: str, medium: Medium) -> str | None:
    """The ``type`` of regions with a class that a control tag, or a result of that name, draws on a medium, or None."""
    facts = facts_of(tag)
    if facts is None or facts.kind not in (Kind.SHAPE, Kind.TRACK, Kind.RANGE):
        return None
    kind = canonical(tag).lower() if facts.shape is None else f"{facts.shape}labels"
    return kind if not _SCOPES.get(kind, set()).isdisjoint(medium.scopes) else None


def span_type(tag: str, scope: str) -> str | None:
    """The ``type`` of the spans that a control tag, or a result of that name, marks where labels live so, or None."""
    kind = SPAN_KINDS.get(scope)
    return kind.region_type if kind is not None and canonical(tag) in (kind.tag, _LABELS) else None


def span_label_type(scope: str) -> str:
    """The label type that spans become where labels live so."""
    kind = SPAN_KINDS[scope].region_type
    return next(
        name for one in FAMILIES if scope in one.scopes and kind in one.region_types for name in one.label_types
    )


def class_key(kind: str) -> str:
    """Where the value of a region has its classes, by the ``type`` of its kind of regions with a class."""
    return _LABELS.lower() if kind_of(kind) is Kind.TRACK else kind


def is_bare_shape(tag: str) -> bool:
    """Whether a control tag draws shapes and holds no classes: ``<Rectangle>``, not ``<RectangleLabels>``."""
    facts = facts_of(tag)
    return facts is not None and facts.kind is Kind.SHAPE and not facts.has_classes


def with_classes(tag: str) -> str:
    """The control tag that draws the same shapes and holds their classes; the tag itself where there is none."""
    return f"{tag}{_LABELS}" if f"{tag}{_LABELS}" in CONTROL_TAGS else tag


def without_classes(tag: str) -> str:
    """The control tag that draws the same shapes and holds no classes."""
    return tag.removesuffix(_LABELS)


def class_of_path(path: Sequence[str]) -> str:
    """The class that a nested choice becomes: ``["Animal", "Cat"]`` is ``Animal/Cat``."""
    return PATH_SEPARATOR.join(path)
