"""FiftyOne as a command uses it."""

from __future__ import annotations

import logging

import fiftyone as fo
import pytest

from fo_labelstudio.cli.session import load_dataset, session
from fo_labelstudio.errors import SettingsError


@pytest.mark.parametrize(
    ("is_terminal", "as_json", "is_wanted", "is_shown"),
    [
        (True, False, True, True),
        (False, False, True, False),
        (True, True, True, False),
        (True, False, False, False),
    ],
)
def test_progress_bars_are_shown_on_terminals_only(monkeypatch, is_terminal, as_json, is_wanted, is_shown):
    monkeypatch.setattr("sys.stdout.isatty", lambda: is_terminal)
    monkeypatch.setattr(fo.config, "show_progress_bars", is_wanted)
    with session(as_json):
        assert fo.config.show_progress_bars is is_shown
    assert fo.config.show_progress_bars is is_wanted


def test_the_log_goes_to_stderr(capsys):
    with session():
        logging.getLogger("fiftyone.fo_labelstudio").warning("told")
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "told\n")


@pytest.mark.parametrize(
    "error", [ConnectionError("no answer"), RuntimeError("too old"), fo.core.config.FiftyOneConfigError("none")]
)
def test_a_database_that_cannot_be_used_is_told_with_who_looks_for_the_reason(monkeypatch, error):
    def refuse(name):
        raise error

    monkeypatch.setattr(fo, "dataset_exists", refuse)
    with pytest.raises(SettingsError) as told:
        load_dataset("animals")
    assert str(told.value) == (
        f"FiftyOne's database cannot be used ({error}); the command `fo-labelstudio doctor` looks for the reason"
    )
