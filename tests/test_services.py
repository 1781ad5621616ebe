"""A test that is not marked is pure, as ``make check`` has it; and the services of the others leave nothing behind."""

from __future__ import annotations

import os
import subprocess
import sys

import fiftyone as fo
import pytest

from fo_labelstudio.local.server import LocalServer
from tests import services


def test_a_test_that_is_not_marked_reaches_no_database():
    with pytest.raises(pytest.fail.Exception, match=r"asks FiftyOne's database, .*add @pytest\.mark\.database"):
        fo.list_datasets()
    with pytest.raises(pytest.fail.Exception, match=r"add @pytest\.mark\.database"):
        fo.Dataset()


def test_a_test_that_is_not_marked_starts_no_server(tmp_path):
    with pytest.raises(pytest.fail.Exception, match=r"starts Label Studio, .*add @pytest\.mark\.server"):
        LocalServer(tmp_path).start()


def test_what_a_killed_process_left_is_removed_and_nothing_else(tmp_path):
    ended = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True)
    for name in (f"{ended.stdout.strip()}-abc", f"{os.getpid()}-abc", "another"):
        (tmp_path / f"fo-labelstudio-tests-{name}").mkdir()
    services._remove_abandoned(tmp_path)
    left = sorted(folder.name for folder in tmp_path.iterdir())
    assert left == sorted([f"fo-labelstudio-tests-{os.getpid()}-abc", "fo-labelstudio-tests-another"])
