"""Options that several commands share; those of the settings are read from the table of settings."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import click

from fo_labelstudio.errors import SettingsError
from fo_labelstudio.settings import DEFAULT_NAME, PROVENANCE, SETTINGS, Choice, Setting, Switch

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

_CHOICES: Mapping[str, tuple[str, ...]] = {"provenance": (*PROVENANCE, "nowhere")}
"""The words of a setting that takes other values, too, in Python."""

_JSON = ("scalar_types",)
"""Settings that are a dict in Python."""

UNEXPECTED = ("prompt", "ignore", "keep")
"""What can become of unexpected labels; what they are returned as in Python, a command could not hand on."""


def setting_options(rows: Iterable[Setting]) -> Decorator:
    """Options for settings, named as they are in Python, with dashes; None where they are not given.

    Args:
        rows: rows of the table of settings; those that are secret are left out
    """
    options = [_setting_option(row) for row in rows if not row.is_secret]
    return lambda function: functools.reduce(lambda done, option: option(done), reversed(options), function)


def _setting_option(row: Setting) -> Decorator:
    dashed = row.name.replace("_", "-")
    help_text = f"{row.meaning[0].upper()}{row.meaning[1:]}."
    if isinstance(row.parse, Switch):
        return click.option(f"--{dashed}/--no-{dashed}", row.name, default=None, help=help_text)
    choices = row.parse.choices if isinstance(row.parse, Choice) else _CHOICES.get(row.name)
    if choices is not None:
        return click.option(f"--{dashed}", row.name, type=click.Choice(choices), help=help_text)
    return click.option(f"--{dashed}", row.name, metavar="JSON" if row.name in _JSON else "VALUE", help=help_text)


connection_options = setting_options(row for row in SETTINGS if not row.of_run and not row.of_load)
"""How to reach the server; what is secret comes from the environment, or is asked for."""

load_options = setting_options(row for row in SETTINGS if row.of_load)


def run_options(*left_out: str) -> Decorator:
    """Options for the settings of a run, but for some."""
    return setting_options(row for row in SETTINGS if row.of_run and row.name not in left_out)


backend_option = click.option(
    "--backend", default=DEFAULT_NAME, show_default=True, metavar="NAME", help="Name that the backend is registered as."
)


def chosen_settings(options: Mapping[str, Any]) -> dict[str, Any]:
    """The settings among the options of a command that were given, as Python takes them.

    Raises:
        click.BadParameter: JSON that cannot be read
    """
    names = {row.name for row in SETTINGS}
    given = {name: value for name, value in options.items() if name in names and value is not None}
    return {name: parse_json(name, value) if name in _JSON else value for name, value in given.items()}


def parse_json(name: str, text: str) -> Any:
    """What JSON on the command line says.

    Raises:
        click.BadParameter: it is none
    """
    try:
        return json.loads(text)
    except ValueError as error:
        raise click.BadParameter(f"this is no JSON: {error}", param_hint=f"--{name.replace('_', '-')}") from None


def pairs(name: str, texts: Iterable[str]) -> dict[str, str]:
    """The dict that ``KEY=VALUE`` arguments say.

    Raises:
        click.BadParameter: one of them has no ``=``
    """
    found = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not (key and equals and value):
            raise click.BadParameter(f"{text!r} is not KEY=VALUE", param_hint=f"--{name.replace('_', '-')}")
        found[key] = value
    return found


def dest_field_of(texts: tuple[str, ...]) -> str | dict[str, str] | None:
    """Where labels go, as Python takes it: the name of a field, or a dict, of ``FIELD=FIELD`` arguments."""
    if not texts:
        return None
    return texts[0] if len(texts) == 1 and "=" not in texts[0] else pairs("dest-field", texts)


dest_field_option = click.option(
    "--dest-field",
    multiple=True,
    metavar="[FIELD=]FIELD",
    help="Field that receives the labels, in place of the run's; for several, FIELD=FIELD, once for each.",
)


def sample_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Options that say which samples are sent, and what is asked about them; see :func:`view_of`, :func:`schema_of`."""
    options = (
        click.option("--view", metavar="NAME", help="Saved view of the dataset; the whole dataset by default."),
        click.option(
            "--tag", "tags", multiple=True, metavar="TAG", help="Only samples with this tag, or one of these; repeat."
        ),
        click.option(
            "--label-field", "label_fields", multiple=True, metavar="FIELD", help="Field to annotate; can be repeated."
        ),
        click.option("--label-type", metavar="TYPE", help="Label type of a new field, such as detections."),
        click.option("--classes", metavar="A,B,...", help="Classes to choose from; by default those of the field."),
        click.option(
            "--attributes/--no-attributes",
            default=None,
            help="Whether the attributes of labels are asked for, too; by default they are.",
        ),
        click.option(
            "--label-schema",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            metavar="FILE",
            help="JSON file with the label schema, as annotate() takes it, for all that the options do not say.",
        ),
        click.option("--media-field", metavar="FIELD", help="Field with the paths of the media, if not filepath."),
    )
    return functools.reduce(lambda done, option: option(done), reversed(options), function)


def view_of(dataset: Any, view: str | None, tags: tuple[str, ...]) -> Any:
    """The samples that the options name.

    Raises:
        SettingsError: there is no such saved view, or no sample
    """
    if view is not None and view not in dataset.list_saved_views():
        known = ", ".join(dataset.list_saved_views()) or "none"
        raise SettingsError(f"dataset {dataset.name!r} has no saved view {view!r}; it has: {known}")
    samples = dataset if view is None else dataset.load_saved_view(view)
    samples = samples.match_tags(list(tags)) if tags else samples
    if not len(samples):
        raise SettingsError(f"no sample of dataset {dataset.name!r} is in this view, or has such a tag")
    return samples


def schema_of(options: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of ``annotate()`` that say what is asked about the samples.

    Raises:
        click.UsageError: options that exclude one another
        SettingsError: the file of the label schema is not JSON
    """
    fields, schema = options["label_fields"], options["label_schema"]
    said = {name: options[name] for name in ("label_type", "attributes", "media_field") if options[name] is not None}
    if options["classes"] is not None:
        said["classes"] = [name.strip() for name in options["classes"].split(",") if name.strip()]
    if schema is not None and fields:
        raise click.UsageError("--label-field and --label-schema exclude one another; name the fields in the file")
    if schema is not None:
        try:
            return {"label_schema": json.loads(schema.read_text(encoding="utf-8")), **said}
        except ValueError as error:
            raise SettingsError(f"{schema} is not valid JSON ({error}); it holds field -> what is asked") from None
    if len(fields) > 1:
        return {"label_schema": list(fields), **said}
    return {**({"label_field": fields[0]} if fields else {}), **said}
