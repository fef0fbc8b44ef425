"""What the households of the demo's year do: register, ask, mend, spend, tell how it goes, say that it came."""

from collections.abc import Sequence
from datetime import timedelta
from random import Random

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.demo.year.house import House
from bot.demo.year.phone import Phone
from bot.demo.year.plan import Household, Plan, Row, crowdfund_of
from models.appeals.appeal import Appeal, BudgetLine
from models.disbursements.budget import SPENDABLE
from models.disbursements.disbursement import Disbursement, asked_of, taken_of_line
from models.disbursements.payee import payees_of
from models.ledger import held
from models.outreach.update import Update
from models.people.conversation import Conversation
from models.verification.case import Verification

# Requests for money that are over; while another one is under way, no second one is made.
_OVER = ("received", "acquitted", "refused", "withdrawn", "returned")
_BETWEEN_UPDATES = timedelta(days=12)


class Owners:
    """``phones`` and ``households`` by openid: those that have come so far."""

    def __init__(self, house: House, plan: Plan) -> None:
        self.house, self.plan = house, plan
        self.phones: dict[str, Phone] = {}
        self.households: dict[str, Household] = {}
        self._asked: set[str] = set()
        self._villages = list(plan.words["crowdfunds"])

    def arrive(self, one: Household) -> None:
        place, lot = self.plan.words["towns"][one.town]["label"], Random(one.openid)  # noqa: S311 - its pictures
        phone = Phone(self.house, self.plan.words["scripts"], one.openid, place, lot)
        self.phones[one.openid], self.households[one.openid] = phone, one
        phone.meet(one.name)
        phone.play("register_resident", name=one.name, id_number=one.id_number, phone=one.phone)

    def live_a_day(self) -> None:
        """Do what waits for an owner."""
        self._object()
        self._ask()
        with Session(self.house.turns.database, expire_on_commit=False) as db:
            owned = select(Appeal, Conversation.openid).join(Conversation, Conversation.user_id == Appeal.owner_id)
            found = db.execute(owned.where(Conversation.openid.in_(self.phones)).order_by(Appeal.id)).all()
        for appeal, openid in found:
            self._go_on(appeal, self.households[openid], self.phones[openid])

    def _object(self) -> None:
        """Let a neighbour object to who is on notice and has an ill-wisher."""
        for case, openid in self._cases("public_notice"):
            if self.households[openid].fate == "objected" and case.round == 0 and openid not in self._asked:
                neighbour = next(phone for other, phone in self.phones.items() if other != openid)
                neighbour.play("object", number=case.id)
                self._asked.add(openid)

    def _ask(self) -> None:
        """Let who is verified ask for what they want, and a village for what it needs together."""
        verified = [openid for _, openid in self._cases("verified")]
        for openid in verified:
            one = self.households[openid]
            if one.serial not in self._having_asked():
                self._ask_for(one)
        speakers = [openid for openid in verified if self.households[openid].asking == "passed"]
        for row in self._villages[:1]:
            if speakers and self.house.clock() >= self.plan.begin + timedelta(days=row["start"]):
                self._villages.remove(row)
                self.phones[speakers[len(self._villages) % len(speakers)]].play("crowdfund", **row, days="90")

    def _having_asked(self) -> set[int]:
        with Session(self.house.turns.database) as db:
            owned = select(Conversation.openid).join(Appeal, Appeal.owner_id == Conversation.user_id)
            owned = owned.where(Appeal.kind == "one_to_one")
            return {self.households[one].serial for one in db.scalars(owned) if one in self.households}

    def _ask_for(self, one: Household) -> None:
        lines = [(item, self._yuan(one, yuan)) for item, yuan in one.want["budget"]]
        self.phones[one.openid].play(
            "ask",
            title=one.want["title"],
            category=one.want["category"],
            story=one.want["story"],
            target=sum(yuan for _, yuan in lines),
            budget="\n".join(f"{item} {yuan}" for item, yuan in lines),
            days="30" if one.asking == "unloved" else "75",
        )

    def _yuan(self, one: Household, yuan: int) -> int:
        """Return what it costs this household: nine to twelve tenths of ``yuan``, by its serial."""
        return round(yuan * (9 + one.serial % 4) / 100) * 10

    def _cases(self, state: str) -> list[tuple[Verification, str]]:
        with Session(self.house.turns.database, expire_on_commit=False) as db:
            wanted = select(Verification, Conversation.openid)
            wanted = wanted.join(Conversation, Conversation.user_id == Verification.user_id)
            wanted = wanted.where(Verification.state == state, Conversation.openid.in_(self.phones))
            return [(case, openid) for case, openid in db.execute(wanted.order_by(Verification.id))]

    def _go_on(self, appeal: Appeal, one: Household, phone: Phone) -> None:
        if appeal.state == "submitted" and one.asking == "withdrawn" and appeal.kind == "one_to_one":
            phone.play("withdraw", number=appeal.id)
        elif appeal.state == "returned":
            lines = [(item, self._yuan(one, yuan) - 50) for item, yuan in one.want["budget"]]
            budget = "\n".join(f"{item} {yuan}" for item, yuan in lines)
            phone.play("fix", number=appeal.id, target=sum(yuan for _, yuan in lines), budget=budget)
        elif appeal.state in SPENDABLE or appeal.state == "reporting":
            self._spend(appeal, one, phone)
            self._tell(appeal, phone)

    def _spend(self, appeal: Appeal, one: Household, phone: Phone) -> None:
        """Answer for the newest payment, or ask for what the next line of the budget costs."""
        with Session(self.house.turns.database, expire_on_commit=False) as db:
            own = select(Disbursement).where(Disbursement.appeal_id == appeal.id).order_by(Disbursement.id)
            uses = db.scalars(own).all()
            waiting = [use for use in uses if use.state not in _OVER]
            line = self._next_line(db, appeal) if self._asks_for_more(appeal, one, uses) else None
            has_payee = bool(payees_of(db, appeal.id))
        owes = one.asking == "owes" and appeal.state == "reporting"
        for use in uses:
            if use.state == "paid":
                phone.play("received", code=use.code)
            elif use.state == "received" and use.receipts_at is None and not owes:
                phone.play("hand_in_receipts", number=use.id)
        if line and not waiting:
            number, yuan = line
            account = f"62284800000000{one.serial:05}"
            facts: Row = {"number": appeal.id, "line": number, "yuan": yuan, "account": account}
            phone.play("spend" if has_payee else "spend_first", **facts, last_six=one.id_number[-6:])

    def _asks_for_more(self, appeal: Appeal, one: Household, uses: Sequence[Disbursement]) -> bool:
        """Tell whether the owner asks for money now; some have not yet when the year ends."""
        if appeal.kind == "crowdfund":
            return appeal.state in SPENDABLE and crowdfund_of(self.plan, appeal).get("spent", True)
        return appeal.state in SPENDABLE and one.asking != "saves" and not (one.asking == "began" and uses)

    def _next_line(self, db: Session, appeal: Appeal) -> tuple[int, int] | None:
        """Return the number of the next line, as the bot lists them, and what can be asked for it, in yuan."""
        lines = db.scalars(select(BudgetLine).where(BudgetLine.appeal_id == appeal.id).order_by(BudgetLine.id)).all()
        free = held(db, [appeal.id])[appeal.id] - asked_of(db, appeal.id)
        for number, line in enumerate(lines, 1):
            fen = min(line.amount_fen - taken_of_line(db, line.id), free)
            if fen >= 100:
                return number, fen // 100
        return None

    def _tell(self, appeal: Appeal, phone: Phone) -> None:
        """Tell how it goes on, now and then, in the words of config/demo/year.toml."""
        words = self.plan.words["updates"]["words"]
        with Session(self.house.turns.database, expire_on_commit=False) as db:
            told = db.scalars(select(Update).where(Update.appeal_id == appeal.id).order_by(Update.id)).all()
        lately = told and self.house.clock() - told[-1].created_at < _BETWEEN_UPDATES
        if appeal.state == "executing" and not lately and len(told) < len(words):
            phone.play("update", number=appeal.id, words=words[len(told)])
