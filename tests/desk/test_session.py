"""A session at the desk lives for an hour, in one browser, and ends with the seat."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session as Database

from bot.work.sweeps import apply_deadlines
from models.desk.session import KEPT, LASTS, DeskSession
from models.desk.sign_in import DeskSignIn
from models.staff.member import Staff
from models.staff.suspension import restore, revoke, suspend
from tests.harness.stage import Stage
from tests.scenes.desk import OFFICER, Browser, sessions, signed_in
from tests.scenes.seat import SEAT


@pytest.fixture
def officer(stage: Stage) -> int:
    stage.appoint("o-county", "county", SEAT["county"], work_no="DX0001")
    return stage.appoint(OFFICER, "township", work_no="DX0002")


def test_it_ends_after_an_hour(stage: Stage, officer: int) -> None:
    browser = signed_in(stage)
    stage.clock.move(LASTS - timedelta(seconds=1))
    assert browser.is_in()
    stage.clock.move(timedelta(seconds=1))
    assert not browser.is_in()
    assert browser.get("/desk/figures").status_code == 403


def test_who_leaves_is_out(stage: Stage, officer: int) -> None:
    browser = signed_in(stage)
    token = browser.cookie()
    assert browser.post("/desk/out").status_code == 303
    assert not browser.is_in()
    browser.client.set_cookie("bangfu_desk", token)
    assert not browser.is_in()
    assert sessions(stage) == [("digits", "signed_out")]


def test_the_chat_ends_it(stage: Stage, officer: int) -> None:
    browser = signed_in(stage)
    assert "都退出了" in stage.say(OFFICER, "退出电脑")
    assert not browser.is_in()
    assert "不用退出" in stage.say(OFFICER, "退出电脑")


@pytest.mark.parametrize("act", [suspend, revoke])
def test_it_ends_with_the_seat_and_does_not_come_back(stage: Stage, officer: int, act: Callable[..., Any]) -> None:
    browser = signed_in(stage)
    with Database(stage.database) as db, db.begin():
        county = db.scalars(select(Staff).where(Staff.work_no == "DX0001")).one()
        act(db, county, "DX0002", "left", stage.clock())
    assert not browser.is_in()
    assert sessions(stage) == [("digits", "seat")]
    if act is suspend:
        with Database(stage.database) as db, db.begin():
            county = db.scalars(select(Staff).where(Staff.work_no == "DX0001")).one()
            restore(db, county, "DX0002", stage.clock())
        assert not browser.is_in()


@pytest.mark.parametrize(
    "lost", [{"state": "suspended"}, {"active_until": "now"}, {"openid": "o-somebody-else"}, {"role": "keeper"}]
)
def test_it_ends_at_once_whatever_happens_to_the_seat(stage: Stage, officer: int, lost: dict[str, str]) -> None:
    """Even where nothing says so to the session: the seat is looked at each time."""
    browser = signed_in(stage)
    values = {name: stage.clock() if value == "now" else value for name, value in lost.items()}
    with Database(stage.database) as db, db.begin():
        db.execute(update(Staff).where(Staff.id == officer).values(**values))
    assert not browser.is_in()
    assert browser.get("/desk/figures").status_code == 403


def test_no_token_is_stored(stage: Stage, officer: int) -> None:
    browser = signed_in(stage)
    with Database(stage.database) as db:
        [session] = db.scalars(select(DeskSession))
        [sign_in] = db.scalars(select(DeskSignIn))
        stored = str({**vars(session), **vars(sign_in)})
    assert browser.cookie() not in stored
    assert OFFICER not in stored


def test_the_cookies_are_for_this_site_alone_and_no_script(stage: Stage, officer: int) -> None:
    stage.reopen(public_url="https://bangfu.example.cn")
    browser = Browser(stage)
    answer = browser.get()
    [cookie] = answer.headers.getlist("Set-Cookie")
    assert cookie.startswith("__Host-bangfu_desk_code=")
    for word in ("Secure", "HttpOnly", "SameSite=Strict", "Path=/"):
        assert word in cookie
    assert "Domain" not in cookie
    browser.headers["X-Forwarded-Proto"] = "http"
    assert browser.get().status_code == 403


def test_what_is_over_is_deleted(stage: Stage, officer: int) -> None:
    signed_in(stage)
    stage.clock.move(KEPT)
    apply_deadlines(stage.database, stage.clock())
    assert len(sessions(stage)) == 1
    stage.clock.move(LASTS)
    apply_deadlines(stage.database, stage.clock())
    assert sessions(stage) == []
    with Database(stage.database) as db:
        assert db.scalars(select(DeskSignIn)).all() == []
