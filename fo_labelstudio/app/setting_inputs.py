"""Inputs for settings, made of the table of settings; those that are set for all runs are shown, and not asked for."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from fiftyone.operators import types

from fo_labelstudio.settings import NOWHERE, PROVENANCE, SETTINGS, Choice, Setting, Switch

_ROWS = {row.name: row for row in SETTINGS}
_CHOICES: Mapping[str, tuple[str, ...]] = {"provenance": (*PROVENANCE, NOWHERE)}
_WHOLE_NUMBERS = ("frame_start", "frame_stop", "parts", "project_id")
_NUMBERS = ("keyframe_tolerance",)
_LISTS = ("task_fields", "group_slices")


def ask_settings(
    inputs: types.Object,
    names: Collection[str],
    assigned: Mapping[str, Any],
    choices: Mapping[str, Collection[str]] | None = None,
    has_defaults: bool = True,
) -> None:
    """Asks for settings; what nobody fills in is as if it was not given.

    Args:
        inputs: receives the inputs
        names: the settings
        assigned: setting -> value, of those that are set already
        choices: setting -> its values, where not all of them make sense
        has_defaults: whether the default is filled in; otherwise, another one may count
    """
    for name in names:
        row = _ROWS[name]
        if name in assigned:
            _show(inputs, row, assigned[name])
        else:
            _ask(inputs, row, (choices or {}).get(name), has_defaults)


def settings_of(params: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    """The settings that a form was given."""
    return {name: params[name] for name in names if params.get(name) not in (None, "", [])}


def _label(row: Setting) -> str:
    return row.name.replace("_", " ").capitalize()


def _meaning(row: Setting) -> str:
    return f"{row.meaning[0].upper()}{row.meaning[1:]}"


def _show(inputs: types.Object, row: Setting, value: Any) -> None:
    text = "set, and not shown" if row.is_secret else str(value)
    view = types.LabelValueView(read_only=True)
    description = "Set in FiftyOne's annotation config, or in the environment"
    inputs.str(f"assigned_{row.name}", label=_label(row), description=description, default=text, view=view)


def _ask(inputs: types.Object, row: Setting, choices: Collection[str] | None, has_default: bool) -> None:
    options = {"label": _label(row), "description": _meaning(row)}
    if isinstance(row.parse, Switch):
        inputs.bool(row.name, default=row.parse(None), view=types.SwitchView(), **options)
        return
    if choices is None:
        choices = row.parse.choices if isinstance(row.parse, Choice) else _CHOICES.get(row.name)
    if choices is not None:
        view = types.DropdownView()
        for choice in choices:
            view.add_choice(choice, label=choice)
        default = row.parse(None) if has_default else None
        inputs.enum(row.name, view.values(), default=default if default in choices else None, view=view, **options)
    elif row.name in _LISTS:
        inputs.list(row.name, types.String(), view=types.AutocompleteView(allow_duplicates=False), **options)
    elif row.name in _WHOLE_NUMBERS:
        inputs.int(row.name, **options)
    elif row.name in _NUMBERS:
        inputs.float(row.name, default=row.parse(None), **options)
    else:
        inputs.str(row.name, **options)
