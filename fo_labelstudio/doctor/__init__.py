"""What keeps a connection from working, said before it is needed: a module a group of checks, a row a check."""

from __future__ import annotations

from collections.abc import Iterator

from fo_labelstudio.doctor import installation, machine, media, server, versions
from fo_labelstudio.doctor.finding import FAILED, Case, Finding
from fo_labelstudio.settings import without_login

CHECKS = (
    *versions.CHECKS,  # of what is installed, and of MongoDB
    *installation.CHECKS,  # what FiftyOne knows of this package
    *machine.CHECKS,  # disk space
    *server.CHECKS,  # the way to the server, the key, the clocks
    *media.CHECKS,  # whether people would see an image
)
"""Every check, in the order in which they are made; later ones need what earlier ones have found."""


def examine(case: Case) -> Iterator[Finding]:
    """Makes all checks; yields each line as soon as it is known, and leaves nothing behind on the server."""
    with case.leftovers:
        for check in CHECKS:
            try:
                yield from check.look(case)
            except Exception as error:
                # The other checks may tell why.
                found = without_login(f"the check itself has failed ({type(error).__name__}: {error})")
                yield Finding(check.name, FAILED, found, "report it, with the versions above")
