"""What both sides have changed, from a dataset through a project in memory and back."""

from __future__ import annotations

import fiftyone as fo
import numpy as np
import pytest

from fo_labelstudio.errors import SettingsError
from fo_labelstudio.merge.conflicts import second_id
from fo_labelstudio.runs import load as loading
from fo_labelstudio.runs.load_annotations import load_run
from fo_labelstudio.runs.load_options import LoadOptions
from tests.memory import annotate_in_memory
from tests.support import stored

pytestmark = [pytest.mark.database, pytest.mark.sampled]

CLASSES = ["cat", "dog", "cow"]
SCHEMA = {"gt": {"type": "detections", "classes": CLASSES, "existing_field": True}}
LOGGER = "fiftyone.fo_labelstudio"


def box(label="cat", **values):
    return fo.Detection(label=label, bounding_box=[0.125, 0.125, 0.25, 0.25], tags=["mine"], **values)


class Sent:
    """A dataset whose first sample has a box, a *cat*, that was sent."""

    def __init__(self, dataset, schema=SCHEMA):
        self.dataset = dataset
        self.results, self.project = annotate_in_memory(dataset, "run", schema)
        self.sample_id = dataset.first().id

    def answer(self, edit, sample_id=None):
        """The newest answer of the annotator."""
        task_id = self.results.tasks[sample_id or self.sample_id]
        self.project.by_id[task_id]["annotations"].clear()
        self.project.submit(task_id, edit)

    def load(self, **options):
        dest_field = options.pop("dest_field", None)
        load_run(self.results, LoadOptions.of(options, self.results.config, dest_field), self.project)
        self.results.save()
        self.dataset.reload()

    def set(self, **values):
        """Somebody edits the first box in FiftyOne."""
        sample = self.dataset.first()
        for name, value in values.items():
            sample.gt.detections[0][name] = value
        sample.save()

    @property
    def labels(self):
        return [label.label for label in self.dataset.first().gt.detections]


def relabel(result, name="dog"):
    for item in result:
        if "rectanglelabels" in item["value"]:
            item["value"]["rectanglelabels"] = [name]
    return result


def move(result):
    result[0]["value"]["x"] = 50
    return result


@pytest.fixture
def sent(make_dataset):
    return Sent(make_dataset({"gt": fo.Detections(detections=[box()])}, {"gt": fo.Detections()}))


@pytest.fixture
def label_id(sent):
    return sent.dataset.first().gt.detections[0].id


@pytest.mark.parametrize(
    ("policy", "labels", "kept", "words"),
    [
        (None, ["dog"], "annotator", "kept that of the annotator"),
        ("annotator", ["dog"], "annotator", "kept that of the annotator"),
        ("dataset", ["cow"], "dataset", "kept that of the dataset"),
        ("keep_both", ["cow", "dog"], "both", "kept that of both"),
    ],
)
def test_a_conflict_is_settled_told_and_saved_with_the_run(sent, label_id, caplog, policy, labels, kept, words):
    sent.set(label="cow")
    sent.answer(relabel)
    with caplog.at_level("WARNING", LOGGER):
        sent.load(on_conflict=policy)
    assert sent.labels == labels
    conflict = {
        "sample_id": sent.sample_id,
        "label_id": label_id,
        "label_field": "gt",
        "aspect": "class",
        "sent": "cat",
        "dataset": "cow",
        "annotator": "dog",
        "kept": kept,
    }
    assert sent.results.conflicts == [conflict]
    assert "1 change(s) were made in FiftyOne and in Label Studio; on_conflict= says which counts" in caplog.text
    assert f"field 'gt', sample {sent.sample_id}, label {label_id}: class, in the dataset 'cow'" in caplog.text
    assert words in caplog.text
    assert sent.results.saved().conflicts == [conflict]
    before = stored(sent.dataset)
    for again in (policy, "dataset", "annotator"):
        sent.load(on_conflict=again)
        assert stored(sent.dataset) == before
        assert sent.results.conflicts == sent.results.saved().conflicts == []


def test_more_conflicts_than_anyone_reads_are_counted_and_the_first_ones_listed(sent, monkeypatch, caplog):
    monkeypatch.setattr(loading, "MAX_CONFLICTS", 1)
    sent.set(label="cow", bounding_box=[0, 0, 0.5, 0.5])
    sent.answer(lambda result: move(relabel(result)))
    with caplog.at_level("WARNING", LOGGER):
        sent.load()
    assert "2 change(s) were made" in caplog.text
    assert len(sent.results.conflicts) == 1


def test_the_run_says_what_counts_where_a_load_does_not(sent):
    sent.results.config.on_conflict = "dataset"
    sent.set(label="cow")
    sent.answer(relabel)
    sent.load()
    assert sent.labels == ["cow"]
    assert sent.results.left_behind == ["1 changes of field 'gt' in whose place the dataset's were kept"]


def test_another_word_is_refused_before_anything_is_loaded(sent):
    sent.answer(relabel)
    before = stored(sent.dataset)
    with pytest.raises(SettingsError, match="on_conflict is 'mine', expected 'annotator', 'dataset' or 'keep_both'"):
        sent.load(on_conflict="mine")
    assert stored(sent.dataset) == before


def test_what_somebody_edits_after_a_load_stays(sent):
    sent.answer(relabel)
    sent.load()
    sent.set(label="cow")
    before = stored(sent.dataset)
    sent.load()
    assert (stored(sent.dataset), sent.results.conflicts) == (before, [])


def test_a_second_label_is_added_once_and_goes_with_its_answer(sent, label_id):
    sent.set(label="cow")
    sent.answer(relabel)
    for _ in range(2):
        sent.load(on_conflict="keep_both")
        assert [label.id for label in sent.dataset.first().gt.detections] == [label_id, second_id(label_id)]
    sent.answer(lambda result: result)
    sent.load(on_conflict="keep_both")
    assert sent.labels == ["cow"]
    assert sent.results.settled["gt"] == {}


def test_a_label_that_was_deleted_here_and_edited_there_is_put_back(sent, label_id):
    sample = sent.dataset.first()
    del sample.gt.detections[0]
    sample.save()
    sent.answer(relabel)
    sent.load()
    (label,) = sent.dataset.first().gt.detections
    assert (label.id, label.label) == (label_id, "dog")
    (conflict,) = sent.results.conflicts
    assert (conflict["aspect"], conflict["dataset"], conflict["kept"]) == ("deletion", None, "annotator")
    sample = sent.dataset.first()
    del sample.gt.detections[0]
    sample.save()
    sent.load()
    assert (sent.labels, sent.results.conflicts) == ([], [])


@pytest.mark.parametrize("where", ["another field", "another sample"])
def test_a_label_that_was_moved_is_not_put_back(sent, where, label_id, caplog):
    sample = sent.dataset.first()
    label = sample.gt.detections.pop()
    if where == "another field":
        sample["old"] = fo.Detections(detections=[label])
    else:
        other = sent.dataset.last()
        other.gt.detections.append(label)
        other.save()
    sample.save()
    sent.answer(relabel)
    before = stored(sent.dataset)
    with caplog.at_level("WARNING", LOGGER):
        sent.load()
    assert stored(sent.dataset) == before
    assert f"deleted in FiftyOne, such as {label_id} of sample {sent.sample_id}; they stay deleted" in caplog.text


def test_a_label_of_another_destination_is_put_back_whole(sent, label_id):
    sent.answer(relabel)
    sent.load(dest_field="copied")
    sample = sent.dataset.first()
    del sample.copied.detections[0]
    sample.save()
    sent.load(dest_field="copied")
    assert len(sent.dataset.first().copied.detections) == 0
    sent.answer(lambda result: relabel(result, "cow"))
    sent.load(dest_field="copied")
    (label,) = sent.dataset.first().copied.detections
    assert (label.id, label.label, label.tags) == (label_id, "cow", ["mine"])


def test_a_destination_that_starts_as_a_copy_has_the_conflicts_of_its_source(sent):
    sent.set(label="cow")
    sent.answer(relabel)
    sent.load(dest_field="copied", on_conflict="dataset")
    assert [label.label for label in sent.dataset.first().copied.detections] == ["cow"]
    assert [conflict["label_field"] for conflict in sent.results.conflicts] == ["copied"]


@pytest.mark.parametrize(
    ("policy", "labels", "kept"),
    [("annotator", [], "annotator"), ("dataset", ["cow"], "dataset"), ("keep_both", ["cow"], "dataset")],
)
@pytest.mark.parametrize("is_by_annotator", [False, True])
def test_a_copy_has_the_deletion_conflicts_of_its_source(sent, label_id, policy, labels, kept, is_by_annotator):
    options = {"annotations": "all"} if is_by_annotator else {"dest_field": "copied"}
    copied = "gt_unknown" if is_by_annotator else "copied"
    sent.set(label="cow")
    sent.answer(lambda result: [])
    sent.load(on_conflict=policy, **options)
    assert [label.label for label in sent.dataset.first()[copied].detections] == labels
    (conflict,) = sent.results.conflicts
    assert (conflict["label_field"], conflict["label_id"], conflict["aspect"]) == (copied, label_id, "deletion")
    assert (conflict["dataset"]["label"], conflict["annotator"], conflict["kept"]) == ("cow", None, kept)
    before = stored(sent.dataset)
    for full in (False, True):
        sent.load(on_conflict=policy, full=full, **options)
        assert (stored(sent.dataset), sent.results.conflicts) == (before, [])
    sent.set(label="dog")
    sent.load(on_conflict=policy, full=True, **options)
    assert sent.results.conflicts == []


def test_a_label_that_nobody_edited_is_not_copied_where_its_annotator_has_deleted_it(sent):
    sent.answer(lambda result: [])
    sent.load(dest_field="copied", on_conflict="dataset")
    assert (sent.dataset.first().copied.detections, sent.results.conflicts) == ([], [])
    sent.set(label="cow")
    sent.load(dest_field="copied", on_conflict="dataset", full=True)
    assert (sent.dataset.first().copied.detections, sent.results.conflicts) == ([], []), "what was loaded is no news"
    sent.answer(lambda result: result)
    sent.load(dest_field="copied", on_conflict="dataset")
    assert [label.label for label in sent.dataset.first().copied.detections] == ["cow"]


def test_a_second_label_says_who_made_it_and_the_first_one_does_not(sent, label_id):
    def answered(edit, number):
        task_id = sent.results.tasks[sent.sample_id]
        sent.project.by_id[task_id]["annotations"].clear()
        sent.project.submit(task_id, edit, id=number, completed_by=1, updated_at=f"2026-11-20T10:00:0{number}Z")

    def who():
        return {
            label.label: label.get_attribute_value("annotator", None) for label in sent.dataset.first().gt.detections
        }

    options = {"on_conflict": "keep_both", "provenance": "labels"}
    sent.project.users = {1: "ann@x.org"}
    before = stored(sent.dataset)
    sent.set(label="cow")
    answered(relabel, 1)
    for _ in range(2):
        sent.load(**options)
        assert who() == {"cow": None, "dog": "ann@x.org"}
    answered(lambda result: move(relabel(result)), 2)
    sent.load(**options)
    assert who() == {"cow": "ann@x.org", "dog": "ann@x.org"}, "both are moved"
    answered(lambda result: result, 3)
    sent.load(**options)
    assert who() == {"cow": None}
    sent.set(label="cat")
    names = ("_id", "label", "bounding_box", "tags")
    (doc,) = stored(sent.dataset)[sent.sample_id]["gt"]["detections"]
    (then,) = before[sent.sample_id]["gt"]["detections"]
    assert {name: doc[name] for name in names} == {name: then[name] for name in names}


def test_an_edited_label_that_its_annotator_deletes_is_a_conflict(sent):
    sent.set(bounding_box=[0, 0, 0.5, 0.5])
    sent.answer(lambda result: [])
    sent.load(on_conflict="dataset")
    assert sent.labels == ["cat"]
    (conflict,) = sent.results.conflicts
    assert (conflict["aspect"], conflict["annotator"], conflict["kept"]) == ("deletion", None, "dataset")
    assert conflict["dataset"] == {"label": "cat", "bounding_box": [0, 0, 0.5, 0.5]}


def test_tags_and_other_things_that_were_not_asked_for_are_in_no_conflict(sent):
    sent.set(tags=["other"], index=4)
    sent.answer(lambda result: [])
    sent.load()
    assert (sent.labels, sent.results.conflicts) == ([], [])


def test_a_scalar_is_settled_like_a_label(make_dataset):
    sent = Sent(make_dataset({"caption": "one"}), {"caption": {"type": "scalar", "existing_field": True}})

    def rewrite(result):
        result[0]["value"]["text"] = ["two"]
        return result

    sent.answer(rewrite)
    sent.dataset.set_values("caption", ["mine"])
    sent.load(on_conflict="dataset")
    assert sent.dataset.values("caption") == ["mine"]
    (conflict,) = sent.results.conflicts
    assert (conflict["label_field"], conflict["aspect"], conflict["annotator"]) == ("caption", "value", "two")
    sent.load(on_conflict="annotator")
    assert (sent.dataset.values("caption"), sent.results.conflicts) == (["mine"], [])


def test_a_value_that_was_deleted_in_label_studio_comes_back_however_often_that_was_loaded(make_dataset):
    sent = Sent(make_dataset({"caption": "one"}), {"caption": {"type": "scalar", "existing_field": True}})
    sent.answer(lambda result: [])
    for _ in range(2):
        sent.load()
        assert sent.dataset.values("caption") == [None]
    sent.answer(lambda result: result)
    sent.load()
    assert sent.dataset.values("caption") == ["one"]


def test_a_mask_that_a_load_wrote_to_its_file_is_nobodys_edit(make_dataset, tmp_path, monkeypatch):
    label = fo.Detection(label="cat", bounding_box=[0.125, 0.125, 0.25, 0.25], mask=np.ones((12, 16), bool))
    label.export_mask(str(tmp_path / "mask.png"), update=True)
    schema = {"gt": {**SCHEMA["gt"], "type": "instances"}}
    sent = Sent(make_dataset({"gt": fo.Detections(detections=[label])}), schema)
    sent.results.config.overwrite_masks = True
    erased = [fo.Detection(label="cat", bounding_box=[0.125, 0.125, 0.25, 0.125], mask=np.ones((6, 16), bool))]
    erased += [fo.Detection(label="cat", bounding_box=[0.125, 0.125, 0.125, 0.25], mask=np.ones((12, 8), bool))]
    for other in erased:
        (region,) = Sent(make_dataset({"gt": fo.Detections(detections=[other])}), schema).project.by_id[1][
            "predictions"
        ][0]["result"]
        sent.answer(lambda result, region=region: [{**region, "id": result[0]["id"]}])
        sent.load(on_conflict="dataset")
        assert sent.results.conflicts == []
        (loaded,) = sent.dataset.first().gt.detections
        assert loaded.mask_path == str(tmp_path / "mask.png")
        assert loaded.get_mask().shape == other.mask.shape
