"""Results in all forms that people and tools have written, and results that cannot be understood."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fo_labelstudio.convert.edits import to_label
from fo_labelstudio.convert.foreign.answers import combined
from fo_labelstudio.convert.foreign.which import Which
from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.convert.shapes import brush
from tests.convert.foreign.importing import Imported
from tests.properties import examples

CONFIG = """
<View>
  <Image name="img" value="$image"/>
  <RectangleLabels name="box" toName="img"><Label value="cat"/><Label value="dog"/></RectangleLabels>
  <PolygonLabels name="outline" toName="img"><Label value="road"/></PolygonLabels>
  <BrushLabels name="mask" toName="img"><Label value="sky"/></BrushLabels>
  <Choices name="weather" toName="img"><Choice value="sun"/><Choice value="rain"/></Choices>
  <Choices name="colours" toName="img" perRegion="true" choice="multiple"><Choice value="red"/></Choices>
  <Rating name="stars" toName="img"/>
</View>
"""


def task(*result, **values):
    annotation = {"id": 5, "was_cancelled": False, "result": list(result)}
    return {"id": 7, "data": {"image": "a.png"}, "annotations": [annotation], **values}


def box(region_id="r", x=10, **values):
    value = {"x": x, "y": 20, "width": 30, "height": 40, "rotation": 0, "rectanglelabels": ["cat"]}
    region = {"id": region_id, "from_name": "box", "to_name": "img", "type": "rectanglelabels", "value": value}
    return {**region, "original_width": 200, "original_height": 100, **values}


def answer(kind, control, region_id="q", **value):
    return {"id": region_id, "from_name": control, "to_name": "img", "type": kind, "value": value}


CAT = {"label": "cat", "bounding_box": [0.1, 0.2, 0.3, 0.4]}


def test_the_flags_of_today_do_not_matter():
    flags = {"origin": "manual", "readonly": True, "hidden": True, "locked": True, "parentID": "x", "score": "0.5"}
    assert Imported(task(box(**flags)), CONFIG).values() == {"box": [CAT]}


def test_scores_may_be_texts():
    found = Imported(
        {"data": {"image": "a.png"}, "predictions": [{"score": "0.25", "result": [box(score="0.5"), box("s")]}]},
        CONFIG,
        Which(annotations=None, predictions="all"),
    )
    assert [label.confidence for label in found.labels("box_undefined")] == [0.5, 0.25]


def test_regions_without_ids_keep_theirs_as_long_as_they_are_the_same():
    nameless = [{**box(x=x), "id": None} for x in (1, 2, 2, 3)]
    for region in nameless[:2]:
        del region["id"]
    first = [label.id for label in Imported(task(*nameless), CONFIG).labels("box")]
    assert len(set(first)) == 4
    second = [label.id for label in Imported(task(*nameless[1:]), CONFIG).labels("box")]
    assert second == first[1:]


def test_numbers_are_ids_too():
    found = Imported(task(box(3), answer("choices", "colours", 3, choices=["red"])), CONFIG)
    assert found.values() == {"box": [{**CAT, "colours": ["red"]}]}


def test_a_dot_in_an_id_of_others_means_nothing():
    outline = {"points": [[0, 0], [10, 0], [10, 10]], "polygonlabels": ["road"]}
    regions = [answer("polygonlabels", "outline", region_id, **outline) for region_id in ("1.1", "1.2", "1.3")]
    relation = {"type": "relation", "from_id": "1.1", "to_id": "1.3", "direction": "right"}
    found = Imported(task(*regions, relation), CONFIG)
    assert found.problems == []
    one, _, three = found.labels("outline")
    assert found.answers[0].relations == {one.id: [three.id]}


def test_parts_of_a_label_of_ours_that_got_classes_of_their_own_are_labels_of_their_own():
    whole = "65f000000000000000000001"
    shapes = [
        answer("polygonlabels", "outline", part, points=[[0, 0], [x, 0], [x, 10]], polygonlabels=[name])
        for part, x, name in ((whole, 1, "road"), (f"{whole}.2", 2, "road"), (f"{whole}.3", 3, "path"))
    ]
    together = Imported(task(*shapes[:2]), CONFIG).labels("outline")
    assert [len(label.points) for label in together] == [2]
    apart = Imported(task(*shapes), CONFIG).labels("outline")
    assert [(label.label, len(label.points)) for label in apart] == [("road", 1), ("road", 1), ("path", 1)]


def test_relations_lead_where_they_point_to():
    def related(direction):
        relation = {"type": "relation", "from_id": "r", "to_id": "s", "direction": direction}
        found = Imported(task(box(), box("s"), relation), CONFIG)
        names = dict(zip([label.id for label in found.labels("box")], "rs", strict=True))
        return {names[start]: [names[end] for end in ends] for start, ends in found.answers[0].relations.items()}

    assert related("right") == related(None) == {"r": ["s"]}
    assert related("left") == {"s": ["r"]}
    assert related("bi") == {"r": ["s"], "s": ["r"]}


def test_a_relation_to_what_is_no_label_is_told():
    found = Imported(task(box(), {"type": "relation", "from_id": "r", "to_id": "gone"}), CONFIG)
    assert found.problems == ["task 7, region 'r': its relation leads to or from 'gone', which is no label; left alone"]
    assert found.values() == {"box": [CAT]}


def test_of_several_classes_the_first_counts_and_all_are_kept():
    region = box()
    region["value"]["rectanglelabels"] = ["cat", "dog"]
    found = Imported(task(region), CONFIG)
    assert found.values() == {"box": [{**CAT, "classes": ["cat", "dog"]}]}
    assert found.problems == [
        "task 7, region 'r': field 'box': it has several classes; took 'cat', all are in 'classes'"
    ]


@pytest.mark.parametrize("names", [[], None, "cat", ["horse"]])
def test_any_class_is_taken_and_none_too(names):
    region = box()
    region["value"]["rectanglelabels"] = names
    (label,) = Imported(task(region), CONFIG).labels("box")
    assert label.label == {"cat": "cat"}.get(str(names), names[0] if names else None)


def test_a_second_control_tag_that_names_a_region_is_an_attribute():
    config = CONFIG.replace("<Rating", '<Labels name="state" toName="img"><Label value="new"/></Labels><Rating')
    second = {**box(), "from_name": "state", "type": "labels", "value": {**box()["value"], "labels": ["new"]}}
    assert Imported(task(box(), second), config).values() == {"box": [{**CAT, "state": "new"}]}
    assert Imported(task(second), config).values() == {"box": [{"label": "new", "bounding_box": [0.1, 0.2, 0.3, 0.4]}]}


def test_a_magic_wand_makes_masks():
    pixels = np.zeros((5, 10), bool)
    pixels[1:3, 2:6] = True
    code = list(brush.encode(pixels[1:3, 2:6], 2, 1, 10, 5))
    config = """<View><Image name="img" value="$image"/><MagicWand name="wand" toName="img"/>
        <Labels name="what" toName="img"><Label value="sky"/></Labels></View>"""
    shape = {**answer("magicwand", "wand", "m", format="rle", rle=code), "original_width": 10, "original_height": 5}
    named = {**answer("labels", "what", "m", format="rle", rle=code, labels=["sky"]), "original_width": 10}
    for labeling_config in (config, None):
        (label,) = Imported(task(shape, named), labeling_config).labels("wand")
        assert (label.label, label.bounding_box) == ("sky", [0.2, 0.2, 0.4, 0.4])
        assert label.mask.all()


def test_the_size_of_the_media_counts_where_regions_tell_none():
    pixels = np.ones((5, 10), bool)
    code = list(brush.encode(pixels, 0, 0, 10, 5))
    mask = answer("brushlabels", "mask", "m", format="rle", rle=code, brushlabels=["sky"])
    (label,) = Imported(task(mask), CONFIG, media=MediaInfo(10, 5)).labels("mask")
    assert label.mask.shape == (5, 10)
    found = Imported(task(mask, box()), CONFIG)
    assert found.values() == {"box": [CAT]}
    assert found.problems == [
        "task 7, region 'm': field 'mask': nothing tells the size of its image, neither it nor the sample; call "
        "dataset.compute_metadata(); left alone"
    ]


def test_what_is_not_turned_needs_no_size():
    region = box()
    del region["original_width"], region["original_height"]
    assert Imported(task(region), CONFIG).values() == {"box": [CAT]}
    region["value"]["rotation"] = 90
    assert Imported(task(region), CONFIG).values() == {}


def test_media_of_another_size_than_the_regions_were_drawn_on_are_told_once():
    found = Imported(task(box(), box("s")), CONFIG, media=MediaInfo(400, 300))
    assert found.problems == [
        "task 7, region 'r': it was drawn on an image of 200 x 100 pixels, that of the sample has 400 x 300"
    ]


def test_answers_without_a_region_to_a_control_tag_that_asks_about_regions_are_told():
    found = Imported(task(box(), answer("choices", "colours", choices=["red"])), CONFIG)
    # Where results of the project are about whole images too, they become a field.
    assert found.values() == {"box": [CAT], "colours": [{"label": "red"}]}
    strict = Imported(task(box(), answer("choices", "colours", choices=["red"])), CONFIG, observe=False)
    assert strict.values() == {"box": [CAT]}
    assert strict.problems == [
        "task 7, region 'q': control tag 'colours' asks about regions, and it is about none; left alone"
    ]


def test_a_control_tag_that_the_labeling_config_lacks_is_read_from_its_results():
    found = Imported(task(box(), answer("rating", "old", rating=3)), CONFIG)
    assert found.values() == {"box": [CAT], "old": 3}
    assert found.fields.notes == ("control tag 'old' is not in the labeling config; read from its results",)
    unseen = Imported(task(box(), answer("rating", "old", rating=3)), CONFIG, observe=False)
    assert unseen.problems == [
        "task 7, region 'q': control tag 'old' is not one of the project's, or asks something else; left alone"
    ]


def test_a_region_of_a_control_tag_that_is_gone_goes_to_the_only_one_of_its_kind():
    found = Imported(task(box(from_name="renamed")), CONFIG, observe=False)
    assert (found.values(), found.problems) == ({"box": [CAT]}, [])


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        (7, "a result is 7, expected an object"),
        ({"id": "b", "from_name": "box", "value": {}}, "its type is None, expected text"),
        ({"id": "b", "type": "rectanglelabels", "value": {}}, "its from_name is None, expected text"),
        (box("b", value=None), "its value is None, expected an object"),
        (box("b", value={"x": "1"}), "x is '1', expected a number"),
        (
            box("b", to_name="other", item_index=3),
            "it is about image 3 of 'img', counted from 0, of which there is one",
        ),
        (answer("rating", "stars", "b", rating="many"), "is 'many', expected a number"),
        (answer("choices", "weather", "b", choices=["sun", "rain"]), "expected one class"),
        (answer("videorectangle", "box", "b", sequence=[]), "a 'videorectangle' is not about an image"),
        (answer("pairwise", "box", "b", selected="left"), "compares objects"),
        (answer("polygonlabels", "outline", "b", points=[]), "its points are []"),
        (answer("brushlabels", "mask", "b", rle=[1, 2], original_width=1), "nothing tells the size of its image"),
    ],
)
def test_one_broken_result_costs_only_itself(broken, told):
    found = Imported(task(broken, box(), answer("rating", "stars", "s", rating=2)), CONFIG, observe=False)
    values = found.values()
    assert values["box"] == [CAT]
    assert values.get("stars", 2) == 2
    (problem,) = found.problems
    assert told in problem
    assert problem.startswith("task 7, region 'b': ") or broken == 7 or broken["type"] == "pairwise"


def test_labels_of_regions_that_are_damaged_now_stay():
    good = Imported(task(box("r"), box("s")), CONFIG)
    kept, _ = (label.id for label in good.labels("box"))
    for damaged in (box("r", value={"x": 1}), {"id": "r", "from_name": "box"}, box("r", from_name=3)):
        bad = Imported(task(damaged, box("s")), CONFIG, observe=False).answers[0].fields["box"]
        assert bad.gone([label.id for label in good.labels("box")]) == []
        assert kept in bad.kept and not bad.is_looked_at
    nothing_can_be_told = Imported(task(7), CONFIG).answers[0].fields["box"]
    assert nothing_can_be_told.gone([label.id for label in good.labels("box")]) == []


def test_values_that_are_damaged_now_stay():
    bad = Imported(task(answer("rating", "stars", rating="x"), answer("choices", "weather", choices=[1])), CONFIG)
    assert bad.answers[0].fields["stars"].not_shown
    assert bad.answers[0].fields["weather"].gone(["5" * 24]) == []


def test_tasks_without_ids_are_told_by_their_data_and_not_by_their_order():
    def nameless(*names):
        return [{**task(box(), data={"image": f"{name}.png"}), "id": None} for name in names]

    def ids(imported):
        return [next(edit.label_id for edit in one.fields["box"].added) for one in imported.answers]

    first, second = Imported(nameless("a", "b", "a"), CONFIG), Imported(nameless("b", "a"), CONFIG)
    assert len(set(ids(first))) == 3
    assert ids(second) == [ids(first)[1], ids(first)[0]]
    broken = Imported([{**one, "annotations": [{"result": [3]}]} for one in nameless("a", "b")], CONFIG)
    assert broken.problems[1] == ("task number 2 of those without an id: a result is 3, expected an object; left alone")


def test_a_sample_that_several_tasks_show_gets_what_all_of_them_say():
    tasks = [
        {
            **task(box(), answer("rating", "stars", rating=number), answer("choices", "weather", choices=["sun"])),
            "id": number,
        }
        for number in (1, 2)
    ]
    found = Imported(tasks, CONFIG)
    problems = []
    whole = combined(found.answers, found.fields, problems)
    assert len({edit.label_id for edit in whole.fields["box"].added}) == 2
    (field,) = [field for field in found.fields.fields if field.name == "stars"]
    assert [to_label(edit, field) for edit in whole.fields["stars"].added] == [1]
    assert len(whole.fields["weather"].added) == 1
    assert [str(problem) for problem in problems] == [
        f"task 1: field 'stars': 2 tasks show sample {whole.sample_id} and say different things; took what this one "
        "says"
    ]


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
kinds = ("rectanglelabels", "rectangle", "polygon", "ellipse", "vector", "keypointlabels", "brushlabels", "labels")
kinds += ("choices", "taxonomy", "textarea", "number", "rating", "datetime", "relation", "ranker", "bitmask")
keys = ("x", "y", "width", "height", "rotation", "points", "vertices", "rle", "radiusX", "radiusY", "labels", *kinds)


@given(
    results=st.lists(
        junk
        | st.fixed_dictionaries(
            {"type": st.sampled_from(kinds) | junk},
            optional={
                "id": st.sampled_from(["a", "b", 1]) | junk,
                "from_name": st.sampled_from(["box", "mask", "weather", "colours", "x"]) | junk,
                # Without a labeling config, a second name would leave open which of the data is the image.
                "to_name": st.just("img") | junk.filter(lambda value: not isinstance(value, str)),
                "value": st.dictionaries(st.sampled_from(keys), junk, max_size=4) | junk,
                "item_index": junk,
                "original_width": st.integers(1, 50) | junk,
                "original_height": st.integers(1, 50) | junk,
                "meta": junk,
                "score": junk,
                "from_id": st.just("a") | junk,
                "to_id": st.just("b") | junk,
                "direction": junk,
                "labels": junk,
            },
        ),
        max_size=4,
    ),
    with_config=st.booleans(),
)
@examples(300)
def test_nothing_that_a_task_holds_raises_an_error(results, with_config):
    whole = task(*results, predictions=[{"result": results, "model_version": "m"}])
    found = Imported(whole, CONFIG if with_config else None, Which(predictions="all"))
    for number in range(len(found.answers)):
        found.values(number)
    json.dumps(found.problems)
