"""Labels, fields and media for property tests."""

from __future__ import annotations

import dataclasses
import math
from datetime import date, datetime
from typing import Any, NamedTuple

import fiftyone as fo
import numpy as np
from hypothesis import strategies as st

from fo_labelstudio.convert.families import (
    LABEL_TYPES,
    family_in,
    family_of,
    family_of_type,
    has_several,
    holds_list,
    is_served,
)
from fo_labelstudio.convert.family import Family
from fo_labelstudio.convert.frame_labels import FrameLabel
from fo_labelstudio.convert.media import medium_of
from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.convert.names import inner_name, is_showable
from fo_labelstudio.convert.question import Question
from fo_labelstudio.convert.records import Attribute, LabelField, Skeleton
from fo_labelstudio.convert.shapes.spans import SPAN_KINDS
from fo_labelstudio.convert.stored import ScalarValue, StoredLabel, StoredLabels
from tests.convert.spanned import FIELD as SHOWN
from tests.convert.spanned import SPANNED

CLASSES = ("cat", "dog", 'a<b & "c"', "日本", " padded ", "a,b", "Cat")
TARGETS = {"cat": 1, "dog": 2, "日本": 255}
COLOURS = {"cat": "#ff0000", "dog": "#00ff00", "日本": "#0102fe"}
SKELETON = Skeleton(("head", "neck", "left hand", "right hand"), ((0, 1), (1, 2), (1, 3)))

FRAME_KINDS = [f"frames.{name}" for name in LABEL_TYPES if is_served("frames", name)]
"""The label types of labels that live in frames of videos."""

SPAN_TYPES = [f"{scope}.spans" for scope in SPAN_KINDS][1:]
"""The spans of all media but the first one."""

KINDS = [*LABEL_TYPES, *FRAME_KINDS, *SPAN_TYPES]
"""Every label type, where its labels live: those of frames begin with ``frames.``, and so do some with their medium."""


def family_for(kind: str) -> Family:
    """The family of a label type."""
    scope, _, label_type = kind.rpartition(".")
    return family_in(scope, label_type) if scope else family_of_type(label_type)


def singular(label_type: str) -> str:
    """The name of a label type without its plural."""
    return label_type.removesuffix("s")


IMAGE_TYPES = [name for name in LABEL_TYPES if is_served("image", name)]
"""The label types of labels that live on images."""


def _media_of(facts: tuple[Any, ...]) -> MediaInfo:
    """Media of which no more is known; built by its type alone, it would hold others without end."""
    return MediaInfo(*facts)


media = st.tuples(st.integers(1, 20_000), st.integers(1, 20_000)).map(_media_of)
videos = st.tuples(st.integers(1, 20_000), st.integers(1, 20_000), st.integers(1, 10**6), st.floats(1, 240)).map(
    _media_of
)
small_media = st.tuples(st.integers(1, 200), st.integers(1, 200)).map(_media_of)
"""Small enough to draw masks."""

class_names = st.text(min_size=1, max_size=20).filter(is_showable)
coordinates = st.floats(0, 1, allow_subnormal=False)
confidences = st.none() | st.floats(0, 1)
texts = st.text(max_size=20).filter(lambda text: "\x00" not in text)


@st.composite
def boxes(draw: st.DrawFn) -> list[float]:
    """Boxes within the image, relative."""
    x0, x1 = sorted((draw(coordinates), draw(coordinates)))
    y0, y1 = sorted((draw(coordinates), draw(coordinates)))
    return [x0, y0, x1 - x0, y1 - y0]


@st.composite
def detections(draw: st.DrawFn) -> fo.Detection:
    """Detections, turned or not."""
    turned = {}
    if draw(st.booleans()):
        turned["rotation"] = draw(st.floats(0, 2 * math.pi, exclude_max=True, allow_subnormal=False))
    return fo.Detection(
        label=draw(st.sampled_from(CLASSES)),
        bounding_box=draw(boxes()),
        confidence=draw(confidences),
        **turned,
    )


classifications = st.builds(fo.Classification, label=st.sampled_from(CLASSES), confidence=confidences)


def noise(height: int, width: int) -> st.SearchStrategy[np.ndarray]:
    """Boolean masks of some density; numpy's noise, for hypothesis is slow to draw pixel by pixel."""
    return st.builds(
        lambda seed, density: np.random.default_rng(seed).random((height, width)) < density,
        st.integers(0, 2**32),
        st.sampled_from((0.02, 0.5, 0.98, 1)),
    )


@st.composite
def instances(draw: st.DrawFn, size: MediaInfo) -> fo.Detection:
    """Instances on pixels of the image, at least one of them set."""
    left, top = draw(st.integers(0, size.width - 1)), draw(st.integers(0, size.height - 1))
    width, height = draw(st.integers(1, size.width - left)), draw(st.integers(1, size.height - top))
    mask = draw(noise(height, width))
    mask[draw(st.integers(0, height - 1)), draw(st.integers(0, width - 1))] = True
    return fo.Detection(
        label=draw(st.sampled_from(CLASSES)),
        bounding_box=[left / size.width, top / size.height, width / size.width, height / size.height],
        mask=draw(st.sampled_from((mask, mask.astype(np.uint8), mask.astype(np.uint8) * 255))),
        confidence=draw(confidences),
    )


points = st.tuples(coordinates, coordinates).map(list)


def shapes(least: int) -> st.SearchStrategy[list[Any]]:
    """The points of a polyline."""
    return st.lists(st.lists(points, min_size=least, max_size=6), min_size=1, max_size=3)


def polygons() -> st.SearchStrategy[fo.Polyline]:
    """Filled shapes."""
    return st.builds(
        fo.Polyline,
        label=st.sampled_from(CLASSES),
        points=shapes(1),
        closed=st.just(True),
        filled=st.just(True),
        confidence=confidences,
    )


def polylines() -> st.SearchStrategy[fo.Polyline]:
    """Paths, open and closed; what is closed has an inside."""
    common = {"label": st.sampled_from(CLASSES), "confidence": confidences}
    return st.builds(fo.Polyline, points=shapes(1), closed=st.just(False), **common) | st.builds(
        fo.Polyline, points=shapes(3), closed=st.just(True), **common
    )


@st.composite
def keypoints(draw: st.DrawFn, field: LabelField) -> fo.Keypoint:
    """Keypoints; of a skeleton some joints may be missing, but not all."""
    if field.tool == "VectorLabels":
        size = len(field.skeleton.joints)
        seen = draw(st.lists(st.integers(0, size - 1), min_size=1, unique=True))
        found = [draw(points) if number in seen else [math.nan, math.nan] for number in range(size)]
    else:
        found = draw(st.lists(points, min_size=1, max_size=len(field.skeleton.joints)))
    scores = draw(st.none() | st.just([draw(st.floats(0, 1)) for _ in found]))
    return fo.Keypoint(label=draw(st.sampled_from(CLASSES)), points=found, confidence=scores)


@st.composite
def segmentations(draw: st.DrawFn, field: LabelField, size: MediaInfo) -> fo.Segmentation:
    """Masks of the image's size with pixels of every target and of none."""
    seed, classes = draw(st.integers(0, 2**32)), draw(st.lists(st.sampled_from([*field.targets]), unique=True))
    numbers = np.random.default_rng(seed).integers(0, len(classes) + 1, (size.height, size.width))
    if any(isinstance(target, str) for target in field.targets.values()):
        palette = [(0, 0, 0), *(tuple(bytes.fromhex(field.targets[name][1:])) for name in classes)]
    else:
        palette = [0, *(field.targets[name] for name in classes)]
    return fo.Segmentation(mask=np.array(palette, np.uint8)[numbers])


@st.composite
def moments(draw: st.DrawFn, video: MediaInfo) -> fo.TemporalDetection:
    """Ranges of the frames of a video."""
    ends = sorted(draw(st.integers(1, video.frame_count)) for _ in range(2))
    return fo.TemporalDetection(label=draw(st.sampled_from(CLASSES)), support=ends, confidence=draw(confidences))


@st.composite
def frame_numbers(draw: st.DrawFn, video: MediaInfo) -> list[int]:
    """Numbers of frames of a video, in a few runs."""
    numbers: set[int] = set()
    for _ in range(draw(st.integers(1, 3))):
        first = draw(st.integers(1, video.frame_count))
        numbers.update(range(first, min(first + draw(st.integers(1, 8)), video.frame_count + 1)))
    return sorted(numbers)


@st.composite
def tracks(draw: st.DrawFn, video: MediaInfo) -> FrameLabel:
    """Boxes of one object in some frames of a video, turned or not, with keyframes or not."""
    numbers = draw(frame_numbers(video))
    index, is_marked = draw(st.none() | st.integers(0, 5)), draw(st.booleans())
    frames = {}
    for number in numbers:
        box = draw(detections())
        box.index = index
        if is_marked:
            box.set_attribute_value("keyframe", draw(st.booleans()))
        frames[str(number)] = {name: value for name, value in box.to_dict().items() if name not in ("label", "tags")}
    return FrameLabel(label=draw(st.sampled_from(CLASSES)), frames=frames)


@st.composite
def runs(draw: st.DrawFn, video: MediaInfo) -> FrameLabel:
    """The same class in some frames of a video."""
    numbers = draw(frame_numbers(video))
    docs = (fo.Classification(confidence=draw(confidences)).to_dict() for _ in numbers)
    frames = {str(number): {**doc, "tags": []} for number, doc in zip(numbers, docs, strict=True)}
    return FrameLabel(label=draw(st.sampled_from(CLASSES)), frames=frames)


@st.composite
def spans(draw: st.DrawFn, field: LabelField, media: MediaInfo) -> fo.Classification:
    """Spans of what the labels of a field are on."""
    where = draw(SPANNED[field.scope].ends(media))
    label, confidence = draw(st.sampled_from(CLASSES)), draw(confidences)
    kind = SPAN_KINDS[field.scope]
    words = {} if kind.words is None else {"text": kind.words(*where, media)}
    more = dict(zip(("start", "end", *kind.more), where, strict=True))
    return fo.Classification(label=label, confidence=confidence, **more, **words)


QUESTIONS = (
    Question("text", "str"),
    Question("number", "int"),
    Question("number", "float"),
    Question("rating", "int"),
    Question("date", "date"),
    Question("datetime", "datetime"),
    Question("radio", "bool", (True, False)),
    Question("select", "str", ("a", "b,c", '<&"')),
    Question("radio", "int", (1, 2, 30)),
    Question("select", "float", (0.5, 1.5)),
    Question("checkbox", "list", ("a", "b,c", '<&"')),
)


def answers(question: Question) -> st.SearchStrategy[Any]:
    """Values that a question asks for, as FiftyOne stores them; never empty, for that is none at all."""
    if question.kind == "list":
        return st.lists(st.sampled_from(question.values), min_size=1, unique=True)
    if question.values:
        return st.sampled_from(question.values)
    return {
        "str": texts.filter(bool),
        "int": st.integers(1, 5) if question.tool == "rating" else st.integers(-(2**53) + 1, 2**53 - 1),
        "float": st.floats(-(2**53) + 1, 2**53 - 1),
        "date": st.dates(date(1000, 1, 1)),
        "datetime": st.datetimes(datetime(1000, 1, 1)),
    }[question.kind]


attribute_names = st.sampled_from(("colour", "is occluded", "a@b", "a%40b", "Grüße", "note", "US$x"))


@st.composite
def attributes_of(draw: st.DrawFn, control: str) -> tuple[Attribute, ...]:
    """Attributes of the labels of a field."""
    return tuple(
        Attribute(
            name,
            draw(st.sampled_from(QUESTIONS)),
            inner_name(control, name),
            classes=draw(st.sampled_from(((), ("cat",), ("cat", "日本")))),
            read_only=draw(st.booleans()),
            is_discovered=draw(st.booleans()),
        )
        for name in draw(st.lists(attribute_names, max_size=3, unique=True))
    )


def field_of(label_type: str, name: str = "ground truth", **values: Any) -> LabelField:
    """A label field with CLASSES, and what its family needs besides."""
    family = family_for(label_type)
    scope, _, label_type = label_type.rpartition(".")
    needed: dict[str, Any] = {"name": name, "label_type": label_type, "classes": CLASSES, "control": name}
    needed["scope"] = scope or family.scopes[0]
    if needed["scope"] in SPANNED and medium_of(needed["scope"]).shown_value:
        needed["shows"] = SHOWN
    if family.tools:
        needed["tool"] = family.tools[0]
    if label_type in ("keypoint", "keypoints"):
        needed["skeleton"] = SKELETON
    if label_type == "segmentation":
        targets = values.get("targets", TARGETS)
        needed.update(targets=targets, classes=tuple(targets))
    if label_type == "scalar":
        needed.update(classes=(), question=QUESTIONS[0])
    return LabelField(**{**needed, **values})


def variants(label_type: str) -> list[LabelField]:
    """A field for each way in which a label type can be annotated."""
    if label_type == "scalar":
        return [field_of(label_type, question=question) for question in QUESTIONS if question.tool != "rating"]
    tools = family_for(label_type).tools or (None,)
    targets = (TARGETS, COLOURS) if label_type == "segmentation" else (None,)
    return [field_of(label_type, tool=tool, **({"targets": of} if of else {})) for tool in tools for of in targets]


def without_class(field: LabelField) -> list[LabelField]:
    """A field whose labels may be without a class: because none has one, or some have none."""
    if not family_of(field).can_lack_class:
        return []
    return [dataclasses.replace(field, classes=()), dataclasses.replace(field, takes_none=True)]


skeletons = st.integers(1, 6).flatmap(
    lambda size: st.builds(
        Skeleton,
        st.just(tuple(f"joint {number}" for number in range(size))),
        st.lists(st.tuples(st.integers(0, size - 1), st.integers(0, size - 1)), max_size=6).map(tuple),
    )
)


@st.composite
def fields(draw: st.DrawFn, label_type: str, with_attributes: bool = True) -> LabelField:
    """Fields of a label type: every tool, targets of both kinds, skeletons, questions, attributes, without classes."""
    field = draw(st.sampled_from(variants(label_type)))
    values: dict[str, Any] = {}
    if family_for(label_type).can_lack_class:
        values |= draw(st.sampled_from([{}, {"classes": ()}, {"takes_none": True}]))
    if label_type in ("keypoint", "keypoints"):
        values["skeleton"] = draw(skeletons)
    if with_attributes and label_type not in ("segmentation", "scalar"):
        values["attributes"] = draw(attributes_of(field.control))
    return field_of(label_type, **{**{key: getattr(field, key) for key in ("tool", "targets", "question")}, **values})


class Case(NamedTuple):
    """Labels of one field on one sample.

    Attributes:
        field: the field
        labels: its labels; of a scalar field, a ScalarValue or none
        media: size of the image
    """

    field: LabelField
    labels: list[Any]
    media: MediaInfo

    @property
    def value(self) -> Any:
        """The value of the field."""
        container = LABEL_TYPES[self.field.label_type]
        if self.field.is_of_frames:
            return StoredLabels(StoredLabel(label.to_dict()) for label in self.labels)
        if holds_list(self.field.label_type):
            return container(**{container._LABEL_LIST_FIELD: self.labels})
        if not self.labels:
            return None
        return self.labels[0].value if container is None else self.labels[0]


@st.composite
def cases(draw: st.DrawFn, label_type: str, with_attributes: bool = True) -> Case:
    """Labels of a label type, in a field and an image that fit them."""
    field = draw(fields(label_type, with_attributes))
    has_masks = "mask" in family_for(label_type).aspects
    size = draw(small_media if has_masks else videos if field.medium.frame_scope else media)
    if field.scope in SPANNED:
        size = draw(SPANNED[field.scope].media)
    one = {
        "classification": lambda: classifications,
        "detection": detections,
        "instance": lambda: instances(size),
        "polygon": polygons,
        "polyline": polylines,
        "keypoint": lambda: keypoints(field),
        "segmentation": lambda: segmentations(field, size),
        "temporal_detection": lambda: moments(size),
        "span": lambda: spans(field, size),
        "scalar": lambda: answers(field.question).map(ScalarValue),
        "frames.classification": lambda: runs(size),
        "frames.detection": lambda: tracks(size),
    }["span" if field.scope in SPANNED else label_type if label_type == "scalar" else singular(label_type)]()
    most = 4 if has_several(field) else 1
    unique = {"unique_by": lambda label: label.label} if label_type == "classifications" else {}
    labels = draw(st.lists(one, max_size=most, **unique))
    for label in labels:
        if (not field.classes and field.question is None) or (field.takes_none and draw(st.booleans())):
            label.label = None
        for attribute in field.attributes:
            if draw(st.booleans()):
                label.set_attribute_value(attribute.name, draw(answers(attribute.question)))
    return Case(field, labels, size)
