"""A project that is there: found, and a label schema brought into the names of its labeling config."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import fiftyone.core.collections as foc

from fo_labelstudio.convert.labeling_config.label_schema import left_out_of_schema, schema_of
from fo_labelstudio.convert.labeling_config.match import Match, check_own_config, match
from fo_labelstudio.convert.labeling_config.read import needed_keys, read
from fo_labelstudio.convert.media.medium import MediaInfo, Medium
from fo_labelstudio.convert.names import data_key
from fo_labelstudio.convert.records import medium_of_fields, shown_names, shows_media
from fo_labelstudio.convert.schema import parse_label_schema, with_controls
from fo_labelstudio.convert.task.origin import SAMPLE_ID
from fo_labelstudio.dataset.internals import built_label_schema
from fo_labelstudio.dataset.label_schema import completed_label_schema
from fo_labelstudio.dataset.media import medium_of_samples
from fo_labelstudio.errors import LabelingConfigError, LabelSchemaError, RunError, ServerError, SettingsError
from fo_labelstudio.log import logger
from fo_labelstudio.messages import listed
from fo_labelstudio.remote.client import Client
from fo_labelstudio.runs.project import project_of, project_url
from fo_labelstudio.runs.run import RunConfig

_STORAGES = {"upload": (), "local_files": ("localfiles",), "cloud": ("s3", "gcs", "azure")}
"""Way in which the server gets to read media -> kinds of storages that are made for it."""

_ANY = MediaInfo(1, 1, 1, 1.0)
"""Of what is asked only which keys would say it."""

_TAKES: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(("Text", "Header"), (str, int, float)),
    **dict.fromkeys(("Paragraphs", "Chat", "List"), (str, list)),
    **dict.fromkeys(("Table", "TimeSeries", "TimeSeriesChannel"), (str, list, dict)),
}
"""What the server takes for a tag besides texts (1.23.2, ``tasks.validation._DATA_TYPES``)."""


class Existing(NamedTuple):
    """A project that is there, as it is before anything is sent to it.

    Attributes:
        id: the project
        labeling_config: its labeling config
        model_version: which predictions people start from; empty where it does not say
    """

    id: int
    labeling_config: str
    model_version: str

    def state(self, client: Client, media: str) -> dict[str, Any]:
        """What a run is to remember of it, so that it can be left as it was.

        Args:
            client: the server
            media: how the server gets to read the media
        """
        span = client.task_span(self.id)
        return {
            "owns_project": False,
            "labeling_config": self.labeling_config,
            "model_version": self.model_version,
            "last_task": span[1] if span else 0,
            "storages": {kind: list(client.storages(kind, self.id)) for kind in _STORAGES.get(media, ())},
        }


def check_asked(config: RunConfig) -> None:
    """Refuses settings that do not go together.

    Raises:
        SettingsError: names both
    """
    if config.existing_tasks == "predict" and config.upload_as == "annotations":
        raise SettingsError(
            "existing_tasks='predict' adds predictions to tasks, but upload_as is 'annotations'; leave one of them out"
        )
    if config.project_id is None:
        return
    for name, why in (
        ("project_name", "they both say which project gets the tasks"),
        ("parts", "a project that is there is sent to by one process"),
        ("labeling_config", "a project that is there keeps its own"),
        ("workspace", "a project that is there stays in its own"),
        ("sampling", "a project that is there keeps the order in which it serves its tasks"),
    ):
        if getattr(config, name) is not None:
            raise SettingsError(f"project_id and {name} are both given, but {why}; leave one of them out")


def existing_of(config: RunConfig, client: Client, own: int | None) -> Existing | None:
    """The project that is there and that a run is to be sent to; None where the run gets one of its own.

    Args:
        config: what annotate() was asked for
        client: the server
        own: the project that the run has made for itself, where an earlier call did not come to its end

    Raises:
        RunError: it is not there, or several have its name
        SettingsError: it does not go together with other settings
    """
    project_id = config.project_id
    if project_id is None and config.project_name is not None:
        found = [number for number in client.projects_titled(config.project_name) if number != own]
        if len(found) > 1:
            raise RunError(
                f"{len(found)} projects are called {config.project_name!r}: {', '.join(map(str, sorted(found)))}; pass "
                f"project_id={min(found)}, or another one of them, in place of project_name"
            )
        project_id = found[0] if found and own is None else None
    if project_id is None:
        return None
    for name in ("parts", "labeling_config", "workspace", "sampling", "group_slices"):
        if getattr(config, name) is not None:
            raise SettingsError(
                f"project_name {config.project_name!r} is the one of project {project_id}, which is there, and gets no "
                f"{name}; leave {name} out, or pass a project_name that is free"
            )
    try:
        project = project_of(client, project_id)
    except ServerError as error:
        if error.status != 403:
            raise
        project = None
    if project is None:
        raise RunError(
            f"there is no project {project_id} on {client.url} that the owner of the api_key may see; was it deleted? "
            "Pass the number in the address of a project's page, or leave project_id out to make a new one",
            project_id,
        )
    return Existing(project_id, project.get("label_config") or "", project.get("model_version") or "")


def where(existing: Existing | None, client: Client) -> str:
    """What messages call the source of a labeling config."""
    return "labeling_config" if existing is None else f"project {existing.id} at {project_url(client.url, existing.id)}"


def complete(
    backend: Any,
    samples: foc.SampleCollection,
    labeling_config: str | None,
    version: str,
    is_own: bool,
    source: str,
) -> foc.SampleCollection:
    """Has the config of a run hold its whole label schema, in the names of somebody else's labeling config if given.

    Args:
        backend: FiftyOne's object of the annotation backend, whose config is completed
        samples: the collection
        labeling_config: the labeling config of the project, where it is not made of the label schema
        version: the server's version, whose tags are used
        is_own: whether the user gives the labeling config for a new project
        source: what messages call the labeling config

    Returns:
        the samples, with the labels that the label schema takes

    Raises:
        LabelSchemaError: a field cannot be annotated as asked
        LabelingConfigError: the labeling config does not fit
    """
    config: RunConfig = backend.config
    asked, kinds, samples = _asked_label_schema(config.label_schema, samples, labeling_config, backend, source)
    config.label_schema = completed_label_schema(
        asked,
        samples,
        version,
        config.mask_tool,
        {**kinds, **(config.scalar_types or {})},
        config.keyframe_tolerance,
        config.show_media,
        config.media_field,
    )
    if labeling_config is not None:
        config.label_schema = in_names_of(
            labeling_config, config.label_schema, config.task_fields or (), is_own, source
        )
    return samples


def _asked_label_schema(
    label_schema: Mapping[Any, Mapping[str, Any]],
    samples: foc.SampleCollection,
    labeling_config: str | None,
    backend: Any,
    source: str,
) -> tuple[dict[str, Any], dict[str, str], foc.SampleCollection]:
    """The label schema of a run: that of the call, or else all that the labeling config asks.

    Args:
        label_schema: the label schema as FiftyOne completes it; without any, FiftyOne has a field None
        samples: the collection
        labeling_config: the labeling config of the project, where it is not made of the label schema
        backend: FiftyOne's object of the annotation backend
        source: what messages call the labeling config

    Returns:
        the label schema, the kinds of its scalar fields, and the samples with the labels that it takes

    Raises:
        LabelSchemaError: there is neither
        LabelingConfigError: nothing that it asks can be sent
    """
    if None not in label_schema:
        return dict(label_schema), {}, samples
    if labeling_config is None:
        raise LabelSchemaError(
            "neither label_schema nor label_field is given; pass one, or the project_id of a project that is there, "
            "whose labeling config says what is asked"
        )
    with _named(source):
        config = read(labeling_config)
        medium = medium_of_samples(samples)
        found = schema_of(config, medium)
        left_out = left_out_of_schema(config, medium)
    if left_out:
        logger.warning("What the label schema of %s does without:%s", source, listed(left_out))
    kinds = {name: info["kind"] for name, info in found.items() if "kind" in info}
    built, narrowed = built_label_schema(samples, backend, found)
    return built, kinds, narrowed


def in_names_of(
    labeling_config: str, label_schema: Mapping[str, Any], task_fields: Sequence[str], is_own: bool, source: str
) -> dict[str, Any]:
    """A label schema in the names of somebody else's labeling config.

    Args:
        labeling_config: the labeling config
        label_schema: the label schema, complete
        task_fields: the fields of samples that tasks carry
        is_own: whether the user gives it for a new project, so that all that is wrong with it is refused
        source: what messages call it

    Raises:
        LabelingConfigError: it does not fit; names each control tag, field and remedy
    """
    fields = parse_label_schema(label_schema)
    with _named(source):
        found: Match = check_own_config(labeling_config, fields) if is_own else match(fields, read(labeling_config))
        key = (found.shown.key or "") if shows_media(fields) else ""
        medium = medium_of_fields(fields)
        filled = [*medium.to_data(_ANY, found.fields[0].object_option)] if found.fields else []
        _check_keys(medium, key, filled, needed_keys(labeling_config), [*task_fields, *shown_names(fields)])
    return with_controls(label_schema, found.fields, key)


def needed_of(labeling_config: str | None, media_key: str) -> dict[str, str]:
    """The keys that the data of each task needs besides that of the media: key -> the tag that names it."""
    needed = {} if labeling_config is None else needed_keys(labeling_config)
    return {key: tag for key, tag in needed.items() if key != media_key}


def problems_of_data(data: Mapping[str, Any], needed: Mapping[str, str]) -> list[str]:
    """What of the data of a task the server would refuse, for it lacks what the labeling config needs."""
    problems = []
    for key, tag in needed.items():
        if key not in data:
            problems.append(
                f"its field for the key {key!r} is empty, which <{tag}> of the labeling config shows; fill it in, or "
                "leave the sample out"
            )
        elif not isinstance(data[key], _TAKES.get(tag, (str,))):
            problems.append(
                f"its {key!r} is {data[key]!r}, where <{tag}> of the labeling config takes texts only; pass a field "
                "of texts in task_fields"
            )
    return problems


def _check_keys(
    medium: Medium, media_key: str, filled: Sequence[str], needed: Mapping[str, str], task_fields: Sequence[str]
) -> None:
    """Refuses a labeling config whose keys cannot be filled.

    Args:
        medium: what the samples are
        media_key: the key of the address; empty where there is none
        filled: the keys of what the data of tasks say of the media file besides
        needed: the keys that the server wants
        task_fields: the fields of samples that tasks carry
    """
    carried = {data_key(name) for name in task_fields}
    if media_key in filled:
        raise LabelingConfigError(
            f"its {medium.noun} has the key {media_key!r} for its address and for its {medium.option}; use a project "
            "whose labeling config has two keys"
        )
    wanted = [("an address", f'value="${medium.name}"', media_key)]
    wanted += [(f"its {medium.option}", f'{medium.option}="${medium.option}"', key) for key in filled]
    for what, example, key in wanted if media_key else ():
        if "." in key or "[" in key or key == SAMPLE_ID:
            raise LabelingConfigError(
                f"its {medium.noun} has the key {key!r}, under which tasks cannot carry {what}; use a project whose "
                f"labeling config has a plain one, such as {example}"
            )
        if key in carried:
            raise LabelingConfigError(
                f"its {medium.noun} has the key {key!r}, which one of task_fields has too; leave that out, or clone "
                "the field under another name"
            )
    missing = [key for key in needed if key not in (media_key, SAMPLE_ID, "filename", *filled, *carried)]
    if missing:
        raise LabelingConfigError(
            f"its labeling config needs keys of each task's data that nothing fills: {', '.join(map(repr, missing))}; "
            "pass fields of the samples with these names in task_fields"
        )


@contextmanager
def _named(source: str) -> Iterator[None]:
    """Says in an error about a labeling config where that is from."""
    try:
        yield
    except LabelingConfigError as error:
        named = LabelingConfigError(f"{source}: {error}")
        named.problems = error.problems
        raise named from error
