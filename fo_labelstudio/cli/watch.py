"""``watch``: loads answers as they are submitted."""

from __future__ import annotations

from typing import Any

import click

import fo_labelstudio
from fo_labelstudio.cli.options import (
    chosen_settings,
    connection_options,
    dest_field_of,
    dest_field_option,
    setting_options,
)
from fo_labelstudio.cli.session import dataset_argument, key_argument, load_run, session
from fo_labelstudio.settings import SETTINGS


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
@dest_field_option
@setting_options(row for row in SETTINGS if row.of_load and row.of_run)
@connection_options
def command(
    dataset: str, key: str, interval: float, webhook: str | None, dest_field: tuple[str, ...], **options: Any
) -> None:
    """Load answers as they are submitted, until Ctrl-C."""
    destination, settings = dest_field_of(dest_field), chosen_settings(options)
    with session():
        samples = load_run(dataset, key)
        fo_labelstudio.watch(samples, key, destination, interval=interval, webhook=webhook, **settings)
