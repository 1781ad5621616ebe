"""Labels, fields and media for property tests."""

from __future__ import annotations

import math

import fiftyone as fo
from hypothesis import strategies as st

from fo_labelstudio.convert.names import is_showable
from fo_labelstudio.convert.schema import LabelField, MediaInfo

CLASSES = ("cat", "dog", 'a<b & "c"', "日本", " padded ", "a,b", "Cat")

media = st.builds(MediaInfo, st.integers(1, 20_000), st.integers(1, 20_000))
class_names = st.text(min_size=1, max_size=20).filter(is_showable)
coordinates = st.floats(0, 1, allow_subnormal=False)
confidences = st.none() | st.floats(0, 1)


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

LABELS = {
    "classification": st.lists(classifications, max_size=1),
    "classifications": st.lists(classifications, unique_by=lambda label: label.label),
    "detection": st.lists(detections(), max_size=1),
    "detections": st.lists(detections(), max_size=5),
}
"""Labels of one sample, for each label type."""


def field_of(label_type: str, name: str = "ground truth", **values: object) -> LabelField:
    """A label field with CLASSES."""
    return LabelField(**{"name": name, "label_type": label_type, "classes": CLASSES, "control": name, **values})
