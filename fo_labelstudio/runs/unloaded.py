"""unloaded_answers(): what would be lost with the project of a run."""

from __future__ import annotations

from fo_labelstudio.runs.project import project_of
from fo_labelstudio.runs.state import RunState
from fo_labelstudio.runs.status import get_status


def unloaded_answers(results: RunState) -> int:
    """How many tasks of a run have answers that were not loaded; none where its project is gone.

    Args:
        results: the results of the run

    Raises:
        ServerError: the server cannot be reached, or refused
    """
    if results.project_id is None:
        return 0
    if project_of(results.connect_to_api().client, results.project_id) is None:
        return 0
    new: int = get_status(results)["new"]
    return new
