"""write_run(): what annotate() would send -> files for Label Studio's import page, without a server."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from urllib.parse import urlsplit

import fiftyone.core.collections as foc
from bson import ObjectId

from fo_labelstudio.convert.labeling_config.read import read
from fo_labelstudio.convert.labeling_config.write import to_labeling_config
from fo_labelstudio.convert.records import media_key_of, shows_files
from fo_labelstudio.dataset.internals import root_dataset
from fo_labelstudio.dataset.run_lock import sole_sender
from fo_labelstudio.errors import ExportError, LabelingConfigError, SampleError, SettingsError
from fo_labelstudio.exports.write import LABELING_CONFIG, refuse_overwriting, write_tasks
from fo_labelstudio.log import logger
from fo_labelstudio.runs import existing_project
from fo_labelstudio.runs.annotate import RunRegister, refuse_unknown_run, refuse_unsuited
from fo_labelstudio.runs.check import CheckedRun, check_run, report_left_out
from fo_labelstudio.runs.garbage import only_new_garbage
from fo_labelstudio.runs.labeling_config import NEWEST_TAGS
from fo_labelstudio.runs.own_names import check_skipped
from fo_labelstudio.runs.prepare import LeftOut, Prepared, PreparedTask, Refused, prepared_tasks
from fo_labelstudio.runs.run import Run, run_of, writer_of
from fo_labelstudio.runs.state import OWNER_FILES
from fo_labelstudio.transport.transport import ShownFile, Target, Writers

_WHERE = "labeling_config"
"""How messages call a labeling config of the user's own."""

_TASKS_AT_ONCE = 100
"""Tasks whose media are copied before any of them is written."""


@only_new_garbage()
def write_run(
    register: RunRegister, samples: foc.SampleCollection, key: str, overwrite: bool, cleanup: bool
) -> dict[str, int]:
    """Writes a run to files, once it is sure that all of it can be written, and registers it.

    Args:
        register: keeps the run
        samples: the collection
        key: the key of the run
        overwrite: whether a run of the same key is replaced
        cleanup: whether its project is deleted then

    Returns:
        sample id -> place of its task in the files, from 1

    Raises:
        LabelStudioError: what cannot be written; there are no files, and no run
    """
    with sole_sender(root_dataset(samples), key):
        refuse_unknown_run(register, samples, key)
        register.validate_run(samples, key, overwrite=overwrite)
        config = register.config
        folder = Path(config.export_dir or "")
        for name in ("parts", "project_id", "workspace", "sampling"):
            if getattr(config, name) is not None:
                raise SettingsError(
                    f"{name} is for runs that are sent to a server; leave it out where tasks go to files"
                )
        refuse_unsuited(config, samples)
        refuse_overwriting(folder)
        theirs = config.labeling_config
        samples = existing_project.complete(register, samples, theirs, NEWEST_TAGS, True, _WHERE)
        check_skipped(config, config.skipped)
        fields = config.label_fields()
        if shows_files(fields):
            config.choose_media_of_files(samples)
        labeling_config = theirs or to_labeling_config(fields, config.group_slices or ())
        if theirs is None:
            check_labeling_config(labeling_config)
        token = str(ObjectId())
        run = run_of(config, samples, token)
        checked = check_run(run, existing_project.needed_of(theirs, media_key_of(fields)))
        start = urlsplit(config.connection_settings().url).path
        tasks, writer, paths = _write(run, checked, folder, start, labeling_config)
        config.run_state = {"token": token, "project_id": None, "complete": True, "owner": OWNER_FILES}
        try:
            register.put_run(samples, key, overwrite, cleanup)
        except BaseException:
            for path in (*paths, folder / LABELING_CONFIG):
                path.unlink(missing_ok=True)
            writer.undo()
            raise
        logger.info(
            "Wrote %d tasks to %s. Make a project, paste %s into its labeling interface, and import %s",
            len(tasks),
            folder,
            LABELING_CONFIG,
            ", then ".join(path.name for path in paths),
        )
        return tasks


def check_labeling_config(labeling_config: str) -> None:
    """Refuses a labeling config that Label Studio would refuse, without asking a server.

    Raises:
        LabelingConfigError: it cannot be used; says why
    """
    problems = read(labeling_config).problems
    if problems:
        raise LabelingConfigError(f"Label Studio would refuse the labeling config: {'; '.join(problems)}")


def _write(
    run: Run, checked: CheckedRun, folder: Path, start: str, labeling_config: str
) -> tuple[dict[str, int], Writers, list[Path]]:
    """Writes the tasks of a run; returns their places, what named their media, and the files."""
    is_new = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ExportError(f"tasks cannot be written to {folder}: {error}") from error
    writer = writer_of(run, Target(folder, start))
    tasks: dict[str, int] = {}
    left_out: list[LeftOut] = []
    prepared = chain(checked.tasks, prepared_tasks(run, checked.sample_ids))
    try:
        paths = write_tasks(_bodies(prepared, writer, tasks, left_out), folder, labeling_config)
    except BaseException:
        writer.undo()
        if is_new and not any(folder.iterdir()):
            folder.rmdir()
        raise
    report_left_out(left_out)
    return tasks, writer, paths


def _bodies(
    prepared: Iterable[Prepared], writer: Writers, tasks: dict[str, int], left_out: list[LeftOut]
) -> Iterator[bytes]:
    """The JSON of each task, whose media are named and, where they are copied, there.

    Raises:
        SampleError: media or labels that were there at the check and are not any more; names them all
    """
    remaining = iter(prepared)
    refused: list[str] = []
    while items := list(islice(remaining, _TASKS_AT_ONCE)):
        refused += [item.problem for item in items if isinstance(item, Refused)]
        left_out += [item for item in items if isinstance(item, LeftOut)]
        block = [item for item in items if isinstance(item, PreparedTask)]
        addresses = _addresses(block, writer)
        for task in block:
            tasks[task.sample_id] = len(tasks) + 1
            yield task.body(addresses)
    if refused:
        raise SampleError(refused)


def _addresses(block: Sequence[PreparedTask], writer: Writers) -> dict[ShownFile, str]:
    found: dict[ShownFile, str] = {}
    for task in block:
        for file in task.files:
            try:
                found.update(writer.addresses_of([file]))
            except OSError as error:
                raise ExportError(f"sample {task.sample_id}: {file.path!r} cannot be copied ({error})") from error
    return found
