"""``register`` and ``unregister``: which class ``backend="labelstudio"`` is, in FiftyOne's annotation config file."""

from __future__ import annotations

import json
import os
import re
import tempfile
from pathlib import Path
from typing import Any

import click

from fo_labelstudio import CONFIG_CLS
from fo_labelstudio.errors import SettingsError
from fo_labelstudio.settings import DEFAULT_NAME

_BUILT_IN = "fiftyone.utils.labelstudio."


def annotation_config_path() -> Path:
    """Where FiftyOne looks for its annotation config.

    Source: FiftyOne 1.22.1, ``fiftyone.core.config.locate_annotation_config``; not imported, for that takes seconds
    """
    default = Path.home() / ".fiftyone" / "annotation_config.json"
    return Path(os.environ.get("FIFTYONE_ANNOTATION_CONFIG_PATH", default))


def register(path: Path, name: str) -> str:
    """Writes the entry that makes ``backend=name`` this package's, and nothing else; in place of FiftyOne's own.

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
    # Without an entry, FiftyOne uses its own integration again.
    if current is not None and not current.startswith(_BUILT_IN):
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


_name_option = click.option("--name", default=DEFAULT_NAME, show_default=True, help="Name of the backend.")


@click.command("register")
@_name_option
def register_command(name: str) -> None:
    """Make dataset.annotate(..., backend=NAME) use this package.

    Writes one entry into FiftyOne's annotation config file, and nothing else.
    """
    click.echo(register(annotation_config_path(), name))


@click.command("unregister")
@_name_option
def unregister_command(name: str) -> None:
    """Take back what register did.

    Removes that entry, and nothing else.
    """
    click.echo(unregister(annotation_config_path(), name))


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
