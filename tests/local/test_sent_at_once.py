from __future__ import annotations

from pathlib import Path

import pytest

from fo_labelstudio.local.server import LocalServer

_LABEL_STUDIO = """
import socketserver, sys
if __name__ == "__main__":
    print("called with", sys.argv[1:])
    print("sends at once:", socketserver.StreamRequestHandler.disable_nagle_algorithm)
"""


def test_a_server_sends_each_piece_of_an_answer_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "label_studio").mkdir()
    (tmp_path / "label_studio" / "__init__.py").touch()
    (tmp_path / "label_studio" / "server.py").write_text(_LABEL_STUDIO)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    server = LocalServer(tmp_path / "data")
    server.make_tables()
    assert server.log_path.read_text() == "called with ['version']\nsends at once: True\n"
