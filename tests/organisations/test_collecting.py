"""No appeal collects without a charity that covers its place, and no crowdfunding without a filing to its last day."""

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session as Database

from models.appeals.appeal import Appeal
from models.organisations.charity import BadCharity, Charity, add_charity, charity_for, set_collecting
from models.organisations.filing import Filing, NoFiling, add_filing, filing_for
from models.payments.collection import PaymentOutcome
from tests.harness.stage import DAOXIAN_MEIHUA, Stage
from tests.scenes.money.charities import CERTIFICATE, CREDIT_CODE, FILING, LONGHUI, NAME, NATIONAL
from tests.scenes.money.gifts import ordered, payment_of, promise, take
from tests.scenes.seat import SEAT

MAYANG, XIAO_SHA_JIANG = "430524200000", "430524102000"


def change(stage: Stage, act: Callable[..., object], *values: object) -> None:
    with Database(stage.database) as db, db.begin():
        act(db, *values, stage.clock())


def appeal_of(stage: Stage, number: int) -> Appeal:
    with Database(stage.database) as db:
        return db.get_one(Appeal, number)


def test_the_nearest_active_charity_collects(stage: Stage) -> None:
    with Database(stage.database) as db, db.begin():
        assert charity_for(db, MAYANG, None).id == LONGHUI
        assert charity_for(db, DAOXIAN_MEIHUA, None).id == NATIONAL
        set_collecting(db, LONGHUI, False, stage.clock())
        assert charity_for(db, MAYANG, None).id == NATIONAL
        nearer = add_charity(db, "永州助学会", "53360000500000007W", "慈募证字第7号", "431100000000", stage.clock())
        assert charity_for(db, DAOXIAN_MEIHUA, None).id == nearer.id


def test_where_money_is_collected_the_nearest_is_one_that_can_take_it(stage: Stage) -> None:
    """An appeal keeps its charity: under one without a merchant number it could never be paid."""
    with Database(stage.database) as db, db.begin():
        add_charity(db, "永州助学会", "53360000500000007W", "慈募证字第7号", "431100000000", stage.clock())
    stage.collect()
    assert appeal_of(stage, stage.open_appeal()).charity_id == NATIONAL


def test_where_nobody_collects_nothing_is_published(stage: Stage) -> None:
    change(stage, set_collecting, NATIONAL, False)
    stage.appoint("o-zhou", "village")
    stage.register("o-wang", "resident")
    number = stage.ask("o-wang")
    said = stage.say("o-zhou", f"通过 {number}")
    assert stage.said[-1] == "replies/refusals:no_charity"
    assert "还没有能收款的慈善组织" in said
    assert (appeal_of(stage, number).state, appeal_of(stage, number).charity_id) == ("submitted", None)
    change(stage, set_collecting, NATIONAL, True)
    stage.say("o-zhou", f"通过 {number}")
    assert (appeal_of(stage, number).state, appeal_of(stage, number).charity_id) == ("funding", NATIONAL)


@pytest.mark.parametrize("lacks", ["charity_id = NULL", "filing_id = NULL"])
def test_the_database_publishes_nothing_that_nobody_collects_for(stage: Stage, lacks: str) -> None:
    """Whatever the program does: as if it had moved the appeal and forgotten who collects."""
    number = stage.open_appeal("crowdfund", 30_000_000)
    with stage.database.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text("UPDATE appeals SET state = 'fund_holder_filed', charity_id = NULL, filing_id = NULL"))
    named = {"charity_id = NULL": "charity_id = charity_id", "filing_id = NULL": f"charity_id = {NATIONAL}"}[lacks]
    with pytest.raises(IntegrityError, match="no charity collects"), stage.database.begin() as connection:
        connection.execute(text(f"UPDATE appeals SET state = 'funding', {named} WHERE id = {number}"))  # noqa: S608


@pytest.mark.parametrize("column", ["charity_id", "filing_id"])
def test_who_collects_for_an_appeal_never_changes(stage: Stage, column: str) -> None:
    number = stage.open_appeal("crowdfund", 30_000_000)
    with pytest.raises(IntegrityError, match="fixed"), stage.database.begin() as connection:
        connection.execute(update(Appeal).where(Appeal.id == number).values({column: None}))


@pytest.mark.parametrize("statement", ["UPDATE filings SET to_day = '2100-01-01'", "DELETE FROM filings"])
def test_a_filing_is_never_changed(stage: Stage, statement: str) -> None:
    with pytest.raises(IntegrityError, match="append-only"), stage.database.begin() as connection:
        connection.execute(text(statement))


def test_a_filing_holds_from_today_to_the_last_day(stage: Stage) -> None:
    today = stage.clock().date()
    with Database(stage.database) as db, db.begin():
        charity = add_charity(db, "永州助学会", "53360000500000007W", "慈募证字第7号", None, stage.clock())
        for number, begins, ends in (("A1", -400, -35), ("A2", -30, 30), ("A3", 1, 365)):
            days = (today + timedelta(begins), today + timedelta(ends))
            add_filing(db, charity.id, number, "省民政厅", "帮扶通", days, stage.clock())
        now = stage.clock()
        assert filing_for(db, charity, now, now + timedelta(30)).number == "A2"
        with pytest.raises(NoFiling) as refused:
            filing_for(db, charity, now, now + timedelta(31))
        assert refused.value.values["until"] == today + timedelta(365)
        assert filing_for(db, charity, now + timedelta(1), now + timedelta(31)).number == "A3"


def test_a_crowdfunding_appeal_waits_for_its_filing(stage: Stage) -> None:
    """Its last day is after the last of the filing: the fund holder is told, and passes it once there is another."""
    with Database(stage.database) as db, db.begin():
        charity = add_charity(db, "道县慈善会", "53360000500000007W", "慈募证字第7号", "431124000000", stage.clock())
        add_filing(db, charity.id, "A1", "县民政局", "帮扶通", (date(2026, 1, 1), date(2026, 12, 31)), stage.clock())
        own = charity.id
    stage.appoint("o-zhou", "village")
    stage.appoint("o-county", "county", SEAT["county"])
    stage.appoint("o-town", "township", SEAT["township"])
    holder = stage.appoint("o-holder", "fund_holder", "431124000000")
    with stage.database.begin() as connection:
        connection.execute(text(f"UPDATE staff SET charity_id = {own} WHERE id = {holder}"))  # noqa: S608
    stage.register("o-wang", "resident")
    number = stage.ask("o-wang", "crowdfund")
    for officer in ("o-zhou", "o-town", "o-county"):
        stage.say(officer, f"通过 {number}")
    said = stage.say("o-holder", f"通过 {number}")
    assert stage.said[-1] == "replies/refusals:no_filing"
    assert "2026年12月31日" in said
    assert appeal_of(stage, number).state == "county_review"
    with Database(stage.database) as db, db.begin():
        add_filing(db, own, "A2", "县民政局", "帮扶通", (date(2026, 11, 1), date(2027, 6, 30)), stage.clock())
    stage.say("o-holder", f"通过 {number}")
    with Database(stage.database) as db:
        found = db.scalars(select(Appeal).where(Appeal.id == number)).one()
        assert (found.state, found.charity_id) == ("funding", own)
        assert db.get_one(Filing, found.filing_id).number == "A2"


def test_a_suspended_charity_takes_no_gift(stage: Stage) -> None:
    number = stage.open_appeal()
    stage.register("o-li", "donor")
    change(stage, set_collecting, NATIONAL, False)
    stage.say("o-li", f"捐 {number} 100")
    assert stage.said[-1] == "replies/refusals:no_collector"
    page = stage.say("o-li", f"看 {number}")
    assert "这家慈善组织现在不收款，先不能捐" in page
    assert "捐一点" not in page


def test_a_payment_that_comes_to_a_suspended_charity_goes_back(stage: Stage) -> None:
    pledge = promise(stage, stage.open_appeal(), 5_000)
    order = ordered(stage, pledge)
    change(stage, set_collecting, NATIONAL, False)
    assert take(stage, payment_of(stage, order)).outcome == PaymentOutcome.REFUND_OWED


def test_a_donor_is_told_who_collects_before_giving(stage: Stage) -> None:
    number = stage.open_appeal("crowdfund", 30_000_000)
    stage.register("o-li", "donor")
    page = stage.say("o-li", f"看 {number}")
    assert all(words in page for words in (NAME, CREDIT_CODE, CERTIFICATE, FILING))
    stage.say("o-li", f"捐 {number} 100")
    review = stage.say("o-li", "1")
    assert all(words in review for words in (NAME, CREDIT_CODE, FILING))


@pytest.mark.parametrize(
    ("credit_code", "region", "why"),
    [
        ("53360000500000007X", None, "no unified social credit code"),
        ("5336", None, "no unified social credit code"),
        (CREDIT_CODE, None, "charity 0 has this credit code"),
        ("53360000500000007W", "999999999999", "no region"),
    ],
)
def test_a_charity_that_cannot_be_is_refused(stage: Stage, credit_code: str, region: str | None, why: str) -> None:
    with Database(stage.database) as db, db.begin():
        with pytest.raises(BadCharity, match=why):
            add_charity(db, "永州助学会", credit_code, "慈募证字第7号", region, stage.clock())
        assert len(db.scalars(select(Charity.id)).all()) == 2
