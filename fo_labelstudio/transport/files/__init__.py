"""The table of media files, a module a medium: whether they are whole, their size, whether browsers show them."""

from __future__ import annotations

from fo_labelstudio.transport.files import (
    audio,
    hypertext,
    image,
    paragraphs,
    pdf,
    pdf_pages,
    table,
    text,
    timeseries,
    video,
)
from fo_labelstudio.transport.files.files import MediaFiles

FILES: dict[str, MediaFiles] = {
    "image": image.FILES,  # Pillow
    "video": video.FILES,  # their headers
    "audio": audio.FILES,  # their first bytes
    "pdf": pdf.FILES,  # their first bytes
    "pdf_pages": pdf_pages.FILES,  # PDFium
    "text": text.FILES,  # UTF-8
    "hypertext": hypertext.FILES,  # UTF-8
    "paragraphs": paragraphs.FILES,  # JSON
    "timeseries": timeseries.FILES,  # CSV
    "table": table.FILES,  # JSON
}
"""Name of a medium -> its files."""
