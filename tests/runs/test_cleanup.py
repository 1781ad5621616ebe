"""The project of a run is deleted, unless the last load left something in it."""

from __future__ import annotations

from types import SimpleNamespace

from fo_labelstudio.runs.cleanup import clean_up
from tests.memory import MemoryState


def test_the_project_is_deleted_and_forgotten():
    results = MemoryState(project_id=7)
    clean_up(results)
    assert results.deleted == [7] and results.project_id is None
    assert results.tasks == {} and results.saves == ["config"]


def test_what_was_left_behind_keeps_the_project_and_is_named(caplog):
    results = MemoryState(left_behind=["2 changes of field 'gt'"])
    clean_up(results)
    assert results.deleted == [] and results.project_id == 1 and results.tasks == {"sample": 1}
    assert "Project 1 is kept, because the last load left something behind: 2 changes of field 'gt'" in caplog.text


def test_force_deletes_it_all_the_same():
    results = MemoryState(left_behind=["2 changes of field 'gt'"])
    clean_up(results, force=True)
    assert results.deleted == [1] and results.left_behind == []


def test_a_run_without_a_project_needs_no_server():
    results = MemoryState(project_id=None)
    clean_up(results)
    assert results.deleted == [] and results.saves == [] and results.tasks == {}


class Server:
    """A project that was there, with tasks of others and of two runs."""

    def __init__(self, model_version="FiftyOne", storages=(), model_versions=()):
        self.tasks_there = {1: None, 2: "other", 6: "token", 7: "other", 8: "token"}
        self.model_version = model_version
        self.stores = dict(storages)
        self.versions = dict.fromkeys(model_versions, 1)
        self.done = []

    def project(self, project_id, names=()):
        return {"task_number": len(self.tasks_there), "model_version": self.model_version}

    def task_span(self, project_id):
        return min(self.tasks_there), max(self.tasks_there)

    def tasks(self, project_id, after):
        for number, run in self.tasks_there.items():
            if number > after:
                data = {"image": f"/data/local-files/?d={'mine' if run == 'token' else 'theirs'}/a.png"}
                yield {"id": number, "data": data, "meta": {"fiftyone": {"run": run}} if run else {}}

    def model_versions(self, project_id):
        return self.versions

    def storages(self, kind, project_id):
        return self.stores

    def __getattr__(self, name):
        def done(*arguments, **settings):
            self.done.append((name, *arguments, *settings.items()))
            if name == "delete_tasks":
                self.tasks_there = {n: run for n, run in self.tasks_there.items() if n not in arguments[1]}
            if name == "delete_task":
                del self.tasks_there[arguments[0]]

        return done


def cleaned(server, media="local_files", **state):
    results = MemoryState(project_id=3)
    results.config.media = media
    results.config.saved_state.update(state)
    results.connect_to_api = lambda: SimpleNamespace(client=server)
    clean_up(results)
    assert results.project_id is None
    return server.done


THEIRS = {"owns_project": False, "model_version": "", "last_task": 5, "storages": {}}


def test_of_a_project_that_was_there_only_what_the_run_has_made_is_deleted_and_what_it_changed_is_taken_back():
    assert cleaned(Server(), **THEIRS) == [
        ("delete_tasks", 3, [6, 8]),
        ("update_project", 3, ("model_version", "")),
    ]


def test_storages_that_were_there_or_that_other_tasks_need_stay():
    server = Server("", {4: "/root/mine", 5: "/root/mine", 6: "/root/theirs"})
    done = cleaned(server, **{**THEIRS, "storages": {"localfiles": [4]}})
    assert done[1:] == [("delete_storage", "localfiles", 5)]


def test_predictions_of_the_run_are_deleted_by_their_name():
    server = Server("", model_versions=["FiftyOne token", "FiftyOne"])
    assert cleaned(server, **THEIRS)[1:] == [("delete_predictions", 3, "FiftyOne token")]


def test_a_project_of_the_run_that_others_were_sent_into_is_kept(caplog):
    assert cleaned(Server()) == [("delete_tasks", 3, [6, 8])]
    assert "Project 3 is kept, because other runs were sent into it" in caplog.text


def test_a_project_of_the_run_that_got_predictions_of_another_is_kept():
    server = Server(model_versions=["FiftyOne 6b01070a57a5240a9753b925"])
    server.tasks_there = {6: "token"}
    assert cleaned(server) == [("delete_task", 6)]


def test_a_project_of_the_run_to_which_people_added_tasks_is_deleted():
    server = Server(model_versions=["FiftyOne", "FiftyOne v2"])
    server.tasks_there = {1: None, 6: "token"}
    assert cleaned(server) == [("delete_project", 3)]


class Uploading(Server):
    """The same, where the tasks of the run show uploaded files; another task shows one of them, too."""

    def tasks(self, project_id, after):
        shown = {1: "theirs", 2: "theirs", 6: "a", 7: "b", 8: "b"}
        for number, run in self.tasks_there.items():
            if number > after:
                data = {"image": f"/under/data/upload/3/{shown[number]}.png"}
                yield {"id": number, "data": data, "meta": {"fiftyone": {"run": run}} if run else {}}

    def upload_ids(self, project_id):
        return {f"upload/3/{name}.png": number for number, name in enumerate(("theirs", "a", "b"), start=20)}


def test_files_that_the_run_has_uploaded_are_handed_out_no_more_unless_others_show_them(caplog):
    done = cleaned(Uploading(""), media="upload", **THEIRS)
    assert done[1:] == [("delete_uploads", 3, [21])]
    assert "hands out the 1 files no more" in caplog.text and "they are in media/upload/3 of its data" in caplog.text


def test_it_says_how_many_files_of_a_project_of_the_run_stay_on_the_disk(caplog):
    server = Uploading()
    server.tasks_there = {6: "token"}
    assert cleaned(server, media="upload") == [("delete_project", 3)]
    assert "hands out the 3 files no more" in caplog.text
