"""Going on while a server comes and goes, and listening to its calls."""

from __future__ import annotations

import threading

import pytest
import requests

from fo_labelstudio.errors import AuthenticationError, ConnectionFailedError, ServerError, SettingsError
from fo_labelstudio.remote.webhook import SECRET_HEADER, Hook
from fo_labelstudio.runs.changed import OVERLAP_SECONDS
from fo_labelstudio.runs.watch import News, Watch


class Steps:
    """What a watch does, step by step: loads, or does not, or fails; the last one again and again.

    Attributes:
        done: how many steps there were
    """

    def __init__(self, *outcomes):
        self.done = 0
        self._outcomes = list(outcomes)
        self._changed = threading.Condition()

    def __call__(self):
        with self._changed:
            outcome = self._outcomes[min(self.done, len(self._outcomes) - 1)]
            self.done += 1
            self._changed.notify_all()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def wait_for(self, number):
        with self._changed:
            assert self._changed.wait_for(lambda: self.done >= number, 60), f"{self.done} steps of {number}"


@pytest.fixture
def watching():
    started = []

    def start(*outcomes, interval=0.01, is_called=False):
        steps = Steps(*outcomes)
        watch = Watch(steps, interval, is_called)
        watch.start()
        started.append(watch)
        return watch, steps

    yield start
    for watch in started:
        watch.error = None
        watch.stop()


def test_each_step_that_loads_is_counted(watching):
    watch, steps = watching(True, False, True, False)
    steps.wait_for(5)
    watch.stop()
    assert watch.loads == 2 and not watch.is_running


@pytest.mark.parametrize("error", [ConnectionFailedError("it fails"), ServerError("it fails", 500)])
def test_a_server_that_cannot_be_reached_or_fails_is_waited_for(watching, caplog, error):
    watch, steps = watching(error, error, True, False)
    steps.wait_for(4)
    watch.stop()
    assert watch.loads == 1
    assert caplog.text.count("Watching goes on once the server can be reached again: it fails") == 2


def test_one_more_load_follows_a_change_for_what_is_dated_before_it_and_was_not_yet_there():
    now = [0.0]
    news = News(lambda: now[0])

    def loads(newest):
        is_expected = news.is_expected(newest)
        if is_expected:
            news.note_load(newest)
        return is_expected

    assert [loads("10:00"), loads("10:00"), loads("10:01"), loads("10:01")] == [True, False, True, False]
    now[0] = OVERLAP_SECONDS - 1
    assert not loads("10:01")
    now[0] = OVERLAP_SECONDS
    assert [loads("10:01"), loads("10:01")] == [True, False]
    now[0] = 3 * OVERLAP_SECONDS
    assert not loads("10:01")


def test_a_server_that_does_not_say_when_something_was_changed_is_loaded_from_each_time():
    news = News()
    for _ in range(2):
        assert news.is_expected(None)
        news.note_load(None)


def test_what_no_waiting_helps_against_ends_it_and_is_told_to_whoever_stops_it(watching, caplog):
    watch, steps = watching(AuthenticationError("the key was refused", 401))
    steps.wait_for(1)
    with pytest.raises(AuthenticationError, match="the key was refused"):
        watch.stop()
    assert "Watching ended: the key was refused" in caplog.text


def test_a_call_of_the_server_has_it_look_at_once_and_some_times_more(watching):
    watch, steps = watching(False, is_called=True)
    steps.wait_for(3)
    before = steps.done
    watch.wake()
    steps.wait_for(before + 3)
    watch.stop()


def test_what_was_promised_for_the_end_is_done_once(watching):
    watch, _ = watching(False)
    done = []
    watch.on_end(lambda: done.append(1))
    watch.stop()
    watch.stop()
    assert done == [1]


class TestHook:
    @pytest.fixture
    def hook(self):
        self.calls = threading.Semaphore(0)
        hook = Hook("http://127.0.0.1:0", self.calls.release)
        yield hook
        hook.close()

    def url(self, hook):
        return f"http://127.0.0.1:{hook.port}/"

    def test_a_call_with_the_secret_is_heard(self, hook):
        answer = requests.post(self.url(hook), json={"action": "ANNOTATION_CREATED"}, headers=hook.headers, timeout=60)
        assert answer.status_code == 204
        assert self.calls.acquire(timeout=60)

    @pytest.mark.parametrize("headers", [{}, {SECRET_HEADER: "guessed"}])
    def test_a_call_without_it_is_refused(self, hook, headers):
        answer = requests.post(self.url(hook), json={"action": "ANNOTATION_CREATED"}, headers=headers, timeout=60)
        assert answer.status_code == 403
        assert not self.calls.acquire(blocking=False)

    def test_two_have_different_secrets(self, hook):
        other = Hook("http://127.0.0.1:0", lambda: None)
        other.close()
        assert other.secret != hook.secret and len(hook.secret) > 40

    @pytest.mark.parametrize("url", ["this-machine:8765", "ftp://this-machine", "http://this-machine:x"])
    def test_what_is_no_address_is_refused(self, url):
        with pytest.raises(
            SettingsError, match=r"webhook: .* is no address; pass one such as 'http://this-machine:8765'"
        ):
            Hook(url, lambda: None)

    def test_a_port_that_is_taken_is_named(self, hook):
        with pytest.raises(SettingsError, match=f"webhook: port {hook.port} cannot be listened at"):
            Hook(f"http://127.0.0.1:{hook.port}", lambda: None)
