"""Recurring gifts: remind a donor once a month to give; nothing is ever charged automatically.

A donor has at most one live recurring gift for an appeal. The reminder comes on the same day of each month, or on the
last day of a shorter one. While the appeal is frozen no reminder is sent; once it takes no gifts any more, the
recurring gift ends.
"""

from calendar import monthrange
from collections.abc import Sequence
from datetime import datetime, time, timedelta

from sqlalchemy import CheckConstraint, ColumnElement, ForeignKey, Index, SmallInteger, String, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.appeals.appeal import Appeal, get_appeal
from models.core.audit_trail import record
from models.core.base import Base, RowId, one_of
from models.core.calendar import CHINA, day_in_china
from models.core.money import SMALLEST_PLEDGE
from models.core.refusal import Refusal
from models.core.state_machine import SYSTEM, Actor, By, Machine
from models.core.subject import Subject
from models.giving.pledge import MACHINE as PLEDGES
from models.giving.pledge import PAID, Pledge, check_open, make_pledge
from models.notifications.notify import notify_user
from models.payments.collection import await_payment
from models.people.user import User

MACHINE = Machine(
    "recurring_gift",
    {
        ("active", "stopped"): frozenset({By.OWNER}),
        ("active", "ended"): frozenset({By.SYSTEM}),
    },
)
# The most live recurring gifts of one donor, so that all fit on one screen.
MOST = 8
# Reminders are sent at this hour: people are up, and not yet at lunch.
HOUR = time(10, tzinfo=CHINA)
# A recurring gift lives on in these states of its appeal: no other takes gifts or leads back to one that does.
_GOES_ON = ("funding", "frozen")
_ACTIVE = text("state = 'active'")
_BATCH = 100


class NotCollecting(Refusal):
    """PAY_MODE is off, so that nothing can be paid each month."""

    code = "not_collecting"
    final = True


class NoSuchRecurringGift(Refusal):
    """The donor has no live recurring gift for this appeal."""

    code = "no_such_recurring_gift"


class TooManyRecurringGifts(Refusal):
    """The donor has ``most`` live recurring gifts, and must stop one first."""

    code = "too_many_recurring_gifts"
    final = True


class EndsBefore(Refusal):
    """The appeal's deadline comes before the first reminder would."""

    code = "ends_before"
    final = True


class GivenThisMonth(Refusal):
    """This month's gift is already given. ``next``: the next reminder, sent only before the appeal's ``deadline``."""

    code = "given_this_month"


class RecurringGift(Base):
    """A recurring gift. ``day``: of the month. ``next_at``: when the next reminder is due.

    ``pledge_id``: the pledge made since the last reminder. ``pledges``: how many it has made, which numbers their
    drafts.
    """

    __tablename__ = "recurring_gifts"
    id: Mapped[RowId]
    draft_id: Mapped[str] = mapped_column(String(36), unique=True)
    appeal_id: Mapped[int] = mapped_column(ForeignKey("appeals.id"))
    donor_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    amount_fen: Mapped[int]
    anonymous: Mapped[bool]
    state: Mapped[str] = mapped_column(String(10), default="active")
    day: Mapped[int] = mapped_column(SmallInteger)
    next_at: Mapped[datetime]
    pledge_id: Mapped[int | None] = mapped_column(ForeignKey("pledges.id"))
    pledges: Mapped[int] = mapped_column(default=0, server_default="0")
    created_at: Mapped[datetime]

    __table_args__ = (
        one_of("state", MACHINE.states),
        CheckConstraint(f"amount_fen >= {SMALLEST_PLEDGE}", name="at_least_one_yuan"),
        CheckConstraint("day BETWEEN 1 AND 31", name="day_of_a_month"),
        Index(
            "uq_recurring_gifts_live",
            "donor_id",
            "appeal_id",
            unique=True,
            postgresql_where=_ACTIVE,
        ),
        Index("ix_recurring_gifts_due", "next_at", postgresql_where=_ACTIVE),
        Index("ix_recurring_gifts_appeal", "appeal_id", postgresql_where=_ACTIVE),
    )


RECURRING_GIFT = Subject("recurring_gift", RecurringGift, MACHINE, begins=("active",), owner=RecurringGift.donor_id)


def next_time(day: int, before: datetime, now: datetime) -> datetime:
    """Return the first ``day`` at HOUR after ``now`` that is in a later month than ``before``, by China's calendar."""
    month = before.astimezone(CHINA).date().replace(day=1)
    while True:
        month = (month + timedelta(days=31)).replace(day=1)
        last = monthrange(month.year, month.month)[1]
        found = datetime.combine(month.replace(day=min(day, last)), HOUR)
        if found > now:
            return found


def check_may_begin(db: Session, donor: User, appeal: Appeal, now: datetime) -> None:
    """Raise EndsBefore or TooManyRecurringGifts unless the donor has one for this appeal or may begin one."""
    live = db.scalars(select(RecurringGift.appeal_id).where(*_live(donor))).all()
    if appeal.id in live:
        return
    if first_time(now) >= appeal.closes_at:
        raise EndsBefore(number=appeal.id, title=appeal.title, deadline=appeal.deadline)
    if len(live) >= MOST:
        raise TooManyRecurringGifts(most=MOST)


def first_time(now: datetime) -> datetime:
    """Return the first reminder's time for a recurring gift that begins now."""
    return next_time(now.astimezone(CHINA).day, now, now)


def begin(
    db: Session, draft_id: str, appeal: Appeal, donor: User, amount_fen: int, anonymous: bool, now: datetime
) -> RecurringGift:
    """Begin a recurring gift, with reminders from next month on; ``appeal`` must be locked.

    The same draft twice is one recurring gift. If the donor has one for this appeal, its amount and anonymity change
    and its day stays. Raises NotFunding, OwnHousehold, EndsBefore or TooManyRecurringGifts.
    """
    if earlier := db.scalar(select(RecurringGift).where(RecurringGift.draft_id == draft_id)):
        return earlier
    check_open(db, appeal, donor, now)
    if gift := find_live(db, donor, appeal.id, lock=True):
        gift.draft_id, gift.amount_fen, gift.anonymous = draft_id, amount_fen, anonymous
        actor = _owner(donor).name
        record(db, at=now, actor=actor, action="changed", subject=MACHINE.subject, subject_id=gift.id)
        db.flush()
        return gift
    check_may_begin(db, donor, appeal, now)
    gift = RecurringGift(
        draft_id=draft_id,
        appeal_id=appeal.id,
        donor_id=donor.id,
        amount_fen=amount_fen,
        anonymous=anonymous,
        day=now.astimezone(CHINA).day,
        next_at=first_time(now),
        created_at=now,
    )
    db.add(gift)
    db.flush()
    return gift


def find_live(db: Session, donor: User, appeal_id: int, *, lock: bool = False) -> RecurringGift | None:
    """Find the donor's live recurring gift for an appeal; with ``lock`` it is locked, after its appeal."""
    theirs = select(RecurringGift).where(*_live(donor), RecurringGift.appeal_id == appeal_id)
    return db.scalar(theirs.with_for_update().execution_options(populate_existing=True) if lock else theirs)


def get_live(db: Session, donor: User, appeal_id: int, *, lock: bool = False) -> RecurringGift:
    """As ``find_live``, but raises NoSuchRecurringGift where there is none."""
    gift = find_live(db, donor, appeal_id, lock=lock)
    if gift is None:
        raise NoSuchRecurringGift(number=appeal_id)
    return gift


def live_of(db: Session, donor: User) -> Sequence[tuple[RecurringGift, Appeal]]:
    """List this donor's live recurring gifts, the oldest first; at most MOST."""
    theirs = select(RecurringGift, Appeal).join(Appeal, Appeal.id == RecurringGift.appeal_id).where(*_live(donor))
    return [(gift, appeal) for gift, appeal in db.execute(theirs.order_by(RecurringGift.id))]


def pay(db: Session, donor: User, appeal_id: int, now: datetime, *, by_staff: bool) -> Pledge:
    """Get or create this month's pledge, to be paid now; two taps get the same one while it can be paid.

    Raises NoSuchRecurringGift, GivenThisMonth, NotFunding, OwnHousehold or OverCap.
    """
    get_live(db, donor, appeal_id)
    appeal = get_appeal(db, appeal_id, lock=True)
    gift = get_live(db, donor, appeal_id, lock=True)
    pledge = db.get(Pledge, gift.pledge_id, populate_existing=True) if gift.pledge_id else None
    if appeal.state not in _GOES_ON:
        check_open(db, appeal, donor, now)  # the next reminder will not come, so it is not spoken of
    if pledge and pledge.state in PAID:
        raise GivenThisMonth(number=appeal.id, title=appeal.title, next=gift.next_at, deadline=appeal.deadline)
    if pledge and _is_payable_as(gift, pledge) and pledge.pay_by and pledge.pay_by > now:
        return pledge
    if pledge and pledge.state == "awaiting_payment" and pledge.pay_by and pledge.pay_by > now:
        PLEDGES.move(db, pledge, "expired", SYSTEM, now, detail="replaced")  # a payment of it is refunded
    gift.pledges += 1
    draft = f"recurring_gift:{gift.id}:{gift.pledges}"
    pledge = make_pledge(db, draft, appeal, donor, gift.amount_fen, gift.anonymous, now, by_staff=by_staff)
    await_payment(db, pledge, appeal, now)
    gift.pledge_id = pledge.id
    db.flush()
    return pledge


def is_paid(db: Session, gift: RecurringGift) -> bool:
    """Tell whether the pledge made since the last reminder is paid."""
    pledge = db.get(Pledge, gift.pledge_id) if gift.pledge_id else None
    return pledge is not None and pledge.state in PAID


def stop(db: Session, donor: User, appeal_id: int, now: datetime) -> RecurringGift:
    """Stop the donor's recurring gift for an appeal. Raises NoSuchRecurringGift."""
    gift = get_live(db, donor, appeal_id, lock=True)
    MACHINE.move(db, gift, "stopped", _owner(donor), now)
    db.flush()
    return gift


def forget(db: Session, donor: User, now: datetime) -> None:
    """Stop all recurring gifts of a donor who is erased."""
    for gift in db.scalars(select(RecurringGift).where(*_live(donor)).order_by(RecurringGift.id).with_for_update()):
        MACHINE.move(db, gift, "stopped", _owner(donor), now, detail="owner_erased")


def remind_donors(db: Session, now: datetime) -> int:
    """Send the reminders that are due; missed ones are sent once, late. Returns how many were due."""
    due = select(RecurringGift, Appeal).join(Appeal, Appeal.id == RecurringGift.appeal_id)
    due = due.where(RecurringGift.state == "active", RecurringGift.next_at <= now).order_by(RecurringGift.next_at)
    found = db.execute(due.limit(_BATCH).with_for_update(of=RecurringGift, skip_locked=True)).all()
    for gift, appeal in found:
        asked_for = day_in_china(gift.next_at)
        gift.next_at, gift.pledge_id = next_time(gift.day, gift.next_at, now), None
        if appeal.collects(now):
            _notify(db, "recurring_gift_due", gift, appeal, asked_for, now)
    db.flush()
    return len(found)


def end_for_closed_appeals(db: Session, now: datetime) -> int:
    """End recurring gifts whose appeals take no gifts any more, and notify the donors. Returns how many."""
    over = select(RecurringGift, Appeal).join(Appeal, Appeal.id == RecurringGift.appeal_id)
    over = over.where(RecurringGift.state == "active", Appeal.state.not_in(_GOES_ON)).order_by(RecurringGift.id)
    found = db.execute(over.limit(_BATCH).with_for_update(of=RecurringGift, skip_locked=True)).all()
    for gift, appeal in found:
        MACHINE.move(db, gift, "ended", SYSTEM, now, detail=appeal.state)
        _notify(db, "recurring_gift_ended", gift, appeal, "ended", now)
    db.flush()
    return len(found)


def _is_payable_as(gift: RecurringGift, pledge: Pledge) -> bool:
    """Tell whether the pledge waits for payment and still has the recurring gift's amount and anonymity."""
    same = (pledge.amount_fen, pledge.anonymous) == (gift.amount_fen, gift.anonymous)
    return same and pledge.state == "awaiting_payment"


def _notify(db: Session, kind: str, gift: RecurringGift, appeal: Appeal, when: str, now: datetime) -> None:
    facts = {"number": appeal.id, "title": appeal.title, "amount_fen": gift.amount_fen}
    if kind == "recurring_gift_ended":
        facts["state"] = appeal.state
    notify_user(db, gift.donor_id, kind, facts, f"recurring_gift:{gift.id}:{when}", now, ("appeal", appeal.id))


def _live(donor: User) -> tuple[ColumnElement[bool], ...]:
    return RecurringGift.donor_id == donor.id, RecurringGift.state == "active"


def _owner(donor: User) -> Actor:
    return Actor.owner(donor.id)
