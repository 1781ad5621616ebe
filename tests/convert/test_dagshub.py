"""What DagsHub's converter makes of our video tasks: the same boxes, frame for frame."""

from __future__ import annotations

import json

import pytest
from dagshub_annotation_converter.converters.label_studio_video import ls_video_json_to_video_ir
from hypothesis import given

from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.convert.stored import StoredLabel, StoredLabels
from fo_labelstudio.convert.task.write import Finished, SampleRecord, to_task
from tests.convert import strategies
from tests.properties import examples

VIDEO = MediaInfo(640, 480, 60, 10.0)
FIELD = strategies.field_of("frames.detections", "frames.boxes", control="box")


def boxes_in(track):
    """The boxes of a track of theirs: frame number -> box; a keyframe of theirs goes on to the next."""
    found = {}
    for one, following in zip(track.annotations, [*track.annotations[1:], None], strict=True):
        steps = following.frame_number - one.frame_number if one.keyframe and following else 1
        for step in range(steps):
            box = one.interpolate(following, step / steps) if step else one
            # They count frames from 0.
            found[one.frame_number + step + 1] = [box.left, box.top, box.width, box.height]
    return found


@given(strategies.tracks(VIDEO))
@examples(60)
def test_their_boxes_are_ours_in_the_same_frames(track):
    upright = {number: {**doc, "rotation": None} for number, doc in track.frames.items()}
    label = StoredLabel({**track.to_dict(), "frames": upright})
    sample = SampleRecord("5" * 24, "x.mp4", VIDEO, {FIELD.name: StoredLabels([label])})
    task = to_task(sample, [FIELD], "/data/x.mp4", "run", Finished())
    sequence = ls_video_json_to_video_ir(json.dumps({**task, "id": 1}))
    (found,) = sequence.tracks
    assert (found.object_id, sequence.sequence_length, sequence.filename) == (label.id, 60, "/data/x.mp4")
    theirs = boxes_in(found)
    assert [*theirs] == [*map(int, upright)]
    for number, doc in upright.items():
        assert theirs[int(number)] == pytest.approx(doc["bounding_box"], abs=FIELD.keyframe_tolerance + 1e-9)
