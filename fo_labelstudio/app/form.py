"""What the forms of several operators have in common."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from typing import Any, TypeVar

from fiftyone.operators import types

from fo_labelstudio.app.connection import refuse
from fo_labelstudio.runs.listed import ListedRun, listed_runs

T = TypeVar("T")

_REMEMBERED = 256
"""Answers that are kept, of all forms that are open."""

_WHAT_IS_SHOWN = (
    *("dataset_id", "dataset_name", "view", "view_name", "filters", "extended", "group_slice"),
    *("selected", "selected_samples", "view_target"),
)
"""What of a request says which samples a form is about."""

_answers: OrderedDict[str, Any] = OrderedDict()
_lock = Lock()


def remembered(ctx: Any, what: Sequence[Any], look: Callable[[], T]) -> T:
    """What takes long to find out, looked up once as long as a form is open and its samples are the same.

    Args:
        ctx: the execution context
        what: tells it from all others, as values of JSON
        look: finds it out; what it raises is not kept
    """
    prompt = ctx.request_params.get("prompt_id")
    if prompt is None:
        return look()
    request = ctx.request_params
    about = {name: request.get(name) for name in _WHAT_IS_SHOWN}
    about["group_slices"] = ctx.params.get("group_slices")
    # As FiftyOne before 1.22 has it.
    about["target"] = ctx.params.get("view_target")
    key = json.dumps([prompt, about, list(what)], sort_keys=True, default=str)
    with _lock:
        if key in _answers:
            _answers.move_to_end(key)
            found: T = _answers[key]
            return found
    answer = look()
    with _lock:
        _answers[key] = answer
        while len(_answers) > _REMEMBERED:
            _answers.popitem(last=False)
    return answer


def samples_of(ctx: Any) -> Any:
    """The samples that an operator is about: what the form says, or else the selection, or else the view."""
    target = ctx.params.get("view_target") or ctx.request_params.get("view_target")
    if target is None and ctx.selected:
        samples = ctx.view.select(ctx.selected)
    else:
        samples = ctx.target_view()
    if samples.media_type == "group":
        asked = ctx.params.get("group_slices")
        samples = samples.select_group_slices(asked or ctx.group_slice or samples.group_slice)
    return samples


def ask_choice(
    inputs: types.Object, name: str, choices: Mapping[str, str], default: str | None, label: str, **options: Any
) -> types.Property:
    """Asks for one of a few.

    Args:
        inputs: receives the input
        name: its name
        choices: value -> what it means
        default: the value where nobody chooses
        label: what is asked
        **options: those of the property
    """
    view = types.DropdownView()
    for value, meaning in choices.items():
        view.add_choice(value, label=meaning)
    return inputs.enum(name, view.values(), default=default, label=label, view=view, **options)


def ask_run(
    ctx: Any,
    inputs: types.Object,
    is_wanted: Callable[[ListedRun], bool] = lambda run: run.is_own,
    lacking: str = "This dataset has no annotation run of Label Studio's; send one first",
) -> ListedRun | None:
    """Asks for one of the annotation runs of the dataset; None where there is none, or the one asked for is gone.

    Args:
        ctx: the execution context
        inputs: receives the input
        is_wanted: which runs can be chosen
        lacking: what is said where there is none
    """
    runs = {run.key: run for run in listed_runs(ctx.dataset) if is_wanted(run)}
    if not runs and not ctx.params.get("anno_key"):
        refuse(inputs, "no_run", lacking)
        return None
    asked, default = ctx.params.get("anno_key"), next(reversed(runs), None)
    choice = ask_choice(inputs, "anno_key", {key: key for key in runs}, default, "Annotation run", required=True)
    if asked is not None and asked not in runs:
        choice.invalid = True
        choice.error_message = (
            f"dataset {ctx.dataset.name!r} has no annotation run {asked!r} of this kind; it has: "
            f"{', '.join(runs) or 'none'}"
        )
    return runs.get(asked or default or "")
