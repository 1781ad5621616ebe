from __future__ import annotations

import json

import fiftyone as fo
import pytest

import fo_labelstudio
from fo_labelstudio.errors import ExportError, LabelSchemaError, MatchError, SettingsError
from tests.support import stored

CONFIG = """
<View>
  <Image name="img" value="$photo"/>
  <RectangleLabels name="animals" toName="img"><Label value="cat"/><Label value="dog"/></RectangleLabels>
  <Choices name="weather" toName="img"><Choice value="sun"/><Choice value="rain"/></Choices>
  <Number name="count" toName="img"/>
</View>
"""


def box(region_id, x, label="cat", **item):
    value = {"x": x, "y": 20, "width": 30, "height": 40, "rotation": 0, "rectanglelabels": [label]}
    size = {"original_width": 64, "original_height": 48, "image_rotation": 0}
    return (
        {"id": region_id, "from_name": "animals", "to_name": "img", "type": "rectanglelabels", "value": value}
        | size
        | item
    )


def choice(name):
    return {"id": "w", "from_name": "weather", "to_name": "img", "type": "choices", "value": {"choices": [name]}}


def task(number, name, *result, **annotation):
    answer = {"id": number * 10, "result": list(result), "was_cancelled": False, "updated_at": "2026-01-01T00:00:00Z"}
    return {
        "id": number,
        "project": 3,
        "created_at": f"2026-01-01T00:00:0{number}Z",
        "data": {"photo": name},
        "annotations": [answer | annotation],
    }


@pytest.fixture
def import_tasks(tmp_path):
    """Imports a JSON export of tasks."""

    def run(dataset, *tasks, **options):
        path = tmp_path / "export.json"
        path.write_text(json.dumps(tasks))
        fo_labelstudio.import_annotations(dataset, json_path=path, **{"labeling_config": CONFIG, **options})

    return run


@pytest.fixture
def dataset(make_dataset):
    return make_dataset({}, {}, {})


def names(dataset):
    return [path.rsplit("/", 1)[1] for path in dataset.values("filepath")]


def boxes(dataset, field="animals"):
    labels = dataset.values(field)
    return [[(box.label, box.bounding_box) for box in one.detections] if one else None for one in labels]


def test_what_a_file_holds_is_imported_with_exact_values(dataset, import_tasks):
    first, second, _ = names(dataset)
    import_tasks(dataset, task(1, first, box("a", 10), choice("sun")), task(2, second, box("b", 50, "dog")))
    assert boxes(dataset) == [[("cat", [0.1, 0.2, 0.3, 0.4])], [("dog", [0.5, 0.2, 0.3, 0.4])], None]
    assert [one and one.label for one in dataset.values("weather")] == ["sun", None, None]
    assert "count" in dataset.get_field_schema() and dataset.values("count") == [None] * 3


def test_importing_again_changes_nothing(dataset, import_tasks):
    tasks = [task(1, names(dataset)[0], box("a", 10), choice("sun"))]
    import_tasks(dataset, *tasks)
    before = stored(dataset)
    import_tasks(dataset, *tasks)
    import_tasks(dataset, *tasks, full=True)
    assert stored(dataset) == before


def test_importing_again_after_more_work_updates_adds_and_deletes_what_changed(dataset, import_tasks):
    first, second, third = names(dataset)
    import_tasks(dataset, task(1, first, box("a", 10), box("b", 50)), task(2, second, box("c", 10)))
    kept = {label.id: label.bounding_box for label in dataset.first().animals.detections}
    untouched = stored(dataset)[dataset.skip(1).first().id]
    import_tasks(
        dataset,
        task(1, first, box("a", 20), box("d", 60)),
        task(2, second, box("c", 10)),
        task(3, third, box("e", 10, "dog")),
    )
    moved, new = dataset.first().animals.detections
    assert moved.id in kept and moved.bounding_box == [0.2, 0.2, 0.3, 0.4]
    assert new.id not in kept and new.bounding_box == [0.6, 0.2, 0.3, 0.4]
    assert stored(dataset)[dataset.skip(1).first().id] == untouched
    assert boxes(dataset)[2] == [("dog", [0.1, 0.2, 0.3, 0.4])]


def test_what_a_user_changes_in_tasks_that_nobody_answers_anew_stays(dataset, import_tasks):
    first, second, _ = names(dataset)
    import_tasks(dataset, task(1, first, box("a", 10), box("b", 20)), task(2, second, box("c", 10)))
    sample = dataset.first()
    sample.animals.detections[0].label = "dog"
    sample.animals.detections.pop()
    sample.save()
    before = stored(dataset)[sample.id]
    import_tasks(dataset, task(1, first, box("a", 10), box("b", 20)), task(2, second, box("c", 30)))
    assert stored(dataset)[sample.id] == before
    assert boxes(dataset)[1] == [("cat", [0.3, 0.2, 0.3, 0.4])]


def test_labels_that_did_not_come_from_the_project_stay(make_dataset, import_tasks):
    own = fo.Detection(label="cat", bounding_box=[0, 0, 1, 1])
    dataset = make_dataset({"animals": fo.Detections(detections=[own])})
    (name,) = names(dataset)
    import_tasks(dataset, task(1, name, box("a", 10)))
    import_tasks(dataset, task(1, name))
    assert boxes(dataset) == [[("cat", [0, 0, 1, 1])]]
    assert dataset.first().animals.detections[0].id == own.id


def test_the_label_of_a_field_that_holds_one_stays_where_it_did_not_come_from_the_project(make_dataset, import_tasks):
    dataset = make_dataset({"weather": fo.Classification(label="snow"), "count": 7.0})
    number = {"id": "n", "from_name": "count", "to_name": "img", "type": "number", "value": {"number": 3}}
    before = stored(dataset)
    import_tasks(dataset, task(1, *names(dataset), choice("sun"), number))
    after = stored(dataset)
    for sample_id, doc in before.items():
        assert after[sample_id]["weather"] == doc["weather"] and after[sample_id]["count"] == doc["count"]


def test_two_tasks_of_one_image_are_both_imported(dataset, import_tasks):
    first = names(dataset)[0]
    import_tasks(dataset, task(1, first, box("a", 10)), task(2, first, box("b", 50)))
    assert boxes(dataset)[0] == [("cat", [0.1, 0.2, 0.3, 0.4]), ("cat", [0.5, 0.2, 0.3, 0.4])]
    import_tasks(dataset, task(1, first, box("a", 10)), task(2, first))
    assert boxes(dataset)[0] == [("cat", [0.1, 0.2, 0.3, 0.4])]


def test_a_project_of_another_server_with_the_same_numbers_deletes_nothing(dataset, import_tasks):
    first = names(dataset)[0]
    import_tasks(dataset, task(1, first, box("a", 10)))
    import_tasks(dataset, task(1, first, box("a", 50)) | {"created_at": "2025-05-05T00:00:00Z"})
    assert len(boxes(dataset)[0]) == 2


def test_skipped_tasks_change_nothing(dataset, import_tasks):
    import_tasks(dataset, task(1, names(dataset)[0], box("a", 10), was_cancelled=True))
    assert boxes(dataset) == [None] * 3


def test_the_answers_of_each_annotator_have_a_field(dataset, import_tasks):
    first = names(dataset)[0]
    both = task(1, first, box("a", 10), completed_by={"id": 1, "email": "ann@x.org"})
    other = task(1, first, box("b", 50, "dog"), completed_by={"id": 2, "email": "bob@x.org"}, id=11)
    both["annotations"] += other["annotations"]
    import_tasks(dataset, both, annotations="all")
    assert boxes(dataset, "animals_ann_x_org")[0] == [("cat", [0.1, 0.2, 0.3, 0.4])]
    assert boxes(dataset, "animals_bob_x_org")[0] == [("dog", [0.5, 0.2, 0.3, 0.4])]


def test_the_caller_names_the_fields(dataset, import_tasks):
    import_tasks(dataset, task(1, names(dataset)[0], box("a", 10)), fields={"animals": "ground_truth"})
    assert boxes(dataset, "ground_truth")[0] == [("cat", [0.1, 0.2, 0.3, 0.4])]


def test_the_caller_chooses_label_types(dataset, import_tasks):
    tasks = [task(1, names(dataset)[0], box("a", 10), choice("sun"))]
    import_tasks(dataset, *tasks, label_types=["detections"])
    assert "animals" in dataset.get_field_schema() and "weather" not in dataset.get_field_schema()
    import_tasks(dataset, *tasks, label_types={"detections": "boxes"})
    assert boxes(dataset, "boxes")[0] == [("cat", [0.1, 0.2, 0.3, 0.4])]


def test_a_field_that_cannot_hold_the_labels_is_refused_before_anything_changes(make_dataset, import_tasks):
    dataset = make_dataset({"animals": fo.Classification(label="x")})
    before, schema = stored(dataset), set(dataset.get_field_schema())
    with pytest.raises(LabelSchemaError, match="animals"):
        import_tasks(dataset, task(1, *names(dataset), box("a", 10), choice("sun")))
    assert stored(dataset) == before and set(dataset.get_field_schema()) == schema


def test_two_candidates_are_a_question_and_nothing_changes(dataset_of, import_tasks):
    dataset = dataset_of([fo.Sample(filepath="/a/x.jpg"), fo.Sample(filepath="/b/x.jpg")])
    before = stored(dataset)
    with pytest.raises(MatchError, match="task 1") as raised:
        import_tasks(dataset, task(1, "x.jpg", box("a", 10)), task(2, "/c/x.jpg", box("a", 10)))
    assert "task 2" in str(raised.value)
    assert stored(dataset) == before and "animals" not in dataset.get_field_schema()


def test_media_without_a_sample_become_new_samples_where_that_is_wanted(make_dataset, import_tasks, tmp_path):
    dataset = make_dataset({})
    new = tmp_path / "more" / "new.png"
    new.parent.mkdir()
    new.write_bytes(open(dataset.first().filepath, "rb").read())
    tasks = [task(1, "new.png", box("a", 10))]
    import_tasks(dataset, *tasks, data_path=str(new.parent), insert_new=False)
    assert len(dataset) == 1
    import_tasks(dataset, *tasks, data_path=str(new.parent))
    assert len(dataset) == 2
    assert dataset.last().filepath == str(new) and boxes(dataset)[1] == [("cat", [0.1, 0.2, 0.3, 0.4])]


def test_a_file_without_a_labeling_config_tells_as_much_as_its_results(dataset, import_tasks):
    import_tasks(dataset, task(1, names(dataset)[0], box("a", 10), choice("rain")), labeling_config=None)
    assert boxes(dataset)[0] == [("cat", [0.1, 0.2, 0.3, 0.4])]
    assert dataset.first().weather.label == "rain"


def test_a_file_that_is_cut_off_changes_nothing(dataset, tmp_path):
    path = tmp_path / "export.json"
    path.write_text(json.dumps([task(1, names(dataset)[0], box("a", 10)), task(2, "x", box("a", 10))])[:-40])
    before = stored(dataset)
    with pytest.raises(ExportError, match=r"export\.json"):
        fo_labelstudio.import_annotations(dataset, json_path=path)
    assert stored(dataset) == before and "animals" not in dataset.get_field_schema()


@pytest.mark.parametrize(
    "arguments",
    [{}, {"json_path": "x", "project_id": 1}, {"task_ids": []}, {"project_id": 1, "labeling_config": "<View/>"}],
)
def test_what_makes_no_sense_is_refused(dataset, arguments):
    with pytest.raises(SettingsError, match=r"json_path|task_ids|url"):
        fo_labelstudio.import_annotations(dataset, **arguments)


def test_what_is_read_while_tasks_come_is_what_is_read_when_their_samples_are_known(
    dataset, import_tasks, caplog, monkeypatch
):
    first, second, third = names(dataset)
    tasks = [
        task(1, first, box("a", 10), choice("sun")),
        task(2, second, box("b", 50, "dog"), {"id": "x", "type": "rectanglelabels", "from_name": "animals"}),
        task(3, third, box("c", 20), {"type": "relation", "from_id": "c", "to_id": "d"}, box("d", 5)),
        task(4, third, box("a", 30)),
        task(5, first, choice("rain"), was_cancelled=True),
        task(6, "nobody.jpg", box("a", 30)),
    ]
    early, late = dataset.clone(), dataset.clone()
    import_tasks(early, *tasks)
    told = [record.getMessage() for record in caplog.records]
    caplog.clear()
    monkeypatch.setattr("fo_labelstudio.runs.import_annotations._Found._read_early", lambda *_: None)
    import_tasks(late, *tasks)
    assert [record.getMessage() for record in caplog.records] == told
    for field in ("animals.detections", "weather", "count"):
        assert str(early.values(field)) == str(late.values(field))
    assert early.count("animals.detections") == 5


def test_a_task_before_all_that_are_known_belongs_to_the_project_of_these(dataset, import_tasks):
    first, second, _ = names(dataset)
    import_tasks(dataset, task(2, second, box("a", 10)))
    (_, known, _) = dataset.values("animals.detections.id")
    import_tasks(dataset, task(1, first, box("a", 10)), task(2, second, box("a", 10), box("b", 30)))
    counts = dataset.values("animals.detections.id")
    assert counts[1][0] == known[0] and [len(ids or ()) for ids in counts] == [1, 2, 0]
    import_tasks(dataset, task(1, first), task(2, second))
    assert dataset.count("animals.detections") == 0


def test_where_sizes_of_media_are_known_images_that_were_drawn_on_another_size_are_told(dataset, import_tasks, caplog):
    dataset.compute_metadata()
    name = names(dataset)[0]
    import_tasks(dataset, task(1, name, box("a", 10, original_width=6400, original_height=4800)))
    assert "6400 x 4800" in caplog.text
    assert boxes(dataset)[0] == [("cat", [0.1, 0.2, 0.3, 0.4])]
