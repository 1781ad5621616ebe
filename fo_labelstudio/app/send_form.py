"""The form of *Send for annotation*: what is asked, what is filled in, and what cannot be sent."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, TypeVar

from fiftyone.operators import types

from fo_labelstudio.app.connection import (
    ask_connection,
    assigned_of_run,
    backend_of,
    connection_of,
    refuse,
)
from fo_labelstudio.app.field_inputs import ask_field, ask_new_fields, asked_before, entry_of, param_of
from fo_labelstudio.app.form import ask_choice, remembered, samples_of
from fo_labelstudio.app.project_inputs import ask_project, labeling_config_of
from fo_labelstudio.app.setting_inputs import ask_settings, settings_of
from fo_labelstudio.convert.families import LABEL_TYPES, is_served
from fo_labelstudio.convert.media import SHOWN_AS
from fo_labelstudio.convert.media.medium import Medium
from fo_labelstudio.dataset.fields import FIELDS
from fo_labelstudio.dataset.media import medium_of_samples
from fo_labelstudio.errors import LabelStudioError
from fo_labelstudio.messages import listed
from fo_labelstudio.runs.existing_project import in_names_of
from fo_labelstudio.runs.propose import (
    DraftedField,
    FoundField,
    ShowableValue,
    Unsendable,
    draft_field,
    found_fields,
    preview,
    showable_values,
    unsendable,
)
from fo_labelstudio.settings import RUN_SETTINGS
from fo_labelstudio.transport import TRANSPORTS

T = TypeVar("T")

RESTRICTIONS = {
    "allow_additions": "People may add labels",
    "allow_deletions": "People may delete labels",
    "allow_label_edits": "People may change classes",
    "allow_spatial_edits": "People may change shapes",
    "allow_index_edits": "People may change which track a label is of",
}
"""Argument of ``annotate()`` -> what is asked."""

_MEDIA = ("media", "local_files_root", "local_files_server_root", "unusable_media")
_PROJECT = ("project_name", "project_id", "existing_tasks")
_OF_NEW_PROJECTS = ("sampling", "labeling_config", "group_slices")
_OF_GROUPS = ("group_slices",)
_OF_VIDEOS = ("frame_start", "frame_stop", "keyframe_tolerance")
_OF_FIELDS = ("mask_tool", "keyframe_tolerance", "scalar_types")
"""Settings that decide how a field is asked for."""

_NOT_ASKED = ("export_dir", "parts", "scalar_types", *_MEDIA, *_PROJECT)
"""What stands elsewhere in the form, goes to files, or is for several processes, which a form does not start."""

MORE = tuple(name for name in RUN_SETTINGS if name not in _NOT_ASKED)
"""The settings that are asked for where somebody wants more options."""

_CHECKED = 200
"""Samples that are looked at without being asked to."""

_SHOWN = 10
"""Samples that cannot be sent, of each field."""


class SendForm:
    """What the form holds, and what follows from it.

    Args:
        ctx: the execution context
        inputs: receives the inputs
    """

    def __init__(self, ctx: Any, inputs: types.Object):
        self._ctx = ctx
        self._params = ctx.params
        self._inputs = inputs

    def ask(self) -> None:
        """Adds the inputs."""
        inputs = self._inputs
        inputs.view_target(self._ctx, action_description="Send")
        can_ask = ask_connection(self._ctx, inputs, is_new=True)
        try:
            samples, _ = self._samples, self._medium
        except Exception as error:
            refuse(inputs, "samples", str(error))
            return
        if not len(samples):
            refuse(inputs, "samples", "there are no samples to send; choose others")
            return
        self._ask_key()
        self._ask_project(can_ask)
        self._ask_fields()
        self._ask_media()
        self._ask_restrictions()
        self._ask_more()
        self._show_problems(can_ask)
        self._show_preview()

    def label_schema(self) -> dict[str, Any] | None:
        """The label schema that the form was given; None where the project says what is asked."""
        given = self._params.get("label_schema")
        if given:
            schema: Any = json.loads(given) if isinstance(given, str) else given
            return dict(schema) if isinstance(schema, Mapping) else {name: {} for name in schema}
        schema = {name: self._entry_of(name) for name in self._params.get("fields") or ()}
        for row in self._params.get("new_fields") or ():
            if row.get("name"):
                schema[row["name"]] = entry_of(row)
        return schema or None

    def arguments(self) -> dict[str, Any]:
        """The other arguments of ``annotate()`` that the form was given."""
        arguments = settings_of(self._params, [name for name in RUN_SETTINGS if name not in ("export_dir", "parts")])
        if self._project == "new":
            arguments.pop("project_id", None)
            arguments.pop("existing_tasks", None)
        else:
            arguments.pop("project_name", None)
            for name in _OF_NEW_PROJECTS:
                arguments.pop(name, None)
        kinds = {row["name"]: row["kind"] for row in self._params.get("new_fields") or () if row.get("kind")}
        if kinds:
            arguments["scalar_types"] = {**(arguments.get("scalar_types") or {}), **kinds}
        arguments.update({name: self._params[name] for name in RESTRICTIONS if self._params.get(name) is False})
        if self._params.get("media_field"):
            arguments["media_field"] = self._params["media_field"]
        return arguments

    @cached_property
    def _samples(self) -> Any:
        return samples_of(self._ctx)

    @cached_property
    def _assigned(self) -> dict[str, Any]:
        return assigned_of_run()

    @cached_property
    def _found(self) -> dict[str, FoundField]:
        found = self._once(["found fields"], lambda: found_fields(self._samples))
        return {field.name: field for field in found}

    @cached_property
    def _values(self) -> list[ShowableValue]:
        return self._once(["values"], lambda: showable_values(self._samples))

    @property
    def _project(self) -> str:
        asked: str | None = self._params.get("project")
        if asked is not None:
            return asked
        return "new" if self._params.get("project_id") is None else "existing"

    @property
    def _medium(self) -> Medium:
        return self._once(["medium"], lambda: medium_of_samples(self._samples))

    def _once(self, what: list[Any], look: Callable[[], T]) -> T:
        return remembered(self._ctx, what, look)

    def _backend(self) -> Any:
        """FiftyOne's object of the backend, with the settings of the form."""
        settings = {name: value for name, value in self.arguments().items() if name not in RESTRICTIONS}
        return backend_of({**self._assigned, **settings, **connection_of(self._ctx, is_new=True)})

    def _drafted(self, name: str, entry: Mapping[str, Any]) -> DraftedField:
        settings = {**self._assigned, **self.arguments()}
        settings = {name: settings[name] for name in _OF_FIELDS if name in settings}
        return self._once(
            ["draft", name, dict(entry), settings],
            lambda: draft_field(self._samples, backend_of(settings), name, entry),
        )

    def _entry_of(self, name: str) -> dict[str, Any]:
        params = self._params.get(param_of(name))
        if not params:
            return {}
        return entry_of(params, self._drafted(name, asked_before(params)).built)

    def _ask_key(self) -> None:
        asked = self._inputs.str(
            "anno_key",
            label="Name of the annotation run",
            description="Letters, digits and underscores. It tells the run from others of the dataset",
            required=True,
        )
        key = self._params.get("anno_key")
        if key and not str(key).isidentifier():
            asked.invalid, asked.error_message = True, f"{key!r} is no name; use letters, digits and underscores"
        elif key and self._is_complete(key):
            asked.invalid = True
            asked.error_message = f"the dataset has an annotation run {key!r} already; choose another name"

    def _is_complete(self, key: str) -> bool:
        """Whether there is a run of a name that cannot be continued."""
        dataset = self._ctx.dataset
        if key not in dataset.list_annotation_runs():
            return False
        state = getattr(dataset.get_annotation_info(key).config, "saved_state", None)
        return not state or bool(state.get("complete"))

    def _ask_project(self, can_ask: bool) -> None:
        inputs, assigned = self._inputs, self._assigned
        if assigned.get("project_id") is not None or assigned.get("project_name") is not None:
            ask_settings(inputs, [name for name in _PROJECT if name in assigned], assigned)
            return
        choices = types.RadioGroup(orientation="horizontal")
        choices.add_choice("new", label="A new project")
        choices.add_choice("existing", label="A project that is there")
        inputs.enum("project", choices.values(), default=self._project, label="Project", view=choices)
        if self._project == "new":
            ask_settings(inputs, ["project_name"], assigned)
            return
        if not can_ask:
            return
        ask_project(self._ctx, inputs, connection_of(self._ctx, is_new=True))
        ask_settings(inputs, ["existing_tasks"], assigned)

    def _ask_fields(self) -> None:
        inputs, params = self._inputs, self._params
        view = types.AutocompleteView(allow_user_input=False, allow_duplicates=False)
        for field in self._found.values():
            if field.problem is None:
                view.add_choice(field.name, label=field.name, description=f"{field.kind}, {field.size:,}")
        asked = inputs.list(
            "fields",
            types.String(),
            label="Fields to annotate",
            description="Their labels are sent along. Leave it empty, and people start from nothing",
            view=view,
        )
        for name in params.get("fields") or ():
            found = self._found.get(name)
            if found is None or found.problem is not None:
                known = ", ".join(field.name for field in self._found.values() if field.problem is None) or "none"
                gone = f"field {name!r}: the samples do not have it; they have: {known}"
                asked.invalid, asked.error_message = True, gone if found is None else found.problem
                continue
            drafted = self._drafted(name, asked_before(params.get(param_of(name)) or {}))
            shown = f"{found.kind}, {found.size:,} in these samples"
            values = () if self._medium.frame_scope is not None and name.startswith("frames.") else self._values
            ask_field(inputs, name, found.label_types, drafted.built, shown, values)
        refused = [field.problem for field in self._found.values() if field.problem is not None]
        if refused:
            inputs.view("not_offered", types.Notice(label="Fields that cannot be sent", description="; ".join(refused)))
        scopes = [*self._medium.scopes, *(SHOWN_AS[value.key].scopes[0] for value in self._values)]
        served = [name for name in LABEL_TYPES if any(is_served(scope, name) for scope in scopes)]
        ask_new_fields(inputs, served, list(FIELDS.values()), self._values)
        if self._project == "new" and not self._says_what_is_asked and not self._names_fields:
            asked.invalid, asked.error_message = True, "choose a field to annotate, or add a new one"

    @property
    def _says_what_is_asked(self) -> bool:
        """Whether the project, or a labeling config, says what is asked where no field is named."""
        assigned = {**self._assigned, **settings_of(self._params, ["labeling_config"])}
        return any(assigned.get(name) is not None for name in ("project_id", "project_name", "labeling_config"))

    @property
    def _names_fields(self) -> bool:
        return bool(self._params.get("label_schema")) or self.label_schema() is not None

    def _schema_or_none(self) -> dict[str, Any] | None:
        try:
            return self.label_schema()
        except ValueError:
            return None

    def _ask_media(self) -> None:
        params, assigned = self._params, self._assigned
        fields = list(self._ctx.dataset.app_config.media_fields or ["filepath"])
        if len(fields) > 1:
            ask_choice(self._inputs, "media_field", {name: name for name in fields}, "filepath", "Field of the media")
        senders = [name for name, transport in TRANSPORTS.items() if transport.sender is not None]
        names = ["media"]
        if (params.get("media") or assigned.get("media")) == "local_files":
            names += ["local_files_root", "local_files_server_root"]
        ask_settings(self._inputs, [*names, "unusable_media"], assigned, {"media": senders})

    def _ask_restrictions(self) -> None:
        self._inputs.bool("restrict", default=False, label="Restrict what people may change", view=types.SwitchView())
        if not self._params.get("restrict"):
            return
        is_video = self._medium.frame_scope is not None
        for name, meaning in RESTRICTIONS.items():
            if is_video or name != "allow_index_edits":
                self._inputs.bool(name, default=True, label=meaning, view=types.CheckboxView())

    def _ask_more(self) -> None:
        self._inputs.bool("more_options", default=False, label="More options", view=types.SwitchView())
        if not self._params.get("more_options"):
            return
        is_video = self._medium.frame_scope is not None
        left_out = [
            *(() if is_video else _OF_VIDEOS),
            *(() if self._project == "new" else _OF_NEW_PROJECTS),
            *(() if self._ctx.dataset.group_field else _OF_GROUPS),
        ]
        ask_settings(self._inputs, [name for name in MORE if name not in left_out], self._assigned)

    def _show_problems(self, can_ask: bool) -> None:
        """Says what cannot be sent: fields, what the project does not ask, and samples."""
        inputs, params = self._inputs, self._params
        try:
            schema = self.label_schema() or {}
        except ValueError as error:
            refuse(inputs, "label_schema", f"label_schema is no JSON: {error}")
            return
        problems = {name: self._drafted(name, entry).problem for name, entry in schema.items()}
        for number, (name, problem) in enumerate(problems.items()):
            if problem is not None:
                refuse(inputs, f"problem_{number}", problem, f"Field {name} cannot be sent like this")
        if any(problems.values()) or not schema:
            return
        if self._project == "existing" and can_ask and params.get("project_id") is not None:
            self._show_misfit(schema, params["project_id"])
        inputs.bool(
            "check",
            default=False,
            label="Check all samples now",
            description=f"Otherwise more than {_CHECKED} are checked when they are sent, before anything is made",
            view=types.SwitchView(),
        )
        if can_ask and (params.get("check") or len(self._samples) <= _CHECKED):
            self._show_unsendable(schema)

    def _show_misfit(self, schema: Mapping[str, Any], project_id: int) -> None:
        """Says what a project that is there does not ask, or asks otherwise."""
        try:
            connection = connection_of(self._ctx, is_new=True)
            theirs = self._once(["labeling config", project_id], lambda: labeling_config_of(connection, project_id))
            if theirs is not None:
                completed = {name: self._drafted(name, entry).completed or {} for name, entry in schema.items()}
                carried = list(self._params.get("task_fields") or ())
                in_names_of(theirs, completed, carried, False, f"project {project_id}")
        except LabelStudioError as error:
            refuse(self._inputs, "misfit", str(error))

    def _show_unsendable(self, schema: Mapping[str, Any]) -> None:
        try:
            found: Unsendable = self._once(
                ["unsendable", schema, self.arguments()],
                lambda: unsendable(self._samples, self._backend(), schema),
            )
        except (LabelStudioError, ValueError) as error:
            refuse(self._inputs, "unsendable", str(error))
            return
        for number, (name, problems) in enumerate(found.by_field.items()):
            what = "samples" if name is None else f"labels of field {name}"
            text = f"{len(problems)} {what} cannot be sent:{listed(problems[:_SHOWN])}"
            refuse(self._inputs, f"unsendable_{number}", text)
        if found.left_out:
            view = types.Notice(label=f"{len(found.left_out)} samples are left out", description=found.left_out[0])
            self._inputs.view("left_out", view)

    def _show_preview(self) -> None:
        self._inputs.bool("preview", default=False, label="Show the labeling config", view=types.SwitchView())
        if not self._params.get("preview"):
            return
        schema = self._schema_or_none() or {}
        completed = {name: self._drafted(name, entry).completed for name, entry in schema.items()}
        whole = {name: info for name, info in completed.items() if info is not None}
        if not whole or len(whole) < len(completed):
            return
        try:
            text = preview(whole, self._params.get("group_slices") or ())
        except LabelStudioError as error:
            refuse(self._inputs, "labeling_config_problem", str(error))
            return
        view = types.CodeView(language="xml", read_only=True)
        self._inputs.str("labeling_config_preview", label="Labeling config", default=text, view=view)
