from __future__ import annotations

import fiftyone as fo
import pytest

from fo_labelstudio.dataset.place import FramesPlace, Place, Scope, frames_in, place_of
from tests.frames import FRAMES, video_sample

pytestmark = pytest.mark.database


def box():
    return fo.Detection(label="cat", bounding_box=[0.1, 0.1, 0.2, 0.2])


@pytest.fixture
def dataset(make_dataset):
    return make_dataset({"gt": fo.Detections(detections=[box()]), "text": "one"}, {"text": "two"})


def test_a_place_reads_its_field_and_others_of_the_samples_that_are_there(dataset):
    first, second = dataset.values("id")
    place = Place(dataset, "text")
    docs = place.read([second, first, "6b01070a57a5240a9753b925"], Place(dataset, "gt"))
    assert {sample_id: place.value_in(doc) for sample_id, doc in docs.items()} == {first: "one", second: "two"}
    assert Place(dataset, "gt.detections.label").value_in(docs[second]) is None
    assert len(Place(dataset, "gt.detections").value_in(docs[first])) == 1
    assert "filepath" not in docs[first]


def test_a_place_names_the_path_in_the_database(dataset):
    assert Place(dataset, "gt.detections").at("id").db_path == "gt.detections._id"
    assert Place(dataset, "new.one").db_path == "new.one"


def test_a_missing_field_is_made_once_with_the_documents_around_it(dataset):
    place = Place(dataset, "a.b.c")
    assert place.field is None
    place.ensure(ftype=fo.StringField)
    place.ensure(ftype=fo.IntField)
    assert isinstance(place.field, fo.StringField)
    assert [parent.path for parent in place.parents] == ["a", "a.b"]


def test_a_value_is_set_with_the_documents_around_it(dataset):
    place = Place(dataset, "a.b.c")
    place.ensure(ftype=fo.StringField)
    sample = dataset.first()
    before = sample.last_modified_at
    (doc,) = place.read([sample.id]).values()
    assert place.write([place.replace(doc, "new")], [sample.id]) == 1
    assert dataset.first().a.b.c == "new"
    assert sample.last_modified_at > before


def test_a_value_that_somebody_else_has_changed_since_it_was_read_is_not_overwritten(dataset):
    place, (sample_id, *_) = Place(dataset, "text"), dataset.values("id")
    (doc,) = place.read([sample_id]).values()
    dataset.set_values("text", {sample_id: "theirs"}, key_field="id")
    assert place.write([place.replace(doc, "ours")], [sample_id]) == 0
    assert dataset.first().text == "theirs"


def test_a_label_is_replaced_while_it_is_the_same_label(make_dataset):
    dataset = make_dataset({"gt": box()})
    place, sample = Place(dataset, "gt"), dataset.first()
    (doc,) = place.read([sample.id]).values()
    dataset.set_values("gt.label", ["dog"])
    assert place.write([place.replace(doc, None)], [sample.id]) == 1
    (doc,) = place.read([sample.id]).values()
    dataset.set_values("gt", [box()])
    assert place.write([place.replace(doc, box().to_dict())], [sample.id]) == 0


def test_a_place_tells_whether_samples_have_values(dataset):
    first, second = dataset.values("id")
    assert Place(dataset, "gt").has_values([first, second])
    assert not Place(dataset, "gt").has_values([second])
    assert not Place(dataset, "nothing").has_values([first])


def test_a_document_is_measured_whole(dataset):
    place, (first, _) = Place(dataset, "text"), dataset.values("id")
    (doc,) = place.read([first]).values()
    before = place.size_of(doc)
    dataset.set_values("gt.detections.note", [["x" * 1000], None], dynamic=True)
    assert place.size_of(doc) > before + 1000
    dataset.delete_samples([first])
    assert place.size_of(doc) == 0


def test_a_place_of_frames_reads_and_writes_frames(make_dataset):
    dataset = make_dataset()
    sample = fo.Sample(filepath="/nothing.mp4", metadata=fo.VideoMetadata(frame_rate=1, total_frame_count=1))
    sample.frames[1] = fo.Frame(text="one")
    dataset.add_sample(sample)
    frame_id = dataset.first().frames[1].id
    place = Place(dataset, "text", Scope.FRAME)
    assert place.full_path == "frames.text"
    (doc,) = place.read([frame_id]).values()
    assert place.value_in(doc) == "one"
    place.write([place.replace(doc, "two")], [frame_id])
    assert dataset.first().frames[1].text == "two"
    new = Place(dataset, "new", Scope.of(is_frames=True))
    new.ensure(ftype=fo.StringField)
    assert dataset.has_frame_field("new") and not dataset.has_sample_field("new")


class TestFrames:
    """A field of frames, found by the ids of the videos' samples."""

    @pytest.fixture
    def dataset(self, dataset_of):
        return dataset_of([video_sample("/x/one.mp4"), video_sample("/x/two.mp4")])

    def test_a_path_that_begins_with_frames_is_one_of_them(self, dataset):
        place = place_of(dataset, "frames.det", False)
        assert (type(place), place.path, place.name) == (FramesPlace, "det", "frames.det")
        assert type(place_of(dataset, "filepath", False)) is Place

    def test_a_sample_has_the_labels_of_all_its_frames(self, dataset):
        first, second = dataset.values("id")
        place = place_of(dataset, "frames.det", False).at("detections")
        docs = place.read([second, "6b01070a57a5240a9753b925"])
        assert list(docs) == [second]
        assert sorted(frames_in(docs[second])) == list(range(1, FRAMES + 1))
        assert len(place.value_in(docs[second])) == dataset.select(second).count("frames.det.detections")
        assert place.has_values([first])

    def test_a_frame_is_made_unless_it_is_there(self, dataset):
        sample = dataset.first()
        place = place_of(dataset, "frames.act", False)
        (doc,) = place.read([sample.id]).values()
        writes = [place.make_frame(doc, number, fo.Classification(label="run").to_dict()) for number in (1, 31)]
        assert place.write(writes, [sample.id]) == 2
        sample = dataset.first()
        assert [sample.frames[number].act.label for number in (1, 31)] == ["walk", "run"]
        assert len(sample.frames) == FRAMES + 1 and sample.frames[31].dataset_id == sample.dataset_id

    def test_what_was_written_is_seen_in_frames_that_are_held_in_memory(self, dataset):
        sample = dataset.first()
        frame = sample.frames[1]
        place = place_of(dataset, "frames.act", False)
        (doc,) = place.read([sample.id]).values()
        place.write([place.replace(frames_in(doc)[1], None)], [sample.id])
        assert frame.act is None
