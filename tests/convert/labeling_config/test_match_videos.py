"""Label fields of videos and labeling configs that others have written."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fo_labelstudio.convert.families import family_of
from fo_labelstudio.convert.labeling_config.label_schema import left_out_of_schema, schema_of
from fo_labelstudio.convert.labeling_config.match import match
from fo_labelstudio.convert.labeling_config.read import ObjectTag, read
from fo_labelstudio.convert.labeling_config.write import to_labeling_config
from fo_labelstudio.convert.media import medium_of
from fo_labelstudio.convert.question import Question
from fo_labelstudio.convert.records import Attribute
from fo_labelstudio.convert.schema import parse_label_schema, with_controls
from fo_labelstudio.errors import LabelingConfigError
from tests.convert import strategies
from tests.convert.strategies import FRAME_KINDS, field_of
from tests.properties import examples

VIDEO = medium_of("video")
PETS = {"classes": ("cat", "dog")}
SHOWN = '<Video name="v" value="$clip" framerate="$fps"/>'
LABELS = '<Label value="dog"/><Label value="bird"/><Label value="cat"/>'
BOX = '<VideoRectangle name="{}" toName="v"/>'
CLASSES = f'<Labels name="{{}}" toName="v">{LABELS}</Labels>'
RANGES = f'<TimelineLabels name="{{}}" toName="v">{LABELS}</TimelineLabels>'
WEATHER = '<Choices name="weather" toName="v"><Choice value="cat"/><Choice value="dog"/></Choices>'

TRACKS = field_of("frames.detections", "frames.pets", **PETS)
MOMENTS = field_of("temporal_detections", "events", **PETS)


def matched(fields, *tags, shown=SHOWN):
    return match(fields, read(f"<View>{shown}{''.join(tags)}</View>"))


def problems_of(fields, *tags, shown=SHOWN):
    with pytest.raises(LabelingConfigError) as caught:
        matched(fields, *tags, shown=shown)
    return caught.value.problems or (str(caught.value),)


@pytest.mark.parametrize("label_type", [*FRAME_KINDS, "temporal_detection", "temporal_detections"])
@given(data=st.data())
@examples(20)
def test_our_own_labeling_config_gives_the_same_field_back(label_type, data):
    field = data.draw(strategies.fields(label_type))
    found = match([field], read(to_labeling_config([field])))
    assert found.fields == (field,)
    assert found.shown == ObjectTag("video", "Video", "video", option="$frame_rate")


def test_one_control_tag_that_draws_and_one_that_has_the_classes_are_one_field():
    (field,) = matched([TRACKS], BOX.format("box"), CLASSES.format("label")).fields
    assert field == replace(TRACKS, control="box", labels_control="label", object_name="v", object_option="$fps")
    assert family_of(field).class_control(field) == "label"


def test_the_names_of_a_labeling_config_are_kept_in_the_label_schema():
    schema = {"frames.pets": {"type": "detections", "scope": "frames", "classes": ["cat", "dog"], "attributes": {}}}
    fields = parse_label_schema(schema)
    found = matched(fields, BOX.format("box"), CLASSES.format("label"))
    (kept,) = parse_label_schema(with_controls(schema, found.fields, "clip"))
    assert kept == replace(found.fields[0], data_key="clip")


def test_of_several_that_draw_the_one_of_the_fields_name_is_taken_with_the_classes_that_fit():
    other = '<Labels name="cars" toName="v"><Label value="car"/></Labels>'
    tags = (BOX.format("box"), BOX.format("pets"), other, CLASSES.format("label"))
    (field,) = matched([TRACKS], *tags).fields
    assert (field.control, field.labels_control) == ("pets", "label")
    assert problems_of([TRACKS], BOX.format("one"), BOX.format("two"), CLASSES.format("label")) == (
        "field 'frames.pets': the controls 'one' and 'two' fit alike; call the one that is meant 'frames.pets'",
    )


def test_ranges_classes_and_tracks_find_their_own_control_tags():
    fields = [TRACKS, MOMENTS, field_of("classification", "w", scope="video", **PETS)]
    tags = (BOX.format("box"), CLASSES.format("label"), RANGES.format("line"), WEATHER)
    assert [field.control for field in matched(fields, *tags).fields] == ["box", "line", "weather"]
    frames = field_of("frames.classification", "frames.act", **PETS)
    assert [field.control for field in matched([frames], *tags).fields] == ["line"]


def test_two_fields_of_ranges_are_told_apart_by_their_names():
    frames = field_of("frames.classification", "frames.act", **PETS)
    tags = RANGES.format("events"), RANGES.format("act")
    assert [field.control for field in matched([MOMENTS, frames], *tags).fields] == ["events", "act"]


def test_attributes_of_tracks_may_be_asked_of_the_classes():
    asked = Attribute("colour", Question("select", "str", ("red",)), "colour")
    about = '<Choices name="colour" toName="v" perRegion="true" whenTagName="{}"><Choice value="red"/></Choices>'
    tags = BOX.format("box"), CLASSES.format("label")
    field = replace(TRACKS, attributes=(asked,))
    assert matched([field], *tags, about.format("label")).fields[0].attributes == (asked,)
    assert len(problems_of([field], *tags, about.format("other"))) == 1


@pytest.mark.parametrize(
    "tags, expected",
    [
        (
            [CLASSES.format("label")],
            "field 'frames.pets': no control <VideoRectangle> is left that asks about 'v'; add <VideoRectangle "
            'name="pets" toName="v">, or leave the field out',
        ),
        (
            [BOX.format("box")],
            "field 'frames.pets', its classes: no control <Labels> is left that asks about 'v'; add <Labels "
            'name="pets" toName="v">, or leave the field out',
        ),
        (
            [BOX.format("box"), '<Labels name="label" toName="v"><Label value="cat"/></Labels>'],
            "field 'frames.pets', its classes: control 'label' lacks the classes 'dog'; add them to it, or leave them "
            "out of `classes`",
        ),
        (
            [BOX.format("box"), CLASSES.format("label").replace("toName", 'choice="multiple" toName')],
            "field 'frames.pets', its classes: control 'label' lets people choose several classes, where one is "
            'expected; set choice="single" in it',
        ),
    ],
)
def test_what_cannot_carry_tracks_is_refused(tags, expected):
    assert problems_of([TRACKS], *tags) == (expected,)


def test_tracks_without_classes_are_refused_where_people_would_give_them_one():
    field = replace(TRACKS, classes=())
    assert matched([field], BOX.format("box")).fields[0].control == "box"
    assert problems_of([field], BOX.format("box"), CLASSES.format("label")) == (
        "field 'frames.pets': control 'box' draws what gets its class from control 'label'; pass classes=[...]",
    )


def test_a_labeling_config_that_shows_no_video_of_the_task_is_refused():
    image = '<Image name="v" value="$photo"/>'
    assert problems_of([MOMENTS], RANGES.format("line"), shown=image) == (
        "the labeling config shows image and no video; use a project whose labeling config has a <Video> tag",
    )
    fixed = '<Video name="v" value="https://host/a.mp4"/>'
    (problem,) = problems_of([MOMENTS], RANGES.format("line"), shown=fixed)
    assert 'such as <Video name="video" value="$video"/>' in problem


@pytest.mark.parametrize(
    "tag, option",
    [
        ('framerate="25"', "25"),
        ('frameRate="$rate"', "$rate"),
        ("", ""),
        ('framerate="$frame_rate"', None),
    ],
)
def test_what_the_video_says_of_its_frame_rate_is_told(tag, option):
    (field,) = matched([MOMENTS], RANGES.format("line"), shown=f'<Video name="v" value="$clip" {tag}/>').fields
    assert field.object_option == option


def test_a_labeling_config_becomes_the_label_schema_of_all_that_it_asks_of_videos():
    config = read(
        f"<View>{SHOWN}{BOX.format('box')}{CLASSES.format('label')}{RANGES.format('line')}{WEATHER}"
        '<Text name="t" value="$text"/><TextArea name="remark" toName="t"/>'
        '<TextArea name="text" toName="v" perRegion="true" whenTagName="label" maxSubmissions="1"/></View>'
    )
    classes = ["dog", "bird", "cat"]
    schema = schema_of(config, VIDEO)
    assert schema == {
        "frames.box": {"type": "detections", "classes": classes, "attributes": {"text": {"type": "text"}}},
        "line": {"type": "temporal_detections", "classes": classes, "attributes": {}},
        "weather": {"type": "classification", "classes": ["cat", "dog"], "attributes": {}},
    }
    assert left_out_of_schema(config, VIDEO) == ("control 'remark' asks about something else than the video",)
    scopes = {"frames.box": "frames", "line": "video", "weather": "video"}
    fields = parse_label_schema({name: {**info, "scope": scopes[name]} for name, info in schema.items()})
    assert [field.control for field in match(fields, config).fields] == ["box", "line", "weather"]


def test_what_cannot_be_told_apart_is_left_out_of_the_label_schema():
    config = read(
        f"<View>{SHOWN}{BOX.format('one')}{BOX.format('two')}{CLASSES.format('label')}{WEATHER}"
        f'<RectangleLabels name="boxes" toName="v">{LABELS}</RectangleLabels></View>'
    )
    assert [*schema_of(config, VIDEO)] == ["weather"]
    assert left_out_of_schema(config, VIDEO) == (
        "control 'one' <VideoRectangle> draws what gets its class from another control tag than one of its own, which "
        "is not sent",
        "control 'two' <VideoRectangle> draws what gets its class from another control tag than one of its own, which "
        "is not sent",
        "control 'label' <Labels> holds the classes of shapes that other control tags draw, which is not sent",
        "control 'boxes' <RectangleLabels> is for another medium",
    )
