"""Our codec of brush masks or label-studio-sdk's?

Run ``.venv/bin/python benchmarks/mask_codec.py`` after ``make test`` has made the environment. It makes three masks of
1920 x 1080 pixels, checks that both codecs agree on them, and prints the median of several runs of each. Both begin or
end with the list of numbers that JSON holds; the sdk's decoding stops at the values of all four channels.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np
from label_studio_sdk.converter.brush import decode_rle, mask2rle
from scipy.ndimage import gaussian_filter

from fo_labelstudio.convert.shapes.brush import decode, encode

WIDTH, HEIGHT = 1920, 1080
RUNS = 5


def masks() -> dict[str, np.ndarray]:
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    generator = np.random.default_rng(0)

    def texture(sigma: float) -> np.ndarray:
        smooth = gaussian_filter(generator.standard_normal((HEIGHT, WIDTH)), sigma)
        return smooth > np.median(smooth)

    return {
        "ellipse 400x300": ((x - 900) / 200) ** 2 + ((y - 500) / 150) ** 2 < 1,
        "blobs, 50 %": texture(12),
        "noisy texture": texture(1.5),
    }


def median(function: Callable[[], object]) -> float:
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def report(what: str, direction: str, sdk: float, ours: float) -> None:
    print(f"{what:<34} {direction}   sdk {1e3 * sdk:8.1f} ms   ours {1e3 * ours:6.2f} ms   ratio {sdk / ours:5.1f}")


def check(mask: np.ndarray, rle: list[int]) -> None:
    assert list(encode(mask, 0, 0, WIDTH, HEIGHT)) == rle
    left, top, pixels = decode(bytes(rle), WIDTH, HEIGHT)
    frame = np.zeros((HEIGHT, WIDTH), bool)
    frame[top : top + pixels.shape[0], left : left + pixels.shape[1]] = pixels
    assert np.array_equal(frame, decode_rle(rle).reshape(HEIGHT, WIDTH, 4)[..., 3] >= 128)


def main() -> None:
    for name, mask in masks().items():
        bytes_mask = np.where(mask, 255, 0).astype(np.uint8)
        rle = mask2rle(bytes_mask)
        check(mask, rle)
        what = f"{name}, {np.count_nonzero(np.diff(mask.ravel())) + 1} runs"
        report(
            what,
            "encode",
            median(lambda frame=bytes_mask: mask2rle(frame)),
            median(lambda frame=mask: list(encode(frame, 0, 0, WIDTH, HEIGHT))),
        )
        report(
            what,
            "decode",
            median(lambda code=rle: decode_rle(code)),
            median(lambda code=rle: decode(bytes(code), WIDTH, HEIGHT)),
        )


if __name__ == "__main__":
    main()
