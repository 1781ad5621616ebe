"""What the tests of the plugin share."""

from __future__ import annotations

from pathlib import Path

import fiftyone as fo
import fiftyone.operators as foo
import pytest
from fiftyone.operators.executor import ExecutionContext

import fo_labelstudio


@pytest.fixture
def plugins_dir(tmp_path, monkeypatch):
    """A plugins folder with a link to the package's plugin."""
    folder = tmp_path / "plugins"
    folder.mkdir()
    (folder / "fo-labelstudio").symlink_to(Path(fo_labelstudio.__file__).parent / "app")
    monkeypatch.setattr(fo.config, "plugins_dir", str(folder))
    return folder


@pytest.fixture
def assigned(plugins_dir, connection, monkeypatch):
    """The environment says how to reach the server."""
    for name, value in connection.items():
        monkeypatch.setenv(f"FIFTYONE_LABELSTUDIO_{name.upper()}", value)
    return connection


@pytest.fixture
def form(plugins_dir):
    """What an operator asks for: name -> property, those in objects below their names."""

    def ask(operator, dataset, params=None, **request):
        request = {"dataset_name": dataset.name, "params": params or {}, **request}
        asked = foo.get_operator(f"fo-labelstudio/{operator}").resolve_input(ExecutionContext(request))
        return dict(asked.type.properties)

    return ask
