"""What an import refuses of the dataset and its fields before it changes anything."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import fiftyone as fo
import fiftyone.core.collections as foc

from fo_labelstudio.convert.families import LABEL_TYPES, family_of, label_class_of
from fo_labelstudio.convert.labeling_config.read import LabelingConfig
from fo_labelstudio.convert.media import DEFAULT, OF_SAMPLES, medium_of_type
from fo_labelstudio.convert.media.medium import UNKNOWN, Medium
from fo_labelstudio.convert.records import LabelField
from fo_labelstudio.dataset.destinations import holder_of
from fo_labelstudio.dataset.fields import attribute_name_problem, check_field
from fo_labelstudio.dataset.media import medium_of_samples
from fo_labelstudio.dataset.place import Place
from fo_labelstudio.errors import LabelSchemaError, SettingsError
from fo_labelstudio.messages import listed, quoted
from fo_labelstudio.runs.import_state import ImportState


def collection_of(samples: foc.SampleCollection | str) -> foc.SampleCollection:
    """What labels are imported into; a name is that of a dataset.

    Raises:
        SettingsError: there is no such dataset, or it is no collection of samples
    """
    if isinstance(samples, foc.SampleCollection):
        return samples
    if not isinstance(samples, str):
        raise SettingsError(
            f"sample_collection is {quoted(samples)}, expected a dataset, a view into one, or a dataset's name"
        )
    if not fo.dataset_exists(samples):
        names = listed(sorted(fo.list_datasets()))
        raise SettingsError(
            f"there is no dataset {quoted(samples)}; make it, or pass one of those that there are:{names}"
        )
    return fo.load_dataset(samples)


def check_dataset(samples: foc.SampleCollection, dataset: fo.Dataset, config: LabelingConfig | None) -> Medium:
    """Refuses a dataset whose samples no task shows.

    Args:
        samples: what is imported into
        dataset: its dataset
        config: the labeling config of the project, where it is known

    Returns:
        what the tasks show of its samples: their media, or where the project shows neither images nor videos, a value
        such as a text

    Raises:
        SettingsError: its samples are not of a medium that labels are imported for
        LabelingConfigError: the project shows and asks about other media
    """
    known = {medium.media_type: medium for medium in OF_SAMPLES}
    value = None if config is None else config.other_medium
    if dataset.media_type == UNKNOWN:
        try:
            medium = medium_of_samples(samples)
        except LabelSchemaError as error:
            if value is None:
                raise SettingsError(str(error)) from None
            return value
        return medium if config is None or config.shown(medium) or value is None else value
    if value is not None and dataset.media_type in (None, *known):
        return value
    if dataset.media_type not in (None, "group", *known):
        raise SettingsError(
            f"the samples of dataset {dataset.name!r} are of media type {dataset.media_type!r}, but labels of images "
            "and of videos are imported; pass a dataset of these, or of groups"
        )
    if config is not None and dataset.media_type is None:
        shown = [medium for medium in OF_SAMPLES if config.shown(medium)]
        if shown and DEFAULT not in shown:
            raise SettingsError(
                f"dataset {dataset.name!r} has no samples yet, so nothing tells that it is one of {shown[0].noun}s, "
                f"which the project shows; set dataset.media_type = {shown[0].media_type!r} before"
            )
    medium = medium_of_type(dataset.media_type)
    if config is not None:
        config.check_shows(medium)
    return medium


def check_names(dataset: fo.Dataset, fields: Iterable[LabelField]) -> None:
    """Refuses names that no field, or no attribute of labels, can have.

    Raises:
        LabelSchemaError: a name cannot be; names the control tag
    """
    for field in fields:
        try:
            check_field(dataset, field.name, field.question is not None)
        except LabelSchemaError as error:
            raise LabelSchemaError(
                f"{error} for what control tag {field.control!r} holds, with fields={{{field.control!r}: '<name>'}}"
            ) from None
        if not family_of(field).has_attributes:
            continue
        for attribute in field.attributes:
            problem = attribute_name_problem(attribute.name, label_class_of(field.label_type))
            if problem:
                raise LabelSchemaError(
                    f"field {field.name!r}: its labels cannot have an attribute {attribute.name!r}: {problem}; choose "
                    f"another name for it in fields"
                )


def follow_renamed(state: ImportState, fields: Sequence[LabelField], named: Collection[str]) -> None:
    """Lets the state follow fields that were renamed since the last import, to where the caller says that they are.

    Args:
        state: the state, before what it holds of fields that are gone is forgotten
        fields: the fields that are imported into
        named: names of the control tags whose fields the caller names

    Raises:
        LabelSchemaError: another field holds what was imported, and the caller does not name it
    """
    for name in [name for name in state.loaded if state.dataset.get_field(name) is None]:
        field = next((one for one in fields if one.name == name), None)
        if field is None:
            found = (one for one in fields if _holds(state, name, one, one.name) is not None)
            if (moved := next(found, None)) is not None:
                state.move(name, moved.name)
        elif field.control not in named and (holder := _holds(state, name, field)) is not None:
            raise LabelSchemaError(
                f"field {name!r} is gone, and field {holder!r} holds the labels that were imported into it; nothing "
                f"was imported. Pass fields={{{field.control!r}: {holder!r}}} to go on with that, or "
                f"fields={{{field.control!r}: {name!r}}} to make {name!r} anew"
            )


def _holds(state: ImportState, name: str, field: LabelField, only: str | None = None) -> str | None:
    """The field that holds the labels that were imported into one that is gone, or None."""
    container = LABEL_TYPES[field.label_type]
    if container is None:
        return None
    return holder_of(Place(state.dataset, name), state.loaded[name], container, only=only)
