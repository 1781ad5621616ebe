"""What the pages say of versions is what the package requires, and each target of make that they name is there."""

from __future__ import annotations

import inspect
import re

import pytest

import fo_labelstudio
from fo_labelstudio.doctor import versions
from fo_labelstudio.remote.client import MIN_VERSION
from scripts.matrix.rows import ROWS
from tests.docs.test_pages import PAGES, ROOT, page, section, table


def test_the_ranges_of_the_page_are_those_of_the_package():
    rows = {name: (oldest, newest) for name, oldest, newest in table(section("docs/versions.md", "What is supported"))}
    pythons = sorted({row.python for row in ROWS}, key=lambda python: int(python.partition(".")[2]))
    assert rows["Python"] == (versions.PYTHON.removeprefix(">="), pythons[-1])
    for package, name in (("fiftyone", "FiftyOne"), ("label-studio-sdk", "label-studio-sdk")):
        oldest, below = re.fullmatch(r">=([\d.]+),<(\d+)", versions.REQUIRED[package][1]).groups()
        assert rows[name] == (oldest, f"the newest {int(below) - 1}.x")
    assert rows["Label Studio"] == (f"{MIN_VERSION.major}.{MIN_VERSION.minor}", "the newest 1.x")
    assert f'"label-studio>={rows["Label Studio"][0]}"' in page("pyproject.toml")


def test_the_readme_says_the_same():
    rows = {name: row for name, *row in table(section("docs/versions.md", "What is supported"))}
    said = section("README.md", "Install").replace("\n", " ")
    assert f"Python {' to '.join(rows['Python'])}, FiftyOne {rows['FiftyOne'][0]} or later" in said


def test_the_newest_section_of_the_changelog_is_of_this_version_or_of_the_next():
    first, *released = re.findall(r"^## \[(.*?)\]", page("CHANGELOG.md"), re.MULTILINE)
    assert first == "Unreleased" or first == fo_labelstudio.__version__
    assert first != "Unreleased" or not released or released[0] == fo_labelstudio.__version__


def test_the_changelog_lists_what_is_public():
    functions = {name for name, value in vars(fo_labelstudio).items() if inspect.isfunction(value)}
    text = page("CHANGELOG.md")
    first = re.search(r"^- `fo_labelstudio`: (.*?)^- ", text, re.DOTALL | re.MULTILINE).group(1)
    assert set(re.findall(r"`(\w+)\(\)`", first)) == functions
    assert functions == set(re.findall(r"autofunction:: fo_labelstudio\.(\w+)", page("docs/api.md")))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_each_target_of_make_that_a_page_names_is_there(path):
    text = path.read_text(encoding="utf-8")
    blocks = re.findall(r"^```bash\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    named = re.findall(r"^make ([a-z-]+)", "\n".join(blocks), re.MULTILINE) + re.findall(r"`make ([a-z-]+)", text)
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert set(named) <= set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))


def test_the_documentation_lists_each_page_and_links_to_none_outside_of_it():
    tree = page("docs/index.md").partition("```{toctree}")[2].split()
    pages = {path.stem: path.read_text(encoding="utf-8") for path in (ROOT / "docs").glob("*.md")}
    assert pages.keys() - {*tree} == {"index"}
    assert [name for name, text in pages.items() if re.search(r"\]\(\.\./[^)]*\.md", text)] == []
