"""The control tags that families share."""

from __future__ import annotations

import colorsys
import hashlib
from xml.etree.ElementTree import Element, SubElement

from fo_labelstudio.convert.names import OBJECT_TAG, without_references
from fo_labelstudio.convert.schema import LabelField


def labels_control(tag: str, field: LabelField) -> Element:
    """A control tag that draws regions of a class: ``<RectangleLabels>`` and its kin.

    Args:
        tag: name of the tag
        field: the label field it annotates
    """
    control = Element(tag, name=field.control, toName=OBJECT_TAG)
    for class_name in field.classes:
        _add_class(control, "Label", class_name).set("background", colour_of(class_name))
    return control


def choices_control(field: LabelField, single: bool) -> Element:
    """A ``<Choices>`` tag for classes of the whole image.

    Args:
        field: the label field it annotates
        single: whether at most one class can be chosen
    """
    control = Element("Choices", name=field.control, toName=OBJECT_TAG)
    control.set("choice", "single" if single else "multiple")
    control.set("showInline", "true")
    for class_name in field.classes:
        _add_class(control, "Choice", class_name)
    return control


def colour_of(class_name: str) -> str:
    """The colour of a class, ``#rrggbb``: the same in each field, project and session."""
    digest = hashlib.blake2b(class_name.encode(), digest_size=4).digest()
    hue = int.from_bytes(digest[:2], "big") / 65536
    lightness = 0.42 + 0.16 * digest[2] / 255
    red, green, blue = colorsys.hls_to_rgb(hue, lightness, 0.75)
    return "#" + "".join(f"{round(255 * value):02x}" for value in (red, green, blue))


def _add_class(control: Element, tag: str, class_name: str) -> Element:
    """Adds a class to a control; where it cannot be shown as it is, what regions say is its alias."""
    shown = without_references(class_name)
    option = SubElement(control, tag, value=shown)
    if shown != class_name:
        option.set("alias", class_name)
    return option
