"""``annotate``: sends samples to the server."""

from __future__ import annotations

from typing import Any

import click

import fo_labelstudio
from fo_labelstudio.cli.options import (
    backend_option,
    chosen_settings,
    connection_options,
    run_options,
    sample_options,
    schema_of,
    view_of,
)
from fo_labelstudio.cli.session import (
    dataset_argument,
    json_option,
    key_argument,
    load_dataset,
    print_json,
    session,
)


@click.command("annotate")
@dataset_argument
@key_argument
@sample_options
@run_options("export_dir")
@connection_options
@backend_option
@click.option("--launch-editor", is_flag=True, help="Open the project in a browser.")
@json_option
def command(
    dataset: str,
    key: str,
    view: str | None,
    tags: tuple[str, ...],
    backend: str,
    launch_editor: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Send samples of DATASET, as the annotation run KEY.

    This is dataset.annotate(KEY, ...) of Python. Called again with the same arguments, it continues a run that was
    interrupted.
    """
    schema, settings = schema_of(options), chosen_settings(options)
    with session(as_json):
        from fo_labelstudio.runs.project import project_url
        from fo_labelstudio.runs.state import project_id_of

        samples = view_of(load_dataset(dataset), view, tags)
        results = samples.annotate(
            key,
            backend=backend,
            config_cls=fo_labelstudio.CONFIG_CLS,
            launch_editor=launch_editor,
            **schema,
            **settings,
        )
        sent = {
            "anno_key": key,
            "project_id": results.project_id,
            "url": project_url(results.config.url or "", project_id_of(results)),
            "tasks": len(results.tasks),
            "complete": bool(results.config.saved_state.get("complete")),
        }
    if as_json:
        print_json(sent)
    else:
        click.echo(f"annotation run {key!r}: {sent['tasks']} tasks in {sent['url']}")
