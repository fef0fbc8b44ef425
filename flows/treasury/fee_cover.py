"""补手续费: the fund holder has paid the channel's fees to its bank from its own funds. Money: it waits."""

from collections.abc import Mapping
from typing import Any

from flows.disbursements.pay_out import holder
from flows.engine.desk import Desk
from flows.engine.flow import Answer, Flow, Say, Step
from flows.engine.session import Draft
from flows.readers import Money, Reference
from models.treasury.fee_cover import NoFees, check_covers, cover, uncovered


def admit(desk: Desk, given: dict[str, Any]) -> dict[str, Any]:
    """Raises NotOnTheStaff or NoFees."""
    fen = uncovered(desk.db, holder(desk))
    if not fen:
        raise NoFees()
    return {"uncovered_fen": fen}


def brief(desk: Desk, draft: Draft) -> Mapping[str, Any]:
    """As it stands now."""
    return {"uncovered_fen": uncovered(desk.db, holder(desk))}


def early(desk: Desk, draft: Draft) -> None:
    """Raises NoFees or MoreThanFees."""
    if "amount" in draft.answers:
        check_covers(desk.db, holder(desk), draft.answers["amount"])


def done(desk: Desk, draft: Draft) -> Answer:
    """Raises ReferenceUsed, NoFees or MoreThanFees."""
    staff, answers = holder(desk), draft.answers
    entered = cover(desk.db, staff, draft.id, answers["amount"], answers["reference"], desk.world.now)
    facts = {"amount_fen": entered.amount_fen, "uncovered_fen": uncovered(desk.db, staff)}
    return Answer([Say("flows/treasury/cover_fees/done", None, facts)])


cover_fees = Flow(
    "cover_fees",
    room="treasury",
    steps=(Step("amount", Money()), Step("reference", Reference(min=4, max=40))),
    done=done,
    admit=admit,
    early=early,
    brief=brief,
    single=True,
)
