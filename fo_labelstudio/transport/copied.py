"""Media files are copied beside the tasks that are written without a server, which then serves them from its disk."""

from __future__ import annotations

import filecmp
import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from fo_labelstudio.transport.files import FILES
from fo_labelstudio.transport.local_files import address_of
from fo_labelstudio.transport.transport import MediaSettings, Target, Transport
from fo_labelstudio.transport.upload import inspect

FOLDER = "images"
"""Name of the folder with the copies, in that of the tasks."""


class Copies:
    """The copies in one folder; a :class:`Writer`.

    Args:
        settings: whether media are converted that cannot be shown as they are
        target: the folder of the tasks, whose own folder is to be the server's document root
    """

    def __init__(self, settings: MediaSettings, target: Target):
        self._converts = settings.converts
        self._files = FILES[settings.medium]
        self._folder = target.folder / FOLDER
        self._start = target.start
        self._below = f"{target.folder.name}/{FOLDER}"
        self._names: dict[str, str] = {}
        self._taken: set[str] = set()
        self._made: list[Path] = []
        self._has_made_folder = False

    def send(self, paths: Sequence[str]) -> list[str]:
        """Copies files under their own names, with a number behind those that are taken; see :class:`Sender`."""
        if not self._folder.exists():
            self._folder.mkdir()
            self._has_made_folder = True
        for path in paths:
            if path not in self._names:
                self._names[path] = self._copy(path)
        return [address_of(f"{self._below}/{self._names[path]}", self._start) for path in paths]

    def undo(self) -> None:
        """Takes the copies away."""
        for path in self._made:
            path.unlink(missing_ok=True)
        if self._has_made_folder:
            # Somebody may have put something else there.
            with suppress(OSError):
                self._folder.rmdir()

    def _copy(self, path: str) -> str:
        content, extension = None, os.path.splitext(path)[1].lower()
        if self._converts and self._files.inspect(path, False).problem:
            content, extension = self._files.read(path, True)
        stem, number = os.path.splitext(os.path.basename(path))[0], 1
        while True:
            name = f"{stem}{f'-{number}' if number > 1 else ''}{extension}"
            number += 1
            # Not every file system tells capitals from small letters.
            if name.casefold() in self._taken:
                continue
            place = self._folder / name
            if place.exists() and (content is not None or not filecmp.cmp(path, place, shallow=False)):
                continue
            self._taken.add(name.casefold())
            if not place.exists():
                self._made.append(place)
                if content is None:
                    shutil.copyfile(path, place)
                else:
                    place.write_bytes(content)
            return name


TRANSPORT = Transport(inspect, None, Copies)
