"""What an annotation run sends, and what it was asked for."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from dataclasses import field as dataclass_field
from typing import Any, Protocol

import fiftyone.core.collections as foc

from fo_labelstudio.convert.media.medium import Medium
from fo_labelstudio.convert.records import LabelField, medium_of_fields
from fo_labelstudio.convert.task.score import BY_CONFIDENCE, Scoring
from fo_labelstudio.convert.task.write import Finished
from fo_labelstudio.dataset.frame_ranges import FrameRange, FrameSetting, ranges_of
from fo_labelstudio.dataset.groups import Groups, groups_of
from fo_labelstudio.dataset.internals import root_dataset
from fo_labelstudio.dataset.label_schema import with_mask_paths
from fo_labelstudio.dataset.plain_frames import without_frame_filters
from fo_labelstudio.dataset.score_field import scoring_of
from fo_labelstudio.errors import SettingsError
from fo_labelstudio.remote.client import Client
from fo_labelstudio.runs.project import default_title
from fo_labelstudio.settings import ConnectionSettings
from fo_labelstudio.transport import TRANSPORTS
from fo_labelstudio.transport.files import FILES
from fo_labelstudio.transport.transport import MediaSettings, Sender, Senders, Target, Writer, Writers


class RunConfig(Protocol):
    """What annotate() was asked for, as it is saved with the run; FiftyOne's config of the backend is one.

    Attributes:
        label_schema: the label schema
        media_field: the field that holds the paths of the media
        url: the server of the run
        run_state: the run's ``token``, its ``project_id`` and whether it is ``complete``; where the project was there
            before, ``owns_project`` is False, and the state says what the project was: its ``labeling_config``, its
            ``model_version``, its ``last_task`` and its ``storages``; None before annotate()
    """

    label_schema: dict[str, Any]
    media_field: str
    url: str | None
    run_state: dict[str, Any] | None
    media: str
    local_files_root: str | None
    local_files_server_root: str | None
    unusable_media: str
    task_fields: Sequence[str] | None
    group_slices: str | Sequence[str] | None
    unlisted_classes: str
    mask_tool: str
    keyframe_tolerance: float
    show_media: bool
    frame_start: FrameSetting
    frame_stop: FrameSetting
    scalar_types: dict[str, str] | None
    project_name: str | None
    project_id: int | None
    workspace: str | int | None
    existing_tasks: str
    labeling_config: str | None
    parts: int | None
    overwrite_masks: bool | None
    export_dir: str | None
    upload_as: str
    ground_truth: bool
    on_conflict: str
    sampling: str | None
    score_field: str | None
    score_order: str
    annotations: str | None
    provenance: str | None
    skipped: str | None

    @property
    def saved_state(self) -> dict[str, Any]:
        """The state of the run; empty where annotate() has not registered it."""
        ...

    def label_fields(self) -> tuple[LabelField, ...]:
        """The label fields of the label schema."""
        ...

    def load_credentials(self, **settings: Any) -> None:
        """Takes settings of the connection."""
        ...

    def connection_settings(self) -> ConnectionSettings:
        """How to reach the server."""
        ...

    def serve_shared_files(self, samples: Any) -> None:
        """Has the server read the media from its disk, where it can and nothing was said."""
        ...

    def choose_media_of_files(self, samples: Any) -> None:
        """Has tasks that are written to files name media in the way that fits them, where nothing was said."""
        ...

    def serialize(self) -> dict[str, Any]:
        """The config as it is saved."""
        ...


@dataclass(frozen=True)
class Run:
    """What an annotation run sends.

    Attributes:
        samples: the collection
        fields: the label fields
        media_field: the field that holds the paths of the media
        token: tells the tasks of this run from all others
        media: how the server gets to read the media
        sample_ids: the samples, or the groups, that are sent, where that is a part of the collection
        task_fields: the fields of samples that tasks carry in their data
        leaves_unlisted: whether labels whose class is not in the label schema are left out, rather than refused
        labeling_config: the labeling config of the user's own, or None
        finished: how labels are sent as finished annotations; None where they are sent as predictions
        scoring: how predictions are scored
        complete_fields: names of the fields of which no label is left out for its class
        ranges: id of a sample, or of a clip -> the frames that its task is about, where these are not all
        slices: the slices of groups that a task shows beside each other; none where it shows one sample
        groups: id of a group -> slice -> id of its sample, where tasks show groups
    """

    samples: foc.SampleCollection
    fields: Sequence[LabelField]
    media_field: str
    token: str
    media: MediaSettings
    sample_ids: Sequence[str] | None = None
    task_fields: Sequence[str] = ()
    leaves_unlisted: bool = False
    labeling_config: str | None = None
    finished: Finished | None = None
    scoring: Scoring = BY_CONFIDENCE
    complete_fields: Collection[str] = ()
    ranges: Mapping[str, FrameRange] = dataclass_field(default_factory=dict)
    slices: Sequence[str] = ()
    groups: Groups = dataclass_field(default_factory=dict)

    @property
    def medium(self) -> Medium:
        """What its samples are."""
        return medium_of_fields(self.fields)

    @property
    def size(self) -> int:
        """How many samples are sent, or groups of them."""
        if self.sample_ids is not None:
            return len(self.sample_ids)
        return len(self.groups) if self.slices else len(without_frame_filters(self.samples))

    @property
    def all_ids(self) -> list[str]:
        """The ids of all samples of the collection, or of its groups."""
        if self.slices:
            return list(self.groups)
        ids: list[str] = without_frame_filters(self.samples).values("id")
        return ids


def run_of(config: RunConfig, samples: foc.SampleCollection, token: str) -> Run:
    """What a run sends.

    Args:
        config: what annotate() was asked for
        samples: the collection of the run
        token: the token of the run
    """
    connection = config.connection_settings()
    fields = config.label_fields()
    _check_made(config, medium_of_fields(fields))
    media = MediaSettings(
        config.media,
        config.local_files_root,
        config.local_files_server_root,
        config.unusable_media,
        connection.cloud_storage,
        connection.retries,
        medium=medium_of_fields(fields).name,
        max_file_bytes=connection.max_file_bytes,
    )
    return Run(
        with_mask_paths(samples, config.label_schema),
        fields,
        config.media_field,
        token,
        media,
        task_fields=tuple(config.task_fields or ()),
        leaves_unlisted=config.unlisted_classes == "leave",
        labeling_config=config.labeling_config,
        finished=Finished(config.ground_truth) if config.upload_as == "annotations" else None,
        scoring=scoring_of(samples, config.score_field, config.score_order, config.sampling),
        ranges=ranges_of(samples, config.frame_start, config.frame_stop),
        slices=config.group_slices or (),
        groups=groups_of(samples, config.group_slices),
    )


def _check_made(config: RunConfig, medium: Medium) -> None:
    """Refuses ways to the server that only take files as they are, where others are made of them.

    Raises:
        SettingsError: the run has such a way
    """
    files = FILES.get(medium.name)
    is_sent = TRANSPORTS[config.media].converts and (config.export_dir is None or config.media == "copy")
    if files is not None and files.made is not None and not is_sent:
        way = "upload" if config.export_dir is None else "copy"
        raise SettingsError(
            f"media={config.media!r} is not possible for labels that are drawn on a {medium.noun}, for its pages are "
            f"images that are made of it; pass media={way!r}"
        )


def sender_of(run: Run, client: Client, state: Mapping[str, Any]) -> Senders[Sender]:
    """What gets the media of a run to its project.

    Args:
        run: the run
        client: the server
        state: the state of the run, whose project is there
    """

    def made(medium: str) -> Sender:
        media = replace(run.media, keeps_storages=not state.get("owns_project", True), medium=medium)
        sender = TRANSPORTS[media.transport].sender
        if sender is None:
            raise TypeError(f"media={media.transport!r} sends nothing")
        return sender(client, state["project_id"], media)

    return Senders(made)


def writer_of(run: Run, target: Target) -> Writers:
    """What names the media of a run in files with its tasks."""

    def made(medium: str) -> Writer:
        writer = TRANSPORTS[run.media.transport].writer
        if writer is None:
            raise TypeError(f"media={run.media.transport!r} takes a server")
        return writer(replace(run.media, medium=medium), target)

    return Writers(made)


def title_of(config: RunConfig, samples: foc.SampleCollection) -> str:
    """The title that the project of a run is to have."""
    return config.project_name or default_title(root_dataset(samples).name)


def labeling_config_of(config: RunConfig) -> str | None:
    """The labeling config that a run was made with, where it is somebody else's; None where it is ours."""
    of_project: str | None = config.saved_state.get("labeling_config")
    return of_project or config.labeling_config
