"""Which tags and fields of samples a run has written, so that it never takes those of others for its own."""

from __future__ import annotations

from collections.abc import Collection

from fo_labelstudio.dataset.sample_states import tags_in_use
from fo_labelstudio.errors import SettingsError
from fo_labelstudio.runs.load_options import TAG
from fo_labelstudio.runs.run import RunConfig
from fo_labelstudio.runs.state import RunState

PREFIXES, TAGS, FIELDS = "prefixes", "tags", "fields"
"""What a run remembers to have written: beginnings of tags, single tags, and names of fields."""

SKIPPED = "skipped"
"""The state of a task that somebody has skipped and nobody has answered."""


def tag_prefix(results: RunState) -> str:
    """What the tags of a run begin with, where nobody says anything else."""
    return f"{results.key}:"


def annotates_tags(config: RunConfig) -> bool:
    """Whether the tags of samples are what people answer."""
    return any(field.name == "tags" for field in config.label_fields())


def check_skipped(config: RunConfig, skipped: str | None) -> None:
    """Makes sure that the samples of skipped tasks can get a tag, where they are to get one.

    Raises:
        SettingsError: people answer what the tags are
    """
    if skipped == TAG and annotates_tags(config):
        raise SettingsError(
            "skipped='tag': the run annotates the tags of samples; leave it out, and call tag_samples(field=...) "
            "to have in a field what became of the tasks"
        )


def check_tags(results: RunState, prefix: str, states: Collection[str], remedy: str) -> None:
    """Makes sure that tags are the run's own, or nobody's.

    Args:
        results: the results of the run
        prefix: what the tags begin with
        states: what they end in
        remedy: what to do where they are not

    Raises:
        SettingsError: samples have such tags that the run has not written; names them
    """
    if prefix in results.tagged.get(PREFIXES, ()):
        return
    own = set(results.tagged.get(TAGS, ()))
    if results.skipped:
        # An earlier version has tagged them, and remembered no more.
        own.add(f"{tag_prefix(results)}{SKIPPED}")
    taken = tags_in_use(results.dataset, {f"{prefix}{state}" for state in states} - own)
    if taken:
        raise SettingsError(
            f"samples have the tags {', '.join(map(repr, taken))}, which this run has not written; {remedy}"
        )


def remember(results: RunState, kind: str, name: str) -> None:
    """Saves that the run writes a name, before it does."""
    names = results.tagged.setdefault(kind, [])
    if name not in names:
        names.append(name)
        results.save()
