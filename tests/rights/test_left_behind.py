"""What an erasure, a released number or a proof of days ago must not leave behind."""

from datetime import timedelta

from sqlalchemy import select, text
from sqlalchemy.orm import Session as Database

from bot.work.sweeps import apply_deadlines
from models.appeals.appeal import Appeal
from models.appeals.review import cancel_frozen
from models.disbursements.payee import Payee
from models.goods.exchange import GoodsRequest
from models.people.conversation import Conversation
from models.people.user import User
from models.rights.erasure.erasure import begin_erasure
from models.rights.erasure.remainder import SealedRemainder
from models.rights.request import ask
from models.staff.member import Staff
from tests.harness.command_line import run
from tests.harness.erasing import erase_person, of
from tests.harness.stage import Stage
from tests.scenes.money.disbursements import at, authorised, collected, paid, people
from tests.scenes.money.gifts import give


def test_payees_of_an_erased_owner_are_sealed_once_the_appeal_is_over(stage: Stage) -> None:
    seats = people(stage)
    number, use = authorised(stage, 10_000, fen=4_000, staff=seats)
    paid(stage, use, seats)
    with at(stage) as db:
        owner = db.get_one(Appeal, number).owner_id
        erase_person(db, db.scalars(select(Conversation.id).where(Conversation.user_id == owner)).one(), stage.clock())
    with at(stage) as db:
        cancel_frozen(db, db.get_one(Staff, seats["county"]), number, "other", stage.clock())
    stage.clock.move(timedelta(days=40))
    apply_deadlines(stage.database, stage.clock())
    assert of(stage, Payee, "name") == [None]
    assert of(stage, SealedRemainder, "law") == ["payout"]


def test_what_the_impostor_sells_and_asks_for_is_not_public_any_more(stage: Stage) -> None:
    user = stage.register("o-fake", "resident")
    stage.say("o-real", "人工")
    stage.say("o-real", "我的身份证号被别人用了")
    for name, place in (("a", "DX0901"), ("b", "DX0902")):
        stage.appoint(f"o-{name}", "county", "431124000000", work_no=place)
    with Database(stage.database) as db, db.begin():
        holder = db.get_one(User, user)
        same = {"household_id": holder.household_id, "region_code": holder.region_code, "created_at": stage.clock()}
        same |= {"looked_at": stage.clock()}
        db.add(
            GoodsRequest(
                draft_id="g",
                owner_id=user,
                category="clothes",
                item="棉衣",
                unit="piece",
                quantity=1,
                reason="冷",
                state="open",
                **same,
            )
        )
        number = holder.id_number
    by = ("--by", "DX0901", "--by", "DX0902")
    assert "The number is free" in run(stage.app, "release-number", "--ticket", "1", *by, typed=f"{number}\n").output
    assert of(stage, GoodsRequest, "state") != ["open"]


def test_a_proof_of_days_ago_proves_nothing_today(stage: Stage) -> None:
    """The owner named a payee and left it at the review; the thief finds the draft, and names their own account."""
    stage.open_appeal()
    collected(stage, 1000)
    with Database(stage.database) as db:
        number = db.get_one(User, db.scalars(select(Appeal.owner_id)).one()).id_number or ""
    for said in ("用钱 1", "1", "1", "道县梅花五金店", "农业银行道县支行", "6228480000000000011", number[-6:]):
        stage.say("o-owner-0", said)
    stage.clock.move(timedelta(days=3))
    for said in ("继续", "4", "6228480000000099999", "确认"):
        stage.say("o-owner-0", said)
    assert of(stage, Payee, "id") == []


def test_one_damaged_row_keeps_nobody_else_from_being_erased(stage: Stage) -> None:

    users = [stage.register(f"o-{name}", "resident") for name in "ab"]
    with Database(stage.database) as db, db.begin():
        for name in "ab":
            ask(db, stage.person(f"o-{name}"), "erasure", "cooling", timedelta(days=7), stage.clock())
        db.execute(text("UPDATE users SET name = '\\x00' WHERE id = :n"), {"n": users[0]})
    stage.clock.move(timedelta(days=8))
    apply_deadlines(stage.database, stage.clock())
    with Database(stage.database) as db:
        states = dict(db.execute(select(User.id, User.state)).all())
    assert states[users[1]] == "erased"


def test_officers_of_elsewhere_open_nothing_that_is_sealed(stage: Stage) -> None:
    user = stage.register("o-wang", "resident")
    for name in "ab":
        stage.appoint(f"o-far-{name}", "village", "430524103002", work_no=f"LH000{name}")
    give(stage, stage.open_appeal(), 10_000, "o-wang")
    with Database(stage.database) as db, db.begin():
        begin_erasure(db, stage.person("o-wang"), user, "person", stage.clock())
    shown = run(stage.app, "erasures", "open", str(user), "--reason", "x", "--by", "LH000a", "--by", "LH000b").output
    assert "王秀兰" not in shown
