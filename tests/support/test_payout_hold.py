"""A report holds payouts alone, for a time, and only with weight; it can stop nothing else."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session as Database

from models.disbursements.hold import PayoutsHeld
from models.outreach.update import Update
from models.people.former_homes import record_move
from models.people.user import User
from models.support.inquiry import Inquiry, Report
from models.support.payout_hold import HOLD_LASTS
from models.support.reporters import MOST_NOT_UPHELD, Weight, weigh
from tests.harness.stage import Stage
from tests.scenes.money.disbursements import COUNTY, authorised, paid, people, state, wrong
from tests.scenes.reports import reports

VILLAGES = ("431124101204", "431124101205", "431124101208", "431124101209")


@pytest.fixture
def staff(stage: Stage) -> dict[str, int]:
    return people(stage)


@pytest.fixture
def money(stage: Stage, staff: dict[str, int]) -> tuple[int, int]:
    """An appeal, and its request of which only the transfer is missing."""
    return authorised(stage, 10_000, fen=5_000, staff=staff)


def neighbour(stage: Stage, name: str, village: str) -> str:
    """Somebody verified, whose account began an hour after everybody else's, and who has their own phone."""
    stage.clock.move(timedelta(hours=1))
    number = stage.register(name, "resident", village)
    with Database(stage.database) as db, db.begin():
        db.execute(update(User).where(User.id == number).values(phone_hash=f"phone {number}"))
    return name


def held(stage: Stage) -> bool:
    with Database(stage.database) as db:
        inquiry = db.scalars(select(Inquiry).order_by(Inquiry.id.desc())).first()
        return inquiry is not None and inquiry.is_holding(stage.clock())


def test_three_verified_people_without_ties_hold_a_payout_for_72_hours_and_nothing_else(
    stage: Stage, staff: dict[str, int], money: tuple[int, int]
) -> None:
    appeal, use = money
    for name, village in zip(("o-a", "o-b"), VILLAGES, strict=False):
        reports(stage, neighbour(stage, name, village), str(appeal))
    reports(stage, "o-stranger", str(appeal))  # nobody knows who this is
    assert not held(stage)
    reports(stage, neighbour(stage, "o-c", VILLAGES[2]), str(appeal))
    assert held(stage)
    with pytest.raises(PayoutsHeld):
        paid(stage, use, staff)
    assert "现在不能放款" in stage.say("o-holder", f"放款 {use}")
    stage.clock.move(HOLD_LASTS - timedelta(minutes=1))
    assert held(stage)
    stage.clock.move(timedelta(minutes=1))
    paid(stage, use, staff)
    assert state(stage, use) == "paid"
    assert wrong(stage) == set()


def test_the_books_name_what_was_paid_while_it_was_held(
    stage: Stage, staff: dict[str, int], money: tuple[int, int]
) -> None:
    appeal, use = money
    reports(stage, "o-li", str(appeal), kind="4")
    stage.say("o-county", "看 举报1")
    stage.say("o-county", "举报不实 1 没有问题")
    stage.clock.move(timedelta(hours=1))
    paid(stage, use, staff)
    assert wrong(stage) == set()  # once it was decided
    stage.clock.move(timedelta(hours=1))
    with Database(stage.database) as db, db.begin():
        db.execute(update(Inquiry).values(decided_at=stage.clock()))
    assert wrong(stage) == {"paid_while_held"}


def test_collecting_goes_on(stage: Stage) -> None:
    number = stage.open_appeal()
    stage.appoint("o-county", "county", COUNTY)
    reports(stage, "o-li", str(number), kind="5")
    stage.say("o-county", "看 举报1")
    assert held(stage)
    stage.register("o-donor", "donor")
    assert "捐多少：¥50" in stage.say("o-donor", f"捐 {number} 50")


def tie(name: str, one: User, other: User, officer: int) -> None:
    match name:
        case "village":
            other.region_code = one.region_code
        case "household":
            other.household_id = one.household_id
        case "phone":
            other.phone_hash = one.phone_hash
        case "moment":
            other.created_at = one.created_at
        case "officer":
            one.registered_by = other.registered_by = officer


def test_abuse_people_of_one_circle_count_as_one(stage: Stage) -> None:
    officer = stage.appoint("o-town", "township")
    names = [neighbour(stage, name, village) for name, village in zip(("o-a", "o-b", "o-c"), VILLAGES, strict=False)]
    said = {"draft_id": "", "kind": "fake", "words": "", "at": stage.clock()}
    numbers = [stage.person(name) for name in names]
    with Database(stage.database) as db, db.begin():
        inquiry = Inquiry(about="offer", about_id=1, region_code=VILLAGES[0], opened_at=stage.clock())
        db.add(inquiry)
        db.flush()
        db.add_all(
            Report(**said | {"draft_id": str(n), "conversation_id": n, "inquiry_id": inquiry.id}) for n in numbers
        )
    for name in ("village", "household", "phone", "moment", "officer"):
        with Database(stage.database) as db:
            inquiry = db.scalars(select(Inquiry)).one()
            assert weigh(db, inquiry, stage.clock()) == Weight(circles=3, verified=3)
            one, other, _ = db.scalars(select(User).order_by(User.id)).all()
            tie(name, one, other, officer)
            db.flush()
            circles = 3 if name == "village" else 2  # neighbours are two people, but know each other
            assert weigh(db, inquiry, stage.clock()) == Weight(circles=circles, verified=2), name
    # Who moved away from the village is still of it.
    with Database(stage.database) as db, db.begin():
        one, other, _ = db.scalars(select(User).order_by(User.id)).all()
        record_move(db, other, one.region_code, stage.clock())
    with Database(stage.database) as db:
        inquiry = db.scalars(select(Inquiry)).one()
        assert weigh(db, inquiry, stage.clock()) == Weight(circles=3, verified=2)


def test_what_the_county_decides_ends_the_hold(stage: Stage, staff: dict[str, int], money: tuple[int, int]) -> None:
    appeal, use = money
    reports(stage, "o-li", str(appeal), kind="4")
    assert not held(stage)
    assert "放款停到 2026" in stage.say("o-county", "看 举报1")
    assert held(stage)
    stage.say("o-county", "举报不实 1 没有问题")
    assert not held(stage)
    paid(stage, use, staff)


def test_a_second_look_makes_it_no_longer(stage: Stage) -> None:
    stage.open_appeal()
    stage.appoint("o-county", "county", COUNTY)
    reports(stage, "o-li", kind="4")
    stage.say("o-county", "看 举报1")
    stage.clock.move(HOLD_LASTS)
    stage.say("o-county", "看 举报1")
    reports(stage, "o-wang", kind="4")
    assert "放款停到" not in stage.say("o-county", "看 举报1")
    assert not held(stage)


def test_abuse_the_same_people_hold_no_longer_by_an_update_after_the_appeal(stage: Stage) -> None:
    number = stage.open_appeal()
    names = [neighbour(stage, name, village) for name, village in zip(("o-a", "o-b", "o-c"), VILLAGES, strict=False)]
    now = stage.clock()
    with Database(stage.database) as db, db.begin():
        same = {"state": "published", "created_at": now, "decided_at": now}
        db.add(Update(draft_id="u", appeal_id=number, words="路基修好了", **same))
    for name in names:
        reports(stage, name, str(number))
    assert held(stage)
    stage.clock.move(HOLD_LASTS)
    for name in names:
        reports(stage, name, f"进展 {number}")
    assert not held(stage)


def test_abuse_whose_reports_were_not_upheld_is_read_and_moves_nothing_more(stage: Stage) -> None:
    stage.open_appeal()
    stage.appoint("o-county", "county", COUNTY)
    stage.appoint("o-town", "township")
    for number in range(1, MOST_NOT_UPHELD + 1):
        reports(stage, "o-li", kind="4")
        assert "暂停这个求助" in stage.say("o-county", f"看 举报{number}")
        stage.say("o-county", f"举报不实 {number} 没有问题")
    reports(stage, "o-li", kind="4")
    with Database(stage.database) as db:
        assert db.get_one(Inquiry, MOST_NOT_UPHELD + 1).state == "before_officer"
    assert "共 1 份举报" in stage.say("o-county", f"看 举报{MOST_NOT_UPHELD + 1}")
    assert not held(stage)
