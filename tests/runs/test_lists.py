"""Samples that list images: what is looked at, sent, written, sent later and loaded, without a server."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path

import fiftyone as fo
import pytest

import fo_labelstudio
from fo_labelstudio.errors import LabelSchemaError, SampleError, ServerError
from fo_labelstudio.runs.add_samples import add_samples
from fo_labelstudio.runs.load_annotations import load_run
from fo_labelstudio.runs.load_options import LoadOptions
from fo_labelstudio.runs.prepare import LeftOut, PreparedTask, Refused, prepared_tasks, still_readable
from fo_labelstudio.runs.run import run_of
from fo_labelstudio.runs.send import make_tasks
from fo_labelstudio.runs.upload_predictions import Asked, refresh
from tests.media_servers import WebServer
from tests.memory import MemoryMedia, MemoryPredictions, MemoryTasks, annotate_in_memory
from tests.runs.test_export_tasks import export_of
from tests.support import stored, write_image

pytestmark = pytest.mark.database

SCHEMA = {"boxes": {"type": "detections", "images": "pages", "classes": ["title"], "existing_field": True}}
SIZES = [(64, 48), (40, 80)]


def boxes(*places):
    found = [fo.Detection(label="title", bounding_box=[0.1, 0.2, 0.3, 0.4], item_index=place) for place in places]
    return fo.Detections(detections=found)


@pytest.fixture
def listing(dataset_of, tmp_path):
    """Makes a dataset of samples that list images, by their paths."""

    def make(*lists):
        covers = [str(write_image(tmp_path / "covers" / f"{number}.png")) for number in range(len(lists))]
        return dataset_of(
            [
                fo.Sample(filepath=cover, pages=pages, boxes=boxes(*range(len(pages))))
                for cover, pages in zip(covers, lists, strict=True)
            ]
        )

    return make


@pytest.fixture
def pages(tmp_path):
    return [str(write_image(tmp_path / "pages" / f"{number}.png", size)) for number, size in enumerate(SIZES)]


def send(dataset, **settings):
    return annotate_in_memory(dataset, "run", SCHEMA, **settings)


def run_over(dataset, schema=SCHEMA, **settings):
    results, _ = annotate_in_memory(dataset.limit(0), "other", schema, **settings)
    return run_of(results.config, dataset, "run")


def load(results, project, **options):
    load_run(results, LoadOptions(**options), project)
    results.save()


def sizes_in(task):
    return task["meta"]["fiftyone"]["lists"]["pages"]["sizes"]


class TestLookedAt:
    def test_each_image_of_a_list_and_each_is_named_that_cannot_be_sent(self, listing, pages, tmp_path):
        broken = tmp_path / "broken.png"
        broken.write_bytes(b"no image")
        gone = str(tmp_path / "gone.png")
        dataset = listing(pages, [pages[0], str(broken), gone])
        *refused, task = prepared_tasks(run_over(dataset))
        assert isinstance(task, PreparedTask) and sizes_in(json.loads(task.rest)) == [[64, 48], [40, 80]]
        assert [file.path for file in task.files] == [dataset.first().filepath, *pages]
        where = f"sample {dataset.last().id}, pages"
        assert [type(item) for item in refused] == [Refused, Refused]
        assert refused[0].problem.startswith(f"{where}[1] {str(broken)!r}: ")
        assert refused[1].problem.startswith(f"{where}[2] {gone!r}: ")

    def test_a_sample_with_two_that_cannot_be_sent_is_left_out_once_where_that_was_asked_for(self, listing, pages):
        dataset = listing(["/nowhere/a.png", "/nowhere/b.png"], pages)
        left_out, task = prepared_tasks(run_over(dataset, unusable_media="skip"))
        assert isinstance(left_out, LeftOut) and left_out.sample_id == dataset.first().id
        assert isinstance(task, PreparedTask)

    def test_one_that_is_turned_by_its_exif_counts_as_shown_and_a_tiff_as_what_it_is_converted_to(
        self, listing, tmp_path
    ):
        turned = str(
            write_image(
                tmp_path / "turned.jpg",
                (64, 48),
                exif=b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0",
            )
        )
        tiff = str(write_image(tmp_path / "page.tif", (30, 20)))
        (refused,) = prepared_tasks(run_over(listing([turned, tiff])))
        assert "pages[1]" in refused.problem
        remedy = "convert it to PNG or JPEG and list the new path, or pass unusable_media='convert' or 'skip'"
        assert refused.problem.endswith(remedy)
        (task,) = prepared_tasks(run_over(listing([turned, tiff]), unusable_media="convert"))
        assert sizes_in(json.loads(task.rest)) == [[48, 64], [30, 20]]

    def test_what_is_no_list_of_paths_is_refused(self, listing, pages):
        dataset = listing(pages)
        dataset.add_sample_field("numbers", fo.ListField)
        dataset.set_values("numbers", [[7]])
        schema = {"boxes": {**SCHEMA["boxes"], "images": "numbers"}}
        (refused,) = prepared_tasks(run_over(dataset, schema))
        assert "its 'numbers' has 7 at place 0, expected the path of an image" in refused.problem

    def test_images_that_vanish_after_the_check_are_named(self, listing, pages):
        dataset = listing(pages)
        run = run_over(dataset)
        tasks = list(prepared_tasks(run))
        assert list(still_readable(tasks, run)) == tasks
        os.remove(pages[1])
        (refused,) = still_readable(tasks, run)
        assert refused.problem.startswith(f"sample {dataset.first().id}, pages[1] {pages[1]!r}: ")

    def test_a_mask_of_the_sample_is_on_no_list(self, listing, pages):
        schema = {"mask": {"type": "segmentation", "images": "pages", "mask_targets": {1: "ink"}}}
        with pytest.raises(LabelSchemaError) as caught:
            run_over(listing(pages), schema)
        assert str(caught.value) == (
            "field 'mask': labels of type 'segmentation' have one mask for a sample, and a list of images has several "
            "images; annotate instances, or make a sample of each image"
        )

    def test_the_place_of_an_image_is_nothing_that_people_are_asked_for(self, listing, pages):
        schema = {"boxes": {**SCHEMA["boxes"], "attributes": {"item_index": {"type": "number"}}}}
        assert run_over(listing(pages), schema).fields[0].attributes == ()

    def test_paths_are_no_vectors_for_the_editor_stretches_them(self, listing, pages):
        schema = {"lines": {"type": "polylines", "images": "pages", "classes": ["rule"]}}
        assert run_over(listing(pages), schema).fields[0].tool == "PolygonLabels"
        assert "<PolygonLabels" in fo_labelstudio.to_labeling_config(schema)


class TestSent:
    def test_a_task_lists_the_addresses_of_its_images_and_a_grey_one_where_there_are_none(self, listing, pages):
        _, project = send(listing(pages, []))
        first, second = project.by_id.values()
        assert first["data"]["pages"] == [f"/data/{path}" for path in pages]
        assert [address[:15] for address in second["data"]["pages"]] == ["data:image/png;"]
        assert (sizes_in(first), sizes_in(second)) == ([[64, 48], [40, 80]], [])

    def test_what_was_interrupted_goes_on_and_sends_no_image_twice(self, listing, pages, caplog):
        class Failing(MemoryTasks):
            def make_tasks(self, tasks):
                if len(self.requests) == 1 and not self.by_id.get(2):
                    raise ServerError("gone", 400, "")
                return super().make_tasks(tasks)

        dataset = listing(pages[:1], pages[1:])
        run, sink, media, tasks = run_over(dataset), Failing(max_tasks=1), MemoryMedia(), {}
        with pytest.raises(ServerError):
            make_tasks(run, prepared_tasks(run), sink, media, tasks, lambda made: None)
        assert len(sink.by_id) == 1
        again, sink.requests = MemoryMedia(), []
        with caplog.at_level(logging.WARNING):
            make_tasks(run, prepared_tasks(run), sink, again, tasks, lambda made: None)
        assert again.sent == [dataset.last().filepath, pages[1]] and len(sink.by_id) == 2
        assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []

    def test_a_task_whose_list_was_changed_since_is_told_when_it_goes_on(self, listing, pages, caplog):
        dataset = listing(pages)
        run, sink, tasks = run_over(dataset), MemoryTasks(), {}
        make_tasks(run, prepared_tasks(run), sink, MemoryMedia(), tasks, lambda made: None)
        dataset.set_values("pages", [pages[::-1]])
        make_tasks(run, prepared_tasks(run), sink, MemoryMedia(), tasks, lambda made: None)
        assert f"1 samples were changed since their tasks were made, such as {dataset.first().id}" in caplog.text

    def test_samples_that_are_texts_show_images_beside_themselves(self, dataset_of, pages, tmp_path):
        (tmp_path / "a.txt").write_text("Two pages.")
        dataset = dataset_of([fo.Sample(filepath=str(tmp_path / "a.txt"), pages=pages, boxes=boxes(1))])
        _, project = send(dataset)
        (task,) = project.by_id.values()
        assert task["data"]["text"] == "Two pages."
        assert task["data"]["pages"] == [f"/data/{path}" for path in pages]

    def test_samples_that_are_added_bring_their_lists(self, listing, pages):
        dataset = listing(pages[:1], pages)
        results, project = send(dataset.limit(1))
        media = MemoryMedia()
        assert add_samples(results.backend, results, dataset, project, media) == 1
        assert media.sent == [dataset.last().filepath, *pages]

    def test_addresses_of_the_web_go_into_tasks_as_they_are(self, listing, tmp_path):
        (tmp_path / "web").mkdir()
        for number, size in enumerate(SIZES):
            write_image(tmp_path / "web" / f"{number}.png", size)
        with WebServer(tmp_path / "web", origin="*") as web:
            addresses = [f"{web.url}/{number}.png" for number in (0, 1)]
            dataset = listing(addresses)
            dataset.add_sample_field("url", fo.StringField)
            dataset.set_values("url", [addresses[1]])
            (task,) = prepared_tasks(run_over(dataset, media="cloud", media_field="url"))
            assert sizes_in(json.loads(task.rest)) == [[64, 48], [40, 80]]
            fo_labelstudio.export_tasks(dataset, "written", tmp_path / "out", SCHEMA, media="cloud", media_field="url")
        (written,) = json.loads((tmp_path / "out/tasks.json").read_text())
        assert (written["data"]["image"], written["data"]["pages"]) == (addresses[1], addresses)

    def test_files_are_copied_beside_tasks_or_named_where_the_server_reads_them(self, listing, pages, tmp_path):
        dataset = listing(pages, pages[1:])
        fo_labelstudio.export_tasks(dataset, "copied", tmp_path / "out", SCHEMA)
        first, second = json.loads((tmp_path / "out/tasks.json").read_text())
        copied = [f"/data/local-files/?d=out/images/{name}.png" for name in ("0-2", "1")]
        assert (first["data"]["pages"], second["data"]["pages"]) == (copied, copied[1:])
        assert first["data"]["image"] == "/data/local-files/?d=out/images/0.png"
        assert (tmp_path / "out/images/1.png").read_bytes() == Path(pages[1]).read_bytes()
        options = {"media": "local_files", "local_files_root": str(tmp_path)}
        fo_labelstudio.export_tasks(dataset, "named", tmp_path / "other", SCHEMA, **options)
        first, _ = json.loads((tmp_path / "other/tasks.json").read_text())
        assert first["data"]["pages"] == [f"/data/local-files/?d=pages/{number}.png" for number in (0, 1)]


class TestLoaded:
    def test_without_the_files_labels_come_back_as_they_were(self, listing, pages):
        dataset = listing(pages)
        results, project = send(dataset)
        for path in pages:
            os.remove(path)
        before = stored(dataset)
        project.submit(1)
        load(results, project)
        assert stored(dataset) == before

    def test_from_an_export_of_a_server_and_others_import_it_image_by_image(self, listing, dataset_of, pages, tmp_path):
        dataset = listing(pages)
        options = {"media": "local_files", "local_files_root": str(tmp_path)}
        fo_labelstudio.export_tasks(dataset, "files", tmp_path / "out", SCHEMA, **options)

        def moved(result):
            result[1]["value"]["x"] += 10
            return result

        export = export_of(tmp_path / "out", tmp_path / "export.json", moved)
        fo_labelstudio.load_annotations(dataset, "files", json_path=export)
        dataset.reload()
        found = [(label.item_index, label.bounding_box) for label in dataset.first().boxes.detections]
        assert found == [(0, [0.1, 0.2, 0.3, 0.4]), (1, [pytest.approx(0.2), 0.2, 0.3, 0.4])]
        other = dataset_of([fo.Sample(filepath=path) for path in pages])
        config = (tmp_path / "out/labeling_config.xml").read_text()
        fo_labelstudio.import_annotations(other, json_path=export, labeling_config=config)
        assert other.values("boxes.detections.bounding_box") == [
            [pytest.approx([0.1, 0.2, 0.3, 0.4])],
            [pytest.approx([0.2, 0.2, 0.3, 0.4])],
        ]

    def test_predictions_of_another_model_are_refused_where_the_list_is_another_one(self, listing, pages):
        dataset = listing(pages)
        dataset.clone_sample_field("boxes", "new")
        results, project = send(dataset)
        sink = MemoryPredictions(project)
        assert refresh(results, dataset, Asked("new", "better"), sink).added == 1
        dataset.set_values("pages", [pages[::-1]])
        with pytest.raises(SampleError, match="its 'pages' was changed after its task was made"):
            refresh(results, dataset, Asked("new", "better still"), sink)
