"""冲正: ask the fund holder why a bank entry is reversed. Shows the entry, and needs a confirmation."""

from collections.abc import Mapping
from typing import Any

from flows.engine.flow import Answer, Flow, Say, Step
from flows.engine.session import Draft
from flows.engine.turn import TurnContext
from flows.readers import Choice
from flows.staff.fund_holder import holder
from models.core.calendar import CHINA
from models.core.refusal import Refusal
from models.treasury.reversal import find_entry, reverse_bank_entry


def admit(turn: TurnContext, given: dict[str, Any]) -> dict[str, Any]:
    """Show the bank entry to be reversed; ``given`` holds its number. Raises NoSuchBankEntry."""
    entry = find_entry(turn.db, holder(turn), given["entry"])
    day = entry.at.astimezone(CHINA).date().isoformat()
    money = {"amount_fen": entry.amount_fen, "fee_fen": entry.fee_fen, "bank_fen": entry.bank_fen}
    return {"entry": entry.id, "kind": entry.kind, "on": day, "reference": entry.bank_reference, **money}


def review_facts(turn: TurnContext, draft: Draft) -> Mapping[str, Any]:
    """Tell whether the entry still ``stands`` or has been reversed meanwhile."""
    try:
        find_entry(turn.db, holder(turn), draft.given["entry"])
    except Refusal:
        return {"stands": False}
    return {"stands": True}


def done(turn: TurnContext, draft: Draft) -> Answer:
    """Reverse the entry. Raises NoSuchBankEntry, BankShort or ChannelShort."""
    given, why = draft.given, draft.answers["why"]
    reverse_bank_entry(turn.db, holder(turn), given["entry"], why, turn.world.now)
    return Answer([Say("flows/treasury/reverse_entry/done", None, {**given, "why": why})])


reverse_entry = Flow(
    "reverse_entry",
    room="treasury",
    steps=(Step("why", Choice("reverse_entry")),),
    done=done,
    admit=admit,
    review_facts=review_facts,
)
