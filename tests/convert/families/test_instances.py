from __future__ import annotations

import base64
import io
from dataclasses import replace

import fiftyone as fo
import numpy as np
import pytest
from label_studio_sdk.converter import brush as sdk
from PIL import Image

from fo_labelstudio.convert.edits import to_label
from fo_labelstudio.convert.families import family_of_type
from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.convert.question import Question
from fo_labelstudio.convert.records import Attribute
from fo_labelstudio.convert.shapes import brush, masks
from fo_labelstudio.convert.shapes.brush import Mask
from tests.convert import strategies
from tests.convert.trip import Trip, new_labels, pixels_of

MEDIA = MediaInfo(40, 20)
FIELDS = {tool: strategies.field_of("instances", "things", tool=tool) for tool in (masks.BRUSH, masks.BITMASK)}
BRUSH = FIELDS[masks.BRUSH]

both_tools = pytest.mark.parametrize("field", FIELDS.values(), ids=FIELDS)


def an_instance(box, mask, **values):
    return fo.Detection(label="cat", bounding_box=box, mask=np.array(mask), **values)


def on_pixels(left, top, mask):
    """An instance whose box lies on pixels of MEDIA."""
    height, width = np.shape(mask)
    return an_instance([left / 40, top / 20, width / 40, height / 20], mask)


def shown(field, label, media=MEDIA):
    """The pixels that the editor shows: bool, shape of the image."""
    (region,) = family_of_type("instances").to_regions([label], field, media)
    return masks.framed(masks.decode(masks.parse_value(region["value"]), media), media)


def value_of(pixels, field=BRUSH, media=MEDIA):
    """The value of a region that shows some pixels: bool, shape of the image."""
    return {**masks.to_value(masks.cropped(pixels), field.tool, media), field.tool.lower(): ["cat"]}


def rectangle(left, top, right, bottom, media=MEDIA):
    pixels = np.zeros((media.height, media.width), bool)
    pixels[top:bottom, left:right] = True
    return pixels


def repaint(pixels, number=0, field=BRUSH):
    """An edit that gives a region other pixels."""

    def edit(result):
        result[number]["value"].update(value_of(pixels, field))

    return edit


class TestWhatTheEditorShows:
    @both_tools
    def test_a_mask_on_pixels_is_shown_pixel_by_pixel(self, field):
        pixels = shown(field, on_pixels(8, 5, [[1, 0, 1], [0, 1, 0]]))
        assert np.argwhere(pixels).tolist() == [[5, 8], [5, 10], [6, 9]]

    @both_tools
    @pytest.mark.parametrize("values", [[[0, 255]], [[False, True]], [[0.0, 0.5]], [[0, -1]], [[0, 7]]])
    def test_whatever_is_not_zero_is_set(self, field, values):
        assert np.argwhere(shown(field, on_pixels(3, 4, values))).tolist() == [[4, 4]]

    @both_tools
    def test_a_mask_smaller_than_its_box_is_stretched_over_it(self, field):
        label = an_instance([0.25, 0.25, 0.2, 0.4], [[1, 0], [0, 1]])
        expected = rectangle(10, 5, 14, 9) | rectangle(14, 9, 18, 13)
        np.testing.assert_array_equal(shown(field, label), expected)

    @both_tools
    def test_a_mask_larger_than_its_box_is_shrunk_to_it(self, field):
        mask = np.zeros((60, 60), bool)
        mask[:, 30:] = True
        np.testing.assert_array_equal(
            shown(field, an_instance([0.25, 0.25, 0.15, 0.3], mask)), rectangle(13, 5, 16, 11)
        )

    @both_tools
    @pytest.mark.parametrize("offset", [-0.4, 0.0, 0.4])
    def test_a_box_between_pixels_moves_the_mask_but_does_not_resample_it(self, field, offset):
        mask = np.random.default_rng(1).random((7, 11)) < 0.5
        pixels = shown(field, an_instance([(9 + offset) / 40, 5 / 20, 11 / 40, 7 / 20], mask))
        np.testing.assert_array_equal(pixels[5:12, 9:20], mask)
        assert pixels.sum() == mask.sum()

    @both_tools
    @pytest.mark.parametrize(
        ("box", "mask"), [([1.2, 0.25, 0.1, 0.1], np.ones((4, 4))), ([0.2, 0.2, 0.1, 0.1], np.zeros((2, 2)))]
    )
    def test_an_instance_without_a_pixel_in_the_image_is_not_shown_and_stays(self, field, box, mask):
        trip = Trip(field, an_instance(box, mask), media=MEDIA)
        assert trip.sent == []
        (back,) = trip.load([])
        assert back.bounding_box == box

    @both_tools
    @pytest.mark.parametrize(
        ("box", "expected"),
        [
            ([-0.1, 0.25, 0.2, 0.2], rectangle(0, 5, 4, 9)),
            ([0.9, 0.25, 0.2, 0.2], rectangle(36, 5, 40, 9)),
            ([0.25, -0.1, 0.1, 0.2], rectangle(10, 0, 14, 2)),
            ([0.25, 0.9, 0.1, 0.2], rectangle(10, 18, 14, 20)),
            ([-0.5, -0.5, 2, 2], rectangle(0, 0, 40, 20)),
        ],
    )
    def test_of_a_box_partly_outside_the_image_what_is_inside_is_shown(self, field, box, expected):
        width, height = round(box[2] * 40), round(box[3] * 20)
        np.testing.assert_array_equal(shown(field, an_instance(box, np.ones((height, width)))), expected)

    @both_tools
    def test_a_box_without_a_size_still_has_its_mask(self, field):
        np.testing.assert_array_equal(shown(field, an_instance([0.25, 0.25, 0, 0], [[1]])), rectangle(10, 5, 11, 6))

    def test_the_tool_decides_between_run_lengths_and_png(self):
        values = [
            family_of_type("instances").to_regions([on_pixels(1, 2, [[1]])], field, MEDIA) for field in FIELDS.values()
        ]
        (brushed,), (bitmask,) = values
        assert (brushed["type"], brushed["value"]["format"]) == ("brushlabels", "rle")
        assert brushed["value"]["rle"] == list(brush.encode(np.array([[True]]), 1, 2, 40, 20))
        assert bitmask["type"] == "bitmasklabels"
        png = Image.open(io.BytesIO(base64.b64decode(bitmask["value"]["imageDataURL"].partition(",")[2])))
        assert png.size == (40, 20)
        alpha = np.asarray(png.convert("RGBA"))[..., 3]
        assert np.argwhere(alpha).tolist() == [[2, 1]] and alpha.max() == 255


class TestWhatIsRead:
    @both_tools
    def test_a_drawn_mask_gets_the_smallest_box_around_its_pixels(self, field):
        region = {"id": "n", "from_name": "things", "to_name": "image", "type": field.tool.lower()}
        region["value"] = value_of(rectangle(10, 5, 14, 8) & ~rectangle(12, 5, 14, 6), field)
        (edit,) = new_labels(field, [region], MEDIA)
        label = to_label(edit, field)
        assert (label.label, label.bounding_box) == ("cat", [0.25, 0.25, 0.1, 0.15])
        assert label.mask.tolist() == [[1, 1, 0, 0], [1, 1, 1, 1], [1, 1, 1, 1]]
        assert label.confidence is None

    def test_a_png_of_another_size_is_stretched_over_the_image(self):
        alpha = np.zeros((10, 20, 4), np.uint8)
        alpha[2:4, 5:7, 3] = 255
        buffer = io.BytesIO()
        Image.fromarray(alpha).save(buffer, "PNG")
        url = "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
        field = FIELDS[masks.BITMASK]
        region = {"id": "n", "from_name": "things", "to_name": "image", "type": "bitmasklabels"}
        region["value"] = {"imageDataURL": url, "bitmasklabels": ["dog"]}
        (edit,) = new_labels(field, [region], MEDIA)
        np.testing.assert_array_equal(pixels_of(to_label(edit, field), MEDIA), rectangle(10, 4, 14, 8))

    def test_the_soft_edge_of_a_stroke_counts_from_half_opacity_on(self):
        rgba = np.zeros((20, 40, 4), np.uint8)
        rgba[3, 4:8, 3] = (127, 128, 255, 1)
        region = {"id": "n", "from_name": "things", "to_name": "image", "type": "brushlabels"}
        region["value"] = {"format": "rle", "rle": list(sdk.encode_rle(rgba.ravel())), "brushlabels": ["cat"]}
        (edit,) = new_labels(BRUSH, [region], MEDIA)
        assert np.argwhere(pixels_of(to_label(edit, BRUSH), MEDIA)).tolist() == [[3, 5], [3, 6]]

    @both_tools
    def test_several_regions_of_one_instance_are_joined(self, field):
        trip = Trip(field, on_pixels(2, 2, np.ones((2, 2))), media=MEDIA)
        child = {
            **trip.sent[0],
            "id": "n",
            "parentID": trip.sent[0]["id"],
            "value": value_of(rectangle(6, 3, 8, 7), field),
        }
        (label,) = trip.load([*trip.sent, child])
        np.testing.assert_array_equal(pixels_of(label, MEDIA), rectangle(2, 2, 4, 4) | rectangle(6, 3, 8, 7))
        assert label.bounding_box == [2 / 40, 2 / 20, 6 / 40, 5 / 20]

    def test_parts_of_different_classes_have_the_first_ones_and_a_note(self):
        trip = Trip(BRUSH, on_pixels(2, 2, np.ones((2, 2))), media=MEDIA)
        value = {**value_of(rectangle(6, 3, 8, 7)), "brushlabels": ["dog"]}
        child = {**trip.sent[0], "id": "n", "parentID": trip.sent[0]["id"], "value": value}
        answer, problems = trip.answer([*trip.sent, child])
        assert answer.edited[0].aspects == ("mask",)
        assert problems == [
            f"task 7, region {trip.sent[0]['id']!r}: field 'things': its regions have several classes; took 'cat' "
            "rather than ['dog']"
        ]

    @pytest.mark.parametrize(
        "value",
        [
            {},
            {"format": "rle", "rle": []},
            {"format": "rle", "rle": "0,1"},
            {"format": "rle", "rle": [0, 300]},
            {"format": "rle", "rle": [0.5]},
            {"format": "png", "rle": [0]},
            {"rle": list(brush.encode(np.ones((2, 2), bool), 0, 0, 2, 2))},
            {"rle": list(brush.encode(np.random.default_rng(0).random((200, 200)) < 0.5, 0, 0, 200, 200))},
            {"imageDataURL": "https://example.org/mask.png"},
            {"imageDataURL": "data:image/png;base64,###"},
            {"imageDataURL": "data:image/png;base64,aGVsbG8="},
            {"imageDataURL": "data:image/png;base64,iVBORw0KGgoAAAANSUhEUg=="},
            {"touches": [{"type": "add", "points": [1, 2]}]},
        ],
        ids=lambda value: str(value)[:50],
    )
    def test_a_mask_that_cannot_be_read_costs_only_itself(self, value):
        first, second = on_pixels(2, 2, np.ones((2, 2))), on_pixels(9, 9, np.ones((3, 3)))
        trip = Trip(BRUSH, first, second, media=MEDIA)

        def damage(result):
            result[0]["value"] = {"brushlabels": ["cat"], **value}
            result[1]["value"]["brushlabels"] = ["dog"]

        # The damage of a large mask is found only when it is needed.
        problems = [*trip.answer(damage)[1], *trip.changes(damage).notes]
        assert len(problems) == 1 and problems[0].endswith("; left alone")
        back = trip.load(damage)
        assert [label.label for label in back] == ["cat", "dog"]
        np.testing.assert_array_equal(pixels_of(back[0], MEDIA), rectangle(2, 2, 4, 4))


class TestEdits:
    @both_tools
    def test_a_mask_painted_over_gets_its_new_pixels_and_box(self, field):
        trip = Trip(field, on_pixels(2, 2, np.ones((2, 2))), media=MEDIA)
        (label,) = trip.load(repaint(rectangle(2, 2, 5, 4), field=field))
        assert label.bounding_box == [2 / 40, 2 / 20, 3 / 40, 2 / 20]
        assert label.mask.shape == (2, 3) and label.mask.all()

    def test_a_mask_with_a_wider_mask_than_before_changes_box_and_mask_together(self):
        trip = Trip(BRUSH, on_pixels(2, 2, [[1, 0], [0, 1]]), media=MEDIA)
        changes = trip.changes(repaint(rectangle(2, 2, 4, 4)))
        (values,) = changes.values.values()
        # The box is the same, but a mask without its box means nothing.
        assert set(values) == {"mask"}
        (moved,) = trip.changes(repaint(rectangle(3, 2, 5, 4))).values.values()
        assert set(moved) == {"bounding_box", "mask"}

    def test_a_relabelled_instance_keeps_its_mask_as_it_is_stored(self):
        mask = np.random.default_rng(2).random((28, 28)) < 0.5
        label = an_instance([0.1234, 0.2, 0.3, 0.4], mask, confidence=0.5)
        trip = Trip(BRUSH, label, media=MEDIA)

        def relabel(result):
            result[0]["value"]["brushlabels"] = ["dog"]

        assert trip.changes(relabel).values == {label.id: {"label": "dog"}}

    @both_tools
    def test_an_erased_mask_is_a_deleted_instance(self, field):
        first, second = on_pixels(2, 2, np.ones((2, 2))), on_pixels(9, 9, np.ones((3, 3)))
        trip = Trip(field, first, second, media=MEDIA)
        changes = trip.changes(repaint(rectangle(0, 0, 0, 0), field=field))
        assert (changes.deleted, changes.values) == ([first.id], {})

    @both_tools
    def test_an_instance_whose_parts_are_all_erased_is_deleted(self, field):
        label = on_pixels(2, 2, np.ones((2, 2)))
        trip = Trip(field, label, media=MEDIA)
        nothing = value_of(rectangle(0, 0, 0, 0), field)
        child = {**trip.sent[0], "id": "n", "parentID": label.id, "value": nothing}
        changes = trip.changes([{**trip.sent[0], "value": nothing}, child])
        assert (changes.deleted, changes.values) == ([label.id], {})

    @both_tools
    @pytest.mark.parametrize("box", [[0.1, 0.1, 0.1, 0.1], [1.5, 1.5, 0.1, 0.1]])
    def test_an_instance_that_shows_nothing_is_kept_when_it_comes_back_so(self, field, box):
        label = an_instance(box, np.zeros((2, 4)))
        answer, problems = Trip(field, label, media=MEDIA).answer()
        assert (answer.kept, answer.deleted, problems) == ([label.id], [], [])

    def test_an_instance_that_nobody_touched_is_not_rewritten_on_pixels(self):
        label = an_instance([0.1234, 0.2, 0.3, 0.4], np.random.default_rng(2).random((28, 28)) < 0.5)
        assert Trip(BRUSH, label, media=MEDIA).changes().is_empty


def test_an_instance_without_a_pixel_in_the_image_is_not_sent_whatever_its_attributes_and_stays():
    asked = Attribute("colour", Question("text", "str"), "colour")
    trip = Trip(replace(BRUSH, attributes=(asked,)), an_instance([2, 0, 0.5, 0.5], [[1]], colour="red"), media=MEDIA)
    assert trip.sent == []
    assert trip.changes().is_empty and trip.answer()[1] == []


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"mask": None}, "it has no mask; annotate such labels as detections, or leave them out of the view"),
        ({"mask": np.zeros((2, 2, 3))}, "its mask has shape (2, 2, 3), expected (height, width)"),
        ({"mask": np.zeros((0, 2))}, "its mask has shape (0, 2), expected (height, width)"),
        ({"bounding_box": [0, 0, float("nan"), 1]}, "expected four finite numbers"),
        ({"bounding_box": [10, 10, 300, 200]}, "expected values relative to the image, not pixels"),
        ({"label": "zebra"}, "its class 'zebra' is not among the classes"),
    ],
)
def test_an_instance_that_cannot_be_sent_is_told(values, problem):
    label = fo.Detection(**{"label": "cat", "bounding_box": [0, 0, 1, 1], "mask": np.ones((2, 2)), **values})
    assert problem in family_of_type("instances").check(label, BRUSH)


def test_a_mask_holds_only_its_set_pixels():
    assert masks.cropped(np.zeros((3, 3), bool)).pixels.shape == (0, 0)
    joined = masks.union([Mask(1, 2, np.ones((1, 2), bool)), masks.EMPTY, Mask(4, 0, np.ones((1, 1), bool))])
    assert (joined.left, joined.top, joined.pixels.astype(int).tolist()) == (
        1,
        0,
        [[0, 0, 0, 1], [0] * 4, [1, 1, 0, 0]],
    )
