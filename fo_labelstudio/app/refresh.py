"""*Refresh predictions*: labels of a better model -> predictions on the tasks of a run."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fiftyone.operators import types

from fo_labelstudio.app.connection import ask_connection, connection_of
from fo_labelstudio.app.form import ask_choice, ask_run, samples_of
from fo_labelstudio.app.verb import Verb
from fo_labelstudio.runs.listed import ListedRun
from fo_labelstudio.runs.load_annotations import results_of

_START = {
    "default": "In projects that the run has made",
    "yes": "Yes",
    "no": "No",
}
_OUTCOMES = {
    "added": "Tasks that got a prediction",
    "replaced": "Tasks whose prediction is another one now",
    "unchanged": "Tasks that had the same one",
    "answered": "Tasks left alone, for they have an annotation",
    "without_task": "Samples that the run does not have",
    "left_out": "Samples whose media cannot be read",
}


class RefreshPredictions(Verb):
    """Adds or replaces predictions; see ``results.upload_predictions()``."""

    NAME = "refresh_predictions"
    LABEL = "Refresh predictions in Label Studio"
    DESCRIPTION = "Send the labels of a better model to the tasks of a run"
    SUBMIT = "Send predictions"

    def ask(self, ctx: Any, inputs: types.Object) -> None:
        inputs.view_target(ctx, action_description="Send the predictions of")
        run = ask_run(ctx, inputs, _has_project)
        ask_connection(ctx, inputs)
        if run is None:
            return
        inputs.str(
            "model_version",
            label="Name of the model",
            description="It tells its predictions from all others. Those of the same name are replaced",
            required=True,
        )
        schema = ctx.dataset.get_field_schema(flat=True)
        view = types.AutocompleteView(allow_user_input=True)
        for name in schema:
            view.add_choice(name, label=name)
        fields = types.Object()
        for number, name in enumerate(_fields_of(run)):
            fields.str(f"field_{number}", label=f"Field with the predictions for {name}", description=name, view=view)
        inputs.define_property("fields", fields, label="Where the predictions are, if not in the fields of the run")
        inputs.bool("more_options", default=False, label="More options", view=types.SwitchView())
        if ctx.params.get("more_options"):
            inputs.bool("answered", default=False, label="Tasks that have an annotation, too", view=types.SwitchView())
            ask_choice(inputs, "start_from", _START, "default", "Whether people start from these predictions")
            inputs.str("score_field", label="Field that is the score of the predictions")
            ask_choice(
                inputs, "score_order", {"lowest": "lowest", "highest": "highest"}, None, "Values that come first"
            )

    def run(self, ctx: Any) -> dict[str, Any]:
        key, params = ctx.params["anno_key"], ctx.params
        results: Any = results_of(ctx.dataset, key, connection_of(ctx))
        rows = params.get("fields") or {}
        names = list(results.config.label_schema or {})
        named = {name: rows.get(f"field_{number}") for number, name in enumerate(names)}
        report = results.upload_predictions(
            samples_of(ctx),
            params.get("label_field") or {name: field for name, field in named.items() if field} or None,
            params["model_version"],
            answered=bool(params.get("answered")),
            start_from={"yes": True, "no": False}.get(params.get("start_from", "default")),
            score_field=params.get("score_field") or None,
            score_order=params.get("score_order") or None,
        )
        return {"anno_key": key, "model_version": params["model_version"], **asdict(report)}

    def show(self, outputs: types.Object, result: dict[str, Any]) -> None:
        for name, meaning in _OUTCOMES.items():
            if result[name]:
                outputs.int(name, label=meaning, view=types.LabelValueView(read_only=True))


def _has_project(run: ListedRun) -> bool:
    return run.is_own and run.project_id is not None


def _fields_of(run: ListedRun) -> list[str]:
    return list(run.config.label_schema or {})
