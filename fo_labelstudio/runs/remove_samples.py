"""remove_samples(): samples are taken out of a run, with their tasks."""

from __future__ import annotations

import fiftyone.core.collections as foc

from fo_labelstudio.dataset.internals import ungrouped
from fo_labelstudio.errors import RunError
from fo_labelstudio.runs.annotate import RunRegister
from fo_labelstudio.runs.delete_tasks import take_out
from fo_labelstudio.runs.ongoing import check_dataset, ongoing
from fo_labelstudio.runs.ports import TaskKeeper
from fo_labelstudio.runs.state import RunState, refuse_clips


def remove_samples(
    register: RunRegister,
    results: RunState,
    samples: foc.SampleCollection,
    force: bool = False,
    keeper: TaskKeeper | None = None,
) -> int:
    """Takes samples out of a run, and deletes their tasks; their labels stay as they are.

    Args:
        register: keeps the run
        results: the results of the run, which are saved
        samples: samples of the run's dataset; those that the run does not have are passed over
        force: whether tasks are deleted although they hold work that was not loaded
        keeper: what holds the tasks; the run's project by default

    Returns:
        how many tasks were deleted

    Raises:
        RunError: the samples are not of the dataset, or their tasks show others, too, or hold work that was not
            loaded; nothing was deleted
    """
    check_dataset(results, samples)
    refuse_clips(results, "remove_samples()")
    with ongoing(results):
        if results.groups:
            wanted = _groups_in(results, samples)
        else:
            wanted = [sample_id for sample_id in dict.fromkeys(samples.values("id")) if sample_id in results.tasks]
        return take_out(register, results, wanted, force, keeper) if wanted else 0


def _groups_in(results: RunState, samples: foc.SampleCollection) -> list[str]:
    """The groups that tasks of a run show, and whose samples are among some.

    Raises:
        RunError: a task shows other samples, too
    """
    given = {*ungrouped(samples).values("id")}
    wanted = [name for name in results.tasks if given & {*results.samples_of(name)}]
    for name in wanted:
        others = [sample_id for sample_id in results.samples_of(name) if sample_id not in given]
        if others:
            raise RunError(
                f"task {results.tasks[name]} shows sample {others[0]}, too, which is not among the samples, so nothing "
                "was deleted; pass the samples of all slices of a group, as a collection of groups has them, or call "
                f"delete_tasks({results.tasks[name]})",
                results.project_id,
            )
    return wanted
