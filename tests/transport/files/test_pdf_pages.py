"""Pages of PDF documents as images: of the sizes that were said before, whatever way they are turned or cut."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import pypdfium2
import pytest
from PIL import Image

from fo_labelstudio.errors import SettingsError
from fo_labelstudio.transport.files import FILES
from fo_labelstudio.transport.files.pdf_pages import DPI, LONGEST, page_path

PAGES = FILES["pdf_pages"]
A4 = (595.28, 841.89)
_PADDING = bytes.fromhex("28BF4E5E4E758A4164004E56FFFA01082E2E00B6D0683E802F0CA9FE6453697A")


def written(path: Path, *sizes: tuple[float, float]) -> str:
    """A document of blank pages, given their sizes in points."""
    document = pypdfium2.PdfDocument.new()
    for width, height in sizes:
        document.new_page(width, height)
    document.save(str(path))
    return str(path)


def rc4(key: bytes, data: bytes) -> bytes:
    box, j = list(range(256)), 0
    for i in range(256):
        j = (j + box[i] + key[i % len(key)]) % 256
        box[i], box[j] = box[j], box[i]
    made, i, j = bytearray(), 0, 0
    for byte in data:
        i = (i + 1) % 256
        j = (j + box[i]) % 256
        box[i], box[j] = box[j], box[i]
        made.append(byte ^ box[(box[i] + box[j]) % 256])
    return bytes(made)


def encrypted(path: Path, password: bytes) -> str:
    """A document of one page that takes a password (PDF 1.4, algorithms 3.2 to 3.4)."""
    padded = (password + _PADDING)[:32]
    owner = rc4(hashlib.md5(padded).digest()[:5], padded)
    key = hashlib.md5(padded + owner + (0xFFFFFFFC).to_bytes(4, "little") + b"id").digest()[:5]
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 100 100]>>",
        b"<</Filter/Standard/V 1/R 2/P -4/O<%s>/U<%s>>>" % (owner.hex().encode(), rc4(key, _PADDING).hex().encode()),
    ]
    content, places = b"%PDF-1.4\n", []
    for number, one in enumerate(objects, 1):
        places.append(len(content))
        content += b"%d 0 obj\n%s\nendobj\n" % (number, one)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    trailer = b"<</Size 5/Root 1 0 R/Encrypt 4 0 R/ID[<6964><6964>]>>"
    path.write_bytes(
        content
        + b"xref\n0 5\n0000000000 65535 f \n%strailer\n%s\nstartxref\n%d\n%%%%EOF\n" % (table, trailer, len(content))
    )
    return str(path)


def sizes_of(path: str) -> list[tuple[int, int]]:
    found = PAGES.inspect(path, False)
    assert found.problem is None
    return [page.size for page in found.info.items]


def test_each_page_has_150_pixels_an_inch_and_no_more_than_a_screen_can_use(tmp_path):
    path = written(tmp_path / "a.pdf", A4, (A4[1], A4[0]), (2384, 3370), (14400, 14400), (0.1, 1))
    assert (DPI, LONGEST) == (150, 5000)
    assert sizes_of(path) == [(1241, 1754), (1754, 1241), (3538, 5000), (5000, 5000), (1, 3)]
    assert [page.item for page in PAGES.inspect(path, False).info.items] == [0, 1, 2, 3, 4]


def test_pages_are_made_as_they_are_displayed_and_of_the_size_that_was_said(tmp_path):
    document = pypdfium2.PdfDocument.new()
    for number, turn in enumerate((0, 90, 180, 270)):
        page = document.new_page(200, 100)
        page.set_rotation(turn)
        if number % 2:
            page.set_cropbox(10, 20, 130, 90)
    path = tmp_path / "turned.v2.pdf"
    document.save(str(path))
    sizes = sizes_of(str(path))
    assert sizes == [(417, 209), (146, 251), (417, 209), (146, 251)]
    paths = PAGES.made.paths_of(str(path), PAGES.inspect(str(path), False).info)
    assert [Path(page).name for page in paths] == [f"turned.v2-{number}.png" for number in (1, 2, 3, 4)]
    assert {PAGES.source_of(page) for page in paths} == {str(path)}
    for page, size in zip(paths, sizes, strict=True):
        with PAGES.read(page, False) as content, Image.open(content.open()) as image:
            assert (content.extension, image.format, image.size) == (".png", "PNG", size)


def test_a_page_that_is_a_photograph_is_made_as_a_jpeg(tmp_path):
    noise = Image.effect_noise((300, 200), 90)
    Image.merge("RGB", (noise, noise.rotate(180), Image.effect_noise((300, 200), 90))).save(tmp_path / "photo.pdf")
    with PAGES.read(page_path(str(tmp_path / "photo.pdf"), 1), False) as content, Image.open(content.open()) as image:
        assert (content.extension, image.format, image.size) == (".jpg", "JPEG", (625, 417))


def test_the_same_page_is_made_alike_each_time(tmp_path):
    Image.radial_gradient("L").save(tmp_path / "a.pdf")
    page = page_path(str(tmp_path / "a.pdf"), 1)
    made = []
    for _ in range(2):
        with PAGES.read(page, False) as content:
            made.append(b"".join(content.pieces()))
    assert made[0] == made[1]


def test_what_has_no_pages_is_refused_by_name(tmp_path):
    broken = tmp_path / "broken.pdf"
    broken.write_bytes(b"%PDF-1.7\nnothing else")
    words = tmp_path / "words.pdf"
    words.write_text("words")
    problems = {
        str(broken): "its pages cannot be read (it has none, or it is broken)",
        str(words): "its document cannot be read (it is no PDF, or it is broken)",
        encrypted(tmp_path / "secret.pdf", b"secret"): "it is encrypted; write it without its password, with qpdf "
        "--decrypt for example",
        written(tmp_path / "empty.pdf"): "its pages cannot be read (it has none, or it is broken)",
        str(tmp_path / "gone.pdf"): "its document cannot be read ([Errno 2] No such file or directory: "
        f"'{tmp_path}/gone.pdf')",
    }
    assert {path: PAGES.inspect(path, False).problem for path in problems} == problems


def test_a_document_whose_password_is_empty_is_shown(tmp_path):
    assert sizes_of(encrypted(tmp_path / "open.pdf", b"")) == [(209, 209)]


def test_a_page_that_went_is_told(tmp_path):
    path = written(tmp_path / "a.pdf", A4)
    with pytest.raises(OSError, match=r"page 2 of .* cannot be shown"), PAGES.read(page_path(path, 2), False):
        pass


def test_who_lacks_pypdfium2_is_told_how_to_install_it(tmp_path, monkeypatch):
    path = written(tmp_path / "a.pdf", A4)
    monkeypatch.setitem(sys.modules, "pypdfium2", None)
    with pytest.raises(SettingsError, match=r"install it: pip install 'fo-labelstudio\[pdf\]'$"):
        PAGES.inspect(path, False)
