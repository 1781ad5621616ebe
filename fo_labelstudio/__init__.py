"""The annotation backend that connects FiftyOne datasets to Label Studio.

Importing this package is light: FiftyOne is imported where it is needed.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import fiftyone.core.collections as foc

__version__ = "1.0.0"

CONFIG_CLS = "fo_labelstudio.backend.LabelStudioBackendConfig"
"""Where FiftyOne finds the backend; saved runs store this address."""


def register(name: str = "labelstudio") -> None:
    """Makes ``backend=name`` this package's in ``annotate()``, for the rest of the session.

    Args:
        name: a name for the backend
    """
    import fiftyone as fo

    fo.annotation_config.backends.setdefault(name, {})["config_cls"] = CONFIG_CLS


def send_part(
    samples: foc.SampleCollection | str,
    anno_key: str,
    part: int,
    progress: Callable[[int, int], None] | None = None,
    **connection: Any,
) -> int:
    """Sends one part of a run that ``annotate(..., parts=<number>)`` has made, from any process that reaches the same
    database, media and server.

    Parts may be sent at the same time. One that stopped half-way is continued by the same call. When all are sent,
    ``annotate()`` without ``parts`` completes the run.

    Args:
        samples: the dataset of the run, any view into it, or its name
        anno_key: the key of the run
        part: which part, from 1 to the number of parts
        progress: called now and then with the number of tasks that there are and of those that there will be
        **connection: settings of the connection, as ``load_annotations()`` takes them

    Returns:
        the number of tasks that the part has

    Raises:
        RunError: the run has no parts to send
        SampleError: media or labels that cannot be sent; names them all
        ServerError: tasks could not be made
        SettingsError: there is no such part, or a setting is unknown, missing or malformed
    """
    from fo_labelstudio.runs.send_part import send_part

    return send_part(samples, anno_key, part, progress or (lambda made, total: None), connection)


def load_annotations(
    samples: foc.SampleCollection,
    anno_key: str,
    dest_field: str | Mapping[str, str] | None = None,
    unexpected: Any = "prompt",
    cleanup: bool = False,
    *,
    on_conflict: str | None = None,
    annotations: str | None = None,
    full: bool = False,
    provenance: str | bool | None = None,
    skipped: str | None = None,
    json_path: str | os.PathLike[str] | None = None,
    labeling_config: str | os.PathLike[str] | None = None,
    **connection: Any,
) -> dict[str, Any] | None:
    """Loads what people submitted in an annotation run, as ``dataset.load_annotations()`` does, or from a JSON export.

    Args:
        samples: the dataset of the run, or any view into it
        anno_key: the key of the run
        dest_field: where the labels go: the name of a field, or a dict: field of the run -> name of a field; by default
            into the fields of the run
        unexpected: what becomes of labels that the label schema does not expect: ``"prompt"``, ``"ignore"``,
            ``"keep"``, ``"return"``, the label types that are kept, or a dict: label type -> name of a field
        cleanup: whether the run's project is deleted afterwards, unless something was left in it
        on_conflict: what becomes of what was changed in FiftyOne and in Label Studio since it was sent:
            ``"annotator"``, the annotator's version counts; ``"dataset"``, the dataset's; ``"keep_both"``, the
            annotator's becomes a second label; by default what the run says
        annotations: which annotation of a task counts: ``"latest"``, the newest submitted one; ``"ground_truth"``, the
            newest one so marked; ``"accepted"``, the newest one that a reviewer has accepted; an annotator's e-mail;
            ``"all"``, each annotator's in fields of their own. By default, what the run says, or else the latest
        full: whether all tasks are looked at; by default only those that were changed since the last load, where the
            server can tell
        provenance: where it is written who answered and when: ``"labels"``, in attributes of the labels that were
            changed or added; ``"samples"``, in the field ``<anno_key>_provenance``; False for nowhere. By default, what
            the run says, or else nowhere
        skipped: what becomes of skipped tasks: ``"leave"``, or ``"tag"``, which tags their samples
            ``<anno_key>:skipped``. By default, what the run says, or else they are left alone
        json_path: a JSON export of Label Studio's in place of the server: a file, a folder or a zip file. Tasks are
            found by their samples, whatever project they were imported into; of a sample with several tasks, the
            newest submitted annotation counts
        labeling_config: the labeling config of the project that the export is of, as XML or the path of a file, in case
            somebody has changed it; without it, labels of control tags of which no annotation holds anything stay
        **connection: settings of the connection; none with ``json_path``

    Returns:
        with ``unexpected="return"``, the unexpected labels if there are any: label field -> label type -> sample id ->
        label id -> label; the ids are those of frames where the run is on frames of videos. None otherwise

    Raises:
        RunError: the run is not complete, its project is gone, or it is no run of Label Studio's
        ServerError: a download failed; nothing was loaded
        SettingsError: ``dest_field`` makes no sense, or a setting is unknown, missing or malformed
        LabelSchemaError: a field cannot hold the labels, or a field was renamed; nothing was loaded
        ExportError: the export holds no task of the run, or cannot be read; nothing was loaded
        LabelingConfigError: ``labeling_config`` cannot be read
    """
    from fo_labelstudio.errors import SettingsError
    from fo_labelstudio.runs.load_annotations import load_annotations, load_json

    options = {
        "on_conflict": on_conflict,
        "annotations": annotations,
        "full": full,
        "provenance": provenance,
        "skipped": skipped,
    }
    if json_path is None:
        if labeling_config is not None:
            raise SettingsError("labeling_config is for a load with json_path; a server says what its project has")
        return load_annotations(samples, anno_key, dest_field, unexpected, options, cleanup, connection)
    if cleanup or connection:
        given = ", ".join(sorted({*connection, *(["cleanup"] if cleanup else [])}))
        raise SettingsError(f"{given}: a load with json_path asks no server; leave it out")
    return load_json(samples, anno_key, dest_field, unexpected, options, json_path, labeling_config)


def get_status(samples: foc.SampleCollection, anno_key: str, **connection: Any) -> dict[str, Any]:
    """How far an annotation run is: what was answered, skipped, deleted and not loaded yet, who did what.

    Nothing is loaded, and nothing is changed.

    Args:
        samples: the dataset of the run, or any view into it
        anno_key: the key of the run
        **connection: settings of the connection, as ``load_annotations()`` takes them

    Returns:
        the dict that :meth:`fo_labelstudio.backend.LabelStudioAnnotationResults.get_status` describes

    Raises:
        RunError: it is no run of Label Studio's, was not sent or was written to files, or its project is gone
        ServerError: the server cannot be reached, or refused
        SettingsError: a setting is unknown, missing or malformed
    """
    from fo_labelstudio.runs.load_annotations import results_of
    from fo_labelstudio.runs.status import get_status

    return get_status(results_of(samples, anno_key, connection))


def adopt(samples: foc.SampleCollection, anno_key: str, backend: str = "labelstudio", **connection: Any) -> Any:
    """Takes over an annotation run that was made by the integration inside FiftyOne, in mid-campaign.

    From then on ``dataset.load_annotations(anno_key)`` loads it as a run of this package. Tasks are matched to samples
    by their media. Nothing is changed on the server.

    Args:
        samples: the dataset of the run, or any view into it
        anno_key: the key of the run
        backend: the name of the backend
        **connection: settings of the connection, as ``load_annotations()`` takes them; the url is the run's by default

    Returns:
        the results of the run

    Raises:
        RunError: it is no such run, or its project is gone
        AdoptionError: tasks, samples or labels cannot be told; names them all, and nothing was changed
        LabelSchemaError: a field cannot be loaded; nothing was changed
        LabelingConfigError: the labeling config was changed so that it no longer fits; nothing was changed
        SettingsError: a setting is unknown, missing or malformed
    """
    from fo_labelstudio.backend import LabelStudioAnnotationResults, LabelStudioBackendConfig
    from fo_labelstudio.runs.adopt import adopt
    from fo_labelstudio.settings import CONNECTION_SETTINGS, refuse_unknown

    refuse_unknown(connection, CONNECTION_SETTINGS, backend)
    config = LabelStudioBackendConfig(backend, None, **connection)
    register = config.build()
    return adopt(
        samples,
        anno_key,
        register,
        lambda view, key: LabelStudioAnnotationResults(view, config, key, {}, backend=register),
    )


def compute_agreement(
    samples: foc.SampleCollection,
    label_field: str,
    fields: Collection[str] | None = None,
    *,
    anno_key: str | None = None,
    iou: float = 0.5,
) -> dict[str, Any]:
    """How far annotators agree, by FiftyOne's own evaluation, on each sample and on each class.

    Each two fields are compared on the samples on which both have an answer: boxes, masks, lines and keypoints by
    ``evaluate_detections()``, segmentations by ``evaluate_segmentations()``, classes and values by whether they are
    equal, spans by class and overlap. The agreement is the share of what both said that has an equal on the other side;
    1 where both said nothing.

    Two fields of the dataset are written: ``<label_field>_agreement``, a number on each sample, and
    ``<label_field>_agreement_classes``, the classes of each sample with their agreement as ``confidence``. Labels are
    only read.

    Args:
        samples: the dataset, or a view into it
        label_field: the label field that people annotated
        fields: the fields of the annotators; by default those that a load with ``annotations="all"`` has made
        anno_key: the key of the annotation run, where several runs have such fields
        iou: how much two shapes, or spans, must overlap to be the same, in [0, 1]

    Returns:
        ``samples``, how many have answers of two annotators; ``mean``, the mean of their agreement, or None where there
        are none; ``classes``, the agreement on each class; all in [0, 1]

    Raises:
        SettingsError: there are no two fields to compare
        LabelSchemaError: fields that cannot be compared
    """
    from fo_labelstudio.runs.agreement import compute_agreement

    return compute_agreement(samples, label_field, None if fields is None else sorted(fields), anno_key, iou)


def watch(
    samples: foc.SampleCollection,
    anno_key: str,
    dest_field: str | Mapping[str, str] | None = None,
    *,
    interval: float = 5.0,
    block: bool = True,
    webhook: str | None = None,
    on_load: Callable[[], object] | None = None,
    annotations: str | None = None,
    on_conflict: str | None = None,
    provenance: str | bool | None = None,
    skipped: str | None = None,
    **connection: Any,
) -> Any:
    """Loads answers as they are submitted, within seconds, until it is stopped.

    The server is asked whether anything was changed, which costs one request; only what was changed is loaded. A server
    that cannot be reached is waited for. Whoever is started again goes on where the last one ended.

    Args:
        samples: the dataset of the run, or any view into it
        anno_key: the key of the run
        dest_field: where the labels go, as in :func:`load_annotations`
        interval: how many seconds pass between two questions
        block: whether the call lasts until Ctrl-C; otherwise it returns at once
        webhook: an address of this machine that the server can call, such as ``http://this-machine:8765``; with it, the
            server says when something was changed, and is asked once a minute only. The project's webhook holds a
            secret, without which nothing is listened to, and is deleted in the end
        on_load: called after each load
        annotations: which annotation of a task counts, as in :func:`load_annotations`
        on_conflict: what becomes of what the dataset and an answer have both changed, as in :func:`load_annotations`
        provenance: where it is written who answered and when, as in :func:`load_annotations`
        skipped: what becomes of skipped tasks, as in :func:`load_annotations`
        **connection: settings of the connection, as ``load_annotations()`` takes them

    Returns:
        with ``block=False``, what goes on in the background, with ``stop()``; None otherwise

    Raises:
        RunError: the run has no project, or it is no run of Label Studio's
        ServerError: the server refuses, for a reason that does not pass
        SettingsError: a setting is unknown, missing or malformed, or the webhook's port is taken
    """
    from fo_labelstudio.runs.watch import watch

    options = {"annotations": annotations, "on_conflict": on_conflict, "provenance": provenance, "skipped": skipped}
    return watch(samples, anno_key, interval, block, webhook, on_load, dest_field, options, connection)


def export_tasks(
    samples: foc.SampleCollection,
    anno_key: str,
    export_dir: str | os.PathLike[str],
    label_schema: Mapping[str, Any] | Iterable[str] | str | None = None,
    **options: Any,
) -> Any:
    """Writes what ``annotate()`` would send to files for Label Studio's import page, and registers the annotation run.

    No server is asked. What people submit is loaded from a JSON export, by :func:`load_annotations` with ``json_path``.

    Args:
        samples: the collection
        anno_key: the key of the run
        export_dir: the folder, which is made if it is not there; receives ``tasks.json``, or ``tasks_1.json`` and so on
            where the import page takes no file as large, and ``labeling_config.xml``
        label_schema: the label schema, as ``annotate()`` takes it
        **options: what else ``annotate()`` takes. ``media`` is one of: ``"copy"``, which copies the media into
            ``images`` of the folder, for a server whose document root holds the folder; ``"local_files"``; ``"cloud"``

    Returns:
        the results of the run, as ``annotate()`` returns them

    Raises:
        ExportError: the folder holds tasks already, or cannot be written
        LabelStudioError: what cannot be sent; there are no files, and no run
    """
    import fiftyone.utils.annotations as foua

    if isinstance(label_schema, str):
        label_schema = [label_schema]
    backend = {"backend": "labelstudio", "config_cls": CONFIG_CLS, **options}
    return foua.annotate(samples, anno_key, label_schema=label_schema, export_dir=export_dir, **backend)


def text_of_html(html: str) -> str:
    """The text of HTML that ``start`` and ``end`` of spans on it count in.

    Args:
        html: a page, or a part of one

    Returns:
        what stands in the body between the tags, with a line end for each ``<br>``, as Label Studio's ``<HyperText>``
        counts it
    """
    from fo_labelstudio.convert.media.html_text import text_of

    return text_of(html)


def to_labeling_config(
    label_schema: Mapping[str, Any] | Iterable[str], samples: foc.SampleCollection | None = None
) -> str:
    """The labeling config (XML) that ``annotate()`` would give the project of a label schema, to start one's own from.

    No server is asked, and the dataset is only read.

    Args:
        label_schema: the label schema, as ``annotate()`` takes it; ``mask_targets`` stand in it
        samples: the collection that has the fields; without it, the label schema must say each field's type and classes

    Raises:
        LabelSchemaError: a field or an attribute cannot be annotated as asked
    """
    from fo_labelstudio.backend import LabelStudioBackendConfig
    from fo_labelstudio.runs import labeling_config

    backend = LabelStudioBackendConfig("labelstudio", None).build()
    return labeling_config.to_labeling_config(label_schema, samples, backend)


def import_annotations(
    sample_collection: foc.SampleCollection | str,
    project_name: str | None = None,
    project_id: int | None = None,
    task_ids: int | Collection[int] | None = None,
    data_path: str | os.PathLike[str] | Mapping[str, str] | None = None,
    label_types: str | Collection[str] | Mapping[str, str] | None = None,
    insert_new: bool = True,
    download_media: bool = False,
    num_workers: int | None = None,
    unexpected: str | Collection[str] | Mapping[str, str] = "ignore",
    *,
    json_path: str | os.PathLike[str] | None = None,
    labeling_config: str | os.PathLike[str] | None = None,
    annotations: str | None = "latest",
    predictions: str | None = None,
    match: Mapping[str, str] | None = None,
    fields: Mapping[str, str] | None = None,
    media_field: str = "filepath",
    full: bool = False,
    allow_private_hosts: bool = False,
    backend: str = "labelstudio",
    **connection: Any,
) -> dict[str, Any] | None:
    """Imports what a Label Studio project that somebody else made holds, or a file that Label Studio wrote.

    Labels have ids that are made of their project, task and region. Importing again updates, adds and deletes exactly
    what changed in Label Studio since, and touches nothing else.

    Args:
        sample_collection: the dataset, a view into it, or the name of the dataset
        project_name: the title of the project
        project_id: the id of the project, with which its address ends
        task_ids: the tasks that are wanted; all by default
        data_path: the media on this machine: a folder, or a dict of the addresses or names in Label Studio -> paths, or
            the path of a JSON file that holds one. With ``download_media``, the folder that receives them
        label_types: the label types that are wanted, such as ``["detections"]``, or label type -> name of its field;
            all by default; or ``"prompt"``, to be asked for a field for each
        insert_new: whether media of which there is no sample become new samples
        download_media: whether media that are not there are fetched, also from behind the server's login
        num_workers: how many media are fetched at once
        unexpected: what becomes of labels of other types than ``label_types``, and of those of control tags that the
            labeling config does not have: ``"ignore"``; ``"keep"``, in a field of the name of their label type;
            ``"prompt"``, to be asked; ``"return"``; the label types that are kept, or a dict: label type -> name of a
            field
        json_path: a JSON export, or another file that Label Studio writes, or a folder of them, in place of a project
        labeling_config: for ``json_path``, the project's labeling config: XML, or the path of a file
        annotations: which annotation of a task counts: ``"latest"``, the newest submitted one; ``"ground_truth"``;
            ``"accepted"``; an annotator's e-mail; ``"all"``, each annotator's in a field of its own; None for none
        predictions: which predictions: a model version, or ``"all"``, each version's in a field of its own
        match: key of the tasks' data -> field of samples that holds the same, to tell which sample a task shows
        fields: name of a control tag -> the field, or the attribute, that receives its answers
        media_field: the field of samples that holds the paths of their media
        full: whether tasks that have not changed since the last import are loaded again
        allow_private_hosts: whether ``download_media`` also fetches media from this machine and from private networks,
            where tasks name such an address; from the Label Studio server itself it always does
        backend: the name of the backend
        **connection: settings of the connection, as ``load_annotations()`` takes them

    Returns:
        with ``unexpected="return"``, these labels if there are any: field that they would be in -> label type ->
        sample id -> label id -> label, and the value itself in place of the last two for scalars. None otherwise

    Raises:
        SettingsError: what was asked for makes no sense; nothing was changed
        MatchError: tasks may show several samples; names all of them; nothing was changed
        LabelSchemaError: a field cannot hold the labels; nothing was changed
        LabelingConfigError: the labeling config cannot be read, or asks about nothing that is imported; nothing was
            changed
        ExportError: the file cannot be read; nothing was changed
        RunError: there is no such project
        ServerError: the server refused, or could not be reached
    """
    from fo_labelstudio.backend import LabelStudioBackendConfig
    from fo_labelstudio.convert.foreign.which import Which
    from fo_labelstudio.runs import import_annotations as importing
    from fo_labelstudio.runs.foreign_source import open_source
    from fo_labelstudio.runs.import_options import FLAGS, ImportOptions, refuse_flags
    from fo_labelstudio.settings import CONNECTION_SETTINGS, refuse_unknown

    refuse_flags(connection)
    connection = {name: value for name, value in connection.items() if name not in FLAGS}
    refuse_unknown(connection, (*CONNECTION_SETTINGS, *inspect.signature(import_annotations).parameters), backend)
    options = ImportOptions(
        Which(annotations, predictions),
        fields,
        label_types,
        media_field,
        match,
        data_path,
        insert_new,
        download_media,
        num_workers,
        full,
        unexpected,
        allow_private_hosts,
    )
    options.check()
    config = LabelStudioBackendConfig(backend, None, **connection)
    source = open_source(config, project_name, project_id, task_ids, json_path, labeling_config, download_media)
    return importing.import_annotations(sample_collection, source, options)
