"""``python -m examples.demo``: from predictions to a person's corrections and back."""

from __future__ import annotations

import argparse
import os
import secrets
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import NoReturn

from fo_labelstudio.errors import LabelStudioError
from fo_labelstudio.local.database import LocalDatabase
from fo_labelstudio.local.process import StartError
from fo_labelstudio.local.server import LocalServer
from fo_labelstudio.local.tables import tables_dir

_LEFT_OUT = ("coffee",)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the demo.

    Returns:
        the exit status: 0, 1 if it could not be run, or 130 if it was interrupted
    """
    options = _parser().parse_args(arguments)
    # Nothing here is behind a proxy.
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "*"
    # Both would end this process with no time to tidy up.
    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), _interrupt)
    try:
        with tempfile.TemporaryDirectory(prefix="fo-labelstudio-demo-") as folder:
            _run(Path(folder), options.picture, options.template_dir)
    except (StartError, LabelStudioError) as error:
        print(f"The demo stopped: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted; everything that was started is stopped.")
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m examples.demo",
        description="Sends photographs with predictions to a Label Studio server of its own, waits for a person to "
        "correct them (or corrects them itself, without a terminal), and loads the corrections.",
    )
    parser.add_argument("--picture", type=Path, default=Path("demo.png"), help="the picture to write (%(default)s)")
    parser.add_argument(
        "--template-dir",
        type=Path,
        default=tables_dir(),
        help="folder that keeps Label Studio's empty database for a faster next start (%(default)s)",
    )
    return parser


def _interrupt(number: int, frame: object) -> NoReturn:
    raise KeyboardInterrupt


def _run(folder: Path, picture: Path, template_dir: Path) -> None:
    with ExitStack() as stack:
        print("Starting Label Studio...", flush=True)
        server = LocalServer(folder / "label-studio", template_dir=template_dir)
        stack.callback(server.close)
        server.start(wait=False)

        print("Starting FiftyOne, looking for faces and coins in photographs...", flush=True)
        stack.enter_context(_own_fiftyone(folder))
        # Only here, for FiftyOne reads its settings when it is imported.
        from examples.demo.recipe import Recipe

        recipe = Recipe(folder, server.url, server.legacy_token)
        server.wait()
        print(f"The photographs and their predictions are in Label Studio: {recipe.annotate()}")
        print(f"  email     {server.username}\n  password  {server.password}")
        if sys.stdin.isatty() and sys.stdout.isatty():
            with suppress(EOFError):
                input("Open a task, correct it, press Submit, and so on. Then press Enter here: ")
        else:
            print("There is no terminal, so the demo answers the tasks itself, all but one.")
            recipe.answer(leave_out=_LEFT_OUT)
        print(f"\n{recipe.load()}\n")
        recipe.draw().save(picture)
        print(f"Before and after: {picture.resolve()}")


@contextmanager
def _own_fiftyone(folder: Path) -> Iterator[None]:
    """Keeps FiftyOne away from the datasets and the settings of the user."""
    own_uri = os.environ.get("FIFTYONE_DATABASE_URI")
    for name in [name for name in os.environ if name.startswith("FIFTYONE_")]:
        del os.environ[name]
    os.environ.update(
        FIFTYONE_CONFIG_PATH=str(folder / "config.json"),
        FIFTYONE_ANNOTATION_CONFIG_PATH=str(folder / "annotation_config.json"),
        FIFTYONE_DATABASE_NAME=f"fo-labelstudio-demo-{secrets.token_hex(4)}",
        FIFTYONE_DATABASE_VALIDATION="false",
        FIFTYONE_DO_NOT_TRACK="true",
        FIFTYONE_LOGGING_LEVEL="WARNING",
        FIFTYONE_SHOW_PROGRESS_BARS="false",
    )
    with ExitStack() as stack:
        if own_uri is None:
            own_uri = stack.enter_context(LocalDatabase(folder / "mongo")).uri
        os.environ["FIFTYONE_DATABASE_URI"] = own_uri
        stack.callback(_forget_database)
        yield


def _forget_database() -> None:
    # Interrupted early, there may be nothing to forget.
    if "fiftyone" in sys.modules:
        import fiftyone.core.odm as foo

        foo.drop_database()
        # When Python ends, FiftyOne would wait half a minute for a database that is gone.
        foo.get_db_client().close()


if __name__ == "__main__":
    sys.exit(main())
