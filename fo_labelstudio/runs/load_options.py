"""What a load is asked for: which answers count, where their labels go, and what else is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from fo_labelstudio.convert.foreign.which import LATEST
from fo_labelstudio.errors import SettingsError
from fo_labelstudio.merge.conflicts import ANNOTATOR
from fo_labelstudio.messages import quoted
from fo_labelstudio.settings import LOAD_PARSERS, NOWHERE, PROVENANCE, SKIPPED

IN_LABELS, IN_SAMPLES = PROVENANCE
TAG = SKIPPED[1]


class LoadOptions(NamedTuple):
    """The options of a load.

    Attributes:
        dest_field: where the labels go: a field, label field -> field, or None
        unexpected: what becomes of labels that the label schema does not expect
        on_conflict: what becomes of what the dataset and an answer have both changed: ``annotator``, ``dataset`` or
            ``keep_both``; where None, the answer counts, and nobody is told
        annotations: which annotation of a task counts: ``latest``, ``ground_truth``, ``accepted``, an annotator's
            e-mail, or ``all``, each annotator's in fields of their own
        full: whether all tasks are looked at, whatever was changed since the last load
        provenance: where it is written who answered: ``labels``, ``samples``, or None for nowhere
        skipped: what becomes of skipped tasks: ``leave``, or ``tag`` for a tag of their samples
        suffix: what the names of fields end in that the call does not name
    """

    dest_field: str | Mapping[str, str] | None = None
    unexpected: Any = "ignore"
    on_conflict: str | None = ANNOTATOR
    annotations: str = LATEST
    full: bool = False
    provenance: str | None = None
    skipped: str = SKIPPED[0]
    suffix: str = ""

    @classmethod
    def of(
        cls, given: Mapping[str, Any], of_run: Any, dest_field: Any = None, unexpected: Any = "ignore"
    ) -> LoadOptions:
        """The options of a load: what the call says, or else the run.

        Args:
            given: name of an option -> what the call says; None where it says nothing
            of_run: has what the run says, as attributes
            dest_field: where the labels go
            unexpected: what becomes of labels that the label schema does not expect

        Raises:
            SettingsError: an option is not what it should be; names it
        """
        said: dict[str, Any] = {}
        for name, parse in LOAD_PARSERS.items():
            value = given.get(name)
            value = getattr(of_run, name, None) if value is None else parse(value)
            if value is not None:
                said[name] = value
        if said.get("provenance") == NOWHERE:
            said["provenance"] = None
        return cls(dest_field, unexpected, **said)

    def of_annotator(self, fields: Sequence[str], suffix: str) -> LoadOptions:
        """The options of the load of one annotator's answers, into fields of their own.

        Args:
            fields: names of the label fields of the run
            suffix: what the names of these fields end in
        """
        named = self.destinations(fields)
        return self._replace(dest_field={name: named.get(name, name) + suffix for name in fields}, suffix=suffix)

    @property
    def keeps_unexpected(self) -> bool:
        """Whether everything that the label schema does not expect is kept."""
        return isinstance(self.unexpected, str) and self.unexpected == "keep"

    def destinations(self, fields: Sequence[str]) -> dict[str, str]:
        """The destinations that the call names, by label field.

        Args:
            fields: names of the label fields of the run

        Raises:
            SettingsError: ``dest_field`` is neither a name nor a dict, or names no field of the run; FiftyOne would
                edit the run's own fields instead
        """
        given, names = self.dest_field, ", ".join(map(repr, fields))
        if given is None:
            return {}
        if isinstance(given, str):
            if len(fields) > 1:
                raise SettingsError(
                    f"dest_field {given!r} is one field, but the run has {len(fields)}: {names}; pass "
                    f"dest_field={{{fields[0]!r}: {given!r}, ...}}"
                )
            return {fields[0]: given}
        if not isinstance(given, Mapping):
            raise SettingsError(
                f"dest_field is {quoted(given)}, expected the name of a field, or a dict: field of the run -> name of "
                f"a field; the run's fields are {names}"
            )
        for name, destination in given.items():
            if name not in fields:
                raise SettingsError(
                    f"dest_field names {quoted(name)}, which is not a field of the run; the run's fields are {names}"
                )
            if not isinstance(destination, str):
                raise SettingsError(f"dest_field {name!r} is {quoted(destination)}, expected the name of a field")
        return dict(given)
