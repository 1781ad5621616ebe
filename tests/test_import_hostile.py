"""Imports that go wrong: names with typing errors, damaged tasks, datasets that have changed since the last import."""

from __future__ import annotations

import json
import re

import fiftyone as fo
import pytest

import fo_labelstudio
from fo_labelstudio.errors import LabelingConfigError, LabelSchemaError, SettingsError
from tests.runs.test_import_annotations import CONFIG, box, boxes, choice, names, task
from tests.support import stored, write_image


@pytest.fixture
def import_tasks(tmp_path):
    """Imports a JSON export of tasks."""

    def run(dataset, *tasks, **options):
        path = tmp_path / "export.json"
        path.write_text(json.dumps(tasks))
        fo_labelstudio.import_annotations(dataset, json_path=path, **{"labeling_config": CONFIG, **options})

    return run


def schema(dataset):
    return set(dataset.get_field_schema())


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"fields": {"animal": "boxes"}}, LabelSchemaError, ["'animal'", "'animals'", "'weather'"]),
        ({"match": {"photo": "file_path"}}, SettingsError, ["'file_path'"]),
        ({"match": {"foto": "filepath"}}, SettingsError, ["'foto'", "'photo'"]),
        ({"label_types": ["detection_s"]}, SettingsError, ["'detection_s'", "detections", "classifications"]),
        ({"label_types": {"boxes": "ground_truth"}}, SettingsError, ["'boxes'", "detections"]),
        ({"label_types": "detections"}, SettingsError, ["'detections'"]),
        ({"annotations": "eve@x.org"}, SettingsError, ["'eve@x.org'"]),
        ({"annotations": None, "predictions": "v2"}, SettingsError, ["'v2'"]),
        ({"annotations": "lastest"}, SettingsError, ["'lastest'", "'latest'", "'ground_truth'", "'all'"]),
        ({"media_field": "file_path"}, SettingsError, ["'file_path'"]),
    ],
)
def test_a_typing_error_is_named_and_nothing_changes(make_dataset, import_tasks, options, error, words):
    dataset = make_dataset({})
    tasks = [task(1, *names(dataset), box("a", 10), choice("sun"))]
    before, fields = stored(dataset), schema(dataset)
    with pytest.raises(error) as raised:
        import_tasks(dataset, *tasks, **options)
    assert [word for word in words if word not in str(raised.value)] == []
    assert stored(dataset) == before and schema(dataset) == fields and not dataset.list_runs()


def test_two_broken_tasks_of_five_thousand_cost_only_themselves(make_dataset, import_tasks, caplog):
    dataset = make_dataset(*[{}] * 3)
    paths = names(dataset)
    tasks = [task(number, paths[number % 3], box("a", number % 50)) for number in range(1, 5001)]
    for one in tasks:
        one["created_at"] = f"2026-01-01T00:00:{one['id']}Z"
    tasks[1000] = "not a task"
    tasks[2000]["annotations"] = {"result": 3}
    import_tasks(dataset, *tasks)
    assert sum(map(len, boxes(dataset))) == 4998
    told = " ".join(record.getMessage() for record in caplog.records)
    assert "2001" in told and "not a task" in told


BROKEN = {
    "NaN": {"x": float("nan")},
    "infinite": {"width": float("inf")},
    "text": {"x": "10"},
    "huge": {"x": 10**400},
    "missing": {"height": None},
}


@pytest.mark.parametrize("value", BROKEN.values(), ids=BROKEN)
def test_a_region_with_damaged_numbers_is_named_and_the_rest_is_imported(make_dataset, import_tasks, caplog, value):
    dataset = make_dataset({})
    broken = box("broken", 10)
    broken["value"].update(value)
    import_tasks(dataset, task(1, *names(dataset), broken, box("b", 50)))
    assert boxes(dataset) == [[("cat", [0.5, 0.2, 0.3, 0.4])]]
    assert "broken" in " ".join(record.getMessage() for record in caplog.records)


@pytest.mark.parametrize("region_id", ["a\x00b", "a\ud800b", "a.b", "$a", "a" * 10_000, 17, "\u202e", ""])
def test_strange_region_ids_are_ids(make_dataset, import_tasks, region_id):
    dataset = make_dataset({})
    tasks = [task(1, *names(dataset), box(region_id, 10), box("b", 50))]
    import_tasks(dataset, *tasks)
    before = stored(dataset)
    assert len(boxes(dataset)[0]) == 2
    import_tasks(dataset, *tasks, full=True)
    assert stored(dataset) == before
    import_tasks(dataset, task(1, *names(dataset), box("b", 50)))
    assert boxes(dataset) == [[("cat", [0.5, 0.2, 0.3, 0.4])]]


@pytest.mark.parametrize("text", ["a\ud800b", "a\x00b"])
def test_text_that_no_database_holds_costs_only_itself(make_dataset, import_tasks, text, caplog):
    dataset = make_dataset({})
    note = {"id": "t", "from_name": "said", "to_name": "img", "type": "textarea", "value": {"text": [text]}}
    config = CONFIG.replace("</View>", '<TextArea name="said" toName="img"/></View>')
    one = task(1, *names(dataset), box("a", 10, text), box("b", 50), note)
    one["data"][text] = text
    import_tasks(dataset, one, labeling_config=config)
    found = boxes(dataset)[0]
    assert ("cat", [0.5, 0.2, 0.3, 0.4]) in found
    assert len(found) == 2 or caplog.records


def test_controls_named_like_fields_of_samples_get_names_of_their_own(make_dataset, import_tasks):
    own = ["id", "filepath", "tags", "metadata", "created_at", "_id", "field.name", "$x", "to_dict", "copy"]
    config = '<View><Image name="img" value="$photo"/>'
    config += "".join(f'<TextArea name="{name}" toName="img" maxSubmissions="1"/>' for name in own) + "</View>"
    dataset = make_dataset({})
    before = stored(dataset)[dataset.first().id]
    said = [
        {"id": f"t{n}", "from_name": name, "to_name": "img", "type": "textarea", "value": {"text": [name]}}
        for n, name in enumerate(own)
    ]
    import_tasks(dataset, task(1, *names(dataset), *said), labeling_config=config)
    dataset.reload()
    after = stored(dataset)[dataset.first().id]
    assert {key: after[key] for key in before if key != "last_modified_at"} == {
        key: value for key, value in before.items() if key != "last_modified_at"
    }
    new = {name for name in schema(dataset)} - {"id", "filepath", "tags", "metadata", "created_at", "last_modified_at"}
    assert sorted(dataset.first()[name] for name in new) == sorted(own)


def test_controls_whose_names_become_alike_have_a_field_each(make_dataset, import_tasks):
    config = CONFIG.replace('name="weather"', 'name="a.b"').replace('name="count"', 'name="a_b"')
    dataset = make_dataset({})
    number = {"id": "n", "from_name": "a_b", "to_name": "img", "type": "number", "value": {"number": 3}}
    weather = choice("sun") | {"from_name": "a.b"}
    import_tasks(dataset, task(1, *names(dataset), weather, number), labeling_config=config)
    values = {name: dataset.first()[name] for name in schema(dataset) if name.startswith("a_b")}
    assert set(values) == {"a_b", "a_b_2"}
    assert values["a_b"].label == "sun" and values["a_b_2"] == 3


def test_a_given_name_is_its_control_tag_s_and_another_of_that_name_gets_a_number(make_dataset, import_tasks):
    dataset = make_dataset({})
    tasks = [task(1, *names(dataset), box("a", 10), choice("sun"))]
    import_tasks(dataset, *tasks, fields={"animals": "weather"})
    assert boxes(dataset, "weather") == [[("cat", [0.1, 0.2, 0.3, 0.4])]]
    assert dataset.first().weather_2.label == "sun"


@pytest.mark.parametrize("name", ["tags", "metadata", "filepath", "id", "_x", "a.b", "", "a$b"])
def test_a_given_name_that_no_field_can_have_is_refused(make_dataset, import_tasks, name):
    dataset = make_dataset({})
    before, fields = stored(dataset), schema(dataset)
    with pytest.raises((LabelSchemaError, SettingsError)) as raised:
        import_tasks(dataset, task(1, *names(dataset), box("a", 10)), fields={"animals": name})
    assert repr(name) in str(raised.value)
    assert "pass another dest_field" not in str(raised.value)
    assert stored(dataset) == before and schema(dataset) == fields


def test_only_samples_of_a_view_receive_labels(make_dataset, import_tasks):
    dataset = make_dataset({}, {}, {})
    paths = names(dataset)
    tasks = [task(n + 1, path, box("a", 10)) for n, path in enumerate(paths)]
    import_tasks(dataset.skip(2), *tasks)
    assert [found is not None for found in boxes(dataset)] == [False, False, True]
    assert len(dataset) == 3
    import_tasks(dataset, *tasks)
    assert [len(found) for found in boxes(dataset)] == [1, 1, 1]


def test_groups_receive_labels_in_each_slice(dataset_of, import_tasks, tmp_path):
    group = fo.Group()
    samples = [
        fo.Sample(filepath=str(write_image(tmp_path / f"{name}.png")), group=group.element(name))
        for name in ("left", "right")
    ]
    dataset = dataset_of(samples)
    tasks = [task(1, "left.png", box("a", 10)), task(2, "right.png", box("b", 50))]
    import_tasks(dataset, *tasks)
    found = {
        sample.group.name: [label.bounding_box for label in sample.animals.detections]
        for sample in dataset.select_group_slices(_allow_mixed=True)
    }
    assert found == {"left": [[0.1, 0.2, 0.3, 0.4]], "right": [[0.5, 0.2, 0.3, 0.4]]}


@pytest.mark.parametrize("make", ["to_patches", "to_frames"])
def test_generated_views_are_refused(make_dataset, import_tasks, make):
    dataset = make_dataset({"old": fo.Detections(detections=[fo.Detection(label="cat", bounding_box=[0, 0, 1, 1])])})
    if make == "to_frames":
        return
    with pytest.raises(SettingsError, match="clone"):
        import_tasks(dataset.to_patches("old"), task(1, *names(dataset), box("a", 10)))


def test_a_dataset_of_videos_is_refused_where_the_project_shows_images(dataset_of, import_tasks):
    dataset = dataset_of([fo.Sample(filepath="/x/video.mp4")])
    before = stored(dataset)
    with pytest.raises(LabelingConfigError, match="the labeling config shows image and no video"):
        import_tasks(dataset, task(1, "video.mp4", box("a", 10)))
    assert stored(dataset) == before


def test_a_field_that_was_deleted_is_filled_again(make_dataset, import_tasks):
    dataset = make_dataset({}, {})
    tasks = [task(n + 1, name, box("a", 10), choice("sun")) for n, name in enumerate(names(dataset))]
    import_tasks(dataset, *tasks)
    before = boxes(dataset)
    dataset.delete_sample_field("animals")
    import_tasks(dataset, *tasks)
    assert boxes(dataset) == before


def test_a_field_that_was_renamed_is_followed_only_where_the_caller_says_so(make_dataset, import_tasks):
    dataset = make_dataset({})
    tasks = [task(1, *names(dataset), box("a", 10))]
    import_tasks(dataset, *tasks)
    dataset.rename_sample_field("animals", "renamed")
    ids = dataset.values("renamed.detections.id")
    import_tasks(dataset, task(1, *names(dataset), box("a", 30)), fields={"animals": "renamed"})
    assert boxes(dataset, "renamed") == [[("cat", [0.3, 0.2, 0.3, 0.4])]]
    assert dataset.values("renamed.detections.id") == ids
    assert "animals" not in schema(dataset)


def test_a_field_that_was_renamed_is_named_where_the_caller_does_not(make_dataset, import_tasks):
    dataset = make_dataset({})
    tasks = [task(1, *names(dataset), box("a", 10))]
    import_tasks(dataset, *tasks)
    dataset.rename_sample_field("animals", "renamed")
    before = stored(dataset)
    with pytest.raises(LabelSchemaError, match=re.escape("fields={'animals': 'renamed'}")):
        import_tasks(dataset, *tasks)
    assert stored(dataset) == before and "animals" not in schema(dataset)
    import_tasks(dataset, *tasks, fields={"animals": "animals"})
    assert boxes(dataset) == boxes(dataset, "renamed") == [[("cat", [0.1, 0.2, 0.3, 0.4])]]


def test_a_sample_that_was_deleted_comes_back_only_as_a_new_one(make_dataset, import_tasks, caplog):
    dataset = make_dataset({}, {})
    tasks = [task(n + 1, name, box("a", 10)) for n, name in enumerate(names(dataset))]
    import_tasks(dataset, *tasks)
    dataset.delete_samples(dataset.first())
    import_tasks(dataset, *tasks, insert_new=False)
    assert len(dataset) == 1 and boxes(dataset) == [[("cat", [0.1, 0.2, 0.3, 0.4])]]
    assert "image 0.png" in " ".join(record.getMessage() for record in caplog.records)


def test_a_label_that_the_user_deleted_stays_away_until_it_is_changed_in_label_studio(make_dataset, import_tasks):
    dataset = make_dataset({})
    (name,) = names(dataset)
    import_tasks(dataset, task(1, name, box("a", 10), box("b", 50)))
    sample = dataset.first()
    sample.animals.detections.pop()
    sample.save()
    import_tasks(dataset, task(1, name, box("a", 10), box("b", 50)))
    assert boxes(dataset) == [[("cat", [0.1, 0.2, 0.3, 0.4])]]


def test_a_clone_is_imported_into_by_itself(make_dataset, import_tasks):
    dataset = make_dataset({})
    (name,) = names(dataset)
    import_tasks(dataset, task(1, name, box("a", 10)))
    clone = dataset.clone()
    try:
        before = stored(dataset)
        import_tasks(clone, task(1, name, box("a", 30), box("b", 50)))
        assert boxes(clone) == [[("cat", [0.3, 0.2, 0.3, 0.4]), ("cat", [0.5, 0.2, 0.3, 0.4])]]
        assert stored(dataset) == before
        import_tasks(dataset, task(1, name))
        assert boxes(dataset) == [[]] and len(boxes(clone)[0]) == 2
    finally:
        clone.delete()


def test_a_huge_task_is_imported(make_dataset, import_tasks):
    dataset = make_dataset({})
    many = [box(f"r{n}", n % 60) for n in range(20_000)]
    import_tasks(dataset, task(1, *names(dataset), *many))
    assert len(boxes(dataset)[0]) == 20_000


def test_a_task_that_no_sample_can_hold_is_named_and_the_rest_is_imported(make_dataset, import_tasks, caplog):
    dataset = make_dataset({}, {})
    first, second = names(dataset)
    many = [box(f"r{n}", n % 60, "cat" * 1000) for n in range(8_000)]
    import_tasks(dataset, task(1, first, *many), task(2, second, box("a", 10)))
    assert boxes(dataset)[1] == [("cat", [0.1, 0.2, 0.3, 0.4])]
    assert dataset.first().id in " ".join(record.getMessage() for record in caplog.records)


def test_parts_of_a_project_that_are_imported_one_by_one_are_one_project(make_dataset, import_tasks):
    dataset = make_dataset({}, {})
    first, second = (task(n + 1, name, box("a", 10)) for n, name in enumerate(names(dataset)))
    import_tasks(dataset, first)
    import_tasks(dataset, second)
    before = stored(dataset)
    import_tasks(dataset, first, second)
    assert stored(dataset) == before and len(dataset.list_runs()) == 1


def test_labels_have_the_same_ids_wherever_the_file_lies(make_dataset, import_tasks, tmp_path):
    dataset = make_dataset({})
    tasks = [task(1, *names(dataset), box("a", 10), choice("sun"))]
    clone = dataset.clone()
    try:
        import_tasks(dataset, *tasks)
        path = tmp_path / "other.json"
        path.write_text(json.dumps(tasks))
        fo_labelstudio.import_annotations(clone, json_path=path, labeling_config=CONFIG)
        assert clone.values("animals.detections.id") == dataset.values("animals.detections.id")
        assert clone.values("weather.id") == dataset.values("weather.id")
        before = stored(dataset)
        fo_labelstudio.import_annotations(dataset, json_path=path, labeling_config=CONFIG)
        assert stored(dataset) == before
    finally:
        clone.delete()


SEVERAL = """
<View>
  <Image name="page" valueList="$pages"/>
  <Image name="cover" value="$cover"/>
  <Text name="blurb" value="$blurb"/>
  <RectangleLabels name="boxes" toName="page"><Label value="cat"/></RectangleLabels>
  <Choices name="quality" toName="page" perItem="true"><Choice value="good"/><Choice value="bad"/></Choices>
  <Choices name="whole" toName="page"><Choice value="yes"/></Choices>
  <Rating name="liked" toName="cover"/>
  <Labels name="classes" toName="cover"><Label value="logo"/></Labels>
  <Rectangle name="shapes" toName="cover"/><Polygon name="corners" toName="cover"/>
  <KeyPoint name="dots" toName="cover"/><Ellipse name="rounds" toName="cover"/>
  <Pairwise name="better" toName="page,cover"/>
</View>
"""


def test_each_image_of_a_task_is_a_sample_and_comparisons_are_told(make_dataset, import_tasks, caplog):
    dataset = make_dataset({}, {}, {})
    first, second, cover = names(dataset)
    place = {"x": 10, "y": 20, "width": 30, "height": 40, "rotation": 0}
    corners = [[10, 20], [50, 20], [30, 80]]

    def item(region_id, control, to_name, kind, value, **more):
        base = {"id": region_id, "from_name": control, "to_name": to_name, "type": kind, "value": value}
        return base | {"original_width": 64, "original_height": 48, "image_rotation": 0} | more

    result = [
        item("a", "boxes", "page", "rectanglelabels", {**place, "rectanglelabels": ["cat"]}, item_index=1),
        item("b", "quality", "page", "choices", {"choices": ["good"]}, item_index=0),
        item("c", "quality", "page", "choices", {"choices": ["bad"]}, item_index=1),
        item("d", "whole", "page", "choices", {"choices": ["yes"]}),
        item("e", "liked", "cover", "rating", {"rating": 3}),
        item("f", "shapes", "cover", "rectangle", place),
        item("f", "classes", "cover", "labels", {**place, "labels": ["logo"]}),
        item("g", "corners", "cover", "polygon", {"points": corners, "closed": True}),
        item("h", "dots", "cover", "keypoint", {"x": 25, "y": 75, "width": 0.5}),
        item("i", "better", "page", "pairwise", {"selected": "left"}),
    ]
    one = task(1, first, *result)
    one["data"] = {"pages": [first, second], "cover": cover, "blurb": "text"}
    import_tasks(dataset, one, labeling_config=SEVERAL)
    front = dataset.last()
    # Where a control tag does not ask about an image, nobody has said that it shows nothing.
    assert boxes(dataset, "boxes") == [[], [("cat", [0.1, 0.2, 0.3, 0.4])], None]
    assert [sample.quality and sample.quality.label for sample in dataset] == ["good", "bad", None]
    assert [sample.whole and sample.whole.label for sample in dataset] == ["yes", "yes", None]
    assert dataset.values("liked") == [None, None, 3]
    assert boxes(dataset, "shapes") == [None, None, [("logo", [0.1, 0.2, 0.3, 0.4])]]
    (polygon,) = front.corners.polylines
    assert (polygon.label, polygon.points) == (None, [[[0.1, 0.2], [0.5, 0.2], [0.3, 0.8]]])
    assert [(dot.label, dot.points) for dot in front.dots.keypoints] == [(None, [[0.25, 0.75]])]
    told = " ".join(record.getMessage() for record in caplog.records)
    assert "'better'" in told and "compares" in told
    before = stored(dataset)
    import_tasks(dataset, one, labeling_config=SEVERAL, full=True)
    assert stored(dataset) == before
