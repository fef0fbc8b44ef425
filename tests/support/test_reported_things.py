"""Everything that people see can be reported, and what the county finds right comes down."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from models.appeals.appeal import Appeal
from models.core.audit_trail import AuditEvent
from models.goods.exchange import GoodsRequest, Offer
from models.goods.rules import STRICT
from models.goods.submission import is_known_giver
from models.market.listing import Listing
from models.outreach.update import Update
from models.staff.decision import Decision
from models.staff.member import Staff
from models.support.inquiry import Inquiry
from models.verification.case import Verification
from tests.harness.stage import DAOXIAN_MEIHUA, Stage
from tests.scenes.reports import reports

COUNTY = "431124000000"
TABLES: dict[str, Any] = {"offer": Offer, "request": GoodsRequest, "listing": Listing, "update": Update}


@pytest.fixture
def world(stage: Stage) -> Stage:
    """One of each, number 1, of the owner of appeal 1; past the rooms that would have made them."""
    stage.open_appeal()
    stage.appoint("o-county", "county", COUNTY, "DX0001")
    now = stage.clock()
    with Database(stage.database) as db, db.begin():
        appeal = db.get_one(Appeal, 1)
        goods = {"unit": "box", "region_code": DAOXIAN_MEIHUA, "created_at": now, "looked_at": now}
        mine, house = appeal.owner_id, {"household_id": appeal.household_id}
        oil = {"category": "oil", "item": "菜籽油"}
        stock = {"initial": 5, "available": 5}
        db.add(
            Offer(
                draft_id="o",
                donor_id=mine,
                condition="new",
                handover="pickup",
                state="available",
                turn_at=now,
                **oil,
                **stock,
                **goods,
            )
        )
        db.add(
            GoodsRequest(
                draft_id="r", owner_id=mine, quantity=2, reason="家里没有", state="open", **oil, **goods, **house
            )
        )
        shop = {"kind": "produce", "name": "脐橙", "price_fen": 4_000, "shop_url": "https://shop.example.com/"}
        db.add(Listing(draft_id="l", seller_id=mine, state="on_sale", **shop, **stock, **goods, **house))
        db.add(Update(draft_id="u", appeal_id=1, words="路基修好了", state="published", created_at=now, decided_at=now))
    stage.clock.move(timedelta(hours=1))
    return stage


def state_of(stage: Stage, about: str) -> str:
    with Database(stage.database) as db:
        return str(db.get_one(TABLES[about], 1).state)


@pytest.mark.parametrize(
    ("words", "about", "state"),
    [
        ("送物1", "offer", "withdrawn"),
        ("求物 1", "request", "withdrawn"),
        ("集市1", "listing", "suspended"),
        ("进展 1", "update", "withdrawn"),
    ],
)
def test_what_is_taken_down_is_gone_and_its_owner_hears_it_without_a_name(
    world: Stage, words: str, about: str, state: str
) -> None:
    assert "我们记下了" in reports(world, "o-li", words, kind="4")
    assert state_of(world, about) in ("available", "open", "on_sale", "published")
    said = world.say("o-county", "看 举报1")
    line = next(each for each in said.splitlines() if each.endswith("属实，撤下来"))
    world.say("o-county", line.split()[0])
    assert "已经撤下来" in world.say("o-county", "1")
    assert state_of(world, about) == state
    assert "已经撤下来" in world.say("o-li", "消息")
    heard = world.say("o-owner-0", "消息")
    assert "撤下来了" in heard
    assert "举报" not in heard


def test_each_public_page_has_a_line_for_it(world: Stage) -> None:
    for words, about in (("看送物", "offer"), ("看求物", "request"), ("逛集市", "listing"), ("看求助", "appeal")):
        world.say("o-li", words)
        page = world.say("o-li", "1")
        line = next(each for each in page.splitlines() if each.endswith(" 举报"))
        assert "哪里不对" in world.say("o-li", line.split()[0]), about
        world.say("o-li", "取消")
    own = world.say("o-owner-0", "看 1")
    assert "举报" not in own


def test_an_officer_is_suspended_and_a_household_stopped(world: Stage) -> None:
    world.appoint("o-town", "township", work_no="DX0777")
    assert "县里的人会去查" in reports(world, "o-li", "DX0777 收了我家的钱")
    assert "没有举报 1 号" in world.say("o-town", "看 举报1")
    assert "1 属实，停用这位工作人员" in world.say("o-county", "看 举报1")
    world.say("o-county", "1")
    assert "停用了" in world.say("o-county", "1")
    reports(world, "o-li", "认证1", kind="4")
    assert "1 属实，停这家的认证" in world.say("o-county", "看 举报2")
    world.say("o-county", "1")
    world.say("o-county", "1")
    with Database(world.database) as db:
        assert db.scalars(select(Staff.state).where(Staff.work_no == "DX0777")).one() == "suspended"
        assert db.get_one(Verification, 1).state == "suspended"
        assert [each.outcome for each in db.scalars(select(Inquiry).order_by(Inquiry.id))] == [
            "seat_suspended",
            "case_suspended",
        ]


def test_reading_a_report_stands_in_nobodys_access_log(world: Stage) -> None:
    reports(world, "o-li", kind="4")
    world.say("o-county", "看 举报1")
    with Database(world.database) as db:
        read = select(AuditEvent).where(AuditEvent.subject == "inquiry", AuditEvent.action == "read_sensitive")
        assert [each.about for each in db.scalars(read)] == [None]
    assert "举报" not in world.say("o-owner-0", "谁看过我")


def test_a_work_number_of_figures_alone_is_an_officers_too(world: Stage) -> None:
    world.appoint("o-town", "township", work_no="112400007")
    assert "请说说是怎么回事" in world.say("o-li", "举报 112400007")
    for words in ("他收了我家两百块钱", "跳过"):
        world.say("o-li", words)
    assert "县里的人会去查" in world.say("o-li", "确认")
    with Database(world.database) as db:
        inquiry = db.scalars(select(Inquiry)).one()
        assert (inquiry.about, inquiry.state) == ("staff", "before_county")
    assert "没有举报 1 号" in world.say("o-town", "看 举报1")


def test_whose_offer_is_taken_down_after_a_report_is_no_known_giver(world: Stage) -> None:
    rules = replace(STRICT, known_after=1)
    with Database(world.database) as db, db.begin():
        offer = db.get_one(Offer, 1)
        donor, staff = offer.donor_id, db.scalars(select(Staff.id).where(Staff.work_no != "DX0001")).first()
        one = {"subject": "offer", "subject_id": 1, "region_code": offer.region_code, "role": "village"}
        db.add(Decision(**one, staff_id=staff, verdict="pass", at=world.clock()))
        db.flush()
        assert is_known_giver(db, donor, rules)
    reports(world, "o-li", "送物1", kind="4")
    for words in ("看 举报1", "1"):
        world.say("o-county", words)
    assert "已经撤下来" in world.say("o-county", "1")
    with Database(world.database) as db:
        assert db.scalars(select(Offer.state)).one() == "withdrawn"
        assert not is_known_giver(db, donor, rules)
