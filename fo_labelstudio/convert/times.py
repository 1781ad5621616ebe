"""Times as Label Studio, and whoever writes for it, puts them into JSON."""

from __future__ import annotations

import re
from datetime import datetime

_FRACTION = re.compile(r"\.(\d+)")


def parse_time(text: str) -> datetime:
    """A time in ISO 8601.

    Python 3.10 reads neither a ``Z`` nor a fraction that has not three or six digits.

    Args:
        text: the time, to whatever part of a second; a ``Z`` at its end stands for UTC

    Raises:
        ValueError: it is no such time
    """
    text = _FRACTION.sub(lambda found: f".{found[1][:6]:0<6}", text, count=1)
    return datetime.fromisoformat(f"{text[:-1]}+00:00" if text.endswith("Z") else text)
