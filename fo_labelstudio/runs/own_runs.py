"""Which tasks annotation runs of the dataset have sent: loading the run brings them home, under their own ids."""

from __future__ import annotations

from collections import Counter

import fiftyone as fo

from fo_labelstudio.errors import RunError
from fo_labelstudio.runs.ports import Task
from fo_labelstudio.runs.send import run_of_task
from fo_labelstudio.runs.state import RunState


class OwnRuns:
    """Tells the tasks of the annotation runs of a dataset from those of others, and counts them.

    What came back of them as labels of others would be in the dataset twice: with the ids that it was sent with, and
    with ids that are made of its tasks.

    Args:
        dataset: the dataset
    """

    def __init__(self, dataset: fo.Dataset):
        self._keys: dict[str, str] = {}
        self._predicted: dict[tuple[int, int], str] = {}
        self._sent: Counter[str] = Counter()
        self._unknown = 0
        for key in dataset.list_annotation_runs():
            state = getattr(dataset.get_annotation_info(key).config, "saved_state", None) or {}
            if "token" in state:
                self._keys[state["token"]] = key
            if state and (state.get("adopted") or not state.get("owns_project", True)):
                self._add_predicted(dataset, key)

    def _add_predicted(self, dataset: fo.Dataset, key: str) -> None:
        results = dataset.load_annotation_results(key)
        if isinstance(results, RunState) and results.project_id is not None:
            tasks = (entry["task"] for entry in results.predicted.values())
            self._predicted.update(((results.project_id, task), key) for task in tasks)

    def has(self, task: Task) -> bool:
        """Whether one of the runs has sent a task, or a prediction to it; counts it."""
        token, project, number = run_of_task(task), task.get("project"), task.get("id")
        key = None if token is None else self._keys.get(token)
        if key is None and isinstance(project, int) and isinstance(number, int):
            key = self._predicted.get((project, number))
        self._unknown += token is not None and key is None
        if key is not None:
            self._sent[key] += 1
        return key is not None

    def report(self, has_others: bool) -> list[str]:
        """What is to be told of the tasks that were counted, a line for each run.

        Args:
            has_others: whether there are tasks of others as well

        Raises:
            RunError: there are no others, so that nothing is left to import
        """
        lines = [
            f"{count} tasks were sent by annotation run {key!r} of this dataset and are left out here; bring them home "
            f"with load_annotations({key!r})"
            for key, count in self._sent.items()
        ]
        if lines and not has_others:
            raise RunError(f"there is nothing to import: {'; '.join(lines)}")
        if self._unknown:
            lines.append(
                f"{self._unknown} tasks were sent by annotation runs that this dataset does not have; their labels are "
                "imported as new ones, also those that it has"
            )
        return lines
