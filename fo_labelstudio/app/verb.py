"""The base of the plugin's operators: how one asks, runs at once or delegated, tells of its progress, and fails."""

from __future__ import annotations

import time
from collections.abc import Iterator
from queue import SimpleQueue
from threading import Thread
from typing import Any

import fiftyone as fo
import fiftyone.operators as foo
from fiftyone.operators import types
from fiftyone.operators.executor import ExecutionResult
from fiftyone.operators.message import GeneratedMessage, MessageType

from fo_labelstudio.dataset.prompt import unattended
from fo_labelstudio.errors import LabelStudioError
from fo_labelstudio.log import logger
from fo_labelstudio.runs.progress import watched

_SECONDS = 0.5
"""Between two times that the same progress is told."""


class Verb(foo.Operator):
    """An operator that does what one function of the package does.

    Where it takes long, it is delegated if FiftyOne's App offers workers. Otherwise it runs in a thread of its own, and
    the App is told of its progress as it goes on.

    Attributes:
        NAME: its name
        LABEL: what the App calls it
        DESCRIPTION: what it does
        SUBMIT: what is on the button
        IS_LONG: whether it may take longer than somebody waits for
        RELOADS: whether the dataset is another one afterwards
        ASKS: whether there is a form; the App executes it at once where there is none
    """

    NAME = ""
    LABEL = ""
    DESCRIPTION = ""
    SUBMIT = "Execute"
    IS_LONG = True
    RELOADS = False
    ASKS = True

    @property
    def config(self) -> foo.OperatorConfig:
        return foo.OperatorConfig(
            name=self.NAME,
            label=self.LABEL,
            description=self.DESCRIPTION,
            dynamic=self.ASKS,
            execute_as_generator=self.IS_LONG,
            allow_immediate_execution=True,
            allow_delegated_execution=self.IS_LONG,
            default_choice_to_delegated=self.IS_LONG and has_workers(),
        )

    def ask(self, ctx: Any, inputs: types.Object) -> None:
        """Adds the inputs; what cannot be done is invalid, and says why.

        It runs each time that an input changes, so that whatever takes long is looked up once in a form; see ``Form``.
        """
        raise NotImplementedError

    def run(self, ctx: Any) -> dict[str, Any]:
        """Does it, and returns plain values that say what was done."""
        raise NotImplementedError

    def show(self, outputs: types.Object, result: dict[str, Any]) -> None:
        """Adds what is shown of what was done."""
        raise NotImplementedError

    def resolve_input(self, ctx: Any) -> types.Property:
        inputs = types.Object()
        with unattended():
            self.ask(ctx, inputs)
        view = types.PromptView(label=self.LABEL, submit_button_label=self.SUBMIT)
        return types.Property(inputs, view=view)

    def resolve_output(self, ctx: Any) -> types.Property | None:
        result = ctx.request_params.get("results") or {}
        if result and self.IS_LONG and _is_streamed(ctx):
            # It was shown in the place of its progress.
            return None
        return self._outputs(result)

    def execute(self, ctx: Any) -> Any:
        if self.IS_LONG and _is_streamed(ctx):
            return self._stream(ctx)
        result = self._run(ctx, _Progress(ctx.set_progress))
        if self.RELOADS and not ctx.delegated:
            ctx.ops.reload_dataset()
        return result

    def _run(self, ctx: Any, progress: _Progress) -> dict[str, Any]:
        with unattended(), watched(progress):
            return self.run(ctx)

    def _stream(self, ctx: Any) -> Iterator[GeneratedMessage]:
        """Runs it in a thread, and passes on what the App is to show."""
        told: SimpleQueue[tuple[str, Any]] = SimpleQueue()

        def work() -> None:
            try:
                progress = _Progress(lambda share, label: told.put(("progress", (share, label))))
                told.put(("done", self._run(ctx, progress)))
            except BaseException as error:
                told.put(("failed", error))

        Thread(target=work, name=self.NAME, daemon=True).start()
        is_shown = False
        while True:
            what, value = told.get()
            if what == "progress":
                share, label = value
                is_shown = True
                yield ctx.ops.set_progress(label=label, progress=share)
            elif what == "failed":
                message = _message(value)
                if is_shown:
                    outputs = types.Object()
                    outputs.view("failed", types.Error(label=f"{self.LABEL}: it failed", description=message))
                    yield _shown(ctx, outputs, {})
                yield _Failure(message)
                return
            else:
                yield _Result(value)
                outputs = self._outputs(value).type
                yield _shown(ctx, outputs, value)
                if self.RELOADS:
                    yield ctx.ops.reload_dataset()
                return

    def _outputs(self, result: dict[str, Any]) -> types.Property:
        outputs = types.Object()
        if result:
            self.show(outputs, result)
        return types.Property(outputs, view=types.View(label=self.LABEL))


def has_workers() -> bool:
    """Whether the App offers workers for what is to run in the background."""
    return bool(getattr(fo.config, "allow_legacy_orchestrators", False))


class _Progress:
    """Tells of progress, but not of each step."""

    def __init__(self, tell: Any):
        self._tell = tell
        self._what = ""
        self._next = 0.0

    def __call__(self, what: str, done: int, total: int | None) -> None:
        now = time.monotonic()
        if what == self._what and now < self._next:
            return
        self._what, self._next = what, now + _SECONDS
        share = min(done / total, 1.0) if total else None
        self._tell(share, f"{what}: {done:,} of {total:,}" if total else f"{what}: {done:,}")


class _Result(GeneratedMessage):
    """Tells the App what an operator that streams has returned."""

    def __init__(self, result: dict[str, Any]):
        super().__init__(MessageType.SUCCESS, cls=ExecutionResult)
        self._result = result

    def to_json(self) -> dict[str, Any]:
        return {**super().to_json(), "body": self._result}


class _Failure(GeneratedMessage):
    """Tells the App that an operator that streams has failed."""

    def __init__(self, message: str):
        super().__init__(MessageType.ERROR, cls=ExecutionResult)
        self._message = message

    def to_json(self) -> dict[str, Any]:
        return {**super().to_json(), "error": self._message, "error_message": self._message}


def _is_streamed(ctx: Any) -> bool:
    """Whether the App reads messages while the operator runs; ``execute_operator()`` takes what it returns."""
    # Of all that execute operators, the App's server alone hands on the whole request (FiftyOne 1.22.1).
    return "operator_uri" in ctx.request_params and not ctx.delegated


def _shown(ctx: Any, outputs: types.Object, results: dict[str, Any]) -> Any:
    return ctx.ops.show_output(types.Property(outputs).to_json(), results)


def _message(error: BaseException) -> str:
    """What is told of a failure: all of it, where the error says what to do."""
    if isinstance(error, (LabelStudioError, ValueError)) and str(error).strip():
        return str(error).strip()
    logger.error("An operator has failed", exc_info=error)
    return f"{type(error).__name__}: {error}"
