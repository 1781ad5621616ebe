from __future__ import annotations

import fiftyone as fo
import pytest

from fo_labelstudio.convert.annotation.parse import parse_task
from fo_labelstudio.convert.families import FAMILIES, family_of
from fo_labelstudio.convert.families.spans import FAMILIES as OF_SPANS
from fo_labelstudio.convert.media import medium_of
from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.convert.records import LabelField
from fo_labelstudio.convert.shapes.spans import SPAN_KINDS
from fo_labelstudio.convert.task.write import SampleRecord, problems_of
from tests.convert import strategies
from tests.convert.spanned import SPANNED
from tests.convert.trip import RUN, SAMPLE, Trip, new_labels

FIELD = strategies.field_of("spans", "entities")
TEXT = "Ann 👩‍🚀 saw\r\nÅrhus"
WORDS = MediaInfo(text=TEXT)


def a_span(start=0, end=3, **values):
    return fo.Classification(**{"label": "cat", "start": start, "end": end, "text": TEXT[start:end], **values})


def a_region(start, end, text=None, label="cat", region_id="n"):
    value = {"start": start, "end": end, "text": TEXT[int(start) : int(end)] if text is None else text}
    named = {"from_name": "entities", "to_name": "caption%.text", "type": "labels"}
    return {"id": region_id, **named, "value": {**value, "labels": [label]}}


def trip_of(*spans):
    return Trip(FIELD, *spans, media=WORDS)


def ends_of(spans):
    return [(span.start, span.end, span.text) for span in spans]


def test_each_medium_of_spans_has_classes_and_values_too():
    others = [family for family in FAMILIES if family not in OF_SPANS and set(family.scopes) & set(SPAN_KINDS)]
    assert all(set(SPAN_KINDS) <= set(family.scopes) for family in others) and len(others) == 2
    assert SPANNED.keys() == SPAN_KINDS.keys() == {scope for family in OF_SPANS for scope in family.scopes}
    assert all(medium_of(scope).scopes == (scope,) for scope in SPAN_KINDS)


class TestWhatIsSent:
    def test_a_span_is_a_region_on_the_text_with_its_words_and_a_score(self):
        span = a_span(4, 7, confidence=0.4)
        assert trip_of(span).sent == [{**a_region(4, 7, region_id=span.id), "score": 0.4}]

    @pytest.mark.parametrize("ends", [(None, 3), (0, None), (0.0, 3.0), (True, 3), ("0", "3"), (-1, 3), (3, 3), (4, 3)])
    def test_what_is_no_range_of_characters_is_refused(self, ends):
        span = fo.Classification(label="cat", start=ends[0], end=ends[1])
        problem = family_of(FIELD).check(span, FIELD)
        assert problem.startswith("its start is ") and "two whole numbers, 0 <= start < end" in problem

    def test_a_label_without_start_and_end_is_refused(self):
        assert "its start is None" in family_of(FIELD).check(fo.Classification(label="cat"), FIELD)

    def test_a_class_that_the_label_schema_lacks_is_refused(self):
        assert "its class 'owl' is not among the classes" in family_of(FIELD).check(a_span(label="owl"), FIELD)

    @pytest.mark.parametrize("text", ["", "Ann", TEXT[:-1]])
    def test_a_span_that_goes_on_after_the_text_is_refused(self, text):
        span = a_span(0, len(TEXT))
        record = SampleRecord(
            SAMPLE, "x", MediaInfo(4, 3), {"entities": fo.Classifications(classifications=[span])}, {"caption": text}
        )
        assert list(problems_of(record, [FIELD])) == [
            f"field 'entities', sample {SAMPLE}: label {span.id}: it ends at character {len(TEXT)}, and the text has "
            f"{len(text)}; correct it, or leave it out"
        ]


class TestWhatComesBack:
    def test_what_is_untouched_stays_as_it_is_whatever_the_dataset_says_of_the_words(self):
        trip = trip_of(a_span(text="other"), a_span(4, 7, text=None))
        assert trip.changes().is_empty

    def test_a_moved_end_changes_the_ends_and_the_words_alone(self):
        trip = trip_of(a_span(confidence=0.5, tags=["seen"], source="model"))
        (back,) = trip.load(lambda result: result[0]["value"].update(a_region(0, 7)["value"]))
        assert ends_of([back]) == [(0, 7, "Ann 👩‍🚀")]
        assert (back.label, back.confidence, back.tags, back.source) == ("cat", 0.5, ["seen"], "model")

    def test_another_class_changes_the_class_alone(self):
        (back,) = trip_of(a_span(text="other")).load(lambda result: result[0]["value"].update(labels=["dog"]))
        assert (back.label, *ends_of([back])[0]) == ("dog", 0, 3, "other")

    def test_what_is_marked_is_a_new_label(self):
        (edit,) = new_labels(FIELD, [a_region(13, 18)], WORDS)
        assert ends_of([family_of(FIELD).to_label(edit.parsed, FIELD)]) == [(13, 18, "Århus")]

    def test_the_offsets_are_the_truth_where_the_words_are_others(self):
        answer, (told,) = trip_of().answer([a_region(0, 3, "Bob")])
        assert answer.added[0].parsed.values["span"] == [0, 3]
        assert "it says that its text is 'Bob', but its characters are 'Ann'; took these" in told

    @pytest.mark.parametrize("said", ["", "Ann\\n\\nsaw", "Annsaw", " Ann saw "])
    def test_the_editor_writes_other_spaces_and_other_ends_of_lines_into_the_words(self, said):
        (edit,) = new_labels(FIELD, [a_region(0, 8, said)], MediaInfo(text="Ann\r\nsaw"))
        assert ends_of([family_of(FIELD).to_label(edit.parsed, FIELD)]) == [(0, 8, "Ann\r\nsaw")]

    def test_offsets_that_are_texts_are_the_numbers_that_the_editor_takes_them_for(self):
        (edit,) = new_labels(FIELD, [a_region("13", "18")], WORDS)
        assert ends_of([family_of(FIELD).to_label(edit.parsed, FIELD)]) == [(13, 18, "Århus")]

    @pytest.mark.parametrize(
        ("value", "problem"),
        [
            ({"start": "1.0"}, "start is '1.0', expected a number"),
            ({"start": 3, "end": 3}, "it starts at character 3 and ends at 3, expected start < end"),
            ({"start": 5, "end": 3}, "it starts at character 5 and ends at 3, expected start < end"),
            ({"end": len(TEXT) + 1}, f"end is {len(TEXT) + 1}, expected a number from 0 to {len(TEXT)}"),
            ({"start": -1}, "start is -1, expected a number from 0 to"),
            ({"start": 0.5}, "start is 0.5, expected a whole number of characters"),
            ({"start": None}, "start is None, expected a number"),
            ({"start": "/div[1]"}, "start is '/div[1]', expected a number"),
        ],
    )
    def test_what_is_no_range_of_characters_is_reported_and_its_label_stays(self, value, problem):
        trip = trip_of(a_span())
        answer, (told,) = trip.answer(lambda result: result[0]["value"].update(value))
        assert problem in told
        assert answer.kept == [str(trip.docs[0]["_id"])] and not answer.edited

    @pytest.mark.parametrize("data", [None, 7, ["Ann"], ""])
    def test_a_text_that_the_task_has_lost_makes_no_label(self, data):
        trip = trip_of(a_span())
        task = trip.task(trip.sent)
        task["data"]["caption"] = data
        problems = []
        answer = parse_task(task, [FIELD], RUN, problems)
        assert not answer.fields["entities"].edited and len(problems) == 1


class TestChannelsOfAudio:
    SPEECH = LabelField("speech", "spans", ("cat", "dog"), "speech", scope="audio", beside=None)

    def trip(self, **values):
        return Trip(self.SPEECH, fo.Classification(label="cat", start=1, end=2, **values), media=MediaInfo())

    def written(self, trip, *result):
        trip.load([*result])
        return trip.changes([*result]).values[str(trip.docs[0]["_id"])]

    @pytest.mark.parametrize(("values", "sent"), [({}, {}), ({"channel": 0}, {}), ({"channel": 1}, {"channel": 1})])
    def test_an_untouched_range_stays_as_it_is_though_the_editor_says_its_channel(self, values, sent):
        trip = self.trip(**values)
        (region,) = trip.sent
        assert {key: region["value"][key] for key in ("start", "end", *sent)} == {"start": 1, "end": 2, **sent}
        back = {**region, "original_length": 5, "value": {"channel": 0, **region["value"]}}
        assert trip.changes([back]).is_empty

    def test_a_range_that_is_moved_keeps_its_channel_and_gets_none(self):
        for channel in ({}, {"channel": 1}):
            trip = self.trip(**channel)
            (region,) = trip.sent
            moved = {**region, "value": {"channel": 0, **region["value"], "end": 3.5}}
            assert self.written(trip, moved) == {"end": 3.5}

    def test_a_range_that_is_put_on_another_channel_says_so(self):
        trip = self.trip(channel=2)
        (region,) = trip.sent
        assert self.written(trip, {**region, "value": {**region["value"], "channel": 0}}) == {"channel": 0}
        trip = self.trip()
        (region,) = trip.sent
        assert self.written(trip, {**region, "value": {**region["value"], "channel": 1}}) == {"channel": 1}

    @pytest.mark.parametrize("channel", [0, 1])
    def test_a_range_that_is_drawn_has_a_channel_where_it_is_not_the_first(self, channel):
        value = {"start": 1.5, "end": 2, "channel": channel, "labels": ["dog"]}
        named = {"from_name": "speech", "to_name": "audio", "type": "labels", "original_length": 5}
        (edit,) = new_labels(self.SPEECH, [{"id": "n", **named, "value": value}], MediaInfo())
        label = family_of(self.SPEECH).to_label(edit.parsed, self.SPEECH)
        assert label.get_attribute_value("channel", None) == (channel or None)
        assert label.has_attribute("channel") is bool(channel)

    @pytest.mark.parametrize("channel", ["left", -1, 1.0, True, 70000])
    def test_what_is_no_channel_is_refused(self, channel):
        label = fo.Classification(label="cat", start=1, end=2, channel=channel)
        problem = family_of(self.SPEECH).check(label, self.SPEECH)
        assert problem.startswith(f"its channel is {channel!r}, expected a whole number from 0; correct it, or call")
