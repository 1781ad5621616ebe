"""Asking somebody, in a notebook."""

from __future__ import annotations

import queue
import threading

import pytest
from jupyter_client.manager import KernelManager

from fo_labelstudio.dataset import prompt
from fo_labelstudio.dataset.prompt import ask, unattended


# The process that it starts imports FiftyOne, which connects to its database.
@pytest.mark.database
@pytest.mark.process
def test_a_notebook_asks_for_a_secret_with_a_hidden_input_and_keeps_nothing_of_it(tmp_path, monkeypatch):
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))
    # FiftyOne notes there that this process is no notebook.
    monkeypatch.delenv("FIFTYONE_CONTEXT", raising=False)
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel()
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=300)
        asked: list[dict[str, object]] = []
        told: list[object] = []

        def answer(message):
            asked.append(message["content"])
            client.input("do-not-tell")

        reply = client.execute_interactive(
            "from fo_labelstudio.dataset.prompt import ask\nprint(len(ask('Label Studio api_key: ', hidden=True)))",
            stdin_hook=answer,
            output_hook=lambda message: told.append(message["content"]),
        )
        assert reply["content"]["status"] == "ok", reply
        assert asked == [{"prompt": "Label Studio api_key: ", "password": True}]
        assert {"name": "stdout", "text": "11\n"} in told
        assert "do-not-tell" not in str(told)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


@pytest.fixture
def somebody(monkeypatch):
    """Somebody who answers in a notebook."""
    monkeypatch.setattr(prompt.focx, "is_notebook_context", lambda: True)
    monkeypatch.setattr(prompt.getpass, "getpass", lambda question: " secret ")
    monkeypatch.setattr("builtins.input", lambda question: "shown")


def test_what_is_secret_is_asked_for_hidden_and_all_else_openly(somebody):
    assert (ask("key: ", hidden=True), ask("url: ")) == ("secret", "shown")


def test_nobody_is_asked_where_nobody_attends_in_this_thread_only(somebody):
    answers = queue.Queue()
    with unattended():
        assert ask("url: ") is None
        other = threading.Thread(target=lambda: answers.put(ask("url: ")))
        other.start()
        other.join()
    assert answers.get() == "shown"
    assert ask("url: ") == "shown"
