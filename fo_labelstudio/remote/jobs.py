"""What a server makes later than it answers: it is waited for, and what has failed is named."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from fo_labelstudio.errors import HalfMadeError, ServerError
from fo_labelstudio.log import logger
from fo_labelstudio.remote.client import Client, Job, Pending
from fo_labelstudio.remote.multipart import File
from fo_labelstudio.remote.retrying import repeated

_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 5.0
"""Seconds between two looks; each is longer than the one before."""

_TOLD_SECONDS = 30.0
"""Between two messages."""

_MOST_SECONDS = 3600.0
"""Without a change of its state, after which something is given up; its workers are gone then."""

_SAME_SECONDS = 1.0
"""After which a number of tasks that is still the same counts as the last one."""

_MOST_LOOKS = 10
"""At that number."""

_DONE, _FAILED = "completed", "failed"


def awaited(look: Callable[[], Job], what: str) -> Job:
    """The state of something that the server makes in the background, once that is made.

    Args:
        look: asks how far it is
        what: what messages call it

    Raises:
        HalfMadeError: it has failed; some of it may be there
        ServerError: nothing has become of it for an hour, or it cannot be asked for
    """
    begin = told = changed = time.monotonic()
    pause = _FIRST_PAUSE
    status = ""
    while True:
        job = look()
        if job.status == _DONE:
            return job
        if job.status == _FAILED:
            raise HalfMadeError(f"{what} failed on the server: {job.error or 'it does not say why'}")
        now = time.monotonic()
        if job.status != status:
            status, changed = job.status, now
        if now - changed > _MOST_SECONDS:
            raise ServerError(
                f"{what} has been {status!r} for {now - changed:.0f} s; ask whether the workers of the server run, and "
                "make the same call again"
            )
        if now - told > _TOLD_SECONDS:
            logger.info("Waiting for %s, which has been %r for %.0f s...", what, status, now - begin)
            told = now
        time.sleep(pause)
        pause = min(1.5 * pause, _LONGEST_PAUSE)


def import_tasks(client: Client, project_id: int, tasks: Sequence[bytes]) -> tuple[list[int], int]:
    """Makes tasks, with their predictions and annotations, and waits until they are there.

    Args:
        client: the server
        project_id: the project
        tasks: the JSON of each

    Returns:
        the id of each task, in order, and the number of predictions and annotations that were made

    Raises:
        HalfMadeError: some of them may not have been made
        ServerError: it cannot be known what became of them
    """
    made = client.import_tasks(project_id, tasks)
    if not isinstance(made, Pending):
        return made
    job = _imported(client, project_id, made)
    return list(job.task_ids), job.number


def upload_files(client: Client, project_id: int, files: Sequence[File]) -> list[int]:
    """Uploads files without making tasks of them, and waits until the server knows them.

    Args:
        client: the server
        project_id: the project
        files: as :meth:`Client.upload_files` takes them

    Returns:
        the id of each upload, in order

    Raises:
        OSError: a file cannot be read
        HalfMadeError: some of them may not be there
    """
    made = client.upload_files(project_id, files)
    return list(_imported(client, project_id, made, _with_files).upload_ids) if isinstance(made, Pending) else made


def _with_files(job: Job) -> Job:
    """The state of an import that is done for us once its files are known: what they are made into is for nobody."""
    return job._replace(status=_DONE) if job.upload_ids else job


def settle(client: Client, project_id: int) -> None:
    """Waits until the imports that a project was sent before have been begun, those of which nobody knows included.

    An import whose answer was lost, or that somebody was killed with, stands before this one in the server's queue.

    Args:
        client: the server
        project_id: the project
    """
    nothing = [b'{"data":{}}']
    # It may be served twice.
    made = repeated(
        lambda _: client.import_tasks(project_id, nothing, is_kept=False), client.retries, "waiting for earlier imports"
    )
    if not isinstance(made, Pending):
        return
    try:
        _imported(client, project_id, made)
    except HalfMadeError:
        # That it came to its end counts, however it did.
        pass
    _wait_until_same(lambda: client.project(project_id, ("task_number",)).get("task_number"))


def _wait_until_same(look: Callable[[], object]) -> None:
    """Waits until something stays as it is for a while; not for long, for others may be changing it all the time."""
    before = look()
    for _ in range(_MOST_LOOKS):
        time.sleep(_SAME_SECONDS)
        now = look()
        if now == before:
            return
        before = now


def _imported(client: Client, project_id: int, pending: Pending, seen: Callable[[Job], Job] = lambda job: job) -> Job:
    return awaited(
        lambda: seen(client.import_job(project_id, pending.id)), f"import {pending.id} into project {project_id}"
    )
