"""``export``: writes tasks to files for Label Studio's import page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

import fo_labelstudio
from fo_labelstudio.cli.options import chosen_settings, run_options, sample_options, schema_of, view_of
from fo_labelstudio.cli.session import dataset_argument, key_argument, load_dataset, session


@click.command("export")
@dataset_argument
@key_argument
@click.argument("export_dir", type=click.Path(file_okay=False, path_type=Path))
@sample_options
@run_options("export_dir", "project_id", "project_name", "existing_tasks", "parts")
def command(dataset: str, key: str, export_dir: Path, view: str | None, tags: tuple[str, ...], **options: Any) -> None:
    """Write what annotate would send to files in EXPORT_DIR.

    No server is asked. Label Studio's import page takes the files. The command load with --json-path loads what people
    submit.
    """
    schema, settings = schema_of(options), chosen_settings(options)
    with session():
        samples = view_of(load_dataset(dataset), view, tags)
        results = fo_labelstudio.export_tasks(samples, key, export_dir, **schema, **settings)
    click.echo(f"annotation run {key!r}: {len(results.tasks)} tasks in {export_dir}")
