from __future__ import annotations

import json

import pytest

from fo_labelstudio.cli import main

CONFIG_CLS = "fo_labelstudio.backend.LabelStudioBackendConfig"


@pytest.fixture
def path(tmp_path, monkeypatch):
    """FiftyOne's annotation config file, which does not exist yet."""
    path = tmp_path / "folder" / "annotation_config.json"
    monkeypatch.setenv("FIFTYONE_ANNOTATION_CONFIG_PATH", str(path))
    return path


def test_register_writes_the_entry_and_unregister_removes_the_file_again(path, capsys):
    assert main(["register"]) == 0
    assert json.loads(path.read_text()) == {"backends": {"labelstudio": {"config_cls": CONFIG_CLS}}}
    assert main(["register"]) == 0
    assert main(["unregister"]) == 0
    assert not path.exists()
    assert capsys.readouterr().out.splitlines() == [
        f"registered backend 'labelstudio' in {path}",
        f"backend 'labelstudio' is registered already in {path}",
        f"unregistered backend 'labelstudio' in {path}",
    ]


@pytest.mark.parametrize(
    "text",
    [
        '{\n  "default_backend": "cvat",\n  "backends": {\n    "cvat": {\n      "url": "http://ünï"\n    }\n  }\n}\n',
        '{\n    "backends": {\n        "labelstudio": {\n            "url": "http://mine"\n        }\n    }\n}',
        '{\n\t"b": [\n\t\t1\n\t],\n\t"a": null\n}\n',
    ],
)
def test_all_else_in_the_file_stays_as_it_was(path, text):
    path.parent.mkdir()
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    assert main(["register"]) == 0
    assert json.loads(path.read_text())["backends"]["labelstudio"]["config_cls"] == CONFIG_CLS
    assert main(["unregister"]) == 0
    assert path.read_text(encoding="utf-8") == text
    assert path.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_another_name_is_registered_beside(path):
    main(["register", "--name", "team_ls"])
    assert list(json.loads(path.read_text())["backends"]) == ["team_ls"]


def test_an_entry_of_another_package_is_not_taken_over(path, capsys):
    path.parent.mkdir()
    path.write_text(text := '{"backends": {"labelstudio": {"config_cls": "other.Config"}}}')
    assert main(["register"]) == 1
    assert "is registered to other.Config" in capsys.readouterr().err
    assert main(["unregister"]) == 0
    assert path.read_text() == text


def test_the_integration_inside_fiftyone_gives_way_and_comes_back(path):
    path.parent.mkdir()
    built_in = "fiftyone.utils.labelstudio.LabelStudioBackendConfig"
    path.write_text(json.dumps({"backends": {"labelstudio": {"config_cls": built_in, "url": "http://mine"}}}))
    assert main(["register"]) == 0
    entry = json.loads(path.read_text())["backends"]["labelstudio"]
    assert entry == {"config_cls": CONFIG_CLS, "url": "http://mine"}
    assert main(["unregister"]) == 0
    assert json.loads(path.read_text())["backends"]["labelstudio"] == {"url": "http://mine"}


@pytest.mark.parametrize("text", ["{", "[]", '{"backends": []}', '{"backends": {"x": 3}}'])
def test_a_file_that_is_not_fiftyones_is_left_alone(path, capsys, text):
    path.parent.mkdir()
    path.write_text(text)
    assert main(["register"]) == 1
    assert str(path) in capsys.readouterr().err
    assert path.read_text() == text
