"""Of whose gifts a disbursement was: its shares, in one statement, and the gifts' states, a page at a time after it.

The shares are written with the posting itself: what is left of a gift is read from them (models.refunding). A hundred
thousand of them are one INSERT that the database makes by itself, as models.shares would; nothing of it passes through
this process. The states only say in a word what the shares say in fen, and each is a move of its own in the trail: they
follow in pages of ``PAGE``, the first with the payment and the others by a job that may be killed anywhere.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Integer, Numeric, Select, cast, func, insert, literal, select, text
from sqlalchemy.orm import Session

from models.disbursement import Disbursement, DisbursementShare
from models.machine import SYSTEM
from models.pledge import MACHINE as PLEDGES
from models.pledge import Pledge
from models.pool import PoolMatch
from models.shares import split

GIVING = ("committed", "partly_disbursed")
PAGE = 500
_LARGEST = 2**63
_PATIENCE_MS = 30_000


def write_shares(db: Session, disbursement: Disbursement, held_fen: int) -> int:
    """Take it from every gift in proportion to what is left of it; returns the fen that no gift has given.

    With what is left of a gift goes what is left of that which pools have added to it (models.matching): both give in
    proportion, the pools' part rounded down to the fen. ``held_fen``: for its appeal, before it is paid. What is held
    beyond both is nobody's any more, and gives in the same proportion. The appeal must be locked.
    """
    left = _left(disbursement.appeal_id).subquery()
    row = db.execute(select(func.sum(left.c.fen), func.max(left.c.fen), func.sum(left.c.matched))).one()
    total, largest, matched = (int(each or 0) for each in row)
    if total > held_fen:
        raise ValueError(f"the gifts of appeal {disbursement.appeal_id} have more left than is held for it")
    of_gifts, of_nobody = 0, 1
    parts = split(disbursement.amount_fen, {of_gifts: total, of_nobody: held_fen - total})
    fen = parts.get(of_gifts, 0)
    if fen and db.get_bind().dialect.name == "sqlite" and fen * largest >= _LARGEST:
        # Beyond SQLite's integers, which would become fractions: as the pure function has it.
        db.execute(insert(DisbursementShare), _rows(db, disbursement, fen))
    elif fen:
        _patiently(db, _insert(db, disbursement, fen, total))
    of_pools = select(func.sum(DisbursementShare.matched_fen))
    of_pools = of_pools.where(DisbursementShare.disbursement_id == disbursement.id)
    return parts.get(of_nobody, 0) + (int(db.scalar(of_pools) or 0) if matched else 0)


def _rows(db: Session, disbursement: Disbursement, fen: int) -> list[dict[str, int]]:
    """What ``_insert`` would insert."""
    found = {row.id: row for row in db.execute(_left(disbursement.appeal_id))}
    rows = []
    for number, part in split(fen, {number: row.fen for number, row in found.items()}).items():
        matched = part * found[number].matched // found[number].fen
        amounts = {"amount_fen": part - matched, "matched_fen": matched}
        rows.append({"disbursement_id": disbursement.id, "pledge_id": number, **amounts})
    return rows


def _patiently(db: Session, statement: Any) -> None:
    """A statement for all gifts at once takes its second or two, on a busy machine more than others are given."""
    if db.get_bind().dialect.name == "sqlite":
        db.execute(statement)
        return
    db.execute(text(f"SET LOCAL statement_timeout = {_PATIENCE_MS}"))
    db.execute(statement)
    db.execute(text("SET LOCAL statement_timeout TO DEFAULT"))


def follow(db: Session, disbursement: Disbursement, now: datetime, most: int = PAGE) -> bool:
    """Let the states of its next gifts follow, the appeal being locked. False once all have."""
    if disbursement.gifts_to is None:
        return False
    after: int = disbursement.gifts_to
    if disbursement.state == "returned":
        # It has no shares any more: whichever gift of the appeal says otherwise.
        spent = (Pledge.appeal_id == disbursement.appeal_id) & Pledge.state.in_(("partly_disbursed", "settled"))
        page = select(Pledge.id).where(spent, Pledge.id > after).order_by(Pledge.id)
    else:
        share = DisbursementShare
        page = select(share.pledge_id).where(share.disbursement_id == disbursement.id, share.pledge_id > after)
        page = page.order_by(share.pledge_id)
    numbers = db.scalars(page.limit(most)).all()
    _set_states(db, numbers, now, f"disbursement:{disbursement.id}")
    disbursement.gifts_to = numbers[-1] if len(numbers) == most else None
    db.flush()
    return disbursement.gifts_to is not None


def _set_states(db: Session, numbers: Sequence[int], now: datetime, detail: str) -> None:
    """Each of these gifts as its shares have it."""
    spent = select(DisbursementShare.pledge_id, func.sum(DisbursementShare.amount_fen).label("fen"))
    spent = spent.where(DisbursementShare.pledge_id.in_(numbers)).group_by(DisbursementShare.pledge_id)
    known = {number: int(fen) for number, fen in db.execute(spent)}
    gifts = select(Pledge).where(Pledge.id.in_(numbers), Pledge.state.in_((*GIVING, "settled")))
    for pledge in db.scalars(gifts.order_by(Pledge.id).with_for_update(key_share=True)).all():
        fen = known.get(pledge.id, 0)
        state = "settled" if fen == pledge.amount_fen else "partly_disbursed" if fen else "committed"
        if state != pledge.state:
            PLEDGES.move(db, pledge, state, SYSTEM, now, detail)
    db.flush()


def _left(appeal_id: int) -> Select[int, int, int]:
    """(gift, fen, matched) for each of the appeal's gifts of which something is left, or of what was added to it.

    ``fen``: of both together, ``matched`` of what was added. A gift may be settled, and a fen of its match left.
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
        .where(Pledge.appeal_id == appeal_id, Pledge.state.in_((*GIVING, "settled")), left > 0)
    )


def _insert(db: Session, disbursement: Disbursement, fen: int, total: int) -> Any:
    """models.shares.split in SQL: whole parts, one more fen for the largest remainders, and the pools' part of each."""
    left = _left(disbursement.appeal_id).subquery()
    exact = Integer if db.get_bind().dialect.name == "sqlite" else Numeric
    product = cast(literal(fen), exact) * cast(left.c.fen, exact)
    part: Any = product.op("/")(total) if exact is Integer else func.div(product, total)
    remainder: Any = product.op("%")(total) if exact is Integer else func.mod(product, total)
    both = (left.c.fen, left.c.matched)
    parts = select(left.c.id, *both, part.label("part"), remainder.label("remainder")).cte("parts")
    left_over = fen - select(func.sum(parts.c.part)).scalar_subquery()
    place = func.row_number().over(order_by=(parts.c.remainder.desc(), parts.c.id))
    placed = select(parts.c.id, parts.c.fen, parts.c.matched, parts.c.part, place.label("place")).cte("placed")
    amount = cast(placed.c.part + cast(placed.c.place <= left_over, Integer), BigInteger)
    given = select(placed.c.id, placed.c.fen, placed.c.matched, amount.label("amount")).cte("given")
    product = cast(given.c.amount, exact) * cast(given.c.matched, exact)
    of_pools: Any = product.op("/")(given.c.fen) if exact is Integer else func.div(product, given.c.fen)
    matched = cast(of_pools, BigInteger)
    rows = select(literal(disbursement.id), given.c.id, given.c.amount - matched, matched).where(given.c.amount > 0)
    return insert(DisbursementShare).from_select(["disbursement_id", "pledge_id", "amount_fen", "matched_fen"], rows)
