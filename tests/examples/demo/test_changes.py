from __future__ import annotations

from examples.demo.changes import LabelKey, LabelState, changes_of, to_table

_BOX = [0.1, 0.2, 0.3, 0.4]


def _key(name: str, field: str = "predictions") -> LabelKey:
    return LabelKey("a.png", field, f"0123456789{name}")


def _state(label: str, box: list[float] | None = _BOX) -> LabelState:
    return LabelState(label, box, (100, 50))


def test_each_label_is_told_what_became_of_it() -> None:
    before = {_key(name): _state("cat") for name in ("same", "shifted", "renamed", "both", "gone")}
    moved = [0.5, 0.2, 0.3, 0.4]
    after = {
        _key("same"): _state("cat"),
        _key("shifted"): _state("cat", moved),
        _key("renamed"): _state("dog"),
        _key("both"): _state("dog", moved),
        _key("new"): _state("dog"),
    }
    assert {change.key.id[10:]: change.what for change in changes_of(before, after)} == {
        "same": "unchanged",
        "shifted": "moved",
        "renamed": "relabelled",
        "both": "relabelled and moved",
        "gone": "deleted",
        "new": "added",
    }


def test_the_table_names_sample_field_and_label_and_counts_what_is_unchanged() -> None:
    before = {
        _key("aaaaaa"): _state("cat"),
        _key("bbbbbb"): _state("cat"),
        _key("cccccc"): _state("cat"),
        _key("dddddd", "scene"): _state("indoors", None),
    }
    after = {**before, _key("cccccc"): _state("dog")}
    rows = [line.split("  ") for line in to_table(changes_of(before, after)).splitlines()]
    cells = [[cell.strip() for cell in row if cell.strip()] for row in rows]
    assert cells[0] == ["sample", "label field", "label id", "what", "before", "after"]
    assert cells[2:] == [
        ["a.png", "predictions", "2 labels", "unchanged"],
        ["a.png", "predictions", "cccccc", "relabelled", "cat 30×20 at 10,10", "dog 30×20 at 10,10"],
        ["a.png", "scene", "1 label", "unchanged"],
    ]


def test_labels_of_unanswered_tasks_are_called_so() -> None:
    labels = {_key("aaaaaa"): _state("cat")}
    assert "not answered" in to_table(changes_of(labels, labels), ["a.png"])
    assert "not answered" not in to_table(changes_of(labels, labels), ["b.png"])
