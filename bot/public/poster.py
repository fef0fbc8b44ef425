"""Draw an appeal's poster for a phone: a photo where there is one, title, how far it is, who vouched, and a code.

The font comes with a package, so that a poster looks the same on every machine. Its letters are those of the mainland
where the text is drawn with the language ``zh-CN``.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO

import segno
from cvttf_NotoSansCJK_Regular import get_TTF_path
from PIL import Image, ImageDraw, ImageFont, ImageOps

WIDTH = 1080
# WeChat takes images of up to 10 MB; a poster has some 300 kB.
QUALITY = 88
# The most that all texts together take; what is left is cut off.
_TALLEST = 2400
MARGIN = 72
_PHOTO_HEIGHT = 720
_BAND = 120
CODE_SIDE = 336
_GREEN, _INK, _SOFT, _PAPER, _LINE = "#067a43", "#1a1a1a", "#595959", "#ffffff", "#dcdcdc"
_TITLE, _SUM, _TEXT = 72, 52, 40
_TITLE_LINES, _TEXT_LINES = 3, 2
_BAR = 28
_ELLIPSIS = "\u2026"


@dataclass(frozen=True, slots=True)
class PosterWords:
    """What is written on a poster, each a text of its own that is broken into lines where it is too long.

    ``part``: how much of the target there is, from 0 to 1. ``scan``: what to do with the code, a line each.
    """

    brand: str
    title: str
    sums: str
    part: float
    facts: Sequence[str]
    scan: Sequence[str]


def draw_poster(words: PosterWords, address: str, photo: bytes | None = None) -> bytes:
    """Draw the poster and return it as a JPEG, 1080 wide and as tall as it needs to be.

    ``address``: what the code says; ``photo``: any image that Pillow reads.
    """
    poster = Image.new("RGB", (WIDTH, _TALLEST), _PAPER)
    pen = ImageDraw.Draw(poster)
    pen.rectangle((0, 0, WIDTH, _BAND), fill=_GREEN)
    _write(pen, (MARGIN, (_BAND - _TEXT) // 2 - 6), words.brand, _TEXT, _PAPER)
    down = _BAND
    if photo is not None:
        poster.paste(_fitted(photo), (0, down))
        down += _PHOTO_HEIGHT
    down = _paragraph(pen, down + 48, words.title, _TITLE, _INK, _TITLE_LINES, bold=True)
    down = _bar(pen, down + 32, words.part)
    down = _paragraph(pen, down + 20, words.sums, _SUM, _GREEN, _TEXT_LINES)
    for fact in words.facts:
        down = _paragraph(pen, down + 12, fact, _TEXT, _SOFT, _TEXT_LINES)
    down = _foot(poster, pen, down + 56, words.scan, address)
    kept = BytesIO()
    poster.crop((0, 0, WIDTH, down + MARGIN)).save(kept, "JPEG", quality=QUALITY, optimize=True)
    return kept.getvalue()


def _fitted(photo: bytes) -> Image.Image:
    """Cut the photo to the poster's width, upright as it was taken."""
    with Image.open(BytesIO(photo)) as opened:
        upright = ImageOps.exif_transpose(opened).convert("RGB")
    return ImageOps.fit(upright, (WIDTH, _PHOTO_HEIGHT))


def _bar(pen: ImageDraw.ImageDraw, top: int, part: float) -> int:
    """Draw how far it is; returns where the bar ends."""
    left, right = MARGIN, WIDTH - MARGIN
    pen.rounded_rectangle((left, top, right, top + _BAR), _BAR // 2, fill=_LINE)
    filled = round((right - left) * min(max(part, 0.0), 1.0))
    if filled:
        pen.rounded_rectangle((left, top, left + max(filled, _BAR), top + _BAR), _BAR // 2, fill=_GREEN)
    return top + _BAR


def _foot(poster: Image.Image, pen: ImageDraw.ImageDraw, top: int, scan: Sequence[str], address: str) -> int:
    """Draw a line, the code below it, and beside that what to do with it; returns where the code ends."""
    pen.line((MARGIN, top, WIDTH - MARGIN, top), fill=_LINE, width=3)
    top += 40
    poster.paste(draw_code(address), (MARGIN, top))
    left, down = MARGIN + CODE_SIDE + 48, top + 40
    for line in scan:
        for part in _broken(line, _TEXT, WIDTH - MARGIN - left, _TEXT_LINES):
            _write(pen, (left, down), part, _TEXT, _INK)
            down += round(_TEXT * 1.5)
    return top + CODE_SIDE


def draw_code(address: str) -> Image.Image:
    """Draw the code in a square of CODE_SIDE, white where it does not reach."""
    code, made = segno.make(address, error="m", micro=False), BytesIO()
    # Whole squares, as large as fit: no uneven ones for a camera to misread.
    code.save(made, kind="png", scale=max(1, CODE_SIDE // code.symbol_size(border=4)[0]), border=4)
    drawn = Image.new("RGB", (CODE_SIDE, CODE_SIDE), _PAPER)
    drawn.paste(Image.open(made).convert("RGB"))
    return drawn


def _paragraph(
    pen: ImageDraw.ImageDraw, top: int, text: str, size: int, colour: str, most: int, *, bold: bool = False
) -> int:
    """Write a text over the whole width in at most so many lines; returns where the last one ends."""
    for line in _broken(text, size, WIDTH - 2 * MARGIN, most):
        _write(pen, (MARGIN, top), line, size, colour, bold=bold)
        top += round(size * 1.4)
    return top


def _write(
    pen: ImageDraw.ImageDraw, at: tuple[int, int], text: str, size: int, colour: str, *, bold: bool = False
) -> None:
    # The package has one weight: a thin outline makes it a heavier one.
    outline = 1 if bold else 0
    pen.text(at, text, font=_font(size), fill=colour, language="zh-CN", stroke_width=outline, stroke_fill=colour)


def _broken(text: str, size: int, width: int, most: int) -> Iterator[str]:
    """Break a text into lines of this width, by letters as Chinese is; what does not fit ends in an ellipsis."""
    rest = " ".join(text.split())
    for number in range(1, most + 1):
        if not rest:
            return
        length = next((n for n in range(len(rest), 0, -1) if _font(size).getlength(rest[:n]) <= width), 1)
        if number == most and length < len(rest):
            yield rest[: max(length - 1, 0)] + _ELLIPSIS
            return
        yield rest[:length]
        rest = rest[length:].lstrip()


@lru_cache(maxsize=8)
def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(get_TTF_path(), size)
