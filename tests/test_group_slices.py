"""The slices of groups beside each other in one task, on a real server and in the real editor."""

from __future__ import annotations

import fiftyone as fo
import pytest

from tests.support import stored, write_image
from tests.test_editor import editor, screenshot  # noqa: F401

pytestmark = pytest.mark.server

CLASSES = ["cat", "dog"]
SCHEMA = {
    "boxes": {"type": "detections", "classes": CLASSES},
    "day": {"type": "classification", "classes": CLASSES},
}
SIZES = {"left": (640, 480), "center": (320, 240), "right": (400, 400)}


def box(label, *bounding_box):
    return fo.Detection(label=label, bounding_box=list(bounding_box), tags=["mine"], confidence=0.5)


@pytest.fixture
def groups(dataset_of, tmp_path):
    """A group of three images, and one that lacks the one in the middle."""
    samples = []
    for number in range(2):
        group = fo.Group()
        for name in [name for name in SIZES if number == 0 or name != "center"]:
            path = write_image(tmp_path / f"{number}-{name}.png", SIZES[name])
            labels = [box("cat", 0.1, 0.1, 0.2, 0.2), box("dog", 0.5, 0.5, 0.3, 0.3)]
            samples.append(
                fo.Sample(
                    filepath=str(path),
                    group=group.element(name),
                    boxes=fo.Detections(detections=labels),
                    day=fo.Classification(label="cat"),
                )
            )
    return dataset_of(samples)


def annotate(samples, connection, **options):
    return samples.annotate(
        "run",
        backend="labelstudio",
        label_schema=SCHEMA,
        attributes=False,
        **{"group_slices": "all", **options},
        **connection,
    )


def members(groups, results, place):
    """Slice -> sample of the group of a task."""
    return {name: groups[sample_id] for name, sample_id in results.groups[list(results.tasks)[place]].items()}


def test_groups_go_out_as_one_task_each_and_come_home_to_their_slices(groups, connection, annotator):
    before = stored(groups)
    results = annotate(groups, connection)
    first, second = results.tasks.values()
    assert results.config.group_slices == [*SIZES]
    data = annotator.task(first)["data"]
    assert all(data[name].startswith("/data/upload/") for name in SIZES) and len({data[name] for name in SIZES}) == 3
    assert annotator.task(second)["data"]["center"] == ""
    # Whoever calls it once more finds all that is there.
    assert results.get_status()["tasks"] == 2 and results.get_status()["predictions"] == {"FiftyOne": 2}

    annotator.submit(second)
    groups.load_annotations("run")
    assert stored(groups) == before

    def edit(result):
        for item in result:
            if item["from_name"] == "right%.day":
                item["value"]["choices"] = ["dog"]
        return [item for item in result if item["from_name"] != "center%.boxes"]

    annotator.submit(first, edit)
    groups.clear_cache()
    groups.reload()
    groups.load_annotations("run", **connection)
    shown = members(groups, results, 0)
    assert {name: sample.day.label for name, sample in shown.items()} == {
        "left": "cat",
        "center": "cat",
        "right": "dog",
    }
    assert {name: len(sample.boxes.detections) for name, sample in shown.items()} == {
        "left": 2,
        "center": 0,
        "right": 2,
    }
    after = stored(groups)
    touched = {shown["center"].id, shown["right"].id}
    assert {sample_id for sample_id in after if after[sample_id] != before[sample_id]} == touched
    assert results.get_status()["new"] == 0
    results.cleanup()


@pytest.mark.browser
def test_a_box_is_moved_on_one_slice_and_drawn_on_the_other(groups, connection, editor, screenshot):  # noqa: F811
    results = annotate(groups, connection)
    before = stored(groups)
    whole, lacking = results.tasks.values()
    page = editor.open_task(results.project_id, whole)
    moved, kept = members(groups, results, 0)["left"].boxes.detections
    page.look_at("left")
    to = page.move(moved.id, 20, 30)
    page.look_at("right")
    drawn = page.draw_box("dog", 10, 60, 25, 20, field="right%.boxes")
    page.choose("center%.day", "dog")
    page.screenshot(screenshot)
    assert screenshot.stat().st_size > 10_000 and page.problems() == []
    page.submit()

    # Of the group that lacks a slice, the others are drawn on all the same.
    page = editor.open_task(results.project_id, lacking)
    page.screenshot(screenshot.with_stem(f"{screenshot.stem}-lacking"))
    page.look_at("right")
    page.delete(members(groups, results, 1)["right"].boxes.detections[1].id)
    page.submit()

    groups.load_annotations("run")
    shown, other = members(groups, results, 0), members(groups, results, 1)
    first, second = shown["left"].boxes.detections
    assert first.bounding_box == pytest.approx([to.x / 100, to.y / 100, 0.2, 0.2])
    assert (first.id, first.label, first.tags, second.to_dict()) == (moved.id, "cat", ["mine"], kept.to_dict())
    *_, new = shown["right"].boxes.detections
    assert new.label == "dog" and len(shown["right"].boxes.detections) == 3
    assert new.bounding_box == pytest.approx([drawn.x / 100, drawn.y / 100, drawn.width / 100, drawn.height / 100])
    assert {name: sample.day.label for name, sample in shown.items()} == {
        "left": "cat",
        "center": "dog",
        "right": "cat",
    }
    assert [label.label for label in other["right"].boxes.detections] == ["cat"]
    after = stored(groups)
    touched = {*(sample.id for sample in shown.values()), other["right"].id}
    assert {sample_id for sample_id in after if after[sample_id] != before[sample_id]} == touched
    groups.load_annotations("run")
    assert stored(groups) == after
