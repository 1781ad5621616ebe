"""Which errors tell a person what to do, and are shown without a traceback."""

from __future__ import annotations

import sys

from fo_labelstudio.errors import LabelStudioError


def expected_errors() -> tuple[type[Exception], ...]:
    """Errors of this package, of the system, of the database, and those with which FiftyOne refuses what it is asked.

    All others are bugs, and keep their traceback.
    """
    found: list[type[Exception]] = [LabelStudioError, OSError, ValueError]
    if "fiftyone" in sys.modules:
        from fiftyone.core.config import FiftyOneConfigError
        from pymongo.errors import PyMongoError

        found += [FiftyOneConfigError, PyMongoError]
    return tuple(found)


def shown(error: Exception) -> str:
    """An error as one paragraph; with its class where it is none of this package's."""
    message = str(error).strip()
    return message if isinstance(error, LabelStudioError) and message else f"{type(error).__name__}: {message}"
