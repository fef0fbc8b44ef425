"""Carry out refunds: redirect the gift to a similar appeal where the donor chose so, else refund it by WeChat Pay.

The channel is called between two short transactions, never inside one. If a call's result is lost, the next call
queries it, and repeats the refund under the same number, so that the money goes back once. A worker may be killed
anywhere; models.payments.refund_submission.lease_due_refunds finds the rest.
"""

from collections.abc import Sequence
from datetime import datetime

import structlog
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from bot.pay.answers import Refund
from bot.pay.client import PayClient
from bot.pay.clients import PayClients
from bot.pay.errors import Action, PayError, Refused, Unfit
from bot.payments.platform_orders import Enqueuer
from bot.work.clock import Clock
from bot.work.job import Named
from models.core.batch_run import batches
from models.payments.redirection import redirect
from models.payments.refund import Refund as RefundRow
from models.payments.refund_result import RefundOutcome, apply_refund_result
from models.payments.refund_run import live_runs, plan_page
from models.payments.refund_submission import RefundSubmission, begin_submission, lease_due_refunds, mark_refused

log = structlog.get_logger()

MOST_DUE = 200
# The most refunds that one job handles, one after the other.
FEW = 20
# Errors that a later try or a query resolves; all others need the fund holder.
_PATIENT = frozenset({Action.QUERY, Action.LATER})


def ask_refunds(database: Engine, clients: PayClients, numbers: Sequence[int], clock: Clock) -> None:
    """Carry out several refunds, each at its own merchant account; one that fails is logged and left to the sweep, and
    the others go on."""
    with Session(database) as db:
        found = db.execute(select(RefundRow.id, RefundRow.merchant).where(RefundRow.id.in_(numbers)))
        merchants = {row.id: row.merchant for row in found}
    for number in numbers:
        try:
            ask_refund(database, clients.of(merchants[number]), number, clock)
        except Exception:  # the other refunds are owed too; the log has the cause
            log.exception("refund.failed", refund=number)


def ask_refund(database: Engine, client: PayClient, number: int, clock: Clock) -> None:
    """Carry out one refund as far as is possible now: redirect it, or submit it and apply the answer."""
    with Session(database) as db, db.begin():
        if redirect(db, number, clock()) is not None:
            log.info("refund.redirected", refund=number)
            return
    with Session(database) as db, db.begin():
        submission = begin_submission(db, number, clock())
    if submission is None:
        return
    try:
        answer = _call(client, submission)
    except PayError as error:
        _handle_failure(database, submission, error, clock())
        return
    apply_result(database, answer, clock())


def apply_result(database: Engine, answer: Refund, now: datetime) -> RefundOutcome:
    """Apply a refund's result, from a call's answer or a verified callback."""
    with Session(database) as db, db.begin():
        outcome = apply_refund_result(db, answer, now)
    say = log.error if outcome in (RefundOutcome.DIFFERS, RefundOutcome.UNKNOWN) else log.info
    say("refund.result", out_refund_no=answer.out_refund_no, state=str(answer.state), outcome=str(outcome))
    return outcome


def sweep_refunds(database: Engine, jobs: Enqueuer, now: datetime) -> int:
    """Enqueue the refunds that are due, and the refund runs that are not complete. Returns how many jobs."""
    with Session(database) as db, db.begin():
        found: list[Named] = [("ask_refunds", few) for few in _few(lease_due_refunds(db, now, MOST_DUE))]
        found += [("return_gifts", number) for number in live_runs(db)]
    if found:
        jobs.enqueue(found)
    return len(found)


def return_gifts(database: Engine, jobs: Enqueuer, number: int, now: datetime) -> int:
    """Owe all refunds of a run, a page at a time. Returns how many pages."""
    pages = 0
    for page in batches(database, lambda db, _: plan_page(db, number, now)):
        pages += 1
        jobs.enqueue([("ask_refunds", few) for few in _few(page.ids)])
    if pages:
        log.info("refund_run.planned", run=number, pages=pages)
    return pages


def _few(ids: Sequence[int]) -> list[list[int]]:
    return [list(ids[start : start + FEW]) for start in range(0, len(ids), FEW)]


def _call(client: PayClient, submission: RefundSubmission) -> Refund:
    if submission.before:
        try:
            return client.query_refund(submission.out_refund_no)
        except Refused as refused:
            if refused.action is not Action.ABSENT:
                raise
            # The platform never received it, so the same refund is submitted again.
    return client.refund(
        submission.out_trade_no,
        submission.out_refund_no,
        submission.fen,
        submission.order_fen,
        transaction_id=submission.transaction_id,
    )


def _handle_failure(database: Engine, submission: RefundSubmission, error: PayError, now: datetime) -> None:
    code = error.code if isinstance(error, Refused) else type(error).__name__
    log.warning("refund.not_asked", refund=submission.refund, call=error.call, code=code, unknown=error.outcome_unknown)
    for_a_person = isinstance(error, Unfit) or (isinstance(error, Refused) and error.action not in _PATIENT)
    if for_a_person:
        with Session(database) as db, db.begin():
            mark_refused(db, submission, code, now)
