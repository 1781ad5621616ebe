"""The rows of the matrix, and what is tried in each."""

from __future__ import annotations

import re
from typing import NamedTuple

from scripts.set_up.locks import PYPROJECT

OLDEST, NEWEST = "oldest", "newest"


class Row(NamedTuple):
    """Versions that are tried together.

    Attributes:
        name: also that of its environment's folder
        python: the version of Python
        fiftyone: ``oldest`` or ``newest``
        label_studio: ``oldest`` or ``newest``
        is_lowest: whether all that the package requires has the lowest version that ``pyproject.toml`` allows
    """

    name: str
    python: str
    fiftyone: str
    label_studio: str
    is_lowest: bool = False


ROWS = (
    Row("oldest", "3.10", OLDEST, OLDEST, is_lowest=True),
    Row("newest", "3.13", NEWEST, NEWEST),
    Row("old-python", "3.10", NEWEST, NEWEST),
    Row("old-fiftyone", "3.13", OLDEST, NEWEST),
    # Label Studio 1.20 and 1.21 need a NumPy that has no wheels for Python 3.13.
    Row("old-server", "3.12", NEWEST, OLDEST),
)

# It needs a server, and cannot even be collected without models that only the newest label-studio-sdk has.
QUICK = ("-m", "not (database or server or browser or process or ffmpeg)", "--ignore=tests/test_enterprise.py")
"""The tests that need no service."""

ROUND_TRIPS = (
    "tests/test_round_trip.py::test_accepting_everything_changes_nothing",
    "tests/test_round_trip.py::test_edits_deletions_and_additions_arrive_together_and_only_once",
    "tests/test_round_trip.py::test_a_label_never_lands_on_another_sample",
    "tests/test_every_family.py::test_fields_of_every_kind_share_one_task",
    "tests/test_every_family.py::test_each_edit_changes_what_was_edited_and_nothing_else",
    "tests/test_every_family.py::test_instances_in_files_are_sent_and_a_file_is_overwritten_only_when_asked",
    "tests/test_every_family.py::test_segmentation_changes_pixel_by_pixel",
    "tests/test_every_family.py::test_scalars_of_every_kind_arrive_in_their_own_type",
    "tests/test_videos.py",
    "tests/test_moments.py",
    "tests/test_text.py",
    "tests/test_audio.py::test_ranges_of_audio_come_back_changed_only_where_somebody_changed_them",
    "tests/test_pdf.py",
    "tests/test_series.py",
    "tests/test_import_server.py",
    "tests/test_import_videos.py",
    "tests/test_status.py::test_the_status_says_who_did_what_and_what_is_new",
)
"""Images, masks, values, videos, texts, audio, documents, imports and a status on a real server."""


_WITH_OLDEST = {"fiftyone": ["graphql-core<3.3"], "label-studio": []}
"""Package -> what its oldest version needs besides and does not say: FiftyOne 1.17 cannot be imported without it."""


def pins(row: Row) -> list[str]:
    """The versions that a row asks for, as constraints of pip."""
    found = []
    for package, wanted in (("fiftyone", row.fiftyone), ("label-studio", row.label_studio)):
        if wanted == OLDEST:
            found += [f"{package}=={oldest_of(package)}.*", *_WITH_OLDEST[package]]
    return found


def required() -> set[str]:
    """What the package requires by itself, and for a server of its own."""
    text = PYPROJECT.read_text(encoding="utf-8")
    lists = re.findall(r"^(?:dependencies|local) = \[(.*?)^\]", text, re.DOTALL | re.MULTILINE)
    return {name for found in lists for name in re.findall(r'^    "([\w-]+)', found, re.MULTILINE)}


def oldest_of(package: str) -> str:
    """The lowest version of a package that ``pyproject.toml`` allows."""
    found = re.search(rf'"{package}>=([\d.]+)', PYPROJECT.read_text(encoding="utf-8"))
    if found is None:
        raise ValueError(f"pyproject.toml names no lowest version of {package}")
    return found[1]
