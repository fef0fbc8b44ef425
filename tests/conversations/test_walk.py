"""Random people do random things to random cases, appeals and colleagues, in any order, through the real door.

After every walk the books are whole: each state change was a move that its machine knows, has its event and its news,
and was made by somebody who had no part in it; and whoever was shown a name is on record as having looked.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import count
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.orm import Session as Database

from bot.work.sweeps import apply_deadlines
from models.appeals.appeal import OPEN, Appeal, get_appeal
from models.appeals.submission import NewAppeal, submit
from models.books import violations
from models.core.audit_trail import AuditEvent
from models.core.refusal import Refusal
from models.giving.pledge import make_pledge
from models.notifications.notification import Notification
from models.people.conversation import Conversation
from models.people.user import User
from models.proxy.mandate import Mandate, ProxyAct
from models.staff.conflict_of_interest import conflicts_with, record_conflict
from models.staff.decision import Decision
from models.staff.member import Staff
from models.staff.task import Task
from models.staff.turn import recuse_if_conflicted
from models.verification.case import NOTICE_PERIOD, STANDING, UNDER_WAY, Verification, lock_case
from models.verification.decisions import move_after_visit
from models.verification.lifecycle import cases_for_registry, registry_answered
from models.verification.objection import record_objection
from models.verification.registry import RESULTS, Finding
from models.verification.visit import Visit, VisitReport, record_visit
from tests.harness.erasing import erase_person
from tests.harness.stage import DAOXIAN_MEIHUA, Stage

pytestmark = pytest.mark.slow

COUNTY = "431124000000"
STAFF = (
    ("ann", "village", None),
    ("ben", "village", None),
    ("cao", "township", None),
    ("dai", "township", None),
    ("eve", "county", COUNTY),
    ("fan", "county", COUNTY),
    ("gao", "fund_holder", COUNTY),
)
RESIDENTS = ("wang", "li", "zhao")
# What is typed about a case or an appeal, by anybody.
WORDS = ("通过 {}", "退回 {} 1", "驳回 {} 1", "冻结 {} 1", "解冻 {}", "看 {}", "走访 {}", "公示 {}", "举报 {}")
# What is typed about a colleague.
OF_STAFF = ("停用 {} 请假", "恢复 {}", "撤销 {} 调走了", "移交 {}", "分派 认1 {}", "分派 1 {}")
PLAIN = ("待办", "1", "2", "3", "确认", "取消", "认证", "抽查", "我的", "谁看过我", "统计", "工作人员")

STEPS = 120
# Where walks lead, or they would show little.
REACHED = {
    ("case", "adjudication"),
    ("case", "rejected"),
    ("case", "suspended"),
    ("case", "verified"),
    ("case", "withdrawn"),
    ("appeal", "returned"),
    ("appeal", "rejected"),
    ("appeal", "endorsed"),
    ("appeal", "funding"),
    ("staff", "suspended"),
}


@dataclass
class Walk:
    stage: Stage
    serial: Iterator[int] = field(default_factory=count)
    shown: int = 0

    def act(self, what: int, who: int, which: int) -> None:
        # What is due is done more often than anything else, or walks would seldom come to the later states.
        acts: tuple[Callable[[int, int], None], ...] = (
            *(self.work,) * 9,
            *(self.say_of_thing,) * 3,
            *(self.say_plain,) * 2,
            *(self.govern,) * 2,
            self.say_of_staff,
            self.ask_registry,
            self.visit,
            *(self.object,) * 2,
            *(self.ask,) * 3,
            self.give,
            *(self.wait,) * 3,
            self.declare,
            self.erase,
        )
        acts[what % len(acts)](who, which)

    # Through the door

    def say(self, who: int, words: str) -> None:
        people = (*(name for name, *_ in STAFF), *RESIDENTS, "donor", "stranger")
        openid = f"o-{people[who % len(people)]}"
        looks = self._looks(openid)
        reply = self.stage.say(openid, words)
        assert "小毛病" not in reply, f"{words} failed"
        if "王秀兰" in reply and looks is not None:
            self.shown += 1
            assert self._looks(openid) == looks + 1, f"{words} showed a name and left no trace"

    def work(self, who: int, which: int) -> None:
        """Somebody takes up what waits: mostly of the right seat, and mostly by the numbers on their screen."""
        with Database(self.stage.database) as db:
            tasks = db.scalars(select(Task).where(Task.closed_at.is_(None)).order_by(Task.id)).all()
        if not tasks:
            return self.ask_registry(who, which)
        task = tasks[which % len(tasks)]
        seats = [n for n, (_, role, _) in enumerate(STAFF) if role == task.role] if which % 7 else []
        somebody = seats[who % len(seats)] if seats else who
        if task.step == "visit":
            return self.visit(somebody, task.subject_id - 1)
        self.say(somebody, f"看 {'认' if task.subject == 'case' else ''}{task.subject_id}")
        self.say(somebody, "1112312"[which % 7])
        return self.say(somebody, str(which % 3 + 1)) if which % 2 else None

    def govern(self, who: int, which: int) -> None:
        """A county stops and resumes what is public, and those who work below it."""
        county = len(STAFF) - 3 + who % 2
        if which % 3:
            word = ("冻结 {} 1", "冻结 {} 1", "解冻 {}")[which % 7 % 3]
            self.say(county, word.format(f"认{which // 9 % 4 + 1}" if which % 2 else which // 9 % 3 + 1))
        else:
            self.say_of_staff(county, which // 3)

    def say_of_thing(self, who: int, which: int) -> None:
        thing = f"认{which // 20 % 4 + 1}" if which // 9 % 2 else str(which // 20 % 3 + 1)
        self.say(who, WORDS[which % len(WORDS)].format(thing))

    def say_of_staff(self, who: int, which: int) -> None:
        with Database(self.stage.database) as db:
            numbers = db.scalars(select(Staff.work_no).order_by(Staff.id)).all()
        self.say(who, OF_STAFF[which % len(OF_STAFF)].format(numbers[which // 7 % len(numbers)]))

    def say_plain(self, who: int, which: int) -> None:
        self.say(who, PLAIN[which % len(PLAIN)])

    def _looks(self, openid: str) -> int | None:
        """How often this member of staff is on record as having looked; None for who is none."""
        with Database(self.stage.database) as db:
            staff = db.scalar(select(Staff.id).where(Staff.openid == openid, Staff.state == "active"))
            if staff is None:
                return None
            looked = (AuditEvent.actor == f"staff:{staff}") & (AuditEvent.action == "read_sensitive")
            return db.scalar(select(func.count()).where(looked, AuditEvent.detail.is_not(None))) or 0

    # Past it: what has a flow or a job of its own in front

    def ask_registry(self, _who: int, which: int) -> None:
        now = self.stage.clock()
        finding = Finding(RESULTS[which % 4] if which % 3 == 0 else "match", "低保", "民政", date(2026, 11, 1))
        with Database(self.stage.database) as db, db.begin():
            for number in cases_for_registry(db, now):
                registry_answered(db, number, finding, now)

    def visit(self, who: int, which: int) -> None:
        now = self.stage.clock()
        seen = VisitReport(
            draft_id=f"visit-{next(self.serial)}",
            place={"latitude": 25.6, "longitude": 111.6, "label": "道县梅花镇"},
            assessment={"people": 2},
            findings="家里两口人，种一亩橘子。",
            score=which % 30,
            supports=which % 7 != 6,
        )
        with Database(self.stage.database) as db:
            try:
                staff, case = self._staff(db, who), lock_case(db, which % 4 + 1)
                if recuse_if_conflicted(db, staff, "case", case.id, now) is None:
                    move_after_visit(db, case, staff, record_visit(db, case, staff, seen, now), now)
            except Refusal:
                db.rollback()
            db.commit()

    def object(self, who: int, which: int) -> None:
        with Database(self.stage.database) as db:
            people = db.scalars(select(Conversation.id).order_by(Conversation.id)).all()
            try:
                case, person = lock_case(db, which % 4 + 1), people[who % len(people)]
                record_objection(
                    db, case, person, "他家有两辆车。", f"objection-{next(self.serial)}", self.stage.clock()
                )
            except Refusal:
                db.rollback()
            db.commit()

    def ask(self, who: int, which: int) -> None:
        kind, fen = (("one_to_one", 500_000), ("crowdfund", 30_000_000))[which % 2]
        with Database(self.stage.database) as db:
            owner = self._resident(db, who)
            if owner is None:
                return
            wanted = NewAppeal(
                draft_id=f"walk-{next(self.serial)}",
                kind=kind,
                category=("industry", "housing")[which // 2 % 2],
                title="买缝纫机",
                story="家里有三口人。" * 10,
                region_code=owner.region_code or "",
                target_fen=fen,
                deadline=self.stage.clock() + timedelta(days=60),
                budget=(("缝纫机", fen),),
            )
            try:
                submit(db, wanted, owner, self.stage.clock())
            except Refusal:
                db.rollback()
            db.commit()

    def give(self, who: int, which: int) -> None:
        with Database(self.stage.database) as db:
            donor = self._resident(db, who)
            try:
                appeal = get_appeal(db, which % 3 + 1, lock=True)
                if donor:
                    draft = f"gift-{next(self.serial)}"
                    make_pledge(db, draft, appeal, donor, 100, anonymous=False, by_staff=False, now=self.stage.clock())
            except Refusal:
                db.rollback()
            db.commit()

    def wait(self, _who: int, which: int) -> None:
        self.stage.clock.move(timedelta(days=(1, 2, 3, 5, 5, 5, 16, 40)[which % 8]))
        apply_deadlines(self.stage.database, self.stage.clock())

    def declare(self, who: int, which: int) -> None:
        with Database(self.stage.database) as db:
            other = self._resident(db, which)
            if other and other.id_number and which % 4 == 0:
                record_conflict(
                    db, self._staff(db, who), ("kin", "payee")[which % 2], other.id_number, self.stage.clock()
                )
            db.commit()

    def erase(self, who: int, which: int) -> None:
        if which % 6:
            return
        with Database(self.stage.database) as db:
            openid = f"o-{RESIDENTS[who % len(RESIDENTS)]}"
            person = db.scalar(select(Conversation.id).where(Conversation.openid == openid))
            erase_person(db, person or 0, self.stage.clock())
            db.commit()

    def _staff(self, db: Database, who: int) -> Staff:
        openid = f"o-{STAFF[who % len(STAFF)][0]}"
        return db.scalars(select(Staff).where(Staff.openid == openid).order_by(Staff.id.desc()).limit(1)).one()

    def _resident(self, db: Database, who: int) -> User | None:
        openid = f"o-{RESIDENTS[who % len(RESIDENTS)]}"
        user = db.scalar(select(Conversation.user_id).where(Conversation.openid == openid))
        return db.get(User, user) if user else None

    # What must be true

    def check(self) -> None:
        with Database(self.stage.database) as db:
            found = list(violations(db.connection(), self.stage.clock()))
            assert found == []
            self._check_people(db)
            self._check_one_of_each(db)
            self._check_told(db)
            self._check_mandates(db)

    def reached(self) -> set[tuple[str, str | None]]:
        with Database(self.stage.database) as db:
            moved = select(AuditEvent.subject, AuditEvent.to_state).where(AuditEvent.actor != "staff:0").distinct()
            return {(subject, state) for subject, state in db.execute(moved)}

    def _check_people(self, db: Database) -> None:
        """7: nobody decided on their own household or kin, nor passed one thing twice."""
        for decision in db.scalars(select(Decision)):
            table: type[Verification] | type[Appeal] = Verification if decision.subject == "case" else Appeal
            if decision.subject in ("case", "appeal"):
                thing = db.get_one(table, decision.subject_id)
                assert isinstance(thing, Verification | Appeal)
                assert conflicts_with(db, thing.household_id).get(decision.staff_id) in (None, "kin", "payee")
        self._check_need(db)
        passes = select(Decision.subject, Decision.subject_id, Decision.round, Decision.staff_id, func.count())
        passes = passes.where(Decision.verdict == "pass")
        twice = passes.group_by(*list(passes.selected_columns)[:4]).having(func.count() > 1)
        assert db.execute(twice).all() == []

    def _check_need(self, db: Database) -> None:
        """Whom the county verified, the last visit found in need, and the village had five days to object."""
        for case in db.scalars(select(Verification).where(Verification.decided_by.is_not(None))):
            if case.state in (*STANDING, "expired") and case.notice_from and case.decided_at:
                last = select(Visit.supports).where(Visit.verification_id == case.id).order_by(Visit.id.desc()).limit(1)
                assert db.scalar(last)
                assert case.decided_at - case.notice_from >= NOTICE_PERIOD
            assert case.notice_from or case.state not in STANDING

    def _check_one_of_each(self, db: Database) -> None:
        """8: one live person per number, one open case each, one open appeal per household and category."""
        for columns, condition in (
            ((User.id_hash,), User.id_hash.is_not(None)),
            ((Verification.user_id,), Verification.state.in_(UNDER_WAY)),
            ((Verification.user_id,), Verification.state.in_(STANDING)),
            ((Appeal.household_id, Appeal.category), Appeal.state.in_(OPEN)),
        ):
            twice = select(*columns).where(condition).group_by(*columns).having(func.count() > 1)
            assert db.execute(twice).all() == []

    def _check_told(self, db: Database) -> None:
        """12: the event of a decision and the news of it are there, or neither is."""
        moves = select(AuditEvent.subject_id, AuditEvent.to_state, AuditEvent.at).where(
            AuditEvent.subject == "case",
            AuditEvent.actor != "staff:0",  # the stage's own
            AuditEvent.to_state.in_(("verified", "rejected", "suspended", "revoked")),
        )
        for number, state, _at in db.execute(moves):
            owner = db.get_one(Verification, number).user_id
            if db.get_one(User, owner).state == "active":
                key = f"case:{number}:case_moved:{state}:%"
                assert db.scalar(select(func.count()).where(Notification.dedupe_key.like(key))), f"{number} {state}"

    def _check_mandates(self, db: Database) -> None:
        """13: what was done for somebody was done by a consent that was live then."""
        acts = select(ProxyAct.at, Mandate.granted_at, Mandate.expires_at, Mandate.revoked_at).join(
            Mandate, Mandate.id == ProxyAct.mandate_id
        )
        for at, granted, expires, revoked in db.execute(acts):
            assert granted <= at < expires
            assert revoked is None or at <= revoked


@pytest.mark.search
def test_whatever_people_do_in_whatever_order_the_books_are_whole(database_again: Callable[[], str]) -> None:
    reached: set[tuple[str, str | None]] = set()

    # Few and long walks: what is worth seeing lies behind a dozen decisions. HYPOTHESIS_PROFILE=long walks further.
    @settings(max_examples=max(settings().max_examples // 10, 4), suppress_health_check=list(HealthCheck))
    @given(st.integers(0, 2**32))
    def walk(seed: int) -> None:
        chance = Random(seed)
        walked = begin(database_again())
        try:
            for number in range(STEPS):
                walked.act(chance.randrange(1000), chance.randrange(1000), chance.randrange(1000))
                if number % 20 == 19:
                    walked.check()
            reached.update(walked.reached())
        finally:
            walked.stage.close()

    walk()
    assert reached >= REACHED


def begin(url: str) -> Walk:
    stage = Stage(url)
    for number, (name, role, region) in enumerate(STAFF, 1):
        stage.appoint(f"o-{name}", role, region or DAOXIAN_MEIHUA, f"W{number:03}")
    for name in RESIDENTS:
        stage.register(f"o-{name}", "resident", verified=name == "zhao")
    stage.register("o-donor", "donor")
    return Walk(stage)
