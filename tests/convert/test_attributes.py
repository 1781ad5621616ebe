from __future__ import annotations

from datetime import date, datetime
from xml.etree import ElementTree

import fiftyone as fo
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fo_labelstudio.convert.attributes import MOST_CONTROLS, check_number, controls_of
from fo_labelstudio.convert.families import family_of, family_of_type
from fo_labelstudio.convert.labeling_config.write import to_labeling_config
from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.convert.names import control_name, inner_name
from fo_labelstudio.convert.question import Question
from fo_labelstudio.convert.records import Attribute, LabelField
from fo_labelstudio.convert.schema import parse_label_schema
from fo_labelstudio.convert.task.write import SampleRecord, problems_of
from fo_labelstudio.errors import LabelSchemaError
from tests.convert import strategies
from tests.convert.trip import Trip

COLOUR = Question("select", "str", ("red", "blue"))
NOTE = Question("text", "str")
OCCLUDED = Question("radio", "bool", (True, False))
SPEED = Question("number", "int")
PARTS = Question("checkbox", "list", ("a", "b", "c"))


def an_attribute(name, question, control="things", **values):
    return Attribute(name, question, inner_name(control, name), **values)


def a_field(*attributes, label_type="detections", **values):
    return strategies.field_of(label_type, "things", attributes=attributes, **values)


def a_box(label="cat", **values):
    return fo.Detection(label=label, bounding_box=[0.1, 0.2, 0.3, 0.4], **values)


def answer_of(field, name, value, region_id):
    """The result that answers about an attribute of a region."""
    (attribute,) = (attribute for attribute in field.attributes if attribute.name == name)
    question = attribute.question
    return {
        "id": region_id,
        "from_name": attribute.control,
        "to_name": "image",
        "type": question.result_type,
        "value": question.to_value(value),
    }


def answered(field, name, value, region_id=None):
    """An edit that answers about an attribute of a region, the first one's by default."""

    def edit(result):
        about = region_id or result[0]["id"]
        control = next(attribute.control for attribute in field.attributes if attribute.name == name)
        others = [item for item in result if (item["id"], item["from_name"]) != (about, control)]
        return [*others, answer_of(field, name, value, about)]

    return edit


def without_answers(field):
    return lambda result: [item for item in result if item["from_name"] == field.control]


class TestTypes:
    @pytest.mark.parametrize(
        ("question", "value", "new", "written"),
        [
            (COLOUR, "red", "blue", "blue"),
            (NOTE, "two\nlines", "", None),
            (OCCLUDED, False, "true", True),
            (SPEED, 3, 4, 4),
            (Question("number", "float"), 0.5, 4, 4.0),
            (Question("rating", "int"), 2, 5, 5),
            (Question("date", "date"), date(2024, 2, 29), "2024-03-01", datetime(2024, 3, 1)),
            (
                Question("datetime", "datetime"),
                datetime(2024, 2, 29, 12),
                "2024-03-01T10:30",
                datetime(2024, 3, 1, 10, 30),
            ),
            (PARTS, ["c", "a"], ["b", "c"], ["c", "b"]),
        ],
        ids=lambda value: str(value)[:25],
    )
    def test_an_attribute_comes_back_with_its_own_type(self, question, value, new, written):
        field = a_field(an_attribute("it", question))
        label = a_box(it=value)
        trip = Trip(field, label)
        assert len(trip.sent) == 2 and trip.changes().is_empty
        changes = trip.changes(answered(field, "it", new))
        (values,) = changes.values.values()
        back = values["it"]
        if isinstance(written, datetime):
            back, written = str(back)[:10], str(written)[:10]
        assert (set(values), back, type(back)) == ({"it"}, written, type(written))
        trip.load(answered(field, "it", new))

    def test_an_attribute_kept_in_the_dict_of_attributes_is_edited_there(self):
        field = a_field(an_attribute("colour", COLOUR))
        label = a_box(attributes={"colour": fo.CategoricalAttribute(value="red")})
        (back,) = Trip(field, label).load(answered(field, "colour", "blue"))
        assert back.get_attribute_value("colour") == "blue"

    def test_the_geometry_that_the_editor_writes_into_answers_does_not_matter(self):
        field = a_field(an_attribute("colour", COLOUR))

        def edit(result):
            answer = answer_of(field, "colour", "blue", result[0]["id"])
            answer["value"] = {**result[0]["value"], **answer["value"]}
            return [result[0], answer]

        label = a_box(colour="red")
        assert Trip(field, label).changes(edit).values == {label.id: {"colour": "blue"}}


class TestMerging:
    def test_a_cleared_attribute_is_none(self):
        field = a_field(an_attribute("colour", COLOUR), an_attribute("note", NOTE))
        label = a_box(colour="red", note="hello")
        changes = Trip(field, label).changes(without_answers(field))
        assert changes.values == {label.id: {"colour": None, "note": None}}

    def test_an_attribute_that_was_never_there_stays_so(self):
        field = a_field(an_attribute("colour", COLOUR, default="red"))
        trip = Trip(field, a_box())
        assert len(trip.sent) == 1 and trip.changes().is_empty

    def test_an_edit_of_the_box_does_not_write_attributes_nor_the_other_way_round(self):
        field = a_field(an_attribute("colour", COLOUR, default="blue"))
        label = a_box(colour="red")
        moved = Trip(field, label).changes(lambda result: result[0]["value"].update(x=20))
        assert [set(values) for values in moved.values.values()] == [{"bounding_box"}]
        without = a_box()
        moved = Trip(field, without).changes(lambda result: result[0]["value"].update(x=20))
        assert [set(values) for values in moved.values.values()] == [{"bounding_box"}]

    def test_what_is_read_only_is_shown_and_never_merged(self):
        field = a_field(an_attribute("colour", COLOUR, read_only=True))
        trip = Trip(field, a_box(colour="red"))
        assert trip.sent[1]["value"] == {"choices": ["red"]}
        assert trip.changes(answered(field, "colour", "blue")).is_empty
        assert trip.changes(without_answers(field)).is_empty

    def test_an_answer_that_is_none_of_the_values_leaves_only_the_attribute_alone(self):
        field = a_field(an_attribute("colour", COLOUR), an_attribute("speed", SPEED))
        label = a_box(colour="red", speed=3)

        def edit(result):
            result[0]["value"]["rectanglelabels"] = ["dog"]
            result[1]["value"] = {"choices": ["green"]}
            result[2]["value"] = {"number": 5}

        trip = Trip(field, label)
        assert trip.changes(edit).values == {label.id: {"label": "dog", "speed": 5}}
        assert trip.answer(edit)[1] == [
            f"task 7, region {label.id!r}: field 'things': attribute 'colour' is 'green', which is not one of its "
            "values ['red', 'blue']; left alone"
        ]

    def test_a_number_with_a_fraction_is_none_where_whole_ones_are_asked_for(self):
        field = a_field(an_attribute("speed", SPEED))
        trip = Trip(field, a_box(speed=3))
        assert trip.changes(answered(field, "speed", 2.5)).is_empty
        assert "expected a whole number" in trip.answer(answered(field, "speed", 2.5))[1][0]

    def test_a_list_keeps_the_order_of_what_stays(self):
        field = a_field(an_attribute("parts", PARTS))
        label = a_box(parts=["c", "a"])
        assert Trip(field, label).changes(answered(field, "parts", ["a", "b", "c"])).values == {
            label.id: {"parts": ["c", "a", "b"]}
        }

    def test_the_answers_about_a_deleted_region_delete_nothing_else(self):
        field = a_field(an_attribute("colour", COLOUR))
        first, second = a_box(colour="red"), a_box(colour="blue")
        trip = Trip(field, first, second)
        changes = trip.changes(lambda result: [item for item in result if item["id"] != first.id])
        assert (changes.deleted, changes.values) == ([first.id], {})

    def test_an_answer_without_its_region_is_no_label(self):
        field = a_field(an_attribute("colour", COLOUR))
        label = a_box(colour="red")
        changes = Trip(field, label).changes(lambda result: result[1:])
        assert (changes.deleted, changes.added) == ([label.id], [])


class TestNewLabels:
    def a_region(self, field, *answers, label="cat"):
        value = {"x": 1, "y": 2, "width": 3, "height": 4, "rotation": 0, "rectanglelabels": [label]}
        region = {"id": "n", "from_name": "things", "to_name": "image", "type": "rectanglelabels", "value": value}
        return [region, *(answer_of(field, name, given, "n") for name, given in answers)]

    def test_defaults_are_for_new_labels_only(self):
        field = a_field(an_attribute("colour", COLOUR, default="red"), an_attribute("speed", SPEED, default=7))
        (back,) = Trip(field).load(self.a_region(field, ("speed", 9)))
        assert (back.colour, back.speed) == ("red", 9)

    def test_a_default_is_for_the_classes_of_its_attribute(self):
        field = a_field(an_attribute("colour", COLOUR, default="red", classes=("dog",)))
        (back,) = Trip(field).load(self.a_region(field))
        assert back.get_attribute_value("colour", None) is None

    def test_an_answer_without_default_is_none(self):
        field = a_field(an_attribute("colour", COLOUR))
        (back,) = Trip(field).load(self.a_region(field))
        assert back.get_attribute_value("colour", None) is None


class TestClasses:
    FIELD = a_field(an_attribute("breed", NOTE, classes=("dog",)), an_attribute("colour", COLOUR))

    def test_an_attribute_of_some_classes_is_sent_with_their_labels_only(self):
        cat, dog = a_box("cat", breed="none"), a_box("dog", breed="collie")
        trip = Trip(self.FIELD, cat, dog)
        assert [(item["id"], item["value"]["text"]) for item in trip.sent if item["type"] == "textarea"] == [
            (dog.id, ["collie"])
        ]
        assert trip.changes().is_empty

    def test_an_answer_for_another_class_is_ignored(self):
        assert Trip(self.FIELD, a_box("cat", breed="none")).changes(answered(self.FIELD, "breed", "collie")).is_empty

    def test_a_label_that_changed_its_class_keeps_the_attribute_of_the_old_one(self):
        label = a_box("dog", breed="collie")

        def relabel(result):
            result[0]["value"]["rectanglelabels"] = ["cat"]
            return result[:1]

        assert Trip(self.FIELD, label).changes(relabel).values == {label.id: {"label": "cat"}}

    def test_a_label_that_changed_its_class_gets_the_attribute_of_the_new_one(self):
        label = a_box("cat")

        def relabel(result):
            result[0]["value"]["rectanglelabels"] = ["dog"]
            return [*result, answer_of(self.FIELD, "breed", "collie", label.id)]

        assert Trip(self.FIELD, label).changes(relabel).values == {label.id: {"label": "dog", "breed": "collie"}}

    def test_one_name_may_ask_different_questions_of_different_classes(self):
        schema = {
            "type": "detections",
            "existing_field": True,
            "classes": [
                {"classes": ["cat"], "attributes": {"size": {"type": "number", "kind": "int"}}},
                {"classes": ["dog"], "attributes": {"size": {"type": "select", "values": ["big", "small"]}}},
            ],
        }
        (field,) = parse_label_schema({"things": schema})
        cat, dog = a_box("cat", size=3), a_box("dog", size="big")
        trip = Trip(field, cat, dog)
        assert [item["value"] for item in trip.sent if item["type"] != "rectanglelabels"] == [
            {"number": 3},
            {"choices": ["big"]},
        ]
        assert trip.changes().is_empty


class TestDiscovered:
    @pytest.mark.parametrize("value", ["green", 3, ["red"]])
    def test_what_cannot_be_sent_is_left_out_and_stays(self, value):
        field = a_field(an_attribute("colour", COLOUR, is_discovered=True))
        trip = Trip(field, a_box(colour=value))
        assert len(trip.sent) == 1 and trip.changes().is_empty

    def test_what_was_asked_for_and_cannot_be_sent_is_told(self):
        field = a_field(an_attribute("colour", COLOUR))
        sample = SampleRecord(
            "5" * 24, "x.png", MediaInfo(9, 9), {"things": fo.Detections(detections=[a_box(colour=3)])}
        )
        (problem,) = problems_of(sample, [field])
        assert "its attribute 'colour' is '3', which is not one of its values ['red', 'blue']" in problem
        assert "leave it out of `attributes`" in problem


class TestSeveralRegions:
    FIELD = a_field(an_attribute("colour", COLOUR), label_type="polygons")
    SHAPES = ([[0.1, 0.1], [0.2, 0.1], [0.2, 0.2]], [[0.5, 0.5], [0.6, 0.5], [0.6, 0.6]])

    def a_trip(self, **values):
        return Trip(self.FIELD, fo.Polyline(label="cat", points=self.SHAPES, closed=True, filled=True, **values))

    def test_every_part_of_a_label_carries_its_attributes_after_its_geometry(self):
        trip = self.a_trip(colour="red")
        label_id = trip.sent[0]["id"]
        assert [(item["id"], item["type"]) for item in trip.sent] == [
            (label_id, "polygonlabels"),
            (label_id, "choices"),
            (f"{label_id}.2", "polygonlabels"),
            (f"{label_id}.2", "choices"),
        ]
        assert trip.changes().is_empty

    @pytest.mark.parametrize("part", [0, 2])
    def test_where_parts_disagree_the_one_that_somebody_changed_counts(self, part):
        trip = self.a_trip(colour="red")
        edit = answered(self.FIELD, "colour", "blue", trip.sent[part]["id"])
        assert [*trip.changes(edit).values.values()] == [{"colour": "blue"}]
        trip.load(edit)

    @pytest.mark.parametrize("part", [0, 2])
    def test_an_answer_about_one_part_is_one_about_the_label(self, part):
        trip = self.a_trip()
        edit = answered(self.FIELD, "colour", "blue", trip.sent[part // 2]["id"])
        assert [*trip.changes(edit).values.values()] == [{"colour": "blue"}]

    def test_an_attribute_cleared_on_all_parts_is_none(self):
        assert [*self.a_trip(colour="red").changes(without_answers(self.FIELD)).values.values()] == [{"colour": None}]


class TestWholeImage:
    ONE = a_field(an_attribute("why", NOTE), label_type="classification")
    SEVERAL = a_field(an_attribute("why", NOTE), label_type="classifications")

    def test_a_field_of_one_has_one_control_for_each_attribute(self):
        label = fo.Classification(label="cat", why="whiskers")
        trip = Trip(self.ONE, label)
        assert [(item["from_name"], item["value"]) for item in trip.sent] == [
            ("things", {"choices": ["cat"]}),
            ("things%.why", {"text": ["whiskers"]}),
        ]
        assert trip.sent[0]["id"] != trip.sent[1]["id"]
        assert trip.changes().is_empty
        changes = trip.changes(lambda result: result[1]["value"].update(text=["tail"]))
        assert changes.values == {label.id: {"why": "tail"}}

    def test_a_field_of_several_has_one_control_for_each_attribute_and_class(self):
        cat, dog = fo.Classification(label="cat", why="whiskers"), fo.Classification(label="dog", why="barks")
        trip = Trip(self.SEVERAL, cat, dog)
        assert [(item["from_name"], item["value"].get("text")) for item in trip.sent] == [
            ("things", None),
            ("things%.why%.cat", ["whiskers"]),
            ("things%.why%.dog", ["barks"]),
        ]
        assert trip.changes().is_empty
        changes = trip.changes(lambda result: result[2]["value"].update(text=["tail"]))
        assert changes.values == {dog.id: {"why": "tail"}}

    def test_a_new_label_of_several_gets_the_answer_of_its_class(self):
        trip = Trip(self.SEVERAL, fo.Classification(label="cat", why="whiskers"))

        def add(result):
            result[0]["value"]["choices"].append("dog")
            return [*result, {**result[1], "id": "n", "from_name": "things%.why%.dog", "value": {"text": ["barks"]}}]

        back = trip.load(add)
        assert [(label.label, label.why) for label in back] == [("cat", "whiskers"), ("dog", "barks")]

    def test_labels_of_one_class_share_their_control_and_keep_their_own_answers(self):
        first, second = fo.Classification(label="cat", why="a"), fo.Classification(label="cat", why="b")
        trip = Trip(self.SEVERAL, first, second)
        assert len(trip.sent) == 2
        assert trip.changes().is_empty

    def test_more_controls_than_anyone_could_work_with_are_refused(self):
        classes = tuple(f"class {number}" for number in range(MOST_CONTROLS + 1))
        field = LabelField("things", "classifications", classes, "things", attributes=self.SEVERAL.attributes)
        with pytest.raises(LabelSchemaError, match="its attributes make 201 control tags"):
            check_number(field, family_of_type("classifications"))
        check_number(a_field(an_attribute("why", NOTE), classes=classes), family_of_type("detections"))


NASTY = [
    "a",
    "b",
    "@",
    "%",
    "%40",
    "%2E",
    ".",
    "%.",
    "a.b",
    "a%.b",
    "2",
    "image",
    "true",
    "filter",
    "%filter",
    "日本",
    "$x",
]
nasty = st.sampled_from(NASTY) | strategies.class_names


@given(
    st.dictionaries(
        nasty,
        st.tuples(
            st.sampled_from(["detections", "classification", "classifications"]),
            st.lists(nasty, min_size=1, max_size=3, unique=True),
            st.lists(nasty, max_size=3, unique=True),
            st.lists(nasty, max_size=2, unique=True),
        ),
        min_size=1,
        max_size=3,
    )
)
def test_no_two_controls_have_the_same_name(schema):
    own = {"id", "label", "points", "closed", "filled", "mask", "attributes", "bounding_box", "mask_path"}
    asked = {
        name: {
            "type": label_type,
            "classes": [
                *classes,
                {"classes": ["dog"], "attributes": {name: {"type": "text"} for name in more if name not in own}},
            ],
            "attributes": {name: {"type": "text"} for name in attributes if name not in own},
        }
        for name, (label_type, classes, attributes, more) in schema.items()
    }
    fields = parse_label_schema(asked)
    root = ElementTree.fromstring(to_labeling_config(fields))
    names = [tag.get("name") for tag in root.iter() if tag.get("name")]
    assert len(names) == len(set(names))
    assert not any("@" in name for name in names)
    expected = {control.name for field in fields for control in controls_of(field, family_of(field))}
    assert expected <= set(names)
    assert {control_name(name) for name in schema} <= set(names)
