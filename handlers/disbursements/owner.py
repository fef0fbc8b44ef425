"""用钱, 收到, 没收到: an owner requests disbursements, follows them, and confirms whether the money arrived."""

from typing import Any

from flows.engine.flow import Answer, Say
from flows.engine.session import Option
from flows.rights.identity import WAIT
from handlers.goods.complaints import ask_whether_got
from handlers.routing.answers import ask_which, ask_which_appeal, labels
from handlers.routing.talk import Talk
from models.appeals.appeal import Appeal, get_appeal
from models.appeals.correction import own_appeal, own_appeals
from models.core.state_machine import Actor
from models.disbursements import confirmation
from models.disbursements.approval import withdraw
from models.disbursements.budget import SPENDABLE, appeal_of_line, check_spendable, is_spendable, line_of
from models.disbursements.confirmation import ISSUES, NOT_RECEIVED, RECEIVED, NoSuchPayout
from models.disbursements.disbursement import UNACQUITTED, Disbursement, NoSuchDisbursement, find_disbursement
from models.disbursements.file import awaiting_pictures, disbursements_of, free_fen_of, line_balances, may_withdraw
from models.disbursements.payee import MOST, Payee, get_payee, payees_of
from models.people.user import User, get_resident

# The most disbursements that are listed beside the budget lines.
MOST_USES = 3


def use_money(talk: Talk, number: str = "") -> Answer:
    """用钱 <号>: show an appeal's free money, budget lines and disbursements, each as a numbered choice.

    Without a number, ask which of the owner's appeals, unless there is only one. Raises NotRegistered, ResidentsOnly,
    NoSuchAppeal or NotYourAppeal.
    """
    db, user = talk.turn.db, get_resident(talk.turn.db, talk.turn.person.user_id)
    own = [each for each in own_appeals(db, user, (*SPENDABLE, "frozen", "reporting")) if each.published_at]
    if not number and len(own) != 1:
        return ask_which_appeal("replies/disbursements/which_appeal", own, "use_money")
    appeal = own_appeal(db, user, int(number) if number else own[0].id)
    options: list[Option] = []
    spendable, free_fen = is_spendable(db, appeal), free_fen_of(db, appeal.id)
    left = line_balances(db, appeal.id) if spendable else []
    budget = [(_to(options, "choose_payee", str(line.number)), line) for line in left]
    uses = [(_to(options, "view_disbursement", str(use.id)), use) for use in disbursements_of(db, appeal.id, MOST_USES)]
    changes = None
    if spendable and payees_of(db, appeal.id):
        changes = _to(options, "change_payee", str(appeal.id))
    spare = _to(options, "no_more", str(appeal.id)) if spendable and free_fen else None
    values = {"number": appeal.id, "title": appeal.title, "state": appeal.state, "free_fen": free_fen}
    values |= {"budget": budget, "uses": uses, "changes": changes, "spare": spare, "now": talk.world.now}
    return Answer([Say("replies/disbursements/budget", None, values)], options)


def choose_payee(talk: Talk, line: str) -> Answer:
    """Ask for the payee of a budget line: a known or a new one. Only a numbered line leads here."""
    appeal, item = _line(talk, int(line))
    known = payees_of(talk.turn.db, appeal.id)
    if not known:
        return talk.start("payee", {"appeal": appeal.id, "line": int(line)})
    options: list[Option] = []
    payees = [(_to(options, "request_for_payee", line, str(payee.id)), payee) for payee in known]
    new = _to(options, "new_payee", line) if len(known) < MOST else None
    return _whom(talk, options, payees, item, new)


def request_for_payee(talk: Talk, line: str, payee: str) -> Answer:
    """Start a request on a budget line to a known payee. Only a numbered line leads here."""
    appeal, _ = _line(talk, int(line))
    return talk.start("request_disbursement", {"appeal": appeal.id, "line": int(line), "payee": int(payee)})


def new_payee(talk: Talk, line: str) -> Answer:
    """Start to name a new payee, then a request on the budget line. Only a numbered line leads here."""
    appeal, _ = _line(talk, int(line))
    return talk.start("payee", {"appeal": appeal.id, "line": int(line)})


def payee_and_wait(talk: Talk, appeal: str, line: str = "", replaces: str = "") -> Answer:
    """Start to name or replace a payee without the proof of who asks. Only a numbered line leads here."""
    given = {"appeal": int(appeal), "waits": True}
    given |= {name: int(number) for name, number in (("line", line), ("replaces", replaces)) if number}
    return talk.start("payee", given, last_places=WAIT)


def change_payee(talk: Talk, number: str, payee: str = "") -> Answer:
    """Start to replace a payee, after asking which if there are several. Only a numbered line leads here."""
    db, user = talk.turn.db, get_resident(talk.turn.db, talk.turn.person.user_id)
    appeal = own_appeal(db, user, int(number))
    check_spendable(db, appeal)
    known = payees_of(db, appeal.id)
    if payee or len(known) == 1:
        replaced = get_payee(db, appeal.id, int(payee) if payee else known[0].id)
        return talk.start("payee", {"appeal": appeal.id, "replaces": replaced.id})
    options: list[Option] = []
    payees = [(_to(options, "change_payee", number, str(one.id)), one) for one in known]
    return _whom(talk, options, payees)


def no_more(talk: Talk, number: str) -> Answer:
    """Start the refund of the appeal's surplus. Only a numbered line leads here."""
    return talk.start("surplus", {"appeal": int(number)})


def view_disbursement(talk: Talk, number: str) -> Answer:
    """Show the owner's own disbursement, its state and the possible next steps. Raises NoSuchDisbursement."""
    use, appeal, _ = _own_use(talk, int(number))
    options: list[Option] = []
    ways = {}
    if use.state == "paid":
        ways["say"] = _to(options, "received", use.code)
    if use.state == "requested" or (use.state in UNACQUITTED and use.receipts_at is None):
        ways["evidence" if use.state == "requested" else "receipts"] = _to(options, "evidence", number)
    if may_withdraw(use):
        ways["withdraw"] = _to(options, "withdraw_use", number)
    ways["appeal"] = _to(options, "use_money", str(appeal.id))
    item = line_of(talk.turn.db, appeal.id, use.line_id).item
    reasons = use.reasons.split(",") if use.reasons else []
    values = {"use": use, "number": appeal.id, "item": item, "ways": ways, "reasons": reasons}
    return Answer([Say("replies/disbursements/disbursement", None, values)], options)


def withdraw_use(talk: Talk, number: str) -> Answer:
    """Withdraw the owner's own request. Only a numbered line leads here. Raises NoSuchDisbursement or WrongState."""
    use, appeal, user = _own_use(talk, int(number))
    get_appeal(talk.turn.db, appeal.id, lock=True)
    use = find_disbursement(talk.turn.db, use.id)
    withdraw(talk.turn.db, use, Actor.owner(user.id), talk.world.now)
    return Answer([Say("replies/disbursements/withdrawn", None, {"use": use.id, "number": appeal.id})])


def evidence(talk: Talk, number: str = "") -> Answer:
    """补照片 <号>, 交发票 <号>: start to send pictures for a disbursement; without a number, for the one that waits.

    Where several wait, ask which. Raises NotRegistered, ResidentsOnly, NoSuchDisbursement or WrongState.
    """
    if number:
        return talk.start("disbursement_evidence", {"use": int(number)})
    waiting = awaiting_pictures(talk.turn.db, get_resident(talk.turn.db, talk.turn.person.user_id))
    if len(waiting) == 1:
        return evidence(talk, str(waiting[0].id))
    return ask_which("replies/disbursements/which_evidence", waiting, lambda use: ["evidence", str(use.id)])


def received(talk: Talk, code: str = "") -> Answer:
    """收到 <码>: ask whether a payment arrived in full, or what is wrong with it, as numbered choices.

    Raises NoSuchPayout.
    """
    if not code and (goods := _goods(talk)):
        return goods
    if several := _several(talk, code, "received"):
        return several
    use, appeal = _payment(talk, code)
    outcomes = (RECEIVED, *ISSUES, NOT_RECEIVED)
    options: list[Option] = []
    numbers = {outcome: _to(options, "say_received", use.code, outcome) for outcome in outcomes}
    return Answer(
        [Say("replies/disbursements/confirm_received", None, _facts(talk, use, appeal) | {"numbers": numbers})], options
    )


def not_received(talk: Talk, code: str = "") -> Answer:
    """没收到 <码>: ask once to confirm that a payment did not arrive, because that freezes the appeal.

    Raises NoSuchPayout.
    """
    if several := _several(talk, code, "not_received"):
        return several
    use, appeal = _payment(talk, code)
    options = [Option(1, "", ["command", "say_received", use.code, NOT_RECEIVED])]
    return Answer([Say("replies/disbursements/confirm_not_received", None, _facts(talk, use, appeal))], options)


def say_received(talk: Talk, code: str, outcome: str) -> Answer:
    """Record the household's answer to a payment. Only a numbered line leads here.

    Raises NoSuchPayout or AnsweredBefore.
    """
    user = get_resident(talk.turn.db, talk.turn.person.user_id)
    use = confirmation.answer(talk.turn.db, user, code, outcome, talk.world.now)
    values = {"use": use.id, "number": use.appeal_id, "outcome": outcome, "receipts": use.receipts_at is not None}
    values["due"] = use.receipts_due
    return Answer([Say("replies/disbursements/confirmation_recorded", None, values)])


def _goods(talk: Talk) -> Answer | None:
    """Ask about goods that were handed out, where no payment waits for the word; else None."""
    user = talk.turn.db.get(User, talk.turn.person.user_id) if talk.turn.person.user_id else None
    if user is None or (user.household_id and confirmation.unanswered(talk.turn.db, user)):
        return None
    return ask_whether_got(talk)


def _whom(
    talk: Talk, options: list[Option], payees: list[tuple[int, Payee]], item: str | None = None, new: int | None = None
) -> Answer:
    """Ask for a payee for the budget line ``item``; without ``item``, for the payee to replace."""
    named = labels(talk.world.lexicon, "payee_kind")
    values = {"item": item, "payees": payees, "new": new, "now": talk.world.now, "labels": named}
    return Answer([Say("replies/disbursements/which_payee", None, values)], options)


def _several(talk: Talk, code: str, command: str) -> Answer | None:
    """Ask which payment is meant, where no code was said and several wait for an answer; else None.

    Raises NoSuchPayout where no code was said and the person has no household.
    """
    user = talk.turn.db.get(User, talk.turn.person.user_id) if talk.turn.person.user_id else None
    if not code and (user is None or user.household_id is None):
        raise NoSuchPayout(said="")  # people also answer 收到 to any message that arrives
    waiting = [] if code or user is None else confirmation.unanswered(talk.turn.db, user)
    if len(waiting) < 2:
        return None
    options: list[Option] = []
    lines = [(_to(options, command, use.code), use) for use in waiting]
    return Answer([Say("replies/disbursements/which_payout", None, {"lines": lines})], options)


def _payment(talk: Talk, code: str) -> tuple[Disbursement, Appeal]:
    """Get the payment with this code, or without a code the oldest unanswered one. Raises NoSuchPayout."""
    db, user = talk.turn.db, get_resident(talk.turn.db, talk.turn.person.user_id)
    if not code:
        waiting = confirmation.unanswered(db, user)
        if not waiting:
            raise NoSuchPayout(said="")
        code = waiting[0].code
    use = confirmation.payout_of(db, user, code)
    return use, db.get_one(Appeal, use.appeal_id)


def _facts(talk: Talk, use: Disbursement, appeal: Appeal) -> dict[str, Any]:
    item = line_of(talk.turn.db, appeal.id, use.line_id).item
    facts = {"number": appeal.id, "title": appeal.title, "code": use.code, "amount_fen": use.amount_fen, "item": item}
    return {**facts, "labels": labels(talk.world.lexicon, "use_issue")}


def _own_use(talk: Talk, number: int) -> tuple[Disbursement, Appeal, User]:
    """Get the user's own disbursement. Raises NoSuchDisbursement, also for another person's."""
    user = get_resident(talk.turn.db, talk.turn.person.user_id)
    use = find_disbursement(talk.turn.db, number)
    if use.requested_by != user.id:
        raise NoSuchDisbursement(number=number)
    return use, talk.turn.db.get_one(Appeal, use.appeal_id), user


def _line(talk: Talk, line_id: int) -> tuple[Appeal, str]:
    """Return the appeal of a budget line, which must be the user's own and spendable, and the line's item.

    Raises NoSuchLine, NoSuchAppeal, NotYourAppeal or NotSpendable.
    """
    db, user = talk.turn.db, get_resident(talk.turn.db, talk.turn.person.user_id)
    appeal_id = appeal_of_line(db, line_id)
    appeal = own_appeal(db, user, appeal_id)
    check_spendable(db, appeal)
    return appeal, line_of(db, appeal.id, line_id).item


def _to(options: list[Option], *command: str) -> int:
    """Add a numbered choice that runs this command, and return its number."""
    options.append(Option(len(options) + 1, "", ["command", *command]))
    return len(options)
