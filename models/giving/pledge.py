"""Pledges: a donor promises money to an appeal. With PAY_MODE=off a pledge stays a recorded promise.

Where money is collected, only what was paid counts (``counted``); without collection a promise counts as one. The
mode goes with the session's engine, so that all sums of a program follow one rule.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    Select,
    String,
    bindparam,
    column,
    func,
    join,
    literal_column,
    select,
    text,
    union_all,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.appeals.appeal import Appeal, OwnHousehold
from models.appeals.beneficiary import helped_households
from models.core.base import Base, RowId, one_of
from models.core.codes import new_code
from models.core.database import collects_money
from models.core.hooks import Hook
from models.core.money import SMALLEST_PLEDGE
from models.core.prepared import Prepared
from models.core.refusal import Refusal
from models.core.state_machine import By, Machine
from models.core.subject import Subject
from models.giving.pledge_sums import PledgeSums
from models.ledger.accounts import LedgerAccount, LedgerSum
from models.ledger.totals import add_up
from models.organisations.charity import Charity
from models.organisations.merchant import with_merchant
from models.people.family_member import Person, all_households
from models.people.shared_phone import sharing_a_phone
from models.people.user import User

CODE_LENGTH = 10

_SYSTEM = frozenset({By.SYSTEM})
_OWNER = frozenset({By.OWNER})

# Arguments: the pledge's number and state. Called when it expires, is cancelled or is to be refunded.
on_void: Hook[[Session, int, str, datetime], None] = Hook("giving.pledge.on_void")

MACHINE = Machine(
    "pledge",
    {
        ("intended", "awaiting_payment"): _OWNER,
        ("intended", "expired"): _SYSTEM,
        ("intended", "cancelled"): _OWNER,
        ("awaiting_payment", "paid"): _SYSTEM,
        ("awaiting_payment", "expired"): _SYSTEM,
        ("awaiting_payment", "cancelled"): _OWNER,
        # A late payment passes ``paid`` before it is refunded.
        ("expired", "paid"): _SYSTEM,
        ("cancelled", "paid"): _SYSTEM,
        ("paid", "committed"): _SYSTEM,
        ("paid", "refund_pending"): frozenset({By.SYSTEM, By.OWNER}),
        ("committed", "partly_disbursed"): _SYSTEM,
        ("committed", "refund_pending"): frozenset({By.SYSTEM, By.OWNER}),
        # The unspent rest is refunded.
        ("partly_disbursed", "refund_pending"): frozenset({By.SYSTEM, By.OWNER}),
        # A pledge to which another gift's money was redirected.
        ("intended", "paid"): _SYSTEM,
        ("partly_disbursed", "settled"): _SYSTEM,
        ("committed", "settled"): _SYSTEM,
        # A returned payout is held for the appeal again.
        ("partly_disbursed", "committed"): _SYSTEM,
        ("settled", "partly_disbursed"): _SYSTEM,
        ("settled", "committed"): _SYSTEM,
        ("refund_pending", "refunded"): _SYSTEM,
        ("refund_pending", "redirected"): _SYSTEM,
    },
    # The donor's unread message to the family is withdrawn with the pledge.
    then=dict.fromkeys(("expired", "cancelled", "refund_pending"), on_void),
)
# The gift was paid and has not left its appeal.
PAID = ("paid", "committed", "partly_disbursed", "settled")
# Promised and not paid: while PAY_MODE was off, or to be paid by ``pay_by``.
UNPAID = ("intended", "awaiting_payment")
# The money has left the appeal for the donor or another appeal, or is being refunded.
LEFT_APPEAL = ("refund_pending", "refunded", "redirected")
# What a donor wants if the appeal fails: a refund, or the gift redirected to a similar appeal.
FALLBACKS = ("refund", "similar")
_AWAITS = text("state = 'awaiting_payment'")


class NotFunding(Refusal):
    """The appeal takes no pledges now: it is not open, past its deadline, frozen or done."""

    code = "not_funding"
    final = True


class OverCap(Refusal):
    """The gift exceeds what the appeal still needs, ``room_fen``; that is 0 where it needs no more."""

    code = "over_cap"
    step = "amount"


class NoCollector(NotFunding):
    """No charity collects for it now: it is suspended or has no name or account, or crowdfunding has no filing."""

    code = "no_collector"


class Pledge(Base):
    """A donor's pledge to an appeal. ``anonymous`` holds wherever the gift is shown."""

    __tablename__ = "pledges"
    id: Mapped[RowId]
    draft_id: Mapped[str] = mapped_column(String(36), unique=True)
    code: Mapped[str] = mapped_column(String(CODE_LENGTH), unique=True)
    appeal_id: Mapped[int] = mapped_column(ForeignKey("appeals.id"))
    donor_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    amount_fen: Mapped[int]
    anonymous: Mapped[bool]
    by_staff: Mapped[bool] = mapped_column(default=False, server_default="0")
    """The donor was on the staff: counted separately, because staff may give to appeals that they passed."""
    state: Mapped[str] = mapped_column(String(20), default="intended")
    created_at: Mapped[datetime]
    pay_by: Mapped[datetime | None]
    """Until when it can be paid; None: a promise without payment."""
    fallback: Mapped[str] = mapped_column(String(8), default="refund", server_default="refund")

    __table_args__ = (
        one_of("state", MACHINE.states),
        one_of("fallback", FALLBACKS),
        CheckConstraint("state <> 'awaiting_payment' OR pay_by IS NOT NULL", name="awaited_until"),
        CheckConstraint(f"amount_fen >= {SMALLEST_PLEDGE}", name="at_least_one_yuan"),
        Index("ix_pledges_appeal", "appeal_id", "state", "amount_fen"),
        Index("ix_pledges_donor_id", "donor_id", "id"),
        Index("ix_pledges_appeal_donor", "appeal_id", "donor_id"),
        Index("ix_pledges_appeal_id", "appeal_id", "id"),
        Index("ix_pledges_pay_by", "pay_by", postgresql_where=_AWAITS),
    )


PLEDGE = Subject("pledge", Pledge, MACHINE, begins=("intended",), owner=Pledge.donor_id)


@dataclass(frozen=True, slots=True)
class OwnPledge:
    """A donor's own pledge, shown only to the donor. ``back_fen``: the sum refunded or being refunded."""

    number: int
    code: str
    appeal: int
    title: str
    amount_fen: int
    anonymous: bool
    state: str
    created_at: datetime
    pay_by: datetime | None = None
    back_fen: int | None = None


@dataclass(frozen=True, slots=True)
class Raised:
    """What an appeal has. ``raised_fen`` from ``gifts`` pledges counts towards its target; it is ``paid_fen``, and with
    PAY_MODE=off also ``promised_fen``, which is promised and not paid.
    """

    raised_fen: int
    gifts: int
    paid_fen: int
    promised_fen: int

    def plus(self, fen: int, gifts: int = 0) -> "Raised":
        """Return it with more, or less, money and gifts that are paid."""
        return replace(self, raised_fen=self.raised_fen + fen, paid_fen=self.paid_fen + fen, gifts=self.gifts + gifts)

    @property
    def facts(self) -> dict[str, int]:
        """What notifications say of it."""
        return {"raised_fen": self.raised_fen, "paid_fen": self.paid_fen, "gifts": self.gifts}


def check_open(db: Session, appeal: Appeal, donor: User | None, now: datetime) -> None:
    """Check that this donor (None: not known yet) may pledge to this appeal now.

    Raises NotFunding, NoCollector or OwnHousehold.
    """
    if not appeal.collects(now):
        hidden = appeal.hidden_at is not None
        raise NotFunding(number=appeal.id, title=appeal.title, state=appeal.state, hidden=hidden)
    if not is_collected(db, appeal):
        raise NoCollector(number=appeal.id, title=appeal.title, state=appeal.state)
    if donor and own_gifts(db, [(donor, appeal)]):
        raise OwnHousehold(number=appeal.id)


class Donor(Person, Protocol):
    """What of a user tells to which appeals they may not give: models.people.user.User."""

    @property
    def id(self) -> int: ...


def own_gifts(db: Session, gifts: Sequence[tuple[Donor, Appeal]]) -> set[tuple[int, int]]:
    """Return those (donor's id, appeal's) in which the donor would give to their own: in three statements at most.

    They belong to the household that asks, or to one that the appeal is to help; or they share a phone with the owner,
    who else could give to it as somebody new, and draw a matching pool.
    """
    homes = all_households(db, [donor for donor, _ in gifts])
    appeals = {appeal.id for _, appeal in gifts}
    helped = helped_households(appeals, {donor.household_id for donor, _ in gifts if donor.household_id})
    phones = sharing_a_phone({donor.id for donor, _ in gifts}, {appeal.owner_id for _, appeal in gifts})
    found = union_all(helped.add_columns(literal_column("'helped'")), phones.add_columns(literal_column("'phone'")))
    ties = {(why, one, other) for one, other, why in db.execute(found)}
    return {
        (donor.id, appeal.id)
        for (donor, appeal), home in zip(gifts, homes, strict=True)
        if appeal.household_id in home
        or ("helped", appeal.id, donor.household_id) in ties
        or ("phone", donor.id, appeal.owner_id) in ties
    }


def is_collected(db: Session, appeal: Appeal) -> bool:
    """Tell whether a charity collects for the appeal now, with a filing for crowdfunding and an account to pay into."""
    return appeal.id in collected(db, [appeal])


def collected(db: Session, appeals: Collection[Appeal]) -> set[int]:
    """Return the ids of those appeals that ``is_collected``."""
    wanted = {appeal.charity_id for appeal in appeals if appeal.charity_id is not None}
    found = [db.get(Charity, number) for number in wanted]  # mostly one, which the session knows
    ready = {charity.id for charity in found if charity and charity.collects}
    if ready and collects_money(db):
        ready &= with_merchant(db, ready)
    return {
        appeal.id
        for appeal in appeals
        if appeal.charity_id in ready and not (appeal.kind == "crowdfund" and appeal.filing_id is None)
    }


def make_pledge(
    db: Session,
    draft_id: str,
    appeal: Appeal,
    donor: User,
    amount_fen: int,
    anonymous: bool,
    now: datetime,
    *,
    by_staff: bool = False,
) -> Pledge:
    """Create a pledge; ``appeal`` must be locked. The same draft twice gives the same pledge.

    ``by_staff``: the donor is an active member of staff. Raises NotFunding or OwnHousehold.
    """
    earlier = db.scalar(select(Pledge).where(Pledge.draft_id == draft_id))
    if earlier:
        return earlier
    check_open(db, appeal, donor, now)
    pledge = Pledge(
        draft_id=draft_id,
        code=new_code(CODE_LENGTH),
        appeal_id=appeal.id,
        donor_id=donor.id,
        amount_fen=amount_fen,
        anonymous=anonymous,
        by_staff=by_staff,
        created_at=now,
    )
    db.add(pledge)
    db.flush()
    return pledge


def counted(db: Session) -> tuple[str, ...]:
    """Return the states in which a pledge counts as a gift: paid, and with PAY_MODE=off also promised."""
    return PAID if collects_money(db) else ("intended", *PAID)


def _sums() -> Select[*tuple[Any, ...]]:
    """Build the statement for what pledges of appeals sum up to, beside each kind of their money; NULL for none."""
    wanted = func.unnest(bindparam("b_appeals", type_=ARRAY(BigInteger))).table_valued(column("id", BigInteger))
    wanted = wanted.render_derived(name="wanted")
    sums, account, money = PledgeSums, LedgerAccount, LedgerSum
    of_appeal = (account.subject_id == wanted.c.id) & (account.kind == literal_column("'appeal'"))
    joined = join(wanted, sums, sums.appeal_id == wanted.c.id, isouter=True)
    joined = joined.join(account, of_appeal, isouter=True).join(money, money.account_id == account.id, isouter=True)
    pledges = (sums.paid, sums.intended, sums.intended_fen, sums.awaiting_fen)
    return select(wanted.c.id, *pledges, money.kind, money.amount_fen).select_from(joined)


_SUMS = Prepared(_sums())


def raised(db: Session, appeal_ids: list[int]) -> dict[int, Raised]:
    """Appeal id -> what it has and what is promised, for all given ids. Targets, lists and milestones use these sums.

    Paid is what donors and matching pools gave, without refunds, spent or not: the ledger's public total. The cost is
    the same for any number of gifts.
    """
    if not appeal_ids:
        return {}
    pledges: dict[int, tuple[int, int, int, int]] = {}
    money: dict[int, list[tuple[str, int]]] = {}
    rows = _SUMS.all(db, {"b_appeals": sorted(set(appeal_ids))})
    for appeal_id, paid, intended, intended_fen, awaiting_fen, kind, fen in rows:
        pledges[appeal_id] = (paid or 0, intended or 0, intended_fen or 0, awaiting_fen or 0)
        money.setdefault(appeal_id, []).extend([(kind, fen)] if kind else [])
    collects, found = collects_money(db), {}
    for appeal_id, (paid, intended, intended_fen, awaiting_fen) in pledges.items():
        paid_fen = add_up(money[appeal_id]).public
        if collects:
            found[appeal_id] = Raised(paid_fen, paid, paid_fen, intended_fen + awaiting_fen)
        else:
            found[appeal_id] = Raised(paid_fen + intended_fen, paid + intended, paid_fen, intended_fen)
    return found


def check_not_full(db: Session, appeal: Appeal, raised_fen: int | None = None) -> None:
    """Check that the appeal still needs a gift, beside what counts. Raises OverCap.

    ``raised_fen``: what counts, where the caller has just read it.
    """
    fen = raised(db, [appeal.id])[appeal.id].raised_fen if raised_fen is None else raised_fen
    if appeal.target_fen - fen < SMALLEST_PLEDGE:
        raise OverCap(number=appeal.id, title=appeal.title, room_fen=0)


def takes_gifts(db: Session, appeal: Appeal, now: datetime, raised_fen: int | None = None) -> bool:
    """Tell whether the appeal can be given to now: it is open, somebody collects for it, and it lacks something.

    ``raised_fen``: what counts, where the caller has just read it.
    """
    try:
        check_open(db, appeal, None, now)
        check_not_full(db, appeal, raised_fen)
    except (NotFunding, OverCap):
        return False
    return True
