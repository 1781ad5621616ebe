from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fo_labelstudio.convert.labeling_config.label_schema import left_out_of_schema, schema_of
from fo_labelstudio.convert.labeling_config.match import match
from fo_labelstudio.convert.labeling_config.read import read
from fo_labelstudio.convert.labeling_config.write import to_labeling_config
from fo_labelstudio.convert.media import MEDIUM_NAMED
from fo_labelstudio.convert.schema import parse_label_schema
from fo_labelstudio.errors import LabelingConfigError
from tests.convert import strategies
from tests.properties import examples


def is_skeleton(field):
    return field.skeleton is not None and field.tool == "VectorLabels"


CONFIG = """
<View>
  <Image name="img" value="$photo"/>
  <RectangleLabels name="boxes" toName="img"><Label value="cat"/><Label value="dog" alias="d"/></RectangleLabels>
  <Choices name="weather" toName="img"><Choice value="sun"/><Choice value="rain"/></Choices>
  <Choices name="seen" toName="img" choice="multiple"><Choice value="sea"/><Choice value="sky"/></Choices>
  <TextArea name="caption" toName="img"/>
  <Number name="count" toName="img"/>
  <DateTime name="day" toName="img" only="date"/>
  <TextArea name="text" toName="img" perRegion="true"/>
  <Choices name="colour" toName="img" perRegion="true" whenTagName="boxes"><Choice value="red"/></Choices>
  <Choices name="parts" toName="img" perRegion="true" choice="multiple"><Choice value="a"/><Choice value="b"/></Choices>
  <Rating name="quality" toName="img" perRegion="true" maxRating="3"/>
</View>
"""


def test_a_labeling_config_becomes_the_label_schema_of_all_that_it_asks():
    config = read(CONFIG)
    assert schema_of(config) == {
        "boxes": {
            "type": "detections",
            "classes": ["cat", "d"],
            "attributes": {
                "text": {"type": "text"},
                "colour": {"type": "select", "values": ["red"]},
                "parts": {"type": "checkbox", "values": ["a", "b"]},
                "quality": {"type": "rating", "values": [1, 2, 3]},
            },
        },
        "weather": {"type": "classification", "classes": ["sun", "rain"], "attributes": {}},
        "seen": {"type": "classifications", "classes": ["sea", "sky"], "attributes": {}},
        "caption": {"type": "scalar", "kind": "str"},
        "count": {"type": "scalar", "kind": "float"},
        "day": {"type": "scalar", "kind": "date"},
    }
    assert left_out_of_schema(config) == ()


def test_the_label_schema_fits_the_labeling_config_that_it_is_of():
    config = read(CONFIG)
    found = match(parse_label_schema(schema_of(config)), config)
    assert [field.control for field in found.fields] == ["boxes", "weather", "seen", "caption", "count", "day"]
    assert [attribute.control for attribute in found.fields[0].attributes] == ["text", "colour", "parts", "quality"]


@pytest.mark.parametrize("label_type", strategies.IMAGE_TYPES)
@given(data=st.data())
@examples(20)
def test_the_label_schema_of_our_own_labeling_config_fits_it(label_type, data):
    # A labeling config does not say what the joints of a skeleton are.
    field = data.draw(strategies.fields(label_type).filter(lambda field: not is_skeleton(field)))
    config = read(to_labeling_config([field]))
    schema = schema_of(config)
    assert field.control in schema
    assert [field.control for field in match(parse_label_schema(schema), config).fields] == [*schema]


@pytest.mark.parametrize(
    "tag, reason",
    [
        ('<Ellipse name="c" toName="img"/>', "draws what is not sent"),
        ('<MagicWand name="c" toName="img"/>', "draws what is not sent"),
        ('<EllipseLabels name="c" toName="img"><Label value="a"/></EllipseLabels>', "draws what is not sent"),
        (
            '<Labels name="c" toName="img"><Label value="a"/></Labels>',
            "holds the classes of shapes that other control tags draw, which is not sent",
        ),
        (
            '<Taxonomy name="c" toName="img"><Choice value="a"/></Taxonomy>',
            "is a tree of choices, which is not sent",
        ),
        ('<Rating name="c" toName="img"/>', "asks for stars of the whole image, which no field is sent as"),
        ('<Pairwise name="c" toName="img,img"/>', "compares what it shows, which is not sent"),
        ('<Foo name="c" toName="img"/>', "is not known"),
        ('<BrushLabels name="c" toName="img" value="$x"/>', "takes its classes from the key 'x' of each task"),
        (
            '<VectorLabels name="c" toName="img" closable="false"><Label value="a"/></VectorLabels>',
            'cannot close lines, so closed ones would come back open; set closable="true" in it',
        ),
        (
            '<BrushLabels name="c" toName="img"/>',
            "has no classes to choose from",
        ),
        (
            '<TextArea name="label" toName="img" perRegion="true"/>',
            "cannot be an attribute: field 'boxes', attribute 'label': it is part of the label itself; leave it out of "
            "`attributes`",
        ),
        (
            '<TextArea name="c" toName="img" perRegion="true" whenTagName="others"/>',
            "asks about the regions of 0 fields, where an attribute is one field's",
        ),
        (
            '<Rating name="c" toName="img" perRegion="true" maxRating="1000000000"/>',
            "asks about each region what no attribute holds",
        ),
        (
            '<Taxonomy name="c" toName="img" perRegion="true"><Choice value="a"/></Taxonomy>',
            "asks about each region what no attribute holds",
        ),
    ],
)
def test_what_cannot_be_sent_is_left_out_and_told(tag, reason):
    config = read(CONFIG.replace("</View>", f"{tag}</View>"))
    assert schema_of(config) == schema_of(read(CONFIG))
    (message,) = left_out_of_schema(config)
    assert message.endswith(f"> {reason}")


def test_shapes_without_classes_become_labels_without_one_unless_their_classes_stand_apart():
    shapes = '<Bitmask name="c" toName="img"/>'
    config = read(CONFIG.replace("</View>", f"{shapes}</View>"))
    assert schema_of(config)["c"] == {"type": "instances", "classes": [], "attributes": {}}
    labels = '<Labels name="l" toName="img"><Label value="a"/></Labels>'
    config = read(CONFIG.replace("</View>", f"{shapes}{labels}</View>"))
    assert left_out_of_schema(config) == (
        "control 'c' <Bitmask> draws shapes whose class, if any, stands in a control of its own",
        "control 'l' <Labels> holds the classes of shapes that other control tags draw, which is not sent",
    )


def test_a_labeling_config_of_which_nothing_can_be_sent_is_refused_with_the_reasons():
    config = read('<View><Image name="i" value="$image"/><PolygonLabels name="p" toName="i" value="$objects"/></View>')
    with pytest.raises(LabelingConfigError) as caught:
        schema_of(config)
    assert caught.value.problems == (
        "control 'p' <PolygonLabels> takes its classes from the key 'objects' of each task",
    )


@pytest.mark.parametrize(
    "xml, message",
    [
        (
            '<View><Image name="a" value="$a"/><Image name="b" value="$b"/><Rating name="r" toName="a"/></View>',
            "shows several images ('a', 'b')",
        ),
        ('<View><Text name="t" value="$t"/><Rating name="r" toName="t"/></View>', "shows text and no image"),
        ('<View><Image name="a" valueList="$a"/><Rating name="r" toName="a"/></View>', "shows lists of images"),
    ],
)
def test_a_labeling_config_without_one_image_of_the_task_has_no_label_schema(xml, message):
    with pytest.raises(LabelingConfigError) as caught:
        schema_of(read(xml))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("medium", "shown", "marks"),
    [
        ("text", "Text", "Labels"),
        ("hypertext", "HyperText", "HyperTextLabels"),
        ("paragraphs", "Paragraphs", "ParagraphLabels"),
        ("audio", "Audio", "Labels"),
        ("timeseries", "TimeSeries", "TimeSeriesLabels"),
    ],
)
def test_what_marks_spans_becomes_a_field_of_spans(medium, shown, marks):
    options = ' valueType="json"' if medium == "timeseries" else ""
    config = read(
        f'<View><{shown} name="o" value="$o"{options}/><{marks} name="ner" toName="o"><Label value="a"/></{marks}>'
        '<Choices name="tone" toName="o" perRegion="true"><Choice value="calm"/></Choices>'
        '<TextArea name="summary" toName="o"/></View>'
    )
    found = schema_of(config, MEDIUM_NAMED[medium])
    assert found == {
        "ner": {
            "type": "spans",
            "classes": ["a"],
            "attributes": {"tone": {"type": "select", "values": ["calm"]}},
        },
        "summary": {"type": "scalar", "kind": "str"},
    }
    assert left_out_of_schema(config, MEDIUM_NAMED[medium]) == ()
    fields = parse_label_schema({name: {**info, "scope": medium} for name, info in found.items()})
    matched = match(fields, config).fields
    assert [(field.control, field.to_name) for field in matched] == [("ner", "o"), ("summary", "o")]
