"""Running pip, uv, apt-get and Python: their output goes to a log, and to the screen only if they fail."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from scripts.set_up.errors import SetUpError, remedy_of

_TAIL_LINES = 15
_GRACE = 10.0


class Tools:
    """The programs that the set-up runs.

    Each keeps the lock of the set-up for as long as it runs, whatever becomes of the set-up.

    Args:
        log_dir: folder of the logs
        lock: descriptor of the lock's file
    """

    def __init__(self, log_dir: Path, lock: int):
        self._log_dir = log_dir
        self._lock = lock
        self._running: dict[subprocess.Popen[str], bool] = {}
        self._guard = threading.Lock()
        self._stopped = False

    def run(
        self,
        step: str,
        command: Sequence[str],
        on_line: Callable[[str], None] = lambda line: None,
        env: Mapping[str, str] | None = None,
        gently: bool = False,
    ) -> None:
        """Runs a program to its end.

        Args:
            step: name of the log
            command: program and arguments
            on_line: called with each line that it prints
            env: environment variables to add
            gently: whether it may finish what must not be torn when the set-up is interrupted

        Raises:
            SetUpError: it failed, or the set-up was stopped
        """
        self._log_dir.mkdir(parents=True, exist_ok=True)
        path = self._log_dir / f"{step}.log"
        tail: deque[str] = deque(maxlen=_TAIL_LINES)
        with path.open("a", encoding="utf-8") as log:
            log.write(f"$ {' '.join(command)}\n")
            process = self._start(command, env, gently)
            assert process.stdout is not None
            for line in process.stdout:
                # A full disk must not hide what the program says about it.
                with contextlib.suppress(OSError):
                    log.write(line)
                    log.flush()
                if line.strip():
                    tail.append(line.rstrip())
                    on_line(line.strip())
            status = process.wait()
            with self._guard:
                self._running.pop(process)
            with contextlib.suppress(OSError):
                log.flush()
        if self._stopped:
            raise SetUpError("stopped")
        if status:
            output = "\n".join(tail)
            name = Path(command[0]).name
            raise SetUpError(
                f"{name} failed (status {status}); its last lines:\n\n{output}\n\nThe whole is in {path}\n"
                f"{remedy_of(output)}"
            )

    def stop(self) -> None:
        """Ends all that run, and lets nothing start any more."""
        with self._guard:
            self._stopped = True
            running = dict(self._running)
        for process, gently in running.items():
            # A program in the middle of installing for the whole machine ignores this, and goes on to its end.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                if gently:
                    process.send_signal(signal.SIGINT)
                else:
                    os.killpg(process.pid, signal.SIGTERM)
        for process, gently in running.items():
            try:
                process.wait(None if gently else _GRACE)
            except subprocess.TimeoutExpired:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)

    def _start(self, command: Sequence[str], env: Mapping[str, str] | None, gently: bool) -> subprocess.Popen[str]:
        with self._guard:
            if self._stopped:
                raise SetUpError("stopped")
            process = subprocess.Popen(
                command,
                env={**os.environ, **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=(self._lock,),
                # What sudo remembers belongs to the terminal, which a session of its own has not.
                start_new_session=not gently,
                encoding="utf-8",
                errors="replace",
            )
            self._running[process] = gently
            return process


def runs(*command: str | os.PathLike[str]) -> bool:
    """Whether a program is there and ends well."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    except OSError:
        return False
    return done.returncode == 0
