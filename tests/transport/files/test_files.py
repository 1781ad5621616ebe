from __future__ import annotations

from fo_labelstudio.convert.media import MEDIA
from fo_labelstudio.transport.files import FILES


def test_each_medium_has_its_files():
    assert FILES.keys() == {medium.name for medium in MEDIA}
