"""``doctor``: says what keeps a connection from working, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from fo_labelstudio.cli.options import backend_option, chosen_settings, connection_options
from fo_labelstudio.cli.session import json_option, print_json, session

if TYPE_CHECKING:
    from fo_labelstudio.doctor.finding import Finding

_COLOURS = {"ok": "green", "warning": "yellow", "failed": "red", "skipped": "bright_black"}

_STATE, _CHECK = 8, 22
"""Widths of columns."""


@click.command("doctor")
@click.option(
    "--media",
    multiple=True,
    metavar="ADDRESS",
    help="Image that people should see: an address of a bucket or web server, or a path; repeat.",
)
@click.option("--read-only", is_flag=True, help="Make nothing on the server, and so look at no media.")
@connection_options
@backend_option
@json_option
def command(media: tuple[str, ...], read_only: bool, backend: str, as_json: bool, **options: Any) -> None:
    """Look at all that a connection needs, and say what to do.

    A line a check: versions, registration, plugin, disks, server, key, proxy, certificate, clocks, and whether images
    are shown, for which a project is made and deleted again. The exit status is 1 where a check has failed.
    """
    given = chosen_settings(options)
    with session(as_json):
        from fo_labelstudio.doctor import examine
        from fo_labelstudio.doctor.finding import FAILED, Case

        findings = []
        for finding in examine(Case(backend, given, media, not read_only)):
            findings.append(finding)
            if not as_json:
                state, rest = line_of(finding)[:_STATE], line_of(finding)[_STATE:]
                click.echo(click.style(state, fg=_COLOURS[finding.state]) + rest)
    is_well = all(finding.state != FAILED for finding in findings)
    if as_json:
        print_json({"ok": is_well, "checks": [finding._asdict() for finding in findings]})
    if not is_well:
        raise click.exceptions.Exit(1)


def line_of(finding: Finding) -> str:
    """What a check has found, as a line."""
    remedy = f"; {finding.remedy}" if finding.remedy else ""
    return f"{finding.state.ljust(_STATE)}{finding.check.ljust(_CHECK)}{finding.found}{remedy}"
