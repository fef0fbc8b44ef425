"""Carry out refunds: redirect the gift to a similar appeal where the donor chose so, else refund it by WeChat Pay.

The channel is called between two short transactions, never inside one. If a call's result is lost, the next call
queries it, and repeats the refund under the same number, so that the money goes back once. A worker may be killed
anywhere; models.payments.refund_submission.due finds the rest.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

import structlog
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from bot.pay.answers import Refund
from bot.pay.client import PayClient, true_now
from bot.pay.errors import Action, PayError, Refused, Unfit
from bot.work.job import Named
from models.payments.redirection import redirect
from models.payments.refund_result import Taken, take_refund_news
from models.payments.refund_run import live_runs, plan_page
from models.payments.refund_submission import Ask, begin_ask, due, refuse

log = structlog.get_logger()

MOST_DUE = 200
# The most refunds that one job handles, one after the other.
FEW = 20
# Errors that a later try or a query resolves; all others need the fund holder.
_PATIENT = frozenset({Action.QUERY, Action.LATER})


class Hands(Protocol):
    """Enqueues jobs: bot.work.queues.JobQueues."""

    def enqueue(self, jobs: Sequence[Named]) -> None: ...


def ask_refunds(database: Engine, client: PayClient, numbers: Sequence[int]) -> None:
    """Carry out several refunds; one that fails is logged and left to the sweep, and the others go on."""
    for number in numbers:
        try:
            ask_refund(database, client, number, true_now)
        except Exception:  # the other refunds are owed too; the log has the cause
            log.exception("refund.failed", refund=number)


def ask_refund(database: Engine, client: PayClient, number: int, clock: Callable[[], datetime]) -> None:
    """Carry out one refund as far as is possible now: redirect it, or submit it and apply the answer."""
    with Session(database) as db, db.begin():
        if redirect(db, number, clock()) is not None:
            log.info("refund.redirected", refund=number)
            return
    with Session(database) as db, db.begin():
        asked = begin_ask(db, number, clock())
    if asked is None:
        return
    try:
        answer = _call(client, asked)
    except PayError as error:
        _take_failure(database, asked, error, clock())
        return
    take_answer(database, answer, clock())


def take_answer(database: Engine, answer: Refund, now: datetime) -> Taken:
    """Apply a refund's result, from a call's answer or a verified callback."""
    with Session(database) as db, db.begin():
        taken = take_refund_news(db, answer, now)
    say = log.error if taken in (Taken.DIFFERS, Taken.UNKNOWN) else log.info
    say("refund.news", out_refund_no=answer.out_refund_no, state=str(answer.state), taken=str(taken))
    return taken


def sweep_refunds(database: Engine, jobs: Hands, now: datetime) -> int:
    """Enqueue the refunds that are due, and the refund runs that are not complete. Returns how many jobs."""
    with Session(database) as db, db.begin():
        found: list[Named] = [("ask_refunds", few) for few in _few(due(db, now, MOST_DUE))]
        found += [("return_gifts", number) for number in live_runs(db)]
    if found:
        jobs.enqueue(found)
    return len(found)


def return_gifts(database: Engine, jobs: Hands, number: int, now: datetime) -> int:
    """Owe all refunds of a run, a page at a time. Returns how many pages."""
    pages, last = 0, False
    while not last:
        with Session(database) as db, db.begin():
            page = plan_page(db, number, now)
        if page is None:
            break
        pages, last = pages + 1, page.last
        jobs.enqueue([("ask_refunds", few) for few in _few(page.ids)])
    if pages:
        log.info("refund_run.planned", run=number, pages=pages)
    return pages


def _few(ids: Sequence[int]) -> list[list[int]]:
    return [list(ids[start : start + FEW]) for start in range(0, len(ids), FEW)]


def _call(client: PayClient, asked: Ask) -> Refund:
    if asked.before:
        try:
            return client.query_refund(asked.out_refund_no)
        except Refused as refused:
            if refused.action is not Action.ABSENT:
                raise
            # The platform never received it, so the same refund is submitted again.
    which = asked.transaction_id
    return client.refund(asked.out_trade_no, asked.out_refund_no, asked.fen, asked.order_fen, transaction_id=which)


def _take_failure(database: Engine, asked: Ask, error: PayError, now: datetime) -> None:
    code = error.code if isinstance(error, Refused) else type(error).__name__
    log.warning("refund.not_asked", refund=asked.refund, call=error.call, code=code, unknown=error.outcome_unknown)
    for_a_person = isinstance(error, Unfit) or (isinstance(error, Refused) and error.action not in _PATIENT)
    if for_a_person:
        with Session(database) as db, db.begin():
            refuse(db, asked, code, now)
