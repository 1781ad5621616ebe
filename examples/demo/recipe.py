"""The demo's steps: annotate, have it corrected, load. Importing this module imports FiftyOne."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from PIL.Image import Image

import fo_labelstudio
from examples.demo import picture
from examples.demo.changes import LabelKey, LabelState, changes_of, labels_of, to_table
from examples.demo.dataset import LABEL_SCHEMA, make_dataset, photographs_of
from examples.demo.person import Person

_ANNO_KEY = "demo"


class Recipe:
    """A dataset of photographs on its way to Label Studio and back.

    Args:
        folder: folder that receives the photographs
        url: address of the server; nothing is sent there yet
        api_key: key to sign in with
    """

    def __init__(self, folder: Path, url: str, api_key: str):
        fo_labelstudio.register()
        media = folder / "photographs"
        media.mkdir()
        self._dataset = make_dataset(media)
        self._before = self._after = self._labels()
        self._connection = {"url": url, "api_key": api_key}
        self._person = Person(url, api_key)
        self._project_id = 0

    def annotate(self) -> str:
        """Sends the predictions to the server and returns the address of their project."""
        results = self._dataset.annotate(
            _ANNO_KEY, backend="labelstudio", label_schema=LABEL_SCHEMA, attributes=False, **self._connection
        )
        self._project_id = results.project_id
        return f"{self._connection['url']}/projects/{self._project_id}/data"

    def answer(self, leave_out: Collection[str] = ()) -> None:
        """Has a person answer the tasks, but for those of the photographs ``leave_out``."""
        self._person.answer(self._project_id, photographs_of(self._dataset), leave_out)

    def load(self) -> str:
        """Loads the corrections and returns them as a table."""
        unanswered = self._person.unanswered(self._project_id)
        self._dataset.load_annotations(_ANNO_KEY, **self._connection)
        self._after = self._labels()
        names = [sample.filename for sample in self._dataset if sample.id in unanswered]
        return to_table(changes_of(self._before, self._after), names)

    def draw(self) -> Image:
        """Draws the labels before and after."""
        changed = {change.key for change in changes_of(self._before, self._after) if change.what != "unchanged"}
        panels = {"before": self._before, "after": self._after}
        return picture.draw(self._dataset.values("filepath"), panels, changed)

    def _labels(self) -> dict[LabelKey, LabelState]:
        return labels_of(self._dataset, tuple(LABEL_SCHEMA))
