"""How tasks come back from a server of each edition, and what the edition has besides.

Label Studio Enterprise and Starter Cloud answer 404 where the community edition hands out annotations, and write them
to a file in the background instead.

Source: label-studio-sdk 2.1.2, ``projects.exports``
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from fo_labelstudio.remote import jobs
from fo_labelstudio.remote.client import COMMUNITY, Client
from fo_labelstudio.runs import direct_export, snapshots
from fo_labelstudio.runs.ports import Page, Task


class Edition(NamedTuple):
    """What differs between editions.

    Attributes:
        exported: client, project, tasks, tasks a page -> the annotated ones of them, in pages
        whole: client, project, tasks -> all of them, with annotations and drafts
        with_predictions: the same, with their predictions
        settle: client, project -> waits until nothing is to be made any more that was sent before
        takes_snapshots: whether annotations are only handed out in files that the server writes
        has_workspaces: whether projects are in workspaces
        has_reviews: whether people review annotations
    """

    exported: Callable[[Client, int, Sequence[int], int], Iterator[Page]]
    whole: Callable[[Client, int, Sequence[int]], Iterator[Task]]
    with_predictions: Callable[[Client, int, Sequence[int]], Iterator[Task]]
    settle: Callable[[Client, int], None]
    takes_snapshots: bool
    has_workspaces: bool
    has_reviews: bool


def _is_settled(client: Client, project_id: int) -> None:
    """What was asked for is made before the answer comes."""


_COMMUNITY = Edition(
    direct_export.exported,
    direct_export.whole,
    direct_export.with_predictions,
    _is_settled,
    takes_snapshots=False,
    has_workspaces=False,
    has_reviews=False,
)
_OTHERS = Edition(
    snapshots.exported,
    snapshots.whole,
    snapshots.with_predictions,
    jobs.settle,
    takes_snapshots=True,
    has_workspaces=True,
    has_reviews=True,
)
"""Enterprise and Starter Cloud, which name themselves in one way, and whatever comes."""


def edition_of(client: Client) -> Edition:
    """The edition of a server."""
    return _COMMUNITY if client.edition == COMMUNITY else _OTHERS
