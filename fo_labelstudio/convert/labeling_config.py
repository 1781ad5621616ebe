"""LabelFields -> labeling config (XML)."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from fo_labelstudio.convert.families import family_of
from fo_labelstudio.convert.names import OBJECT_TAG
from fo_labelstudio.convert.schema import LabelField
from fo_labelstudio.convert.tags import MANY_CLASSES, filter_box


def to_labeling_config(fields: Sequence[LabelField]) -> str:
    """The labeling config of a project that annotates these label fields on images.

    Args:
        fields: the label fields, in the order in which an annotator sees them

    Source: Label Studio docs, tags View, Image, Filter, Header
    """
    view = Element("View")
    for field in fields:
        view.append(_panel(field, titled=len(fields) > 1))
    SubElement(view, "Image", name=OBJECT_TAG, value=f"${OBJECT_TAG}", zoom="true", zoomControl="true")
    indent(view)
    return tostring(view, encoding="unicode")


def _panel(field: LabelField, titled: bool) -> Element:
    panel = Element("View")
    if titled:
        SubElement(panel, "Header", value=field.name, size="6")
    controls = family_of(field.label_type).control_tags(field)
    if len(field.classes) >= MANY_CLASSES:
        panel.append(filter_box(field))
    panel.extend(controls)
    return panel
