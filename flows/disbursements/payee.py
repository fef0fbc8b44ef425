"""收款人: an owner names a payee for an appeal's money, or replaces one; it can be paid after two days."""

from typing import Any

from flows.engine.flow import Answer, Flow, Say, Step
from flows.engine.session import Draft, Option
from flows.engine.turn import TurnContext
from flows.readers import Choice, Reference, Text
from flows.rights.identity import STEP, PlacesOrWait, check_places, take_proof
from models.appeals.correction import own_appeal
from models.disbursements.budget import check_spendable
from models.disbursements.payee import check_speaks_not, get_payee
from models.disbursements.payee_change import set_payee
from models.people.user import get_resident
from models.rights.identity import Unproved, check_tries_left
from models.rights.payee_wish import PayeeWish, ask_for_payee

# The command that begins it anew, without the proof (handlers.disbursements.commands).
WITHOUT_PROOF = "payee_and_wait"


def admit(turn: TurnContext, given: dict[str, Any]) -> dict[str, Any]:
    """``given``: ``appeal``; optionally ``line``, to continue with its request, or ``replaces``, the payee to replace.

    ``waits``: the person cannot prove who they are.

    Raises NotRegistered, ResidentsOnly, NoSuchAppeal, NotYourAppeal, NotSpendable, NoSuchPayee or TooManyPlaces.
    """
    appeal = own_appeal(turn.db, get_resident(turn.db, turn.person.user_id), given["appeal"])
    check_spendable(turn.db, appeal)
    old = get_payee(turn.db, appeal.id, given["replaces"]) if given.get("replaces") else None
    if not given.get("waits"):
        check_tries_left(turn.db, turn.person.conversation_id, turn.world.now, _without_proof(given))
    known = {"title": appeal.title, "old_name": old.name if old else None}
    known["old_tail"] = old.account_tail if old else None
    return {"line": None, "replaces": None, **given, **known}


def check_answers(turn: TurnContext, draft: Draft) -> None:
    """Raises WrongPlaces, TooManyPlaces or PayeeSpeaksForIt."""
    if {"kind", "name"} <= draft.answers.keys():
        check_speaks_not(turn.db, draft.given["appeal"], draft.answers["kind"], draft.answers["name"])
    check_places(turn, draft, _without_proof(draft.given))


def done(turn: TurnContext, draft: Draft) -> Answer:
    """Raises what ``admit`` does, TooManyPayees, WrongPlaces or AskedTooOften."""
    proved = take_proof(turn, draft)
    user, answers, given = get_resident(turn.db, turn.person.user_id), draft.answers, draft.given
    appeal = own_appeal(turn.db, user, given["appeal"], lock=True)
    check_spendable(turn.db, appeal)
    old = get_payee(turn.db, appeal.id, given["replaces"]) if given["replaces"] else None
    account = f"{answers['bank']} {answers['account']}"
    kind, name, now = answers["kind"], answers["name"], turn.world.now
    if not proved:
        wish = PayeeWish(draft.id, appeal.id, kind, name, account, given["replaces"])
        request = ask_for_payee(turn.db, turn.person.conversation_id, wish, now)
        turn.stoppable = request.id
        facts = {"number": appeal.id, "name": name, "tail": answers["account"][-4:], "until": request.until}
        return Answer([Say("flows/disbursements/payee/done", None, {**facts, "waits": True})])
    payee = set_payee(turn.db, appeal, user, draft.id, kind, name, account, now, old)
    options = []
    if given["line"]:
        options = [Option(1, "", ["command", "request_for_payee", str(given["line"]), str(payee.id)])]
    facts = {"number": appeal.id, "name": payee.name, "tail": payee.account_tail, "from": payee.payable_from}
    return Answer(
        [
            Say(
                "flows/disbursements/payee/done",
                None,
                {**facts, "waits": False, "changed": bool(old), "goes_on": bool(options)},
            )
        ],
        options,
    )


def _without_proof(given: dict[str, Any]) -> Unproved:
    arguments = tuple(str(given.get(name) or "") for name in ("appeal", "line", "replaces"))
    return Unproved(WITHOUT_PROOF, changes=True, arguments=arguments)


payee = Flow(
    "payee",
    room="disbursements",
    steps=(
        Step("kind", Choice("payee_kind")),
        Step("name", Text(min=2, max=30, name=True)),
        Step("bank", Text(min=4, max=30, name=True)),
        Step("account", Reference(min=8, max=30, digits=True, hidden=True)),
        Step(STEP, PlacesOrWait(cannot="cannot_say_yet")),
    ),
    done=done,
    admit=admit,
    check_answers=check_answers,
)
