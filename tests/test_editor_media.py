"""Images of each transport in the real editor, in headless Chromium: loaded, and edited by a person."""

from __future__ import annotations

import fiftyone as fo
import numpy as np
import pytest
import trustme
from PIL import Image, ImageDraw

from fo_labelstudio.local.server import LocalServer
from tests.editor import Editor
from tests.media_servers import S3Server, WebServer
from tests.test_editor import screenshot  # noqa: F401

pytestmark = [pytest.mark.server, pytest.mark.browser]

SIZE = (640, 480)
NAME = "deep/a b #1 ü.png"
LEFT, TOP, RIGHT, BOTTOM = 128, 96, 320, 288
"""Where the image has a yellow square, in pixels."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with one image, which a server may share."""
    folder = tmp_path_factory.mktemp("shared")
    ramp = np.linspace(0, 120, SIZE[0], dtype=np.uint8)
    picture = Image.fromarray(np.broadcast_to(ramp[None, :, None], (SIZE[1], SIZE[0], 3)).copy())
    drawing = ImageDraw.Draw(picture)
    drawing.rectangle((LEFT, TOP, RIGHT, BOTTOM), fill=(240, 200, 0))
    drawing.text((340, 180), NAME, fill="white", font_size=24)
    (folder / NAME).parent.mkdir()
    picture.save(folder / NAME)
    return folder


@pytest.fixture(scope="module")
def studio(template_dir, folder):
    environment = {
        "SSRF_PROTECTION_ENABLED": "false",
        "LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED": "true",
        "LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT": str(folder),
    }
    with LocalServer(template_dir=template_dir, env=environment) as server:
        yield server


@pytest.fixture(scope="module")
def browser(studio):
    with Editor(studio.url, studio.username, studio.password, any_certificate=True) as editor:
        yield editor


@pytest.fixture
def s3(studio, folder):
    with S3Server() as server:
        server.client.create_bucket(Bucket="bucket")
        server.allow("bucket", studio.url)
        server.put("bucket", NAME, folder / NAME)
        yield server


@pytest.fixture
def open_task(dataset_of, studio, browser, folder):
    """Sends one image with a box around the square, and opens its task."""

    def send(address, **options):
        box = [LEFT / SIZE[0], TOP / SIZE[1], (RIGHT - LEFT) / SIZE[0], (BOTTOM - TOP) / SIZE[1]]
        labels = fo.Detections(detections=[fo.Detection(label="square", bounding_box=box)])
        dataset = dataset_of([fo.Sample(filepath=str(folder / NAME), address=address, labels=labels)])
        results = dataset.annotate(
            "run",
            backend="labelstudio",
            label_field="labels",
            attributes=False,
            url=studio.url,
            api_key=studio.legacy_token,
            **options,
        )
        (task_id,) = results.tasks.values()
        return dataset, browser.open_task(results.project_id, task_id)

    return send


def check(dataset, page, screenshot, studio):  # noqa: F811
    """The image is there in its own size, and what a person does to a label comes back."""
    page.screenshot(screenshot)
    assert page.natural_size() == SIZE
    assert page.problems() == []
    (region,) = page.regions()
    moved = page.move(region.id, 20, 10)
    page.submit()
    dataset.load_annotations("run", api_key=studio.legacy_token)
    (label,) = dataset.first().labels.detections
    assert label.bounding_box[:2] == pytest.approx([moved.x / 100, moved.y / 100])


@pytest.mark.parametrize("presign", [True, False])
def test_an_image_in_s3_is_shown(open_task, s3, studio, presign, screenshot):  # noqa: F811
    storage = {**s3.storage, "presign": presign}
    dataset, page = open_task(f"s3://bucket/{NAME}", media="cloud", media_field="address", cloud_storage=storage)
    check(dataset, page, screenshot, studio)


def test_an_image_behind_https_is_shown(open_task, studio, folder, tmp_path, monkeypatch, screenshot):  # noqa: F811
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    with WebServer(folder, studio.url, certificate=authority.issue_cert("127.0.0.1")) as web:
        address = f"{web.url}/deep/a%20b%20%231%20%C3%BC.png"
        dataset, page = open_task(address, media="cloud", media_field="address")
        check(dataset, page, screenshot, studio)


def test_the_editor_shows_what_its_server_calls_bytes(open_task, studio, folder, screenshot):  # noqa: F811
    with WebServer(folder, studio.url) as web:
        web.content_type = "application/octet-stream"
        dataset, page = open_task(f"{web.url}/deep/a b %231 ü.png", media="cloud", media_field="address")
        check(dataset, page, screenshot, studio)


def test_an_image_of_a_shared_disk_is_shown(open_task, studio, folder, screenshot):  # noqa: F811
    dataset, page = open_task(None, media="local_files", local_files_root=str(folder))
    check(dataset, page, screenshot, studio)


def test_an_uploaded_image_is_shown(open_task, studio, screenshot):  # noqa: F811
    dataset, page = open_task(None)
    check(dataset, page, screenshot, studio)
