"""The FiftyOne plugin: operators for the App and for delegated workers, a module an operator.

FiftyOne runs this file under another name, so imports are absolute.
"""

from __future__ import annotations

from typing import Any

from fo_labelstudio.app.adopt import Adopt
from fo_labelstudio.app.clean_up import CleanUp
from fo_labelstudio.app.import_project import ImportProject
from fo_labelstudio.app.load import LoadAnnotations
from fo_labelstudio.app.open import OpenInLabelStudio
from fo_labelstudio.app.panel import LabelStudioPanel
from fo_labelstudio.app.refresh import RefreshPredictions
from fo_labelstudio.app.send import SendForAnnotation
from fo_labelstudio.app.send_part import SendPart

OPERATORS = (
    SendForAnnotation,
    LoadAnnotations,
    RefreshPredictions,
    CleanUp,
    OpenInLabelStudio,
    Adopt,
    ImportProject,
    SendPart,
    LabelStudioPanel,
)


def register(plugin: Any) -> None:
    """Called by FiftyOne."""
    for operator in OPERATORS:
        plugin.register(operator)
