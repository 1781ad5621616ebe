"""adopt(): a run of the integration inside FiftyOne -> one of ours, in the same project."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from typing import Any, NamedTuple

import fiftyone as fo
import fiftyone.core.collections as foc
import fiftyone.utils.labelstudio as foul
from bson import ObjectId

from fo_labelstudio.convert.adopted import SentIds, adopted_task, sent_ids
from fo_labelstudio.convert.labeling_config.label_schema import schema_of
from fo_labelstudio.convert.labeling_config.read import read
from fo_labelstudio.convert.media_address import parse_address
from fo_labelstudio.convert.media_match import Shown, match_media
from fo_labelstudio.convert.records import LabelField, media_key_of, medium_of_fields
from fo_labelstudio.convert.stored import labels_of
from fo_labelstudio.dataset.internals import root_dataset
from fo_labelstudio.dataset.label_schema import completed_label_schema
from fo_labelstudio.dataset.labels import LabelMerge
from fo_labelstudio.dataset.match_samples import read_samples
from fo_labelstudio.dataset.place import Place, Scope
from fo_labelstudio.dataset.run_lock import sole_sender
from fo_labelstudio.dataset.samples import read_blocks, read_labels
from fo_labelstudio.errors import AdoptionError, LabelStudioError, RunError
from fo_labelstudio.log import logger
from fo_labelstudio.merge.conflicts import ANNOTATOR
from fo_labelstudio.messages import quoted
from fo_labelstudio.remote.client import Client
from fo_labelstudio.runs.annotate import RunRegister
from fo_labelstudio.runs.editions import edition_of
from fo_labelstudio.runs.existing_project import in_names_of
from fo_labelstudio.runs.fetch import fetch_answers
from fo_labelstudio.runs.ports import TaskSource
from fo_labelstudio.runs.predict import PredictedTasks
from fo_labelstudio.runs.project import project_of
from fo_labelstudio.runs.run import RunConfig
from fo_labelstudio.runs.server import tasks_in
from fo_labelstudio.runs.state import RunState
from fo_labelstudio.transport import TRANSPORTS
from fo_labelstudio.transport.transport import Media, MediaSettings

_ASKED = ("type", "mask_targets", "existing_field")
"""What the integration asks of a field, besides its classes and what may be changed; it asks for no attributes."""


class _Built(NamedTuple):
    """A run of the integration inside FiftyOne.

    Attributes:
        key: its key
        label_schema: its label schema
        media_field: the field of the paths of its media
        url: its server
        project_id: its project
        tasks: task id -> sample id, as it believes
        ids: label field -> sample id -> id or ids of the labels that were sent
        view: its samples
    """

    key: str
    label_schema: dict[str, Any]
    media_field: str
    url: str | None
    project_id: int
    tasks: dict[int, str]
    ids: Mapping[str, Mapping[str, Any]]
    view: foc.SampleCollection


def adopt(
    samples: foc.SampleCollection,
    anno_key: str,
    register: RunRegister,
    make_results: Callable[[foc.SampleCollection, str], RunState],
) -> RunState:
    """Takes over a run of the integration inside FiftyOne; see :func:`fo_labelstudio.adopt`.

    Args:
        samples: the dataset of the run, or any view into it
        anno_key: the key of the run
        register: keeps the run; its config is completed
        make_results: makes results of the register's config: samples, key -> results
    """
    dataset = root_dataset(samples)
    with sole_sender(dataset, anno_key):
        built = _built(dataset, anno_key, register)
        config = register.config
        config.url, config.media_field = built.url or config.url, built.media_field
        client: Client = register.connect_to_api().client
        config.url = client.url
        config.serve_shared_files(built.view)
        project = project_of(client, built.project_id)
        if project is None:
            raise RunError(
                f"there is no project {built.project_id} of annotation run {anno_key!r} on {client.url}; was it "
                "deleted? Pass the url of the server that has it, or annotate anew",
                built.project_id,
            )
        xml = project.get("label_config") or ""
        _complete(config, built, dataset, xml, client.version)
        fields = config.label_fields()
        token = str(ObjectId())
        problems: list[str] = []
        tasks = _tasks_by_sample(client, built, dataset, media_key_of(fields), problems)
        adopted = dict(_adopted(client, built, dataset, fields, tasks, token, problems))
        if problems:
            raise AdoptionError(anno_key, problems, built.project_id)
        config.run_state = {
            "token": token,
            "project_id": built.project_id,
            "complete": True,
            "owns_project": True,
            "adopted": True,
            "labeling_config": xml,
        }
        results = make_results(built.view, anno_key)
        results.tasks = {sample_id: entry["task"] for sample_id, entry in adopted.items()}
        results.predicted = adopted
        _settle_loaded(results, fields, PredictedTasks(tasks_in(client, config.run_state), adopted, True))
        register.take_over(results)
        logger.info(
            "Annotation run '%s' with %d tasks in project %d is loaded by fo_labelstudio from now on",
            anno_key,
            len(results.tasks),
            built.project_id,
        )
        return results


def _settle_loaded(results: RunState, fields: Sequence[LabelField], source: TaskSource) -> None:
    """Notes the answers that the dataset holds already, for the integration has loaded them: they are no news to loads.

    Args:
        results: the state of the run
        fields: its label fields
        source: its tasks
    """
    fetched = fetch_answers(results.config.saved_state["token"], fields, source, results.tasks)
    for field in fields:
        place = Place(results.dataset, field.name, Scope.of(results.is_frames))
        if field.question is not None or place.field is None:
            continue
        _, ledger = results.records_of(field.name, field.name)
        merge = LabelMerge(place, field, ledger, on_conflict=ANNOTATOR)
        for answers in fetched.answers.values():
            for page in answers:
                merge.settle(page)


def _built(dataset: fo.Dataset, anno_key: str, register: RunRegister) -> _Built:
    """The run as its own integration keeps it.

    Raises:
        RunError: another one made it, or it has no results
    """
    dataset.reload()
    results = dataset.load_annotation_results(anno_key)
    if not isinstance(results, foul.LabelStudioAnnotationResults):
        what = "fo_labelstudio's already" if isinstance(results, RunState) else f"{type(results).__name__}"
        raise RunError(
            f"annotation run {anno_key!r} is {what}, not one of the integration inside FiftyOne (fiftyone.utils."
            "labelstudio), so it cannot be taken over"
        )
    config = results.config
    return _Built(
        anno_key,
        config.label_schema,
        config.media_field,
        config.url,
        results.project_id,
        results.uploaded_tasks,
        results.id_map,
        register.load_run_view(dataset, anno_key),
    )


def _complete(config: RunConfig, built: _Built, dataset: fo.Dataset, xml: str, version: str) -> None:
    """Has the config hold the label schema, in the names of the project's labeling config.

    Raises:
        LabelSchemaError, LabelingConfigError: what the run asks for cannot be loaded
    """
    kinds = {name: info["kind"] for name, info in schema_of(read(xml)).items() if "kind" in info}
    asked = {}
    for name, info in built.label_schema.items():
        facts = {key: deepcopy(info[key]) for key in info if key in _ASKED or key.startswith("allow_")}
        entries = info.get("classes") or ()
        names = [entry["classes"] if isinstance(entry, Mapping) else [entry] for entry in entries]
        asked[name] = {**facts, "classes": [one for group in names for one in group], "attributes": {}}
    config.scalar_types = kinds
    schema = completed_label_schema(asked, dataset, version, config.mask_tool, kinds)
    config.label_schema = in_names_of(xml, schema, (), False, f"project {built.project_id}")


def _tasks_by_sample(
    client: Client, built: _Built, dataset: fo.Dataset, media_key: str, problems: list[str]
) -> dict[str, int]:
    """The task that shows each sample of the run, by its media.

    Args:
        client: the server
        built: the run
        dataset: its dataset
        media_key: the key of the media in the data of tasks
        problems: receives what cannot be told
    """
    run_view = dataset.select(list(built.tasks.values()))
    there = set(run_view.values("id"))
    addresses = {task["id"]: task["data"].get(media_key) for task in client.tasks(built.project_id)}
    shown = [Shown(task_id, media_key, parse_address(address)) for task_id, address in addresses.items()]
    found = match_media(shown, read_samples(run_view, built.media_field))
    problems += map(str, found.questions)
    by_sample: dict[str, list[int]] = {}
    for (task_id, _), sample_id in found.samples.items():
        if isinstance(task_id, int):
            by_sample.setdefault(sample_id, []).append(task_id)
    tasks = dict(_one_of_each(by_sample, built.tasks, problems))
    known = {task_id for task_id, _ in found.samples} | {question.place[0] for question in found.questions}
    lost = [task_id for task_id in addresses if task_id in built.tasks and task_id not in known]
    if len(lost) > len(set(built.tasks.values()) - there):
        problems += [
            f"task {task_id}: {quoted(addresses[task_id])} is the media of no sample of the run" for task_id in lost
        ]
    elif lost:
        logger.warning("%d tasks show samples that are no longer there; they are left alone", len(lost))
    candidates = {sample_id for question in found.questions for sample_id in question.candidates}
    without = sorted(there - tasks.keys() - candidates)
    if len(without) > len(built.tasks.keys() - addresses.keys()):
        problems += [f"sample {sample_id}: no task shows it" for sample_id in without]
    elif without:
        logger.warning("%d tasks are gone from the server; their samples leave the run", len(without))
    return tasks


def _one_of_each(
    by_sample: Mapping[str, Sequence[int]], of_run: Collection[int], problems: list[str]
) -> Iterator[tuple[str, int]]:
    """The sample id and the task of each sample, the run's own where others have added the same media."""
    for sample_id, task_ids in by_sample.items():
        own = sorted(task_id for task_id in task_ids if task_id in of_run) or task_ids
        if len(own) > 1:
            problems.append(f"sample {sample_id}: tasks {', '.join(map(str, own))} show it; delete all but one")
        yield sample_id, own[0]


def _adopted(
    client: Client,
    built: _Built,
    dataset: fo.Dataset,
    fields: Sequence[LabelField],
    tasks: Mapping[str, int],
    token: str,
    problems: list[str],
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Sample id -> its ``task``, the ``meta`` that our own would have, and its ``predictions``."""
    own: dict[str, dict[str, list[str]]] = {}
    others: dict[str, str] = {}
    for field, sample_id, ids in sent_ids(built.ids):
        own.setdefault(sample_id, {})[field] = ids
        others.update(dict.fromkeys(ids, sample_id))
    by_task = {task_id: sample_id for sample_id, task_id in tasks.items()}
    whole = edition_of(client).with_predictions(client, built.project_id, sorted(by_task))
    block: dict[str, dict[str, Any]] = {}
    for task in whole:
        if task["id"] in by_task:
            block[by_task[task["id"]]] = task
        if len(block) == _BLOCK:
            yield from _adopted_block(block, built, dataset, fields, SentIds({}, others), own, token, problems)
            block = {}
    yield from _adopted_block(block, built, dataset, fields, SentIds({}, others), own, token, problems)


_BLOCK = 100
"""Tasks that are held at once."""


def _adopted_block(
    block: Mapping[str, dict[str, Any]],
    built: _Built,
    dataset: fo.Dataset,
    fields: Sequence[LabelField],
    ids: SentIds,
    own: Mapping[str, Mapping[str, Sequence[str]]],
    token: str,
    problems: list[str],
) -> Iterator[tuple[str, dict[str, Any]]]:
    medium = medium_of_fields(fields)
    present = [field for field in fields if dataset.get_field(field.name) is not None]
    stored = read_blocks(
        dataset, [_as_existing(field) for field in present], built.media_field, problems, medium, list(block)
    )
    settings = MediaSettings(medium=medium.name)
    for sample in (sample for samples in stored for sample in samples):
        task = block[sample.id]
        info = TRANSPORTS[settings.transport].inspect([Media(sample.path)], settings)[0].info or sample.info
        if info is None:
            problems.append(
                f"sample {sample.id}: {quoted(sample.path)} is not there, and has no metadata; compute that"
            )
            continue
        try:
            labels = read_labels(sample, [_as_existing(field) for field in present], None)
        except (OSError, LabelStudioError) as error:
            problems.append(f"sample {sample.id}: {error}")
            continue
        by_field = {field.name: labels_of(labels.get(field.name)) for field in present if field.question is None}
        known = SentIds(own.get(sample.id, {}), ids.others)
        found = adopted_task(task, sample.id, fields, known, by_field, info, token)
        problems += found.problems
        yield sample.id, {"task": task["id"], "meta": found.meta, "predictions": found.predictions}


def _as_existing(field: LabelField) -> LabelField:
    """A field whose labels are read, for loads of the integration may have made some."""
    return replace(field, existing=True)
