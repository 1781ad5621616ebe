"""What comes from Debian's packages: asked for by what needs it, and all in one step."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from scripts.set_up.errors import SetUpError
from scripts.set_up.tools import Tools, runs

_PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"


class Need(NamedTuple):
    """Something that is installed for the whole machine.

    Attributes:
        name: what it is
        packages: Debian's packages that bring it
        is_there: whether it is there
        required: whether nothing goes on without it
    """

    name: str
    packages: tuple[str, ...]
    is_there: Callable[[], bool]
    required: bool = True


def _has_browser() -> bool:
    return any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome")))


def _has_postgresql() -> bool:
    # Debian keeps the server off the PATH.
    return bool(shutil.which("postgres")) or any(Path("/usr/lib/postgresql").glob("*/bin/postgres"))


def _has_ffmpeg() -> bool:
    return all(map(shutil.which, ("ffmpeg", "ffprobe")))


def _has_libcurl() -> bool:
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        return True
    try:
        ctypes.CDLL("libcurl.so.4")
    except OSError:
        return False
    return True


def _has_venv() -> bool:
    return all(importlib.util.find_spec(name) is not None for name in ("ensurepip", "venv"))


CHROMIUM = Need("Chromium or Google Chrome on the PATH", ("chromium", "fonts-dejavu-core"), _has_browser)
POSTGRESQL = Need("PostgreSQL", ("postgresql",), _has_postgresql)
FFMPEG = Need("ffmpeg and ffprobe", ("ffmpeg",), _has_ffmpeg)
LIBCURL = Need("the library of curl, for FiftyOne's MongoDB", ("libcurl4",), _has_libcurl, required=False)
VENV = Need(
    "this Python's modules venv and ensurepip",
    (f"python{sys.version_info.major}.{sys.version_info.minor}-venv",),
    _has_venv,
)


def missing(needs: Iterable[Need]) -> list[Need]:
    """Those that are not there."""
    return [need for need in needs if not need.is_there()]


def install(needs: list[Need], tools: Tools, show: Callable[[str], None]) -> None:
    """Installs what is missing, in one step.

    Args:
        needs: what is missing
        tools: runs apt-get
        show: told how far it is

    Raises:
        SetUpError: there is no apt-get, no right to use it, or it failed; the message says what to install
    """
    packages = [package for need in needs for package in need.packages]
    as_root = _as_root()
    reason = "there is no apt-get" if shutil.which("apt-get") is None else "this user may not install packages"
    if as_root is None or shutil.which("apt-get") is None:
        if any(need.required for need in needs):
            raise SetUpError(
                f"Missing on this machine: {', '.join(need.name for need in needs)}; and {reason}. Install what is "
                f"missing (Debian's packages: {' '.join(packages)}), then run the same command again."
            )
        return
    apt_get = [*as_root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-o", "DPkg::Lock::Timeout=300"]

    def on_line(line: str) -> None:
        verb, _, rest = line.partition(" ")
        if verb in ("Unpacking", "Setting"):
            show(f"{verb.lower()} {rest.removeprefix('up ').split(' ')[0]}")

    try:
        show(f"asking for {' '.join(packages)}")
        tools.run("apt-get", [*apt_get, "update", "-q"], on_line, gently=True)
        options = ("-y", "-q", "--no-install-recommends")
        tools.run("apt-get", [*apt_get, "install", *options, *packages], on_line, gently=True)
    except SetUpError:
        if any(need.required for need in needs):
            raise


def _as_root() -> list[str] | None:
    """What makes a command run as root; None where nothing does."""
    if os.getuid() == 0:
        return []
    if shutil.which("sudo") is None:
        return None
    if runs("sudo", "-n", "true"):
        return ["sudo", "-n"]
    # It may ask for the password here, before the screen is used by anything else.
    if sys.stdin.isatty() and subprocess.run(["sudo", "-v"]).returncode == 0:
        return ["sudo"]
    return None
