"""The dataset type that FiftyOne exports to and imports from; what it does stands in runs/."""

from __future__ import annotations

from typing import Any

import fiftyone.types as fot


class LabelStudioDataset(fot.LabeledImageDataset):  # type: ignore[misc]
    """A folder with tasks of Label Studio's and their images.

    It holds ``tasks.json``, as Label Studio's import page takes it and as it exports it, ``labeling_config.xml``,
    ``label_schema.json``, which says what the fields are in FiftyOne, and ``images/``.
    """

    def get_dataset_importer_cls(self) -> Any:
        """What reads such a folder."""
        from fo_labelstudio.runs.import_dataset import LabelStudioDatasetImporter

        return LabelStudioDatasetImporter

    def get_dataset_exporter_cls(self) -> Any:
        """What writes such a folder."""
        from fo_labelstudio.runs.export_dataset import LabelStudioDatasetExporter

        return LabelStudioDatasetExporter
