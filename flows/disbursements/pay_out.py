"""放款: the fund holder has made the transfer, and enters what its bank calls it. Money: it waits for the word."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from flows.engine.desk import Desk
from flows.engine.flow import Answer, Flow, Say, Step
from flows.engine.session import Draft
from flows.readers import Reference
from models.core.state_machine import By
from models.disbursements.disbursement import find_disbursement
from models.disbursements.payee import Payee
from models.disbursements.payout import check_payable, pay
from models.ledger.errors import PayoutShort
from models.staff.directory import demand_staff
from models.staff.member import Staff
from models.treasury.bank_entry import uncovered


def admit(desk: Desk, given: dict[str, Any]) -> dict[str, Any]:
    """``given``: ``use``, its number. Raises what paying would, before anybody goes to the bank."""
    use, appeal, _ = check_payable(desk.db, holder(desk), given["use"], desk.world.now)
    return {"use": use.id, "number": appeal.id, "title": appeal.title, "amount_fen": use.amount_fen}


def brief(desk: Desk, draft: Draft) -> Mapping[str, Any]:
    """To whom, as it stands now."""
    use = find_disbursement(desk.db, draft.given["use"])
    payee = desk.db.get_one(Payee, use.payee_id)
    return {"name": payee.name, "account": payee.account, "waits": use.state == "authorised"}


def done(desk: Desk, draft: Draft) -> Answer:
    staff, number = holder(desk), draft.given["use"]
    with fees_told(desk):
        use, more = pay(desk.db, staff, number, draft.answers["reference"], desk.world.now)
    if more:
        desk.jobs.append(("follow_gifts", use.id))
    facts = {"use": use.id, "number": draft.given["number"], "amount_fen": use.amount_fen, "due": use.receipts_due}
    return Answer([Say("flows/disbursements/pay_out/done", None, facts)])


def holder(desk: Desk) -> Staff:
    """Raises NotOnTheStaff."""
    return demand_staff(desk.db, desk.person.account, desk.person.openid, desk.world.now, (By.FUND_HOLDER,))


@contextmanager
def fees_told(desk: Desk) -> Iterator[None]:
    """Where the bank has too little, it is said what of that are fees that nobody has paid in."""
    try:
        yield
    except PayoutShort as lacks:
        raise PayoutShort(**lacks.values, uncovered_fen=uncovered(desk.db, holder(desk))) from lacks


pay_out = Flow(
    "pay_out",
    room="disbursements",
    steps=(Step("reference", Reference(min=4, max=40)),),
    done=done,
    admit=admit,
    brief=brief,
)
