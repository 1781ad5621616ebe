"""The layout is what ARCHITECTURE.md says: imports point down, never up and never in a circle, not even for types."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from fo_labelstudio.convert.families import LABEL_TYPES
from fo_labelstudio.convert.media import MEDIA

# Who has parsed a module for one test has it for all.
pytestmark = pytest.mark.xdist_group("layout")

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "fo_labelstudio"

FLOORS = (
    ("backend", "types", "app", "cli"),
    ("runs", "doctor"),
    ("dataset", "transport", "plugin"),
    ("merge", "remote", "exports"),
    ("convert", "settings"),
    ("errors",),
    ("messages", "log"),
)
"""The rooms from the top down; a room imports only from lines below its own."""

STRANGERS = (
    ("dataset", "remote"),
    ("dataset", "transport"),
    ("convert", "settings"),
    ("exports", "dataset"),
    ("exports", "transport"),
    ("exports", "settings"),
)
"""Rooms that never see each other."""

OTHERWISE = {"text"}
"""Names of media that name other things too: how an attribute is asked for."""

APART = {"local": ("cli.server",)}
"""Rooms that see nothing of the others -> the modules of these that see them; all others do not."""

IO = {"asyncio", "fiftyone.core.dataset", "fiftyone.core.odm", "http", "io", "os", "pymongo", "requests"}
IO |= {"pathlib.Path", "shutil", "socket", "sqlite3", "subprocess", "tempfile", "threading", "urllib.request"}


def modules():
    """Name of each module within the package -> its file."""
    parts = {path: path.relative_to(PACKAGE).with_suffix("").parts for path in PACKAGE.rglob("*.py")}
    return {".".join(names).removesuffix("__init__").rstrip("."): path for path, names in parts.items()}


MODULES = modules()


@cache
def tree_of(name):
    """The syntax tree of a module."""
    return ast.parse(MODULES[name].read_text(encoding="utf-8"))


def imported(tree):
    """Every module that a module names in an import, wherever it stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def own_imports(name):
    """The modules of the package that one imports."""
    for target in imported(tree_of(name)):
        if target.startswith("fo_labelstudio."):
            inner = target.removeprefix("fo_labelstudio.")
            while inner not in MODULES and "." in inner:
                inner = inner.rpartition(".")[0]
            if inner in MODULES and inner != name:
                yield inner


def room(name):
    return name.partition(".")[0]


def floor(name):
    (number,) = (number for number, rooms in enumerate(FLOORS) if name in rooms)
    return number


@pytest.mark.parametrize("name", sorted(filter(None, MODULES)))
def test_imports_point_down(name):
    here = room(name)
    for target in map(room, own_imports(name)):
        if target == here:
            continue
        assert here not in APART, f"{name} -> {target}"
        if target in APART:
            assert name in APART[target], f"{name} -> {target}"
            continue
        assert floor(here) < floor(target), f"{name} -> {target}"
        assert (here, target) not in STRANGERS and (target, here) not in STRANGERS, f"{name} -> {target}"


def test_no_module_imports_itself_in_a_circle():
    above = {name: set(own_imports(name)) for name in MODULES}
    while free := [name for name, targets in above.items() if not targets & above.keys()]:
        for name in free:
            del above[name]
    assert not above, f"a circle is among {sorted(above)}"


@pytest.mark.parametrize("name", sorted(name for name in MODULES if room(name) in ("convert", "merge")))
def test_conversion_and_merge_reach_no_file_network_or_database(name):
    tree = tree_of(name)
    found = {target for target in imported(tree) for io in IO if target == io or target.startswith(f"{io}.")}
    # An image in a region is bytes, not a file.
    assert found <= {"io.BytesIO"}
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == "open"]


@pytest.mark.parametrize("name", sorted(filter(None, MODULES)))
def test_a_label_type_is_named_in_its_family_only(name):
    if name.startswith("convert.families"):
        return
    named = {node.value for node in ast.walk(tree_of(name)) if isinstance(node, ast.Constant)} & set(LABEL_TYPES)
    # A scalar is no label; instance is also the name of an attribute.
    assert named <= {"scalar", "instance"}


@pytest.mark.parametrize("name", sorted(name for name in MODULES if room(name) in ("convert", "merge")))
def test_a_medium_and_its_size_are_known_in_the_table_of_media_and_in_families_only(name):
    # The table of Label Studio's tags says what each object tag shows.
    if name.startswith(("convert.media", "convert.families", "convert.shapes", "convert.labeling_config.kinds")):
        return
    tree = tree_of(name)
    named = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    assert not named & {
        "original_width",
        "original_height",
        "image_rotation",
        "size",
        *(medium.name for medium in MEDIA if medium.name not in OTHERWISE),
    }
    assert not {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)} & {"width", "height"}


def test_the_page_names_each_room_and_floor():
    page = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    rooms = {room(name) for name in MODULES} - {""}
    assert rooms == {name for rooms in FLOORS for name in rooms} | set(APART)
    for name in rooms:
        assert re.search(rf"`{name}(/|\.py)`", page), name
    order = " → ".join(", ".join(rooms) for rooms in FLOORS)
    assert order in page
