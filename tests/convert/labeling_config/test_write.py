from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from label_studio_sdk.label_interface import LabelInterface

from fo_labelstudio.convert.families import LABEL_TYPES, family_of
from fo_labelstudio.convert.labeling_config.write import to_labeling_config
from fo_labelstudio.convert.names import control_name
from fo_labelstudio.convert.question import Question
from fo_labelstudio.convert.records import Attribute, LabelField
from fo_labelstudio.convert.tags import colour_of
from tests.convert import strategies
from tests.properties import examples


def test_every_class_of_every_field_can_be_chosen():
    fields = [strategies.field_of("detections", "boxes"), strategies.field_of("classifications", "tags")]
    root = ElementTree.fromstring(to_labeling_config(fields))
    boxes, tags = root.find(".//RectangleLabels"), root.find(".//Choices")
    assert [tag.get("value") for tag in boxes] == list(strategies.CLASSES)
    assert [tag.get("value") for tag in tags] == list(strategies.CLASSES)
    assert (boxes.get("name"), boxes.get("toName"), root.find(".//Image").get("name")) == (
        "boxes",
        "image",
        "image",
    )


@given(st.lists(strategies.class_names, min_size=1, unique=True), strategies.class_names)
def test_any_name_passes_label_studios_own_check(classes, name):
    field = LabelField(name, "detections", tuple(classes), control_name(name))
    labeling_config = to_labeling_config([field])
    LabelInterface(labeling_config).validate()
    labels = ElementTree.fromstring(labeling_config).iter("Label")
    assert [tag.get("alias", tag.get("value")) for tag in labels] == classes


def test_long_lists_of_classes_scroll_and_can_be_filtered():
    short, long = (
        LabelField(name, "detections", tuple(map(str, range(count))), name) for name, count in (("a", 24), ("b", 25))
    )
    labeling_config = to_labeling_config([short, long])
    LabelInterface(labeling_config).validate()
    filters = [tag.attrib for tag in ElementTree.fromstring(labeling_config).iter("Filter")]
    assert [(tag["name"], tag["toName"]) for tag in filters] == [("b%filter", "b")]


def test_fields_are_drawn_above_the_image_and_chosen_below_it_each_under_its_name():
    fields = [strategies.field_of("classification", "US$5"), strategies.field_of("detections", "boxes")]
    order = [
        tag.get("value")
        for tag in ElementTree.fromstring(to_labeling_config(fields)).iter()
        if tag.tag in ("Header", "Image")
    ]
    assert order == ["boxes", "$image", "US$\u20605"]


def test_a_class_has_one_colour_everywhere():
    assert colour_of("cat") == colour_of("cat") == "#1bc06e"
    assert len({colour_of(f"class {n}") for n in range(100)}) == 100


@pytest.mark.parametrize("label_type", LABEL_TYPES)
@given(data=st.data())
@examples(20)
def test_the_config_of_every_family_passes_label_studios_own_check(label_type, data):
    field = data.draw(strategies.fields(label_type))
    labeling_config = to_labeling_config([field])
    LabelInterface(labeling_config).validate()
    root = ElementTree.fromstring(labeling_config)
    (control,) = [tag for tag in root.iter() if tag.get("name") == field.control]
    family = family_of(field)
    tags = (*family.tools, *TAGS.get(next(iter(family.label_types)), ()))
    assert control.tag in (tags if field.classes else [tag.removesuffix("Labels") for tag in tags])
    options = [tag.get("alias", tag.get("value")) for tag in control if tag.tag in ("Label", "Choice")]
    asked = [field.question.text_of(value) for value in field.question.values] if field.question else field.classes
    assert options == ([] if field.question and field.question.result_type != "choices" else [*asked])
    boxes = conditions_of(root)
    asked = [tag for tag in root.iter() if tag.get("perRegion") == "true"]
    assert len(asked) == (len(field.attributes) if family.is_drawn else 0)
    for tag in asked:
        box = boxes[tag.get("name")]
        owner = None if field.takes_class(None) else field.control
        assert (box.get("whenTagName"), box["visibleWhen"]) == (owner, "region-selected")


def conditions_of(root):
    """Name of a control tag -> attributes of the view around it, which say when it is shown."""
    return {tag.get("name"): view.attrib for view in root.iter("View") for tag in view if tag.get("name")}


TAGS = {
    "classification": ("Choices",),
    "detection": ("RectangleLabels",),
    "polygon": ("PolygonLabels",),
    "temporal_detection": ("TimelineLabels",),
    "spans": ("Labels",),
    "scalar": ("Choices", "Number", "TextArea", "DateTime"),
}


def test_an_attribute_of_some_classes_is_shown_for_those_only_and_says_its_default():
    attributes = (
        Attribute("breed", Question("text", "str"), "boxes%.breed", classes=("cat", "dog")),
        Attribute("pair", Question("text", "str"), "boxes%.pair", classes=("a,b",), read_only=True),
        Attribute("speed", Question("number", "int"), "boxes%.speed", default=7),
    )
    root = ElementTree.fromstring(
        to_labeling_config([strategies.field_of("detections", "boxes", attributes=attributes)])
    )
    shown = {name: box.get("whenLabelValue") for name, box in conditions_of(root).items() if name.startswith("boxes%.")}
    # The editor takes a comma for the end of a class, so such a class cannot be named.
    assert shown == {"boxes%.breed": "cat,dog", "boxes%.pair": None, "boxes%.speed": None}
    # Conditions on the control itself would make the editor drop the answers that it does not show.
    assert not any(tag.get("whenLabelValue") for tag in root.iter() if tag.get("perRegion"))
    titles = [tag.get("value") for tag in root.iter("Header")]
    assert titles == ["boxes", "breed", "pair (read only)", "speed (7 if left empty)"]


def test_the_order_of_the_joints_is_said_where_skeletons_can_be_drawn():
    field = strategies.field_of("keypoints", "people")
    titles = [tag.get("value") for tag in ElementTree.fromstring(to_labeling_config([field])).iter("Header")]
    assert titles[:2] == ["people", "draw the points in this order: head, neck, left hand, right hand"]


def test_the_classes_of_keypoints_are_numbered_across_fields_for_exports_as_coco():
    points = {"tool": "KeyPointLabels", "skeleton": None}
    fields = [
        strategies.field_of("keypoints", "faces", classes=("eye", "US$5"), **points),
        strategies.field_of("detections", "boxes"),
        strategies.field_of("keypoints", "hands", classes=("thumb", "eye"), **points),
    ]
    root = ElementTree.fromstring(to_labeling_config(fields))
    numbers = [
        [(tag.get("alias", tag.get("value")), tag.get("model_index")) for tag in control]
        for control in root.iter("KeyPointLabels")
    ]
    assert numbers == [[("eye", "0"), ("US$5", "1")], [("thumb", "2"), ("eye", "0")]]
    assert all(tag.get("model_index") is None for tag in root.find(".//RectangleLabels"))


def test_a_video_leaves_room_for_its_timeline_and_what_is_asked_of_it_stands_below():
    moments, weather = (
        strategies.field_of("temporal_detections", "events"),
        strategies.field_of("classification", "sky"),
    )
    root = ElementTree.fromstring(to_labeling_config([replace(weather, scope="video"), moments]))
    order = [tag.get("name") for tag in root.iter() if tag.get("toName") or tag.tag == "Video"]
    assert order == ["events", "video", "sky"]
    (style,) = [tag.text for tag in root.iter("Style")]
    assert style.startswith(".lsf-video__main { height: clamp(")
    assert not [*ElementTree.fromstring(to_labeling_config([weather])).iter("Style")]
