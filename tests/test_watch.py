"""Answers reach the dataset as they are submitted, on a real server that comes and goes."""

from __future__ import annotations

import random
import re
import signal
import socket
import time
from collections import Counter

import fiftyone as fo
import pytest

import fo_labelstudio
from fo_labelstudio.errors import RunError, ServerError
from fo_labelstudio.local.server import LocalServer
from tests.proxy import FAULTS, FaultyProxy
from tests.support import Annotator, start

pytestmark = pytest.mark.server

SCHEMA = {"gt": {"type": "detections", "classes": ["cat", "dog"], "attributes": False}}

GOES_ON = """
import sys, fiftyone as fo, fo_labelstudio
dataset = fo.load_dataset(sys.argv[1])
fo_labelstudio.watch(dataset, "run", interval=0.2, on_load=lambda: print("loaded", flush=True))
"""

COMMAND = """
import sys
from fo_labelstudio import cli
sys.exit(cli.main(["watch", sys.argv[1], "run", "--interval", "0.2"]))
"""

KILLED_IN_A_LOAD = """
import os, signal, sys
from fo_labelstudio import cli
from fo_labelstudio.dataset.place import Place
write = Place.write
def write_and_die(place, operations, ids):
    write(place, operations, ids)
    if operations:
        os.kill(os.getpid(), signal.SIGKILL)
Place.write = write_and_die
sys.exit(cli.main(["watch", sys.argv[1], "run", "--interval", "0.2"]))
"""
"""As the command, but it is killed when it has written labels, before it has noted that it did."""


def sent_to(connection, make_dataset, samples=4):
    """A dataset of samples with a cat each, and its run."""
    box = [0.1, 0.1, 0.2, 0.2]
    dataset = make_dataset(
        *({"gt": fo.Detections(detections=[fo.Detection(label="cat", bounding_box=box)])} for _ in range(samples))
    )
    dataset.persistent = True
    dataset.annotate("run", backend="labelstudio", label_schema=SCHEMA, **connection)
    return dataset, dataset.load_annotation_results("run")


@pytest.fixture
def sent(make_dataset, connection):
    return sent_to(connection, make_dataset)


def relabelled(result):
    return [{**region, "value": {**region["value"], "rectanglelabels": ["dog"]}} for region in result]


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def drawn(result):
    (region,) = result
    return [region, {**region, "id": "drawn", "value": {**region["value"], "x": 50}}]


def names(dataset):
    return [labels or [] for labels in dataset.values("gt.detections.label")]


def added(text):
    """How many labels a log says that loads have added."""
    return sum(map(int, re.findall(r"Field 'gt': (\d+) labels added", text)))


def wait_for(condition):
    end = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)


def test_answers_are_loaded_once_each_while_requests_are_dropped(sent, annotator, connection):
    dataset, results = sent
    first, second, third, _ = results.tasks.values()
    annotator.submit(first, drawn)
    with FaultyProxy(connection["url"]) as proxy:
        reach = {**connection, "url": proxy.url, "retries": 0}
        with fo_labelstudio.watch(dataset, "run", interval=0.05, block=False, **reach) as watching:
            wait_for(lambda: names(dataset)[0] == ["cat", "cat"])
            for task_id, fault in ((second, "dropped before"), (third, "503")):
                proxy.fault, proxy.number = fault, proxy.count + 3
                annotator.submit(task_id, relabelled)
                wait_for(lambda task_id=task_id: names(dataset)[list(results.tasks.values()).index(task_id)] == ["dog"])
            wait_for(lambda: watching.loads == 3)
            asked = proxy.count
            wait_for(lambda: proxy.count > asked + 5)
            assert watching.loads == 3, "nothing was changed, so nothing is loaded"
    assert names(dataset) == [["cat", "cat"], ["dog"], ["dog"], ["cat"]]


def test_one_that_was_killed_is_followed_by_another_and_loads_nothing_twice(sent, annotator, connection):
    dataset, results = sent
    first, second, *_ = results.tasks.values()
    for task_id, expected in ((first, [["cat", "cat"], ["cat"]]), (second, [["cat", "cat"], ["cat", "cat"]])):
        annotator.submit(task_id, drawn)
        process = start(GOES_ON, connection, dataset.name)
        assert "loaded\n" in process.stdout, "it ended before it loaded"
        process.kill()
        process.communicate()
        assert names(dataset)[:2] == expected
    dataset.load_annotations("run", **connection)
    assert names(dataset) == [["cat", "cat"], ["cat", "cat"], ["cat"], ["cat"]]


class DroppingProxy(FaultyProxy):
    """Fails at a share of the requests, in any way."""

    def __init__(self, target):
        super().__init__(target)
        self.faults = Counter()
        self.share = 0.0
        self._random = random.Random(7)

    def fault_of_next(self):
        with self._lock:
            fault = self._random.choice(FAULTS) if self._random.random() < self.share else ""
            self.faults[fault] += 1
            return fault


def test_every_answer_is_loaded_once_while_a_third_of_the_requests_fails(make_dataset, annotator, connection, caplog):
    dataset, results = sent_to(connection, make_dataset, 8)
    with DroppingProxy(connection["url"]) as proxy:
        reach = {**connection, "url": proxy.url, "retries": 3}
        with fo_labelstudio.watch(dataset, "run", interval=0.02, block=False, **reach) as watching:
            proxy.share = 1 / 3
            for number, task_id in enumerate(results.tasks.values(), start=1):
                annotator.submit(task_id, drawn)
                wait_for(lambda number=number: names(dataset)[number - 1] == ["cat", "cat"])
            assert watching.is_running
        assert proxy.faults.keys() == {"", *FAULTS}
    assert names(dataset) == [["cat", "cat"]] * 8
    assert added(caplog.text) == 8


def test_the_command_goes_on_where_it_was_killed_also_in_the_middle_of_a_load(sent, annotator, connection):
    dataset, results = sent
    ids = []
    for number, (task_id, code) in enumerate(zip(results.tasks.values(), (COMMAND, KILLED_IN_A_LOAD) * 2, strict=True)):
        annotator.submit(task_id, drawn)
        process = start(code, connection, dataset.name)
        wait_for(lambda number=number: names(dataset)[number] == ["cat", "cat"])
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        process.stdout.close()
        assert names(dataset) == [["cat", "cat"]] * (number + 1) + [["cat"]] * (3 - number)
        assert dataset.values("gt.detections.id")[:number] == ids
        ids = dataset.values("gt.detections.id")[: number + 1]
    dataset.load_annotations("run", full=True, **connection)
    assert names(dataset) == [["cat", "cat"]] * 4 and dataset.values("gt.detections.id") == ids


def test_a_server_that_is_restarted_is_waited_for_and_no_answer_is_lost_or_loaded_twice(
    make_dataset, template_dir, caplog
):
    with LocalServer(template_dir=template_dir) as server:
        connection = {"url": server.url, "api_key": server.legacy_token}
        dataset, results = sent_to(connection, make_dataset)
        first, second, third, fourth = results.tasks.values()
        with fo_labelstudio.watch(dataset, "run", interval=0.05, block=False, retries=0, **connection) as watching:
            Annotator(*connection.values()).submit(first, drawn)
            wait_for(lambda: names(dataset)[0] == ["cat", "cat"])
            # Submitted just before it ends, so that it may be loaded before or afterwards.
            Annotator(*connection.values()).submit(second, drawn)
            server.stop()
            wait_for(lambda: "Watching goes on once the server can be reached again" in caplog.text)
            server.start()
            Annotator(*connection.values()).submit(third, relabelled)
            wait_for(lambda: names(dataset)[2] == ["dog"])
            Annotator(*connection.values()).submit(fourth, drawn)
            wait_for(lambda: names(dataset)[3] == ["cat", "cat"])
            loads = watching.loads
        assert loads <= 5, "one at the start, and at most one for each answer"
        expected = [["cat", "cat"], ["cat", "cat"], ["dog"], ["cat", "cat"]]
        assert names(dataset) == expected and added(caplog.text) == 3
        dataset.load_annotations("run", full=True, **connection)
        assert names(dataset) == expected and added(caplog.text) == 3


def test_the_server_calls_where_it_can_and_its_webhook_is_gone_afterwards(make_dataset, sharing):
    connection = {"url": sharing.url, "api_key": sharing.legacy_token}
    dataset, results = sent_to(connection, make_dataset)
    annotator = Annotator(sharing.url, sharing.legacy_token)
    url, hooks = f"http://127.0.0.1:{free_port()}", f"/api/webhooks/?project={results.project_id}"
    annotator.call(
        "POST", "/api/webhooks/", json={"project": results.project_id, "url": url, "headers": {"X": "of a killed one"}}
    )
    with fo_labelstudio.watch(dataset, "run", interval=0.2, block=False, webhook=url, **connection):
        wait_for(lambda: [hook["url"] for hook in annotator.call("GET", hooks)] == [url])
        annotator.submit(next(iter(results.tasks.values())), relabelled)
        wait_for(lambda: names(dataset)[0] == ["dog"])
    assert annotator.call("GET", hooks) == []


def test_a_server_that_calls_no_addresses_of_its_own_network_says_so(sent):
    dataset, _ = sent
    with pytest.raises(ServerError, match=r"the server does not call http://127.0.0.1:\d+ .*leave webhook out"):
        fo_labelstudio.watch(dataset, "run", block=False, webhook=f"http://127.0.0.1:{free_port()}")


def test_it_ends_where_the_run_is_deleted(sent, annotator):
    dataset, results = sent
    watching = fo_labelstudio.watch(dataset, "run", interval=0.05, block=False)
    wait_for(lambda: watching.loads)
    dataset.delete_annotation_run("run")
    annotator.submit(next(iter(results.tasks.values())))
    wait_for(lambda: not watching.is_running)
    with pytest.raises(RunError, match="annotation run 'run' was deleted"):
        watching.stop()


def test_it_ends_where_the_project_is_gone(sent, annotator):
    dataset, results = sent
    watching = fo_labelstudio.watch(dataset, "run", interval=0.05, block=False)
    wait_for(lambda: watching.loads)
    annotator.call("DELETE", f"/api/projects/{results.project_id}/")
    wait_for(lambda: not watching.is_running)
    with pytest.raises(RunError, match=f"project {results.project_id} is gone"):
        watching.stop()
