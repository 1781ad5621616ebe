"""When the frames of a video are shown: at one rate, or at a changing one."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

MOST_FRAMES = 10**7
"""Frames that a video may have: those of four days at 30 a second. Files that are broken claim any number."""

_ALLOWED = 0.25
"""Frames by which one may be shown sooner or later than at a constant rate."""

LATEST = 0.25
"""Frames by which the first may be shown later than at the beginning of a video."""

_DENOMINATOR = 1001
"""That of the rates that television uses, such as 30000/1001."""


def constant_rate(
    times: NDArray[np.int64], tick: Fraction, declared: Fraction | None = None, duration: int = 0
) -> Fraction | None:
    """The frames a second of a video, or None where frames are not shown at one rate.

    Args:
        times: when each frame is shown, in ticks, in order; one or more
        tick: seconds a tick
        declared: what the file says, which counts where its frames are shown so
        duration: of the last frame, in ticks, which counts where it is the only one
    """
    if len(times) == 1:
        return declared or (1 / (duration * tick) if duration > 0 else None)
    steps = np.diff(times)
    if int(steps.min()) <= 0:
        return None
    if declared is not None and _is_rounded(times, tick, declared):
        return declared
    if int(steps.min()) == int(steps.max()):
        return 1 / (int(steps[0]) * tick)
    mean = (len(times) - 1) / (int(times[-1] - times[0]) * tick)
    for rate in usual_rates(mean):
        if _is_rounded(times, tick, rate):
            return rate
    return mean if np.abs(_deviations(times, tick, mean)).max() * tick * mean <= _ALLOWED else None


def usual_rates(rate: Fraction) -> list[Fraction]:
    """The rates that one may be that was rounded, likely ones first."""
    television = Fraction(round(rate * _DENOMINATOR / 1000) * 1000, _DENOMINATOR)
    near = (Fraction(round(rate)), television, rate.limit_denominator(10), rate.limit_denominator(_DENOMINATOR))
    return [usual for usual in near if usual > 0]


def _is_rounded(times: NDArray[np.int64], tick: Fraction, rate: Fraction) -> bool:
    """Whether times are those of a rate, all rounded to ticks in the same way."""
    off = _deviations(times, tick, rate)
    return float(off.max() - off.min()) <= 1


def _deviations(times: NDArray[np.int64], tick: Fraction, rate: Fraction) -> NDArray[np.float64]:
    """How many ticks each frame is off from where it would be at a rate."""
    off: NDArray[np.float64] = times - times[0] - np.arange(len(times)) * float(1 / (rate * tick))
    return off
