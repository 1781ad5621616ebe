"""The table of media, a module per row."""

from __future__ import annotations

from fo_labelstudio.convert.media import (
    audio,
    hypertext,
    image,
    images,
    paragraphs,
    pdf,
    pdf_pages,
    table,
    text,
    timeseries,
    video,
)
from fo_labelstudio.convert.media.medium import Medium

MEDIA = (
    image.MEDIUM,  # <Image>
    video.MEDIUM,  # <Video>
    text.MEDIUM,  # <Text>
    hypertext.MEDIUM,  # <HyperText>
    paragraphs.MEDIUM,  # <Paragraphs>
    audio.MEDIUM,  # <Audio>
    timeseries.MEDIUM,  # <TimeSeries>
    pdf.MEDIUM,  # <Pdf>
    pdf_pages.MEDIUM,  # <Image valueList>
    images.MEDIUM,  # <Image valueList>
    table.MEDIUM,  # <Table>
)

DEFAULT = MEDIA[0]
"""The medium of a task whose label fields name none."""

ON_IMAGES = tuple(medium.scopes[0] for medium in MEDIA if DEFAULT.name in (medium.name, medium.item))
"""Where labels live that are drawn on an image, which is alone or one of a list."""

OF_THE_WHOLE = tuple(medium.scopes[0] for medium in MEDIA)
"""Where labels live that are about the whole of what a task shows, whatever that is."""

_MEDIUM_OF = {scope: medium for medium in MEDIA for scope in medium.scopes}


def medium_of_type(media_type: str | None) -> Medium:
    """The medium of samples of one of FiftyOne's media types; the default one where they have none of the table."""
    return next((medium for medium in MEDIA if medium.media_type == media_type), DEFAULT)


MEDIUM_NAMED = {medium.name: medium for medium in MEDIA}
"""Name of a medium -> the medium."""

OF_SAMPLES = tuple(medium for medium in MEDIA if medium.media_type)
"""The media of which FiftyOne says that samples are."""

OF_FILES = tuple(medium for medium in MEDIA if medium.extensions)
"""The media that the names of files tell."""

SHOWN_AS = {medium.shown_value.key: medium for medium in MEDIA if medium.shown_value is not None}
"""Key of a label schema's entry that names the field whose value its labels are on -> the medium of the value."""


def medium_of(scope: str) -> Medium:
    """The medium on which labels of a scope live."""
    return _MEDIUM_OF[scope]


def media_of_extension(extension: str) -> tuple[Medium, ...]:
    """The media of files whose names end so, where FiftyOne does not know them; none where nobody does.

    Args:
        extension: the end of the name, with its dot, in any case
    """
    return tuple(medium for medium in OF_FILES if extension.lower() in medium.extensions)
