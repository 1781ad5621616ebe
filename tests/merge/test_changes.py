from __future__ import annotations

import copy
import math

import fiftyone as fo
import numpy as np
import pytest
from bson import ObjectId
from hypothesis import given
from hypothesis import strategies as st

from fo_labelstudio.convert.annotation.answer import FieldAnswer
from fo_labelstudio.convert.families import LABEL_TYPES, family_of_type
from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.convert.records import LabelAnswer, ParsedLabel
from fo_labelstudio.convert.shapes import masks
from fo_labelstudio.convert.shapes.geometry import to_percent_box
from fo_labelstudio.merge.changes import label_changes
from fo_labelstudio.merge.equality import blend, is_same
from tests.convert import strategies
from tests.convert.trip import Trip
from tests.properties import examples

BOXES = strategies.field_of("detections", "boxes")
MEDIA = MediaInfo(640, 480)
ASPECTS = family_of_type("detections").aspects


def stored_box(**values):
    return fo.Detection(label="cat", bounding_box=[1 / 3, 0.2, 0.3, 0.4], confidence=0.5, **values).to_dict()


def an_edit(label_id=None, *aspects, **values):
    values = {"label": "cat", "bounding_box": [1 / 3, 0.2, 0.3, 0.4], "rotation": 0.0, **values}
    box = to_percent_box(values["bounding_box"], values["rotation"], MEDIA)
    parsed = ParsedLabel("r", {"label": values["label"], "box": list(box)}, MEDIA)
    return LabelAnswer(label_id or str(ObjectId()), parsed, aspects or tuple(ASPECTS), {})


def changes_of(stored, answer, field=BOXES, originals=None, loaded=()):
    return label_changes(stored, answer, field, originals or {}, loaded)


def test_a_kept_label_is_not_written():
    doc = stored_box()
    assert changes_of([doc], FieldAnswer(kept=[str(doc["_id"])])).is_empty


def test_an_edit_writes_only_what_was_edited():
    doc = stored_box()
    moved = an_edit(str(doc["_id"]), "box", label="dog", bounding_box=[1 / 3 + 1e-12, 0.25, 0.3, 0.4])
    changes = changes_of([doc], FieldAnswer(edited=[moved]))
    assert changes.values == {str(doc["_id"]): {"bounding_box": [1 / 3, 0.25, 0.3, 0.4]}}


def test_an_edit_loaded_twice_writes_nothing_the_second_time():
    doc = stored_box()
    moved = an_edit(str(doc["_id"]), "box", bounding_box=[0.5, 0.25, 0.3, 0.4])
    answer = FieldAnswer(edited=[moved], added=[an_edit()])
    changes = changes_of([doc], answer)
    after = [{**doc, **changes.values[str(doc["_id"])]}, *changes.added]
    assert changes_of(after, answer, loaded=[answer.added[0].label_id]).is_empty


@pytest.mark.parametrize(
    ("before", "after", "written"),
    [({}, {}, {}), ({}, {"rotation": 0.4}, {"rotation": 0.4}), ({"rotation": 0.4}, {}, {"rotation": 0.0})],
)
def test_a_rotation_that_is_absent_is_none_at_all(before, after, written):
    doc = stored_box(**before)
    changes = changes_of([doc], FieldAnswer(edited=[an_edit(str(doc["_id"]), "box", **after)]))
    assert changes.values.get(str(doc["_id"]), {}) == pytest.approx(written)


def test_a_label_that_left_the_dataset_untouched_stays_away():
    assert changes_of([], FieldAnswer(kept=[str(ObjectId())])).is_empty


def test_a_label_that_left_the_dataset_stays_away_though_it_was_edited_and_is_named():
    edit = an_edit(label="dog")
    changes = changes_of([], FieldAnswer(edited=[edit]))
    assert changes.is_empty
    assert changes.departed == [edit.label_id]


def test_a_label_that_a_load_added_and_somebody_deleted_in_fiftyone_stays_away():
    drawn = an_edit()
    changes = changes_of([], FieldAnswer(added=[drawn]), loaded=[drawn.label_id])
    assert changes.is_empty
    assert changes.departed == []


def test_an_edit_of_a_label_that_a_load_deleted_restores_it_whole_with_the_edit():
    doc = stored_box(tags=["mine"], index=3)
    label_id = str(doc["_id"])
    moved = an_edit(label_id, "box", bounding_box=[1 / 3, 0.25, 0.3, 0.4])
    changes = changes_of([], FieldAnswer(edited=[moved]), originals={label_id: doc})
    assert changes.added == [{**doc, "bounding_box": [1 / 3, 0.25, 0.3, 0.4]}]
    taken_back = label_changes(
        changes.added, FieldAnswer(kept=[label_id]), BOXES, {}, [label_id], written=changes.written
    )
    assert taken_back.values == {label_id: {"bounding_box": [1 / 3, 0.2, 0.3, 0.4]}}


@pytest.mark.parametrize("answer", ["edited", "deleted"])
def test_of_two_labels_with_one_id_neither_is_touched(answer):
    doc = stored_box()
    label_id = str(doc["_id"])
    given = {
        "edited": lambda: FieldAnswer(edited=[an_edit(label_id, "label", label="dog")]),
        "deleted": lambda: FieldAnswer(deleted=[label_id]),
    }[answer]()
    changes = changes_of([doc, {**doc, "label": "dog"}], given)
    assert changes.is_empty
    assert changes.notes == [
        f"label {label_id}: 2 labels of the sample have its id; give each one of its own; left alone"
    ]
    assert changes.left == 1


def test_what_was_written_into_a_label_that_left_is_forgotten():
    changes = label_changes([], FieldAnswer(kept=["1"]), BOXES, {}, (), written={"1": {"label": ("cat", "dog")}})
    assert changes.is_empty
    assert changes.written == {"1": {}}


def test_originals_that_may_not_be_restored_are_counted():
    doc = stored_box()
    label_id = str(doc["_id"])
    changes = label_changes([], FieldAnswer(kept=[label_id]), BOXES, {label_id: doc}, (), may_restore=False)
    assert changes.is_empty
    assert changes.refused == {"allow_additions=False": 1}


def test_a_deletion_taken_back_restores_the_whole_label():
    doc = stored_box(tags=["mine"], index=3)
    changes = changes_of([], FieldAnswer(kept=[str(doc["_id"])]), originals={str(doc["_id"]): doc})
    assert changes.added == [doc]


def test_a_label_that_a_load_added_goes_when_its_region_goes():
    doc = stored_box()
    assert changes_of([doc], FieldAnswer(), loaded=[str(doc["_id"])]).deleted == [str(doc["_id"])]


def test_a_label_that_was_not_sent_is_not_touched():
    assert changes_of([stored_box()], FieldAnswer(deleted=[str(ObjectId())])).is_empty


@pytest.mark.parametrize(
    ("flag", "answer"),
    [
        ("allow_additions", lambda doc: FieldAnswer(kept=[str(doc["_id"])], added=[an_edit()])),
        ("allow_deletions", lambda doc: FieldAnswer(deleted=[str(doc["_id"])])),
        (
            "allow_label_edits",
            lambda doc: FieldAnswer(edited=[an_edit(str(doc["_id"]), "label", label="dog")]),
        ),
        (
            "allow_spatial_edits",
            lambda doc: FieldAnswer(edited=[an_edit(str(doc["_id"]), "box", bounding_box=[0, 0, 1, 1])]),
        ),
    ],
)
def test_what_a_flag_forbids_is_counted_and_not_done(flag, answer):
    doc = stored_box()
    assert not changes_of([doc], answer(doc)).is_empty
    changes = changes_of([doc], answer(doc), strategies.field_of("detections", "boxes", **{flag: False}))
    assert changes.is_empty
    assert changes.refused == {f"{flag}=False": 1}


def test_a_field_of_one_is_not_overwritten_with_another_label():
    changes = changes_of([stored_box()], FieldAnswer(added=[an_edit()]), strategies.field_of("detection"))
    assert changes.is_empty
    assert changes.refused == {"a label that is there already": 1}


def test_a_field_of_one_takes_the_label_drawn_in_place_of_a_deleted_one():
    doc, drawn = stored_box(), an_edit()
    field = strategies.field_of("detection")
    changes = changes_of([doc], FieldAnswer(deleted=[str(doc["_id"])], added=[drawn]), field)
    assert [str(label["_id"]) for label in changes.added] == [drawn.label_id]


numbers = st.floats(-1, 1) | st.integers(-1, 1)


@given(st.lists(numbers, min_size=1), st.floats(-9e-10, 9e-10))
def test_blend_keeps_the_stored_numbers_that_an_edit_left_alone(stored, noise):
    assert blend(stored, stored, [value + noise for value in stored]) == stored


@given(st.lists(numbers), st.lists(numbers))
def test_blend_is_never_farther_from_the_new_value_than_the_tolerance(stored, after):
    assert blend(stored, stored, after) == pytest.approx(after, abs=1e-9)


@pytest.mark.parametrize(
    ("before", "moved", "after"),
    [
        # Sent clipped to [0, 0.3, 0.35, 0.4], then moved down.
        ({"bounding_box": [-0.05, 0.3, 0.4, 0.4]}, [0, 0.4, 0.35, 0.4], {"bounding_box": [-0.05, 0.4, 0.4, 0.4]}),
        ({"rotation": None}, [1 / 3, 0.3, 0.3, 0.4], {"bounding_box": [1 / 3, 0.3, 0.3, 0.4]}),
        ({"rotation": 0}, [1 / 3, 0.3, 0.3, 0.4], {"bounding_box": [1 / 3, 0.3, 0.3, 0.4]}),
    ],
)
def test_what_was_sent_in_another_form_is_not_written_back_in_it(before, moved, after):
    doc = stored_box()
    doc.update(before)
    changes = changes_of([doc], FieldAnswer(edited=[an_edit(str(doc["_id"]), "box", bounding_box=moved)]))
    assert changes.values == {str(doc["_id"]): {name: pytest.approx(value) for name, value in after.items()}}


@pytest.mark.parametrize("rotation", [-0.3, 7.0, 2 * math.pi + 1])
def test_a_rotation_beyond_a_full_turn_stays_as_it_is_when_its_box_is_moved(rotation):
    doc = stored_box(rotation=rotation)
    label = fo.Detection.from_dict(doc)
    (region,) = family_of_type("detections").to_regions([label], BOXES, MediaInfo(640, 480))
    region["value"]["x"] += 5
    (parsed,) = family_of_type("detections").parse_regions([region], BOXES, MediaInfo(640, 480))
    edit = LabelAnswer(label.id, parsed, ("box",), {})
    changes = changes_of([doc], FieldAnswer(edited=[edit]))
    assert changes.values == {label.id: {"bounding_box": [pytest.approx(1 / 3 + 0.05), 0.2, 0.3, 0.4]}}


def test_nothing_is_called_gone_where_a_region_may_be_anything():
    doc = stored_box()
    assert changes_of([doc], FieldAnswer(deletions_unsafe=True), loaded=[str(doc["_id"])]).is_empty


class TestEveryFamily:
    """What a person did is loaded once; loaded again, it changes nothing."""

    @pytest.mark.parametrize("label_type", [label_type for label_type in LABEL_TYPES if label_type != "scalar"])
    @given(data=st.data())
    @examples(40)
    def test_whatever_was_deleted_copied_and_relabelled_is_loaded_only_once(self, label_type, data):
        field, labels, media = data.draw(strategies.cases(label_type))
        trip = Trip(field, *labels, media=media)

        def edit(result):
            kept = []
            gone = {item["id"] for item in result if data.draw(st.integers(0, 3)) == 0}
            copied = {item["id"]: f"new{number}" for number, item in enumerate(result) if data.draw(st.booleans())}
            for item in result:
                if item["from_name"] == field.control and field.classes and data.draw(st.booleans()):
                    names = item["value"][item["type"]]
                    item["value"][item["type"]] = [data.draw(st.sampled_from(field.classes))] * len(names[:1])
                if item["id"] in copied and family_of_type(label_type).is_drawn:
                    kept.append({**item, "id": copied[item["id"]]})
                if item["id"] not in gone:
                    kept.append(item)
            return kept

        result = edit(copy.deepcopy(trip.sent))
        back = trip.load(result)
        assert len({label.id for label in back}) == len(back)

    @pytest.mark.parametrize(
        "label_type", [name for name in LABEL_TYPES if name not in ("scalar", "segmentation", "classifications")]
    )
    @given(data=st.data())
    @examples(20)
    def test_a_label_that_was_relabelled_keeps_every_other_attribute_bit_by_bit(self, label_type, data):
        field, labels, media = data.draw(strategies.cases(label_type))
        trip = Trip(field, *labels, media=media)

        def relabel(result):
            for item in result:
                if item["from_name"] == field.control:
                    item["value"][item["type"]] = ["Cat"]
            return result

        changes = trip.changes(relabel)
        assert not (changes.deleted or changes.added)
        asked = {attribute.name for attribute in field.attributes}
        assert all(set(values) - asked <= {"label"} for values in changes.values.values())


def test_an_aspect_that_is_whole_is_written_whole():
    field = strategies.field_of("instances", "things")
    label = fo.Detection(label="cat", bounding_box=[0.1, 0.1, 0.2, 0.2], mask=np.ones((20, 20), bool))
    trip = Trip(field, label)

    def erase(result):
        pixels = np.zeros((100, 100), bool)
        pixels[10:30, 10:29] = True
        result[0]["value"].update(masks.to_value(masks.cropped(pixels), masks.BRUSH, trip.media))

    (values,) = trip.changes(erase).values.values()
    assert set(values) == {"bounding_box", "mask"}
    assert values["bounding_box"] == [0.1, 0.1, 0.19, 0.2]


def test_an_aspect_that_is_whole_is_held_back_whole():
    field = strategies.field_of("instances", "things", allow_spatial_edits=False)
    label = fo.Detection(label="cat", bounding_box=[0.1, 0.1, 0.2, 0.2], mask=np.ones((20, 20), bool))
    trip = Trip(field, label)

    def erase(result):
        pixels = np.zeros((100, 100), bool)
        pixels[10:30, 10:29] = True
        result[0]["value"].update(masks.to_value(masks.cropped(pixels), masks.BRUSH, trip.media), brushlabels=["dog"])

    changes = trip.changes(erase)
    assert changes.values == {label.id: {"label": "dog"}}
    assert changes.refused == {"allow_spatial_edits=False": 1}


def test_an_edited_mask_takes_the_place_of_the_file_that_it_was_read_from():
    field = strategies.field_of("instances", "things")
    label = fo.Detection(label="cat", bounding_box=[0.1, 0.1, 0.2, 0.2], mask=np.ones((20, 20), bool))
    trip = Trip(field, label)
    (doc,) = trip.docs
    in_file = {**doc, "mask": None, "mask_path": "/mask.png"}

    def erase(result):
        pixels = np.zeros((100, 100), bool)
        pixels[10:30, 10:29] = True
        result[0]["value"].update(masks.to_value(masks.cropped(pixels), masks.BRUSH, trip.media))

    changes = label_changes([in_file], trip.answer(erase)[0], field, {}, (), lambda _: doc)
    (values,) = changes.values.values()
    assert values["mask_path"] is None and values["mask"] is not None
    read = []
    assert label_changes([in_file], trip.answer()[0], field, {}, (), read.append).is_empty
    assert read == [], "a mask that nobody edited is not read"


def test_notes_of_an_edit_are_handed_on():
    field = strategies.field_of("segmentation", "ground")
    trip = Trip(field, fo.Segmentation(mask=np.array([[1, 0, 2, 0]], np.uint8)), media=MediaInfo(4, 1))

    def paint(result):
        for region, rows in zip(result, ([[1, 1, 0, 0]], [[0, 1, 1, 0]]), strict=True):
            mask = masks.cropped(np.array(rows, bool))
            region["value"].update(masks.to_value(mask, masks.BRUSH, trip.media))

    assert trip.changes(paint).notes == ["1 pixels belong to several regions; the last one has them"]


nan = float("nan")


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (nan, nan, True),
        ([nan, 1], [nan, 1], True),
        ([[nan, nan]], [[nan, nan]], True),
        (nan, 1, False),
        ([nan], [1], False),
        (None, nan, False),
        ([1, 2], [1], False),
        (1, 1 + 9e-10, True),
        (1, 1 + 2e-9, False),
        (True, 1, True),
    ],
)
def test_nan_is_nan_and_numbers_are_the_same_within_the_tolerance(one, other, expected):
    assert is_same(one, other) is expected


def test_blend_leaves_a_missing_point_missing():
    stored = [[nan, nan], [1 / 3, 0.2]]
    blended = blend(stored, [[nan, nan], [0.333333333333, 0.2]], [[nan, nan], [0.333333333333, 0.5]])
    assert str(blended) == str([[nan, nan], [1 / 3, 0.5]])


class TestRelations:
    """A label that loads related to another, answer by answer."""

    OTHERS = ("a" * 24,)

    @pytest.fixture
    def label(self):
        return Related(stored_box())

    def test_a_relation_is_written_once(self, label):
        assert label.load(self.OTHERS) == {"related_to": list(self.OTHERS)}
        assert label.load(self.OTHERS) == {}
        assert label.doc["related_to"] == list(self.OTHERS)

    def test_a_relation_that_was_taken_back_is_taken_away(self, label):
        label.load(self.OTHERS)
        assert label.load(()) == {"related_to": None} and "related_to" not in label.doc
        assert label.load(()) == {}

    def test_what_the_label_had_before_is_put_back(self):
        label = Related(stored_box(related_to=["mine"]))
        label.load(self.OTHERS)
        label.load(("b" * 24,))
        assert label.doc["related_to"] == ["b" * 24]
        label.load(())
        assert label.doc["related_to"] == ["mine"]

    def test_a_relation_that_no_load_has_put_there_stays(self):
        label = Related(stored_box(related_to=["mine"]))
        assert label.load(()) == {} and label.doc["related_to"] == ["mine"]

    def test_a_relation_that_a_user_has_changed_stays(self, label):
        label.load(self.OTHERS)
        label.doc["related_to"] = ["mine"]
        assert label.load(()) == {} and label.doc["related_to"] == ["mine"]

    def test_a_load_without_relations_leaves_them_and_a_later_one_still_takes_them_away(self, label):
        label.load(self.OTHERS)
        assert label.load(None) == {}
        label.load(None, "label", label="dog")
        assert (label.doc["label"], label.doc["related_to"]) == ("dog", list(self.OTHERS))
        label.load((), "label", label="dog")
        assert label.doc["label"] == "dog" and "related_to" not in label.doc

    def test_a_relation_of_an_edited_label_is_kept_with_the_edit(self, label):
        label.load(self.OTHERS)
        label.load(self.OTHERS, "label", label="dog")
        assert (label.doc["label"], label.doc["related_to"]) == ("dog", list(self.OTHERS))
        label.load(self.OTHERS)
        assert (label.doc["label"], label.doc["related_to"]) == ("cat", list(self.OTHERS))
        label.load(())
        assert label.doc["label"] == "cat" and "related_to" not in label.doc

    def test_a_label_that_was_drawn_with_a_relation_loses_it_with_that(self):
        edit = an_edit()
        answer = FieldAnswer(added=[edit], related={edit.label_id: list(self.OTHERS)}, relations_told=True)
        changes = changes_of([], answer)
        (doc,) = changes.added
        assert doc["related_to"] == list(self.OTHERS)
        changes = label_changes(
            [doc],
            FieldAnswer(added=[edit], relations_told=True),
            BOXES,
            {},
            [edit.label_id],
            written=changes.written,
        )
        assert changes.unset == {edit.label_id: ["related_to"]} and changes.values == {}


class Related:
    """A stored label, with what loads have written into it."""

    def __init__(self, doc):
        self.doc, self._written = doc, {}

    def load(self, others, *aspects, **values):
        """Loads an answer to which the label leads to others, and was edited; returns what is written."""
        label_id = str(self.doc["_id"])
        answer = FieldAnswer(relations_told=others is not None)
        if others:
            answer.related = {label_id: list(others)}
        if aspects:
            answer.edited = [an_edit(label_id, *aspects, **values)]
        else:
            answer.kept = [label_id]
        changes = label_changes([self.doc], answer, BOXES, {}, (), written={label_id: self._written})
        self._written = changes.written.get(label_id, self._written)
        new, gone = changes.values.get(label_id, {}), changes.unset.get(label_id, [])
        self.doc = {name: value for name, value in {**self.doc, **new}.items() if name not in gone}
        return {**new, **dict.fromkeys(gone)}
