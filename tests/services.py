"""What the tests run beside them: FiftyOne's database, and Label Studio servers.

A process of pytest has one of each, and all of its tests share them. Each is started when the first test needs it, or
earlier, beside the others, once it is known that one will.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil

from fo_labelstudio.local.database import LocalDatabase
from fo_labelstudio.local.server import LocalServer

_PREFIX = "fo-labelstudio-tests-"
_MEMORY = Path("/dev/shm")
_ROOM = 2**31
"""Bytes that must be free in memory for the databases to be kept there."""


class Services:
    """The services of this process.

    Args:
        template_dir: folder that keeps Label Studio's empty database between runs of the tests
    """

    def __init__(self, template_dir: Path) -> None:
        self.template_dir = template_dir
        self._stack = ExitStack()
        place = _fast_folder()
        _remove_abandoned(place)
        self.folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=place))
        """For the data of the services; removed in the end."""
        self._stack.callback(shutil.rmtree, self.folder, ignore_errors=True)
        self._database: LocalDatabase | None = None
        self._is_started = False
        self._servers: dict[str, LocalServer] = {}
        self._set_environment()

    def _set_environment(self) -> None:
        """Sets what FiftyOne reads when it is imported; it connects only when a database is asked for something."""
        for name in [name for name in os.environ if name.startswith("FIFTYONE_LABELSTUDIO_")]:
            del os.environ[name]
        if "FIFTYONE_DATABASE_URI" not in os.environ:
            self._database = LocalDatabase(self.folder / "mongo")
            os.environ["FIFTYONE_DATABASE_URI"] = self._database.uri
        os.environ.update(
            FIFTYONE_DATABASE_NAME=f"fo-labelstudio-tests-{secrets.token_hex(4)}",
            FIFTYONE_CONFIG_PATH=str(self.folder / "config.json"),
            FIFTYONE_ANNOTATION_CONFIG_PATH=str(self.folder / "annotation_config.json"),
            FIFTYONE_DO_NOT_TRACK="true",
            FIFTYONE_SHOW_PROGRESS_BARS="false",
            FIFTYONE_DATABASE_VALIDATION="false",
        )

    def start_database(self) -> None:
        """Starts the database, if it is not running."""
        if self._is_started:
            return
        self._is_started = True
        if self._database is not None:
            self._database.start()
            self._stack.callback(self._database.stop)
        self._stack.callback(_forget_database)

    def start_server(self, name: str, environment: Mapping[str, str] | None = None) -> LocalServer:
        """A Label Studio server, which is perhaps still starting; the same one for the same name.

        Args:
            name: what the tests call it
            environment: further environment variables, where it is not yet there
        """
        if name not in self._servers:
            server = LocalServer(self.folder / name, template_dir=self.template_dir, env=environment)
            self._stack.callback(server.close)
            with _only_one(self.template_dir):
                server.start(wait=False)
            self._servers[name] = server
        return self._servers[name]

    def close(self) -> None:
        """Stops everything and leaves nothing behind."""
        self._stack.close()


def _fast_folder() -> Path:
    """Where files are kept in memory, if there is room; writing to a disk makes each request wait."""
    has_room = os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > _ROOM
    return _MEMORY if has_room else Path(tempfile.gettempdir())


def _remove_abandoned(place: Path) -> None:
    """Removes the folders of processes that were killed, so that they do not fill the memory."""
    for folder in place.glob(f"{_PREFIX}*-*"):
        process = folder.name.removeprefix(_PREFIX).partition("-")[0]
        if process.isdecimal() and not psutil.pid_exists(int(process)):
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    """Keeps other processes from making the tables in a folder that this one makes."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _forget_database() -> None:
    import fiftyone.core.odm as foo

    foo.drop_database()
    # A connection that is still open when its server goes makes Python wait at its end.
    foo.get_db_client().close()
