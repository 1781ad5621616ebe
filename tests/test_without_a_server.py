"""Files go through the server's own import page and come back as its JSON export: all ends as with annotate()."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import fiftyone as fo
import pytest
from bson import ObjectId

import fo_labelstudio
from fo_labelstudio.types import LabelStudioDataset
from tests.support import Annotator, comparable, stored
from tests.test_every_family import (
    ATTRIBUTES,
    CLASSES,
    KINDS,
    SCALARS,
    SIZE,
    SKELETON,
    TARGETS,
    a_value,
    checkered,
    scalar_region,
    scalar_schema,
    weather,
)

pytestmark = pytest.mark.server


class ImportPage:
    """What the import page and the export page of a project ask the server for (1.23.2)."""

    def __init__(self, annotator: Annotator, config: str):
        self._annotator = annotator
        made = annotator.call("POST", "/api/projects/", json={"title": f"By hand {uuid4().hex[:8]}"})
        self.project_id = made["id"]
        annotator.call("PATCH", f"/api/projects/{self.project_id}/", json={"label_config": config})

    def take(self, path: Path) -> None:
        """Imports a file."""
        where = f"/api/projects/{self.project_id}"
        with path.open("rb") as file:
            files = {path.name: (path.name, file, "application/json")}
            made = self._annotator.call("POST", f"{where}/import?commit_to_project=false", files=files)
        body = {"file_upload_ids": made["file_upload_ids"], "files_as_tasks_list": False}
        self._annotator.call("POST", f"{where}/reimport", json=body)

    def tasks(self) -> dict[str, int]:
        """Sample id -> task id."""
        answer = self._annotator.call("GET", f"/api/tasks?project={self.project_id}&fields=all&page_size=1000")
        return {task["data"]["sample_id"]: task["id"] for task in answer["tasks"]}

    def export(self, path: Path) -> Path:
        """Exports the annotated tasks as JSON."""
        tasks = self._annotator.call("GET", f"/api/projects/{self.project_id}/export?exportType=JSON")
        path.write_text(json.dumps(tasks))
        return path


def all_fields() -> dict[str, Any]:
    values: dict[str, Any] = {label_type: a_value(label_type) for label_type in KINDS}
    values["weather"] = weather("cat")
    values["tags_of_image"] = fo.Classifications(classifications=[weather("cat"), weather("日本")])
    values["mask"] = fo.Segmentation(mask=checkered(48, 64))
    values.update((kind, value) for kind, (value, _, _) in SCALARS.items())
    return values


def schema_of_all() -> dict[str, Any]:
    schema = {label_type: {"type": label_type, "classes": CLASSES, "attributes": ATTRIBUTES} for label_type in KINDS}
    schema |= {f"new_{name}": {"type": name, "classes": CLASSES, "attributes": {}} for name in KINDS}
    schema |= {"weather": {"classes": CLASSES}, "tags_of_image": {"classes": CLASSES}}
    return schema | {"mask": {"mask_targets": TARGETS}, **scalar_schema()}


def first_of(result, name):
    return next((region for region in result if region["from_name"] == name), None)


def move(result):
    for label_type, kind in KINDS.items():
        kind.move(first_of(result, label_type)["value"])
    return result


def relabel(result):
    for name in [*KINDS, "weather", "tags_of_image"]:
        label_id = first_of(result, name)["id"].split(".")[0]
        for region in result:
            if region["id"].split(".")[0] == label_id and region["from_name"] == name:
                region["value"][region["type"]] = ["dog"]
    changed = {kind: scalar_region(kind)["value"] for kind in SCALARS}
    for region in result:
        region["value"].update(changed.get(region["from_name"], {}))
    return result


def delete(result):
    gone = {first_of(result, name)["id"].split(".")[0] for name in [*KINDS, "mask"]}
    return [region for region in result if region["id"].split(".")[0] not in gone]


def draw(result):
    drawn = []
    for number, (label_type, kind) in enumerate(KINDS.items()):
        region = {"id": f"W3l_-x0aB{number}", "from_name": f"new_{label_type}", "to_name": "image"}
        region |= {"original_width": SIZE[0], "original_height": SIZE[1], "type": kind.region_type}
        region["value"] = {**kind.region(), kind.region_type: ["dog"]}
        drawn.append(region)
    return [*result, *drawn]


_OF_DATASET = ("_dataset_id", "last_modified_at", "created_at")

SITUATIONS = [lambda result: result, move, relabel, delete, draw, lambda result: []]
"""What is done to one sample each; nobody answers about the last."""


def answer(annotator: Annotator, tasks: dict[str, int], dataset: fo.Dataset) -> None:
    for sample_id, edit in zip(dataset.values("id"), SITUATIONS):
        annotator.submit(tasks[sample_id], edit)


def alike(value: Any, known: set[ObjectId]) -> Any:
    """A stored value without times of writing and ids that a load made."""
    if isinstance(value, dict):
        return {key: alike(item, known) for key, item in value.items() if key not in _OF_DATASET}
    if isinstance(value, list):
        return [alike(item, known) for item in value]
    return "new" if isinstance(value, ObjectId) and value not in known else value


def ids_in(value: Any) -> set[ObjectId]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return {one for item in value for one in ids_in(item)}
    return {value} if isinstance(value, ObjectId) else set()


@pytest.fixture
def pair(make_dataset):
    """Two datasets with the same labels of every kind."""
    dataset = make_dataset(*(all_fields() for _ in range(len(SITUATIONS) + 1)), size=SIZE)
    dataset.default_skeleton = SKELETON
    dataset.save()
    twin = dataset.clone()
    yield dataset, twin
    twin.delete()


def test_files_give_what_annotate_gives_label_for_label(pair, connection, annotator, tmp_path):
    sent, written = pair
    before = stored(sent)
    assert stored(written).keys() == before.keys()
    results = sent.annotate("run", backend="labelstudio", label_schema=schema_of_all(), **connection)
    answer(annotator, results.tasks, sent)
    sent.load_annotations("run")
    folder = tmp_path / "out"
    fo_labelstudio.export_tasks(written, "run", folder, schema_of_all())
    page = ImportPage(annotator, (folder / "labeling_config.xml").read_text())
    page.take(folder / "tasks.json")
    answer(annotator, page.tasks(), written)
    path = page.export(tmp_path / "export.json")
    fo_labelstudio.load_annotations(written, "run", json_path=path)
    known = ids_in(comparable(before))
    one, other = (alike(stored(dataset), known) for dataset in (sent, written))
    changed = [id for id in before if one[id] != alike(before, known)[id]]
    assert changed == [*before][:6], "also where people say that there is nothing for a new field"
    for sample_id, doc in one.items():
        assert doc == other[sample_id]
    once = stored(written)
    fo_labelstudio.load_annotations(written, "run", json_path=path)
    assert stored(written) == once


@pytest.mark.parametrize("knows_schema", [True, False])
def test_a_folder_of_the_dataset_type_holds_what_a_server_exports(make_dataset, annotator, tmp_path, knows_schema):
    boxes = [fo.Detection(label=name, bounding_box=[0.1, 0.2, 0.3, 0.4]) for name in ("cat", "dog")]
    dataset = make_dataset({"gt": fo.Detections(detections=boxes)}, {"gt": fo.Detections(detections=[])})
    folder = tmp_path / "out"
    dataset.export(export_dir=str(folder), dataset_type=LabelStudioDataset, label_field="gt")
    page = ImportPage(annotator, (folder / "labeling_config.xml").read_text())
    page.take(folder / "tasks.json")
    page.export(folder / "tasks.json")
    if not knows_schema:
        (folder / "label_schema.json").unlink()
    found = fo.Dataset.from_dir(dataset_dir=str(folder), dataset_type=LabelStudioDataset, label_field="gt")
    assert found.values("gt.detections.label") == [["cat", "dog"], []]
    assert found.values("gt.detections.id") == dataset.values("gt.detections.id")
    assert [label.bounding_box for label in found.first().gt.detections] == [pytest.approx([0.1, 0.2, 0.3, 0.4])] * 2
    found.delete()
