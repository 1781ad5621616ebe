"""A test that is not marked is pure: it runs without database and server, as ``make check`` has it."""

from __future__ import annotations

import fiftyone as fo
import pytest

from fo_labelstudio.local.server import LocalServer


def test_a_test_that_is_not_marked_reaches_no_database():
    with pytest.raises(pytest.fail.Exception, match=r"asks FiftyOne's database, .*add @pytest\.mark\.database"):
        fo.list_datasets()
    with pytest.raises(pytest.fail.Exception, match=r"add @pytest\.mark\.database"):
        fo.Dataset()


def test_a_test_that_is_not_marked_starts_no_server(tmp_path):
    with pytest.raises(pytest.fail.Exception, match=r"starts Label Studio, .*add @pytest\.mark\.server"):
        LocalServer(tmp_path).start()
