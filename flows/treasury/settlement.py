"""到账: the payment channel has paid out to the fund holder's bank; what it kept is its fee."""

from typing import Any

from flows.disbursements.pay_out import holder
from flows.engine.desk import Desk
from flows.engine.flow import Answer, Flow, Say, Step
from flows.engine.session import Draft
from flows.readers import Money, Reference
from flows.readers.base import Asking, Rejected
from models.treasury.settlement import settle as settle_money


def no_more_than_settled(value: int, asking: Asking) -> Rejected | None:
    settled = asking.answers.get("amount")
    return Rejected("more_than_settled", {"settled": settled}) if settled is not None and value > settled else None


def admit(desk: Desk, given: dict[str, Any]) -> dict[str, Any]:
    """Raises NotOnTheStaff."""
    holder(desk)
    return given


def done(desk: Desk, draft: Draft) -> Answer:
    """Raises ReferenceUsed or ChannelShort."""
    answers = draft.answers
    fee = answers["amount"] - answers["arrived"]
    staff, now = holder(desk), desk.world.now
    settled = settle_money(desk.db, staff, draft.id, answers["amount"], fee, answers["reference"], now)
    return Answer(
        [Say("flows/treasury/settle/done", None, {"amount_fen": settled.amount_fen, "fee_fen": settled.fee_fen})]
    )


settle = Flow(
    "settle",
    room="treasury",
    steps=(
        Step("amount", Money()),
        Step("arrived", Money(), check=no_more_than_settled, codes=("more_than_settled",)),
        Step("reference", Reference(min=4, max=40)),
    ),
    done=done,
    admit=admit,
)
