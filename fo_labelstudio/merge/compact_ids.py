"""Ids of very many labels, in little memory."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping, MutableMapping, Sequence

_ID_CHARS = 24
"""Characters of the id of a label: 12 bytes, in hexadecimal digits."""


class CompactIds(MutableMapping[str, list[str]]):
    """Sample id -> ids of labels, 12 bytes each where a list of texts takes 81; a list that is got is a copy.

    Args:
        saved: what :meth:`saved` gave, or the lists themselves
    """

    def __init__(self, saved: Mapping[str, str | Sequence[str]] | None = None):
        self._ids: dict[str, bytes | list[str]] = {
            sample_id: b64decode(ids) if isinstance(ids, str) else _packed(ids)
            for sample_id, ids in (saved or {}).items()
        }

    def saved(self) -> dict[str, str | list[str]]:
        """What it holds, as JSON: sample id -> the bytes of all ids in base64; a list where ids are none of a label."""
        return {
            sample_id: b64encode(ids).decode() if isinstance(ids, bytes) else ids
            for sample_id, ids in self._ids.items()
        }

    def __getitem__(self, sample_id: str) -> list[str]:
        ids = self._ids[sample_id]
        if not isinstance(ids, bytes):
            return list(ids)
        text = ids.hex()
        return [text[start : start + _ID_CHARS] for start in range(0, len(text), _ID_CHARS)]

    def __setitem__(self, sample_id: str, ids: Sequence[str]) -> None:
        self._ids[sample_id] = _packed(ids)

    def __delitem__(self, sample_id: str) -> None:
        del self._ids[sample_id]

    def __contains__(self, sample_id: object) -> bool:
        return sample_id in self._ids

    def __iter__(self) -> Iterator[str]:
        return iter(self._ids)

    def __len__(self) -> int:
        return len(self._ids)


def _packed(ids: Sequence[str]) -> bytes | list[str]:
    text = "".join(ids)
    if ids and all(len(label_id) == _ID_CHARS for label_id in ids):
        try:
            packed = bytes.fromhex(text)
        except ValueError:
            return list(ids)
        if packed.hex() == text:
            return packed
    # Scalar fields have values without ids.
    return list(ids)
