"""Pictures drawn for tests, and files of them."""

import io
import random

from PIL import Image, ImageDraw, ImageFilter

SIZE = (900, 675)


def scene(seed: int) -> Image.Image:
    """A sky over a ground with things on it, as people photograph them; another for each seed."""
    dice = random.Random(seed)
    picture = Image.new("RGB", SIZE, tuple(dice.randrange(256) for _ in range(3)))
    draw = ImageDraw.Draw(picture)
    for y in range(0, SIZE[1] // 3, 3):
        draw.rectangle((0, y, SIZE[0], y + 3), fill=(100 + y // 8, 140 + y // 10, 220))
    for _ in range(30):
        x, y = dice.randrange(SIZE[0]), dice.randrange(SIZE[1] // 4, SIZE[1])
        box = (x, y, x + dice.randrange(40, 300), y + dice.randrange(40, 300))
        colour = tuple(dice.randrange(256) for _ in range(3))
        (draw.ellipse if dice.random() < 0.5 else draw.rectangle)(box, fill=colour)
    return picture.filter(ImageFilter.GaussianBlur(2))


FOUND = 0xC3A5_0F3C_96E1_7B2D


def jpeg(picture: Image.Image, quality: int = 85) -> bytes:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality)
    return file.getvalue()
