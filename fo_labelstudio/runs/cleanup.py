"""clean_up(): the project of a run is deleted, unless something was left in it."""

from __future__ import annotations

from fo_labelstudio.log import logger
from fo_labelstudio.runs import project
from fo_labelstudio.runs.state import RunState


def clean_up(results: RunState, force: bool = False) -> None:
    """Deletes the project of a run, with its tasks and annotations, from the server.

    Args:
        results: the results of the run; to be saved afterwards
        force: whether it is deleted although the last load has left something behind
    """
    if results.left_behind and not force:
        logger.warning(
            "Project %s is kept, because the last load left something behind: %s. To delete it anyway, call "
            "dataset.load_annotation_results(%r).cleanup(force=True)",
            results.project_id,
            "; ".join(results.left_behind),
            results.key,
        )
        return
    results.left_behind = []
    if results.project_id is not None:
        project.delete_project(results.connect_to_api().client, results.project_id)
        results.config.saved_state["project_id"] = None
        results.save_config()
    results.tasks = {}
