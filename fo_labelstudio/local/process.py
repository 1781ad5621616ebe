"""A program that this process starts and stops."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

HOST = "127.0.0.1"

_GUARD = Path(__file__).with_name("guard.py")
_LOG_TAIL_LINES = 25
_STOP_TIMEOUT = 20.0


class StartError(RuntimeError):
    """A program is not installed, or did not start."""


class LocalProcess:
    """A program in the background that ends with this process, however this process ends.

    It does not get the Ctrl-C of the terminal: this process decides when it ends.

    Args:
        command: program and arguments
        log_path: file that receives what it prints, at the end
        cwd: folder it runs in
        env: its whole environment; that of this process if None
    """

    def __init__(
        self,
        command: Sequence[str],
        log_path: Path,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
    ):
        self.log_path = log_path
        with log_path.open("ab") as log:
            self._guard = subprocess.Popen(
                [sys.executable, str(_GUARD), *command],
                cwd=cwd,
                env=env,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._guard.poll() is None

    def wait(self, timeout: float) -> int:
        """Waits until it ends and returns its exit status.

        Raises:
            TimeoutError: it did not end within ``timeout`` seconds
        """
        try:
            return self._guard.wait(timeout)
        except subprocess.TimeoutExpired:
            raise TimeoutError from None

    def stop(self) -> None:
        """Ends it, and waits until it has ended."""
        if self._guard.stdin is not None:
            self._guard.stdin.close()
        try:
            self._guard.wait(_STOP_TIMEOUT)
        finally:
            if self.running:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self._guard.pid, signal.SIGKILL)
                self._guard.wait()

    def log_tail(self) -> str:
        """The end of what it printed."""
        lines = self.log_path.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(lines[-_LOG_TAIL_LINES:])


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        port: int = listener.getsockname()[1]
        return port
