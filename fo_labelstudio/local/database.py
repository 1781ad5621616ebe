"""A MongoDB of its own for FiftyOne, on this machine."""

from __future__ import annotations

import importlib.util
import os
import socket
import time
from pathlib import Path
from types import TracebackType

from fo_labelstudio.local.process import HOST, LocalProcess, StartError, free_port


class LocalDatabase:
    """The MongoDB that comes with FiftyOne, on a free port of this machine and in a folder of its own.

    FiftyOne joins any database that another session of the same user runs, whatever its folder (seen in
    1.22.1); only an address keeps them apart. So give :attr:`uri` to FiftyOne, as ``FIFTYONE_DATABASE_URI``,
    before it is imported.

    Args:
        data_dir: folder for the database and the log
        timeout: seconds after which a start has failed

    Raises:
        StartError: FiftyOne came without MongoDB
    """

    def __init__(self, data_dir: str | os.PathLike[str], timeout: float = 120.0):
        spec = importlib.util.find_spec("fiftyone")
        if spec is None or spec.origin is None:
            raise StartError("fiftyone is not installed; run: pip install fo-labelstudio")
        self._mongod = Path(spec.origin).parent / "db" / "bin" / "mongod"
        if not self._mongod.exists():
            raise StartError("FiftyOne came without MongoDB; set FIFTYONE_DATABASE_URI to a MongoDB server of yours")
        self.data_dir = Path(data_dir).resolve()
        self.port = free_port()
        self._timeout = timeout
        self._process: LocalProcess | None = None

    @property
    def uri(self) -> str:
        """Its address."""
        return f"mongodb://{HOST}:{self.port}"

    def start(self) -> None:
        """Starts it and waits until it answers.

        Raises:
            StartError: it did not start; the message ends with the end of its log
        """
        self.data_dir.mkdir(parents=True, exist_ok=True)
        command = [str(self._mongod), "--dbpath", str(self.data_dir), "--nounixsocket"]
        command += ["--bind_ip", HOST, "--port", str(self.port)]
        process = self._process = LocalProcess(command, self.data_dir / "mongod.log")
        deadline = time.monotonic() + self._timeout
        try:
            while not self._answers():
                if not process.running or time.monotonic() > deadline:
                    raise StartError(f"MongoDB did not start; its log ends with:\n{process.log_tail()}")
                time.sleep(0.05)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stops it; its folder stays."""
        if self._process is not None:
            self._process.stop()
            self._process = None

    def __enter__(self) -> LocalDatabase:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex((HOST, self.port)) == 0
