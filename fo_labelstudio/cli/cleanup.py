"""``cleanup``: what a run has made on the server is deleted."""

from __future__ import annotations

from typing import Any

import click

from fo_labelstudio.cli.options import chosen_settings, connection_options
from fo_labelstudio.cli.session import dataset_argument, key_argument, load_run, session
from fo_labelstudio.errors import RunError


@click.command("cleanup")
@dataset_argument
@key_argument
@connection_options
@click.option("--force", is_flag=True, help="Delete it although answers were not loaded, or something was left in it.")
@click.option("--delete-run", is_flag=True, help="Have the dataset forget the run afterwards, too.")
@click.option("--yes", is_flag=True, help="Do not ask; needed where there is no terminal.")
def command(dataset: str, key: str, force: bool, delete_run: bool, yes: bool, **options: Any) -> None:
    """Delete the project of the annotation run KEY.

    Of a project that was there before the run, only the run's own tasks are deleted. The labels of DATASET stay.
    """
    settings = chosen_settings(options)
    with session():
        from fo_labelstudio.runs.load_annotations import results_of

        samples = load_run(dataset, key)
        results: Any = results_of(samples, key, settings)
        project_id = results.project_id
        if project_id is not None:
            if not force:
                _refuse_loss(results)
            if not yes:
                _ask(f"Delete what annotation run {key!r} has made in project {project_id} of {results.config.url}?")
            results.cleanup(force=force)
            if results.project_id is not None:
                raise RunError(f"project {project_id} is kept, see above; pass --force to delete it anyway", project_id)
            results.save()
        if delete_run:
            samples.delete_annotation_run(key)
    done = "there is no project to delete" if project_id is None else f"cleaned up project {project_id}"
    click.echo(f"annotation run {key!r}: {done}{', and forgot the run' if delete_run else ''}")


def _ask(question: str) -> None:
    """Asks whoever is at the terminal.

    Raises:
        click.UsageError: nobody is there
        click.Abort: they said no
    """
    from fo_labelstudio.dataset.prompt import has_terminal

    if not has_terminal():
        raise click.UsageError("there is no terminal to ask at whether to delete the project; pass --yes")
    click.confirm(question, abort=True, err=True)


def _refuse_loss(results: Any) -> None:
    """Refuses to delete answers that nobody has loaded.

    Raises:
        RunError: there are some
    """
    from fo_labelstudio.runs.unloaded import unloaded_answers

    new = unloaded_answers(results)
    if new:
        raise RunError(
            f"{new} tasks of annotation run {results.key!r} have answers that were not loaded, so nothing was deleted; "
            "load them first, or pass --force",
            results.project_id,
        )
