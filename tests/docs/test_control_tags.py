"""The page on control tags is what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import label_studio
import yaml

from fo_labelstudio.convert.foreign.fields import fields_of
from fo_labelstudio.convert.labeling_config.kinds import CONTROL_TAGS, Kind
from fo_labelstudio.convert.labeling_config.read import read

PAGE = Path(__file__).parents[2] / "docs" / "control_tags.md"
TEMPLATES = Path(label_studio.__file__).parent / "annotation_templates"


def table(title):
    """The rows of the first table below a title, each as its cells."""
    text = PAGE.read_text(encoding="utf-8").partition(title)[2]
    lines = re.search(r"(?:^\|.*\n)+", text, re.MULTILINE).group().splitlines()
    return [line.strip("| ").split(" | ") for line in lines[2:]]


def types(config):
    """The name of each field -> its label type, or the kind of its values."""
    fields = fields_of(read(config)).fields
    return {field.name: field.label_type if field.question is None else field.question.kind for field in fields}


def template_rows():
    """Each template of Label Studio -> what it becomes."""
    for path in sorted(TEMPLATES.glob("*/*/config.y*ml")):
        template = yaml.safe_load(path.read_text(encoding="utf-8"))
        config = read(template["config"])
        found = ", ".join(f"`{name}`: {kind}" for name, kind in types(template["config"]).items())
        media = sorted({shown.medium for shown in config.objects.values()})
        yield f"{template['group']}: {template['title']}", found or f"nothing: {', '.join(media)}"


def test_each_control_tag_becomes_what_the_page_says():
    named = set()
    for tags, becomes, _ in table("# What control tags become"):
        for tag in re.findall(r"<([^>]+)>", tags):
            config = f'<View><Image name="image" value="$image"/><{tag} name="f" toName="image"/>'
            named.add(tag.split()[0])
            if becomes == "no field":
                other = '<Rating name="other" toName="image"/>'
                assert types(f"{config}{other}</View>") == {"other": "int"}, tag
            else:
                assert types(f"{config}</View>") == {"f": becomes.strip("`")}, tag
    assert named == {tag for tag, facts in CONTROL_TAGS.items() if facts.kind is not Kind.OTHER_MEDIUM}


def test_each_template_becomes_what_the_page_says():
    rows = [tuple(row) for row in table("## Label Studio's templates")]
    assert rows == list(template_rows())
    assert len(rows) == 69
