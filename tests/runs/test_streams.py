from __future__ import annotations

import threading

import pytest

from fo_labelstudio.runs.streams import side_by_side


def test_items_are_worked_at_side_by_side_and_come_in_their_order():
    both = threading.Barrier(2)

    def work(item):
        both.wait(10)
        return -item

    assert list(side_by_side(work, [1, 2, 3, 4], 2)) == [-1, -2, -3, -4]


def test_no_more_items_are_asked_for_than_are_worked_at():
    asked = []

    def items():
        for item in range(10):
            asked.append(item)
            yield item

    made = side_by_side(str, items(), 2)
    assert asked == []
    assert next(made) == "0"
    assert asked == [0, 1, 2]
    made.close()


def test_what_goes_wrong_is_raised_in_its_turn():
    made = side_by_side(lambda item: 1 // item, [1, 0, 1], 2)
    assert next(made) == 1
    with pytest.raises(ZeroDivisionError):
        next(made)
    assert list(side_by_side(str, [], 2)) == []
