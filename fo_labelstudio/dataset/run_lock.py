"""Who sends a run right now: a note in FiftyOne's database, which goes when its writer does."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from uuid import uuid4

import fiftyone as fo
from fiftyone.operators.store import ExecutionStore
from pymongo.errors import PyMongoError

from fo_labelstudio.dataset.internals import id_of
from fo_labelstudio.errors import RunError

_STORE = "fo-labelstudio"
_NOTE_LIFETIME_SECONDS = 90
"""How long a note stays if nobody renews it; MongoDB looks for old ones once a minute."""

_NOTE_RENEWAL_SECONDS = 20.0
"""How often its writer renews it."""


@contextmanager
def sole_sender(dataset: fo.Dataset, anno_key: str, part: int | None = None) -> Iterator[None]:
    """Makes sure that nobody else sends the same, for as long as the context lasts.

    Args:
        dataset: the dataset of the run
        anno_key: the key of the run
        part: the part that is sent, or None where it is the whole run

    Raises:
        RunError: somebody else sends it; says who
    """
    store = ExecutionStore.create(_STORE, dataset_id=id_of(dataset))
    prefix = f"sending/{anno_key}/"
    key = prefix + uuid4().hex
    note = {"part": part, "host": socket.gethostname(), "process": os.getpid()}

    def renew() -> None:
        store.set(key, note, ttl=_NOTE_LIFETIME_SECONDS)
        # The above prolongs no note that is there already (FiftyOne 1.22.1).
        store.update_ttl(key, _NOTE_LIFETIME_SECONDS)

    def keep() -> None:
        while not is_over.wait(_NOTE_RENEWAL_SECONDS):
            # Without the database, sending fails by itself.
            with suppress(PyMongoError):
                renew()

    is_over = threading.Event()
    # Written before looking, so that of two who begin at once at least one sees the other.
    renew()
    keeper = threading.Thread(target=keep, daemon=True)
    try:
        for other in store.list_keys():
            if other.startswith(prefix) and other != key:
                _refuse(anno_key, part, store.get(other))
        keeper.start()
        yield
    finally:
        is_over.set()
        if keeper.ident is not None:
            keeper.join()
        store.delete(key)


def _refuse(anno_key: str, part: int | None, other: dict[str, Any] | None) -> None:
    """Refuses to send what somebody else sends."""
    if other is None or not _is_alive(other):
        return
    if part is not None and other["part"] not in (None, part):
        return
    what = "it" if other["part"] is None else f"its part {other['part']}"
    raise RunError(
        f"annotation run {anno_key!r} is being sent: process {other['process']} on {other['host']} sends {what}; wait "
        "until it ends; if it was killed, wait three minutes"
    )


def _is_alive(other: dict[str, Any]) -> bool:
    """Whether the writer of a note may be there still; of other machines, only time tells."""
    if other["host"] != socket.gethostname():
        return True
    try:
        os.kill(other["process"], 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
