"""The command ``fo-labelstudio``: a module a command, each thin over a function of the package.

FiftyOne is imported by the commands that need it, once they run, so that ``--help`` is quick.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click

from fo_labelstudio import __version__
from fo_labelstudio.cli import (
    annotate,
    app,
    cleanup,
    doctor,
    export_tasks,
    import_annotations,
    load_annotations,
    registration,
    server,
    status,
    watch,
)
from fo_labelstudio.cli.failing import expected_errors, shown

PROGRAM = "fo-labelstudio"

COMMANDS: tuple[click.Command, ...] = (
    registration.register_command,
    registration.unregister_command,
    doctor.command,
    annotate.command,
    status.command,
    load_annotations.command,
    watch.command,
    cleanup.command,
    export_tasks.command,
    import_annotations.command,
    app.command,
    server.command,
)
"""Every command, as ``--help`` lists them."""


class _InOrder(click.Group):
    """A group that lists its commands as they were added, not by name."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


@click.group(
    PROGRAM,
    cls=_InOrder,
    commands={command.name or "": command for command in COMMANDS},
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
)
@click.version_option(__version__, message="%(version)s")
def group() -> None:
    """Connects FiftyOne datasets to Label Studio.

    Address and API key of the server come from the environment (FIFTYONE_LABELSTUDIO_URL, FIFTYONE_LABELSTUDIO_API_KEY)
    or from FiftyOne's annotation config, as in Python. A missing key is asked for, hidden, on a terminal.
    """


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command.

    Args:
        arguments: those of the command line if None

    Returns:
        the exit status: 0; 1 where it could not be done, which a paragraph on stderr explains; 2 where the command line
        makes no sense
    """
    try:
        status = group.main(args=arguments, prog_name=PROGRAM, standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo(f"{PROGRAM}: interrupted", err=True)
        return 1
    except BrokenPipeError:
        # Whoever reads has read enough, as head does; Python would fail once more when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except expected_errors() as error:
        click.echo(f"{PROGRAM}: {shown(error)}", err=True)
        return 1
    return status if isinstance(status, int) else 0
