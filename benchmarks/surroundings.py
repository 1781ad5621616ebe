"""What the benchmarks run in."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fo_labelstudio.local.database import LocalDatabase


@contextmanager
def fiftyone_of_its_own() -> Iterator[Path]:
    """Gives FiftyOne, which was not imported yet, a database of its own; yields a folder that is deleted with it."""
    with tempfile.TemporaryDirectory() as home, LocalDatabase(Path(home) / "mongo") as database:
        os.environ.update(
            FIFTYONE_DO_NOT_TRACK="true",
            FIFTYONE_SHOW_PROGRESS_BARS="false",
            FIFTYONE_DATABASE_VALIDATION="false",
            FIFTYONE_DATABASE_URI=database.uri,
        )
        yield Path(home)
