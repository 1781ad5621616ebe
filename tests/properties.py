"""How many examples property tests try: a part of them in each run, all of them in ``make bench``.

The examples of a test are the same each time, so that a change that fails is the change's own fault.
"""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, settings

_EXAMPLES = 50
"""What a test tries in ``make bench`` that asks for no number."""
_PART = 0.3
_FEWEST = 10


def choose(is_whole: bool) -> None:
    """Chooses how many examples the tests try whose modules are imported from now on.

    Args:
        is_whole: whether they try all
    """
    for name, number in (("whole", _EXAMPLES), ("part", part_of(_EXAMPLES))):
        settings.register_profile(
            name,
            max_examples=number,
            deadline=None,
            derandomize=True,
            # How long it takes to make examples says nothing, for machines differ tenfold.
            suppress_health_check=[HealthCheck.too_slow],
        )
    settings.load_profile("whole" if is_whole else "part")


def examples(number: int, fewest: int = _FEWEST, **options: Any) -> settings:
    """The settings of a test that tries a number of examples in ``make bench``, and a part of them in other runs.

    Args:
        number: how many all are
        fewest: how many are tried at least, unless all are fewer; less where each example asks a service
        **options: other settings of hypothesis
    """
    is_whole = settings.default.max_examples == _EXAMPLES
    return settings(max_examples=number if is_whole else part_of(number, fewest), **options)


def part_of(number: int, fewest: int = _FEWEST) -> int:
    """How many of so many examples are tried in a run that does not try all; of few, all."""
    return min(number, max(fewest, round(_PART * number)))
