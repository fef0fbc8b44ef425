"""What everybody sees of a match: before giving, at the page to pay, and where the gift's money is."""

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from models.giving.pool import PoolMatch
from tests.harness.money.paid_stage import DONOR, Collecting, collecting
from tests.harness.stage import Stage
from tests.scenes.money.gifts import donor_of, give, later
from tests.scenes.money.matching import SPONSOR, charity, pool, shut
from tests.scenes.money.refunds import want_back
from tests.scenes.trace import code_of, flat, page


@pytest.fixture
def stage(database_url: str, redis_flushed: str) -> Iterator[Stage]:
    stage = Stage(database_url, redis_url=redis_flushed)
    yield stage
    stage.close()


def test_the_page_of_a_gift_shows_what_was_added_and_that_it_went_back(stage: Stage) -> None:
    appeal = stage.open_appeal()
    pool(stage, charity(stage), cap=4_000)
    gift = give(stage, appeal, 10_000, "o-li")
    code = code_of(stage, gift)
    assert f"爱心企业“{SPONSOR}”再配 ¥40" in flat(page(stage, f"/trace/{code}"))
    later(stage, days=1)
    want_back(stage, gift)
    shown = flat(page(stage, f"/trace/{code}"))
    assert f"爱心企业“{SPONSOR}”配的 ¥40 退回企业" in shown
    with Database(stage.database) as db:
        match = db.scalars(select(PoolMatch)).one()
    assert (match.fen, match.returned_fen) == (4_000, 4_000)


def test_who_looks_at_an_appeal_reads_who_matches_while_somebody_does(stage: Stage) -> None:
    staff, appeal = charity(stage), stage.open_appeal()
    offered = f"爱心企业“{SPONSOR}”再配 1 元"
    number = pool(stage, staff, cap=4_000, paid=0)
    donor_of(stage, "o-li")
    assert offered not in _looked(stage)  # nothing has been paid in
    more = pool(stage, staff, cap=4_000)
    assert _looked(stage).count(offered) == 1
    give(stage, appeal, 4_000, "o-wang")
    assert offered not in _looked(stage)
    pool(stage, staff, cap=100)
    shut(stage, staff, number)
    shut(stage, staff, more)
    assert _looked(stage).count(offered) == 1


def _looked(stage: Stage) -> str:
    stage.say("o-li", "看求助")
    return stage.say("o-li", "1")


def test_the_page_to_pay_says_it_too(new_database: Callable[[], str], redis_url: str) -> None:
    with collecting(new_database(), redis_url) as stage:
        appeal = stage.open_appeal()
        pool(stage, charity(stage), appeal=appeal)
        pledge = stage.pledged(10_000, DONOR, appeal)
        shown = _paying(stage, pledge)
        assert f"爱心企业“{SPONSOR}”再配 1 元" in shown
        assert stage.pay(pledge) == "paid"
        assert stage.say(DONOR, "菜单").count(f"爱心企业“{SPONSOR}”为您这笔再配 ¥100。") == 1


def _paying(stage: Collecting, pledge: int) -> str:
    return stage.visit(DONOR).get(stage.link(pledge), timeout=10).text
