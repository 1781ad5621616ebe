"""*Open in Label Studio*: the tasks of the sample at hand, or of the selection."""

from __future__ import annotations

from typing import Any

from fiftyone.operators import types

from fo_labelstudio.app.verb import Verb
from fo_labelstudio.errors import RunError, SettingsError
from fo_labelstudio.runs.listed import listed_runs
from fo_labelstudio.runs.task_links import task_links

_MOST = 50
"""Links that are shown."""


class OpenInLabelStudio(Verb):
    """Shows links to the tasks themselves, in each run that has them; no server is asked."""

    NAME = "open_in_labelstudio"
    LABEL = "Open in Label Studio"
    DESCRIPTION = "Open the task of this sample, or of the selected ones"
    IS_LONG = False
    ASKS = False

    def ask(self, ctx: Any, inputs: types.Object) -> None:
        """Asks nothing, so that the App shows the links at once."""

    def run(self, ctx: Any) -> dict[str, Any]:
        wanted = [ctx.current_sample] if ctx.current_sample else list(ctx.selected)
        if not wanted:
            raise SettingsError("no sample is open or selected; open one, or select some")
        asked = ctx.params.get("anno_key")
        runs = [run for run in listed_runs(ctx.dataset) if run.is_own and run.project_id is not None]
        if asked is not None and asked not in [run.key for run in runs]:
            known = ", ".join(run.key for run in runs) or "none"
            raise RunError(
                f"dataset {ctx.dataset.name!r} has no annotation run {asked!r} with a project; it has: {known}"
            )
        links = []
        for run in reversed(runs):
            if asked in (None, run.key):
                results: Any = ctx.dataset.load_annotation_results(run.key)
                links += [{"anno_key": run.key, **link._asdict()} for link in task_links(results, _ids(ctx, wanted))]
        if not links:
            which = "no annotation run" if asked is None else f"annotation run {asked!r} has no"
            raise RunError(
                f"{which} with a project has these samples; send them first"
                if asked is None
                else f"{which} task of these samples; add them with results.add_samples()"
            )
        return {"links": links}

    def show(self, outputs: types.Object, result: dict[str, Any]) -> None:
        links = result["links"]
        for number, link in enumerate(links[:_MOST]):
            text = f"[Task {link['task_id']} of run {link['anno_key']}]({link['url']})"
            outputs.md(text, name=f"link_{number}")
        if len(links) > _MOST:
            outputs.view("more", types.Notice(label=f"and {len(links) - _MOST} more; select fewer samples"))

    def resolve_placement(self, ctx: Any) -> types.Placement:
        button = types.Button(label=self.LABEL, icon="open_in_new", prompt=False)
        return types.Placement(types.Places.SAMPLES_VIEWER_ACTIONS, button)


def _ids(ctx: Any, wanted: list[str]) -> list[str]:
    """The ids under which runs may know what is selected: its own, and those of the samples that it was made of."""
    view = ctx.view
    if view is None or view.get_field("sample_id") is None:
        return wanted
    return [*wanted, *map(str, view.select(wanted).values("sample_id"))]
