"""The table of docs/labeling_templates.md, made of the code and of Label Studio's templates.

``python -m tests.docs.labeling_tables`` writes them anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.version import Version

from fo_labelstudio.convert.families import family_of_type, holds_list
from fo_labelstudio.convert.labeling_config.kinds import Kind, label_type_of
from fo_labelstudio.convert.labeling_config.read import ControlTag, LabelingConfig, read
from fo_labelstudio.convert.media import DEFAULT, OF_SAMPLES
from fo_labelstudio.convert.media.medium import Medium

DOCS = Path(__file__).parents[2] / "docs"
TABLES = re.compile(r"(?:^\|.*\n)+", re.MULTILINE)
_SHIPS = re.compile(r"^Label Studio ([\d.]+) ships", re.MULTILINE)

LISTED = Version(_SHIPS.search((DOCS / "labeling_templates.md").read_text(encoding="utf-8"))[1])
"""The Label Studio whose templates the page lists."""

HAS_ALL_TEMPLATES = pytest.mark.skipif(
    Version(version("label-studio")) < LISTED,
    reason=f"this Label Studio is older than {LISTED}, whose templates the page lists",
)

QUESTIONS = {
    "Rating": "whole number",
    "Number": "number",
    "DateTime": "date, or date and time",
    "TextArea": "text",
}


@cache
def templates() -> dict[str, dict[str, Any]]:
    """The labeling templates of the installed Label Studio: group and name -> what it says of each."""
    spec = find_spec("label_studio")
    folder = Path(spec.submodule_search_locations[0]) / "annotation_templates"
    paths = sorted(folder.glob("*/*/config.yml"))
    return {f"{path.parts[-3]}/{path.parts[-2]}": yaml.safe_load(path.read_text(encoding="utf-8")) for path in paths}


@cache
def config_of(name: str) -> LabelingConfig:
    """The labeling config of a template, read."""
    return read(templates()[name]["config"])


def _single(tag: str) -> str:
    (name,) = (name for name in family_of_type(label_type_of(tag)).label_types if not holds_list(name))
    return name


def labeling_templates() -> Iterator[tuple[str, ...]]:
    """The rows of the table of labeling templates."""
    yield "Template", "Shows", "What its control tags become"
    for name in templates():
        config = config_of(name)
        media = ", ".join(sorted({shown.medium for shown in config.objects.values()}))
        medium = medium_of(config)
        # Of what is not shown, only a comparison is told as what it is.
        told = [one for one in config.controls.values() if config.shown(medium) or one.kind is Kind.RANKING]
        becomes = [f"`{control.name}`: {outcome_of(control, config, medium)}" for control in told]
        if config.shown(medium) and config.relations:
            becomes.append("relations: the attribute `related_to` of the labels")
        yield name, media, "; ".join(becomes) or f"reported: labels of {media} are not imported"


def medium_of(config: LabelingConfig) -> Medium:
    """What the samples are that the tasks of a labeling config show."""
    return next(filter(config.shown, OF_SAMPLES), config.other_medium or DEFAULT)


def outcome_of(control: ControlTag, config: LabelingConfig, medium: Medium) -> str:
    """What the answers to a control tag become: labels, a value, an attribute; or why they are reported, or left."""
    kind, is_about, shown = control.kind, config.is_about(control, medium), config.shown(medium)
    if kind is Kind.RANKING:
        return "reported: it compares objects"
    if control.name in config.spans:
        return "`spans`"
    drawn = (Kind.SHAPE, Kind.TRACK, Kind.RANGE, Kind.SPAN)
    if kind is Kind.OTHER_MEDIUM or (kind in (*drawn, Kind.CLASSES) and not is_about):
        return "reported: it is about another medium"
    if not is_about and (len(shown) > 1 or shown[0].is_list):
        return "reported: it is about another medium"
    if kind is Kind.CLASSES:
        return "the classes of the regions"
    if control.per_region:
        return "attribute"
    if kind in (Kind.SCALAR, Kind.TEXT):
        return f"scalar field ({QUESTIONS[control.tag]})"
    label_type = label_type_of(control.tag)
    if kind is Kind.CHOICES and not control.takes_several:
        label_type = _single(control.tag)
    return f"`{label_type}`"


def as_table(rows: Iterator[tuple[str, ...]]) -> str:
    """Rows as a table of Markdown, the first one as its head."""
    head, *body = rows
    lines = [head, ("---",) * len(head), *body]
    return "".join("| " + " | ".join(cells) + " |\n" for cells in lines)


PAGES = {"labeling_templates.md": labeling_templates}


def main() -> None:
    """Writes the tables into the pages."""
    for name, rows in PAGES.items():
        text = (DOCS / name).read_text(encoding="utf-8")
        made = as_table(rows())
        (DOCS / name).write_text(TABLES.sub(lambda _, made=made: made, text, count=1), encoding="utf-8")


if __name__ == "__main__":
    main()
