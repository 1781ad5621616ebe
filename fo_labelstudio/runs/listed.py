"""listed_runs(): the annotation runs of a dataset that are, or may become, runs of this package."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

import fiftyone.core.collections as foc
import fiftyone.utils.labelstudio as foul

from fo_labelstudio.dataset.internals import results_file_of, root_dataset
from fo_labelstudio.runs.project import project_url
from fo_labelstudio.runs.state import OWNER_FILES


class ListedRun(NamedTuple):
    """An annotation run, as its document tells of it.

    Attributes:
        key: its key
        config: what ``annotate()`` was asked for
        is_own: whether it is one of this package; otherwise it is one of the integration inside FiftyOne
        project_id: its project; None where it has none, or none any more
        is_complete: whether everything was sent
        is_of_files: whether its tasks were written to files
        made_at: when it was made
        version: another text once its results were saved again, as by each load
    """

    key: str
    config: Any
    is_own: bool
    project_id: int | None = None
    is_complete: bool = False
    is_of_files: bool = False
    made_at: datetime | None = None
    version: str = ""

    @property
    def url(self) -> str | None:
        """Where people work on it, or None."""
        if self.project_id is None or not self.config.url:
            return None
        return project_url(self.config.url, self.project_id)


def listed_runs(samples: foc.SampleCollection) -> list[ListedRun]:
    """The annotation runs of this package, and those that it can adopt; only their documents are read.

    Args:
        samples: the dataset, or any view into it
    """
    dataset = root_dataset(samples)
    found = []
    for key in dataset.list_annotation_runs():
        info = dataset.get_annotation_info(key)
        config, made_at, version = info.config, info.timestamp, results_file_of(dataset, key)
        if isinstance(config, foul.LabelStudioBackendConfig):
            found.append(ListedRun(key, config, False, made_at=made_at, version=version))
        elif hasattr(config, "saved_state"):
            state = config.saved_state
            is_of_files = state.get("owner") == OWNER_FILES
            is_complete = bool(state.get("complete"))
            found.append(
                ListedRun(key, config, True, state.get("project_id"), is_complete, is_of_files, made_at, version)
            )
    return found
