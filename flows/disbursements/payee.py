"""收款人: an owner names a payee for an appeal's money, or replaces one; it can be paid after two days."""

from typing import Any

from flows.engine.flow import Answer, Flow, Say, Step
from flows.engine.session import Draft, Option
from flows.engine.turn import TurnContext
from flows.readers import Choice, Reference, Text
from models.appeals.correction import own_appeal
from models.disbursements.budget import check_spendable
from models.disbursements.payee import get_payee
from models.disbursements.payee_change import set_payee
from models.people.user import get_resident


def admit(turn: TurnContext, given: dict[str, Any]) -> dict[str, Any]:
    """``given``: ``appeal``; optionally ``line``, to continue with its request, or ``replaces``, the payee to replace.

    Raises NotRegistered, ResidentsOnly, NoSuchAppeal, NotYourAppeal, NotSpendable or NoSuchPayee.
    """
    appeal = own_appeal(turn.db, get_resident(turn.db, turn.person.user_id), given["appeal"])
    check_spendable(turn.db, appeal)
    old = get_payee(turn.db, appeal.id, given["replaces"]) if given.get("replaces") else None
    known = {"title": appeal.title, "old_name": old.name if old else None}
    known["old_tail"] = old.account_tail if old else None
    return {"line": None, "replaces": None, **given, **known}


def done(turn: TurnContext, draft: Draft) -> Answer:
    """Raises what ``admit`` does, or TooManyPayees."""
    user, answers, given = get_resident(turn.db, turn.person.user_id), draft.answers, draft.given
    appeal = own_appeal(turn.db, user, given["appeal"], lock=True)
    check_spendable(turn.db, appeal)
    old = get_payee(turn.db, appeal.id, given["replaces"]) if given["replaces"] else None
    account = f"{answers['bank']} {answers['account']}"
    kind, name, now = answers["kind"], answers["name"], turn.world.now
    payee = set_payee(turn.db, appeal, user, draft.id, kind, name, account, now, old)
    options = []
    if given["line"]:
        options = [Option(1, "", ["command", "request_for_payee", str(given["line"]), str(payee.id)])]
    facts = {"number": appeal.id, "name": payee.name, "tail": payee.account_tail, "from": payee.payable_from}
    return Answer(
        [Say("flows/disbursements/payee/done", None, {**facts, "changed": bool(old), "goes_on": bool(options)})],
        options,
    )


payee = Flow(
    "payee",
    room="disbursements",
    steps=(
        Step("kind", Choice("payee_kind")),
        Step("name", Text(min=2, max=30, name=True)),
        Step("bank", Text(min=4, max=30, name=True)),
        Step("account", Reference(min=8, max=30, digits=True, hidden=True)),
    ),
    done=done,
    admit=admit,
)
