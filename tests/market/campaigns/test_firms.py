"""Firms in a campaign: one pledge by one credit code, read and struck by the county before it is divided."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from models.core.audit_trail import AuditEvent
from models.core.encryption import keyring
from models.market.campaigns import firms
from models.market.campaigns.campaign import BuyingFirm, CampaignPledge
from models.market.campaigns.dividing import close_campaigns, divide_campaign
from models.market.campaigns.refusals import FirmGone, FirmPledged
from models.market.campaigns.stopping import stop
from models.staff.conflict_of_interest import record_conflict
from models.staff.decision import Decision
from models.staff.member import Staff
from models.staff.turn import HasConflict, OutsideRegion
from tests.harness.erasing import erase_person
from tests.harness.money.checking_books import codes
from tests.scenes.campaigns import County
from tests.scenes.campaigns import county as county
from tests.scenes.families import number_of

FIRM, OTHER = "长沙鲜果商贸有限公司", "株洲果品批发有限公司"


def _firms_in(county: County, jin: int = 300) -> tuple[int, int]:
    """A campaign with a grower, a person who pledges 100 斤, and a firm; its number, and that of the firm's pledge."""
    county.grower("hou")
    for name in ("wang", "wu", "zhao"):
        county.buyer(name)
    number = county.open()
    county.join("hou", number)
    county.pledge("wang", number, 100)
    return number, county.pledge("wu", number, jin, FIRM)


def strike(county: County, pledged: int, by: int | None = None, why: str = "name_wrong") -> None:
    with county.session() as db:
        firms.strike(db, db.get_one(Staff, by or county.li), pledged, [why], county.stage.clock())


def _close(county: County) -> None:
    county.stage.clock.move(timedelta(days=11))
    with county.session() as db:
        close_campaigns(db, county.stage.clock())


def test_one_code_is_one_pledge_in_a_campaign_whoever_types_it(county: County) -> None:
    number, first = _firms_in(county)
    with pytest.raises(FirmPledged):
        county.pledge("zhao", number, 20, FIRM)
    county.pledge("zhao", number, 20, OTHER)
    with pytest.raises(FirmPledged):  # nor by a change
        county.pledge("zhao", number, 20, FIRM)
    assert county.pledge("wu", number, 400, FIRM) == first
    with county.session() as db:
        kept = db.get_one(CampaignPledge, first)
        assert kept.code_hash == keyring().lookup_hashes(kept.credit_code or "", "credit_code")[0]
        assert db.get_one(BuyingFirm, county.people["wu"]).credit_code == kept.credit_code
    county.take_back("wu", number)
    with county.session() as db:
        kept = db.get_one(CampaignPledge, first)
        assert (kept.firm, kept.credit_code, kept.code_hash) == (None, None, None)
    county.pledge("zhao", number, 20, FIRM)
    again = county.open()  # and once in each campaign
    county.pledge("wu", again, 400, FIRM)
    assert codes(county.stage) == []


def test_who_is_struck_hears_why_takes_no_part_and_pledges_again_with_what_is_right(county: County) -> None:
    number, pledged = _firms_in(county)
    strike(county, pledged, by=county.chen)
    told = county.stage.say("o-wu", f"认购 {number}")
    assert "名字和代码对不上。照营业执照，把单位的全名和代码写对" in told
    assert "改好了可以再报" in told
    with county.session() as db:
        kept = db.get_one(CampaignPledge, pledged)
        assert (kept.state, kept.firm, kept.code_hash, kept.address) == ("struck", None, None, None)
        said = db.scalars(select(Decision).where(Decision.subject == "campaign_pledge")).one()
        assert (said.staff_id, said.verdict, said.reasons) == (county.chen, "reject", "name_wrong")
    county.pledge("wu", number, 300, OTHER)
    _close(county)
    assert county.state(number) == "reached"
    # Both officers are asked to look; it is not divided while they may.
    for officer in ("o-chen", "o-li"):
        assert "里面有单位 1 家，一共报 300 斤" in county.stage.say(officer, "消息")
    county.sweep()
    with county.session() as db:
        assert not divide_campaign(db, number, county.stage.clock())
    strike(county, pledged, why="denied")
    assert "最后一天过了" in county.stage.say("o-wu", "消息")
    county.stage.clock.move(firms.CHECKED_WITHIN)
    county.sweep()
    assert county.got(number) == {"hou": ("served", 100), "wang": ("served", 100), "wu": ("struck", None)}
    with pytest.raises(FirmGone):
        strike(county, pledged)
    assert codes(county.stage) == []


def test_each_look_at_a_firm_stands_in_the_log_of_who_pledged_for_it(county: County) -> None:
    number, _ = _firms_in(county)
    read = county.stage.say("o-li", f"看 认购{number}")
    assert "单位 1 家，一共报 300 斤" in read
    line = next(line[0] for line in read.splitlines() if "看单位" in line)
    read = county.stage.say("o-li", line)
    assert f"1 {FIRM}，54431124******" in read
    with county.session() as db:
        looks = (AuditEvent.action == "read_sensitive") & (AuditEvent.about == county.people["wu"])
        look = db.scalars(select(AuditEvent).where(looks)).one()
        assert (look.actor, look.subject) == (f"staff:{county.li}", "campaign_pledge")
    assert "单位认购" in county.stage.say("o-wu", "谁看过我")


@pytest.mark.slow  # a world of its own
def test_who_takes_part_or_is_of_another_county_neither_reads_nor_strikes(county: County) -> None:
    number, pledged = _firms_in(county)
    far = county.stage.appoint("o-far", "county", "430524000000")
    buys = county.stage.appoint("o-wang", "county", "431124000000", "N-buys")
    kin = county.stage.appoint("o-kin", "county", "431124000000", "N-kin")
    with county.session() as db:
        record_conflict(db, db.get_one(Staff, kin), "kin", number_of(county.stage, "o-hou"), county.stage.clock())
    for staff, refusal in ((buys, HasConflict), (kin, HasConflict), (far, OutsideRegion)):
        with pytest.raises(refusal):
            strike(county, pledged, by=staff)
        with pytest.raises(refusal), county.session() as db:
            firms.read_firms(db, db.get_one(Staff, staff), number, 0, county.stage.clock())
    assert county.got(number)["wu"] == ("standing", None)


@pytest.mark.slow  # three worlds
@pytest.mark.parametrize("ends", ["least", "stopped", "erased"])
def test_without_the_struck_firm_the_least_sum_counts_and_nothing_of_it_is_left(county: County, ends: str) -> None:
    number, pledged = _firms_in(county)
    county.take_back("wang", number)
    county.pledge("wang", number, 99)
    strike_last: dict[str, Callable[[], None]] = {
        "least": lambda: strike(county, pledged),
        "stopped": lambda: _stop(county, number),
        "erased": lambda: _erase(county),
    }
    _close(county)
    strike_last[ends]()
    county.stage.clock.move(firms.CHECKED_WITHIN)
    county.sweep()
    assert county.state(number) == ("stopped" if ends == "stopped" else "failed")
    assert (county.orders(number), county.got(number)["wang"]) == ([], ("unserved", 0))
    with county.session() as db:
        left = CampaignPledge.credit_code.is_not(None) | CampaignPledge.firm.is_not(None)
        assert db.scalar(select(func.count()).select_from(CampaignPledge).where(left)) == 0
    assert codes(county.stage) == []


def _stop(county: County, number: int) -> None:
    with county.session() as db:
        stop(db, db.get_one(Staff, county.li), number, ["crop_false"], county.stage.clock())


def _erase(county: County) -> None:
    with county.session() as db:
        erase_person(db, county.stage.person("o-wu"), county.stage.clock())
