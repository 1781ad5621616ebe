"""``status``: how far an annotation run is."""

from __future__ import annotations

from typing import Any

import click

import fo_labelstudio
from fo_labelstudio.cli.options import chosen_settings, connection_options
from fo_labelstudio.cli.session import dataset_argument, json_option, key_argument, load_run, print_json, session


@click.command("status")
@dataset_argument
@key_argument
@connection_options
@json_option
def command(dataset: str, key: str, as_json: bool, **options: Any) -> None:
    """Say how far the annotation run KEY is, and who did what.

    Nothing is loaded, and nothing is changed.
    """
    with session(as_json):
        status = fo_labelstudio.get_status(load_run(dataset, key), key, **chosen_settings(options))
        if as_json:
            print_json(status)
            return
        from fo_labelstudio.runs.status_table import as_text

        click.echo(as_text(status))
