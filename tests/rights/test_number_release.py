"""An ID number that somebody else squats on is freed by two of the county, on the evidence of the owner's ticket."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from models.appeals.appeal import Appeal
from models.core.audit_trail import AuditEvent
from models.people.user import User, find_by_id_number
from models.support.ticket import Ticket
from models.verification.case import Verification
from tests.harness.command_line import run
from tests.harness.erasing import of
from tests.harness.stage import Stage

COUNTY = "431124000000"


@pytest.fixture
def squatted(stage: Stage) -> Stage:
    """The holder of a number has an appeal that collects; who owns it says so on a ticket. Two of the county serve."""
    stage.open_appeal()
    stage.say("o-real", "人工")
    stage.say("o-real", "我的身份证号被别人用了")
    stage.appoint("o-a", "county", COUNTY, work_no="DX0901")
    stage.appoint("o-b", "county", COUNTY, work_no="DX0902")
    stage.appoint("o-v", "village", work_no="DX0903")
    return stage


def number_of(stage: Stage) -> str:
    with Database(stage.database) as db:
        return db.scalars(select(User.id_number).where(User.id_number.is_not(None))).first() or ""


def release(stage: Stage, *signers: str, ticket: int = 1) -> str:
    words = [word for work_no in signers for word in ("--by", work_no)]
    return run(stage.app, "release-number", "--ticket", str(ticket), *words, typed=f"{number_of(stage)}\n").output


def test_two_of_the_county_free_it_and_the_holder_is_told(squatted: Stage) -> None:
    number = number_of(squatted)
    assert "The number is free. Frozen, for the county to decide on: 1." in release(squatted, "DX0901", "DX0902")
    assert of(squatted, Appeal, "state") == ["frozen"]
    assert of(squatted, Verification, "state") == ["withdrawn"]
    with Database(squatted.database) as db:
        assert find_by_id_number(db, number) is None
        signed = select(AuditEvent.detail).where(AuditEvent.action == "number_released")
        assert list(db.scalars(signed)) == ["ticket:1", "ticket:1"]
    told = squatted.say("o-owner-0", "我的资料")
    assert "号码还给了他" in told
    assert "求助 1 号先停着" in told
    for said in ("注册", "1", "1", "1", "王秀兰", number):
        answer = squatted.say("o-real", said)
    assert "手机号" in answer


@pytest.mark.parametrize(
    ("signers", "ticket", "why"),
    [
        (("DX0901", "DX0901"), 1, "two people have to answer"),
        (("DX0901", "DX0903"), 1, "has no seat of the place"),
        (("DX0901", "DX0902"), 99, "ticket of somebody else"),
        (("DX0901",), 1, "give it twice"),
    ],
)
def test_one_alone_or_without_evidence_frees_nothing(
    squatted: Stage, signers: tuple[str, ...], ticket: int, why: str
) -> None:
    assert why in release(squatted, *signers, ticket=ticket)
    assert of(squatted, Appeal, "state") == ["funding"]
    assert of(squatted, Ticket, "state") == ["open"]
