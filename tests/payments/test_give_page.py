"""The page at which a follower gives from an appeal's page: who may, what becomes of it, and what it says else."""

import re
from collections.abc import Callable, Iterator

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from bot.web.payments.give import LARGEST_GIFT
from models.core.money import LARGEST, SMALLEST_PLEDGE
from models.giving.pledge import Pledge
from models.payments.gift_by_page import MOST_UNPAID, read_yuan
from tests.harness.money.merchant import PIN
from tests.harness.money.paid_stage import DONOR, OTHER, Collecting, collecting
from tests.harness.pages.examining import examining, in_a_browser
from tests.scenes.money.gifts import donor_of
from tests.scenes.pages import agreed, read


@pytest.fixture
def stage(new_database: Callable[[], str], redis_url: str) -> Iterator[Collecting]:
    with collecting(new_database(), redis_url) as stage:
        yield stage


def _follow(stage: Collecting, openid: str) -> None:
    """Somebody who follows and has not registered."""
    stage.simulator.follow(openid)


def _open(stage: Collecting, openid: str, appeal: int) -> tuple[requests.Session, str]:
    browser = stage.visit(openid)
    return browser, browser.get(f"{stage.bot_url}/give/{appeal}", timeout=60).text


def _send(stage: Collecting, browser: requests.Session, appeal: int, page: str, **form: str) -> requests.Response:
    once = re.search(r'name="once" value="([^"]+)"', page)
    given = {"once": once[1] if once else "", "amount": "10", "name": "yes"} | form
    return browser.post(f"{stage.bot_url}/give/{appeal}", data=given, timeout=10, allow_redirects=False)


def _gifts(stage: Collecting) -> list[Pledge]:
    with Database(stage.database, expire_on_commit=False) as db:
        return list(db.scalars(select(Pledge).order_by(Pledge.id)))


def test_from_the_appeals_page_a_follower_gives_and_pays(stage: Collecting) -> None:
    appeal = agreed(stage, stage.open_appeal())
    donor_of(stage, DONOR)
    assert f'href="/give/{appeal}"' in read(stage, appeal).text
    browser, page = _open(stage, DONOR, appeal)
    assert "苗寨修路" in page
    sent = _send(stage, browser, appeal, page, other="20.5", name="no")
    assert sent.status_code == 303
    [gift] = _gifts(stage)
    assert (gift.amount_fen, gift.anonymous, gift.state, gift.appeal_id) == (2_050, True, "awaiting_payment", appeal)
    link = sent.headers["Location"]
    assert "¥20.50" in browser.get(link, timeout=60).text
    sheet = stage.order(browser, link)["sheet"]
    stage.simulator.pay.pay(DONOR, sheet["package"].removeprefix("prepay_id="), PIN)
    assert stage.hear(browser, link) == "paid"


def test_a_form_that_is_sent_twice_is_one_gift(stage: Collecting) -> None:
    appeal = stage.open_appeal()
    donor_of(stage, DONOR)
    browser, page = _open(stage, DONOR, appeal)
    # Nor is a second form with the same choice another one, while the first waits.
    for sent in (page, page, _open(stage, DONOR, appeal)[1]):
        assert _send(stage, browser, appeal, sent).status_code == 303
    assert len(_gifts(stage)) == 1


def test_who_has_not_registered_is_told_what_to_say_and_who_does_not_follow_how_to(stage: Collecting) -> None:
    appeal = stage.open_appeal()
    _follow(stage, OTHER)
    _, page = _open(stage, OTHER, appeal)
    assert "先在公众号里登记" in page
    assert f"捐 {appeal}" in page
    assert "<form" not in page
    stage.simulator.unfollow(OTHER)
    _, page = _open(stage, OTHER, appeal)
    assert "要先关注公众号" in page
    assert _gifts(stage) == []


def test_what_cannot_be_given_is_said_and_changes_nothing(stage: Collecting) -> None:
    appeal = stage.open_appeal()
    donor_of(stage, DONOR)
    browser, page = _open(stage, DONOR, appeal)
    for other in ("0", "0.5", "-3", "1.234", "一百", "9" * 13, "1e9"):
        answer = _send(stage, browser, appeal, page, other=other)
        assert (answer.status_code, "没看懂捐多少" in answer.text) == (400, True), other
    over = _send(stage, browser, appeal, page, other="5001")
    assert over.status_code == 409
    assert "只差 ¥5,000 了" in over.text
    assert "没有 999 号求助" in _open(stage, DONOR, 999)[1]
    assert browser.get(f"{stage.bot_url}/give/x", timeout=60).status_code == 404
    assert _gifts(stage) == []


def test_ones_own_household_gets_no_form(stage: Collecting) -> None:
    appeal = stage.open_appeal()
    browser, _ = _open(stage, "o-owner-0", appeal)
    page = browser.get(f"{stage.bot_url}/give/{appeal}", timeout=60).text
    assert "<form" not in page


def test_abuse_a_form_of_another_or_of_nobody_is_no_gift(stage: Collecting) -> None:
    appeal = stage.open_appeal()
    for openid in (DONOR, OTHER):
        donor_of(stage, openid)
    browser, page = _open(stage, DONOR, appeal)
    theirs, _ = _open(stage, OTHER, appeal)
    assert _send(stage, theirs, appeal, page).status_code == 403, "made for another person"
    assert _send(stage, browser, appeal + 1, page).status_code == 403, "made for another appeal"
    assert _send(stage, requests.Session(), appeal, page).status_code == 403, "nobody"
    assert _send(stage, browser, appeal, page, once="forged").status_code == 403
    assert browser.post(f"{stage.bot_url}/give/{appeal}", data="a" * (LARGEST_GIFT + 1), timeout=60).status_code == 413
    assert _gifts(stage) == []


def test_abuse_gifts_that_nobody_pays_do_not_grow_without_end(stage: Collecting) -> None:
    appeal = stage.open_appeal()
    donor_of(stage, DONOR)
    browser, page = _open(stage, DONOR, appeal)
    for yuan in range(1, MOST_UNPAID + 1):
        page = _open(stage, DONOR, appeal)[1]
        assert _send(stage, browser, appeal, page, other=str(yuan)).status_code == 303
    answer = _send(stage, browser, appeal, _open(stage, DONOR, appeal)[1], other="99")
    assert answer.status_code == 409
    assert f"您还有 {MOST_UNPAID} 笔没付" in answer.text
    assert len(_gifts(stage)) == MOST_UNPAID


@given(fen=st.integers(min_value=0, max_value=2 * LARGEST))
def test_an_amount_is_read_as_it_is_written_or_not_at_all(fen: int) -> None:
    fits = fen if SMALLEST_PLEDGE <= fen <= LARGEST else None
    assert read_yuan(f"{fen // 100}.{fen % 100:02}") == fits
    if fen % 100 == 0:
        assert read_yuan(str(fen // 100)) == fits


@in_a_browser
def test_the_page_is_for_everybody(stage: Collecting) -> None:
    appeal = stage.open_appeal()
    donor_of(stage, "o-li")
    with examining(stage, visitor="o-li") as examine:
        examine(f"/give/{appeal}", "payments/give")
        examine("/give/999", "payments/give", name="payments-give-no")
        examine("/give/x", "payments/give_gone", status=404)
