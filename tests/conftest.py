"""What the tests share: FiftyOne on a database of their own, a real Label Studio server, and samples of sweeps."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import psutil
import pytest
import requests

from fo_labelstudio.local.server import LocalServer
from fo_labelstudio.local.tables import tables_dir
from tests import properties, sweeps
from tests.groups import name_groups
from tests.services import Services

if TYPE_CHECKING:
    # Imported where it is used: the process that only hands tests out to others does without, which saves seconds.
    import fiftyone as fo

    from tests.support import Annotator

GOLDEN = Path(__file__).parent / "golden" / "labelstudio-1.23.2"

_MEMORY_OF_PROCESS = 3 * 2**29
"""Bytes that a process with its Label Studio, its database and its browser may need."""

_SERVICES = pytest.StashKey[Services]()
_SAMPLE = pytest.StashKey[sweeps.Sample]()
_SAMPLE_OF_WORKER = "sample of sweeps"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds what ``make bench`` passes, and what repeats a sample."""
    parser.addoption(
        "--nightly", action="store_true", help="run the tests marked nightly, whole sweeps and all examples; no others"
    )
    parser.addoption(
        "--waiting",
        action="store_true",
        help="run one process more than -n auto does, for tests that wait for services",
    )
    parser.addoption("--sweep-seed", type=int, help="choose the cases of the sweeps that a run with this seed chose")
    parser.addoption("--sweep-share", type=float, help="share of the cases of a sweep; by this machine's speed if not")


def pytest_configure(config: pytest.Config) -> None:
    """Chooses the sample, and prepares the services where tests are run."""
    options = config.option
    properties.choose(is_whole=options.nightly)
    if hasattr(config, "workerinput"):
        config.stash[_SAMPLE] = sweeps.Sample(*config.workerinput[_SAMPLE_OF_WORKER])
    else:
        seed = secrets.randbelow(10**6) if options.sweep_seed is None else options.sweep_seed
        share = 1.0 if options.nightly else options.sweep_share or sweeps.share_of(sweeps.slowness())
        of_tests = 1.0 if options.nightly or _names_tests(config) else sweeps.sampled_share_of(share)
        config.stash[_SAMPLE] = sweeps.Sample(seed, share, of_tests)
        if getattr(options, "tx", None):
            # Other processes run the tests.
            return
    config.stash[_SERVICES] = Services(tables_dir())


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Hands the sample on to a process that runs tests."""
    node.workerinput[_SAMPLE_OF_WORKER] = tuple(node.config.stash[_SAMPLE])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """How many processes run the tests: one for each core, where there is memory for the services of each.

    While tests wait for services, as for a browser's clicks, there is room for one more.
    """
    wanted = (os.cpu_count() or 1) + config.getoption("waiting")
    return max(1, min(wanted, psutil.virtual_memory().available // _MEMORY_OF_PROCESS, 4))


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leaves nothing behind."""
    if (services := config.stash.get(_SERVICES, None)) is not None:
        services.close()


def pytest_report_header(config: pytest.Config) -> str:
    """Says which sample of the sweeps is taken."""
    return f"sweeps: {config.stash[_SAMPLE]}"


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Says how much of each sweep was tried, and what repeats it."""
    reports = [report for reports in terminalreporter.stats.values() for report in reports]
    tried = [
        f"{value} of {report.nodeid}"
        for report in reports
        if getattr(report, "when", None) == "call"
        for name, value in report.user_properties
        if name == sweeps.PROPERTY
    ]
    if tried:
        terminalreporter.section("sweeps")
        terminalreporter.line(str(config.stash[_SAMPLE]))
        for line in sorted(tried):
            terminalreporter.line(line)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Marks tests with what their fixtures need, and leaves out those that were not asked for."""
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        for marker, needing in _NEEDED_BY.items():
            if not needing.isdisjoint(fixtures):
                item.add_marker(marker)
        if not _has(item, "xdist_group") and (group := _group_of(item, fixtures)):
            item.add_marker(pytest.mark.xdist_group(group))
    if config.getoption("nightly"):
        chosen = [item for item in items if _has(item, "nightly", "sweep", "sampled") or _has_examples(item)]
    else:
        sampled = [item.nodeid for item in items if _has(item, "sampled")]
        passed_over = set(sampled) - sweeps.sampled(config.stash[_SAMPLE], sampled)
        chosen = [item for item in items if not _has(item, "nightly") and item.nodeid not in passed_over]
    left_out = set(items).difference(chosen)
    config.hook.pytest_deselected(items=[item for item in items if item in left_out])
    items[:] = chosen


_NEEDED_BY = {
    "database": {"database", "dataset_of"},
    "server": {"server", "sharing"},
    "browser": {"editor"},
    "sweep": {"sweep"},
}
"""Marker -> the fixtures of which one makes a test need it."""


def _group_of(item: pytest.Item, fixtures: Collection[str]) -> str | None:
    """The name of the tests that one process is to run, as they share what takes long to start; None for most."""
    module = getattr(item, "module", None)
    if "server" in fixtures and hasattr(module, "server"):
        return module.__name__
    return next((fixture for fixture in ("sharing", "editor") if fixture in fixtures), None)


def _names_tests(config: pytest.Config) -> bool:
    """Whether a run was asked for tests, of which it then tries all cases."""
    return bool(config.option.keyword) or config.args_source is pytest.Config.ArgsSource.ARGS


def _has(item: pytest.Item, *markers: str) -> bool:
    return any(item.get_closest_marker(marker) for marker in markers)


def _has_examples(item: pytest.Item) -> bool:
    # Hypothesis sets its own marker after this.
    return hypothesis.is_hypothesis_test(getattr(item, "obj", None))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Starts what the tests need: all at once, and while the first of them run."""
    name_groups(session.items)
    services = session.config.stash.get(_SERVICES, None)
    if services is None or session.config.getoption("collectonly"):
        return
    if any("server" in getattr(item, "fixturenames", ()) for item in session.items):
        services.start_server(_STOCK)
    if any(_has(item, "database", "server") for item in session.items):
        services.start_database()


_STOCK, _SHARING = "stock", "sharing"


@pytest.fixture(scope="session")
def services(pytestconfig: pytest.Config) -> Services:
    """What runs beside the tests of this process."""
    return pytestconfig.stash[_SERVICES]


@pytest.fixture(scope="session")
def database(services: Services) -> None:
    """FiftyOne's database runs."""
    services.start_database()


@pytest.fixture(autouse=True)
def _only_what_is_marked(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A test reaches neither database nor server unless it is marked, so that ``make check`` can do without."""
    if not _has(request.node, "server"):
        monkeypatch.setattr(LocalServer, "start", _refuse("starts Label Studio", "server"))
    if _has(request.node, "database", "server"):
        request.getfixturevalue("database")
    else:
        connect = _refuse("asks FiftyOne's database", "database")
        # FiftyOne connects again where it has no client, so that a test before this one changes nothing.
        monkeypatch.setattr("fiftyone.core.odm.database._client", None)
        monkeypatch.setattr("fiftyone.core.odm.database.establish_db_conn", connect)


def _refuse(what: str, marker: str) -> Callable[..., Any]:
    def refuse(*arguments: object, **options: object) -> None:
        pytest.fail(f"the test {what}, but is not marked: add @pytest.mark.{marker}")

    return refuse


@pytest.fixture(autouse=True)
def _registered(_only_what_is_marked: None) -> Iterator[None]:
    import fiftyone as fo

    import fo_labelstudio

    before = {name: dict(entry) for name, entry in fo.annotation_config.backends.items()}
    fo_labelstudio.register()
    yield
    fo.annotation_config.backends.clear()
    fo.annotation_config.backends.update(before)


@pytest.fixture(scope="session")
def template_dir(services: Services) -> Path:
    """Folder that keeps Label Studio's empty database between runs of the tests."""
    return services.template_dir


@pytest.fixture(scope="session")
def server(services: Services) -> LocalServer:
    """A running server."""
    server = services.start_server(_STOCK)
    server.wait()
    return server


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the server of :func:`sharing` shares; the temporary folders of all tests are in it."""
    return tmp_path_factory.getbasetemp()


@pytest.fixture(scope="session")
def sharing(services: Services, shared: Path) -> LocalServer:
    """A running server that serves local files, and reaches loopback addresses."""
    environment = {
        "SSRF_PROTECTION_ENABLED": "false",
        "LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED": "true",
        "LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT": str(shared),
    }
    server = services.start_server(_SHARING, environment)
    server.wait()
    return server


@pytest.fixture
def connection(server: LocalServer) -> dict[str, str]:
    """The settings that reach the server."""
    return {"url": server.url, "api_key": server.legacy_token}


@pytest.fixture
def annotator(server: LocalServer) -> Annotator:
    """Somebody who answers tasks on the server."""
    from tests.support import Annotator

    return Annotator(server.url, server.legacy_token)


@pytest.fixture
def sent_requests(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str | None, str]]:
    """The method and path of each request that this process sends."""
    sent: list[tuple[str | None, str]] = []
    send = requests.Session.send

    def note(session: requests.Session, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        sent.append((request.method, request.path_url))
        return send(session, request, **options)

    monkeypatch.setattr(requests.Session, "send", note)
    return sent


@pytest.fixture
def make_project(annotator: Annotator) -> Iterator[Callable[..., int]]:
    """Makes projects as their owner does, deleted after the test."""
    made: list[int] = []

    def make(config: str, title: str = "Theirs") -> int:
        made.append(annotator.call("POST", "/api/projects/", json={"title": title, "label_config": config})["id"])
        return made[-1]

    yield make
    for project_id in made:
        with suppress(requests.HTTPError):
            # A test may have deleted it.
            annotator.call("DELETE", f"/api/projects/{project_id}/")


@pytest.fixture
def upload(annotator: Annotator) -> Callable[[int, str], int]:
    """Uploads an image into a project, which makes a task of it."""

    def run(project_id: int, path: str) -> int:
        with Path(path).open("rb") as file:
            files = {"file": (Path(path).name, file, "image/png")}
            annotator.call("POST", f"/api/projects/{project_id}/import", files=files)
        tasks = annotator.call("GET", f"/api/tasks?project={project_id}&page_size=100")["tasks"]
        return int(tasks[-1]["id"])

    return run


@pytest.fixture
def export(annotator: Annotator, tmp_path: Path) -> Callable[[int], Path]:
    """Exports a project as JSON, as its page does, and says where the file is."""

    def run(project_id: int) -> Path:
        path = tmp_path / f"project-{project_id}.json"
        tasks = annotator.call("GET", f"/api/projects/{project_id}/export?exportType=JSON&download_all_tasks=true")
        path.write_text(json.dumps(tasks))
        return path

    return run


@pytest.fixture
def sweep(request: pytest.FixtureRequest, record_property: Callable[[str, object], None]) -> sweeps.Sweep:
    """Chooses which cases of a sweep are tried: a sample of them, or in ``make bench`` all."""
    # A scheduler of pytest-xdist adds the test's group to its name.
    name = request.node.nodeid.partition("@")[0]
    return sweeps.Sweep(request.config.stash[_SAMPLE], name, record_property)


@pytest.fixture
def dataset_of(database: None) -> Iterator[Callable[[Iterable[fo.Sample]], fo.Dataset]]:
    """Makes datasets of samples, deleted after the test."""
    import fiftyone as fo

    datasets = []

    def make(samples: Iterable[fo.Sample]) -> fo.Dataset:
        dataset = fo.Dataset()
        datasets.append(dataset)
        dataset.add_samples(list(samples), progress=False)
        return dataset

    yield make
    for dataset in datasets:
        dataset.delete()


@pytest.fixture
def make_dataset(dataset_of: Callable[[Iterable[fo.Sample]], fo.Dataset], tmp_path: Path) -> Callable[..., fo.Dataset]:
    """Makes datasets of small images, deleted after the test."""
    import fiftyone as fo

    from tests.support import write_image

    def make(*samples: dict[str, Any], size: tuple[int, int] = (64, 48)) -> fo.Dataset:
        return dataset_of(
            fo.Sample(**{"filepath": str(write_image(tmp_path / f"image {n}.png", size)), **values})
            for n, values in enumerate(samples)
        )

    return make


@pytest.fixture
def golden() -> Callable[[str], Any]:
    """The JSON that a real server wrote."""
    return lambda name: json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))
