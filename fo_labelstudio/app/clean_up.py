"""*Clean up*: what a run has made on the server is deleted."""

from __future__ import annotations

from typing import Any

from fiftyone.operators import types

from fo_labelstudio.app.connection import ask_connection, connection_of, refuse
from fo_labelstudio.app.form import ask_run, remembered
from fo_labelstudio.app.verb import Verb
from fo_labelstudio.errors import LabelStudioError, RunError
from fo_labelstudio.runs.load_annotations import results_of
from fo_labelstudio.runs.unloaded import unloaded_answers


class CleanUp(Verb):
    """Deletes the project of a run; see ``results.cleanup()``."""

    NAME = "clean_up"
    LABEL = "Clean up in Label Studio"
    DESCRIPTION = "Delete the project of a run, with its tasks and annotations; the labels of the dataset stay"
    SUBMIT = "Delete"
    IS_LONG = False
    RELOADS = True

    def ask(self, ctx: Any, inputs: types.Object) -> None:
        run = ask_run(ctx, inputs)
        if run is None:
            return
        inputs.bool(
            "delete_run",
            default=False,
            label="Forget the run",
            description="The dataset forgets the annotation run, too; its labels stay",
            view=types.SwitchView(),
        )
        if run.project_id is None:
            inputs.view("nothing", types.Notice(label="There is no project to delete"))
            return
        is_theirs = not run.config.saved_state.get("owns_project", True)
        what = "the tasks that it has added to project" if is_theirs else "project"
        inputs.view("warning", types.Warning(label=f"Run {run.key} deletes {what} {run.project_id}: {run.url}"))
        inputs.bool(
            "force",
            default=False,
            label="Delete it although answers were not loaded, or something was left in it",
            view=types.CheckboxView(),
        )
        if not ask_connection(ctx, inputs) or ctx.params.get("force"):
            return
        try:
            new = remembered(ctx, ["unloaded", run.key], lambda: unloaded_answers(_results(ctx, run.key)))
        except LabelStudioError as error:
            refuse(inputs, "unloaded", str(error))
            return
        if new:
            refuse(inputs, "unloaded", _would_lose(run.key, new))

    def run(self, ctx: Any) -> dict[str, Any]:
        key, force = ctx.params["anno_key"], bool(ctx.params.get("force"))
        results = _results(ctx, key)
        project_id = results.project_id
        if project_id is not None:
            new = 0 if force else unloaded_answers(results)
            if new:
                raise RunError(_would_lose(key, new), project_id)
            left = list(results.left_behind)
            results.cleanup(force=force)
            if results.project_id is not None:
                raise RunError(
                    f"project {project_id} is kept, because the last load left something behind: {'; '.join(left)}; "
                    "choose to delete it all the same",
                    project_id,
                )
            results.save()
        if ctx.params.get("delete_run"):
            ctx.dataset.delete_annotation_run(key)
        return {"anno_key": key, "project_id": project_id, "deleted_run": bool(ctx.params.get("delete_run"))}

    def show(self, outputs: types.Object, result: dict[str, Any]) -> None:
        number = result["project_id"]
        text = "There was no project to delete" if number is None else f"Cleaned up project {number}"
        outputs.view("done", types.Success(label=text))


def _results(ctx: Any, key: str) -> Any:
    return results_of(ctx.dataset, key, connection_of(ctx))


def _would_lose(key: str, new: int) -> str:
    return (
        f"{new} tasks of annotation run {key!r} have answers that were not loaded; load them first, or choose to "
        "delete them all the same"
    )
