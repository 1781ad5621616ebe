"""Files are told by their content; what is broken costs only itself, and is said."""

from __future__ import annotations

import gzip
import json
import logging
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from fo_labelstudio.errors import ExportError
from fo_labelstudio.exports.read import read_tasks
from fo_labelstudio.exports.write import write_tasks
from tests.exports.config import config_of
from tests.properties import examples

ANNOTATION = {"id": 3, "result": [], "was_cancelled": False, "updated_at": "2026-01-01T00:00:00Z"}
EMPTY = {"meta": {}, "annotations": [], "predictions": [], "drafts": []}
TASK = {"id": 1, "data": {"image": "a.png"}, **EMPTY}

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.text(), VALUES, max_size=3)
ANSWERS = st.lists(
    st.fixed_dictionaries({"result": st.lists(VALUES, max_size=2), "was_cancelled": st.booleans()}), max_size=2
)
TASKS = st.fixed_dictionaries(
    {
        "id": st.none() | st.integers(),
        "data": OBJECTS,
        "meta": OBJECTS,
        "annotations": ANSWERS,
        "predictions": ANSWERS,
        "drafts": ANSWERS,
    }
)


def save(path, value):
    path.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
    return path


def read(path, config=None):
    """The tasks of a file, and what was left out: kind, place within the folder, reason."""
    told = []
    tasks = list(read_tasks(path, config, told.append))
    return tasks, [(left_out.kind, left_out.where.removeprefix(str(path)), left_out.reason) for left_out in told]


@given(tasks=st.lists(TASKS, max_size=5), max_bytes=st.integers(1, 2000))
def test_what_is_written_is_read_again_bit_for_bit(tmp_path_factory, tasks, max_bytes):
    folder = tmp_path_factory.mktemp("written")
    paths = write_tasks(tasks, folder, max_bytes=max_bytes)
    assert repr([task for path in paths for task in read_tasks(path)]) == repr(tasks)


def test_tasks_of_the_import_page_get_the_form_of_an_export(tmp_path):
    prediction = {"model_version": "m", "result": [{"id": "x"}]}
    tasks = [
        {"data": {"image": "a.png"}, "predictions": [prediction]},
        {"image": "b.png"},
        {
            "id": 2,
            "data": {"image": "c.png"},
            "completions": [{"id": 5, "result": []}, {"result": [], "skipped": True}],
        },
        {"id": "of their own", "data": {"image": "d.png"}, "meta": None, "annotations": None},
    ]
    assert read(save(tmp_path / "x", tasks)) == (
        [
            {**TASK, "id": None, "predictions": [prediction]},
            {**TASK, "id": None, "data": {"image": "b.png"}},
            {
                **TASK,
                "id": 2,
                "data": {"image": "c.png"},
                "annotations": [
                    {"id": 5, "result": [], "was_cancelled": False},
                    {"result": [], "skipped": True, "was_cancelled": True},
                ],
            },
            {**TASK, "id": None, "data": {"image": "d.png"}},
        ],
        [],
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("is_packed", [False, True])
@pytest.mark.parametrize("form", ["list", "one", "lines", "table"])
def test_encodings_and_packing_are_told_by_the_first_bytes(tmp_path, encoding, is_packed, form):
    text = {"list": '[{"image": "é😀"}]', "one": '{"image": "é😀"}', "lines": '{"image": "é😀"}\n' * 2}
    text["table"] = "image,n\né😀,1\n"
    content = text[form].encode(encoding)
    path = tmp_path / "export"
    path.write_bytes(gzip.compress(content) if is_packed else content)
    tasks, left_out = read(path)
    assert [task["data"]["image"] for task in tasks] == ["é😀"] * (2 if form == "lines" else 1)
    assert left_out == []


def test_a_table_of_the_import_page_is_read_as_data(tmp_path):
    path = save(tmp_path / "tasks", 'image;sample;n;tags\n"a.png";"007";1.5;"[""x""]"\nb.png;;;\n')
    assert [task["data"] for task in read(path)[0]] == [
        {"image": "a.png", "sample": "007", "n": 1.5, "tags": ["x"]},
        {"image": "b.png"},
    ]
    assert [task["data"] for task in read(save(tmp_path / "one.csv", "image\na.png\n"))[0]] == [{"image": "a.png"}]


def test_one_broken_task_among_many_costs_only_itself(tmp_path):
    tasks = [json.dumps({**TASK, "id": number}) for number in range(5000)]
    tasks[2500] = tasks[2500].replace('"a.png"', "")
    tasks[3500] = '{"id": 3500, "data": "a.png"}'
    tasks[3501] = '{"id": 3501, "annotations": []}'
    tasks[3502] = "17"
    path = save(tmp_path / "x.json", "[\n" + ",\n".join(tasks) + "]")
    found, left_out = read(path)
    assert [task["id"] for task in found] == [n for n in range(5000) if n not in (2500, 3500, 3501, 3502)]
    assert left_out == [
        ("task", ", line 2502", "Expecting value at line 2502, column 32"),
        ("task", ", line 3502, task 3500", "it has 'a.png' as 'data'; a task has an object there"),
        ("task", ", line 3503, task 3501", "it has 'annotations', but no 'data'; a task has an object there"),
        ("task", ", line 3504", "it is no object but 17"),
    ]


def test_answers_that_are_none_are_left_out_and_said(tmp_path):
    good = {**ANNOTATION, "result": None}
    task = {**TASK, "annotations": [7, good, {"result": "x"}], "predictions": [1, "x"], "drafts": "none"}
    (found,), left_out = read(save(tmp_path / "x", [task]))
    assert found == {**TASK, "annotations": [ANNOTATION], "predictions": [1]}
    assert left_out == [
        ("answers", ", line 1, task 1", "number 1 of its 'annotations' is no object but 7"),
        ("answers", ", line 1, task 1", "number 3 of its 'annotations' has no list as 'result' but 'x'"),
        ("answers", ", line 1, task 1", "number 2 of its 'predictions' is no object but 'x'"),
        ("answers", ", line 1, task 1", "'drafts' is no list but 'none'"),
    ]


def test_what_was_left_out_is_one_warning_where_nobody_listens(tmp_path, caplog):
    path = save(tmp_path / "x", [TASK, *range(12)])
    with caplog.at_level(logging.WARNING):
        assert list(read_tasks(path)) == [TASK]
    (record,) = caplog.records
    assert record.getMessage().startswith(f"12 thing(s) were not read:\n  {path}, line 1: it is no object but 0\n")
    assert record.getMessage().endswith("\n  ... and 2 more")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it is empty, which holds no tasks; export the project as JSON"),
        (b"hello world", "it is text without columns"),
        (b"\x89PNG\r\n\x1a\n\0", "it is an image"),
        (b"\0\1\2", "it is a file of binary data"),
        (b'{"images": [{"id": 1, "file_name": "a.png"}', "it is an export in COCO's format"),
        (b'{"info": {}, "categories": [], "images": [], "annotations": []}', "it is an export in COCO's format"),
        (b'<?xml version="1.0"?>\n<annotation>', "it is an annotation in Pascal VOC's format"),
        (b"<!-- mine -->\n<View>", "it is a labeling config"),
        (b"0 0.5 0.5 0.1 0.1\n1 0.5 0.5 0.1 0.1\n", "it is labels in YOLO's format"),
        (b"-DOCSTART- -X- O\n", "it is an export in CoNLL 2003's format"),
        (b"[1, 2]", "none of its 2 values is a task"),
        (b'[{"image": "a.png", "annotations": [{"label": "cat"}]}]', "it has 'annotations', but no 'data'"),
        (b'"a text"', "it is text without columns"),
        (b"PK\x03\x04 broken", "the archive is damaged or cut off"),
        (gzip.compress(b"[" + b'{"a": 1},' * 5000)[:-30], "the archive is damaged or cut off"),
        (b"\xff\xfe[\x00\x00\xd8", "it is not the utf-16"),
        (b'[{"data": {}}, {"data"', "it is cut off at line 1, column 23, after 1 whole tasks"),
    ],
)
def test_what_holds_no_tasks_is_refused_by_its_name(tmp_path, content, reason):
    path = tmp_path / "x"
    path.write_bytes(content)
    with pytest.raises(ExportError) as error:
        list(read_tasks(path))
    assert str(path) in str(error.value) and reason in str(error.value)


def test_nothing_at_the_path_and_an_empty_folder_are_refused_at_once(tmp_path):
    with pytest.raises(ExportError, match="there is no such file or folder; check the path"):
        read_tasks(tmp_path / "none")
    with pytest.raises(ExportError, match="it holds no tasks, but nothing; export the project as JSON"):
        read_tasks(tmp_path)


def test_an_export_without_tasks_is_no_error(tmp_path):
    assert read(save(tmp_path / "x", "[]")) == ([], [])


def test_folders_in_the_layout_of_other_formats_are_named(tmp_path):
    save(tmp_path / "classes.txt", "cat\ndog\n")
    save(tmp_path / "notes.json", {"categories": []})
    (tmp_path / "labels").mkdir()
    with pytest.raises(ExportError, match="it is an export in YOLO's format"):
        read_tasks(tmp_path)


def test_a_zip_file_is_read_as_a_folder(tmp_path):
    with zipfile.ZipFile(tmp_path / "x", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("result.json", json.dumps([TASK]))
        archive.writestr("images/", "")
        archive.writestr("images/a.png", b"\x89PNG\r\n\x1a\n")
    assert read(tmp_path / "x") == ([TASK], [("files", "", "passed over as an image: a.png")])
    with zipfile.ZipFile(tmp_path / "voc.zip", "w") as archive:
        archive.writestr("Annotations/a.xml", "<annotation/>")
    with pytest.raises(ExportError, match="it is an export in Pascal VOC's format"):
        read_tasks(tmp_path / "voc.zip")


def test_what_else_is_in_a_folder_is_passed_over_and_said(tmp_path):
    save(tmp_path / "labeling_config.xml", "<View/>")
    save(tmp_path / "tasks.json", [TASK])
    (tmp_path / ".DS_Store").write_bytes(b"\0\0\0\1Bud1")
    (tmp_path / "images").mkdir()
    for number in range(5):
        Image.new("RGB", (2, 2)).save(tmp_path / f"{number}.png")
    assert read(tmp_path) == (
        [TASK],
        [
            ("files", "", "passed over as an image: 0.png, 1.png, 2.png and 2 more"),
            ("files", "", "passed over as a file of binary data: .DS_Store"),
            ("files", "", "passed over as a labeling config: labeling_config.xml"),
            ("files", "", "passed over as a folder: images"),
        ],
    )


def of_target(annotation, time, task_id=1, project=1, result=()):
    task = {"id": task_id, "data": {"image": "a.png"}, "project": project}
    return {**ANNOTATION, "id": annotation, "updated_at": time, "result": list(result), "task": task}


def test_files_of_a_target_storage_make_each_task_once_with_its_newest_annotations(tmp_path):
    early, late = "2026-01-01T00:00:00Z", "2026-01-01T00:00:00.500000Z"
    save(tmp_path / "9", of_target(9, early))
    save(tmp_path / "10", of_target(10, late, result=[{"id": "new"}]))
    save(tmp_path / "10 copy", of_target(10, early, result=[{"id": "old"}]))
    save(tmp_path / "11", of_target(11, early, project=2))
    tasks, left_out = read(tmp_path)
    assert [(task["id"], task["project"]) for task in tasks] == [(1, 1), (1, 2)]
    assert [[(a["id"], a["task"], a["result"]) for a in task["annotations"]] for task in tasks] == [
        [(9, 1, []), (10, 1, [{"id": "new"}])],
        [(11, 1, [])],
    ]
    assert left_out == []


def test_of_two_exports_of_a_task_the_newer_counts_and_a_newer_annotation_joins_it(tmp_path):
    def whole(time, *annotations):
        times = {3: "2026-01-01T00:00:00Z", 4: "2026-01-02T00:00:00Z"}
        found = [{**ANNOTATION, "id": n, "updated_at": times[n], "task": 1} for n in annotations]
        return {**TASK, "project": 1, "updated_at": time, "annotations": found}

    save(tmp_path / "a.json", [whole("2026-01-03T00:00:00Z", 3, 4), {**TASK, "id": 2}, {**TASK, "id": None}, 5])
    save(tmp_path / "b.json", [whole("2026-01-02T00:00:00Z", 3), {**TASK, "id": None}])
    save(tmp_path / "4", of_target(4, "2026-01-05T00:00:00Z", result=[{"id": "new"}]))
    save(tmp_path / "5", of_target(5, "2026-01-01T00:00:00Z"))
    tasks, left_out = read(tmp_path)
    assert [task["id"] for task in tasks] == [1, 2, None, None]
    assert [(a["id"], a["result"]) for a in tasks[0]["annotations"]] == [(3, []), (4, [{"id": "new"}]), (5, [])]
    assert left_out == [("task", "/a.json, line 1", "it is no object but 5")]


def test_tasks_of_one_id_from_two_servers_stay_two(tmp_path):
    save(tmp_path / "a.json", [TASK])
    save(tmp_path / "b.json", [{**TASK, "data": {"image": "b.png"}}])
    assert len(read(tmp_path)[0]) == 2


def test_of_a_folder_nothing_is_given_out_where_one_file_is_cut_off(tmp_path):
    save(tmp_path / "a.json", [TASK])
    save(tmp_path / "b.json", '[{"data": {}')
    with pytest.raises(ExportError, match=r"b\.json: it is cut off"):
        next(read_tasks(tmp_path))


def test_json_min_is_told_by_its_keys_and_broken_records_are_said(tmp_path):
    rest = {"annotator": 1, "annotation_id": 7, "created_at": "c", "updated_at": "u", "lead_time": None}
    record = {"image": "a.png", "id": 5, "scene": ["day", "night"], **rest}
    tasks, left_out = read(save(tmp_path / "x", [record, 5, {**record, "annotation_id": 8}]))
    assert [(task["id"], [a["id"] for a in task["annotations"]]) for task in tasks] == [(5, [7]), (5, [8])]
    reason = "control tag 'scene': it is not told which regions 2 of its answers are about"
    assert left_out == [
        ("answers", ", task 5", reason),
        ("task", ", line 1", "it is no object but 5"),
        ("answers", ", task 5", reason),
    ]


def test_a_csv_export_is_told_by_its_columns(tmp_path):
    text = (
        '"annotation_id","annotator","created_at","id","image","lead_time","scene","updated_at"\n'
        '7,"1","c",5,"a.png",1.5,"day","u"\n8,"2","c",5,"a.png",2,"night","u"\n"","","",6,"b.png","","",""\n'
    )
    tasks, left_out = read(save(tmp_path / "x", text), config_of(scene="Choices"))
    assert [(task["id"], task["data"]) for task in tasks] == [(5, {"image": "a.png"}), (6, {"image": "b.png"})]
    assert [a["result"][0]["value"] for a in tasks[0]["annotations"]] == [{"choices": ["day"]}, {"choices": ["night"]}]
    assert tasks[1]["annotations"] == [] and left_out == []


@examples(300)
@given(data=st.data(), form=st.sampled_from(["list", "lines", "min", "csv"]))
def test_whatever_happens_to_a_file_nothing_but_its_own_error_is_raised(tmp_path_factory, data, form):
    rest = {"annotator": 1, "annotation_id": 7, "created_at": "c", "updated_at": "u", "lead_time": None}
    tasks = [{**TASK, "id": n, "data": {"image": f"{n}.png", "é": "😀"}, "annotations": [ANNOTATION]} for n in range(4)]
    record = {"image": "a.png", "id": 5, "scene": ["day", "night"], "rect": [{"x": 1, "height": 2}], **rest}
    content = {
        "list": json.dumps(tasks, ensure_ascii=False),
        "lines": "\n".join(map(json.dumps, tasks)),
        "min": json.dumps([record, record]),
        "csv": "\n".join(['"' + '","'.join(record) + '"', *['"a","5","[""x""]","[{""x"":1}]",1,7,"c","u",""'] * 3]),
    }[form].encode()
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(content)))
        piece = data.draw(st.binary(max_size=4) | st.sampled_from([b'"', b"{", b"]", b"}", b",", b"\n", b"\\"]))
        content = content[:at] + piece + content[at + data.draw(st.integers(0, 5)) :]
    path = tmp_path_factory.mktemp("damaged") / "x"
    path.write_bytes(content)
    for config in (None, config_of(scene="Choices*", rect="RectangleLabels")):
        try:
            found = list(read_tasks(path, config, [].append))
        except ExportError as error:
            assert str(path) in str(error)
        else:
            assert all(isinstance(task["data"], dict) and isinstance(task["annotations"], list) for task in found)
