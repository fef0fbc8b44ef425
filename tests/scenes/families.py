"""Households on the stage: whom they name, what the township is asked about them, and what it answers."""

from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from models.books import violations
from models.core.database import snapshot
from models.families import desk
from models.families.members import NewMember, add_member
from models.families.question import HouseholdQuestion, ask_to_leave
from models.ledger.tables import LedgerHead
from models.people.user import User
from models.staff.member import Staff
from tests.harness.stage import Stage
from tests.scenes.cases import person_of


def name_member(stage: Stage, openid: str, number: str | None, serial: int = 1) -> int:
    """The number of the entry."""
    user = person_of(stage, openid)
    with Database(stage.database) as db, db.begin():
        wanted = NewMember(f"member-{openid}-{serial}", "王大山", "spouse", "own", number)
        return add_member(db, db.get_one(User, user.id), wanted, stage.clock()).id


def number_of(stage: Stage, openid: str) -> str:
    return person_of(stage, openid).id_number or ""


def home(stage: Stage, openid: str) -> int:
    return person_of(stage, openid).household_id or 0


def leave(stage: Stage, openid: str) -> int:
    """The number of the question."""
    user = person_of(stage, openid)
    with Database(stage.database) as db, db.begin():
        return ask_to_leave(db, db.get_one(User, user.id), stage.clock()).id


def open_questions(stage: Stage) -> list[int]:
    with Database(stage.database) as db:
        live = select(HouseholdQuestion.id).where(HouseholdQuestion.state == "submitted")
        return list(db.scalars(live.order_by(HouseholdQuestion.id)))


def answer(stage: Stage, staff: int, question: int, said: str) -> str:
    with Database(stage.database) as db, db.begin():
        return desk.answer(db, db.get_one(Staff, staff), question, said, stage.clock())


def join(stage: Stage, staff: int, one: str, other: str) -> str:
    """The first names the second, and the township finds them one family."""
    before = set(open_questions(stage))
    name_member(stage, one, number_of(stage, other), len(before) + 100)
    (question,) = set(open_questions(stage)) - before
    return answer(stage, staff, question, "one_family")


def ledger_head(stage: Stage) -> tuple[int, str]:
    stage.seal()
    with Database(stage.database) as db:
        head = db.scalars(select(LedgerHead)).one()
        return head.length, head.hash


def in_order(stage: Stage) -> list[str]:
    with snapshot(stage.settings.database_url) as connection:
        return [str(each) for each in violations(connection, stage.clock())]
