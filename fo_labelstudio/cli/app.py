"""``app install`` and ``app uninstall``: the plugin in FiftyOne's plugins folder."""

from __future__ import annotations

from pathlib import Path

import click

from fo_labelstudio import plugin
from fo_labelstudio.cli.session import session

_folder_option = click.option(
    "--plugins-dir",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="The plugins folder; by default FiftyOne's, its setting plugins_dir.",
)


@click.group("app")
def command() -> None:
    """Install or uninstall the plugin for the FiftyOne App."""


@command.command("install")
@_folder_option
def install_command(plugins_dir: Path | None) -> None:
    """Link the plugin of this package into FiftyOne's plugins folder.

    Where links are not possible it is copied; run the command again after each upgrade then. Each machine needs it that
    runs the App or a delegated worker.
    """
    click.echo(plugin.install(_folder(plugins_dir)))


@command.command("uninstall")
@_folder_option
def uninstall_command(plugins_dir: Path | None) -> None:
    """Remove the plugin from FiftyOne's plugins folder."""
    click.echo(plugin.uninstall(_folder(plugins_dir)))


def _folder(given: Path | None) -> Path:
    if given is not None:
        return given
    with session():
        return plugin.plugins_dir()
