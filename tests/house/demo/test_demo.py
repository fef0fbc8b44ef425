"""The demo as a newcomer meets it: one command, a page in a real browser, and everything ended by Ctrl-C."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import requests
from playwright.sync_api import Page
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from bot.app import create_app
from bot.processes.postgres import EmbeddedPostgres
from tests.harness.processes.demo import (  # noqa: F401
    CHROMIUM,
    MEIHUA,
    ROOT,
    SIZES,
    STORY,
    Demo,
    be,
    demonstrated,
    expect_reply,
    opened,
    replies,
    say,
    send_photo,
    send_place,
    speak,
    start_demo,
    tap,
    wait_for,
)
from tests.harness.processes.programs import is_alive, wait_until
from tests.harness.stage import Stage, id_number, settings_for
from tests.scenes.money.charities import remove_charities


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
    assert not (demo.folder / "media" / path).read_bytes().startswith(b"\xff\xd8")


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
    notices = requests.get(f"{demo.bot}/notices/431124101000", timeout=60).text
    assert "张**" in notices
    assert "张小满" not in notices


def test_a_newcomer_who_does_not_read_speaks(demo: Demo, page: Page) -> None:
    page.get_by_role("button", name="A new follower").click()
    expect_reply(page, 0, "帮扶通")
    speak(page, "看求助", "同意吗")
    say(page, "1", "我听到的是")
    page.locator("#talk").get_by_role("button", name="1 对").last.click()
    expect_reply(page, 0, "正在求助的")
    wait_for(demo, page, "SELECT count(*) = 0 FROM voices")


def test_the_bot_is_ready(demo: Demo) -> None:
    """And has sent what the data set owes, in a moment."""
    ready = {"database": "ok", "migrations": "ok", "redis": "ok", "notices": "ok", "chains": "ok"}
    assert wait_until(lambda: requests.get(f"{demo.bot}/readyz", timeout=60).json() == ready, patience=180)


def test_a_second_demo_at_the_same_ports_says_so_and_starts_nothing(demo: Demo, tmp_path: Path) -> None:
    port, simulator = demo.bot.rsplit(":", 1)[1], demo.url.strip("/").rsplit(":", 1)[1]
    ports = {"PORT": port, "SIMULATOR_PORT": simulator, "DEMO_DIR": str(tmp_path / "second"), "BANGFU_ENV": "demo"}
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "demo"]
    ended = subprocess.run(command, cwd=ROOT, env={**os.environ, **ports}, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert f"port {port} is taken" in ended.stderr


@pytest.mark.chaos
def test_a_demo_whose_postgresql_dies_says_so_and_ends(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    process = start_demo(tmp_path).process
    family = psutil.Process(process.pid).children(recursive=True)
    try:
        os.kill(int((tmp_path / "postgres" / "data" / "postmaster.pid").read_text().splitlines()[0]), signal.SIGKILL)
        assert process.wait(60) == 128 + signal.SIGKILL
    finally:
        process.kill()
        process.communicate()
    assert "postgres" in next(line for line in capfd.readouterr().err.splitlines() if "process_ended" in line)
    assert wait_until(lambda: not [each for each in family if is_alive(each.pid)])


@pytest.mark.slow
def test_the_seed_fills_its_own_database_whatever_a_dotenv_names(tmp_path: Path, database_url: str) -> None:
    (tmp_path / ".env").write_text(f"DATABASE_URL={database_url}\n", encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    ours = {"DEMO_DIR": str(tmp_path / "demo"), "BANGFU_ENV": "demo", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "demo", "--seed-only"]
    subprocess.run(command, cwd=tmp_path, env={**environment, **ours}, capture_output=True, check=True)
    assert people_in(database_url) == 0
    with EmbeddedPostgres(tmp_path / "demo" / "postgres") as server:
        assert people_in(server.url) > 20


@pytest.mark.slow  # a process that fills in the whole data set
def test_the_seed_fills_the_database_that_the_environment_names(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    remove_charities(database_url)
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("DEMO_DIR", str(tmp_path))
    settings = settings_for(database_url).model_copy(update={"media_dir": str(tmp_path / "pictures")})
    app = create_app(settings)
    for _ in range(2):
        filled = app.test_cli_runner().invoke(args=["demo", "--seed-only"])
        assert (filled.exit_code, filled.output) == (0, "The data set is in the database that DATABASE_URL names.\n")
    count = people_in(database_url)
    assert count > 20
    assert app.test_cli_runner().invoke(args=["check-books"]).exit_code == 0
    assert any((tmp_path / "pictures").rglob("*.jpg.sealed"))
    assert not (tmp_path / "postgres").exists()
    stage = Stage(database_url)
    stage.person("oStranger")
    stage.close()
    refused = app.test_cli_runner().invoke(args=["demo", "--seed-only"])
    assert refused.exit_code == 1
    assert "1 conversations; nothing was filled in" in refused.output
    app.extensions["bangfu"]["turns"].database.dispose()


def people_in(url: str) -> int:
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        return int(connection.scalar(text("SELECT count(*) FROM users")) or 0)
