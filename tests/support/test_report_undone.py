"""What the county did on a report is undone by nobody whom the report concerns; who decides sees what is reported."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from models.appeals.appeal import Appeal
from models.core.audit_trail import AuditEvent
from models.goods.exchange import GoodsRequest
from models.goods.review import approve
from models.goods.rules import STRICT
from models.market.listing import Listing
from models.market.submission import NewListing, mend_listing, submit_listing
from models.people.user import User
from models.staff.member import Staff
from models.staff.task import Task, find_task
from models.verification.case import Verification
from tests.harness.stage import DAOXIAN_MEIHUA, Stage
from tests.scenes.goods import endorsed
from tests.scenes.reports import decided, reports

COUNTY = "431124000000"
OTHER_COUNTY = "430524000000"
THIRD_COUNTY = "110101000000"
BASKET = NewListing("l", "handicraft", "竹篮", "piece", 6_000, 9, None, None)


@pytest.fixture
def world(database_url: str) -> Iterator[Stage]:
    stage = Stage(database_url)
    stage.open_appeal()
    stage.clock.move(timedelta(hours=1))
    stage.register("o-wang", "resident", DAOXIAN_MEIHUA)
    yield stage
    stage.close()


def uphold(stage: Stage, openid: str, number: int = 1) -> None:
    for words in (f"看 举报{number}", "1", "1"):
        stage.say(openid, words)


def appeal_state(stage: Stage) -> str:
    with Database(stage.database) as db:
        return db.get_one(Appeal, 1).state


def holder_of(stage: Stage, subject: str, number: int = 1) -> str | None:
    with Database(stage.database) as db:
        task = find_task(db, subject, number)
        return db.get_one(Staff, task.assignee).openid if task and task.assignee else None


def test_whom_the_report_concerned_cannot_let_the_appeal_go_on_nor_end_it(world: Stage) -> None:
    for openid in ("o-concerned", "o-judge"):
        world.appoint(openid, "county", COUNTY)
    decided(world, "o-concerned")
    reports(world, "o-wang", kind="4")
    uphold(world, "o-judge")
    assert appeal_state(world) == "frozen"
    assert holder_of(world, "appeal") == "o-judge"
    assert "您不能办" in world.say("o-concerned", "解冻 1")
    assert "核查冻结的求助" not in world.say("o-concerned", "待办")
    assert "继续" not in world.say("o-concerned", "看 1")
    assert appeal_state(world) == "frozen"
    world.say("o-judge", "解冻 1")
    assert appeal_state(world) == "funding"


def test_what_another_county_froze_it_alone_lets_go_on(world: Stage) -> None:
    world.appoint("o-concerned", "county", COUNTY)
    world.appoint("o-there", "county", OTHER_COUNTY)
    decided(world, "o-concerned")
    reports(world, "o-wang", kind="4")
    uphold(world, "o-there")
    assert holder_of(world, "appeal") == "o-there"
    world.appoint("o-new", "county", COUNTY)  # nothing concerns them; but their county has a part in it
    for openid in ("o-concerned", "o-new"):
        assert "您不能办" in world.say(openid, "解冻 1")
    assert appeal_state(world) == "frozen"
    assert "核查冻结的求助" in world.say("o-there", "待办")
    world.say("o-there", "解冻 1")
    assert appeal_state(world) == "funding"
    assert "解冻" not in world.say("o-there", "看 1")


def test_nor_does_a_third_county_that_never_read_the_report(world: Stage) -> None:
    world.appoint("o-concerned", "county", COUNTY)
    world.appoint("o-there", "county", OTHER_COUNTY)
    decided(world, "o-concerned")
    reports(world, "o-wang", kind="4")
    world.appoint("o-third", "county", THIRD_COUNTY)
    with Database(world.database) as db, db.begin():  # o-there has more to do than o-third
        busy = db.scalars(select(Staff).where(Staff.openid == "o-there")).one()
        facts = {"role": "county", "region_code": OTHER_COUNTY, "opened_at": world.clock(), "due_at": world.clock()}
        db.add_all(
            Task(subject="appeal", subject_id=number, step="frozen", assignee=busy.id, **facts) for number in (8, 9)
        )
    uphold(world, "o-there")
    assert holder_of(world, "appeal") == "o-there"
    assert "不归您管" in world.say("o-third", "解冻 1")
    assert appeal_state(world) == "frozen"
    world.say("o-there", "解冻 1")
    assert appeal_state(world) == "funding"


def test_nor_a_verification_that_was_suspended(world: Stage) -> None:
    for openid in ("o-concerned", "o-judge"):
        world.appoint(openid, "county", COUNTY)
    decided(world, "o-concerned", "case")
    reports(world, "o-wang", "认证1", kind="4")
    uphold(world, "o-judge")
    assert "您不能办" in world.say("o-concerned", "解冻 认证1")
    assert "撤销" not in world.say("o-concerned", "看 认证1")
    with Database(world.database) as db:
        assert db.get_one(Verification, 1).state == "suspended"
    world.say("o-judge", "解冻 认证1")
    with Database(world.database) as db:
        assert db.get_one(Verification, 1).state == "verified"


def test_what_the_county_took_down_and_its_owner_mended_the_county_looks_at_again(world: Stage) -> None:
    world.appoint("o-village", "village")
    world.appoint("o-judge", "county", COUNTY)
    with Database(world.database) as db, db.begin():
        seller = db.scalars(select(User).order_by(User.id.desc())).first()
        assert seller
        village = db.scalars(select(Staff).where(Staff.openid == "o-village")).one()
        endorsed(db, seller, world.clock())
        number = submit_listing(db, BASKET, seller, world.clock()).id
        approve(db, village, "listing", number, STRICT, world.clock())
    world.clock.move(timedelta(hours=1))
    reports(world, "o-li", "集市1", kind="4")
    uphold(world, "o-judge")
    with Database(world.database) as db, db.begin():
        listing = db.get_one(Listing, 1)
        assert listing.state == "suspended"
        mend_listing(db, listing, BASKET, world.clock())
        task = find_task(db, "listing", 1)
        assert task
        assert (task.step, task.role) == ("goods_again", "county")
    assert "再看撤下过的货：集市 1 号" in world.say("o-judge", "待办")
    world.say("o-judge", "看 集市1")
    world.say("o-judge", "通过 集市1")
    with Database(world.database) as db, db.begin():
        listing = db.get_one(Listing, 1)
        assert listing.state == "on_sale"
        mend_listing(db, listing, BASKET, world.clock())  # once the county has passed it, it is as any other
        task = find_task(db, "listing", 1)
        assert task
        assert task.step == "listing"


def sent_elsewhere(stage: Stage, what: str, subject: str) -> None:
    """Somebody reports it, and the one officer of its county is concerned."""
    stage.appoint("o-concerned", "county", COUNTY)
    stage.appoint("o-there", "county", OTHER_COUNTY)
    decided(stage, "o-concerned", subject)
    reports(stage, "o-wang", what, kind="4")
    assert holder_of(stage, "inquiry") == "o-there"


def thing_of(stage: Stage, openid: str) -> str:
    file = stage.say(openid, "看 举报1")
    return stage.say(openid, next(line for line in file.splitlines() if line.endswith("看被举报的这一件")).split()[0])


def looks(stage: Stage, openid: str) -> set[str]:
    with Database(stage.database) as db:
        staff = db.scalars(select(Staff.id).where(Staff.openid == openid)).one()
        read = (AuditEvent.actor == f"staff:{staff}") & (AuditEvent.action == "read_sensitive")
        return {f"{event.subject}:{event.subject_id}" for event in db.scalars(select(AuditEvent).where(read))}


def test_another_county_reads_the_appeal_it_decides_on_and_nothing_else(world: Stage) -> None:
    sent_elsewhere(world, "1", "appeal")
    file = thing_of(world, "o-there")
    assert "您这次查看已经记录" in file
    assert "钱花在" in file
    assert not [line for line in file.splitlines() if line[:1].isdigit()]  # no way on to what belongs to it
    assert "没有认证 1 号" in world.say("o-there", "看 认证1")
    assert looks(world, "o-there") == {"inquiry:1", "appeal:1"}
    uphold(world, "o-there")
    world.say("o-there", "解冻 1")
    assert "您这次查看已经记录" not in world.say("o-there", "看 1")  # once it is decided and goes on: as everybody does


def test_another_county_reads_the_verification_it_decides_on(world: Stage) -> None:
    sent_elsewhere(world, "认证1", "case")
    assert "您这次查看已经记录" in thing_of(world, "o-there")
    assert looks(world, "o-there") == {"inquiry:1", "case:1"}
    world.say("o-there", "举报不实 1 没有问题")
    assert "没有认证 1 号" in world.say("o-there", "看 认证1")


def test_another_county_reads_the_request_it_decides_on_with_its_reason(world: Stage) -> None:
    with Database(world.database) as db, db.begin():
        appeal, now = db.get_one(Appeal, 1), world.clock()
        house = {"owner_id": appeal.owner_id, "household_id": appeal.household_id, "region_code": DAOXIAN_MEIHUA}
        oil = {"category": "oil", "item": "菜籽油", "unit": "box", "quantity": 2, "reason": "家里没有"}
        when = {"created_at": now, "looked_at": now}
        db.add(GoodsRequest(draft_id="r", state="open", **oil, **house, **when))
    sent_elsewhere(world, "求物1", "request")
    assert "家里没有" in thing_of(world, "o-there")
    assert looks(world, "o-there") == {"inquiry:1", "request:1"}


def test_who_stops_it_before_the_report_is_decided_does_not_let_it_go_on_after(world: Stage) -> None:
    world.appoint("o-concerned", "county", COUNTY)
    world.appoint("o-there", "county", OTHER_COUNTY)
    decided(world, "o-concerned")
    reports(world, "o-wang", kind="4")
    for words in ("冻结 1", "1"):
        world.say("o-concerned", words)
    uphold(world, "o-there")
    assert "您不能办" in world.say("o-concerned", "解冻 1")
    assert appeal_state(world) == "frozen"
    assert holder_of(world, "appeal") == "o-there"
    world.say("o-there", "解冻 1")
    assert appeal_state(world) == "funding"


def test_nor_a_village_that_takes_down_what_it_had_let_through(world: Stage) -> None:
    world.appoint("o-village", "village")
    world.appoint("o-judge", "county", COUNTY)
    with Database(world.database) as db, db.begin():
        seller = db.scalars(select(User).order_by(User.id.desc())).first()
        assert seller
        village = db.scalars(select(Staff).where(Staff.openid == "o-village")).one()
        endorsed(db, seller, world.clock())
        number = submit_listing(db, BASKET, seller, world.clock()).id
        approve(db, village, "listing", number, STRICT, world.clock())
    world.clock.move(timedelta(hours=1))
    reports(world, "o-li", "集市1", kind="4")
    for words in ("下架 集市1", "1"):
        world.say("o-village", words)
    world.clock.move(timedelta(hours=1))
    uphold(world, "o-judge")
    with Database(world.database) as db, db.begin():
        mend_listing(db, db.get_one(Listing, 1), BASKET, world.clock())
    assert holder_of(world, "listing") != "o-village"
    world.say("o-village", "看 集市1")
    world.say("o-village", "通过 集市1")
    with Database(world.database) as db:
        assert db.get_one(Listing, 1).state == "submitted"
