"""Files that are uploaded from memory."""

from __future__ import annotations

import io

from fo_labelstudio.remote.multipart import File


def file(name: str, content: bytes = b"") -> File:
    """A file of some content."""
    return File(name, len(content), lambda: io.BytesIO(content))
