"""The plugin of this package in FiftyOne's plugins folder: a link to ``app/``, or a copy where there are no links."""

from __future__ import annotations

import os
import re
import secrets
import shutil
from pathlib import Path
from typing import NamedTuple

from packaging.version import InvalidVersion, Version

import fo_labelstudio
from fo_labelstudio.errors import SettingsError

NAME = "fo-labelstudio"
"""The name of the plugin, and of its folder."""

SOURCE = Path(fo_labelstudio.__file__).resolve().parent / "app"
"""The plugin within the package."""

_ABOUT = "fiftyone.yml"
_ENTRY = re.compile(r"""^(name|version):[ \t]*["']?([^"'\s#]+)""", re.MULTILINE)


class Installed(NamedTuple):
    """What is at the plugin's place.

    Attributes:
        path: the place
        target: where it leads, if it is a link
        version: the version of a copy, or None
        is_ours: whether it is a plugin of this package, of whatever version
    """

    path: Path
    target: Path | None
    version: str | None
    is_ours: bool

    @property
    def is_current(self) -> bool:
        """Whether it is the plugin of the package that runs."""
        if self.target is not None:
            return self.target == SOURCE
        return self.is_ours and self.version == fo_labelstudio.__version__


def plugins_dir() -> Path:
    """The folder in which FiftyOne looks for plugins."""
    import fiftyone as fo

    return Path(fo.config.plugins_dir)


def find(folder: Path) -> Installed | None:
    """What is at the plugin's place in a plugins folder; None where there is nothing.

    Args:
        folder: the plugins folder, which need not exist
    """
    path = folder / NAME
    if not os.path.lexists(path):
        return None
    about = dict(_ENTRY.findall(_text(path / _ABOUT)))
    if path.is_symlink():
        # One that leads nowhere is that of an environment that is gone.
        is_ours = about.get("name") == NAME or not path.exists()
        return Installed(path, Path(os.path.realpath(path)), None, is_ours)
    return Installed(path, None, about.get("version"), about.get("name") == NAME)


def install(folder: Path) -> str:
    """Puts the plugin of this package into a plugins folder, in place of one of another version.

    Args:
        folder: the plugins folder, which is made if it is not there

    Returns:
        what was done

    Raises:
        SettingsError: something else is there, or a newer version
    """
    there = find(folder)
    if there is not None:
        if there.is_current:
            return f"plugin {NAME!r} is installed already: {_described(there)}"
        _refuse_loss(there)
    folder.mkdir(parents=True, exist_ok=True)
    path, made = folder / NAME, folder / f".{NAME}-{secrets.token_hex(4)}"
    try:
        os.symlink(SOURCE, made, target_is_directory=True)
    except (OSError, NotImplementedError):
        _copy(made)
    try:
        if there is not None and there.target is None:
            _remove(there)
        os.replace(made, path)
    except BaseException:
        _remove(Installed(made, None, None, True))
        raise
    replaced = "" if there is None else f", in place of {_described(there)}"
    return f"installed plugin {NAME!r}: {_described(find(folder) or Installed(path, None, None, True))}{replaced}"


def uninstall(folder: Path) -> str:
    """Removes what :func:`install` has put into a plugins folder.

    Returns:
        what was done

    Raises:
        SettingsError: something else is there
    """
    there = find(folder)
    if there is None:
        return f"plugin {NAME!r} is not installed in {folder}"
    if not there.is_ours:
        raise SettingsError(_not_ours(there))
    _remove(there)
    return f"removed plugin {NAME!r}: {_described(there)}"


def _refuse_loss(there: Installed) -> None:
    if not there.is_ours:
        raise SettingsError(_not_ours(there))
    if there.version is not None and _is_newer(there.version):
        raise SettingsError(
            f"{there.path} is a copy of version {there.version}, newer than this package, which is of version "
            f"{fo_labelstudio.__version__}; upgrade the package, or run `fo-labelstudio app uninstall` first"
        )


def _not_ours(there: Installed) -> str:
    return f"{there.path} is not the plugin of this package; move it away, and try again"


def _is_newer(version: str) -> bool:
    try:
        return Version(version) > Version(fo_labelstudio.__version__)
    except InvalidVersion:
        return False


def _copy(path: Path) -> None:
    shutil.copytree(SOURCE, path, ignore=shutil.ignore_patterns("__pycache__"))
    about = path / _ABOUT
    lines = [line for line in _text(about).splitlines() if not line.startswith("version:")]
    about.write_text("\n".join([*lines, f"version: {fo_labelstudio.__version__}", ""]), encoding="utf-8")


def _remove(there: Installed) -> None:
    if there.path.is_symlink():
        there.path.unlink()
    elif there.path.exists():
        shutil.rmtree(there.path)


def _described(there: Installed) -> str:
    if there.target is not None:
        return f"{there.path} -> {there.target}"
    return f"{there.path}, a copy of version {there.version or 'unknown'}"


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
