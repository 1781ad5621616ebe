"""Files for the import page are whole or not there, and no larger than it takes."""

from __future__ import annotations

import json
import os
import stat

import pytest

from fo_labelstudio.errors import ExportError
from fo_labelstudio.exports.write import MAX_BYTES, MAX_TASKS, write_tasks

TASK = {"data": {"image": "a.png"}}


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_tasks_and_the_labeling_config_are_written(tmp_path):
    paths = write_tasks([TASK, b'{"data": {"image": "\xc3\xa9"}}'], tmp_path / "new" / "folder", "<View>é</View>")
    folder = tmp_path / "new" / "folder"
    assert paths == [folder / "tasks.json"]
    assert names(folder) == ["labeling_config.xml", "tasks.json"]
    assert json.loads(paths[0].read_bytes()) == [TASK, {"data": {"image": "é"}}]
    assert (folder / "labeling_config.xml").read_text(encoding="utf-8") == "<View>é</View>"


def test_whoever_may_read_the_folder_may_read_the_files(tmp_path):
    (path,) = write_tasks([TASK], tmp_path)
    (tmp_path / "other").write_text("")
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE((tmp_path / "other").stat().st_mode)


def test_no_tasks_are_an_empty_list(tmp_path):
    (path,) = write_tasks([], tmp_path)
    assert json.loads(path.read_bytes()) == []


def test_a_file_stays_below_what_the_import_page_takes(tmp_path, caplog):
    tasks = [{"data": {"n": number, "text": "x" * 40}} for number in range(10)] + [{"data": {"text": "x" * 300}}]
    paths = write_tasks(tasks, tmp_path, max_bytes=200)
    assert [path.name for path in paths] == [f"tasks_{number}.json" for number in range(1, 7)]
    assert [len(json.loads(path.read_bytes())) for path in paths] == [2, 2, 2, 2, 2, 1]
    assert all(path.stat().st_size < 200 for path in paths[:-1])
    assert [task for path in paths for task in json.loads(path.read_bytes())] == tasks
    (record,) = caplog.records
    assert "larger than what the import page takes; it has a file of its own" in record.getMessage()


def test_a_file_has_no_more_tasks_than_the_import_page_takes(tmp_path):
    paths = write_tasks([TASK] * 5, tmp_path, max_tasks=2)
    assert [len(json.loads(path.read_bytes())) for path in paths] == [2, 2, 1]
    assert (MAX_BYTES, MAX_TASKS) == (262_144_000, 1_000_000)


def test_files_that_are_there_are_replaced_only_when_asked(tmp_path):
    write_tasks([TASK] * 3, tmp_path, "<View/>", max_tasks=1)
    with pytest.raises(
        ExportError, match=r"labeling_config\.xml, tasks_1\.json, .* already; choose another folder, or"
    ):
        write_tasks([TASK], tmp_path)
    assert names(tmp_path) == ["labeling_config.xml", "tasks_1.json", "tasks_2.json", "tasks_3.json"]
    write_tasks([TASK], tmp_path, overwrite=True)
    assert names(tmp_path) == ["labeling_config.xml", "tasks.json"]


def test_nothing_is_left_of_an_export_that_fails_and_what_was_there_stays(tmp_path):
    def failing():
        yield from [TASK] * 3
        raise KeyError("of the caller")

    write_tasks([TASK], tmp_path, "<View/>")
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(KeyError):
        write_tasks(failing(), tmp_path, "<View></View>", overwrite=True, max_tasks=2)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize(
    ("task", "reason"),
    [
        ({"data": {"image": "a.png", "n": float("nan")}}, "not JSON compliant"),
        ({"data": {"image": "a.png", "n": {1}}}, "set is not JSON serializable"),
    ],
)
def test_a_task_that_is_no_json_is_refused_by_number_and_data(tmp_path, task, reason):
    with pytest.raises(ExportError, match=rf"task 2, with the data .*a\.png.*, cannot be written as JSON: .*{reason}"):
        write_tasks([TASK, task], tmp_path)
    assert names(tmp_path) == []


def test_a_folder_that_cannot_be_written_is_named(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    with pytest.raises(ExportError, match=r"tasks cannot be written to .*file"):
        write_tasks([TASK], tmp_path / "file")

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ExportError, match=r"tasks cannot be written to .*No space left"):
        write_tasks([TASK], tmp_path / "out")
    assert names(tmp_path / "out") == []
