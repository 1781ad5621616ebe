"""Files of media that are sent as they are, or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from fo_labelstudio.transport.address import looks_like_address
from fo_labelstudio.transport.files.files import Content, InspectFile, MediaFiles
from fo_labelstudio.transport.files.paths import inspect_path
from fo_labelstudio.transport.transport import Inspection


def unconverted(
    noun: str,
    extensions: tuple[str, ...],
    inspect_file: InspectFile,
    form: str,
    content_types: tuple[str, str],
    is_in_data: bool = False,
) -> MediaFiles:
    """The files of a medium that nothing converts.

    Args:
        noun: what they are, for messages
        extensions: how their names end
        inspect_file: looks at an open file
        form: what they are to be in, for messages
        content_types: see :class:`MediaFiles`
        is_in_data: whether the data of a task holds what is in a file, rather than its address
    """

    def inspect(path: str | None, convert: bool = False) -> Inspection:
        if is_in_data and path and looks_like_address(path):
            return Inspection(
                problem=f"it is an address, and the {noun} of a task is read from a file of this machine; download it, "
                "and pass the field that holds the paths as media_field"
            )
        return inspect_path(path, noun, extensions, inspect_file, None)

    return MediaFiles(
        inspect=inspect,
        inspect_file=inspect_file,
        read=_read,
        extensions=extensions,
        converted_to=form,
        content_types=content_types,
        told_by="a file of this machine in media_field",
    )


@contextmanager
def _read(path: str, convert: bool = False) -> Iterator[Content]:
    yield Content.of(path)
