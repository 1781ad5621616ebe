"""When the frames of a video are shown, and whether the editor finds each of them by its number.

It goes to frame n by going to the time (n - 1) / rate, rounded to 2 ms, and 2 ms more (Label Studio 1.23.2): the frame
must be shown from 1 ms after that time on, and still 3 ms after it.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from fo_labelstudio.transport.files.unfit import UnfitError

MOST_FRAMES = 10**7
"""Frames that a video may have: those of four days at 30 a second. Files that are broken claim any number."""

SLOWEST, FASTEST = Fraction(1), Fraction(240)
"""Frames a second that the editor can count: it turns rates below 1 upside down, and cannot go to shorter frames."""

_LATEST = 0.001 + 1e-6
_EARLIEST = 0.5
"""Seconds after its time, and frames before it, at which a frame may begin to be shown."""

_DENOMINATOR = 1001
"""That of the rates that television uses, such as 30000/1001."""


def frame_rate(
    times: NDArray[np.int64],
    tick: Fraction,
    shift: float,
    lasts: float,
    declared: Fraction | None = None,
    last: int = 0,
) -> float:
    """The frames a second at which the editor finds each frame of a video.

    Args:
        times: when each frame is shown, in ticks, in order; one or more
        tick: seconds a tick
        shift: seconds by which all are shown later
        lasts: seconds that the video is said to last; 0 where nobody says
        declared: the rate that the file says, which counts where its frames are shown so
        last: how long the last frame is, in ticks, which counts where it is the only one

    Raises:
        UnfitError: there is none
    """
    begin = float(times[0] * tick) + shift
    rate = _rate(times, tick, begin, declared, last)
    if rate is not None and not SLOWEST <= rate <= FASTEST:
        raise UnfitError(
            f"it has {float(rate):g} frames a second, and Label Studio counts {SLOWEST} to {FASTEST}", True
        )
    if begin > _LATEST:
        raise UnfitError(
            f"its first frame is shown at {begin:.3f} s, and Label Studio counts frames from the beginning", True
        )
    if rate is None:
        raise UnfitError(
            "its frame rate changes, and Label Studio counts frames at a constant one, so that labels would be on "
            "others",
            True,
        )
    if lasts and round(lasts * rate) < len(times):
        raise UnfitError(f"it says to last {lasts:.3f} s, and nobody could go to its last frames", True)
    return float(rate)


def usual_rates(rate: Fraction) -> list[Fraction]:
    """The rates that one may be that was rounded, likely ones first."""
    television = Fraction(round(rate * _DENOMINATOR / 1000) * 1000, _DENOMINATOR)
    near = (Fraction(round(rate)), television, rate.limit_denominator(10), rate.limit_denominator(_DENOMINATOR))
    return [usual for usual in near if usual > 0]


def _rate(
    times: NDArray[np.int64], tick: Fraction, begin: float, declared: Fraction | None, last: int
) -> Fraction | None:
    """The rate at which frames are shown, or None where there is none."""
    if len(times) == 1:
        return declared or (1 / (last * tick) if last > 0 else None)
    steps = np.diff(times)
    if int(steps.min()) <= 0:
        return None
    mean = (len(times) - 1) / (int(times[-1] - times[0]) * tick)
    is_exact = int(steps.min()) == int(steps.max())
    rates = [*([declared] if declared else ()), *([mean] if is_exact else ()), *usual_rates(mean), mean]
    # What is right but for the ticks, before what the editor takes for right.
    rates = [rate for rate in rates if _is_rounded(times, tick, rate)] + rates
    return next((rate for rate in rates if _is_even(times, tick, begin, rate)), None)


def _is_rounded(times: NDArray[np.int64], tick: Fraction, rate: Fraction) -> bool:
    """Whether times are those of a rate, all rounded to ticks in the same way."""
    off = _deviations(times, tick, rate)
    return float(off.max() - off.min()) <= 1


def _is_even(times: NDArray[np.int64], tick: Fraction, begin: float, rate: Fraction) -> bool:
    """Whether the editor finds each frame."""
    off = _deviations(times, tick, rate) * float(tick) + begin
    return float(off.max()) <= _LATEST and float(off.min()) >= -_EARLIEST / float(rate)


def _deviations(times: NDArray[np.int64], tick: Fraction, rate: Fraction) -> NDArray[np.float64]:
    """How many ticks later each frame is shown than it would be at a rate, from the first one on."""
    off: NDArray[np.float64] = times - times[0] - np.arange(len(times)) * float(1 / (rate * tick))
    return off
