"""Names that the labeling config and tasks can carry: control tags, classes, files."""

from __future__ import annotations

import math
import re
import unicodedata
from pathlib import PurePath
from urllib.parse import unquote, urlsplit

from fo_labelstudio.convert.media import OF_SAMPLES

_RESERVED = frozenset((*(medium.name for medium in OF_SAMPLES), "__proto__"))

_ENCODED = re.compile("[@%]")

_DATA_REFERENCE = re.compile(r"\$(?=[A-Za-z0-9_\[\].{}])")

_SPLITTING = re.compile(r"[\W_]+")

_LIKE_NAMES = ("name=", "toName=")

_WORD_JOINER = "\u2060"


def control_name(field_name: str, taken: str | None = None) -> str:
    """The name of a label field's control tag: the field's own wherever Label Studio takes it, no two fields alike.

    Args:
        field_name: name of the field
        taken: another name that the labeling config has

    ``@`` breaks the editor, the server takes ``true``, ``false`` and numbers for what they say, and a name stands only
    once in a labeling config (seen in 1.23.2), so these are percent-encoded.
    """
    if field_name in _RESERVED or field_name == taken or _is_read_otherwise(field_name):
        return _encoded(field_name[0]) + field_name[1:]
    return _ENCODED.sub(lambda match: _encoded(match.group()), field_name)


def _is_read_otherwise(text: str) -> bool:
    """Whether the server takes an XML attribute for a number, or for true or false.

    Source: xmljson 0.2.1, ``XMLData._fromstring``
    """
    if text.lower() in ("true", "false"):
        return True
    try:
        int(text)
    except ValueError:
        pass
    else:
        return True
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def inner_name(control: str, part: str) -> str:
    """The name of a control tag for a part of what another one annotates.

    No two are alike, nor is any that of a field: in those, a ``%`` stands only before digits.
    """
    return f"{control}%.{_ENCODED.sub(lambda match: _encoded(match.group()), part)}"


def data_key(name: str) -> str:
    """The key of a field in a task's data: the field's name, but a dot, a space and the like are ``_``.

    The Data Manager takes two underscores, and the dot of ``metadata.width``, for a way into nested data (1.23.2,
    ``preprocess_field_name()``), and finds nothing there.
    """
    return _SPLITTING.sub("_", name)


def without_references(text: str) -> str:
    """A text as the labeling config is to show it.

    The editor takes a ``$`` before a word for a reference to the task's data, anywhere in a value (seen in 1.23.2); an
    invisible character between the two prevents that.
    """
    return _DATA_REFERENCE.sub("$" + _WORD_JOINER, text)


def base_name(path: str) -> str:
    """The last part of the path of a media file, or of its address, as a person knows it."""
    scheme, separator, key = path.partition("://")
    if not separator:
        return PurePath(path).name
    if scheme.lower() in ("http", "https"):
        key = unquote(urlsplit(path).path)
    return key.rstrip("/").rpartition("/")[2]


def is_showable(text: str) -> bool:
    """Whether a name has something to see and no character that XML 1.0 or the editor loses.

    The server looks for names of tags in the text of the labeling config, and takes a value that ends like the start
    of one for it (1.23.2, ``validate_label_config``).
    """
    return bool(text.strip()) and not text.endswith(_LIKE_NAMES) and not any(_is_lost(char) for char in text)


def stored_name_problem(name: str) -> str | None:
    """What keeps the database from having an attribute of a name in labels, or None.

    A label that has one all the same can be written to the database, but not read from it (FiftyOne 1.22.1).
    """
    if not is_showable(name):
        return "its name is blank or holds characters that cannot be shown"
    if "." in name:
        return "the database allows no dots in names"
    if name.startswith(("_", "$")):
        return f"the names of attributes cannot begin with {name[0]!r}"
    return None


def is_text(text: str) -> bool:
    """Whether a text can be stored: JSON may hold halves of characters."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_lost(char: str) -> bool:
    return (unicodedata.category(char) in ("Cc", "Cs") and char not in "\t\n") or char in "\ufffe\uffff"


def _encoded(char: str) -> str:
    return f"%{ord(char):02X}"
