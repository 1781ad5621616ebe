"""Who sends or loads a run right now: a note in FiftyOne's database, which goes when its writer does."""

from __future__ import annotations

import os
import random
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from typing import Any
from uuid import uuid4

import fiftyone as fo
from fiftyone.operators.store import ExecutionStore
from pymongo.errors import PyMongoError

from fo_labelstudio.dataset.internals import id_of
from fo_labelstudio.errors import RunError
from fo_labelstudio.log import logger

_STORE = "fo-labelstudio"
_NOTE_LIFETIME_SECONDS = 90
"""How long a note stays if nobody renews it; MongoDB looks for old ones once a minute."""

_NOTE_RENEWAL_SECONDS = 20.0
"""How often its writer renews it."""

_LONGEST_PAUSE_SECONDS = 0.5
"""Between two looks at whether somebody else still loads."""

_held = threading.local()
"""The runs that this thread loads, so that it does not wait for itself."""


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
    with _note(dataset, f"sending/{anno_key}/", {"part": part}) as others:
        for other in others:
            _refuse(anno_key, part, other)
        yield


@contextmanager
def sole_loader(dataset: fo.Dataset, anno_key: str) -> Iterator[None]:
    """Waits until nobody else loads a run or changes what is kept of its loads, and has others wait meanwhile.

    Whoever has it may ask for it again.

    Args:
        dataset: the dataset of the run
        anno_key: the key of the run
    """
    runs: set[tuple[str, str]] = _held.__dict__.setdefault("runs", set())
    run = str(id_of(dataset)), anno_key
    if run in runs:
        yield
        return
    with _note_when_alone(dataset, f"loading/{anno_key}/", anno_key):
        runs.add(run)
        try:
            yield
        finally:
            runs.remove(run)


@contextmanager
def _note_when_alone(dataset: fo.Dataset, prefix: str, anno_key: str) -> Iterator[None]:
    is_told = False
    while True:
        with ExitStack() as trying:
            others = trying.enter_context(_note(dataset, prefix, {}))
            if not others:
                yield
                return
        # Of two who begin at once, both see the other; so one of them has to come back first.
        threading.Event().wait(random.uniform(0.1, 1) * _LONGEST_PAUSE_SECONDS)
        if not is_told:
            is_told = True
            logger.info(
                "Waiting until process %s on %s has loaded or changed annotation run '%s'...",
                others[0]["process"],
                others[0]["host"],
                anno_key,
            )


@contextmanager
def _note(dataset: fo.Dataset, prefix: str, about: Mapping[str, Any]) -> Iterator[list[dict[str, Any]]]:
    """Leaves a note for as long as the context lasts; gives those that others have left.

    Args:
        dataset: the dataset of the run
        prefix: what the keys of notes about the same begin with
        about: what others are to know
    """
    store = ExecutionStore.create(_STORE, dataset_id=id_of(dataset))
    key = prefix + uuid4().hex
    note = {**about, "host": socket.gethostname(), "process": os.getpid()}

    def renew() -> None:
        store.set(key, note, ttl=_NOTE_LIFETIME_SECONDS)
        # The above prolongs no note that is there already (FiftyOne 1.22.1).
        store.update_ttl(key, _NOTE_LIFETIME_SECONDS)

    def keep() -> None:
        while not is_over.wait(_NOTE_RENEWAL_SECONDS):
            # Without the database, all else fails by itself.
            with suppress(PyMongoError):
                renew()

    is_over = threading.Event()
    # Written before looking, so that of two who begin at once at least one sees the other.
    renew()
    keeper = threading.Thread(target=keep, daemon=True)
    try:
        found = [store.get(other) for other in store.list_keys() if other.startswith(prefix) and other != key]
        keeper.start()
        yield [other for other in found if other is not None and _is_alive(other)]
    finally:
        is_over.set()
        if keeper.ident is not None:
            keeper.join()
        store.delete(key)


def _refuse(anno_key: str, part: int | None, other: Mapping[str, Any]) -> None:
    """Refuses to send what somebody else sends."""
    if part is not None and other["part"] not in (None, part):
        return
    what = "it" if other["part"] is None else f"its part {other['part']}"
    raise RunError(
        f"annotation run {anno_key!r} is being sent: process {other['process']} on {other['host']} sends {what}; wait "
        "until it ends; if it was killed, wait three minutes"
    )


def _is_alive(other: Mapping[str, Any]) -> bool:
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
