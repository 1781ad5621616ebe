"""``server``: a Label Studio of one's own, on this machine."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from fo_labelstudio.cli.session import session
from fo_labelstudio.errors import LabelStudioError

if TYPE_CHECKING:
    from fo_labelstudio.local.server import LocalServer

_PORT = 8080
"""Label Studio's own."""

_VARIABLES = "variables.sh"
_LOOK_EVERY = 0.5
"""Seconds between two looks whether the server still runs."""


@click.command("server")
@click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("~/.fiftyone/label-studio"),
    show_default=True,
    metavar="FOLDER",
    help="Folder that keeps projects, uploaded media, login and log from one start to the next.",
)
@click.option(
    "--files",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Folder whose media the server shows without a copy, if they are in a folder below it; by default FiftyOne's "
    "folder of datasets.",
)
@click.option("--port", type=click.IntRange(1, 65535), default=_PORT, show_default=True, help="Port to listen on.")
def command(data_dir: Path, files: Path | None, port: int) -> None:
    """Run a Label Studio of your own, until Ctrl-C.

    Only this machine can reach it. It shows media of the disk without copying them. It prints its address, the login,
    and the variables with which FiftyOne finds it. It needs the package label-studio:

    \b
    pip install 'fo-labelstudio[local]'
    """
    from fo_labelstudio.local.process import StartError
    from fo_labelstudio.local.server import LocalServer
    from fo_labelstudio.local.tables import kept_tables, tables_dir

    _refuse_taken(port)
    root = (files or _datasets_dir()).expanduser().resolve()
    root.mkdir(parents=True, exist_ok=True)
    folder = data_dir.expanduser().resolve()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    shared = {
        "LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED": "true",
        "LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT": str(root),
    }
    # Other users of this machine could make an account, and read the files.
    own = {**shared, "LABEL_STUDIO_DISABLE_SIGNUP_WITHOUT_LINK": "true"}
    previous = signal.signal(signal.SIGTERM, _interrupt)
    try:
        server = LocalServer(folder, template_dir=tables_dir(), port=port, env=own)
        if not kept_tables(tables_dir()).exists():
            click.echo("Making Label Studio's database, once; this takes a minute or two...", err=True)
        click.echo("Starting Label Studio...", err=True)
        with server:
            variables = _write_variables(folder, server, shared)
            _tell(server, root, variables)
            while server.running:
                time.sleep(_LOOK_EVERY)
            raise LabelStudioError(f"Label Studio has ended by itself; its log is {server.log_path}")
    except StartError as error:
        raise LabelStudioError(str(error)) from None
    except KeyboardInterrupt:
        click.echo(f"\nStopped; everything is kept in {folder}", err=True)
    finally:
        signal.signal(signal.SIGTERM, previous)


def _interrupt(number: int, frame: object) -> NoReturn:
    raise KeyboardInterrupt


def _refuse_taken(port: int) -> None:
    """Refuses a port that is taken; Label Studio would take the next one, which nobody knows.

    Raises:
        LabelStudioError: it is taken
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise LabelStudioError(
                f"port {port} cannot be used ({error}); is the server running already? Otherwise pass another --port"
            ) from None


def _datasets_dir() -> Path:
    with session():
        import fiftyone as fo

        return Path(fo.config.default_dataset_dir)


def _write_variables(folder: Path, server: LocalServer, shared: dict[str, str]) -> Path:
    """Writes the variables with which FiftyOne finds the server into a file that only its owner can read."""
    variables = {
        "FIFTYONE_LABELSTUDIO_URL": server.url,
        "FIFTYONE_LABELSTUDIO_API_KEY": server.legacy_token,
        **shared,
    }
    path = folder / _VARIABLES
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text("".join(f"export {name}={shlex.quote(value)}\n" for name, value in variables.items()))
    return path


def _tell(server: LocalServer, root: Path, variables: Path) -> None:
    # What goes to a file or a log is no place for a password.
    password = server.password if sys.stdout.isatty() else f"in {server.data_dir / 'login.json'}"
    names = [line.partition("=")[0].removeprefix("export ") for line in variables.read_text().splitlines()]
    click.echo(
        f"Label Studio runs at {server.url}\n"
        f"  e-mail    {server.username}\n"
        f"  password  {password}\n"
        f"  files     {root}{os.sep}...\n"
        f"  data      {server.data_dir}\n"
        f"In the shell in which you run Python, or fo-labelstudio, set its variables first:\n"
        f"  . {shlex.quote(str(variables))}\n"
        f"It sets {', '.join(names)}.\n"
        f"Ctrl-C stops the server, and keeps its data."
    )
    sys.stdout.flush()
