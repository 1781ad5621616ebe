"""newest_change(): when something of a run was changed last, at the cost of one request."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import fiftyone.core.collections as foc

from fo_labelstudio.dataset.internals import root_dataset
from fo_labelstudio.errors import RunError, ServerError
from fo_labelstudio.remote.client import Client
from fo_labelstudio.settings import ConnectionSettings

_MAX_CLIENTS = 8


class _Clients:
    """Connections to servers that are asked again and again: FiftyOne forgets those of results whenever it reads a
    dataset again, as it does for each operator (1.22.1).
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: list[tuple[ConnectionSettings, Client]] = []

    def of(self, settings: ConnectionSettings) -> Client:
        """The connection with some settings; the one that there is, where there is one."""
        with self._lock:
            for known, client in self._known:
                if known.is_same(settings):
                    return client
            client = Client(settings)
            self._known.append((settings, client))
            while len(self._known) > _MAX_CLIENTS:
                self._known.pop(0)[1].close()
            return client


_CLIENTS = _Clients()


def newest_change(samples: foc.SampleCollection, anno_key: str, connection: Mapping[str, Any]) -> str | None:
    """When a task of the project of a run was changed last, as the server writes it; empty where there is none.

    The results of the run, which may be large, are not read.

    Args:
        samples: the dataset of the run, or any view into it
        anno_key: the key of the run
        connection: settings of the connection

    Returns:
        None where the server does not say

    Raises:
        RunError: the run has no project, or it is gone
        ServerError: the server cannot be reached; it is tried once
        SettingsError: a setting of the connection is missing or malformed
    """
    config: Any = root_dataset(samples).get_annotation_info(anno_key).config
    project_id = (getattr(config, "saved_state", None) or {}).get("project_id")
    if project_id is None:
        raise RunError(f"annotation run {anno_key!r} has no project that could be asked")
    config.load_credentials(**connection)
    # Whoever asks again and again need not have it repeated.
    client = _CLIENTS.of(replace(config.connection_settings(), retries=0))
    try:
        return client.newest_change(project_id)
    except ServerError as error:
        if error.status != 404:
            raise
        raise RunError(
            f"project {project_id} of annotation run {anno_key!r} is gone from {client.url}; delete the run with "
            "dataset.delete_annotation_run(), and annotate again",
            project_id,
        ) from None
