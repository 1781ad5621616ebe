"""begin() and finish(): the two halves of annotate(), between which FiftyOne registers the run."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from itertools import chain
from typing import Any, Protocol

import fiftyone.core.collections as foc
import fiftyone.core.odm as foo
from bson import ObjectId, json_util

from fo_labelstudio.convert.labeling_config.write import to_labeling_config
from fo_labelstudio.convert.records import carried_keys, media_key_of, object_option_of, shows_files
from fo_labelstudio.dataset.frame_ranges import ranges_of
from fo_labelstudio.dataset.groups import groups_of
from fo_labelstudio.dataset.internals import id_of, is_clips, root_dataset
from fo_labelstudio.dataset.run_lock import sole_sender
from fo_labelstudio.errors import RunError, SettingsError
from fo_labelstudio.log import logger
from fo_labelstudio.remote.client import Client
from fo_labelstudio.runs import existing_project, project
from fo_labelstudio.runs.check import CheckedRun, check_run
from fo_labelstudio.runs.cleanup import discard_tasks, is_answered
from fo_labelstudio.runs.existing_tasks import shown_already
from fo_labelstudio.runs.own_names import check_skipped
from fo_labelstudio.runs.ports import Task
from fo_labelstudio.runs.predict import predict
from fo_labelstudio.runs.prepare import prepared_tasks
from fo_labelstudio.runs.run import RunConfig, run_of, sender_of, title_of
from fo_labelstudio.runs.send import send
from fo_labelstudio.runs.server import ServerTasks, tasks_in
from fo_labelstudio.runs.state import RunState
from fo_labelstudio.runs.workspace import workspace_of

SAVING_SECONDS = 30.0
"""Between two times that the results of a run are saved while it is being sent: what is saved grows with the run."""


_SAME = (
    *("label_schema", "media_field", "task_fields", "existing_tasks", "upload_as", "ground_truth"),
    *("workspace", "sampling", "score_field", "score_order", "frame_start", "frame_stop"),
    "group_slices",
)
"""What an incomplete run must have in common with the one that continues it."""


class RunRegister(Protocol):
    """Keeps annotation runs with their dataset; FiftyOne's backends do.

    Attributes:
        config: what annotate() was asked for
    """

    config: RunConfig

    def connect_to_api(self) -> Any:
        """A connection to the server, whose ``client`` has been checked."""
        ...

    @property
    def supported_media_types(self) -> list[str]:
        """The types of media that can be annotated."""
        ...

    def list_runs(self, samples: foc.SampleCollection) -> list[str]:
        """The keys of all runs of a dataset."""
        ...

    def get_run_info(self, samples: foc.SampleCollection, key: str) -> Any:
        """A run, with its ``config``."""
        ...

    def validate_run(self, samples: foc.SampleCollection, key: str, overwrite: bool = True) -> None:
        """Refuses a key that is none, or that another run has."""
        ...

    def put_run(self, samples: foc.SampleCollection, key: str, overwrite: bool, cleanup: bool) -> None:
        """Registers the run, with its config as it is."""
        ...

    def take_over(self, results: Any) -> None:
        """Puts the config and results in place of those of a run that another integration has made, in one step."""
        ...

    def put_view(self, results: Any, view: foc.SampleCollection) -> None:
        """Has a run be one on other samples."""
        ...

    def delete_run(self, samples: foc.SampleCollection, key: str, cleanup: bool = True) -> None:
        """Forgets a run."""
        ...

    def load_run_view(self, samples: foc.SampleCollection, key: str) -> foc.SampleCollection:
        """The samples of a run."""
        ...

    def load_run_results(self, samples: foc.SampleCollection, key: str, cache: bool, load_view: bool) -> Any:
        """The saved results of a run, or None."""
        ...

    def save_run_results(self, samples: foc.SampleCollection, key: str, run_results: Any) -> None:
        """Saves the results of a run, and keeps them for this session."""
        ...


@dataclass
class Begun:
    """A run that is registered, and that nobody else can send until it is finished.

    Attributes:
        checked: what the check has found
        samples: the collection, with the labels that are sent; None where it is the one of the call
        predicted: sample id -> the task of others that shows it, and gets a prediction
        sending: keeps others from sending it
    """

    checked: CheckedRun = dataclass_field(default_factory=CheckedRun)
    samples: foc.SampleCollection | None = None
    predicted: dict[str, int] = dataclass_field(default_factory=dict)
    sending: ExitStack = dataclass_field(default_factory=ExitStack)


def begin(register: RunRegister, samples: foc.SampleCollection, key: str, overwrite: bool, cleanup: bool) -> Begun:
    """Registers a run, once it is sure that everything can be sent.

    A run of the same key that did not get complete is continued, or replaced where it was another one.

    Args:
        register: keeps the run
        samples: the collection
        key: the key of the run
        overwrite: whether a complete run of the same key is replaced
        cleanup: whether its project is deleted then

    Raises:
        LabelStudioError: what cannot be sent, or no server or project to send it to; nothing has been made
        RunError: the incomplete run has annotations already, or somebody else is sending it
    """
    with ExitStack() as sending:
        sending.enter_context(sole_sender(root_dataset(samples), key))
        begun = _register(register, samples, key, overwrite, cleanup)
        # It lasts until finish() ends.
        begun.sending = sending.pop_all()
        return begun


def _register(register: RunRegister, samples: foc.SampleCollection, key: str, overwrite: bool, cleanup: bool) -> Begun:
    refuse_unknown_run(register, samples, key)
    incomplete = None if overwrite else _incomplete(register, samples, key)
    if incomplete is None:
        register.validate_run(samples, key, overwrite=overwrite)
    config = register.config
    refuse_unsuited(config, samples)
    existing_project.check_asked(config)
    project.check_title(title_of(config, samples))
    if incomplete is not None and is_clips(samples):
        _refuse_other_clips(register, samples, key)
    client: Client = register.connect_to_api().client
    existing = existing_project.existing_of(config, client, None if incomplete is None else _own(incomplete, client))
    workspace_of(client, config.workspace)
    theirs = config.labeling_config if existing is None else existing.labeling_config
    source = existing_project.where(existing, client)
    samples = existing_project.complete(register, samples, theirs, client.version, existing is None, source)
    check_skipped(config, config.skipped)
    config.url = client.url
    if shows_files(config.label_fields()):
        config.serve_shared_files(samples)
    if incomplete is None:
        project_id = None
    else:
        _refuse_other_server(key, incomplete, client)
        project_id = _continued_project(incomplete, config, client, existing)
    token = str(ObjectId()) if incomplete is None or project_id is None else incomplete.saved_state["token"]
    if existing is None:
        client.check_labeling_config(theirs or to_labeling_config(config.label_fields(), config.group_slices or ()))
    media_key = media_key_of(config.label_fields())
    said: dict[str, Any] = {}
    skipped, predicted = _shown(config, samples, client, existing, token, media_key, said)
    needed = existing_project.needed_of(theirs, media_key)
    checked = check_run(run_of(config, samples, token), needed, skipped, predicted, said)
    if incomplete is not None and project_id is not None:
        config.run_state = {**incomplete.saved_state, "project_id": project_id}
        _put_again(register, samples, key)
        return Begun(checked, samples, predicted)
    if incomplete is not None:
        _discard(incomplete, client)
        register.delete_run(samples, key, cleanup=False)
    config.run_state = {"token": token, "project_id": None, "complete": False, "owns_project": existing is None}
    if existing is not None:
        config.run_state.update(existing.state(client, config.media), project_id=existing.id)
    register.put_run(samples, key, overwrite, cleanup)
    return Begun(checked, samples, predicted)


def _shown(
    config: RunConfig,
    samples: foc.SampleCollection,
    client: Client,
    existing: existing_project.Existing | None,
    token: str,
    media_key: str,
    said: dict[str, Any],
) -> tuple[dict[str, int], dict[str, int]]:
    """The samples that the project shows already, sample id -> task id: those that are left out, and those whose tasks
    get predictions.

    Receives in ``said`` what the tasks of the latter say of the media file, where the object tag looks for that.

    Raises:
        RunError: all are to be left out, or a task may show several
    """
    if existing is None or config.existing_tasks == "new":
        return {}, {}
    if config.existing_tasks == "predict" and (keys := carried_keys(config.label_fields())):
        raise SettingsError(
            f"existing_tasks='predict' is for labels on media files, but tasks hold {' and '.join(map(repr, keys))} "
            "themselves, which may be another one there; pass existing_tasks='new'"
        )
    option, by_task = object_option_of(config.label_fields()) or "", dict[int, Any]()
    tasks = client.tasks(existing.id)
    if option.startswith("$"):
        tasks = _noting(tasks, option[1:], by_task)
    shown = shown_already(tasks, token, media_key, samples, config.media_field)
    if config.existing_tasks == "predict":
        said.update((sample_id, by_task[task_id]) for sample_id, task_id in shown.items() if by_task)
        return {}, shown
    if shown:
        sample_id, task_id = next(iter(shown.items()))
        logger.warning(
            "%d samples are left out, because project %d shows them already, such as %s in task %d",
            len(shown),
            existing.id,
            sample_id,
            task_id,
        )
    if len(shown) == len(samples):
        raise RunError(
            f"project {existing.id} shows all samples already, so there is nothing to send; pass existing_tasks='new' "
            "to send them all the same, or 'predict' to add predictions to the tasks that are there",
            existing.id,
        )
    return shown, {}


def _noting(tasks: Iterable[Task], key: str, noted: dict[int, Any]) -> Iterator[Task]:
    """Passes on tasks, and notes what the data of each have at a key."""
    for task in tasks:
        noted[task["id"]] = task["data"].get(key)
        yield task


def finish(register: RunRegister, samples: foc.SampleCollection, key: str, results: RunState, begun: Begun) -> None:
    """Makes the project of a run that was begun, where it has none, and sends the run; with parts, others send it.

    Args:
        register: keeps the run
        samples: the collection
        key: the key of the run
        results: the new results of the run
        begun: what :func:`begin` returned

    Raises:
        RunError: it stopped half-way; says what is left, and how to continue
    """
    with begun.sending:
        _finish(register, samples if begun.samples is None else begun.samples, key, results, begun)


def _finish(register: RunRegister, samples: foc.SampleCollection, key: str, results: RunState, begun: Begun) -> None:
    client: Client = register.connect_to_api().client
    config, state = register.config, register.config.saved_state
    run = run_of(config, samples, state["token"])
    results.ranges = saved_ranges(config, samples)
    results.groups = groups_of(samples, config.group_slices, begun.checked.sample_ids)
    if state["project_id"] is None:
        try:
            name = root_dataset(samples).name
            state["project_id"] = project.make_project(
                run.token, name, client, title_of(config, samples), **_settings_of_project(config, client)
            )
        except BaseException:
            # Without proof that there is no project, the run stays, and with it the token to find the project by.
            if client.find_project(run.token) is None:
                register.delete_run(samples, key, cleanup=False)
            raise
    try:
        results.save_config()
        register.save_run_results(samples, key, results)
        if config.parts is not None:
            logger.info(
                "Made project %d; send its parts, 1 to %d, with fo_labelstudio.send_part(), then call annotate() "
                "once more without parts",
                state["project_id"],
                config.parts,
            )
            return
        sink, sender = tasks_in(client, state), sender_of(run, client, state)
        checked, saving = begun.checked, Saving(results)
        prepared = chain(checked.tasks, prepared_tasks(run, checked.sample_ids))
        send(run, prepared, sink, sender, results.tasks, saving, checked.left_out + len(begun.predicted))
        if begun.predicted:
            predict(run, begun.predicted, client, state["project_id"], results.predicted, saving)
            results.tasks.update({sample_id: entry["task"] for sample_id, entry in results.predicted.items()})
        # Complete only once the tasks are saved, for without them nothing could be loaded.
        register.save_run_results(samples, key, results)
        state["complete"] = True
        results.save_config()
    except BaseException as error:
        state["complete"] = False
        message = _left_behind(results, error)
        try:
            register.save_run_results(samples, key, results)
        finally:
            if isinstance(error, Exception):
                raise RunError(message, state["project_id"]) from error
            logger.warning(message)
        raise


def _settings_of_project(config: RunConfig, client: Client) -> dict[str, Any]:
    """What a new project is made with, as the API names it."""
    sampling = {} if config.sampling is None else {"sampling": project.SAMPLINGS[config.sampling]}
    workspace = workspace_of(client, config.workspace)
    return sampling if workspace is None else {**sampling, "workspace": workspace}


def saved_ranges(config: RunConfig, samples: foc.SampleCollection) -> dict[str, list[Any]]:
    """The frames that the tasks of a run are about, as they are kept with it."""
    return {name: list(place) for name, place in ranges_of(samples, config.frame_start, config.frame_stop).items()}


def refuse_unsuited(config: RunConfig, samples: foc.SampleCollection) -> None:
    """Refuses settings that clips, or samples that are no videos, cannot have.

    Raises:
        SettingsError: names the setting
    """
    if is_clips(samples):
        if config.parts is not None:
            raise SettingsError("parts: FiftyOne gives clips other ids in other processes; leave parts out")
        if config.existing_tasks == "predict":
            raise SettingsError("existing_tasks: several clips may be of one video; pass 'new' or 'skip'")
    if config.group_slices is not None:
        refuse_unsuited_to_groups(config)
    if samples.media_type != "video" and (config.frame_start is not None or config.frame_stop is not None):
        raise SettingsError("frame_start and frame_stop are for videos; leave them out")


def refuse_unsuited_to_groups(config: RunConfig) -> None:
    """Refuses settings that a run whose tasks show groups cannot have.

    Raises:
        SettingsError: names the setting
    """
    for name, why in (
        ("labeling_config", "tasks show the slices of groups by the labeling config that is made of the label schema"),
        ("project_id", "a project that is there has a labeling config of its own, which does not show the slices"),
    ):
        if getattr(config, name) is not None:
            raise SettingsError(f"group_slices and {name} are both given, but {why}; leave one of them out")


def refuse_unknown_run(register: RunRegister, samples: foc.SampleCollection, key: str) -> None:
    """Refuses to put a run in the place of one that another session has made since the dataset was loaded."""
    dataset = root_dataset(samples)
    stored = foo.get_db_conn().datasets.find_one({"_id": id_of(dataset)}, {"annotation_runs": True})
    if key in stored.get("annotation_runs", ()) and key not in register.list_runs(samples):
        raise RunError(f"another session has made annotation run {key!r}; call dataset.reload() to see it")


def _incomplete(register: RunRegister, samples: foc.SampleCollection, key: str) -> RunConfig | None:
    """The config of a run that did not get complete, or None where there is no such run."""
    if key not in register.list_runs(samples):
        return None
    config = register.get_run_info(samples, key).config
    if not isinstance(config, type(register.config)) or not config.run_state or config.run_state["complete"]:
        return None
    return config


def _refuse_other_clips(register: RunRegister, samples: foc.SampleCollection, key: str) -> None:
    """Refuses to continue a run with clips that were made anew, which FiftyOne may give other ids.

    Raises:
        RunError: the run has other clips
    """
    results = register.load_run_results(samples, key, cache=False, load_view=False)
    others = {} if results is None else results.ranges
    if others and others.keys() != {*samples.values("id")}:
        raise RunError(
            f"annotation run {key!r} is not complete, and was begun with other clips; pass the same view, or call "
            f"dataset.load_annotation_results({key!r}).cleanup() and dataset.delete_annotation_run({key!r}), and "
            "annotate again"
        )


def _refuse_other_server(key: str, incomplete: RunConfig, client: Client) -> None:
    if incomplete.url != client.url:
        raise RunError(
            f"annotation run {key!r} is not complete, and its project is on {incomplete.url}; pass that url, or "
            "delete the run with dataset.delete_annotation_run()",
            incomplete.saved_state["project_id"],
        )


def _own(incomplete: RunConfig, client: Client) -> int | None:
    """The project that an incomplete run has made for itself, or None where there is none."""
    state = incomplete.saved_state
    if incomplete.url != client.url or not state.get("owns_project", True):
        return None
    return project.existing_project(client, state["token"], state["project_id"])


def _continued_project(
    incomplete: RunConfig, config: RunConfig, client: Client, existing: existing_project.Existing | None
) -> int | None:
    """The project of an incomplete run that asks for the same as this one, or None where there is none."""
    state = incomplete.saved_state
    if state.get("owns_project", True) != (existing is None):
        return None
    if existing is not None and existing.id != state["project_id"]:
        return None
    one, other = (json.loads(json_util.dumps(asked.serialize())) for asked in (incomplete, config))
    if incomplete.labeling_config != config.labeling_config or any(one.get(name) != other.get(name) for name in _SAME):
        return None
    return project.existing_project(client, state["token"], state["project_id"])


def _discard(incomplete: RunConfig, client: Client) -> None:
    """Deletes what an incomplete run has made on the server.

    Raises:
        RunError: people have annotated it already
    """
    state = incomplete.saved_state
    if state.get("owns_project", True):

        def is_theirs(project_id: int) -> bool:
            tasks = ServerTasks(client, project_id)
            return is_answered(tasks, [task["id"] for task in tasks.tasks()])

        project.discard_project(client, state["token"], state["project_id"], is_theirs)
    elif state["project_id"] is not None:
        discard_tasks(client, state)


def _put_again(register: RunRegister, samples: foc.SampleCollection, key: str) -> None:
    """Puts a run in its own place, with the results that it has."""
    results = register.load_run_results(samples, key, cache=False, load_view=False)
    register.put_run(samples, key, overwrite=True, cleanup=False)
    if results is not None:
        register.save_run_results(samples, key, results)


class Saving:
    """Saves the results of a run while it is being sent, now and then."""

    def __init__(self, results: RunState):
        self._results = results
        self._saved = time.monotonic()

    def __call__(self) -> None:
        if time.monotonic() - self._saved > SAVING_SECONDS:
            self._results.save_run()
            self._saved = time.monotonic()


def _left_behind(results: RunState, error: BaseException) -> str:
    """What a run that stopped half-way says of itself."""
    reason = ": ".join(filter(None, (type(error).__name__, str(error))))
    state, key = results.config.saved_state, results.key
    project_id = state["project_id"]
    url = project.project_url(results.config.url or "", project_id)
    left = f"project {project_id} at {url}, with {len(results.tasks)} tasks"
    if not state.get("owns_project", True):
        left = f"{len(results.tasks)} tasks in project {project_id} at {url}"
    return (
        f"annotate() stopped half-way ({reason}). It left {left}. To continue, call annotate() with anno_key {key!r} "
        f"and the same arguments once more. To remove it: dataset.load_annotation_results({key!r}).cleanup() and "
        f"dataset.delete_annotation_run({key!r})"
    )
