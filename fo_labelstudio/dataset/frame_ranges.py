"""Which frames of a video a task is about, where that is not all of them: those of a clip, or those that are asked for.

Whatever lies outside is neither sent nor written to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import fiftyone.core.collections as foc

from fo_labelstudio.dataset.internals import is_clips
from fo_labelstudio.errors import LabelSchemaError

LAST_FRAME = 2**31 - 1
"""The last frame of a range that goes on until the end of the video."""

FrameSetting = int | Sequence[int] | Mapping[str, int] | None
"""A number of a frame, from 0: for all samples, for each in turn, or by the path of its file."""


class FrameRange(NamedTuple):
    """Some frames of a video.

    Attributes:
        sample_id: the sample of the dataset that has the frames
        first: the number of the first frame, from 1
        last: the number of the last one, which is in it
    """

    sample_id: str
    first: int
    last: int

    def has(self, number: int) -> bool:
        """Whether a frame is in it."""
        return self.first <= number <= self.last

    def has_moment(self, moment: Mapping[str, Any]) -> bool:
        """Whether a moment, as the database stores it, is in it with all of its frames."""
        first, last = moment["support"]
        return self.has(first) and self.has(last)


def ranges_of(
    samples: foc.SampleCollection, frame_start: FrameSetting, frame_stop: FrameSetting
) -> dict[str, FrameRange]:
    """The frames that tasks are about: id of a sample, or of a clip -> range; those that are missing have all frames.

    Args:
        samples: the collection
        frame_start: the first frame, from 0; of clips, from their beginning
        frame_stop: the last frame, counted in the same way

    Raises:
        LabelSchemaError: no frame of a sample is left
    """
    of_clips = is_clips(samples)
    if not of_clips and frame_start is None and frame_stop is None:
        return {}
    names = ["id", "filepath", *(["sample_id", "support"] if of_clips else [])]
    found = {}
    for place, (name, path, *clip) in enumerate(zip(*samples.values(names), strict=True)):
        sample_id, (begin, end) = clip or (name, (1, LAST_FRAME))
        start, stop = (_number_for(setting, place, path) for setting in (frame_start, frame_stop))
        if start is None and stop is None and not of_clips:
            continue
        first = begin + (start or 0)
        last = end if stop is None else min(begin + stop, end)
        if first > last:
            raise LabelSchemaError(
                f"sample {name}: frame_start={start} and frame_stop={stop} leave none of its frames; they count from "
                "0, and both are in the range"
            )
        found[name] = FrameRange(str(sample_id), first, last)
    return found


def _number_for(setting: FrameSetting, place: int, path: str) -> int | None:
    """What a setting says of the sample at a place of the collection."""
    if isinstance(setting, Mapping):
        return setting.get(path)
    return setting if setting is None or isinstance(setting, int) else setting[place % len(setting)]
