"""What a call of FiftyOne's ``load_annotations()`` asks for and hands to no backend."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from types import FrameType
from typing import Any, NamedTuple

import fiftyone.utils.annotations as foua

from fo_labelstudio.errors import RunError


class LoadCall(NamedTuple):
    """The arguments of a call of ``load_annotations()`` (FiftyOne 1.17 to 1.22.1).

    Attributes:
        dest_field: where the labels go: a field, label field -> field, or None
        unexpected: what becomes of labels that the label schema does not expect
    """

    dest_field: str | Mapping[str, str] | None = None
    unexpected: Any = "ignore"

    @classmethod
    def current(cls) -> LoadCall:
        """The call that is running, or one without arguments where a backend is called directly.

        Raises:
            RunError: this version of FiftyOne calls them otherwise
        """
        frame: FrameType | None = sys._getframe()
        while frame is not None and frame.f_code is not foua.load_annotations.__code__:
            frame = frame.f_back
        if frame is None:
            return cls()
        try:
            return cls(*(frame.f_locals[name] for name in cls._fields))
        except KeyError as error:
            raise RunError(f"this version of FiftyOne has no {error} in load_annotations(); report it") from None

    @property
    def keeps_unexpected(self) -> bool:
        """Whether everything that the label schema does not expect is kept."""
        return isinstance(self.unexpected, str) and self.unexpected == "keep"

    def destination_of(self, field: str, fields: Sequence[str]) -> str:
        """The field that receives the labels of a label field.

        Args:
            field: name of the label field
            fields: names of all label fields of the run; FiftyOne ignores a single name for several
        """
        if isinstance(self.dest_field, str):
            return self.dest_field if len(fields) == 1 else field
        return (self.dest_field or {}).get(field, field)
