"""What the donors of the demo's year do: register, give, pay, sometimes not, take back, ask for receipts, report."""

import re
from datetime import timedelta
from random import Random

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.demo.year.house import House
from bot.demo.year.phone import Phone
from bot.demo.year.plan import Donor, Household, Plan, crowdfund_of
from models.appeals.appeal import Appeal
from models.core.codes import ALPHABET
from models.giving.pledge import CODE_LENGTH, Pledge, raised
from models.payments.collection import room
from models.people.conversation import Conversation

_CODE = re.compile(f"[{ALPHABET}]{{{CODE_LENGTH}}}")
# Of a hundred gifts so many are never paid, taken back the next day, given a receipt for.
_UNPAID, _TAKEN_BACK, _RECEIPTS = 4, 2, 3
# A false appeal is reported by so many, after so many gifts.
_REPORTERS, _GIFTS_BEFORE_DOUBT = 3, 6
_MOST_TO_THE_UNLOVED = 2


class Givers:
    """Let the donors give. ``phones``: those who have come so far; ``households``: by openid."""

    def __init__(self, house: House, plan: Plan, households: dict[str, Household]) -> None:
        self.house, self.plan, self.households = house, plan, households
        self.phones: list[Phone] = []
        self._reported: dict[int, int] = {}
        self._later: list[tuple[str, Phone, str, str]] = []

    def arrive(self, donor: Donor) -> None:
        lot = Random(donor.openid)  # noqa: S311 - its pictures
        phone = Phone(self.house, self.plan.words["scripts"], donor.openid, "", lot)
        phone.meet(donor.name)
        phone.play("register_donor", name=donor.name)
        self.phones.append(phone)

    def give(self) -> None:
        """Let one of them give to an appeal that collects, if there is one."""
        lot = self.plan.lot
        open_ones = self._open()
        if not open_ones or not self.phones:
            return
        appeal, most = lot.choice(open_ones)
        drawn = lot.choice(self.plan.words["amounts"]["crowdfund" if appeal.kind == "crowdfund" else "household"])
        yuan = min(drawn, most // 100)
        phone, chance = lot.choice(self.phones), lot.randrange(100)
        phone.play("give", number=appeal.id, yuan=yuan, named="2" if lot.random() < 0.3 else "1")
        code = _CODE.search(phone.reply)
        if chance < _UNPAID:
            return
        phone.pay()
        if code and chance < _UNPAID + _TAKEN_BACK and most // 100 > yuan:
            self._later.append(("take_back", phone, code[0], ""))
        elif code and chance < _UNPAID + _TAKEN_BACK + _RECEIPTS:
            name = lot.choice(self.plan.words["names"]["family"]) + lot.choice(self.plan.words["names"]["given"])
            self._later.append(("ask_receipt", phone, code[0], name))

    def live_a_day(self) -> None:
        """Do what some of yesterday's gifts lead to, and report what looks false."""
        later, self._later = self._later, []
        for script, phone, code, name in later:
            if script != "take_back" or self._may_go_back(code):
                phone.play(script, code=code, name=name)
        for appeal, _ in self._open():
            if self._is_false(appeal) and self._gifts(appeal.id) >= _GIFTS_BEFORE_DOUBT:
                reported = self._reported.get(appeal.id, 0)
                if reported < _REPORTERS:
                    self.phones[reported].play("report", number=appeal.id)
                    self._reported[appeal.id] = reported + 1

    def _open(self) -> list[tuple[Appeal, int]]:
        """List the year's appeals that donors give to, each with the fen that it still takes."""
        soon = self.house.clock() + timedelta(hours=1)
        with Session(self.house.turns.database, expire_on_commit=False) as db:
            wanted = select(Appeal).where(Appeal.state == "funding", Appeal.deadline > soon)
            found = [(appeal, room(db, appeal)) for appeal in db.scalars(wanted.order_by(Appeal.id))]
        return [(appeal, fen) for appeal, fen in found if fen >= 100 and not self._has_what_comes(appeal)]

    def _household(self, appeal: Appeal) -> Household:
        with Session(self.house.turns.database) as db:
            openid = db.scalars(select(Conversation.openid).where(Conversation.user_id == appeal.owner_id)).one()
        return self.households[openid]

    def _is_false(self, appeal: Appeal) -> bool:
        return appeal.kind == "one_to_one" and self._household(appeal).fate == "false"

    def _has_what_comes(self, appeal: Appeal) -> bool:
        """Tell whether the appeal, which still collects, has received all the gifts that the plan lets it have."""
        if appeal.kind == "one_to_one":
            return self._household(appeal).asking == "unloved" and self._gifts(appeal.id) >= _MOST_TO_THE_UNLOVED
        with Session(self.house.turns.database) as db:
            has = raised(db, [appeal.id])[appeal.id]
        comes: float = crowdfund_of(self.plan, appeal).get("comes", 1)
        return has.raised_fen >= appeal.target_fen * comes

    def _gifts(self, number: int) -> int:
        with Session(self.house.turns.database) as db:
            return db.scalar(select(func.count()).select_from(Pledge).where(Pledge.appeal_id == number)) or 0

    def _may_go_back(self, code: str) -> bool:
        with Session(self.house.turns.database) as db:
            return db.scalar(select(Pledge.state).where(Pledge.code == code)) == "committed"
