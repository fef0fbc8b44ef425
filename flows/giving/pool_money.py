"""配捐到账, 配捐结束, 配捐退还: fund holders enter a pool's money, close it, and enter what is paid back."""

from collections.abc import Mapping
from typing import Any

from flows.engine.flow import Answer, Flow, Say, Step
from flows.engine.session import Draft, Option
from flows.engine.turn import TurnContext
from flows.readers import Money, Reference
from flows.staff.fund_holder import adding_uncovered_fees, holder
from models.giving import pool_terms
from models.giving.pool import MatchingPool, check_is_open, find_pool
from models.giving.pool_file import file_of
from models.giving.pool_transfer import check_pays_back, check_reference, check_takes, pay_back, pay_in


def admit_open(turn: TurnContext, given: dict[str, Any]) -> dict[str, Any]:
    """Admit the fund holder of an open pool. ``given``: ``pool``, its number.

    Raises NotOnTheStaff, NoSuchPool or WrongPoolState.
    """
    pool = _pool(turn, given)
    check_is_open(pool)
    return {"pool": pool.id, "sponsor": pool.sponsor}


def admit_closed(turn: TurnContext, given: dict[str, Any]) -> dict[str, Any]:
    """Admit the fund holder of a closed pool. ``fen`` is fixed now, so that the sum transferred is the sum entered.

    Raises NotOnTheStaff, NoSuchPool, WrongPoolState, PoolEmpty or PayoutShort.
    """
    with adding_uncovered_fees(turn):
        fen = check_pays_back(turn.db, holder(turn), given["pool"])
    return {"pool": given["pool"], "sponsor": _pool(turn, given).sponsor, "fen": fen}


def review_facts(turn: TurnContext, draft: Draft) -> Mapping[str, Any]:
    """Return the pool's present sums in fen."""
    file = file_of(turn.db, _pool(turn, draft.given))
    return {"held_fen": file.held_fen, "matched_fen": file.matched_fen, "to_come_fen": file.to_come_fen}


def check_answers(turn: TurnContext, draft: Draft) -> None:
    """Check amount and bank reference once they are answered. Raises WrongPoolState, OverPool or ReferenceUsed."""
    if "amount" in draft.answers:
        check_takes(turn.db, _pool(turn, draft.given), draft.answers["amount"])
    if "reference" in draft.answers:
        check_reference(turn.db, holder(turn), draft.answers["reference"])


def enter_paid_in(turn: TurnContext, draft: Draft) -> Answer:
    """Enter money paid in. Raises NoSuchPool, WrongPoolState, OverPool or ReferenceUsed."""
    answers, number = draft.answers, draft.given["pool"]
    fen, reference = answers["amount"], answers["reference"]
    pay_in(turn.db, holder(turn), number, draft.id, fen, reference, turn.world.now)
    return _done(turn, draft, "fund_pool", fen)


def confirm_close(turn: TurnContext, draft: Draft) -> Answer:
    """Close the pool. Raises NoSuchPool or WrongPoolState."""
    pool_terms.close_pool(turn.db, holder(turn), draft.given["pool"], turn.world.now)
    answer = _done(turn, draft, "close_pool", 0)
    answer.options = [Option(1, "", ["command", "return_pool", str(draft.given["pool"])])]
    return answer


def enter_paid_back(turn: TurnContext, draft: Draft) -> Answer:
    """Enter money paid back. Raises as ``admit_closed``, and ReferenceUsed."""
    number, fen = draft.given["pool"], draft.given["fen"]
    with adding_uncovered_fees(turn):
        pay_back(turn.db, holder(turn), number, draft.id, fen, draft.answers["reference"], turn.world.now)
    return _done(turn, draft, "return_pool", fen)


def _pool(turn: TurnContext, given: Mapping[str, Any]) -> MatchingPool:
    return find_pool(turn.db, holder(turn), given["pool"])


def _done(turn: TurnContext, draft: Draft, flow: str, fen: int) -> Answer:
    facts = {"number": draft.given["pool"], "sponsor": draft.given["sponsor"], "fen": fen, **review_facts(turn, draft)}
    return Answer([Say(f"flows/giving/{flow}/done", None, facts)])


_REFERENCE = Step("reference", Reference(min=4, max=40))
fund_pool = Flow(
    "fund_pool",
    room="giving",
    steps=(Step("amount", Money()), _REFERENCE),
    done=enter_paid_in,
    admit=admit_open,
    check_answers=check_answers,
    review_facts=review_facts,
)
close_pool = Flow(
    "close_pool", room="giving", steps=(), done=confirm_close, admit=admit_open, review_facts=review_facts
)
return_pool = Flow(
    "return_pool",
    room="giving",
    steps=(_REFERENCE,),
    done=enter_paid_back,
    admit=admit_closed,
    check_answers=check_answers,
)
