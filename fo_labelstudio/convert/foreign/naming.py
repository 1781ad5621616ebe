"""Names of control tags, annotators and models -> names that fields and attributes can have."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from urllib.parse import unquote

import fiftyone.core.labels as fol
import fiftyone.core.sample as fos

from fo_labelstudio.convert.digests import digest_of
from fo_labelstudio.convert.names import is_showable

_OWN = frozenset(("id", "filepath", "tags", "metadata", "created_at", "last_modified_at", "media_type", "frames"))
"""Names that samples have from the beginning (FiftyOne 1.22.1)."""

_NOT_IN_SUFFIX = re.compile(r"[^\w]+")


def field_name(control: str) -> str:
    """The name of a control tag, as a field can have it.

    FiftyOne takes no ``$``, no ``_`` at the beginning, and none of its own names; a ``.`` would lead into a document.
    What we encode in names of control tags is decoded.
    """
    name = _plain(control)
    return f"{name}_" if name in _OWN or hasattr(fos.Sample, name) else name


def attribute_name(control: str, owner: str | None = None) -> str:
    """The name of a control tag that asks about regions, as an attribute of labels can have it.

    Args:
        control: name of the control tag
        owner: name of the control tag that draws the regions, where the name begins with it, as in configs of ours
    """
    name = _plain(control if owner is None else control.removeprefix(f"{owner}%."))
    is_taken = name in _LABELS_OWN or any(hasattr(label, name) for label in _LABELS)
    return f"{name}_" if is_taken else name


def suffixes_of(names: Collection[str]) -> Mapping[str, str]:
    """Name of an annotator or model version -> what the names of their fields end in, ``_`` with it included."""
    found = {name: _NOT_IN_SUFFIX.sub("_", name).strip("_") for name in sorted(names)}
    taken = [*found.values()]
    return {
        # Names that become alike are told apart by what they were.
        name: f"_{suffix}_{digest_of(name)[:6]}" if taken.count(suffix) > 1 or not suffix else f"_{suffix}"
        for name, suffix in found.items()
    }


def unique(name: str, taken: Collection[str]) -> str:
    """A name, with a number where it is taken."""
    number, candidate = 1, name
    while candidate in taken:
        number += 1
        candidate = f"{name}_{number}"
    return candidate


def _plain(control: str) -> str:
    name = "".join(char if is_showable(char) or char == " " else "_" for char in unquote(control))
    return name.strip().replace(".", "_").replace("$", "_").lstrip("_") or "field"


_LABELS = (fol.Detection, fol.Polyline, fol.Keypoint, fol.Classification)
_LABELS_OWN = frozenset(("self", "rotation", "related_to", *(name for label in _LABELS for name in label._fields)))
