"""What an import is asked for, checked before anything is read."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Any

from fo_labelstudio.convert.families import LABEL_TYPES, family_of_type
from fo_labelstudio.convert.foreign.which import Which
from fo_labelstudio.dataset.prompt import has_terminal
from fo_labelstudio.errors import SettingsError
from fo_labelstudio.messages import quoted
from fo_labelstudio.runs.match import DataPath
from fo_labelstudio.settings import names_annotations

IGNORE, KEEP, PROMPT, RETURN = "ignore", "keep", "prompt", "return"
"""What becomes of labels that are not expected, in the words of FiftyOne's ``load_annotations()``."""

FLAGS = {"occluded_attr": "flag for what is occluded", "group_id_attr": "id of a group"}
"""Arguments of FiftyOne's import from CVAT that nothing in Label Studio answers to."""

_KNOWN_TYPES = tuple(dict.fromkeys([*LABEL_TYPES, *(family_of_type(name).filed_as for name in LABEL_TYPES)]))


@dataclass(frozen=True)
class ImportOptions:
    """What an import is asked for.

    Attributes:
        which: which answers to a task count
        fields: name of a control tag -> the field, or the attribute, that receives its answers
        label_types: the label types that are wanted, or label type -> name of its field; all by default
        media_field: the field of samples that holds the paths of their media
        match: key of the tasks' data -> field of samples that holds the same
        data_path: the media on this machine
        insert_new: whether media of which there is no sample become new samples
        download_media: whether media that are not on this machine are fetched into ``data_path``
        num_workers: how many media are fetched at once
        full: whether tasks that have not changed since the last import are loaded again
        unexpected: what becomes of labels of other types, and of control tags that the labeling config does not have:
            a word, the label types that are kept, or label type -> name of a field
        allow_private_hosts: whether media are fetched from hosts of private networks, too
    """

    which: Which = dataclass_field(default_factory=Which)
    fields: Mapping[str, str] | None = None
    label_types: Collection[str] | Mapping[str, str] | None = None
    media_field: str = "filepath"
    match: Mapping[str, str] | None = None
    data_path: DataPath | None = None
    insert_new: bool = True
    download_media: bool = False
    num_workers: int | None = None
    full: bool = False
    unexpected: Any = IGNORE
    allow_private_hosts: bool = False

    @property
    def wanted_types(self) -> Collection[str] | Mapping[str, str] | None:
        """The label types that are expected; None for all."""
        return () if self.label_types == PROMPT else self.label_types

    @property
    def choice(self) -> Any:
        """What becomes of labels that are not expected."""
        return PROMPT if self.label_types == PROMPT and self.unexpected == IGNORE else self.unexpected

    def check(self) -> None:
        """Refuses what makes no sense, whatever there is to import.

        Raises:
            SettingsError: an argument is not what it should be; names it
        """
        _check_which(self.which)
        _check_names("fields", self.fields, "names of control tags and of fields")
        _check_names("match", self.match, "keys of the tasks' data and names of fields")
        _check_types(self.label_types)
        _check_unexpected(self.unexpected)
        self._check_data_path()

    def _check_data_path(self) -> None:
        path = self.data_path
        if path is None:
            if self.download_media:
                raise SettingsError("download_media=True needs data_path=..., the folder in which the media are kept")
        elif not isinstance(path, (str, os.PathLike, Mapping)):
            raise SettingsError(f"data_path is {quoted(path)}, expected a folder, a JSON file, or a dict of paths")
        elif not isinstance(path, Mapping) and not self.download_media:
            if not os.path.lexists(os.path.expanduser(os.fspath(path))):
                raise SettingsError(
                    f"data_path: there is no folder or file {os.fspath(path)!r}; check the path, or pass "
                    "download_media=True to fetch the media into it"
                )


def _check_which(which: Which) -> None:
    asked = which.annotations
    if asked is not None and not names_annotations(asked):
        raise SettingsError(
            f"annotations is {quoted(asked)}, expected 'latest', 'ground_truth', 'accepted', 'all', None, or the "
            "e-mail of an annotator"
        )
    if which.predictions is not None and not (isinstance(which.predictions, str) and which.predictions):
        raise SettingsError(f"predictions is {quoted(which.predictions)}, expected a model version, 'all' or None")


def _check_names(argument: str, given: Any, what: str) -> None:
    if given is None:
        return
    if not isinstance(given, Mapping):
        raise SettingsError(f"{argument} is {quoted(given)}, expected a dict of {what}")
    for key, value in given.items():
        if not (isinstance(key, str) and isinstance(value, str) and key and value):
            raise SettingsError(f"{argument} holds {quoted(key)}: {quoted(value)}, expected {what}")


def _check_types(given: Any) -> None:
    if given is None:
        return
    if given == PROMPT:
        if not has_terminal():
            raise SettingsError("label_types is 'prompt', but nobody can be asked; pass a list such as ['detections']")
        return
    if isinstance(given, str) or not isinstance(given, Collection):
        raise SettingsError(
            f"label_types is {quoted(given)}, expected a list such as ['detections'], a dict, or 'prompt'"
        )
    _check_known_types("label_types", given)


def _check_known_types(argument: str, given: Collection[Any]) -> None:
    strange = [name for name in given if name not in _KNOWN_TYPES]
    if strange:
        names = ", ".join(map(quoted, strange))
        raise SettingsError(f"{argument}: there is no label type {names}; there are {', '.join(_KNOWN_TYPES)}")
    if isinstance(given, Mapping):
        _check_names(argument, given, "label types and names of fields")


def _check_unexpected(given: Any) -> None:
    words = (PROMPT, IGNORE, KEEP, RETURN)
    if isinstance(given, str) and given in words:
        return
    if isinstance(given, str) or not isinstance(given, Collection):
        raise SettingsError(
            f"unexpected is {quoted(given)}, expected one of {', '.join(map(repr, words))}, a list of label types, or "
            "a dict: label type -> name of a field"
        )
    _check_known_types("unexpected", given)


def refuse_flags(given: Mapping[str, Any]) -> None:
    """Refuses what FiftyOne's import from CVAT takes, and Label Studio has nothing like.

    Args:
        given: the other arguments of the call; None stands for none

    Raises:
        SettingsError: one is given
    """
    for argument, what in FLAGS.items():
        if given.get(argument) is not None:
            raise SettingsError(
                f"{argument} is {quoted(given[argument])}, but regions of Label Studio have no {what} as those of CVAT "
                'do. If a control tag with perRegion="true" asks for it, name the attribute of the labels with '
                f"fields={{<name of the control tag>: {given[argument]!r}}}; leave {argument} out"
            )
