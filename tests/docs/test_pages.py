"""The README and the pages are true: their tables are the code's, and their recipes run as they are typed."""

from __future__ import annotations

import inspect
import io
import json
import os
import re
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path

import fiftyone as fo
import pytest

import fo_labelstudio
from fo_labelstudio.cli import COMMANDS
from fo_labelstudio.convert.annotation.provenance import KINDS
from fo_labelstudio.convert.families import LABEL_TYPES, family_of_type
from fo_labelstudio.convert.schema import ATTRIBUTE_TYPES
from fo_labelstudio.remote.client import MIN_VERSION
from fo_labelstudio.settings import CONNECTION_SETTINGS, LOAD_SETTINGS, RUN_SETTINGS
from fo_labelstudio.transport import TRANSPORTS
from fo_labelstudio.transport.files.image import EXTENSIONS
from tests.runs.test_import_texts import CONFIG as TEXTS_CONFIG
from tests.runs.test_import_texts import TEXTS, tasks_of_the_docs
from tests.support import Annotator, write_image

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")])


def page(name):
    return (ROOT / name).read_text(encoding="utf-8")


def section(name, title):
    return re.search(rf"^##? {title}\n(.*?)(?=^## |\Z)", page(name), re.DOTALL | re.MULTILINE).group(1)


def table(text):
    """The rows of the first table of a text, each as its cells."""
    lines = re.search(r"(?:^\|.*\n)+", text, re.MULTILINE).group().splitlines()
    return [line.strip("| ").split(" | ") for line in lines[2:]]


def names_in(cells):
    return [name for cell in cells for name in re.findall(r"`(\w+)`", cell)]


def code(name, title, language):
    return re.search(rf"```{language}\n(.*?)```", section(name, title), re.DOTALL).group(1)


def blocks():
    """Each block of code of each page, with its language."""
    for path in PAGES:
        for number, (language, text) in enumerate(
            re.findall(r"^```([\w{}-]*)\n(.*?)^```", path.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
        ):
            yield pytest.param(language, text, id=f"{path.name}-{number}")


@pytest.mark.parametrize(("language", "text"), list(blocks()))
def test_each_block_of_code_can_be_read(language, text):
    if language == "python":
        compile(text, "page", "exec")
    elif language == "bash":
        subprocess.run(["bash", "-n"], input=text, text=True, check=True)
    else:
        # What stands in braces are Sphinx's directives, which the build reads.
        assert language in ("nginx", "text") or language.startswith("{"), language


def anchors(path):
    """The anchors of the headings of a page, as its readers make them."""
    titles = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_each_link_within_the_repository_leads_somewhere(path):
    for target in re.findall(r"\]\(([^)\s]+)\)|<(\.\./[^>]+)>", path.read_text(encoding="utf-8")):
        file, _, anchor = "".join(target).partition("#")
        if "://" in file:
            continue
        linked = path if not file else (path.parent / file).resolve()
        assert linked.exists(), file
        assert not anchor or anchor in anchors(linked), f"{file}#{anchor}"


def test_each_message_of_the_troubleshooting_page_is_the_codes():
    source = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "fo_labelstudio").rglob("*.py"))
    joined = re.sub(r'"\s*\n\s*f?"', "", source)
    for message in re.findall(r"^`(.*)`$", page("docs/troubleshooting.md"), re.MULTILINE):
        pattern = re.escape(message).replace("api_key", r"(?:api_key|\{setting\})")
        assert re.search(pattern, joined), message


def test_the_table_of_label_types_is_the_codes():
    assert names_in(row[0] for row in table(page("docs/label_types.md"))) == list(LABEL_TYPES)
    assert " ".join(EXTENSIONS) in page("docs/media.md")


def test_the_control_tags_of_each_label_type_are_the_codes():
    for row in table(page("docs/label_types.md")):
        label_types, tags = set(names_in(row[:1])), set(names_in(row[1:2]))
        families = {id(family_of_type(label_type)): family_of_type(label_type) for label_type in label_types}
        (family,) = families.values()
        assert set(family.label_types) == label_types
        for tool in family.tools:
            assert tool in tags


def test_the_table_of_attributes_is_the_codes():
    assert names_in(row[0] for row in table(page("docs/attributes.md"))) == list(ATTRIBUTE_TYPES)


def test_the_table_of_transports_is_the_codes():
    assert names_in(row[0] for row in table(page("docs/media.md"))) == list(TRANSPORTS)


def test_the_table_of_settings_is_the_codes():
    rows = table(page("docs/settings.md"))
    assert sorted(names_in(row[0] for row in rows)) == sorted({*CONNECTION_SETTINGS, *RUN_SETTINGS, *LOAD_SETTINGS})
    for row in rows:
        (setting,) = names_in(row[:1])
        if setting in LOAD_SETTINGS:
            assert row[3] == ("`annotate()`, loads" if setting in RUN_SETTINGS else "loads")
        else:
            assert row[3] == ("both" if setting in CONNECTION_SETTINGS else "`annotate()`")


def test_the_table_of_load_options_is_the_codes():
    rows = table(page("docs/load_options.md"))
    assert names_in(row[0] for row in rows) == ["on_conflict", "annotations", "full", "provenance", "skipped"]
    assert {name for row in rows for name in names_in(row[:1]) if row[3] == "yes"} == {*LOAD_SETTINGS} & {*RUN_SETTINGS}
    assert set(LOAD_SETTINGS) <= set(inspect.signature(fo_labelstudio.load_annotations).parameters)
    assert {name for row in rows for name in names_in(row[:1])} == set(LOAD_SETTINGS)
    provenance = table(section("docs/load_options.md", "Who answered, and when"))
    assert names_in(row[0] for row in provenance) == list(KINDS)


def test_the_table_of_arguments_of_an_import_is_the_codes():
    parameters = dict(inspect.signature(fo_labelstudio.import_annotations).parameters)
    del parameters["sample_collection"], parameters["connection"]
    rows = table(section("docs/import.md", "All arguments"))
    assert names_in(row[0] for row in rows) == list(parameters)
    for row, parameter in zip(rows, parameters.values(), strict=True):
        default = row[1].strip("`") if "`" in row[1] else "None"
        assert default.replace('"', "'") == repr(parameter.default)


def test_the_commands_and_the_oldest_server_are_named():
    commands = re.findall(r"fo-labelstudio (\w+)`?", section("README.md", "Install"))
    assert set(commands) <= {command.name for command in COMMANDS}
    assert {"register", "unregister"} <= set(commands)
    assert f"version {MIN_VERSION.major}.{MIN_VERSION.minor} or later" in section("README.md", "Install").replace(
        "\n", " "
    )


class _Foreign:
    """A project that somebody else made: a cat is annotated and was uploaded, a dog is predicted."""

    CONFIG = (
        '<View><Image name="image" value="$image"/><RectangleLabels name="box" toName="image">'
        '<Label value="cat"/><Label value="dog"/></RectangleLabels></View>'
    )

    def __init__(self, server, folder):
        self._call = Annotator(server.url, server.legacy_token).call
        self._server, self._folder = server, folder
        for name in ("cat", "dog"):
            write_image(folder / "images" / f"{name}.jpg")
        project = self._call("POST", "/api/projects/", json={"title": "Animals", "label_config": self.CONFIG})
        self.id = project["id"]
        with open(folder / "images" / "cat.jpg", "rb") as file:
            self._call("POST", f"/api/projects/{self.id}/import", files={"cat.jpg": ("cat.jpg", file)})
        prediction = {"model_version": "v1", "result": [self._box("dog")]}
        dog = {"data": {"image": "dog.jpg", "image_id": 2}, "predictions": [prediction]}
        self._call("POST", f"/api/projects/{self.id}/import", json=[dog])
        tasks = self._call("GET", "/api/tasks", params={"project": self.id, "fields": "all"})["tasks"]
        self.tasks = sorted(task["id"] for task in tasks)
        uploaded = self._call("GET", f"/api/tasks/{self.tasks[0]}/")["data"]
        self._call("PATCH", f"/api/tasks/{self.tasks[0]}/", json={"data": {**uploaded, "image_id": 1}})
        self._call("POST", f"/api/tasks/{self.tasks[0]}/annotations/", json={"result": [self._box("cat")]})
        exported = self._call("GET", f"/api/projects/{self.id}/export", params={"exportType": "JSON"})
        (folder / "export.json").write_text(json.dumps(exported))
        (folder / "labeling_config.xml").write_text(self.CONFIG)

    def _box(self, label):
        value = {"x": 10, "y": 20, "width": 30, "height": 40, "rotation": 0, "rectanglelabels": [label]}
        region = {"id": label, "from_name": "box", "to_name": "image", "type": "rectanglelabels", "value": value}
        return {**region, "original_width": 64, "original_height": 48}

    def with_names(self, recipe):
        """The recipe, with the names of the page replaced by those of the project and of its files."""
        names = {"/path/to": str(self._folder), "ann@example.org": self._server.username, "=42": f"={self.id}"}
        names |= {"101": str(self.tasks[0]), "102": str(self.tasks[1])}
        for name, own in names.items():
            assert name in recipe
            recipe = recipe.replace(name, own)
        return recipe

    def delete(self):
        self._call("DELETE", f"/api/projects/{self.id}/")


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

    def run(self, text, monkeypatch, **environment):
        """Runs a recipe in this process, as a notebook would; what FiftyOne reads at its start is as it was."""
        for name, value in {"BROWSER": "true", **environment}.items():
            monkeypatch.setenv(name, value)
        with redirect_stdout(io.StringIO()) as printed:
            exec(compile(text, "<recipe>", "exec"), {"__name__": "__main__"})
        return printed.getvalue()

    def run_anew(self, text, **environment):
        """Runs a recipe in a process of its own."""
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

    def with_server(self, text, server):
        return text.replace("http://localhost:8080", server.url).replace('"..."', repr(server.legacy_token))

    def test_the_first_recipe_of_the_readme(self, server, tmp_path):
        for number in range(2):
            write_image(tmp_path / f"{number}.png")
        recipe = self.with_server(code("README.md", "Send, correct, load", "python"), server)
        before, after = recipe.replace("/path/to/images", str(tmp_path)).split("# ... people draw")
        prepare = "import fo_labelstudio; fo_labelstudio.register()\n"
        self.run_anew(prepare + before)
        dataset = fo.load_dataset("animals")
        try:
            results = dataset.load_annotation_results("boxes", api_key=server.legacy_token)
            box = {"x": 10, "y": 20, "width": 30, "height": 40, "rotation": 0, "rectanglelabels": ["cat"]}
            region = {"id": "drawn", "type": "rectanglelabels", "value": box, "to_name": "image"}
            region.update(from_name="ground_truth", original_width=64, original_height=48)
            annotator = Annotator(server.url, server.legacy_token)
            for task_id in results.tasks.values():
                annotator.submit(task_id, lambda result: [region])
            load = f"import fiftyone as fo; dataset = fo.load_dataset('animals')\n#{after}"
            self.run_anew(load, FIFTYONE_LABELSTUDIO_API_KEY=server.legacy_token)
            dataset.reload()
            labels = [label for sample in dataset for label in sample.ground_truth.detections]
            assert [label.label for label in labels] == ["cat", "cat"]
            assert [label.bounding_box for label in labels] == [[0.1, 0.2, 0.3, 0.4]] * 2
        finally:
            dataset.delete()

    def test_each_call_of_the_page_on_imports(self, server, tmp_path, monkeypatch):
        project = _Foreign(server, tmp_path)
        first, *others = re.findall(r"```python\n(.*?)```", page("docs/import.md"), re.DOTALL)
        (tmp_path / "texts.json").write_text(json.dumps(tasks_of_the_docs()))
        (tmp_path / "texts.xml").write_text(TEXTS_CONFIG)
        number = f"dataset.set_values('number', [1, 2])\ndataset.set_values('caption', {[*TEXTS]!r})\n"
        recipe = self.with_server(project.with_names(first + number + "".join(others)), server)
        recipe += f"assert len(empty) == 1 and empty.first().filepath.startswith({str(tmp_path / 'downloads')!r})\n"
        recipe += f"assert [open(path, newline='').read() for path in texts.values('filepath')] == {[*TEXTS]!r}\n"
        recipe += "assert texts.count('label_one.classifications') == 5\n"
        environment = {"FIFTYONE_LABELSTUDIO_URL": server.url, "FIFTYONE_LABELSTUDIO_API_KEY": server.legacy_token}
        self.run(recipe, monkeypatch, **environment)
        dataset = fo.load_dataset("animals")
        try:
            schema = set(dataset.get_field_schema())
            person = re.sub(r"\W+", "_", server.username)
            assert {"box", f"box_{person}", "box_v1", "ground_truth", "boxes"} <= schema
            assert [path.rsplit("/", 1)[1] for path in dataset.values("filepath")] == ["cat.jpg", "dog.jpg"]
            assert dataset.values("box.detections.label") == [["cat"], None]
            assert dataset.values("label_two.classifications.text") == [
                ["Lisbon 😀", "full of people"],
                ["Ana", "nobody", "Paris"],
            ]
            assert dataset.values("box_v1.detections.label") == [None, ["dog"]]
            assert dataset.values("boxes.detections.label") == dataset.values("ground_truth.detections.label")
        finally:
            dataset.delete()
            project.delete()

    def test_each_call_of_the_page_on_load_options(self, dataset, server, monkeypatch):
        connection = {"url": server.url, "api_key": server.legacy_token}
        fo_labelstudio.register()
        dataset.annotate("boxes", backend="labelstudio", label_field="ground_truth", attributes=False, **connection)
        results = dataset.load_annotation_results("boxes")
        annotator = Annotator(server.url, server.legacy_token)
        first, second, _ = results.tasks.values()
        value = {"x": 5, "y": 5, "width": 10, "height": 10, "rotation": 0, "rectanglelabels": ["cat"]}
        region = {"id": "drawn", "from_name": "ground_truth", "to_name": "image", "type": "rectanglelabels"}
        region.update(value=value, original_width=64, original_height=48)
        annotator.submit(first, lambda result: [*result, region], lead_time=90, ground_truth=True)
        annotator.submit(second, was_cancelled=True)
        recipe = "".join(re.findall(r"```python\n(.*?)```", page("docs/load_options.md"), re.DOTALL))
        recipe = recipe.replace("ann@example.org", server.username)
        recipe += (
            "\nassert skipped.values('id') == dataset.values('id')[1:2]"
            f"\nassert dataset.count_values('ground_truth.detections.annotator')[{server.username!r}] == 1"
            "\nassert dataset.values('boxes_provenance.lead_time') == [90, None, None]"
        )
        environment = {"FIFTYONE_LABELSTUDIO_API_KEY": server.legacy_token}
        self.run(recipe, monkeypatch, **environment)
        dataset.reload()
        person = re.sub(r"\W+", "_", server.username)
        assert len(dataset.first()[f"ground_truth_{person}"].detections) == 2

    def test_the_example_of_false_positives(self, dataset, server, monkeypatch):
        recipe = self.with_server(code("docs/index.md", "An example: correct false positives", "python"), server)
        before, after = recipe.split("# ... people correct")
        prepare = "import fo_labelstudio; fo_labelstudio.register()\n"
        self.run(prepare + before, monkeypatch)
        project_id = self.clear(dataset, server)
        load = f"import fiftyone as fo; dataset = fo.load_dataset('quickstart')\n#{after}"
        self.run(load, monkeypatch, FIFTYONE_LABELSTUDIO_API_KEY=server.legacy_token)
        dataset.reload()
        assert [len(sample.predictions.detections) for sample in dataset] == [1, 1, 1]
        assert dataset.count("ground_truth.detections") == 3
        with pytest.raises(Exception, match="404"):
            Annotator(server.url, server.legacy_token).call("GET", f"/api/projects/{project_id}/")

    def test_each_call_of_the_page_on_predictions(self, dataset, server, monkeypatch):
        dataset.set_values("uniqueness", [0.3, 0.1, 0.2])
        first, refresh, most_unique = (
            self.with_server(text, server)
            for text in re.findall(r"```python\n(.*?)```", page("docs/predictions.md"), re.DOTALL)
        )
        prepare = "import fo_labelstudio; fo_labelstudio.register()\n"
        better = "dataset.clone_sample_field('predictions', 'yolo_2')\n"
        better += "dataset.set_values('yolo_2.detections.confidence', [[0.5, 0.5]] * 3)\n"
        printed = self.run(prepare + first + better + refresh + most_unique, monkeypatch)
        assert "3 0 0 0" in printed.splitlines()
        dataset.reload()
        results = dataset.load_annotation_results("most_unique_first", api_key=server.legacy_token)
        annotator = Annotator(server.url, server.legacy_token)
        task = annotator.call("GET", f"/api/projects/{results.project_id}/next")
        assert task["data"]["sample_id"] == dataset.first().id

    def test_the_set_up_with_environment_variables(self, dataset, server):
        exports = re.findall(r"export (\w+)=(\S+)", code("docs/settings.md", "Environment variables", "bash"))
        environment = {
            name: value.replace("http://localhost:8080", server.url).replace("...", server.personal_access_token())
            for name, value in exports
        }
        assert len(environment) == 4
        prepare = "import fiftyone as fo; dataset = view = fo.load_dataset('quickstart')\n"
        self.run_anew(prepare + 'view.annotate("key", label_field="predictions")', **environment)
        self.clear(dataset, server)
        self.run_anew(prepare + 'dataset.load_annotations("key")', **environment)
        dataset.reload()
        assert dataset.count("predictions.detections") == 0

    def test_the_set_up_in_a_notebook(self, dataset, server):
        prepare = "import fiftyone as fo; dataset = fo.load_dataset('quickstart')\n"
        cell = code("docs/settings.md", "Notebooks", "python").replace("http://localhost:8080", server.url)
        key = f"os.environ['FIFTYONE_LABELSTUDIO_API_KEY'] = {server.legacy_token!r}\n"
        annotate = "dataset.annotate('key', backend='labelstudio', label_field='predictions')\n"
        self.run_anew(prepare + cell + key + annotate)
        dataset.reload()
        assert dataset.get_annotation_info("key").config.url == server.url
