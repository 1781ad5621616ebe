"""FiftyOne as a command uses it: what it reports goes to stderr, so that stdout holds the result alone."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from fo_labelstudio.errors import SettingsError

if TYPE_CHECKING:
    import fiftyone as fo

dataset_argument = click.argument("dataset")
key_argument = click.argument("key")
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for a script to read.")


@contextmanager
def session(as_json: bool = False) -> Iterator[None]:
    """Sends FiftyOne's log to stderr, and shows progress bars on terminals only, for as long as it is open.

    Args:
        as_json: whether stdout gets nothing but JSON
    """
    import fiftyone as fo

    handlers = [
        handler
        for name in ("fiftyone", "eta")
        for handler in logging.getLogger(name).handlers
        if type(handler) is logging.StreamHandler
    ]
    streams = [handler.stream for handler in handlers]
    shows_bars = fo.config.show_progress_bars
    fo.config.show_progress_bars = shows_bars and sys.stdout.isatty() and not as_json
    for handler in handlers:
        handler.setStream(sys.stderr)
    try:
        yield
    finally:
        fo.config.show_progress_bars = shows_bars
        for handler, stream in zip(handlers, streams, strict=True):
            handler.setStream(stream)


def load_dataset(name: str) -> fo.Dataset:
    """The dataset of a name.

    Raises:
        SettingsError: there is none, or FiftyOne's database cannot be reached
    """
    import fiftyone as fo
    from fiftyone.core.config import FiftyOneConfigError

    try:
        if fo.dataset_exists(name):
            return fo.load_dataset(name)
    except (OSError, RuntimeError, FiftyOneConfigError) as error:
        raise SettingsError(
            f"FiftyOne's database cannot be used ({error}); the command `fo-labelstudio doctor` looks for the reason"
        ) from None
    raise SettingsError(f"there is no dataset {name!r}; the command `fiftyone datasets list` shows them")


def load_run(name: str, key: str) -> fo.Dataset:
    """The dataset of an annotation run.

    Raises:
        SettingsError: there is no such dataset, or it has no such run
    """
    dataset = load_dataset(name)
    if key not in dataset.list_annotation_runs():
        known = ", ".join(dataset.list_annotation_runs()) or "none"
        raise SettingsError(f"dataset {name!r} has no annotation run {key!r}; it has: {known}")
    return dataset


def print_json(value: Any) -> None:
    """Prints a value as JSON, with what JSON does not have as text."""
    click.echo(json.dumps(value, indent=2, default=str, ensure_ascii=False))
