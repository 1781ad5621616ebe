"""What FiftyOne knows of this package: the class of the backend, and the plugin."""

from __future__ import annotations

from collections.abc import Iterator

from fo_labelstudio import CONFIG_CLS, plugin
from fo_labelstudio.doctor.finding import FAILED, OK, WARNING, Case, Check, Finding
from fo_labelstudio.settings import DEFAULT_NAME, variable

_BUILT_IN = "fiftyone.utils.labelstudio."
_INSTALL = "run: fo-labelstudio app install"


def judge_backend(name: str, config_cls: str | None) -> Finding:
    """Which class a backend is.

    Args:
        name: the name of the backend
        config_cls: what FiftyOne's annotation config says, with the environment in it; None where it says nothing
    """
    check = f"backend {name!r}"
    option = "" if name == DEFAULT_NAME else f" --name {name}"
    remedy = f"run: fo-labelstudio register{option}"
    if config_cls == CONFIG_CLS:
        return Finding(check, OK, f"registered to {CONFIG_CLS}")
    if config_cls is None:
        return Finding(check, FAILED, "not registered", remedy)
    if config_cls.startswith(_BUILT_IN):
        return Finding(check, FAILED, "registered to the integration inside FiftyOne, not to this package", remedy)
    return Finding(
        check,
        FAILED,
        f"registered to {config_cls}",
        f"remove that from the annotation config file, or unset {variable(name, 'config_cls')}, and {remedy}",
    )


def judge_plugin(there: plugin.Installed | None, folder: str) -> Finding:
    """Whether the plugin is where the App looks for it.

    Args:
        there: what is at its place
        folder: the plugins folder
    """
    if there is None:
        return Finding("plugin", WARNING, f"not in {folder}, so the App has no operators of this package", _INSTALL)
    if not there.is_ours:
        return Finding("plugin", FAILED, f"{there.path} is another one", f"move it away, and {_INSTALL}")
    if not there.is_current:
        what = f"leads to {there.target}" if there.target else f"is a copy of version {there.version or 'unknown'}"
        return Finding("plugin", WARNING, f"{there.path} {what}, not to the package that runs", _INSTALL)
    return Finding("plugin", OK, str(there.path))


def _backend(case: Case) -> Iterator[Finding]:
    import fiftyone as fo

    yield judge_backend(case.name, fo.annotation_config.backends.get(case.name, {}).get("config_cls"))


def _plugin(case: Case) -> Iterator[Finding]:
    folder = plugin.plugins_dir()
    linked = judge_plugin(plugin.find(folder), str(folder))
    if linked.state == FAILED or plugin.find(folder) is None:
        yield linked
        return
    yield from _unloadable() or [linked]


def _unloadable() -> list[Finding]:
    """What keeps the plugin from being loaded, although it is there."""
    import fiftyone.plugins as fop
    from fiftyone.plugins.context import PluginContext

    found = [definition for definition in fop.list_plugins(enabled="all") if definition.name == plugin.NAME]
    if not found:
        return [Finding("plugin", FAILED, "FiftyOne does not find it, although it is there", _INSTALL)]
    if plugin.NAME in fop.list_disabled_plugins():
        return [Finding("plugin", WARNING, "disabled", f"run: fiftyone plugins enable {plugin.NAME}")]
    context = PluginContext(found[0])
    context.register_all()
    if context.errors:
        last = context.errors[0].strip().splitlines()[-1]
        return [Finding("plugin", FAILED, f"{found[0].directory} cannot be loaded ({last})", _INSTALL)]
    return []


CHECKS = (Check("backend", _backend), Check("plugin", _plugin))
