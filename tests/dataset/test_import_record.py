from __future__ import annotations

import fiftyone as fo
import pytest
from bson import ObjectId

from fo_labelstudio.dataset.import_record import delete_record, load_origins, load_record, save_record

pytestmark = pytest.mark.database

KEY = "labelstudio_import_x"
REMOVED = {"_id": ObjectId(), "_cls": "Detection", "mask": b"\0\xff", "bounding_box": [0.1, 2], "label": None}
RECORD = {"loaded": {"boxes": {"s": "YQ=="}}, "removed": {"boxes": {"s": {"l": REMOVED}}}, "seen": {"ü": "1"}}


def test_a_record_comes_back_as_it_was_saved_in_any_session(make_dataset):
    dataset = make_dataset({})
    for number in range(3):
        save_record(dataset, KEY, {"project": 1}, {**RECORD, "number": number})
        assert load_record(dataset, KEY) == {**RECORD, "number": number}
    dataset.reload()
    assert load_record(dataset, KEY) == {**RECORD, "number": 2}
    assert dict(load_origins(dataset)) == {KEY: {"project": 1}}


def test_fiftyone_reads_a_record_as_its_own_results(make_dataset):
    dataset = make_dataset({})
    save_record(dataset, KEY, {"project": 1}, RECORD)
    assert dataset.load_run_results(KEY).record == RECORD


def test_a_record_that_is_saved_again_or_deleted_leaves_nothing_behind(make_dataset):
    files = fo.core.odm.get_db_conn()["fs.files"]
    before = files.count_documents({})
    dataset = make_dataset({})
    save_record(dataset, KEY, {"project": 1}, RECORD)
    save_record(dataset, KEY, {"project": 1}, RECORD)
    assert files.count_documents({}) == before + 1
    delete_record(dataset, KEY)
    assert files.count_documents({}) == before
