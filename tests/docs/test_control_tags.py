"""The page on control tags is what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fo_labelstudio.convert.foreign.fields import fields_of
from fo_labelstudio.convert.labeling_config.kinds import CONTROL_TAGS, Kind
from fo_labelstudio.convert.labeling_config.read import read
from tests.docs.labeling_tables import config_of, medium_of, templates

pytestmark = pytest.mark.xdist_group("templates")

PAGE = Path(__file__).parents[2] / "docs" / "control_tags.md"
TEMPLATES_PAGE = (PAGE.parent / "labeling_templates.md").read_text(encoding="utf-8")
TEMPLATES = templates()
VALUES = ("str", "int", "float", "date", "datetime", "list")


def table(title):
    """The rows of the first table below a title, each as its cells."""
    text = PAGE.read_text(encoding="utf-8").partition(title)[2]
    lines = re.search(r"(?:^\|.*\n)+", text, re.MULTILINE).group().splitlines()
    return [line.strip("| ").split(" | ") for line in lines[2:]]


def types(config):
    """The name of each field of a labeling config -> its label type, or the kind of its values."""
    fields = fields_of(config, medium=medium_of(config)).fields
    return {
        field.name.removeprefix("frames."): field.label_type if field.question is None else field.question.kind
        for field in fields
    }


def test_each_control_tag_becomes_what_the_page_says():
    named = set()
    for tags, becomes, _ in table("# What control tags become"):
        for tag in re.findall(r"<([^>]+)>", tags):
            config = f'<View><Image name="image" value="$image"/><{tag} name="f" toName="image"/>'
            named.add(tag.split()[0])
            if becomes == "no field":
                other = '<Rating name="other" toName="image"/>'
                assert types(read(f"{config}{other}</View>")) == {"other": "int"}, tag
            else:
                assert types(read(f"{config}</View>")) == {"f": becomes.strip("`")}, tag
    of_other_media = (Kind.TRACK, Kind.RANGE, Kind.SPAN, Kind.OTHER_MEDIUM)
    assert named == {tag for tag, facts in CONTROL_TAGS.items() if facts.kind not in of_other_media}


@pytest.mark.parametrize("name", TEMPLATES)
def test_each_template_becomes_what_its_page_says(name):
    (row,) = [line for line in TEMPLATES_PAGE.splitlines() if line.startswith(f"| {name} |")]
    found = types(config_of(name))
    assert bool(found) == ("`: `" in row or "scalar field" in row)
    for field, kind in found.items():
        assert f"`{field}`: `{kind}`" in row or (kind in VALUES and f"`{field}`: scalar field" in row)
