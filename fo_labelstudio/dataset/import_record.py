"""What imports have done to a dataset, kept with it as runs of FiftyOne's; ``dataset.list_runs()`` shows them."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from typing import Any

import fiftyone as fo
from bson import json_util

from fo_labelstudio.dataset.internals import put_run_results

METHOD = "labelstudio_import"
"""The method of these runs; their keys begin with it."""


def load_origins(dataset: fo.Dataset) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The key of each run, and where its labels come from."""
    # Another session may have imported since.
    dataset.reload()
    for key in dataset.list_runs():
        config = dataset.get_run_info(key).config
        if config.method == METHOD:
            yield key, config.origin


def load_record(dataset: fo.Dataset, key: str) -> dict[str, Any]:
    """What imports have done; empty where an import was stopped before it did anything."""
    results = dataset.load_run_results(key, cache=False)
    record: dict[str, Any] = {} if results is None else results.record
    return record


def save_record(dataset: fo.Dataset, key: str, origin: Mapping[str, Any], record: Mapping[str, Any]) -> None:
    """Keeps what imports have done.

    Args:
        dataset: the dataset
        key: the key of the run
        origin: where the labels come from
        record: what imports have done, as JSON
    """
    if not dataset.has_run(key):
        dataset.register_run(key, dataset.init_run(method=METHOD, origin=dict(origin)))
    results = dataset.init_run_results(key, record={})
    # Of many samples, it is large, and FiftyOne would hold three copies of it.
    whole = {**results.serialize(), "record": record}
    with tempfile.TemporaryFile() as file:
        for piece in json.JSONEncoder(default=json_util.default).iterencode(whole):
            file.write(piece.encode())
        file.seek(0)
        put_run_results(dataset, key, file)


def delete_record(dataset: fo.Dataset, key: str) -> None:
    """Deletes what an import has done, which another one knows."""
    if dataset.has_run(key):
        dataset.delete_run(key)
