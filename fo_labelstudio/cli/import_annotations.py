"""``import``: what a project or file of others holds comes into a dataset."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import click

import fo_labelstudio
from fo_labelstudio.cli.options import UNEXPECTED, backend_option, chosen_settings, connection_options, pairs
from fo_labelstudio.cli.session import dataset_argument, session
from fo_labelstudio.errors import SettingsError
from fo_labelstudio.settings import CONNECTION_SETTINGS


@click.command("import")
@dataset_argument
@click.option("--create", is_flag=True, help="Make DATASET, which is not there, and keep it.")
@click.option("--project-name", metavar="TITLE", help="Title of the project.")
@click.option("--project-id", type=int, metavar="NUMBER", help="Number of the project, with which its address ends.")
@click.option("--json-path", metavar="FILE", help="A file that Label Studio wrote, or a folder of them, in its place.")
@click.option("--labeling-config", metavar="FILE", help="With --json-path: labeling config of its project, as XML.")
@click.option("--task-id", "task_ids", type=int, multiple=True, metavar="NUMBER", help="Only this task; repeat.")
@click.option("--data-path", metavar="PATH", help="Folder of the media, or JSON file: address or name -> path.")
@click.option("--label-type", "label_types", multiple=True, metavar="TYPE", help="Only labels of this type; repeat.")
@click.option("--insert-new/--no-insert-new", default=True, show_default=True, help="Whether new media become samples.")
@click.option("--download-media", is_flag=True, help="Fetch media that are not there into the folder of --data-path.")
@click.option("--num-workers", type=click.IntRange(min=1), metavar="NUMBER", help="Media that are fetched at once.")
@click.option(
    "--allow-private-hosts", is_flag=True, help="Fetch media also from this machine and from private networks."
)
@click.option(
    "--unexpected",
    type=click.Choice(UNEXPECTED),
    default="ignore",
    show_default=True,
    help="What becomes of labels of other types, or of control tags that the labeling config does not have.",
)
@click.option(
    "--annotations",
    default="latest",
    show_default=True,
    metavar="WHICH",
    help="Which annotation of a task counts: latest, ground_truth, accepted, all, none, or an annotator's e-mail.",
)
@click.option("--predictions", metavar="VERSION", help="Predictions of this model version, or all.")
@click.option("--match", multiple=True, metavar="KEY=FIELD", help="Key of tasks' data = field with the same; repeat.")
@click.option("--field", "fields", multiple=True, metavar="TAG=FIELD", help="Control tag = field it fills; repeat.")
@click.option("--media-field", default="filepath", show_default=True, help="Field with the paths of the media.")
@click.option("--full", is_flag=True, help="Load tasks again that have not changed since the last import.")
@connection_options
@backend_option
def command(
    dataset: str,
    label_types: tuple[str, ...],
    task_ids: tuple[int, ...],
    match: tuple[str, ...],
    fields: tuple[str, ...],
    annotations: str,
    create: bool,
    **options: Any,
) -> None:
    """Import a project of others, or a file of Label Studio's.

    Their answers come into DATASET. Import again to get what was changed in Label Studio since, and nothing else.
    """
    connection = chosen_settings({name: options.pop(name) for name in CONNECTION_SETTINGS if name in options})
    with session(), _made(dataset) if create else nullcontext():
        fo_labelstudio.import_annotations(
            dataset,
            task_ids=list(task_ids) or None,
            label_types=list(label_types) or None,
            match=pairs("match", match) or None,
            fields=pairs("field", fields) or None,
            annotations=None if annotations == "none" else annotations,
            **options,
            **connection,
        )
    click.echo(f"imported into dataset {dataset!r}")


@contextmanager
def _made(name: str) -> Iterator[None]:
    """Makes a dataset that stays, unless what follows fails.

    Raises:
        SettingsError: it is there
    """
    import fiftyone as fo

    if fo.dataset_exists(name):
        raise SettingsError(f"there is a dataset {name!r} already; leave out --create to import into it")
    made = fo.Dataset(name, persistent=True)
    try:
        yield
    except BaseException:
        made.delete()
        raise
