from __future__ import annotations

import dataclasses
import json
import math

import fiftyone as fo
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fo_labelstudio.convert.families import FAMILIES
from fo_labelstudio.convert.labeling_config.write import to_labeling_config
from fo_labelstudio.convert.media import DEFAULT, MEDIA, OF_SAMPLES, SHOWN_AS, medium_of, medium_of_type
from fo_labelstudio.convert.media.medium import MediaInfo, of_items
from fo_labelstudio.convert.records import LabelField, objects_of
from fo_labelstudio.convert.task.write import DATA_KEYS, SampleRecord, checked_task, to_task, with_address

SIDES = st.integers(1, 2**31 - 1)
BOXES = LabelField("boxes", "detections", ("cat",), "boxes")


FRAMES = {"video": (60, 29.97)}
"""Name of a medium -> number of frames and frame rate of one of its files, where it has frames."""


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))


@pytest.mark.parametrize("medium", OF_SAMPLES, ids=lambda medium: medium.name)
class TestEachMedium:
    @given(width=SIDES, height=SIDES)
    def test_what_a_task_says_of_the_media_file_is_read_back(self, medium, width, height):
        media = MediaInfo(width, height, *FRAMES.get(medium.name, ()))
        meta = json.loads(json.dumps(medium.to_meta(media)))
        assert medium.parse_meta(meta) == media
        assert set(meta) == set(medium.meta_keys)

    @given(width=SIDES, height=SIDES)
    def test_what_a_region_says_of_the_media_file_is_read_back(self, medium, width, height):
        media = MediaInfo(width, height, *FRAMES.get(medium.name, ()))
        marks = json.loads(json.dumps(medium.marks(media)))
        assert medium.parse_marks(marks) == (media if marks else None)
        assert medium.parse_marks({}) is None

    def test_its_object_tag_shows_the_address_of_the_task(self, medium):
        tag = medium.object_tag("other")
        assert (tag.get("name"), tag.get("value")) == ("other", "$other")

    def test_no_field_of_a_sample_takes_the_place_of_what_its_object_tag_names(self, medium):
        assert {medium.name, *medium.data_keys} <= {*DATA_KEYS}
        assert medium.to_data(MediaInfo(4, 3, 60, 29.97), None).keys() == {*medium.data_keys}

    def test_its_marks_are_no_part_of_what_each_result_has(self, medium):
        assert not {"id", "from_name", "to_name", "type", "value", "score"} & medium.marks(MediaInfo(4, 3)).keys()


def test_a_scope_is_of_one_medium():
    scopes = [scope for medium in MEDIA for scope in medium.scopes]
    assert len(scopes) == len(set(scopes))
    assert [medium_of(scope) for medium in MEDIA for scope in medium.scopes] == [m for m in MEDIA for _ in m.scopes]


def test_samples_of_a_media_type_are_of_its_medium_and_all_others_of_the_default_one():
    assert [medium_of_type(medium.media_type) for medium in OF_SAMPLES] == [*OF_SAMPLES]
    assert medium_of_type(None) is medium_of_type("point-cloud") is DEFAULT


def test_what_the_metadata_of_a_sample_does_not_say_is_none():
    assert [medium.parse_metadata([None] * len(medium.metadata)) for medium in MEDIA] == [None] * len(MEDIA)
    assert DEFAULT.parse_metadata([640, 480]) == MediaInfo(640, 480)


def test_each_family_serves_scopes_of_media_and_no_two_serve_the_same_labels():
    served = [(scope, name) for family in FAMILIES for scope in family.scopes for name in family.label_types]
    assert len(served) == len(set(served))
    assert {scope for scope, _ in served} <= {scope for medium in MEDIA for scope in medium.scopes}


class TestShownValues:
    @pytest.mark.parametrize("medium", SHOWN_AS.values(), ids=lambda medium: medium.name)
    def test_a_sample_without_a_value_shows_nothing_and_anything_else_in_a_task_breaks_nothing(self, medium):
        value = medium.shown_value
        nothing = value.parse(json.loads(json.dumps(value.to_data(None))))
        assert nothing == value.parse(value.to_data(None))
        for data in (None, 7, 0.5, True, "text", [], {}, [None], {"a": [1]}):
            assert isinstance(value.parse(data), MediaInfo)

    @pytest.mark.parametrize("medium", SHOWN_AS.values(), ids=lambda medium: medium.name)
    def test_the_object_tag_of_a_value_takes_another_key(self, medium):
        assert medium.object_tag("caption%.text").get(medium.value_attribute) == "$caption%.text"

    @given(texts)
    def test_a_text_is_shown_as_it_is(self, words):
        value = SHOWN_AS["text"].shown_value
        assert value.problem_of(words) is None
        assert value.parse(json.loads(json.dumps(value.to_data(words)))) == MediaInfo(text=words)

    @given(st.lists(st.tuples(st.none() | texts, texts), min_size=1))
    def test_the_turns_of_a_conversation_are_shown_as_they_are(self, pairs):
        value = SHOWN_AS["turns"].shown_value
        turns = [{"author": author, "text": words, "start": 1.5, "more": b"1"} for author, words in pairs]
        assert value.problem_of(turns) is None
        data = value.to_data(turns)
        assert data == [{"author": author or "", "text": words, "start": 1.5} for author, words in pairs]
        assert value.parse(json.loads(json.dumps(data))) == MediaInfo(turns=tuple(words for _, words in pairs))

    def test_a_conversation_without_turns_is_one_that_nobody_can_mark_anything_in(self):
        # The editor fails at an empty list (1.23.2).
        assert [SHOWN_AS["turns"].shown_value.to_data(turns) for turns in (None, [])] == [
            [{"author": "", "text": ""}]
        ] * 2

    @pytest.mark.parametrize(
        ("turns", "problem"),
        [
            ("Hi", "is 'Hi', expected a list of turns, each with 'author' and 'text'"),
            (["Hi"], "has 'Hi' as its turn 0, expected one with 'author' and 'text'"),
            ([{"text": "Hi"}, {"author": "Ada"}], "as its turn 1, expected one with"),
            ([{"text": 7}], "as its turn 0, expected one with"),
            ([{"text": "Hi", "author": 7}], "has a turn 0 whose 'author' is 7, expected a text"),
            ([{"text": "a\ud800"}], "has a turn 0 whose 'text' has half a character at 1"),
            ([{"text": "", "author": "a\0"}], "has a turn 0 whose 'author' has a zero byte at 1"),
        ],
    )
    def test_what_is_no_conversation_is_not_shown(self, turns, problem):
        assert problem in SHOWN_AS["turns"].shown_value.problem_of(turns)

    @pytest.mark.parametrize(
        ("words", "problem"),
        [
            *((words, "expected a text") for words in (7, None, ["a"])),
            ("a\ud800", "half a character at 1"),
            ("ab\0", "has a zero byte at 2, which no server stores; take it out"),
        ],
    )
    def test_what_is_no_text_is_not_shown(self, words, problem):
        assert problem in SHOWN_AS["text"].shown_value.problem_of(words)
        assert problem in SHOWN_AS["html"].shown_value.problem_of(words)


@pytest.mark.parametrize(
    "meta",
    [
        *({}, {"frames": 0}, {"frames": 1.5}, {"frames": 10**400}, {"frame_rate": 0}, {"frame_rate": "24"}),
        *({"frame_rate": 10**400}, {"size": 4}, {"size": [10**400, 3]}, {"size": [4, 2**31]}),
    ],
)
def test_a_video_with_a_size_frames_or_a_frame_rate_that_none_can_have_says_nothing(meta):
    whole = {"size": [4, 3], "frames": 60, "frame_rate": 24.0}
    assert medium_of("video").parse_meta(whole) == MediaInfo(4, 3, 60, 24.0)
    assert medium_of("video").parse_meta({**whole, **meta} if meta else {}) is None


@pytest.mark.parametrize("size", [None, [], [1], [1, 2, 3], [0, 1], [1.0, 2], [True, 2], ["1", 2], [2**31, 1], "12"])
def test_a_size_that_no_image_can_have_is_none(size):
    assert medium_of("image").parse_meta({"size": size}) is None


def test_a_region_says_the_size_of_its_image_in_whole_numbers_only():
    parse_marks = medium_of("image").parse_marks
    assert parse_marks({"original_width": 640.0, "original_height": 480}) == MediaInfo(640, 480)
    for width in (None, 0, -1, 0.5, "640", True, float("nan"), float("inf"), 2**31):
        assert parse_marks({"original_width": width, "original_height": 480}) is None


def test_the_address_is_put_where_the_task_shows_it():
    task = to_task(SampleRecord("s", "/a/b.png", MediaInfo(4, 3), {}), [BOXES], "", "run")
    assert with_address(task["data"], "u", "image") == {"image": "u", "sample_id": "s", "filename": "b.png"}


def test_a_task_shows_the_objects_that_its_fields_name_the_samples_own_first():
    beside = dataclasses.replace(BOXES, object_name="before")
    assert list(objects_of([beside, BOXES])) == ["image", "before"]
    assert list(objects_of([])) == [DEFAULT.name]


def test_a_field_that_names_its_object_is_tied_to_it():
    beside = dataclasses.replace(BOXES, name="old", control="old", object_name="before")
    config = to_labeling_config([BOXES, beside])
    assert '<Image name="image" value="$image"' in config and '<Image name="before" value="$before"' in config
    assert '<RectangleLabels name="old" toName="before">' in config


def test_the_editor_gets_a_rate_at_which_it_counts_the_frame_that_it_shows():
    for rate in (24.0, 25.0, 30.0, 60.0):
        sent = medium_of("video").to_data(MediaInfo(4, 3, 60, rate), None)["frame_rate"]
        # Where a frame begins, it rounds the frames that were shown upwards.
        assert all(math.ceil(frame / rate * sent) == frame + 1 for frame in (1, 3, 7, 1_000_000))
        assert abs(sent - rate) < 1e-6


MINUTE = MediaInfo(4, 3, 1500, 25.0)


@pytest.mark.parametrize("option", [None, "$fps", "25", "25.0", "0.04", "25.0001"])
def test_a_frame_rate_that_each_task_says_or_that_is_the_videos_shows_it(option):
    assert medium_of("video").problem_of(MINUTE, option) is None


@pytest.mark.parametrize("option, shown", [("30", "30"), ("", "24"), ("fast", "24"), ("0", "24"), ("25.1", "25.1")])
def test_another_frame_rate_would_show_other_frames(option, shown):
    problem = medium_of("video").problem_of(MINUTE, option)
    assert problem.startswith("the video has 25 frames a second, but with ")
    assert problem.endswith(f" the editor shows it at {shown}, and labels on other frames")


def test_the_frame_rate_stands_in_a_task_where_the_object_tag_looks_for_it():
    to_data = medium_of("video").to_data
    assert [*to_data(MINUTE, "$fps")] == ["fps"]
    assert to_data(MINUTE, "25") == {}
    fields = [LabelField("events", "temporal_detections", ("a",), "events", scope="video", object_option="$fps")]
    task = to_task(SampleRecord("s", "/a/b.mp4", MINUTE, {}), fields, "u", "run")
    assert task["data"] == {"video": "u", "fps": pytest.approx(25), "sample_id": "s", "filename": "b.mp4"}


def test_a_sample_whose_video_would_be_shown_at_another_rate_is_refused():
    fields = [LabelField("events", "temporal_detections", ("a",), "events", scope="video", object_option="30")]
    problems = []
    assert checked_task(SampleRecord("s", "/a/b.mp4", MINUTE, {}), fields, "run", problems) is None
    (problem,) = problems
    assert problem == (
        "sample s: the video has 25 frames a second, but with framerate '30' the editor shows it at 30, and labels on "
        "other frames; write framerate='$frame_rate' into the labeling config, which each task then says, or leave the "
        "sample out"
    )


def test_audio_is_decoded_in_parts_so_that_long_recordings_are_shown():
    assert medium_of("audio").object_tag("audio").get("decoder") == "ffmpeg"


class TestPagesOfDocuments:
    medium = medium_of("pdf_pages")

    @given(st.lists(st.tuples(SIDES, SIDES), min_size=1))
    def test_a_task_says_the_size_of_each_page(self, sizes):
        media = of_items(MediaInfo(*size) for size in sizes)
        meta = json.loads(json.dumps(self.medium.to_meta(media)))
        assert tuple(meta) == self.medium.meta_keys
        assert self.medium.parse_meta(meta) == media
        assert [page.item for page in media.items] == list(range(len(sizes)))

    @pytest.mark.parametrize("said", [None, 3, "1", [3], [[3]], [[3, 0]], [[3, True]], {"0": [3, 4]}])
    def test_what_cannot_be_sizes_says_nothing(self, said):
        assert self.medium.parse_meta({"page_sizes": said}) is None

    def test_a_task_holds_the_addresses_of_the_pages_under_a_key_of_their_own(self):
        field = dataclasses.replace(BOXES, scope="pdf_pages", beside=None)
        pages = of_items([MediaInfo(30, 40), MediaInfo(50, 20)])
        label = fo.Detection(label="cat", bounding_box=[0.1, 0.2, 0.3, 0.4], item_index=1)
        record = SampleRecord("s", "/a/b.pdf", pages, {"boxes": fo.Detections(detections=[label])})
        task = to_task(record, [field], "", "run")
        (region,) = task["predictions"][0]["result"]
        assert task["data"] == {"pdf_pages": "", "sample_id": "s", "filename": "b.pdf"}
        assert task["meta"]["fiftyone"]["page_sizes"] == [[30, 40], [50, 20]]
        assert (region["to_name"], region["item_index"], region["original_width"]) == ("pdf_pages", 1, 50)
        xml = to_labeling_config([field])
        assert '<Image name="pdf_pages"' in xml and 'valueList="$pdf_pages"' in xml and "<Pdf" not in xml

    def test_documents_are_shown_as_pages_only_where_labels_are_drawn_on_them(self):
        assert medium_of("pdf").drawn_as == self.medium.name
        assert [medium.name for medium in MEDIA if medium.drawn_as] == ["pdf"]
