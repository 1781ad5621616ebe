"""The control tags of a project become fields, and attributes of labels."""

from __future__ import annotations

import pytest

from fo_labelstudio.convert.foreign import naming
from fo_labelstudio.convert.foreign.fields import fields_of
from fo_labelstudio.convert.foreign.observed import Observed
from fo_labelstudio.convert.foreign.which import Which
from fo_labelstudio.convert.labeling_config.read import read
from fo_labelstudio.errors import LabelSchemaError
from tests.convert.foreign.importing import Imported

LABEL = '<Label value="a"/><Label value="b"/>'
CHOICE = '<Choice value="a"/><Choice value="b"/>'


def fields(*tags, shown='<Image name="image" value="$image"/>', **options):
    return fields_of(read(f"<View>{shown}{''.join(tags)}</View>"), **options)


def types(found):
    """The label type of each field, or the kind of its values."""
    return {field.name: field.label_type if field.question is None else field.question.kind for field in found.fields}


@pytest.mark.parametrize(
    ("tag", "label_type"),
    [
        ("Rectangle", "detections"),
        ("Polygon", "polygons"),
        ("Ellipse", "polygons"),
        ("KeyPoint", "keypoints"),
        ("Brush", "instances"),
        ("Bitmask", "instances"),
        ("Vector", "polylines"),
    ],
)
def test_what_draws_becomes_labels_of_its_kind(tag, label_type):
    labelled = fields(f'<{tag}Labels name="f" toName="image">{LABEL}</{tag}Labels>')
    assert types(labelled) == {"f": label_type}
    beside = fields(f'<{tag} name="f" toName="image"/>', f'<Labels name="l" toName="image">{LABEL}</Labels>')
    assert types(beside) == {"f": label_type}
    for (field,) in (labelled.fields, beside.fields):
        assert field.classes == ("a", "b")
        assert field.takes_class("a class that nobody knows") and not field.existing


def test_a_magic_wand_becomes_instances():
    assert types(fields('<MagicWand name="f" toName="image"/>')) == {"f": "instances"}


@pytest.mark.parametrize(
    ("tag", "kind"),
    [
        (f'<Choices name="f" toName="image">{CHOICE}</Choices>', "classification"),
        (f'<Choices name="f" toName="image" choice="single-radio">{CHOICE}</Choices>', "classification"),
        (f'<Choices name="f" toName="image" choice="multiple">{CHOICE}</Choices>', "classifications"),
        (f'<Taxonomy name="f" toName="image">{CHOICE}</Taxonomy>', "classifications"),
        (f'<Taxonomy name="f" toName="image" maxUsages="1">{CHOICE}</Taxonomy>', "classification"),
        ('<Rating name="f" toName="image"/>', "int"),
        ('<Number name="f" toName="image"/>', "float"),
        ('<Number name="f" toName="image" step="0.5"/>', "float"),
        ('<Number name="f" toName="image" step="1"/>', "int"),
        ('<DateTime name="f" toName="image"/>', "datetime"),
        ('<DateTime name="f" toName="image" only="date"/>', "date"),
        ('<DateTime name="f" toName="image" only="date,time"/>', "datetime"),
        ('<DateTime name="f" toName="image" only="year"/>', "str"),
        ('<DateTime name="f" toName="image" format="%d/%m/%Y"/>', "str"),
        ('<DateTime name="f" toName="image" only="date" format="%Y-%m-%d"/>', "date"),
        ('<TextArea name="f" toName="image"/>', "list"),
        ('<TextArea name="f" toName="image" maxSubmissions="1"/>', "str"),
    ],
)
def test_what_asks_about_the_image_becomes_classes_or_a_value(tag, kind):
    assert types(fields(tag)) == {"f": kind}
    per_region = fields('<Rectangle name="box" toName="image"/>', tag.replace(" name", ' perRegion="true" name', 1))
    assert types(per_region) == {"box": "detections"}
    attribute = per_region.attributes["box"]["f"]
    expected = {"classification": "str", "classifications": "list"}.get(kind, kind)
    assert (attribute.name, attribute.question.kind) == ("f", expected)


def test_nested_choices_keep_their_paths():
    tree = '<Choice value="Animal"><Choice value="Cat"/></Choice><Choice value="Plant"/>'
    config = f"""<View><Image name="image" value="$image"/>
        <Choices name="kind" toName="image" allowNested="true" choice="multiple">{tree}</Choices></View>"""
    # The editor of 1.23.2 writes each choice as its path.
    value = {"choices": [["Animal", "Cat"], ["Plant"]]}
    result = [{"id": "q", "from_name": "kind", "to_name": "image", "type": "choices", "value": value}]
    task = {"id": 1, "data": {"image": "a.png"}, "annotations": [{"result": result}]}
    for labeling_config in (config, None):
        assert Imported(task, labeling_config).values() == {
            "kind": [{"label": "Animal/Cat", "path": ["Animal", "Cat"]}, {"label": "Plant", "path": ["Plant"]}]
        }


def test_a_skeleton_becomes_keypoints():
    assert types(fields(f'<VectorLabels name="f" toName="image" skeleton="true">{LABEL}</VectorLabels>')) == {
        "f": "keypoints"
    }


@pytest.mark.parametrize(
    ("control", "name"),
    [
        ("my boxes", "my boxes"),
        ("a.b", "a_b"),
        ("_hidden", "hidden"),
        ("US$", "US_"),
        ("tags", "tags_"),
        ("id", "id_"),
        ("save", "save_"),
        ("a%40b", "a@b"),
        ("%69mage", "image"),
        ("Größe", "Größe"),
        ("$", "field"),
    ],
)
def test_names_that_no_field_can_have_are_changed(control, name):
    assert naming.field_name(control) == name


def test_names_that_labels_have_already_are_changed():
    tags = [f'<Rating name="{name}" toName="image" perRegion="true"/>' for name in ("label", "tags", "note", "mask")]
    found = fields('<Rectangle name="box" toName="image"/>', *tags)
    assert [attribute.name for attribute in found.attributes["box"].values()] == ["label_", "tags_", "note_2", "mask_"]


def test_names_that_become_alike_get_numbers():
    found = fields('<Rating name="a.b" toName="image"/>', '<Rating name="a_b" toName="image"/>')
    assert types(found) == {"a_b": "int", "a_b_2": "int"}


def test_the_caller_names_fields_and_attributes():
    tags = ('<Rectangle name="box" toName="image"/>', '<Choices name="c" toName="image" perRegion="true"/>')
    found = fields(*tags, names={"box": "ground_truth", "c": "colour"})
    assert types(found) == {"ground_truth": "detections"}
    assert found.attributes["ground_truth"]["c"].name == "colour"


def test_control_tags_of_one_kind_may_share_a_field():
    tags = [
        f'<{tag}Labels name="{tag}" toName="image">{LABEL}</{tag}Labels>' for tag in ("Polygon", "Ellipse", "Brush")
    ]
    assert types(fields(*tags, names={"Polygon": "shapes", "Ellipse": "shapes"})) == {
        "shapes": "polygons",
        "Brush": "instances",
    }
    with pytest.raises(LabelSchemaError) as raised:
        fields(*tags, names={"Polygon": "shapes", "Brush": "shapes"})
    assert str(raised.value) == (
        "field 'shapes' cannot hold what control tag 'Brush' holds (instances), for it holds that of 'Polygon' "
        "(polygons); give each a name of its own"
    )


def test_a_name_for_a_control_tag_that_is_not_there_is_refused():
    with pytest.raises(LabelSchemaError, match=r"no control tag 'bx' to name a field for; the project has 'box'"):
        fields('<Rectangle name="box" toName="image"/>', names={"bx": "f"})


def test_label_types_choose_fields():
    tags = ('<Rectangle name="box" toName="image"/>', '<Brush name="mask" toName="image"/>')
    tags += ('<Polygon name="outline" toName="image"/>', '<Rating name="stars" toName="image"/>')
    assert [*types(fields(*tags, label_types=["detections"]))] == ["box", "mask"]
    assert [*types(fields(*tags, label_types=["instances", "polylines"]))] == ["mask", "outline"]
    found = fields(*tags, label_types=["scalar"])
    assert ([*types(found)], found.ignored) == (["stars"], {"box", "mask", "outline"})


def test_what_is_not_wanted_is_no_problem():
    region = {"id": "r", "from_name": "box", "to_name": "image", "type": "rectangle", "value": {"x": 1}}
    task = {"id": 1, "data": {"image": "a.png"}, "annotations": [{"result": [region]}]}
    config = '<View><Image name="image" value="$image"/><Rectangle name="box" toName="image"/></View>'
    found = Imported(task, config, label_types=["scalar"])
    assert (found.problems, found.fields.fields) == ([], ())


def test_what_has_no_place_is_told_once_for_the_project():
    found = fields(
        '<Text name="text" value="$text"/><List name="list" value="$list"/>',
        f'<Labels name="spans" toName="list">{LABEL}</Labels>',
        '<Pairwise name="which" toName="image,text"/>',
        '<Ranker name="rank" toName="list"/>',
        '<Rating name="stars" toName="image"/>',
    )
    assert found.notes == (
        "control tag 'spans' (<Labels>) is about list, not about an image; left out",
        "control tag 'which' (<Pairwise>) compares objects, for which FiftyOne has no label; left out",
        "control tag 'rank' (<Ranker>) compares objects, for which FiftyOne has no label; left out",
    )
    assert found.ignored == {"spans", "which", "rank"}
    assert types(found) == {"stars": "int"}


def test_what_has_no_place_is_told_from_the_results_alone():
    result = [
        {"id": "p", "from_name": "which", "to_name": "which", "type": "pairwise", "value": {"selected": "left"}},
        {"id": "s", "from_name": "spans", "to_name": "text", "type": "labels", "value": {"start": 0, "end": 3}},
        {"id": "q", "from_name": "stars", "to_name": "image", "type": "rating", "value": {"rating": 3}},
    ]
    found = Imported({"id": 1, "data": {"image": "a.png"}, "annotations": [{"result": result}]})
    assert found.values() == {"stars": 3}
    assert found.problems == []
    assert found.fields.notes == (
        "control tag 'which' compares objects, for which FiftyOne has no label; left out",
        "control tag 'spans' has results that are not for images (1 of type 'labels'); left out, unless "
        "labeling_config says what they are on",
    )


def test_answers_about_a_text_beside_the_image_are_about_the_sample():
    config = """<View><Image name="image" value="$image"/><Text name="q1" value="$q1"/>
        <TextArea name="answer1" toName="q1" rows="1" maxSubmissions="1"/></View>"""
    result = [{"id": "q", "from_name": "answer1", "to_name": "q1", "type": "textarea", "value": {"text": ["two"]}}]
    task = {"id": 1, "data": {"image": "a.png", "q1": "How many?"}, "annotations": [{"result": result}]}
    assert Imported(task, config).values() == {"answer1": "two"}


def test_answers_about_several_images_are_about_each():
    config = """<View><Rating name="alike" toName="one,two"/>
        <Image name="one" value="$a"/><Image name="two" value="$b"/></View>"""
    for to_name in ("one,two", ["one", "two"]):
        item = {"id": "q", "from_name": "alike", "to_name": to_name, "type": "rating", "value": {"rating": 4}}
        found = Imported({"id": 1, "data": {"a": "a.png", "b": "b.png"}, "annotations": [{"result": [item]}]}, config)
        assert [found.values(number) for number in (0, 1)] == [{"alike": 4}, {"alike": 4}]


def test_all_annotators_and_models_are_those_that_were_observed():
    observed = Observed(Which("all", "all"))
    by = [{"completed_by": "b@x.org", "result": []}, {"completed_by": 3, "result": []}]
    observed.add({"id": 1, "annotations": by, "predictions": [{"model_version": "v1", "result": []}]})
    found = fields('<Rectangle name="box" toName="image"/>', observed=observed)
    assert [*types(found)] == ["box_b_x_org", "box_user_3", "box_v1"]
