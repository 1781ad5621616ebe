"""A PostgreSQL of its own, on this machine, for Label Studio to keep its data in.

``python -m tests.postgres`` makes Label Studio's tables in it ahead of the tests, and keeps them.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType

from fo_labelstudio.local import tables
from fo_labelstudio.local.process import HOST, LocalProcess, StartError, free_port
from fo_labelstudio.local.server import LocalServer

_NAME = "labelstudio"
_TIMEOUT = 120.0


class LocalPostgres:
    """PostgreSQL on a free port of this machine, in a temporary folder; it ends with this process."""

    def __init__(self) -> None:
        self._programs = _programs()
        self.port = free_port()
        self.environment = {
            "DJANGO_DB": "default",
            "POSTGRE_NAME": _NAME,
            "POSTGRE_USER": _NAME,
            "POSTGRE_PASSWORD": "",
            "POSTGRE_HOST": HOST,
            "POSTGRE_PORT": str(self.port),
        }
        """What makes a Label Studio server use it."""
        self._reach = ("-h", HOST, "-p", str(self.port), "-U", _NAME)
        self._folder = Path(tempfile.mkdtemp(prefix="postgresql-"))
        self._process: LocalProcess | None = None

    def __enter__(self) -> LocalPostgres:
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stops it and removes its data."""
        if self._process is not None:
            self._process.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def make_tables(self, template_dir: Path) -> Path:
        """Makes Label Studio's tables: those that a folder keeps, or else new ones, which it keeps from then on.

        Returns:
            the file that keeps them
        """
        template = self.kept_tables(template_dir)
        if template.exists():
            self._run("psql", "-q", "-o", os.devnull, "-v", "ON_ERROR_STOP=1", "-f", str(template), _NAME)
            return template
        server = LocalServer(env=self.environment)
        try:
            server.make_tables(lambda: tables.show_progress(self._migrations_done()))
        finally:
            server.close()
        tables.keep(template, lambda partial: self._run("pg_dump", "--no-owner", "-f", str(partial), _NAME))
        return template

    @staticmethod
    def kept_tables(template_dir: Path) -> Path:
        """The file of a folder that keeps the tables, which need not exist."""
        return tables.kept_tables(template_dir, f"-postgresql-{_programs().parent.name}.sql")

    def _migrations_done(self) -> list[str]:
        command = [str(self._programs / "psql"), *self._reach, "-tAc", "SELECT name FROM django_migrations", _NAME]
        done = subprocess.run(command, cwd=self._folder, capture_output=True, text=True)
        return done.stdout.split() if done.returncode == 0 else []

    def _start(self) -> None:
        data = self._folder / "data"
        # PostgreSQL refuses to run as root.
        as_user: list[str] = []
        if os.getuid() == 0:
            user = _unprivileged_user()
            os.chown(self._folder, user.pw_uid, user.pw_gid)
            as_user = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
        make = [str(self._programs / "initdb"), "-D", str(data), "-U", _NAME, "-A", "trust", "-E", "UTF8", "--locale=C"]
        _checked([*as_user, *make, "--no-sync"], self._folder)
        # Nothing of it has to survive a crash of the machine.
        serve = [str(self._programs / "postgres"), "-D", str(data), "-h", HOST, "-p", str(self.port), "-k", "", "-F"]
        self._process = LocalProcess([*as_user, *serve], self._folder / "postgresql.log", cwd=self._folder)
        deadline = time.monotonic() + _TIMEOUT
        while not self._answers():
            if not self._process.running or time.monotonic() > deadline:
                raise StartError(f"PostgreSQL did not start; its log ends with:\n{self._process.log_tail()}")
            time.sleep(0.1)
        self._run("createdb", _NAME)

    def _answers(self) -> bool:
        command = [str(self._programs / "pg_isready"), "-q", "-h", HOST, "-p", str(self.port)]
        return subprocess.run(command, cwd=self._folder).returncode == 0

    def _run(self, program: str, *arguments: str) -> None:
        _checked([str(self._programs / program), *self._reach, *arguments], self._folder)


def _programs() -> Path:
    """The folder of PostgreSQL's programs, which Debian keeps off the PATH."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    on_path = shutil.which("postgres")
    folders += [Path(on_path).resolve().parent] if on_path else []
    if not folders:
        raise StartError("PostgreSQL is not installed; `make test` installs it")
    return folders[-1]


def _unprivileged_user() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")


def _checked(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise StartError(f"{Path(command[0]).name} failed:\n{done.stdout}{done.stderr}")


def main() -> int:
    """Makes the tables if none are kept yet, and prints where they are kept.

    Returns:
        the exit status: 0, or 1 if they were not made
    """
    tables.end_tidily()
    try:
        path = LocalPostgres.kept_tables(tables.tables_dir())
        if not path.exists():
            with LocalPostgres() as database:
                database.make_tables(path.parent)
    except StartError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"Kept in {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
