"""A real server that shares our disk."""

from __future__ import annotations

from types import SimpleNamespace

import fiftyone as fo
import pytest
import requests

from fo_labelstudio.errors import LabelStudioError, RunError, SampleError, SettingsError
from fo_labelstudio.transport.local_files import LocalFiles, inspect
from fo_labelstudio.transport.transport import Media, MediaSettings
from tests.proxy import FaultyProxy
from tests.support import Annotator, stored, tasks_of, write_image

ODD_NAMES = ("a b.png", "a+b.png", "n%41.png", "nA.png", "50% #1 & ümlaut.png")


@pytest.fixture
def dataset(shared):
    paths = [write_image(shared / "images" / "deep" / name, size=(20 + n, 20)) for n, name in enumerate(ODD_NAMES)]
    box = {"label": "cat", "bounding_box": [0.1, 0.2, 0.3, 0.4]}
    dataset = fo.Dataset()
    dataset.add_samples(
        [fo.Sample(str(path), labels=fo.Detections(detections=[fo.Detection(**box)])) for path in paths]
    )
    yield dataset
    dataset.delete()


def annotate(dataset, server, **options):
    return dataset.annotate(
        "run",
        backend="labelstudio",
        label_field="labels",
        attributes=False,
        media="local_files",
        url=server.url,
        api_key=server.legacy_token,
        **options,
    )


@pytest.mark.server
def test_the_server_serves_each_file_under_its_own_address_and_gets_no_copy(dataset, sharing, shared):
    before = stored(dataset)
    results = annotate(dataset, sharing, local_files_root=str(shared))
    annotator = Annotator(sharing.url, sharing.legacy_token)
    assert annotator.call("GET", f"/api/projects/{results.project_id}/file-uploads?all=true") == []
    for sample in dataset:
        url = annotator.task(results.tasks[sample.id])["data"]["image"]
        served = requests.get(sharing.url + url, headers={"Authorization": f"Token {sharing.legacy_token}"}, timeout=60)
        with open(sample.filepath, "rb") as file:
            assert served.content == file.read(), sample.filepath
    annotator.accept_all(results)
    dataset.load_annotations("run")
    assert stored(dataset) == before


@pytest.mark.server
def test_a_connection_that_drops_after_any_request_was_served_leaves_nothing_twice(dataset, sharing, shared, sweep):
    annotator = Annotator(sharing.url, sharing.legacy_token)
    options = {"local_files_root": str(shared), "retries": 0}
    with FaultyProxy(sharing.url) as proxy:
        through = SimpleNamespace(url=proxy.url, legacy_token=sharing.legacy_token)
        expected = tasks_of(annotator, annotate(dataset, through, **options).project_id)
        for number in sweep.sample(range(1, proxy.count + 1)):
            dataset.delete_annotation_run("run")
            proxy.fault, proxy.number, proxy.count = "dropped after", number, 0
            try:
                results = annotate(dataset, through, **options)
            except LabelStudioError:
                results = annotate(dataset, through, **options)
            assert tasks_of(annotator, results.project_id) == expected, f"request {number}"
            storages = annotator.call("GET", f"/api/storages/localfiles/?project={results.project_id}")
            assert [storage["path"] for storage in storages] == [str(shared / "images")], f"request {number}"
            results.cleanup()


@pytest.mark.server
def test_a_server_that_serves_no_local_files_is_found_out_before_any_task_is_made(
    dataset, connection, annotator, shared
):
    options = {"media": "local_files", "local_files_root": str(shared), "attributes": False, **connection}
    with pytest.raises(RunError, match="LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED") as error:
        dataset.annotate("run", backend="labelstudio", label_field="labels", **options)
    project = annotator.call("GET", f"/api/projects/{error.value.project_id}/")
    assert project["task_number"] == 0


@pytest.mark.server
def test_a_root_that_is_not_the_servers_is_found_out(dataset, sharing, shared):
    with pytest.raises(RunError, match="does not serve"):
        annotate(dataset, sharing, local_files_root=str(shared / "images"))


@pytest.mark.server
def test_files_elsewhere_are_named_before_anything_is_made(dataset, sharing, tmp_path):
    with pytest.raises(SampleError, match="it is not below local_files_root"):
        annotate(dataset, sharing, local_files_root=str(tmp_path))
    assert dataset.list_annotation_runs() == []


@pytest.mark.server
def test_the_shared_folder_must_be_given(dataset, sharing):
    with pytest.raises(SettingsError, match="local_files_root is None, expected the folder"):
        annotate(dataset, sharing)


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("/shared/a/b.png", "its image cannot be read"),
        ("/shared/a.png", "which the server does not serve; move it below"),
        ("/shared2/a/b.png", "it is not below local_files_root '/shared'"),
        ("/shared/a/b.tif", "Label Studio does not take .tif"),
    ],
)
def test_what_the_server_could_not_show_is_told(path, problem):
    (found,) = inspect([Media(path)], MediaSettings("local_files", "/shared"))
    assert problem in found.problem


def test_the_server_may_know_the_folder_under_another_name():
    asked = []

    class Server:
        url = "http://studio"

        def local_storages(self, project_id):
            return []

        def make_local_storage(self, project_id, path):
            asked.append(path)

        def size_of_media(self, url):
            asked.append(url)

    local_files = LocalFiles(Server(), 1, MediaSettings("local_files", "/shared", "D:\\data"))
    urls = local_files.send(["/shared/a/b c.png"])
    assert urls == ["/data/local-files/?d=a/b%20c.png"]
    assert asked == ["D:\\data\\a", *urls]
