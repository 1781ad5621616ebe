"""The annotation backend that connects FiftyOne datasets to Label Studio.

Importing this package is light: FiftyOne is imported where it is needed.
"""

from __future__ import annotations

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
