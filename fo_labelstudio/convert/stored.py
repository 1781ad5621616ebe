"""Labels as the database stores them, read as FiftyOne's label objects are.

Building the objects themselves takes five times as long as converting them (FiftyOne 1.22.1).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, TypeVar

import fiftyone.core.labels as fol
import fiftyone.core.utils as fou
from bson import ObjectId
from mongoengine.base import get_document
from mongoengine.errors import NotRegistered

from fo_labelstudio.errors import RegionError

L = TypeVar("L", bound=fol.Label)

LabelDoc = Mapping[str, Any]
"""A label as the database stores it."""

LISTS = tuple(dict.fromkeys(cls._LABEL_LIST_FIELD for cls in fol._HasLabelList.__subclasses__()))
"""The attributes in which labels of labels lists lie."""


def list_name(container: Any) -> str | None:
    """The name under which the value of a label field holds its labels, or None where it is one label, or a scalar.

    Source: FiftyOne 1.22.1, ``fiftyone.core.labels._HasLabelList``
    """
    is_list = isinstance(container, type) and issubclass(container, fol._HasLabelList)
    return container._LABEL_LIST_FIELD if is_list else None


class StoredLabel:
    """A stored label that is read like a FiftyOne label: what it lacks is None.

    Attributes:
        id: its id
        mask: its mask, an array, or None; may be set
    """

    def __init__(self, doc: LabelDoc):
        # Found there, attributes are read faster than by __getattr__().
        self.__dict__.update(doc)
        self._doc = doc
        self.id = str(doc.get("_id") or ObjectId())
        mask = doc.get("mask")
        self.mask = None if mask is None else fou.deserialize_numpy_array(mask)

    def __getattr__(self, name: str) -> Any:
        # Asked for by copy and pickle before there is a document.
        if name.startswith("_"):
            raise AttributeError(name)
        return self._doc.get(name)

    def get_attribute_value(self, name: str, default: Any = None) -> Any:
        """An attribute, which labels of old datasets keep in a dict."""
        if name in self._doc:
            return self._doc[name]
        attribute = (self._doc.get("attributes") or {}).get(name)
        return default if attribute is None else attribute.get("value", default)


class StoredLabels(list[StoredLabel]):
    """The labels in the value of a label field."""

    @classmethod
    def of(cls, value: Mapping[str, Any] | None) -> StoredLabels:
        """The labels in a stored value: none, one, or those of a list."""
        if value is None:
            return cls()
        for name in LISTS:
            if name in value:
                return cls(StoredLabel(doc) for doc in value[name] or ())
        return cls([StoredLabel(value)])


def label_of(doc: LabelDoc) -> fol.Label:
    """A stored label as FiftyOne's object, of whatever class derived from its own.

    Raises:
        RegionError: nobody has imported the class
    """
    try:
        # Found by the name under which FiftyOne stores it (1.22.1).
        cls = get_document(doc["_cls"])
    except NotRegistered:
        raise RegionError(f"its class {doc['_cls']!r} is not known here; import the module that defines it") from None
    return cls.from_dict(dict(doc))


class ScalarValue(NamedTuple):
    """The value of a scalar field, where labels are expected.

    Attributes:
        value: the value, as FiftyOne keeps it
        id: the same for all, for a field holds only one
    """

    value: Any
    id: str = "value"


def labels_of(value: Any) -> list[Any]:
    """The labels in the value of a label field: none, one, or those of a list."""
    if value is None:
        return []
    if isinstance(value, StoredLabels):
        return value
    if not isinstance(value, fol.Label):
        return [ScalarValue(value)]
    if (name := list_name(type(value))) is not None:
        return list(value[name] or ())
    return [value]


def copy_of(label: L) -> L:
    """A copy of a label that keeps its id, which FiftyOne's own copies do not."""
    copy: L = label.copy()
    copy.id = label.id
    return copy
