from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fo_labelstudio.convert.labeling_config.kinds import CONTROL_TAGS, Kind, class_of_path, kind_of, label_type_of
from fo_labelstudio.convert.labeling_config.read import ControlTag, ObjectTag, needed_keys, read
from fo_labelstudio.convert.labeling_config.write import to_labeling_config
from fo_labelstudio.convert.names import control_name
from fo_labelstudio.errors import LabelingConfigError
from tests.convert import strategies

GOLDEN = Path(__file__).parents[2] / "golden" / "labelstudio-1.23.2"
IMAGE = '<Image name="image" value="$image"/>'
BOXES = '<RectangleLabels name="boxes" toName="image"><Label value="cat"/></RectangleLabels>'


def control_of(xml, name="c"):
    return read(f"<View>{IMAGE}{xml}</View>").controls[name]


def classes_of(xml):
    return control_of(xml).classes


def test_object_and_control_tags_are_found_with_what_tasks_and_results_call_them():
    config = read(f"<View>{IMAGE}{BOXES}</View>")
    assert config.objects == {"image": ObjectTag("image", "Image", "image", is_list=False)}
    assert config.controls == {
        "boxes": ControlTag(
            "boxes",
            "RectangleLabels",
            objects=("image",),
            classes=("cat",),
            per_region=False,
            per_item=False,
            options={"name": "boxes", "toName": "image"},
        )
    }
    assert (config.relations, config.problems) == ((), ())


@pytest.mark.parametrize(
    "value, key",
    [
        ("$image", "image"),
        ("$a.b", "a.b"),
        ("$pages[0].url", "pages[0].url"),
        ("https://x/y.png", None),
        ("$a $b", None),
    ],
)
def test_an_object_tag_says_which_key_of_the_task_it_shows(value, key):
    config = read(f'<View><Image name="i" value="{value}"/><Rating name="r" toName="i"/></View>')
    assert (config.objects["i"].key, config.objects["i"].medium) == (key, "image")


def test_an_image_tag_with_a_list_shows_several_images():
    config = read('<View><Image name="i" valueList="$pages"/><Rating name="r" toName="i" perItem="true"/></View>')
    assert config.objects["i"] == ObjectTag("i", "Image", "pages", is_list=True)
    assert config.controls["r"].per_item


def test_the_alias_of_a_class_is_what_results_carry():
    labels = '<Label value="A" alias="a"/><Label value="B" alias=""/>'
    assert classes_of(f'<RectangleLabels name="c" toName="image">{labels}</RectangleLabels>') == ("a", "B")


def test_the_classes_of_a_taxonomy_are_paths():
    tree = '<Choice value="Animal"><Choice value="Cat" alias="cat"/><Choice value="Dog"/></Choice><Choice value="Dog"/>'
    xml = '<Taxonomy name="c" toName="image" {}>{}</Taxonomy>'
    assert classes_of(xml.format("", tree)) == ("Animal", "Animal/cat", "Animal/Dog", "Dog")
    assert classes_of(xml.format('leafsOnly="true"', tree)) == ("Animal/cat", "Animal/Dog", "Dog")
    assert class_of_path(["Animal", "cat"]) == "Animal/cat"


def test_nested_choices_are_paths_where_they_may_be_nested_and_skipped_elsewhere():
    xml = '<Choices name="c" toName="image" {}><Choice value="A"><Choice value="B"/></Choice></Choices>'
    assert classes_of(xml.format("")) == ("A",)
    assert classes_of(xml.format('allowNested="true"')) == ("A", "A/B")
    assert control_of(xml.format('allowNested="true"')).is_nested


def test_classes_may_stand_in_views_of_their_own():
    xml = '<Choices name="c" toName="image"><View><Header value="h"/><Choice value="A "/></View></Choices>'
    assert classes_of(xml) == ("A ",)


def test_classes_that_come_with_each_task_are_told_by_their_key():
    control = control_of('<PolygonLabels name="c" toName="image" value="$labels"/>')
    assert (control.classes, control.classes_key) == ((), "labels")
    assert control_of('<Rating name="c" toName="image" value="$x"/>').classes_key is None


def test_several_objects_of_one_control_are_split_at_commas():
    config = read(
        '<View><Image name="a" value="$a"/><Image name="b" value="$b"/><Pairwise name="p" toName="a,b"/></View>'
    )
    assert config.controls["p"].objects == ("a", "b")
    assert (config.controls["p"].kind, config.problems) == (Kind.RANKING, ())


def test_upper_and_lower_case_of_tags_and_attributes_are_alike_as_in_the_editor():
    config = read(
        '<view><image NAME="i" VALUE="$x"/><rectanglelabels name="c" toname="i" perregion="true">'
        '<label value="A"/></rectanglelabels></view>'
    )
    control = config.controls["c"]
    assert (config.objects["i"].tag, control.tag, control.classes) == ("Image", "RectangleLabels", ("A",))
    assert control.per_region
    assert control.options == {"name": "c", "toName": "i", "perRegion": "true"}


def test_a_control_tag_without_object_asks_about_the_only_one_as_in_the_editor():
    assert read(f'<View>{IMAGE}<Rating name="r"/></View>').controls["r"].objects == ("image",)


def test_the_names_of_relations_are_found():
    config = read(f'<View>{IMAGE}{BOXES}<Relations><Relation value="eats"/></Relations></View>')
    assert (config.relations, list(config.controls)) == (("eats",), ["boxes"])


def test_headers_filters_magnifiers_and_hotkeys_are_no_controls():
    xml = (
        f'<View><Header name="h" value="$title"/>{IMAGE}{BOXES}<Filter name="f" toName="boxes"/>'
        '<Magnify name="m" toName="image"/><Style>.x { color: red }</Style></View>'
    )
    config = read(xml)
    assert (list(config.objects), list(config.controls), config.problems) == (["image"], ["boxes"], ())


def test_tags_that_are_repeated_are_found_by_the_names_that_results_carry():
    config = read(
        '<View><Repeater on="$images" indexFlag="{{n}}"><Image name="page_{{n}}" value="$images[{{n}}].url"/>'
        '<RectangleLabels name="c_{{n}}" toName="page_{{n}}"><Label value="A"/></RectangleLabels></Repeater></View>'
    )
    control, shown = config.control_of("c_12"), config.object_of("page_12")
    assert (control.name, control.objects, control.classes) == ("c_12", ("page_12",), ("A",))
    assert (shown.name, shown.key) == ("page_12", "images[12].url")
    assert (config.control_of("c_x"), config.object_of("page_")) == (None, None)


def test_comments_and_a_declared_encoding_do_no_harm():
    config = read(
        f'\ufeff<?xml version="1.0" encoding="latin-1"?><!-- <X name="z" toName="nobody"/> --><View>{IMAGE}'
        f"<!-- <Choices --><?pi x?>{BOXES}</View>"
    )
    assert (list(config.controls), config.problems) == (["boxes"], ())


@given(st.lists(strategies.class_names, min_size=1, unique=True), strategies.class_names)
def test_any_name_and_class_is_read_as_it_was_written(classes, name):
    field = strategies.field_of("detections", name, classes=tuple(classes), control=control_name(name))
    config = read(to_labeling_config([field]))
    assert config.controls[control_name(name)].classes == tuple(classes)
    assert config.problems == ()


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.xml")), ids=lambda path: path.stem)
def test_the_labeling_configs_of_recorded_projects_are_read_without_a_problem(path):
    assert read(path.read_text(encoding="utf-8")).problems == ()


@pytest.mark.parametrize(
    "xml, message",
    [
        (
            f'<View>{IMAGE}{BOXES}<Foo name="f" toName="image"/></View>',
            "tag <Foo> is not known to Label Studio; correct its name, or leave it out",
        ),
        (
            f'<View>{IMAGE}{BOXES}<Rating name="boxes" toName="image"/></View>',
            "2 tags have the name 'boxes', of which the last counts; give each a name of its own",
        ),
        (
            f'<View>{IMAGE}<Choices name="c" toName="image"><Choice value="A"/><Choice value="A"/></Choices></View>',
            "control 'c' has the class 'A' 2 times; leave all but one out",
        ),
        (
            f'<View>{IMAGE}{BOXES}<Rating name="r" toName="picture"/></View>',
            "control 'r' asks about 'picture', which is no object tag; correct its toName",
        ),
        (
            f'<View>{IMAGE}{BOXES}<Rating toName="image"/></View>',
            "a <Rating> has no name, so nothing that is answered to it can be told; give it one",
        ),
        (
            f'<View>{IMAGE}{BOXES}<Choices name="c" toName="image"><Choice html="A"/></Choices></View>',
            "Label Studio refuses the labeling config: Validation failed on Choice/0: 'value' is a required property",
        ),
    ],
)
def test_what_is_not_as_it_should_be_is_told_and_the_rest_is_read(xml, message):
    config = read(xml)
    assert config.problems == (message,)
    assert "boxes" in config.controls or "c" in config.controls


@pytest.mark.parametrize(
    "xml, message",
    [
        ("", "the labeling config is not XML: no element found: line 1, column 0; it begins with ''"),
        ("hello", "the labeling config is not XML: syntax error: line 1, column 0; it begins with 'hello'"),
        ("<View/>", "the labeling config has no control tag, so nothing can be annotated with it; add one"),
        (f"<View>{IMAGE}</View>", "the labeling config has no control tag"),
        (
            '<View><Choices name="c" toName="c"><Choice value="A"/></Choices></View>',
            'the labeling config has no object tag, so it shows nothing; add one, such as <Image name="image"',
        ),
        (f"<View>{IMAGE}{BOXES}{'<View>' * 300}{'</View>' * 300}</View>", "more than 250 tags within each other"),
        (f"<View>{IMAGE}{BOXES}{' ' * 5_000_000}</View>", "characters, more than are read (5000000)"),
    ],
)
def test_what_nothing_can_be_made_of_is_refused(xml, message):
    with pytest.raises(LabelingConfigError) as caught:
        read(xml)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "dtd",
    [
        '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]>',
        '<?xml version="1.0"?><!-- a --><?b c?>\n<!DOCTYPE x [<!ENTITY a "aaaaaaaa"><!ENTITY e "&a;&a;&a;&a;">]>',
    ],
)
def test_entities_are_neither_expanded_nor_fetched(dtd):
    with pytest.raises(LabelingConfigError, match="has a document type"):
        read(f'{dtd}<View>{IMAGE}{BOXES}<Header value="&e;"/></View>')


def test_ten_thousand_classes_are_read():
    labels = "".join(f'<Label value="class {number}"/>' for number in range(10_000))
    assert len(classes_of(f'<BrushLabels name="c" toName="image">{labels}</BrushLabels>')) == 10_000


def test_a_config_of_text_is_read_and_refused_where_images_are_needed():
    config = read('<View><Text name="t" value="$text"/><Labels name="l" toName="t"><Label value="A"/></Labels></View>')
    assert config.images == ()
    with pytest.raises(LabelingConfigError, match="shows text and no image"):
        config.check_images()


def test_an_image_that_nobody_is_asked_about_is_refused_where_images_are_needed():
    config = read(f'<View>{IMAGE}<Text name="t" value="$text"/><Rating name="r" toName="t"/></View>')
    with pytest.raises(LabelingConfigError, match="no control tag of the labeling config asks about its image"):
        config.check_images()


def test_each_control_tag_has_a_kind_and_each_shape_becomes_labels():
    assert (kind_of("rectanglelabels"), kind_of("Header"), kind_of("Foo")) == (Kind.SHAPE, None, None)
    becomes = {tag: label_type_of(tag) for tag, facts in CONTROL_TAGS.items() if facts.kind is Kind.SHAPE}
    assert becomes == {
        **dict.fromkeys(("Rectangle", "RectangleLabels"), "detections"),
        **dict.fromkeys(("Polygon", "PolygonLabels", "Ellipse", "EllipseLabels"), "polygons"),
        **dict.fromkeys(("KeyPoint", "KeyPointLabels"), "keypoints"),
        **dict.fromkeys(("Brush", "BrushLabels", "Bitmask", "BitmaskLabels", "MagicWand"), "instances"),
        **dict.fromkeys(("Vector", "VectorLabels"), "polylines"),
    }
    assert (label_type_of("Taxonomy"), label_type_of("Rating")) == ("classifications", None)


@pytest.mark.process
def test_label_studios_sdk_is_imported_only_where_a_labeling_config_is_read():
    code = (
        "import sys, fo_labelstudio.convert.labeling_config.read, fo_labelstudio.backend; "
        "print([name for name in sys.modules if name.startswith('label_studio_sdk.label_interface')])"
    )
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_keys_that_a_task_needs_are_those_that_the_server_wants():
    tags = (
        '<Image name="i" value="$photo"/><Text name="t" value="by $author, $year"/><Header value="$title"/>',
        '<Choices name="c" toName="i" value="$options"/><Text name="plain" value="no key"/>',
        '<Image name="x" valueList="$l"/>',
    )
    assert needed_keys(f"<View>{''.join(tags)}</View>") == {"photo": "Image", "author": "Text", "options": "Choices"}
