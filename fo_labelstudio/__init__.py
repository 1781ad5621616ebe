"""The annotation backend that connects FiftyOne datasets to Label Studio.

Importing this package is light: FiftyOne is imported where it is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
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
    from fo_labelstudio.runs.send_part import send_part

    return send_part(samples, anno_key, part, progress or (lambda made, total: None), connection)


def load_annotations(
    samples: foc.SampleCollection,
    anno_key: str,
    dest_field: str | Mapping[str, str] | None = None,
    unexpected: Any = "prompt",
    cleanup: bool = False,
    **connection: Any,
) -> dict[str, Any] | None:
    """Loads what people submitted in an annotation run, as ``dataset.load_annotations()`` does.

    Args:
        samples: the dataset of the run, or any view into it
        anno_key: the key of the run
        dest_field: where the labels go: the name of a field, or a dict: field of the run -> name of a field; by default
            into the fields of the run
        unexpected: what becomes of labels that the label schema does not expect: ``"prompt"``, ``"ignore"``,
            ``"keep"``, ``"return"``, the label types that are kept, or a dict: label type -> name of a field
        cleanup: whether the run's project is deleted afterwards, unless something was left in it
        **connection: settings of the connection

    Returns:
        with ``unexpected="return"``, the unexpected labels if there are any: label field -> label type -> sample id ->
        label id -> label; the ids are those of frames where the run is on frames of videos. None otherwise

    Raises:
        RunError: the run is not complete, its project is gone, or it is no run of Label Studio's
        ServerError: a download failed; nothing was loaded
        SettingsError: ``dest_field`` makes no sense, or a setting is unknown, missing or malformed
        LabelSchemaError: a field cannot hold the labels, or a field was renamed; nothing was loaded
    """
    from fo_labelstudio.runs.load_annotations import load_annotations
    from fo_labelstudio.runs.load_options import LoadOptions

    return load_annotations(samples, anno_key, LoadOptions(dest_field, unexpected), cleanup, connection)


def to_labeling_config(
    label_schema: Mapping[str, Any] | Iterable[str], samples: foc.SampleCollection | None = None
) -> str:
    """The labeling config (XML) that ``annotate()`` would give the project of a label schema, to start one's own from.

    No server is asked, and the dataset is only read.

    Args:
        label_schema: the label schema, as ``annotate()`` takes it; ``mask_targets`` stand in it
        samples: the collection that has the fields; without it, the label schema must say each field's type and classes

    Raises:
        LabelSchemaError: a field or an attribute cannot be annotated as asked
    """
    from fo_labelstudio.backend import LabelStudioBackendConfig
    from fo_labelstudio.runs import labeling_config

    backend = LabelStudioBackendConfig("labelstudio", None).build()
    return labeling_config.to_labeling_config(label_schema, samples, backend)
