"""The rules of donation receipts: a donor asks for one, and the fund holder issues, refuses or cancels it.

The donor of a paid gift that was not refunded may ask for one receipt at a time. A fund holder of the appeal's charity
issues it outside this system, or refuses it with a reason. If the gift is refunded, an open request is withdrawn, and
an issued receipt waits for the fund holder to cancel it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, exists, or_, select
from sqlalchemy.orm import Session

from models.appeals.appeal import Appeal
from models.core.audit_trail import record, record_reading
from models.core.refusal import Refusal
from models.core.state_machine import SYSTEM, Actor
from models.donors.receipt import MACHINE, Receipt, current_receipt
from models.donors.trace import GIVEN
from models.giving.pledge import LEFT_APPEAL, Pledge
from models.notifications.notify import notify_user
from models.organisations.charity import Charity, find_charity
from models.payments.locks import lock_pledge
from models.payments.order import PayOrder
from models.payments.refund_entitlement import orders_of
from models.people.user import User
from models.staff.decision import end_review
from models.staff.member import Staff, in_charge_of
from models.staff.task import Matter, Task, find_task, open_task
from models.staff.turn import is_turn_of

_BATCH = 100


class NoReceipt(Refusal):
    """The donor cannot ask for, or withdraw, a receipt of this gift.

    ``why``: unknown (also for another donor's gift: the words are the same), unpaid, went_back, asked, or issued; with
    the ``number`` of an issued receipt.
    """

    code = "no_receipt"
    final = True


class NoSuchReceipt(Refusal):
    """No receipt with this number waits for this fund holder: decided, withdrawn, outside the region, or none."""

    code = "no_such_receipt"
    final = True


@dataclass(frozen=True, slots=True)
class ReceiptRequest:
    """A donor's request. ``name``: whom the receipt is made out to. ``tax_number``: a firm's; None if not given."""

    draft_id: str
    made_out_to: str
    name: str
    tax_number: str | None


@dataclass(frozen=True, slots=True)
class ReceiptFile:
    """What the fund holder needs to issue a receipt, or to cancel it (``went_back``). ``paid_at``: the gift's."""

    receipt: Receipt
    appeal: int
    title: str
    amount_fen: int
    gift: str
    paid_at: datetime | None
    went_back: bool


def gift_for_receipt(db: Session, user: User, code: str) -> Pledge:
    """Get the donor's gift for which they may ask for a receipt now. Raises NoReceipt."""
    pledge = db.scalar(select(Pledge).where(Pledge.code == code))
    if pledge is None or pledge.donor_id != user.id:
        raise NoReceipt(why="unknown", gift=code)
    _check(db, pledge)
    return pledge


def gifts_with_receipts(db: Session, user: User, most: int) -> list[tuple[Pledge, Receipt | None]]:
    """List the donor's newest paid gifts that were not refunded, each with its live receipt, if it has one."""
    theirs = select(Pledge).where(Pledge.donor_id == user.id, Pledge.state.in_(GIVEN))
    gifts = db.scalars(theirs.order_by(Pledge.id.desc()).limit(most)).all()
    return [(gift, current_receipt(db, gift.id)) for gift in gifts]


def request_receipt(db: Session, user: User, pledge_id: int, wanted: ReceiptRequest, now: datetime) -> Receipt:
    """Ask for a receipt, which opens the fund holder's task. The same draft twice is one request. Raises NoReceipt."""
    earlier = db.scalar(select(Receipt).where(Receipt.draft_id == wanted.draft_id))
    if earlier:
        return earlier
    pledge = lock_pledge(db, pledge_id)
    if pledge.donor_id != user.id:
        raise NoReceipt(why="unknown", gift=pledge.code)
    _check(db, pledge)
    receipt = Receipt(
        draft_id=wanted.draft_id,
        pledge_id=pledge.id,
        appeal_id=pledge.appeal_id,
        made_out_to=wanted.made_out_to,
        name=wanted.name,
        tax_number=wanted.tax_number,
        state="asked",
        created_at=now,
    )
    db.add(receipt)
    db.flush()
    actor = f"user:{user.id}"
    record(db, at=now, actor=actor, action="asked_for", subject="receipt", subject_id=receipt.id)
    appeal = db.get_one(Appeal, receipt.appeal_id)
    open_task(db, Matter("receipt", receipt.id, appeal.region_code, None, appeal.charity_id), "receipt", now)
    return receipt


def withdraw_request(db: Session, user: User, code: str, now: datetime) -> Receipt:
    """Withdraw an open request, at the donor's wish. Raises NoReceipt."""
    pledge = db.scalar(select(Pledge).where(Pledge.code == code, Pledge.donor_id == user.id))
    receipt = current_receipt(db, lock_pledge(db, pledge.id).id) if pledge else None
    if receipt is None or receipt.state != "asked":
        raise NoReceipt(why="unknown" if receipt is None else "issued", gift=code, number=receipt and receipt.number)
    _end(db, receipt, "withdrawn", Actor.owner(user.id), now)
    return receipt


def waiting_receipts(db: Session, staff: Staff, most: int) -> Sequence[Receipt]:
    """List the receipts that this fund holder has to cancel, then those to issue, each the oldest first."""
    gone = _seen_by(staff).where(Receipt.state == "issued", Pledge.state.in_(LEFT_APPEAL))
    asked = _seen_by(staff).where(Receipt.state == "asked", Pledge.state.not_in(LEFT_APPEAL))
    found = [*db.scalars(gone.order_by(Receipt.id).limit(most)), *db.scalars(asked.order_by(Receipt.id).limit(most))]
    return found[:most]


def open_receipt(db: Session, staff: Staff, number: int, now: datetime) -> ReceiptFile:
    """Open a receipt's file; the reading is recorded while it has a name. Raises NoSuchReceipt."""
    receipt, pledge = _find(db, staff, number)
    appeal, order = db.get_one(Appeal, receipt.appeal_id), orders_of(db, [pledge]).get(pledge.id)
    if receipt.name is not None:
        record_reading(
            db,
            at=now,
            actor=staff.actor.name,
            subject="receipt",
            subject_id=receipt.id,
            purpose="receipt",
            about=pledge.donor_id,
        )
    return ReceiptFile(
        receipt,
        appeal.id,
        appeal.title,
        pledge.amount_fen,
        pledge.code,
        _paid_at(order),
        pledge.state in LEFT_APPEAL,
    )


def waits_for_a_fund_holder(db: Session, county: Staff, number: int) -> dict[str, str | int | None]:
    """Return appeal and charity of a receipt that the county has because the charity has nobody.

    ``invites``: whom the county invites (授权) is of this charity, as it is the nearest.

    Raises NoSuchReceipt.
    """
    task = find_task(db, "receipt", number)
    if task is None or task.role != county.role or not is_turn_of(county, task):
        raise NoSuchReceipt(number=number)
    receipt = db.get_one(Receipt, number)
    charity = db.get(Charity, task.charity_id) if task.charity_id is not None else None
    nearest = find_charity(db, county.region_code, county.account)
    invites = nearest is not None and nearest.id == task.charity_id
    return {"appeal": receipt.appeal_id, "charity": charity.name if charity else None, "invites": invites}


def find_waiting(db: Session, staff: Staff, number: int) -> Pledge:
    """Return the gift of a receipt that waits to be issued, without reading the name. Raises NoSuchReceipt."""
    receipt, pledge = _find(db, staff, number)
    if receipt.state != "asked":
        raise NoSuchReceipt(number=number)
    return pledge


def issue(db: Session, staff: Staff, number: int, receipt_no: str, now: datetime) -> Receipt:
    """Record that the fund holder issued a receipt under ``receipt_no``; notify the donor. Raises NoSuchReceipt."""
    receipt = _take(db, staff, number, "asked")
    receipt.number = receipt_no
    _end(db, receipt, "issued", staff.actor, now, staff)
    _notify_donor(db, receipt, now)
    return receipt


def refuse(db: Session, staff: Staff, number: int, reason: str, now: datetime) -> Receipt:
    """Refuse to issue a receipt, and notify the donor. ``reason``: a code. Raises NoSuchReceipt."""
    receipt = _take(db, staff, number, "asked")
    receipt.reason = reason
    _end(db, receipt, "refused", staff.actor, now, staff)
    _notify_donor(db, receipt, now)
    return receipt


def void(db: Session, staff: Staff, number: int, now: datetime) -> Receipt:
    """Record that the fund holder cancelled the receipt of a refunded gift. Raises NoSuchReceipt."""
    receipt = _take(db, staff, number, "issued")
    _end(db, receipt, "void", staff.actor, now, staff)
    return receipt


def withdraw_requests_of_refunded(db: Session, now: datetime) -> int:
    """Withdraw open requests whose gift was refunded since; called by the sweep. Returns how many."""
    gone = select(Receipt).join(Pledge, Pledge.id == Receipt.pledge_id)
    gone = gone.where(Receipt.state == "asked", Pledge.state.in_(LEFT_APPEAL)).order_by(Receipt.id).limit(_BATCH)
    receipts = db.scalars(gone.with_for_update(of=Receipt, skip_locked=True)).all()
    for receipt in receipts:
        _end(db, receipt, "withdrawn", SYSTEM, now)
    return len(receipts)


def open_receipt_tasks(db: Session, now: datetime) -> int:
    """Open the missing tasks of fund holders: to cancel the receipts of refunded gifts, and to issue requested ones.

    Returns how many.
    """
    waits = exists().where(Task.subject == "receipt", Task.subject_id == Receipt.id, Task.closed_at.is_(None))
    found = select(Receipt, Appeal.region_code, Appeal.charity_id).join(Appeal, Appeal.id == Receipt.appeal_id)
    found = found.join(Pledge, Pledge.id == Receipt.pledge_id).where(~waits)
    gone = (Receipt.state == "issued") & Pledge.state.in_(LEFT_APPEAL)
    asked = (Receipt.state == "asked") & Pledge.state.not_in(LEFT_APPEAL)
    rows = db.execute(
        found.where(or_(gone, asked)).order_by(Receipt.id).limit(_BATCH).with_for_update(of=Receipt, skip_locked=True)
    ).all()
    for receipt, region, charity in rows:
        step = "receipt" if receipt.state == "asked" else "receipt_void"
        open_task(db, Matter("receipt", receipt.id, region, None, charity), step, now)
    return len(rows)


def forget(db: Session, user: User, gifts: Sequence[int], now: datetime) -> None:
    """Withdraw the open requests for receipts of these gifts, as their donor is erased."""
    theirs = select(Receipt).where(Receipt.pledge_id.in_(gifts), Receipt.state == "asked").order_by(Receipt.id)
    for receipt in db.scalars(theirs.with_for_update()).all():
        _end(db, receipt, "withdrawn", Actor.owner(user.id), now)


def _check(db: Session, pledge: Pledge) -> None:
    if pledge.state in LEFT_APPEAL:
        raise NoReceipt(why="went_back", gift=pledge.code)
    if pledge.state not in GIVEN:
        raise NoReceipt(why="unpaid", gift=pledge.code)
    if earlier := current_receipt(db, pledge.id):
        raise NoReceipt(why=earlier.state, gift=pledge.code, number=earlier.number)


def _end(db: Session, receipt: Receipt, state: str, actor: Actor, now: datetime, staff: Staff | None = None) -> None:
    """End a request, and delete the name and tax number. ``staff``: who decided on it."""
    receipt.name = receipt.tax_number = None
    receipt.decided_at = now
    if staff:
        receipt.decided_by = staff.id
    end_review(db, MACHINE, receipt, state, actor, now, staff=staff, detail=receipt.reason)


def _seen_by(staff: Staff) -> Select[Receipt]:
    theirs = select(Receipt).join(Appeal, Appeal.id == Receipt.appeal_id).join(Pledge, Pledge.id == Receipt.pledge_id)
    return theirs.where(in_charge_of(staff, Appeal.region_code, Appeal.charity_id))


def _find(db: Session, staff: Staff, number: int) -> tuple[Receipt, Pledge]:
    open_ones = or_(Receipt.state == "asked", (Receipt.state == "issued") & Pledge.state.in_(LEFT_APPEAL))
    receipt = db.scalar(_seen_by(staff).where(Receipt.id == number, open_ones))
    pledge = db.get(Pledge, receipt.pledge_id) if receipt else None
    if receipt is None or pledge is None or (receipt.state == "asked" and pledge.state in LEFT_APPEAL):
        raise NoSuchReceipt(number=number)
    return receipt, pledge


def _take(db: Session, staff: Staff, number: int, state: str) -> Receipt:
    """Lock a receipt and its gift and check that it is in ``state``. Raises NoSuchReceipt."""
    _, pledge = _find(db, staff, number)
    lock_pledge(db, pledge.id)
    receipt, pledge = _find(db, staff, number)
    db.refresh(receipt, with_for_update=True)
    if receipt.state != state:
        raise NoSuchReceipt(number=number)
    return receipt


def _paid_at(order: PayOrder | None) -> datetime | None:
    return order.paid_at if order else None


def _notify_donor(db: Session, receipt: Receipt, now: datetime) -> None:
    pledge, appeal = db.get_one(Pledge, receipt.pledge_id), db.get_one(Appeal, receipt.appeal_id)
    facts = {
        "number": appeal.id,
        "title": appeal.title,
        "code": pledge.code,
        "amount_fen": pledge.amount_fen,
        "receipt": receipt.number,
        "reason": receipt.reason,
    }
    notify_user(db, pledge.donor_id, "receipt_decided", facts, f"receipt:{receipt.id}", now, ("appeal", appeal.id))
