"""Samples that somebody changed in FiftyOne are told from those that loads have written to."""

from __future__ import annotations

import pytest
from bson import ObjectId

from fo_labelstudio.dataset import modified
from fo_labelstudio.dataset.modified import database_time, modified_since, without_document
from fo_labelstudio.dataset.place import Place, Stamp, frames_in, place_of
from tests.frames import video_sample

pytestmark = pytest.mark.database


@pytest.fixture
def dataset(make_dataset):
    return make_dataset(*({"text": "old"} for _ in range(3)))


def tomorrow(dataset):
    """A time after all that has happened to a dataset."""
    return max(modified_since(dataset, False, 0).values()) + 1


def test_samples_that_were_changed_since_a_time_are_found_with_their_times(dataset):
    since = tomorrow(dataset)
    assert modified_since(dataset, False, since) == {}
    second = dataset.skip(1).first()
    second.text = "new"
    second.save()
    (found,) = modified_since(dataset, False, since).items()
    assert found[0] == second.id and since <= found[1] <= database_time(dataset, False) + 1


@pytest.mark.parametrize(
    "change",
    [
        lambda view: view.set_values("text", ["new"]),
        lambda view: view.tag_samples("mine"),
        lambda view: view.set_field("text", "new").save(),
        lambda view: view._dataset.clear_sample_field("text"),
        lambda view: view._dataset.rename_sample_field("text", "words"),
    ],
    ids=["set_values", "tag_samples", "save", "clear_sample_field", "rename_sample_field"],
)
def test_whatever_changes_a_sample_is_seen(dataset, change):
    since = tomorrow(dataset)
    change(dataset.limit(1))
    assert dataset.first().id in modified_since(dataset, False, since)


def write(dataset, stamp, text):
    place = Place(dataset, "text", stamp=stamp)
    docs = place.read(dataset.values("id")[:1])
    return place.write([place.replace(doc, text) for doc in docs.values()], docs)


def test_what_a_load_writes_is_passed_over(dataset):
    since, stamp = tomorrow(dataset), Stamp()
    stamp.begin()
    assert write(dataset, stamp, "new") == 1
    assert set(modified_since(dataset, False, since)) == {dataset.first().id}
    assert modified_since(dataset, False, since, stamp.times) == {}


def test_a_change_that_is_newer_than_the_one_of_a_load_is_not_hidden_by_it(dataset):
    since, stamp = tomorrow(dataset), Stamp()
    # A load that has begun to read before somebody writes.
    stamp.times.append(since)
    sample = dataset.first()
    sample["other"] = "mine"
    sample.save()
    newer = modified_since(dataset, False, since, stamp.times)
    assert write(dataset, stamp, "new") == 1
    dataset.reload()
    assert dataset.first().text == "new"
    assert modified_since(dataset, False, since, stamp.times) == newer and set(newer) == {sample.id}


def test_samples_that_are_gone_are_found_however_many_there_are(dataset, monkeypatch):
    monkeypatch.setattr(modified, "_ASKED", 2)
    ids = dataset.values("id")
    gone = str(ObjectId())
    assert without_document(dataset, False, [*ids, gone]) == {gone}
    dataset.delete_samples(ids[1:])
    assert without_document(dataset, False, ids) == set(ids[1:])


def test_a_sample_whose_frames_were_changed_was_changed(dataset_of):
    dataset = dataset_of([video_sample("/x/one.mp4"), video_sample("/x/two.mp4")])
    since = max(modified_since(dataset, False, 0, with_frames=True).values()) + 1
    second = dataset.last()
    second.frames[3].act.label = "run"
    second.frames[3].save()
    assert modified_since(dataset, False, since) == {}
    assert list(modified_since(dataset, False, since, with_frames=True)) == [second.id]


def test_frames_that_a_load_has_written_do_not_count(dataset_of):
    dataset = dataset_of([video_sample("/x/one.mp4")])
    since = max(modified_since(dataset, False, 0, with_frames=True).values()) + 1
    stamp = Stamp()
    place = place_of(dataset, "frames.act", False, stamp)
    stamp.begin()
    (doc,) = place.read(dataset.values("id")).values()
    place.write([place.replace(frames_in(doc)[1], None)], dataset.values("id"))
    assert list(modified_since(dataset, False, since, with_frames=True)) == dataset.values("id")
    assert modified_since(dataset, False, since, stamp.times, with_frames=True) == {}
