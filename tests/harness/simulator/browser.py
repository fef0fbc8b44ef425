"""The simulator's page in a real browser, for the tests of it."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect, sync_playwright

from bot.simulator.app import create_simulator
from bot.simulator.serving import serving
from bot.simulator.simulator import Simulator
from tests.harness.simulator.echo_bot import MENU, EchoBot, chatting

CHROMIUM = Path("/usr/bin/chromium")
DESK = {"width": 1280, "height": 800}
WIDE = {"width": 1600, "height": 900}
TABLET = {"width": 820, "height": 1180}
PHONE = {"width": 390, "height": 844}
SHOTS = Path(__file__).parents[2] / "screenshots"

needs_chromium = pytest.mark.browser
# Playwright's own five seconds are little for a browser, two servers and a database on one busy core.
expect.set_options(timeout=30_000)


@dataclass
class PageBot(EchoBot):
    """Has a web page as well, at /page."""

    html: str = ""

    def app(self) -> Flask:
        app = super().app()
        app.add_url_rule("/page", view_func=lambda: self.html)
        return app


def page_of(simulator: Simulator) -> str:
    return simulator.options.bot_url.removesuffix("/wechat") + "/page"


@contextmanager
def chromium() -> Iterator[Browser]:
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=str(CHROMIUM), args=arguments, timeout=120_000)
        yield launched
        launched.close()


@contextmanager
def opened(
    browser: Browser,
    bot: EchoBot,
    size: dict[str, int] = DESK,
    deadline: float = 5.0,
    expected: str = "",
    **changes: Any,
) -> Iterator[tuple[Page, Simulator]]:
    """The page over this bot. Whatever the browser complains about fails the test. ``changes`` of the options.

    ``expected``: the one complaint that the test is about, or nothing.
    """
    complaints: list[str] = []
    with ExitStack() as stack:
        simulator = stack.enter_context(chatting(bot, account_name="帮扶通", deadline=deadline, **changes))
        simulator.menus.create(MENU)
        url = stack.enter_context(serving(create_simulator(simulator.options, simulator)))
        page = browser.new_page(viewport={"width": size["width"], "height": size["height"]})
        stack.callback(page.close)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        page.goto(url)
        expect(page.locator("#crowd")).to_contain_text("秀英")
        yield page, simulator
    assert [complaint for complaint in complaints if not expected or expected not in complaint] == []


def pick(page: Page, name: str) -> None:
    page.locator("#crowd").get_by_text(name, exact=True).click()
    expect(page.locator("#menu")).to_be_visible()


def beside(page: Page, name: str) -> None:
    """Opens this person on a phone of their own."""
    row = page.locator("#crowd li").filter(has_text=name)
    row.hover()
    row.get_by_role("button", name="Open beside").click()
    expect(page.get_by_role("region", name=f"Chat: {name}")).to_be_visible()


def bubbles(page: Page, whose: str = "account") -> list[str]:
    return page.locator(f".from.{whose} .bubble:not(.typing)").all_inner_texts()


def shoot(page: Page, name: str, *, whole: bool = False) -> None:
    """For whoever wants to look; kept out of git. ``whole``: also what is below the window."""
    SHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SHOTS / f"page-{name}.png", animations="disabled", full_page=whole)
