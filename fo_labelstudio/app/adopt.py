"""*Adopt*: a run of the integration inside FiftyOne -> one of this package."""

from __future__ import annotations

from typing import Any

from fiftyone.operators import types

import fo_labelstudio
from fo_labelstudio.app.connection import ask_connection, backend_name, connection_of
from fo_labelstudio.app.form import ask_run
from fo_labelstudio.app.verb import Verb


class Adopt(Verb):
    """Takes over a run; see :func:`fo_labelstudio.adopt`."""

    NAME = "adopt"
    LABEL = "Adopt a run of FiftyOne's own integration"
    DESCRIPTION = "Load a run that the integration inside FiftyOne has made from now on with fo_labelstudio"
    SUBMIT = "Adopt"
    RELOADS = True

    def ask(self, ctx: Any, inputs: types.Object) -> None:
        lacking = "This dataset has no annotation run of the Label Studio integration inside FiftyOne"
        run = ask_run(ctx, inputs, lambda run: not run.is_own, lacking)
        ask_connection(ctx, inputs)
        if run is not None:
            label = "Nothing is changed on the server. The integration inside FiftyOne cannot load the run any more"
            inputs.view("notice", types.Notice(label=label))

    def run(self, ctx: Any) -> dict[str, Any]:
        key = ctx.params["anno_key"]
        results = fo_labelstudio.adopt(ctx.dataset, key, backend_name(), **connection_of(ctx))
        return {"anno_key": key, "tasks": len(results.tasks), "project_id": results.project_id}

    def show(self, outputs: types.Object, result: dict[str, Any]) -> None:
        text = f"Run {result['anno_key']} with {result['tasks']} tasks is adopted"
        outputs.view("done", types.Success(label=text))
