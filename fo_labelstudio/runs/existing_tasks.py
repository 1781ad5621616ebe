"""shown_already(): which samples the tasks of a project that is there show."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import fiftyone.core.collections as foc

from fo_labelstudio.convert.task.origin import SAMPLE_ID
from fo_labelstudio.errors import MatchError, RunError
from fo_labelstudio.log import logger
from fo_labelstudio.messages import listed
from fo_labelstudio.runs.match import TaskImage, match_tasks
from fo_labelstudio.runs.ports import Task
from fo_labelstudio.runs.send import run_of_task


def shown_already(
    tasks: Iterable[Task], token: str, media_key: str, samples: foc.SampleCollection, media_field: str
) -> dict[str, int]:
    """The samples that tasks of others show: sample id -> task id, of several the first.

    Args:
        tasks: all tasks of the project
        token: the token of the run, whose own tasks do not count
        media_key: the key of the image in the data of tasks
        samples: the collection
        media_field: the field that holds the paths of the media

    Raises:
        RunError: a task may show several of them
    """
    logger.info("Looking for samples that the project shows already...")
    try:
        found = match_tasks(_images(tasks, token, media_key), samples, media_field=media_field)
    except MatchError as error:
        raise RunError(
            f"{len(error.questions)} task(s) of the project may show several samples, so nothing was sent; pass "
            f"existing_tasks='new', or a view without these samples:{listed(error.questions)}"
        ) from error
    shown: dict[str, int] = {}
    for (task_id, _), sample_id in sorted(found.samples.items(), reverse=True):
        if isinstance(task_id, int):
            shown[sample_id] = task_id
    return shown


def _images(tasks: Iterable[Task], token: str, media_key: str) -> Iterator[TaskImage]:
    for task in tasks:
        data = task["data"]
        address, sample_id = data.get(media_key), data.get(SAMPLE_ID)
        # What shows no file, or holds it itself, says only by the id of its sample what that is.
        if run_of_task(task) != token and (isinstance(address, str) or isinstance(sample_id, str)):
            yield TaskImage(task["id"], media_key, address if isinstance(address, str) else "", sample_id, data)
