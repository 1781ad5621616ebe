"""The fields that an import fills, and those whose labels it returns instead."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import NamedTuple

import fiftyone as fo

from fo_labelstudio.convert.families import family_of
from fo_labelstudio.convert.foreign.asked import unlisted_note
from fo_labelstudio.convert.foreign.fields import ForeignFields, can_share, fields_of, is_of_type
from fo_labelstudio.convert.foreign.observed import Observed
from fo_labelstudio.convert.foreign.which import Which
from fo_labelstudio.convert.labeling_config.read import LabelingConfig
from fo_labelstudio.convert.media import DEFAULT
from fo_labelstudio.convert.media.medium import Medium
from fo_labelstudio.dataset.internals import prompt_imported_field
from fo_labelstudio.dataset.prompt import has_terminal
from fo_labelstudio.log import logger
from fo_labelstudio.runs.import_options import KEEP, PROMPT, RETURN, ImportOptions


class ImportFields(NamedTuple):
    """What becomes of what control tags hold.

    Attributes:
        filled: the fields of the dataset that are filled
        returned: the fields whose labels are returned to the caller instead; None where that is not asked for
    """

    filled: ForeignFields
    returned: ForeignFields | None = None


def import_fields(
    config: LabelingConfig | None,
    observed: Observed | None,
    which: Which,
    options: ImportOptions,
    dataset: fo.Dataset,
    medium: Medium = DEFAULT,
) -> ImportFields:
    """The fields of an import, named as the caller wants them.

    Unexpected are labels of other types than those that are asked for, and of control tags that the labeling config
    does not have.

    Args:
        config: the labeling config of the project; None where it is not known
        observed: what its results are like, where that was looked at
        which: which answers count
        options: what is asked for
        dataset: the dataset that is imported into
        medium: what its samples are

    Raises:
        LabelSchemaError: a name is of no control tag, or control tags of different kinds are to share a field
    """
    found = fields_of(config, observed, which, options.fields, medium=medium)
    targets = _expected(found, options)
    unexpected = [name for name in found.base if name not in targets]
    choice = options.choice
    if choice == RETURN:
        return ImportFields(_named(found, targets, config, observed, which, options), found.only(unexpected))
    by_type: dict[str, list[str]] = defaultdict(list)
    for name in unexpected:
        by_type[family_of(found.base[name]).filed_as].append(name)
    for filed_as, names in by_type.items():
        target = _target(filed_as, choice, dataset)
        if target is not None:
            targets.update(_one_or_own(found, names, target) if choice == KEEP else dict.fromkeys(names, target))
    return ImportFields(_named(found, targets, config, observed, which, options))


def _expected(found: ForeignFields, options: ImportOptions) -> dict[str, str | None]:
    """Name of a field whose labels are expected -> what the caller calls it, if anything."""
    wanted = options.wanted_types
    names = [name for name in found.base if name not in found.unlisted]
    if wanted is None:
        return dict.fromkeys(names)
    expected: dict[str, str | None] = {}
    for name in names:
        field = found.base[name]
        if is_of_type(field, wanted):
            known = wanted if isinstance(wanted, Mapping) else {}
            expected[name] = known.get(field.label_type) or known.get(family_of(field).filed_as)
    return expected


def _target(filed_as: str, choice: object, dataset: fo.Dataset) -> str | None:
    """The field that receives unexpected labels of a type; None where they are left alone."""
    if choice == KEEP:
        return filed_as
    if isinstance(choice, Mapping):
        target: str | None = choice.get(filed_as)
        return target
    if isinstance(choice, Collection) and not isinstance(choice, str):
        return filed_as if filed_as in choice else None
    if choice == PROMPT and has_terminal():
        return prompt_imported_field(dataset, filed_as)
    if choice == PROMPT:
        logger.warning(
            "Skipping unexpected labels of type '%s', for nobody can be asked; unexpected='keep' keeps them, "
            "unexpected='return' returns them",
            filed_as,
        )
    return None


def _one_or_own(found: ForeignFields, names: list[str], target: str) -> dict[str, str | None]:
    """The field of each of some control tags: one for all of them if it can hold what all hold, or else its own."""
    first = found.base[names[0]]
    is_shared = len(names) == 1 or all(can_share(first, found.base[name]) for name in names)
    return dict.fromkeys(names, target if is_shared else None)


def _named(
    found: ForeignFields,
    targets: Mapping[str, str | None],
    config: LabelingConfig | None,
    observed: Observed | None,
    which: Which,
    options: ImportOptions,
) -> ForeignFields:
    """Some of the fields, under the names that the caller gives them."""
    names = dict(options.fields or {})
    places = [*found.shapes.items(), *found.images.items()]
    for (control, _), name in places:
        target = targets.get(name)
        if target is not None:
            names.setdefault(control, target)
    named = fields_of(config, observed, which, names, medium=found.medium)
    kept = {name_of for key, name in places if name in targets and (name_of := _place(named, key))}
    left = {
        control: unlisted_note(control)
        for name in found.unlisted - targets.keys()
        for control in found.controls_of(name)
    }
    notes = [note for note in named.notes if note not in left.values()]
    notes += [
        f"control tag {control!r} is not in the labeling config; left out, unless unexpected='keep'" for control in left
    ]
    return replace(named.only(kept), notes=tuple(notes))


def _place(fields: ForeignFields, key: tuple[str, str]) -> str | None:
    return fields.shapes.get(key) or fields.images.get(key)
