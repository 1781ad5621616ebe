"""A Label Studio of one's own, started as people start it."""

from __future__ import annotations

import importlib.util
import re
import signal
import socket
import stat
import subprocess
import sys
from types import SimpleNamespace

import fiftyone as fo
import pytest
import requests

from fo_labelstudio.cli import main, server
from fo_labelstudio.local.process import free_port
from tests.support import Annotator, heeds_ctrl_c, write_image


def test_what_is_missing_is_said_with_how_to_get_it(tmp_path, monkeypatch, capsys):
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "label_studio" else find_spec(name))
    arguments = ["server", "--data-dir", str(tmp_path / "data"), "--files", str(tmp_path), "--port", str(free_port())]
    assert main(arguments) == 1
    told = "label-studio is not installed; run: pip install 'fo-labelstudio[local]'"
    assert capsys.readouterr().err == f"fo-labelstudio: {told}\n"


def test_a_port_that_is_taken_is_refused(tmp_path, capsys):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert main(["server", "--data-dir", str(tmp_path / "data"), "--port", str(port)]) == 1
    err = capsys.readouterr().err
    assert f"port {port} cannot be used" in err and "pass another --port" in err
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("is_terminal", [True, False])
def test_the_password_is_printed_on_terminals_only(tmp_path, monkeypatch, capsys, is_terminal):
    monkeypatch.setattr("sys.stdout.isatty", lambda: is_terminal)
    (tmp_path / "variables.sh").write_text("export FIFTYONE_LABELSTUDIO_API_KEY=hidden\n")
    running = SimpleNamespace(url="http://me", username="ann@x", password="open sesame", data_dir=tmp_path)
    server._tell(running, tmp_path, tmp_path / "variables.sh")
    out = capsys.readouterr().out
    assert ("open sesame" in out) == is_terminal
    assert (f"password  in {tmp_path / 'login.json'}" in out) != is_terminal
    assert "It sets FIFTYONE_LABELSTUDIO_API_KEY.\n" in out and "hidden" not in out


@pytest.mark.server
@pytest.mark.process
class TestRunning:
    @pytest.fixture
    def start(self, tmp_path):
        """Starts the command on one data folder; returns the process and what it printed up to its last line."""
        processes = []
        port = free_port()

        def start():
            arguments = ["server", "--data-dir", tmp_path / "data", "--files", tmp_path / "files", "--port", str(port)]
            command = [sys.executable, "-m", "fo_labelstudio.cli", *arguments]
            process = subprocess.Popen(
                command,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                stdin=subprocess.DEVNULL,
                preexec_fn=heeds_ctrl_c,
            )
            processes.append(process)
            lines = []
            for line in process.stdout:
                lines.append(line)
                if line.startswith("Ctrl-C"):
                    return process, "".join(lines)
            pytest.fail(process.stderr.read())

        yield start
        for process in processes:
            process.terminate()
            process.wait()

    def variables(self, path):
        return dict(re.findall(r"^export (\w+)='?([^'\n]*)'?$", path.read_text(), re.MULTILINE))

    def test_it_prints_what_is_needed_serves_the_disk_and_keeps_its_data(
        self, start, tmp_path, dataset_of, monkeypatch
    ):
        process, printed = start()
        path = tmp_path / "data" / "variables.sh"
        variables = self.variables(path)
        url, key = variables["FIFTYONE_LABELSTUDIO_URL"], variables["FIFTYONE_LABELSTUDIO_API_KEY"]
        assert f"Label Studio runs at {url}\n" in printed
        assert f"  . {path}\n" in printed
        for name in variables:
            assert name in printed
        # This is no terminal, so neither key nor password are printed.
        assert key not in printed and f"password  in {tmp_path / 'data' / 'login.json'}" in printed
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        # Nobody else gets an account.
        with requests.Session() as session:
            session.get(f"{url}/user/signup/", timeout=60)
            form = {"email": "ann@example.org", "password": "secret-1234"}
            form["csrfmiddlewaretoken"] = session.cookies["csrftoken"]
            assert session.post(f"{url}/user/signup/", data=form, timeout=60).status_code == 403

        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        image = write_image(tmp_path / "files" / "images" / "cat.png")
        dataset = dataset_of([fo.Sample(filepath=str(image))])
        asked = ["--label-field", "gt", "--label-type", "detections", "--classes", "cat", "--no-attributes"]
        assert main(["annotate", dataset.name, "run", *asked]) == 0
        results = dataset.load_annotation_results("run")
        assert results.config.media == "local_files"
        (task_id,) = results.tasks.values()
        shown = Annotator(url, key).task(task_id)["data"]["image"]
        media = requests.get(url + shown, headers={"Authorization": f"Token {key}"}, timeout=60)
        assert media.content == image.read_bytes()

        process.send_signal(signal.SIGINT)
        assert process.wait() == 0
        assert f"Stopped; everything is kept in {tmp_path / 'data'}" in process.stderr.read()
        with pytest.raises(requests.ConnectionError):
            requests.get(url, timeout=60)

        process, _ = start()
        assert self.variables(path) == variables
        assert Annotator(url, key).task(task_id)["id"] == task_id
        process.terminate()
        assert process.wait() == 0
