"""send_part(): one part of a run -> tasks on the server, from any process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import fiftyone as fo
import fiftyone.core.collections as foc

from fo_labelstudio.dataset.internals import root_dataset
from fo_labelstudio.dataset.run_lock import sole_sender
from fo_labelstudio.errors import RunError, SettingsError
from fo_labelstudio.remote.client import Client
from fo_labelstudio.runs.prepare import prepared_tasks
from fo_labelstudio.runs.run import run_of, sender_of
from fo_labelstudio.runs.send import make_tasks, part_of_run
from fo_labelstudio.runs.server import tasks_in


def send_part(
    samples: foc.SampleCollection | str,
    anno_key: str,
    part: int,
    report: Callable[[int, int], None],
    connection: dict[str, Any],
) -> int:
    """Sends a part of a run; see :func:`fo_labelstudio.send_part`."""
    dataset = fo.load_dataset(samples) if isinstance(samples, str) else root_dataset(samples)
    # A worker lives longer than one run.
    dataset.reload()
    config = dataset.get_annotation_info(anno_key).config
    config.load_credentials(**connection)
    state, parts = config.run_state or {}, config.parts
    if parts is None or state.get("complete") or state.get("project_id") is None:
        raise RunError(
            f"annotation run {anno_key!r} has no parts to send; it is made with annotate(..., parts=<number>), and "
            "complete once annotate() was called without parts",
            state.get("project_id"),
        )
    if part not in range(1, parts + 1):
        raise SettingsError(f"part is {part!r}, expected a whole number from 1 to {parts}")
    backend = config.build()
    client: Client = backend.connect_to_api().client
    run = part_of_run(run_of(config, backend.load_run_view(dataset, anno_key), state["token"]), part, parts)
    with sole_sender(dataset, anno_key, part):
        sink, sender = tasks_in(client, state), sender_of(run, client, state)
        tasks: dict[str, int] = {}
        make_tasks(run, prepared_tasks(run), sink, sender, tasks, lambda made: report(made, run.size))
        return len(tasks)
