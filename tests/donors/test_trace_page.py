"""The page of one gift and the page of the ledger: whom they answer, what goes with them, and how they look."""

import hashlib
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Request
from redis import Redis
from sqlalchemy import text
from sqlalchemy.event import listen
from sqlalchemy.orm import Session as Database

from bot.books.export import FILES, MANIFEST, export_ledger
from bot.simulator.serving import serving
from bot.web.caller import address_of
from bot.web.public.ledger import PAGE
from bot.web.public.trace import MOST_TRIES
from bot.web.qr import drawn
from models.ledger import LedgerTransaction, reverse
from models.public.ledger import appeals_with_money, newest_posted, overall
from tests.harness.money import gift_postings
from tests.harness.pages.examining import examining, in_a_browser
from tests.harness.simulator.browser import DESK, PHONE, chromium, needs_chromium, shoot
from tests.harness.stage import Stage
from tests.scenes.money import gifts
from tests.scenes.trace import GIFT, OTHER, SPENT, code_of, flat, page, received, secrets, walked, yuan

NOBODYS = "ZZZZ2345ZZ"
KEPT = "public, max-age=300"


@pytest.fixture
def stage(database_url: str, redis_flushed: str) -> Iterator[Stage]:
    stage = Stage(database_url, redis_url=redis_flushed)
    yield stage
    stage.close()


def export(stage: Stage, folder: Path) -> None:
    env = stage.app.extensions["bangfu"]["turns"].renderer.env
    export_ledger(stage.settings.database_url, folder, env, stage.clock())


def test_a_page_is_for_whoever_has_the_code_and_leaves_nothing_behind(stage: Stage) -> None:
    way = walked(stage)
    answer = stage.client.get(f"/trace/{way.code}")
    assert answer.headers["Cache-Control"] == "no-store"
    assert "noindex" in answer.headers["X-Robots-Tag"]
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "Set-Cookie" not in answer.headers
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script" not in policy
    assert "<script" not in answer.get_data(as_text=True)


def test_its_qr_code_is_its_own_address(stage: Stage) -> None:
    code = code_of(stage, gifts.give(stage, stage.open_appeal(), 100, "o-li"))
    shown = page(stage, f"/trace/{code}")
    assert str(drawn(f"http://127.0.0.1:8000/trace/{code}")) in shown
    assert f"http://127.0.0.1:8000/trace/{code}" in stage.say("o-x", f"查 {code}")


def test_a_code_has_one_address(stage: Stage) -> None:
    code = code_of(stage, gifts.give(stage, stage.open_appeal(), 100, "o-li"))
    for path in (f"/trace/{code.lower()}", f"/trace?code=%20{code[:5]}%20{code[5:].lower()}"):
        answer = stage.client.get(path)
        assert (answer.status_code, answer.headers["Location"]) == (302, f"/trace/{code}")
        assert "Set-Cookie" not in answer.headers
    assert 'action="/trace"' in page(stage, "/trace")
    assert "form-action 'self'" in stage.client.get("/trace").headers["Content-Security-Policy"]
    assert "看到的是“K7M2OABCDE”" in page(stage, "/trace/k7m2oabcde", 404)
    assert "里面不会有“O”" in page(stage, "/trace?code=k7m2oabcde", 400)
    for said in ("<script>", "%00", "%F0%9F%80%84" * 9, "a" * 9000, "..%2f..%2fetc"):
        assert stage.client.get(f"/trace/{said}").status_code == 404
        assert stage.client.get(f"/trace?code={said}").status_code == 400
        assert "<script" not in stage.client.get(f"/trace/{said}").get_data(as_text=True)


def test_who_tries_codes_is_told_the_same_each_time_and_then_to_come_back(stage: Stage) -> None:
    code = code_of(stage, gifts.give(stage, stage.open_appeal(), 100, "o-li"))
    first = page(stage, f"/trace/{NOBODYS}", 404)
    for _ in range(MOST_TRIES - 1):
        assert page(stage, f"/trace/{NOBODYS}", 404) == first
    for path in (f"/trace/{NOBODYS}", f"/trace/{code}"):
        assert "请过一个小时再查" in page(stage, path, 429)
    elsewhere = {"X-Forwarded-For": "8.8.4.4"}
    assert stage.client.get(f"/trace/{code}", headers=elsewhere).status_code == 200
    assert stage.client.get(f"/trace/{NOBODYS}", headers=elsewhere).status_code == 404


def test_nobody_is_held_back_while_redis_is_down_and_no_address_is_kept(stage: Stage, redis_url: str) -> None:
    page(stage, f"/trace/{NOBODYS}", 404)
    with Redis.from_url(redis_url) as redis:
        [key] = [key.decode() for key in redis.scan_iter("bangfu:tries:*")]
        assert "127.0.0.1" not in key
        assert 0 < redis.ttl(key) <= 3600
    stage.reopen(redis_url="redis://127.0.0.1:1/0")
    for _ in range(MOST_TRIES + 2):
        page(stage, f"/trace/{NOBODYS}", 404)


@pytest.mark.parametrize(
    ("peer", "named", "found"),
    [
        ("9.9.9.9", "8.8.8.8", "9.9.9.9"),
        ("127.0.0.1", "8.8.8.8", "8.8.8.8"),
        ("127.0.0.1", "10.9.9.9, 8.8.8.8", "8.8.8.8"),
        ("10.0.0.2", "8.8.8.8, nonsense", "10.0.0.2"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("2600:1:1:2:3::4", "", "2600:1:1:2::/64"),
        ("", "", ""),
    ],
)
def test_whose_request_it_is(peer: str, named: str, found: str) -> None:
    request = Request({"REMOTE_ADDR": peer, "HTTP_X_FORWARDED_FOR": named})
    assert address_of(request) == found


def test_the_ledger_page_says_what_there_is(stage: Stage) -> None:
    way = walked(stage)
    shown = flat(page(stage, "/ledger"))
    with Database(stage.database) as db:
        found = overall(db)
    assert f"{found.transactions}:{found.head}" in shown
    assert f"大家捐了 {yuan(GIFT + OTHER)}" in shown
    assert f"拨出去 {yuan(SPENT)}" in shown
    assert f"还在账上 {yuan(GIFT + OTHER - SPENT)}" in shown
    # The appeal's own sums, after those of all.
    assert f"退回 {yuan(0)} 拨出 {yuan(SPENT)}" in shown
    assert f"{way.appeal} 号“苗寨修路”" in shown
    assert "自己核对" not in shown
    assert stage.client.get(f"/ledger/{MANIFEST}").status_code == 404
    answer = stage.client.get("/ledger")
    assert answer.headers["Cache-Control"] == KEPT
    assert "Set-Cookie" not in answer.headers


def test_it_goes_on_where_the_last_page_ended(stage: Stage) -> None:
    numbers = [stage.open_appeal() for _ in range(PAGE + 2)]
    with Database(stage.database) as db, db.begin():
        for number in numbers:
            gift_postings.payment_received(db, number, 100 * number, f"order:{number}", stage.clock())
    first, last = page(stage, "/ledger"), page(stage, f"/ledger?before={numbers[2]}")
    assert [f"<h3>{number} 号" in first for number in numbers] == [False, False, *[True] * PAGE]
    assert f"/ledger?before={numbers[2]}" in first
    assert [f"<h3>{number} 号" in last for number in numbers] == [True, True, *[False] * PAGE]
    assert page(stage, "/ledger?before=x' OR 1=1") == first


def test_the_ledger_lists_its_entries_page_by_page(stage: Stage) -> None:
    """Each once, the newest first, whatever is posted between two pages; a reversal says what it takes back."""
    appeal, many = stage.open_appeal(), 2 * PAGE + 1

    def received(number: int) -> LedgerTransaction:
        with Database(stage.database, expire_on_commit=False) as db, db.begin():
            return gift_postings.payment_received(db, appeal, 100 + number, f"order:{number}", stage.clock())

    for number in range(1, many + 1):
        posted = received(number)
    with Database(stage.database) as db, db.begin():
        reverse(db, db.get_one(LedgerTransaction, posted.id), "order:0", stage.clock())
    assert f"记了 0 笔，到 2026年11月24日 10:00；还有 {many + 1} 笔刚到，马上封进链里" in flat(page(stage, "/ledger"))
    stage.seal()
    stage.app.extensions["bangfu"]["kept_pages"].clear()
    assert f"冲正：捐款到账，求助 {appeal} 号" in flat(page(stage, "/ledger"))
    assert f"冲的是第 {many} 笔" in flat(page(stage, "/ledger"))
    seen, path = [], "/ledger/entries"
    while path:
        shown = page(stage, path)
        seen += [int(number) for number in re.findall(r"<small>第 (\d+) 笔", shown)]
        path = next(iter(re.findall(r'href="(/ledger/entries\?before=\d+)" rel="next"', shown)), "")
        received(many + len(seen))
        stage.seal()
    assert seen == list(range(many + 1, 0, -1))
    assert page(stage, "/ledger/entries?before=x' OR 1=1") == page(stage, "/ledger/entries")
    assert stage.client.get("/ledger/entries").headers["Cache-Control"] == KEPT


@pytest.mark.planner
def test_what_the_page_asks_is_found_by_index(stage: Stage) -> None:
    walked(stage)
    statements: list[tuple[str, Any]] = []
    with Database(stage.database) as db:
        listen(db.connection(), "before_cursor_execute", lambda *args: statements.append((args[2], args[3])))
        overall(db)
        appeals_with_money(db, 99, 20)
        newest_posted(db, 99, 20)
        db.execute(text("SET LOCAL enable_seqscan = off"))  # of a few rows it would read them all
        for asked, values in list(statements):
            if any(table in asked for table in ("ledger_sums", "ledger_accounts", "ledger_links")):
                plan = db.connection().exec_driver_sql(f"EXPLAIN {asked}", values)
                lines = " ".join(str(part) for row in plan for part in row)
                assert "Seq Scan" not in lines, lines


def test_the_files_are_handed_out_and_nothing_else(stage: Stage, tmp_path: Path) -> None:
    walked(stage)
    export(stage, tmp_path)
    (tmp_path / "private.txt").write_text("x")
    stage.reopen(export_dir=str(tmp_path))
    shown = flat(page(stage, "/ledger"))
    assert "自己核对" in shown
    assert all(f'href="/ledger/{name}"' in page(stage, "/ledger") for name in FILES)
    for name in FILES:
        answer = stage.client.get(f"/ledger/{name}")
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == KEPT
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Disposition"].startswith("attachment")
        assert hashlib.sha256(answer.data).digest() == hashlib.sha256((tmp_path / name).read_bytes()).digest()
        again = stage.client.get(f"/ledger/{name}", headers={"If-None-Match": answer.headers["ETag"]})
        assert again.status_code == 304
        answer.close()
        again.close()
    for name in ("private.txt", ".lock", "..%2fmanifest.json", "nothing"):
        assert stage.client.get(f"/ledger/{name}").status_code == 404


def test_nobody_is_in_what_everybody_can_read(stage: Stage, tmp_path: Path) -> None:
    way = walked(stage)
    received(stage, way)
    export(stage, tmp_path)
    stage.reopen(export_dir=str(tmp_path))
    told = "".join((tmp_path / name).read_text(encoding="utf-8") for name in FILES)
    told += (
        page(stage, "/ledger")
        + page(stage, "/ledger/entries")
        + page(stage, "/trace")
        + page(stage, f"/trace/{way.code}")
    )
    told += page(stage, f"/trace/{NOBODYS}", 404)
    for secret in secrets(stage):
        assert secret not in told, secret
    files = "".join((tmp_path / name).read_text(encoding="utf-8") for name in FILES)
    assert way.code not in files
    assert way.other not in files


@needs_chromium
@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_they_read_well(new_database: Callable[[], str], tmp_path: Path, size: dict[str, int]) -> None:
    stage = Stage(new_database())
    way = walked(stage)
    stage.clock.move(timedelta(days=3))
    received(stage, way)
    export(stage, tmp_path)
    stage.reopen(export_dir=str(tmp_path))
    try:
        with serving(stage.app) as root, chromium() as browser:
            opened = browser.new_page(viewport={"width": size["width"], "height": size["height"]})
            opened.goto(f"{root}/trace")
            opened.fill("input", way.code.lower())
            opened.click("button")
            opened.locator(".receipt svg").wait_for()
            assert opened.url == f"{root}/trace/{way.code}"
            for name, path in (
                ("trace", f"/trace/{way.code}"),
                ("ledger", "/ledger"),
                ("ledger-entries", "/ledger/entries"),
                ("trace-search", "/trace/k7m2"),
            ):
                opened.goto(root + path)
                assert opened.evaluate("document.documentElement.scrollWidth") <= size["width"]
                assert opened.evaluate("parseFloat(getComputedStyle(document.body).fontSize)") >= 16
                shoot(opened, f"{name}-{size['width']}")
                opened.screenshot(path=tmp_path / f"{name}-{size['width']}.png", full_page=True)
            opened.goto(f"{root}/trace/{way.code}")
            opened.emulate_media(media="print")
            assert opened.locator(".screen").is_hidden()
            assert opened.locator(".receipt svg").is_visible()
            shoot(opened, f"trace-print-{size['width']}")
    finally:
        stage.close()


@in_a_browser
def test_the_pages_of_a_gift_and_of_the_ledger_are_for_everybody(stage: Stage, tmp_path: Path) -> None:
    way = walked(stage)
    received(stage, way)
    export(stage, tmp_path / "ledger")
    stage.reopen(export_dir=str(tmp_path / "ledger"))
    with examining(stage) as examine:
        examine(f"/trace/{way.code}", "donors/trace")
        examine("/trace", "donors/trace_search")
        examine("/trace/k7m2oabcde", "donors/trace_search", status=404, name="trace-unknown")
        examine("/ledger", "public/ledger")
        examine("/ledger/entries", "public/entries")
