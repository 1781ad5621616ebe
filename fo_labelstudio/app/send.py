"""*Send for annotation*: samples -> an annotation run, with a project on the server."""

from __future__ import annotations

from typing import Any

from fiftyone.operators import types

import fo_labelstudio
from fo_labelstudio.app.connection import backend_name, connection_of
from fo_labelstudio.app.form import samples_of
from fo_labelstudio.app.send_form import SendForm
from fo_labelstudio.app.verb import Verb
from fo_labelstudio.runs.project import project_url
from fo_labelstudio.runs.state import project_id_of


class SendForAnnotation(Verb):
    """Makes an annotation run, as ``annotate()`` of samples does."""

    NAME = "send_for_annotation"
    LABEL = "Send to Label Studio"
    DESCRIPTION = "Send the selection, or the view, for annotation"
    SUBMIT = "Send"
    RELOADS = True

    def ask(self, ctx: Any, inputs: types.Object) -> None:
        SendForm(ctx, inputs).ask()

    def run(self, ctx: Any) -> dict[str, Any]:
        form = SendForm(ctx, types.Object())
        key = ctx.params["anno_key"]
        results = samples_of(ctx).annotate(
            key,
            backend=backend_name(),
            config_cls=fo_labelstudio.CONFIG_CLS,
            label_schema=form.label_schema(),
            **form.arguments(),
            **connection_of(ctx, is_new=True),
        )
        url = project_url(results.config.url or "", project_id_of(results))
        return {"anno_key": key, "tasks": len(results.tasks), "project_id": results.project_id, "url": url}

    def show(self, outputs: types.Object, result: dict[str, Any]) -> None:
        outputs.str("anno_key", label="Annotation run", view=types.LabelValueView(read_only=True))
        outputs.int("tasks", label="Tasks", view=types.LabelValueView(read_only=True))
        outputs.md(f"[Open the project in Label Studio]({result['url']})", name="link")

    def resolve_placement(self, ctx: Any) -> types.Placement:
        button = types.Button(label=self.LABEL, icon="draw", prompt=True)
        return types.Placement(types.Places.SAMPLES_GRID_SECONDARY_ACTIONS, button)
