from __future__ import annotations

from fo_labelstudio.convert.media import OF_FILES, OF_SAMPLES
from fo_labelstudio.transport.files import FILES


def test_each_medium_has_its_files():
    made = {medium.drawn_as for medium in OF_FILES if medium.drawn_as}
    assert FILES.keys() == {medium.name for medium in (*OF_SAMPLES, *OF_FILES)} | made
