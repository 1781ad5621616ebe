"""*Import a project*: what a project of others holds -> the dataset."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fiftyone.operators import types

import fo_labelstudio
from fo_labelstudio.app.connection import ask_connection, backend_name, connection_of
from fo_labelstudio.app.form import ask_choice
from fo_labelstudio.app.project_inputs import ask_project
from fo_labelstudio.app.verb import Verb

_UNEXPECTED = {
    "ignore": "Leave them in Label Studio",
    "keep": "Keep them, in a field of the name of their label type",
}
_SWITCHES = {
    "insert_new": (True, "Media of which there is no sample become new samples"),
    "download_media": (False, "Fetch media that are not there into the folder"),
    "allow_private_hosts": (False, "Fetch media also from this machine and from private networks"),
    "full": (False, "Load tasks again that have not changed since the last import"),
}


class ImportProject(Verb):
    """Imports a project; see :func:`fo_labelstudio.import_annotations`."""

    NAME = "import_project"
    LABEL = "Import a project from Label Studio"
    DESCRIPTION = "Import what a project that somebody else made holds; again, for what was changed since"
    SUBMIT = "Import"
    RELOADS = True

    def ask(self, ctx: Any, inputs: types.Object) -> None:
        if ask_connection(ctx, inputs, is_new=True):
            ask_project(ctx, inputs, connection_of(ctx, is_new=True))
        inputs.str(
            "data_path",
            label="Folder of the media on the machine of the App",
            description="Only where samples are not found by the names of their files",
        )
        inputs.bool("more_options", default=False, label="More options", view=types.SwitchView())
        if not ctx.params.get("more_options"):
            return
        inputs.str(
            "annotations",
            default="latest",
            label="Which annotation of a task counts",
            description="latest, ground_truth, all, or the e-mail of an annotator",
        )
        inputs.str("predictions", label="Predictions of this model version, or all")
        for name, (default, label) in _SWITCHES.items():
            inputs.bool(name, default=default, label=label, view=types.SwitchView())
        ask_choice(inputs, "unexpected", _UNEXPECTED, "ignore", "Labels of control tags that the project has no more")
        inputs.list("label_types", types.String(), label="Only labels of these types", view=types.AutocompleteView())
        inputs.list("match", _pair("Key of the tasks' data", "Field with the same"), label="How samples are found")
        inputs.list("fields", _pair("Control tag", "Field that receives its answers"), label="Names of fields")
        inputs.str("media_field", default="filepath", label="Field with the paths of the media")

    def run(self, ctx: Any) -> dict[str, Any]:
        params = ctx.params
        before = len(ctx.dataset)
        options = {name: params[name] for name in ("insert_new", "download_media", "full") if name in params}
        fo_labelstudio.import_annotations(
            ctx.dataset,
            project_id=params["project_id"],
            data_path=params.get("data_path") or None,
            label_types=params.get("label_types") or None,
            unexpected=params.get("unexpected") or "ignore",
            annotations=params.get("annotations") or "latest",
            predictions=params.get("predictions") or None,
            match=_pairs(params.get("match")),
            fields=_pairs(params.get("fields")),
            media_field=params.get("media_field") or "filepath",
            allow_private_hosts=bool(params.get("allow_private_hosts")),
            backend=backend_name(),
            **options,
            **connection_of(ctx, is_new=True),
        )
        return {"project_id": params["project_id"], "new_samples": len(ctx.dataset) - before}

    def show(self, outputs: types.Object, result: dict[str, Any]) -> None:
        outputs.view("done", types.Success(label=f"Project {result['project_id']} is imported"))
        outputs.int("new_samples", label="New samples", view=types.LabelValueView(read_only=True))


def _pair(key: str, value: str) -> types.Object:
    row = types.Object()
    row.str("key", label=key, required=True, view=types.View(space=6))
    row.str("value", label=value, required=True, view=types.View(space=6))
    return row


def _pairs(given: Any) -> dict[str, str] | None:
    """A dict, from the rows of a form, or as Python takes it."""
    if isinstance(given, Mapping):
        return dict(given)
    return {row["key"]: row["value"] for row in given or ()} or None
