"""Every form in which a task names a media file -> the names by which the file may be known elsewhere."""

from __future__ import annotations

import base64
import binascii
import hashlib
import posixpath
import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlsplit

UPLOAD, LOCAL_FILES, WEB, PATH, DATA, NONE = "upload", "local_files", "web", "path", "data", "none"

CLOUD = {"s3": "s3", "gs": "gcs", "azure-blob": "azure", "az": "azure"}
"""Scheme of an address -> what Label Studio calls this kind of storage (1.23.2)."""

_ADDRESSES = frozenset((*CLOUD, "http", "https"))

_SCHEMES = {"s3": "s3", "gcs": "gs", "azure": "azure-blob"}

_LONGEST = 2**14
"""Characters of the longest address that is looked at; data: addresses may have more."""

_SHOWN = 120
"""Characters of an address in messages."""

_NESTED = 4
"""How deep links that hold an address are followed."""

_LONGEST_NAME = 143
"""Bytes of a file's name that every file system takes, encrypting ones included."""

_LONGEST_PATH = 1_000

_MAX_UPLOAD = 100
"""Characters of ``upload/<project>/<8 digits>-<name>``; the server shortens longer names (1.23.2, ``FileField``)."""

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):")
"""A scheme; a single letter is a drive of Windows."""

_UPLOADED = re.compile(r"(?:^|/)upload/(?:(\d+)/)?([0-9a-f]{8}-[^/]+)$")
_PREFIX = re.compile(r"[0-9a-f]{8}-(?=.)")
_OWN_DIGEST = re.compile(r"-[0-9a-f]{20}(?=\.\w+$)")
"""What our own uploads add to a name, see ``transport/upload.py``."""

_SHORTENED = re.compile(r"_[A-Za-z0-9]{7}$")
"""What Django adds to a name that it has shortened (6.0, ``get_alternative_name()``)."""

_LOST = re.compile(r"[^-\w.]")
"""What the server leaves out of names (1.23.2, ``get_valid_filename()`` of Django's)."""

_SIGNATURES = frozenset(("sig", "signature", "x-amz-signature", "x-goog-signature"))
_SIGNED = re.compile(
    r"x-amz-|x-goog-|(?:awsaccesskeyid|googleaccessid|signature|expires|policy|key-pair-id|response-content-.*"
    r"|s[vstrpe]|srt|spr|sig|sip|sk[a-z]+|se|sdd)$"
)
"""Parameters of signed addresses, which differ each time (S3, CloudFront, Google, Azure)."""

_STORES = (
    ("s3", re.compile(r"(?P<place>.+)\.s3(?:[.-][a-z0-9.-]+)?\.amazonaws\.com(?:\.cn)?$")),
    ("s3", re.compile(r"s3(?:[.-][a-z0-9.-]+)?\.amazonaws\.com(?:\.cn)?$")),
    ("gcs", re.compile(r"(?P<place>.+)\.storage\.googleapis\.com$")),
    ("gcs", re.compile(r"storage\.(?:googleapis|cloud\.google)\.com$")),
    ("azure", re.compile(r"[a-z0-9-]+\.blob\.core\.windows\.net$")),
)
"""Hosts that serve the objects of storages; the bucket is in the host's name, or the first part of the path."""

_UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"|?*\\]')
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)", re.IGNORECASE)


class MediaAddress(NamedTuple):
    """What a task calls a media file.

    Attributes:
        kind: ``upload``, ``local_files``, ``s3``, ``gcs``, ``azure``, ``web``, ``path``, ``data`` or ``none``
        keys: whole names of the file: first the one by which the server finds it, then those that somebody may have
            meant who encoded it too often, or not at all
        names: base names, in the same order
        text: the address as written
        problem: why no file is looked for under this address, or None
    """

    kind: str
    keys: tuple[str, ...]
    names: tuple[str, ...]
    text: str
    problem: str | None = None

    @property
    def identity(self) -> str:
        """What two addresses of the same file have in common."""
        return self.keys[0] if self.keys else self.text

    @property
    def as_served(self) -> MediaAddress:
        """The same with the name only by which the server finds the file."""
        return self._replace(keys=self.keys[:1], names=self.names[:1])

    @property
    def as_meant(self) -> MediaAddress:
        """The same with the names only that somebody may have meant."""
        return self._replace(keys=self.keys[1:], names=self.names[1:])

    @property
    def shown(self) -> str:
        """The address for messages: short, without a login or a signature."""
        text = self.text[:40] if self.kind == DATA else re.sub(r"//[^/\s@]*@", "//", self.text)
        address, _, query = text.partition("?")
        if _identifying(query)[1]:
            text = f"{address}?..."
        return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def parse_address(value: Any) -> MediaAddress:
    """What a task names where a media file is expected; anything may stand there.

    ======================================================  =============  =====================================
    form                                                    kind           first key
    ======================================================  =============  =====================================
    ``/data/upload/7/0a1b2c3d-cat.png``, with or without    upload         ``upload/7/0a1b2c3d-cat.png``
    the server's address; ``/storage-data/uploaded/``
    ``/data/local-files/?d=pets/cat%201.png``               local_files    ``pets/cat 1.png``
    ``s3://``, ``gs://``, ``azure-blob://``, and their      s3, gcs,       ``s3://bucket/key``
    signed ``https://`` addresses                           azure
    ``https://host/pets/cat%201.png?id=1#top``              web            ``//host/pets/cat 1.png?id=1``
    ``/tasks/1/resolve/?fileuri=<base64>`` (or ``presign``  that of the    that of the address in it
    or ``projects``), ``/api/projects/1/file-proxy?url=``   address in it
    a path of any system, ``file://``                       path           the path, with slashes
    ``data:image/png;base64,...``                           data           none
    ======================================================  =============  =====================================

    Names are in Unicode's form NFC, and all their backslashes are slashes.

    Source: Label Studio 1.23.2: ``data_import.models``, ``io_storages.localfiles``, ``io_storages.proxy_api``,
    ``tasks.models.Task.resolve_uri``
    """
    if not isinstance(value, str):
        return MediaAddress(NONE, (), (), "", "it is no text")
    text = value.strip()
    if text[:5].lower() == "data:":
        return MediaAddress(DATA, (), (), text)
    if not text or len(text) > _LONGEST:
        return MediaAddress(NONE, (), (), text[:_LONGEST], "it is too long to be an address" if text else "it is empty")
    return _parsed(text, text, _NESTED)


def path_key(path: str) -> str:
    """What two spellings of the path of a sample's media, or of its address, have in common."""
    if path.partition("://")[0].lower() in _ADDRESSES:
        address = parse_address(path)
        return address.keys[0] if address.keys else path
    key = _joined(*_parts(path))
    # Nearly all are the same, and one text takes less memory than two.
    return path if key == path else key


def is_elsewhere(key: str) -> bool:
    """Whether a key is that of an address, not of a path."""
    return key.startswith("//") or "://" in key


def tails(address: MediaAddress) -> Iterator[tuple[str, ...]]:
    """The last components that the path of a copy of a file has, the most telling first; two or more of them."""
    for key in address.keys:
        if not is_elsewhere(key):
            yield from _long(key.split("/"))
            continue
        place, _, rest = key.partition("//")[2].partition("?")[0].partition("/")
        inner = [part for part in rest.split("/") if part]
        yield from _long([place.replace(":", "_"), *inner])
        yield from _long(inner)


def _long(parts: Iterable[str]) -> Iterator[tuple[str, ...]]:
    found = tuple(part for part in parts if part)
    if len(found) > 1:
        yield found


def upload_names(address: MediaAddress) -> tuple[str, ...]:
    """The names that an uploaded file had, as far as the server kept them; () of what is no upload."""
    return tuple(dict.fromkeys(_without_prefix(address))) if address.kind == UPLOAD else ()


def _without_prefix(address: MediaAddress) -> Iterator[str]:
    for name in address.names:
        plain = _PREFIX.sub("", name, count=1)
        yield plain
        yield _OWN_DIGEST.sub("", plain)


def shortened(address: MediaAddress) -> tuple[str, str] | None:
    """Beginning and end of the name of an upload that the server may have shortened, or None where it did not.

    Source: Django's ``Storage.get_available_name()``: what is too long loses the end of its stem, and gains seven
    characters, so that the whole is exactly as long as it may be
    """
    if address.kind != UPLOAD or not address.names or len(address.keys[0]) != _MAX_UPLOAD:
        return None
    name = _PREFIX.sub("", address.names[0], count=1)
    stem, end = _stem(name)
    return (_SHORTENED.sub("", stem), end) if _SHORTENED.search(stem) else None


def server_names(name: str) -> tuple[str, ...]:
    """The names that Label Studio gives to a file that is uploaded, without the prefix that it adds.

    Browsers of macOS send names in the form NFD, whose accents the server loses; a file that is imported from a web
    address keeps what was encoded in it.

    Args:
        name: the base name of the file
    """
    if name.isascii() and not _LOST.search(name):
        return (name,)
    forms = (unicodedata.normalize("NFC", name), unicodedata.normalize("NFD", name), quote(name, errors="replace"))
    return tuple(dict.fromkeys(_LOST.sub("", form.strip().replace(" ", "_")) for form in forms))


def is_shortened_from(name: str, beginning: str, end: str) -> bool:
    """Whether a name, as the server would keep it, becomes one of a certain beginning and end where it is shortened."""
    stem, own = _stem(name)
    return own == end and stem.startswith(beginning)


def _stem(name: str) -> tuple[str, str]:
    """Stem and all extensions of a name, as Python's ``PurePath.suffixes`` sees them."""
    dot = name.find(".", len(name) - len(name.lstrip(".")))
    return (name, "") if dot < 0 or name.endswith(".") else (name[:dot], name[dot:])


def local_name(address: MediaAddress, with_digest: bool = False) -> str:
    """The path below a folder under which a copy of a file is kept: of the same file always the same, and safe.

    It ends like the address, so that :func:`tails` finds it again. Where a file system would not take it as it is,
    its name ends with a digest of the whole address.

    Args:
        address: what a task calls the file
        with_digest: whether it ends so in any case
    """
    digest = hashlib.blake2b(address.identity.encode(errors="surrogatepass"), digest_size=5).hexdigest()
    if address.kind == DATA:
        subtype = re.match(r"data:image/([a-z0-9]{1,8})\b", address.text, re.IGNORECASE)
        return f"{digest}.{subtype.group(1).lower()}" if subtype else digest
    key, query = address.identity, ""
    if address.kind == WEB:
        key, _, query = key.partition("?")
        host, _, key = key[2:].partition("/")
        key = f"{host.replace(':', '_')}/{key}"
    elif is_elsewhere(key):
        key = key.partition("://")[2]
    found = [part for part in key.split("/") if part]
    parts = [_safe(part) for part in found]
    is_changed = with_digest or bool(query) or parts != found
    if sum(len(part) + 1 for part in parts) > _LONGEST_PATH:
        is_changed, parts = True, parts[-1:]
    if not parts:
        return digest
    if is_changed:
        stem, extension = posixpath.splitext(parts[-1])
        end = f"-{digest}{extension}"
        parts[-1] = _cut(stem, _LONGEST_NAME - len(end.encode(errors="surrogatepass"))) + end
    return "/".join(parts)


def _safe(part: str) -> str:
    """A component that every file system takes."""
    part = _UNSAFE.sub("_", part.encode(errors="replace").decode()).rstrip(". ")
    part = f"_{part}" if not part or _RESERVED.match(part) else part
    stem, extension = posixpath.splitext(part)
    extension = _cut(extension, _LONGEST_NAME // 2)
    return _cut(stem, _LONGEST_NAME - len(extension.encode())) + extension


def _cut(text: str, size: int) -> str:
    return text.encode(errors="replace")[:size].decode(errors="ignore")


def _parsed(text: str, written: str, depth: int) -> MediaAddress:
    scheme = _SCHEME.match(text)
    name = scheme.group(1).lower() if scheme else ""
    if name in CLOUD and text[len(name) : len(name) + 3] == "://":
        return _stored(CLOUD[name], text[len(name) + 3 :], written)
    if name == "file":
        return _path(PATH, _readings(re.sub(r"^file:(//[^/]*)?", "", text, flags=re.IGNORECASE), 1), written)
    try:
        parts = urlsplit(text)
        host = _host(parts) if name in ("http", "https") else ""
    except ValueError:
        return _path(PATH, _readings(text, 0), written)
    if name in ("http", "https") and not host:
        return MediaAddress(NONE, (), (), written, "it is no whole address")
    found = _of_label_studio(text, parts, written, depth) if host or text.startswith(("/", "upload/")) else None
    if found is not None:
        return found
    return _web(parts, host, written) if host else _path(PATH, _readings(text, 0), written)


def _host(parts: SplitResult) -> str:
    is_usual = parts.port in (None, {"http": 80, "https": 443}[parts.scheme.lower()])
    return (parts.hostname or "") + ("" if is_usual or not parts.hostname else f":{parts.port}")


def _of_label_studio(text: str, parts: SplitResult, written: str, depth: int) -> MediaAddress | None:
    """The address that a page of Label Studio itself stands for, or None where it is another page."""
    path = parts.path
    if path.rstrip("/").endswith("/data/local-files"):
        found = _parameter(parts.query, "d")
        if found:
            # Somebody who has not encoded it meant all that follows; Django decodes a plus sign to a space.
            raw = text.partition("?")[2].partition("d=")[2]
            return _path(LOCAL_FILES, [found, *_readings(found, 0)[1:], raw, unquote(raw)], written)
        return MediaAddress(NONE, (), (), written, "it names no file")
    if path.rstrip("/").endswith("/storage-data/uploaded"):
        return _upload(_readings(_parameter(parts.query, "filepath"), 0), written)
    if "/data/upload/" in path or re.match(r"/?upload/", path):
        return _upload(_readings(path, 1), written)
    inner = ""
    if re.search(r"/(?:tasks|projects)/\d+/(?:resolve|presign)/?$", path) or "/api/storages/" in path:
        inner = _parameter(parts.query, "fileuri")
    elif path.rstrip("/").endswith("/file-proxy"):
        inner = _parameter(parts.query, "url")
    return _parsed(_decoded(inner), written, depth - 1) if inner and depth else None


def _parameter(query: str, name: str) -> str:
    """A parameter of a query, as Django reads it: decoded once; of several, the last one."""
    try:
        return dict(parse_qsl(query, keep_blank_values=True, max_num_fields=100)).get(name, "")
    except ValueError:
        return ""


def _decoded(text: str) -> str:
    """An address that is encoded as base64, or percent-encoded by older versions."""
    try:
        plain = text.rstrip("=").replace(" ", "+").translate(str.maketrans("-_", "+/"))
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True).decode()
    except (binascii.Error, ValueError):
        return unquote(text)


def _readings(text: str, decoded: int) -> list[str]:
    """A text that was percent-encoded so many times, then decoded once and twice more, and not at all."""
    forms = [text]
    for _ in range(decoded + 2):
        forms.append(unquote(forms[-1]))
    return list(dict.fromkeys([*forms[decoded:], *forms[:decoded]]))


def _upload(readings: list[str], written: str) -> MediaAddress:
    keys = []
    for reading in readings:
        match = _UPLOADED.search(_normal(reading))
        if match:
            keys.append("/".join(filter(None, ("upload", *match.groups()))))
    return _known(UPLOAD, keys, written) if keys else _path(PATH, readings, written)


def _stored(kind: str, rest: str, written: str, more: Iterable[str] = ()) -> MediaAddress:
    place, _, key = rest.partition("/")
    if not place or not key:
        return MediaAddress(NONE, (), (), written, "it names no object of a storage")
    cut = re.split(r"[?#]", key, maxsplit=1)[0]
    forms = dict.fromkeys([*_readings(key, 0), *(_readings(cut, 0) if cut else ())])
    keys = [f"{_SCHEMES[kind]}://{place}/{unicodedata.normalize('NFC', form)}" for form in forms]
    return _known(kind, [*keys, *more], written)


def _web(parts: SplitResult, host: str, written: str) -> MediaAddress:
    query, is_signed = _identifying(parts.query)
    forms = _readings(parts.path or "/", 1)
    plain = [f"//{host}{unicodedata.normalize('NFC', form).replace('?', '%3F')}" for form in forms]
    keys = [f"{plain[0]}?{query}", *plain] if query else plain
    for kind, pattern in _STORES:
        match = pattern.match(host)
        if match:
            # A name in a signed address is encoded once, always.
            place = match.groupdict().get("place")
            return _stored_at(kind, place, forms[0], written, keys)
    if is_signed:
        keys += [f"s3://{form.lstrip('/')}" for form in forms[:1] if "/" in form.lstrip("/")]
    return _known(WEB, keys, written)


def _stored_at(kind: str, place: str | None, path: str, written: str, keys: list[str]) -> MediaAddress:
    key = path.lstrip("/") if place is None else f"{place}/{path.lstrip('/')}"
    found = _stored(kind, key, written, keys)
    return found if found.keys else _known(WEB, keys, written)


def _identifying(query: str) -> tuple[str, bool]:
    """What of a query tells which file is meant, and whether a signature was left out."""
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=1_000)
    except ValueError:
        return query, False
    is_signed = any(name.lower() in _SIGNATURES for name, _ in pairs)
    kept = [(name, value) for name, value in pairs if not (is_signed and _SIGNED.match(name.lower()))]
    return "&".join(f"{name}={value}" for name, value in kept), is_signed


def _path(kind: str, readings: Iterable[str], written: str) -> MediaAddress:
    keys = []
    for n, reading in enumerate(readings):
        root, parts, climbs = _parts(reading)
        if climbs and n == 0:
            return MediaAddress(kind, (), (), written, "it leaves its folder by '..'")
        if parts and not climbs:
            # The server takes what is shared for the root of all.
            keys.append(_joined("" if kind == LOCAL_FILES else root, parts, climbs))
    return _known(kind, keys, written) if keys else MediaAddress(NONE, (), (), written, "it names no file")


def _normal(text: str) -> str:
    return unicodedata.normalize("NFC", text).replace("\\", "/")


def _parts(path: str) -> tuple[str, list[str], bool]:
    """Root of a path, its components, and whether it climbs out of where it begins."""
    text = _normal(path)
    parts: list[str] = []
    climbs = False
    for part in text.split("/"):
        if part == "..":
            climbs = climbs or not parts
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return ("/" if text.startswith("/") else ""), parts, climbs


def _joined(root: str, parts: list[str], climbs: bool) -> str:
    return root + "/".join(parts)


def _known(kind: str, keys: Iterable[str], written: str) -> MediaAddress:
    found = tuple(dict.fromkeys(keys))
    names = dict.fromkeys(_base_name(key) for key in found)
    return MediaAddress(kind, found, tuple(filter(None, names)), written)


def _base_name(key: str) -> str:
    name = key.rstrip("/").rpartition("/")[2]
    return name.partition("?")[0] if key.startswith("//") else name
