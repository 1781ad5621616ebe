"""The annotation backend that connects FiftyOne datasets to Label Studio.

Importing this package is light: FiftyOne is imported where it is needed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import fiftyone.core.collections as foc

__version__ = "0.1.0"

CONFIG_CLS = "fo_labelstudio.backend.LabelStudioBackendConfig"
"""Where FiftyOne finds the backend; saved runs store this address."""


def register(name: str = "labelstudio") -> None:
    """Makes ``backend=name`` this package's in ``annotate()``, for the rest of the session.

    Args:
        name: a name for the backend
    """
    import fiftyone as fo

    fo.annotation_config.backends.setdefault(name, {})["config_cls"] = CONFIG_CLS


def send_part(
    samples: foc.SampleCollection | str,
    anno_key: str,
    part: int,
    progress: Callable[[int, int], None] | None = None,
    **connection: Any,
) -> int:
    """Sends one part of a run that ``annotate(..., parts=<number>)`` has made, from any process that reaches the same
    database, media and server.

    Parts may be sent at the same time. One that stopped half-way is continued by the same call. When all are sent,
    ``annotate()`` without ``parts`` completes the run.

    Args:
        samples: the dataset of the run, any view into it, or its name
        anno_key: the key of the run
        part: which part, from 1 to the number of parts
        progress: called now and then with the number of tasks that there are and of those that there will be
        **connection: settings of the connection, as ``load_annotations()`` takes them

    Returns:
        the number of tasks that the part has

    Raises:
        RunError: the run has no parts to send
        SampleError: media or labels that cannot be sent; names them all
        ServerError: tasks could not be made
        SettingsError: there is no such part, or a setting is unknown, missing or malformed
    """
    import fiftyone as fo

    from fo_labelstudio.dataset.internals import root_dataset

    dataset = fo.load_dataset(samples) if isinstance(samples, str) else root_dataset(samples)
    # A worker lives longer than one run.
    dataset.reload()
    config = dataset.get_annotation_info(anno_key).config
    config.load_credentials(**connection)
    tasks: int = config.build().send_part(dataset, anno_key, part, progress or (lambda made, total: None))
    return tasks
