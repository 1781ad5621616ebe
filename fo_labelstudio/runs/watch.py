"""watch(): answers -> the dataset, as they are submitted."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any

import fiftyone.core.collections as foc

from fo_labelstudio.dataset.internals import root_dataset
from fo_labelstudio.errors import RunError, ServerError, SettingsError
from fo_labelstudio.log import logger
from fo_labelstudio.remote.client import Client
from fo_labelstudio.remote.retrying import is_transient
from fo_labelstudio.remote.webhook import ACTIONS, Hook
from fo_labelstudio.runs.changed import OVERLAP_SECONDS
from fo_labelstudio.runs.load_annotations import load_run, results_of
from fo_labelstudio.runs.load_options import LoadOptions
from fo_labelstudio.runs.state import RunState, project_id_of

_REFUSALS = (400, 403)
"""What a server answers to a webhook that it does not make."""

_LONGEST_PAUSE_SECONDS = 60.0
"""Between two tries to reach a server that cannot be reached."""

_ATTENTIVE_STEPS = 3
"""After a call of the server, before it is asked seldom again."""

_SELDOM_SECONDS = 60.0
"""Between two questions to a server that calls by itself: a call may get lost."""


class Watch:
    """Loads the answers of a run as they are submitted, in a thread of its own; see :func:`fo_labelstudio.watch`.

    Args:
        step: looks once, and loads what there is; whether it loaded
        interval: how many seconds pass between two steps
        is_called: whether :meth:`wake` is called when something was changed, so that looking seldom is enough

    Attributes:
        loads: how many loads there were
        error: what ended it, if anything did
    """

    def __init__(self, step: Callable[[], bool], interval: float, is_called: bool = False):
        self.loads = 0
        self.error: BaseException | None = None
        self._step = step
        self._interval = interval
        self._is_called = is_called
        self._woken = threading.Event()
        self._is_over = threading.Event()
        self._cleanup = ExitStack()
        self._thread = threading.Thread(target=self._run_quietly, name="fo-labelstudio-watch", daemon=True)

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, *raised: object) -> None:
        self.stop()

    @property
    def is_running(self) -> bool:
        """Whether it goes on."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Goes on in a thread."""
        self._thread.start()

    def stop(self) -> None:
        """Ends it, once a load that has begun is through.

        Raises:
            LabelStudioError: what had ended it before
        """
        self._is_over.set()
        self._woken.set()
        if self._thread.ident is not None:
            self._thread.join()
        self._cleanup.close()
        if self.error is not None:
            error, self.error = self.error, None
            raise error

    def wake(self) -> None:
        """Has it look at once."""
        self._woken.set()

    def on_end(self, callback: Callable[[], object]) -> None:
        """Has something done when it ends."""
        self._cleanup.callback(callback)

    def run(self) -> None:
        """Goes on until it is stopped.

        Raises:
            LabelStudioError: what no waiting can help against
        """
        failures, attentive = 0, _ATTENTIVE_STEPS
        while not self._is_over.is_set():
            self._woken.clear()
            try:
                self.loads += self._step()
                failures = 0
            except ServerError as error:
                if not (is_transient(error) or (error.status or 0) >= 500):
                    raise
                # Also where it fails in an unknown way: one that is being restarted or upgraded does.
                failures += 1
                logger.warning("Watching goes on once the server can be reached again: %s", error)
            attentive -= 1
            # What the server calls about may not be there yet, for its request goes on.
            pause = _SELDOM_SECONDS if self._is_called and attentive <= 0 and not failures else self._interval
            if self._woken.wait(min(pause * 2**failures, _LONGEST_PAUSE_SECONDS)):
                attentive = _ATTENTIVE_STEPS

    def _run_quietly(self) -> None:
        try:
            self.run()
        except BaseException as error:  # Whoever stops it is told.
            self.error = error
            logger.error("Watching ended: %s", error)


class News:
    """Tells from the newest change on the server whether a load may find something new.

    A change is dated when its request makes it, and seen once that is through. So what is dated before the
    newest change may still come, and one more load follows when it must have.

    Args:
        clock: the time in seconds, from any start
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self._clock = clock
        self._seen: str | None = None
        self._again: float | None = None

    def is_expected(self, newest: str | None) -> bool:
        """Whether there may be something new.

        Args:
            newest: the time of the newest change, as the server writes it; None where it does not say
        """
        is_due = self._again is not None and self._clock() >= self._again
        return newest is None or newest != self._seen or is_due

    def note_load(self, newest: str | None) -> None:
        """Notes that a load has come to its end which began when a change was the newest."""
        self._again = None if newest == self._seen else self._clock() + OVERLAP_SECONDS
        self._seen = newest


def watch(
    samples: foc.SampleCollection,
    anno_key: str,
    interval: float,
    block: bool,
    webhook: str | None,
    on_load: Callable[[], object] | None,
    dest_field: Any,
    settings: Mapping[str, Any],
    connection: Mapping[str, Any],
) -> Watch | None:
    """Loads the answers of a run as they are submitted; see :func:`fo_labelstudio.watch`."""
    if not interval > 0:
        raise SettingsError(f"interval: {interval!r} is no number of seconds above 0; pass one such as 5")
    results = results_of(samples, anno_key, connection)
    options = LoadOptions.of(settings, results.config, dest_field, "ignore")
    client = _client_of(results)
    news = News()

    def step() -> bool:
        newest = _newest_change(client, project_id_of(results))
        if not news.is_expected(newest):
            return False
        if results.key != anno_key:
            # FiftyOne says so to the results that it has handed out.
            raise RunError(f"annotation run {anno_key!r} was deleted meanwhile; annotate again")
        # Each load looks only at what was changed since the last one, so that nothing is loaded twice.
        load_run(results, options)
        news.note_load(newest)
        if on_load is not None:
            on_load()
        return True

    watching = Watch(step, interval, webhook is not None)
    if webhook is not None:
        _listen(watching, webhook, client, project_id_of(results))
    logger.info("Loading the answers of annotation run '%s' of '%s' as they are submitted", anno_key, _name(samples))
    if not block:
        watching.start()
        return watching
    try:
        watching.run()
    except KeyboardInterrupt:
        logger.info("Watching ended")
    finally:
        watching.stop()
    return None


def _name(samples: foc.SampleCollection) -> str:
    return str(root_dataset(samples).name)


def _client_of(results: RunState) -> Client:
    project_id_of(results)
    client: Client = results.connect_to_api().client
    return client


def _newest_change(client: Client, project_id: int) -> str | None:
    try:
        return client.newest_change(project_id)
    except ServerError as error:
        if error.status != 404:
            raise
        # The load says what became of the project.
        return None


def _listen(watching: Watch, url: str, client: Client, project_id: int) -> None:
    """Has the server call when something was changed."""
    hook = Hook(url, watching.wake)
    watching.on_end(hook.close)
    try:
        for number, address in client.webhooks(project_id).items():
            if address == url:
                # One that was killed has left it behind, with a secret that nobody knows.
                client.delete_webhook(number)
        made = _make_webhook(client, project_id, hook)
    except BaseException:
        hook.close()
        raise
    watching.on_end(lambda: _forget(client, project_id, made))


def _make_webhook(client: Client, project_id: int, hook: Hook) -> int:
    try:
        return client.make_webhook(project_id, hook.url, hook.headers, ACTIONS)
    except ServerError as error:
        if error.status not in _REFUSALS:
            raise
        raise ServerError(
            f"the server does not call {hook.url} ({error}); pass an address that it may call, which excludes those of "
            "its own network unless it was started with SSRF_PROTECTION_ENABLED=false, or leave webhook out",
            error.status,
            error.path,
        ) from None


def _forget(client: Client, project_id: int, webhook_id: int) -> None:
    try:
        client.delete_webhook(webhook_id)
    except ServerError as error:
        logger.warning(
            "The webhook %d of project %d is still there; delete it in the project's settings, under Webhooks (%s)",
            webhook_id,
            project_id,
            error,
        )
