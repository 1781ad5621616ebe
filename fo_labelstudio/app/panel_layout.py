"""How the panel looks: its state -> FiftyOne's views."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fiftyone.operators import types

from fo_labelstudio.app.panel_state import (
    ADOPTABLE,
    CLEANED_UP,
    IN_FILES,
    INCOMPLETE,
    ON_SERVER,
    State,
    run_of,
)
from fo_labelstudio.runs.status_table import duration

INTERVAL_MILLISECONDS = 5000
"""Between two requests while the panel is open."""

_SAID_OF = {
    INCOMPLETE: "not completely sent",
    IN_FILES: "written to files",
    CLEANED_UP: "project deleted",
    ADOPTABLE: "made by FiftyOne's own integration",
}
_HINTS = {
    INCOMPLETE: "Not everything is sent. If nobody is sending it right now, send it again with the same name.",
    IN_FILES: "The tasks were written to files. Load a JSON export of Label Studio to bring the answers home.",
    CLEANED_UP: "The project of this run was deleted from the server. What was loaded stays in the dataset.",
    ADOPTABLE: "FiftyOne's own integration has made this run. Adopt it to see its progress and to load it safely.",
}

# Without a minimum of 0, a row of the grid is as wide as its widest content, and the panel scrolls sideways.
_COLUMN = {"grid": {"sx": {"gridTemplateColumns": "minmax(0, 1fr)"}}}
_PANEL = {**_COLUMN, "container": {"sx": {"p": 2, "width": "100%", "boxSizing": "border-box"}}}
_CARD = {**_COLUMN, "container": {"sx": {"p": 2, "width": "100%", "boxSizing": "border-box"}}}
_BUTTON = {"item": {"sx": {"width": "auto"}}}
_SELECTED = "var(--fo-palette-action-selected)"
_CELLS = {"fontSize": "0.875rem", "overflowWrap": "anywhere"}


def _table_of(cursor: str) -> dict[str, Any]:
    # Styles of cells of their own would take the colour from those that are selected.
    return {"table": {"sx": {"minWidth": 0, "& th": _CELLS, "& td": {**_CELLS, "cursor": cursor}}}}


Event = Callable[[Any], Any]
"""A method of the panel."""


def layout(state: State, is_selected: bool, on: Mapping[str, Event]) -> types.Property:
    """The panel.

    Args:
        state: what it shows
        is_selected: whether samples are selected
        on: name of an event -> the method of the panel
    """
    panel = types.Object()
    panel.view("timer", types.TimerView(interval=INTERVAL_MILLISECONDS, on_interval=on["tick"]))
    _head(panel, state, on)
    runs = state.get("runs")
    if runs:
        _runs(panel, state, on)
        run = run_of(state)
        if run is not None:
            _run(panel, run, state, is_selected, on)
    elif runs is not None:
        panel.md(
            "The dataset has no annotation runs yet. Select samples, and *send* them to Label Studio.", name="no_runs"
        )
    return types.Property(panel, view=types.GridView(orientation="vertical", gap=2, componentsProps=_PANEL))


def _head(panel: types.Object, state: State, on: Mapping[str, Event]) -> None:
    bar = _bar(panel, "head")
    _button(bar, "send", "Send for annotation", "send", on["send"], is_primary=True)
    _button(bar, "import", "Import a project", "download", on["import_project"])
    _button(bar, "refresh", "Refresh", "refresh", on["refresh"])


def _runs(panel: types.Object, state: State, on: Mapping[str, Event]) -> None:
    rows = [_row(run) for run in state["runs"]]
    chosen = [place for place, run in enumerate(state["runs"]) if run["key"] == state["chosen"]]
    _table(panel, "runs", ["Run", "Answered", "Skipped", "Open", "New"], rows, chosen, on_click_row=on["choose"])


def _row(run: Mapping[str, Any]) -> list[Any]:
    status = run["status"]
    if status is None:
        return [run["key"], _SAID_OF.get(run["state"], "unknown"), "", "", ""]
    answered = f"{status['answered']} of {status['tasks']}"
    return [run["key"], answered, status["skipped"], status["open"], status["new"]]


def _run(panel: types.Object, run: Mapping[str, Any], state: State, is_selected: bool, on: Mapping[str, Event]) -> None:
    card = panel.v_stack("run", gap=2, variant="paper", elevation=2, componentsProps=_CARD)
    title = f"**{_plain(run['key'])}**"
    if run["fields"]:
        title += f" · {_plain(', '.join(run['fields']))}"
    if run["url"] and run["state"] in (ON_SERVER, INCOMPLETE):
        title += f" · [Open the project]({run['url']})"
    card.md(title, name="title")
    if run["error"] is not None:
        card.view("error", types.AlertView(severity="error", label=_plain(run["error"])))
    if run["state"] in _HINTS:
        card.view("hint", types.AlertView(severity="info", label=_HINTS[run["state"]]))
    if run["status"] is not None:
        _progress(card, run["status"])
    _buttons(card, run, is_selected, on)
    if run["status"] is not None and run["status"]["annotators"]:
        _people(card, run["status"]["annotators"])
    if state["changes"] is not None:
        _changes(panel, state["changes"], on)


def _progress(card: types.Object, status: Mapping[str, Any]) -> None:
    total = status["tasks"] - status["deleted"]
    done = status["answered"] + status["skipped"]
    label = ", ".join(f"{status[name]} {name}" for name in ("answered", "skipped", "open"))
    label += "".join(f", {status[name]} {said}" for name, said in _BESIDES.items() if status[name])
    card.float("progress", default=done / total if total else 0.0, view=types.ProgressView(label=label))


_BESIDES = {"drafts": "begun", "deleted": "deleted from the server", "new": "not loaded yet"}


def _buttons(card: types.Object, run: Mapping[str, Any], is_selected: bool, on: Mapping[str, Event]) -> None:
    bar = _bar(card, "buttons")
    if run["state"] == ADOPTABLE:
        _button(bar, "adopt", "Adopt", "handshake", on["adopt"], is_primary=True)
        return
    news = (run["status"] or {}).get("new", 0)
    if run["state"] in (ON_SERVER, INCOMPLETE, IN_FILES):
        label = f"Load {news} answers" if news > 1 else "Load answers"
        _button(bar, "load", label, "download", on["load"], is_primary=bool(news))
    if run["state"] in (ON_SERVER, INCOMPLETE):
        _button(bar, "open", "Open selected tasks", "open_in_new", on["open"], disabled=not is_selected)
        _button(bar, "predictions", "Refresh predictions", "auto_fix_high", on["predict"])
        _button(bar, "disagreements", "Disagreements", "difference", on["disagreements"])
        _button(bar, "clean_up", "Clean up", "delete", on["clean_up"])


def _people(card: types.Object, annotators: Mapping[str, Mapping[str, Any]]) -> None:
    rows = [
        [email, person["answered"], person["skipped"], duration(person["seconds"])]
        for email, person in annotators.items()
    ]
    _table(card, "annotators", ["Annotator", "Answered", "Skipped", "Time"], rows)


def _changes(panel: types.Object, changes: Mapping[str, Any], on: Mapping[str, Event]) -> None:
    card = panel.v_stack("changes", gap=2, variant="paper", elevation=2, componentsProps=_CARD)
    if changes["at"] is None:
        card.md("Nothing was loaded yet.", name="nothing")
        return
    if not changes["samples"]:
        card.md(f"The last load, of {changes['at']}, has changed nothing.", name="nothing")
        return
    what = "1 sample" if changes["samples"] == 1 else f"{changes['samples']} samples"
    told = f"The last load, of {changes['at']}, has changed **{what}**. A click on a row selects it."
    listed = len(set(changes["ids"]))
    if listed < changes["samples"]:
        told += f" The first {listed} are listed."
    card.md(told, name="title")
    names = ["Sample", "Field", "Added", "Edited", "Deleted"]
    _table(card, "rows", names, changes["rows"], on_click_row=on["select"])
    _button(card, "show", "Show them all in the grid", "grid_view", on["show"])


def _button(
    parent: types.Object,
    name: str,
    label: str,
    icon: str,
    on_click: Event,
    is_primary: bool = False,
    disabled: bool = False,
) -> None:
    variant = "contained" if is_primary else "outlined"
    parent.btn(name, label, icon=icon, variant=variant, disabled=disabled, on_click=on_click, componentsProps=_BUTTON)


def _bar(parent: types.Object, name: str) -> types.Object:
    """A row of buttons, which goes on in the next line where there is no room."""
    bar = types.Object()
    parent.define_property(name, bar, view=types.GridView(orientation="2d", gap=1))
    return bar


def _table(
    parent: types.Object,
    name: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    selected: Sequence[int] = (),
    **events: Event,
) -> None:
    table = types.TableView(
        componentsProps=_table_of("pointer" if events else "default"), selected_color=_SELECTED, **events
    )
    for column in columns:
        table.add_column(column, label=column)
    shown = {"rows": [list(row) for row in rows], "columns": list(columns), "selectedRows": list(selected)}
    parent.obj(name, default=shown, view=table)


def _plain(text: str) -> str:
    """A text that Markdown shows as it is."""
    return "".join(f"\\{letter}" if letter in "\\`*_{}[]<>#|" else letter for letter in text)
