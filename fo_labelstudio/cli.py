"""The command ``fo-labelstudio``."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fo_labelstudio import CONFIG_CLS, __version__
from fo_labelstudio.errors import LabelStudioError, SettingsError


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command.

    Returns:
        the exit status: 0, or 1 where it could not be done
    """
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except LabelStudioError as error:
        print(f"fo-labelstudio: {error}", file=sys.stderr)
        return 1
    return 0


def annotation_config_path() -> Path:
    """Where FiftyOne looks for its annotation config.

    Source: FiftyOne 1.22.1, ``fiftyone.core.config.locate_annotation_config``; not imported, for that starts a database
    """
    default = Path.home() / ".fiftyone" / "annotation_config.json"
    return Path(os.environ.get("FIFTYONE_ANNOTATION_CONFIG_PATH", default))


def register(path: Path, name: str) -> str:
    """Writes the entry that makes ``backend=name`` this package's, and nothing else.

    Args:
        path: the annotation config file, which need not exist
        name: the name of the backend

    Returns:
        what was done

    Raises:
        SettingsError: the file is not FiftyOne's, or the name is registered to another package
    """
    text, config = _read(path)
    entry = config.setdefault("backends", {}).setdefault(name, {})
    current = entry.get("config_cls")
    if current == CONFIG_CLS:
        return f"backend {name!r} is registered already in {path}"
    if current is not None:
        raise SettingsError(
            f"backend {name!r} is registered to {current} in {path}; remove that entry first, or choose another --name"
        )
    entry["config_cls"] = CONFIG_CLS
    _write(path, text, config)
    return f"registered backend {name!r} in {path}"


def unregister(path: Path, name: str) -> str:
    """Removes what register() wrote, and nothing else.

    Returns:
        what was done

    Raises:
        SettingsError: the file is not FiftyOne's
    """
    text, config = _read(path)
    entry = config.get("backends", {}).get(name, {})
    if entry.get("config_cls") != CONFIG_CLS:
        return f"backend {name!r} is not registered in {path}"
    del entry["config_cls"]
    if not entry:
        del config["backends"][name]
    if not config["backends"]:
        del config["backends"]
    if config:
        _write(path, text, config)
    else:
        path.unlink()
    return f"unregistered backend {name!r} in {path}"


def _watch(options: argparse.Namespace) -> None:
    import fiftyone as fo

    import fo_labelstudio

    if not fo.dataset_exists(options.dataset):
        raise SettingsError(f"there is no dataset {options.dataset!r}; the command `fiftyone datasets list` shows them")
    dataset = fo.load_dataset(options.dataset)
    if options.key not in dataset.list_annotation_runs():
        known = ", ".join(dataset.list_annotation_runs()) or "none"
        raise SettingsError(f"dataset {options.dataset!r} has no annotation run {options.key!r}; it has: {known}")
    fo_labelstudio.watch(dataset, options.key, interval=options.interval, webhook=options.webhook)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="fo-labelstudio", description="Connects FiftyOne datasets to Label Studio.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for function, help_text in (
        (
            register,
            "make dataset.annotate(..., backend=NAME) use this package, in FiftyOne's annotation config file",
        ),
        (unregister, "take that back"),
    ):
        command = commands.add_parser(function.__name__, help=help_text, description=help_text)
        command.add_argument("--name", default="labelstudio", help="name of the backend (default: labelstudio)")
        command.set_defaults(
            run=lambda options, function=function: print(function(annotation_config_path(), options.name))
        )
    help_text = "load the answers of an annotation run as they are submitted, until Ctrl-C"
    command = commands.add_parser("watch", help=help_text, description=help_text)
    command.add_argument("dataset", metavar="DATASET", help="name of the dataset")
    command.add_argument("key", metavar="KEY", help="key of the annotation run")
    command.add_argument("--interval", type=float, default=5.0, help="seconds between two questions (default: 5)")
    command.add_argument("--webhook", metavar="URL", help="an address of this machine that the server can call")
    command.set_defaults(run=_watch)
    return parser


def _read(path: Path) -> tuple[str, dict[str, Any]]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return "", {}
    try:
        config = json.loads(text or "{}")
    except ValueError as error:
        raise SettingsError(f"{path} is not valid JSON ({error}); repair it, or move it away") from None
    backends = config.get("backends", {}) if isinstance(config, dict) else None
    if not isinstance(backends, dict) or not all(isinstance(entry, dict) for entry in backends.values()):
        raise SettingsError(f"{path} is not an annotation config of FiftyOne's; repair it, or move it away")
    return text, config


def _write(path: Path, old_text: str, config: dict[str, Any]) -> None:
    indentation = re.search(r"^([ \t]+)\S", old_text, re.MULTILINE)
    text = json.dumps(config, indent=indentation.group(1) if indentation else 4, ensure_ascii=False)
    if not old_text or old_text.endswith("\n"):
        text += "\n"
    path = path.resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    # Written beside and moved over, so that a crash leaves the old file whole.
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as file:
        file.write(text)
    if path.exists():
        os.chmod(file.name, path.stat().st_mode)
    os.replace(file.name, path)


if __name__ == "__main__":
    sys.exit(main())
