"""*Load answers*: what people submitted -> the dataset."""

from __future__ import annotations

from typing import Any

from fiftyone.operators import types

import fo_labelstudio
from fo_labelstudio.app.connection import ask_connection, connection_of
from fo_labelstudio.app.form import ask_choice, ask_run
from fo_labelstudio.app.setting_inputs import ask_settings, settings_of
from fo_labelstudio.app.verb import Verb
from fo_labelstudio.settings import LOAD_SETTINGS

_UNEXPECTED = {
    "ignore": "Leave them in Label Studio",
    "keep": "Keep them, in a field of the name of their label type",
}


class LoadAnnotations(Verb):
    """Loads a run; see :func:`fo_labelstudio.load_annotations`."""

    NAME = "load_annotations"
    LABEL = "Load answers from Label Studio"
    DESCRIPTION = "Load what people submitted; only what they changed is written"
    SUBMIT = "Load"
    RELOADS = True

    def ask(self, ctx: Any, inputs: types.Object) -> None:
        run = ask_run(ctx, inputs, lambda run: run.is_own and run.project_id is not None)
        ask_connection(ctx, inputs)
        if run is None:
            return
        inputs.bool("more_options", default=False, label="Options of the load", view=types.SwitchView())
        if not ctx.params.get("more_options"):
            return
        ask_choice(inputs, "unexpected", _UNEXPECTED, "ignore", "Labels that the label schema does not expect")
        ask_settings(inputs, LOAD_SETTINGS, {}, has_defaults=False)
        names = list(run.config.label_schema or {})
        destinations = types.Object()
        for number, name in enumerate(names):
            destinations.str(f"field_{number}", label=f"Field for what was annotated as {name}", description=name)
        inputs.define_property("destinations", destinations, label="Where the labels go")
        inputs.bool(
            "cleanup",
            default=False,
            label="Clean up",
            description="Delete the run's project afterwards, unless something was left in it",
            view=types.SwitchView(),
        )

    def run(self, ctx: Any) -> dict[str, Any]:
        key = ctx.params["anno_key"]
        fo_labelstudio.load_annotations(
            ctx.dataset,
            key,
            _dest_field(ctx),
            ctx.params.get("unexpected") or "ignore",
            bool(ctx.params.get("cleanup")),
            **settings_of(ctx.params, LOAD_SETTINGS),
            **connection_of(ctx),
        )
        results = ctx.dataset.load_annotation_results(key)
        return {
            "anno_key": key,
            "answered": len(results.answered),
            "conflicts": len(results.conflicts),
            "left_behind": list(results.left_behind),
        }

    def show(self, outputs: types.Object, result: dict[str, Any]) -> None:
        outputs.str("anno_key", label="Annotation run", view=types.LabelValueView(read_only=True))
        outputs.int("answered", label="Samples with an answer", view=types.LabelValueView(read_only=True))
        outputs.int("conflicts", label="Conflicts", view=types.LabelValueView(read_only=True))
        if result.get("left_behind"):
            outputs.list("left_behind", types.String(), label="Left in Label Studio")


def _dest_field(ctx: Any) -> Any:
    """Where labels go: a name or a dict, as ``load_annotations()`` takes it, or what the form was given for each."""
    given = ctx.params.get("dest_field")
    if given:
        return given
    rows = ctx.params.get("destinations") or {}
    names = list(ctx.dataset.get_annotation_info(ctx.params["anno_key"]).config.label_schema or {})
    named = {name: rows.get(f"field_{number}") for number, name in enumerate(names)}
    return {name: field for name, field in named.items() if field} or None
