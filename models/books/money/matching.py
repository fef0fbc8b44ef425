"""Check matching pools: sums, caps and transfers agree with the ledger, and only gifts that were paid are matched."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, String, and_, case, cast, func, literal, or_, select
from sqlalchemy.orm import aliased

from models.books.violation import Violation
from models.core.database import stream
from models.giving.allocation import DisbursementShare
from models.giving.pledge import LEFT_APPEAL, Pledge
from models.giving.pool import MatchingPool, PoolMatch, PoolSum, PoolTransfer
from models.ledger.accounts import LedgerAccount
from models.ledger.tables import LedgerEntry, LedgerTransaction

# The states of a gift that was paid, whatever happened to it later.
_CAME = ("committed", "partly_disbursed", "settled", *LEFT_APPEAL)
_NET = PoolMatch.fen - PoolMatch.returned_fen


def check_matching(connection: Connection, _now: datetime) -> Iterator[Violation]:
    yield from _sums(connection)
    yield from _of_appeals(connection)
    yield from _caps(connection)
    yield from _matches(connection)
    yield from _gifts(connection)
    yield from _transfers(connection)


def _sums(connection: Connection) -> Iterator[Violation]:
    """Check that a pool's kept sum is its matches', and that its balance is what was paid in, net, less these."""
    net = select(PoolMatch.pool_id, func.sum(_NET).label("fen")).group_by(PoolMatch.pool_id).subquery()
    signed = case((PoolTransfer.kind == "paid_in", PoolTransfer.amount_fen), else_=-PoolTransfer.amount_fen)
    paid = select(PoolTransfer.pool_id, func.sum(signed).label("fen")).group_by(PoolTransfer.pool_id).subquery()
    account = LedgerAccount
    own = and_(account.kind == "pool", account.subject_id == MatchingPool.id)
    matched, in_, there = (func.coalesce(each, 0) for each in (net.c.fen, paid.c.fen, account.balance_fen))
    statement = (
        select(
            MatchingPool.id,
            MatchingPool.matched_fen,
            matched.label("net"),
            in_.label("paid"),
            there.label("there"),
        )
        .outerjoin(net, net.c.pool_id == MatchingPool.id)
        .outerjoin(paid, paid.c.pool_id == MatchingPool.id)
        .outerjoin(account, own)
        .where(or_(matched != MatchingPool.matched_fen, in_ - matched != there))
    )
    for found in stream(connection, statement.order_by(MatchingPool.id)):
        words = f"has added {found.matched_fen} fen, its matches {found.net}, of {found.paid}; on it are {found.there}"
        yield Violation("pool_sum", "pool", found.id, words)


def _of_appeals(connection: Connection) -> Iterator[Violation]:
    """Check that what is kept of a pool and an appeal is what its matches come to."""
    net = select(PoolMatch.pool_id, PoolMatch.appeal_id, func.sum(_NET).label("fen"))
    net_of = net.group_by(PoolMatch.pool_id, PoolMatch.appeal_id).subquery()
    same = and_(PoolSum.pool_id == net_of.c.pool_id, PoolSum.appeal_id == net_of.c.appeal_id)
    has, kept = func.coalesce(net_of.c.fen, 0), func.coalesce(PoolSum.fen, 0)
    pool = func.coalesce(net_of.c.pool_id, PoolSum.pool_id).label("pool")
    appeal = func.coalesce(net_of.c.appeal_id, PoolSum.appeal_id).label("appeal")
    found = select(pool, appeal, has.label("has"), kept.label("kept")).select_from(net_of)
    found = found.outerjoin(PoolSum, same, full=True).where(has != kept).order_by(pool, appeal)
    for row in stream(connection, found):
        words = f"keeps {row.kept} fen as added to appeal {row.appeal}; its matches come to {row.has}"
        yield Violation("pool_sums_differ", "pool", row.pool, words)


def _caps(connection: Connection) -> Iterator[Violation]:
    pool = MatchingPool
    over = select(pool.id, pool.matched_fen, pool.cap_fen).where(pool.matched_fen > pool.cap_fen).order_by(pool.id)
    for found in stream(connection, over):
        yield Violation("over_cap", "pool", found.id, f"has added {found.matched_fen} fen of {found.cap_fen}")
    for column, cap, whose in (
        (PoolMatch.donor_id, pool.per_donor_fen, "the gifts of one donor"),
        (PoolMatch.appeal_id, pool.per_appeal_fen, "one appeal"),
    ):
        fen = func.sum(_NET)
        each = select(PoolMatch.pool_id, fen.label("fen"), cap.label("cap")).join(pool, pool.id == PoolMatch.pool_id)
        each = each.group_by(PoolMatch.pool_id, column, cap).having(fen > cap).order_by(PoolMatch.pool_id)
        for found in stream(connection, each):
            words = f"has added {found.fen} fen to {whose}, of {found.cap}"
            yield Violation("over_cap", "pool", found.pool_id, words)


def _matches(connection: Connection) -> Iterator[Violation]:
    """Check that each match is of a paid gift, its appeal and donor, in the pool's scope, and posted to the fen."""
    came = Pledge.state.in_(_CAME)
    other = or_(PoolMatch.appeal_id != Pledge.appeal_id, PoolMatch.donor_id != Pledge.donor_id)
    another = and_(MatchingPool.appeal_id.is_not(None), MatchingPool.appeal_id != PoolMatch.appeal_id)
    late = or_(PoolMatch.at >= MatchingPool.open_until, PoolMatch.at > MatchingPool.closed_at)
    statement = select(PoolMatch.id, Pledge.state).join(Pledge, Pledge.id == PoolMatch.pledge_id)
    statement = statement.join(MatchingPool, MatchingPool.id == PoolMatch.pool_id)
    for found in stream(connection, statement.where(or_(~came, other, another, late)).order_by(PoolMatch.id)):
        words = f"was added to a gift that stands in {found.state}, or is not what the pool adds to"
        yield Violation("match_of_nothing", "match", found.id, words)
    for kind, wanted in (("matched", PoolMatch.fen), ("match_returned", PoolMatch.returned_fen)):
        posted, cause = _posted(kind), literal("match:") + cast(PoolMatch.id, String)
        fen = func.coalesce(posted.c.fen, 0)
        wrong = or_(fen != wanted, posted.c.pools > 1, posted.c.pool != PoolMatch.pool_id)
        statement = select(PoolMatch.id, wanted.label("fen"), fen.label("posted"))
        statement = statement.outerjoin(posted, posted.c.cause == cause).where(wrong)
        for found in stream(connection, statement.order_by(PoolMatch.id)):
            words = f"is of {found.fen} fen as {kind}, and the ledger has {found.posted}"
            yield Violation("match_differs", "match", found.id, words)


def _posted(kind: str) -> Any:
    """Sum what the postings of this kind moved on the pool's account, by the cause of the match; reversals left out."""
    posted, entry, account = LedgerTransaction, LedgerEntry, LedgerAccount
    reversal = aliased(LedgerTransaction)
    stands = ~select(reversal.id).where(reversal.reverses_id == posted.id).exists()
    # match:12.1 and match:12.2 are parts of what was returned of match:12.
    cause = posted.cause if kind == "matched" else func.rtrim(func.rtrim(posted.cause, "0123456789"), ".")
    return (
        select(
            cause.label("cause"),
            func.sum(func.abs(entry.amount_fen)).label("fen"),
            func.min(account.subject_id).label("pool"),
            func.count(account.subject_id.distinct()).label("pools"),
        )
        .join(entry, entry.transaction_id == posted.id)
        .join(account, and_(account.id == entry.account_id, account.kind == "pool"))
        .where(posted.kind == kind, posted.reverses_id.is_(None), stands)
        .group_by(cause)
        .subquery()
    )


def _gifts(connection: Connection) -> Iterator[Violation]:
    """Check that a gift's matches do not exceed it, cover what was spent of them, and are gone after a refund."""
    net = select(PoolMatch.pledge_id, func.sum(_NET).label("fen"), func.sum(PoolMatch.fen).label("added"))
    net_of = net.group_by(PoolMatch.pledge_id).subquery()
    share = DisbursementShare
    spent = select(share.pledge_id, func.sum(share.matched_fen).label("fen")).where(share.matched_fen > 0)
    spent_of = spent.group_by(share.pledge_id).subquery()
    left = func.coalesce(net_of.c.fen, 0) - func.coalesce(spent_of.c.fen, 0)
    statement = (
        select(Pledge.id, Pledge.state, Pledge.amount_fen, net_of.c.added, left.label("left"))
        .outerjoin(net_of, net_of.c.pledge_id == Pledge.id)
        .outerjoin(spent_of, spent_of.c.pledge_id == Pledge.id)
        .where(or_(net_of.c.pledge_id.is_not(None), spent_of.c.pledge_id.is_not(None)))
        .where(or_(net_of.c.added > Pledge.amount_fen, left < 0, and_(Pledge.state.in_(LEFT_APPEAL), left != 0)))
    )
    for found in stream(connection, statement.order_by(Pledge.id)):
        words = f"is of {found.amount_fen} fen and {found.state}: {found.added} were added, {found.left} are left of it"
        yield Violation("gift_and_match", "pledge", found.id, words)


def _transfers(connection: Connection) -> Iterator[Violation]:
    """Check that each transfer into or out of a pool has its posting, to the fen."""
    entry, account = LedgerEntry, LedgerAccount
    for kind, posting, sign in (("paid_in", "pool_funded", -1), ("returned", "pool_returned", 1)):
        posted = (
            select(LedgerTransaction.cause, entry.amount_fen.label("fen"), account.subject_id.label("pool"))
            .join(entry, entry.transaction_id == LedgerTransaction.id)
            .join(account, and_(account.id == entry.account_id, account.kind == "pool"))
            .where(LedgerTransaction.kind == posting, LedgerTransaction.reverses_id.is_(None))
            .subquery()
        )
        cause = literal("pool_transfer:") + cast(PoolTransfer.id, String)
        wrong = or_(
            posted.c.fen.is_(None),
            posted.c.fen != sign * PoolTransfer.amount_fen,
            posted.c.pool != PoolTransfer.pool_id,
        )
        statement = select(PoolTransfer.id, PoolTransfer.amount_fen, posted.c.fen)
        statement = statement.outerjoin(posted, posted.c.cause == cause).where(PoolTransfer.kind == kind, wrong)
        for found in stream(connection, statement.order_by(PoolTransfer.id)):
            words = f"is of {found.amount_fen} fen, and the ledger has {found.fen} as {posting}"
            yield Violation("pool_transfer_differs", "pool_transfer", found.id, words)
