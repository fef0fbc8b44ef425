"""The public page of notices: who is on it, what is not, how it is found, and how it looks on a phone."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text, update
from sqlalchemy.event import listen
from sqlalchemy.orm import Session as Database
from stdnum.cn import ric

from bot.simulator.serving import serving
from bot.web.public.public_notices import PAGE
from models.people.user import User
from models.verification.case import NOTICE_PERIOD, Verification
from models.verification.public_notice import list_notices, masked
from tests.harness.pages.examining import examining, in_a_browser
from tests.harness.simulator.browser import DESK, PHONE, chromium, needs_chromium, shoot
from tests.harness.stage import DAOXIAN_MEIHUA, Stage
from tests.scenes.cases import FINDINGS, OBJECTION, case, objected, person_of, registered, visited

DAOXIAN, QINGTANG, VILLAGE = "431124000000", "431124104000", "431124101201"


@pytest.fixture
def officer(stage: Stage) -> int:
    return stage.appoint("o-zhou", "village")


def page(stage: Stage, path: str, status: int = 200) -> str:
    answer = stage.client.get(path)
    assert answer.status_code == status
    return answer.get_data(as_text=True)


def on_notice(stage: Stage, officer: int, openid: str = "o-wang") -> int:
    number = registered(stage, openid)
    visited(stage, number, officer)
    return number


def call_them(stage: Stage, openid: str, **values: str) -> None:
    with Database(stage.database) as db, db.begin():
        user = db.get_one(User, person_of(stage, openid).id)
        for name, value in values.items():
            setattr(user, name, value)


def test_a_household_stands_there_with_a_surname_and_a_place(stage: Stage, officer: int) -> None:
    number = on_notice(stage, officer)
    for path in (f"/notices/{DAOXIAN}", f"/notices/{DAOXIAN_MEIHUA}"):
        shown = page(stage, path)
        assert f"公示 {number} 号：王**" in shown
        assert "脱贫户" in shown
        assert "2026年11月24日" in shown
        assert "2026年11月29日" in shown
        assert f"异议 {number}" in shown
    assert "梅花镇" in page(stage, f"/notices/{DAOXIAN}")
    assert "现在没有" in page(stage, f"/notices/{QINGTANG}")


def test_nothing_else_of_them_is_on_it(stage: Stage, officer: int) -> None:
    number = on_notice(stage, officer)
    objected(stage, number, "o-neighbour")
    assert case(stage, number).state == "adjudication"
    user = person_of(stage, "o-wang")
    shown = page(stage, f"/notices/{DAOXIAN_MEIHUA}") + stage.say("o-stranger", f"公示 {number}")
    assert "王**" in shown
    assert user.name
    assert user.id_number
    assert user.phone
    for secret in (user.name, user.name[1:], user.id_number, user.id_number[-4:], user.phone, FINDINGS, OBJECTION):
        assert secret not in shown
    for secret in ("25.53", "111.6", "提了", "N"):
        assert secret not in page(stage, f"/notices/{DAOXIAN_MEIHUA}").partition("<main>")[2]


def test_a_standing_that_could_tell_of_an_illness_is_not_named(stage: Stage, officer: int) -> None:
    number = on_notice(stage, officer)
    with Database(stage.database) as db, db.begin():
        db.execute(update(Verification).values(registry_status="一级精神残疾"))
    for shown in (page(stage, f"/notices/{DAOXIAN_MEIHUA}"), stage.say("o-stranger", f"公示 {number}")):
        assert "残疾" not in shown
        assert "名册上有" in shown


def test_a_minor_has_no_name_until_the_day_they_are_eighteen(stage: Stage, officer: int) -> None:
    number = on_notice(stage, officer)
    born = "43112420081126001"
    call_them(stage, "o-wang", id_number=born + ric.calc_check_digit(born + "0"))
    shown = page(stage, f"/notices/{DAOXIAN_MEIHUA}") + stage.say("o-stranger", f"公示 {number}")
    assert "未成年人" in shown
    assert "王*" not in shown
    stage.clock.move(timedelta(days=2))
    assert "王**" in page(stage, f"/notices/{DAOXIAN_MEIHUA}")


def test_what_people_are_called_is_escaped_and_what_does_not_open_takes_nothing_down(
    stage: Stage, officer: int
) -> None:
    on_notice(stage, officer)
    call_them(stage, "o-wang", name="<script>")
    other = on_notice(stage, officer, "o-li")
    with Database(stage.database) as db, db.begin():
        damaged = person_of(stage, "o-li").id
        db.execute(text("UPDATE users SET name = :bytes WHERE id = :id"), {"bytes": b"damaged", "id": damaged})
    shown = page(stage, f"/notices/{DAOXIAN_MEIHUA}")
    assert "<**" not in shown
    assert "&lt;**" in shown or "＜**" in shown
    assert f"公示 {other} 号" in shown


def test_it_ends_with_the_notice_whether_or_not_anybody_has_swept(stage: Stage, officer: int) -> None:
    number = on_notice(stage, officer)
    stage.clock.move(NOTICE_PERIOD - timedelta(seconds=1))
    assert f"公示 {number} 号" in page(stage, f"/notices/{DAOXIAN_MEIHUA}")
    stage.clock.move(timedelta(seconds=1))
    assert "现在没有" in page(stage, f"/notices/{DAOXIAN_MEIHUA}")


def test_pages_go_on_where_the_last_one_ended(stage: Stage, officer: int) -> None:
    numbers = [on_notice(stage, officer, f"o-p{serial}") for serial in range(PAGE + 3)]
    first = page(stage, f"/notices/{DAOXIAN}")
    assert f"?after={numbers[3]}" in first
    assert first.count("<h2>") == PAGE
    second = page(stage, f"/notices/{DAOXIAN}?after={numbers[3]}")
    assert [f"公示 {number} 号" in second for number in numbers[:4]] == [True, True, True, False]
    assert "after=" not in second
    assert page(stage, f"/notices/{DAOXIAN}?after=x' OR 1=1") == first


def test_the_place_is_found_by_its_name(stage: Stage) -> None:
    assert 'href="/notices/431124000000"' in page(stage, "/notices?q=道县")
    assert 'href="/notices/431124101000"' in page(stage, "/notices?q=道县梅花镇")
    assert "没找到" in page(stage, "/notices?q=没有的地方")
    assert "没找到" in page(stage, "/notices?q=湖南省")
    assert "&lt;script&gt;" in page(stage, "/notices?q=<script>") or "＜script" in page(stage, "/notices?q=<script>")
    assert "没找到" not in page(stage, "/notices")
    for code in ("430000000000", "431100000000", "999999000000", "43112410100", "../etc", "４３１１２４１０１０００"):
        page(stage, f"/notices/{code}", 404)


@pytest.mark.parametrize(
    "typed", ["a\0b", "\0", "道县\u200b", "\udcff", "%", "_" * 9000, "'; --", "\ufffe\x1b[2J", "🀄" * 99]
)
def test_nothing_that_a_stranger_puts_into_an_address_brings_a_page_down(stage: Stage, typed: str) -> None:
    sent = quote(typed.encode("utf-8", "surrogatepass"))
    assert stage.client.get(f"/notices?q={sent}").status_code == 200
    assert stage.client.get(f"/notices?{sent}=1").status_code == 200
    assert stage.client.get(f"/notices/{DAOXIAN}?after={sent}").status_code == 200
    for path in (f"/notices/{sent}", f"/pictures/{sent}", f"/picture/{sent}", f"/cards/{sent}"):
        assert stage.client.get(path).status_code in (403, 404), path


def test_it_is_kept_for_a_moment_searched_by_nobody_and_runs_nothing(stage: Stage, officer: int) -> None:
    on_notice(stage, officer)
    for path in ("/notices", f"/notices/{DAOXIAN}"):
        answer = stage.client.get(path)
        assert answer.headers["Cache-Control"] == "public, max-age=60"
        assert "noindex" in answer.headers["X-Robots-Tag"]
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "form-action 'self'" in policy
        assert "script" not in policy
        assert "<script" not in answer.get_data(as_text=True)
        assert "Set-Cookie" not in answer.headers


@pytest.mark.planner
def test_the_board_is_read_by_an_index(stage: Stage, officer: int) -> None:
    on_notice(stage, officer)
    statements: list[tuple[str, Any]] = []
    with Database(stage.database) as db:
        listen(db.connection(), "before_cursor_execute", lambda *args: statements.append((args[2], args[3])))
        list_notices(db, DAOXIAN, None, 5, stage.clock())
        asked, values = statements[-1]
        db.execute(text("SET LOCAL enable_seqscan = off"))  # of one row it would read it all
        plan = [" ".join(map(str, row)) for row in db.connection().exec_driver_sql(f"EXPLAIN {asked}", values)]
    assert any("Index Scan using ix_verifications_" in line for line in plan), plan


@given(st.text(min_size=1, max_size=20))
def test_a_masked_name_is_its_first_sign_and_one_or_two_stars(name: str) -> None:
    assert masked(name) in (f"{name[0]}*", f"{name[0]}**")
    assert masked(name) == masked(name + "") != name


def test_the_board_of_a_village_holds_no_neighbours(stage: Stage, officer: int) -> None:
    number = on_notice(stage, officer)
    with Database(stage.database) as db:
        now = stage.clock()
        assert [each.number for each in list_notices(db, DAOXIAN, None, 5, now).items] == [number]
        assert list_notices(db, "431124101201", None, 5, now).items == []
        assert list_notices(db, "430524000000", None, 5, now).items == []
        assert db.scalars(select(Verification.id)).all() == [number]


@needs_chromium
@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_it_reads_well(new_database: Callable[[], str], size: dict[str, int]) -> None:
    stage = Stage(new_database())
    officer = stage.appoint("o-zhou", "village")
    for serial in range(PAGE + 1):
        on_notice(stage, officer, f"o-p{serial}")
    try:
        with serving(stage.app) as root, chromium() as browser:
            opened = browser.new_page(viewport={"width": size["width"], "height": size["height"]})
            opened.goto(f"{root}/notices")
            opened.fill("input", "道县")
            opened.click("button")
            opened.locator("main li a").first.wait_for()
            assert opened.evaluate("document.documentElement.scrollWidth") <= size["width"]
            shoot(opened, f"notices-search-{size['width']}")
            opened.click("main li a")
            opened.locator("h2").nth(PAGE - 1).wait_for()
            assert opened.evaluate("document.documentElement.scrollWidth") <= size["width"]
            assert opened.evaluate("parseFloat(getComputedStyle(document.body).fontSize)") >= 16
            shoot(opened, f"notices-{size['width']}")
            opened.click("a[rel=next]")
            opened.wait_for_url("**after=**")
            assert opened.locator("h2").count() == 1
    finally:
        stage.close()


@in_a_browser
def test_the_board_is_for_everybody(stage: Stage, officer: int) -> None:
    for serial in range(PAGE + 1):
        on_notice(stage, officer, f"o-p{serial}")
    with examining(stage) as examine:
        examine("/notices?q=道县", "verification/public_notices_search", name="notices-found")
        examine("/notices/1", "verification/public_notices_search", status=404, name="notices-unknown")
        examine(f"/notices/{DAOXIAN}", "verification/public_notices")
