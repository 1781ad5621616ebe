"""What became of tasks is written to samples: it is corrected by each call, and nothing of anybody else is touched."""

from __future__ import annotations

import fiftyone as fo
import pytest

import fo_labelstudio
from fo_labelstudio.errors import SettingsError
from fo_labelstudio.runs.load_annotations import load_run
from fo_labelstudio.runs.load_options import LoadOptions
from fo_labelstudio.runs.tag_samples import tag_samples
from tests.memory import MemoryOverview, annotate_in_memory
from tests.runs.test_status import ANN, BOB, SCHEMA, Campaign, box
from tests.support import stored, write_image


class TaggedCampaign(Campaign):
    def tag(self, *arguments, **options):
        self.project.pages.clear()
        return tag_samples(self.results, *arguments, **options, overview=self.overview, source=self.project)

    def tags(self):
        self.dataset.reload()
        return [sorted(tags) for tags in self.dataset.values("tags")]


@pytest.fixture
def campaign(make_dataset):
    """Six samples: relabelled, answered in two ways, skipped, open, deleted, untouched."""
    campaign = TaggedCampaign(make_dataset(*({"gt": box(), "tags": ["mine"]} for _ in range(6))))
    campaign.submit(0, ANN, 1, relabel)
    campaign.submit(1, ANN, 2)
    campaign.submit(1, BOB, 3, lambda result: [])
    campaign.skip(2, BOB, 4)
    campaign.project.delete_tasks([campaign.tasks[4]])
    campaign.submit(5, BOB, 5)
    return campaign


def relabel(result):
    result[0]["value"]["rectanglelabels"] = ["dog"]
    return result


FOUND = {"answered": 3, "open": 1, "skipped": 1, "deleted": 1, "disagreed": 1, "edited": 2}

EACH = [
    ["answered", "edited"],
    ["answered", "disagreed", "edited"],
    ["skipped"],
    ["open"],
    ["deleted"],
    ["answered"],
]


def test_each_sample_gets_tags_that_name_the_run(campaign):
    assert campaign.tag() == FOUND
    assert campaign.tags() == [sorted(["mine", *(f"run:{state}" for state in states)]) for states in EACH]
    assert len(campaign.dataset.match_tags("run:disagreed")) == 1


def test_labels_and_all_else_stay_as_they_are(campaign):
    before = stored(campaign.dataset)
    campaign.tag()
    campaign.tag(field="state")
    campaign.dataset.reload()
    after = stored(campaign.dataset)
    for sample_id, doc in before.items():
        own = {"tags", "state", "last_modified_at"}
        assert {key: value for key, value in after[sample_id].items() if key not in own} == {
            key: value for key, value in doc.items() if key not in own
        }


def test_a_second_call_writes_nothing(campaign):
    campaign.tag()
    campaign.tag(field="state")
    before = stored(campaign.dataset)
    assert campaign.tag() == campaign.tag(field="state") == FOUND
    assert stored(campaign.dataset) == before


def test_another_call_corrects_what_no_longer_holds(campaign):
    campaign.tag()
    campaign.submit(3, ANN, 10)
    campaign.submit(0, ANN, 11)
    campaign.project.by_id[campaign.tasks[1]]["annotations"].clear()
    assert campaign.tag() == {"answered": 3, "open": 1, "skipped": 1, "deleted": 1, "disagreed": 1, "edited": 0}
    assert campaign.tags()[:4] == [
        ["mine", "run:answered", "run:disagreed"],
        ["mine", "run:open"],
        ["mine", "run:skipped"],
        ["mine", "run:answered"],
    ]


def test_what_cannot_be_understood_was_edited(campaign):
    def to_unknown_class(result):
        result[0]["value"]["rectanglelabels"] = ["unicorn"]
        return result

    campaign.submit(3, ANN, 10, to_unknown_class)
    assert campaign.tag(["edited"]) == {"edited": 3}


def test_labels_that_nobody_was_shown_were_not_edited(campaign):
    campaign.submit(3, ANN, 10, lambda result: [])
    campaign.project.by_id[campaign.tasks[3]]["annotations"][0].update(parent_prediction=None, prediction={})
    assert campaign.tag(["edited"]) == {"edited": 2}


def test_samples_that_have_left_the_run_lose_their_tags(campaign):
    campaign.tag()
    campaign.tag(field="state")
    campaign.results.tasks.pop(campaign.dataset.first().id)
    campaign.results.save()
    campaign.tag()
    campaign.tag(field="state")
    assert campaign.tags()[0] == ["mine"]
    assert campaign.dataset.values("state")[0] is None


class TestStates:
    def test_only_what_is_asked_for_is_written(self, campaign):
        campaign.tag()
        assert campaign.tag(["answered", "open"]) == {"answered": 3, "open": 1}
        assert campaign.tags()[:4] == [["mine", "run:answered"]] * 2 + [["mine"], ["mine", "run:open"]]

    def test_none_takes_all_away_and_asks_no_server(self, campaign):
        campaign.tag()
        campaign.overview.asked.clear()
        assert campaign.tag([]) == {}
        assert campaign.tags() == [["mine"]] * 6 and campaign.overview.asked == []

    def test_only_what_needs_annotations_downloads_them(self, campaign):
        first, second, *_, last = campaign.tasks
        campaign.tag(["answered", "open", "skipped", "deleted"])
        assert campaign.downloaded == [second], "of several annotations, the list does not say what they are"
        campaign.tag(["disagreed"])
        assert campaign.downloaded == [second]
        campaign.tag(["edited"])
        assert campaign.downloaded == [first, second, last]

    def test_unknown_ones_are_refused(self, campaign):
        with pytest.raises(SettingsError, match="states holds 'done'; pass a list of: 'answered', 'open'"):
            campaign.tag(["done"])
        with pytest.raises(SettingsError, match="states holds 'open'; pass a list"):
            campaign.tag("open")


class TestField:
    def test_a_field_gets_a_list(self, campaign):
        assert campaign.tag(field="state") == FOUND
        assert campaign.tags() == [["mine"]] * 6
        field = campaign.dataset.get_field("state")
        assert (type(field), type(field.field)) == (fo.ListField, fo.StringField)
        assert campaign.dataset.values("state") == EACH
        assert campaign.dataset.count_values("state") == FOUND

    def test_a_field_of_others_is_refused(self, campaign):
        campaign.dataset.set_values("state", [["theirs"]] * 6)
        with pytest.raises(SettingsError, match="field 'state' is there, and this run has not made it"):
            campaign.tag(field="state")
        assert campaign.dataset.values("state") == [["theirs"]] * 6

    @pytest.mark.parametrize(("name", "reason"), [("filepath", "is there"), ("_x", "field"), ("save", "uses the name")])
    def test_a_name_that_no_field_can_have_is_refused(self, campaign, name, reason):
        with pytest.raises(SettingsError, match=reason):
            campaign.tag(field=name)

    def test_tags_and_a_field_are_not_both_named(self, campaign):
        with pytest.raises(SettingsError, match="prefix is for tags"):
            campaign.tag(field="state", prefix="x:")


class TestPrefix:
    def test_it_begins_each_tag(self, campaign):
        campaign.tag(["open"], prefix="round 2/")
        assert campaign.tags()[3] == ["mine", "round 2/open"]

    def test_tags_of_others_are_refused(self, campaign):
        campaign.dataset.take(1).tag_samples("run:open")
        before = stored(campaign.dataset)
        with pytest.raises(SettingsError, match="samples have the tags 'run:open', which this run has not written"):
            campaign.tag()
        assert stored(campaign.dataset) == before

    def test_without_any_they_could_not_be_told_apart(self, campaign):
        with pytest.raises(SettingsError, match="prefix is empty"):
            campaign.tag(prefix="")

    def test_another_session_knows_what_was_written(self, campaign):
        campaign.tag()
        campaign.results.tagged = {}
        assert campaign.tag() == FOUND

    def test_two_runs_do_not_mix(self, campaign):
        campaign.tag()
        tags = campaign.tags()
        results, project = annotate_in_memory(campaign.dataset, "other", SCHEMA)
        overview = MemoryOverview(project)
        assert tag_samples(results, overview=overview, source=project)["open"] == 6
        assert campaign.tags() == [sorted([*own, "other:open"]) for own in tags]
        tag_samples(results, [])
        assert campaign.tags() == tags


class TestBesideLoads:
    """``skipped="tag"`` of a load and ``tag_samples()`` write the same tag; whoever comes last says how things are."""

    def load(self, campaign, **options):
        load_run(
            campaign.results, LoadOptions(**{"unexpected": "ignore", "skipped": "tag", **options}), campaign.project
        )
        campaign.results.save()

    def skipped(self, campaign):
        return [place for place, tags in enumerate(campaign.tags()) if "run:skipped" in tags]

    def unskip(self, campaign):
        campaign.project.by_id[campaign.tasks[2]]["annotations"].clear()

    def test_what_a_load_has_tagged_is_not_somebody_elses(self, campaign):
        self.load(campaign)
        assert self.skipped(campaign) == [2]
        assert campaign.tag() == FOUND
        assert self.skipped(campaign) == [2]

    def test_a_load_knows_what_was_tagged(self, campaign):
        campaign.tag()
        self.load(campaign)
        assert self.skipped(campaign) == [2]

    @pytest.mark.parametrize("full", [False, True])
    def test_a_load_corrects_what_was_tagged(self, campaign, full):
        campaign.tag()
        self.unskip(campaign)
        campaign.skip(3, BOB, 10)
        self.load(campaign, full=full)
        assert self.skipped(campaign) == [3]

    @pytest.mark.parametrize("full", [False, True])
    def test_each_corrects_the_other_in_whatever_order(self, campaign, full):
        self.load(campaign)
        campaign.skip(3, BOB, 10)
        campaign.tag()
        assert self.skipped(campaign) == [2, 3]
        self.unskip(campaign)
        self.load(campaign, full=full)
        assert self.skipped(campaign) == [3]
        campaign.tag([])
        assert self.skipped(campaign) == []
        self.load(campaign, full=full)
        assert self.skipped(campaign) == [3]
        before = stored(campaign.dataset)
        self.load(campaign, full=full)
        assert stored(campaign.dataset) == before

    def test_a_load_leaves_the_other_tags(self, campaign):
        campaign.tag()
        tags = campaign.tags()
        self.load(campaign)
        assert campaign.tags() == tags

    def test_a_load_that_leaves_skipped_tasks_alone_leaves_the_tag(self, campaign):
        campaign.tag()
        self.unskip(campaign)
        self.load(campaign, skipped="leave")
        assert self.skipped(campaign) == [2]

    def test_tags_of_others_are_refused_by_a_load_too(self, campaign):
        campaign.dataset.take(1).tag_samples("run:skipped")
        before = stored(campaign.dataset)
        with pytest.raises(SettingsError, match="samples have the tags 'run:skipped', which this run has not written"):
            self.load(campaign)
        assert stored(campaign.dataset) == before and campaign.downloaded == []

    def test_a_tag_that_a_load_has_written_says_nothing_of_the_others(self, campaign):
        self.load(campaign)
        campaign.dataset.take(1).tag_samples("run:open")
        with pytest.raises(SettingsError, match="samples have the tags 'run:open', which this run has not written"):
            campaign.tag()

    def test_what_an_earlier_version_has_tagged_is_the_runs(self, campaign):
        self.load(campaign)
        campaign.results.tagged = {}
        campaign.results.save()
        self.load(campaign)
        campaign.results.tagged = {}
        campaign.results.save()
        assert campaign.tag() == FOUND

    def test_samples_that_have_left_the_run_lose_the_tag(self, campaign):
        self.load(campaign)
        campaign.results.tasks.pop(campaign.dataset.skip(2).first().id)
        campaign.results.save()
        self.load(campaign)
        assert self.skipped(campaign) == []

    def test_a_run_that_annotates_tags_is_not_sent_to_be_tagged(self, make_dataset, tmp_path):
        schema = {"tags": {"type": "scalar", "classes": ["a", "b"], "existing_field": True}}
        dataset = make_dataset({"tags": ["a"]})
        with pytest.raises(SettingsError, match="annotates the tags of samples; leave it out"):
            fo_labelstudio.export_tasks(dataset, "run", str(tmp_path / "out"), label_schema=schema, skipped="tag")
        assert dataset.list_annotation_runs() == [] and not (tmp_path / "out").exists()

    def test_a_run_that_annotates_tags_has_none_to_give(self, make_dataset):
        schema = {"tags": {"type": "scalar", "classes": ["a", "b"], "existing_field": True}}
        results, project = annotate_in_memory(make_dataset({}, {}), "run", schema)
        with pytest.raises(SettingsError, match="annotates the tags of samples; leave it out"):
            load_run(results, LoadOptions(skipped="tag"), project)
        assert project.pages == []


def test_runs_that_annotate_tags_write_a_field(make_dataset):
    dataset = make_dataset({}, {})
    schema = {"tags": {"type": "scalar", "classes": ["a", "b"], "existing_field": True}}
    results, _ = annotate_in_memory(dataset, "run", schema)
    with pytest.raises(SettingsError, match="annotates the tags of samples; pass field="):
        tag_samples(results)


def test_frames_of_videos_get_a_field_for_they_have_no_tags(dataset_of, tmp_path):
    sample = fo.Sample(filepath=str(tmp_path / "video.mp4"))
    for number in (1, 2):
        sample.frames[number] = fo.Frame(filepath=str(write_image(tmp_path / f"{number}.png")), gt=box())
    dataset = dataset_of([])
    dataset.media_type = "video"
    dataset.add_sample(sample)
    frames = dataset.to_frames(sample_frames=False)
    results, project = annotate_in_memory(frames, "run", SCHEMA)
    # As FiftyOne notes it when annotate() returns.
    results.id_map["_frames"] = dict(zip(*frames.values(["id", "sample_id"]), strict=True))
    results.save()
    overview = MemoryOverview(project, {1: "ann@example.org"})
    project.submit(results.tasks[frames.first().id], completed_by=1, created_at="2026-11-20T10:00:00Z")
    with pytest.raises(SettingsError, match="frames of videos, which have no tags; pass field="):
        tag_samples(results, overview=overview, source=project)
    assert tag_samples(results, ["answered", "open"], field="state", overview=overview, source=project) == {
        "answered": 1,
        "open": 1,
    }
    dataset.reload()
    assert dataset.values("frames.state") == [[["answered"], ["open"]]]


def test_samples_of_all_slices_of_groups_are_tagged(dataset_of, tmp_path):
    dataset = dataset_of([])
    dataset.add_group_field("group", default="left")
    group = fo.Group()
    for name in ("left", "right"):
        path = str(write_image(tmp_path / f"{name}.png"))
        dataset.add_sample(fo.Sample(filepath=path, group=group.element(name), gt=box(), tags=["mine"]))
    results, project = annotate_in_memory(dataset.select_group_slices(["left", "right"]), "run", SCHEMA)
    overview = MemoryOverview(project)
    for _ in range(2):
        assert tag_samples(results, overview=overview, source=project)["open"] == 2
        tag_samples(results, field="state", overview=overview, source=project)
        slices = dataset.select_group_slices(["left", "right"])
        assert slices.values("tags") == [["mine", "run:open"]] * 2 and slices.values("state") == [["open"]] * 2
    project.delete_tasks(list(results.tasks.values()))
    tag_samples(results, overview=overview, source=project)
    assert dataset.select_group_slices(["left", "right"]).values("tags") == [["mine", "run:deleted"]] * 2
