"""Check disbursements: postings, states and gifts agree, and budget lines, waiting time and three people were kept."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Interval, String, and_, cast, exists, func, literal, or_, select
from sqlalchemy.orm import aliased

from models.appeals.appeal import BudgetLine
from models.books.violation import Violation
from models.core.audit_trail import AuditEvent
from models.core.database import stream
from models.disbursements.allocation_run import AllocationRun
from models.disbursements.disbursement import SPENT, TRANSFERRING, UNDER_WAY, Disbursement
from models.disbursements.payee import Payee
from models.giving.allocation import DisbursementShare
from models.giving.pledge import LEFT_APPEAL, Pledge
from models.ledger.accounts import LedgerAccount
from models.ledger.tables import LedgerEntry, LedgerTransaction
from models.payments.refund import Refund
from models.staff.member import Staff
from models.support.inquiry import Inquiry
from models.support.payout_hold import HOLD_LASTS

_SUBJECT = "disbursement"
# The allocation job is started again every minute, so it should be done long before.
_SHARED_WITHIN = timedelta(hours=6)
# Reasons of refunds that are not part of the gift's own sum.
_BESIDE = ("twice", "suspense")
_HAD = (*SPENT, "returned")
# State -> the column that names the officer of that step; the audit trail must name the same.
_NAMES = {
    "endorsed": Disbursement.endorsed_by,
    "approved": Disbursement.approved_by,
    "authorised": Disbursement.authorised_by,
    "transferring": Disbursement.claimed_by,
    "paid": Disbursement.paid_by,
    "acquitted": Disbursement.acquitted_by,
}


def check_disbursements(connection: Connection, now: datetime) -> Iterator[Violation]:
    yield from _postings(connection)
    yield from _lines(connection)
    yield from _people(connection)
    yield from _held(connection)
    yield from _payees(connection)
    yield from _shares(connection)
    yield from _stand_still(connection, now)
    yield from _gifts(connection)
    yield from _given_back(connection)


def _held(connection: Connection) -> Iterator[Violation]:
    """Check that nobody was told to transfer money of an appeal while a report held its payouts.

    What was claimed before is recorded during the hold as well; so is what a restored backup brought back.
    """
    told = func.coalesce(Disbursement.claimed_at, Disbursement.paid_at)
    held = and_(
        Inquiry.appeal_id == Disbursement.appeal_id,
        told > Inquiry.held_until - literal(HOLD_LASTS, Interval()),
        told < Inquiry.held_until,
        or_(Inquiry.decided_at.is_(None), told < Inquiry.decided_at),
        or_(Disbursement.claimed_at.is_(None), Disbursement.claimed_by.is_not(None)),
    )
    paid = select(Disbursement.id, Inquiry.id.label("inquiry")).join(Inquiry, held).order_by(Disbursement.id)
    paid = paid.where(Disbursement.paid_at.is_not(None))
    for found in stream(connection, paid.where(Inquiry.held_until.is_not(None))):
        yield Violation("paid_while_held", _SUBJECT, found.id, f"was paid while inquiry {found.inquiry} held payouts")


def _postings(connection: Connection) -> Iterator[Violation]:
    """Check that each paid disbursement has its posting, each returned one also its return's, and no other any."""
    for kind, states, sign in (("disbursed", _HAD, 1), ("disbursement_returned", ("returned",), -1)):
        posted = _posted(kind)
        cause = literal("disbursement:") + cast(Disbursement.id, String)
        columns = (Disbursement.id, Disbursement.state, Disbursement.amount_fen, posted.c.fen, posted.c.appeal)
        should = Disbursement.state.in_(states)
        wrong = or_(
            and_(should, or_(posted.c.fen.is_(None), posted.c.fen != sign * Disbursement.amount_fen)),
            and_(should, posted.c.appeal != Disbursement.appeal_id),
            and_(~should, posted.c.fen.is_not(None)),
        )
        statement = select(*columns).outerjoin(posted, posted.c.cause == cause).where(wrong).order_by(Disbursement.id)
        for found in stream(connection, statement):
            words = f"stands in {found.state} with {found.amount_fen} fen, and as {kind} the ledger has {found.fen}"
            yield Violation("disbursement_differs", _SUBJECT, found.id, words)
        known = select(Disbursement.id).where(
            literal("disbursement:") + cast(Disbursement.id, String) == posted.c.cause
        )
        for found in stream(connection, select(posted.c.cause, posted.c.id).where(~known.exists())):
            words = f"was posted as {kind} for {found.cause}, which is not there"
            yield Violation("disbursement_gone", "ledger_transaction", found.id, words)


def _posted(kind: str) -> Any:
    """Select (transaction, cause, appeal, fen) of each posting of this kind, without reversals and reversed ones."""
    posted, entry, account = LedgerTransaction, LedgerEntry, LedgerAccount
    reversal = aliased(LedgerTransaction)
    reversed_ = select(reversal.id).where(reversal.reverses_id == posted.id).exists()
    return (
        select(posted.id, posted.cause, account.subject_id.label("appeal"), entry.amount_fen.label("fen"))
        .join(entry, entry.transaction_id == posted.id)
        .join(account, and_(account.id == entry.account_id, account.kind == "appeal"))
        .where(posted.kind == kind, posted.reverses_id.is_(None), ~reversed_)
        .subquery()
    )


def _lines(connection: Connection) -> Iterator[Violation]:
    taken = func.sum(Disbursement.amount_fen)
    over = (
        select(BudgetLine.id, BudgetLine.amount_fen, taken.label("taken"))
        .join(Disbursement, Disbursement.line_id == BudgetLine.id)
        .where(Disbursement.state.in_((*UNDER_WAY, *SPENT)))
        .group_by(BudgetLine.id, BudgetLine.amount_fen)
        .having(taken > BudgetLine.amount_fen)
    )
    for found in stream(connection, over):
        words = f"has {found.amount_fen} fen, and {found.taken} are spent or asked for of it"
        yield Violation("over_line", "budget_line", found.id, words)
    astray = select(Disbursement.id).join(BudgetLine, BudgetLine.id == Disbursement.line_id)
    for found in stream(connection, astray.where(BudgetLine.appeal_id != Disbursement.appeal_id)):
        yield Violation("line_of_another", _SUBJECT, found.id, "is of a budget line of another appeal")


def _people(connection: Connection) -> Iterator[Violation]:
    """Check that three people passed it, told apart by WeChat and not by seat, and that the audit trail names each."""
    endorser, approver, payer = aliased(Staff), aliased(Staff), aliased(Staff)
    one, two, three = (_person(staff) for staff in (endorser, approver, payer))
    statement = (
        select(Disbursement.id)
        .outerjoin(endorser, endorser.id == Disbursement.endorsed_by)
        .outerjoin(approver, approver.id == Disbursement.approved_by)
        .outerjoin(payer, payer.id == func.coalesce(Disbursement.paid_by, Disbursement.authorised_by))
        .where(or_(one == two, one == three, two == three))
    )
    for found in stream(connection, statement.order_by(Disbursement.id)):
        yield Violation("paid_by_one", _SUBJECT, found.id, "was passed at two steps by one person")
    event, later = AuditEvent, aliased(AuditEvent)
    for state, column in _NAMES.items():
        newer = (later.subject == _SUBJECT) & (later.subject_id == Disbursement.id) & (later.to_state == state)
        # Who says that nothing was transferred authorises nothing.
        newer &= or_(later.to_state != "authorised", later.from_state != TRANSFERRING)
        last = select(func.max(later.id)).where(newer).correlate(Disbursement).scalar_subquery()
        moved = select(Disbursement.id, column.label("who"), event.actor).outerjoin(event, event.id == last)
        other = or_(event.id.is_(None), event.actor != literal("staff:") + cast(column, String))
        for found in stream(connection, moved.where(column.is_not(None), other).order_by(Disbursement.id)):
            words = f"names staff {found.who} for {state}, but the trail {found.actor or 'nobody'}"
            yield Violation("signed_by_another", _SUBJECT, found.id, words)


def _person(staff: Any) -> Any:
    return func.coalesce(staff.account + " " + staff.openid, cast(staff.id, String))


def _payees(connection: Connection) -> Iterator[Violation]:
    """Check that each goes to a payee of its appeal, and was paid only after the payee's waiting time."""
    joined = select(Disbursement.id, Payee.appeal_id, Disbursement.paid_at, Disbursement.payable_from, Payee.fixed_at)
    joined = joined.join(Payee, Payee.id == Disbursement.payee_id).add_columns(Disbursement.appeal_id.label("own"))
    for found in stream(connection, joined.order_by(Disbursement.id)):
        if found.appeal_id != found.own:
            yield Violation("payee_of_another", _SUBJECT, found.id, "goes to a payee of another appeal")
        if found.paid_at is None:
            continue
        if found.payable_from != _payable_from(found.fixed_at) or found.paid_at < found.payable_from:
            yield Violation("payee_too_new", _SUBJECT, found.id, "was paid to a payee within its waiting period")


def _payable_from(fixed_at: datetime) -> datetime:
    return Payee(fixed_at=fixed_at).payable_from


def _shares(connection: Connection) -> Iterator[Violation]:
    """Check that shares, once complete, sum to the payout less the pools' part, and are of gifts to its appeal."""
    given = select(DisbursementShare.disbursement_id, func.sum(DisbursementShare.amount_fen).label("fen"))
    given_by = given.group_by(DisbursementShare.disbursement_id).subquery()
    should, through = Disbursement.state.in_(SPENT), AllocationRun.id.is_(None)
    matched = func.coalesce(Disbursement.matched_fen, AllocationRun.matched_fen)
    fen, of_gifts = func.coalesce(given_by.c.fen, 0), Disbursement.amount_fen - matched
    not_yet = and_(~through, or_(should, Disbursement.state == "returned"))
    differs = fen.is_distinct_from(of_gifts)
    wrong = or_(and_(should, through, differs), and_(not_yet, fen > of_gifts), and_(~should, through, fen != 0))
    statement = select(Disbursement.id, Disbursement.amount_fen, matched.label("matched_fen"), fen.label("fen"))
    statement = statement.outerjoin(AllocationRun, AllocationRun.disbursement_id == Disbursement.id)
    statement = statement.outerjoin(given_by, given_by.c.disbursement_id == Disbursement.id).where(wrong)
    for found in stream(connection, statement.order_by(Disbursement.id)):
        words = f"is of {found.amount_fen} fen, {found.matched_fen} from pools, and gifts have given {found.fen}"
        yield Violation("shares_differ", _SUBJECT, found.id, words)
    astray = (
        select(DisbursementShare.disbursement_id, DisbursementShare.pledge_id)
        .join(Disbursement, Disbursement.id == DisbursementShare.disbursement_id)
        .join(Pledge, Pledge.id == DisbursementShare.pledge_id)
        .where(Pledge.appeal_id != Disbursement.appeal_id)
    )
    for found in stream(connection, astray):
        words = f"took of a gift to another appeal (pledge {found.pledge_id})"
        yield Violation("share_of_another", _SUBJECT, found.disbursement_id, words)


def _gifts(connection: Connection) -> Iterator[Violation]:
    """Check that no gift is allocated beyond its sum, and that its state fits its shares once allocation is done."""
    given = select(DisbursementShare.pledge_id, func.sum(DisbursementShare.amount_fen).label("fen"))
    given_of = given.group_by(DisbursementShare.pledge_id).subquery()
    fen = func.coalesce(given_of.c.fen, 0)
    through = ~exists().where(AllocationRun.appeal_id == Pledge.appeal_id)
    wrong = or_(
        fen > Pledge.amount_fen,
        and_(Pledge.state == "committed", fen != 0, through),
        and_(Pledge.state == "settled", fen != Pledge.amount_fen, through),
        and_(Pledge.state == "partly_disbursed", or_(fen == 0, fen == Pledge.amount_fen), through),
    )
    statement = select(Pledge.id, Pledge.state, Pledge.amount_fen, fen.label("fen"))
    statement = statement.outerjoin(given_of, given_of.c.pledge_id == Pledge.id).where(wrong).order_by(Pledge.id)
    for found in stream(connection, statement):
        words = f"stands in {found.state} with {found.amount_fen} fen, of which {found.fen} were paid out"
        yield Violation("gift_differs", "pledge", found.id, words)


def _stand_still(connection: Connection, now: datetime) -> Iterator[Violation]:
    late = Disbursement.paid_at <= now - _SHARED_WITHIN
    moved = select(func.max(AuditEvent.at)).where(
        AuditEvent.subject == _SUBJECT, AuditEvent.subject_id == Disbursement.id, AuditEvent.action == "moved"
    )
    late &= moved.correlate(Disbursement).scalar_subquery() <= now - _SHARED_WITHIN
    running = select(Disbursement.id).join(AllocationRun, AllocationRun.disbursement_id == Disbursement.id)
    for found in stream(connection, running.where(late).order_by(Disbursement.id)):
        yield Violation("shares_stand_still", _SUBJECT, found.id, "is not through with the shares of its gifts")


def _given_back(connection: Connection) -> Iterator[Violation]:
    """Check that what was refunded of a gift and what was disbursed of it do not exceed it."""
    spent = select(func.coalesce(func.sum(DisbursementShare.amount_fen), 0))
    spent_of = spent.where(DisbursementShare.pledge_id == Pledge.id).scalar_subquery()
    back = select(func.sum(Refund.amount_fen)).where(Refund.pledge_id == Pledge.id, Refund.reason.not_in(_BESIDE))
    back_of = back.correlate(Pledge).scalar_subquery()
    found = select(Pledge.id, Pledge.amount_fen, spent_of.label("spent"), back_of.label("back"))
    found = found.where(Pledge.state.in_(LEFT_APPEAL))
    for gift in stream(connection, found.where(spent_of + back_of > Pledge.amount_fen).order_by(Pledge.id)):
        words = f"was {gift.amount_fen} fen: {gift.spent} were paid out, and {gift.back} go back"
        yield Violation("gift_given_twice", "pledge", gift.id, words)
