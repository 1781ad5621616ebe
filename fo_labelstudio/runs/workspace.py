"""The workspace that a new project goes into."""

from __future__ import annotations

from fo_labelstudio.errors import SettingsError
from fo_labelstudio.messages import meant
from fo_labelstudio.remote.client import Client
from fo_labelstudio.runs.editions import edition_of

_SHOWN = 10
"""Titles in a message."""


def workspace_of(client: Client, asked: str | int | None) -> int | None:
    """The id of the workspace that a new project goes into; None where nothing was asked for.

    Args:
        client: the server
        asked: its title, or its id

    Raises:
        SettingsError: the server has no workspaces, none like this, or several
    """
    if asked is None:
        return None
    if not edition_of(client).has_workspaces:
        raise SettingsError(
            f"workspace is {asked!r}, but {client.url} is Label Studio {client.edition}, which has no workspaces; "
            "leave workspace out"
        )
    there = client.workspaces()
    found = [asked] if asked in there else [number for number, title in there.items() if title == asked]
    if len(found) == 1:
        return int(found[0])
    if found:
        numbers = ", ".join(map(str, sorted(found)))
        raise SettingsError(f"workspace: {len(found)} workspaces are called {asked!r} ({numbers}); pass the id of one")
    known = ", ".join(map(repr, sorted(there.values())[:_SHOWN])) or "none"
    hint = meant(str(asked), there.values(), f"there are {known}")
    raise SettingsError(f"workspace: the owner of the api_key sees no workspace {asked!r} on {client.url}; {hint}")
