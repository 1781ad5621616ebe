"""FiftyOne keeps results for later calls, which may reach the server in another way."""

from __future__ import annotations

import pytest

from fo_labelstudio import backend as backends
from fo_labelstudio.backend import LabelStudioBackendConfig


class API:
    def __init__(self, settings):
        self.settings = settings


@pytest.fixture
def backend(monkeypatch):
    monkeypatch.setattr(backends, "LabelStudioAnnotationAPI", API)
    return LabelStudioBackendConfig("labelstudio", None, url="http://host", api_key="first").build()


def test_calls_with_the_same_settings_share_a_connection(backend):
    first = backend.connect_to_api()
    backend.config.load_credentials(api_key="first")
    assert backend.connect_to_api() is first


@pytest.mark.parametrize("change", [{"api_key": "second"}, {"url": "http://other"}, {"retries": 0}])
def test_a_call_with_another_key_address_or_option_connects_with_it(backend, change):
    first = backend.connect_to_api()
    backend.config.load_credentials(**change)
    second = backend.connect_to_api()
    now = backend.config.connection_settings()
    assert second is not first and second.settings.is_same(now) and not first.settings.is_same(now)


def test_a_connection_that_somebody_hands_over_is_used(backend):
    own = API(None)
    backend.connect_to_api()
    backend.use_api(own)
    backend.config.load_credentials(api_key="second")
    assert backend.connect_to_api() is own
