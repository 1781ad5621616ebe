"""What all commands have in common."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys

import click
import pytest

from fo_labelstudio import __version__
from fo_labelstudio.cli import COMMANDS, failing, group, main
from fo_labelstudio.errors import RunError


def leaves(command, path=()):
    """Each command that does something, with the words that call it."""
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from leaves(inner, (*path, name))
    else:
        yield path, command


LEAVES = dict(leaves(group))


def test_the_help_names_each_command_in_the_order_of_the_table(capsys):
    assert main(["--help"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("Usage: fo-labelstudio [OPTIONS] COMMAND")
    listed = [line.split()[0] for line in out.partition("Commands:\n")[2].splitlines()]
    assert listed == [command.name for command in COMMANDS]


@pytest.mark.parametrize("words", LEAVES, ids=" ".join)
def test_each_command_says_what_it_does_and_what_each_option_means(words, capsys):
    assert main([*words, "--help"]) == 0
    out = capsys.readouterr().out
    command = LEAVES[words]
    assert out.startswith(f"Usage: fo-labelstudio {' '.join(words)} ")
    assert command.help.splitlines()[0] in " ".join(out.split())
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.opts[0] in out
            assert parameter.help, f"{parameter.name} has no help"


def test_no_option_takes_a_secret():
    for command in LEAVES.values():
        for parameter in command.params:
            assert parameter.name not in ("api_key", "http_headers", "proxies", "cloud_storage", "password")


def test_the_help_does_not_import_fiftyone():
    code = (
        "import sys\n"
        "from fo_labelstudio.cli import main\n"
        "main(['--help'])\n"
        "print('imported:', *sorted({'fiftyone', 'requests', 'label_studio_sdk', 'numpy'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "imported:"


def test_shells_complete_commands_and_options():
    environment = {**os.environ, "_FO_LABELSTUDIO_COMPLETE": "bash_complete", "COMP_WORDS": "fo-labelstudio do"}
    command = [sys.executable, "-m", "fo_labelstudio.cli"]
    done = subprocess.run(command, env=environment | {"COMP_CWORD": "1"}, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "plain,doctor\n")


def test_the_list_of_commands_cuts_no_sentence(capsys):
    assert main(["--help"]) == 0
    assert not re.findall(r"\.\.\.$", capsys.readouterr().out.partition("Commands:")[2], re.MULTILINE)


def test_the_version_is_the_packages(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"{__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["registr"], "No such command 'registr'"),
        (["register", "--nam", "x"], "--nam"),
        (["watch", "dataset"], "Missing argument 'KEY'"),
        (["watch", "dataset", "key", "--interval", "0"], "0.0 is not in the range x>0"),
    ],
)
def test_misuse_ends_with_2_and_says_what_is_wrong(arguments, told, capsys):
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert told in captured.err and "Traceback" not in captured.err


class TestFailures:
    @pytest.fixture
    def failing_with(self, monkeypatch):
        """Has the command register fail with an error."""

        def fail_with(error):
            def fail(path, name):
                raise error

            monkeypatch.setattr("fo_labelstudio.cli.registration.register", fail)
            return main(["register"])

        return fail_with

    def test_an_error_of_ours_is_a_paragraph_on_stderr_and_ends_with_1(self, failing_with, capsys):
        assert failing_with(RunError("project 3 is gone; annotate again")) == 1
        captured = capsys.readouterr()
        assert (captured.out, captured.err) == ("", "fo-labelstudio: project 3 is gone; annotate again\n")

    @pytest.mark.parametrize("error", [OSError(28, "No space left"), ValueError("Dataset has no field 'x'")])
    def test_a_refusal_of_fiftyone_or_the_system_has_its_class(self, failing_with, error, capsys):
        assert failing_with(error) == 1
        assert capsys.readouterr().err == f"fo-labelstudio: {type(error).__name__}: {error}\n"

    def test_ctrl_c_ends_with_1(self, failing_with, capsys):
        assert failing_with(KeyboardInterrupt()) == 1
        assert capsys.readouterr().err.strip() == "fo-labelstudio: interrupted"

    def test_a_bug_keeps_its_traceback(self, failing_with):
        with pytest.raises(KeyError):
            failing_with(KeyError("bug"))

    def test_a_wrong_config_of_fiftyone_and_a_lost_database_are_expected(self):
        from fiftyone.core.config import FiftyOneConfigError
        from pymongo.errors import AutoReconnect

        assert FiftyOneConfigError in failing.expected_errors()
        assert issubclass(AutoReconnect, failing.expected_errors())

    def test_whoever_has_read_enough_is_told_nothing(self):
        command = f"{shlex.quote(sys.executable)} -m fo_labelstudio.cli --help | true; echo ${{PIPESTATUS[0]}}"
        done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
        assert done.stderr == ""
