from __future__ import annotations

import io

import numpy as np
import PIL
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version
from PIL import Image, ImageCms, ImageOps

from fo_labelstudio.convert.media.medium import MediaInfo
from fo_labelstudio.transport.files import image
from fo_labelstudio.transport.files.reencode import decoded, encoded


def converted(content):
    """What is sent of an image, opened."""
    made, extension = encoded(decoded(io.BytesIO(content)))
    opened = Image.open(io.BytesIO(made))
    assert image.inspect_file(io.BytesIO(made)) == (MediaInfo(*opened.size), None, False)
    assert extension == {"PNG": ".png", "JPEG": ".jpg"}[opened.format]
    return opened


def written(picture, file_format, **options):
    content = io.BytesIO()
    picture.save(content, file_format, **options)
    return content.getvalue()


def tiff(pixels, **options):
    content = io.BytesIO()
    tifffile.imwrite(content, pixels, **options)
    return content.getvalue()


def turned(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


@st.composite
def pictures(draw, modes):
    mode = draw(st.sampled_from(modes))
    width, height = draw(st.integers(1, 40)), draw(st.integers(1, 40))
    channels = len(Image.new(mode, (1, 1)).getbands())
    values = np.random.default_rng(draw(st.integers(0, 99))).integers(0, 256, (height, width, channels), dtype=np.uint8)
    if mode == "1":
        return Image.fromarray(values[:, :, 0]).convert("1")
    return Image.fromarray(values[:, :, 0] if channels == 1 else values, mode)


@given(pictures(["1", "L", "RGB", "RGBA", "LA"]), st.integers(1, 8))
def test_a_tiff_becomes_the_same_pixels_as_displayed(picture, orientation):
    made = converted(written(picture, "TIFF", tiffinfo={0x0112: orientation}))
    picture.getexif()[0x0112] = orientation
    expected = ImageOps.exif_transpose(picture)
    assert made.format == "PNG" and made.size == expected.size and made.mode == picture.mode
    assert np.array_equal(np.asarray(made), np.asarray(expected))


@given(pictures(["CMYK"]), st.integers(1, 8))
def test_a_jpeg_in_cmyk_becomes_one_in_rgb_of_the_displayed_size(picture, orientation):
    made = converted(written(picture, "JPEG", exif=turned(orientation)))
    size = picture.size if orientation < 5 else picture.size[::-1]
    assert (made.format, made.mode, made.size) == ("JPEG", "RGB", size)
    assert not made.getexif()


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 60000), st.integers(1, 5000), st.integers(1, 8))
def test_grey_of_16_bits_is_stretched_to_its_own_range(width, height, low, extent, orientation):
    values = np.random.default_rng(width).integers(low, low + extent, (height, width), dtype=np.uint16)
    shown = np.rint((values - float(values.min())) * (255 / max(np.ptp(values), 1))).astype(np.uint8)
    made = converted(written(Image.fromarray(values), "PNG", exif=turned(orientation)))
    expected = Image.fromarray(shown)
    expected.getexif()[0x0112] = orientation
    expected = np.asarray(ImageOps.exif_transpose(expected))
    assert made.mode == "L" and made.size == expected.shape[::-1]
    assert np.abs(np.asarray(made).astype(int) - expected).max() <= 1
    for byteorder in "<>":
        made = converted(tiff(values, byteorder=byteorder))
        assert np.abs(np.asarray(made).astype(int) - shown).max() <= 1


def test_whole_and_real_numbers_of_32_bits_are_stretched():
    ramp = np.linspace(-3, 5, 256, dtype=np.float32).reshape(16, 16)
    assert np.array_equal(np.asarray(converted(tiff(ramp))).ravel(), range(256))
    steps = (np.arange(256, dtype=np.int32) * 1_000_000 - 7).reshape(16, 16)
    assert np.array_equal(np.asarray(converted(tiff(steps))).ravel(), range(256))


def test_numbers_that_are_none_do_not_hide_the_others():
    made = converted(tiff(np.array([[np.nan, np.inf, -np.inf, 0, 1, 0.2]], np.float32)))
    assert np.asarray(made).tolist() == [[0, 255, 0, 0, 255, 51]]
    assert np.asarray(converted(tiff(np.full((2, 3), np.nan, np.float32)))).max() == 0
    widest = np.finfo(np.float32).max
    assert np.asarray(converted(tiff(np.array([[-widest, 0, widest]], np.float32)))).tolist() == [[0, 128, 255]]


def test_an_image_of_one_value_stays_of_one_value():
    assert len(np.unique(np.asarray(converted(tiff(np.full((4, 4), 700, np.uint16)))))) == 1


def test_the_first_page_of_several_is_shown():
    pages = [Image.new("L", (8, 6), 50), Image.new("L", (20, 20), 200)]
    made = converted(written(pages[0], "TIFF", save_all=True, append_images=pages[1:]))
    assert made.size == (8, 6) and set(np.asarray(made).ravel()) == {50}


def test_colours_of_16_bits_keep_their_upper_8():
    pixels = np.random.default_rng(0).integers(0, 65536, (6, 8, 3), dtype=np.uint16)
    assert np.array_equal(np.asarray(converted(tiff(pixels))), pixels >> 8)


def test_transparency_is_kept():
    palette = Image.new("P", (4, 4), 1)
    palette.putpalette([255, 0, 0, 0, 255, 0])
    made = converted(written(palette, "ICO", sizes=[(4, 4)]))
    assert made.size == (4, 4)
    for file_format in ("TIFF", "JPEG2000"):
        picture = Image.new("RGBA", (40, 30), (10, 20, 30, 40))
        assert converted(written(picture, file_format)).convert("RGBA").getpixel((5, 5)) == (10, 20, 30, 40)


def test_a_profile_of_colours_goes_along_unless_the_colours_are_others():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert converted(written(Image.new("RGB", (4, 4)), "TIFF", icc_profile=profile)).info["icc_profile"] == profile
    cmyk = written(Image.new("CMYK", (4, 4)), "JPEG", icc_profile=b"no profile")
    made = converted(cmyk)
    assert made.mode == "RGB" and "icc_profile" not in made.info


# Pillow before 13 writes TIFF files in YCbCr that it cannot read itself.
@pytest.mark.parametrize("mode", ["CMYK", "LAB", *(["YCbCr"] if Version(PIL.__version__) >= Version("13") else [])])
def test_other_spaces_of_colours_become_red_green_and_blue(mode):
    assert converted(written(Image.new(mode, (5, 4)), "TIFF")).mode == "RGB"
