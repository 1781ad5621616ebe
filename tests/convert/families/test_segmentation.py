from __future__ import annotations

import fiftyone as fo
import numpy as np
import pytest

from fo_labelstudio.convert.edits import to_label
from fo_labelstudio.convert.families import family_of_type
from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.convert.shapes import masks
from tests.convert import strategies
from tests.convert.trip import Trip, new_labels

MEDIA = MediaInfo(4, 2)
FIELD = strategies.field_of("segmentation", "ground", targets={"road": 1, "sky": 2, "sea": 7})
COLOURS = strategies.field_of("segmentation", "ground", targets={"road": "#ff0000", "sky": "#00ff00", "sea": "#0102fe"})


def a_mask(*rows, dtype=np.uint8):
    return fo.Segmentation(mask=np.array(rows, dtype))


def value_of(pixels, class_name, media=MEDIA, tool=masks.BRUSH):
    mask = masks.cropped(np.array(pixels, bool))
    return {**masks.to_value(mask, tool, media), masks.TYPES[tool]: [class_name]}


def a_region(class_name, *rows, region_id="n", media=MEDIA):
    region = {"id": region_id, "from_name": "ground", "to_name": "image", "type": "brushlabels"}
    return {**region, "value": value_of(rows, class_name, media)}


def painted(class_name, *rows, media=MEDIA):
    """An edit that gives the region of a class other pixels."""

    def edit(result):
        for region in result:
            if region["value"]["brushlabels"] == [class_name]:
                region["value"] = value_of(rows, class_name, media)

    return edit


def shown(trip, media=MEDIA):
    """Class -> rows of what its region shows."""
    return {
        region["value"][region["type"]][0]: masks.framed(masks.decode(masks.parse_value(region["value"]), media), media)
        .astype(int)
        .tolist()
        for region in trip.sent
    }


class TestWhatTheEditorShows:
    @pytest.mark.parametrize("tool", [masks.BRUSH, masks.BITMASK])
    def test_each_class_that_a_mask_holds_is_a_region(self, tool):
        field = strategies.field_of("segmentation", "ground", tool=tool, targets=FIELD.targets)
        trip = Trip(field, a_mask([0, 1, 1, 2], [0, 1, 2, 99]), media=MEDIA)
        assert shown(trip) == {"road": [[0, 1, 1, 0], [0, 1, 0, 0]], "sky": [[0, 0, 0, 1], [0, 0, 1, 0]]}

    def test_a_mask_of_colours_is_shown_like_one_of_numbers(self):
        red, blue, none, other = (255, 0, 0), (1, 2, 254), (0, 0, 0), (9, 9, 9)
        trip = Trip(COLOURS, a_mask([none, red, red, blue], [none, red, other, none]), media=MEDIA)
        assert shown(trip) == {"road": [[0, 1, 1, 0], [0, 1, 0, 0]], "sea": [[0, 0, 0, 1], [0, 0, 0, 0]]}

    def test_a_mask_smaller_than_the_image_is_stretched_over_it(self):
        assert shown(Trip(FIELD, a_mask([1, 2]), media=MEDIA)) == {
            "road": [[1, 1, 0, 0], [1, 1, 0, 0]],
            "sky": [[0, 0, 1, 1], [0, 0, 1, 1]],
        }

    def test_a_mask_larger_than_the_image_is_shrunk_to_it(self):
        mask = np.repeat(np.repeat([[1, 0, 2, 0], [0, 0, 0, 7]], 3, axis=0), 3, axis=1)
        assert shown(Trip(FIELD, fo.Segmentation(mask=mask), media=MEDIA)) == {
            "road": [[1, 0, 0, 0], [0, 0, 0, 0]],
            "sky": [[0, 0, 1, 0], [0, 0, 0, 0]],
            "sea": [[0, 0, 0, 0], [0, 0, 0, 1]],
        }

    @pytest.mark.parametrize("label", [a_mask([0, 0, 0, 0], [0, 0, 99, 0]), fo.Segmentation()])
    def test_a_mask_without_any_class_shows_nothing_and_stays(self, label):
        trip = Trip(FIELD, label, media=MEDIA)
        assert trip.sent == [] and trip.changes([]).is_empty


class TestEdits:
    def test_pixels_that_a_class_gained_become_its_own_and_lost_ones_background(self):
        trip = Trip(FIELD, a_mask([1, 1, 0, 2], [1, 1, 0, 2]), media=MEDIA)
        (back,) = trip.load(painted("road", [0, 1, 1, 0], [1, 1, 0, 0]))
        assert back.mask.tolist() == [[0, 1, 1, 2], [1, 1, 0, 2]]
        assert back.mask.dtype == np.uint8

    def test_a_class_painted_over_another_has_the_pixels(self):
        trip = Trip(FIELD, a_mask([1, 1, 2, 2], [1, 1, 2, 2]), media=MEDIA)
        (back,) = trip.load(painted("sky", [0, 1, 1, 1], [0, 0, 1, 1]))
        assert back.mask.tolist() == [[1, 2, 2, 2], [1, 1, 2, 2]]

    @pytest.mark.parametrize(("edited", "row"), [("sky", [1, 2, 2, 2]), ("road", [1, 1, 1, 2])])
    def test_a_class_painted_over_another_still_has_the_pixels_when_it_is_loaded_twice(self, edited, row):
        trip = Trip(FIELD, a_mask([1, 1, 2, 2], [1, 1, 2, 2]), media=MEDIA)
        pixels = {"sky": [0, 1, 1, 1], "road": [1, 1, 1, 0]}[edited]
        (back,) = trip.load(painted(edited, pixels, [0, 0, 1, 1] if edited == "sky" else [1, 1, 0, 0]))
        assert back.mask.tolist() == [row, [1, 1, 2, 2]]

    def test_of_several_classes_that_gained_a_pixel_the_last_has_it_and_a_note_says_so(self):
        trip = Trip(FIELD, a_mask([1, 0, 0, 2], [1, 0, 0, 2]), media=MEDIA)

        def both(result):
            painted("road", [1, 1, 1, 0], [1, 0, 0, 0])(result)
            painted("sky", [0, 0, 1, 1], [0, 0, 0, 1])(result)

        changes = trip.changes(both)
        assert changes.notes == ["1 pixels belong to several regions; the last one has them"]
        (back,) = trip.load(both)
        assert back.mask.tolist() == [[1, 1, 2, 2], [1, 0, 0, 2]]

    def test_a_drawn_mask_with_classes_on_each_other_is_the_same_when_it_is_loaded_twice(self):
        regions = [a_region("road", [1, 1, 1, 0], [0] * 4), a_region("sky", [0, 0, 1, 1], [0] * 4, region_id="m")]
        (back,) = Trip(FIELD, media=MEDIA).load(regions)
        assert back.mask.tolist() == [[1, 1, 2, 2], [0, 0, 0, 0]]

    def test_several_regions_of_a_class_are_one_mask(self):
        trip = Trip(FIELD, a_mask([1, 0, 0, 0], [0, 0, 0, 0]), media=MEDIA)
        (back,) = trip.load([*trip.sent, a_region("road", [0, 0, 0, 1], [0, 0, 0, 1])])
        assert back.mask.tolist() == [[1, 0, 0, 1], [0, 0, 0, 1]]

    def test_a_class_that_was_removed_is_background_and_values_outside_the_targets_stay(self):
        trip = Trip(FIELD, a_mask([1, 1, 99, 2], [1, 50, 0, 2]), media=MEDIA)
        (back,) = trip.load(lambda result: result[1:])
        assert back.mask.tolist() == [[0, 0, 99, 2], [0, 50, 0, 2]]

    def test_the_last_class_that_was_removed_leaves_values_outside_the_targets(self):
        trip = Trip(FIELD, a_mask([1, 1, 99, 0], [1, 50, 0, 0]), media=MEDIA)
        (back,) = trip.load([])
        assert back.mask.tolist() == [[0, 0, 99, 0], [0, 50, 0, 0]]

    def test_a_mask_of_which_nothing_is_left_is_deleted(self):
        label = a_mask([1, 1, 0, 0], [1, 0, 0, 2])
        trip = Trip(FIELD, label, media=MEDIA)
        assert trip.changes([]).deleted == [label.id]
        assert trip.load([]) == []

    def test_a_mask_that_left_the_dataset_and_of_which_nothing_is_left_is_not_added_again(self):
        trip = Trip(FIELD, a_mask([1, 1, 0, 0], [1, 0, 0, 2]), media=MEDIA)
        trip.docs.clear()
        assert trip.changes([]).is_empty

    def test_a_region_that_is_empty_is_no_class(self):
        trip = Trip(FIELD, a_mask([1, 1, 2, 2], [1, 1, 2, 2]), media=MEDIA)
        (back,) = trip.load(painted("road", [0] * 4, [0] * 4))
        assert back.mask.tolist() == [[0, 0, 2, 2], [0, 0, 2, 2]]

    def test_a_relabelled_region_is_another_class(self):
        trip = Trip(FIELD, a_mask([1, 1, 2, 2], [1, 1, 2, 2]), media=MEDIA)

        def relabel(result):
            result[0]["value"]["brushlabels"] = ["sea"]

        (back,) = trip.load(relabel)
        assert back.mask.tolist() == [[7, 7, 2, 2], [7, 7, 2, 2]]

    def test_an_edit_of_a_mask_of_another_size_changes_only_the_pixels_under_it(self):
        mask = np.repeat(np.repeat([[1, 1, 2, 2], [1, 1, 2, 2]], 3, axis=0), 3, axis=1)
        mask[0, 0] = 99
        trip = Trip(FIELD, fo.Segmentation(mask=mask), media=MEDIA)
        (back,) = trip.load(painted("road", [1, 1, 0, 0], [1, 0, 0, 0]))
        expected = mask.copy()
        expected[3:6, 3:6] = 0
        np.testing.assert_array_equal(back.mask, expected)

    def test_an_edit_of_a_mask_smaller_than_the_image_is_loaded_once(self):
        trip = Trip(FIELD, a_mask([1, 2]), media=MEDIA)
        (back,) = trip.load(painted("road", [1, 1, 1, 1], [1, 1, 1, 1]))
        assert back.mask.tolist() == [[1, 1]]

    def test_a_mask_of_colours_gets_the_colours_of_its_classes(self):
        red, green, none, other = [255, 0, 0], [0, 255, 0], [0, 0, 0], [9, 9, 9]
        trip = Trip(COLOURS, a_mask([red, red, green, none], [other, none, none, none]), media=MEDIA)
        (back,) = trip.load(painted("road", [0, 1, 0, 1], [0, 0, 0, 0]))
        assert back.mask.tolist() == [[none, red, green, red], [other, none, none, none]]

    def test_a_value_too_large_for_the_stored_mask_makes_it_wider(self):
        field = strategies.field_of("segmentation", "ground", targets={"road": 1, "far": 300})
        trip = Trip(field, a_mask([1, 1, 0, 0], [0] * 4), media=MEDIA)
        (back,) = trip.load([*trip.sent, a_region("far", [0, 0, 0, 1], [0] * 4)])
        assert back.mask.tolist() == [[1, 1, 0, 300], [0] * 4]


class TestNewMasks:
    @pytest.mark.parametrize(("largest", "dtype"), [(255, np.uint8), (256, np.uint16), (70_000, np.int64)])
    def test_a_drawn_mask_has_room_for_all_targets(self, largest, dtype):
        field = strategies.field_of("segmentation", "ground", targets={"road": 1, "far": largest})
        (edit,) = new_labels(field, [a_region("far", [0, 0, 0, 1], [0] * 4)], MEDIA)
        mask = to_label(edit, field).mask
        assert mask.dtype == dtype and mask.tolist() == [[0, 0, 0, largest], [0] * 4]

    def test_a_drawn_mask_of_colours_has_three_channels(self):
        (edit,) = new_labels(COLOURS, [a_region("sea", [0, 0, 0, 1], [0] * 4)], MEDIA)
        assert to_label(edit, COLOURS).mask[0].tolist() == [[0] * 3] * 3 + [[1, 2, 254]]

    def test_what_was_drawn_where_nothing_was_shown_is_an_edit_of_the_label(self):
        trip = Trip(FIELD, a_mask([0, 0, 99, 0], [0] * 4), media=MEDIA)
        (back,) = trip.load([a_region("road", [1, 0, 0, 0], [0] * 4)])
        assert back.mask.tolist() == [[1, 0, 99, 0], [0] * 4]

    def test_what_was_drawn_for_a_label_without_mask_becomes_its_mask(self):
        label = fo.Segmentation()
        (back,) = Trip(FIELD, label, media=MEDIA).load([a_region("road", [1, 0, 0, 0], [0] * 4)])
        assert (back.id, back.mask.tolist()) == (label.id, [[1, 0, 0, 0], [0] * 4])


@pytest.mark.parametrize("value", [{"brushlabels": ["zebra"]}, {"rle": [1, 2]}, {"rle": None}])
def test_a_region_that_cannot_be_understood_leaves_the_whole_mask_alone(value):
    label = a_mask([1, 1, 2, 2], [1, 1, 2, 2])
    answer, problems = Trip(FIELD, label, media=MEDIA).answer(lambda result: result[0]["value"].update(value))
    assert (answer.kept[0], answer.edited, answer.deleted, len(problems)) == (label.id, [], [], 1)


@pytest.mark.parametrize(
    ("field", "mask", "problem"),
    [
        (FIELD, np.zeros((2, 2, 3)), "so the keys of `mask_targets` must be #rrggbb"),
        (COLOURS, np.zeros((2, 2)), "so the keys of `mask_targets` must be whole numbers"),
        (COLOURS, np.zeros((2, 2, 4)), "expected (height, width) or (height, width, 3)"),
        (FIELD, np.zeros((0, 2)), "expected (height, width) or (height, width, 3)"),
    ],
)
def test_a_mask_that_cannot_be_sent_is_told(field, mask, problem):
    assert problem in family_of_type("segmentation").check(fo.Segmentation(mask=mask), field)
