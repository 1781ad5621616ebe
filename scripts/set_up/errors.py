"""What can stop a set-up."""

from __future__ import annotations

import errno

_DISK_FULL = "The disk is full; make room, then run the same command again: it goes on where it stopped."
_NO_NETWORK = (
    "The package registry did not answer; look at the network (or set a mirror or proxy for pip and uv), then run the "
    "same command again: it goes on where it stopped."
)
_OTHERWISE = "Run the same command again: it goes on where it stopped. If it ends here again, `make clean` starts over."

_SIGNS = {
    _DISK_FULL: ("No space left on device", "os error 28", "Disk quota exceeded"),
    _NO_NETWORK: (
        *("Name or service not known", "Temporary failure in name resolution", "dns error", "failed to lookup"),
        *("Failed to establish a new connection", "error sending request", "client error (Connect)"),
        *("Connection refused", "Network is unreachable", "timed out", "timeout", "Connection reset"),
    ),
}
"""Remedy -> what tools print that ask for it."""


class SetUpError(Exception):
    """The set-up cannot go on; the message says why, and what to do."""


def remedy_of(output: str) -> str:
    """What to do about a tool that failed, by what it printed."""
    return next((remedy for remedy, signs in _SIGNS.items() if any(sign in output for sign in signs)), _OTHERWISE)


def explained(error: OSError) -> str:
    """What to do about a file that could not be written."""
    where = f"{error.filename}: " if error.filename else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return where + _DISK_FULL
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return (
            f"{where}{error.strerror}. The environment is made inside the clone, so clone it to a folder that can be "
            "written to."
        )
    return f"{where}{error.strerror or error}. {_OTHERWISE}"
