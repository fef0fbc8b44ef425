"""Ask the fund holder for a bank entry: 到账 (settlement), 充值 (top-up), 补手续费 (fee cover). Each is confirmed."""

from collections.abc import Mapping
from typing import Any

from flows.engine.flow import Answer, Flow, Say, Step
from flows.engine.session import Draft
from flows.engine.turn import TurnContext
from flows.readers import Money, Reference
from flows.readers.base import Asking, Rejected
from flows.staff.fund_holder import holder
from models.payments.refund_desk import list_stuck_refunds
from models.treasury.bank_entry import BankEntry, BankTransfer, NoFees, check_fee_cover, enter, uncovered

_AMOUNT = Step("amount", Money())
_REFERENCE = Step("reference", Reference(min=4, max=40))


def no_more_than_settled(value: int, asking: Asking) -> Rejected | None:
    settled = asking.answers.get("amount")
    return Rejected("more_than_settled", {"settled": settled}) if settled is not None and value > settled else None


def admit(turn: TurnContext, given: dict[str, Any]) -> dict[str, Any]:
    """Admit a fund holder only. Raises NotOnTheStaff."""
    holder(turn)
    return given


def admit_fee_cover(turn: TurnContext, given: dict[str, Any]) -> dict[str, Any]:
    """Admit a fund holder with fees to cover. Raises NotOnTheStaff or NoFees."""
    fen = uncovered(turn.db, holder(turn))
    if not fen:
        raise NoFees()
    return {"uncovered_fen": fen}


def uncovered_now(turn: TurnContext, draft: Draft) -> Mapping[str, Any]:
    """Return the uncovered fees in fen as they are now, for the summary."""
    return {"uncovered_fen": uncovered(turn.db, holder(turn))}


def covers_no_more(turn: TurnContext, draft: Draft) -> None:
    """Check the amount as soon as it is answered. Raises NoFees or MoreThanFees."""
    if "amount" in draft.answers:
        check_fee_cover(turn.db, holder(turn), draft.answers["amount"])


def settled(turn: TurnContext, draft: Draft) -> Answer:
    """Enter the settlement. Raises ReferenceUsed or ChannelShort."""
    entry = _enter(turn, draft, "settlement", draft.answers["amount"] - draft.answers["arrived"])
    return Answer(
        [Say("flows/treasury/enter_settlement/done", None, {"amount_fen": entry.amount_fen, "fee_fen": entry.fee_fen})]
    )


def topped_up(turn: TurnContext, draft: Draft) -> Answer:
    """Enter the top-up. Raises ReferenceUsed or BankShort."""
    entry = _enter(turn, draft, "top_up")
    stuck = bool(list_stuck_refunds(turn.db, holder(turn), 1))
    return Answer([Say("flows/treasury/top_up/done", None, {"amount_fen": entry.amount_fen, "stuck": stuck})])


def fees_covered(turn: TurnContext, draft: Draft) -> Answer:
    """Enter the fee cover. Raises ReferenceUsed, NoFees or MoreThanFees."""
    entry = _enter(turn, draft, "fee_cover")
    facts = {"amount_fen": entry.amount_fen, "uncovered_fen": uncovered(turn.db, holder(turn))}
    return Answer([Say("flows/treasury/cover_fees/done", None, facts)])


def _enter(turn: TurnContext, draft: Draft, kind: str, fee_fen: int = 0) -> BankEntry:
    transfer = BankTransfer(kind, draft.answers["amount"], draft.answers["reference"], fee_fen)
    return enter(turn.db, holder(turn), draft.id, transfer, turn.world.now)


enter_settlement = Flow(
    "enter_settlement",
    room="treasury",
    steps=(_AMOUNT, Step("arrived", Money(), check=no_more_than_settled, codes=("more_than_settled",)), _REFERENCE),
    done=settled,
    admit=admit,
)
top_up = Flow("top_up", room="treasury", steps=(_AMOUNT, _REFERENCE), done=topped_up, admit=admit)
cover_fees = Flow(
    "cover_fees",
    room="treasury",
    steps=(_AMOUNT, _REFERENCE),
    done=fees_covered,
    admit=admit_fee_cover,
    check_answers=covers_no_more,
    review_facts=uncovered_now,
    single=True,
)
