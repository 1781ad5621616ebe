"""Each command that is printed in the README or on a page is run, as it is typed."""

from __future__ import annotations

import json
import re
import shlex

import fiftyone as fo
import pytest

import fo_labelstudio
from fo_labelstudio.cli import main
from fo_labelstudio.cli.doctor import line_of
from fo_labelstudio.doctor import installation, server
from fo_labelstudio.errors import AuthenticationError
from fo_labelstudio.local.process import free_port
from fo_labelstudio.remote.sign_in import LEGACY, Key
from tests.cli.test_commands import LEAVES
from tests.docs.test_pages import PAGES, page, table
from tests.support import Annotator, write_image

CONFIG = (
    '<View><Image name="image" value="$image"/><RectangleLabels name="box" toName="image">'
    '<Label value="cat"/></RectangleLabels></View>'
)


def printed(path):
    """The commands of a page, in its blocks and in its sentences, without what they are piped to."""
    text = path.read_text(encoding="utf-8")
    blocks = "\n".join(re.findall(r"^```bash\n(.*?)^```", text, re.DOTALL | re.MULTILINE)).replace("\\\n", "")
    sentences = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    found = re.findall(r"fo-labelstudio ([a-z][^|>)\n#]*)", blocks)
    return [line.strip() for line in (*found, *re.findall(r"`fo-labelstudio ([a-z][^`]*)`", sentences))]


PRINTED = {path.name: commands for path in PAGES if (commands := printed(path))}


def test_the_page_names_each_command():
    rows = table(page("docs/command_line.md"))
    named = [tuple(name.split()) for row in rows for name in re.findall(r"`([\w ]+)`", row[0])]
    assert sorted(named) == sorted(LEAVES)


class _Stopped:
    """A server that runs already, and whose command is interrupted."""

    def __init__(self, server):
        self._server = server

    def __getattr__(self, name):
        return getattr(self._server, name)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return None

    @property
    def running(self):
        raise KeyboardInterrupt


def test_the_lines_that_the_page_shows_are_the_doctors():
    (block,) = re.findall(r"```text\n(.*?)```", page("docs/command_line.md"), re.DOTALL)
    name = "FIFTYONE_LABELSTUDIO_API_KEY"
    judged = [
        installation.judge_backend("labelstudio", "fiftyone.utils.labelstudio.LabelStudioBackendConfig"),
        installation.judge_plugin(None, "/home/me/fiftyone/__plugins__"),
        server.judge_refusal(AuthenticationError("Invalid token."), Key(LEGACY, None), name),
    ]
    for finding in judged:
        assert line_of(finding) in block.splitlines()


@pytest.mark.server
class TestPrinted:
    """Each page's commands, in the world that they are about."""

    KEY = "boxes"

    @pytest.fixture(autouse=True)
    def world(self, tmp_path, monkeypatch, server, make_project):
        """A dataset of images with labels, the files that are named, and a project that somebody else made."""
        monkeypatch.setenv("FIFTYONE_LABELSTUDIO_URL", server.url)
        monkeypatch.setenv("FIFTYONE_LABELSTUDIO_API_KEY", server.legacy_token)
        monkeypatch.setenv("FIFTYONE_ANNOTATION_CONFIG_PATH", str(tmp_path / "annotation_config.json"))
        monkeypatch.setattr(fo.config, "plugins_dir", str(tmp_path / "plugins"))
        self.folder, self.annotator = tmp_path, Annotator(server.url, server.legacy_token)
        box = fo.Detection(label="cat", bounding_box=[0.1, 0.1, 0.2, 0.2])
        self.dataset = fo.Dataset("animals", persistent=True, overwrite=True)
        path = str(write_image(tmp_path / "images" / "cat.png"))
        self.dataset.add_sample(fo.Sample(filepath=path, predictions=fo.Detections(detections=[box])))
        self.project_id = make_project(CONFIG)
        self.annotator.call("POST", f"/api/projects/{self.project_id}/import", json=[{"data": {"image": "cat.png"}}])
        # The server of the tests stands in for one's own, which tests of its command start.
        monkeypatch.setattr("fo_labelstudio.local.server.LocalServer", lambda *args, **options: _Stopped(server))
        monkeypatch.setenv("HOME", str(tmp_path / "home"))
        # Whoever watches is interrupted at once.
        watch = fo_labelstudio.watch
        monkeypatch.setattr(
            fo_labelstudio, "watch", lambda *args, **options: watch(*args, block=False, **options).stop()
        )
        yield
        for name in ("animals", "zoo"):
            if fo.dataset_exists(name):
                fo.delete_dataset(name)

    def prepare(self, words):
        """Makes what a command needs."""
        self.dataset.reload()
        runs = self.dataset.list_annotation_runs()
        if words[0] == "annotate" and self.KEY in runs:
            self.dataset.delete_annotation_run(self.KEY)
        if words[0] in ("status", "watch", "load", "cleanup") and "--json-path" not in words:
            if self.KEY in runs and self.dataset.load_annotation_results(self.KEY).project_id is None:
                self.dataset.delete_annotation_run(self.KEY)
                runs.remove(self.KEY)
            if self.KEY not in runs:
                assert main(["annotate", "animals", self.KEY, "--label-field", "predictions"]) == 0
        if "--json-path" in words:
            tasks = self.folder / "out" / "tasks.json"
            exported = json.loads(tasks.read_text())
            for number, task in enumerate(exported, 1):
                result = task["predictions"][0]["result"]
                task |= {"id": number, "annotations": [{"id": number, "was_cancelled": False, "result": result}]}
            (self.folder / "export.json").write_text(json.dumps(exported))

    @pytest.mark.parametrize("name", PRINTED)
    def test_each_command_of_a_page_does_what_it_says(self, name, capsys):
        for line in PRINTED[name]:
            own = line.replace("/data/", f"{self.folder}/").replace(
                "--project-id 42", f"--project-id {self.project_id}"
            )
            words = shlex.split(own.replace("my_dataset my_run", f"animals {self.KEY}"))
            words += ["--port", str(free_port())] if words[0] == "server" else []
            self.prepare(words)
            assert main(words) == 0, f"{line}: {capsys.readouterr().err}"
