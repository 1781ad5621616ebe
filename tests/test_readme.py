"""The README is true: its tables are the code's, and its recipes run as they are typed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import fiftyone as fo
import pytest

from fo_labelstudio import cli
from fo_labelstudio.convert.families import LABEL_TYPES, family_of
from fo_labelstudio.convert.schema import ATTRIBUTE_TYPES
from fo_labelstudio.remote.client import MIN_VERSION
from fo_labelstudio.settings import CONNECTION_SETTINGS, RUN_SETTINGS
from fo_labelstudio.transport import TRANSPORTS
from fo_labelstudio.transport.files.image import EXTENSIONS
from tests.support import Annotator, write_image

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def section(title):
    return re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", README, re.DOTALL | re.MULTILINE).group(1)


def first_column(title):
    rows = re.findall(r"^\| (.*?) \|", section(title), re.MULTILINE)[2:]
    return [name for row in rows for name in re.findall(r"`(\w+)`", row)]


def code(title, language):
    return re.search(rf"```{language}\n(.*?)```", section(title), re.DOTALL).group(1)


def test_the_table_of_label_types_is_the_codes():
    assert first_column("Label types") == list(LABEL_TYPES)
    assert " ".join(EXTENSIONS) in section("Media")


def test_the_control_tags_of_each_label_type_are_the_codes():
    for row in re.findall(r"^\| `.*$", section("Label types"), re.MULTILINE):
        label_types, tags, *_ = (set(re.findall(r"`(\w+)`", cell)) for cell in row.strip("| ").split(" | "))
        families = {id(family_of(label_type)): family_of(label_type) for label_type in label_types}
        (family,) = families.values()
        assert set(family.label_types) == label_types
        for tool in family.tools:
            assert tool in tags


def test_the_table_of_attributes_is_the_codes():
    assert first_column("Attributes") == list(ATTRIBUTE_TYPES)


def test_the_table_of_transports_is_the_codes():
    assert first_column("Media") == list(TRANSPORTS)


def test_the_table_of_settings_is_the_codes():
    assert sorted(first_column("Settings")) == sorted((*CONNECTION_SETTINGS, *RUN_SETTINGS))


def test_the_commands_and_the_oldest_server_are_named():
    commands = re.findall(r"fo-labelstudio (\w+)`?", section("Install"))
    assert set(commands) == {cli.register.__name__, cli.unregister.__name__}
    assert f"version {MIN_VERSION.major}.{MIN_VERSION.minor} or later" in section("Install").replace("\n", " ")


@pytest.mark.server
class TestRecipes:
    @pytest.fixture
    def dataset(self, tmp_path):
        """The dataset of the recipes: two boxes predicted on each image, one of them false."""
        dataset = fo.Dataset("quickstart", persistent=True, overwrite=True)
        right, wrong = [0.1, 0.1, 0.2, 0.2], [0.6, 0.6, 0.2, 0.2]
        for number in range(3):
            dataset.add_sample(
                fo.Sample(
                    filepath=str(write_image(tmp_path / f"{number}.png")),
                    ground_truth=fo.Detections(detections=[fo.Detection(label="cat", bounding_box=right)]),
                    predictions=fo.Detections(
                        detections=[
                            fo.Detection(label="cat", bounding_box=box, confidence=0.9) for box in (right, wrong)
                        ]
                    ),
                )
            )
        yield dataset
        dataset.delete()

    def run(self, text, **environment):
        done = subprocess.run(
            [sys.executable, "-c", text],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            # The editor is opened with the command true, which does nothing.
            env={**os.environ, "BROWSER": "true", **environment},
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def clear(self, dataset, server):
        """Somebody deletes every region that was sent."""
        dataset.reload()
        (key,) = dataset.list_annotation_runs()
        results = dataset.load_annotation_results(key, api_key=server.legacy_token)
        annotator = Annotator(server.url, server.legacy_token)
        for task_id in results.tasks.values():
            annotator.submit(task_id, lambda result: [])
        return results.project_id

    def test_the_basic_recipe(self, dataset, server):
        recipe = code("The basic recipe", "python")
        recipe = recipe.replace("http://localhost:8080", server.url).replace('"..."', repr(server.legacy_token))
        before, after = recipe.split("# ... people correct")
        prepare = "import fo_labelstudio; fo_labelstudio.register()\n"
        self.run(prepare + before)
        project_id = self.clear(dataset, server)
        load = f"import fiftyone as fo; dataset = fo.load_dataset('quickstart')\n#{after}"
        self.run(load, FIFTYONE_LABELSTUDIO_API_KEY=server.legacy_token)
        dataset.reload()
        assert [len(sample.predictions.detections) for sample in dataset] == [1, 1, 1]
        assert dataset.count("ground_truth.detections") == 3
        with pytest.raises(Exception, match="404"):
            Annotator(server.url, server.legacy_token).call("GET", f"/api/projects/{project_id}/")

    def test_the_set_up_with_environment_variables(self, dataset, server):
        exports = re.findall(r"export (\w+)=(\S+)", code("Set it up with environment variables", "bash"))
        environment = {
            name: value.replace("http://localhost:8080", server.url).replace("...", server.personal_access_token())
            for name, value in exports
        }
        assert len(environment) == 4
        prepare = "import fiftyone as fo; dataset = view = fo.load_dataset('quickstart')\n"
        self.run(prepare + 'view.annotate("key", label_field="predictions")', **environment)
        self.clear(dataset, server)
        self.run(prepare + 'dataset.load_annotations("key")', **environment)
        dataset.reload()
        assert dataset.count("predictions.detections") == 0

    def test_the_set_up_in_a_notebook(self, dataset, server):
        prepare = "import fiftyone as fo; dataset = fo.load_dataset('quickstart')\n"
        cell = code("Set it up in a notebook", "python").replace("http://localhost:8080", server.url)
        key = f"os.environ['FIFTYONE_LABELSTUDIO_API_KEY'] = {server.legacy_token!r}\n"
        annotate = "dataset.annotate('key', backend='labelstudio', label_field='predictions')\n"
        self.run(prepare + cell + key + annotate)
        dataset.reload()
        assert dataset.get_annotation_info("key").config.url == server.url
