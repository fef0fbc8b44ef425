"""Random people invite, take up, confirm, stop, bring back, hand over and declare, in any order: what always holds."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session as Database

from models.core.refusal import Refusal
from models.people.conversation import Conversation
from models.people.user import User
from models.staff import appointment, handover, queue, suspension
from models.staff.appointment import Invitation
from models.staff.conflict_of_interest import conflicts_with
from models.staff.directory import is_below
from models.staff.member import HOLDING, Staff, find_staff
from models.staff.recusal import Recusal
from models.staff.task import Matter, Task, open_task
from tests.harness.platform import wechat
from tests.harness.stage import Clock, Stage, id_number, numbered

COUNTY, MEIHUA, QINGTANG = "431124000000", "431124101000", "431124104000"
VILLAGES = ("431124101208", "431124101209", "431124101213")
PLACES = (COUNTY, MEIHUA, QINGTANG, *VILLAGES)
ROLES = ("village", "township", "county", "fund_holder")
PEOPLE = tuple(f"o-{name}" for name in ("zhou", "li", "zhao", "chen", "wu", "he"))
FIRST = (("o-county", "county", COUNTY), ("o-town", "township", MEIHUA), ("o-far", "township", QINGTANG))
RESIDENTS = 3
TASKS = 6

EVERYBODY = (*PEOPLE, *(openid for openid, _, _ in FIRST))
# Mostly those who may, so that walks get somewhere.
ABOVE = ("o-town", "o-county", "o-town", "o-county", "o-far", "o-zhou")
_MOST = 15

Action = tuple[str, str, object, object]


def action(chance: Random) -> Action:
    """``join`` is the way in by itself; every other act is one word that somebody says."""
    number = chance.randint(0, _MOST)
    match chance.choice(
        ("invite", "redeem", "confirm", "stop", "stop", "hand_over", "assign", "declare", "wait", "join")
    ):
        case "invite":
            return "invite", chance.choice(ABOVE), chance.choice(["village", *ROLES]), chance.choice(PLACES)
        case "confirm":
            return "confirm", chance.choice(ABOVE), number, None
        case "stop":
            return chance.choice(("suspend", "restore", "revoke")), chance.choice(ABOVE), number, None
        case "assign":
            return "assign", chance.choice(ABOVE), number, chance.randint(0, _MOST)
        case "wait":
            return "wait", "", chance.randint(1, 30), None
        case "join":
            return "join", chance.choice(PEOPLE), chance.random() < 0.7, chance.choice([MEIHUA, *VILLAGES])
        case name:
            return name, chance.choice(EVERYBODY), number, None


@dataclass
class Walk:
    """One example in a transaction that is rolled back; ``codes`` are all that were ever told."""

    db: Database
    now: datetime
    codes: list[str] = field(default_factory=list)

    def staff(self, which: int) -> Staff:
        everybody = self.db.scalars(select(Staff).order_by(Staff.id)).all()
        return everybody[which % len(everybody)]

    def near(self, by: Staff, which: int) -> str:
        """A work number: for every other ``which`` one below ``by``, so that walks get somewhere; else anybody's."""
        everybody = self.db.scalars(select(Staff).order_by(Staff.id)).all()
        below = [staff for staff in everybody if is_below(by.role, staff.role) and by.covers(staff.region_code)]
        among = below if below and which % 2 == 0 else everybody
        return among[which // 2 % len(among)].work_no

    def act(self, name: str, openid: str, first: object, second: object) -> None:
        """As a handler does: who is not on the staff is stopped before; a refusal takes back all that was written."""
        doing: Callable[..., None] = getattr(self, f"_{name}")
        by = find_staff(self.db, wechat.ACCOUNT, openid, self.now)
        needs_seat = name not in ("redeem", "wait", "join")
        if needs_seat and by is None:
            return
        try:
            with self.db.begin_nested():
                doing(by if needs_seat else openid, first, second)
        except Refusal:
            self.db.expire_all()

    def _invite(self, by: Staff, role: str, place: str) -> None:
        until = self.now + timedelta(days=20) if len(self.codes) % 2 else None
        invited, code = appointment.invite(self.db, by, Invitation(role, place, "周建国", until), self.now)
        assert is_below(by.role, invited.role)
        assert by.covers(invited.region_code)
        self.codes.append(code)

    def _redeem(self, openid: str, which: int, _: None) -> None:
        code = self.codes[which % len(self.codes)] if self.codes else "ABCDE23456"
        conversation = self.db.scalars(select(Conversation.id).where(Conversation.openid == openid)).one()
        appointment.redeem(self.db, conversation, code, numbered(conversation), self.now)

    def _join(self, openid: str, confirmed: bool, place: str) -> None:
        by = find_staff(self.db, wechat.ACCOUNT, "o-town", self.now)
        if by:
            self._invite(by, "village", place)
            self._redeem(openid, len(self.codes) - 1, None)
            newest = self.db.scalars(select(Staff).order_by(Staff.id.desc()).limit(1)).one()
            if confirmed:
                appointment.confirm(self.db, by, newest.work_no, self.now)

    def _confirm(self, by: Staff, which: int, _: None) -> None:
        staff = self.staff(which)
        appointment.confirm(self.db, by, staff.work_no, self.now)
        assert staff.id != by.id

    def _suspend(self, by: Staff, which: int, _: None) -> None:
        suspension.suspend(self.db, by, self.near(by, which), "moved_on", self.now)

    def _restore(self, by: Staff, which: int, _: None) -> None:
        suspension.restore(self.db, by, self.near(by, which), self.now)

    def _revoke(self, by: Staff, which: int, _: None) -> None:
        suspension.revoke(self.db, by, self.near(by, which), "moved_on", self.now)

    def _hand_over(self, by: Staff, which: int, _: None) -> None:
        handover.hand_over(self.db, by, self.staff(which).work_no, self.now)
        assert not handover.queue_of(self.db, by)

    def _assign(self, by: Staff, which: int, to: int) -> None:
        """Past the subject's own row, which these tasks have not; what is asked of it is asked here."""
        task = self.db.scalars(select(Task).order_by(Task.id)).all()[which % TASKS]
        if by.role in ("township", "county") and by.covers(task.region_code):
            handover.assign_task(self.db, by, task, self.staff(to).work_no, self.now)

    def _declare(self, by: Staff, which: int, _: None) -> None:
        handover.declare_conflict(self.db, by, "kin", id_number(which % RESIDENTS + 3), self.now)

    def _wait(self, _openid: str, days: int, _: None) -> None:
        self.now += timedelta(days=days)
        suspension.end_terms(self.db, self.now)
        queue.escalate_overdue(self.db, self.now)

    def states(self) -> dict[int, str]:
        return dict(self.db.execute(select(Staff.id, Staff.state)).all())

    def check(self, before: dict[int, str]) -> None:
        self.db.flush()
        self.db.expire_all()
        for staff_id, state in self.states().items():
            was = before.get(staff_id, "invited")
            steps = appointment.MACHINE.moves
            via = {to for source, to in steps if source == was} | {was}
            assert state in via or (staff_id not in before and state == "active"), f"{was} -> {state}"
        held = select(func.count()).where(Staff.state.in_(HOLDING)).group_by(Staff.openid)
        assert all(count == 1 for count in self.db.scalars(held))
        open_ones = self.db.scalars(select(Task).where(Task.closed_at.is_(None))).all()
        assert len(open_ones) == TASKS
        for task in open_ones:
            holder = self.db.get(Staff, task.assignee) if task.assignee else None
            if holder:
                assert holder.state == "active"
                assert holder.active_until is None or holder.active_until > self.now
                recused = select(Recusal.id).where(Recusal.task_id == task.id, Recusal.staff_id == holder.id)
                assert self.db.scalar(recused) is None
                assert holder.id not in conflicts_with(self.db, task.household_id)


@pytest.fixture
def database(database_url: str) -> Iterator[Engine]:
    stage = Stage(database_url)
    for openid in PEOPLE:
        stage.person(openid)
    for openid, role, place in FIRST:
        stage.appoint(openid, role, place, openid)
    for serial in range(RESIDENTS):
        stage.register(f"o-resident-{serial}", "resident", VILLAGES[0])
    with Database(stage.database) as db, db.begin():
        households = db.scalars(select(User.household_id).order_by(User.id)).all()
        for serial in range(TASKS):
            matter = Matter("case", 1000 + serial, VILLAGES[serial % len(VILLAGES)], households[serial % RESIDENTS])
            open_task(db, matter, "visit", stage.clock())
    yield stage.database
    stage.close()


@pytest.mark.slow  # a long walk
@pytest.mark.search
def test_whatever_people_do_seats_and_queues_stay_in_order(database: Engine) -> None:
    reached: set[str] = set()

    @given(seed=st.integers(0, 2**32), length=st.integers(1, 30))
    def walk(seed: int, length: int) -> None:
        chance = Random(seed)
        with database.connect() as connection, connection.begin() as whole:
            with Database(connection, join_transaction_mode="create_savepoint") as db:
                here = Walk(db, Clock().now)
                for _ in range(length):
                    before = here.states()
                    here.act(*action(chance))
                    here.check(before)
                    reached.update(here.states().values())
            whole.rollback()

    walk()
    assert reached == {"invited", "bound", "active", "suspended", "revoked"}
