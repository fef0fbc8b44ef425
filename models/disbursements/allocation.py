"""Allocate a disbursement to the gifts that paid for it: write their shares and states, a page of gifts at a time.

A gift pays together with what matching pools added to it (models.giving.matching), in proportion to what is left of
both; the pools' part is rounded down to the fen. Largest remainder must compare all gifts to know which of them pay
one fen more than their rounded-down part. The database finds the last of these once (``cut_rest``, ``cut_gift``); then
each gift's share is computed from the gift alone. Each page is a short transaction that moves the cursor ``gifts_to``,
so that another worker can continue after a killed one.

While the allocation is running (``gifts_to`` is not None), no gift to the appeal can be refunded (check_allocated),
because what is left of a gift is not known before all shares are. The payments of one appeal are allocated in the order
in which they were paid. A returned payment's shares are removed before anything else is paid or returned.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Numeric,
    Select,
    cast,
    delete,
    exists,
    func,
    insert,
    literal,
    select,
    text,
)
from sqlalchemy.orm import Session

from models.core.apportionment import split
from models.core.refusal import Refusal
from models.core.state_machine import SYSTEM
from models.disbursements.disbursement import Disbursement
from models.giving.allocation import DisbursementShare
from models.giving.pledge import MACHINE as PLEDGES
from models.giving.pledge import Pledge
from models.giving.pool import PoolMatch

GIVING = ("committed", "partly_disbursed")
# A settled gift is spent, but a fen of its match may be left.
_GIVES = (*GIVING, "settled")
PAGE = 500
_PATIENCE_MS = 30_000


class AllocationPending(Refusal):
    """A payment of this appeal is still being allocated to its gifts."""

    code = "allocation_pending"
    final = True


@dataclass(frozen=True, slots=True)
class _Gift:
    """A gift, in fen. ``left``: of the gift and its match together. ``matched``: of the match alone."""

    id: int
    left: int
    matched: int


def is_pending(db: Session, appeal_id: int, *, returned: bool = False) -> bool:
    """Tell whether a payment of the appeal is still being allocated. ``returned``: look at payout returns only."""
    pending = exists().where(Disbursement.appeal_id == appeal_id, Disbursement.gifts_to.is_not(None))
    if returned:
        pending = pending.where(Disbursement.state == "returned")
    return bool(db.scalar(select(pending)))


def check_allocated(db: Session, appeal_id: int) -> None:
    """Raise AllocationPending while a payment of the appeal is being allocated."""
    if is_pending(db, appeal_id):
        raise AllocationPending(number=appeal_id)


def begin_allocation(disbursement: Disbursement, held_fen: int) -> None:
    """Begin the allocation of a payment; the caller holds the appeal's lock.

    ``held_fen``: what the ledger held for the appeal before this payment.
    """
    disbursement.left_fen, disbursement.gifts_to = held_fen, 0


def fits_one_page(db: Session, appeal_id: int) -> bool:
    """Tell whether the appeal has less than one page of gifts, so that the allocation fits in one transaction."""
    first = select(Pledge.id).where(Pledge.appeal_id == appeal_id).limit(PAGE).subquery()
    return (db.scalar(select(func.count()).select_from(first)) or 0) < PAGE


def allocate_page(db: Session, disbursement: Disbursement, now: datetime, most: int = PAGE) -> bool:
    """Allocate the payment to the next page of gifts. Returns False once all have their shares.

    The caller holds the appeal's lock. Money held beyond gifts and matches belongs to no gift and pays its proportion.
    """
    if disbursement.gifts_to is None:
        return False
    if disbursement.cut_rest is None:
        _cut(db, disbursement)
    after: int = disbursement.gifts_to
    page = select(Pledge.id).where(Pledge.appeal_id == disbursement.appeal_id, Pledge.id > after).order_by(Pledge.id)
    numbers = db.scalars(page.limit(most)).all()
    shares = _shares(disbursement, _lefts(db, numbers))
    if shares:
        db.execute(insert(DisbursementShare), shares)
        disbursement.matched_fen += sum(share["matched_fen"] for share in shares)
        given = [share["pledge_id"] for share in shares]
        set_states(db, given, now, f"disbursement:{disbursement.id}")
    disbursement.gifts_to = numbers[-1] if len(numbers) == most else None
    db.flush()
    return disbursement.gifts_to is not None


def remove_page(db: Session, disbursement: Disbursement, now: datetime, most: int = PAGE) -> Mapping[int, int]:
    """Remove the shares of the next page of gifts from a payment that the bank returned.

    The caller holds the appeal's lock. Returns pledge id -> fen of its removed share, for the whole page.
    """
    share = DisbursementShare
    page = select(share.pledge_id, share.amount_fen).where(share.disbursement_id == disbursement.id)
    page = page.where(share.pledge_id > (disbursement.gifts_to or 0)).order_by(share.pledge_id).limit(most)
    given = {row.pledge_id: row.amount_fen for row in db.execute(page)}
    numbers = list(given)
    db.execute(delete(share).where(share.disbursement_id == disbursement.id, share.pledge_id.in_(numbers)))
    set_states(db, numbers, now, f"disbursement:{disbursement.id}")
    disbursement.gifts_to = numbers[-1] if len(numbers) == most else None
    db.flush()
    return given


def set_states(db: Session, numbers: Sequence[int], now: datetime, detail: str) -> None:
    """Move each of these gifts to the state that its shares give: committed, partly_disbursed or settled."""
    spent = select(DisbursementShare.pledge_id, func.sum(DisbursementShare.amount_fen).label("fen"))
    spent = spent.where(DisbursementShare.pledge_id.in_(numbers)).group_by(DisbursementShare.pledge_id)
    known = {number: int(fen) for number, fen in db.execute(spent)}
    gifts = select(Pledge).where(Pledge.id.in_(numbers), Pledge.state.in_(_GIVES))
    for pledge in db.scalars(gifts.order_by(Pledge.id).with_for_update(key_share=True)).all():
        fen = known.get(pledge.id, 0)
        state = "settled" if fen == pledge.amount_fen else "partly_disbursed" if fen else "committed"
        if state != pledge.state:
            PLEDGES.move(db, pledge, state, SYSTEM, now, detail)
    db.flush()


def _shares(disbursement: Disbursement, gifts: Sequence[_Gift]) -> list[dict[str, int]]:
    """Compute the share rows of these gifts, as models.core.apportionment.split would, with the stored cut."""
    fen, total = disbursement.gifts_fen or 0, disbursement.left_fen or 0
    cut = (-(disbursement.cut_rest or 0), disbursement.cut_gift or 0)
    found = []
    for gift in gifts:
        part, rest = divmod(fen * gift.left, total)
        part += (-rest, gift.id) <= cut
        matched = part * gift.matched // gift.left
        amounts = {"amount_fen": part - matched, "matched_fen": matched}
        if part:
            found.append({"disbursement_id": disbursement.id, "pledge_id": gift.id, **amounts})
    return found


def _lefts(db: Session, numbers: Sequence[int]) -> list[_Gift]:
    """Return the gifts, of these pledge ids, of which something is left, by id."""
    share, net = DisbursementShare, PoolMatch.fen - PoolMatch.returned_fen
    spent = select(share.pledge_id, func.sum(share.amount_fen), func.sum(share.matched_fen))
    spent = spent.where(share.pledge_id.in_(numbers)).group_by(share.pledge_id)
    gave = {number: (int(fen), int(matched)) for number, fen, matched in db.execute(spent)}
    added = select(PoolMatch.pledge_id, func.sum(net)).where(PoolMatch.pledge_id.in_(numbers))
    came = {number: int(fen) for number, fen in db.execute(added.group_by(PoolMatch.pledge_id))}
    gifts = select(Pledge.id, Pledge.amount_fen).where(Pledge.id.in_(numbers), Pledge.state.in_(_GIVES))
    found = []
    for number, fen in db.execute(gifts.order_by(Pledge.id)):
        own, pools = gave.get(number, (0, 0))
        matched = came.get(number, 0) - pools
        found.append(_Gift(number, fen - own + matched, matched))
    return [gift for gift in found if gift.left > 0]


def _cut(db: Session, disbursement: Disbursement) -> None:
    """Store which of all gifts pay one fen more. Done once, before the first page."""
    lefts, held = _left(disbursement.appeal_id).subquery(), disbursement.left_fen or 0
    total = int(_patiently(db, select(func.sum(lefts.c.fen))).scalar_one() or 0)
    if total > held:
        raise ValueError(f"the gifts of appeal {disbursement.appeal_id} have more left than is held for it")
    of_gifts, of_nobody = 0, 1
    parts = split(disbursement.amount_fen, {of_gifts: total, of_nobody: held - total})
    fen = parts.get(of_gifts, 0)
    disbursement.matched_fen, disbursement.gifts_fen = parts.get(of_nobody, 0), fen
    # No remainder reaches this, so that with no fen left over no gift pays one more.
    disbursement.left_fen, disbursement.cut_rest, disbursement.cut_gift = max(total, 1), max(total, 1), 0
    if not fen:
        return
    if last := _last(db, lefts, fen, total):
        disbursement.cut_rest, disbursement.cut_gift = -last[0], last[1]


def _last(db: Session, lefts: Any, fen: int, total: int) -> tuple[int, int] | None:
    """Return (minus the remainder, gift) of the last gift that pays one fen more; None where no gift does."""
    product = cast(literal(fen), Numeric) * cast(lefts.c.fen, Numeric)
    rest: Any = func.mod(product, total)
    surplus = fen - int(_patiently(db, select(func.sum(func.div(product, total)))).scalar_one())
    if not surplus:
        return None
    rests = select(rest.label("rest"), lefts.c.id).order_by(rest.desc(), lefts.c.id).offset(surplus - 1).limit(1)
    row = _patiently(db, rests).one()
    return -int(row.rest), int(row.id)


def _patiently(db: Session, statement: Any) -> Any:
    """Execute a statement with a longer time-out: one over all gifts takes longer than the usual limit."""
    db.execute(text(f"SET LOCAL statement_timeout = {_PATIENCE_MS}"))
    found = db.execute(statement)
    db.execute(text("SET LOCAL statement_timeout TO DEFAULT"))
    return found


def _left(appeal_id: int) -> Select[int, int, int]:
    """Select (gift, fen, matched) for each of the appeal's gifts with something left, of itself or of its match.

    ``fen``: left of both together. ``matched``: left of the match. A settled gift may have a fen of its match left.
    """
    share = DisbursementShare
    spent = select(
        share.pledge_id, func.sum(share.amount_fen).label("fen"), func.sum(share.matched_fen).label("matched")
    )
    spent = spent.join(Disbursement, Disbursement.id == share.disbursement_id)
    spent_of = spent.where(Disbursement.appeal_id == appeal_id).group_by(share.pledge_id).subquery()
    net = func.sum(PoolMatch.fen - PoolMatch.returned_fen).label("fen")
    added_to = select(PoolMatch.pledge_id, net).where(PoolMatch.appeal_id == appeal_id).group_by(PoolMatch.pledge_id)
    added = added_to.subquery()
    matched = cast(func.coalesce(added.c.fen, 0) - func.coalesce(spent_of.c.matched, 0), BigInteger)
    left = cast(Pledge.amount_fen - func.coalesce(spent_of.c.fen, 0) + matched, BigInteger)
    return (
        select(Pledge.id, left.label("fen"), matched.label("matched"))
        .outerjoin(spent_of, spent_of.c.pledge_id == Pledge.id)
        .outerjoin(added, added.c.pledge_id == Pledge.id)
        .where(Pledge.appeal_id == appeal_id, Pledge.state.in_(_GIVES), left > 0)
    )
