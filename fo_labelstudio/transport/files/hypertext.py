"""HTML files of this machine: what is in them, in UTF-8 whatever they say of themselves."""

from __future__ import annotations

from fo_labelstudio.convert.media.html_text import text_of
from fo_labelstudio.convert.media.hypertext import EXTENSIONS
from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.transport.files.text import files_of

FILES = files_of(
    "HTML",
    EXTENSIONS,
    (r"text/html|application/xhtml\+xml|\w+/octet-stream", "text/html"),
    lambda html: MediaInfo(text=text_of(html), source=html),
)
