"""The county stops a campaign before it is divided: who may, what everybody hears, and that nothing is left of it."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from models.core.audit_trail import AuditEvent
from models.core.state_machine import WrongState
from models.market.campaigns import stopping
from models.market.campaigns.campaign import STOPS, CampaignPledge
from models.market.campaigns.dividing import close_campaigns
from models.market.campaigns.refusals import CampaignOver
from models.staff.conflict_of_interest import record_conflict
from models.staff.decision import Decision
from models.staff.member import Staff
from models.staff.turn import HasConflict, OutsideRegion
from tests.harness.money.checking_books import codes
from tests.scenes.campaigns import County
from tests.scenes.campaigns import county as county
from tests.scenes.families import number_of
from tests.scenes.goods import LEXICON


def stop(county: County, number: int, by: int | None = None, why: str = "price_wrong") -> None:
    with county.session() as db:
        stopping.stop(db, db.get_one(Staff, by or county.li), number, [why], county.stage.clock())


def _taken_part(county: County) -> int:
    county.grower("hou")
    county.buyer("wu")
    number = county.open()
    county.join("hou", number)
    county.pledge("wu", number, 100)
    return number


def test_a_stopped_campaign_leaves_nothing_and_all_who_take_part_hear_why(county: County) -> None:
    number = _taken_part(county)
    stop(county, number)
    assert (county.state(number), county.read(number).why) == ("stopped", "price_wrong")
    assert county.got(number) == {"hou": ("unserved", 0), "wu": ("unserved", 0)}
    for name in ("hou", "wu"):
        assert "被县里停了：价钱写错了" in county.stage.say(f"o-{name}", "消息")
    with county.session() as db:
        assert db.scalars(select(CampaignPledge)).one().address is None
        kept = db.scalars(select(Decision).where(Decision.verdict == "freeze")).one()
        assert (kept.staff_id, kept.reasons) == (county.li, "price_wrong")
        moved = db.scalars(select(AuditEvent).where(AuditEvent.to_state == "stopped")).one()
        assert (moved.actor, moved.detail) == (f"staff:{county.li}", "price_wrong")
    with pytest.raises(CampaignOver):
        county.pledge("wu", number, 100)
    county.wait()
    assert (county.state(number), county.orders(number)) == ("stopped", [])
    assert codes(county.stage) == []


def test_who_opened_it_or_takes_part_or_is_of_another_county_does_not_stop_it(county: County) -> None:
    number = _taken_part(county)
    far = county.stage.appoint("o-far", "county", "430524000000")
    buys = county.stage.appoint("o-wu", "county", "431124000000", "N-buys")
    kin = county.stage.appoint("o-kin", "county", "431124000000", "N-kin")
    with county.session() as db:
        record_conflict(db, db.get_one(Staff, kin), "kin", number_of(county.stage, "o-hou"), county.stage.clock())
    for staff in (county.chen, buys, kin):
        with pytest.raises(HasConflict):
            stop(county, number, by=staff)
    with pytest.raises(OutsideRegion):
        stop(county, number, by=far)
    assert county.state(number) == "open"


def test_what_waits_to_be_divided_is_stopped_and_what_is_divided_is_not(county: County) -> None:
    number = _taken_part(county)
    county.stage.clock.move(timedelta(days=11))
    with county.session() as db:
        close_campaigns(db, county.stage.clock())
    assert county.state(number) == "reached"
    stop(county, number, why="reseller")
    again = county.open()
    county.join("hou", again)
    county.pledge("wu", again, 100)
    county.wait()
    assert (county.state(number), county.state(again)) == ("stopped", "divided")
    with pytest.raises(WrongState):
        stop(county, again)


def test_every_reason_of_the_choices_is_one_that_the_campaign_keeps() -> None:
    assert set(LEXICON.choices["campaign_stop_reason"]) == set(STOPS)
