"""Cases on their way, past the door: for tests of what comes after."""

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from models import verdict
from models.conversation import Conversation
from models.progress import object_to
from models.staff import Staff
from models.user import User
from models.verification import Verification, case_of, get_case
from models.visit import Seen, record
from tests.stage import DAOXIAN_MEIHUA, Stage

FINDINGS = "老两口带一个孙子，三间土房，西屋漏雨，老伴有风湿。"
OBJECTION = "他家在县城东门有两间门面，租给别人卖鞋。"
PLACE = {"latitude": 25.53, "longitude": 111.6, "label": ""}


def registered(stage: Stage, openid: str, region: str = DAOXIAN_MEIHUA, result: str = "match") -> int:
    """A resident whose registration the registry has answered; the number of the case."""
    user = stage.register(openid, "resident", region, verified=False)
    stage.registry_answers(result, "脱贫户" if result == "match" else None)
    with Database(stage.database) as db:
        case = case_of(db, user)
        assert case is not None
        return case.id


def visited(stage: Stage, number: int, staff_id: int, *, supports: bool = True, place: dict | None = None) -> None:
    with Database(stage.database) as db, db.begin():
        case, staff = get_case(db, number), db.get_one(Staff, staff_id)
        seen = Seen(f"stage-visit-{number}-{case.round}", place or PLACE, {"people": 3}, FINDINGS, 50, supports)
        visit = record(db, case, staff, seen, stage.clock())
        verdict.visited(db, case, staff, visit, stage.clock())


def objected(stage: Stage, number: int, openid: str, words: str = OBJECTION) -> None:
    person = stage.person(openid)
    with Database(stage.database) as db, db.begin():
        object_to(db, get_case(db, number), person, words, f"stage-{openid}-{number}", stage.clock())


def case(stage: Stage, number: int) -> Verification:
    with Database(stage.database, expire_on_commit=False) as db:
        return db.get_one(Verification, number)


def person_of(stage: Stage, openid: str) -> User:
    with Database(stage.database, expire_on_commit=False) as db:
        return db.scalars(select(User).join(Conversation).where(Conversation.openid == openid)).one()


DAY = timedelta(days=1)
