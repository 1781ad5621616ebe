"""What is asked of videos without putting their frames through a view is what the view answers."""

from __future__ import annotations

import fiftyone as fo
import numpy as np
import pytest
from fiftyone import ViewField as F

from fo_labelstudio.convert.families.detections import HAS_MASK
from fo_labelstudio.dataset.internals import stages_of
from fo_labelstudio.dataset.plain_frames import classes_of, has_label, is_by_mask, without_frame_filters

pytestmark = pytest.mark.database

FIELD = "frames.det"


def box(**attributes):
    return fo.Detection(**{"label": "car", "bounding_box": [0.1, 0.1, 0.2, 0.2], **attributes})


@pytest.fixture
def videos(dataset_of):
    samples = [fo.Sample(filepath=f"/x/{number}.mp4") for number in range(3)]
    samples[0].frames[1] = fo.Frame(det=fo.Detections(detections=[box(index=1, keyframe=True), box(index=2)]))
    samples[1].frames[1] = fo.Frame(det=fo.Detections(detections=[box(label=None, mask=np.ones((2, 2), bool))]))
    samples[2].frames[1] = fo.Frame(one=box(label="bus"))
    return dataset_of(samples)


def boxes(videos):
    return videos.filter_labels(FIELD, ~F("mask").exists(), only_matches=False)


def test_filters_of_frames_at_the_end_of_a_view_are_left_out(videos):
    view = videos.limit(2)
    found = without_frame_filters(boxes(view).filter_labels("frames.one", F("label") == "bus", only_matches=False))
    assert list(map(str, stages_of(found))) == list(map(str, stages_of(view)))
    assert found.values("id") == view.values("id")


@pytest.mark.parametrize(
    "view_of",
    [
        lambda videos: videos.filter_labels(FIELD, F("label") == "car"),
        lambda videos: boxes(videos).match(F("frames.one.label").contains("bus")),
        lambda videos: videos,
    ],
)
def test_what_decides_about_samples_stays(videos, view_of):
    view = view_of(videos)
    assert without_frame_filters(view) is view


def test_a_filter_by_mask_is_known(videos):
    known = [~F("mask").exists(), ~HAS_MASK]
    stages = [
        stages_of(videos.filter_labels(FIELD, by, only_matches=False))[-1] for by in [*known, F("label") == "car"]
    ]
    assert [is_by_mask(stage, videos, FIELD) for stage in stages] == [True, True, False]
    assert not is_by_mask(stages[0], videos, "frames.one")


@pytest.mark.parametrize(
    ("wanted", "of_all", "of_boxes", "of_last"),
    [
        ({"keyframe": True}, True, True, False),
        ({"label": None}, True, False, False),
        ({"label": "cat"}, False, False, False),
    ],
)
def test_it_is_found_whether_there_is_a_label(videos, wanted, of_all, of_boxes, of_last):
    assert has_label(videos, FIELD, wanted) is of_all
    assert has_label(boxes(videos), FIELD, wanted) is of_boxes
    assert has_label(boxes(videos.skip(1)), FIELD, wanted) is of_last


def test_fields_of_one_label_are_looked_at_too(videos):
    assert [has_label(videos, "frames.one", {"label": label}) for label in ("bus", "car", None)] == [True, False, False]


def test_only_the_view_tells_what_it_changes_or_makes(videos):
    view = videos.filter_labels(FIELD, F("index") == 2)
    assert has_label(view, FIELD, {"keyframe": True}) is None
    assert has_label(videos.to_frames(sample_frames="dynamic"), "det", {"keyframe": True}) is None


def test_classes_are_those_of_all_labels_of_a_dataset(videos):
    assert classes_of(videos, FIELD) == classes_of(boxes(videos.limit(1)), FIELD) == ["car"]
    assert classes_of(videos, "frames.one") == ["bus"]
    assert classes_of(videos.map_labels(FIELD, {"car": "bus"}), FIELD) is None
