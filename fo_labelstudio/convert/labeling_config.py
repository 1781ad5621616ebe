"""LabelFields -> labeling config (XML): one row for each field, boxes above the image, classes of the image below.

The layout was tried in the editor of 1.23.2 with one field and several, 1 to 500 classes, images of all proportions.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from fo_labelstudio.convert.families import family_of
from fo_labelstudio.convert.names import OBJECT_TAG, without_references
from fo_labelstudio.convert.schema import LabelField

MANY_CLASSES = 24
"""A field with more classes than this gets a filter box, and a list of fixed height that scrolls."""

_LONG_LIST = "fo-long"
_STICKY = "position: sticky; top: 0; z-index: 10; background: var(--color-neutral-background)"
_ROW = "display: flex; align-items: baseline; gap: 8px; margin-bottom: 8px"
_TITLE = "flex: none; width: 110px; margin: 0; font-size: 13px; line-height: 1.3; overflow-wrap: anywhere"
_CONTROLS = "flex: 1; min-width: 0"
# With a greatest height in place of a fixed one, the image jumps while somebody types in the filter box.
_SCROLLING = "height: 96px; overflow-y: auto; border-bottom: 1px solid var(--color-neutral-border)"
_CHOSEN_FIRST = (
    f".{_LONG_LIST} .lsf-choices {{ display: flex; flex-wrap: wrap; }} "
    f".{_LONG_LIST} .lsf-choice:has(input:checked) {{ order: -1; }}"
)


def to_labeling_config(fields: Sequence[LabelField]) -> str:
    """The labeling config of a project that annotates these label fields on images.

    Args:
        fields: the label fields, in the order in which an annotator sees them

    Source: Label Studio docs, tags View, Image, Header, Filter, Style
    """
    view = Element("View")
    drawn = [field for field in fields if family_of(field.label_type).is_drawn]
    if drawn:
        SubElement(view, "View", style=_STICKY).extend(_row(field) for field in drawn)
    # At its full width, a small image opens cropped under the toolbar.
    SubElement(view, "Image", name=OBJECT_TAG, value=f"${OBJECT_TAG}", width="90%", zoom="true", zoomControl="true")
    view.extend(_row(field) for field in fields if field not in drawn)
    if any(_is_long(field) for field in fields):
        SubElement(view, "Style").text = _CHOSEN_FIRST
    indent(view)
    return tostring(view, encoding="unicode")


def _row(field: LabelField) -> Element:
    row = Element("View", style=_ROW)
    SubElement(row, "Header", value=without_references(field.name), size="6", style=_TITLE)
    controls = SubElement(row, "View", style=_CONTROLS)
    if _is_long(field):
        # A control's name has no % but before two digits, so no other tag has this name.
        SubElement(
            controls,
            "Filter",
            name=f"{field.control}%filter",
            toName=field.control,
            minlength="0",
            placeholder="Find a class",
        )
        controls = SubElement(controls, "View", className=_LONG_LIST, style=_SCROLLING)
    controls.extend(family_of(field.label_type).control_tags(field))
    return row


def _is_long(field: LabelField) -> bool:
    return len(field.classes) > MANY_CLASSES
