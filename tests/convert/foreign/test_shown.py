"""The images that a task shows."""

from __future__ import annotations

import pytest

from fo_labelstudio.convert.foreign.observed import Observed
from fo_labelstudio.convert.foreign.shown import images_of
from fo_labelstudio.convert.labeling_config.read import read

RATING = '<Rating name="stars" toName="{}"/>'


def shown(data, *tags, results=()):
    """The object tag, place and address of each image, and what is wrong."""
    config = read(f"<View>{''.join(tags)}</View>") if tags else None
    task = {"id": 1, "data": data, "annotations": [{"result": list(results)}]}
    observed = Observed()
    observed.add(task)
    images, problem = images_of(task, config, observed)
    return [(image.to_name, image.place, image.address) for image in images], problem


def result(to_name, **values):
    item = {"from_name": "stars", "to_name": to_name, "type": "rating", "value": {"rating": 1}}
    return {**item, **values}


@pytest.mark.parametrize(
    ("data", "tag", "addresses"),
    [
        ({"image": "a.png"}, '<Image name="i" value="$image"/>', ["a.png"]),
        ({"page": {"url": "a.png"}}, '<Image name="i" value="$page.url"/>', ["a.png"]),
        ({"page.url": "a.png"}, '<Image name="i" value="$page.url"/>', ["a.png"]),
        ({"pages": ["a.png", "b.png"]}, '<Image name="i" valueList="$pages"/>', ["a.png", "b.png"]),
        ({"pages": [{"url": "a.png"}]}, '<Image name="i" value="$pages[0].url"/>', ["a.png"]),
    ],
)
def test_an_object_tag_names_the_key_of_the_data(data, tag, addresses):
    images = [("i", place, address) for place, address in enumerate(addresses)]
    assert shown(data, tag, RATING.format("i")) == (images, None)


def test_several_object_tags_are_several_images():
    tags = ('<Image name="one" value="$a"/>', '<Image name="two" value="$b"/>', RATING.format("one"))
    assert shown({"a": "a.png", "b": "b.png"}, *tags) == ([("one", 0, "a.png"), ("two", 0, "b.png")], None)


def test_an_object_tag_may_be_repeated():
    repeated = '<Repeater on="$pages"><Image name="i_{{idx}}" value="$pages[{{idx}}].url"/>'
    repeated += '<Rating name="stars_{{idx}}" toName="i_{{idx}}"/></Repeater>'
    data = {"pages": [{"url": "a.png"}, {"url": "b.png"}]}
    assert shown(data, repeated) == ([("i_0", 0, "a.png"), ("i_1", 0, "b.png")], None)


@pytest.mark.parametrize("value", [None, "", 3, [], ["a.png", None], {"url": "a.png"}])
def test_data_without_an_address_are_told(value):
    images, problem = shown({"image": value}, '<Image name="i" value="$image"/>', RATING.format("i"))
    assert images == []
    assert problem == f"its data have {value!r} for 'image', expected the address of an image"


def test_from_results_alone_the_key_of_the_name_is_the_image():
    data = {"image": "/data/upload/1/a.JPG?x=1", "other": "b.png"}
    assert shown(data, results=[result("image")]) == ([("image", 0, data["image"])], None)


def test_from_results_alone_old_results_tell_the_key():
    data = {"one": "a.png", "two": "b.png"}
    assert shown(data, results=[result("img", source="$two")]) == ([("img", 0, "b.png")], None)


def test_from_results_alone_the_only_image_is_the_image():
    for data in ({"photo": "s3://bucket/a.png", "text": "no image"}, {"pages": ["a.png"], "n": 3}):
        (image,), problem = shown(data, results=[result("img")])
        assert (image[0], image[2][-5:], problem) == ("img", "a.png", None)
    assert shown({"photo": "a.png"}) == ([("", 0, "a.png")], None)


def test_from_results_alone_two_images_are_a_question():
    images, problem = shown({"left": "a.png", "right": "b.png"}, results=[result("img")])
    assert images == []
    assert problem == "nothing tells which of its data ('left', 'right') is the image; pass the labeling config"


def test_data_that_are_no_object_are_told():
    assert images_of({"id": 1, "data": "a.png"}, None) == ([], "its data are 'a.png', expected an object")


def test_a_labeling_config_without_an_image_is_told():
    problem = "the labeling config shows no image whose address stands in a task's data"
    assert shown({"text": "x"}, '<Text name="t" value="$text"/>', RATING.format("t")) == ([], problem)
    fixed = '<Image name="i" value="https://example.org/a.png"/>'
    assert shown({"text": "x"}, fixed, RATING.format("i")) == ([], problem)
