from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from fo_labelstudio.local.process import StartError
from fo_labelstudio.local.server import LocalServer

# One process starts the server of this module.
pytestmark = [pytest.mark.server, pytest.mark.xdist_group("own_server")]


def _whoami(server: LocalServer, authorization: str) -> requests.Response:
    return requests.get(f"{server.url}/api/current-user/whoami", headers={"Authorization": authorization}, timeout=60)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("server")


@pytest.fixture(scope="module")
def own_server(folder: Path, template_dir: Path) -> Iterator[LocalServer]:
    # What it imports writes into the home folder of this process.
    import fiftyone  # noqa: F401

    (folder / "home").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(folder / "home"))
        # Label Studio would take these for its own.
        patch.setenv("CI", "neither true nor false")
        patch.setenv("DATABASE_NAME", str(folder / "elsewhere"))
        with LocalServer(folder / "data", template_dir=template_dir) as server:
            yield server


def test_the_legacy_token_and_the_personal_access_token_work(own_server: LocalServer) -> None:
    assert _whoami(own_server, f"Token {own_server.legacy_token}").json()["email"] == own_server.username
    refresh = {"refresh": own_server.personal_access_token()}
    answer = requests.post(f"{own_server.url}/api/token/refresh/", json=refresh, timeout=60)
    access = answer.json()["access"]
    assert _whoami(own_server, f"Bearer {access}").json()["email"] == own_server.username


def test_a_restarted_server_has_the_same_address_data_and_tokens(own_server: LocalServer) -> None:
    session = own_server.sign_in()
    project = session.post(f"{own_server.url}/api/projects/", json={"title": "Stays"}, timeout=60).json()
    url, token = own_server.url, own_server.personal_access_token()
    own_server.stop()
    with pytest.raises(requests.ConnectionError):
        _whoami(own_server, "")
    own_server.start()
    assert (own_server.url, own_server.personal_access_token()) == (url, token)
    answer = requests.get(
        f"{url}/api/projects/{project['id']}/",
        headers={"Authorization": f"Token {own_server.legacy_token}"},
        timeout=60,
    )
    assert answer.json()["title"] == "Stays"
    refreshed = requests.post(f"{url}/api/token/refresh/", json={"refresh": token}, timeout=60)
    assert refreshed.status_code == 200 and "access" in refreshed.json()


def test_tokens_are_signed_with_a_key_of_ours_that_a_restart_keeps(own_server: LocalServer) -> None:
    login = json.loads((own_server.data_dir / "login.json").read_text(encoding="utf-8"))
    assert re.fullmatch(r"[0-9a-f]{64}", login["secret_key"])
    assert not (own_server.data_dir / ".env").exists()


def test_a_second_server_on_the_same_folder_knows_the_login(own_server: LocalServer, folder: Path) -> None:
    token = own_server.personal_access_token()
    second = LocalServer(folder / "data")
    assert second.password == own_server.password
    assert second.personal_access_token() == token


def test_everything_is_written_into_the_data_folder(own_server: LocalServer, folder: Path) -> None:
    upload = {"file": ("note.txt", b"x" * 3_000_000)}
    session = own_server.sign_in()
    project = session.post(f"{own_server.url}/api/projects/", json={"title": "Files"}, timeout=60).json()
    session.post(f"{own_server.url}/api/projects/{project['id']}/import", files=upload, timeout=60)
    assert sorted(path.name for path in folder.iterdir()) == ["data", "home"]
    assert [*(folder / "home").rglob("*")] == []


def test_the_login_is_readable_by_the_user_only(own_server: LocalServer) -> None:
    assert (own_server.data_dir / "login.json").stat().st_mode & 0o077 == 0


def test_the_template_holds_no_user(own_server: LocalServer, template_dir: Path) -> None:
    templates = [*template_dir.glob("*.sqlite3")]
    assert templates
    assert not any(own_server.username.encode() in template.read_bytes() for template in templates)


def test_a_failed_start_shows_the_end_of_the_log_and_leaves_nothing(template_dir: Path) -> None:
    server = LocalServer(template_dir=template_dir, env={"LABEL_STUDIO_DEBUG": "neither true nor false"})
    with pytest.raises(StartError, match=r"(?s)ended while starting; its log ends with:.*neither true nor false"):
        server.start()
    assert not server.running
    assert not server.data_dir.exists()


def test_importing_the_server_does_not_import_fiftyone() -> None:
    code = "import sys, fo_labelstudio.local.server; sys.exit('fiftyone' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], env=os.environ, check=False).returncode == 0
