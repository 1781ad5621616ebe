"""Media in a real S3 API and on a real web server, shown by a real Label Studio server; other clouds' requests only."""

from __future__ import annotations

import base64
import json
import logging
from types import SimpleNamespace

import fiftyone as fo
import pytest
import requests
import responses
import trustme

from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.errors import RunError, SampleError, ServerError
from fo_labelstudio.local.server import LocalServer
from fo_labelstudio.remote.client import Client
from fo_labelstudio.settings import ConnectionSettings, Secret, resolve
from fo_labelstudio.transport.cloud import Cloud, inspect
from fo_labelstudio.transport.files import FILES
from fo_labelstudio.transport.public_web import Web
from fo_labelstudio.transport.transport import Inspection, Media, MediaSettings
from tests.media_servers import S3Server, WebServer
from tests.support import Annotator, stored, write_image

ODD_NAMES = ("a b.png", "a+b.png", "n%41.png", "nA.png", "50% #1 & ümlaut.png", "x;y=z, 'q' \"r\".png", "deep/a//b.png")

TYPES = FILES["image"].content_types


@pytest.fixture(scope="module")
def s3():
    with S3Server() as server:
        yield server


@pytest.fixture
def bucket(s3, sharing, request, tmp_path):
    """A bucket of images, one for each odd name, which pages of the server may show."""
    name = f"bucket-{abs(hash(request.node.name))}"
    s3.client.create_bucket(Bucket=name)
    s3.allow(name, sharing.url)
    for number, key in enumerate(ODD_NAMES):
        s3.put(name, key, write_image(tmp_path / f"{number}.png", (20 + number, 20)))
    return name


@pytest.fixture
def make(dataset_of):
    """Makes a dataset of addresses."""

    def make(*addresses, **values):
        box = fo.Detection(label="cat", bounding_box=[0.1, 0.2, 0.3, 0.4])
        return dataset_of(
            fo.Sample(
                filepath=f"/nowhere/{number}.png",
                address=address,
                labels=fo.Detections(detections=[box.copy()]),
                **values,
            )
            for number, address in enumerate(addresses)
        )

    return make


@pytest.fixture
def nobodys(monkeypatch):
    """This machine has no credentials of its own."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")


def annotate(dataset, server, **options):
    return dataset.annotate(
        "run",
        backend="labelstudio",
        label_field="labels",
        attributes=False,
        media="cloud",
        media_field="address",
        url=server.url,
        api_key=server.legacy_token,
        retries=1,
        **options,
    )


def shown(server, project_id, url, origin=None):
    """What a browser gets that shows a task."""
    params = {"fileuri": base64.urlsafe_b64encode(url.encode()).decode()}
    headers = {"Authorization": f"Token {server.legacy_token}", "Origin": origin or server.url}
    answer = requests.get(f"{server.url}/projects/{project_id}/resolve/", params, headers=headers, timeout=60)
    answer.raise_for_status()
    return answer


def tasks_of(server, error):
    annotator = Annotator(server.url, server.legacy_token)
    return annotator.call("GET", f"/api/projects/{error.value.project_id}/")["task_number"]


@pytest.mark.server
@pytest.mark.parametrize("presign", [True, False])
def test_the_server_hands_out_each_object_of_s3_and_labels_come_back(make, s3, sharing, bucket, tmp_path, presign):
    dataset = make(*(f"s3://{bucket}/{key}" for key in ODD_NAMES))
    before = stored(dataset)
    results = annotate(dataset, sharing, cloud_storage={**s3.storage, "presign": presign})
    annotator = Annotator(sharing.url, sharing.legacy_token)
    assert annotator.call("GET", f"/api/projects/{results.project_id}/file-uploads?all=true") == []
    for number, sample in enumerate(dataset):
        task = annotator.task(results.tasks[sample.id])
        assert task["meta"]["fiftyone"]["size"] == [20 + number, 20]
        assert task["data"]["image"].startswith("/tasks/") or task["data"]["image"].startswith(sharing.url)
        original = annotator.call("GET", f"/api/tasks/{task['id']}/?resolve_uri=false")["data"]["image"]
        assert original == sample.address
        answer = shown(sharing, results.project_id, original)
        assert answer.content == (tmp_path / f"{number}.png").read_bytes(), sample.address
        assert answer.url.startswith(s3.url if presign else sharing.url)
    annotator.accept_all(results)
    dataset.load_annotations("run", api_key=sharing.legacy_token)
    assert stored(dataset) == before


@pytest.mark.server
def test_one_storage_is_made_for_each_bucket_and_none_can_be_synchronized(make, s3, sharing, bucket, tmp_path):
    s3.client.create_bucket(Bucket="another-bucket")
    s3.allow("another-bucket", sharing.url)
    other = s3.put("another-bucket", "a.png", write_image(tmp_path / "other.png"))
    dataset = make(f"s3://{bucket}/nA.png", other, f"s3://{bucket}/a b.png", other)
    results = annotate(dataset, sharing, cloud_storage=s3.storage)
    annotator = Annotator(sharing.url, sharing.legacy_token)
    made = annotator.call("GET", f"/api/storages/s3/?project={results.project_id}")
    assert sorted(storage["bucket"] for storage in made) == ["another-bucket", bucket]
    for storage in made:
        with pytest.raises(requests.HTTPError, match="400"):
            annotator.call("POST", f"/api/storages/s3/{storage['id']}/sync")
    assert annotator.call("GET", f"/api/projects/{results.project_id}/")["task_number"] == 4


@pytest.mark.server
def test_a_bucket_without_cors_is_found_out_and_the_same_call_goes_on_with_presign_off(make, s3, sharing, bucket):
    s3.client.delete_bucket_cors(Bucket=bucket)
    dataset = make(f"s3://{bucket}/nA.png")
    with pytest.raises(RunError, match="allow GET from there in the CORS rules of the bucket, or pass") as error:
        annotate(dataset, sharing, cloud_storage=s3.storage)
    assert tasks_of(sharing, error) == 0
    results = annotate(dataset, sharing, cloud_storage={**s3.storage, "presign": False})
    assert results.project_id == error.value.project_id
    assert shown(sharing, results.project_id, f"s3://{bucket}/nA.png").url.startswith(sharing.url)


@pytest.mark.server
def test_cors_rules_for_other_pages_are_found_out(make, s3, sharing, bucket):
    s3.allow(bucket, "https://elsewhere.example")
    with pytest.raises(RunError, match=f"does not send Access-Control-Allow-Origin to pages of {sharing.url}"):
        annotate(make(f"s3://{bucket}/nA.png"), sharing, cloud_storage=s3.storage)


@pytest.mark.server
def test_objects_and_buckets_that_are_not_there_are_named_before_anything_is_made(make, s3, sharing, bucket):
    dataset = make(f"s3://{bucket}/none.png", "s3://no-such-bucket/a.png", f"s3://{bucket}/nA.png", None)
    with pytest.raises(SampleError) as error:
        annotate(dataset, sharing, cloud_storage=s3.storage)
    missing, nowhere, empty = error.value.problems
    assert "S3 answers NoSuchKey, HTTP 404" in missing and "S3 answers NoSuchBucket" in nowhere
    assert "there is no address" in empty
    assert dataset.list_annotation_runs() == []


@pytest.mark.server
def test_what_only_the_server_cannot_find_is_told_with_the_remedy(make, s3, sharing, bucket):
    metadata = fo.ImageMetadata(width=20, height=20)
    dataset = make("s3://no-such-bucket/a.png", metadata=metadata)
    with pytest.raises(RunError, match=r"cannot open S3 bucket 'no-such-bucket'.*does the bucket exist") as error:
        annotate(dataset, sharing, cloud_storage=s3.storage)
    assert tasks_of(sharing, error) == 0
    for presign, message in ((True, "answers HTTP 40.*does this object exist"), (False, "does this object exist")):
        dataset = make(f"s3://{bucket}/none.png", metadata=metadata)
        with pytest.raises(RunError, match=message):
            annotate(dataset, sharing, cloud_storage={**s3.storage, "presign": presign})


@pytest.mark.server
def test_wrong_credentials_are_told_and_not_shown(make, s3, sharing, bucket):
    wrong = {**s3.storage, "aws_secret_access_key": "a wrong secret", "presign": False}
    s3.ask_for_logins(True)
    try:
        with pytest.raises(SampleError, match="pass credentials that may read it as cloud_storage") as error:
            annotate(make(f"s3://{bucket}/nA.png"), sharing, cloud_storage=wrong)
        dataset = make(f"s3://{bucket}/nA.png", metadata=fo.ImageMetadata(width=23, height=20))
        with pytest.raises(RunError, match="may the credentials \\(those of cloud_storage") as refused:
            annotate(dataset, sharing, cloud_storage=wrong)
        for text in (str(error.value), str(refused.value)):
            assert "a wrong secret" not in text and wrong["aws_access_key_id"] not in text
        results = annotate(dataset, sharing, cloud_storage={**s3.storage, "presign": False})
        assert shown(sharing, results.project_id, f"s3://{bucket}/nA.png").ok
    finally:
        s3.ask_for_logins(False)


@pytest.mark.server
def test_without_cloud_storage_the_credentials_of_each_machine_are_used(
    make, s3, bucket, template_dir, nobodys, monkeypatch
):
    login = {
        "AWS_ACCESS_KEY_ID": s3.storage["aws_access_key_id"],
        "AWS_SECRET_ACCESS_KEY": s3.storage["aws_secret_access_key"],
    }
    dataset = make(f"s3://{bucket}/nA.png")
    with LocalServer(template_dir=template_dir, env={**login, "S3_ENDPOINT": s3.url}) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", s3.url)
        with pytest.raises(SampleError, match=r"S3 cannot be asked .*NoCredentialsError.*as cloud_storage"):
            annotate(dataset, server)
        for name, value in login.items():
            monkeypatch.setenv(name, value)
        s3.allow(bucket, server.url)
        results = annotate(dataset, server)
        assert shown(server, results.project_id, f"s3://{bucket}/nA.png").ok


@pytest.mark.server
def test_no_credential_is_saved_or_logged(make, s3, sharing, bucket, monkeypatch, caplog):
    monkeypatch.setenv("FIFTYONE_LABELSTUDIO_CLOUD_STORAGE", json.dumps(s3.storage))
    dataset = make(f"s3://{bucket}/nA.png")
    with caplog.at_level(logging.DEBUG, logger="fiftyone.fo_labelstudio"):
        results = annotate(dataset, sharing)
    doc = fo.core.odm.get_db_conn().runs.find_one({"_id": dataset._doc.annotation_runs["run"].id})
    for secret in (s3.storage["aws_secret_access_key"], s3.storage["aws_access_key_id"]):
        assert secret not in caplog.text + str(doc) + str(results.config.serialize()) + repr(vars(results.config))


@pytest.mark.server
def test_an_endpoint_in_a_private_network_is_explained(make, s3, server, bucket):
    with pytest.raises(RunError, match="SSRF_PROTECTION_ENABLED=false"):
        annotate(make(f"s3://{bucket}/nA.png"), server, cloud_storage=s3.storage)


@pytest.mark.server
def test_https_addresses_go_into_tasks_as_they_are(make, server, tmp_path, monkeypatch):
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    write_image(tmp_path / "a b ü.png", (30, 20))
    with WebServer(tmp_path, origin=server.url, certificate=authority.issue_cert("127.0.0.1")) as web:
        addresses = [f"{web.url}/{name}" for name in ("a b ü.png", "a%20b%20%C3%BC.png?version=1#top")]
        results = annotate(make(*addresses), server)
        annotator = Annotator(server.url, server.legacy_token)
        data = [annotator.task(task_id) for task_id in results.tasks.values()]
        assert [task["data"]["image"] for task in data] == addresses
        assert [task["meta"]["fiftyone"]["size"] for task in data] == [[30, 20]] * 2
        assert not [name for headers in web.requests for name in headers if name == "Authorization"]
        # Two heads, and one more look for the host.
        assert len(web.requests) == 3
        assert [headers["Origin"] for headers in web.requests if "Origin" in headers] == [server.url]


@pytest.mark.server
def test_a_web_server_without_cors_is_found_out_before_any_task_is_made(make, server, tmp_path):
    write_image(tmp_path / "a.png")
    with WebServer(tmp_path) as web, pytest.raises(RunError, match="browsers do not show its media there") as error:
        annotate(make(f"{web.url}/a.png"), server)
    assert tasks_of(server, error) == 0


@pytest.mark.server
def test_a_host_that_only_the_annotators_reach_is_taken_at_the_word_of_the_metadata(make, server, tmp_path, caplog):
    with WebServer(tmp_path) as web:
        address = f"{web.url}/a.png"
    with pytest.raises(SampleError, match=r"where this machine cannot reach it, set sample\.metadata"):
        annotate(make(address), server)
    with caplog.at_level(logging.WARNING, logger="fiftyone.fo_labelstudio"):
        annotate(make(address, metadata=fo.ImageMetadata(width=64, height=48)), server)
    assert "Cannot check from here whether browsers show" in caplog.text


def test_a_page_over_https_shows_no_http_media_of_other_hosts():
    with pytest.raises(ServerError, match="browsers do not load http:// media into pages of https://studio"):
        Web(0).check_shown("http://host/a.png", "https://studio/label", TYPES, "", "")


@pytest.mark.parametrize("allowed", [None, "http://other", "null"])
def test_each_redirect_must_allow_the_page(tmp_path, allowed):
    write_image(tmp_path / "a.png")
    with WebServer(tmp_path, origin="*") as there, WebServer(tmp_path, origin=allowed) as here:
        here.redirects["/a.png"] = f"{there.url}/a.png"
        Web(0).check_shown(f"{there.url}/a.png", "http://studio", TYPES, "", "")
        with pytest.raises(ServerError, match=f"{here.url} does not send Access-Control-Allow-Origin"):
            Web(0).check_shown(f"{here.url}/a.png", "http://studio", TYPES, "", "")


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/json"])
def test_what_its_server_does_not_call_an_image_is_refused(tmp_path, content_type):
    write_image(tmp_path / "a.png")
    with WebServer(tmp_path, origin="*") as web:
        for shown_type in ("image/jpeg; q=1", "Image/PNG", "application/octet-stream", "binary/octet-stream"):
            web.content_type = shown_type
            Web(0).check_shown(f"{web.url}/a.png", "http://studio", TYPES, "", "")
        web.content_type = content_type
        with pytest.raises(ServerError, match="Content-Type that Label Studio shows, one that begins with image/"):
            Web(0).check_shown(f"{web.url}/a.png", "http://studio", TYPES, "", "")


def test_what_its_server_does_not_call_a_video_is_refused(tmp_path):
    (tmp_path / "a.mp4").write_bytes(b"video")
    types = FILES["video"].content_types
    with WebServer(tmp_path, origin="*") as web:
        for shown_type in ("video/mp4", "video/webm; codecs=vp9", "application/octet-stream"):
            web.content_type = shown_type
            Web(0).check_shown(f"{web.url}/a.mp4", "http://studio", types, "", "")
        web.content_type = "video/x-matroska"
        with pytest.raises(ServerError, match="Content-Type that Label Studio shows, video/mp4 or video/webm"):
            Web(0).check_shown(f"{web.url}/a.mp4", "http://studio", types, "", "")


@pytest.mark.parametrize("medium", ["video", "image"])
def test_a_web_server_that_serves_no_parts_of_videos_is_refused_before_any_task_is_made(tmp_path, medium):
    (tmp_path / "a.mp4").write_bytes(b"video")
    studio = SimpleNamespace(url="http://studio")
    for knows_ranges in (True, False):
        with WebServer(tmp_path, origin="*", knows_ranges=knows_ranges) as web:
            web.content_type = "application/octet-stream"
            cloud = Cloud(studio, 7, MediaSettings("cloud", medium=medium))
            if knows_ranges or medium == "image":
                assert cloud.send([f"{web.url}/a.mp4"]) == [f"{web.url}/a.mp4"]
                continue
            with pytest.raises(ServerError, match=r"serves no parts of files \(HTTP range .*or media='upload'"):
                cloud.send([f"{web.url}/a.mp4"])


def test_known_sizes_are_taken_and_nothing_is_asked():
    addresses = ("s3://bucket/a.png", "gs://bucket/a.jpg", "az://box/a.webp", "https://host.invalid/image?id=3")
    assert inspect([Media(address, MediaInfo(3, 2)) for address in addresses], MediaSettings("cloud")) == [
        Inspection(MediaInfo(3, 2))
    ] * len(addresses)


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        ("s3://bucket/a.tif", "browsers do not show .tif; convert it"),
        ("https://host/a.MP4?x=1", "browsers do not show .mp4; convert"),
        ("gs://bucket/a.png", "its size is read from its metadata only, and there is none; set sample.metadata"),
        ("azure-blob://box/a#1.png", "signs no address of a name with # or %; pass cloud_storage={'presign': False}"),
        ("/data/a.png", "pass the field that holds the addresses as media_field"),
    ],
)
def test_what_could_not_be_shown_is_told(address, problem):
    (found,) = inspect([Media(address)], MediaSettings("cloud"))
    assert problem in found.problem


def test_heads_are_read_several_at_once(tmp_path):
    write_image(tmp_path / "a.png", (8, 6))
    with WebServer(tmp_path) as web:
        web.gather(8)
        media = [Media(f"{web.url}/a.png?{number}") for number in range(32)]
        assert inspect(media, MediaSettings("cloud")) == [Inspection(MediaInfo(8, 6))] * 32


class TestOtherClouds:
    """Only the requests that we make; neither Google nor Azure is there."""

    @pytest.mark.parametrize(
        ("kind", "address", "storage", "expected"),
        [
            (
                "gcs",
                "gs://place/a b.png",
                {"google_application_credentials": {"type": "service_account"}, "aws_access_key_id": "other"},
                {"bucket": "place", "google_application_credentials": '{"type": "service_account"}'},
            ),
            (
                "azure",
                "az://place/a b.png",
                {"account_name": "me", "account_key": "0123456789", "presign": False},
                {"container": "place", "account_name": "me", "account_key": "0123456789", "presign": False},
            ),
        ],
    )
    def test_a_storage_is_made_and_one_object_is_looked_at(self, kind, address, storage, expected):
        url = "http://studio/label"
        given = ConnectionSettings(url, Secret("key"), cloud_storage=parsed(storage))
        settings = MediaSettings("cloud", storage=given.cloud_storage, retries=0)
        stored_at = address.replace("az://", "azure-blob://")
        with responses.RequestsMock() as server:
            server.get(f"{url}/api/storages/{kind}/", json=[])
            made = server.post(f"{url}/api/storages/{kind}/", json={"id": 1})
            resolved = server.get(
                f"{url}/projects/7/resolve/", status=303, headers={"Location": "https://cloud.example/signed"}
            )
            signed = server.get(
                "https://cloud.example/signed",
                headers={"Access-Control-Allow-Origin": "http://studio"},
                content_type="image/png",
            )
            assert Cloud(Client(given), 7, settings).send([address, address]) == [stored_at] * 2
            assert json.loads(made.calls[0].request.body) == {
                "project": 7,
                "title": "FiftyOne",
                "use_blob_urls": True,
                "synchronizable": False,
                **expected,
            }
            asked = resolved.calls[0].request.params["fileuri"]
            assert base64.urlsafe_b64decode(asked).decode() == stored_at
            (call,) = signed.calls
            assert call.request.headers["Origin"] == "http://studio"
            assert "Authorization" not in call.request.headers

    def test_storages_of_others_are_used_as_they_are(self):
        url = "http://studio"
        settings = MediaSettings("cloud", retries=0, keeps_storages=True)
        client = Client(ConnectionSettings(url, Secret("key"), retries=0))
        with responses.RequestsMock() as server:
            server.get(f"{url}/projects/7/resolve/", body=b"image")
            assert Cloud(client, 7, settings).send(["gs://place/a.png"]) == ["gs://place/a.png"]

    def test_a_storage_of_others_that_does_not_hand_an_object_out_gets_one_beside_it(self):
        url = "http://studio"
        settings = MediaSettings("cloud", retries=0, keeps_storages=True)
        client = Client(ConnectionSettings(url, Secret("key"), retries=0))
        with responses.RequestsMock() as server:
            server.get(f"{url}/projects/7/resolve/", status=404)
            made = server.post(f"{url}/api/storages/gcs/", json={"id": 1})
            server.get(f"{url}/projects/7/resolve/", body=b"image")
            Cloud(client, 7, settings).send(["gs://place/a.png"])
            assert len(made.calls) == 1

    def test_a_refusal_shows_no_part_of_the_credentials(self):
        url = "http://studio"
        credentials = {"private_key_id": "0123456789", "client_email": "me@project.example"}
        given = ConnectionSettings(
            url, Secret("key"), cloud_storage=parsed({"google_application_credentials": credentials})
        )
        settings = MediaSettings("cloud", storage=given.cloud_storage, retries=0)
        refusal = {"detail": "Validation error", "validation_errors": ["me@project.example with 0123456789 refused"]}
        with responses.RequestsMock() as server:
            server.get(f"{url}/api/storages/gcs/", json=[])
            server.post(f"{url}/api/storages/gcs/", json=refusal, status=400)
            with pytest.raises(ServerError, match="cannot open Google bucket 'place'") as error:
                Cloud(Client(given), 7, settings).send(["gs://place/a.png"])
        assert "<secret> with <secret> refused" in str(error.value)


def parsed(storage):
    """The setting cloud_storage as it is when connecting."""
    return resolve({"cloud_storage": storage}, None, None, {})["cloud_storage"]
