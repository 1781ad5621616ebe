"""The panel *Label Studio*: the annotation runs of the dataset, how far each is, and what loads have changed."""

from __future__ import annotations

from typing import Any

import fiftyone.operators as foo
from fiftyone.operators import types
from fiftyone.operators.categories import Categories

from fo_labelstudio.app import panel_state
from fo_labelstudio.app.connection import connection_of
from fo_labelstudio.app.panel_layout import layout
from fo_labelstudio.errors import LabelStudioError
from fo_labelstudio.runs.changes import changed_view
from fo_labelstudio.runs.disagreements import disagreements

_STATE = "shown"
"""Where the browser keeps what the panel shows."""

_PLUGIN = "fo-labelstudio"


class LabelStudioPanel(foo.Panel):
    """The panel *Label Studio*."""

    @property
    def config(self) -> foo.PanelConfig:
        return foo.PanelConfig(
            name="labelstudio_panel",
            label="Label Studio",
            icon="rate_review",
            category=Categories.CURATE,
            help_markdown="The annotation runs of the dataset in Label Studio, how far they are, and what came back.",
        )

    def render(self, ctx: Any) -> types.Property:
        events = {
            "tick": self.on_tick,
            "refresh": self.refresh,
            "choose": self.choose,
            "send": self.send,
            "import_project": self.import_project,
            "adopt": self.adopt,
            "load": self.load,
            "open": self.open_tasks,
            "predict": self.refresh_predictions,
            "clean_up": self.clean_up,
            "disagreements": self.show_disagreements,
            "select": self.select,
            "show": self.show_changed,
        }
        return layout(self._known(ctx), bool(ctx.selected), events)

    def on_load(self, ctx: Any) -> None:
        """The panel is opened."""
        self.refresh(ctx)

    def on_change_dataset(self, ctx: Any) -> None:
        """Another dataset is opened."""
        self.refresh(ctx)

    def on_change_selected(self, ctx: Any) -> None:
        """Other samples are selected, which :meth:`render` takes into account."""

    def on_tick(self, ctx: Any) -> None:
        """Some seconds have passed."""
        if ctx.dataset is not None:
            self._keep(ctx, panel_state.read_chosen(ctx.dataset, self._known(ctx), connection_of(ctx)))

    def refresh(self, ctx: Any) -> None:
        """Asks the server about all runs."""
        if ctx.dataset is not None:
            chosen = self._known(ctx).get("chosen")
            self._keep(ctx, panel_state.read_all(ctx.dataset, chosen, connection_of(ctx)))

    def choose(self, ctx: Any) -> None:
        """A row of the table of runs is clicked."""
        row = ctx.params["row"]
        if row >= 0:
            self._keep(ctx, panel_state.choose(ctx.dataset, self._known(ctx), row, connection_of(ctx)))

    def send(self, ctx: Any) -> None:
        """Opens the form that sends samples."""
        self._prompt(ctx, "send_for_annotation", {})

    def import_project(self, ctx: Any) -> None:
        """Opens the form that imports what others have annotated."""
        self._prompt(ctx, "import_project", {})

    def adopt(self, ctx: Any) -> None:
        """Opens the form that takes a run over."""
        self._prompt_of_run(ctx, "adopt")

    def load(self, ctx: Any) -> None:
        """Opens the form that loads answers."""
        self._prompt_of_run(ctx, "load_annotations")

    def open_tasks(self, ctx: Any) -> None:
        """Shows the tasks of the selected samples."""
        self._prompt_of_run(ctx, "open_in_labelstudio")

    def refresh_predictions(self, ctx: Any) -> None:
        """Opens the form that sends predictions."""
        self._prompt_of_run(ctx, "refresh_predictions")

    def clean_up(self, ctx: Any) -> None:
        """Opens the form that deletes the project."""
        self._prompt_of_run(ctx, "clean_up")

    def select(self, ctx: Any) -> None:
        """A row of the table of changed samples is clicked."""
        ids, row = self._known(ctx)["changes"]["ids"], ctx.params["row"]
        if 0 <= row < len(ids):
            ctx.ops.set_selected_samples([ids[row]])

    def show_changed(self, ctx: Any) -> None:
        """Shows the samples that the last load has changed."""
        ctx.ops.set_view(changed_view(ctx.dataset, self._known(ctx)["chosen"]))

    def show_disagreements(self, ctx: Any) -> None:
        """Shows the samples on which annotators disagree."""
        try:
            view = disagreements(ctx.dataset, self._known(ctx)["chosen"])
        except LabelStudioError as error:
            # What a panel raises takes its place in the App.
            ctx.ops.notify(str(error), variant="error")
            return
        ctx.ops.reload_dataset()
        ctx.ops.set_view(view)

    def _known(self, ctx: Any) -> panel_state.State:
        return ctx.panel.get_state(_STATE, {}) or {}

    def _keep(self, ctx: Any, state: panel_state.State | None) -> None:
        if state is not None:
            ctx.panel.set_state(_STATE, state)

    def _prompt_of_run(self, ctx: Any, operator: str, **options: Any) -> None:
        self._prompt(ctx, operator, {"anno_key": self._known(ctx)["chosen"]}, **options)

    def _prompt(self, ctx: Any, operator: str, params: dict[str, Any], **options: Any) -> None:
        ctx.prompt(f"{_PLUGIN}/{operator}", params=params, on_success=self.on_tick, **options)
