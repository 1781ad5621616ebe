"""What is repeated, how long is waited, and what the error says at the end."""

from __future__ import annotations

from email.utils import formatdate
from types import SimpleNamespace

import pytest

from fo_labelstudio.errors import (
    AnswerTooLargeError,
    ConnectionFailedError,
    HalfMadeError,
    NotLabelStudioError,
    ServerError,
)
from fo_labelstudio.remote import retrying
from fo_labelstudio.remote.client import Client
from fo_labelstudio.remote.retrying import repeated
from fo_labelstudio.settings import ConnectionSettings, Secret
from tests.remote.files import file
from tests.web import web_server


@pytest.fixture(autouse=True)
def pauses(monkeypatch):
    """The pauses that were made; none really is."""
    made = []
    # Not the module's own function: other threads sleep, too.
    monkeypatch.setattr(retrying, "time", SimpleNamespace(sleep=made.append))
    return made


def failing(*errors):
    """A request that fails with each error in turn, and then answers how often it was made before."""
    remaining = iter(errors)

    def request(attempt):
        for error in remaining:
            raise error
        return attempt

    return request


def busy(retry_after=None):
    return ServerError("busy", 503, "/", retry_after)


@pytest.mark.parametrize(
    "error",
    [
        ConnectionFailedError("gone"),
        HalfMadeError("half"),
        *(ServerError("busy", status) for status in (429, 502, 503, 504)),
    ],
)
def test_what_may_pass_is_repeated(error):
    assert repeated(failing(error, error), 2, "asking") == 2


@pytest.mark.parametrize(
    "error",
    [
        *(ServerError("no", status) for status in (400, 403, 404, 413, 500, None)),
        NotLabelStudioError("no", 200),
        AnswerTooLargeError("no", 200),
    ],
)
def test_what_stays_is_not_repeated(error, pauses):
    with pytest.raises(ServerError, match=r"^no$"):
        repeated(failing(error), 5, "asking")
    assert pauses == []


def test_the_error_says_what_was_tried_how_often_and_how_to_continue():
    with pytest.raises(ServerError) as error:
        repeated(failing(*[busy()] * 9), 3, "making tasks")
    assert str(error.value) == (
        "busy (making tasks was tried 4 times; to continue, make the same call again once the server answers)"
    )
    assert error.value.tries == 4
    with pytest.raises(ServerError, match=r"making tasks was tried once; to continue"):
        repeated(failing(busy()), 0, "making tasks")


def test_pauses_grow_and_are_not_the_same_for_all(pauses):
    for _ in range(20):
        assert repeated(failing(*[busy()] * 3), 3, "asking") == 3
    for attempt, longest in enumerate((0.5, 1, 2)):
        made = pauses[attempt::3]
        assert all(longest / 2 <= pause <= longest for pause in made) and len(set(made)) > 1


def test_a_server_is_left_alone_for_as_long_as_it_asks(pauses):
    assert repeated(failing(busy(120.0)), 1, "asking") == 1
    assert 120 <= pauses[0] <= 121


def test_a_server_that_asks_for_very_long_is_not_waited_for(pauses):
    with pytest.raises(ServerError, match="asking was tried once; to continue, make the same call again when the 7200"):
        repeated(failing(busy(7200.0)), 4, "asking")
    assert pauses == []


def test_what_was_repeated_inside_is_not_repeated_outside():
    made = []

    def inner(attempt):
        made.append(attempt)
        raise busy()

    with pytest.raises(ServerError) as error:
        repeated(lambda _: repeated(inner, 2, "asking"), 2, "making tasks")
    assert len(made) == 3 and str(error.value).count("was tried") == 1


class TestOverTheWire:
    """The same with requests of a client."""

    def asked(self, call, *answers, retries=3):
        """What a call makes of the answers of a server, each request's method, and the requests that were made."""
        requests = []

        def handle(request):
            requests.append(request.command)
            return answers[min(len(requests), len(answers)) - 1]

        with web_server(handle) as url:
            client = Client(ConnectionSettings(url, Secret("key"), retries=retries))
            try:
                return call(client), requests
            except ServerError as error:
                return error, requests

    @pytest.mark.parametrize(
        "call",
        [
            lambda client: client.project(1),
            lambda client: client.check_labeling_config("<View/>"),
            lambda client: client.update_project(1, title="x"),
            lambda client: client.delete_tasks(1, [1]),
            lambda client: client.delete_project(1),
            lambda client: client.size_of_media("/data/x.png"),
        ],
    )
    def test_what_may_be_served_twice_is_repeated(self, call):
        answer, requests = self.asked(call, (503, {}, b""), (502, {}, b""), (200, {}, b"{}"))
        assert not isinstance(answer, ServerError) and len(requests) == 3

    @pytest.mark.parametrize(
        "call",
        [
            lambda client: client.create_project(title="x"),
            lambda client: client.import_tasks(1, [b"{}"]),
            lambda client: client.upload_files(1, [file("a.png")]),
            lambda client: client.make_local_storage(1, "/x"),
        ],
    )
    def test_what_makes_something_is_sent_once(self, call):
        answer, requests = self.asked(call, (503, {}, b""), (200, {}, b"{}"))
        assert isinstance(answer, ServerError) and requests == ["POST"]

    @pytest.mark.parametrize("headers", [{"Content-Length": "999"}, {"Transfer-Encoding": "chunked"}])
    def test_an_answer_that_broke_off_is_asked_for_again(self, headers):
        answer, requests = self.asked(
            lambda client: client.project(1), (200, headers, b'{"id'), (200, {}, b'{"id": 1}')
        )
        assert answer == {"id": 1} and len(requests) == 2

    def test_a_project_whose_deletion_was_not_answered_is_gone(self):
        answer, requests = self.asked(
            lambda client: client.delete_project(1), (504, {}, b""), (404, {}, b'{"detail": "Not found."}')
        )
        assert answer is None and len(requests) == 2
        answer, _ = self.asked(lambda client: client.delete_project(1), (404, {}, b""))
        assert answer.status == 404

    @pytest.mark.parametrize(
        ("headers", "seconds"),
        [
            ({"Retry-After": "7"}, 7),
            ({"Retry-After": formatdate(1_000_060, usegmt=True), "Date": formatdate(1_000_000, usegmt=True)}, 60),
            ({"Retry-After": formatdate(0, usegmt=True)}, 0),
            ({"Retry-After": "soon"}, 0),
            ({"Retry-After": "-5"}, 0),
            ({"Retry-After": "Mon, 99 Foo 99999 25:61:61"}, 0),
        ],
    )
    def test_seconds_and_dates_are_waited_for(self, pauses, headers, seconds):
        answer, _ = self.asked(lambda client: client.project(1), (429, headers, b""), (200, {}, b"{}"))
        assert answer == {} and seconds <= pauses[0] <= seconds + 0.5
