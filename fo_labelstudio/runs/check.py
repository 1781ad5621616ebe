"""check_run(): makes sure that everything of a run can be sent, or says what keeps it from being sent."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from types import MappingProxyType
from typing import Any

from fo_labelstudio.convert.records import media_key_of, medium_of_fields, shown_names
from fo_labelstudio.convert.slices import check_slices
from fo_labelstudio.convert.task.origin import META
from fo_labelstudio.dataset.samples import Unlisted
from fo_labelstudio.dataset.task_fields import check_task_fields
from fo_labelstudio.errors import SampleError
from fo_labelstudio.log import logger
from fo_labelstudio.messages import listed, quoted
from fo_labelstudio.runs.existing_project import problems_of_data
from fo_labelstudio.runs.prepare import LeftOut, PreparedTask, Refused, prepared_tasks
from fo_labelstudio.runs.progress import progress_bar
from fo_labelstudio.runs.run import Run
from fo_labelstudio.runs.streams import Spool

SPOOL_BYTES = 256 * 2**20
"""Of tasks that are kept on disk between the check and the upload; those beyond are made twice."""

NAMED_CLASSES = 5
"""Classes that a message names."""


@dataclass
class CheckedRun:
    """What a check has found.

    Attributes:
        tasks: the first of the tasks, so that they need not be made again
        sample_ids: the samples that need not be looked at again: those that these show, and those that are left out
        left_out: how many are left out
    """

    tasks: Spool[PreparedTask] = dataclass_field(default_factory=Spool)
    sample_ids: set[str] = dataclass_field(default_factory=set)
    left_out: int = 0


def check_run(
    run: Run,
    needed: Mapping[str, str] = MappingProxyType({}),
    skipped: Collection[str] = (),
    predicted: Collection[str] = (),
    said: Mapping[str, Any] = MappingProxyType({}),
) -> CheckedRun:
    """Makes sure that everything can be sent, before anything is made; reports the samples that are left out.

    Args:
        run: the run
        needed: the keys that the labeling config needs in the data of each task, besides that of the media, with the
            tags that name them
        skipped: ids of samples that the project shows already, and that are left out
        predicted: ids of samples that the project shows already, and whose tasks get predictions
        said: id of such a sample -> what the data of its task say of the media file, where the object tag looks for it

    Raises:
        LabelSchemaError: a field of the samples cannot be shown
        SampleError: media or labels that cannot be sent, or media of which none can; names them all
    """
    if run.slices:
        check_slices(run.slices, run.fields, run.task_fields)
    check_task_fields(run.samples, run.task_fields, shown_names(run.fields), media_key_of(run.fields))
    checked = CheckedRun()
    problems: list[str] = []
    left_out: list[LeftOut] = []
    unlisted: Unlisted = {}
    logger.info("Checking samples...")
    with progress_bar("Checking samples", run.size) as progress:
        for item in prepared_tasks(run, skipped, unlisted):
            if isinstance(item, Refused):
                problems.append(item.problem)
            elif isinstance(item, LeftOut):
                left_out.append(item)
            elif item.sample_id in said and (unshown := _unshown(item, run, said[item.sample_id])):
                problems.append(unshown)
            elif item.sample_id in predicted:
                checked.sample_ids.add(item.sample_id)
                progress.update()
            elif lacking := problems_of_data(item.data, needed):
                problems.extend(f"sample {item.sample_id}: {problem}" for problem in lacking)
            else:
                if not problems and checked.tasks.size < SPOOL_BYTES:
                    checked.tasks.add(item)
                    checked.sample_ids.add(item.sample_id)
                progress.update()
    if not problems and not checked.sample_ids:
        problems.extend(sample.problem for sample in left_out)
    if problems:
        raise SampleError(problems)
    report_left_out(left_out)
    _report_unlisted(unlisted)
    checked.sample_ids.update(sample.sample_id for sample in left_out)
    checked.sample_ids.update(skipped)
    checked.left_out = len(left_out) + len(skipped)
    return checked


def _unshown(item: PreparedTask, run: Run, said: Any) -> str | None:
    """What keeps the task of others from showing the media file of a sample, or None."""
    medium = medium_of_fields(run.fields)
    media = medium.parse_meta(json.loads(item.rest)["meta"][META])
    problem = None if media is None else medium.problem_of(media, "" if said is None else str(said))
    if problem is None:
        return None
    return (
        f"sample {item.sample_id}: {problem}, in the task that shows it already; correct the data of that task, or "
        "pass existing_tasks='new'"
    )


def report_left_out(left_out: Sequence[LeftOut]) -> None:
    """Says which samples a run does without."""
    if not left_out:
        return
    lines = listed([sample.problem for sample in left_out])
    logger.warning("%d samples are left out, because their media cannot be sent:%s", len(left_out), lines)


def _report_unlisted(unlisted: Unlisted) -> None:
    for field, classes in unlisted.items():
        names = ", ".join(quoted(name) for name, _ in classes.most_common(NAMED_CLASSES))
        more = f" and {len(classes) - NAMED_CLASSES} more" if len(classes) > NAMED_CLASSES else ""
        logger.warning(
            "Field '%s': %d labels are not sent and stay as they are, because `classes` does not have their class: "
            "%s%s; "
            "unlisted_classes='refuse' refuses them",
            field,
            classes.total(),
            names,
            more,
        )
