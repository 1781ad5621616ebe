"""add_samples(): more samples of the dataset -> tasks of a run that is going on."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from itertools import chain
from typing import Any

import fiftyone.core.collections as foc

from fo_labelstudio.convert.records import media_key_of
from fo_labelstudio.convert.task.write import MODEL_VERSION
from fo_labelstudio.dataset.internals import is_generated, narrowed
from fo_labelstudio.errors import RunError
from fo_labelstudio.log import logger
from fo_labelstudio.messages import listed
from fo_labelstudio.remote.client import Client
from fo_labelstudio.runs.annotate import RunRegister, Saving
from fo_labelstudio.runs.check import check_run
from fo_labelstudio.runs.existing_project import needed_of
from fo_labelstudio.runs.existing_tasks import shown_already
from fo_labelstudio.runs.ongoing import check_dataset, ongoing
from fo_labelstudio.runs.ports import TaskSink
from fo_labelstudio.runs.predict import predict
from fo_labelstudio.runs.prepare import prepared_tasks
from fo_labelstudio.runs.run import Run, labeling_config_of, run_of, sender_of
from fo_labelstudio.runs.send import make_tasks
from fo_labelstudio.runs.server import tasks_in
from fo_labelstudio.runs.state import RunState, refuse_clips
from fo_labelstudio.transport.transport import FileSender


def add_samples(
    register: RunRegister,
    results: RunState,
    samples: foc.SampleCollection,
    sink: TaskSink | None = None,
    sender: FileSender | None = None,
) -> int:
    """Sends samples that a run does not have to its project, with the run's label schema; those that it has stay.

    What was interrupted is continued by the same call.

    Args:
        register: keeps the run
        results: the results of the run, which are saved
        samples: samples of the run's dataset
        sink: where tasks are made; the run's project by default
        sender: what gets media there

    Returns:
        how many samples were added, or groups where tasks show these

    Raises:
        RunError: the run is not complete, its project is gone, the samples are not of its dataset, or it stopped
            half-way
        SampleError: media or labels that cannot be sent; names them all, and nothing was made
    """
    check_dataset(results, samples)
    refuse_clips(results, "add_samples()")
    if results.ranges:
        raise RunError(
            "add_samples() is not possible for a run with frame_start or frame_stop; annotate the samples under "
            "another anno_key",
            results.project_id,
        )
    with ongoing(results):
        config = results.config
        run_view = register.load_run_view(results.dataset, results.key)
        known = set(run_view.values("id"))
        _check_kind(register, results, samples, run_view, known)
        view = narrowed(samples, register, config.label_schema)
        whole = run_of(config, view, config.saved_state["token"])
        wanted = list(dict.fromkeys(whole.all_ids if whole.slices else view.values("id")))
        missing = [name for name in wanted if name not in results.tasks]
        if whole.slices and missing:
            # Known before there are tasks, whatever interrupts their making.
            results.groups.update((name, dict(whole.groups[name])) for name in missing)
            results.save()
        number = _send(replace(whole, sample_ids=missing), results, sink, sender) if missing else 0
        # What was interrupted may have made tasks of samples that the view lacks.
        there = (sample_id for name in wanted if name in results.tasks for sample_id in results.samples_of(name))
        new = [sample_id for sample_id in there if sample_id not in known]
        if new:
            register.put_view(results, run_view.concat(view.select(new, ordered=True)))
        if config.saved_state.get("tasks", 0) != len(results.tasks):
            config.saved_state["tasks"] = len(results.tasks)
            results.save_config()
        return number


def _check_kind(
    register: RunRegister,
    results: RunState,
    samples: foc.SampleCollection,
    run_view: foc.SampleCollection,
    known: Collection[str],
) -> None:
    """Refuses what cannot be among the samples of a run."""
    if samples.media_type not in register.supported_media_types:
        raise RunError(
            f"media of type {samples.media_type!r} cannot be annotated; pass samples of type "
            f"{' or '.join(map(repr, register.supported_media_types))}",
            results.project_id,
        )
    if is_generated(samples) or is_generated(run_view):
        # FiftyOne joins no two views of frames or patches (1.22.1).
        others = [sample_id for sample_id in samples.values("id") if sample_id not in known]
        if others:
            raise RunError(
                f"{len(others)} frames, patches or samples are not in the view of annotation run {results.key!r}, such "
                f"as {others[0]}, and no view can hold both; annotate them under another anno_key",
                results.project_id,
            )


def _report_other_start(results: RunState, sink: TaskSink, before: int) -> None:
    """Says where people start from predictions that the new tasks do not have."""
    model_version, added = sink.state().model_version, len(results.tasks) - before
    if added and model_version in results.config.saved_state.get("refreshed", ()):
        logger.warning(
            "%d new tasks have no prediction of %r, which people start from: in the label stream they start from "
            "nothing there; upload predictions of their samples, too",
            added,
            model_version,
        )


def _send(run: Run, results: RunState, sink: TaskSink | None, sender: FileSender | None) -> int:
    """Makes the tasks of some samples; returns how many there are more than before."""
    config, state, before = results.config, results.config.saved_state, len(results.tasks)
    client: Client | None = None if sink is not None else results.connect_to_api().client
    media_key = media_key_of(run.fields)
    skipped, predicted = ({}, {}) if client is None else _shown(run, results, client, state, media_key)
    checked = check_run(run, needed_of(labeling_config_of(config), media_key), skipped, predicted)
    # Of a run that nobody was adding to, all tasks are known.
    after = 0 if state.get("tasks", 0) is None else max(results.tasks.values(), default=0)
    if sink is None or sender is None:
        assert client is not None
        sink, sender = tasks_in(client, state), sender_of(run, client, state)
    state["tasks"] = None
    results.save_config()
    saving = Saving(results)
    prepared = chain(checked.tasks, prepared_tasks(run, checked.sample_ids))
    try:
        left_out = checked.left_out + len(predicted)
        make_tasks(run, prepared, sink, sender, results.tasks, lambda _: saving(), left_out, after)
        if predicted:
            assert client is not None
            predict(run, predicted, client, state["project_id"], results.predicted, saving)
            results.tasks.update({sample_id: results.predicted[sample_id]["task"] for sample_id in predicted})
        is_own = state.get("owns_project", True) and not state.get("adopted")
        if is_own and not sink.state().model_version:
            # The first tasks of the run may have had no predictions.
            sink.start_from(MODEL_VERSION)
        _report_other_start(results, sink, before)
    except BaseException as error:
        message = (
            f"add_samples() stopped half-way ({type(error).__name__}: {error}). It added "
            f"{len(results.tasks) - before} of {run.size} samples to project {results.project_id}. To continue, call "
            "it with the same samples once more; to go without them, call remove_samples()"
        )
        results.save_run()
        if isinstance(error, Exception):
            raise RunError(message, results.project_id) from error
        logger.warning(message)
        raise
    results.save_run()
    return len(results.tasks) - before


def _shown(
    run: Run, results: RunState, client: Client, state: Mapping[str, Any], media_key: str
) -> tuple[dict[str, int], dict[str, int]]:
    """The samples that tasks of others show already, sample id -> task id: those that are left out, and those whose
    tasks get predictions.
    """
    config = results.config
    if state.get("owns_project", True) or config.existing_tasks == "new":
        return {}, {}
    shown = shown_already(
        client.tasks(state["project_id"]), run.token, media_key, run.samples.select(run.sample_ids), run.media_field
    )
    if config.existing_tasks == "predict":
        return {}, shown
    lines = listed([f"sample {sample_id}: task {task_id}" for sample_id, task_id in shown.items()])
    if shown:
        logger.warning("%d samples are left out, because the project shows them already:%s", len(shown), lines)
    return shown, {}
