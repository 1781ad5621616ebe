from __future__ import annotations

import copy
import json
from dataclasses import replace

import fiftyone as fo
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fo_labelstudio.convert import items
from fo_labelstudio.convert.annotation.parse import parse_task
from fo_labelstudio.convert.edits import to_doc, to_label
from fo_labelstudio.convert.families import LABEL_TYPES, family_of, holds_list, is_served
from fo_labelstudio.convert.labeling_config.match import check_own_config
from fo_labelstudio.convert.media.medium import MediaInfo, of_items
from fo_labelstudio.convert.records import LabelField
from fo_labelstudio.convert.schema import parse_label_schema
from fo_labelstudio.convert.task.write import SampleRecord, problems_of, to_task
from fo_labelstudio.errors import LabelingConfigError, LabelSchemaError, RegionError
from fo_labelstudio.merge.changes import label_changes
from tests.convert import strategies
from tests.convert.trip import loaded
from tests.properties import examples
from tests.support import as_exported

SAMPLE = "6b01070a57a5240a9753b925"
DRAWN = [
    name
    for name in LABEL_TYPES
    if is_served("images", name) and holds_list(name) and family_of(strategies.field_of(name)).is_drawn
]
BOXES = LabelField("boxes", "detections", ("cat", "dog"), "boxes", scope="images", shows="pages")


def item(width, height, place):
    return MediaInfo(width, height, item=place)


def pages(*sizes):
    return of_items(MediaInfo(*size) for size in sizes)


def box(item_index=None, **values):
    made = fo.Detection(label="cat", bounding_box=[0.1, 0.2, 0.3, 0.4], **values)
    if item_index is not None:
        made["item_index"] = item_index
    return made


def record(media, field=BOXES, *labels):
    container = LABEL_TYPES[field.label_type]
    value = container(**{container._LABEL_LIST_FIELD: list(labels)})
    paths = [f"/pages/{place}.png" for place in range(len(media.items))]
    return SampleRecord(
        SAMPLE, "a.png", MediaInfo(64, 48), {field.name: value}, {"pages": paths}, None, {"pages": media}
    )


def task_of(sample, field=BOXES):
    made = json.loads(json.dumps(to_task(sample, [field], "u", "run"), allow_nan=False))
    return made, (made["predictions"][0]["result"] if made["predictions"] else [])


def answer_to(made, sent, result, field=BOXES):
    problems = []
    made = {"id": 7, **copy.deepcopy(made), "annotations": [as_exported(copy.deepcopy(result), sent)]}
    made.pop("predictions")
    found = parse_task(made, [field], "run", problems)
    return found.fields[field.name], [str(problem) for problem in problems]


@pytest.mark.parametrize("label_type", DRAWN)
@given(data=st.data())
@examples(30)
def test_labels_on_any_images_of_a_list_come_back_as_from_one_image_each_and_untouched_stay(label_type, data):
    case = data.draw(strategies.cases(label_type))
    field = replace(case.field, scope="images", shows="pages")
    number = data.draw(st.integers(1, 3))
    media = pages(*(data.draw(strategies.small_media).size for _ in range(number)))
    for label in case.labels:
        place = data.draw(st.none() | st.integers(0, number - 1))
        if place is not None:
            label["item_index"] = place
    sample = record(media, field, *case.labels)
    assert list(problems_of(sample, [field])) == []
    regions = items.to_regions(case.labels, field, media)
    family = family_of(field)
    for label in case.labels:
        place = label.get_attribute_value("item_index", None) or 0
        own = [region for region in regions if region["id"].partition(".")[0] == label.id]
        assert own == family.to_regions([label], field, media.items[place])
        sizes = {(region["item_index"], region["original_width"], region["original_height"]) for region in own}
        assert sizes <= {(place, *media.items[place].size)}
    made, sent = task_of(sample, field)
    answer, problems = answer_to(made, sent, sent, field)
    assert (problems, answer.edited, answer.added, answer.deleted) == ([], [], [], [])
    assert sorted(answer.kept) == sorted(label.id for label in case.labels)


@pytest.mark.parametrize("label_type", DRAWN)
@given(data=st.data())
@examples(20)
def test_labels_that_people_draw_on_images_of_a_list_say_on_which(label_type, data):
    case = data.draw(strategies.cases(label_type, with_attributes=False))
    field = replace(case.field, scope="images", shows="pages")
    media = pages((40, 30), (20, 50), (60, 60))
    for label in case.labels:
        label["item_index"] = data.draw(st.integers(0, 2))
    regions = json.loads(json.dumps(items.to_regions(case.labels, field, media)))
    places = {region["id"].partition(".")[0]: region["item_index"] for region in regions}
    made, sent = task_of(record(media, field), field)
    answer, problems = answer_to(made, sent, regions, field)
    assert problems == [] and len(answer.added) == len(places)
    for edit in answer.added:
        assert to_label(edit, field)["item_index"] == to_doc(edit, field)["item_index"] == places[edit.parsed.key]


def test_a_label_without_a_place_is_on_the_first_image_and_an_edit_gives_it_none():
    label = box(confidence=0.5)
    made, sent = task_of(record(pages((64, 48), (100, 10)), BOXES, label))
    assert (sent[0]["item_index"], sent[0]["original_width"]) == (0, 64)
    for back in ({**sent[0]}, {key: value for key, value in sent[0].items() if key != "item_index"}):
        answer, problems = answer_to(made, sent, [{**back, "value": {**back["value"], "x": 50}}])
        (edit,) = answer.edited
        assert problems == [] and edit.aspects == ("box",)
        (doc,) = loaded([label.to_dict()], label_changes([label.to_dict()], answer, BOXES, {}, ()))
        assert doc["bounding_box"] == [0.5, 0.2, 0.3, 0.4] and "item_index" not in doc


@pytest.mark.parametrize("place", [3, -1, 0.5, True, "1", [1]])
def test_a_region_on_no_image_of_the_list_is_told_and_its_label_stays(place):
    label = box(1)
    made, sent = task_of(record(pages((64, 48), (100, 10)), BOXES, label))
    answer, problems = answer_to(made, sent, [{**sent[0], "item_index": place}])
    assert (answer.edited, answer.deleted, answer.added, answer.kept) == ([], [], [], [label.id])
    (problem,) = problems
    assert "of a list of 2, counted from 0; left alone" in problem


def test_regions_of_two_images_are_no_shapes_of_one_label():
    field = replace(BOXES, label_type="polygons", name="areas", control="areas")
    media = pages((64, 48), (64, 48))
    shape = {"points": [[10, 10], [20, 10], [20, 20]], "closed": True, "polygonlabels": ["cat"]}
    first = {"id": "a", "from_name": "areas", "to_name": field.to_name, "type": "polygonlabels", "value": shape}
    regions = [{**first, "item_index": 0}, {**first, "id": "b", "item_index": 1, "parentID": "a"}]
    made, sent = task_of(record(media, field), field)
    answer, problems = answer_to(made, sent, regions, field)
    assert problems == [] and [edit.parsed.media.item for edit in answer.added] == [0, 1]


@pytest.mark.parametrize(
    ("item_index", "number", "problem"),
    [
        (2, 2, "its item_index is 2, and 'pages' lists 2, counted from 0; correct it, or add the image to the list"),
        (-1, 2, "its item_index is -1, expected a whole number, counted from 0; correct it"),
        (1.0, 2, "its item_index is 1.0, expected a whole number, counted from 0; correct it"),
        (True, 2, "its item_index is True, expected a whole number, counted from 0; correct it"),
        ("1", 2, "its item_index is '1', expected a whole number, counted from 0; correct it"),
        (None, 0, "its 'pages' lists nothing that it could be on; fill the list in, or delete the label"),
    ],
)
def test_a_label_on_no_image_of_the_list_is_refused(item_index, number, problem):
    label = box(item_index)
    sample = record(pages(*[(64, 48)] * number), BOXES, label)
    assert list(problems_of(sample, [BOXES])) == [f"field 'boxes', sample {SAMPLE}, label {label.id}: {problem}"]


def test_a_label_that_was_moved_to_another_image_meanwhile_stays_there():
    label = box(1)
    made, sent = task_of(record(pages((64, 48), (100, 10)), BOXES, label))
    answer, _ = answer_to(made, sent, [{**sent[0], "value": {**sent[0]["value"], "x": 50}}])
    label["item_index"] = 0
    changes = label_changes([label.to_dict()], answer, BOXES, {}, ())
    assert changes.is_empty and changes.left == 1
    assert changes.notes == [f"label {label.id}: it was edited on item 1 of its list, and is on item 0 now; left alone"]


KINDS = LabelField("kinds", "classifications", ("cat", "dog"), "kinds", scope="images", shows="pages", per_item=True)


def kind(label, item_index=None, **values):
    made = fo.Classification(label=label, **values)
    if item_index is not None:
        made["item_index"] = item_index
    return made


def test_classes_of_single_images_come_back_untouched_and_changed_on_their_own_image():
    media = pages((64, 48), (100, 10), (5, 5))
    labels = [kind("cat", confidence=0.5), kind("cat", 1), kind("dog", 1, note="kept")]
    made, sent = task_of(record(media, KINDS, *labels), KINDS)
    assert [(region["item_index"], region["value"]["choices"]) for region in sent] == [
        (0, ["cat"]),
        (1, ["cat", "dog"]),
    ]
    answer, problems = answer_to(made, sent, sent, KINDS)
    assert (problems, answer.edited, answer.added, answer.deleted) == ([], [], [], [])
    assert sorted(answer.kept) == sorted(label.id for label in labels)
    back = copy.deepcopy(sent)
    back[1]["value"]["choices"] = ["dog"]
    back.append({**sent[0], "id": "new", "item_index": 2, "value": {"choices": ["cat"]}})
    answer, problems = answer_to(made, sent, back, KINDS)
    assert problems == [] and answer.deleted == [labels[1].id] and answer.edited == []
    (new,) = answer.added
    assert (to_label(new, KINDS).label, to_label(new, KINDS).item_index) == ("cat", 2)
    docs = [label.to_dict() for label in labels]
    after = loaded(docs, label_changes(docs, answer, KINDS, {}, ()))
    assert after[:2] == [docs[0], docs[2]]
    assert [(doc["label"], doc.get("item_index")) for doc in after] == [("cat", None), ("dog", 1), ("cat", 2)]


def test_the_control_tag_of_single_images_asks_about_each():
    (control,) = family_of(KINDS).control_tags(KINDS)
    assert (control.get("perItem"), control.get("choice")) == ("true", "multiple")
    (control,) = family_of(KINDS).control_tags(replace(KINDS, per_item=False))
    assert control.get("perItem") is None


@pytest.mark.parametrize(
    ("info", "message"),
    [
        (
            {"type": "classifications"},
            '"per_item" is for fields of several classes on a list, which "images" names; leave it out',
        ),
        (
            {"type": "classification", "images": "pages", "scope": "images"},
            '"per_item" is for fields of several classes on a list, which "images" names; leave it out',
        ),
        (
            {"type": "classifications", "images": "pages", "scope": "images", "attributes": {"a": {"type": "text"}}},
            "classes of single items have no attributes in Label Studio; pass attributes=False",
        ),
    ],
)
def test_what_cannot_be_of_single_images_is_refused(info, message):
    with pytest.raises(LabelSchemaError, match=message):
        parse_label_schema({"kinds": {"classes": ["cat"], "per_item": True, **info}})


@pytest.mark.parametrize(
    ("field", "option", "message"),
    [
        (KINDS, "", "control 'kinds' asks about all of them together; write perItem=\"true\" into it"),
        (replace(KINDS, per_item=False), ' perItem="true"', "asks about each image by itself; take perItem out of it"),
    ],
)
def test_a_control_tag_of_ones_own_must_ask_about_what_labels_are_on(field, option, message):
    config = (
        f'<View><Image name="im" valueList="$pages"/><Choices name="kinds" toName="im" choice="multiple"{option}>'
        '<Choice value="cat"/><Choice value="dog"/></Choices></View>'
    )
    with pytest.raises(LabelingConfigError, match=message):
        check_own_config(config, [replace(field, beside=None)])
    other = config.replace(option, "") if option else config.replace('multiple"', 'multiple" perItem="true"')
    assert check_own_config(other, [replace(field, beside=None)]).fields[0].to_name == "im"


def test_a_labeling_config_of_ones_own_draws_no_vectors_on_a_list_for_the_editor_stretches_them():
    lines = LabelField(
        "lines", "polylines", ("rule",), "lines", scope="images", shows="pages", tool="PolygonLabels", beside=None
    )
    config = (
        '<View><Image name="im" valueList="$pages"/><{0} name="lines" toName="im"><Label value="rule"/></{0}></View>'
    )
    assert check_own_config(config.format("PolygonLabels"), [lines]).fields[0].to_name == "im"
    with pytest.raises(LabelingConfigError, match="no control <PolygonLabels> is left that asks about 'im'"):
        check_own_config(config.format("VectorLabels"), [lines])


def test_what_is_about_one_image_is_no_answer_about_all_of_them():
    field = replace(BOXES, name="kind", label_type="classification", control="kind")
    with pytest.raises(RegionError, match="it is about image 1 alone, not about all of them"):
        items.parse_regions([{"id": "a", "item_index": 1, "value": {"choices": ["cat"]}}], field, pages((4, 3), (4, 3)))


OWN = LabelField("own", "detections", ("cat", "cow"), "own")


def answers_on_both(regions, media):
    """What comes back where one field is on the sample's own image and another one on its list."""
    sample = record(media, BOXES)
    made = json.loads(json.dumps(to_task(sample, [OWN, BOXES], "u", "run")))
    problems = []
    submitted = {"id": 7, **made, "annotations": [as_exported(regions, [])]}
    return parse_task(submitted, [OWN, BOXES], "run", problems), [str(problem) for problem in problems]


def drawn(control, object_name, **values):
    box = {"x": 10, "y": 20, "width": 30, "height": 40, "rotation": 0, "rectanglelabels": ["cat"]}
    return {"id": "a", "from_name": control, "to_name": object_name, "type": "rectanglelabels", "value": box, **values}


def test_what_is_drawn_with_a_control_that_somebody_added_is_on_the_image_that_it_is_drawn_on():
    media = pages((64, 48), (100, 10))
    on_list = drawn("more", BOXES.to_name, item_index=1)
    answer, problems = answers_on_both([on_list], media)
    assert problems == [] and answer.fields["own"].added == []
    (edit,) = answer.fields["boxes"].added
    assert to_label(edit, BOXES).item_index == 1
    answer, _ = answers_on_both([drawn("more", "image")], media)
    assert answer.fields["boxes"].added == [] and len(answer.fields["own"].added) == 1
    of_none = {**on_list, "value": {**on_list["value"], "rectanglelabels": ["zebra"]}}
    answer, problems = answers_on_both([of_none], media)
    (edit,) = answer.unexpected["detections"]
    assert problems == [] and to_label(edit, BOXES).item_index == 1
    answer, problems = answers_on_both([{**of_none, "item_index": 2}], media)
    assert answer.unexpected == {} and "it is on item 2 of a list of 2, counted from 0" in problems[0]


@pytest.mark.parametrize(
    ("control", "object_name", "place"),
    [("boxes", "image", {}), ("own", BOXES.to_name, {"item_index": 0}), ("own", BOXES.to_name, {"item_index": 1})],
)
def test_what_is_drawn_on_another_object_than_the_field_s_is_left_alone(control, object_name, place):
    answer, problems = answers_on_both([drawn(control, object_name, **place)], pages((64, 48), (100, 10)))
    assert answer.fields["own"].added == answer.fields["boxes"].added == [] and answer.unexpected == {}
    assert f"it is on {object_name!r}, not on" in problems[0]


def test_a_meta_that_no_longer_says_what_is_listed_has_its_answer_left_alone():
    made, sent = task_of(record(pages((64, 48)), BOXES, box()))
    for lists in (None, {}, {"pages": {"of": 7, "sizes": [[64, 48]]}}, {"pages": {"of": "a", "sizes": [[0, 48]]}}):
        task = copy.deepcopy(made)
        task["meta"]["fiftyone"]["lists"] = lists
        problems = []
        assert parse_task({"id": 7, **task, "annotations": [as_exported(sent, sent)]}, [BOXES], "run", problems) is None
        assert "its meta no longer says what 'pages' lists" in str(problems[0])
