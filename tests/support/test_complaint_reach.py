"""A complaint about an officer reaches neither them nor who depends on them, by any word that staff have."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session as Database

from bot.work.sweeps import apply_deadlines
from models.appeals.appeal import Appeal
from models.notifications.notification import Notification
from models.people.conversation import Conversation
from models.people.user import User
from models.staff.conflict_of_interest import record_conflict
from models.staff.member import Staff
from models.support.ticket import ANSWERED_WITHIN, Ticket
from models.support.waiting import KIND
from tests.harness.stage import DAOXIAN_MEIHUA, Stage

COUNTY, OTHER_COUNTY = "431124000000", "430524000000"
SEATS = {
    "village": ("village", DAOXIAN_MEIHUA),
    "township": ("township", DAOXIAN_MEIHUA),
    "county": ("county", COUNTY),
    "colleague": ("county", COUNTY),
    "elsewhere": ("county", OTHER_COUNTY),
}


@pytest.fixture
def stage(database_url: str) -> Iterator[Stage]:
    stage = Stage(database_url)
    for name, (role, region) in SEATS.items():
        stage.appoint(f"o-{name}", role, region, f"WORK-{name}".upper())
    stage.register("o-wang", "resident", DAOXIAN_MEIHUA)
    yield stage
    stage.close()


def newest(stage: Stage) -> Ticket:
    with Database(stage.database, expire_on_commit=False) as db:
        return db.scalars(select(Ticket).order_by(Ticket.id.desc())).first() or Ticket()


def reminded(stage: Stage) -> set[str]:
    stage.clock.move(ANSWERED_WITHIN)
    apply_deadlines(stage.database, stage.clock())
    with Database(stage.database) as db:
        told = select(Conversation.openid).join(Notification, Notification.conversation_id == Conversation.id)
        return {openid.removeprefix("o-") for openid in db.scalars(told.where(Notification.template == KIND))}


def report(stage: Stage, words: str, kind: str = "") -> None:
    """Report it to the end, with these words."""
    for said in filter(None, (words, kind, "跳过", "确认")):
        stage.say("o-wang", said)
    assert stage.said[-1:] == ["report/done"]


def deciders(stage: Stage, names: list[str]) -> set[str]:
    """Who of them may open inquiry 1 and decide on it; nobody else has it in 待办."""
    found = set()
    for name in names:
        seen = "核查举报" in stage.say(f"o-{name}", "待办")
        stage.say(f"o-{name}", "看 举报1")
        opens = stage.said[-1:] == ["replies/support/inquiry"]
        stage.say(f"o-{name}", "举报不实 1")
        decides = stage.said[-1:] == ["replies/staff/which_reason"]
        assert decides == opens >= seen, (name, seen, opens, decides)
        if opens:
            found.add(name)
    return found


def readers(stage: Stage, names: list[str]) -> set[str]:
    """Who of them sees the newest ticket in 待办, or may answer, read or close it."""
    number, found = newest(stage).id, set()
    for name in names:
        seen = f"工单 {number} 号" in stage.say(f"o-{name}", "待办")
        if seen:
            stage.say(f"o-{name}", "1")
            assert stage.said[-1:] == ["replies/support/ticket"], name
        stage.say(f"o-{name}", f"关工单 {number}")
        closes = stage.said[-1:] == ["replies/refusals:ticket_waits"]
        stage.say(f"o-{name}", f"答复 {number}")
        answers = stage.said[-1:] == ["replies/refusals:answer_missing"]
        assert seen == closes == answers, (name, seen, closes, answers)
        if seen:
            found.add(name)
    return found


@pytest.mark.parametrize(
    ("reported", "may_read"),
    [
        ("village", {"county", "colleague"}),
        ("township", {"county", "colleague"}),
        ("county", {"colleague"}),
        ("elsewhere", {"county"}),  # the only one of that county: one of another county has it
    ],
)
def test_abuse_nobody_reads_a_complaint_about_themselves(stage: Stage, reported: str, may_read: set[str]) -> None:
    report(stage, f"举报 work-{reported} 收了我家的钱")
    assert deciders(stage, list(SEATS)) == may_read


def test_abuse_nor_does_whom_they_invited(stage: Stage) -> None:
    with Database(stage.database) as db, db.begin():
        db.execute(update(Staff).where(Staff.openid == "o-colleague").values(invited_by=3))
    report(stage, "我要举报WORK-COUNTY，他收钱")
    assert deciders(stage, list(SEATS)) == {"elsewhere"}


def test_abuse_nor_do_they_from_a_seat_that_they_get_later_on_another_wechat(stage: Stage) -> None:
    report(stage, "举报 WORK-VILLAGE 收了我家的钱")
    later = stage.appoint("o-again", "county", COUNTY)
    with Database(stage.database) as db, db.begin():
        first = db.get_one(Staff, 1)
        first.state = "revoked"
        db.get_one(Staff, later).id_number, db.get_one(Staff, later).id_hash = first.id_number, first.id_hash
    assert deciders(stage, ["again", "county"]) == {"county"}


@pytest.mark.parametrize("tie", ["kin", "own"])
def test_abuse_who_is_tied_to_the_household_reads_no_report_of_it(stage: Stage, tie: str) -> None:
    appeal = stage.open_appeal()
    with Database(stage.database) as db, db.begin():
        owner = db.get_one(User, db.get_one(Appeal, appeal).owner_id)
        officer = db.scalars(select(Staff).where(Staff.openid == "o-county")).one()
        if tie == "kin":
            record_conflict(db, officer, "kin", owner.id_number or "", stage.clock())
        else:
            officer.id_number, officer.id_hash = owner.id_number, owner.id_hash
    report(stage, f"举报 {appeal} 他家的事是假的", kind="4")
    assert deciders(stage, ["county", "colleague"]) == {"colleague"}


def test_abuse_nobody_answers_their_own_ticket(stage: Stage) -> None:
    stage.register("o-county", "donor")
    stage.say("o-county", "举报 这里有人骗捐款")
    assert readers(stage, ["county", "colleague"]) == {"colleague"}


def test_a_number_that_is_no_officers_is_a_report_in_words(stage: Stage) -> None:
    stage.say("o-wang", "举报 WORK-NOBODY 收钱")
    assert newest(stage).about == "report"
    stage.clock.move(timedelta(minutes=1))
    assert readers(stage, ["village", "county"]) == {"county"}
