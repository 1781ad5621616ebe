"""The slices of groups in one task each, from a dataset through a project in memory and back."""

from __future__ import annotations

import json

import fiftyone as fo
import numpy as np
import pytest

import fo_labelstudio
from fo_labelstudio.backend import LabelStudioBackendConfig
from fo_labelstudio.dataset.groups import chosen_slices, groups_of
from fo_labelstudio.errors import RunError, SampleError, SettingsError
from fo_labelstudio.runs.add_samples import add_samples
from fo_labelstudio.runs.annotate import refuse_unsuited
from fo_labelstudio.runs.changes import changed_view, last_changes
from fo_labelstudio.runs.check import check_run
from fo_labelstudio.runs.delete_tasks import delete_tasks
from fo_labelstudio.runs.load_annotations import load_run
from fo_labelstudio.runs.load_options import LoadOptions
from fo_labelstudio.runs.prepare import prepared_tasks
from fo_labelstudio.runs.remove_samples import remove_samples
from fo_labelstudio.runs.run import run_of
from fo_labelstudio.runs.send import part_of_run, send, tasks_of_run
from fo_labelstudio.runs.status import get_status
from fo_labelstudio.runs.tag_samples import tag_samples
from fo_labelstudio.runs.task_links import task_links
from fo_labelstudio.runs.update_label_schema import update_label_schema
from fo_labelstudio.runs.upload_predictions import Asked, upload_predictions
from tests.memory import MemoryMedia, MemoryOverview, annotate_in_memory
from tests.support import as_exported, stored, write_image

pytestmark = pytest.mark.database

CLASSES = ["cat", "dog"]
SCHEMA = {
    "boxes": {"type": "detections", "classes": CLASSES, "existing_field": True},
    "day": {"type": "classification", "classes": CLASSES, "existing_field": True},
    "count": {"type": "scalar", "kind": "int", "existing_field": True},
}
SLICES = ["left", "right"]


def box(label="cat", **values):
    return fo.Detection(label=label, bounding_box=[0.125, 0.125, 0.25, 0.25], tags=["mine"], **values)


def values_of(name):
    return {
        "boxes": fo.Detections(detections=[box(), box("dog")]),
        "day": fo.Classification(label="cat"),
        "count": 3,
        "name": name,
    }


@pytest.fixture
def groups(dataset_of, tmp_path):
    """Two groups of two images, and one that lacks the right one; each with a video that is not looked at."""
    samples = []
    for number in range(3):
        group = fo.Group()
        for name in SLICES[: 1 if number == 2 else 2]:
            size = (64, 48) if name == "left" else (32, 24)
            path = write_image(tmp_path / f"{number}-{name}.png", size)
            samples.append(fo.Sample(filepath=str(path), scene=group.element(name), **values_of(name)))
        samples.append(fo.Sample(filepath=str(tmp_path / f"{number}.mp4"), scene=group.element("video")))
    return dataset_of(samples)


class Sent:
    """Groups that were sent."""

    def __init__(self, dataset, schema=SCHEMA, slices=SLICES, view=None, **settings):
        self.dataset = dataset
        self.view = dataset.select_group_slices(slices) if view is None else view
        self.results, self.project = annotate_in_memory(self.view, "run", schema, group_slices=slices, **settings)
        self.groups = list(self.results.tasks)

    def sample(self, place, name):
        return self.dataset[self.results.groups[self.groups[place]][name]]

    def answer(self, place, edit=lambda result: result, **values):
        task_id = self.results.tasks[self.groups[place]]
        self.project.by_id[task_id]["annotations"].clear()
        self.project.submit(task_id, edit, **values)

    def load(self, **options):
        load_run(self.results, LoadOptions.of(options, self.results.config), self.project)
        self.results.save()
        self.dataset.reload()

    @property
    def stored(self):
        return stored(self.dataset)


@pytest.fixture
def sent(groups):
    return Sent(groups)


def on(name, edit):
    """Edits the first box of a slice."""

    def edited(result):
        edit(next(item for item in result if item["from_name"] == f"{name}%.boxes"))
        return result

    return edited


def relabel(item):
    item["value"]["rectanglelabels"] = ["dog"]


def test_a_group_is_one_task_and_what_nobody_touches_stays_bit_identical(sent):
    assert sorted(sent.project.by_id) == [1, 2, 3]
    first, last = sent.project.by_id[1], sent.project.by_id[3]
    names = {item["from_name"] for item in first["predictions"][0]["result"]}
    assert names == {f"{name}%.{field}" for name in SLICES for field in SCHEMA}
    assert first["data"]["left"].endswith("0-left.png") and first["data"]["right"].endswith("0-right.png")
    assert last["data"]["left"].endswith("2-left.png") and last["data"]["right"] == ""
    widths = {(item["to_name"], item.get("original_width", 0)) for item in first["predictions"][0]["result"]}
    assert {("left", 64), ("right", 32)} <= widths
    before = sent.stored
    for place in range(3):
        sent.answer(place, completed_by=1, created_at="2026-11-20T10:00:00Z")
    sent.load()
    assert sent.stored == before
    assert sent.results.left_behind == [] and not sent.results.conflicts
    assert get_status(sent.results, MemoryOverview(sent.project), sent.project)["new"] == 0


def test_each_slice_gets_what_was_done_on_its_own_image(sent):
    before = sent.stored

    def edit(result):
        by_name = {}
        for item in result:
            by_name.setdefault(item["from_name"], []).append(item)
        moved, deleted = by_name["left%.boxes"]
        moved["value"].update(x=50, y=25)
        by_name["right%.day"][0]["value"]["choices"] = ["dog"]
        by_name["right%.count"][0]["value"]["number"] = 8
        value = {"x": 25, "y": 50, "width": 25, "height": 25, "rotation": 0, "rectanglelabels": ["dog"]}
        drawn = {**by_name["right%.boxes"][0], "id": "drawn", "value": value}
        return [*(item for item in result if item is not deleted), drawn]

    sent.answer(0, edit)
    sent.load()
    left, right = (sent.sample(0, name) for name in SLICES)
    (moved,) = left.boxes.detections
    assert (moved.label, moved.bounding_box, moved.tags) == ("cat", [0.5, 0.25, 0.25, 0.25], ["mine"])
    assert (left.day.label, left["count"]) == ("cat", 3)
    *kept, drawn = right.boxes.detections
    assert [label.to_dict() for label in kept] == before[right.id]["boxes"]["detections"] or len(kept) == 2
    assert (drawn.label, drawn.bounding_box) == ("dog", [0.25, 0.5, 0.25, 0.25])
    assert (right.day.label, right["count"]) == ("dog", 8)
    after = sent.stored
    touched = {left.id, right.id}
    assert {*changed_view(sent.dataset, "run").values("id")} == touched
    assert {row.sample_id for row in last_changes(sent.dataset, "run").rows} == touched
    assert {link.task_id for link in task_links(sent.results, touched)} == {1}
    assert {sample_id for sample_id in after if after[sample_id] != before[sample_id]} == touched
    sent.load()
    sent.load(full=True)
    assert sent.stored == after


def as_moved(regions):
    regions[0]["value"].update(x=50.0, y=25.0)
    return regions


def as_redrawn(regions):
    value = {"x": 25, "y": 50, "width": 25, "height": 25, "rotation": 0, "rectanglelabels": ["dog"]}
    return [{**regions[0], "id": "drawn", "value": value}, *regions[1:]]


def as_answered(regions):
    for item in regions:
        item["value"] = {"choices": ["dog"]} if item["type"] == "choices" else item["value"]
        item["value"] = {"number": 9} if item["type"] == "number" else item["value"]
    return regions


def as_unreadable(regions):
    return [{**regions[0], "value": None}, {**regions[1], "value": {}}, *regions[2:]]


EDITS = [as_moved, as_redrawn, as_answered, as_unreadable, lambda regions: [], lambda regions: regions]


@pytest.mark.parametrize("first", range(len(EDITS)))
def test_answers_change_what_those_to_tasks_of_single_samples_change(groups, first):
    alone = groups.clone()
    before = stored(groups)
    results, project = annotate_in_memory(alone.select_group_slices(SLICES), "run", SCHEMA)
    sent = Sent(groups)
    for place, of_slice in enumerate(sent.results.groups.values()):
        edits = {name: EDITS[(first + place + number) % len(EDITS)] for number, name in enumerate(of_slice)}
        for name, sample_id in of_slice.items():
            project.submit(results.tasks[sample_id], edits[name])

        def edit(result, edits=edits):
            return [
                item
                for name, edited in edits.items()
                for item in edited([item for item in result if item["to_name"] == name])
            ]

        sent.answer(place, edit)
    load_run(results, LoadOptions.of({}, results.config), project)
    sent.load()
    try:
        kept = {label["_id"] for doc in before.values() for label in (doc.get("boxes") or {}).get("detections", ())}
        told = []
        for dataset in (groups, alone):
            docs = stored(dataset)
            for doc in docs.values():
                for name in ("created_at", "last_modified_at", "_dataset_id"):
                    del doc[name]
                for label in (doc.get("boxes") or {}).get("detections", ()):
                    label["_id"] = label["_id"] if label["_id"] in kept else "new"
            told.append(docs)
        together, single = told
        assert together == single
    finally:
        alone.delete()


def test_a_slice_that_a_group_lacks_was_shown_to_nobody(sent, caplog):
    choice = {
        "id": "c",
        "type": "choices",
        "from_name": "right%.day",
        "to_name": "right",
        "value": {"choices": ["dog"]},
    }
    before = sent.stored
    sent.answer(2, lambda result: [*result, choice])
    sent.load()
    assert sent.stored == before
    assert "task 3, region 'c': it is about slice 'right', which its task does not show; left alone" in caplog.text


def test_a_conflict_is_told_of_the_sample_of_its_slice(sent):
    right = sent.sample(0, "right")
    right.boxes.detections[0].label = "dog"
    right.save()
    moved = on("right", lambda item: item["value"].update(rectanglelabels=["dog"], x=50))
    sent.answer(0, lambda result: on("left", relabel)(moved(result)))
    right.boxes.detections[0].label = "cow"
    right.save()
    sent.load(on_conflict="dataset")
    (conflict,) = sent.results.conflicts
    label_id = right.boxes.detections[0].id
    assert (conflict["sample_id"], conflict["label_id"], conflict["aspect"]) == (right.id, label_id, "class")
    labels = {name: sent.sample(0, name).boxes.detections[0].label for name in SLICES}
    assert labels == {"left": "dog", "right": "cow"}


def test_the_next_load_looks_at_the_task_of_any_slice_that_was_changed(sent):
    for place in range(3):
        sent.answer(place)
    sent.load()
    sent.load()
    right = sent.sample(1, "right")
    right.boxes.detections[0].label = "dog"
    right.save()
    sent.project.pages.clear()
    sent.load()
    assert [task_id for page in sent.project.pages for task_id in page] == [2]


def test_a_label_type_of_each_kind_comes_home_to_its_slice(groups):
    mask = np.zeros((10, 10), dtype=bool)
    mask[2:8, 3:7] = True
    whole = np.zeros((24, 32), dtype=np.uint8)
    whole[3:9, 4:20] = 1
    for sample in groups.select_group_slices(SLICES):
        height, width = (48, 64) if sample.name == "left" else (24, 32)
        sample["masks"] = fo.Detections(
            detections=[fo.Detection(label="cat", bounding_box=[0.25, 0.25, 10 / width, 10 / height], mask=mask)]
        )
        shape = [[(0.1, 0.1), (0.5, 0.2), (0.4, 0.6)]]
        sample["shapes"] = fo.Polylines(polylines=[fo.Polyline(label="dog", points=shape, closed=True, filled=True)])
        sample["paths"] = fo.Polylines(polylines=[fo.Polyline(label="dog", points=shape)])
        sample["dots"] = fo.Keypoints(keypoints=[fo.Keypoint(label="cat", points=[(0.25, 0.5), (0.5, 0.25)])])
        sample["many"] = fo.Classifications(classifications=[fo.Classification(label=label) for label in CLASSES])
        sample["pixels"] = fo.Segmentation(
            mask=whole if sample.name == "right" else np.kron(whole, np.ones((2, 2), "uint8"))
        )
        sample.save()
    kinds = {
        "masks": "instances",
        "shapes": "polygons",
        "paths": "polylines",
        "dots": "keypoints",
        "many": "classifications",
    }
    schema = {name: {"type": kind, "classes": CLASSES, "existing_field": True} for name, kind in kinds.items()}
    schema["pixels"] = {"type": "segmentation", "mask_targets": {1: "cat"}, "existing_field": True}
    sent = Sent(groups, schema)
    before = sent.stored
    gone = {}

    def take(result):
        for item in result:
            gone.setdefault(item["from_name"], item["id"])
        return [item for item in result if not item["from_name"].startswith("right%.")]

    sent.answer(0)
    sent.answer(1, take)
    sent.load()
    right = sent.sample(1, "right")
    assert {
        name: len(right[name][kind])
        for name, kind in (
            ("masks", "detections"),
            ("shapes", "polylines"),
            ("paths", "polylines"),
            ("dots", "keypoints"),
            ("many", "classifications"),
        )
    } == dict.fromkeys(kinds, 0)
    after = sent.stored
    assert {sample_id for sample_id in after if after[sample_id] != before[sample_id]} == {right.id}


def test_new_fields_are_drawn_on_each_slice(groups):
    schema = {"new": {"type": "detections", "classes": CLASSES}}
    sent = Sent(groups, schema)
    value = {"x": 25, "y": 50, "width": 25, "height": 25, "rotation": 0, "rectanglelabels": ["dog"]}
    drawn = {
        "type": "rectanglelabels",
        "original_width": 64,
        "original_height": 48,
        "image_rotation": 0,
        "value": value,
    }
    both = [{**drawn, "id": name, "from_name": f"{name}%.new", "to_name": name} for name in SLICES]
    sent.answer(0, lambda result: both)
    sent.load()
    made = [sent.sample(0, name).new.detections[0] for name in SLICES]
    assert [label.bounding_box for label in made] == [[0.25, 0.5, 0.25, 0.25]] * 2
    assert made[0].id != made[1].id


def test_finished_annotations_come_home_to_each_slice(groups):
    sent = Sent(groups, upload_as="annotations")
    before = sent.stored
    (annotation,) = sent.project.by_id[1]["annotations"]
    assert {item["to_name"] for item in annotation["result"]} == {*SLICES}
    annotation.update(import_id=annotation["id"], updated_by=1, updated_at="2026-11-20T10:00:00Z")
    annotation["result"] = on("right", relabel)(annotation["result"])
    sent.load()
    after = sent.stored
    assert {sample_id for sample_id in after if after[sample_id] != before[sample_id]} == {sent.sample(0, "right").id}
    assert sent.sample(0, "right").boxes.detections[0].label == "dog"


def test_each_annotator_gets_fields_for_all_slices(sent):
    sent.project.users = {1: "a@x.org", 2: "b@x.org"}
    sent.project.submit(1, on("left", relabel), id=1, completed_by=1)
    sent.project.submit(1, on("right", relabel), id=2, completed_by=2)
    sent.load(annotations="all")
    found = {
        field: [sent.sample(0, name)[field].detections[0].label for name in SLICES]
        for field in ("boxes_a_x_org", "boxes_b_x_org", "boxes")
    }
    assert found == {"boxes_a_x_org": ["dog", "cat"], "boxes_b_x_org": ["cat", "dog"], "boxes": ["cat", "cat"]}


def test_skipped_tasks_tag_the_samples_of_all_slices_and_provenance_names_them(sent):
    sent.answer(0, on("left", relabel), completed_by=1)
    sent.answer(1, was_cancelled=True)
    sent.load(skipped="tag", provenance="samples")
    tagged = groups_of(sent.view.match_tags("run:skipped"), SLICES)
    assert tagged == {sent.groups[1]: sent.results.groups[sent.groups[1]]}
    assert all(sent.sample(0, name).run_provenance is not None for name in SLICES)


def test_deleted_tasks_take_all_slices_out_of_the_run(sent, groups):
    sent.answer(0, lambda result: on("left", relabel)(on("right", relabel)(result)))
    sent.load()
    gone = sent.results.groups[sent.groups[0]]
    assert delete_tasks(sent.results.backend, sent.results, 1, True, sent.project) == 1
    assert list(sent.results.tasks.values()) == [2, 3] and sent.groups[0] not in sent.results.groups
    assert not {*gone.values()} & {*sent.results.backend.load_run_view(groups, "run").values("id")}
    assert not any({*gone.values()} & {*ledger} for ledger in sent.results.edited.values())


def test_a_run_that_stopped_is_continued_by_its_groups(sent):
    run, project, tasks = run_of(sent.results.config, sent.view, "run"), sent.project, {}
    project.delete_tasks([2])
    project.requests.clear()
    send(run, prepared_tasks(run), project, MemoryMedia(), tasks, lambda: None)
    assert tasks == {sent.groups[0]: 1, sent.groups[2]: 3, sent.groups[1]: 4} and project.requests == [1]
    assert tasks_of_run("run", project).keys() == {*sent.groups}


def test_predictions_of_groups_cannot_be_added(sent):
    with pytest.raises(RunError, match=r"upload_predictions\(\) is not possible .* each of its tasks shows the slices"):
        upload_predictions(sent.results, sent.view, Asked(None, "m", False, None, None, None))


def test_what_became_of_a_task_is_written_to_the_samples_that_it_shows(sent):
    sent.project.submit(1, on("left", relabel), id=1, completed_by=1, created_at="2026-11-20T10:00:00Z")
    sent.project.submit(1, id=2, completed_by=2, created_at="2026-11-20T09:00:00Z", updated_at="2026-11-20T09:00:00Z")
    sent.answer(1, was_cancelled=True, completed_by=1, created_at="2026-11-20T10:00:00Z")
    overview = MemoryOverview(sent.project)
    assert tag_samples(sent.results, overview=overview, source=sent.project) == {
        "answered": 2,
        "open": 1,
        "skipped": 2,
        "deleted": 0,
        "disagreed": 1,
        "edited": 1,
    }
    tags = {name: {*sent.sample(0, name).tags} for name in SLICES}
    assert tags == {"left": {"run:answered", "run:disagreed", "run:edited"}, "right": {"run:answered"}}


def test_groups_are_added_to_a_run_and_taken_out_of_it(groups):
    view = groups.limit(1).select_group_slices(SLICES)
    sent = Sent(groups, view=view)
    backend, results, project = sent.results.backend, sent.results, sent.project
    assert list(results.tasks) == [groups.first().scene.id]
    assert add_samples(backend, results, groups, project, MemoryMedia()) == 2
    assert len(results.tasks) == len(results.groups) == len(project.by_id) == 3
    assert add_samples(backend, results, groups.select_group_slices(SLICES), project, MemoryMedia()) == 0
    assert len(backend.load_run_view(groups, "run")) == 5
    sent.groups = list(results.tasks)
    sent.answer(1, on("right", relabel))
    sent.load()
    assert sent.sample(1, "right").boxes.detections[0].label == "dog"

    left = groups.select_group_slices("left")
    with pytest.raises(RunError, match=r"task 1 shows sample .*, too, which is not among the samples"):
        remove_samples(backend, results, left, keeper=project)
    assert remove_samples(backend, results, groups.limit(1), keeper=project) == 1
    assert list(results.tasks.values()) == [2, 3] and list(project.by_id) == [2, 3]
    assert len(backend.load_run_view(groups, "run")) == 3


def test_a_class_that_is_added_can_be_chosen_on_each_slice(sent):
    wider = {"boxes": {"classes": [*CLASSES, "cow"]}}
    update_label_schema(sent.results.backend, sent.results, wider, holder=sent.project)
    assert sent.project.labeling_config.count('<Label value="cow"') == 2
    before = sent.stored

    def as_cow(item):
        item["value"]["rectanglelabels"] = ["cow"]

    sent.answer(0, on("right", as_cow))
    sent.load()
    after = sent.stored
    assert sent.sample(0, "right").boxes.detections[0].label == "cow"
    assert {sample_id for sample_id in after if after[sample_id] != before[sample_id]} == {sent.sample(0, "right").id}
    with pytest.raises(RunError, match="leave labeling_config out"):
        update_label_schema(sent.results.backend, sent.results, wider, "<View/>", sent.project)


def test_each_part_of_a_run_has_whole_groups(sent):
    run = run_of(sent.results.config, sent.view, "run")
    parts = [[task.sample_id for task in prepared_tasks(part_of_run(run, number, 2))] for number in (1, 2)]
    assert sorted([*parts[0], *parts[1]]) == sorted(sent.groups)


def test_a_task_of_another_group_is_left_alone(sent, caplog):
    before = sent.stored
    sent.answer(0, on("left", relabel))
    data = sent.project.by_id[1]["data"]
    data["sample_id"] = sent.groups[1]
    sent.load()
    assert sent.stored == before
    assert f"it names group '{sent.groups[1]}', for which it was not made" in caplog.text


def test_the_slices_of_a_collection_are_chosen_by_name(groups):
    for samples in (groups, groups.view(), groups.select_group_slices(["right", "left"])):
        flat, names = chosen_slices(samples, ["right", "left"])
        assert (len(flat), names, flat.media_type) == (5, ["right", "left"], "image")
    flat, names = chosen_slices(groups.select_group_slices(SLICES), "all")
    assert (len(flat), names) == (5, SLICES)
    flat, names = chosen_slices(groups.select_group_slices(SLICES), ["left"])
    assert (len(flat), names) == (3, ["left"])
    view = groups.match({"name": "left"}).limit(1)
    assert len(chosen_slices(view, SLICES)[0]) == 2
    for asked, words in (
        ("all", r"but 'video' holds video; pass group_slices=\['left', 'right'\]"),
        (["video"], "but 'video' holds video; leave it out"),
        (["left", "top"], "names 'top', which is no slice of dataset '.*'; it has 'left', 'right', 'video'"),
    ):
        with pytest.raises(SettingsError, match=words):
            chosen_slices(groups, asked)


def test_a_flat_dataset_has_no_slices(make_dataset):
    with pytest.raises(SettingsError, match="are in none; leave it out, or annotate a dataset with a group field"):
        chosen_slices(make_dataset({}), "all")


def test_two_samples_of_a_slice_cannot_be_shown(groups, tmp_path):
    group_id = groups.first().scene.id
    path = str(write_image(tmp_path / "again.png"))
    groups.add_sample(fo.Sample(filepath=path, scene=fo.Group(id=group_id).element("left")))
    with pytest.raises(SampleError, match=f"its group {group_id} has another sample of slice 'left'"):
        groups_of(groups.select_group_slices(SLICES), SLICES)


@pytest.mark.parametrize(("setting", "value"), [("labeling_config", "<View/>"), ("project_id", 3)])
def test_settings_that_groups_cannot_have_are_refused(groups, setting, value):
    config = LabelStudioBackendConfig("labelstudio", None, group_slices=SLICES, **{setting: value})
    with pytest.raises(
        SettingsError, match=f"group_slices and {setting} are both given, but .*; leave one of them out"
    ):
        refuse_unsuited(config, groups.select_group_slices(SLICES))


def checked(sent):
    return check_run(run_of(sent.results.config, sent.view, "run"))


def test_everything_is_checked_before_anything_is_sent(groups):
    sent = Sent(groups)
    for sample in groups.select_group_slices("right"):
        sample.boxes.detections[0].bounding_box = [0.1, 0.1, float("nan"), 0.1]
        sample.save()
    with pytest.raises(SampleError) as raised:
        checked(sent)
    for sample_id in groups.select_group_slices("right").values("id"):
        assert f"field 'boxes', sample {sample_id}" in str(raised.value)


def test_a_group_is_sent_with_all_of_its_slices_or_not_at_all(groups):
    run = run_of(Sent(groups).results.config, groups.select_group_slices(SLICES), "run")
    right = groups.select_group_slices("right").first()
    right.boxes.detections[0].bounding_box = [0.1, 0.1, float("nan"), 0.1]
    right.save()
    found = [type(item).__name__ for item in prepared_tasks(run)]
    assert found == ["Refused", "PreparedTask", "PreparedTask"]


def test_media_that_cannot_be_sent_are_left_out_and_the_rest_of_the_group_is_shown(groups, caplog):
    right = groups.select_group_slices("right").first()
    right.filepath = "/nowhere.png"
    right.save()
    sent = Sent(groups, unusable_media="skip")
    assert sent.project.by_id[1]["data"]["right"] == ""
    shown = groups_of(sent.view, SLICES, checked(sent).sample_ids)
    assert shown[sent.groups[0]] == {"left": sent.sample(0, "left").id}
    assert len(checked(sent).sample_ids) == 4
    before = sent.stored
    sent.answer(0, lambda result: [])
    sent.load()
    assert sent.sample(0, "left").boxes.detections == []
    assert sent.stored[right.id] == before[right.id]


def test_task_fields_are_carried_of_each_slice(groups):
    sent = Sent(groups, task_fields=["name"])
    data = sent.project.by_id[1]["data"]
    assert (data["left_name"], data["right_name"]) == ("left", "right")


def test_groups_go_to_files_and_come_home_from_an_export(groups, tmp_path):
    folder = tmp_path / "files"
    fo_labelstudio.export_tasks(
        groups,
        "files",
        folder,
        label_schema={
            name: {"type": info["type"], "classes": CLASSES} for name, info in SCHEMA.items() if name != "count"
        },
        attributes=False,
        group_slices=SLICES,
    )
    (path,) = folder.glob("tasks*.json")
    tasks = json.loads(path.read_text())
    assert [bool(task["data"]["right"]) for task in tasks] == [True, True, False]
    before = stored(groups)
    for number, task in enumerate(tasks):
        started = task.pop("predictions")[0]["result"]
        result = json.loads(json.dumps(started))
        if number == 1:
            result = on("right", relabel)(result)
        task.update(id=number + 40, annotations=[as_exported(result, started)])
    exported = tmp_path / "export.json"
    exported.write_text(json.dumps(tasks))
    fo_labelstudio.load_annotations(groups, "files", json_path=exported)
    after = stored(groups)
    results = groups.load_annotation_results("files")
    right = [*results.groups.values()][1]["right"]
    assert {sample_id for sample_id in after if after[sample_id] != before[sample_id]} == {right}
    assert groups[right].boxes.detections[0].label == "dog"
