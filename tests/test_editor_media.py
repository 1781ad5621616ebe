"""Images of each transport in the real editor, in headless Chromium: loaded, and edited by a person."""

from __future__ import annotations

import fiftyone as fo
import numpy as np
import pytest
import trustme
from PIL import Image, ImageDraw

from tests.editor import Editor
from tests.media_servers import S3Server, WebServer
from tests.test_editor import screenshot  # noqa: F401

pytestmark = [pytest.mark.server, pytest.mark.browser, pytest.mark.sampled]

SIZE = (640, 480)
NAME = "deep/a b #1 ü.png"
LEFT, TOP, RIGHT, BOTTOM = 128, 96, 320, 288
"""Where the image has a yellow square, in pixels."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with one image, in the one that the server shares."""
    folder = tmp_path_factory.mktemp("media")
    ramp = np.linspace(0, 120, SIZE[0], dtype=np.uint8)
    picture = Image.fromarray(np.broadcast_to(ramp[None, :, None], (SIZE[1], SIZE[0], 3)).copy())
    drawing = ImageDraw.Draw(picture)
    drawing.rectangle((LEFT, TOP, RIGHT, BOTTOM), fill=(240, 200, 0))
    drawing.text((340, 180), NAME, fill="white", font_size=24)
    (folder / NAME).parent.mkdir()
    picture.save(folder / NAME)
    return folder


@pytest.fixture(scope="module")
def editor(sharing):
    with Editor(sharing.url, sharing.username, sharing.password, any_certificate=True) as editor:
        yield editor


@pytest.fixture
def s3(sharing, folder):
    with S3Server() as server:
        server.client.create_bucket(Bucket="bucket")
        server.allow("bucket", sharing.url)
        server.put("bucket", NAME, folder / NAME)
        yield server


@pytest.fixture
def open_task(dataset_of, sharing, editor, folder):
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
            url=sharing.url,
            api_key=sharing.legacy_token,
            **options,
        )
        (task_id,) = results.tasks.values()
        return dataset, editor.open_task(results.project_id, task_id)

    return send


def check(dataset, page, screenshot, sharing):  # noqa: F811
    """The image is there in its own size, and what a person does to a label comes back."""
    page.screenshot(screenshot)
    assert page.natural_size() == SIZE
    assert page.problems() == []
    (region,) = page.regions()
    moved = page.move(region.id, 20, 10)
    page.submit()
    dataset.load_annotations("run", api_key=sharing.legacy_token)
    (label,) = dataset.first().labels.detections
    assert label.bounding_box[:2] == pytest.approx([moved.x / 100, moved.y / 100])


@pytest.mark.parametrize("presign", [True, False])
def test_an_image_in_s3_is_shown(open_task, s3, sharing, presign, screenshot):  # noqa: F811
    storage = {**s3.storage, "presign": presign}
    dataset, page = open_task(f"s3://bucket/{NAME}", media="cloud", media_field="address", cloud_storage=storage)
    check(dataset, page, screenshot, sharing)


def test_an_image_behind_https_is_shown(open_task, sharing, folder, tmp_path, monkeypatch, screenshot):  # noqa: F811
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    with WebServer(folder, sharing.url, certificate=authority.issue_cert("127.0.0.1")) as web:
        address = f"{web.url}/deep/a%20b%20%231%20%C3%BC.png"
        dataset, page = open_task(address, media="cloud", media_field="address")
        check(dataset, page, screenshot, sharing)


def test_the_editor_shows_what_its_server_calls_bytes(open_task, sharing, folder, screenshot):  # noqa: F811
    with WebServer(folder, sharing.url) as web:
        web.content_type = "application/octet-stream"
        dataset, page = open_task(f"{web.url}/deep/a b %231 ü.png", media="cloud", media_field="address")
        check(dataset, page, screenshot, sharing)


def test_an_image_of_a_shared_disk_is_shown(open_task, sharing, shared, screenshot):  # noqa: F811
    dataset, page = open_task(None, media="local_files", local_files_root=str(shared))
    check(dataset, page, screenshot, sharing)


def test_an_uploaded_image_is_shown(open_task, sharing, screenshot):  # noqa: F811
    dataset, page = open_task(None)
    check(dataset, page, screenshot, sharing)
