"""Where the settings of a connection come from, and what they may be."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from fo_labelstudio.errors import SettingsError
from fo_labelstudio.messages import meant

CLOUD_STORAGES = {
    "s3": (
        *("aws_access_key_id", "aws_secret_access_key", "aws_session_token", "region_name", "s3_endpoint"),
        *("prefix", "presign", "presign_ttl"),
    ),
    "gcs": ("google_application_credentials", "google_project_id", "prefix", "presign", "presign_ttl"),
    "azure": ("account_name", "account_key", "prefix", "presign", "presign_ttl"),
}
"""What the server takes about a cloud storage, by its name for the kind of storage (1.23.2, io_storages)."""

_CLOUD_STORAGE_KEYS = tuple(dict.fromkeys(key for keys in CLOUD_STORAGES.values() for key in keys))
_NOT_SECRET = ("region_name", "s3_endpoint", "google_project_id", "prefix", "presign", "presign_ttl")

DEFAULT_NAME = "labelstudio"
_DEFAULT_TIMEOUT = 300.0
_DEFAULT_RETRIES = 4
_DEFAULT_MAX_TASKS = 1000
"""Label Studio imports 500 to 2,000 tasks a request fastest (1.23.2)."""
_DEFAULT_MAX_BYTES = 16 * 2**20
DEFAULT_MAX_FILE_BYTES = 250 * 2**20 - 1
"""Of a stock server (1.23.2, DATA_UPLOAD_MAX_MEMORY_SIZE), which tells nobody."""
_MAX_PATH_CHARS = 200
"""Of a path that messages show; what is meant as XML may be long."""

_PLACEHOLDER_URL = "https://labelstud.io"
"""FiftyOne's own default for the name ``labelstudio``: a web site, not a server (FiftyOne 1.22.1)."""


class Secret:
    """A value that must not be shown: it has no repr of its own and cannot be pickled."""

    __slots__ = ("_value",)

    def __init__(self, value: Any):
        self._value = value

    def reveal(self) -> Any:
        """The value itself."""
        return self._value

    def __repr__(self) -> str:
        return "<secret>"

    def __reduce__(self) -> Any:
        raise TypeError("a secret is not to be stored")

    def __deepcopy__(self, memo: Any) -> Secret:
        return self


@dataclass(frozen=True)
class ConnectionSettings:
    """How to reach a server.

    Attributes:
        url: address of the server's start page, without a trailing slash
        api_key: legacy token, personal access token or access token
        http_headers: headers sent with each request
        verify_ssl: whether the server's certificate is checked, or the path of a CA bundle to check it with
        proxies: scheme -> address of a proxy, as requests takes them; those of the environment where empty
        cloud_storage: what the server is told about the cloud storages that hold the media; keys of CLOUD_STORAGES
        timeout: seconds without an answer after which a request fails
        retries: how often a request that may be repeated is repeated
        max_tasks: tasks that a request may make
        max_bytes: bytes that a request may send, unless a single task or file has more
        max_file_bytes: bytes of the largest file that the server takes
    """

    url: str
    api_key: Secret
    http_headers: Secret = field(default_factory=lambda: Secret({}))
    verify_ssl: bool | str = True
    proxies: Secret = field(default_factory=lambda: Secret({}))
    cloud_storage: Secret = field(default_factory=lambda: Secret({}))
    timeout: float = _DEFAULT_TIMEOUT
    retries: int = _DEFAULT_RETRIES
    max_tasks: int = _DEFAULT_MAX_TASKS
    max_bytes: int = _DEFAULT_MAX_BYTES
    max_file_bytes: int = DEFAULT_MAX_FILE_BYTES

    def is_same(self, other: ConnectionSettings) -> bool:
        """Whether others reach the same server in the same way."""
        return [*map(_revealed, vars(self).values())] == [*map(_revealed, vars(other).values())]


def _revealed(value: Any) -> Any:
    return value.reveal() if isinstance(value, Secret) else value


def secrets_of(settings: ConnectionSettings) -> list[str]:
    """The texts that messages must not show."""
    storage = settings.cloud_storage.reveal()
    values = [
        settings.api_key.reveal(),
        *settings.http_headers.reveal().values(),
        *settings.proxies.reveal().values(),
        *(str(value) for key, value in storage.items() if key not in _NOT_SECRET),
    ]
    if "google_application_credentials" in storage:
        # An answer may quote a part of them.
        credentials = _json_or_none(storage["google_application_credentials"])
        values += [str(value) for value in credentials.values()] if isinstance(credentials, Mapping) else []
    # What is shorter is no secret, and taking it out would make messages unreadable.
    return [value for value in values if len(value) > 3]


def refuse_unknown(given: Mapping[str, Any], known: tuple[str, ...], name: str | None) -> None:
    """Refuses settings that do not exist.

    Raises:
        SettingsError: there are any; names the nearest known ones
    """
    for setting in given:
        if setting in known:
            continue
        raise SettingsError(
            f"unknown setting {setting!r} (from the call, the variable {variable(name, setting)} or FiftyOne's "
            f"annotation config); {_hint(setting, known, 'settings')}"
        )


_OF_OTHER_BACKENDS = {
    "frame_step": "Label Studio shows all frames of a video; send some as images: "
    "dataset.to_frames(sample_frames=True, fps=...)",
}
"""Setting of FiftyOne's CVAT backend -> what does the same here."""


def _hint(unknown: str, known: Sequence[str], what: str) -> str:
    if unknown in _OF_OTHER_BACKENDS:
        return _OF_OTHER_BACKENDS[unknown]
    return meant(unknown, known, f"known {what}: {', '.join(known)}")


def resolve(
    given: Mapping[str, Any], saved_url: str | None, name: str | None, configured: Mapping[str, Any]
) -> dict[str, Any]:
    """The settings of a connection, each from the first source that has it.

    The sources: the call, the run (url only), the environment as it is now, FiftyOne's annotation config.

    Args:
        given: settings of the call
        saved_url: url saved with the run
        name: name of the backend; its variables begin with ``FIFTYONE_<NAME>_``
        configured: the backend's entry in FiftyOne's annotation config

    Returns:
        setting -> value, checked; those found nowhere are missing

    Raises:
        SettingsError: a value is malformed
    """
    found = {}
    for setting in CONNECTION_SETTINGS:
        sources = [given.get(setting)]
        if setting == "url":
            sources.append(saved_url)
        sources += [os.environ.get(variable(name, setting)), configured.get(setting)]
        for value in sources:
            if value not in (None, "") and not (setting == "url" and value == _PLACEHOLDER_URL):
                found[setting] = _PARSERS[setting](value.reveal() if isinstance(value, Secret) else value)
                break
    return found


def variable(name: str | None, setting: str) -> str:
    """The environment variable of a setting."""
    return f"FIFTYONE_{(name or DEFAULT_NAME).upper()}_{setting.upper()}"


def parse_url(value: Any) -> str:
    """The address of a server, without a trailing slash.

    Raises:
        SettingsError: it is no http(s) address, or holds a login, a query or a fragment
    """
    url = str(value).strip()
    try:
        parts = urlsplit(url)
        has_address = parts.scheme in ("http", "https") and parts.hostname and (parts.port or True)
    except ValueError:
        has_address = False
    if not has_address:
        raise SettingsError(
            f"url {without_login(url)!r} is not an http(s) address; expected an address such as http://localhost:8080"
        )
    if parts.username is not None or parts.password is not None:
        raise SettingsError(
            "url holds a user name or password; leave them out, and pass api_key or http_headers instead"
        )
    if parts.query or parts.fragment:
        raise SettingsError(f"url {parts.scheme}://{parts.netloc}{parts.path} has a query or fragment; leave it out")
    return url.rstrip("/")


def shared_folder() -> str | None:
    """The folder that a Label Studio server with this environment serves, or None where it serves none.

    FiftyOne has its users set Label Studio's own variables where ``annotate()`` runs.

    Source: label-studio 1.23.2, ``core.settings.base`` and ``core.utils.params``
    """
    is_enabled = os.environ.get("LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED") or os.environ.get(
        "LOCAL_FILES_SERVING_ENABLED", ""
    )
    root = os.environ.get("LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT") or os.environ.get("LOCAL_FILES_DOCUMENT_ROOT")
    if is_enabled.strip().lower() not in ("true", "yes", "y", "t", "on", "1") or not root or not os.path.isdir(root):
        return None
    return root


class Choice:
    """Parses a setting that is one of some words.

    Attributes:
        choices: the words

    Args:
        setting: the name of the setting
        *choices: the words
        has_default: whether None stands for the first of them
    """

    def __init__(self, setting: str, *choices: str, has_default: bool = True):
        self._setting = setting
        self.choices = choices
        self._default = choices[0] if has_default else None

    def __call__(self, value: Any) -> Any:
        if value is None:
            return self._default
        if isinstance(value, str) and value in self.choices:
            return value
        *others, last = map(repr, self.choices)
        raise SettingsError(f"{self._setting} is {value!r}, expected {', '.join(others)} or {last}")


class Switch:
    """Parses a setting that is on or off.

    Args:
        setting: the name of the setting
        default: whether it is on where nothing is said
    """

    def __init__(self, setting: str, default: bool = False):
        self._setting = setting
        self._default = default

    def __call__(self, value: Any) -> bool:
        if value is None or isinstance(value, bool):
            return self._default if value is None else value
        raise SettingsError(f"{self._setting} is {value!r}, expected True or False")


def _as_given(value: Any) -> Any:
    """Takes a setting that is checked with others, or where it is used."""
    return value


_OTHER_MEDIA = {
    "upload": "Label Studio gives uploaded files names of its own, which files with tasks cannot know",
    "copy": "it copies media beside the tasks that fo_labelstudio.export_tasks() writes",
}
"""Ways in which the server gets to read media that only some runs have -> why."""


def parse_media(media: Any, root: Any, known: Sequence[str]) -> str:
    """The way in which the server gets to read media.

    Args:
        media: the setting ``media``
        root: the setting ``local_files_root``
        known: the ways that there are

    Raises:
        SettingsError: there is no such way, or it needs to know the folder that the server shares
    """
    chosen: str = media or known[0]
    if chosen not in known:
        remedy = _OTHER_MEDIA.get(chosen) if isinstance(chosen, str) else None
        raise SettingsError(f"media is {chosen!r}, expected one of {list(known)}{f'; {remedy}' if remedy else ''}")
    if chosen == "local_files" and (not isinstance(root, str) or not os.path.isdir(root)):
        raise SettingsError(
            f"local_files_root is {root!r}, expected the folder of this machine that is the server's "
            "LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT"
        )
    return chosen


def parse_project_id(value: Any) -> int | None:
    """The id of a project that is there, or None where a run gets a project of its own.

    Raises:
        SettingsError: it is no such number
    """
    number = int(value) if isinstance(value, str) and value.strip().isdecimal() else value
    if number is None or (type(number) is int and number > 0):
        return number
    raise SettingsError(
        f"project_id is {value!r}, expected the number of a project, as in the address of its page: /projects/<number>"
    )


def parse_workspace(value: Any) -> str | int | None:
    """The title or the id of a workspace, or None where a new project goes where the server puts it.

    Raises:
        SettingsError: it is neither
    """
    name = value.strip() if isinstance(value, str) else value
    if isinstance(name, str) and name.isascii() and name.isdecimal():
        name = int(name)
    if name is None or (type(name) is int and name > 0) or (isinstance(name, str) and name):
        return name
    raise SettingsError(f"workspace is {value!r}, expected the title or the id of a workspace")


def parse_labeling_config(value: Any) -> str | None:
    """The text of a labeling config, which is given as such or as the path of a file; None where there is none.

    Raises:
        SettingsError: it is neither, or the file cannot be read
    """
    if value is None:
        return None
    if isinstance(value, str) and value.lstrip("\ufeff \t\r\n").startswith("<"):
        return value
    if not isinstance(value, (str, os.PathLike)) or not os.fspath(value):
        raise SettingsError(f"labeling_config is {value!r}, expected a labeling config (XML), or the path of one")
    try:
        with open(os.path.expanduser(value), encoding="utf-8-sig") as file:
            return file.read()
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"labeling_config: {os.fspath(value)[:_MAX_PATH_CHARS]!r} cannot be read ({error}); pass the path of a "
            "file that holds a labeling config, or its XML"
        ) from None


def parse_parts(value: Any) -> int | None:
    """The number of parts that a run is sent in, or None where annotate() sends it.

    Raises:
        SettingsError: it is no such number
    """
    return None if value is None else _parse_number("parts", int, 1, "a whole number, 1 or more")(value)


def parse_keyframe_tolerance(value: Any) -> float:
    """How far boxes between keyframes may be off that are sent, relative to the frame.

    Raises:
        SettingsError: it is no number from 0 to 1
    """
    if value is None:
        return _KEYFRAME_TOLERANCE
    number: float = _parse_number("keyframe_tolerance", float, 0.0, _SHARE)(value)
    if number > 1:
        raise SettingsError(f"keyframe_tolerance is {value!r}, expected {_SHARE}")
    return number


_SHARE = "a number from 0 to 1, relative to the frame"

_KEYFRAME_TOLERANCE = 0.001
"""A pixel of a thousand: less than a person sees, and than most trackers shake."""


def parse_frames(setting: str) -> Callable[[Any], Any]:
    """Parses a frame of videos, from 0: a number, a list of some for each in turn, a dict by filepath, or None."""
    meaning = "a whole number from 0, a list of such numbers, or a dict of filepaths and such numbers"
    number = _parse_number(setting, _whole, 0, meaning)

    def parse(value: Any) -> Any:
        if value is None:
            return None
        if isinstance(value, Mapping) and all(isinstance(path, str) for path in value):
            return {path: number(one) for path, one in value.items()}
        if isinstance(value, (list, tuple)) and value:
            return [number(one) for one in value]
        return number(value)

    return parse


def _whole(value: Any) -> int:
    if isinstance(value, float) and not value.is_integer():
        raise ValueError(value)
    return int(value)


def parse_export_dir(value: Any) -> str | None:
    """The folder that tasks are written to in place of a server, or None where a server gets them.

    Raises:
        SettingsError: it is no path
    """
    if value is None or (isinstance(value, (str, os.PathLike)) and os.fspath(value)):
        return None if value is None else os.path.abspath(os.path.expanduser(os.fspath(value)))
    raise SettingsError(f"export_dir is {value!r}, expected the path of a folder")


def parse_scalar_types(value: Any) -> dict[str, str]:
    """The kinds of values of new scalar fields, by name of the field.

    Raises:
        SettingsError: they are malformed
    """
    value = {} if value is None else value
    if isinstance(value, Mapping) and all(isinstance(item, str) for pair in value.items() for item in pair):
        return dict(value)
    raise SettingsError(f"scalar_types is {value!r}, expected field -> type, for example {{'count': 'int'}}")


def parse_task_fields(value: Any) -> list[str] | None:
    """The fields of samples that tasks carry, each once, or None where there are none; as a text, with commas.

    Raises:
        SettingsError: they are malformed
    """
    names = value.split(",") if isinstance(value, str) else value
    if names is None or names in ([], ()):
        return None
    if not isinstance(names, (list, tuple)) or not all(isinstance(name, str) and name.strip() for name in names):
        raise SettingsError(f"task_fields is {value!r}, expected names of fields, for example ['tags', 'uniqueness']")
    return list(dict.fromkeys(name.strip() for name in names))


ALL_SLICES = "all"
"""What the setting ``group_slices`` is where tasks show all slices of groups."""


def parse_group_slices(value: Any) -> str | list[str] | None:
    """The slices of groups that a task shows beside each other, each once, ALL_SLICES, or None where it shows a sample;
    as a text, with commas.

    Raises:
        SettingsError: they are malformed
    """
    if value in (None, ALL_SLICES):
        return value  # type: ignore[no-any-return]
    names = value.split(",") if isinstance(value, str) else value
    if not isinstance(names, (list, tuple)) or not names or not all(isinstance(one, str) and one for one in names):
        raise SettingsError(
            f"group_slices is {value!r}, expected {ALL_SLICES!r}, or names of slices, for example ['left', 'right']"
        )
    return list(dict.fromkeys(name.strip() if isinstance(value, str) else name for name in names))


def parse_score_field(value: Any) -> str | None:
    """The field of samples whose value is the score of predictions, or None where that is the mean of confidences.

    Raises:
        SettingsError: it is no name
    """
    if value is None or (isinstance(value, str) and value.strip()):
        return None if value is None else value.strip()
    raise SettingsError(f"score_field is {value!r}, expected the name of a field, for example 'uniqueness'")


PROVENANCE = ("labels", "samples")
"""Where loads can write who answered."""

NOWHERE = "nowhere"
"""What the setting ``provenance`` is where it is said that nothing is written."""

SKIPPED = ("leave", "tag")
"""What can become of skipped tasks."""


_OF_ANY = ("latest", "ground_truth", "accepted", "all")
"""Words for annotations, whoever made them."""


def names_annotations(value: Any) -> bool:
    """Whether a value says which annotations of a task count: a word for them, or who made them.

    An annotator is named by e-mail, by id, or as fields are called where only the id is known.
    """
    if not isinstance(value, str):
        return False
    word = value.strip().lower().removeprefix("user ")
    return value in _OF_ANY or "@" in word or word.isdecimal() or word == "unknown"


def _parse_annotations(value: Any) -> str | None:
    if value is not None and not names_annotations(value):
        raise SettingsError(
            f"annotations is {value!r}, expected 'latest', 'ground_truth', 'accepted', 'all', or the e-mail of an "
            "annotator"
        )
    return value  # type: ignore[no-any-return]


def _parse_provenance(value: Any) -> str | None:
    if value is False or value == NOWHERE:
        return NOWHERE
    if value is None or value in PROVENANCE:
        return value  # type: ignore[no-any-return]
    if value is True:
        return PROVENANCE[0]
    raise SettingsError(f"provenance is {value!r}, expected 'labels', 'samples', or False")


def without_login(url: str) -> str:
    """An address for a message, without the user name and password that it may hold."""
    return re.sub(r"[^/]*@", "<secret>@", url)


def _parse_api_key(value: Any) -> Secret:
    key = str(value).strip()
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        raise SettingsError("api_key is malformed; copy it from Label Studio, Account & Settings")
    return Secret(key)


def _parse_mapping(setting: str, example: str) -> Callable[[Any], Secret]:
    def parse(value: Any) -> Secret:
        value = _json_or_none(value) if isinstance(value, str) else value
        if not isinstance(value, Mapping) or not all(isinstance(item, str) for pair in value.items() for item in pair):
            raise SettingsError(f"{setting} must map strings to strings, for example {example}")
        return Secret(dict(value))

    return parse


def _json_or_none(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _parse_cloud_storage(value: Any) -> Secret:
    value = _json_or_none(value) if isinstance(value, str) else value
    if not isinstance(value, Mapping):
        raise SettingsError(
            'cloud_storage must be a mapping, for example {"region_name": "eu-central-1", "presign": false}'
        )
    storage = {}
    for key, item in value.items():
        if key not in _CLOUD_STORAGE_KEYS:
            hint = _hint(str(key), _CLOUD_STORAGE_KEYS, "keys")
            raise SettingsError(f"cloud_storage has the unknown key {key!r}; {hint}")
        if item is not None:
            # The server takes the content of Google's file as text.
            storage[key] = json.dumps(item) if isinstance(item, Mapping) else item
    if not all(isinstance(item, (str, bool, int)) for item in storage.values()):
        raise SettingsError("cloud_storage must map its keys to texts, numbers, True or False")
    return Secret(storage)


def _parse_proxies(value: Any) -> Secret:
    if isinstance(value, str) and "://" in value and not value.lstrip().startswith("{"):
        return Secret({"http": value, "https": value})
    return _parse_mapping("proxies", '{"https": "http://proxy:3128"}')(value)


def _parse_verify_ssl(value: Any) -> bool | str:
    if isinstance(value, bool):
        return value
    text = str(value)
    if text.lower() in ("true", "1", "false", "0"):
        return text.lower() in ("true", "1")
    if not os.path.exists(text):
        raise SettingsError(f"verify_ssl {text!r} is neither true, false nor the path of a CA bundle that exists")
    return text


def _parse_number(setting: str, kind: Callable[[Any], Any], low: float, meaning: str) -> Any:
    def parse(value: Any) -> Any:
        try:
            number = kind(value)
        except (TypeError, ValueError):
            number = None
        if number is None or isinstance(value, bool) or not low <= number < 1e9:
            raise SettingsError(f"{setting} is {value!r}, expected {meaning}")
        return number

    return parse


class Setting(NamedTuple):
    """One setting.

    Attributes:
        name: its name in a call; its environment variable is :func:`variable`
        parse: checks a value; None stands for its default where it is one of the run
        meaning: what it says
        of_run: whether it says how a run is made, is given to ``annotate()`` and saved with the run
        is_secret: whether it is never shown
        of_load: whether it says how a run is loaded, and can be given to ``load_annotations()``; one of the run, too,
            is what loads do that say nothing else. All that are neither say how to reach the server, can be given to
            both, and are not saved, but for the url
    """

    name: str
    parse: Callable[[Any], Any]
    meaning: str
    of_run: bool = False
    is_secret: bool = False
    of_load: bool = False


SETTINGS = (
    Setting("url", parse_url, "address of the server's start page"),
    Setting("api_key", _parse_api_key, "personal access token or legacy token", is_secret=True),
    Setting(
        "http_headers",
        _parse_mapping("http_headers", '{"X-Team": "vision"}'),
        "headers sent with each request, as a mapping or its JSON",
        is_secret=True,
    ),
    Setting("verify_ssl", _parse_verify_ssl, "whether the certificate is checked, or the path of a CA bundle"),
    Setting("proxies", _parse_proxies, "address of a proxy, or scheme -> address", is_secret=True),
    Setting(
        "cloud_storage",
        _parse_cloud_storage,
        "how the server opens the buckets that hold the media, as its API names it, as a mapping or its JSON",
        is_secret=True,
    ),
    Setting(
        "timeout",
        _parse_number("timeout", float, 0.001, "a number of seconds"),
        "seconds without an answer after which a request fails",
    ),
    Setting(
        "retries",
        _parse_number("retries", int, 0, "a whole number, 0 or more"),
        "how often a request that may be repeated is repeated",
    ),
    Setting("max_tasks", _parse_number("max_tasks", int, 1, "a whole number, 1 or more"), "tasks that a request makes"),
    Setting(
        "max_bytes",
        _parse_number("max_bytes", int, 1024, "a whole number, 1024 or more"),
        "bytes that a request sends, unless a single task or file has more",
    ),
    Setting(
        "max_file_bytes",
        _parse_number("max_file_bytes", int, 1024, "a whole number, 1024 or more"),
        "bytes of the largest file that the server takes",
    ),
    Setting("project_name", _as_given, "title of the project, 3 to 50 characters, new or there", of_run=True),
    Setting("project_id", parse_project_id, "number of a project that is there, which gets the tasks", of_run=True),
    Setting(
        "workspace",
        parse_workspace,
        "title or id of the workspace that a new project goes into, of Enterprise and Starter Cloud",
        of_run=True,
    ),
    Setting(
        "existing_tasks",
        Choice("existing_tasks", "new", "skip", "predict"),
        "what becomes of samples that a project which is there shows already",
        of_run=True,
    ),
    Setting(
        "labeling_config",
        parse_labeling_config,
        "labeling config of one's own for the new project: XML, or the path of a file",
        of_run=True,
    ),
    Setting("mask_tool", Choice("mask_tool", "brush", "bitmask"), "what draws masks", of_run=True),
    Setting(
        "keyframe_tolerance",
        parse_keyframe_tolerance,
        "how far boxes of tracks may be off between the keyframes that are sent",
        of_run=True,
    ),
    Setting("frame_start", parse_frames("frame_start"), "the first frame of videos that is sent, from 0", of_run=True),
    Setting("frame_stop", parse_frames("frame_stop"), "the last frame of videos that is sent, from 0", of_run=True),
    Setting(
        "overwrite_masks",
        Switch("overwrite_masks"),
        "whether an edited mask that was read from a file is written to that file",
        of_run=True,
    ),
    Setting("scalar_types", parse_scalar_types, "new scalar field -> kind of its values", of_run=True),
    Setting(
        "unlisted_classes",
        Choice("unlisted_classes", "leave", "refuse"),
        "what becomes of existing labels and values that are not in `classes`",
        of_run=True,
    ),
    Setting("parts", parse_parts, "number of parts in which other processes send the run", of_run=True),
    Setting("media", _as_given, "how the server gets to read the media", of_run=True),
    Setting(
        "show_media",
        Switch("show_media", default=True),
        "whether tasks show the media of samples, where all labels are on values of theirs",
        of_run=True,
    ),
    Setting(
        "unusable_media",
        Choice("unusable_media", "refuse", "skip", "convert"),
        "what becomes of media that browsers do not show",
        of_run=True,
    ),
    Setting(
        "local_files_root", _as_given, "the folder of this machine that is the server's document root", of_run=True
    ),
    Setting("local_files_server_root", _as_given, "the same folder as the server calls it", of_run=True),
    Setting(
        "group_slices",
        parse_group_slices,
        "slices of groups that one task shows beside each other: all, or their names",
        of_run=True,
    ),
    Setting("task_fields", parse_task_fields, "fields of samples whose values tasks carry", of_run=True),
    Setting(
        "upload_as",
        Choice("upload_as", "predictions", "annotations"),
        "whether labels are sent as predictions, or as finished annotations",
        of_run=True,
    ),
    Setting(
        "ground_truth",
        Switch("ground_truth"),
        "whether the annotations that are sent are marked as ground truth",
        of_run=True,
    ),
    Setting(
        "on_conflict",
        Choice("on_conflict", "annotator", "dataset", "keep_both"),
        "what a load makes of what was changed in FiftyOne and in Label Studio",
        of_run=True,
        of_load=True,
    ),
    Setting(
        "annotations",
        _parse_annotations,
        "which annotation of a task counts in loads of the run",
        of_run=True,
        of_load=True,
    ),
    Setting(
        "provenance",
        _parse_provenance,
        "where loads write who answered: in the labels that were changed, or in a field of the samples",
        of_run=True,
        of_load=True,
    ),
    Setting(
        "skipped",
        Choice("skipped", *SKIPPED, has_default=False),
        "what becomes of skipped tasks in loads: they are left alone, or their samples get a tag",
        of_run=True,
        of_load=True,
    ),
    Setting(
        "full",
        Switch("full"),
        "whether a load looks at all tasks, whatever was changed since the last one",
        of_load=True,
    ),
    Setting(
        "sampling",
        Choice("sampling", "sequential", "uniform", "uncertainty", has_default=False),
        "in which order a new project serves its tasks",
        of_run=True,
    ),
    Setting("score_field", parse_score_field, "field of samples whose value is the score of predictions", of_run=True),
    Setting(
        "score_order",
        Choice("score_order", "lowest", "highest"),
        "whether the samples with the lowest or the highest values are served first",
        of_run=True,
    ),
    Setting("export_dir", parse_export_dir, "folder that tasks are written to, in place of a server", of_run=True),
)
"""Every setting, a row each."""

CONNECTION_SETTINGS = tuple(row.name for row in SETTINGS if not row.of_run and not row.of_load)
RUN_SETTINGS = tuple(row.name for row in SETTINGS if row.of_run)
LOAD_SETTINGS = tuple(row.name for row in SETTINGS if row.of_load)
SECRET_SETTINGS = tuple(row.name for row in SETTINGS if row.is_secret)
_PARSERS = {row.name: row.parse for row in SETTINGS}
LOAD_PARSERS = {row.name: row.parse for row in SETTINGS if row.of_load}
