"""Labels that are made ahead are what the merge would have made."""

from __future__ import annotations

from dataclasses import replace

import bson
import pytest
from bson import ObjectId
from hypothesis import given
from hypothesis import strategies as st

from fo_labelstudio.convert.annotation.added import attribute_of
from fo_labelstudio.convert.annotation.answer import FieldAnswer
from fo_labelstudio.convert.attributes import aspect_name
from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.convert.records import LabelAnswer, ParsedLabel
from fo_labelstudio.merge.changes import label_changes
from fo_labelstudio.merge.ready import ready_labels
from tests.convert import strategies

NOTE = attribute_of("note", "str")
BOXES = replace(strategies.field_of("detections", "boxes"), attributes=(NOTE,))
PERCENT = st.floats(0.1, 99)


@st.composite
def boxes(draw):
    values = {"label": draw(st.sampled_from(["cat", "dog", None])), "box": [*(draw(PERCENT) for _ in range(4)), 0.0]}
    if draw(st.booleans()):
        values[aspect_name(NOTE)] = draw(st.text(max_size=5))
    parsed = ParsedLabel("r", values, MediaInfo(64, 48))
    return LabelAnswer(str(ObjectId()), parsed, tuple(values), {})


def a_box(label_id=None, **values):
    parsed = ParsedLabel("r", {"label": "cat", "box": [10.0, 20.0, 30.0, 40.0, 0.0], **values}, MediaInfo(64, 48))
    return LabelAnswer(label_id or str(ObjectId()), parsed, tuple(parsed.values), {})


@given(st.lists(boxes(), min_size=1, max_size=5))
def test_they_are_what_a_merge_appends_to_a_sample_without_labels(added):
    changes = label_changes((), FieldAnswer(added=added), BOXES, {}, ())
    ready = ready_labels(FieldAnswer(added=added), BOXES)
    assert bson.decode(ready.encoded) == {"detections": bson.decode(bson.encode({"": changes.added}))[""]}
    assert ready.label_ids == tuple(edit.label_id for edit in added)
    assert ready.written == changes.written


@pytest.mark.parametrize(
    "answer, field",
    [
        (FieldAnswer(), BOXES),
        (FieldAnswer(added=[a_box()]), replace(BOXES, allow_additions=False)),
        (FieldAnswer(added=[a_box(), a_box("no id")]), BOXES),
        (FieldAnswer(added=[a_box("a" * 24), a_box("a" * 24)]), BOXES),
        (FieldAnswer(added=[a_box(**{aspect_name(NOTE): "\ud800"})]), BOXES),
        (FieldAnswer(added=[a_box()]), strategies.field_of("detection", "box")),
    ],
    ids=["nothing", "additions are not allowed", "an id of no label", "one id twice", "text that is none", "one label"],
)
def test_nothing_is_made_ahead_where_a_merge_has_something_to_tell_or_to_choose(answer, field):
    assert ready_labels(answer, field) is None


def test_relations_are_made_ahead_with_their_labels():
    first, second = a_box(), a_box()
    ready = ready_labels(FieldAnswer(added=[first, second], related={first.label_id: [second.label_id]}), BOXES)
    assert [label.get("related_to") for label in bson.decode(ready.encoded)["detections"]] == [[second.label_id], None]
