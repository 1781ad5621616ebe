from __future__ import annotations

import pytest

from fo_labelstudio.convert.annotation.answer import Answer, FieldAnswer
from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.convert.question import Question
from fo_labelstudio.convert.records import LabelAnswer, LabelField, ParsedLabel
from fo_labelstudio.dataset.place import Place
from fo_labelstudio.dataset.scalars import ScalarMerge
from fo_labelstudio.merge.ledger import Ledger

pytestmark = pytest.mark.database

TEXT = LabelField("text", "scalar", (), "text", question=Question("text", "str"))


def answer(sample_id, text):
    edit = LabelAnswer("value", ParsedLabel("value", {"value": text}, MediaInfo(64, 48)), ("value",), {})
    return Answer(1, sample_id, {"text": FieldAnswer(added=[edit])})


def test_a_value_that_was_not_written_for_somebody_else_wrote_meanwhile_is_not_counted_and_loaded_the_next_time(
    make_dataset, monkeypatch
):
    dataset = make_dataset({"text": None}, {"text": None})
    first, second = dataset.values("id")
    ledger = Ledger()
    read = Place.read

    def overtaken(self, ids, *others):
        found = read(self, ids, *others)
        dataset.set_values("text", {first: "theirs"}, key_field="id")
        monkeypatch.setattr(Place, "read", read)
        return found

    monkeypatch.setattr(Place, "read", overtaken)
    merge = ScalarMerge(Place(dataset, "text"), TEXT, ledger)
    merge.merge([answer(first, "ours"), answer(second, "ours")])
    assert dataset.values("text") == ["theirs", "ours"]
    assert (merge.report.counts, merge.report.left) == ({"added": 1}, 1)
    assert (ledger.loaded.keys(), ledger.edited.keys()) == ({second}, {second})
    merge = ScalarMerge(Place(dataset, "text"), TEXT, ledger)
    merge.merge([answer(first, "ours"), answer(second, "ours")])
    assert dataset.values("text") == ["ours", "ours"]
    assert merge.report.counts == {"edited": 1}
