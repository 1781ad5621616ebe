"""The classes that FiftyOne asks for; what they do with a run stands in runs/.

Their addresses are public: saved runs store them, and FiftyOne finds the backend by cutting ``Config`` off the name of
the config class.
"""

from __future__ import annotations

import json
import os
import time
import webbrowser
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import fiftyone as fo
import fiftyone.core.media as fom
import fiftyone.core.odm as foo
import fiftyone.utils.annotations as foua
from bson import ObjectId, json_util

from fo_labelstudio.convert.annotation.origin import Missing, Sighting
from fo_labelstudio.convert.families import LABEL_TYPES
from fo_labelstudio.convert.records import LabelField
from fo_labelstudio.convert.schema import ATTRIBUTE_TYPES, parse_label_schema
from fo_labelstudio.dataset.fields import FIELDS
from fo_labelstudio.dataset.internals import id_of, load_arguments, patch, reload_run, root_dataset
from fo_labelstudio.dataset.label_schema import complete, discover_attributes, only_type, with_mask_paths
from fo_labelstudio.dataset.prompt import ask
from fo_labelstudio.dataset.run_lock import sole_sender
from fo_labelstudio.errors import RunError, SettingsError
from fo_labelstudio.log import logger
from fo_labelstudio.remote.client import Client
from fo_labelstudio.runs import project
from fo_labelstudio.runs.check import Checked, Run, check
from fo_labelstudio.runs.fetch import fetch
from fo_labelstudio.runs.garbage import only_new_garbage
from fo_labelstudio.runs.load import load, plan
from fo_labelstudio.runs.load_options import LoadOptions
from fo_labelstudio.runs.send import send, send_part, tasks_of_run
from fo_labelstudio.runs.state import RunState
from fo_labelstudio.settings import (
    CONNECTION_SETTINGS,
    DEFAULT_NAME,
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
from fo_labelstudio.transport.transport import MediaSettings


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
    media: str
    local_files_root: str | None
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
            self.media = parse_media(self.media, self.local_files_root, list(TRANSPORTS))
            if self.unusable_media == "convert" and not TRANSPORTS[self.media].converts:
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
        state = {key: value for key, value in (described["run_state"] or {}).items() if key != "token"}
        described["run_state"] = state
        schema = described["label_schema"] or {}
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
        """Takes the settings of a call of ``load_annotations()``.

        Raises:
            SettingsError: there is no such setting
        """
        refuse_unknown(settings, CONNECTION_SETTINGS, self.name)
        self._take(**settings)

    def connection_settings(self) -> ConnectionSettings:
        """How to reach the server, from all sources as they are now.

        Raises:
            SettingsError: the url or the API key is missing and nobody can be asked, or a setting is malformed
        """
        found = resolve(self._given, self.url, self.name, self._configured())
        for setting, hidden in (("url", False), ("api_key", True)):
            if setting not in found:
                answer = ask(f"Label Studio {setting}: ", hidden)
                if answer is None:
                    raise SettingsError(
                        f"no {setting} of a Label Studio server; pass {setting}=..., or set the environment variable "
                        f"{variable(self.name, setting)}"
                    )
                self._take(**{setting: answer})
                found = resolve(self._given, self.url, self.name, self._configured())
        return ConnectionSettings(**found)

    def serve_shared_files(self, samples: Any) -> None:
        """Has the server read the media from its disk, where its own variables say that it can and nothing was said."""
        root = None if self._is_media_given else shared_folder()
        if root is not None and all(is_below(path, root) for path in samples.values(self.media_field)):
            self.media, self.local_files_root = "local_files", root
            logger.info(
                "All media lie below LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT: the server reads them there, nothing is "
                "copied; media='upload' copies them"
            )

    def label_fields(self) -> tuple[LabelField, ...]:
        """The label fields of the label schema."""
        return parse_label_schema(self.label_schema)

    @property
    def saved_state(self) -> dict[str, Any]:
        """The state of the run; empty where annotate() has not registered it."""
        return self.run_state or {}

    def _configured(self) -> Mapping[str, Any]:
        configured: Mapping[str, Any] = fo.annotation_config.backends.get(self.name or DEFAULT_NAME, {})
        return configured

    def _take(self, **settings: Any) -> None:
        for setting, value in settings.items():
            if value is not None:
                self._given[setting] = Secret(value) if setting in SECRET_SETTINGS else value


class LabelStudioBackend(foua.AnnotationBackend):
    """Connects FiftyOne datasets to Label Studio."""

    _sending: AbstractContextManager[Any] = nullcontext()
    """What keeps others from sending the run between register_run() and the end of upload_annotations()."""

    _checked: Checked | None = None
    """What the check before the upload has found."""

    @property
    def supported_media_types(self) -> list[str]:
        return [fom.IMAGE]

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
    def supports_keyframes(self) -> bool:
        return False

    @property
    def supports_video_sample_fields(self) -> bool:
        return False

    @property
    def requires_label_schema(self) -> bool:
        return True

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

    def discover_attributes(
        self, samples: Any, label_field: str, classes: list[str] | None = None
    ) -> dict[str, dict[str, Any]]:
        """The attributes that ``attributes=True`` stands for."""
        return discover_attributes(samples, label_field, classes)

    def only_type(self, samples: Any, label_field: str) -> str | None:
        """The type of a label field that has labels of one type only."""
        return only_type(samples, label_field)

    def requires_attr_values(self, attr_type: str) -> bool:
        return attr_type in ("select", "radio")

    def register_run(self, samples: Any, key: str, overwrite: bool = True, cleanup: bool = True) -> None:
        """Registers the run, once it is sure that everything can be sent.

        A run of the same key that did not get complete is continued, or replaced where it was another one.

        Raises:
            LabelStudioError: what cannot be sent, or no server to send it to; nothing has been made
            RunError: the incomplete run has annotations already, or somebody else is sending it
        """
        with ExitStack() as stack:
            stack.enter_context(sole_sender(root_dataset(samples), key))
            self._register(samples, key, overwrite, cleanup)
            # It lasts until upload_annotations() ends.
            self._sending = stack.pop_all()

    @classmethod
    def save_run_info(cls, samples: Any, run_info: Any, **options: Any) -> None:
        with run_info.config.being_saved():
            super().save_run_info(samples, run_info, **options)

    @classmethod
    def update_run_config(cls, samples: Any, key: str, config: LabelStudioBackendConfig) -> None:
        with config.being_saved():
            super().update_run_config(samples, key, config)

    def upload_annotations(
        self, samples: Any, anno_key: str, launch_editor: bool = False
    ) -> LabelStudioAnnotationResults:
        with self._sending:
            results = self._upload(samples, anno_key)
        if launch_editor:
            results.launch_editor()
        return results

    @only_new_garbage()
    def _register(self, samples: Any, key: str, overwrite: bool, cleanup: bool) -> None:
        self._refuse_unknown_run(samples, key)
        incomplete = None if overwrite else self._incomplete(samples, key)
        if incomplete is None:
            self.validate_run(samples, key, overwrite=overwrite)
        project.check_title(self._title(samples))
        client = self.connect_to_api().client
        config = self.config
        config.label_schema = complete(
            config.label_schema, samples, client.version, config.mask_tool, config.scalar_types
        )
        config.url = client.url
        config.serve_shared_files(samples)
        project_id = None
        if incomplete is not None:
            self._refuse_other_server(key, incomplete, client)
            project_id = self._continued_project(incomplete, client)
        token = str(ObjectId()) if incomplete is None or project_id is None else incomplete.saved_state["token"]
        self._checked = check(self._run(samples, token), client)
        if incomplete is not None and project_id is not None:
            config.run_state = {**incomplete.saved_state, "project_id": project_id}
            results = self.load_run_results(samples, key, cache=False, load_view=False)
            super().register_run(samples, key, overwrite=True, cleanup=False)
            if results is not None:
                self.save_run_results(samples, key, results)
            return
        if incomplete is not None:
            self._discard(samples, key, incomplete, client)
        config.run_state = {"token": token, "project_id": None, "complete": False}
        super().register_run(samples, key, overwrite=overwrite, cleanup=cleanup)

    @only_new_garbage()
    def _upload(self, samples: Any, anno_key: str) -> LabelStudioAnnotationResults:
        checked, self._checked = self._checked or Checked(), None
        client = self.connect_to_api().client
        state = self.config.run_state
        is_continued = state["project_id"] is not None
        run = self._run(samples, state["token"])
        results = LabelStudioAnnotationResults(samples, self.config, anno_key, {}, backend=self)
        try:
            if not is_continued:
                state["project_id"] = project.make_project(
                    run.token, root_dataset(samples).name, client, self._title(samples)
                )
        except BaseException:
            # Without proof that there is no project, the run stays, and with it the token to find the project by.
            if client.find_project(run.token) is None:
                self.delete_run(samples, anno_key, cleanup=False)
            raise
        try:
            results.save_config()
            self.save_run_results(samples, anno_key, results)
            if self.config.parts is not None:
                logger.info(
                    "Made project %d; send its parts, 1 to %d, with fo_labelstudio.send_part(), then call annotate() "
                    "once more without parts",
                    state["project_id"],
                    self.config.parts,
                )
                return results
            send(run, client, state["project_id"], results.tasks, _Saving(results), checked)
            # Complete only once the tasks are saved, for without them nothing could be loaded.
            self.save_run_results(samples, anno_key, results)
            state["complete"] = True
            results.save_config()
        except BaseException as error:
            state["complete"] = False
            message = _left_behind(results, state["project_id"], anno_key, error)
            try:
                self.save_run_results(samples, anno_key, results)
            finally:
                if isinstance(error, Exception):
                    raise RunError(message, state["project_id"]) from error
                logger.warning(message)
            raise
        return results

    @only_new_garbage()
    def send_part(self, samples: Any, anno_key: str, part: int, report: Callable[[int, int], None]) -> int:
        """Sends a part of a run; see :func:`fo_labelstudio.send_part`."""
        state, parts = self.config.run_state or {}, self.config.parts
        if parts is None or state.get("complete") or state.get("project_id") is None:
            raise RunError(
                f"annotation run {anno_key!r} has no parts to send; it is made with annotate(..., parts=<number>), and "
                "complete once annotate() was called without parts",
                state.get("project_id"),
            )
        if part not in range(1, parts + 1):
            raise SettingsError(f"part is {part!r}, expected a whole number from 1 to {parts}")
        client = self.connect_to_api().client
        run = self._run(self.load_run_view(samples, anno_key), state["token"])
        with sole_sender(root_dataset(samples), anno_key, part):
            return len(send_part(run, client, state["project_id"], part, parts, report))

    @only_new_garbage()
    def download_annotations(self, results: LabelStudioAnnotationResults) -> dict[str, Any]:
        """Downloads what people submitted and merges it.

        FiftyOne's own merge rewrites every label that it is given and deletes every other one, so it is given none.

        Returns:
            label field -> label type -> sample id -> label id -> label: unexpected labels that are to be returned

        Raises:
            RunError: the run is not complete, or its project is gone
            ServerError: a download failed; nothing was loaded
            SettingsError: ``dest_field`` makes no sense; nothing was loaded
            LabelSchemaError: a destination cannot hold the labels, or a field was renamed; nothing was loaded
        """
        state = self.config.run_state or {}
        if not state.get("complete"):
            results.tasks = self._tasks_so_far(state)
            if not results.tasks:
                raise RunError(
                    f"annotation run {results.key!r} is not complete; call annotate() with the same anno_key once more",
                    state.get("project_id"),
                )
            logger.warning("The run is not complete; loading what its %d tasks hold", len(results.tasks))
        client = self.connect_to_api().client
        fields = self.config.label_fields()
        options = LoadOptions(**(load_arguments() or {}))
        if options.keeps_unexpected:
            fields = tuple(replace(field, takes_unexpected=True) for field in fields)
        results.refresh(self._saved_results(results))
        sightings = [Sighting(row["until"], Missing.of_json(row)) for row in results.configs]
        is_complete = bool(state.get("complete"))
        destinations = plan(results, fields, options)
        answers = fetch(
            state["token"],
            fields,
            client,
            state["project_id"],
            results.tasks,
            sightings,
            is_complete,
            destinations.remade,
        )
        results.configs = [{"until": row.until, **row.missing.to_json()} for row in answers.configs]
        try:
            return load(results, fields, answers, destinations, options)
        except BaseException:
            # What was done so far must be known to the next load.
            self.save_run_results(results.dataset, results.key, results)
            raise

    def _tasks_so_far(self, state: dict[str, Any]) -> dict[str, int]:
        """The tasks that a run which is not complete has, whatever was saved of them."""
        if not state:
            return {}
        client = self.connect_to_api().client
        state["project_id"] = project.existing_project(client, state["token"], state["project_id"])
        if state["project_id"] is None:
            return {}
        found = tasks_of_run(state["token"], client, state["project_id"])
        return {sample_id: task.id for sample_id, task in found.items()}

    def _connect_to_api(self) -> LabelStudioAnnotationAPI:
        return LabelStudioAnnotationAPI(self.config.connection_settings())

    def _run(self, samples: Any, token: str) -> Run:
        config = self.config
        selected = with_mask_paths(samples, config.label_schema)
        connection = config.connection_settings()
        media = MediaSettings(
            config.media,
            config.local_files_root,
            config.local_files_server_root,
            config.unusable_media,
            connection.cloud_storage,
            connection.retries,
        )
        return Run(
            selected,
            config.label_fields(),
            config.media_field,
            token,
            media,
            task_fields=config.task_fields or (),
            leaves_unlisted=config.unlisted_classes == "leave",
        )

    def _title(self, samples: Any) -> str:
        return self.config.project_name or project.default_title(root_dataset(samples).name)

    def _saved_results(self, results: LabelStudioAnnotationResults) -> LabelStudioAnnotationResults:
        """The results as another session may have saved them since."""
        reload_run(self._get_run_doc(results.samples, results.key))
        saved = self.load_run_results(results.samples, results.key, cache=False, load_view=False)
        return results if saved is None else saved

    def _refuse_unknown_run(self, samples: Any, key: str) -> None:
        """Refuses to put a run in the place of one that another session has made since the dataset was loaded."""
        dataset = root_dataset(samples)
        stored = foo.get_db_conn().datasets.find_one({"_id": id_of(dataset)}, {"annotation_runs": True})
        if key in stored.get("annotation_runs", ()) and key not in self.list_runs(samples):
            raise RunError(f"another session has made annotation run {key!r}; call dataset.reload() to see it")

    def _incomplete(self, samples: Any, key: str) -> LabelStudioBackendConfig | None:
        """The config of a run that did not get complete, or None where there is no such run."""
        if key not in self.list_runs(samples):
            return None
        config = self.get_run_info(samples, key).config
        if not isinstance(config, LabelStudioBackendConfig) or not config.run_state or config.run_state["complete"]:
            return None
        return config

    def _refuse_other_server(self, key: str, incomplete: LabelStudioBackendConfig, client: Client) -> None:
        if incomplete.url != client.url:
            raise RunError(
                f"annotation run {key!r} is not complete, and its project is on {incomplete.url}; pass that url, or "
                "delete the run with dataset.delete_annotation_run()",
                incomplete.saved_state["project_id"],
            )

    def _continued_project(self, incomplete: LabelStudioBackendConfig, client: Client) -> int | None:
        """The project of an incomplete run that asks for the same as this one, or None where there is none."""
        one, other = (json.loads(json_util.dumps(config.serialize())) for config in (incomplete, self.config))
        if any(one.get(name) != other.get(name) for name in ("label_schema", "media_field", "task_fields")):
            return None
        return project.existing_project(client, incomplete.saved_state["token"], incomplete.saved_state["project_id"])

    def _discard(self, samples: Any, key: str, config: LabelStudioBackendConfig, client: Client) -> None:
        project.discard_project(client, config.saved_state["token"], config.saved_state["project_id"])
        self.delete_run(samples, key, cleanup=False)


class LabelStudioAnnotationAPI(foua.AnnotationAPI):
    """A checked connection to a Label Studio server.

    Args:
        settings: how to reach the server

    Raises:
        ServerError: one subclass for each way in which the connection cannot be used
    """

    def __init__(self, settings: ConnectionSettings):
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
        configs: list[dict[str, Any]] | None = None,
        remade: list[str] | None = None,
        left_behind: list[str] | None = None,
        backend: LabelStudioBackend | None = None,
    ):
        super().__init__(samples, config, anno_key, id_map, backend=backend)
        self.tasks = tasks or {}
        self.loaded = loaded or {}
        self.removed = removed or {}
        self.edited = edited or {}
        self.configs = configs or []
        self.remade = remade or []
        self.left_behind = left_behind or []

    @property
    def uploaded_tasks(self) -> dict[int, str]:
        """The tasks of the run: task id -> sample id, as FiftyOne's own integration has it."""
        return {task_id: sample_id for sample_id, task_id in self.tasks.items()}

    @property
    def project_id(self) -> int | None:
        """The Label Studio project of the run."""
        return (self.config.run_state or {}).get("project_id")

    def get_meta(self) -> dict[str, Any]:
        return {"url": self.config.url, "project_id": self.project_id, "tasks": len(self.tasks)}

    def launch_editor(self) -> None:
        """Opens the project in a browser.

        Raises:
            RunError: cleanup() has removed it
        """
        if self.project_id is None:
            raise RunError("the run's project was removed by cleanup()")
        url = project.project_url(self.config.url, self.project_id)
        logger.info("Launching editor at '%s'...", url)
        webbrowser.open(url, new=2)

    def cleanup(self, force: bool = False) -> None:
        """Deletes the project, with its tasks and annotations, from the server.

        Args:
            force: whether it is deleted although the last load has left something behind
        """
        if self.left_behind and not force:
            logger.warning(
                "Project %s is kept, for the last load left something behind: %s. To delete it all the same, call "
                "dataset.load_annotation_results(%r).cleanup(force=True)",
                self.project_id,
                "; ".join(self.left_behind),
                self.key,
            )
            return
        self.left_behind = []
        if self.project_id is not None:
            project.delete_project(self.connect_to_api().client, self.project_id)
            self.config.run_state["project_id"] = None
            self.save_config()
        self.tasks = {}

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


class _Saving:
    """Saves the results of a run while it is being sent, now and then: what is saved grows with the run."""

    _SECONDS = 30.0

    def __init__(self, results: LabelStudioAnnotationResults):
        self._results = results
        self._saved = time.monotonic()

    def __call__(self) -> None:
        if time.monotonic() - self._saved > self._SECONDS:
            self._results.save()
            self._saved = time.monotonic()


def _without_empty(rows: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in rows.items() if value not in (None, {}, [])}


def _as_typed(project_name: Any, name: str | None) -> str | None:
    """A title as it was typed: FiftyOne makes numbers and lists of values in the environment."""
    if project_name is None or isinstance(project_name, str):
        return project_name
    return os.environ.get(variable(name, "project_name"), str(project_name))


def _left_behind(results: LabelStudioAnnotationResults, project_id: int, anno_key: str, error: BaseException) -> str:
    reason = ": ".join(filter(None, (type(error).__name__, str(error))))
    url = project.project_url(results.config.url, project_id)
    return (
        f"annotate() stopped half-way ({reason}). It left project {project_id} at {url}, with "
        f"{len(results.tasks)} tasks. To continue, call annotate() with anno_key {anno_key!r} and the same arguments "
        f"once more. To remove it: "
        f"dataset.load_annotation_results({anno_key!r}).cleanup() and dataset.delete_annotation_run({anno_key!r})"
    )


patch()
