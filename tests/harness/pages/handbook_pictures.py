"""Take the pictures of the handbook (docs/手册/图) from the demo: ``python -m tests.harness.pages.handbook_pictures``.

It starts a demo of its own, says on its page what stands below as the person named, and keeps the last thing said with
its answer, in few colours.
"""

from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image
from playwright.sync_api import FloatRect, Page

from tests.harness.processes.demo import NOW, ROOT, be, end_demo, say, start_demo
from tests.harness.simulator.browser import chromium

FOLDER = ROOT / "docs" / "手册" / "图"
PHONE = {"width": 400, "height": 1400}  # high, so that a long answer is whole
COLOURS, MARGIN = 32, 12
# Picture -> who is on the phone, what they type, and a word of the answer: one after another, until it shows it.
PICTURES: dict[str, tuple[tuple[str, str, str], ...]] = {
    "待办": (("罗晓梅", "待办", "等您办的"),),
    "求助": (("罗晓梅", "看 9", "照片"),),
    "代办": (("罗晓梅", "代办", "替别人办什么"),),
    "认证": (("沈静", "待办", "等您办的"), ("沈静", "1", "认证")),
    "取货点": (("张守田", "取货点", "等人来领"),),
    "备案": (("何志远", "待办", "等您办的"), ("何志远", "通过 8", "8 号"), ("江若溪", "看 8", "8 号")),
}


def take(page: Page, folder: Path) -> None:
    """Take every picture; ``page`` is the demo's."""
    for name, turns in PICTURES.items():
        for person, typed, answered in turns:
            be(page, person)
            say(page, typed, answered)
        page.wait_for_timeout(500)  # the bubble has slid into its place
        shot = Image.open(BytesIO(page.screenshot(animations="disabled", clip=_last_turn(page)))).convert("RGB")
        shot.quantize(COLOURS).save(folder / f"{name}.png", optimize=True)


def _last_turn(page: Page) -> FloatRect:
    """From what the person said last to the end of its answer."""
    said, answer = (page.locator(f".from.{whose}").last.bounding_box() for whose in ("person", "account"))
    assert said
    assert answer
    top = said["y"] - MARGIN
    height = answer["y"] + answer["height"] + MARGIN - top
    return {"x": 0, "y": top, "width": PHONE["width"], "height": height}


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as folder, chromium() as browser:
        demo = start_demo(Path(folder), NOW)
        try:
            page = browser.new_page(viewport={"width": PHONE["width"], "height": PHONE["height"]})
            page.goto(demo.url)
            take(page, FOLDER)
        finally:
            end_demo(demo)


if __name__ == "__main__":
    main()
