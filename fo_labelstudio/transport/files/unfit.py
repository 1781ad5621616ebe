"""Why a video cannot be sent."""

from __future__ import annotations


class UnfitError(Exception):
    """A video that cannot be sent as it is.

    Args:
        problem: what keeps it from being sent
        is_convertible: whether ffmpeg can make one of it that can be sent
    """

    def __init__(self, problem: str, is_convertible: bool = False):
        super().__init__(problem)
        self.problem = problem
        self.is_convertible = is_convertible


def broken(reason: str) -> UnfitError:
    """An error about a file that is damaged."""
    return UnfitError(f"its video cannot be read ({reason})")


def cut_off() -> UnfitError:
    """An error about a file that is not whole."""
    return UnfitError("it is cut off, and a browser would show only a part of it")


def not_played(codec: str, container: str) -> UnfitError:
    """An error about a codec that browsers do not play."""
    return UnfitError(f"it is {codec} in {container}, which not all browsers play", True)
