"""How the operators of the plugin run, tell of progress, and fail."""

from __future__ import annotations

import fiftyone as fo
import pytest
from fiftyone.operators.executor import ExecutionContext, Executor

from fo_labelstudio.app import OPERATORS
from fo_labelstudio.app.verb import Verb
from fo_labelstudio.dataset.prompt import ask
from fo_labelstudio.errors import RunError
from fo_labelstudio.runs.progress import progress_bar


class Count(Verb):
    """Counts to three."""

    NAME = "count"
    LABEL = "Count"
    RELOADS = True

    def ask(self, ctx, inputs):
        inputs.int("until", required=True)

    def run(self, ctx):
        assert ask("who is there? ") is None
        with progress_bar("Counting", 3) as bar:
            for _ in range(ctx.params["until"]):
                bar.update()
        if ctx.params["until"] > 3:
            raise RunError("there are three only; count less")
        if ctx.params["until"] == 0:
            raise KeyError("zero")
        return {"counted": ctx.params["until"]}

    def show(self, outputs, result):
        outputs.int("counted")


def context(until, **request):
    return ExecutionContext({"params": {"until": until}, **request}, Executor())


def streamed(until):
    """What the App reads while the operator runs."""
    return [message.to_json() for message in Count().execute(context(until, operator_uri="x/count"))]


@pytest.fixture(autouse=True)
def _somebody_is_at_the_terminal(monkeypatch):
    monkeypatch.setattr("sys.stdin", type("Terminal", (), {"isatty": lambda self: True})())
    monkeypatch.setattr("builtins.input", lambda question: pytest.fail(f"the server asked {question!r}"))


def test_headless_it_returns_what_it_did_and_has_the_app_read_the_dataset_again():
    ctx = context(2)
    assert Count().execute(ctx) == {"counted": 2}
    assert [request["operator_uri"] for request in ctx.executor.to_json()["requests"]] == [
        "console_log",
        "reload_dataset",
    ]


def test_delegated_it_tells_the_worker_of_its_progress():
    told = []
    ctx = ExecutionContext(
        {"params": {"until": 2}, "delegated": True, "operator_uri": "x/count"},
        Executor(),
        set_progress=lambda operation, progress: told.append((progress.progress, progress.label)),
    )
    assert Count().execute(ctx) == {"counted": 2}
    assert told == [(0.0, "Counting: 0 of 3")]


def test_the_app_is_told_while_it_runs():
    progress, result, shown, reload = streamed(3)
    assert progress["body"]["operator_uri"] == "set_progress"
    assert progress["body"]["params"] == {"label": "Counting: 0 of 3", "progress": 0.0}
    assert result["cls"] == "ExecutionResult" and result["body"] == {"counted": 3}
    assert shown["body"]["operator_uri"] == "show_output"
    assert shown["body"]["params"]["results"] == {"counted": 3}
    assert reload["body"]["operator_uri"] == "reload_dataset"


def test_a_failure_reads_as_the_error_does():
    failed = streamed(4)[-1]
    assert (failed["error"], failed["error_message"]) == ("there are three only; count less",) * 2
    assert streamed(0)[-1]["error"] == "KeyError: 'zero'"
    with pytest.raises(RunError, match="there are three only"):
        Count().execute(context(4))


def test_long_work_is_delegated_by_default_where_the_app_offers_workers(monkeypatch):
    monkeypatch.setattr(fo.config, "allow_legacy_orchestrators", False)
    assert Count().config.allow_delegated_execution and not Count().config.default_choice_to_delegated
    monkeypatch.setattr(fo.config, "allow_legacy_orchestrators", True)
    assert Count().config.default_choice_to_delegated


def test_each_operator_is_named_in_the_description_of_the_plugin():
    import yaml

    from fo_labelstudio.plugin import SOURCE

    about = yaml.safe_load((SOURCE / "fiftyone.yml").read_text())
    names = [operator().config.name for operator in OPERATORS]
    assert set(names) <= {*about["operators"], *about.get("panels", ())}
    assert len(names) == len({*about["operators"], *about.get("panels", ())})
