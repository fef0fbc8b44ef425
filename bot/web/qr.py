"""Draw QR codes, black on white: as inline SVG, which prints at any size, and as a picture that a phone recognises."""

import segno
from markupsafe import Markup


def drawn(url: str) -> Markup:
    made = segno.make(url, error="m", micro=False)
    return Markup(made.svg_inline(border=4, dark="#000", light="#fff", omitsize=True))  # noqa: S704 - only figures in it


def picture_address(url: str) -> str:
    """Return the code as the address of a PNG within the page; WeChat recognises a picture that is held, and no SVG."""
    return str(segno.make(url, error="m", micro=False).png_data_uri(scale=6, border=4))
