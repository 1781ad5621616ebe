"""Media files are copied beside the tasks that are written without a server, which then serves them from its disk."""

from __future__ import annotations

import filecmp
import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from fo_labelstudio.transport.files import FILES
from fo_labelstudio.transport.files.files import Content
from fo_labelstudio.transport.local_files import address_of
from fo_labelstudio.transport.transport import Inspection, Media, MediaSettings, Target, Transport


def inspect(media: Sequence[Media], settings: MediaSettings) -> list[Inspection]:
    """Looks at files."""
    inspect_one = FILES[settings.medium].inspect
    return [inspect_one(item.path, settings.converts) for item in media]


class Copies:
    """The copies in one folder; a :class:`Writer`.

    Args:
        settings: whether media are converted that cannot be shown as they are
        target: the folder of the tasks, whose own folder is to be the server's document root
    """

    def __init__(self, settings: MediaSettings, target: Target):
        self._converts = settings.converts
        self._files = FILES[settings.medium]
        name = settings.medium if self._files.made is not None else f"{settings.medium}s"
        self._folder = target.folder / name
        self._start = target.start
        self._below = f"{target.folder.name}/{name}"
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
        is_made = self._files.made is not None
        converts = is_made or (self._converts and self._files.inspect(path, False).problem is not None)
        with self._files.read(path, converts) as content:
            return self._written(path, content, converts)

    def _written(self, path: str, content: Content, is_new: bool) -> str:
        """Writes what is sent of a file.

        Args:
            path: the file
            content: what is sent of it
            is_new: whether that is something else than what it holds
        """
        stem, number = os.path.splitext(os.path.basename(path))[0], 1
        while True:
            name = f"{stem}{f'-{number}' if number > 1 else ''}{content.extension}"
            number += 1
            # Not every file system tells capitals from small letters.
            if name.casefold() in self._taken:
                continue
            place = self._folder / name
            if place.exists() and (is_new or not filecmp.cmp(path, place, shallow=False)):
                continue
            self._taken.add(name.casefold())
            if not place.exists():
                self._made.append(place)
                if is_new:
                    with place.open("wb") as file:
                        file.writelines(content.pieces())
                else:
                    shutil.copyfile(path, place)
            return name


TRANSPORT = Transport(inspect, None, Copies)
