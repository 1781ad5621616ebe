from __future__ import annotations

import pytest

from fo_labelstudio.convert.labeling_config.kinds import is_known
from tests.docs.labeling_tables import DOCS, HAS_ALL_TEMPLATES, PAGES, TABLES, as_table, config_of, templates

# Who has read a template for one test has it for all.
pytestmark = pytest.mark.xdist_group("templates")

TEMPLATES = templates()


@HAS_ALL_TEMPLATES
@pytest.mark.parametrize("name", PAGES)
def test_the_table_of_the_page_is_the_codes(name):
    table = TABLES.search((DOCS / name).read_text(encoding="utf-8")).group()
    assert table == as_table(PAGES[name]()), "write it anew: python -m tests.docs.labeling_tables"


@HAS_ALL_TEMPLATES
def test_label_studio_ships_as_many_templates_as_the_page_says():
    page = (DOCS / "labeling_templates.md").read_text(encoding="utf-8")
    assert f"ships {len(TEMPLATES)} labeling templates" in page


@pytest.mark.parametrize("name", TEMPLATES)
def test_each_labeling_template_is_read_and_all_of_its_tags_are_known(name):
    config = config_of(name)
    assert all(is_known(control.tag) for control in config.controls.values())
    # One template has a choice twice.
    known = {"ranking-and-scoring/document-retrieval": ("control 'selection' has the class 'Two' 2 times",)}
    assert tuple(problem.partition(";")[0] for problem in config.problems) == known.get(name, ())
