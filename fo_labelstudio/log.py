"""The logger of this package."""

from __future__ import annotations

import logging

# Below FiftyOne's own, so that the level and the handlers that a user chose there hold here.
logger = logging.getLogger("fiftyone.fo_labelstudio")
