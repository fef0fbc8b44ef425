"""Allocate a disbursement to the gifts that paid for it: write their shares and states, a page of gifts at a time.

A gift pays together with what matching pools added to it (models.giving.matching), in proportion to what is left of
both; the pools' part is rounded down to the fen. Largest remainder must compare all gifts to know which of them pay
one fen more than their rounded-down part. The database finds the last of these once (the run's ``cut_rest`` and
``cut_gift``); then each gift's share is computed from the gift alone. Each page is a short transaction that moves the
run's cursor, so that another worker can continue after a killed one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Numeric, Select, cast, delete, func, insert, literal, select, text
from sqlalchemy.orm import Session

from models.core.apportionment import split
from models.core.hooks import Hook
from models.core.state_machine import SYSTEM
from models.disbursements.allocation_run import PAGE, AllocationRun, end_run
from models.disbursements.disbursement import Disbursement
from models.giving.allocation import DisbursementShare
from models.giving.pledge import MACHINE as PLEDGES
from models.giving.pledge import Pledge
from models.giving.pool import PoolMatch

GIVING = ("committed", "partly_disbursed")
# A settled gift is spent, but a fen of its match may be left.
_GIVES = (*GIVING, "settled")
_PATIENCE_MS = 30_000
# The disbursement's id, and the gifts that were allocated to it just now.
on_allocated: Hook[[Session, int, Sequence[int]], None] = Hook("disbursements.allocation.on_allocated")


@dataclass(frozen=True, slots=True)
class _Gift:
    """A gift, in fen. ``left``: of the gift and its match together. ``matched``: of the match alone."""

    id: int
    left: int
    matched: int


def allocate(db: Session, run: AllocationRun, now: datetime) -> None:
    """Allocate the payment to the next page of gifts, and end the run with the last; the appeal's lock is held."""
    if not allocate_page(db, run, now):
        end_run(db, run)


def allocate_page(db: Session, run: AllocationRun, now: datetime, most: int = PAGE) -> bool:
    """Write the shares of the next page of gifts. Returns False once all have theirs.

    Money held beyond gifts and matches belongs to no gift and pays its proportion.
    """
    if run.cut_rest is None:
        _cut(db, run)
    page = select(Pledge.id).where(Pledge.appeal_id == run.appeal_id, Pledge.id > run.cursor).order_by(Pledge.id)
    numbers = db.scalars(page.limit(most)).all()
    shares = _shares(run, _gifts_with_rests(db, numbers))
    if shares:
        db.execute(insert(DisbursementShare), shares)
        run.matched_fen += sum(share["matched_fen"] for share in shares)
        given = [share["pledge_id"] for share in shares]
        set_states(db, given, now, f"disbursement:{run.disbursement_id}")
        on_allocated(db, run.disbursement_id, given)
    return _move_on(db, run, numbers, most)


def remove_page(db: Session, run: AllocationRun, now: datetime, most: int = PAGE) -> tuple[Mapping[int, int], bool]:
    """Remove the shares of the next page of gifts from a payment that the bank returned.

    Returns pledge id -> fen of its removed share, for the whole page, and False once all are removed.
    """
    share = DisbursementShare
    page = select(share.pledge_id, share.amount_fen).where(share.disbursement_id == run.disbursement_id)
    page = page.where(share.pledge_id > run.cursor).order_by(share.pledge_id).limit(most)
    given = {row.pledge_id: row.amount_fen for row in db.execute(page)}
    numbers = list(given)
    db.execute(delete(share).where(share.disbursement_id == run.disbursement_id, share.pledge_id.in_(numbers)))
    set_states(db, numbers, now, f"disbursement:{run.disbursement_id}")
    return given, _move_on(db, run, numbers, most)


def _move_on(db: Session, run: AllocationRun, numbers: Sequence[int], most: int) -> bool:
    """Move the run's cursor to the last of these gifts. Returns False where they were the last."""
    run.cursor = numbers[-1] if numbers else run.cursor
    db.flush()
    return len(numbers) == most


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


def _shares(run: AllocationRun, gifts: Sequence[_Gift]) -> list[dict[str, int]]:
    """Compute the share rows of these gifts, as models.core.apportionment.split would, with the stored cut."""
    fen, total = run.gifts_fen or 0, run.left_fen or 0
    cut = (-(run.cut_rest or 0), run.cut_gift or 0)
    found = []
    for gift in gifts:
        part, rest = divmod(fen * gift.left, total)
        part += (-rest, gift.id) <= cut
        matched = part * gift.matched // gift.left
        amounts = {"amount_fen": part - matched, "matched_fen": matched}
        if part:
            found.append({"disbursement_id": run.disbursement_id, "pledge_id": gift.id, **amounts})
    return found


def _gifts_with_rests(db: Session, numbers: Sequence[int]) -> list[_Gift]:
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


def _cut(db: Session, run: AllocationRun) -> None:
    """Store which of all gifts pay one fen more. Done once, before the first page."""
    lefts, held = _select_rests(run.appeal_id).subquery(), run.held_fen or 0
    total = int(_patiently(db, select(func.sum(lefts.c.fen))).scalar_one() or 0)
    if total > held:
        raise ValueError(f"the gifts of appeal {run.appeal_id} have more left than is held for it")
    of_gifts, of_nobody = 0, 1
    parts = split(run.fen, {of_gifts: total, of_nobody: held - total})
    fen = parts.get(of_gifts, 0)
    run.matched_fen, run.gifts_fen = parts.get(of_nobody, 0), fen
    # No remainder reaches this, so that where the parts already sum to it no gift pays one more.
    run.left_fen, run.cut_rest, run.cut_gift = max(total, 1), max(total, 1), 0
    if not fen:
        return
    if last := _last(db, lefts, fen, total):
        run.cut_rest, run.cut_gift = -last[0], last[1]


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


def _select_rests(appeal_id: int) -> Select[int, int, int]:
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
    added = select(PoolMatch.pledge_id, net).where(PoolMatch.appeal_id == appeal_id)
    added_to = added.group_by(PoolMatch.pledge_id).subquery()
    matched = cast(func.coalesce(added_to.c.fen, 0) - func.coalesce(spent_of.c.matched, 0), BigInteger)
    left = cast(Pledge.amount_fen - func.coalesce(spent_of.c.fen, 0) + matched, BigInteger)
    return (
        select(Pledge.id, left.label("fen"), matched.label("matched"))
        .outerjoin(spent_of, spent_of.c.pledge_id == Pledge.id)
        .outerjoin(added_to, added_to.c.pledge_id == Pledge.id)
        .where(Pledge.appeal_id == appeal_id, Pledge.state.in_(_GIVES), left > 0)
    )
