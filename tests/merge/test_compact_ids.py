from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from fo_labelstudio.merge.compact_ids import CompactIds
from fo_labelstudio.merge.ledger import Ledger

ids = st.text("0123456789abcdef", min_size=24, max_size=24) | st.text(max_size=26) | st.just("A" * 24)


@given(st.dictionaries(st.text(max_size=3), st.lists(ids, max_size=4), max_size=4))
def test_ids_are_what_they_were_also_when_they_come_back_as_json(loaded):
    compact = CompactIds()
    compact.update(loaded)
    assert dict(compact) == loaded
    assert dict(CompactIds(json.loads(json.dumps(compact.saved())))) == loaded
    assert dict(CompactIds(loaded)) == loaded


def test_twelve_bytes_are_kept_of_an_id_of_a_label():
    assert CompactIds({"s": ["0f" * 12, "00" * 12]}).saved() == {"s": "Dw8PDw8PDw8PDw8PAAAAAAAAAAAAAAAA"}
    assert CompactIds({"s": ["value"]}).saved() == {"s": ["value"]}


def test_a_ledger_writes_into_it():
    ledger = Ledger(CompactIds({"s": ["0f" * 12]}))
    ledger.note_loaded("s", ["1f" * 12])
    assert ledger.loaded["s"] == ["0f" * 12, "1f" * 12] and ledger.has("s")
    ledger.note_loaded("s", [], ["0f" * 12, "1f" * 12])
    assert not ledger.has("s") and not ledger.loaded
