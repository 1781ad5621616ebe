"""disagreements(): the samples of a run on which annotators do not say the same."""

from __future__ import annotations

from functools import reduce

import fiftyone.core.collections as foc
from fiftyone import ViewField as F

from fo_labelstudio.dataset.internals import root_dataset
from fo_labelstudio.errors import SettingsError
from fo_labelstudio.runs.agreement import compute_agreement, fields_of_annotators


def disagreements(samples: foc.SampleCollection, anno_key: str, iou: float = 0.5) -> foc.SampleCollection:
    """A view of the samples on which annotators disagree, those first on which they disagree most.

    The agreement is computed anew, and written, as :func:`fo_labelstudio.compute_agreement` does it.

    Args:
        samples: the dataset of the run, or a view into it
        anno_key: the key of the run
        iou: how much two shapes must overlap to be the same, in [0, 1]

    Raises:
        SettingsError: no field of the run has answers of two annotators
        LabelSchemaError: fields that cannot be compared
    """
    dataset = root_dataset(samples)
    schema = dataset.get_annotation_info(anno_key).config.label_schema or {}
    compared = [name for name in schema if len(fields_of_annotators(dataset, name, anno_key)) > 1]
    if not compared:
        raise SettingsError(
            f"annotation run {anno_key!r}: no field has answers of two annotators to compare; load with "
            "annotations='all', which gives each annotator a field"
        )
    for name in compared:
        compute_agreement(samples, name, anno_key=anno_key, iou=iou)
    # Samples that only one annotator has answered have no agreement.
    lowest = reduce(lambda one, other: one.min(other), (F(f"{name}_agreement").if_null(1.0) for name in compared))
    return samples.match(lowest < 1).sort_by(lowest)
