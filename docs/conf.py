"""Builds the documentation with Sphinx: Markdown pages by MyST, the API reference from the docstrings."""

from __future__ import annotations

import fo_labelstudio

project = "fo_labelstudio"
author = "the fo_labelstudio developers"
version = release = fo_labelstudio.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
nitpicky = True

myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence", "deflist"]

autodoc_typehints = "description"
autodoc_member_order = "bysource"
# Classes of FiftyOne and requests are named in signatures; their own documentation is on the web.
nitpick_ignore_regex = [("py:.*", r"(?!fo_labelstudio\.).*")]

html_theme = "furo"
html_title = "fo_labelstudio"
html_static_path: list[str] = []
