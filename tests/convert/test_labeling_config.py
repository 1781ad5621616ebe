from __future__ import annotations

from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st
from label_studio_sdk.label_interface import LabelInterface

from fo_labelstudio.convert.labeling_config import to_labeling_config
from fo_labelstudio.convert.names import control_name
from fo_labelstudio.convert.schema import LabelField
from fo_labelstudio.convert.tags import colour_of
from tests.convert import strategies


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
