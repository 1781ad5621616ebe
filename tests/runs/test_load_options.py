"""Which answers a load takes, and what else it writes: options of a call, or of the run."""

from __future__ import annotations

import json
from datetime import datetime

import fiftyone as fo
import pytest
from fiftyone import ViewField as F

import fo_labelstudio
from fo_labelstudio.backend import LabelStudioBackendConfig
from fo_labelstudio.convert.annotation.review import Review
from fo_labelstudio.errors import LabelSchemaError, SettingsError
from fo_labelstudio.runs.load_annotations import load_run
from fo_labelstudio.runs.load_options import LoadOptions
from tests.memory import annotate_in_memory
from tests.support import stored

SCHEMA = {"gt": {"type": "detections", "classes": ["cat", "dog"], "existing_field": True}}
ANN, BOB = "ann@x.org", "bob@x.org"
TIMES = {1: "2026-11-20T10:00:01.250000Z", 2: "2026-11-20T10:00:02Z", 3: "2026-11-20T10:00:03Z"}


def relabelled(name):
    def edit(result):
        return [
            {**region, "value": {**region["value"], "rectanglelabels": [name]}} if place == 0 else region
            for place, region in enumerate(result)
        ]

    return edit


def drawn(result):
    value = {"x": 5, "y": 5, "width": 10, "height": 10, "rotation": 0, "rectanglelabels": ["dog"]}
    region = {"id": "drawn", "from_name": "gt", "to_name": "image", "type": "rectanglelabels", "value": value}
    return [*result, {**region, "original_width": 64, "original_height": 48, "image_rotation": 0}]


@pytest.fixture
def sent(make_dataset):
    """A dataset of two samples of two cats each, the run's results, and its project with two annotators."""
    boxes = [[0.1, 0.1, 0.2, 0.2], [0.4, 0.1, 0.2, 0.2]]
    dataset = make_dataset(
        *(
            {"gt": fo.Detections(detections=[fo.Detection(label="cat", bounding_box=box) for box in boxes])}
            for _ in range(2)
        )
    )
    results, project = annotate_in_memory(dataset, "run", SCHEMA)
    project.users = {1: ANN, 2: BOB}
    return dataset, results, project


def answer(project, task_id, edit, number, who, **values):
    project.submit(task_id, edit, id=number, completed_by=who, updated_at=TIMES[number], **values)


def load(results, project, **options):
    returned = load_run(results, LoadOptions(unexpected="ignore", **options), project)
    results.save()
    results.dataset.reload()
    return returned


def labels(dataset, field="gt"):
    return dataset.values(f"{field}.detections.label")


@pytest.mark.database
def test_what_a_load_has_brought_from_one_annotator_is_not_said_of_another(make_dataset):
    box = fo.Detection(label="cat", bounding_box=[0.1, 0.1, 0.2, 0.2])
    dataset = make_dataset({"gt": fo.Detections(detections=[box]), "note": "sent"})
    schema = {**SCHEMA, "note": {"type": "scalar", "classes": [], "existing_field": True}}
    results, project = annotate_in_memory(dataset, "run", schema)
    project.users = {1: ANN, 2: BOB}

    def corrected(result):
        values = {"rectanglelabels": {"rectanglelabels": ["dog"]}, "textarea": {"text": ["of Bob"]}}
        return [{**region, "value": {**region["value"], **values[region["type"]]}} for region in result]

    answer(project, 1, lambda result: result, 1, who=1)
    answer(project, 1, corrected, 2, who=2)
    load(results, project)
    assert (labels(dataset), dataset.values("note")) == ([["dog"]], ["of Bob"])
    load(results, project, annotations="all")
    assert (labels(dataset, "gt_ann_x_org"), dataset.values("note_ann_x_org")) == ([["cat"]], ["sent"])
    assert (labels(dataset, "gt_bob_x_org"), dataset.values("note_bob_x_org")) == ([["dog"]], ["of Bob"])
    assert dataset.first().gt_ann_x_org.detections[0].id == box.id


@pytest.mark.database
class TestWhichAnnotationCounts:
    @pytest.fixture
    def answered(self, sent):
        """Ann says dog of the first box of the first sample, Bob deletes all; of the second, only Ann has answered."""
        _, results, project = sent
        first, second = results.tasks.values()
        answer(project, first, relabelled("dog"), 1, 1, ground_truth=True)
        answer(project, first, lambda result: [], 2, 2, ground_truth=False)
        answer(project, second, drawn, 3, 1, ground_truth=False)
        return sent

    def test_the_newest_one_by_default(self, answered):
        dataset, results, project = answered
        load(results, project)
        assert labels(dataset) == [[], ["cat", "cat", "dog"]]

    def test_the_one_that_is_marked_as_ground_truth(self, answered):
        dataset, results, project = answered
        load(results, project, annotations="ground_truth")
        assert labels(dataset) == [["dog", "cat"], ["cat", "cat"]]

    def test_the_newest_one_that_a_reviewer_has_accepted(self, answered):
        dataset, results, project = answered
        project.reviewed = {1: Review("fixed"), 2: Review("rejected"), 3: Review("rejected")}
        load(results, project, annotations="accepted")
        assert labels(dataset) == [["dog", "cat"], ["cat", "cat"]]
        project.reviewed[3] = Review("accepted")
        load(results, project, annotations="accepted")
        assert labels(dataset) == [["dog", "cat"], ["cat", "cat", "dog"]]

    def test_what_was_accepted_is_refused_where_nobody_can_review(self, answered):
        _, results, project = answered
        with pytest.raises(SettingsError, match="the server has no reviews: they are of Label Studio Enterprise"):
            load(results, project, annotations="accepted")

    @pytest.mark.parametrize("who", [ANN, "ANN@x.org", "1", "user 1"])
    def test_that_of_one_annotator(self, answered, who):
        dataset, results, project = answered
        load(results, project, annotations=who)
        assert labels(dataset) == [["dog", "cat"], ["cat", "cat", "dog"]]

    def test_somebody_whom_the_server_does_not_know_is_refused(self, answered):
        dataset, results, project = answered
        before = stored(dataset)
        with pytest.raises(SettingsError, match=r"nobody on the server is 'an@x.org'; there are ann@x.org, bob@x.org"):
            load(results, project, annotations="an@x.org")
        assert stored(dataset) == before

    def test_where_nobody_has_answered_there_are_no_fields_of_annotators(self, sent):
        dataset, results, project = sent
        load(results, project, annotations="all")
        assert [name for name in dataset.get_field_schema() if name.startswith("gt")] == ["gt"]
        assert len(results.configs) == 1

    def test_each_annotators_in_a_field_of_their_own_named_as_in_imports(self, answered):
        dataset, results, project = answered
        before = stored(dataset)
        load(results, project, annotations="all")
        assert labels(dataset, "gt_ann_x_org") == [["dog", "cat"], ["cat", "cat", "dog"]]
        assert labels(dataset, "gt_bob_x_org") == [[], None]
        assert {sample_id: doc["gt"] for sample_id, doc in stored(dataset).items()} == {
            sample_id: doc["gt"] for sample_id, doc in before.items()
        }

    def test_what_was_changed_in_fiftyone_too_is_told_of_each_annotator(self, sent):
        dataset, results, project = sent
        first, _ = results.tasks.values()
        answer(project, first, relabelled("dog"), 1, 1)
        answer(project, first, relabelled("dog"), 2, 2)
        sample = dataset.first()
        sample.gt.detections[0].label = "bird"
        sample.save()
        load(results, project, annotations="all", on_conflict="dataset")
        told = [(row["label_field"], row["aspect"], row["annotator"]) for row in results.conflicts]
        assert told == [("gt_ann_x_org", "class", "dog"), ("gt_bob_x_org", "class", "dog")]
        assert labels(dataset, "gt_ann_x_org")[0] == labels(dataset, "gt_bob_x_org")[0] == ["bird", "cat"]
        assert len(results.left_behind) == 2
        load(results, project, annotations="all", on_conflict="dataset")
        assert results.conflicts == results.left_behind == []

    def test_fields_of_annotators_begin_with_the_destination(self, answered):
        dataset, results, project = answered
        load(results, project, annotations="all", dest_field="mine")
        assert {"mine_ann_x_org", "mine_bob_x_org"} <= set(dataset.get_field_schema())
        assert "mine" not in dataset.get_field_schema()

    def test_later_loads_add_what_an_annotator_and_another_one_have_done_since(self, answered):
        dataset, results, project = answered
        load(results, project, annotations="all")
        project.users[3] = "eve@x.org"
        second = list(results.tasks.values())[1]
        project.submit(second, id=4, completed_by=3, updated_at="2026-11-20T10:00:04Z")
        project.by_id[second]["annotations"][0].update(result=[], updated_at="2026-11-20T10:00:05Z")
        project.pages.clear()
        load(results, project, annotations="all")
        assert labels(dataset, "gt_ann_x_org") == [["dog", "cat"], []]
        assert labels(dataset, "gt_eve_x_org") == [None, ["cat", "cat"]]
        assert labels(dataset, "gt_bob_x_org") == [[], None]

    def test_the_field_of_an_annotator_keeps_its_name_whoever_comes_later(self, answered):
        dataset, results, project = answered
        load(results, project, annotations="all")
        project.users[3] = "ann_x@org"
        second = list(results.tasks.values())[1]
        project.submit(second, id=4, completed_by=3, updated_at="2026-11-20T10:00:04Z")
        for _ in range(2):
            load(results, project, annotations="all")
        fields = [name for name in dataset.get_field_schema() if name.startswith("gt_ann")]
        assert fields[0] == "gt_ann_x_org" and len(fields) == 2 and fields[1].startswith("gt_ann_x_org_")
        assert labels(dataset, fields[1]) == [None, ["cat", "cat"]]

    def test_what_nobody_expects_is_kept_for_each_annotator(self, answered):
        dataset, results, project = answered

        def ellipse(result):
            region = {"id": "eye", "from_name": "eyes", "to_name": "image", "type": "ellipselabels"}
            region["value"] = {"x": 50, "y": 50, "radiusX": 10, "radiusY": 10, "rotation": 0, "ellipselabels": ["eye"]}
            return [*result, region]

        project.submit(
            next(iter(results.tasks.values())), ellipse, id=5, completed_by=2, updated_at="2026-11-20T11:00:00Z"
        )
        load_run(results, LoadOptions(unexpected="keep", annotations="all"), project)
        dataset.reload()
        assert dataset.values("polylines_bob_x_org.polylines.label", unwind=True) == ["eye"]
        assert "polylines" not in dataset.get_field_schema()

    def test_a_broken_task_is_told_of_where_each_annotators_answers_are_asked_for(self, answered, caplog):
        _, results, project = answered
        first = next(iter(results.tasks.values()))
        project.by_id[first]["annotations"] = [{"id": 1, "result": []}]
        load(results, project, annotations="all")
        assert f"task {first}: one of its annotations does not say whether it was submitted" in caplog.text


@pytest.mark.database
class TestProvenance:
    def test_labels_that_were_changed_or_added_say_who_did_it(self, sent):
        dataset, results, project = sent
        first, second = results.tasks.values()
        answer(project, first, relabelled("dog"), 1, 1, lead_time=7.5)
        answer(project, second, drawn, 3, 2)
        load(results, project, provenance="labels")
        edited, untouched = dataset.first().gt.detections
        assert (edited.annotator, edited.annotation_id, edited.lead_time) == (ANN, 1, 7.5)
        assert edited.annotated_at == datetime(2026, 11, 20, 10, 0, 1, 250000)
        assert "annotator" not in untouched.field_names
        added = dataset.last().gt.detections[-1]
        assert (added.annotator, added.annotation_id, added.get_attribute_value("lead_time", None)) == (BOB, 3, None)

    def test_labels_can_be_filtered_by_it(self, sent):
        dataset, results, project = sent
        answer(project, next(iter(results.tasks.values())), relabelled("dog"), 1, 1, lead_time=7.5)
        load(results, project, provenance="labels")
        assert len(dataset.filter_labels("gt", F("annotator") == ANN)) == 1
        assert len(dataset.filter_labels("gt", F("lead_time") > 7)) == 1
        assert len(dataset.filter_labels("gt", F("annotated_at") > datetime(2026, 11, 20))) == 1

    def test_labels_that_nobody_touched_stay_bit_identical(self, sent):
        dataset, results, project = sent
        before = stored(dataset)
        for task_id in results.tasks.values():
            answer(project, task_id, lambda result: result, 1, 1)
        load(results, project, provenance="labels")
        assert stored(dataset) == before

    def test_a_second_load_writes_nothing(self, sent):
        dataset, results, project = sent
        answer(project, next(iter(results.tasks.values())), drawn, 1, 1, lead_time=7.5)
        answer(project, next(iter(results.tasks.values())), relabelled("dog"), 2, 1, lead_time=7.5)
        load(results, project, provenance="labels")
        before = stored(dataset)
        load(results, project, provenance="labels", full=True)
        assert stored(dataset) == before

    @pytest.mark.parametrize("is_reloaded", [False, True])
    def test_an_edit_that_is_taken_back_takes_it_away(self, sent, is_reloaded):
        dataset, results, project = sent
        before = stored(dataset)
        first = next(iter(results.tasks.values()))
        answer(project, first, relabelled("dog"), 1, 1, lead_time=7.5)
        load(results, project, provenance="labels")
        if is_reloaded:
            dataset._annotation_cache.clear()
            results = dataset.load_annotation_results("run", url="http://memory", api_key="none")
        started = project.by_id[first]["predictions"][0]["result"]
        project.by_id[first]["annotations"][0].update(result=started, updated_at=TIMES[2])
        load(results, project, provenance="labels")
        assert {name: doc["gt"] for name, doc in stored(dataset).items()} == {
            name: doc["gt"] for name, doc in before.items()
        }

    @pytest.mark.parametrize("is_reloaded", [False, True])
    def test_a_later_load_that_does_not_ask_leaves_it_as_long_as_the_same_annotation_counts(self, sent, is_reloaded):
        dataset, results, project = sent
        first = next(iter(results.tasks.values()))
        answer(project, first, lambda result: drawn(relabelled("dog")(result)), 1, 1, lead_time=7.5)
        load(results, project, provenance="labels")
        before = stored(dataset)
        if is_reloaded:
            dataset._annotation_cache.clear()
            results = dataset.load_annotation_results("run", url="http://memory", api_key="none")
        load(results, project, full=True)
        assert stored(dataset) == before
        answer(project, first, lambda result: drawn(relabelled("dog")(result)), 2, 2)
        load(results, project)
        assert labels(dataset)[0] == ["dog", "cat", "dog"]
        for label in dataset.first().gt.detections:
            assert label.get_attribute_value("annotator", None) is None

    def test_samples_say_who_answered_them(self, sent):
        dataset, results, project = sent
        first = next(iter(results.tasks.values()))
        answer(project, first, lambda result: result, 1, 1, lead_time=7.5)
        before = stored(dataset)[dataset.first().id]["gt"]
        load(results, project, provenance="samples")
        made = dataset.first().run_provenance
        assert (made.annotator, made.annotation_id, made.lead_time) == (ANN, 1, 7.5)
        assert made.annotated_at == datetime(2026, 11, 20, 10, 0, 1, 250000)
        assert stored(dataset)[dataset.first().id]["gt"] == before
        assert dataset.last().run_provenance is None
        assert len(dataset.match(F("run_provenance.annotator") == ANN)) == 1
        assert dataset.distinct("run_provenance.annotator") == [ANN]

    def test_samples_that_say_so_already_are_not_written_to(self, sent):
        dataset, results, project = sent
        answer(project, next(iter(results.tasks.values())), lambda result: result, 1, 1)
        load(results, project, provenance="samples")
        before = stored(dataset)
        load(results, project, provenance="samples", full=True)
        assert stored(dataset) == before

    def test_each_annotator_has_a_field_that_says_when(self, sent):
        dataset, results, project = sent
        first = next(iter(results.tasks.values()))
        answer(project, first, lambda result: result, 1, 1)
        answer(project, first, lambda result: result, 2, 2)
        load(results, project, provenance="samples", annotations="all")
        sample = dataset.first()
        assert sample.run_provenance_ann_x_org.annotation_id == 1
        assert sample.run_provenance_bob_x_org.annotation_id == 2

    @pytest.mark.parametrize("who", [2, {"id": 2, "email": BOB}])
    def test_a_finished_annotation_is_of_who_has_edited_it_not_of_who_sent_it(self, sent, who):
        dataset, results, project = sent
        first, _ = results.tasks.values()
        project.by_id[first]["meta"]["fiftyone"]["annotation"] = 7
        sent_as = {"import_id": 7, "updated_by": who, "created_at": "2026-11-20T09:00:00Z"}
        answer(project, first, relabelled("dog"), 1, 1, created_username=f"Ann {ANN}, 1", **sent_as)
        load(results, project, annotations=ANN)
        assert labels(dataset)[0] == ["cat", "cat"]
        load(results, project, annotations=BOB, provenance="samples")
        assert labels(dataset)[0] == ["dog", "cat"]
        assert dataset.first().run_provenance.annotator == BOB
        load(results, project, annotations="all")
        assert labels(dataset, "gt_bob_x_org")[0] == ["dog", "cat"]
        assert dataset.get_field("gt_ann_x_org") is None

    def test_an_attribute_of_the_same_name_is_refused(self, sent):
        dataset, results, project = sent
        schema = {"gt": {**SCHEMA["gt"], "attributes": {"annotator": {"type": "text"}}}}
        results, project = annotate_in_memory(dataset, "other", schema)
        project.submit(next(iter(results.tasks.values())), relabelled("dog"))
        before = stored(dataset)
        with pytest.raises(LabelSchemaError, match=r"in the attribute 'annotator': .* pass provenance='samples'"):
            load_run(results, LoadOptions(provenance="labels"), project)
        assert stored(dataset) == before

    def test_another_field_of_the_name_is_refused_before_anything_is_loaded(self, sent):
        dataset, results, project = sent
        dataset.add_sample_field("run_provenance", fo.StringField)
        answer(project, next(iter(results.tasks.values())), relabelled("dog"), 1, 1)
        before = stored(dataset)
        with pytest.raises(LabelSchemaError, match="'run_provenance' of the dataset holds something else"):
            load(results, project, provenance="samples")
        assert stored(dataset) == before

    def test_nothing_is_written_where_nobody_asks(self, sent):
        dataset, results, project = sent
        answer(project, next(iter(results.tasks.values())), relabelled("dog"), 1, 1)
        load(results, project)
        assert "annotator" not in dataset.first().gt.detections[0].field_names
        assert "run_provenance" not in dataset.get_field_schema()


@pytest.mark.database
class TestSkipped:
    def test_skipped_tasks_are_left_alone_by_default(self, sent):
        dataset, results, project = sent
        before = stored(dataset)
        answer(project, next(iter(results.tasks.values())), lambda result: [], 1, 1, was_cancelled=True)
        load(results, project)
        assert stored(dataset) == before

    def test_their_samples_are_tagged_until_somebody_answers(self, sent):
        dataset, results, project = sent
        first, second = results.tasks.values()
        answer(project, first, lambda result: [], 1, 1, was_cancelled=True)
        load(results, project, skipped="tag")
        assert dataset.values("tags") == [["run:skipped"], []]
        answer(project, first, lambda result: result, 2, 2)
        answer(project, second, lambda result: [], 3, 1, was_cancelled=True)
        load(results, project, skipped="tag")
        assert dataset.values("tags") == [[], ["run:skipped"]]
        project.by_id[second]["annotations"].clear()
        load(results, project, skipped="tag")
        assert dataset.values("tags") == [[], []]

    def test_a_skip_that_is_taken_back_is_seen_among_very_many_tasks(self, sent):
        dataset, results, project = sent
        project.lists_all = False
        first = next(iter(results.tasks.values()))
        answer(project, first, lambda result: [], 1, 1, was_cancelled=True)
        load(results, project, skipped="tag")
        project.by_id[first]["annotations"].clear()
        load(results, project, skipped="tag")
        assert dataset.values("tags") == [[], []]

    def test_the_tasks_of_a_json_export_are_those_of_their_samples(self, sent, tmp_path):
        dataset, results, project = sent
        _, second = results.tasks.values()
        answer(project, second, lambda result: [], 1, 1, was_cancelled=True)
        path = tmp_path / "export.json"
        # Of what was imported into another project, the ids are others.
        path.write_text(json.dumps([{**task, "id": 3 - task["id"]} for task in project.by_id.values()]))
        fo_labelstudio.load_annotations(dataset, "run", json_path=path, unexpected="ignore", skipped="tag")
        dataset.reload()
        assert dataset.values("tags") == [[], ["run:skipped"]]
        load(results, project, skipped="tag")
        assert dataset.values("tags") == [[], ["run:skipped"]]

    @pytest.mark.parametrize("full", [False, True])
    def test_the_tag_is_the_runs_so_that_each_load_says_how_things_are(self, sent, full):
        dataset, results, project = sent
        answer(project, next(iter(results.tasks.values())), lambda result: [], 1, 1, was_cancelled=True)
        load(results, project, skipped="tag")
        dataset.untag_samples("run:skipped")
        dataset.skip(1).tag_samples("run:skipped")
        dataset.tag_samples("mine")
        load(results, project, skipped="tag", full=full)
        assert dataset.values("tags") == [["mine", "run:skipped"], ["mine"]]


class TestWhereOptionsComeFrom:
    def test_the_call_comes_before_the_run(self):
        config = LabelStudioBackendConfig("labelstudio", None, annotations="all", provenance="samples", skipped="tag")
        assert LoadOptions.of({}, config)[3:7] == ("all", False, "samples", "tag")
        given = {"annotations": ANN, "provenance": False, "full": True}
        assert LoadOptions.of(given, config)[3:7] == (ANN, True, None, "tag")

    def test_without_either_the_newest_answers_count_and_nothing_else_is_written(self):
        config = LabelStudioBackendConfig("labelstudio", None)
        assert LoadOptions.of({"annotations": None}, config) == LoadOptions()

    def test_what_counts_of_conflicts_too_is_said_by_the_call_and_then_by_the_run(self):
        config = LabelStudioBackendConfig("labelstudio", None, on_conflict="dataset")
        assert LoadOptions.of({}, config).on_conflict == "dataset"
        assert LoadOptions.of({"on_conflict": "annotator"}, config).on_conflict == "annotator"
        assert LoadOptions.of({}, LabelStudioBackendConfig("labelstudio", None)).on_conflict == "annotator"

    @pytest.mark.parametrize(
        ("settings", "message"),
        [
            ({"on_conflict": "mine"}, "on_conflict is 'mine', expected 'annotator', 'dataset' or 'keep_both'"),
            (
                {"annotations": "newest"},
                "annotations is 'newest', expected 'latest', 'ground_truth', 'accepted', 'all', or the e-m",
            ),
            ({"annotations": 3}, "annotations is 3, expected"),
            ({"provenance": "fields"}, "provenance is 'fields', expected 'labels', 'samples', or False"),
            ({"skipped": True}, "skipped is True, expected 'leave' or 'tag'"),
        ],
    )
    def test_what_makes_no_sense_is_refused(self, settings, message):
        with pytest.raises(SettingsError, match=message):
            LabelStudioBackendConfig("labelstudio", None, **settings)
        with pytest.raises(SettingsError, match=message):
            LoadOptions.of(settings, None)

    def test_full_is_an_option_of_a_load_and_of_no_run(self):
        with pytest.raises(SettingsError, match="unknown setting 'full'"):
            LabelStudioBackendConfig("labelstudio", None, full=True)
        with pytest.raises(SettingsError, match="full is 'yes', expected True or False"):
            LoadOptions.of({"full": "yes"}, None)


@pytest.mark.database
class TestCachedResults:
    """FiftyOne ignores the keyword arguments of a load where it has the results of the run already (1.22.1)."""

    @pytest.fixture
    def answered(self, sent, monkeypatch):
        dataset, results, project = sent
        first = next(iter(results.tasks.values()))
        answer(project, first, relabelled("dog"), 1, 1)
        answer(project, first, lambda result: [], 2, 2)
        monkeypatch.setattr("fo_labelstudio.runs.load_annotations._source_of", lambda results: project)
        assert dataset.load_annotation_results("run") is dataset.load_annotation_results("run")
        return dataset

    def test_options_of_our_load_count(self, answered):
        fo_labelstudio.load_annotations(answered, "run", annotations=ANN)
        assert labels(answered)[0] == ["dog", "cat"]

    def test_options_of_fiftyones_load_count(self, answered):
        answered.load_annotations("run", annotations="all", provenance="samples", full=True)
        assert labels(answered, "gt_bob_x_org")[0] == []
        assert answered.first().run_provenance_ann_x_org.annotator == ANN

    def test_options_of_the_run_count(self, answered):
        answered.load_annotation_results("run").config.annotations = ANN
        answered.load_annotations("run")
        assert labels(answered)[0] == ["dog", "cat"]

    def test_wrong_options_are_refused(self, answered):
        before = stored(answered)
        with pytest.raises(SettingsError, match="did you mean 'annotations'"):
            answered.load_annotations("run", anotations="all")
        with pytest.raises(SettingsError, match="annotations is 'everybody'"):
            answered.load_annotations("run", annotations="everybody")
        assert stored(answered) == before
