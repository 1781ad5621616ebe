"""The recipe of the page on conflicts runs as it is typed."""

from __future__ import annotations

import re

import fiftyone as fo
import pytest

from tests.docs.test_pages import page
from tests.support import write_image


@pytest.mark.server
def test_the_recipe_of_the_page(make_dataset, connection, annotator, tmp_path, monkeypatch):
    for name, value in connection.items():
        monkeypatch.setenv(f"FIFTYONE_LABELSTUDIO_{name.upper()}", str(value))
    (recipe,) = re.findall(r"```python\n(.*?)```", page("docs/conflicts.md"), re.DOTALL)
    before, after = recipe.split("# ... an annotator makes it a dog")
    recipe = before.replace("/path/to/cat.jpg", str(write_image(tmp_path / "cat.png")))
    names: dict = {}
    try:
        exec(compile(recipe, "page", "exec"), names)
        (task_id,) = names["results"].tasks.values()

        def relabel(result):
            result[0]["value"]["rectanglelabels"] = ["dog"]
            return result

        annotator.submit(task_id, relabel)
        exec(compile(f"#{after}", "page", "exec"), names)
        dataset = names["dataset"]
        assert dataset.values("ground_truth.detections.label", unwind=True) == ["cow", "dog"]
        (conflict,) = names["results"].conflicts
        assert (conflict["aspect"], conflict["kept"]) == ("class", "both")
        assert len(names["view"]) == 1
    finally:
        fo.delete_dataset("conflicts")
