"""The FiftyOne plugin: operators for the App and for delegated workers, a module an operator.

FiftyOne runs this file under another name, so imports are absolute.
"""

from __future__ import annotations

from typing import Any

from fo_labelstudio.app.load import LoadAnnotations
from fo_labelstudio.app.send import SendForAnnotation
from fo_labelstudio.app.send_part import SendPart

OPERATORS = (
    SendForAnnotation,
    LoadAnnotations,
    SendPart,
)


def register(plugin: Any) -> None:
    """Called by FiftyOne."""
    for operator in OPERATORS:
        plugin.register(operator)
