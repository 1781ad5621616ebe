"""Whether people would see an image, by each way in which the server gets to read media."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image

from fo_labelstudio.doctor.finding import OK, SKIPPED, WARNING, Case, Check, Finding, failed
from fo_labelstudio.errors import ConnectionFailedError, LabelStudioError, ServerError, SettingsError
from fo_labelstudio.remote.body import BodyError
from fo_labelstudio.remote.client import Client
from fo_labelstudio.settings import Secret, parse_media, shared_folder
from fo_labelstudio.transport import TRANSPORTS
from fo_labelstudio.transport.address import looks_like_address, parse_address
from fo_labelstudio.transport.local_files import is_below
from fo_labelstudio.transport.public_web import Web
from fo_labelstudio.transport.transport import MediaSettings

_SIDE = 16
_MOST = 2**22
"""Bytes of an image that are read; its head, which says that it is one, is shorter."""

_PROJECT = {
    "title": "FiftyOne doctor",
    "description": "Looks whether images are shown. It is deleted in a moment; if it is still here, delete it.",
    "label_config": '<View><Image name="image" value="$image"/></View>',
}


class NotTried(NamedTuple):
    """Why a way of getting media to the server is not looked at.

    Attributes:
        reason: why
        remedy: what would help
    """

    reason: str
    remedy: str


class Trial(NamedTuple):
    """An image that people should see.

    Attributes:
        path: what a sample's media field would hold
        settings: how the server gets to read it
    """

    path: str
    settings: MediaSettings


def _small_image(folder: str) -> str:
    path = Path(folder) / "doctor.png"
    Image.new("RGB", (_SIDE, _SIDE), "orange").save(path)
    return str(path)


def _uploaded(case: Case, configured: Mapping[str, Any]) -> list[Trial] | NotTried:
    own = [path for path in case.media if not looks_like_address(path)]
    if own:
        return [Trial(path, MediaSettings("upload")) for path in own]
    folder = case.leftovers.enter_context(tempfile.TemporaryDirectory(prefix="fo-labelstudio-doctor-"))
    return [Trial(_small_image(folder), MediaSettings("upload"))]


def _on_shared_disk(case: Case, configured: Mapping[str, Any]) -> list[Trial] | NotTried:
    root = configured.get("local_files_root") or shared_folder()
    if not root:
        return NotTried("not set up", "it takes the setting local_files_root")
    parse_media("local_files", root, tuple(TRANSPORTS))
    settings = MediaSettings("local_files", root, configured.get("local_files_server_root"))
    own = [path for path in case.media if not looks_like_address(path) and is_below(path, root)]
    if own:
        return [Trial(path, settings) for path in own]
    try:
        folder = tempfile.mkdtemp(prefix="fo-labelstudio-doctor-", dir=root)
    except OSError as error:
        reason = f"no image can be written below {root} ({error.strerror})"
        return NotTried(reason, "name one that is there: --media PATH")
    case.leftovers.callback(shutil.rmtree, folder)
    # The server may run as another user.
    os.chmod(folder, 0o755)
    return [Trial(_small_image(folder), settings)]


def _elsewhere(case: Case, configured: Mapping[str, Any]) -> list[Trial] | NotTried:
    addresses = [path for path in case.media if looks_like_address(path)]
    if not addresses:
        return NotTried("no image is named", "to look at a bucket or web server, pass --media ADDRESS")
    storage = Secret({}) if case.settings is None else case.settings.cloud_storage
    return [Trial(address, MediaSettings("cloud", storage=storage)) for address in addresses]


TRIALS: Mapping[str, Callable[[Case, Mapping[str, Any]], list[Trial] | NotTried]] = {
    "upload": _uploaded,
    "local_files": _on_shared_disk,
    "cloud": _elsewhere,
}
"""Transport -> the images that are tried."""


def _look(transport: str) -> Callable[[Case], Iterator[Finding]]:
    name = f"media={transport!r}"

    def look(case: Case) -> Iterator[Finding]:
        if case.client is None or not case.is_signed_in:
            yield Finding(name, SKIPPED, "not looked at, for nobody is signed in")
            return
        if not case.may_change:
            yield Finding(name, SKIPPED, "not looked at, for it would make a project")
            return
        import fiftyone as fo

        try:
            trials = TRIALS[transport](case, fo.annotation_config.backends.get(case.name, {}))
        except SettingsError as error:
            yield failed(name, error)
            return
        if isinstance(trials, NotTried):
            yield Finding(name, SKIPPED, *trials)
            return
        for trial in trials:
            yield _tried(name, case.client, case, trial)

    return look


def _tried(name: str, client: Client, case: Case, trial: Trial) -> Finding:
    """Sends an image, and fetches it as a browser does."""
    shown = f"{trial.path}: " if trial.path in case.media else ""
    sender = TRANSPORTS[trial.settings.transport].sender
    if sender is None:
        raise ValueError(f"media={trial.settings.transport!r} takes no server")
    try:
        if case.project_id is None:
            case.project_id = client.create_project(**_PROJECT)
            case.leftovers.callback(client.delete_project, case.project_id)
        (url,) = sender(client, case.project_id, trial.settings).send([trial.path])
        content = _fetched(client, case.project_id, url)
        with Image.open(BytesIO(content)) as image:
            width, height = image.size
    except ConnectionFailedError as error:
        # This machine is not the annotators'.
        return failed(name, error)._replace(state=WARNING)
    except (LabelStudioError, OSError, ValueError) as error:
        return failed(name, error)
    return Finding(name, OK, f"{shown}an image of {width} x {height} pixels is shown")


def _fetched(client: Client, project_id: int, url: str) -> bytes:
    """The beginning of a file, as the editor is handed it."""
    if not looks_like_address(url):
        opened = client.media(url)
    elif parse_address(url).kind == "web":
        return Web(client.retries).read(url, 0, _MOST)
    else:
        opened = client.stored_media(project_id, url)
    with opened as found:
        if isinstance(found, str):
            return Web(client.retries).read(found, 0, _MOST)
        content = bytearray()
        try:
            for piece in found.pieces:
                content += piece
                if len(content) >= _MOST:
                    break
        except BodyError as error:
            raise ServerError(
                f"the file broke off on its way ({error}); is there a proxy that limits answers?"
            ) from None
        return bytes(content)


CHECKS = tuple(Check(f"media={transport!r}", _look(transport)) for transport in TRIALS)
