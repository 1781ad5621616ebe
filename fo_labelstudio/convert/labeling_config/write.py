"""LabelFields -> labeling config (XML): one row for each field, what is drawn above the objects, the rest below.

The layout was tried in the editor of 1.23.2 with one field and several, 1 to 500 classes, images of all proportions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from fo_labelstudio.convert.attributes import AttributeControl, control_tags
from fo_labelstudio.convert.families import family_of
from fo_labelstudio.convert.media.medium import Medium
from fo_labelstudio.convert.names import data_key, without_references
from fo_labelstudio.convert.question import Question
from fo_labelstudio.convert.records import LabelField, objects_of, shown_by
from fo_labelstudio.convert.slices import fields_by_slice, object_of
from fo_labelstudio.convert.tags import can_choose

MANY_CLASSES = 24
"""A field with more classes than this gets a filter box, and a list of fixed height that scrolls."""

_LONG_LIST = "fo-long"
_STICKY = (
    "position: sticky; top: 0; z-index: 10; display: flex; flex-wrap: wrap; gap: 0 32px; max-height: 40vh; "
    "overflow-y: auto; background: var(--color-neutral-background)"
)
_ROW = "display: flex; align-items: baseline; gap: 8px; max-width: 100%"
_TITLE_BOX = "flex: none; max-width: 200px"
_TITLE = "margin: 0; font-size: 13px; line-height: 1.3; overflow-wrap: anywhere"
_HINT = f"{_TITLE}; font-weight: normal; opacity: 0.7"
_QUESTIONS = (
    "position: sticky; bottom: 0; z-index: 10; display: flex; flex-wrap: wrap; gap: 4px 24px; padding: 4px 0; "
    "max-height: 200px; overflow: auto; background: var(--color-neutral-background)"
)
_QUESTION = "display: flex; align-items: baseline; gap: 8px"
_ASKED = "flex: none; margin: 0; font-size: 13px"
_ASKED_OF = "fo-asked"
_WITHOUT_KEYS = f".{_ASKED_OF} sup {{ display: none; }}"
_CONTROLS = "flex: 1; min-width: 0"
_COLUMNS = "display: flex; flex-wrap: wrap; gap: 16px"
_COLUMN = "flex: 1 1 0; min-width: 280px"
# With a greatest height in place of a fixed one, the image jumps while somebody types in the filter box.
_SCROLLING = "height: 96px; overflow-y: auto; border-bottom: 1px solid var(--color-neutral-border)"
_CHOSEN_FIRST = (
    f".{_LONG_LIST} .lsf-choices {{ display: flex; flex-wrap: wrap; }} "
    f".{_LONG_LIST} .lsf-choice:has(input:checked) {{ order: -1; }}"
)


def to_labeling_config(fields: Sequence[LabelField], slices: Sequence[str] = ()) -> str:
    """The labeling config of a project that annotates these label fields.

    Args:
        fields: the label fields, in the order in which an annotator sees them
        slices: the slices of a group that a task shows beside each other, each asked for all of them; none where a task
            shows one sample

    Source: Label Studio docs, tags View, Image, Header, Filter, Style
    """
    view = Element("View")
    if slices:
        columns = SubElement(view, "View", style=_COLUMNS)
        for name, of_slice in fields_by_slice(fields, slices).items():
            columns.append(_column(name, of_slice))
    else:
        view.extend(_asked(fields))
    _number_keypoints(view)
    for style in dict.fromkeys(medium.style for medium in objects_of(fields).values() if medium.style):
        SubElement(view, "Style").text = style
    if any(_is_long(field) for field in fields):
        SubElement(view, "Style").text = _CHOSEN_FIRST
    if any(field.attributes or field.question for field in fields):
        SubElement(view, "Style").text = _WITHOUT_KEYS
    indent(view)
    return tostring(view, encoding="unicode")


def _asked(fields: Sequence[LabelField]) -> Iterator[Element]:
    """What is asked of one sample: what is drawn above its objects, the rest below."""
    drawn = [field for field in fields if family_of(field).is_drawn]
    if drawn:
        rows = Element("View", style=_STICKY)
        rows.extend(_row(field) for field in drawn)
        yield rows
    columns = {field.to_name: field.columns for field in fields}
    yield from _object_tags(objects_of(fields), shown_by(fields), columns)
    asked = [field for field in drawn if field.attributes]
    if asked:
        yield _region_questions(asked)
    yield from (_row(field) for field in fields if field not in drawn)


def _column(slice_name: str, fields: Sequence[LabelField]) -> Element:
    """One slice of a group: its name, its image, and what is asked of it."""
    column = Element("View", style=_COLUMN)
    SubElement(column, "Header", value=without_references(slice_name), size="4")
    column.extend(_asked(fields))
    for tag in column:
        if tag.get("name") == object_of(slice_name):
            tag.set("value", f"${data_key(slice_name)}")
    return column


def _object_tags(
    shown: Mapping[str, Medium], of_values: Mapping[str, LabelField], columns: Mapping[str, Sequence[str]]
) -> Iterator[Element]:
    """The object tags of a task, each with a title where there are others.

    Args:
        shown: name of the object tag -> medium
        of_values: name of those that show a value of the sample -> a field whose labels are on it
        columns: name of those that name columns -> these
    """
    for name, medium in shown.items():
        tag = medium.object_tag(name)
        field = of_values.get(name)
        if field is not None and field.shows is not None:
            yield Element("Header", value=without_references(field.shows), size="6")
            tag.set(medium.value_attribute, f"${field.shown_key}")
        medium.name_columns(tag, columns.get(name, ()))
        yield tag


def _number_keypoints(view: Element) -> None:
    """Numbers the classes of keypoints, across fields: without their order, Label Studio exports no COCO.

    Source: label_studio_sdk.converter.keypoints, build_kp_order (2.1.2)
    """
    numbers: dict[str, str] = {}
    for label in view.iterfind(".//KeyPointLabels/Label"):
        label.set("model_index", numbers.setdefault(label.attrib["value"], str(len(numbers))))


def _row(field: LabelField) -> Element:
    row = Element("View", style=_ROW)
    if field.question is not None:
        row.set("className", _ASKED_OF)
    title = SubElement(row, "View", style=_TITLE_BOX)
    SubElement(title, "Header", value=without_references(field.name), size="6", style=_TITLE)
    hints = _hints(field)
    if hints:
        SubElement(title, "Header", value=without_references(hints), size="6", style=_HINT)
    controls = column = SubElement(row, "View", style=_CONTROLS)
    family = family_of(field)
    if family.is_drawn and not can_choose(field):
        # Without its buttons nobody can draw or relabel; the control itself must be there for its regions.
        controls = SubElement(controls, "View", style="display: none")
    if _is_long(field):
        # A control's name has no % but before two digits, so no other tag has this name.
        SubElement(
            controls,
            "Filter",
            name=f"{field.control}%filter",
            toName=family.class_control(field),
            minlength="0",
            placeholder="Find a class",
        )
        controls = SubElement(controls, "View", className=_LONG_LIST, style=_SCROLLING)
    controls.extend(family.control_tags(field))
    if field.attributes and not family.is_drawn:
        column.extend(_question(field, control, tag) for control, tag in control_tags(field, family))
    return row


def _hints(field: LabelField) -> str:
    """What an annotator must know of a field besides its name."""
    forbidden = {
        "no new labels": field.allow_additions,
        "do not delete": field.allow_deletions,
        "do not change classes": field.allow_label_edits or field.question is not None,
        "do not move or reshape": field.allow_spatial_edits or not family_of(field).is_drawn,
    }
    hints = [text for text, is_allowed in forbidden.items() if not is_allowed]
    if not field.classes and field.question is None and field.allow_additions:
        hints.append(f"no classes: draw with the tools beside the {field.medium.noun}")
    if field.skeleton and field.allow_additions:
        hints.append("draw the points in this order: " + ", ".join(field.skeleton.joints))
    return "; ".join(hints)


def _region_questions(fields: Sequence[LabelField]) -> Element:
    """What is asked of the region that is selected, in sight under the image wherever the page is scrolled."""
    box = Element("View", visibleWhen="region-selected", style=_QUESTIONS)
    for field in fields:
        family = family_of(field)
        box.extend(_question(field, control, tag) for control, tag in control_tags(field, family))
    return box


def _question(field: LabelField, control: AttributeControl, tag: Element) -> Element:
    """The control tag of an attribute with its title, shown where it applies."""
    attribute = control.attribute
    classes = (control.class_name,) if control.class_name is not None else attribute.classes
    # The editor takes a comma for the end of a class.
    is_limited = bool(classes) and not any("," in name for name in classes)
    is_of_any = family_of(field).is_drawn and field.takes_class(None)
    if family_of(field).is_drawn:
        # The editor knows the control tag of a region by its class alone (1.23.2).
        of_control = {} if is_of_any else {"whenTagName": family_of(field).class_control(field)}
        conditions = {"visibleWhen": "region-selected", **of_control}
        if is_limited:
            conditions["whenLabelValue"] = ",".join(classes)
    else:
        conditions = {"visibleWhen": "choice-selected", "whenTagName": field.control}
        if is_limited:
            conditions["whenChoiceValue"] = ",".join(classes)
    box = Element("View", {"className": _ASKED_OF, "style": _QUESTION, **conditions})
    title = attribute.name if control.class_name is None else f"{control.class_name}: {attribute.name}"
    if is_of_any:
        title = f"{field.name}: {title}"
    if attribute.read_only:
        title += " (read only)"
    if attribute.default is not None:
        title += f" ({Question.text_of(attribute.default)} if left empty)"
    SubElement(box, "Header", value=without_references(title), size="6", style=_ASKED)
    # Conditions on the control itself would make the editor drop answers that it does not show.
    box.append(tag)
    return box


def _is_long(field: LabelField) -> bool:
    return len(field.classes) > MANY_CLASSES and field.question is None
