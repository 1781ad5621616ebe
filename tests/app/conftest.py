"""What the tests of the plugin share."""

from __future__ import annotations

from pathlib import Path

import pytest

import fo_labelstudio

# FiftyOne is imported where it is used: pytest may read this file before the environment says which database it is on.


@pytest.fixture
def plugins_dir(tmp_path, monkeypatch):
    """A plugins folder with a link to the package's plugin."""
    import fiftyone as fo

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
    import fiftyone.operators as foo
    from fiftyone.operators.executor import ExecutionContext

    def ask(operator, dataset, params=None, **request):
        request = {"dataset_name": dataset.name, "params": params or {}, **request}
        asked = foo.get_operator(f"fo-labelstudio/{operator}").resolve_input(ExecutionContext(request))
        return dict(asked.type.properties)

    return ask
