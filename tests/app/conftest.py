"""What the tests of the plugin share; FiftyOne is imported late, for it reads the environment that tests have set."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def plugins_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A plugins folder with a link to the package's plugin."""
    import fiftyone as fo

    import fo_labelstudio

    folder = tmp_path / "plugins"
    folder.mkdir()
    (folder / "fo-labelstudio").symlink_to(Path(fo_labelstudio.__file__).parent / "app")
    monkeypatch.setattr(fo.config, "plugins_dir", str(folder))
    return folder


@pytest.fixture
def assigned(plugins_dir: Path, connection: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The environment says how to reach the server."""
    for name, value in connection.items():
        monkeypatch.setenv(f"FIFTYONE_LABELSTUDIO_{name.upper()}", value)
    return connection


@pytest.fixture
def form(plugins_dir: Path) -> Callable[..., dict[str, Any]]:
    """What an operator asks for: name -> property."""
    import fiftyone.operators as foo
    from fiftyone.operators.executor import ExecutionContext

    def ask(operator: str, dataset: Any, params: Any = None, **request: Any) -> dict[str, Any]:
        request = {"dataset_name": dataset.name, "params": params or {}, **request}
        found = foo.get_operator(f"fo-labelstudio/{operator}")
        ctx = ExecutionContext(request, operator_uri=found.uri, required_secrets=found._plugin_secrets)
        return dict(found.resolve_input(ctx).type.properties)

    return ask
