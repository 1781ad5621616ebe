"""What samples hold themselves of the texts that tasks of others show: in a field, or in their file."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import fiftyone as fo

from fo_labelstudio.convert.foreign.shown import values_of
from fo_labelstudio.convert.labeling_config.read import LabelingConfig
from fo_labelstudio.convert.media import MEDIUM_NAMED
from fo_labelstudio.convert.media.medium import MediaInfo, Medium, ShownValue
from fo_labelstudio.dataset.place import Doc, Place
from fo_labelstudio.transport.files import FILES


class OwnValues:
    """Tells where the texts of a task are not those of its samples, so that what is said of them is of other words.

    The text of a sample is in the field that is matched with the key of the task's data, or else in the one that is
    called like the key; or in its file. Where there is none of these, nobody knows what it is.

    Args:
        dataset: the dataset
        config: the labeling config of the project, where it is known
        medium: what the samples are
        media_field: the field that holds the paths of their files
        match: key of a task's data -> field of samples that holds the same
        filled: names of fields that are imported, whose values are those of their samples only after that
    """

    def __init__(
        self,
        dataset: fo.Dataset,
        config: LabelingConfig | None,
        medium: Medium,
        media_field: str,
        match: Mapping[str, str] | None,
        filled: Collection[str],
    ):
        self._config = config
        self._medium = medium
        self._path = Place(dataset, media_field)
        self._places: dict[str, tuple[Place, ShownValue]] = {}
        """Name of an object tag -> the field that holds what it shows."""
        for tag in config.objects.values() if config else ():
            shown = MEDIUM_NAMED[tag.medium].shown_value if tag.medium in MEDIUM_NAMED else None
            matched = (match or {}).get(tag.key or "")
            name = matched or tag.key
            if shown is None or name is None or tag.is_address or name in filled:
                continue
            if matched or isinstance(dataset.get_field(name), shown.field_types):
                self._places[tag.name] = Place(dataset, name), shown
        self.are_known = config is not None and bool(self._places or medium.content)
        """Whether samples have texts of their own, as far as it is known where."""

    def differing(self, task: Mapping[str, Any], sample_id: str | None, own: Iterable[str]) -> dict[str, str]:
        """Name of each object tag that shows another text than a sample has -> where the sample has its own.

        Args:
            task: the task
            sample_id: the sample, or None where it has none
            own: names of the object tags that show the sample itself
        """
        if not self.are_known or self._config is None or sample_id is None:
            return {}
        values = values_of(task, self._config)
        if not values:
            return {}
        docs = self._path.read([sample_id], *(place for place, _ in self._places.values()))
        found: dict[str, str] = {}
        for doc in docs.values():
            for name, value in values.items():
                if name in self._places and _words(value) != _words(self._in_field(name, doc)):
                    found[name] = f"its field {self._places[name][0].path!r}"
            for name in own:
                in_file = self._in_file(doc)
                if name in values and in_file is not None and _words(values[name]) != _words(in_file):
                    found[name] = "its file"
        return found

    def _in_field(self, name: str, doc: Doc) -> MediaInfo | None:
        place, shown = self._places[name]
        value = place.value_in(doc)
        if value is not None and shown.problem_of(value):
            return None
        return shown.parse(shown.to_data(value))

    def _in_file(self, doc: Doc) -> MediaInfo | None:
        shown = self._medium.shown_value
        if self._medium.content is None or shown is None:
            return None
        info = FILES[self._medium.name].inspect(self._path.value_in(doc), False).info
        return None if info is None else shown.parse(self._medium.content(info))


def _words(media: MediaInfo | None) -> tuple[str, tuple[str, ...]] | None:
    """What words are counted in; of series, neither has any."""
    return media and (media.text, media.turns)
