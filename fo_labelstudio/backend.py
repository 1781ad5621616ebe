"""The classes that FiftyOne asks for; what they do with a run stands in runs/.

Their addresses are public: saved runs store them, and FiftyOne finds the backend by cutting ``Config`` off the name of
the config class.
"""

from __future__ import annotations

import os
import webbrowser
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import fiftyone as fo
import fiftyone.utils.annotations as foua

from fo_labelstudio.convert.families import LABEL_TYPES
from fo_labelstudio.convert.media import OF_SAMPLES
from fo_labelstudio.convert.media.medium import UNKNOWN
from fo_labelstudio.convert.records import LabelField, address_key_of, lists_of, medium_of_fields
from fo_labelstudio.convert.schema import ATTRIBUTE_TYPES, parse_label_schema
from fo_labelstudio.dataset.fields import FIELDS
from fo_labelstudio.dataset.groups import chosen_slices, groups_of
from fo_labelstudio.dataset.internals import (
    is_end_of_load,
    load_arguments,
    patch,
    reload_run,
    reload_run_that_is_read,
    root_dataset,
    run_documents,
    save_run_results,
    save_run_view,
    saved_run_results,
)
from fo_labelstudio.dataset.label_schema import discover_attributes, has_keyframes, known_classes, only_type
from fo_labelstudio.dataset.prompt import ask
from fo_labelstudio.errors import RunError, SettingsError
from fo_labelstudio.log import logger
from fo_labelstudio.remote.client import Client
from fo_labelstudio.runs import annotate
from fo_labelstudio.runs.add_samples import add_samples
from fo_labelstudio.runs.cleanup import clean_up
from fo_labelstudio.runs.delete_tasks import delete_tasks
from fo_labelstudio.runs.export_tasks import write_run
from fo_labelstudio.runs.load_annotations import load_run
from fo_labelstudio.runs.load_options import LoadOptions
from fo_labelstudio.runs.project import project_url
from fo_labelstudio.runs.remove_samples import remove_samples
from fo_labelstudio.runs.run_in_notebook import run_as_html
from fo_labelstudio.runs.state import RunState, project_id_of
from fo_labelstudio.runs.status import get_status
from fo_labelstudio.runs.status_table import print_status
from fo_labelstudio.runs.tag_samples import STATES, tag_samples
from fo_labelstudio.runs.update_label_schema import update_label_schema
from fo_labelstudio.settings import (
    CONNECTION_SETTINGS,
    DEFAULT_NAME,
    LOAD_SETTINGS,
    RUN_SETTINGS,
    SECRET_SETTINGS,
    SETTINGS,
    ConnectionSettings,
    Secret,
    parse_media,
    refuse_unknown,
    resolve,
    shared_folder,
    variable,
)
from fo_labelstudio.transport import TRANSPORTS
from fo_labelstudio.transport.local_files import is_below

if TYPE_CHECKING:
    from fo_labelstudio.runs.upload_predictions import RefreshReport


class LabelStudioBackendConfig(foua.AnnotationBackendConfig):
    """Configures a :class:`LabelStudioBackend`.

    Each setting of the connection comes from the first source that has it: the call, the run (url only), the
    environment variable ``FIFTYONE_LABELSTUDIO_<SETTING>`` as it is when connecting, FiftyOne's annotation config.

    Args:
        name: the name of the backend
        label_schema: the label schema, as FiftyOne completes it
        media_field: the field that holds the paths of the media, or their addresses
        run_state: the run's token, its project and whether it is complete; written by annotate()
        config_cls: the registered class of the config, which FiftyOne hands on where a call names another; not used
        **settings: those of ``fo_labelstudio.settings.SETTINGS``, each with its meaning

    Raises:
        SettingsError: there is no such setting
    """

    project_name: str | None
    project_id: int | None
    workspace: str | int | None
    labeling_config: str | None
    media: str
    local_files_root: str | None
    export_dir: str | None
    _is_being_saved = False

    def __init__(
        self,
        name: str | None,
        label_schema: dict[str, Any] | None,
        media_field: str = "filepath",
        run_state: dict[str, Any] | None = None,
        config_cls: Any = None,
        **settings: Any,
    ):
        refuse_unknown(settings, (*CONNECTION_SETTINGS, *RUN_SETTINGS, "media_field"), name)
        super().__init__(name, label_schema, media_field=media_field)
        for row in SETTINGS:
            if row.of_run:
                setattr(self, row.name, row.parse(settings.get(row.name)))
        self.project_name = _as_typed(self.project_name, name)
        self.run_state = run_state
        places = (self.media, self.local_files_root, self.local_files_server_root, run_state)
        self._is_media_given = any(value is not None for value in places)
        if run_state is None:
            self.media = parse_media(self._media_of_files(), self.local_files_root, self._known_media())
            # What is not on the disk that the server shares is uploaded, which takes a server.
            converts = TRANSPORTS[self.media].converts and (self.export_dir is None or self.media == "copy")
            if self.unusable_media == "convert" and not converts:
                raise SettingsError(f"unusable_media='convert' is not possible with media={self.media!r}; pass 'skip'")
        else:
            # Another machine that loads the annotations need not have the folder.
            self.media = self.media or next(iter(TRANSPORTS))
        self._given: dict[str, Any] = {}
        # The url of a saved run comes after one given to load_annotations().
        self.url = None if run_state is None else settings.get("url")
        given = {key: settings[key] for key in CONNECTION_SETTINGS if key in settings}
        if run_state is not None:
            given.pop("url", None)
        # FiftyOne hands its annotation config on as if it came with the call, as it was when FiftyOne was imported.
        configured = self._configured()
        self._take(**{key: value for key, value in given.items() if value != configured.get(key)})

    def attributes(self) -> list[str]:
        """The attributes that are saved with the run: these and no others, for others may be secret."""
        return [
            *self._virtual_attributes(),
            *("name", "label_schema", "media_field", "url", *RUN_SETTINGS, "run_state"),
        ]

    def serialize(self, reflective: bool = False) -> dict[str, Any]:
        """The run as it is shown: without what is empty, and without its token, which nobody needs to see."""
        described: dict[str, Any] = super().serialize(reflective)
        if self._is_being_saved:
            return described
        state = {key: value for key, value in (described["run_state"] or {}).items() if key not in _NOT_SHOWN}
        if state.get("owns_project"):
            # As all runs did once.
            del state["owns_project"]
        described["run_state"] = state
        schema = described["label_schema"] or {}
        described["labeling_config"] = None
        described["label_schema"] = {field: _without_empty(info) for field, info in schema.items()}
        return _without_empty(described)

    @contextmanager
    def being_saved(self) -> Iterator[None]:
        """What is serialized meanwhile is whole, to be read again by this class."""
        self._is_being_saved = True
        try:
            yield
        finally:
            self._is_being_saved = False

    def load_credentials(self, **settings: Any) -> None:
        """Takes the settings of a call of ``load_annotations()`` that say how to reach the server.

        FiftyOne hands all of the call's settings on to it; the others are read where the load begins.

        Raises:
            SettingsError: there is no such setting
        """
        refuse_unknown(settings, (*CONNECTION_SETTINGS, *LOAD_SETTINGS), self.name)
        reload_run_that_is_read()
        self._take(**{name: value for name, value in settings.items() if name in CONNECTION_SETTINGS})

    def connection_settings(self) -> ConnectionSettings:
        """How to reach the server, from all sources as they are now.

        Raises:
            SettingsError: the url or the API key is missing and nobody can be asked, or a setting is malformed
        """
        found = resolve(self._given, self.url, self.name, self._configured())
        if self.export_dir is not None:
            return ConnectionSettings(**{"url": "", "api_key": Secret(""), **found})
        for setting, hidden in (("url", False), ("api_key", True)):
            if setting not in found:
                answer = ask(f"Label Studio {setting}: ", hidden)
                if answer is None:
                    raise SettingsError(
                        f"no {setting} for the Label Studio server; pass {setting}=..., or set the environment "
                        "variable "
                        f"{variable(self.name, setting)}"
                    )
                self._take(**{setting: answer})
                found = resolve(self._given, self.url, self.name, self._configured())
        return ConnectionSettings(**found)

    def serve_shared_files(self, samples: Any) -> None:
        """Has the server read the media from its disk, where its own variables say that it can and nothing was said."""
        root = None if self._is_media_given else shared_folder()
        if root is not None and all(is_below(path, root) for path in self._paths_in(samples)):
            self.media, self.local_files_root = "local_files", root
            logger.info(
                "All media are below LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT, so the server reads them there and "
                "nothing is copied; pass media='upload' to copy them"
            )

    def choose_media_of_files(self, samples: Any) -> None:
        """Has tasks that are written to files carry addresses of media, where all are addresses and nothing was said;
        or name files of the server's disk, as :meth:`serve_shared_files` has it.
        """
        if not self._is_media_given and all(path and "://" in path for path in self._paths_in(samples)):
            self.media = "cloud"
        else:
            self.serve_shared_files(samples)

    def _paths_in(self, samples: Any) -> Iterator[str | None]:
        """What names the media files that tasks show of some samples."""
        fields = self.label_fields()
        if medium_of_fields(fields).item:
            # What is made of files is on no disk that the server shares.
            yield None
        elif address_key_of(fields):
            yield from samples.values(self.media_field)
        for field in lists_of(fields).values():
            for value in samples.values(field.shows):
                is_wrong = value is not None and field.shown_value.problem_of(value)
                yield from [None] if is_wrong else field.paths_in(value)

    def label_fields(self) -> tuple[LabelField, ...]:
        """The label fields of the label schema."""
        return parse_label_schema(self.label_schema)

    @property
    def saved_state(self) -> dict[str, Any]:
        """The state of the run; empty where annotate() has not registered it."""
        return self.run_state or {}

    def _known_media(self) -> list[str]:
        """The ways in which the server can get to read the media."""
        if self.export_dir is None:
            return [name for name, transport in TRANSPORTS.items() if transport.sender is not None]
        return [name for name, transport in TRANSPORTS.items() if transport.writer is not None]

    def _media_of_files(self) -> str | None:
        """The setting ``media``, with its default where files are written."""
        if self.export_dir is None or self.media is not None:
            return self.media
        return "copy" if self.local_files_root is None else "local_files"

    def _configured(self) -> Mapping[str, Any]:
        configured: Mapping[str, Any] = fo.annotation_config.backends.get(self.name or DEFAULT_NAME, {})
        return configured

    def _take(self, **settings: Any) -> None:
        for setting, value in settings.items():
            if value is not None:
                self._given[setting] = Secret(value) if setting in SECRET_SETTINGS else value


class LabelStudioBackend(foua.AnnotationBackend):
    """Connects FiftyOne datasets to Label Studio."""

    _begun: annotate.Begun | None = None
    """The run between register_run() and upload_annotations()."""

    _api: Any
    _own_api: LabelStudioAnnotationAPI | None = None
    """The connection that was made last."""

    _written: dict[str, int] | None = None
    """The tasks that register_run() has written, where the run goes to files."""

    @property
    def supported_media_types(self) -> list[str]:
        of_groups = [] if self.config.group_slices is None else ["group"]
        return [*(medium.media_type for medium in OF_SAMPLES), UNKNOWN, *of_groups]

    @property
    def supported_label_types(self) -> list[str]:
        return list(LABEL_TYPES)

    @property
    def supported_scalar_types(self) -> list[type]:
        return list(FIELDS)

    @property
    def supported_attr_types(self) -> list[str]:
        return list(ATTRIBUTE_TYPES)

    @property
    def supports_clips_views(self) -> bool:
        return True

    @property
    def supports_keyframes(self) -> bool:
        return True

    @property
    def supports_video_sample_fields(self) -> bool:
        return True

    @property
    def requires_label_schema(self) -> bool:
        config = self.config
        return config.project_id is None and config.project_name is None and config.labeling_config is None

    def recommend_attr_tool(self, name: str, value: Any) -> dict[str, Any]:
        if isinstance(value, bool):
            return {"type": "radio", "values": [True, False]}
        if isinstance(value, (int, float)):
            return {"type": "number"}
        if isinstance(value, date):
            return {"type": "datetime" if isinstance(value, datetime) else "date"}
        if value is None:
            # FiftyOne asks so for an attribute of which only the name is given; the dataset may know more.
            return {"type": "text", "recommended": True}
        return {"type": "text"}

    def shown_samples(self, samples: Any) -> Any:
        """The samples that tasks show: of a collection of groups, those of the slices that ``group_slices`` names."""
        if self.config.group_slices is None:
            return samples
        samples, self.config.group_slices = chosen_slices(samples, self.config.group_slices)
        return samples

    def discover_attributes(
        self, samples: Any, label_field: str, classes: list[str] | None = None
    ) -> dict[str, dict[str, Any]]:
        """The attributes that ``attributes=True`` stands for."""
        return discover_attributes(samples, label_field, classes)

    def only_type(self, samples: Any, label_field: str) -> str | None:
        """The type of a label field that has labels of one type only."""
        return only_type(samples, label_field)

    def known_classes(self, samples: Any, label_field: str) -> list[str] | None:
        """The classes of a label field that exists; None where FiftyOne is to find them."""
        return known_classes(samples, label_field)

    def has_keyframes(self, samples: Any, label_field: str) -> bool:
        """Whether the tracks of a label field say which of their boxes are keyframes."""
        return has_keyframes(samples, label_field)

    def requires_attr_values(self, attr_type: str) -> bool:
        return attr_type in ("select", "radio")

    def register_run(self, samples: Any, key: str, overwrite: bool = True, cleanup: bool = True) -> None:
        """Registers the run, once it is sure that everything can be sent; see :func:`annotate.begin`, and
        :func:`write_run` for one that goes to files.
        """
        if self.config.export_dir is None:
            self._begun = annotate.begin(self, samples, key, overwrite, cleanup)
        else:
            self._written = write_run(self, samples, key, overwrite, cleanup)

    def put_run(self, samples: Any, key: str, overwrite: bool, cleanup: bool) -> None:
        """Registers the run, with its config as it is."""
        super().register_run(samples, key, overwrite=overwrite, cleanup=cleanup)

    def take_over(self, results: Any) -> None:
        """Puts the config and results in place of those of a run that another integration has made, in one step."""
        document = self._get_run_doc(results.samples, results.key)
        with run_documents, self.config.being_saved():
            reload_run(document)
            document.config = deepcopy(self.config.serialize())
        self.save_run_results(results.samples, results.key, results)

    def put_view(self, results: Any, view: Any) -> None:
        """Has a run be one on other samples."""
        save_run_view(self._get_run_doc(view, results.key), view)
        results._samples = view

    @classmethod
    def save_run_info(cls, samples: Any, run_info: Any, **options: Any) -> None:
        with run_info.config.being_saved():
            super().save_run_info(samples, run_info, **options)

    @classmethod
    def update_run_config(cls, samples: Any, key: str, config: LabelStudioBackendConfig) -> None:
        with run_documents, config.being_saved():
            super().update_run_config(samples, key, config)

    @classmethod
    def save_run_results(
        cls, samples: Any, key: str, run_results: Any, overwrite: bool = True, cache: bool = True
    ) -> None:
        if is_end_of_load():
            # The load has saved them already, and another session may have gone on from there.
            return
        if key is None or run_results is None or not overwrite:
            super().save_run_results(samples, key, run_results, overwrite=overwrite, cache=cache)
        else:
            save_run_results(cls, samples, key, run_results, cache)

    def upload_annotations(
        self, samples: Any, anno_key: str, launch_editor: bool = False
    ) -> LabelStudioAnnotationResults:
        """Sends the run; see :func:`annotate.finish`."""
        begun, self._begun = self._begun or annotate.Begun(), None
        samples = samples if begun.samples is None else begun.samples
        results = LabelStudioAnnotationResults(samples, self.config, anno_key, {}, backend=self)
        if self.config.export_dir is not None:
            results.tasks, self._written = self._written or {}, None
            results.ranges = annotate.saved_ranges(self.config, samples)
            results.groups = groups_of(samples, self.config.group_slices)
            return results
        annotate.finish(self, samples, anno_key, results, begun)
        if launch_editor:
            results.launch_editor()
        return results

    def download_annotations(self, results: LabelStudioAnnotationResults) -> dict[str, Any]:
        """Downloads what people submitted and merges it; see :func:`load_run`.

        FiftyOne's own merge rewrites every label that it is given and deletes every other one, so it is given none.

        Returns:
            label field -> label type -> sample id -> label id -> label: unexpected labels that are to be returned

        Raises:
            RunError: ``load_annotations()`` is not what calls, so that nobody says where the labels go
        """
        given = load_arguments()
        if given is None:
            raise RunError(
                "download_annotations() was called without load_annotations(), which says where the labels go; call "
                f"dataset.load_annotations({results.key!r}) or fo_labelstudio.load_annotations(dataset, "
                f"{results.key!r})",
                results.project_id,
            )
        # FiftyOne ignores the settings of a call where it has the results already (1.22.1).
        results.config.load_credentials(**given.settings)
        return load_run(results, LoadOptions.of(given.settings, results.config, given.dest_field, given.unexpected))

    def connect_to_api(self) -> Any:
        """A connection with the settings as they are now; the one that there is, where it has these."""
        if self._api is not None and self._api is self._own_api:
            if not self._own_api.settings.is_same(self.config.connection_settings()):
                # FiftyOne keeps results, and with them the connection, for later calls with other settings.
                self._api = None
        return super().connect_to_api()

    def _connect_to_api(self) -> LabelStudioAnnotationAPI:
        self._own_api = LabelStudioAnnotationAPI(self.config.connection_settings())
        return self._own_api


class LabelStudioAnnotationAPI(foua.AnnotationAPI):
    """A checked connection to a Label Studio server.

    Args:
        settings: how to reach the server

    Raises:
        ServerError: one subclass for each way in which the connection cannot be used
    """

    def __init__(self, settings: ConnectionSettings):
        self.settings = settings
        self.client = Client(settings)
        self.client.check()

    @property
    def url(self) -> str:
        """Address of the server."""
        return self.client.url

    def close(self) -> None:
        """Closes the connection."""
        self.client.close()


class LabelStudioAnnotationResults(foua.AnnotationResults, RunState):
    """The state of a run between ``annotate()`` and the last ``load_annotations()``; see :class:`RunState`.

    ``id_map`` stays without labels: FiftyOne deletes each label in it that a download does not return. What was sent is
    recorded in the tasks.
    """

    merges_itself = True
    """Whether FiftyOne has nothing to merge."""

    def __init__(
        self,
        samples: Any,
        config: LabelStudioBackendConfig,
        anno_key: str,
        id_map: dict[str, Any],
        tasks: dict[str, int] | None = None,
        loaded: dict[str, Any] | None = None,
        removed: dict[str, Any] | None = None,
        edited: dict[str, Any] | None = None,
        settled: dict[str, Any] | None = None,
        conflicts: list[dict[str, Any]] | None = None,
        configs: list[dict[str, Any]] | None = None,
        remade: list[str] | None = None,
        left_behind: list[str] | None = None,
        predicted: dict[str, dict[str, Any]] | None = None,
        tagged: dict[str, list[str]] | None = None,
        answered: dict[str, str] | None = None,
        last_load: dict[str, Any] | None = None,
        skipped: str = "",
        ranges: dict[str, list[Any]] | None = None,
        groups: dict[str, dict[str, str]] | None = None,
        changes: dict[str, Any] | None = None,
        backend: LabelStudioBackend | None = None,
    ):
        super().__init__(samples, config, anno_key, id_map, backend=backend)
        self.tasks = tasks or {}
        self.loaded = loaded or {}
        self.removed = removed or {}
        self.edited = edited or {}
        self.settled = settled or {}
        self.conflicts = conflicts or []
        self.configs = configs or []
        self.remade = remade or []
        self.left_behind = left_behind or []
        self.predicted = predicted or {}
        self.tagged = tagged or {}
        self.answered = answered or {}
        self.last_load = last_load or {}
        self.skipped = skipped
        self.ranges = ranges or {}
        self.groups = groups or {}
        self.changes = changes or {}

    @property
    def uploaded_tasks(self) -> dict[int, str]:
        """The tasks of the run: task id -> sample id, or id of a group, as FiftyOne's own integration has it."""
        return {task_id: sample_id for sample_id, task_id in self.tasks.items()}

    def get_meta(self) -> dict[str, Any]:
        return {"url": self.config.url, "project_id": self.project_id, "tasks": len(self.tasks)}

    def upload_predictions(
        self,
        samples: Any,
        label_field: str | Mapping[str, str] | None = None,
        model_version: str = "",
        *,
        answered: bool = False,
        start_from: bool | None = None,
        score_field: str | None = None,
        score_order: str | None = None,
    ) -> RefreshReport:
        """Adds the labels of samples as predictions to the tasks of the run, or replaces those of the same model.

        Nothing is sent unless all of it fits. However often it is called, and wherever it is interrupted, each task has
        one prediction of the model. What annotators have submitted, and what they have open, stays as it is.

        Args:
            samples: the samples, with the labels
            label_field: a field of the run, or another field of the dataset that stands for one; where the run has
                several, label field of the run -> field; all fields of the run where None. Labels of the other fields
                of the run are sent as they are in the dataset
            model_version: the name of the model, which tells its predictions from all others
            answered: whether tasks that have an annotation get the predictions, too
            start_from: whether people start from these predictions from now on; by default in projects of the run's own
            score_field: the field of the samples that is the score, where that is not the run's
            score_order: ``lowest`` or ``highest``: which values are served first, where that is not the run's

        Returns:
            how many predictions were added, replaced, or as they were, and how many samples were passed over

        Raises:
            SettingsError: an argument makes no sense
            LabelSchemaError: a field is not there, or the project no longer asks for it
            SampleError: labels do not fit the labeling config; names field, sample, label and class of each
            RunError: the run is not complete, or has no project
            ServerError: predictions could not be made; the same call continues
        """
        from fo_labelstudio.runs.upload_predictions import Asked, upload_predictions

        asked = Asked(label_field, model_version, answered, start_from, score_field, score_order)
        return upload_predictions(self, samples, asked)

    def launch_editor(self) -> None:
        """Opens the project in a browser.

        Raises:
            RunError: cleanup() has removed it
        """
        url = project_url(self.config.url or "", project_id_of(self))
        logger.info("Launching editor at '%s'...", url)
        webbrowser.open(url, new=2)

    def get_status(self) -> dict[str, Any]:
        """How far the run is, as the server says now; nothing is loaded.

        Returns:
            a dict of plain values:

            -   ``anno_key``, ``project_id``, ``url``: the run, its project, and where people work on it
            -   ``complete``: whether ``annotate()`` has sent everything
            -   ``tasks``: how many tasks the run has made; the sum of the next four
            -   ``answered``: tasks with a submitted annotation
            -   ``skipped``: tasks that somebody has skipped and nobody has answered
            -   ``open``: tasks that are there, neither answered nor skipped
            -   ``deleted``: tasks that are gone from the server
            -   ``drafts``: tasks that somebody has begun, and not submitted since
            -   ``new``: answered tasks whose newest annotation was not loaded yet
            -   ``reviews``: how many tasks have an annotation that a reviewer has ``accepted`` or ``rejected``; empty
                where nobody can review
            -   ``annotators``: e-mail -> how many tasks were ``answered`` and ``skipped``, and the ``seconds`` that the
                editor has measured
            -   ``predictions``: model version -> number of predictions
            -   ``first_activity``, ``last_activity``: when the first annotation was made, and the last one submitted,
                as ISO 8601 in UTC; None where there is none

        Raises:
            RunError: the run was not sent, was written to files, or its project is gone
            ServerError: the server cannot be reached, or refused
            SettingsError: a setting of the connection is missing or malformed
        """
        return get_status(self)

    def print_status(self) -> None:
        """Prints what :meth:`get_status` returns, as tables; in a notebook, shows them as HTML."""
        print_status(self)

    def _repr_html_(self) -> str:
        """How far the run is, and where people work on it, for a cell of a notebook that ends with the results."""
        return run_as_html(self)

    def tag_samples(
        self, states: Collection[str] = STATES, prefix: str | None = None, field: str | None = None
    ) -> dict[str, int]:
        """Writes to the samples of the run what became of their tasks: as tags, or into a field.

        Of each sample one of these holds: ``answered``, ``open``, ``skipped``, and ``deleted``, whose task is gone. Of
        answered ones, these may hold besides: ``disagreed``, two submitted annotations say different things, and
        ``edited``, the answer differs from what was sent. They cost more requests than the others.

        Another call corrects what no longer holds. Tags of others are never touched, nor are labels.

        Args:
            states: which of them are written; what an earlier call has written of the others is taken away
            prefix: what each tag begins with; by default the key of the run and a colon, as in ``boxes:answered``
            field: the name of a field that gets a list of the states, in place of tags

        Returns:
            state -> how many samples are in it

        Raises:
            SettingsError: an argument makes no sense, or others have made such tags, or the field; nothing was written
            RunError: the run was not sent, was written to files, or its project is gone
            ServerError: the server cannot be reached, or refused
        """
        return tag_samples(self, states, prefix, field)

    def add_samples(self, samples: Any) -> int:
        """Sends more samples of the dataset to the run's project; see :func:`add_samples`.

        Args:
            samples: samples of the dataset; those that the run has already are left alone

        Returns:
            how many samples were added

        Raises:
            RunError: the run is not complete, its project is gone, or the samples are not of its dataset
            SampleError: media or labels that cannot be sent; names them all, and nothing was made
        """
        return add_samples(self.backend, self, samples)

    def remove_samples(self, samples: Any, force: bool = False) -> int:
        """Takes samples out of the run, and deletes their tasks; their labels stay as they are.

        Args:
            samples: samples of the dataset; those that the run does not have are passed over
            force: whether tasks are deleted although they hold answers that were not loaded, or drafts

        Returns:
            how many tasks were deleted

        Raises:
            RunError: tasks hold work that was not loaded; says how many, and nothing was deleted
        """
        return remove_samples(self.backend, self, samples, force)

    def delete_tasks(self, task_ids: int | Iterable[int], force: bool = False) -> int:
        """Deletes tasks from the server and from the run; labels stay as they are.

        Args:
            task_ids: ids of tasks of the run, or one of them
            force: whether tasks are deleted although they hold answers that were not loaded, or drafts

        Returns:
            how many tasks were deleted

        Raises:
            RunError: some are not tasks of the run, or hold work that was not loaded; nothing was deleted
        """
        return delete_tasks(self.backend, self, task_ids, force)

    def update_label_schema(
        self, label_schema: Mapping[str, Any], labeling_config: str | os.PathLike[str] | None = None
    ) -> None:
        """Adds classes, attributes and values of attributes to the label schema of the run; see
        :func:`update_label_schema`.

        Args:
            label_schema: field of the run -> what is to be asked of its labels; fields and attributes that it does not
                name stay as they are
            labeling_config: the labeling config that fits, where the run was made with one of your own

        Raises:
            LabelSchemaError: it takes something away, or changes it; names all of it, and nothing was changed
            RunError: the labeling config of the project is not the run's own
        """
        update_label_schema(self.backend, self, label_schema, labeling_config)

    def cleanup(self, force: bool = False) -> None:
        """Deletes the project, with its tasks and annotations, from the server.

        Args:
            force: whether it is deleted although the last load has left something behind
        """
        clean_up(self, force)

    def saved(self) -> LabelStudioAnnotationResults:
        """The results as another session may have saved them since."""
        saved = saved_run_results(self.backend, self.samples, self.key)
        return self if saved is None else saved

    @property
    def dataset(self) -> fo.Dataset:
        """The dataset of the run."""
        return root_dataset(self.samples)

    @property
    def is_frames(self) -> bool:
        """Whether the run's samples are frames of videos."""
        frames: bool = self._is_frames
        return frames

    @property
    def overwrites_masks(self) -> bool:
        return bool(self.config.overwrite_masks)

    @classmethod
    def _from_dict(
        cls, d: dict[str, Any], samples: Any, config: LabelStudioBackendConfig, anno_key: str
    ) -> LabelStudioAnnotationResults:
        return cls(samples, config, anno_key, **d)


_NOT_SHOWN = ("token", "labeling_config", "model_version", "last_task", "storages", "tasks")
"""Of the state of a run: what nobody needs to see."""


def _without_empty(rows: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in rows.items() if value not in (None, {}, [])}


def _as_typed(project_name: Any, name: str | None) -> str | None:
    """A title as it was typed: FiftyOne makes numbers and lists of values in the environment."""
    if project_name is None or isinstance(project_name, str):
        return project_name
    return os.environ.get(variable(name, "project_name"), str(project_name))


patch()
