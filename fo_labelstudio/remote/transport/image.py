"""Image files of this machine: what they are, and whether a browser shows them."""

from __future__ import annotations

from pathlib import Path

import fiftyone.core.metadata as fom

from fo_labelstudio.remote.transport.transport import Inspection

EXTENSIONS = (".bmp", ".gif", ".jpg", ".jpeg", ".png", ".webp")
"""The image files that a server takes and a browser shows (Label Studio 1.23.2, SUPPORTEDEXTENSIONS)."""


def inspect(path: str | None) -> Inspection:
    """Looks at the head of an image file.

    Args:
        path: its path on this machine
    """
    if not path:
        return Inspection(problem="its image cannot be read (there is no path)")
    extension = Path(path).suffix.lower()
    if extension not in EXTENSIONS:
        return Inspection(
            problem=f"Label Studio does not take {extension or 'files without an extension'}; convert it to one of "
            f"{', '.join(EXTENSIONS)} and pass the field of the new path as media_field"
        )
    try:
        with Path(path).open("rb") as file:
            width, height, _ = fom.get_image_info(file)
    except (OSError, TypeError, ValueError) as error:
        return Inspection(problem=f"its image cannot be read ({error})")
    return Inspection((width, height))
