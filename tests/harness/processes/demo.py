"""A demo of one's own, and a person at its page in a browser."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Page, expect, sync_playwright
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from bot.processes.supervisor import free_port
from config.embedded import url_in
from tests.harness.processes.programs import is_alive, wait_until

ROOT = Path(__file__).parents[3]
CHROMIUM = Path("/usr/bin/chromium")
REPLIES = ".from.account .bubble:not(.typing)"
SIZES = {"desktop": (1280, 800), "phone": (390, 844)}
MEIHUA = "湖南省永州市道县梅花镇"
STORY = "我家种两亩菜，棚顶去年被雪压塌了，下雨就漏。修好了，冬天也有菜卖，孩子的学费就不愁了，明年还能教邻居一起种。"


@dataclass
class Demo:
    process: subprocess.Popen[str]
    url: str
    bot: str
    folder: Path

    def ask(self, question: str) -> object:
        """One value from the demo's database."""
        engine = create_engine(url_in(self.folder / "postgres"), poolclass=NullPool)
        with engine.connect() as connection:
            return connection.scalar(text(question))


# Begins at the true time, with the small world alone: what these tests move and ask the database counts from today.
NOW = "--days-ahead=0"


def start_demo(folder: Path, *arguments: str) -> Demo:
    """A demo with its data in this folder, once its page can be opened; ``arguments`` of the command."""
    port, simulator = free_port(), free_port()
    ports = {"PORT": str(port), "SIMULATOR_PORT": str(simulator), "DEMO_DIR": str(folder), "BANGFU_ENV": "demo"}
    process = subprocess.Popen(
        [sys.executable, "-m", "flask", "--app", "wsgi", "demo", *arguments],
        cwd=ROOT,
        env={**os.environ, **ports},
        stdout=subprocess.PIPE,
        text=True,
        process_group=0,
    )
    assert process.stdout is not None
    if not any("Ctrl-C" in line for line in process.stdout):
        process.stdout.close()
        raise AssertionError(f"the demo ended before it began, with {process.wait(60)}")
    return Demo(process, f"http://127.0.0.1:{simulator}/", f"http://127.0.0.1:{port}", folder)


@pytest.fixture(name="demo", scope="module")
def demonstrated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    demo = start_demo(tmp_path_factory.mktemp("demo"), NOW)
    yield demo
    end_demo(demo)


def end_demo(demo: Demo) -> None:
    """By Ctrl-C, which leaves no process behind."""
    process = demo.process
    assert process.stdout is not None
    children = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGINT)
    assert process.wait(180) == 0
    process.stdout.close()
    assert wait_until(lambda: not [child for child in children if child.is_running() and is_alive(child.pid)])


@pytest.fixture(name="page", params=SIZES, ids=str)
def opened(request: pytest.FixtureRequest, demo: Demo) -> Iterator[Page]:
    if not CHROMIUM.exists():
        pytest.skip("needs Debian's chromium package")
    width, height = SIZES[request.param]
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=arguments)
        page = browser.new_page(viewport={"width": width, "height": height})
        page.goto(demo.url)
        yield page
        shots = ROOT / "tests" / "screenshots"
        shots.mkdir(exist_ok=True)
        page.screenshot(animations="disabled", path=shots / f"demo-{request.node.name}.png")
        browser.close()


def replies(page: Page) -> list[str]:
    return page.locator(REPLIES).all_inner_texts()


def expect_reply(page: Page, before: int, words: str) -> None:
    """One of the replies after the first ``before`` has these words: a notification may come in between."""
    earlier = sum(words in reply for reply in replies(page)[:before])
    expect(page.locator(REPLIES).filter(has_text=words).nth(earlier)).to_be_visible(timeout=60_000)


def say(page: Page, typed: str, answered: str) -> None:
    """Type it, and see an answer with these words."""
    # The menu comes, and puts the keyboard away.
    expect(page.locator("#strip")).not_to_have_attribute("aria-busy", "true")
    keyboard = page.get_by_role("button", name="Show the keyboard")
    keyboard.or_(page.get_by_label("Write a message")).locator("visible=true").first.wait_for()
    if keyboard.is_visible():
        keyboard.click()
    before = len(replies(page))
    page.get_by_label("Write a message").fill(typed)
    page.get_by_label("Write a message").press("Enter")
    expect_reply(page, before, answered)


def tap(page: Page, button: str, entry: str, answered: str) -> None:
    before = len(replies(page))
    page.locator("#menu").get_by_role("button", name=button).click()
    page.locator("#menu").get_by_role("button", name=entry, exact=True).click()
    expect_reply(page, before, answered)


def be(page: Page, name: str) -> None:
    back = page.get_by_role("button", name="Back to people")
    if back.is_visible():
        back.click()
    page.locator("#crowd li").filter(has_text=name).first.click()
    expect(page.locator("#who")).to_contain_text(name)
    page.locator("#strip").wait_for()


def send_photo(page: Page, answered: str) -> None:
    before = len(replies(page))
    page.get_by_role("button", name="More").click()
    page.get_by_role("button", name="Photo").click()
    page.locator("#scenes").get_by_role("button", name="Greenhouse").click()
    expect_reply(page, before, answered)


def send_place(page: Page, label: str, answered: str) -> None:
    before = len(replies(page))
    page.get_by_role("button", name="More").click()
    page.get_by_role("button", name="Place").click()
    page.get_by_label("Label").fill(label)
    page.get_by_label("Label").press("Enter")
    expect_reply(page, before, answered)


def speak(page: Page, words: str, answered: str) -> None:
    before = len(replies(page))
    expect(page.locator("#strip")).not_to_have_attribute("aria-busy", "true")
    more = page.get_by_role("button", name="More")
    keyboard = page.get_by_role("button", name="Show the keyboard")
    keyboard.or_(more).locator("visible=true").first.wait_for()
    if keyboard.is_visible():
        keyboard.click()
    more.click()
    page.get_by_role("button", name="Voice").click()
    page.get_by_label("What is said").fill(words)
    page.get_by_label("What is said").press("Enter")
    expect_reply(page, before, answered)


def pay(page: Page) -> None:
    """In the sheet that is open, until the page has heard that it came."""
    page.keyboard.type("123456")
    page.get_by_role("dialog", name="WeChat Pay").get_by_role("button", name="Done").click(timeout=60_000)
    expect(page.frame_locator("iframe").get_by_text("到账了，谢谢您！")).to_be_visible(timeout=30_000)


def leave(page: Page) -> None:
    page.get_by_role("button", name="Close the page").or_(page.locator("#leave-page")).first.click()


def wait_for(demo: Demo, page: Page, question: str) -> None:
    """Until the worker has done it."""
    for _ in range(600):
        if demo.ask(question):
            return
        page.wait_for_timeout(200)
    raise AssertionError(question)
