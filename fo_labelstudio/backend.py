"""The classes that FiftyOne asks for; each method calls run.py and returns.

Their addresses are public: saved runs store them, and FiftyOne finds the backend by cutting ``Config`` off the name of
the config class.
"""

from __future__ import annotations

import os
import webbrowser
from collections import deque
from collections.abc import Mapping
from typing import Any

import fiftyone as fo
import fiftyone.core.media as fom
import fiftyone.utils.annotations as foua
from bson import ObjectId

from fo_labelstudio import run as runs
from fo_labelstudio.convert.families import LABEL_TYPES
from fo_labelstudio.convert.schema import LabelField, parse_label_schema
from fo_labelstudio.dataset.merge import FieldMerge, MergeReport
from fo_labelstudio.errors import RunError, SettingsError
from fo_labelstudio.log import logger
from fo_labelstudio.prompt import ask
from fo_labelstudio.remote.client import Client
from fo_labelstudio.settings import (
    CONNECTION_SETTINGS,
    DEFAULT_NAME,
    ConnectionSettings,
    Secret,
    refuse_unknown,
    resolve,
    variable,
)

_SHOWN_PROBLEMS = 10
_SECRET = ("api_key", "http_headers", "proxies")


class LabelStudioBackendConfig(foua.AnnotationBackendConfig):
    """Configures a :class:`LabelStudioBackend`.

    Each setting of the connection comes from the first source that has it: the call, the run (url only), the
    environment variable ``FIFTYONE_LABELSTUDIO_<SETTING>`` as it is when connecting, FiftyOne's annotation config.

    Args:
        name: the name of the backend
        label_schema: the label schema, as FiftyOne completes it
        media_field: the field that holds the paths of the media to upload
        url: address of the Label Studio server
        api_key: personal access token or legacy token; asked for where it is missing and somebody can answer
        project_name: title of the project, 3 to 50 characters; ``FiftyOne_<dataset>`` by default
        http_headers: headers sent with each request
        verify_ssl: whether the server's certificate is checked, or the path of a CA bundle; True by default
        proxies: address of a proxy, or scheme -> address; those of the environment by default
        timeout: seconds without an answer after which a request fails; 300 by default
        retries: how often a request that may be repeated is repeated; 4 by default
        run_state: the run's token, its project and whether it is complete; written by annotate()

    Raises:
        SettingsError: there is no such setting
    """

    def __init__(
        self,
        name: str | None,
        label_schema: dict[str, Any] | None,
        media_field: str = "filepath",
        url: str | None = None,
        api_key: str | None = None,
        project_name: str | None = None,
        http_headers: Mapping[str, str] | None = None,
        verify_ssl: bool | str | None = None,
        proxies: str | Mapping[str, str] | None = None,
        timeout: float | None = None,
        retries: int | None = None,
        run_state: dict[str, Any] | None = None,
        **unknown: Any,
    ):
        refuse_unknown(unknown, (*CONNECTION_SETTINGS, "project_name", "media_field"), name)
        super().__init__(name, label_schema, media_field=media_field)
        self.project_name = _as_given(project_name, name)
        self.run_state = run_state
        self._given: dict[str, Any] = {}
        # The url of a saved run comes after one given to load_annotations().
        self.url = None if run_state is None else url
        given = dict(
            url=url if run_state is None else None,
            api_key=api_key,
            http_headers=http_headers,
            verify_ssl=verify_ssl,
            proxies=proxies,
            timeout=timeout,
            retries=retries,
        )
        # FiftyOne hands its annotation config on as if it came with the call, as it was when FiftyOne was imported.
        configured = self._configured()
        self._take(**{key: value for key, value in given.items() if value != configured.get(key)})

    def attributes(self) -> list[str]:
        """The attributes that are saved with the run: these and no others, for others may be secret."""
        return [
            *self._virtual_attributes(),
            *("name", "label_schema", "media_field", "url", "project_name", "run_state"),
        ]

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

    def label_fields(self) -> tuple[LabelField, ...]:
        """The label fields of the label schema."""
        return parse_label_schema(self.label_schema)

    def _configured(self) -> Mapping[str, Any]:
        return fo.annotation_config.backends.get(self.name or DEFAULT_NAME, {})

    def _take(self, **settings: Any) -> None:
        for setting, value in settings.items():
            if value is not None:
                self._given[setting] = Secret(value) if setting in _SECRET else value


class LabelStudioBackend(foua.AnnotationBackend):
    """Connects FiftyOne datasets to Label Studio."""

    @property
    def supported_media_types(self) -> list[str]:
        return [fom.IMAGE]

    @property
    def supported_label_types(self) -> list[str]:
        return list(LABEL_TYPES)

    @property
    def supported_scalar_types(self) -> list[type]:
        return []

    @property
    def supported_attr_types(self) -> list[str]:
        return []

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
        return {"type": "text"}

    def requires_attr_values(self, attr_type: str) -> bool:
        return False

    def register_run(self, samples: Any, key: str, overwrite: bool = True, cleanup: bool = True) -> None:
        """Registers the run, once it is sure that everything can be sent.

        A run of the same key that did not get complete is replaced.

        Raises:
            LabelStudioError: what cannot be sent, or no server to send it to; nothing has been made
            RunError: the incomplete run has annotations already
        """
        incomplete = None if overwrite else self._incomplete(samples, key)
        if incomplete is None:
            self.validate_run(samples, key, overwrite=overwrite)
        runs.check_title(self._title(samples))
        run = runs.Run(samples, self.config.label_fields(), self.config.media_field, str(ObjectId()))
        client = self.connect_to_api().client
        self.config.url = client.url
        runs.check(run, client)
        if incomplete is not None:
            self._discard(samples, key, incomplete, client)
        self.config.run_state = {"token": run.token, "project_id": None, "complete": False}
        super().register_run(samples, key, overwrite=overwrite, cleanup=cleanup)

    def upload_annotations(
        self, samples: Any, anno_key: str, launch_editor: bool = False
    ) -> LabelStudioAnnotationResults:
        client = self.connect_to_api().client
        state = self.config.run_state
        run = runs.Run(samples, self.config.label_fields(), self.config.media_field, state["token"])
        results = LabelStudioAnnotationResults(samples, self.config, anno_key, {}, backend=self)
        try:
            state["project_id"] = runs.make_project(run, client, self._title(samples))
        except BaseException:
            # Without proof that there is no project, the run stays, and with it the token to find the project by.
            if client.find_project(run.token) is None:
                self.delete_run(samples, anno_key, cleanup=False)
            raise
        try:
            results.save_config()
            self.save_run_results(samples, anno_key, results)
            runs.send(run, client, state["project_id"], results.tasks)
            # Complete only once the tasks are saved, for without them nothing could be loaded.
            self.save_run_results(samples, anno_key, results)
            state["complete"] = True
            results.save_config()
        except BaseException as error:
            state["complete"] = False
            message = _left_behind(results, anno_key, error)
            try:
                self.save_run_results(samples, anno_key, results)
            finally:
                if isinstance(error, Exception):
                    raise RunError(message, state["project_id"]) from error
                logger.warning(message)
            raise
        if launch_editor:
            results.launch_editor()
        return results

    def download_annotations(self, results: LabelStudioAnnotationResults) -> dict[str, Any]:
        """Downloads what people submitted; FiftyOne then has it merged, field by field.

        FiftyOne's own merge rewrites every label that it is given and deletes every other one, so it is given none: it
        calls ``results._update_id_map()`` for each field, with the name of the field that is to receive the labels.

        Raises:
            RunError: the run is not complete, or its project is gone
            ServerError: a download failed; nothing was loaded
        """
        state = self.config.run_state or {}
        if not state.get("complete"):
            if not results.tasks:
                raise RunError(
                    f"annotation run {results.key!r} is not complete; call annotate() with the same anno_key once more",
                    state.get("project_id"),
                )
            logger.warning("The run is not complete; loading what its %d tasks hold", len(results.tasks))
        client = self.connect_to_api().client
        fields = self.config.label_fields()
        for field in fields:
            if field.existing and results.field_is_gone(field.name):
                logger.warning(
                    "Field '%s' of the run is gone; if it was renamed, pass dest_field={'%s': '<its new name>'}",
                    field.name,
                    field.name,
                )
        answers = runs.fetch(state["token"], fields, client, state["project_id"], results.tasks)
        results.begin_merge(fields, answers, self._saved_results(results))
        return {}

    @classmethod
    def save_run_results(cls, samples: Any, key: str, run_results: Any, *args: Any, **kwargs: Any) -> None:
        if run_results is not None:
            run_results.finish_merge()
        super().save_run_results(samples, key, run_results, *args, **kwargs)

    def _connect_to_api(self) -> LabelStudioAnnotationAPI:
        return LabelStudioAnnotationAPI(self.config.connection_settings())

    def _title(self, samples: Any) -> str:
        return self.config.project_name or runs.default_title(samples._root_dataset.name)

    def _saved_results(self, results: LabelStudioAnnotationResults) -> LabelStudioAnnotationResults:
        """The results as another session may have saved them since."""
        self._get_run_doc(results.samples, results.key).reload()
        saved = self.load_run_results(results.samples, results.key, cache=False, load_view=False)
        return results if saved is None else saved

    def _incomplete(self, samples: Any, key: str) -> LabelStudioBackendConfig | None:
        """The config of a run that did not get complete, or None where there is no such run."""
        if key not in self.list_runs(samples):
            return None
        config = self.get_run_info(samples, key).config
        if not isinstance(config, LabelStudioBackendConfig) or not config.run_state or config.run_state["complete"]:
            return None
        return config

    def _discard(self, samples: Any, key: str, config: LabelStudioBackendConfig, client: Client) -> None:
        project_id = config.run_state["project_id"]
        if config.url != client.url:
            raise RunError(
                f"annotation run {key!r} is not complete, and its project is on {config.url}; pass that url, or delete "
                "the run with dataset.delete_annotation_run()",
                project_id,
            )
        runs.discard_project(client, config.run_state["token"], project_id)
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


class LabelStudioAnnotationResults(foua.AnnotationResults):
    """The state of a run between ``annotate()`` and the last ``load_annotations()``.

    ``id_map`` stays empty: FiftyOne deletes each label in it that a download does not return. What was sent is recorded
    in the tasks.

    Attributes:
        tasks: sample id -> task id
        loaded: field and destination -> sample id -> ids of the labels that loads have put there
        removed: field -> sample id -> label id -> label that loads have deleted, for the case that the annotator
            restores it
    """

    def __init__(
        self,
        samples: Any,
        config: LabelStudioBackendConfig,
        anno_key: str,
        id_map: dict[str, Any],
        tasks: dict[str, int] | None = None,
        loaded: dict[str, Any] | None = None,
        removed: dict[str, Any] | None = None,
        backend: LabelStudioBackend | None = None,
    ):
        super().__init__(samples, config, anno_key, id_map, backend=backend)
        self.tasks = tasks or {}
        self.loaded = loaded or {}
        self.removed = removed or {}
        self._to_merge: deque[LabelField] = deque()
        self._answers = runs.Answers()
        self._reports: dict[str, MergeReport] = {}

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
        url = runs.project_url(self.config.url, self.project_id)
        logger.info("Launching editor at '%s'...", url)
        webbrowser.open(url, new=2)

    def cleanup(self) -> None:
        """Deletes the project, with its tasks and annotations, from the server."""
        if self.project_id is not None:
            runs.delete_project(self.connect_to_api().client, self.project_id)
            self.config.run_state["project_id"] = None
            self.save_config()
        self.tasks = {}

    def field_is_gone(self, label_field: str) -> bool:
        """Whether a label field has left the dataset."""
        return self._dataset.get_field(f"frames.{label_field}" if self._is_frames else label_field) is None

    def begin_merge(
        self, fields: tuple[LabelField, ...], answers: runs.Answers, saved: LabelStudioAnnotationResults
    ) -> None:
        """Takes the answers that are to be merged, into one field after the other.

        Args:
            fields: the label fields of the run, in the order of its label schema
            answers: what came back
            saved: these results as they are in the database
        """
        self.loaded = saved.loaded
        self.removed = saved.removed
        self._to_merge = deque(fields)
        self._answers = answers
        self._reports = {}

    def finish_merge(self) -> None:
        """Reports a merge, if there was one.

        Raises:
            RunError: FiftyOne did not have all fields merged
        """
        if self._to_merge:
            missing = [field.name for field in self._to_merge]
            self._to_merge.clear()
            raise RunError(f"this version of FiftyOne did not merge the fields {missing}; report it", self.project_id)
        if self._reports:
            _log_merge(self._answers, self._reports, len(self.tasks))
        self._answers = runs.Answers()
        self._reports = {}

    def _update_id_map(self, label_field: str, new_id_map: dict[str, Any]) -> None:
        if not self._to_merge:
            super()._update_id_map(label_field, new_id_map)
            return
        field = self._to_merge.popleft()
        name = field.name if label_field == field.name else f"{field.name} -> {label_field}"
        try:
            merge = FieldMerge(self._dataset, field, label_field, frames=self._is_frames)
            self._reports[name] = merge.merge(
                self._answers.answers, self.loaded.setdefault(name, {}), self.removed.setdefault(field.name, {})
            )
        except BaseException:
            self._to_merge.clear()
            # What was done so far must be known to the next load.
            self.backend.save_run_results(self._dataset, self.key, self)
            raise

    @property
    def _dataset(self) -> fo.Dataset:
        return self.samples._root_dataset

    @classmethod
    def _from_dict(
        cls, d: dict[str, Any], samples: Any, config: LabelStudioBackendConfig, anno_key: str
    ) -> LabelStudioAnnotationResults:
        return cls(samples, config, anno_key, **d)


def _as_given(project_name: Any, name: str | None) -> str | None:
    """A title as it was typed: FiftyOne makes numbers and lists of values in the environment."""
    if project_name is None or isinstance(project_name, str):
        return project_name
    return os.environ.get(variable(name, "project_name"), str(project_name))


def _left_behind(results: LabelStudioAnnotationResults, anno_key: str, error: BaseException) -> str:
    reason = ": ".join(filter(None, (type(error).__name__, str(error))))
    return (
        f"annotate() stopped half-way ({reason}). It left project {results.project_id} at "
        f"{runs.project_url(results.config.url, results.project_id)}, with {len(results.tasks)} tasks. To start over, "
        f"call annotate() with anno_key {anno_key!r} once more: it removes that project first. To only remove it: "
        f"dataset.load_annotation_results({anno_key!r}).cleanup() and dataset.delete_annotation_run({anno_key!r})"
    )


def _log_merge(answers: runs.Answers, reports: Mapping[str, MergeReport], tasks: int) -> None:
    logger.info("%d of %d tasks have a submitted annotation", len(answers.answers), tasks)
    for label_field, report in reports.items():
        counts = report.counts
        logger.info(
            "Field '%s': %d labels added, %d edited, %d deleted",
            label_field,
            counts["added"],
            counts["edited"],
            counts["deleted"],
        )
        for reason, count in report.refused.items():
            logger.warning("Field '%s': ignored %d changes because of %s", label_field, count, reason)
        if report.lost:
            logger.warning(
                "Field '%s': ignored the answers to %d samples that are no longer in the dataset, such as %s",
                label_field,
                len(report.lost),
                report.lost[0],
            )
    if answers.missing:
        logger.warning("%d tasks are gone from the server; their samples were left as they are", answers.missing)
    if answers.problems:
        shown = "\n  ".join(str(problem) for problem in answers.problems[:_SHOWN_PROBLEMS])
        more = len(answers.problems) - _SHOWN_PROBLEMS
        tail = f"\n  ... and {more} more" if more > 0 else ""
        logger.warning("%d regions or tasks could not be understood:\n  %s%s", len(answers.problems), shown, tail)
