from __future__ import annotations

import fiftyone as fo

from fo_labelstudio.convert.media import DEFAULT
from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.dataset import samples
from fo_labelstudio.dataset.samples import read_blocks
from tests.convert.strategies import field_of


def test_samples_are_read_once_each_in_order_and_in_blocks(make_dataset, monkeypatch):
    monkeypatch.setattr(samples, "SAMPLES_PER_BLOCK", 2)
    dataset = make_dataset(*({"gt": fo.Classification(label=str(n))} for n in range(5)), size=(8, 6))
    view = dataset.sort_by("filepath", reverse=True)
    blocks = list(read_blocks(view, [field_of("classification", "gt")], "filepath", []))
    assert [len(block) for block in blocks] == [2, 2, 1]
    records = [record for block in blocks for record in block]
    assert [record.id for record in records] == view.values("id")
    assert [record.values["gt"]["label"] for record in records] == ["4", "3", "2", "1", "0"]
    assert [record.path for record in records] == view.values("filepath")


def test_reading_writes_nothing_to_the_dataset(make_dataset):
    dataset = make_dataset({})
    list(read_blocks(dataset, [], "filepath", []))
    assert dataset.first().metadata is None


def test_a_sample_that_a_view_holds_twice_is_read_once(make_dataset):
    dataset = make_dataset({}, {})
    view = dataset.limit(1).concat(dataset)
    ids = [record.id for block in read_blocks(view, [], "filepath", []) for record in block]
    assert ids == dataset.values("id")


def test_sizes_are_those_of_the_metadata_where_they_are_asked_for(make_dataset):
    dataset = make_dataset({"metadata": fo.ImageMetadata(width=640, height=480)}, {})
    (block,) = read_blocks(dataset, [], "filepath", [], metadata_of=DEFAULT)
    assert [stored.info for stored in block] == [MediaInfo(640, 480), None]
