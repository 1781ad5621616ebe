"""What the tests share: FiftyOne on a database of their own, and a real Label Studio server."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fo_labelstudio.local.database import LocalDatabase

_HOME = Path(tempfile.mkdtemp(prefix="fo-labelstudio-tests-"))

# Set before FiftyOne is imported, which reads them once and starts its database.
for _name in [name for name in os.environ if name.startswith("FIFTYONE_LABELSTUDIO_")]:
    del os.environ[_name]
os.environ.update(
    FIFTYONE_DATABASE_NAME=f"fo-labelstudio-tests-{secrets.token_hex(4)}",
    FIFTYONE_CONFIG_PATH=str(_HOME / "config.json"),
    FIFTYONE_ANNOTATION_CONFIG_PATH=str(_HOME / "annotation_config.json"),
    FIFTYONE_DO_NOT_TRACK="true",
    FIFTYONE_SHOW_PROGRESS_BARS="false",
    FIFTYONE_DATABASE_VALIDATION="false",
)

_database = None
if "FIFTYONE_DATABASE_URI" not in os.environ:
    _database = LocalDatabase(_HOME / "mongo")
    _database.start()
    os.environ["FIFTYONE_DATABASE_URI"] = _database.uri

import fiftyone as fo  # noqa: E402
import fiftyone.core.odm as foo  # noqa: E402
import hypothesis  # noqa: E402

import fo_labelstudio  # noqa: E402
from fo_labelstudio.local.server import LocalServer  # noqa: E402
from tests.support import Annotator, write_image  # noqa: E402

GOLDEN = Path(__file__).parent / "golden" / "labelstudio-1.23.2"

hypothesis.settings.register_profile("tests", deadline=None, derandomize=True, max_examples=50)
hypothesis.settings.load_profile("tests")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds what ``make bench`` passes."""
    parser.addoption("--nightly", action="store_true", help="run the tests marked nightly, and no others")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out the tests that were not asked for; pytest counts them as deselected."""
    nightly = [item for item in items if item.get_closest_marker("nightly")]
    others = [item for item in items if item not in nightly]
    items[:], left_out = (nightly, others) if config.getoption("nightly") else (others, nightly)
    config.hook.pytest_deselected(items=left_out)


def pytest_unconfigure() -> None:
    """Leaves nothing behind."""
    foo.drop_database()
    # A connection that is still open when its server goes makes Python wait at its end.
    foo.get_db_client().close()
    if _database is not None:
        _database.stop()
    shutil.rmtree(_HOME, ignore_errors=True)


@pytest.fixture(autouse=True)
def _registered() -> Iterator[None]:
    before = {name: dict(entry) for name, entry in fo.annotation_config.backends.items()}
    fo_labelstudio.register()
    yield
    fo.annotation_config.backends.clear()
    fo.annotation_config.backends.update(before)


@pytest.fixture(scope="session")
def template_dir(pytestconfig: pytest.Config) -> Path:
    """Folder that keeps Label Studio's empty database between runs of the tests."""
    return pytestconfig.cache.mkdir("label-studio")


@pytest.fixture(scope="session")
def server(template_dir: Path) -> Iterator[LocalServer]:
    """A running server."""
    with LocalServer(template_dir=template_dir) as server:
        yield server


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the server of :func:`sharing` shares."""
    return tmp_path_factory.mktemp("shared")


@pytest.fixture(scope="module")
def sharing(template_dir: Path, shared: Path) -> Iterator[LocalServer]:
    """A running server that serves local files."""
    environment = {
        "LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED": "true",
        "LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT": str(shared),
    }
    with LocalServer(template_dir=template_dir, env=environment) as server:
        yield server


@pytest.fixture
def connection(server: LocalServer) -> dict[str, str]:
    """The settings that reach the server."""
    return {"url": server.url, "api_key": server.legacy_token}


@pytest.fixture
def annotator(server: LocalServer) -> Annotator:
    """Somebody who answers tasks on the server."""
    return Annotator(server.url, server.legacy_token)


@pytest.fixture
def dataset_of() -> Iterator[Callable[[Iterable[fo.Sample]], fo.Dataset]]:
    """Makes datasets of samples, deleted after the test."""
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
