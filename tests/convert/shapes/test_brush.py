from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from label_studio_sdk.converter import brush as sdk

from fo_labelstudio.convert.shapes import brush
from fo_labelstudio.convert.shapes.brush import MAX_PIXELS, Mask, decode, encode
from fo_labelstudio.errors import RegionError
from tests.properties import examples

A_SQUARE = np.ones((100, 100), bool)
HUGE_FRAMES = [(10_000, 10_000), (1, MAX_PIXELS), (MAX_PIXELS, 1)]


def arrays(shape, densities=(0, 0.02, 0.5, 0.98, 1)):
    """Noise of some density; a generator of numpy's, for hypothesis is slow to draw pixel by pixel."""
    return st.builds(
        lambda seed, density: np.random.default_rng(seed).random(shape) < density,
        st.integers(0, 2**32),
        st.sampled_from(densities),
    )


@st.composite
def placed(draw):
    """Pixels, their place, and the size of the frame around them."""
    width, height = draw(st.sampled_from([(1, 1), (1, 70), (70, 1), (9, 7), (64, 48), (40_000, 3), (3, 40_000)]))
    left, top = draw(st.integers(0, width)), draw(st.integers(0, height))
    columns, rows = draw(st.integers(0, width - left)), draw(st.integers(0, height - top))
    if draw(st.booleans()):
        left, top, columns, rows = 0, 0, width, height
    return draw(arrays((rows, columns))), left, top, width, height


@st.composite
def frames_rgba(draw):
    """Frames as an editor may send them: any alpha, any colour, runs that begin and end in any channel."""
    width, height = draw(st.integers(1, 12)), draw(st.integers(1, 12))
    values = draw(st.sampled_from([(0, 255), (0, 1, 127, 128, 254, 255), range(256)]))
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    picked = generator.choice(values, (height, width, 4)).astype(np.uint8)
    lasting = generator.random((height, width, 1)) < draw(st.sampled_from([0, 0.5, 0.95]))
    return np.where(lasting, picked[:1, :1], picked)


def framed(pixels, left, top, width, height):
    frame = np.zeros((height, width), bool)
    frame[top : top + pixels.shape[0], left : left + pixels.shape[1]] = pixels
    return frame


def cropped(frame):
    """The mask of a frame, the plain way."""
    rows, columns = np.nonzero(frame)
    if not len(rows):
        return Mask(0, 0, np.zeros((0, 0), bool))
    left, top = int(columns.min()), int(rows.min())
    return Mask(left, top, frame[top : rows.max() + 1, left : columns.max() + 1])


def sdk_code(frame):
    return bytes(sdk.mask2rle(np.where(frame, 255, 0).astype(np.uint8)))


def general_code(values, sizes, blocks):
    """A code with blocks of our choice: ``(is it a run, which run size, its longest length)`` in turns."""
    bits = f"{len(values):032b}{7:05b}" + "".join(f"{size - 1:04b}" for size in sizes)
    at, turn = 0, 0
    while at < len(values):
        is_run, which, longest = blocks[turn % len(blocks)]
        length = min(longest, 2 ** sizes[which], len(values) - at)
        if is_run:
            length = next((n for n in range(1, length) if values[at + n] != values[at]), length)
        held = values[at : at + (1 if is_run else length)]
        bits += f"{is_run:b}{which:02b}{length - 1:0{sizes[which]}b}" + "".join(f"{value:08b}" for value in held)
        at, turn = at + length, turn + 1
    return to_bytes(bits)


def to_bytes(bits):
    bits += "0" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8, "big")


def peak_memory(function):
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def assert_equal(mask, expected):
    assert (mask.left, mask.top) == (expected.left, expected.top)
    assert mask.pixels.dtype == bool
    np.testing.assert_array_equal(mask.pixels, expected.pixels)


@given(placed())
def test_a_mask_is_encoded_byte_for_byte_as_the_sdk_does_it(mask):
    assert encode(*mask) == sdk_code(framed(*mask))


@given(placed())
def test_a_mask_comes_back_cropped_to_its_set_pixels(mask):
    width, height = mask[3:]
    assert_equal(decode(encode(*mask), width, height), cropped(framed(*mask)))


@given(frames_rgba())
def test_a_pixel_is_set_where_alpha_is_128_or_more(rgba):
    height, width, _ = rgba.shape
    code = bytes(sdk.encode_rle(rgba.ravel()))
    assert_equal(decode(code, width, height), cropped(rgba[..., 3] >= 128))


@given(
    frames_rgba(),
    st.lists(st.integers(1, 16), min_size=4, max_size=4),
    st.lists(st.tuples(st.booleans(), st.integers(0, 3), st.integers(1, 100)), min_size=1, max_size=8),
)
def test_literals_and_other_run_sizes_are_read_as_the_sdk_reads_them(rgba, sizes, blocks):
    height, width, _ = rgba.shape
    code = general_code(rgba.ravel().tolist(), sizes, blocks)
    np.testing.assert_array_equal(sdk.decode_rle(code), rgba.ravel())
    assert_equal(decode(code, width, height), cropped(rgba[..., 3] >= 128))


@given(placed(), st.integers(1, 7), st.integers(2, 9))
@examples(50)
def test_the_parts_in_which_the_work_is_done_cannot_be_seen(mask, some_pixels, some_bytes):
    pixels, _, _, width, height = mask
    if pixels.size > 5000:
        return
    whole = encode(*mask)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(brush, "_PIXELS_AT_ONCE", some_pixels)
        patch.setattr(brush, "_BYTES_AT_ONCE", some_bytes)
        assert encode(*mask) == whole
        assert_equal(decode(whole, width, height), cropped(framed(*mask)))


@pytest.mark.parametrize("pixels", [2**14 - 1, 2**14, 2**14 + 1, 2**15, 2**15 + 1])
@pytest.mark.parametrize("is_set", [False, True])
def test_a_run_longer_than_a_block_goes_on_in_the_next(pixels, is_set):
    frame = np.full((1, pixels), is_set)
    assert encode(frame, 0, 0, pixels, 1) == sdk_code(frame)
    assert_equal(decode(encode(frame, 0, 0, pixels, 1), pixels, 1), cropped(frame))


@given(arrays((30, 40)))
@examples(20)
def test_a_view_is_encoded_as_a_copy_of_it(pixels):
    for view in (pixels[::2, ::3], pixels[::-1, ::-1], pixels.T, np.asfortranarray(pixels)):
        rows, columns = view.shape
        assert encode(view, 2, 3, 50, 60) == encode(view.copy(), 2, 3, 50, 60)
        assert encode(view, 0, 0, columns, rows) == sdk_code(view)


def test_what_the_editor_wrote_for_a_stroke_is_read(golden):
    region = golden("brush_drawn")["annotations"][0]["result"][0]
    rle, width, height = bytes(region["value"]["rle"]), region["original_width"], region["original_height"]
    mask = decode(rle, width, height)
    assert (width, height) == (640, 480)
    assert (mask.left, mask.top, mask.pixels.shape) == (122, 282, (83, 171))
    assert mask.pixels.sum() == 2031
    assert_equal(mask, cropped(sdk.decode_rle(rle).reshape(height, width, 4)[..., 3] >= 128))


def test_every_cut_of_a_code_is_refused():
    rgba = np.random.default_rng(0).integers(0, 256, (3, 5, 4), np.uint8)
    literals = general_code(rgba.ravel().tolist(), [3, 4, 8, 16], [(False, 2, 100)])
    for code in (encode(A_SQUARE[:3, :5], 0, 0, 5, 3), encode(A_SQUARE[:2, :2], 1, 1, 5, 3), literals):
        # The last byte may hold nothing but padding.
        for length in range(len(code) - 1):
            with pytest.raises(RegionError):
                decode(code[:length], 5, 3)


@pytest.mark.parametrize("more", [bytes(2), b"\xff\xff", bytes(1000), bytes(range(256))])
def test_a_code_that_goes_on_after_its_last_value_is_refused(more):
    with pytest.raises(RegionError, match="goes on after the last"):
        decode(encode(A_SQUARE, 3, 4, 200, 150) + more, 200, 150)


def test_what_goes_on_is_refused_also_where_a_part_of_the_work_ends(monkeypatch):
    code = encode(A_SQUARE[:2, :2], 1, 1, 5, 3)
    for some_bytes in range(2, len(code) + 2):
        monkeypatch.setattr(brush, "_BYTES_AT_ONCE", some_bytes)
        assert_equal(decode(code, 5, 3), Mask(1, 1, A_SQUARE[:2, :2]))
        for more in (bytes(2), b"\xff\xff", bytes(9)):
            with pytest.raises(RegionError, match="goes on after the last"):
                decode(code + more, 5, 3)


def test_a_run_over_the_end_of_the_frame_is_refused():
    header = f"{4:032b}{7:05b}" + f"{2:04b}{3:04b}{7:04b}{15:04b}"
    assert decode(to_bytes(header + "100" + "011" + "11111111"), 1, 1).pixels.all()
    with pytest.raises(RegionError, match="goes on after the last"):
        decode(to_bytes(header + "100" + "100" + "11111111"), 1, 1)


@pytest.mark.parametrize("width, height", [(200, 151), (150, 201), (1, 1), (MAX_PIXELS, 1)])
def test_a_code_of_another_size_is_refused(width, height):
    with pytest.raises(RegionError, match=f"120000 values; expected 4 x {width} x {height}"):
        decode(encode(A_SQUARE, 3, 4, 200, 150), width, height)


@pytest.mark.parametrize("value_bits", [1, 7, 9, 16, 32])
def test_values_of_other_than_8_bits_are_refused(value_bits):
    values = np.zeros(4, np.uint8)
    with pytest.raises(RegionError, match=f"{value_bits} bits a value; expected 8"):
        decode(bytes(sdk.encode_rle(values, wordsize=value_bits)), 1, 1)


@pytest.mark.parametrize("width, height", [(0, 1), (1, 0), (-1, -1), (MAX_PIXELS + 1, 1), (10_001, 10_000), (2**40, 1)])
def test_a_frame_without_pixels_or_with_too_many_is_refused(width, height):
    code = (4 * width * height % 2**32).to_bytes(4, "big") + bytes([57, 27, 255])
    with pytest.raises(RegionError, match="expected 1 to 100000000"):
        decode(code, width, height)
    with pytest.raises(ValueError, match="1 to 100000000"):
        encode(A_SQUARE[:0, :0], 0, 0, width, height)


@pytest.mark.parametrize("left, top", [(-1, 0), (0, -1), (101, 0), (0, 51)])
def test_pixels_that_reach_out_of_the_frame_are_refused(left, top):
    with pytest.raises(ValueError, match="reach out of a frame of 200 x 150"):
        encode(A_SQUARE, left, top, 200, 150)


@pytest.mark.parametrize("width, height", HUGE_FRAMES)
def test_a_small_mask_in_a_huge_frame_costs_little_memory(width, height):
    pixels = A_SQUARE[:height, :width]
    place = (width - pixels.shape[1], height - pixels.shape[0])
    code = encode(pixels, *place, width, height)
    assert_equal(decode(code, width, height), Mask(*place, pixels))
    assert peak_memory(lambda: encode(pixels, *place, width, height)) < 4e6
    assert peak_memory(lambda: decode(code, width, height)) < 4e6


@pytest.mark.parametrize("width, height", HUGE_FRAMES)
def test_a_huge_frame_that_is_all_set_comes_back(width, height):
    code = encode(np.ones((height, width), bool), 0, 0, width, height)
    # The header, 6104 blocks of 3 + 16 + 8 bits, and padding.
    assert len(code) == (53 + 6104 * 27) // 8 + 1
    mask = decode(code, width, height)
    assert (mask.left, mask.top, mask.pixels.shape) == (0, 0, (height, width))
    assert mask.pixels.all()


@pytest.mark.parametrize("rest", [bytes(3), b"\xff" * 20_000, bytes(20_000), b"\x7f" * 20_000])
def test_a_hostile_code_is_refused_before_it_costs_memory(rest):
    width, height = 10_000, 10_000
    code = (4 * width * height).to_bytes(4, "big") + bytes([57, 27, 248]) + rest

    def refused():
        with pytest.raises(RegionError, match="cut short"):
            decode(code, width, height)

    refused()
    assert peak_memory(refused) < 6e6
