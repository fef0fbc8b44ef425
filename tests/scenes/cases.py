"""Cases on their way, past the door: for tests of what comes after."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session as Database

from bot.words.lexicon import load_lexicon
from flows.verification.visit import QUESTIONS
from models.core.state_machine import Actor, By
from models.people.conversation import Conversation
from models.people.user import User
from models.staff.member import Staff
from models.verification import decisions
from models.verification.case import NOTICE_PERIOD, Verification, begin_case, lock_case, newest_case_of
from models.verification.lifecycle import registry_answered
from models.verification.objection import record_objection
from models.verification.registry import Finding
from models.verification.visit import VisitReport, record_visit
from tests.harness.stage import DAOXIAN_MEIHUA, Stage

FINDINGS = "老两口带一个孙子，三间土房，西屋漏雨，老伴有风湿。"
OBJECTION = "他家在县城东门有两间门面，租给别人卖鞋。"
PLACE = {"latitude": 25.53, "longitude": 111.6, "label": ""}


def registered(stage: Stage, openid: str, region: str = DAOXIAN_MEIHUA, result: str = "match") -> int:
    """A resident whose registration the registry has answered; the number of the case."""
    user = stage.register(openid, "resident", region, verified=False)
    stage.registry_answers(result, "脱贫户" if result == "match" else None)
    with Database(stage.database) as db:
        case = newest_case_of(db, user)
        assert case is not None
        return case.id


def visited(
    stage: Stage, number: int, staff_id: int, *, supports: bool = True, place: dict[str, Any] | None = None
) -> None:
    with Database(stage.database) as db, db.begin():
        case, staff = lock_case(db, number), db.get_one(Staff, staff_id)
        seen = VisitReport(f"stage-visit-{number}-{case.round}", place or PLACE, {"people": 3}, FINDINGS, 50, supports)
        visit = record_visit(db, case, staff, seen, stage.clock())
        decisions.move_after_visit(db, case, staff, visit, stage.clock())


def seen_in_need(db: Database, case: Verification, staff_id: int, now: datetime) -> None:
    """A visit that found them in need, and five days on notice, for a case that is put into a later state by hand."""
    seen = VisitReport(f"by-hand-{case.id}", PLACE, {"people": 3}, FINDINGS, 50, supports=True)
    record_visit(db, case, db.get_one(Staff, staff_id), seen, now)
    case.notice_from, case.notice_until = now - NOTICE_PERIOD, now


def objected(stage: Stage, number: int, openid: str, words: str = OBJECTION) -> None:
    person = stage.person(openid)
    with Database(stage.database) as db, db.begin():
        record_objection(db, lock_case(db, number), person, words, f"stage-{openid}-{number}", stage.clock())


def case(stage: Stage, number: int) -> Verification:
    with Database(stage.database, expire_on_commit=False) as db:
        return db.get_one(Verification, number)


def person_of(stage: Stage, openid: str) -> User:
    with Database(stage.database, expire_on_commit=False) as db:
        return db.scalars(select(User).join(Conversation).where(Conversation.openid == openid)).one()


DAY = timedelta(days=1)
_CHOICES = load_lexicon().choices
REASONS = [*dict.fromkeys([*_CHOICES["case_return_reason"], *_CHOICES["case_reject_reason"]])]


class Longest:
    """Cases of which everything has its greatest length: of ``users`` the first is objected to by all ``objectors``,
    the second turned down for every reason, the third waits for its visit, and the others stand on notice.
    """

    def __init__(self, db: Database, users: list[User], staff: dict[str, Staff], words: str, now: datetime) -> None:
        self.db, self.staff, self.words, self.now = db, staff, words, now
        self.cases = [self._waiting(user) for user in users]
        self._visit(self.cases[0])
        self._visit(self.cases[1], supports=False)
        for case in self.cases[3:]:
            self._visit(case)
        decisions.pass_to_county(db, self.cases[1], staff["township"], now)
        decisions.reject(db, self.cases[1], staff["county"], REASONS, now)

    def _waiting(self, user: User) -> Verification:
        case = begin_case(self.db, user, Actor(By.OWNER, f"user:{user.id}"), self.now)
        registry_answered(
            self.db, case.id, Finding("match", self.words[:40], self.words[:60], self.now.date()), self.now
        )
        return case

    def _visit(self, case: Verification, *, supports: bool = True) -> None:
        flags = ("other_township", "unlabelled", "far")
        longest = {name: max(keys, key=lambda key: len(keys[key][0])) for name, keys in _questions().items()}
        place = {**PLACE, "label": self.words[:100]}
        seen = VisitReport(f"longest-{case.id}", place, {"people": 30, **longest}, self.words, 100, supports, flags)
        visit = record_visit(self.db, case, self.staff["village"], seen, self.now)
        decisions.move_after_visit(self.db, case, self.staff["village"], visit, self.now)

    def object(self, *conversations: int) -> None:
        for person in conversations:
            record_objection(self.db, self.cases[0], person, self.words, f"longest-{person}", self.now)


def _questions() -> dict[str, Any]:
    choices = load_lexicon().choices
    return {name: choices[f"assess_{name}"] for name in QUESTIONS}
