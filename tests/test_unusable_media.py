"""Datasets of which some media cannot be sent as they are, sent to a real server."""

from __future__ import annotations

import io
from pathlib import Path

import fiftyone as fo
import numpy as np
import pytest
import requests
import tifffile
from PIL import Image

from fo_labelstudio.errors import RunError, SampleError
from fo_labelstudio.remote.client import Client
from tests.support import Annotator, stored, write_image

pytestmark = pytest.mark.server

SIZE = (50, 30)
RAMP = np.arange(1500, dtype=np.uint16).reshape(30, 50) + 200
STRETCHED = np.rint((RAMP - 200.0) * (255 / 1499)).astype(np.uint8)


@pytest.fixture
def files(tmp_path):
    """Files that can be sent as they are, that can be converted, and neither."""
    folder = tmp_path / "files"
    fine = write_image(folder / "fine.png", SIZE)
    tifffile.imwrite(folder / "grey.tif", RAMP)
    Image.fromarray(RAMP).save(folder / "grey.png")
    picture = Image.open(fine)
    picture.save(folder / "scan.png", "TIFF", tiffinfo={0x0112: 6})
    picture.convert("CMYK").save(folder / "print.jpg")
    picture.save(folder / "named.jfif", "JPEG")
    (folder / "empty.png").touch()
    (folder / "cut.png").write_bytes(fine.read_bytes()[:60])
    return folder


CONVERTIBLE = {"grey.tif": SIZE, "grey.png": SIZE, "scan.png": SIZE[::-1], "print.jpg": SIZE, "named.jfif": SIZE}
HOPELESS = ("empty.png", "cut.png", "missing.png")


@pytest.fixture
def make(make_dataset, files):
    def make(*names, label="cat"):
        box = fo.Detection(label=label, bounding_box=[0.123, 0.2, 0.3, 0.4])
        return make_dataset(
            *({"filepath": str(files / name), "labels": fo.Detections(detections=[box.copy()])} for name in names)
        )

    return make


def annotate(dataset, connection, **options):
    options = {"label_field": "labels", "classes": ["cat", "dog"], "attributes": False, **options}
    return dataset.annotate("run", backend="labelstudio", **connection, **options)


def shown(connection, annotator, results, sample):
    """The picture that the server serves for a sample, and the size that its task has."""
    task = annotator.task(results.tasks[sample.id])
    url = connection["url"] + task["data"]["image"]
    answer = requests.get(url, headers={"Authorization": f"Token {connection['api_key']}"}, timeout=60)
    answer.raise_for_status()
    (region,) = task["predictions"][0]["result"]
    assert [region["original_width"], region["original_height"]] == task["meta"]["fiftyone"]["size"]
    return Image.open(io.BytesIO(answer.content)), tuple(task["meta"]["fiftyone"]["size"])


def warnings_of(caplog):
    return [record.getMessage() for record in caplog.records if "are left out" in record.getMessage()]


def test_all_of_them_are_refused_at_once_with_problems_of_labels(make, connection):
    dataset = make("fine.png", *CONVERTIBLE, *HOPELESS)
    fine = dataset.first()
    fine.labels.detections[0].label = "bird"
    fine.save()
    with pytest.raises(SampleError) as error:
        annotate(dataset, connection, unlisted_classes="refuse")
    problems = error.value.problems
    assert len(problems) == len(dataset)
    for sample in dataset.skip(1):
        (problem,) = (problem for problem in problems if sample.id in problem)
        is_convertible = Path(sample.filepath).name in CONVERTIBLE
        assert sample.filepath in problem
        assert problem.endswith("'convert' or 'skip'" if is_convertible else "or pass unusable_media='skip'")
    assert dataset.list_annotation_runs() == []


def test_samples_are_skipped_and_reported_once(make, connection, annotator, caplog):
    dataset = make("fine.png", *CONVERTIBLE, *HOPELESS, "missing.png", "missing.png", "missing.png")
    before = stored(dataset)
    with caplog.at_level("WARNING", "fiftyone.fo_labelstudio"):
        results = annotate(dataset, connection, unusable_media="skip")
    assert list(results.tasks) == [dataset.first().id]
    (warning,) = warnings_of(caplog)
    assert warning.startswith("11 samples are left out") and warning.endswith("... and 1 more")
    assert warning.count("\n") == 11 and "empty.png': it is empty" in warning
    assert dataset.get_annotation_info("run").config.unusable_media == "skip"
    annotator.accept_all(results)
    dataset.load_annotations("run")
    assert stored(dataset) == before


def test_labels_that_cannot_be_sent_are_refused_even_so(make, connection):
    dataset = make("fine.png", "empty.png", label="bird")
    with pytest.raises(SampleError, match="its class 'bird' is not among the classes") as error:
        annotate(dataset, connection, unusable_media="skip", unlisted_classes="refuse")
    assert len(error.value.problems) == 1


def test_a_run_of_which_nothing_is_left_is_refused(make, connection):
    dataset = make(*HOPELESS)
    with pytest.raises(SampleError) as error:
        annotate(dataset, connection, unusable_media="skip")
    assert len(error.value.problems) == 3
    assert dataset.list_annotation_runs() == []


def test_what_can_be_converted_is_and_its_labels_come_back_as_they_were(make, files, connection, annotator):
    dataset = make("fine.png", *CONVERTIBLE, "grey.tif")
    contents = {path: path.read_bytes() for path in files.iterdir()}
    before = stored(dataset)
    results = annotate(dataset, connection, unusable_media="convert")
    pictures = {}
    for sample in dataset:
        name = Path(sample.filepath).name
        pictures[name], size = shown(connection, annotator, results, sample)
        assert pictures[name].size == size == CONVERTIBLE.get(name, SIZE)
    assert {name: picture.format for name, picture in pictures.items()} == {
        **dict.fromkeys(("fine.png", "grey.tif", "grey.png", "scan.png"), "PNG"),
        **dict.fromkeys(("print.jpg", "named.jfif"), "JPEG"),
    }
    fine = np.asarray(Image.open(files / "fine.png"))
    assert np.array_equal(np.asarray(pictures["fine.png"]), fine)
    assert np.array_equal(np.asarray(pictures["scan.png"]), np.rot90(fine, -1))
    for name in ("grey.tif", "grey.png"):
        assert np.abs(np.asarray(pictures[name]).astype(int) - STRETCHED).max() <= 1
    # Both greys are alike, and there are three files of them.
    uploads = annotator.call("GET", f"/api/projects/{results.project_id}/file-uploads?all=true")
    assert len(uploads) == 5
    annotator.accept_all(results)
    dataset.load_annotations("run")
    assert stored(dataset) == before
    assert {path: path.read_bytes() for path in files.iterdir()} == contents


def test_what_cannot_be_converted_is_refused_and_all_listed(make, connection):
    with pytest.raises(SampleError) as error:
        annotate(make("fine.png", *CONVERTIBLE, *HOPELESS), connection, unusable_media="convert")
    assert len(error.value.problems) == len(HOPELESS)
    assert "empty.png': it is empty; correct it, or leave its sample out" in str(error.value)


@pytest.mark.parametrize("unusable_media", ["skip", "convert"])
def test_a_run_that_stopped_half_way_is_continued_the_same_way(
    make, connection, annotator, monkeypatch, caplog, unusable_media
):
    dataset = make("grey.tif", "fine.png", "scan.png", "fine.png")
    before = stored(dataset)
    options = {"unusable_media": unusable_media, "max_tasks": 1}
    import_tasks, imported = Client.import_tasks, []

    def fail_at_the_second(self, project_id, tasks):
        if imported:
            raise KeyboardInterrupt
        imported.append(tasks)
        return import_tasks(self, project_id, tasks)

    with monkeypatch.context() as patch:
        patch.setattr(Client, "import_tasks", fail_at_the_second)
        with pytest.raises(KeyboardInterrupt):
            annotate(dataset, connection, **options)
    caplog.clear()
    with caplog.at_level("WARNING", "fiftyone.fo_labelstudio"):
        results = annotate(dataset, connection, **options)
    sent = [sample.id for sample in dataset if unusable_media == "convert" or "fine" in sample.filepath]
    assert list(results.tasks) == sent
    assert len(warnings_of(caplog)) == (unusable_media == "skip")
    assert not any("were changed since" in record.getMessage() for record in caplog.records)
    annotator.accept_all(results)
    dataset.load_annotations("run")
    assert stored(dataset) == before


def test_a_file_that_vanishes_during_the_upload_is_skipped_and_reported_too(
    make, connection, monkeypatch, caplog, files
):
    dataset = make("fine.png", "empty.png", "grey.png")
    write_image(files / "grey.png", SIZE)
    create = Client.create_project

    def remove_a_file(self, **settings):
        (files / "grey.png").unlink()
        return create(self, **settings)

    monkeypatch.setattr(Client, "create_project", remove_a_file)
    with caplog.at_level("WARNING", "fiftyone.fo_labelstudio"):
        results = annotate(dataset, connection, unusable_media="skip")
    assert list(results.tasks) == [dataset.first().id]
    assert ["empty.png" in warning for warning in warnings_of(caplog)] == [True, False]


def test_a_file_that_breaks_before_it_is_converted_stops_the_run_which_names_it(make, connection, monkeypatch, files):
    dataset = make("fine.png", "grey.tif")
    upload_files = Client.uploads

    def break_a_file(self, project_id):
        (files / "grey.tif").write_bytes(b"II*\0")
        return upload_files(self, project_id)

    monkeypatch.setattr(Client, "uploads", break_a_file)
    with pytest.raises(RunError, match=r"grey.tif': it is TIFF, which browsers do not show, and Pillow cannot read it"):
        annotate(dataset, connection, unusable_media="convert")


def test_what_is_converted_is_uploaded_where_the_server_reads_the_disk(make, sharing, shared):
    connection = {"url": sharing.url, "api_key": sharing.legacy_token}
    annotator = Annotator(sharing.url, sharing.legacy_token)
    dataset = make("grey.tif", "fine.png", "named.jfif", "grey.tif")
    before = stored(dataset)
    options = {"media": "local_files", "local_files_root": str(shared)}
    results = annotate(dataset, connection, unusable_media="convert", **options)
    urls = [annotator.task(results.tasks[sample.id])["data"]["image"] for sample in dataset]
    assert ["/data/local-files/" in url for url in urls] == [False, True, False, False]
    assert urls[0] == urls[3] and urls[0].endswith(".png") and urls[2].endswith(".jpg")
    for sample in dataset:
        picture, size = shown(connection, annotator, results, sample)
        assert picture.size == size == SIZE
    annotator.accept_all(results)
    dataset.load_annotations("run")
    assert stored(dataset) == before
