"""Labels without a class: regions of mere shapes where no label has one, else regions with an empty list of classes."""

from __future__ import annotations

import dataclasses
import json
from xml.etree import ElementTree

import fiftyone as fo
import numpy as np
import pytest

from fo_labelstudio.convert.annotation.parse import parse_task
from fo_labelstudio.convert.edits import to_label
from fo_labelstudio.convert.families import FAMILIES
from fo_labelstudio.convert.labeling_config.write import to_labeling_config
from fo_labelstudio.convert.question import Question
from fo_labelstudio.convert.records import Attribute
from fo_labelstudio.convert.schema import parse_label_schema
from fo_labelstudio.convert.shapes import masks
from fo_labelstudio.convert.task.write import SampleRecord, problems_of, to_task
from fo_labelstudio.errors import LabelSchemaError
from tests.convert.strategies import field_of
from tests.convert.trip import RUN, SAMPLE, SQUARE, TASK, Trip
from tests.support import as_exported

BOX = [0.25, 0.25, 0.5, 0.5]
SHAPE = [[0.25, 0.25], [0.75, 0.25], [0.75, 0.5]]
SHAPES = {
    "detection": (fo.Detection, {"bounding_box": BOX}),
    "instance": (fo.Detection, {"bounding_box": BOX, "mask": np.ones((50, 50), bool)}),
    "polygon": (fo.Polyline, {"points": [SHAPE], "closed": True, "filled": True}),
    "polyline": (fo.Polyline, {"points": [SHAPE]}),
    "keypoint": (fo.Keypoint, {"points": SHAPE}),
}
VARIANTS = [
    ("detections", None, "Rectangle", "rectangle"),
    ("instances", masks.BRUSH, "Brush", "brush"),
    ("instances", masks.BITMASK, "Bitmask", "bitmask"),
    ("polygons", None, "Polygon", "polygon"),
    ("polylines", "VectorLabels", "Vector", "vector"),
    ("polylines", "PolygonLabels", "Polygon", "polygon"),
    ("keypoints", "VectorLabels", "Vector", "vector"),
    ("keypoints", "KeyPointLabels", "KeyPoint", "keypoint"),
]
each_variant = pytest.mark.parametrize(("label_type", "tool", "tag", "region_type"), VARIANTS)


def label_of(label_type, label=None):
    cls, values = SHAPES[label_type.removesuffix("s")]
    return cls(label=label, **values)


def control_of(field):
    root = ElementTree.fromstring(to_labeling_config([field]))
    (control,) = [tag for tag in root.iter() if tag.get("name") == field.control]
    return control


def test_every_family_that_can_lack_a_class_is_tried_here():
    can_lack = {label_type for family in FAMILIES if family.can_lack_class for label_type in family.label_types}
    assert {name for name in can_lack if name.endswith("s")} == {label_type for label_type, *_ in VARIANTS}


@each_variant
class TestAFieldWithoutClasses:
    def test_has_a_control_tag_that_draws_mere_shapes(self, label_type, tool, tag, region_type):
        control = control_of(field_of(label_type, tool=tool, classes=()))
        assert (control.tag, len(control)) == (tag, 0)

    def test_sends_regions_of_the_mere_shape(self, label_type, tool, tag, region_type):
        trip = Trip(field_of(label_type, tool=tool, classes=()), label_of(label_type))
        assert {item["type"] for item in trip.sent} == {region_type}
        assert not [key for item in trip.sent for key in item["value"] if key.endswith("labels")]

    def test_is_left_alone_where_nobody_touched_it(self, label_type, tool, tag, region_type):
        trip = Trip(field_of(label_type, tool=tool, classes=()), label_of(label_type))
        assert trip.changes().is_empty and trip.answer()[1] == []

    def test_takes_what_is_drawn_as_labels_without_a_class(self, label_type, tool, tag, region_type):
        field = field_of(label_type, tool=tool, classes=())
        drawn = Trip(field, label_of(label_type)).sent
        if tool == "KeyPointLabels":
            # Each point that is drawn is a label of its own.
            drawn = drawn[:1]
        answer, problems = Trip(field).answer([{**item, "id": f"drawn{n}"} for n, item in enumerate(drawn)])
        (edit,) = answer.added
        assert problems == [] and to_label(edit, field).label is None

    def test_refuses_a_label_with_a_class(self, label_type, tool, tag, region_type):
        field = field_of(label_type, tool=tool, classes=())
        value = {field.name: label_of(label_type, "cat")}
        (problem,) = problems_of(SampleRecord(SAMPLE, "x.png", SQUARE, value), [field])
        assert "its class 'cat' is not among the classes of the label schema" in problem


@each_variant
class TestAFieldOfWhichSomeLabelsHaveNoClass:
    def test_offers_none_beside_its_classes(self, label_type, tool, tag, region_type):
        control = control_of(field_of(label_type, tool=tool, takes_none=True))
        assert (control.tag, control.get("allowEmpty")) == (f"{tag}Labels", "true")

    def test_sends_an_empty_list_of_classes(self, label_type, tool, tag, region_type):
        field = field_of(label_type, tool=tool, takes_none=True)
        trip = Trip(field, label_of(label_type), label_of(label_type, "cat"))
        kind = f"{region_type}labels"
        assert {tuple(item["value"][kind]) for item in trip.sent} == {(), ("cat",)}
        assert trip.changes().is_empty

    def test_takes_a_class_that_is_given_and_one_that_is_taken_away(self, label_type, tool, tag, region_type):
        field = field_of(label_type, tool=tool, takes_none=True)
        kind = f"{region_type}labels"

        def swap(result):
            for item in result:
                item["value"][kind] = [] if item["value"][kind] else ["Cat"]

        blank, cat = label_of(label_type), label_of(label_type, "cat")
        trip = Trip(field, blank, cat)
        assert trip.changes(swap).values == {blank.id: {"label": "Cat"}, cat.id: {"label": None}}


def test_a_region_without_a_class_is_reported_where_each_label_has_one():
    label = label_of("detections", "cat")
    trip = Trip(field_of("detections"), label)
    answer, (problem,) = trip.answer(lambda result: result[0]["value"].update(rectanglelabels=[]))
    assert answer.kept == [label.id]
    assert "its label is [], expected a list of one class; left alone" in problem


def test_parts_of_a_label_of_which_one_has_no_class_take_that_of_the_first():
    label = fo.Polyline(label="cat", points=[SHAPE, SHAPE], closed=True, filled=True)
    trip = Trip(field_of("polygons", takes_none=True), label)
    _, (note,) = trip.answer(lambda result: result[1]["value"].update(polygonlabels=[]))
    assert "its regions have several classes; took 'cat' rather than [None]" in note


def test_a_region_whose_control_is_gone_is_not_taken_for_one_of_a_field_without_classes():
    gone, shapes = field_of("detections", "gone"), field_of("detections", "shapes", classes=())
    values = {"gone": fo.Detections(detections=[label_of("detections", "cat")]), "shapes": None}
    task = json.loads(json.dumps(to_task(SampleRecord(SAMPLE, "x.png", SQUARE, values), [gone, shapes], "u", RUN)))
    (sent,) = task.pop("predictions")[0]["result"]
    # As the editor of 1.23.2 hangs it on the next control that can draw it.
    hung = {**sent, "from_name": "shapes", "type": "rectangle", "value": {**sent["value"]}}
    del hung["value"]["rectanglelabels"]
    problems: list = []
    answer = parse_task(
        {"id": TASK, **task, "annotations": [as_exported([hung], [sent])]}, [gone, shapes], RUN, problems
    )
    assert answer.fields["shapes"].added == [] and problems == []
    assert list(answer.fields["gone"].not_shown) == [sent["id"]]


def test_an_answer_about_a_region_of_another_field_is_reported():
    attribute = Attribute("note", Question("text", "str"), "shapes%.note")
    boxes, shapes = (
        field_of("detections", "boxes"),
        field_of("detections", "shapes", classes=(), attributes=(attribute,)),
    )
    values = {"boxes": fo.Detections(detections=[label_of("detections", "cat")]), "shapes": None}
    fields = [boxes, shapes]
    task = json.loads(json.dumps(to_task(SampleRecord(SAMPLE, "x.png", SQUARE, values), fields, "u", RUN)))
    (sent,) = task.pop("predictions")[0]["result"]
    note = {**sent, "from_name": "shapes%.note", "type": "textarea", "value": {"text": ["hello"]}}
    problems: list = []
    answer = parse_task({"id": TASK, **task, "annotations": [as_exported([sent, note], [sent])]}, fields, RUN, problems)
    assert answer.fields["boxes"].kept == [sent["id"]]
    where = f"task {TASK}, region '{sent['id']}'"
    assert list(map(str, problems)) == [
        f"{where}: its answer to 'shapes%.note' is about a label of another field; left alone"
    ]


def test_attributes_are_asked_of_any_region_that_is_selected_where_the_editor_cannot_tell_whose_it_is():
    attribute = Attribute("note", Question("text", "str"), "shapes%.note")
    for field in (field_of("detections", "shapes", classes=()), field_of("detections", "shapes", takes_none=True)):
        root = ElementTree.fromstring(to_labeling_config([dataclasses.replace(field, attributes=(attribute,))]))
        (box,) = [tag for tag in root.iter("View") if any(child.get("name") == "shapes%.note" for child in tag)]
        assert (box.get("visibleWhen"), box.get("whenTagName")) == ("region-selected", None)
        assert "shapes: note" in [tag.get("value") for tag in box.iter("Header")]


@pytest.mark.parametrize("label_type", ["detections", "instance", "polygons", "polyline", "keypoints"])
def test_a_schema_may_have_no_classes(label_type):
    (field,) = parse_label_schema({"f": {"type": label_type, "classes": [], "without_class": True}})
    assert field.takes_class(None) and not field.takes_none
    (field,) = parse_label_schema({"f": {"type": label_type, "classes": ["cat"], "without_class": True}})
    assert field.takes_none


@pytest.mark.parametrize("label_type", ["classification", "classifications", "segmentation"])
def test_classes_of_the_whole_image_cannot_be_none(label_type):
    with pytest.raises(LabelSchemaError, match="there are no classes to choose from"):
        parse_label_schema({"f": {"type": label_type, "classes": []}})
