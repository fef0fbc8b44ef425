"""Send transfers of orders by WeChat Pay: refunds to buyers, and releases to sellers.

The platform is called between two short transactions. If a call's result is lost, the next call queries it, and asks
again under the same number, so that the money moves once. A worker may be killed anywhere:
models.market.money.sending.lease_due finds the rest.
"""

from collections.abc import Sequence
from datetime import datetime

import structlog
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from bot.pay.answers import Refund, RefundState, Release, ReleaseState
from bot.pay.errors import Action, PayError, Refused, Unfit
from bot.pay.partner import PartnerClients, SubMerchantClient
from bot.payments.platform_orders import Enqueuer
from bot.payments.refunds import FEW, MOST_DUE
from bot.work.clock import Clock
from models.market.money.sending import (
    SentOutcome,
    Submission,
    Word,
    apply_word,
    begin_submission,
    lease_due,
    mark_refused,
)
from models.notifications.notification import TO_DELIVER

log = structlog.get_logger()

# Errors that a later try or a query resolves; all others need the operator.
_PATIENT = frozenset({Action.QUERY, Action.LATER})
# What a release says in WeChat Pay's own lists; it takes no empty one.
_RELEASED = "order completed"
_STATES = {RefundState.SUCCESS: "done", RefundState.PROCESSING: "going"}


def send_transfers(
    database: Engine, clients: PartnerClients, jobs: Enqueuer, numbers: Sequence[int], clock: Clock
) -> None:
    """Send several transfers; one that fails is logged and left to the sweep, and the others go on."""
    for number in numbers:
        try:
            send_transfer(database, clients, jobs, number, clock)
        except Exception:  # the other transfers are owed too; the log has the cause
            log.exception("transfer.failed", transfer=number)


def send_transfer(database: Engine, clients: PartnerClients, jobs: Enqueuer, number: int, clock: Clock) -> None:
    """Send one transfer as far as is possible now, and apply the answer."""
    with Session(database) as db, db.begin():
        submission = begin_submission(db, number, clock())
    if submission is None:
        return
    try:
        word = _asked(clients.of(submission.sub_merchant), submission)
    except PayError as error:
        _handle_failure(database, submission, error, clock())
        return
    _apply(database, jobs, word, clock())


def apply_refund(database: Engine, jobs: Enqueuer, refund: Refund, now: datetime) -> SentOutcome:
    """Apply a refund's verified callback."""
    return _apply(database, jobs, _word_of_refund(refund), now)


def sweep_transfers(database: Engine, jobs: Enqueuer, now: datetime) -> int:
    """Enqueue the transfers that are due. Returns how many jobs."""
    with Session(database) as db, db.begin():
        due = lease_due(db, now, MOST_DUE)
    few = [list(due[start : start + FEW]) for start in range(0, len(due), FEW)]
    if few:
        jobs.enqueue([("send_transfers", some) for some in few])
    return len(few)


def _apply(database: Engine, jobs: Enqueuer, word: Word, now: datetime) -> SentOutcome:
    with Session(database) as db, db.begin():
        outcome = apply_word(db, word, now)
        db.flush()
        told = list(db.info.get(TO_DELIVER, []))
    if told:
        jobs.enqueue([], told)
    wrong = outcome in (SentOutcome.DIFFERS, SentOutcome.UNKNOWN, SentOutcome.STUCK)
    say = log.error if wrong else log.info
    say("transfer.result", number=word.number, state=word.state, outcome=str(outcome))
    return outcome


def _asked(client: SubMerchantClient, submission: Submission) -> Word:
    if submission.before:
        try:
            return _queried(client, submission)
        except Refused as refused:
            if refused.action is not Action.ABSENT:
                raise
            # The platform never received it, so the same is asked for again.
    if submission.kind == "release":
        return _word_of_release(client.release(submission.transaction_id, submission.number, _RELEASED))
    return _word_of_refund(
        client.refund(submission.out_trade_no, submission.number, submission.fen, submission.paid_fen)
    )


def _queried(client: SubMerchantClient, submission: Submission) -> Word:
    if submission.kind == "release":
        return _word_of_release(client.query_release(submission.transaction_id, submission.number))
    return _word_of_refund(client.query_refund(submission.number))


def _word_of_refund(refund: Refund) -> Word:
    return Word(
        sub_merchant=refund.merchant,
        number=refund.out_refund_no,
        state=_STATES.get(refund.state, "stuck"),
        fen=refund.fen,
        trouble=refund.state.lower(),
        at=refund.done_at,
    )


def _word_of_release(release: Release) -> Word:
    done = release.state is ReleaseState.FINISHED
    return Word(release.merchant, release.out_order_no, "done" if done else "going", release.fen)


def _handle_failure(database: Engine, submission: Submission, error: PayError, now: datetime) -> None:
    code = error.code if isinstance(error, Refused) else type(error).__name__
    for_a_person = isinstance(error, Unfit) or (isinstance(error, Refused) and error.action not in _PATIENT)
    say = log.error if for_a_person else log.warning
    say("transfer.not_asked", transfer=submission.transfer, call=error.call, code=code, unknown=error.outcome_unknown)
    if for_a_person:
        with Session(database) as db, db.begin():
            mark_refused(db, submission, code, now)
