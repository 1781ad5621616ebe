"""``load``: what people submitted comes into the dataset."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

import fo_labelstudio
from fo_labelstudio.cli.options import (
    UNEXPECTED,
    chosen_settings,
    connection_options,
    dest_field_of,
    dest_field_option,
    load_options,
)
from fo_labelstudio.cli.session import dataset_argument, json_option, key_argument, load_run, print_json, session


@click.command("load")
@dataset_argument
@key_argument
@dest_field_option
@click.option(
    "--unexpected",
    type=click.Choice(UNEXPECTED),
    help="What becomes of labels that the label schema does not expect; by default prompt, and ignore with --json.",
)
@load_options
@click.option(
    "--json-path",
    type=click.Path(exists=True, path_type=Path),
    metavar="FILE",
    help="JSON export of Label Studio's in place of the server: a file, a folder or a zip file.",
)
@click.option("--labeling-config", metavar="FILE", help="With --json-path: labeling config of its project, as XML.")
@connection_options
@click.option("--cleanup", is_flag=True, help="Delete the run's project afterwards, unless something was left in it.")
@json_option
def command(
    dataset: str,
    key: str,
    dest_field: tuple[str, ...],
    unexpected: str | None,
    json_path: Path | None,
    labeling_config: str | None,
    cleanup: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Load what people submitted in the annotation run KEY.

    Only what was changed is written; what nobody touched stays as it is. Load as often as you like.
    """
    destination, settings = dest_field_of(dest_field), chosen_settings(options)
    with session(as_json):
        samples = load_run(dataset, key)
        fo_labelstudio.load_annotations(
            samples,
            key,
            destination,
            unexpected or ("ignore" if as_json else "prompt"),
            cleanup,
            json_path=json_path,
            labeling_config=labeling_config,
            **settings,
        )
        results = samples.load_annotation_results(key)
        loaded = {
            "anno_key": key,
            "answered": len(results.answered),
            "conflicts": results.conflicts,
            "left_behind": results.left_behind,
        }
    if as_json:
        print_json(loaded)
    else:
        click.echo(
            f"annotation run {key!r}: answers of {loaded['answered']} tasks are in dataset {dataset!r}, "
            f"{len(results.conflicts)} conflicts"
        )
