"""upload_predictions(): labels of a better model -> predictions on the tasks that a run has.

A prediction that is new is added; one of the same model version is changed where it lies, in one request. So each task
has the old one or the new one whenever a call is interrupted, never both or neither, and who has it open can submit.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, NamedTuple

import fiftyone.core.collections as foc

from fo_labelstudio.convert import attributes
from fo_labelstudio.convert.annotation.origin import Missing, missing_from
from fo_labelstudio.convert.digests import digest_of
from fo_labelstudio.convert.families import family_of
from fo_labelstudio.convert.records import LabelField, carried_keys, lists_of
from fo_labelstudio.convert.task.origin import META, digest_of_lists
from fo_labelstudio.convert.task.refreshed import Shown, shown_in, to_refreshed, with_history
from fo_labelstudio.convert.task.write import MODEL_VERSION
from fo_labelstudio.dataset.labels import LabelMerge
from fo_labelstudio.dataset.place import FramesPlace, Place, place_of
from fo_labelstudio.dataset.run_lock import sole_sender
from fo_labelstudio.dataset.scalars import ScalarMerge
from fo_labelstudio.dataset.score_field import scoring_of
from fo_labelstudio.errors import HalfMadeError, LabelSchemaError, RunError, SampleError, SettingsError
from fo_labelstudio.log import logger
from fo_labelstudio.messages import meant
from fo_labelstudio.remote.client import Client
from fo_labelstudio.remote.retrying import repeated, sent_in_parts
from fo_labelstudio.runs.check import report_left_out
from fo_labelstudio.runs.garbage import only_new_garbage
from fo_labelstudio.runs.ports import PredictionSink
from fo_labelstudio.runs.predict import is_of_a_run
from fo_labelstudio.runs.prepare import LeftOut, PreparedTask, Refused, prepared_tasks
from fo_labelstudio.runs.progress import progress_bar
from fo_labelstudio.runs.run import Run, labeling_config_of, run_of
from fo_labelstudio.runs.server import ServerPredictions
from fo_labelstudio.runs.state import RunState, project_id_of, refuse_clips, refuse_groups
from fo_labelstudio.runs.streams import Spool, in_blocks

LabelFields = str | Mapping[str, str] | None
"""Which labels are sent: a field of the run or of the dataset, or label field of the run -> field of the dataset."""


class Refreshed(NamedTuple):
    """The prediction that a task is to have.

    Attributes:
        task_id: the task
        generation: tells it from any other of the same task and model; empty where it shows nothing
        score: its score, or None
        result: the JSON of its result
    """

    task_id: int
    generation: str
    score: float | None
    result: bytes

    def body(self, model_version: str) -> bytes:
        """The JSON of the whole prediction."""
        rest = {"task": self.task_id, "model_version": model_version, "score": self.score}
        return json.dumps(rest, allow_nan=False).encode()[:-1] + b',"result":' + self.result + b"}"


class _Present(NamedTuple):
    """A prediction that a task has already."""

    id: int
    generation: str
    score: float | None


@dataclass
class RefreshReport:
    """What became of the predictions of samples.

    Attributes:
        added: tasks that got a prediction of the model
        replaced: tasks whose prediction of the model is another one now
        unchanged: tasks that had the same one already
        answered: tasks that were left alone, for they have an annotation
        without_task: samples that the run has no task of
        left_out: samples whose media cannot be read
    """

    added: int = 0
    replaced: int = 0
    unchanged: int = 0
    answered: int = 0
    without_task: int = 0
    left_out: int = 0


class Asked(NamedTuple):
    """What a call asks for; see ``results.upload_predictions()``."""

    label_field: LabelFields
    model_version: str
    answered: bool = False
    start_from: bool | None = None
    score_field: str | None = None
    score_order: str | None = None


@only_new_garbage()
def upload_predictions(results: RunState, samples: foc.SampleCollection, asked: Asked) -> RefreshReport:
    """Adds predictions to the tasks of a run, or replaces those of the same model.

    Raises:
        RunError: the run is not complete, has no project, or the project has predictions of that name of others
        SettingsError: an argument makes no sense
        LabelSchemaError: a field is not there, cannot stand for one of the run, or the project no longer asks for it
        SampleError: labels that do not fit; names field, sample, label and class of all; nothing was sent
        ServerError: predictions could not be made; the same call continues
    """
    refuse_clips(results, "upload_predictions()")
    refuse_groups(results, "upload_predictions()")
    _check_asked(results, asked)
    client: Client = results.connect_to_api().client
    with sole_sender(results.dataset, results.key):
        return refresh(results, samples, asked, ServerPredictions(client, results.config.saved_state["project_id"]))


def refresh(results: RunState, samples: foc.SampleCollection, asked: Asked, sink: PredictionSink) -> RefreshReport:
    """The same, on the tasks of a project; to be called by who holds the lock of the run alone."""
    _refuse_taken(results, asked.model_version, sink)
    run, own = _run_of(results, samples, asked, sink.state().labeling_config)
    taken, report = sink.answered_tasks(), RefreshReport()
    tasks = _tasks_to_refresh(results, samples, set() if asked.answered else taken, report)
    checked = check(run, own, tasks, asked.model_version, report, _carried(run, tasks, sink))
    _remember(results, asked.model_version)
    covered = upload(checked, sink, asked.model_version, run.token, report)
    owns_project = results.config.saved_state.get("owns_project", True)
    if covered and (owns_project if asked.start_from is None else asked.start_from):
        sink.start_from(asked.model_version)
        _report_without(asked.model_version, set(results.tasks.values()) - taken - covered)
    _log(report, asked.model_version)
    return report


def _run_of(
    results: RunState, samples: foc.SampleCollection, asked: Asked, labeling_config: str | None
) -> tuple[Run, dict[str, LabelField]]:
    """What is sent, its fields under the names that they are read from; name of a control tag -> field of the run."""
    config = results.config
    fields, named = fields_of(results, asked.label_field)
    run = run_of(config, samples, config.saved_state["token"])
    missing = missing_from(labeling_config, run.fields, labeling_config_of(config))
    complete = set(named.values())
    fitted = [_fitted(field, missing, complete) for field in fields]
    scoring = scoring_of(
        samples, asked.score_field or config.score_field, asked.score_order or config.score_order, config.sampling
    )
    run = replace(
        run,
        ranges=results.frame_ranges,
        fields=[field for field in fitted if field is not None],
        task_fields=(),
        finished=None,
        scoring=scoring,
        complete_fields=complete,
    )
    return run, {field.control: field for field in config.label_fields()}


def _check_asked(results: RunState, asked: Asked) -> None:
    project_id, model_version = project_id_of(results), asked.model_version
    state = results.config.saved_state
    if not state.get("complete"):
        raise RunError(
            f"annotation run {results.key!r} is not complete; call annotate() with the same anno_key once more",
            project_id,
        )
    if not isinstance(model_version, str) or not model_version.strip() or is_of_a_run(model_version):
        raise SettingsError(
            f"model_version is {model_version!r}, expected a name for the predictions, such as 'yolo 2'"
        )
    if asked.score_order not in (None, "lowest", "highest"):
        raise SettingsError(f"score_order is {asked.score_order!r}, expected 'lowest' or 'highest'")
    if asked.start_from and not state.get("owns_project", True):
        raise SettingsError(
            f"start_from=True, but project {project_id} is not the run's own and keeps what people start from; "
            "leave it out, and choose the predictions in the project's settings, under Annotation"
        )


def _refuse_taken(results: RunState, model_version: str, sink: PredictionSink) -> None:
    """Refuses the name of predictions that the run has not made: they would be changed."""
    state = results.config.saved_state
    is_first = model_version == MODEL_VERSION and state.get("owns_project", True)
    if is_first or model_version in state.get("refreshed", ()):
        return
    if sink.model_versions().get(model_version):
        raise RunError(
            f"project {state['project_id']} has predictions of model version {model_version!r} that annotation run "
            f"{results.key!r} has not made; pass another model_version",
            state["project_id"],
        )


def _remember(results: RunState, model_version: str) -> None:
    """Has the run know which predictions are its own, before there are any."""
    state = results.config.saved_state
    if model_version not in state.get("refreshed", ()):
        state["refreshed"] = [*state.get("refreshed", ()), model_version]
        results.save_config()


def fields_of(results: RunState, label_field: LabelFields) -> tuple[list[LabelField], dict[str, str]]:
    """The label fields that predictions show, each under the name of the field that its labels are read from.

    Args:
        results: the results of the run
        label_field: what the call names

    Returns:
        the label fields, and label field of the run -> field of the dataset, of those that the call names

    Raises:
        LabelSchemaError: a field is not there, or cannot stand for one of the run
        SettingsError: it is not clear which field of the run is meant
    """
    fields = results.config.label_fields()
    named = _named(results, label_field, fields)
    by_source: dict[str, LabelField] = {}
    for field in fields:
        source = named.get(field.name, field.name)
        if not _can_stand_for(results, source, field):
            continue
        other = by_source.setdefault(source, field)
        if other is not field:
            raise SettingsError(
                f"label_field: {source!r} is to stand for {other.name!r} and for {field.name!r}; pass a field for each"
            )
    return [replace(field, name=source, existing=True) for source, field in by_source.items()], named


def _named(results: RunState, label_field: LabelFields, fields: Sequence[LabelField]) -> dict[str, str]:
    names, prefix = [field.name for field in fields], "frames." if results.is_frames else ""
    if label_field is None:
        there = {name: name for name in names if _place(results, name).field is not None}
        if not there:
            raise LabelSchemaError(f"the dataset has none of the run's fields, which are {names}; pass label_field")
        return there
    if isinstance(label_field, str):
        source = label_field.removeprefix(prefix)
        if source in names:
            return _checked(results, {source: source}, fields)
        _check_there(results, source)
        able = [field.name for field in fields if _can_stand_for(results, source, field)]
        if len(able) == 1:
            return {able[0]: source}
        if able:
            raise SettingsError(
                f"label_field {source!r} may stand for {able}, which are fields of the run; pass "
                f"label_field={{{able[0]!r}: {source!r}}}"
            )
        raise LabelSchemaError(
            f"label_field {source!r} holds no labels of a type of the run's fields, which are "
            + ", ".join(f"{field.name!r} ({field.label_type})" for field in fields)
        )
    if not isinstance(label_field, Mapping) or not all(
        isinstance(item, str) for pair in label_field.items() for item in pair
    ):
        raise SettingsError(f"label_field is {label_field!r}, expected a field, or field of the run -> field")
    given = {name.removeprefix(prefix): source.removeprefix(prefix) for name, source in label_field.items()}
    for name in given:
        if name not in names:
            raise SettingsError(f"label_field names {name!r}, which is no field of the run; these are {names}")
    return _checked(results, given, fields)


def _checked(results: RunState, named: dict[str, str], fields: Sequence[LabelField]) -> dict[str, str]:
    by_name = {field.name: field for field in fields}
    for name, source in named.items():
        _check_there(results, source)
        if not _can_stand_for(results, source, by_name[name]):
            raise LabelSchemaError(
                f"label_field {source!r} cannot stand for field {name!r} of the run, which is of type "
                f"{by_name[name].label_type!r}"
            )
    return named


def _check_there(results: RunState, name: str) -> None:
    if _place(results, name).field is None:
        dataset, is_of_frames = results.dataset, name.startswith("frames.") and not results.is_frames
        schema = dataset.get_frame_field_schema if results.is_frames or is_of_frames else dataset.get_field_schema
        there = [f"frames.{one}" if is_of_frames else one for one in schema() or ()]
        hint = meant(name, there, "see dataset.get_field_schema()")
        raise LabelSchemaError(f"label_field: the dataset has no field {name!r}; {hint}")


def _can_stand_for(results: RunState, source: str, field: LabelField) -> bool:
    place = _place(results, source)
    declared, merge = place.field, LabelMerge if field.question is None else ScalarMerge
    is_alike = isinstance(place, FramesPlace) == field.is_of_frames
    return declared is not None and is_alike and merge.can_hold(declared, field)


def _place(results: RunState, path: str) -> Place:
    return place_of(results.dataset, path, results.is_frames)


def _fitted(field: LabelField, missing: Missing, named: Collection[str]) -> LabelField | None:
    """A label field as the project asks for it now; None where it no longer does.

    Raises:
        LabelSchemaError: the call names it
    """
    family, lost = family_of(field), missing.classes.get(field.control, frozenset())
    if field.control in missing.controls or (field.classes and lost.issuperset(field.classes)):
        if field.name in named:
            raise LabelSchemaError(
                f"field {field.name!r}: the labeling config of the project has no control tag {field.control!r} any "
                "more, or none of its classes, so nothing was sent; put it back, or name another field"
            )
        return None
    gone = [row.attribute for row in attributes.controls_of(field, family) if row.name in missing.controls]
    return replace(
        field,
        classes=tuple(name for name in field.classes if name not in lost),
        attributes=tuple(attribute for attribute in field.attributes if attribute not in gone),
    )


def _tasks_to_refresh(
    results: RunState, samples: foc.SampleCollection, without: Collection[int], report: RefreshReport
) -> dict[str, int]:
    """The tasks that are to get predictions: sample id -> task id."""
    found: dict[str, int] = {}
    for sample_id in dict.fromkeys(samples.values("id")):
        task_id = results.tasks.get(sample_id)
        if task_id is None:
            report.without_task += 1
        elif task_id in without:
            report.answered += 1
        else:
            found[sample_id] = task_id
    if not found and not report.answered:
        raise RunError(
            f"none of the {report.without_task} samples has a task in annotation run {results.key!r}; pass samples "
            "that it has",
            results.project_id,
        )
    return found


def _carried(run: Run, tasks: Mapping[str, int], sink: PredictionSink) -> dict[int, str]:
    """The tasks whose data hold what labels are on -> a digest of that."""
    wanted = set(tasks.values())
    if not carried_keys(run.fields) or not wanted:
        return {}
    return {
        task["id"]: _digest_in(run, task["data"], task.get("meta")) for task in sink.tasks() if task["id"] in wanted
    }


def _digest_in(run: Run, data: Mapping[str, Any], meta: Any) -> str:
    """The digest of what labels are on, by the data and the meta of a task; of listed files, that of their paths."""
    lists = lists_of(run.fields)
    origin = meta.get(META) if isinstance(meta, Mapping) else None
    listed = [digest_of_lists(origin)] if lists and isinstance(origin, Mapping) else []
    return digest_of([*(data.get(key) for key in carried_keys(run.fields) if key not in lists), *listed])


def check(
    run: Run,
    own: Mapping[str, LabelField],
    tasks: Mapping[str, int],
    model_version: str,
    report: RefreshReport,
    carried: Mapping[int, str] = MappingProxyType({}),
) -> Spool[Refreshed]:
    """The predictions that tasks are to have, once it is sure that all of them fit.

    Args:
        run: what is sent; its label fields have the names of the fields that their labels are read from
        own: name of a control tag -> label field of the run
        tasks: sample id -> task id
        model_version: the name of the set of predictions
        report: receives how many samples are left out
        carried: tasks whose data hold what labels are on -> a digest of that

    Raises:
        SampleError: labels that do not fit, or are on something else than the tasks show; names them all
    """
    keys = carried_keys(run.fields)
    checked = Spool[Refreshed]()
    problems: list[str] = []
    left_out: list[LeftOut] = []
    logger.info("Checking the labels of %d samples...", len(tasks))
    with progress_bar("Checking labels", len(tasks)) as progress:
        for item in prepared_tasks(replace(run, sample_ids=list(tasks))) if tasks else ():
            if isinstance(item, Refused):
                problems.append(item.problem)
            elif isinstance(item, LeftOut):
                left_out.append(item)
            elif carried and _is_other(item, run, carried.get(tasks[item.sample_id])):
                names = " or ".join(map(repr, keys))
                problems.append(
                    f"sample {item.sample_id}: its {names} was changed after its task was made, so labels would be in "
                    "other places there; leave it out, or annotate it in another run"
                )
            elif not problems:
                checked.add(_refreshed(item, run, own, tasks[item.sample_id], model_version))
            progress.update()
    if problems:
        raise SampleError(problems)
    report_left_out(left_out)
    report.left_out = len(left_out)
    return checked


def _is_other(item: PreparedTask, run: Run, carried: str | None) -> bool:
    """Whether a task that is there holds something else that labels are on than it would now."""
    return carried is not None and carried != _digest_in(run, item.data, json.loads(item.rest)["meta"])


def _refreshed(
    item: PreparedTask, run: Run, own: Mapping[str, LabelField], task_id: int, model_version: str
) -> Refreshed:
    rest = json.loads(item.rest)
    prediction = rest["predictions"][0] if rest["predictions"] else {"result": []}
    fields = [own[field.control] for field in run.fields]
    read_as = {field.name: own[field.control].name for field in run.fields}
    sent = {read_as[source]: entries for source, entries in rest["meta"][META]["sent"].items()}
    sources = {name: source for source, name in read_as.items() if source != name and name in sent}
    result, shown = to_refreshed(prediction["result"], sent, fields, sources, run.token, model_version)
    body = json.dumps(result, allow_nan=False, separators=(",", ":")).encode()
    return Refreshed(task_id, shown.generation if result else "", prediction.get("score"), body)


def upload(
    refreshed: Iterable[Refreshed], sink: PredictionSink, model_version: str, token: str, report: RefreshReport
) -> set[int]:
    """Brings the predictions of a model up to what they are to be, and deletes those that a task has twice.

    Args:
        refreshed: what tasks are to have
        sink: where they are
        model_version: the name of the set of predictions
        token: the token of the run
        report: receives what became of them

    Returns:
        the ids of all tasks that have a prediction of the model

    Raises:
        ServerError: predictions could not be made; the same call continues
    """
    present = _present(sink, model_version, token)
    covered = set(present)
    for block in in_blocks(refreshed, lambda item: len(item.result), sink.max_tasks, sink.max_bytes):
        new = [item for item in block if item.task_id not in present]
        if new:
            _add(new, sink, model_version, token)
        report.added += len(new)
        for item in block:
            covered.add(item.task_id)
            there = present.get(item.task_id)
            if there is None:
                continue
            if (there.generation, there.score) == (item.generation, item.score):
                report.unchanged += 1
            else:
                _replace(there, item, sink, model_version, token)
                report.replaced += 1
    return covered


def _present(sink: PredictionSink, model_version: str, token: str) -> dict[int, _Present]:
    """The prediction of a model that each task has; those that are there twice are deleted."""
    found: dict[int, _Present] = {}
    surplus: list[int] = []
    for prediction in sink.predictions_of(model_version):
        result, number = prediction.get("result"), prediction["id"]
        shown = shown_in(result, token)
        # What does not say what it shows is none that could be the same.
        generation = shown[0].generation if shown else "" if not result else "?"
        there = _Present(number, generation, prediction.get("score"))
        first = found.setdefault(prediction["task"], there)
        if first is not there:
            found[prediction["task"]], twin = sorted((first, there))
            surplus.append(twin.id)
    if surplus:
        logger.warning("Deleting %d predictions that an interrupted call has left twice", len(surplus))
    for number in surplus:
        sink.delete_prediction(number)
    return found


def _add(items: Sequence[Refreshed], sink: PredictionSink, model_version: str, token: str) -> None:
    def add_missing(attempt: int) -> None:
        # A request whose answer was lost may have been served.
        there = _present(sink, model_version, token) if attempt else {}
        missing = [item for item in items if item.task_id not in there]
        if missing:
            sent_in_parts(missing, add)

    def add(some: Sequence[Refreshed]) -> None:
        made = sink.add_predictions([item.body(model_version) for item in some])
        if made != len(some):
            raise HalfMadeError(f"the server made {made} of {len(some)} predictions of {model_version!r}")

    repeated(add_missing, sink.retries, "adding predictions")


def _replace(there: _Present, item: Refreshed, sink: PredictionSink, model_version: str, token: str) -> None:
    old = sink.prediction(there.id)
    if old is None:
        _add([item], sink, model_version, token)
        return
    result = json.loads(item.result)
    if there.generation != item.generation:
        # Whoever has it open was shown what it was before, which a task's own prediction does not say itself.
        result = with_history(result, shown_in(old.get("result"), token) or ([Shown({})] if old.get("result") else []))
    else:
        result = old.get("result") or []
    sink.replace_prediction(there.id, result, item.score)


def _report_without(model_version: str, without: Collection[int]) -> None:
    """Says which open tasks have no prediction of the model that people start from."""
    if without:
        logger.warning(
            "%d open tasks have no prediction of %r, such as task %d: in the label stream people start from nothing "
            "there; upload predictions of their samples, too",
            len(without),
            model_version,
            min(without),
        )


def _log(report: RefreshReport, model_version: str) -> None:
    logger.info(
        "Predictions of %r: %d added, %d replaced, %d as they were; %d answered tasks left alone",
        model_version,
        report.added,
        report.replaced,
        report.unchanged,
        report.answered,
    )
    if report.without_task:
        logger.warning("%d samples have no task in the run, and were passed over", report.without_task)
