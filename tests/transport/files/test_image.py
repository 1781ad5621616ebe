from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.transport.files import image

SIZE = (50, 30)
INFO = MediaInfo(*SIZE)
NOISE = np.random.default_rng(0).integers(0, 255, (SIZE[1], SIZE[0], 3), dtype=np.uint8)
PICTURE = Image.fromarray(NOISE)
HEIC = struct.pack(">I4s4sI", 24, b"ftyp", b"heic", 0) + b"mif1heic" + bytes(100)
SHOWN = ("BMP", "GIF", "JPEG", "PNG", "WEBP")


def encoded(file_format, picture=PICTURE, **options):
    written = io.BytesIO()
    picture.save(written, file_format, **options)
    return written.getvalue()


DAMAGED = [encoded(file_format, PICTURE.resize((9, 7))) for file_format in (*SHOWN, "TIFF", "JPEG2000")] + [HEIC]


def turned(orientation):
    exif = Image.Exif()
    exif[0x010F] = "maker"
    exif[0x0112] = orientation
    return exif


def png_of_16_bits(colour_type, channels):
    """A PNG of 16 bits a channel, which Pillow itself writes in grey only."""
    head = struct.pack(">IIBBBBB", *SIZE, 16, colour_type, 0, 0, 0)
    rows = np.zeros((SIZE[1], 1 + 2 * channels * SIZE[0]), dtype=np.uint8)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(rows.tobytes())), (b"IEND", b""))
    made = (
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(made)


def tiff(pixels):
    written = io.BytesIO()
    tifffile.imwrite(written, pixels)
    return written.getvalue()


@pytest.fixture
def write(tmp_path):
    def write(content, name="image.png"):
        path = tmp_path / name
        path.write_bytes(content)
        return str(path)

    return write


def sent(path, convert):
    with image.read(path, convert) as content:
        return b"".join(content.pieces()), content.extension


@pytest.mark.parametrize("file_format", SHOWN)
@pytest.mark.parametrize("extension", image.EXTENSIONS)
def test_what_browsers_show_is_taken_whichever_extension_of_them_it_has(write, file_format, extension):
    found = image.inspect(write(encoded(file_format), f"image{extension.upper()}"))
    assert found == (INFO, None, False)


@pytest.mark.parametrize(
    ("mode", "file_format"),
    [
        ("1", "PNG"),
        ("L", "PNG"),
        ("LA", "PNG"),
        ("P", "PNG"),
        ("RGBA", "PNG"),
        ("L", "JPEG"),
        ("P", "GIF"),
        ("1", "BMP"),
    ],
)
def test_every_mode_that_browsers_show_is_taken(write, mode, file_format):
    assert image.inspect(write(encoded(file_format, PICTURE.convert(mode)))) == (INFO, None, False)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (encoded("TIFF"), "it is TIFF, and only BMP, GIF, JPEG, PNG and WebP can be shown"),
        (tiff(np.zeros((30, 50), np.float32)), "it is TIFF"),
        (encoded("JPEG2000"), "it is JPEG2000"),
        (encoded("ICO"), "it is ICO"),
        (encoded("PPM"), "it is PPM"),
        (png_of_16_bits(0, 1), "it is a PNG of 16 bits a channel, and browsers show only the upper 8"),
        (png_of_16_bits(2, 3), "it is a PNG of 16 bits a channel"),
        (png_of_16_bits(6, 4), "it is a PNG of 16 bits a channel"),
        (encoded("JPEG", PICTURE.convert("CMYK")), "it is a JPEG in CMYK"),
    ],
)
def test_what_browsers_do_not_show_is_found_under_a_fine_name_and_is_convertible(write, content, problem):
    found = image.inspect(write(content))
    assert found.info is None and found.is_convertible
    assert found.problem.startswith(problem)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "it is empty"),
        (b"no image at all", "its image cannot be read (it is not an image, or it is broken)"),
        (b"\xff\xd8\xff\xe0", "its image cannot be read"),
        (b"\x89PNG\r\n\x1a\n", "its image cannot be read"),
        (b"BM", "its image cannot be read"),
        (tiff(np.zeros((30, 50, 3), np.float32)), "it is TIFF, which browsers do not show, and Pillow cannot read it"),
        (b"GIF89a" + bytes(7) + b";", "its image cannot be read"),
        (HEIC, "it is HEIC, which browsers do not show and Pillow does not read without pillow_heif"),
    ],
)
@pytest.mark.parametrize("convert", [False, True])
def test_what_is_no_image_is_told_and_not_convertible(write, content, problem, convert):
    found = image.inspect(write(content), convert)
    assert found.info is None and not found.is_convertible
    assert found.problem.startswith(problem)


def test_what_is_no_file_is_told(tmp_path):
    assert "No such file" in image.inspect(str(tmp_path / "missing.png")).problem
    (tmp_path / "folder.png").mkdir()
    assert "s a directory" in image.inspect(str(tmp_path / "folder.png")).problem
    assert "null byte" in image.inspect("null\0byte.png").problem
    for path in (None, "", 7):
        assert image.inspect(path).problem == "its image cannot be read (there is no path)"


@pytest.mark.parametrize("name", ["image.jfif", "image"])
def test_a_name_that_the_server_does_not_take_is_told_and_another_one_helps(write, name):
    path = write(encoded("JPEG"), name)
    found = image.inspect(path)
    assert "Label Studio does not take" in found.problem and found.is_convertible
    assert image.inspect(path, convert=True) == (INFO, None, False)
    assert sent(path, True) == (encoded("JPEG"), ".jpg")


def test_content_and_name_are_told_together(write):
    assert image.inspect(write(encoded("TIFF"), "a.tif")).problem.endswith(
        "can be shown, and Label Studio does not take .tif"
    )
    assert image.inspect(write(b"", "a.tif")).problem == "it is empty, and Label Studio does not take .tif"


@pytest.mark.parametrize("file_format", SHOWN)
def test_a_file_that_is_cut_off_anywhere_is_told(write, file_format):
    # A thumbnail is a JPEG within the file, and has an end of its own.
    exif = b"Exif\0\0" + turned(1).tobytes() + encoded("JPEG", PICTURE.resize((16, 16)))
    content = encoded(file_format, exif=exif) if file_format in ("JPEG", "PNG", "WEBP") else encoded(file_format)
    for length in range(0, len(content) - 16, max(len(content) // 40, 1)):
        assert image.inspect(write(content[:length])).info is None, length


@pytest.mark.parametrize("file_format", SHOWN)
def test_bytes_that_follow_the_end_do_no_harm(write, file_format):
    content = encoded(file_format)
    assert image.inspect(write(content + b"\0" * 1000)) == (INFO, None, False)


def test_a_jpeg_may_hold_filling_between_its_segments(write):
    content = encoded("JPEG")
    assert image.inspect(write(content[:2] + b"\xff\xff" + content[2:] + b"\0")) == (INFO, None, False)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("file_format", ["JPEG", "MPO", "PNG"])
def test_sizes_are_those_of_the_image_as_it_is_displayed(write, file_format, orientation):
    size = SIZE[::-1] if orientation >= 5 else SIZE
    assert image.inspect(write(encoded(file_format, exif=turned(orientation)))).info.size == size


def test_an_orientation_that_browsers_pass_over_does_not_count(write):
    xmp = b'<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/>'
    assert image.inspect(write(encoded("WEBP", exif=turned(6)))).info == INFO
    assert image.inspect(write(encoded("JPEG", xmp=xmp))).info == INFO
    assert image.inspect(write(encoded("JPEG", exif=b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x09\x01"))).info == INFO
    assert image.inspect(write(encoded("JPEG", exif=turned(9)))).info == INFO


def test_the_head_of_a_file_is_enough_where_its_end_is_elsewhere():
    for file_format in ("BMP", "GIF", "JPEG", "PNG"):
        head = io.BytesIO(encoded(file_format, PICTURE.resize((500, 300)))[:2000])
        assert image.inspect_file(head, is_whole=False) == (MediaInfo(500, 300), None, False)
        assert image.inspect_file(head).problem.startswith("it is cut off")
    assert image.inspect_file(io.BytesIO(HEIC[:64]), is_whole=False).problem.startswith("it is HEIC")


def test_an_image_beyond_the_limit_of_pillow_is_told(write, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert "set PIL.Image.MAX_IMAGE_PIXELS = None" in image.inspect(write(encoded("PNG"))).problem


def test_what_can_be_shown_is_read_as_it_is_whether_or_not_others_are_converted(write):
    content = encoded("JPEG", exif=turned(6))
    path = write(content, "image.PNG")
    assert sent(path, False) == sent(path, True) == (content, ".png")


def test_what_cannot_be_converted_is_told_with_its_path(write):
    whole = encoded("TIFF", compression="tiff_lzw")
    path = write(whole[:8] + b"\xff" * 2000 + whole[2008:])
    found = image.inspect(path, convert=True)
    assert found.problem.startswith("it is TIFF") and "and it cannot be converted (" in found.problem
    assert found.info is None and not found.is_convertible
    with pytest.raises(OSError, match=r"image.png' cannot be converted"):
        sent(path, True)


@given(st.data())
def test_no_damage_brings_the_look_at_an_image_down(data):
    content = bytearray(data.draw(st.sampled_from(DAMAGED)))
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    del content[data.draw(st.integers(1, len(content))) :]
    for is_whole in (False, True):
        found = image.inspect_file(io.BytesIO(bytes(content)), is_whole)
        assert (found.info is None) == (found.problem is not None)
