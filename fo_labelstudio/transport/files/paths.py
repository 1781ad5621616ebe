"""Looks at a file of this machine by its path, whatever its medium."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import BinaryIO

from fo_labelstudio.transport.address import looks_like_address
from fo_labelstudio.transport.transport import Inspection


def inspect_path(
    path: str | None,
    noun: str,
    extensions: tuple[str, ...],
    inspect_file: Callable[[BinaryIO], Inspection],
    converted: Callable[[BinaryIO, str], Inspection] | None,
) -> Inspection:
    """Looks at a file, and at its extension.

    Args:
        path: its path on this machine
        noun: what it is to be, for messages
        extensions: those that a server takes
        inspect_file: looks at an open file
        converted: what is made of a file with a problem, which can be converted; None where nothing is
    """
    if not path or not isinstance(path, str):
        return Inspection(problem=f"its {noun} cannot be read (there is no path)")
    if looks_like_address(path):
        return Inspection(
            problem="it is an address, not a file; pass media='cloud', and the field that holds the addresses as "
            "media_field"
        )
    extension = os.path.splitext(path)[1].lower()
    try:
        with open(path, "rb") as file:
            found = inspect_file(file)
            if converted is not None and found.problem and found.is_convertible:
                return converted(file, found.problem)
    except (OSError, ValueError) as error:
        found = Inspection(problem=f"its {noun} cannot be read ({error})")
    if extension in extensions or (converted is not None and found.info):
        return found
    refusal = f"Label Studio does not take {extension or 'files without an extension'}"
    if found.problem is None:
        return Inspection(problem=refusal, is_convertible=True)
    return found._replace(problem=f"{found.problem}, and {refusal}")
