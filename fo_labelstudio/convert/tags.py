"""The control tags that families share."""

from __future__ import annotations

import colorsys
import hashlib
from xml.etree.ElementTree import Element

from fo_labelstudio.convert.question import NO_HOTKEY, add_classes
from fo_labelstudio.convert.records import LabelField


def labels_control(tag: str, field: LabelField, name: str | None = None, **options: str) -> Element:
    """A control tag that draws regions of a class: ``<RectangleLabels>`` and its kin; without, ``<Rectangle>`` and its.

    Args:
        tag: name of the tag
        field: the label field it annotates
        name: its name, where that is not the one of the field's control tag
        **options: further attributes of the tag
    """
    if not field.classes:
        tag = tag.removesuffix("Labels")
    if field.takes_none:
        options["allowEmpty"] = "true"
    control = Element(tag, {"name": name or field.control, "toName": field.to_name, **options})
    for class_name, option in zip(field.classes, add_classes(control, "Label", field.classes), strict=True):
        option.set("background", colour_of(class_name))
        if not can_choose(field):
            option.set("hotkey", NO_HOTKEY)
    return control


def can_choose(field: LabelField) -> bool:
    """Whether a person may use the buttons of a field's classes: to draw or to relabel."""
    return field.allow_additions or field.allow_label_edits


def choices_control(field: LabelField, single: bool) -> Element:
    """A ``<Choices>`` tag for classes of the whole object.

    Args:
        field: the label field it annotates
        single: whether at most one class can be chosen
    """
    control = Element("Choices", name=field.control, toName=field.to_name)
    control.set("choice", "single" if single else "multiple")
    control.set("showInline", "true")
    if field.per_item:
        control.set("perItem", "true")
    add_classes(control, "Choice", field.classes)
    return control


def colour_of(class_name: str) -> str:
    """The colour of a class, ``#rrggbb``: the same in each field, project and session."""
    digest = hashlib.blake2b(class_name.encode(), digest_size=4).digest()
    hue = int.from_bytes(digest[:2], "big") / 65536
    lightness = 0.42 + 0.16 * digest[2] / 255
    red, green, blue = colorsys.hls_to_rgb(hue, lightness, 0.75)
    return "#" + "".join(f"{round(255 * value):02x}" for value in (red, green, blue))
