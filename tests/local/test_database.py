from __future__ import annotations

from pathlib import Path

import pymongo
import pytest

from fo_labelstudio.local.database import LocalDatabase
from fo_labelstudio.local.process import StartError


@pytest.mark.database
def test_the_database_answers_at_its_address_until_it_is_stopped(tmp_path: Path) -> None:
    with LocalDatabase(tmp_path) as database:
        client = pymongo.MongoClient(database.uri)
        assert client.admin.command("ping")["ok"] == 1
        client.close()
    with pymongo.MongoClient(database.uri, serverSelectionTimeoutMS=100) as client:
        with pytest.raises(pymongo.errors.ServerSelectionTimeoutError):
            client.admin.command("ping")


@pytest.mark.database
def test_a_failed_start_shows_the_end_of_the_log(tmp_path: Path) -> None:
    with LocalDatabase(tmp_path):
        with pytest.raises(StartError, match=r"(?s)MongoDB did not start; its log ends with:.*DBPathInUse"):
            LocalDatabase(tmp_path).start()
