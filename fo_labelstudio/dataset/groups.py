"""Groups of samples, whose slices one task shows beside each other."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import fiftyone.core.collections as foc
from fiftyone import ViewField as F

from fo_labelstudio.dataset.internals import is_generated, root_dataset
from fo_labelstudio.errors import SampleError, SettingsError
from fo_labelstudio.settings import ALL_SLICES

Groups = Mapping[str, Mapping[str, str]]
"""Id of a group -> slice -> id of its sample."""

_IMAGE = "image"


def chosen_slices(samples: foc.SampleCollection, asked: str | Sequence[str]) -> tuple[foc.SampleCollection, list[str]]:
    """The samples of the slices that tasks show together, each as a sample of its own, and the names of these slices.

    Args:
        samples: a collection of groups, or one of the samples of some slices
        asked: the names of slices, or ALL_SLICES for those of the collection

    Raises:
        SettingsError: there are no groups, a slice is not there, or it holds no images
    """
    dataset = root_dataset(samples)
    if is_generated(samples) or dataset.group_field is None:
        raise SettingsError(
            f"group_slices is for the samples of groups, and those of dataset {dataset.name!r} are in none; leave it "
            "out, or annotate a dataset with a group field"
            if dataset.group_field is None
            else "group_slices is for samples, not for frames, clips or patches of them; leave it out"
        )
    path = f"{dataset.group_field}.name"
    is_grouped = samples.media_type == "group"
    known = list(dataset.group_slices)
    there = known if is_grouped or asked != ALL_SLICES else samples.distinct(path)
    names = [name for name in known if name in there] if asked == ALL_SLICES else list(asked)
    unknown = [name for name in names if name not in known]
    if unknown:
        raise SettingsError(
            f"group_slices names {unknown[0]!r}, which is no slice of dataset {dataset.name!r}; it has "
            f"{', '.join(map(repr, known))}"
        )
    images = [name for name in names if dataset.group_media_types.get(name) == _IMAGE]
    others = [name for name in names if name not in images]
    if others:
        kinds = ", ".join(f"{name!r} holds {dataset.group_media_types.get(name)}" for name in others)
        remedy = f"pass group_slices={images!r}" if images else "leave it out"
        raise SettingsError(f"group_slices shows images beside each other, but {kinds}; {remedy}")
    if is_grouped:
        return samples.select_group_slices(names), names
    has_others = bool({*samples.distinct(path)} - {*names})
    return (samples.match(F(path).is_in(names)) if has_others else samples), names


def groups_of(
    samples: foc.SampleCollection, slices: Sequence[str] | None, without: Collection[str] = ()
) -> dict[str, dict[str, str]]:
    """The groups of a collection of the samples of some slices, in its order; none where there are no slices.

    Args:
        samples: the collection
        slices: the slices
        without: ids of samples that are left out

    Raises:
        SampleError: a group has two samples of a slice
    """
    if not slices:
        return {}
    field = root_dataset(samples).group_field
    found: dict[str, dict[str, str]] = {}
    problems = []
    columns = samples.values(["id", f"{field}.id", f"{field}.name"])
    for sample_id, group_id, name in zip(*columns, strict=True):
        if name not in slices or sample_id in without:
            continue
        other = found.setdefault(group_id, {}).setdefault(name, sample_id)
        if other != sample_id:
            problems.append(
                f"sample {sample_id}: its group {group_id} has another sample of slice {name!r}, {other}, and a task "
                "shows one of each; leave one of them out"
            )
    if problems:
        raise SampleError(problems)
    return {
        group_id: {name: of_slice[name] for name in slices if name in of_slice} for group_id, of_slice in found.items()
    }
