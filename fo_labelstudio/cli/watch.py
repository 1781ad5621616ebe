"""``watch``: loads answers as they are submitted."""

from __future__ import annotations

import click

import fo_labelstudio
from fo_labelstudio.cli.session import dataset_argument, key_argument, load_run, session


@click.command("watch")
@dataset_argument
@key_argument
@click.option(
    "--interval",
    type=click.FloatRange(min=0, min_open=True),
    default=5.0,
    show_default=True,
    metavar="SECONDS",
    help="Time between two questions to the server.",
)
@click.option("--webhook", metavar="URL", help="An address of this machine that the server can call.")
def command(dataset: str, key: str, interval: float, webhook: str | None) -> None:
    """Load the answers of an annotation run as they are submitted, until Ctrl-C."""
    with session():
        fo_labelstudio.watch(load_run(dataset, key), key, interval=interval, webhook=webhook)
