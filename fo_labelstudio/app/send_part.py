"""*Send a part*: one part of a run, by a delegated worker."""

from __future__ import annotations

from typing import Any

import fiftyone.operators as foo
from fiftyone.operators import types

import fo_labelstudio
from fo_labelstudio.app.connection import connection_of


class SendPart(foo.Operator):
    """Sends one part of a run; see :func:`fo_labelstudio.send_part`."""

    @property
    def config(self) -> foo.OperatorConfig:
        return foo.OperatorConfig(
            name="send_part",
            label="Send a part of an annotation run to Label Studio",
            unlisted=True,
            allow_immediate_execution=True,
            allow_delegated_execution=True,
            default_choice_to_delegated=True,
        )

    def resolve_input(self, ctx: Any) -> types.Property:
        inputs = types.Object()
        inputs.str("anno_key", label="Key of the annotation run", required=True)
        inputs.int("part", label="Part, from 1 on", required=True, min=1)
        return types.Property(inputs)

    def execute(self, ctx: Any) -> dict[str, int]:
        def report(made: int, total: int) -> None:
            ctx.set_progress(made / total, label=f"{made} of {total} tasks")

        key, part = ctx.params["anno_key"], ctx.params["part"]
        tasks = fo_labelstudio.send_part(ctx.dataset, key, part, progress=report, **connection_of(ctx))
        return {"tasks": tasks}
