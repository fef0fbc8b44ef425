"""What the staff of the demo's year do: each works through the own queue, a day or so after a thing came into it."""

from collections import Counter
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.demo.year.county import Seat
from bot.demo.year.house import House
from bot.demo.year.phone import WentAstray
from bot.demo.year.plan import Household, Plan, Row, crowdfund_of
from models.appeals.appeal import Appeal
from models.disbursements.disbursement import Disbursement
from models.disbursements.payee import Payee
from models.ledger.accounts import Account, LedgerAccount, channel_of
from models.organisations.charity import Charity
from models.people.conversation import Conversation
from models.staff.task import Task
from models.verification.case import Verification

_HALF_A_DAY = timedelta(hours=12)
# A picture may still be on its way when an officer first looks.
_MOST_TRIES = 5
_POOL_LASTS = timedelta(days=25)
# Steps of work on a household's case and on its appeal.
_CASE_STEPS = ("visit", "adjudicate", "township_review", "county_review")


class Officers:
    def __init__(self, house: House, plan: Plan, seats: dict[int, Seat], households: list[Household]) -> None:
        self.house, self.plan, self.seats = house, plan, seats
        self.by_openid = {one.openid: one for one in households}
        self._references = 0
        self._tried: Counter[int] = Counter()

    def work(self) -> None:
        """Let everybody do what has been in their queue for half a day, or up to two."""
        now = self.house.clock()
        own = Task.closed_at.is_(None) & Task.assignee.in_(self.seats)
        with Session(self.house.turns.database, expire_on_commit=False) as db:
            tasks = db.scalars(select(Task).where(own).order_by(Task.opened_at, Task.id)).all()
        for task in tasks:
            if now - task.opened_at >= _HALF_A_DAY * (1 + task.id % 4):
                self._see_to(task)

    def open_pool(self, row: Row) -> None:
        """Let the finance officer open a sponsor's pool for an appeal that collects for long, and enter its money."""
        long_enough = self.house.clock() + _POOL_LASTS
        with Session(self.house.turns.database) as db:
            wanted = select(Appeal.id).where(Appeal.state == "funding", Appeal.deadline > long_enough)
            number = db.scalar(wanted.where(Appeal.kind == "one_to_one").order_by(Appeal.id.desc()).limit(1))
        holder = next(seat for seat in self.seats.values() if seat.role == "fund_holder")
        if number:
            facts = {name: row[name] for name in ("sponsor", "cap", "each")}
            holder.phone.play("open_pool", number=number, reference=self._reference(), **facts)

    def _see_to(self, task: Task) -> None:
        assert task.assignee is not None  # noqa: S101 - of those that are asked for
        phone, number, step = self.seats[task.assignee].phone, task.subject_id, task.step
        script = self.plan.words["desk"].get(step, "")
        facts: dict[str, object] = {"number": number, "decision": "2"}
        if step in _CASE_STEPS:
            script = self._case_script(step, number)
        elif step == "endorse":
            script = self._appeal_script(number)
        elif step == "file" and not self._is_to_be_filed(number):
            return
        elif step == "frozen":
            script = "end_frozen" if task.subject == "appeal" else ""
        elif step == "use_pay":
            if not self._may_pay(number):
                return
            self._settle_for(number, task.assignee)
        if script:
            facts["reference"] = self._reference()
            phone.play(script, **facts)
            self._tried[task.id] += 1
            if self._tried[task.id] > _MOST_TRIES:
                raise WentAstray(f"{script} does not end {step} of {task.subject} {number}:\n{phone.reply}")

    def _case_script(self, step: str, number: int) -> str:
        household = self._household(select(Verification.user_id).where(Verification.id == number))
        rich = household.fate == "not_in_need"
        match step:
            case "visit":
                return "visit_not_in_need" if rich else "visit"
            case "adjudicate":
                return "hear_objection"
            case "county_review" if rich:
                return "reject_case"
        return "pass_case"

    def _appeal_script(self, number: int) -> str:
        household = self._household(select(Appeal.owner_id).where(Appeal.id == number))
        with Session(self.house.turns.database) as db:
            again = db.get_one(Appeal, number).round > 1
        match household.asking:
            case "sent_back" if not again:
                return "send_back_appeal"
            case "refused":
                return "reject_appeal"
        return "pass_appeal"

    def _is_to_be_filed(self, number: int) -> bool:
        """Tell whether the fund holder files it within the year."""
        with Session(self.house.turns.database) as db:
            return bool(crowdfund_of(self.plan, db.get_one(Appeal, number)).get("filed", True))

    def _household(self, owner: object) -> Household:
        with Session(self.house.turns.database) as db:
            wanted = select(Conversation.openid).where(Conversation.user_id == owner.scalar_subquery())  # type: ignore[attr-defined]
            return self.by_openid[db.scalars(wanted).one()]

    def _may_pay(self, number: int) -> bool:
        """Tell whether the payee has stood long enough."""
        with Session(self.house.turns.database) as db:
            use = db.get_one(Disbursement, number)
            return db.get_one(Payee, use.payee_id).payable_from <= self.house.clock()

    def _settle_for(self, number: int, holder: int) -> None:
        """Enter what is missing at the bank, which the channel has sent there."""
        with Session(self.house.turns.database) as db:
            fen = db.get_one(Disbursement, number).amount_fen
            charity = db.scalars(select(Charity.id)).first() or 0
            missing = fen - self._balance(db, Account("bank", charity))
            there = self._balance(db, channel_of(charity))
        if missing > 0:
            yuan = min(-(-missing // 100), there // 100)
            self.seats[holder].phone.play("settle", yuan=yuan, reference=self._reference())

    def _balance(self, db: Session, account: Account) -> int:
        own = (LedgerAccount.kind == account.kind) & (LedgerAccount.subject_id == account.subject_id)
        return db.scalar(select(LedgerAccount.balance_fen).where(own)) or 0

    def _reference(self) -> str:
        self._references += 1
        return f"WY{self.house.clock():%Y%m%d}{self._references:05}"
