"""A picture of photographs with their labels."""

from __future__ import annotations

import io
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from examples.demo.changes import LabelKey, Labels
from examples.demo.photographs import CLASSES

_COLORS = dict(zip(CLASSES, ("#ff80ab", "#4dd0e1", "#aeea00", "#ffeb3b", "#40c4ff")))
_CELL_WIDTH = 400
_GAP = 12
_CAPTION_HEIGHT = 30
_FONT_SIZE = 15
_TAG_FONT_SIZE = 11
_THIN, _THICK = 1, 4
_DASH = 8
_PAPER, _INK, _FAINT_INK, _CHANGED_INK = "white", "#1a1a1a", "#8a8a8a", "#c62828"
_LEGEND = "thick or red: changed; dashed: deleted"


def draw(
    paths: Iterable[str | Path],
    panels: Mapping[str, Labels],
    changed: Collection[LabelKey] = (),
    columns: int = 2,
) -> Image.Image:
    """Draws photographs with their labels, once for each panel, side by side.

    Args:
        paths: the photographs
        panels: title of the panel -> labels to draw
        changed: labels to draw thick; and dashed, if the last panel has them no more
        columns: photographs in a row
    """
    last = [*panels.values()][-1]
    gone = {key for key in changed if key not in last}
    groups = [[_cell(Path(path), title, labels, changed, gone) for title, labels in panels.items()] for path in paths]
    rows = [groups[start : start + columns] for start in range(0, len(groups), columns)]
    heights = [max(cell.height for group in row for cell in group) for row in rows]
    group_width = len(panels) * (_CELL_WIDTH + _GAP) + _GAP
    legend_height = _CAPTION_HEIGHT if changed else 0
    size = (min(columns, len(groups)) * group_width, sum(heights) + _GAP * len(rows) + legend_height)
    sheet = Image.new("RGB", size, _PAPER)
    top = 0
    for row, height in zip(rows, heights):
        for column, group in enumerate(row):
            for number, cell in enumerate(group):
                sheet.paste(cell, (_GAP + column * group_width + number * (_CELL_WIDTH + _GAP), top))
        top += height + _GAP
    if changed:
        font = ImageFont.load_default(_FONT_SIZE)
        ImageDraw.Draw(sheet).text((_GAP, top + legend_height // 2 - _GAP // 2), _LEGEND, _FAINT_INK, font, anchor="lm")
    return sheet


def to_jpeg(picture: Image.Image) -> bytes:
    """A picture as the bytes of a small JPEG file, for a notebook."""
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=80)
    return stream.getvalue()


def _cell(
    path: Path, title: str, labels: Labels, changed: Collection[LabelKey], gone: Collection[LabelKey]
) -> Image.Image:
    with Image.open(path) as opened:
        photograph = opened.convert("RGB")
    height = round(photograph.height * _CELL_WIDTH / photograph.width)
    photograph = photograph.resize((_CELL_WIDTH, height), Image.Resampling.LANCZOS)
    pen = ImageDraw.Draw(photograph)
    said = []
    for key, state in labels.items():
        if key.sample != path.name:
            continue
        if state.box is None:
            said.append((state.label, _CHANGED_INK if key in changed else _INK))
        else:
            x, y, w, h = (value * side for value, side in zip(state.box, photograph.size * 2))
            thickness = _THICK if key in changed else _THIN
            _draw_box(pen, (x, y, x + w, y + h), state.label, thickness, dashed=key in gone)
    cell = Image.new("RGB", (_CELL_WIDTH, _CAPTION_HEIGHT + height), _PAPER)
    cell.paste(photograph, (0, _CAPTION_HEIGHT))
    font = ImageFont.load_default(_FONT_SIZE)
    captions = ImageDraw.Draw(cell)
    middle = _CAPTION_HEIGHT // 2
    left = 0.0
    for text, ink in ((path.stem, _FAINT_INK), *said):
        captions.text((left, middle), text, ink, font, anchor="lm")
        left += font.getlength(text) + _GAP
    captions.text((_CELL_WIDTH, middle), title, _FAINT_INK, font, anchor="rm")
    return cell


def _draw_box(
    pen: ImageDraw.ImageDraw, corners: tuple[float, float, float, float], label: str, thickness: int, dashed: bool
) -> None:
    color = _COLORS.get(label, _PAPER)
    left, top, right, bottom = corners
    if dashed:
        for y in (top, bottom):
            _dash(pen, (left, y), (right, y), color, thickness)
        for x in (left, right):
            _dash(pen, (x, top), (x, bottom), color, thickness)
    else:
        pen.rectangle(corners, outline=color, width=thickness)
    font = ImageFont.load_default(_TAG_FONT_SIZE)
    _, _, text_width, text_height = font.getbbox(label)
    tag_top = max(top - text_height - 3, 0)
    pen.rectangle((left, tag_top, left + text_width + 4, tag_top + text_height + 3), fill=color)
    pen.text((left + 2, tag_top + 1), label, _INK, font)


def _dash(
    pen: ImageDraw.ImageDraw, start: tuple[float, float], end: tuple[float, float], color: str, thickness: int
) -> None:
    length = max(abs(end[0] - start[0]), abs(end[1] - start[1]))
    for offset in range(0, int(length), 2 * _DASH):
        share, until = offset / length, min((offset + _DASH) / length, 1)
        pen.line(
            [(start[0] + (end[0] - start[0]) * at, start[1] + (end[1] - start[1]) * at) for at in (share, until)],
            color,
            thickness,
        )
