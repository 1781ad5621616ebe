"""The commands on an annotation run, against a real server."""

from __future__ import annotations

import io
import json
import logging

import fiftyone as fo
import pytest

import fo_labelstudio
from fo_labelstudio.cli import COMMANDS, main
from fo_labelstudio.settings import CONNECTION_SETTINGS, LOAD_SETTINGS, RUN_SETTINGS, SECRET_SETTINGS

BOX = [0.1, 0.1, 0.2, 0.2]


def detections(*labels):
    return fo.Detections(detections=[fo.Detection(label=label, bounding_box=BOX) for label in labels])


def options_of(name):
    (command,) = (command for command in COMMANDS if command.name == name)
    return {parameter.name for parameter in command.params}


def test_each_setting_that_is_no_secret_is_an_option_of_the_commands_that_python_takes_it_in():
    open_settings = set(CONNECTION_SETTINGS) - set(SECRET_SETTINGS)
    assert options_of("annotate") >= open_settings | set(RUN_SETTINGS) - {"export_dir"}
    assert options_of("load") >= open_settings | set(LOAD_SETTINGS)
    assert options_of("watch") >= open_settings | set(LOAD_SETTINGS) & set(RUN_SETTINGS)
    for name in ("status", "cleanup", "import"):
        assert options_of(name) >= open_settings
    for command in COMMANDS:
        assert not {parameter.name for parameter in command.params} & set(SECRET_SETTINGS)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["annotate", "d", "k", "--scalar-types", "{"], "--scalar-types: this is no JSON"),
        (["annotate", "d", "k", "--label-field", "a", "--label-schema", __file__], "exclude one another"),
        (["annotate", "d", "k", "--mask-tool", "pen"], "'pen' is not one of 'brush', 'bitmask'"),
        (["load", "d", "k", "--dest-field", "a", "--dest-field", "b"], "'a' is not KEY=VALUE"),
        (["load", "d", "k", "--unexpected", "return"], "'return' is not one of 'prompt', 'ignore', 'keep'"),
        (["import", "d", "--match", "x"], "'x' is not KEY=VALUE"),
    ],
)
def test_options_that_make_no_sense_are_misuse(arguments, told, capsys):
    assert main(arguments) == 2
    assert told in capsys.readouterr().err


@pytest.mark.database
class TestWithoutAServer:
    @pytest.mark.parametrize("name", ["status", "load", "watch", "cleanup"])
    def test_a_mistyped_dataset_or_run_is_named_with_what_there_is(self, make_dataset, name, capsys):
        dataset = make_dataset({}).name
        assert main([name, "no such dataset", "run"]) == 1
        assert "there is no dataset 'no such dataset'; the command `fiftyone datasets list` shows" in (
            capsys.readouterr().err
        )
        assert main([name, dataset, "run"]) == 1
        assert f"dataset {dataset!r} has no annotation run 'run'; it has: none" in capsys.readouterr().err

    def test_a_view_or_a_tag_that_is_not_there_is_named(self, make_dataset, capsys):
        dataset = make_dataset({})
        dataset.save_view("mine", dataset.limit(1))
        assert main(["annotate", dataset.name, "run", "--view", "yours"]) == 1
        assert "has no saved view 'yours'; it has: mine" in capsys.readouterr().err
        assert main(["annotate", dataset.name, "run", "--tag", "none"]) == 1
        assert "no sample of dataset" in capsys.readouterr().err

    def test_a_refusal_of_fiftyones_is_a_paragraph(self, make_dataset, capsys):
        assert main(["annotate", make_dataset({}).name, "not a key!", "--label-field", "gt"]) == 1
        err = capsys.readouterr().err
        assert err.endswith("fo-labelstudio: ValueError: You must specify a type for new label field 'gt'\n")
        assert "Traceback" not in err

    def test_a_label_schema_that_is_no_json_is_named(self, make_dataset, tmp_path, capsys):
        (tmp_path / "schema.json").write_text("{")
        arguments = ["annotate", make_dataset({}).name, "run", "--label-schema", str(tmp_path / "schema.json")]
        assert main(arguments) == 1
        assert "schema.json is not valid JSON" in capsys.readouterr().err

    def test_export_writes_the_tasks_and_load_reads_what_comes_back(self, make_dataset, tmp_path, capsys):
        dataset = make_dataset({"gt": detections("cat")}, {"gt": detections("dog"), "tags": ["wanted"]})
        folder = tmp_path / "out"
        arguments = ["--tag", "wanted", "--label-field", "gt", "--no-attributes", "--media", "copy"]
        assert main(["export", dataset.name, "run", str(folder), *arguments]) == 0
        assert capsys.readouterr().out == f"annotation run 'run': 1 tasks in {folder}\n"
        (task,) = json.loads((folder / "tasks.json").read_text())
        (prediction,) = task["predictions"]
        (region,) = prediction["result"]
        assert region["value"]["rectanglelabels"] == ["dog"]
        region["value"]["rectanglelabels"] = ["cat"]
        answer = {"id": 1, "updated_at": "2026-11-20T10:00:00Z", "was_cancelled": False, "result": [region]}
        task |= {"id": 1, "project": 1, "annotations": [answer | {"parent_prediction": 1, "prediction": prediction}]}
        (tmp_path / "export.json").write_text(json.dumps([task]))
        assert main(["load", dataset.name, "run", "--json-path", str(tmp_path / "export.json"), "--json"]) == 0
        assert json.loads(capsys.readouterr().out) == {
            "anno_key": "run",
            "answered": 1,
            "conflicts": [],
            "left_behind": [],
        }
        dataset.reload()
        assert dataset.values("gt.detections.label") == [["cat"], ["cat"]]

    def test_cleanup_of_a_run_without_a_project_says_so_and_can_forget_it(self, make_dataset, tmp_path, capsys):
        dataset = make_dataset({"gt": detections("cat")})
        main(["export", dataset.name, "run", str(tmp_path / "out"), "--label-field", "gt", "--media", "copy"])
        capsys.readouterr()
        assert main(["cleanup", dataset.name, "run", "--delete-run"]) == 0
        out = capsys.readouterr().out
        assert out == "annotation run 'run': there is no project to delete, and forgot the run\n"
        dataset.reload()
        assert dataset.list_annotation_runs() == []


@pytest.mark.server
class TestWithAServer:
    @pytest.fixture(autouse=True)
    def variables(self, connection, monkeypatch):
        monkeypatch.setenv("FIFTYONE_LABELSTUDIO_URL", connection["url"])
        monkeypatch.setenv("FIFTYONE_LABELSTUDIO_API_KEY", connection["api_key"])

    @pytest.fixture
    def run(self, connection, capsys):
        """Runs a command; returns its status and what it printed, which never holds the key."""

        def run(*arguments):
            capsys.readouterr()
            status = main([str(argument) for argument in arguments])
            captured = capsys.readouterr()
            assert connection["api_key"] not in captured.out + captured.err
            assert "Traceback" not in captured.err
            return status, captured.out, captured.err

        return run

    def test_a_run_from_its_beginning_to_its_end(self, make_dataset, connection, annotator, run, monkeypatch):
        dataset = make_dataset(*({"gt": detections("cat")} for _ in range(3)))
        name, url = dataset.name, connection["url"]

        arguments = ("--label-field", "gt", "--classes", "cat, dog", "--no-attributes", "--json")
        status, out, err = run("annotate", name, "run", *arguments)
        sent = json.loads(out)
        assert (status, sent["tasks"], sent["complete"]) == (0, 3, True)
        assert sent["url"] == f"{url}/projects/{sent['project_id']}/data"
        # What FiftyOne reports is no part of the result.
        assert "Uploading samples to Label Studio..." in err

        results = dataset.load_annotation_results("run")
        first, second, _ = results.tasks.values()

        def relabel(result):
            return [{**region, "value": {**region["value"], "rectanglelabels": ["dog"]}} for region in result]

        annotator.submit(first, relabel)
        status, out, _ = run("status", name, "run", "--json")
        counts = json.loads(out)
        assert (status, counts["answered"], counts["open"], counts["new"]) == (0, 1, 2, 1)
        status, out, _ = run("status", name, "run")
        assert status == 0 and "Answered" in out and "Not yet loaded" in out

        status, _, err = run("cleanup", name, "run", "--yes")
        assert status == 1
        assert "1 tasks of annotation run 'run' have answers that were not loaded, so nothing was deleted" in err

        status, out, _ = run("load", name, "run", "--provenance", "samples")
        assert (status, out) == (0, f"annotation run 'run': answers of 1 tasks are in dataset {name!r}, 0 conflicts\n")
        dataset.reload()
        assert sorted(label for labels in dataset.values("gt.detections.label") for label in labels) == [
            "cat",
            "cat",
            "dog",
        ]
        assert dataset.has_sample_field("run_provenance")

        annotator.submit(second, relabel)
        status, out, _ = run("load", name, "run", "--dest-field", "gt=new", "--full", "--json")
        assert (status, json.loads(out)["answered"]) == (0, 2)
        dataset.reload()
        assert dataset.count("new.detections") == 2

        status, _, err = run("cleanup", name, "run")
        assert status == 2 and "there is no terminal to ask at" in err and "--yes" in err
        monkeypatch.setattr("fo_labelstudio.dataset.prompt.has_terminal", lambda: True)
        monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
        status, _, err = run("cleanup", name, "run")
        assert status == 1 and f"made in project {sent['project_id']} of {url}? [y/N]" in err
        status, out, _ = run("cleanup", name, "run", "--yes")
        assert (status, out) == (0, f"annotation run 'run': cleaned up project {sent['project_id']}\n")
        status, _, err = run("status", name, "run")
        assert status == 1 and err.startswith("fo-labelstudio: ")

    def test_a_missing_key_is_asked_for_hidden_and_not_shown(self, make_dataset, connection, run, monkeypatch):
        dataset = make_dataset({"gt": detections("cat")})
        asked = []

        def ask(question, hidden=False):
            asked.append((question, hidden))
            return connection["api_key"]

        monkeypatch.delenv("FIFTYONE_LABELSTUDIO_API_KEY")
        status, _, err = run("annotate", dataset.name, "run", "--label-field", "gt")
        assert status == 1 and "set the environment variable FIFTYONE_LABELSTUDIO_API_KEY" in err
        monkeypatch.setattr("fo_labelstudio.backend.ask", ask)
        assert run("annotate", dataset.name, "run", "--label-field", "gt")[0] == 0
        assert set(asked) == {("Label Studio api_key: ", True)}

    @pytest.mark.parametrize(("options", "unexpected"), [([], "prompt"), (["--json"], "ignore")])
    def test_a_script_is_not_asked_about_unexpected_labels(self, make_dataset, run, monkeypatch, options, unexpected):
        dataset, given = make_dataset({"gt": detections("cat")}), []
        assert run("annotate", dataset.name, "run", "--label-field", "gt")[0] == 0
        load = fo_labelstudio.load_annotations
        monkeypatch.setattr(
            fo_labelstudio, "load_annotations", lambda *args, **rest: given.append(args[3]) or load(*args, **rest)
        )
        assert run("load", dataset.name, "run", *options)[0] == 0
        assert given == [unexpected]

    def test_what_the_log_says_goes_to_stderr_only_while_a_command_runs(self, make_dataset, run):
        handlers = logging.getLogger("fiftyone").handlers
        before = [handler.stream for handler in handlers if hasattr(handler, "stream")]
        dataset = make_dataset({"gt": detections("cat")})
        status, out, _ = run("annotate", dataset.name, "run", "--label-field", "gt")
        assert (status, len(out.splitlines())) == (0, 1)
        assert [handler.stream for handler in handlers if hasattr(handler, "stream")] == before

    def test_a_label_schema_from_a_file_and_settings_of_the_run(self, make_dataset, annotator, tmp_path, run):
        dataset = make_dataset({}, {})
        dataset.save_view("one", dataset.limit(1))
        schema = {"seen": {"type": "classifications", "classes": ["a", "b"]}, "count": {"type": "scalar"}}
        (tmp_path / "schema.json").write_text(json.dumps(schema))
        arguments = ("--view", "one", "--label-schema", tmp_path / "schema.json", "--scalar-types", '{"count": "int"}')
        status, out, _ = run("annotate", dataset.name, "run", *arguments, "--sampling", "uniform", "--json")
        assert status == 0
        project = annotator.call("GET", f"/api/projects/{json.loads(out)['project_id']}/")
        assert (project["task_number"], project["sampling"]) == (1, "Uniform sampling")

    def test_the_projects_of_others_are_imported_again_and_again(self, make_project, annotator, tmp_path, export, run):
        config = (
            '<View><Image name="image" value="$image"/><RectangleLabels name="box" toName="image">'
            '<Label value="cat"/></RectangleLabels></View>'
        )
        project_id = make_project(config)
        annotator.call("POST", f"/api/projects/{project_id}/import", json=[{"data": {"image": "cat.png"}}])
        (task,) = annotator.call("GET", f"/api/tasks?project={project_id}&fields=all")["tasks"]
        value = {"x": 10, "y": 20, "width": 30, "height": 40, "rotation": 0, "rectanglelabels": ["cat"]}
        region = {"id": "r", "from_name": "box", "to_name": "image", "type": "rectanglelabels", "value": value}
        region |= {"original_width": 64, "original_height": 48}
        annotator.call("POST", f"/api/tasks/{task['id']}/annotations/", json={"result": [region]})
        from tests.support import write_image

        write_image(tmp_path / "media" / "cat.png")
        name = f"imported {project_id}"
        asked = ("--project-id", project_id, "--data-path", tmp_path / "media", "--field", "box=boxes")
        status, _, err = run("import", name, *asked)
        assert status == 1 and f"there is no dataset {name!r}" in err
        try:
            status, out, _ = run("import", name, *asked, "--create")
            assert (status, out) == (0, f"imported into dataset {name!r}\n")
            assert fo.load_dataset(name).values("boxes.detections.label") == [["cat"]]
            status, _, err = run("import", name, *asked, "--create")
            assert status == 1 and f"there is a dataset {name!r} already; leave out --create" in err
            assert run("import", name, *asked)[0] == 0
        finally:
            fo.delete_dataset(name)
        status, _, _ = run("import", name, "--json-path", export(project_id), "--create", "--match", "none=none")
        assert status == 1
        assert not fo.dataset_exists(name)
