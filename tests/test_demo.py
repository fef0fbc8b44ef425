"""The demo as a newcomer meets it: one command, a page in a real browser, and everything ended by Ctrl-C."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
import requests
from playwright.sync_api import Page, expect, sync_playwright
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from bot.services import free_port
from tests.stage import id_number

ROOT = Path(__file__).parent.parent
CHROMIUM = Path("/usr/bin/chromium")
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
        engine = create_engine(f"sqlite:///{self.folder / 'bangfu.db'}", poolclass=NullPool)
        with engine.connect() as connection:
            return connection.scalar(text(question))


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    folder = tmp_path_factory.mktemp("demo")
    port, simulator = free_port(), free_port()
    ports = {"PORT": str(port), "SIMULATOR_PORT": str(simulator), "DEMO_DIR": str(folder), "BANGFU_ENV": "demo"}
    process = subprocess.Popen(
        [sys.executable, "-m", "flask", "--app", "wsgi", "demo"],
        cwd=ROOT,
        env={**os.environ, **ports},
        stdout=subprocess.PIPE,
        text=True,
        process_group=0,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if "Ctrl-C" in line:
            break
    assert process.poll() is None, "the demo ended before it began"
    yield Demo(process, f"http://127.0.0.1:{simulator}/", f"http://127.0.0.1:{port}", folder)
    children = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 0
    process.stdout.close()
    assert not [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]


@pytest.fixture(params=SIZES, ids=str)
def page(request: pytest.FixtureRequest, demo: Demo) -> Iterator[Page]:
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
    return page.locator(".from.account .bubble:not(.typing)").all_inner_texts()


def expect_reply(page: Page, before: int, words: str) -> None:
    answer = page.locator(".from.account .bubble:not(.typing)").nth(before)
    expect(answer).to_contain_text(words, timeout=15_000)


def say(page: Page, typed: str, answered: str) -> None:
    """Type it, and see an answer with these words."""
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


def test_a_newcomer_pledges_with_what_the_page_tells_them(demo: Demo, page: Page) -> None:
    page.get_by_role("button", name="A new follower").click()
    expect_reply(page, 0, "帮扶通")
    tap(page, "我要帮", "看求助", "正在求助的")
    say(page, "1", "捐一点")
    say(page, "1", "注册")
    say(page, "1", "同意吗")
    say(page, "1", "您来这里是想")
    say(page, "2", "怎么称呼您")
    say(page, "新来的小陈", "确认")
    before = demo.ask("SELECT count(*) FROM pledges")
    say(page, "确认", "接着办")
    say(page, "1", "多少钱")
    say(page, "二十块", "¥20")
    say(page, "2", "先别急")
    say(page, "确认", "谢谢您")
    assert demo.ask("SELECT count(*) FROM pledges") == int(str(before)) + 1
    assert demo.ask("SELECT amount_fen FROM pledges ORDER BY id DESC LIMIT 1") == 2000


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


def wait_for(demo: Demo, page: Page, question: str) -> None:
    """Until the worker has done it."""
    for _ in range(100):
        if demo.ask(question):
            return
        page.wait_for_timeout(200)
    raise AssertionError(question)


def test_a_resident_asks_and_the_officer_who_did_not_visit_passes_it(demo: Demo, page: Page) -> None:
    viewport = page.viewport_size
    assert viewport is not None
    be(page, "何满秀")
    for typed, answered in (
        ("求助", "用一句话说"),
        ("修一个漏雨的菜棚", "哪一类"),
        ("6" if viewport["width"] > 500 else "5", "多少钱"),  # one open appeal of each kind
        ("三千六", "¥3,600"),
        ("薄膜 3600", "跟大家说说"),
        (STORY, "完成"),
        ("完成", "照片"),
    ):
        say(page, typed, answered)
    send_photo(page, "1")
    say(page, "完成", "哪里")
    send_place(page, MEIHUA, "哪一天")
    say(page, "两个月后", "都填好了")
    say(page, "确认", "号")
    number = demo.ask("SELECT max(id) FROM appeals")
    assert demo.ask("SELECT state FROM appeals ORDER BY id DESC LIMIT 1") == "submitted"

    be(page, "陶立秋")
    say(page, f"通过 {number}", "要换一个人看")
    be(page, "罗晓梅")
    say(page, "待办", "修一个漏雨的菜棚")
    say(page, f"看 {number}", "薄膜")
    say(page, f"通过 {number}", "您通过了")
    assert demo.ask("SELECT state FROM appeals ORDER BY id DESC LIMIT 1") == "funding"
    wait_for(demo, page, "SELECT state = 'kept' FROM photos ORDER BY id DESC LIMIT 1")
    path = str(demo.ask("SELECT path FROM photos ORDER BY id DESC LIMIT 1"))
    assert (demo.folder / "media" / path).read_bytes().startswith(b"\xff\xd8")


def test_a_newcomer_registers_and_an_officer_visits(demo: Demo, page: Page) -> None:
    serial = int(str(demo.ask("SELECT count(*) FROM users"))) + 500
    page.get_by_role("button", name="A new follower").click()
    expect_reply(page, 0, "帮扶通")
    for typed, answered in (
        ("注册", "同意吗"),
        ("1", "您来这里是想"),
        ("1", "同意我们"),
        ("1", "名字"),
        ("张小满", "身份证号"),
        (id_number(serial), "手机号"),
        ("13800000001", "您家在哪里"),
    ):
        say(page, typed, answered)
    send_place(page, MEIHUA, "都填好了")
    say(page, "确认", "注册好了")
    wait_for(demo, page, "SELECT state = 'registry_checked' FROM verifications ORDER BY id DESC LIMIT 1")
    say(page, "认证", "等信息员上门走访")
    number = demo.ask("SELECT max(id) FROM verifications")
    whose = "SELECT openid FROM staff JOIN tasks ON assignee = staff.id WHERE step = 'visit' ORDER BY tasks.id DESC"

    be(page, "罗晓梅" if "Luo" in str(demo.ask(whose)) else "陶立秋")
    say(page, "待办", f"认证 {number} 号")
    say(page, f"走访 {number}", "先拍他们家的照片")
    send_photo(page, "收到第 1 张")
    say(page, "完成", "发位置")
    send_place(page, MEIHUA, "几口人")
    for typed, answered in (
        ("4", "能干活"),
        ("2", "靠什么"),
        ("2", "多少钱"),
        ("1", "房子"),
        ("2", "病人"),
        ("2", "上学"),
        ("2", "您看到了什么"),
        ("三间土房，西屋漏雨，老伴有风湿，每月吃药。", "真的困难"),
        ("1", "请看一遍"),
        ("确认", "开始在村里公示"),
    ):
        say(page, typed, answered)
    assert demo.ask("SELECT state FROM verifications ORDER BY id DESC LIMIT 1") == "public_notice"
    notices = requests.get(f"{demo.bot}/notices/431124101000", timeout=5).text
    assert "张**" in notices
    assert "张小满" not in notices


def test_the_bot_is_ready(demo: Demo) -> None:
    assert requests.get(f"{demo.bot}/readyz", timeout=5).json() == {
        "database": "ok",
        "migrations": "ok",
        "redis": "ok",
        "notices": "ok",
    }


def test_a_second_demo_at_the_same_ports_says_so_and_starts_nothing(demo: Demo, tmp_path: Path) -> None:
    port, simulator = demo.bot.rsplit(":", 1)[1], demo.url.strip("/").rsplit(":", 1)[1]
    ports = {"PORT": port, "SIMULATOR_PORT": simulator, "DEMO_DIR": str(tmp_path / "second"), "BANGFU_ENV": "demo"}
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "demo"]
    ended = subprocess.run(command, cwd=ROOT, env={**os.environ, **ports}, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert f"port {port} is taken" in ended.stderr


def test_the_demo_touches_no_database_but_its_own(tmp_path: Path) -> None:
    real = f"sqlite:///{tmp_path / 'real.db'}"
    ours = {"DATABASE_URL": real, "DEMO_DIR": str(tmp_path / "demo"), "BANGFU_ENV": "demo"}
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "demo", "--seed-only"]
    subprocess.run(command, cwd=ROOT, env={**os.environ, **ours}, capture_output=True, check=True)
    assert (tmp_path / "demo" / "bangfu.db").exists()
    assert not (tmp_path / "real.db").exists()


def test_a_donor_pays_in_the_pay_sheet_and_the_owner_hears_of_it(demo: Demo, page: Page) -> None:
    """Cancelled the first time: the page takes it again, and it is one order."""
    people = {person["openid"]: person for person in json.loads((demo.folder / "people.json").read_text("utf-8"))}
    owners = ",".join(f"'{openid}'" for openid in people)
    asked = (
        "FROM appeals JOIN conversations ON conversations.user_id = appeals.owner_id WHERE state = 'funding' "
        f"AND kind = 'crowdfund' AND openid IN ({owners}) ORDER BY appeals.id LIMIT 1"
    )
    appeal, owner = demo.ask(f"SELECT appeals.id {asked}"), str(demo.ask(f"SELECT openid {asked}"))
    be(page, "林老师")
    say(page, f"捐 {appeal} 30", "留您的称呼")
    say(page, "1", "先别急")
    say(page, "确认", "还没有付钱")
    page.locator(".from.account .bubble a").last.click()
    inside = page.frame_locator("iframe")
    button = inside.get_by_role("button", name="付 ¥30")
    sheet = page.get_by_role("dialog", name="WeChat Pay")
    button.click(timeout=15_000)
    expect(sheet).to_be_visible(timeout=15_000)
    page.keyboard.press("Escape")
    expect(inside.get_by_text("没有付，钱没有动")).to_be_visible(timeout=15_000)
    button.click()
    expect(sheet).to_be_visible(timeout=15_000)
    page.keyboard.type("123456")
    sheet.get_by_role("button", name="Done").click(timeout=15_000)
    expect(inside.get_by_text("到账了，谢谢您！")).to_be_visible(timeout=30_000)
    gift = demo.ask("SELECT max(id) FROM pledges")
    assert demo.ask(f"SELECT state FROM pledges WHERE id = {gift}") == "committed"  # noqa: S608
    assert demo.ask(f"SELECT count(*) FROM pay_orders WHERE pledge_id = {gift}") == 1  # noqa: S608
    page.get_by_role("button", name="Close the page").or_(page.locator("#leave-page")).first.click()
    # Several gifts within hours are told in one.
    told = "FROM notices WHERE template = 'pledged' AND state IN ('sent', 'delivered') AND subject_id"
    wait_for(demo, page, f"SELECT count(*) {told} = {appeal}")
    be(page, people[owner]["name"])
    expect(page.get_by_text(re.compile("捐了 ¥|到账 .* 笔")).last).to_be_visible(timeout=15_000)
