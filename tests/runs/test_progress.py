"""Who watches is told of each step."""

from __future__ import annotations

from fo_labelstudio.runs.progress import progress_bar, watched


def test_whoever_watches_is_told_what_goes_on_and_how_far_it_is():
    told = []
    with watched(lambda *step: told.append(step)):
        with progress_bar("Counting", 3) as bar:
            bar.update(2)
            bar.update()
        with progress_bar("Reading") as bar:
            assert list(bar(iter("ab"))) == ["a", "b"]
    assert told[:3] == [("Counting", 0, 3), ("Counting", 2, 3), ("Counting", 3, 3)]
    assert told[-1][:2] == ("Reading", 2)


def test_nobody_is_told_afterwards():
    told = []
    with watched(lambda *step: told.append(step)):
        pass
    with progress_bar("Counting", 1) as bar:
        bar.update()
    assert told == []
