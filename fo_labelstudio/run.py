"""send() and fetch(): the only place where dataset, conversion and server meet."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Any, NamedTuple

import fiftyone.core.collections as foc
import fiftyone.core.utils as fou

from fo_labelstudio.convert.annotations import Answer, Problem, parse_task
from fo_labelstudio.convert.families import has_masks
from fo_labelstudio.convert.labeling_config import to_labeling_config
from fo_labelstudio.convert.schema import LabelField
from fo_labelstudio.convert.tasks import (
    META,
    MODEL_VERSION,
    SAMPLE_ID,
    SampleRecord,
    Task,
    has_prediction,
    problems_of,
    to_task,
)
from fo_labelstudio.dataset.samples import check_writable, read_blocks
from fo_labelstudio.errors import RunError, SampleError, ServerError, SettingsError
from fo_labelstudio.log import logger
from fo_labelstudio.remote.client import Client
from fo_labelstudio.remote.retrying import repeated
from fo_labelstudio.remote.transport import TRANSPORTS
from fo_labelstudio.remote.transport.transport import MediaSettings

_EXPORTED = 200
"""Tasks a request; their ids stand in its address, which proxies cut at 4,096 to 8,192 characters."""

_EXPORTED_WITH_MASKS = 20
"""The same where tasks hold masks, each of which comes back twice: in the annotation and in its prediction."""

_MAX_BYTES = 16 * 2**20
"""Bytes a request, unless a single task has more."""

_HALF_MADE = 503
"""Stands for an answer that says so itself: what is missing can be made again."""

_TITLE_LENGTH = (3, 50)
"""What the server accepts (Label Studio 1.23.2)."""

_PROJECT_SETTINGS = {
    # Nothing to see is an answer too.
    "enable_empty_annotation": True,
    # People start from the prediction in the label stream as well.
    "show_collab_predictions": True,
}


@dataclass(frozen=True)
class Run:
    """What an annotation run sends.

    Attributes:
        samples: the collection
        fields: the label fields
        media_field: the field that holds the paths of the media
        token: tells the tasks of this run from all others
        media: how the server gets to read the media
        is_continued: whether it was begun before
    """

    samples: foc.SampleCollection
    fields: Sequence[LabelField]
    media_field: str
    token: str
    media: MediaSettings
    is_continued: bool = False


@dataclass
class Answers:
    """What came back.

    Attributes:
        answers: the submitted annotations, at most one a task
        problems: what could not be understood
        missing: number of tasks that are gone from the server
    """

    answers: list[Answer] = dataclass_field(default_factory=list)
    problems: list[Problem] = dataclass_field(default_factory=list)
    missing: int = 0


def check(run: Run, client: Client) -> None:
    """Makes sure that everything can be sent, before anything is made.

    Raises:
        LabelSchemaError: a label field could not be written when the annotations are loaded
        SampleError: media or labels that cannot be sent; names them all
        ServerError: the server refuses the labeling config
    """
    check_writable(run.samples, run.fields)
    client.check_labeling_config(to_labeling_config(run.fields))
    problems: list[str] = []
    logger.info("Checking samples...")
    with fou.ProgressBar(total=len(run.samples)) as progress:
        for block in read_blocks(run.samples, run.fields, run.media_field, problems):
            for sample in block:
                problem = TRANSPORTS[run.media.transport].problem_of(sample.path, run.media)
                if problem:
                    problems.append(f"sample {sample.id}, {run.media_field} {sample.path!r}: {problem}")
                problems.extend(problems_of(sample, run.fields))
            progress.update(len(block))
    if problems:
        raise SampleError(problems)


def make_project(run: Run, client: Client, title: str) -> int:
    """Makes the project of a run.

    Args:
        run: the run
        client: the server
        title: its title, with a number behind it where it is taken

    Returns:
        its id
    """
    title = _free_title(title, client)
    settings = {
        "title": title,
        "description": f"Annotation run {run.token} of FiftyOne dataset {run.samples._root_dataset.name}",
        "label_config": to_labeling_config(run.fields),
        **_PROJECT_SETTINGS,
    }
    try:
        return client.create_project(**settings)
    except ServerError:
        # The answer may have been lost, not the request: a project must not be left behind unknown.
        project_id = client.find_project(run.token)
        if project_id is None:
            raise
        return project_id


def send(run: Run, client: Client, project_id: int, tasks: dict[str, int]) -> None:
    """Makes the tasks of a run, with their media and predictions; those that the project has already are kept.

    Args:
        run: a run that was checked
        client: the server
        project_id: the project of the run
        tasks: sample id -> task id; receives those that there are, as they are made
    """
    tasks.update(find_tasks(run.token, client, project_id))
    if tasks:
        logger.info("Continuing with %d tasks that are there already...", len(tasks))
    transport = TRANSPORTS[run.media.transport]
    urls = transport.known(client, project_id) if tasks or run.is_continued else {}
    problems: list[str] = []
    logger.info("Uploading samples to Label Studio...")
    with fou.ProgressBar(total=len(run.samples)) as progress:
        progress.update(len(tasks))
        for block in read_blocks(run.samples, run.fields, run.media_field, problems, tasks.keys()):
            if problems:
                raise SampleError(problems)
            tasks.update(_send_block(block, run, client, project_id, urls))
            progress.update(len(block))
    if client.project(project_id).get("task_number") != len(tasks):
        # A request may have been served after its connection was given up.
        tasks.update(find_tasks(run.token, client, project_id))
    try:
        # The server refuses the name of a set of predictions that it does not have yet.
        client.update_project(project_id, model_version=MODEL_VERSION)
    except ServerError as error:
        if error.status != 400:
            raise


def find_tasks(token: str, client: Client, project_id: int) -> dict[str, int]:
    """The tasks that a run has, as sample id -> task id; half-made ones and copies are deleted.

    Args:
        token: the token of the run
        client: the server
        project_id: its project
    """
    found: dict[str, int] = {}
    faulty = []
    for task in client.tasks(project_id):
        origin = (task.get("meta") or {}).get(META)
        if not isinstance(origin, Mapping) or origin.get("run") != token:
            continue
        sample_id = task["data"][SAMPLE_ID]
        # A server on SQLite that somebody else writes to may make tasks without their predictions (1.23.2).
        is_whole = bool(task.get("total_predictions")) or not has_prediction(origin)
        if is_whole and sample_id not in found:
            found[sample_id] = task["id"]
        else:
            faulty.append(task["id"])
    if faulty:
        logger.warning("Deleting %d tasks that were made without their predictions, or twice", len(faulty))
        client.delete_tasks(project_id, faulty)
    return found


def fetch(
    run_token: str, fields: Sequence[LabelField], client: Client, project_id: int | None, tasks: Mapping[str, int]
) -> Answers:
    """The submitted annotations of a run.

    Args:
        run_token: the token of the run
        fields: its label fields
        client: the server
        project_id: its project, or None where cleanup() has removed it
        tasks: sample id -> task id, of all of its tasks

    Raises:
        RunError: the project is gone
        ServerError: a download failed
    """
    if project_id is None:
        raise RunError("the run's project was removed by cleanup(); delete the run and annotate again")
    project = _project(client, project_id)
    if project is None:
        raise RunError(
            f"project {project_id} is gone from {client.url}; nothing was loaded. Delete the run with "
            "dataset.delete_annotation_run() and annotate again",
            project_id,
        )
    on_server = project.get("task_number")
    result = Answers()
    if isinstance(on_server, int):
        result.missing = max(len(tasks) - on_server, 0)
    task_ids = list(tasks.values())
    logger.info("Downloading annotations from Label Studio...")
    size = _EXPORTED_WITH_MASKS if any(has_masks(field.label_type) for field in fields) else _EXPORTED
    with fou.ProgressBar(total=len(task_ids), iters_str="tasks") as progress:
        for start in range(0, len(task_ids), size):
            block = task_ids[start : start + size]
            for task in client.export_tasks(project_id, block):
                answer = parse_task(task, fields, run_token, result.problems)
                if answer is None:
                    continue
                if tasks.get(answer.sample_id) == answer.task_id:
                    result.answers.append(answer)
                else:
                    reason = f"it names sample {answer.sample_id}, for which it was not made; left alone"
                    result.problems.append(Problem(answer.task_id, None, reason))
            progress.update(len(block))
    return result


def existing_project(client: Client, run_token: str, project_id: int | None) -> int | None:
    """The project of a run that did not get complete, or None where there is none any more.

    Args:
        client: the server
        run_token: the token of the run
        project_id: its project, or None where the run did not get to know it
    """
    if project_id is None:
        return client.find_project(run_token)
    return None if _project(client, project_id) is None else project_id


def discard_project(client: Client, run_token: str, project_id: int | None) -> None:
    """Deletes the project of a run that did not get complete.

    Args:
        client: the server
        run_token: the token of the run
        project_id: its project, or None where the run did not get to know it

    Raises:
        RunError: people have annotated it already, so that it must not be deleted
    """
    if project_id is None:
        project_id = client.find_project(run_token)
        if project_id is None:
            return
    project = _project(client, project_id)
    if project is None:
        return
    if project.get("total_annotations_number"):
        raise RunError(
            f"project {project_id} of the incomplete run has annotations, see {project_url(client.url, project_id)}; "
            "bring them home with load_annotations(), and annotate under another anno_key, or continue it with the "
            "arguments of its first annotate()",
            project_id,
        )
    logger.info("Removing project %d of the incomplete run...", project_id)
    delete_project(client, project_id)


def delete_project(client: Client, project_id: int) -> None:
    """Deletes a project, unless it is gone already."""
    try:
        client.delete_project(project_id)
    except ServerError as error:
        if error.status != 404:
            raise


def project_url(url: str, project_id: int) -> str:
    """The address at which people work on a project."""
    return f"{url}/projects/{project_id}/data"


def _project(client: Client, project_id: int) -> dict[str, Any] | None:
    """A project's settings and counts, or None where it is gone."""
    try:
        return client.project(project_id)
    except ServerError as error:
        if error.status == 404:
            return None
        raise


def _send_block(
    block: Sequence[SampleRecord], run: Run, client: Client, project_id: int, urls: dict[str, str]
) -> dict[str, int]:
    """The tasks of some samples, which it makes, as sample id -> task id."""
    transport = TRANSPORTS[run.media.transport]
    attempts = 0

    def send_media() -> None:
        nonlocal attempts
        if attempts:
            urls.update(transport.known(client, project_id))
        attempts += 1
        missing = {sample.id: sample.path for sample in block if sample.id not in urls}
        urls.update(transport.send(client, project_id, missing, run.media))

    repeated(send_media, client.retries, "uploading media")
    tasks = {sample.id: to_task(sample, run.fields, urls.pop(sample.id), run.token) for sample in block}
    made: dict[str, int] = {}
    for request in _requests(tasks):
        made.update(_import(request, run.token, client, project_id))
    return made


class _Encoded(NamedTuple):
    """The JSON of a task, and how many predictions it has."""

    body: bytes
    predictions: int


def _import(request: Mapping[str, _Encoded], token: str, client: Client, project_id: int) -> dict[str, int]:
    """Imports tasks, given by the ids of their samples, each exactly once, however often it takes."""
    made: dict[str, int] = {}
    attempts = 0

    def send_missing() -> None:
        nonlocal attempts
        if attempts:
            found = find_tasks(token, client, project_id)
            made.update((sample_id, found[sample_id]) for sample_id in request if sample_id in found)
        attempts += 1
        missing = [sample_id for sample_id in request if sample_id not in made]
        if not missing:
            return
        tasks = [request[sample_id] for sample_id in missing]
        task_ids, predictions = client.import_tasks(project_id, [task.body for task in tasks])
        expected = sum(task.predictions for task in tasks)
        if len(task_ids) != len(tasks) or predictions != expected:
            raise ServerError(
                f"the server made {len(task_ids)} of {len(tasks)} tasks and {predictions} of {expected} predictions",
                _HALF_MADE,
            )
        made.update(zip(missing, task_ids, strict=True))

    repeated(send_missing, client.retries, "making tasks")
    return made


def _requests(tasks: Mapping[str, Task]) -> Iterator[dict[str, _Encoded]]:
    """Tasks as JSON, by the ids of their samples, as many as fit into a request."""
    encoded: dict[str, _Encoded] = {}
    size = 0
    for sample_id, task in tasks.items():
        body = json.dumps(task, allow_nan=False, separators=(",", ":")).encode()
        if encoded and size + len(body) > _MAX_BYTES:
            yield encoded
            encoded, size = {}, 0
        encoded[sample_id] = _Encoded(body, len(task["predictions"]))
        size += len(body)
    if encoded:
        yield encoded


def check_title(title: str) -> None:
    """Refuses a title that the server would refuse.

    Raises:
        SettingsError: it is too short or too long
    """
    shortest, longest = _TITLE_LENGTH
    if not shortest <= len(title) <= longest:
        raise SettingsError(
            f"project_name {title!r} has {len(title)} characters; Label Studio takes {shortest} to {longest}"
        )


def _free_title(title: str, client: Client) -> str:
    longest = _TITLE_LENGTH[1]
    taken = set(client.project_titles(title[: longest - 8]))
    number = 1
    free = title
    while free in taken:
        number += 1
        suffix = f"_{number}"
        free = title[: longest - len(suffix)] + suffix
    return free


def default_title(dataset_name: str) -> str:
    """The title of a project where none was asked for."""
    return f"FiftyOne_{dataset_name}"[: _TITLE_LENGTH[1]]
