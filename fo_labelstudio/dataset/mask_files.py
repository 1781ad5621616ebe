"""Masks that are kept in files."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import cv2
import fiftyone.core.labels as fol

from fo_labelstudio.convert.stored import LabelDoc, StoredLabel, label_of


def read_into(label: StoredLabel) -> None:
    """Gives a label whose mask is in a file the mask itself; only this object changes, not the dataset.

    Raises:
        OSError: the file cannot be read
    """
    if label.mask is None and label.mask_path is not None:
        # Both kinds of labels with masks read files alike.
        label.mask = _read(fol.Detection(id=label.id, mask_path=label.mask_path))


def with_mask(doc: LabelDoc) -> LabelDoc:
    """A stored label with its mask, where that is in a file that can be read."""
    if doc.get("mask") is not None or not doc.get("mask_path"):
        return doc
    label = label_of(doc)
    try:
        label.mask = _read(label)
    except OSError:
        return doc
    read: LabelDoc = label.to_dict()
    return read


def is_lossless(path: str | None) -> bool:
    """Whether a file at a path can hold a mask exactly."""
    return path is not None and Path(path).suffix.lower() in (".png", ".bmp", ".tif", ".tiff")


def overwrite(doc: LabelDoc) -> None:
    """Writes the mask of a stored label to its file, whole or not at all.

    Raises:
        OSError: the file cannot be written
    """
    path = Path(doc["mask_path"])
    handle, temporary = tempfile.mkstemp(suffix=path.suffix, dir=path.parent)
    os.close(handle)
    try:
        # With a path of its own, the label would export the file that is there.
        label_of({**doc, "mask_path": None}).export_mask(temporary)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def _read(label: fol.Label) -> Any:
    try:
        mask = label.get_mask()
    except (OSError, ValueError, cv2.error) as error:
        raise OSError(f"label {label.id}, mask_path {label.mask_path!r}: it cannot be read ({error})") from None
    if mask is None:
        raise OSError(f"label {label.id}, mask_path {label.mask_path!r}: it cannot be read")
    return mask
