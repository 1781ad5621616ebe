from __future__ import annotations

import json

import fiftyone as fo
import pytest

import fo_labelstudio
from fo_labelstudio.errors import ExportError, LabelSchemaError, MatchError, RunError, SettingsError
from fo_labelstudio.runs import import_annotations, import_state
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
        return fo_labelstudio.import_annotations(dataset, json_path=path, **{"labeling_config": CONFIG, **options})

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


def test_a_task_is_read_once_while_the_next_ones_are_on_their_way(dataset, import_tasks, monkeypatch):
    first, second, _ = names(dataset)
    monkeypatch.delattr(import_annotations, "answers_of")
    import_tasks(dataset, task(1, first, box("a", 10)), task(2, second, box("b", 50)))
    assert boxes(dataset) == [[("cat", [0.1, 0.2, 0.3, 0.4])], [("cat", [0.5, 0.2, 0.3, 0.4])], None]


def test_importing_again_changes_nothing(dataset, import_tasks):
    tasks = [task(1, names(dataset)[0], box("a", 10), choice("sun"))]
    import_tasks(dataset, *tasks)
    before = stored(dataset)
    import_tasks(dataset, *tasks)
    import_tasks(dataset, *tasks, full=True)
    assert stored(dataset) == before


def test_importing_again_keeps_the_record_of_what_was_imported_as_it_is(dataset, import_tasks, monkeypatch):
    first, second, _ = names(dataset)
    import_tasks(dataset, task(1, first, box("a", 10)))
    saved = []
    save = import_state.save_record
    monkeypatch.setattr(import_state, "save_record", lambda *args: saved.append(args) or save(*args))
    import_tasks(dataset, task(1, first, box("a", 10)))
    assert saved == []
    import_tasks(dataset, task(1, first, box("a", 10)), task(2, second, box("b", 10)))
    assert len(saved) == 1
    dataset.delete_sample_field("animals")
    import_tasks(dataset, task(1, first, box("a", 10)), task(2, second, box("b", 10)))
    assert len(saved) > 1
    assert boxes(dataset)[:2] == [[("cat", [0.1, 0.2, 0.3, 0.4])]] * 2


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


def test_labels_of_a_task_that_is_not_in_the_import_stay_on_the_same_sample(dataset, import_tasks, caplog):
    first = names(dataset)[0]
    cat, dog = ("cat", [0.1, 0.2, 0.3, 0.4]), ("dog", [0.5, 0.2, 0.3, 0.4])
    import_tasks(dataset, task(1, first, box("a", 10)))
    import_tasks(dataset, task(2, first, box("b", 50, "dog")))
    assert boxes(dataset)[0] == [cat, dog]
    import_tasks(dataset, task(1, first, box("a", 10)), task(2, first, box("b", 50, "dog")))
    assert boxes(dataset)[0] == [cat, dog]
    import_tasks(dataset, task(1, first, box("a", 20)))
    assert boxes(dataset)[0] == [("cat", [0.2, 0.2, 0.3, 0.4]), dog]
    assert "task 2 shows sample" in caplog.text and "no label is deleted" in caplog.text
    import_tasks(dataset, task(1, first), task(2, first, box("b", 50, "dog")))
    assert boxes(dataset)[0] == [dog]


def test_imports_of_parts_of_a_project_and_of_all_of_it_know_of_each_other(dataset, import_tasks):
    first, second, third = names(dataset)
    tasks = [task(1, first, box("a", 10)), task(2, second, box("a", 20)), task(3, third, box("a", 30))]
    import_tasks(dataset, tasks[0])
    import_tasks(dataset, tasks[1])
    ids = dataset.values("animals.detections.id")
    import_tasks(dataset, *tasks)
    assert boxes(dataset) == [[("cat", [x, 0.2, 0.3, 0.4])] for x in (0.1, 0.2, 0.3)]
    assert dataset.values("animals.detections.id")[:2] == ids[:2]
    assert len(dataset.list_runs()) == 1
    before = stored(dataset)
    import_tasks(dataset, *tasks, full=True)
    import_tasks(dataset, tasks[1])
    assert stored(dataset) == before
    import_tasks(dataset, task(1, first), task(2, second), task(3, third))
    assert boxes(dataset) == [[], [], []] and len(dataset.list_runs()) == 1


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


@pytest.mark.parametrize(
    "unexpected, fields",
    [
        ("ignore", {"animals"}),
        ("return", {"animals"}),
        ("keep", {"animals", "classifications", "scalar"}),
        (["classifications"], {"animals", "classifications"}),
        ({"classifications": "w"}, {"animals", "w"}),
    ],
)
def test_labels_of_types_that_are_not_asked_for_are_left_or_kept(dataset, import_tasks, unexpected, fields):
    count = {**choice("x"), "from_name": "count", "type": "number", "value": {"number": 3}}
    tasks = [task(1, names(dataset)[0], box("a", 10), choice("sun"), count)]
    before = dataset.get_field_schema().keys()
    import_tasks(dataset, *tasks, label_types=["detections"], unexpected=unexpected)
    assert dataset.get_field_schema().keys() - before == fields
    for name in fields & {"classifications", "w"}:
        assert dataset.first()[name].label == "sun"
    if "scalar" in fields:
        assert dataset.values("scalar") == [3, None, None]


def test_labels_that_nobody_asked_for_are_returned_as_fiftyone_has_it(dataset, import_tasks):
    first, second, _ = names(dataset)
    count = {**choice("x"), "from_name": "count", "type": "number", "value": {"number": 3}}
    tasks = [task(1, first, box("a", 10), choice("sun"), count), task(2, second, box("b", 50, "dog"))]
    sample_ids = dataset.values("id")
    returned = import_tasks(dataset, *tasks, label_types=["classification"], unexpected="return")
    assert dataset.first().weather.label == "sun" and "animals" not in dataset.get_field_schema()
    assert returned["count"] == {"scalar": {sample_ids[0]: 3}}
    found = returned["animals"]["detections"]
    assert [(name, [label.label for label in of.values()]) for name, of in found.items()] == [
        (sample_ids[0], ["cat"]),
        (sample_ids[1], ["dog"]),
    ]
    assert all(label.id == label_id for of in found.values() for label_id, label in of.items())
    # Their tasks are known now, and they are returned again.
    again = import_tasks(dataset, *tasks, label_types=["classification"], unexpected="return")
    assert again["animals"]["detections"].keys() == found.keys()
    assert import_tasks(dataset, *tasks, unexpected="return") is None


def test_labels_of_control_tags_that_are_gone_are_kept_on_request(dataset, import_tasks, caplog):
    gone = {**choice("sunny"), "from_name": "mood", "id": "m"}
    tasks = [task(1, names(dataset)[0], box("a", 10), gone)]
    import_tasks(dataset, *tasks)
    assert "'mood' is not one of the project's" in caplog.text
    import_tasks(dataset, *tasks, unexpected="keep")
    assert dataset.first().classifications.label == "sunny"
    assert boxes(dataset)[0] == [("cat", [0.1, 0.2, 0.3, 0.4])]
    returned = import_tasks(dataset, *tasks, unexpected="return")
    assert [label.label for label in returned["mood"]["classifications"][dataset.first().id].values()] == ["sunny"]


def test_control_tags_that_cannot_share_the_field_of_their_label_type_keep_their_own(dataset, import_tasks):
    config = CONFIG.replace("</View>", '<Choices name="light" toName="img"><Choice value="dim"/></Choices></View>')
    light = {**choice("dim"), "from_name": "light", "id": "l"}
    tasks = [task(1, names(dataset)[0], box("a", 10), choice("sun"), light)]
    import_tasks(dataset, *tasks, labeling_config=config, label_types=["detections"], unexpected="keep")
    sample = dataset.first()
    assert (sample.weather.label, sample.light.label) == ("sun", "dim")
    assert "classifications" not in dataset.get_field_schema()


def test_somebody_at_a_terminal_is_asked_for_a_field_for_each_label_type(dataset, import_tasks, monkeypatch):
    answers = {"detections": "boxes", "classifications": "", "scalar": "number"}
    asked = []

    def answer(question):
        (label_type,) = (name for name in answers if f"'{name}'" in question)
        asked.append(label_type)
        return answers[label_type]

    monkeypatch.setattr("builtins.input", answer)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    tasks = [task(1, names(dataset)[0], box("a", 10), choice("sun"))]
    import_tasks(dataset, *tasks, label_types="prompt")
    assert sorted(asked) == ["classifications", "detections", "scalar"]
    assert boxes(dataset, "boxes")[0] == [("cat", [0.1, 0.2, 0.3, 0.4])]
    schema = dataset.get_field_schema()
    assert "number" in schema and not {"animals", "weather", "classifications"} & schema.keys()


def test_where_nobody_can_be_asked_unexpected_labels_are_skipped_and_told(dataset, import_tasks, caplog):
    tasks = [task(1, names(dataset)[0], box("a", 10), choice("sun"))]
    import_tasks(dataset, *tasks, label_types=["detections"], unexpected="prompt")
    assert "Skipping unexpected labels of type 'classifications', for nobody can be asked" in caplog.text


def test_arguments_of_the_import_from_cvat_that_are_none_are_left_out(dataset, import_tasks):
    import_tasks(dataset, task(1, names(dataset)[0], box("a", 10)), occluded_attr=None, group_id_attr=None)
    assert boxes(dataset)[0] == [("cat", [0.1, 0.2, 0.3, 0.4])]


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


def test_all_fields_that_cannot_hold_the_labels_are_named_with_their_control_tags(make_dataset, import_tasks):
    dataset = make_dataset({"animals": fo.Classification(label="x"), "weather": 3})
    with pytest.raises(LabelSchemaError) as raised:
        import_tasks(dataset, task(1, *names(dataset), box("a", 10)))
    text = str(raised.value)
    assert "control tag 'animals': field 'animals' cannot hold labels of type 'detections', because" in text
    assert "control tag 'weather': field 'weather'" in text
    assert "pass fields={" in text and "dest_field" not in text
    with pytest.raises(LabelSchemaError, match="control tag 'count': field 'filepath': 'filepath' is FiftyOne's own"):
        import_tasks(dataset, task(1, *names(dataset)), fields={"animals": "a", "weather": "w", "count": "filepath"})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"annotations": "newest"},
            "annotations is 'newest', expected 'latest', 'ground_truth', 'accepted', 'all', None, or the",
        ),
        ({"annotations": "bob@x.org"}, "no submitted annotation of 'bob@x.org'; there are some of 'ann@x.org'"),
        ({"annotations": "7"}, "no submitted annotation of '7'"),
        ({"predictions": "v2"}, "no prediction of 'v2'; there are some of 'v1'"),
        ({"predictions": ""}, "predictions is '', expected a model version"),
        ({"label_types": ["boxes"]}, "label_types: there is no label type 'boxes'; there are .*detections"),
        ({"unexpected": "kept"}, "unexpected is 'kept', expected one of 'prompt', 'ignore', 'keep', 'return'"),
        ({"unexpected": ["boxes"]}, "unexpected: there is no label type 'boxes'"),
        ({"unexpected": {"detections": 3}}, "unexpected holds 'detections': 3"),
        ({"label_types": "prompt"}, "label_types is 'prompt', but nobody can be asked"),
        ({"occluded_attr": "occluded"}, r"no flag for what is occluded .*fields=.*: 'occluded'}; leave occluded_attr"),
        ({"group_id_attr": "group"}, r"no id of a group .*fields=.*: 'group'}; leave group_id_attr out"),
        ({"label_types": "detections"}, r"label_types is 'detections', expected a list such as \['detections'\]"),
        ({"match": {"name": "filepath"}}, "match: no task has 'name' in its data, which has 'photo'"),
        ({"match": "filepath"}, "match is 'filepath', expected a dict"),
        ({"fields": ["animals"]}, "fields is .*, expected a dict"),
        ({"fields": {"animals": None}}, "fields holds 'animals': None, expected names"),
        ({"data_path": "/nowhere"}, "data_path: there is no folder or file '/nowhere'"),
        ({"data_path": 5}, "data_path is 5, expected a folder"),
        ({"download_media": True}, "download_media=True needs data_path"),
        ({"num_worker": 2}, "unknown setting 'num_worker' .* did you mean 'num_workers'"),
        ({"mask_tool": "brush"}, "unknown setting 'mask_tool'"),
    ],
)
def test_an_argument_that_names_nothing_is_refused_before_anything_changes(dataset, import_tasks, options, message):
    tasks = [task(1, names(dataset)[0], box("a", 10), completed_by={"id": 1, "email": "ann@x.org"})]
    tasks[0]["predictions"] = [{"id": 5, "model_version": "v1", "result": []}]
    before, schema = stored(dataset), set(dataset.get_field_schema())
    with pytest.raises(SettingsError, match=message):
        import_tasks(dataset, *tasks, **options)
    assert stored(dataset) == before and set(dataset.get_field_schema()) == schema and dataset.list_runs() == []


def test_questions_about_labels_that_are_not_wanted_are_no_problem(dataset, import_tasks, caplog):
    asked = '<TextArea name="remark" toName="img" perRegion="true"/></View>'
    config = CONFIG.replace("</View>", asked)
    text = box("a", 10, from_name="remark", type="textarea")
    text["value"] = {**text["value"], "text": ["small"]}
    tasks = [task(1, names(dataset)[0], box("a", 10), text, choice("sun"))]
    import_tasks(dataset, *tasks, labeling_config=config, label_types=["classification"])
    assert dataset.first().weather.label == "sun" and "could not be understood" not in caplog.text
    import_tasks(dataset, *tasks, labeling_config=config)
    assert dataset.first().animals.detections[0].remark == ["small"]


def test_a_new_sample_is_not_told_as_one_that_is_missing(make_dataset, import_tasks, tmp_path, caplog):
    dataset = make_dataset({})
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "new.png").write_bytes(open(dataset.first().filepath, "rb").read())
    tasks = [task(1, "new.png", box("a", 10)), task(2, "other.png", box("b", 10))]
    import_tasks(dataset, *tasks, data_path=tmp_path / "more")
    assert "there is no sample of 'other.png'" in caplog.text and "no sample of 'new.png'" not in caplog.text
    assert "download_media=True" in caplog.text


def test_tasks_without_an_answer_are_told(dataset, import_tasks, caplog):
    import_tasks(dataset, task(1, names(dataset)[0], was_cancelled=True))
    assert "no task has an answer that was asked for" in caplog.text
    assert dataset.list_runs() == []


def test_the_dataset_may_be_named(dataset, import_tasks):
    import_tasks(dataset.name, task(1, names(dataset)[0], box("a", 10)))
    dataset.reload()
    assert boxes(dataset) == [[("cat", [0.1, 0.2, 0.3, 0.4])], None, None]


@pytest.mark.database
@pytest.mark.parametrize(
    "samples, message", [("no such one", "there is no dataset 'no such one'"), (None, "sample_collection is None")]
)
def test_what_is_no_dataset_is_refused(samples, message, import_tasks):
    with pytest.raises(SettingsError, match=message):
        import_tasks(samples, task(1, "a.jpg", box("a", 10)))


@pytest.mark.parametrize(
    "arguments",
    [
        *({}, {"json_path": "x", "project_id": 1}, {"task_ids": []}, {"project_id": 1, "labeling_config": "<View/>"}),
        *({"task_ids": ["a"]}, {"project_name": 3}),
    ],
)
def test_what_makes_no_sense_is_refused(dataset, arguments):
    with pytest.raises(SettingsError, match=r"json_path|task_ids|url|project_name"):
        fo_labelstudio.import_annotations(dataset, **arguments)


@pytest.mark.parametrize("project_id", ["3", 3.0, True])
def test_the_id_of_a_project_is_a_number(dataset, project_id):
    # An import of project "3" would not know what one of project 3 has done.
    with pytest.raises(SettingsError, match="expected a number, such as project_id=42"):
        fo_labelstudio.import_annotations(dataset, project_id=project_id, url="http://localhost:1", api_key="k")


@pytest.mark.server
class TestOnAServer:
    @pytest.fixture
    def call(self, server, dataset):
        project = server.sign_in().post
        with_config = {"title": "somebody's", "label_config": CONFIG}
        made = project(f"{server.url}/api/projects/", json=with_config, timeout=60).json()
        tasks = [{"data": {"photo": name}} for name in names(dataset)]
        project(f"{server.url}/api/projects/{made['id']}/import", json=tasks, timeout=60).raise_for_status()

        def run(**arguments):
            connection = {"url": server.url, "api_key": server.legacy_token}
            fo_labelstudio.import_annotations(dataset, **{**connection, **arguments})

        run.project_id = made["id"]
        yield run
        server.sign_in().delete(f"{server.url}/api/projects/{made['id']}/", timeout=60)

    def test_tasks_that_are_not_there_are_named(self, call):
        with pytest.raises(RunError, match="has no task 900000001, 900000002; pass task_ids that are in it"):
            call(project_id=call.project_id, task_ids=[900000001, 900000002])
        with pytest.raises(RunError, match="there is no task 900000001 on"):
            call(task_ids=900000001)

    def test_imports_of_single_tasks_and_of_all_are_of_one_project(self, call, server, dataset):
        session, query = server.sign_in(), {"project": call.project_id, "fields": "all"}
        tasks = session.get(f"{server.url}/api/tasks", params=query, timeout=60).json()["tasks"]
        answered = [f"{server.url}/api/tasks/{task['id']}/annotations/" for task in tasks]
        for address in answered:
            session.post(address, json={"result": [box("a", 10)]}, timeout=60).raise_for_status()
        for task in tasks:
            call(task_ids=task["id"])
        ids = dataset.values("animals.detections.id")
        call(project_id=call.project_id)
        assert dataset.values("animals.detections.id") == ids and [len(one) for one in ids] == [1, 1, 1]
        assert len(dataset.list_runs()) == 1

    def test_tasks_without_an_answer_are_there(self, call, server, caplog):
        query = {"project": call.project_id, "fields": "all"}
        tasks = server.sign_in().get(f"{server.url}/api/tasks", params=query, timeout=60).json()["tasks"]
        call(task_ids=[task["id"] for task in tasks])
        assert "no task has an answer that was asked for" in caplog.text

    def test_a_project_that_is_not_there_is_named(self, call):
        with pytest.raises(RunError, match="there is no project 900000001 on"):
            call(project_id=900000001)
        with pytest.raises(RunError, match="no project is called 'somebody'; pass project_id"):
            call(project_name="somebody")


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


def test_what_is_read_ahead_joins_labels_that_are_there_as_what_is_read_later_does(dataset, import_tasks, monkeypatch):
    first, second, _ = names(dataset)
    there = fo.Detections(detections=[fo.Detection(label="own", bounding_box=[0.1, 0.1, 0.2, 0.2])])
    dataset.set_values("animals", [there, None, None])
    tasks = [task(1, first, box("a", 10), box("b", 30, "dog")), task(2, second, box("c", 50))]
    early, late = dataset.clone(), dataset.clone()
    import_tasks(early, *tasks)
    monkeypatch.setattr("fo_labelstudio.runs.import_annotations._Found._read_early", lambda *_: None)
    import_tasks(late, *tasks)
    assert str(early.values("animals.detections")) == str(late.values("animals.detections"))
    assert early.values("animals.detections.label") == [["own", "cat", "dog"], ["cat"], None]


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
