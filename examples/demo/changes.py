"""What a person changed, label by label."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

SHORT_ID = 6
"""Characters at the end of a label id that are shown; they tell the labels of one dataset apart."""

_HEADER = ("sample", "label field", "label id", "what", "before", "after")
_MARGIN = "  "


class LabelState(NamedTuple):
    """A label as it is at one time.

    Attributes:
        label: its class
        box: ``[x, y, width, height]``, relative to the image, in [0, 1]; None for a classification
        size: ``(width, height)`` of the image, in pixels
    """

    label: str
    box: list[float] | None
    size: tuple[int, int]

    def __str__(self) -> str:
        if self.box is None:
            return self.label
        x, y, width, height = (round(value * side) for value, side in zip(self.box, self.size * 2))
        return f"{self.label} {width}×{height} at {x},{y}"


class LabelKey(NamedTuple):
    """Which label.

    Attributes:
        sample: file name of the sample
        field: label field
        id: label id
    """

    sample: str
    field: str
    id: str


class Change(NamedTuple):
    """What became of a label.

    Attributes:
        key: which label
        what: ``unchanged``, ``added``, ``deleted``, or ``relabelled`` and ``moved``, one or both
        before: the label as it was; None if it is new
        after: the label as it is; None if it is gone
    """

    key: LabelKey
    what: str
    before: LabelState | None
    after: LabelState | None


Labels = Mapping[LabelKey, LabelState]


def labels_of(samples: Iterable[Any], fields: Sequence[str]) -> dict[LabelKey, LabelState]:
    """All labels of some fields, as they are now.

    Args:
        samples: a FiftyOne dataset or view, with metadata
        fields: fields of ``Detections`` or ``Classification``
    """
    labels = {}
    for sample in samples:
        size = (sample.metadata.width, sample.metadata.height)
        for field in fields:
            value = sample[field]
            for label in [] if value is None else getattr(value, "detections", [value]):
                key = LabelKey(sample.filename, field, label.id)
                box = getattr(label, "bounding_box", None)
                labels[key] = LabelState(label.label, None if box is None else list(box), size)
    return labels


def changes_of(before: Labels, after: Labels) -> list[Change]:
    """What became of each label, by sample and field; new labels come last."""
    keys = sorted({**before, **after}, key=lambda key: (key.sample, key.field, key not in before))
    return [Change(key, _what(before.get(key), after.get(key)), before.get(key), after.get(key)) for key in keys]


def to_table(changes: Sequence[Change], unanswered: Iterable[str] = ()) -> str:
    """The changes as a table, one row each; unchanged labels share a row for each sample and field.

    Args:
        changes: the changes
        unanswered: file names of the samples whose tasks were left unanswered
    """
    untouched = Counter(change.key[:2] for change in changes if change.what == "unchanged")
    left = set(unanswered)
    rows: list[tuple[str, ...]] = [_HEADER]
    for change in changes:
        sample, field, label_id = change.key
        if change.what != "unchanged":
            states = [str(state) if state else "" for state in (change.before, change.after)]
            rows.append((sample, field, label_id[-SHORT_ID:], change.what, *states))
        elif number := untouched.pop((sample, field), 0):
            count = f"{number} label{'s' if number > 1 else ''}"
            rows.append((sample, field, count, "not answered" if sample in left else "unchanged", "", ""))
    widths = [max(map(len, column)) for column in zip(*rows)]
    rows.insert(1, tuple("-" * width for width in widths))
    return "\n".join(_MARGIN.join(map(str.ljust, row, widths)).rstrip() for row in rows)


def _what(before: LabelState | None, after: LabelState | None) -> str:
    if before is None:
        return "added"
    if after is None:
        return "deleted"
    changed = {"relabelled": before.label != after.label, "moved": before.box != after.box}
    return " and ".join(what for what, true in changed.items() if true) or "unchanged"
