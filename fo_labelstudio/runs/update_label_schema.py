"""update_label_schema(): a run that is going on asks for more: classes, attributes, values of attributes."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from fo_labelstudio.convert.annotation.origin import Missing, missing_from
from fo_labelstudio.convert.labeling_config.read import is_alike
from fo_labelstudio.convert.labeling_config.write import to_labeling_config
from fo_labelstudio.convert.schema import parse_label_schema
from fo_labelstudio.convert.schema_change import as_before, changes_of, extended
from fo_labelstudio.convert.slices import asked_fields
from fo_labelstudio.dataset.label_schema import completed_label_schema
from fo_labelstudio.errors import LabelSchemaError, RunError
from fo_labelstudio.log import logger
from fo_labelstudio.messages import listed
from fo_labelstudio.remote.client import Client
from fo_labelstudio.runs.annotate import RunRegister
from fo_labelstudio.runs.existing_project import in_names_of
from fo_labelstudio.runs.labeling_config import NEWEST_TAGS
from fo_labelstudio.runs.ongoing import ongoing
from fo_labelstudio.runs.ports import ConfigHolder
from fo_labelstudio.runs.project import project_url
from fo_labelstudio.runs.run import labeling_config_of
from fo_labelstudio.runs.server import tasks_in
from fo_labelstudio.runs.state import RunState
from fo_labelstudio.settings import parse_labeling_config

_DOUBT = timedelta(seconds=60)
"""Before and after the change, in which it cannot be told what an annotator was shown: clocks differ, and pages that
are open keep the labeling config that they began with."""


_SINCE_1_0 = ' decoder="ffmpeg"'
"""What 1.0 did not write into labeling configs."""


def update_label_schema(
    register: RunRegister,
    results: RunState,
    label_schema: Mapping[str, Any],
    labeling_config: str | os.PathLike[str] | None = None,
    holder: ConfigHolder | None = None,
) -> None:
    """Adds classes, attributes and values of attributes to the label schema of a run, and to its project.

    Args:
        register: keeps the run
        results: the results of the run, which are saved
        label_schema: field of the run -> ``classes``, ``attributes`` or ``mask_targets``, as ``annotate()`` takes them:
            lists of classes and of values are whole; fields and attributes that are not named stay as they are
        labeling_config: the labeling config that the project is to get, where it has one of the user's own
        holder: what holds the labeling config; the run's project by default

    Raises:
        LabelSchemaError: something would be taken away or changed; names all of it, and nothing was changed
        LabelingConfigError: the labeling config does not fit
        RunError: the labeling config of the project is not the run's own
        ServerError: the server refuses the labeling config; nothing was changed
    """
    with ongoing(results):
        given = parse_labeling_config(labeling_config)
        _check_owner(results, given)
        slices = results.config.group_slices or ()
        client: Client | None = None
        if holder is None:
            client = results.connect_to_api().client
            holder = tasks_in(client, results.config.saved_state)
        before = results.config.label_fields()
        version = NEWEST_TAGS if client is None else client.version
        schema = _extended(results, label_schema, version, given)
        fields = parse_label_schema(schema)
        changes = changes_of(before, fields)
        if changes:
            raise LabelSchemaError(f"the label schema can only grow, so nothing was changed:{listed(changes)}")
        made_with = labeling_config_of(results.config) or to_labeling_config(before, slices)
        wanted = given or to_labeling_config(fields, slices)
        found = holder.state().labeling_config or ""
        _check_untouched(results, found, (made_with, made_with.replace(_SINCE_1_0, ""), wanted), given)
        if client is not None:
            client.check_labeling_config(wanted)
        new, old = asked_fields(fields, slices), asked_fields(before, slices)
        _replace(results, holder, wanted, missing_from(made_with, new, given), missing_from(found, old, made_with))
        results.config.label_schema = schema
        if given is not None:
            results.config.labeling_config = given
            results.config.saved_state.pop("labeling_config", None)
        results.save_config()
        results.save()
        logger.info("Pages that are open show what was added once they are loaded again")


def _check_owner(results: RunState, given: str | None) -> None:
    config = results.config
    if not config.saved_state.get("owns_project", True):
        raise RunError(
            f"annotation run {results.key!r} is in project {results.project_id}, which was there before and keeps its "
            "labeling config; add what you need there, and annotate under another anno_key",
            results.project_id,
        )
    if given is not None and config.group_slices:
        raise RunError(
            f"annotation run {results.key!r} shows the slices of groups by the labeling config that is made of its "
            "label schema; leave labeling_config out",
            results.project_id,
        )
    if labeling_config_of(config) is not None and given is None:
        raise RunError(
            f"annotation run {results.key!r} has a labeling config that is not made of its label schema; pass "
            "labeling_config=..., which has what is new and all that the project has now",
            results.project_id,
        )


def _extended(
    results: RunState, label_schema: Mapping[str, Any], version: str, labeling_config: str | None
) -> dict[str, Any]:
    """The whole label schema, with what is new.

    Raises:
        LabelSchemaError: something would be taken away or changed, or cannot be asked for
    """
    config, dataset = results.config, results.dataset
    merged, problems = extended(config.label_schema, label_schema)
    if problems:
        raise LabelSchemaError(f"the label schema can only grow, so nothing was changed:{listed(problems)}")
    for name in label_schema:
        info = {**merged[name], "existing_field": dataset.get_field(name) is not None}
        completed = completed_label_schema(
            {name: info},
            dataset,
            version,
            config.mask_tool,
            config.scalar_types or {},
            config.keyframe_tolerance,
            config.show_media,
            config.media_field,
        )
        merged[name] = as_before(completed[name], config.label_schema[name])
    if labeling_config is not None:
        merged = in_names_of(labeling_config, merged, config.task_fields or (), True, "labeling_config")
    return merged


def _check_untouched(results: RunState, found: str, known: Sequence[str], given: str | None) -> None:
    """Refuses to replace a labeling config that somebody has changed in Label Studio."""
    if given is None and not any(is_alike(found, one) for one in known):
        raise RunError(
            f"somebody has changed the labeling config of project {results.project_id}, see "
            f"{project_url(results.config.url or '', results.project_id or 0)}, which would be lost; pass "
            "labeling_config=..., which has what is new and all that the project has now",
            results.project_id,
        )


def _replace(results: RunState, holder: ConfigHolder, wanted: str, added: Missing, lacking: Missing) -> None:
    """Gives the project its labeling config, and remembers since when people are shown what is new.

    Args:
        results: the results of the run
        holder: what holds the labeling config
        wanted: the labeling config
        added: what nobody was shown before
        lacking: what the labeling config lacked of what the run asked for before
    """
    start = holder.time()
    holder.set_labeling_config(wanted)
    end = holder.time()
    rows = [(row["until"], Missing.of_json(row) | added) for row in results.configs]
    last = max((until for until, _ in rows), default="")
    rows.insert(0, ("", added))
    if start is None or end is None:
        rows.append((last, lacking | added))
    else:
        rows.append((max(last, (start - _DOUBT).strftime(_TIME)), lacking | added))
        rows.append((max(last, (end + _DOUBT).strftime(_TIME)), Missing()))
    results.configs = [{"until": until, **missing.to_json()} for until, missing in rows]


_TIME = "%Y-%m-%dT%H:%M:%S"
"""How the server writes times, but for fractions of seconds and the Z."""
