"""What the command makes of what the doctor finds."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from fo_labelstudio.cli import main
from fo_labelstudio.doctor.finding import Finding

FINE = Finding("Python", "ok", "3.11.7")
DOUBTFUL = Finding("plugin", "warning", "not in /plugins", "run: fo-labelstudio app install")
WRONG = Finding("url", "failed", "not set", "set FIFTYONE_LABELSTUDIO_URL")


@pytest.fixture
def finds(monkeypatch):
    """Has the doctor find something; keeps what it was asked."""
    cases = []

    def finds(*findings):
        monkeypatch.setattr("fo_labelstudio.doctor.examine", lambda case: cases.append(case) or iter(findings))
        return cases

    return finds


def test_a_line_has_the_state_the_check_what_was_found_and_the_remedy(finds, capsys):
    finds(FINE, DOUBTFUL)
    assert main(["doctor"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "ok      Python                3.11.7",
        "warning plugin                not in /plugins; run: fo-labelstudio app install",
    ]


def test_a_check_that_has_failed_ends_with_1(finds, capsys):
    finds(FINE, WRONG)
    assert main(["doctor"]) == 1
    captured = capsys.readouterr()
    assert captured.out.splitlines()[-1].startswith("failed  url ") and captured.err == ""


def test_as_json(finds, capsys):
    finds(FINE, WRONG)
    assert main(["doctor", "--json"]) == 1
    assert json.loads(capsys.readouterr().out) == {
        "ok": False,
        "checks": [
            {"check": "Python", "state": "ok", "found": "3.11.7", "remedy": ""},
            {"check": "url", "state": "failed", "found": "not set", "remedy": "set FIFTYONE_LABELSTUDIO_URL"},
        ],
    }


def test_the_options_reach_the_doctor(finds):
    cases = finds(FINE)
    asked = ["--backend", "team", "--url", "http://studio", "--media", "s3://a/b.png", "--media", "/c.png"]
    assert main(["doctor", *asked, "--read-only"]) == 0
    (case,) = cases
    assert (case.name, case.given, case.media) == ("team", {"url": "http://studio"}, ("s3://a/b.png", "/c.png"))
    assert not case.may_change


@pytest.mark.process
def test_a_process_without_database_and_server_says_so_and_does_not_break(tmp_path):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FIFTYONE_")}
    environment |= {
        "FIFTYONE_DATABASE_URI": "mongodb://me:hidden@127.0.0.1:9/?serverSelectionTimeoutMS=200",
        "FIFTYONE_ANNOTATION_CONFIG_PATH": str(tmp_path / "annotation_config.json"),
        "FIFTYONE_PLUGINS_DIR": str(tmp_path / "plugins"),
    }
    command = [sys.executable, "-m", "fo_labelstudio.cli", "doctor", "--json"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr and "hidden" not in done.stdout + done.stderr
    lines = {line["check"]: line for line in json.loads(done.stdout)["checks"]}
    assert lines["MongoDB"]["remedy"] == "start it, or correct FIFTYONE_DATABASE_URI, or unset it"
    assert lines["backend 'labelstudio'"]["remedy"] == "run: fo-labelstudio register"
    assert lines["plugin"]["remedy"] == "run: fo-labelstudio app install"
    assert lines["url"]["state"] == "failed"
