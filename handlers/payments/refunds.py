"""退款, 退款进度: a donor asks for a refund; county and fund holder follow refund runs and settle stuck refunds."""

from typing import Any

from flows.engine.flow import Answer, Say
from flows.engine.session import Option
from flows.readers.words.gift_code import read_code
from handlers.routing.answers import with_ways
from handlers.routing.talk import Talk
from handlers.staff.seat import find_seat, staff_of
from handlers.staff.subject_actions import SubjectActions
from models.core.state_machine import By
from models.payments.refund_desk import (
    NoSuchRefund,
    StuckRefund,
    find_stuck_refund,
    list_stuck_refunds,
    resubmit,
    resubmit_all,
)
from models.payments.refund_entitlement import refundable_gifts
from models.payments.refund_run import find_run, progress_of, recent_runs
from models.people.user import get_user

# The most gifts, refund runs or stuck refunds on one screen.
MOST = 5
SEES = (By.COUNTY, By.FUND_HOLDER)


def refund(talk: Talk, code: str = "") -> Answer:
    """退款 <码>: start the refund of a gift; without a code, ask which, unless there is only one.

    Raises NotRegistered.
    """
    db = talk.turn.db
    donor = get_user(db, talk.turn.person.user_id, then=talk.world.lexicon.words["refund"][0])
    if code:
        return talk.start("refund", {"gift": read_code(code).read})
    gifts = refundable_gifts(db, donor.id, MOST)
    if len(gifts) == 1:
        return talk.start("refund", {"gift": gifts[0].code})
    lines = list(enumerate(gifts, 1))
    options = [Option(n, "", ["command", "refund", gift.code]) for n, gift in lines]
    return Answer([Say("replies/payments/which_refund", None, {"lines": lines})], options)


def refunds(talk: Talk, number: str = "") -> Answer:
    """退款进度 <号>: show an appeal's refund run; without a number, list recent runs and stuck refunds.

    Raises NoSuchRefundRun.
    """
    db, staff = talk.turn.db, staff_of(talk)
    if number:
        return _show_run(talk, int(number))
    stuck, runs = list_stuck_refunds(db, staff, MOST), recent_runs(db, staff)
    ways: dict[str, list[str]] = {f"stuck {one.id}": ["command", "view_refund", str(one.id)] for one in stuck}
    ways |= {f"run {run.appeal_id}": ["command", "refunds", str(run.appeal_id)] for run in runs}
    values = {"stuck": stuck, "runs": [progress_of(db, run) for run in runs]}
    return with_ways("replies/payments/refunds", values, ways)


def view_refund(talk: Talk, number: str) -> Answer:
    return show_file(talk, int(number))


def show_file(talk: Talk, number: int) -> Answer:
    """Show a stuck refund, why it is stuck and what can be done about it. Raises NoSuchRefund."""
    staff = find_seat(talk)
    if staff is None or staff.role not in SEES:
        raise NoSuchRefund(number=number)
    stuck = find_stuck_refund(talk.turn.db, staff, number)
    ways = _ways(stuck) if staff.role == By.FUND_HOLDER else {}
    return with_ways("replies/payments/refund_stuck", _facts(stuck), ways)


def resubmit_refund(talk: Talk, number: str) -> Answer:
    """Submit a stuck refund again, without asking back: it is owed already. Raises NoSuchRefund."""
    refund = resubmit(talk.turn.db, staff_of(talk), int(number), talk.world.now)
    talk.turn.jobs.append(("ask_refund", refund.id))
    return Answer([Say("replies/payments/refund_again", None, {"count": 1, "number": refund.appeal_id})])


def resubmit_refunds(talk: Talk, appeal: str) -> Answer:
    numbers = resubmit_all(talk.turn.db, staff_of(talk), int(appeal), talk.world.now)
    talk.turn.jobs += [("ask_refund", number) for number in numbers]
    return Answer([Say("replies/payments/refund_again", None, {"count": len(numbers), "number": int(appeal)})])


def refund_by_hand(talk: Talk, number: str) -> Answer:
    return talk.start("refund_by_hand", {"refund": int(number)})


def _show_run(talk: Talk, appeal: int) -> Answer:
    staff = staff_of(talk)
    progress = progress_of(talk.turn.db, find_run(talk.turn.db, staff, appeal))
    ways = {"again": ["command", "refunds", str(appeal)]}
    if progress.stuck.gifts:
        first = next(one for one in list_stuck_refunds(talk.turn.db, staff, 1, appeal))
        ways["stuck"] = ["command", "view_refund", str(first.id)]
    return with_ways("replies/payments/refund_run", {"run": progress}, ways)


def _ways(stuck: StuckRefund) -> dict[str, list[str]]:
    refund = stuck.refund
    ways = {"again": ["command", "resubmit_refund", str(refund.id)]}
    if stuck.others:
        ways["all_again"] = ["command", "resubmit_refunds", str(refund.appeal_id)]
    return ways | {"by_hand": ["command", "refund_by_hand", str(refund.id)]}


def _facts(stuck: StuckRefund) -> dict[str, Any]:
    refund = stuck.refund
    return {
        "number": refund.appeal_id,
        "title": stuck.title,
        "gift": stuck.gift,
        "given_at": stuck.given_at,
        "fen": refund.amount_fen,
        "trouble": refund.trouble,
        "out_refund_no": refund.number,
        "others": stuck.others,
    }


ACTIONS = SubjectActions("refund", show_file)
