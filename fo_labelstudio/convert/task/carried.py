"""What a task carries of labels besides their regions: all of it, for results hold only what people see.

It stands in the task's meta, which Label Studio keeps (1.23.2): ``meta["fiftyone"]["labels"]`` is label field -> its
value as the database stores it, in MongoDB's Extended JSON, where masks are base64. Masks are never in files.

Source: MongoDB Extended JSON v2, relaxed mode, as ``bson.json_util`` of PyMongo 4 writes it
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from bson import json_util
from bson.errors import BSONError

from fo_labelstudio.errors import RegionError

CARRIED = "labels"
"""The key of what a task's meta carries of labels."""

_OPTIONS = json_util.RELAXED_JSON_OPTIONS.with_options(tz_aware=False, tzinfo=None)
"""The database stores times of UTC, without their zone."""


def to_carried(values: Mapping[str, Any]) -> Any:
    """Values of label fields as JSON.

    Args:
        values: label field -> its value, as the database stores it
    """
    return json.loads(json_util.dumps(values, json_options=_OPTIONS))


def parse_carried(carried: Any) -> dict[str, Any]:
    """The values of label fields that a task carries, as the database stores them.

    Args:
        carried: what its meta holds

    Raises:
        RegionError: somebody has changed it
    """
    try:
        values = json_util.loads(json.dumps(carried), json_options=_OPTIONS)
    except (BSONError, ValueError, TypeError, AttributeError) as error:
        raise RegionError(f"what its meta carries of labels was changed ({error})") from None
    if not isinstance(values, dict):
        raise RegionError(f"its meta carries no labels, but {type(values).__name__}")
    return values
