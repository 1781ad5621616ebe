"""How operators reach the server: settings are never asked for that are set, and those that are secret never."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import fiftyone as fo
from fiftyone.operators import types

import fo_labelstudio
from fo_labelstudio.errors import SettingsError
from fo_labelstudio.settings import DEFAULT_NAME, RUN_SETTINGS, parse_url, resolve, variable

SECRETS = ("url", "api_key", "http_headers", "proxies", "cloud_storage")
"""The settings that FiftyOne's plugin secrets may hold, each under the name of its environment variable."""


def backend_name() -> str:
    """The name under which the backend is registered, or the one that it is to have."""
    backends = fo.annotation_config.backends
    names = (name for name, entry in backends.items() if entry.get("config_cls") == fo_labelstudio.CONFIG_CLS)
    return next(names, DEFAULT_NAME)


def backend_of(settings: Mapping[str, Any]) -> Any:
    """FiftyOne's object of the annotation backend, found by its address as FiftyOne does.

    Args:
        settings: those of the connection and of a run
    """
    module, _, name = fo_labelstudio.CONFIG_CLS.rpartition(".")
    return getattr(import_module(module), name)(backend_name(), None, **settings).build()


def configured() -> dict[str, Any]:
    """The settings of the backend in FiftyOne's annotation config, which environment variables are part of."""
    entry: dict[str, Any] = fo.annotation_config.backends.get(backend_name(), {})
    return entry


def connection_of(ctx: Any, is_new: bool = False) -> dict[str, Any]:
    """The settings of the connection that FiftyOne's plugin secrets hold, as calls of the package take them.

    Args:
        ctx: the execution context
        is_new: whether no run says which server it is on, so that the url of the secrets, or of the form, counts
    """
    found = _secrets_of(ctx)
    if is_new:
        found.setdefault("url", ctx.params.get("url"))
    else:
        found.pop("url", None)
    return {name: value for name, value in found.items() if value}


def _secrets_of(ctx: Any) -> dict[str, Any]:
    """The settings that FiftyOne's plugin secrets hold."""
    held = {name: ctx.secrets[variable(DEFAULT_NAME, name)] for name in SECRETS}
    # Of a secret that was not looked up before, FiftyOne hands out what holds it (1.22.1).
    values = {name: getattr(value, "value", value) for name, value in held.items()}
    return {name: value for name, value in values.items() if value}


def assigned(ctx: Any) -> dict[str, Any]:
    """The settings of the connection that are set somewhere, so that no form asks for them.

    Raises:
        SettingsError: one of them is malformed
    """
    return resolve(_secrets_of(ctx), None, backend_name(), configured())


def assigned_of_run() -> dict[str, Any]:
    """The settings of a run that FiftyOne's annotation config, or the environment, sets for all runs."""
    return {name: value for name, value in configured().items() if name in RUN_SETTINGS and value is not None}


def ask_connection(ctx: Any, inputs: types.Object, is_new: bool = False) -> bool:
    """Asks for the url where it is not set, and says what to do where the key is not.

    Args:
        ctx: the execution context
        inputs: receives the inputs
        is_new: whether no run says which server it is on

    Returns:
        whether the server can be asked
    """
    try:
        found = assigned(ctx)
    except SettingsError as error:
        refuse(inputs, "connection", str(error))
        return False
    is_there = True
    if is_new and "url" not in found:
        is_there = _ask_url(ctx, inputs)
    if "api_key" not in found:
        name = variable(backend_name(), "api_key")
        refuse(
            inputs,
            "connection",
            f"no api_key for the Label Studio server; set the environment variable {name} for the process of the App "
            "and for its workers, or the plugin secret of this name. Forms do not ask for keys",
        )
        return False
    return is_there


def _ask_url(ctx: Any, inputs: types.Object) -> bool:
    asked = inputs.str(
        "url",
        label="Address of Label Studio",
        description=f"Or set {variable(backend_name(), 'url')}",
        required=True,
    )
    try:
        return bool(ctx.params.get("url") and parse_url(ctx.params["url"]))
    except SettingsError as error:
        asked.invalid, asked.error_message = True, str(error)
        return False


def refuse(inputs: types.Object, name: str, message: str, label: str = "") -> None:
    """Has a form say why it cannot be executed."""
    view = types.Error(label=label or message, description=message if label else None)
    shown = inputs.view(name, view)
    shown.invalid, shown.error_message = True, message
