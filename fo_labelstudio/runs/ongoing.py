"""ongoing(): a run that is going on, to be changed by one session at a time, while nobody loads it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import fiftyone.core.collections as foc

from fo_labelstudio.dataset.internals import root_dataset
from fo_labelstudio.dataset.run_lock import sole_loader, sole_sender
from fo_labelstudio.errors import RunError
from fo_labelstudio.runs.state import RunState, project_id_of


@contextmanager
def ongoing(results: RunState) -> Iterator[None]:
    """Makes sure that a run can be changed, and that nobody else changes or sends it, for as long as the context lasts.

    Waits for a load that has begun; those that begin later wait. Takes over what other sessions have saved of the run.

    Args:
        results: the results of the run

    Raises:
        RunError: the run is not complete, has no project, or somebody else changes it
    """
    with sole_sender(results.dataset, results.key), sole_loader(results.dataset, results.key):
        saved = results.saved()
        results.refresh_run(saved)
        results.refresh(saved)
        project_id = project_id_of(results)
        if not results.config.saved_state.get("complete"):
            raise RunError(
                f"annotation run {results.key!r} is not complete; call annotate() with the same anno_key and arguments "
                "once more, and change the run then",
                project_id,
            )
        yield


def check_dataset(results: RunState, samples: foc.SampleCollection) -> None:
    """Refuses samples of another dataset.

    Raises:
        RunError: names both
    """
    given = root_dataset(samples)
    if given is not results.dataset:
        raise RunError(
            f"the samples are of dataset {given.name!r}, but annotation run {results.key!r} is one of "
            f"{results.dataset.name!r}; pass samples of that",
            results.project_id,
        )
