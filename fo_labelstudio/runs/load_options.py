"""What a load is asked for: where the labels go, and what becomes of those that nobody expects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from fo_labelstudio.errors import SettingsError
from fo_labelstudio.merge.conflicts import ON_CONFLICT
from fo_labelstudio.messages import quoted


class LoadOptions(NamedTuple):
    """The options of a load.

    Attributes:
        dest_field: where the labels go: a field, label field -> field, or None
        unexpected: what becomes of labels that the label schema does not expect
        on_conflict: what becomes of what the dataset and an answer have both changed: ``annotator``, ``dataset`` or
            ``keep_both``; None for what the run says
    """

    dest_field: str | Mapping[str, str] | None = None
    unexpected: Any = "ignore"
    on_conflict: str | None = None

    @property
    def keeps_unexpected(self) -> bool:
        """Whether everything that the label schema does not expect is kept."""
        return isinstance(self.unexpected, str) and self.unexpected == "keep"

    def check(self) -> None:
        """Refuses words that mean nothing.

        Raises:
            SettingsError: there is one
        """
        if self.on_conflict is not None and self.on_conflict not in ON_CONFLICT:
            *others, last = map(repr, ON_CONFLICT)
            raise SettingsError(f"on_conflict is {quoted(self.on_conflict)}, expected {', '.join(others)} or {last}")

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
