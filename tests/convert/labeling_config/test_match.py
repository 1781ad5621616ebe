from __future__ import annotations

import json
import re
from copy import deepcopy
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fo_labelstudio.convert.labeling_config.match import check_own_config, match
from fo_labelstudio.convert.labeling_config.read import ObjectTag, read
from fo_labelstudio.convert.labeling_config.write import to_labeling_config
from fo_labelstudio.convert.media import SHOWN_AS
from fo_labelstudio.convert.names import control_name, inner_name
from fo_labelstudio.convert.question import Question
from fo_labelstudio.convert.records import Attribute, LabelField
from fo_labelstudio.convert.schema import parse_label_schema, with_controls
from fo_labelstudio.errors import LabelingConfigError
from tests.convert import strategies
from tests.convert.strategies import field_of
from tests.properties import examples

PETS = {"classes": ("cat", "dog")}
IMAGE = '<Image name="img" value="$photo"/>'
LABELS = '<Label value="dog"/><Label value="bird"/><Label value="cat"/>'
BOXES = f'<RectangleLabels name="{{}}" toName="img">{LABELS}</RectangleLabels>'
WEATHER = '<Choices name="weather" toName="img" choice="{}"><Choice value="sun"/><Choice value="rain"/></Choices>'


def matched(fields, *tags):
    return match(fields, read(f"<View>{IMAGE}{''.join(tags)}</View>"))


def problems_of(fields, *tags):
    with pytest.raises(LabelingConfigError) as caught:
        matched(fields, *tags)
    return caught.value.problems or (str(caught.value),)


def on_value(key, tag, control, **options):
    """Spans on the value of a field, matched with an object tag with some XML attributes."""
    field = LabelField("said", "spans", ("A",), "said", scope=SHOWN_AS[key].scopes[0], shows="value")
    shown = "".join(f' {option}="{text}"' for option, text in options.items())
    asked = f'<{control} name="said" toName="shown"><Label value="A"/></{control}>'
    return match([field], read(f'<View>{IMAGE}<{tag} name="shown" value="$value"{shown}/>{asked}</View>'))


@pytest.mark.parametrize(
    ("key", "tag", "of", "options", "problem"),
    [
        ("text", "Text", "Labels", {"encoding": "base64"}, "takes what tasks hold for base64; take encoding="),
        (
            "text",
            "Text",
            "Labels",
            {"valueType": "url"},
            'takes what tasks hold for an address; take valueType="url" out',
        ),
        (
            "html",
            "HyperText",
            "HyperTextLabels",
            {"valueType": "url"},
            "takes what tasks hold for an address; take value",
        ),
        (
            "html",
            "HyperText",
            "HyperTextLabels",
            {"inline": "true"},
            "counts the characters before the body, too; take",
        ),
        (
            "turns",
            "Paragraphs",
            "ParagraphLabels",
            {"textKey": "say"},
            "takes 'say' of each turn, where tasks have 'text'",
        ),
        ("turns", "Paragraphs", "ParagraphLabels", {"namekey": "who"}, 'write nameKey="author" into it'),
        ("turns", "Paragraphs", "ParagraphLabels", {"valuetype": "url"}, "takes what tasks hold for an address"),
        (
            "series",
            "TimeSeries",
            "TimeSeriesLabels",
            {},
            'takes what tasks hold for an address; write valueType="json"',
        ),
    ],
)
def test_an_object_tag_that_does_not_show_what_tasks_hold_is_refused(key, tag, of, options, problem):
    with pytest.raises(LabelingConfigError, match=re.escape(f"<{tag}> 'shown' of the labeling config")) as caught:
        on_value(key, tag, of, **options)
    assert problem in str(caught.value)


def test_a_labeling_config_that_shows_texts_alone_names_the_setting_that_sends_these_alone():
    field = LabelField("said", "spans", ("A",), "said", scope="text", shows="value")
    texts = '<Text name="t" value="$value"/><Labels name="said" toName="t"><Label value="A"/></Labels>'
    with pytest.raises(LabelingConfigError, match="shows no image; pass show_media=False to send values"):
        match([field], read(f"<View>{texts}</View>"))
    assert match([replace(field, beside=None)], read(f"<View>{texts}</View>")).fields[0].object_name == "t"


@pytest.mark.parametrize(
    ("key", "tag", "of", "options"),
    [
        ("text", "Text", "Labels", {"valueType": "text"}),
        ("html", "HyperText", "HyperTextLabels", {"inline": "false", "encoding": "none"}),
        ("turns", "Paragraphs", "ParagraphLabels", {"nameKey": "author", "textKey": "text", "layout": "none"}),
        ("turns", "Paragraphs", "ParagraphLabels", {}),
        ("series", "TimeSeries", "TimeSeriesLabels", {"valueType": "json"}),
    ],
)
def test_an_object_tag_that_shows_what_tasks_hold_is_matched(key, tag, of, options):
    assert on_value(key, tag, of, **options).fields[0].object_name == "shown"


def on_image(fields):
    return [replace(field, object_name="img") for field in fields]


def boxes(name="boxes"):
    return BOXES.format(name)


@pytest.mark.parametrize("label_type", strategies.IMAGE_TYPES)
@given(data=st.data())
@examples(30)
def test_our_own_labeling_config_gives_the_same_field_back(label_type, data):
    field = data.draw(strategies.fields(label_type))
    found = match([field], read(to_labeling_config([field])))
    assert found.fields == (field,)
    assert found.shown == ObjectTag("image", "Image", "image")


@given(data=st.data())
@examples(30)
def test_our_own_labeling_config_gives_all_fields_back(data):
    types = data.draw(st.lists(st.sampled_from([*strategies.IMAGE_TYPES]), min_size=1, max_size=5))
    names = data.draw(
        st.lists(
            strategies.class_names | st.sampled_from(("image", "a@b", "a%40b")), min_size=5, max_size=5, unique=True
        )
    )
    fields = []
    for name, label_type in zip(names, types):
        field = data.draw(strategies.fields(label_type))
        control = control_name(name)
        attributes = tuple(row._replace(control=inner_name(control, row.name)) for row in field.attributes)
        fields.append(replace(field, name=name, control=control, attributes=attributes))
    assert match(fields, read(to_labeling_config(fields))).fields == tuple(fields)


def test_a_control_tag_of_the_fields_name_is_taken():
    fields = [field_of("detections", "boxes", **PETS)]
    assert matched(fields, boxes("boxes"), boxes("others")).fields == tuple(on_image(fields))


def test_the_only_control_tag_of_the_kind_with_all_classes_is_taken_and_the_image_is_told():
    small = '<RectangleLabels name="small" toName="img"><Label value="cat"/></RectangleLabels>'
    field = field_of("detections", "ground_truth", **PETS)
    found = matched([field], WEATHER.format("single"), small, boxes("label"))
    assert found.fields == (replace(field, control="label", object_name="img"),)
    assert found.fields[0].to_name == "img"
    assert found.shown == ObjectTag("img", "Image", "photo")


def test_what_is_left_for_one_field_only_settles_the_others():
    few = '<RectangleLabels name="few" toName="img"><Label value="cat"/></RectangleLabels>'
    one, two = field_of("detections", "one", classes=("cat",)), field_of("detections", "two", **PETS)
    assert [field.control for field in matched([one, two], few, boxes("many")).fields] == ["few", "many"]


def test_the_tool_is_that_of_the_labeling_config():
    masks = '<BitmaskLabels name="m" toName="img"><Label value="cat"/><Label value="dog"/></BitmaskLabels>'
    field = field_of("instances", "masks", **PETS)
    (found,) = matched([field], masks).fields
    assert (field.tool, found.tool, found.control) == ("BrushLabels", "BitmaskLabels", "m")


def test_of_several_tools_the_one_that_we_would_take_is_taken():
    tags = [
        f'<{tag} name="{tag}" toName="img"><Label value="cat"/><Label value="dog"/></{tag}>'
        for tag in ("BitmaskLabels", "BrushLabels")
    ]
    (found,) = matched([field_of("instances", "masks", **PETS)], *tags).fields
    assert (found.tool, found.control) == ("BrushLabels", "BrushLabels")


def test_a_field_without_classes_is_drawn_with_a_tag_that_holds_none():
    field = field_of("instances", "masks", classes=())
    (found,) = matched([field], '<Bitmask name="m" toName="img"/>').fields
    assert (found.control, found.tool) == ("m", "BitmaskLabels")


def test_a_field_that_may_lack_classes_needs_a_tag_that_allows_it():
    field = field_of("detections", "boxes", **PETS, takes_none=True)
    assert problems_of([field], boxes()) == (
        "field 'boxes': control 'boxes' asks for a class of each region, which not all labels have; set "
        'allowEmpty="true" in it',
    )


def test_questions_about_regions_become_the_attributes_of_their_name_or_kind():
    field = field_of(
        "detections",
        "boxes",
        **PETS,
        attributes=(
            Attribute("colour", Question("select", "str", ("red", "blue")), "boxes%.colour"),
            Attribute("note", Question("text", "str"), "boxes%.note"),
        ),
    )
    colour = '<Choices name="c" toName="img" perRegion="true"><Choice value="blue"/><Choice value="red"/></Choices>'
    texts = [f'<TextArea name="{name}" toName="img" perRegion="true"/>' for name in ("other", "note")]
    (found,) = matched([field], boxes(), colour, *texts, '<TextArea name="caption" toName="img"/>').fields
    assert [attribute.control for attribute in found.attributes] == ["c", "note"]
    assert found == replace(field, attributes=found.attributes, object_name="img")


def test_an_attribute_that_nobody_asked_for_is_left_out_where_no_control_tag_has_its_name():
    attributes = (Attribute("area", Question("number", "float"), "boxes%.area", is_discovered=True),)
    field = field_of("detections", "boxes", **PETS, attributes=attributes)
    number = '<Number name="{}" toName="img" perRegion="true"/>'
    assert matched([field], boxes(), number.format("age")).fields[0].attributes == ()
    assert matched([field], boxes(), number.format("area")).fields[0].attributes[0].control == "area"


def test_a_question_about_regions_of_another_control_tag_is_not_taken():
    attributes = (Attribute("note", Question("text", "str"), "boxes%.note"),)
    field = field_of("detections", "boxes", **PETS, attributes=attributes)
    text = '<TextArea name="{0}" toName="img" perRegion="true" whenTagName="{1}"/>'
    found = matched([field], boxes(), boxes("b"), text.format("x", "b"), text.format("y", "boxes"))
    assert found.fields[0].attributes[0].control == "y"


def test_scalar_fields_are_matched_too():
    fields = [
        field_of("scalar", "score", question=Question("number", "float")),
        field_of("scalar", "weather", question=Question("select", "str", ("rain", "sun"))),
        field_of("scalar", "day", question=Question("date", "date")),
    ]
    found = matched(
        fields,
        WEATHER.format("single"),
        '<Number name="n" toName="img" min="0" max="10"/><DateTime name="d" toName="img" only="date"/>',
    )
    assert [field.control for field in found.fields] == ["n", "weather", "d"]


def test_only_the_image_that_all_fields_fit_is_taken():
    xml = (
        f'<View>{IMAGE}<Image name="logo" value="https://host/logo.png"/><Image name="second" value="$other"/>'
        f'{boxes()}<Rating name="r" toName="second"/></View>'
    )
    assert match([field_of("detections", "boxes", **PETS)], read(xml)).shown.name == "img"


ATTRIBUTE = Attribute("note", Question("text", "str"), "boxes%.note", classes=("cat",))


@pytest.mark.parametrize(
    "fields, tags, expected",
    [
        pytest.param(
            [field_of("detections", "boxes", classes=("cat", "cow", "hen"))],
            [boxes()],
            "field 'boxes': control 'boxes' lacks the classes 'cow', 'hen'; add them to it, or leave them out of "
            "`classes`",
            id="classes are missing",
        ),
        pytest.param(
            [field_of("detections", "pets", **PETS)],
            ['<RectangleLabels name="c" toName="img" value="$labels"/>'],
            "field 'pets': control 'c' takes its classes from the key 'labels' of each task, so nobody knows whether "
            "'cat', 'dog' will be among them; write them into the labeling config",
            id="classes come with the tasks",
        ),
        pytest.param(
            [field_of("polygons", "areas", **PETS)],
            [boxes("areas")],
            "field 'areas': no control <PolygonLabels> is left that asks about 'img' ('areas' is a <RectangleLabels>); "
            'add <PolygonLabels name="areas" toName="img">, or leave the field out',
            id="no control of that kind",
        ),
        pytest.param(
            [field_of("detections", "pets", **PETS)],
            [
                '<Labels name="l" toName="img"><Label value="cat"/><Label value="dog"/></Labels>',
                '<Rectangle name="r" toName="img"/>',
            ],
            "field 'pets': no control <RectangleLabels> is left that asks about 'img' ('r' is a <Rectangle>, whose "
            'class, if any, stands in a control of its own); add <RectangleLabels name="pets" toName="img">, or leave '
            "the field out",
            id="the class stands elsewhere",
        ),
        pytest.param(
            [field_of("detections", "pets", **PETS)],
            [boxes("one"), boxes("two")],
            "field 'pets': the controls 'one' and 'two' fit alike; call the one that is meant 'pets'",
            id="two candidates",
        ),
        pytest.param(
            [field_of("classification", "weather", classes=("sun", "rain"))],
            [WEATHER.format("multiple")],
            "field 'weather': control 'weather' lets people choose several classes, where one is expected; set "
            'choice="single" in it, or use a type of label that holds a list',
            id="several for one",
        ),
        pytest.param(
            [field_of("classifications", "weather", classes=("sun", "rain"))],
            [WEATHER.format("single-radio")],
            "field 'weather': control 'weather' lets people choose only one, where several are expected; set "
            'choice="multiple" in it',
            id="one for several",
        ),
        pytest.param(
            [field_of("classification", "weather", classes=("sun",))],
            ['<Choices name="weather" toName="img" allowNested="true"><Choice value="sun"/></Choices>'],
            "field 'weather': control 'weather' has nested choices, which cannot be sent; take allowNested out of it, "
            "or leave the field out",
            id="nested",
        ),
        pytest.param(
            [field_of("detections", "boxes", **PETS, attributes=(ATTRIBUTE,))],
            [boxes(), '<TextArea name="caption" toName="img"/>'],
            "field 'boxes', attribute 'note': no control <TextArea> is left that asks about each region of 'img'; add "
            '<TextArea name="note" toName="img" perRegion="true">, or leave the attribute out',
            id="attribute without control",
        ),
        pytest.param(
            [field_of("detections", "boxes", **PETS, attributes=(ATTRIBUTE,))],
            [boxes(), '<TextArea name="t" toName="img" perRegion="true" whenLabelValue="dog,bird"/>'],
            "field 'boxes', attribute 'note': control 't' is only shown for 'dog,bird': the editor drops what it does "
            "not show; move the condition to a <View> around it, or limit the attribute to these classes",
            id="attribute that is not shown",
        ),
        pytest.param(
            [field_of("scalar", "score", question=Question("number", "float"))],
            ['<Number name="n" toName="img" visibleWhen="choice-selected"/>'],
            "field 'score': control 'n' is only shown when 'choice-selected': the editor drops what it does not show; "
            "move the condition to a <View> around it",
            id="field that is not shown",
        ),
        pytest.param(
            [field_of("scalar", "time", question=Question("datetime", "datetime"))],
            ['<DateTime name="d" toName="img"/>'],
            "field 'time': control 'd' has format=None, which cannot carry the times that are sent; set "
            "format='%Y-%m-%dT%H:%M:%S.%f' in it",
            id="times of another format",
        ),
        pytest.param(
            [field_of("polylines", "lanes", **PETS)],
            ['<VectorLabels name="v" toName="img"><Label value="cat"/><Label value="dog"/></VectorLabels>'],
            "field 'lanes': control 'v' cannot close lines, so closed ones would come back open; set "
            'closable="true" in it',
            id="lines that cannot be closed",
        ),
    ],
)
def test_what_does_not_fit_is_told_with_control_field_and_remedy(fields, tags, expected):
    assert problems_of(fields, *tags) == (expected,)


def test_two_fields_for_one_control_tag_are_both_told():
    fields = [field_of("detections", name, **PETS) for name in ("a", "b")]
    assert problems_of(fields, boxes()) == (
        "field 'a': control 'boxes' fits, and field 'b' too; call it 'a', and add another",
        "field 'b': control 'boxes' fits, and field 'a' too; call it 'b', and add another",
    )


def test_all_that_does_not_fit_is_told_at_once():
    fields = [field_of("polygons", "a", **PETS), field_of("detections", "b", classes=("cow",))]
    problems = problems_of(fields, boxes("b"))
    assert [problem.partition(":")[0] for problem in problems] == ["field 'a'", "field 'b'"]


def test_attributes_of_several_classes_of_one_image_need_a_control_tag_for_each():
    attribute = Attribute("sure", Question("radio", "bool", (True, False)), "weather%.sure")
    field = field_of("classifications", "weather", classes=("sun", "rain"), attributes=(attribute,))
    problems = problems_of([field], WEATHER.format("multiple"))
    assert len(problems) == 2
    assert problems[0].startswith(
        "field 'weather', attribute 'sure': no control 'weather%.sure%.sun' <Choices> asks about 'img', as one must "
        "for each class"
    )


def test_a_list_of_images_is_refused():
    xml = '<View><Image name="img" valueList="$photos"/>' + boxes() + "</View>"
    with pytest.raises(LabelingConfigError, match="shows lists of images, or always the same one"):
        match([field_of("detections", "boxes", **PETS)], read(xml))


def test_two_images_that_fit_alike_are_refused():
    choices = '<Choices name="{0}" toName="{0}i"><Choice value="a"/></Choices><Image name="{0}i" value="${0}"/>'
    xml = f"<View>{choices.format('x')}{choices.format('y')}</View>"
    with pytest.raises(LabelingConfigError, match="fits the images 'xi' and 'yi' of the labeling config alike"):
        match([field_of("classification", "z", classes=("a",))], read(xml))


def test_a_labeling_config_of_ones_own_may_have_more_than_is_needed():
    field = field_of("detections", "boxes", **PETS)
    xml = (
        f'<View><!-- ours --><Style>.x {{ color: red }}</Style><Header value="Find the pets"/>{IMAGE}{boxes()}'
        '<Filter name="f" toName="boxes"/><Magnify name="m" toName="img"/><View visibleWhen="region-selected">'
        '<Rating name="quality" toName="img" perRegion="true"/></View><TextArea name="remarks" toName="img"/></View>'
    )
    assert check_own_config(xml, [field]).fields == tuple(on_image([field]))


@pytest.mark.parametrize(
    "xml, message",
    [
        ("<View", "is not XML"),
        (f"<View>{IMAGE}{boxes()}<Foo/></View>", "tag <Foo> is not known to Label Studio"),
        (f'<View>{IMAGE}{boxes()}<Rating name="boxes" toName="img"/></View>', "2 tags have the name 'boxes'"),
        (f'<View>{IMAGE}{boxes()}<Rating name="r" toName="x"/></View>', "asks about 'x', which is no object tag"),
        (f'<View>{IMAGE}{boxes()}<Choices name="c" toName="img"/></View>', "Label Studio refuses the labeling config"),
        (
            '<View><Text name="t" value="$t"/><Choices name="c" toName="t"><Choice value="a"/></Choices></View>',
            "shows text and no image",
        ),
    ],
)
def test_a_labeling_config_of_ones_own_must_be_as_label_studio_wants_it(xml, message):
    with pytest.raises(LabelingConfigError) as caught:
        check_own_config(xml, [field_of("detections", "boxes", **PETS)])
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "schema",
    [
        {
            "type": "detections",
            "classes": ["cat", "dog"],
            "attributes": {"age": {"type": "number"}, "hue": {"type": "text"}},
        },
        {
            "type": "detections",
            "classes": ["cat", {"classes": ["dog"], "attributes": {"age": {"type": "number"}}}],
            "attributes": {"age": {"type": "text", "discovered": True}},
        },
        {"type": "scalar", "classes": [], "attributes": {}, "kind": "float"},
        {"type": "classification", "classes": ["cat"], "attributes": {}},
    ],
    ids=["attributes", "attributes of classes", "scalar", "classification"],
)
def test_the_names_that_were_found_are_kept_in_the_label_schema(schema):
    (field,) = parse_label_schema({"gt": schema})
    named = [attribute._replace(control=f"their {number}") for number, attribute in enumerate(field.attributes)]
    found = replace(field, control="theirs", object_name="img", attributes=tuple(named[-1:]))
    before = deepcopy(schema)
    saved = with_controls({"gt": schema}, [found], "photo")
    assert parse_label_schema(json.loads(json.dumps(saved))) == (replace(found, data_key="photo"),)
    assert schema == before
