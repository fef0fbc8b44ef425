"""A keeper sees the point, its parcels and codes, and no file of any household: their seat covers a place, for that."""

import pytest
from sqlalchemy import select

from models.staff.file_access import may_read, may_read_as_authority
from models.staff.member import Staff
from models.staff.task import Matter
from models.verification.case import Verification
from tests.scenes.handover import Handover
from tests.scenes.handover import handover as handover


@pytest.mark.parametrize("subject", ["case", "request", "offer", "match", "goods_thanks", "appeal"])
def test_a_keeper_may_read_no_file_of_their_place(handover: Handover, subject: str) -> None:
    handover.open_point()
    handover.resident("wang")
    with handover.session() as db:
        keeper = db.get_one(Staff, handover.keeper)
        case = db.scalars(select(Verification).limit(1)).one()
        matter = Matter(subject, case.id, keeper.region_code, case.household_id)
        assert not may_read(db, keeper, matter)
        assert not may_read_as_authority(db, keeper, matter)


def test_a_keeper_who_looks_a_household_up_reads_what_everybody_reads(handover: Handover) -> None:
    handover.open_point()
    request = handover.ask(handover.resident("wang"))
    match = handover.match(handover.give(handover.donor("qin"), told=False), request)
    handover.advance(match, "at_point")
    for words in ("看 认证1", f"看 求物{request}", f"看 配对{match}", "看 送物1"):
        reply = handover.say("keeper", words)
        assert "您这次查看已经记录" not in reply
        assert "王**" not in reply
        assert handover.digits(match) not in reply
