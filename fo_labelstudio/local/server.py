"""A Label Studio server of its own, on this machine."""

from __future__ import annotations

import importlib.util
import json
import os
import secrets
import site
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType

import requests

from fo_labelstudio.local import tables
from fo_labelstudio.local.process import HOST, LocalProcess, StartError, free_port

_LOGIN_FILE = "login.json"
_LOG_FILE = "label-studio.log"

_QUIET = {
    "LABEL_STUDIO_COLLECT_ANALYTICS": "false",
    "LABEL_STUDIO_LATEST_VERSION_CHECK": "false",
    "LABEL_STUDIO_SENTRY_DSN": "",
    "LABEL_STUDIO_FRONTEND_SENTRY_DSN": "",
}

# Label Studio sends the head and the body of an answer one by one (1.23.2). While its socket waits for the first to be
# acknowledged before it sends the second, each answer on a connection that is kept takes 40 ms more.
_SERVE_AT_ONCE = """
import runpy, socketserver
socketserver.StreamRequestHandler.disable_nagle_algorithm = True
runpy.run_module("label_studio.server", run_name="__main__", alter_sys=True)
"""

# Label Studio reads names as common as HOST, PORT, DEBUG and CI, so it gets only what Python needs.
_INHERITED = ("PATH", "LANG", "TZ", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "VIRTUAL_ENV")
_INHERITED_PREFIXES = ("LC_", "PYTHON")


class LocalServer:
    """The installed ``label-studio`` on a free port of this machine, with its own data, user and tokens.

    Use it as a context manager, or call :meth:`start`, :meth:`stop` and in the end :meth:`close`. A stopped
    server starts again at the same address, with the same data. It writes nothing outside its data folder (and
    ``template_dir``), contacts nobody, and ends with this process however that ends.

    Args:
        data_dir: folder for the database, the media, the login and the log; a temporary one, removed by
            :meth:`close`, if None
        template_dir: folder that keeps an empty database between servers, as making its tables is most of a
            first start; the first server that finds none for the installed version puts it there
        port: port to listen on; a free one if None
        env: further environment variables of the server
        timeout: seconds after which a start has failed

    Raises:
        StartError: ``label-studio`` is not installed
    """

    def __init__(
        self,
        data_dir: str | os.PathLike[str] | None = None,
        *,
        template_dir: str | os.PathLike[str] | None = None,
        port: int | None = None,
        env: Mapping[str, str] | None = None,
        timeout: float = 600.0,
    ):
        if importlib.util.find_spec("label_studio") is None:
            raise StartError("label-studio is not installed; run: pip install 'fo-labelstudio[local]'")
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        if data_dir is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="label-studio-")
            data_dir = self._temporary.name
        self.data_dir = Path(data_dir).resolve()
        self.data_dir.mkdir(parents=True, exist_ok=True)
        self._template_dir = None if template_dir is None else Path(template_dir).resolve()
        self.port = port or free_port()
        self._env = dict(env or {})
        self._timeout = timeout
        self._process: LocalProcess | None = None
        self._login = self._read_login()

    @property
    def url(self) -> str:
        """Address of the server's start page."""
        return f"http://{HOST}:{self.port}"

    @property
    def username(self) -> str:
        """Email address to sign in with."""
        return self._login["username"]

    @property
    def password(self) -> str:
        """Password to sign in with."""
        return self._login["password"]

    @property
    def legacy_token(self) -> str:
        """Legacy token of the user; the server accepts it."""
        return self._login["legacy_token"]

    @property
    def log_path(self) -> Path:
        """What the server prints."""
        return self.data_dir / _LOG_FILE

    @property
    def running(self) -> bool:
        """Whether the server's process is there."""
        return self._process is not None and self._process.running

    def start(self, wait: bool = True) -> LocalServer:
        """Starts the server.

        Args:
            wait: whether to return only when it answers; if False, call :meth:`wait`

        Raises:
            StartError: it did not start; the message ends with the end of its log
        """
        if self.running:
            return self
        try:
            self.provide_database()
            listen = ("--internal-host", HOST, "--port", str(self.port))
            self._process = self._launch("start", "--no-browser", *listen)
            if wait:
                self.wait()
        except BaseException:
            self.close()
            raise
        return self

    def wait(self) -> None:
        """Waits until the server answers and accepts the legacy token.

        Raises:
            StartError: it ended, or did not answer in time
        """
        deadline = time.monotonic() + self._timeout
        try:
            while not self._answers():
                if not self.running:
                    raise self._failure("ended while starting")
                if time.monotonic() > deadline:
                    raise self._failure(f"did not answer at {self.url} within {self._timeout:.0f} s")
                time.sleep(0.1)
        except BaseException:
            self.close()
            raise

    def provide_database(self, watch: Callable[[], object] = lambda: None) -> None:
        """Gives the server an empty database, if it has a folder that keeps one, and has none yet.

        Args:
            watch: called every second while its tables are being made

        Raises:
            StartError: the tables were not made
        """
        if self._template_dir is not None and not (self.data_dir / tables.DATABASE_FILE).exists():
            tables.provide(self._template_dir, self.data_dir, lambda: self.make_tables(watch))

    def make_tables(self, watch: Callable[[], object] = lambda: None) -> None:
        """Makes the tables of the server's database, and no user, so that no login is in it.

        Args:
            watch: called every second while they are being made

        Raises:
            StartError: they were not made
        """
        migration = self._process = self._launch("version")
        deadline = time.monotonic() + self._timeout
        while True:
            try:
                returncode = migration.wait(1.0)
                break
            except TimeoutError:
                watch()
                if time.monotonic() > deadline:
                    raise self._failure(f"made no database within {self._timeout:.0f} s") from None
        if returncode:
            raise self._failure("could not make its database")

    def stop(self) -> None:
        """Stops the server; its data folder stays."""
        if self._process is not None:
            self._process.stop()
            self._process = None

    def close(self) -> None:
        """Stops the server and removes its data folder if that is a temporary one."""
        self.stop()
        if self._temporary is not None:
            self._temporary.cleanup()

    def __enter__(self) -> LocalServer:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def sign_in(self) -> requests.Session:
        """A session that is signed in as the user, as a browser would be.

        Raises:
            RuntimeError: the server refused the login
        """
        session = _session()
        page = f"{self.url}/user/login/"
        session.get(page, timeout=60).raise_for_status()
        answer = session.post(
            page,
            data={
                "email": self.username,
                "password": self.password,
                "csrfmiddlewaretoken": session.cookies["csrftoken"],
            },
            allow_redirects=False,
            timeout=60,
        )
        if answer.status_code != 302:
            raise RuntimeError(f"Label Studio at {self.url} refused the login of {self.username}")
        return session

    def personal_access_token(self) -> str:
        """Personal access token of the user: made once, then remembered in the data folder.

        Raises:
            RuntimeError: the server made none
        """
        if "personal_access_token" not in self._login:
            with self.sign_in() as session:
                answer = session.post(f"{self.url}/api/token/", timeout=60)
            if answer.status_code != 201:
                raise RuntimeError(
                    f"Label Studio at {self.url} made no personal access token (status {answer.status_code})"
                )
            self._login["personal_access_token"] = answer.json()["token"]
            self._write_login()
        return self._login["personal_access_token"]

    def _answers(self) -> bool:
        try:
            with _session() as session:
                answer = session.get(
                    f"{self.url}/api/current-user/whoami",
                    headers={"Authorization": f"Token {self.legacy_token}"},
                    timeout=60,
                )
        except requests.RequestException:
            return False
        return answer.status_code == 200

    def _launch(self, *arguments: str) -> LocalProcess:
        command = [sys.executable, "-c", _SERVE_AT_ONCE, *arguments]
        return LocalProcess(command, self.log_path, cwd=self.data_dir, env=self._environment())

    def _environment(self) -> dict[str, str]:
        scratch = self.data_dir / "tmp"
        scratch.mkdir(exist_ok=True)
        inherited = {
            name: value
            for name, value in os.environ.items()
            if name in _INHERITED or name.startswith(_INHERITED_PREFIXES)
        }
        return {
            **inherited,
            **_QUIET,
            "HOME": str(self.data_dir),
            "TMPDIR": str(scratch),
            # The new HOME must not hide packages installed with `pip install --user`.
            "PYTHONUSERBASE": site.getuserbase(),
            "LABEL_STUDIO_BASE_DATA_DIR": str(self.data_dir),
            "LABEL_STUDIO_USERNAME": self.username,
            "LABEL_STUDIO_PASSWORD": self.password,
            "LABEL_STUDIO_USER_TOKEN": self.legacy_token,
            "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": "true",
            **self._secret_key(),
            **self._env,
        }

    def _secret_key(self) -> dict[str, str]:
        """What tokens are signed with; one that Label Studio makes and that begins with ``$`` is lost (1.23.2)."""
        return {"SECRET_KEY": self._login["secret_key"]} if "secret_key" in self._login else {}

    def _read_login(self) -> dict[str, str]:
        path = self.data_dir / _LOGIN_FILE
        if path.exists():
            login: dict[str, str] = json.loads(path.read_text())
            return login
        self._login = {
            "username": "demo@localhost",
            "password": secrets.token_urlsafe(9),
            "legacy_token": secrets.token_hex(20),
            "secret_key": secrets.token_hex(32),
        }
        self._write_login()
        return self._login

    def _write_login(self) -> None:
        path = self.data_dir / _LOGIN_FILE
        path.touch(mode=0o600)
        path.write_text(json.dumps(self._login))

    def _failure(self, what: str) -> StartError:
        log = self._process.log_tail() if self._process is not None else ""
        return StartError(f"Label Studio {what}; its log ends with:\n{log}")


def _session() -> requests.Session:
    session = requests.Session()
    # A proxy of the environment would be asked for an address of this machine.
    session.trust_env = False
    return session
