"""Whether an image has the size that its annotations were made for."""

from __future__ import annotations

from typing import NamedTuple

Size = tuple[int, int]
"""Width and height of an image as browsers display it, in pixels."""


class SizeDifference(NamedTuple):
    """An image of another size than ``original_width`` and ``original_height`` of its results.

    Attributes:
        recorded: the size that the results were made for
        actual: the size of the image
        kind: ``scaled``, ``turned`` (width and height are swapped) or ``other`` (another shape)
    """

    recorded: Size
    actual: Size
    kind: str

    @property
    def keeps_shapes(self) -> bool:
        """Whether relative coordinates still are where they were drawn."""
        return self.kind == "scaled"

    @property
    def keeps_masks(self) -> bool:
        """Whether masks, which have a pixel for each of the image, still fit; they never do."""
        return False

    def __str__(self) -> str:
        sizes = "it was annotated at {}x{}, but the image is {}x{}".format(*self.recorded, *self.actual)
        return f"{sizes}; {_REMEDIES[self.kind]}"


_REMEDIES = {
    "scaled": "boxes and points are relative and still fit, masks do not: bring the image that was annotated, or "
    "resize the masks",
    "turned": "one of them ignores the EXIF orientation, so that nothing is where it was drawn: bring the image as it "
    "was annotated",
    "other": "it is another image, or was cropped since: say which image it is, with match= or data_path=",
}


def compare_sizes(recorded: Size | None, actual: Size | None) -> SizeDifference | None:
    """How an image differs from the one that was annotated, or None where it does not, or nobody knows.

    Args:
        recorded: ``original_width`` and ``original_height`` of the results
        actual: the size of the sample's image
    """
    if recorded is None or actual is None or recorded == actual or 0 in (*recorded, *actual):
        return None
    if _is_scaled(recorded, actual):
        return SizeDifference(recorded, actual, "scaled")
    return SizeDifference(recorded, actual, "turned" if _is_scaled(recorded[::-1], actual) else "other")


def _is_scaled(size: Size, other: Size) -> bool:
    """Whether one size is the other one scaled, each side rounded to the next pixel, up or down."""
    small, large = sorted((size, other), key=lambda pair: pair[0] * pair[1])
    factors = [((own - 1) / side, (own + 1) / side) for side, own in zip(large, small)]
    return max(low for low, _ in factors) <= min(high for _, high in factors)
