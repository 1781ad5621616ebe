"""The plugin in FiftyOne's plugins folder."""

from __future__ import annotations

import os
from pathlib import Path

import fiftyone as fo
import fiftyone.plugins as fop
import pytest

import fo_labelstudio
from fo_labelstudio import plugin
from fo_labelstudio.cli import main
from fo_labelstudio.errors import SettingsError

APP = Path(fo_labelstudio.__file__).parent / "app"


@pytest.fixture
def folder(tmp_path):
    """A plugins folder, which does not exist yet."""
    return tmp_path / "deep" / "plugins"


@pytest.fixture
def no_links(monkeypatch):
    """A machine on which nobody may make links."""

    def refuse(*arguments, **options):
        raise OSError("A required privilege is not held by the client")

    monkeypatch.setattr(os, "symlink", refuse)


def copied(folder, version):
    """A copy of the plugin, of some version."""
    path = folder / "fo-labelstudio"
    path.mkdir(parents=True)
    (path / "fiftyone.yml").write_text(f"name: fo-labelstudio\nversion: {version}\n")
    (path / "old.py").write_text("")
    return path


def test_a_link_leads_to_the_package(folder):
    path = folder / "fo-labelstudio"
    assert plugin.install(folder) == f"installed plugin 'fo-labelstudio': {path} -> {APP.resolve()}"
    assert path.is_symlink() and path.resolve() == APP.resolve()
    assert plugin.install(folder) == f"plugin 'fo-labelstudio' is installed already: {path} -> {APP.resolve()}"
    assert plugin.uninstall(folder) == f"removed plugin 'fo-labelstudio': {path} -> {APP.resolve()}"
    assert list(folder.iterdir()) == []
    assert (APP / "fiftyone.yml").exists()
    assert plugin.uninstall(folder) == f"plugin 'fo-labelstudio' is not installed in {folder}"


def test_fiftyone_finds_it_and_its_operators(folder, monkeypatch):
    from fiftyone.plugins.context import PluginContext

    monkeypatch.setattr(fo.config, "plugins_dir", str(folder))
    assert main(["app", "install"]) == 0
    (found,) = [definition for definition in fop.list_plugins(enabled="all") if definition.name == plugin.NAME]
    context = PluginContext(found)
    context.register_all()
    assert context.errors == []
    assert "send_part" in [operator.name for operator in context.instances]
    assert main(["app", "uninstall"]) == 0
    assert plugin.NAME not in [definition.name for definition in fop.list_plugins(enabled="all")]


def test_without_links_it_is_a_copy_that_tells_its_version(folder, no_links):
    path = folder / "fo-labelstudio"
    version = fo_labelstudio.__version__
    assert plugin.install(folder) == f"installed plugin 'fo-labelstudio': {path}, a copy of version {version}"
    assert not path.is_symlink()
    files = {file.relative_to(APP) for file in APP.rglob("*") if file.is_file() and "__pycache__" not in file.parts}
    assert {file.relative_to(path) for file in path.rglob("*") if file.is_file()} == files
    assert (path / "fiftyone.yml").read_text().endswith(f"\nversion: {version}\n")
    assert "is installed already" in plugin.install(folder)
    plugin.uninstall(folder)
    assert not path.exists()


@pytest.mark.parametrize("links", [True, False])
def test_a_newer_version_replaces_an_older_copy(folder, links, request):
    if not links:
        request.getfixturevalue("no_links")
    path = copied(folder, "0.0.1")
    assert plugin.install(folder).endswith(f", in place of {path}, a copy of version 0.0.1")
    assert not (path / "old.py").exists()
    assert path.is_symlink() == links
    assert [file.name for file in folder.iterdir()] == ["fo-labelstudio"]


def test_an_older_version_does_not_replace_a_newer_copy(folder):
    path = copied(folder, "99.0")
    with pytest.raises(SettingsError, match=r"a copy of version 99\.0, newer than this package"):
        plugin.install(folder)
    assert (path / "old.py").exists()


@pytest.mark.parametrize("is_there", [True, False])
def test_a_link_to_another_environment_is_replaced(folder, tmp_path, is_there):
    other = tmp_path / "other" / "app"
    if is_there:
        other.mkdir(parents=True)
        (other / "fiftyone.yml").write_text('name: "fo-labelstudio"\n')
    folder.mkdir(parents=True)
    (folder / "fo-labelstudio").symlink_to(other)
    assert plugin.install(folder).endswith(f", in place of {folder / 'fo-labelstudio'} -> {other}")
    assert (folder / "fo-labelstudio").resolve() == APP.resolve()
    assert other.exists() == is_there


def test_what_somebody_else_has_put_there_stays(folder, capsys):
    path = copied(folder, "1")
    (path / "fiftyone.yml").write_text("name: theirs\n")
    for action in ("install", "uninstall"):
        assert main(["app", action, "--plugins-dir", str(folder)]) == 1
        assert f"{path} is not the plugin of this package; move it away" in capsys.readouterr().err
    assert (path / "old.py").exists()


def test_a_failed_replacement_leaves_nothing_half_made(folder, monkeypatch):
    def fail(*arguments):
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        plugin.install(folder)
    assert list(folder.iterdir()) == []
