from __future__ import annotations

import fiftyone as fo

from fo_labelstudio.merge.ledger import Ledger, before_loads, written_into

SAMPLE = "6b01070a57a5240a9753b925"


def test_a_ledger_has_the_samples_that_loads_have_done_something_to():
    assert not Ledger().has(SAMPLE)
    assert Ledger(loaded={SAMPLE: ["1"]}).has(SAMPLE)
    assert Ledger(removed={SAMPLE: {"1": {}}}).has(SAMPLE)
    assert Ledger(edited={SAMPLE: {"1": {"label": ("cat", "dog")}}}).has(SAMPLE)
    assert Ledger(settled={SAMPLE: {"1": "digests"}}).has(SAMPLE)


def test_what_was_written_into_a_label_is_replaced_and_forgotten_where_it_is_nothing():
    ledger = Ledger()
    ledger.note_written(SAMPLE, {"1": {"label": ("cat", "dog")}, "2": {"label": ("cat", "cow")}})
    ledger.note_written(SAMPLE, {"1": {"label": ("cat", "bird")}, "2": {}})
    assert ledger.edited == {SAMPLE: {"1": {"label": ("cat", "bird")}}}
    ledger.note_written(SAMPLE, {"1": {}})
    assert ledger.edited == {}


def test_a_deleted_label_is_remembered_as_it_was_before_loads_wrote_into_it_until_it_is_back():
    label = fo.Detection(label="dog", bounding_box=[0, 0, 1, 1], confidence=0.5)
    ledger = Ledger(edited={SAMPLE: {label.id: {"label": ("cat", "dog")}}})
    ledger.note_removed(SAMPLE, [label.to_dict()])
    assert ledger.removed == {SAMPLE: {label.id: {**label.to_dict(), "label": "cat"}}}
    ledger.note_restored(SAMPLE, ["another"])
    assert ledger.has(SAMPLE)
    ledger.note_restored(SAMPLE, [label.id])
    assert ledger.removed == {}


def test_labels_that_a_load_has_put_there_are_remembered_once_until_a_load_deletes_them():
    ledger = Ledger()
    ledger.note_loaded(SAMPLE, ["1", "2"])
    ledger.note_loaded(SAMPLE, ["2", "3"], deleted=["1"])
    assert ledger.loaded == {SAMPLE: ["2", "3"]}
    ledger.note_loaded(SAMPLE, [], deleted=["2", "3"])
    assert ledger.loaded == {}


def test_what_somebody_else_has_changed_since_a_load_wrote_it_is_not_undone():
    record = {"label": ("cat", "dog"), "confidence": (None, 0.5)}
    assert before_loads({"label": "dog", "confidence": 0.7}, record) == {"label": "cat", "confidence": 0.7}


def test_an_attribute_that_a_label_did_not_have_is_taken_away_again_and_one_that_was_none_is_none_again():
    before = {"label": "cat", "size": None}
    values = {"label": "dog", "size": 3, "quality": "good"}
    record = written_into(before, values)
    assert record == {"label": ("cat", "dog"), "size": (None, 3), "quality": ("good",)}
    assert before_loads({**before, **values}, record) == before
    assert before_loads({**values, "quality": "mine"}, record) == {**before, "quality": "mine"}


def test_what_is_settled_of_a_label_is_replaced_and_forgotten_where_it_is_nothing():
    ledger = Ledger()
    ledger.note_settled(SAMPLE, {"1": "one", "2": "two"})
    ledger.note_settled(SAMPLE, {})
    ledger.note_settled(SAMPLE, {"1": "", "3": "three"})
    assert ledger.settled == {SAMPLE: {"2": "two", "3": "three"}}
    ledger.note_settled(SAMPLE, {"2": "", "3": ""})
    assert ledger.settled == {}
