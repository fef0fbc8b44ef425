"""票据: a donor asks for a donation receipt, and the fund holder lists, issues, refuses or cancels receipts.

Donor and fund holder use the same command word.
"""

from sqlalchemy.orm import Session

from flows.engine.flow import Answer, Say
from flows.engine.session import Option
from flows.readers.words.gift_code import read_code
from handlers.routing.answers import ask_which, with_ways
from handlers.routing.talk import Talk
from handlers.routing.typed_commands import head_number
from handlers.staff.seat import find_seat, staff_of
from handlers.staff.subject_actions import QueueLine, SubjectActions, appeal_facts
from models.core.state_machine import By
from models.donors import receipt_desk
from models.donors.receipt_desk import NoReceipt
from models.giving.pledge import CODE_LENGTH
from models.people.user import get_user

MOST_SHOWN = 6


def receipt(talk: Talk, said: str = "") -> Answer:
    """票据 <code of a gift>: ask for its receipt. 票据 <number>: open a requested receipt, for the fund holder.

    Without either, list the fund holder's open receipts or the donor's own gifts.
    """
    staff = find_seat(talk)
    holds = staff is not None and staff.role == By.FUND_HOLDER
    head = head_number(said) if said and len(said) < CODE_LENGTH else None
    if holds and head and not head[1]:
        return view_receipt(talk, str(head[0]))
    if holds and not said:
        return _queue(talk)
    return _ask(talk, said) if said else _own(talk)


def view_receipt(talk: Talk, number: str) -> Answer:
    """Show the fund holder a receipt and its name; the reading is recorded. Raises NoSuchReceipt.

    The county, which has the task while the charity has no fund holder, is told whom to find, and sees no name.
    """
    if staff_of(talk).role == By.COUNTY:
        facts = receipt_desk.waits_for_a_fund_holder(talk.turn.db, staff_of(talk), int(number))
        return with_ways("replies/donors/receipt_nobody", {"number": int(number), **facts}, {})
    file = receipt_desk.open_receipt(talk.turn.db, staff_of(talk), int(number), talk.world.now)
    if file.receipt.state == "issued":
        ways = {"void": ["command", "void_receipt", number]}
    else:
        ways = {"issue": ["command", "issue_receipt", number], "refuse": ["command", "refuse_receipt", number]}
    return with_ways("replies/donors/receipt_file", {"file": file}, {**ways, "list": ["command", "receipt"]})


def issue_receipt(talk: Talk, number: str) -> Answer:
    """Start to issue a receipt, which asks for its number. Raises NoSuchReceipt."""
    return talk.start("issue_receipt", {"receipt": int(number)})


def refuse_receipt(talk: Talk, number: str, reason: str = "") -> Answer:
    """Refuse a receipt, after asking for the reason. Raises NoSuchReceipt."""
    reasons = talk.world.lexicon.options("receipt_reason")
    if reason not in dict(reasons):
        lines = list(enumerate(reasons, 1))
        options = [Option(n, "", ["command", "refuse_receipt", number, key]) for n, (key, _) in lines]
        values = {"number": int(number), "lines": [(n, words) for n, (_, words) in lines]}
        return Answer([Say("replies/donors/which_receipt_reason", None, values)], options)
    receipt_desk.refuse(talk.turn.db, staff_of(talk), int(number), reason, talk.world.now)
    return _decided(int(number), "refused")


def void_receipt(talk: Talk, number: str) -> Answer:
    """Record that the receipt of a refunded gift was cancelled. Raises NoSuchReceipt."""
    receipt_desk.void(talk.turn.db, staff_of(talk), int(number), talk.world.now)
    return _decided(int(number), "void")


def drop_receipt(talk: Talk, code: str) -> Answer:
    """Withdraw the donor's request. Raises NotRegistered or NoReceipt."""
    user = get_user(talk.turn.db, talk.turn.person.user_id)
    receipt_desk.withdraw_request(talk.turn.db, user, code, talk.world.now)
    return with_ways("replies/donors/receipt_dropped", {"code": code}, {"again": ["command", "receipt", code]})


def _ask(talk: Talk, said: str) -> Answer:
    """Start a request for a receipt; show an open request instead, which the donor may withdraw.

    Raises NotRegistered or NoReceipt.
    """
    code = read_code(said)
    db, word = talk.turn.db, talk.world.lexicon.words["receipt"][0]
    user = get_user(db, talk.turn.person.user_id, then=f"{word} {code.read}")
    try:
        gift = receipt_desk.gift_for_receipt(db, user, code.read)
    except NoReceipt as no:
        if no.values["why"] != "asked":
            raise
        ways = {"drop": ["command", "drop_receipt", code.read], "list": ["command", "receipt"]}
        return with_ways("replies/donors/receipt_asked", {"code": code.read}, ways)
    return talk.start("ask_receipt", {"gift": gift.code, "pledge": gift.id})


def _own(talk: Talk) -> Answer:
    user = get_user(talk.turn.db, talk.turn.person.user_id, then=talk.world.lexicon.words["receipt"][0])
    found = receipt_desk.gifts_with_receipts(talk.turn.db, user, MOST_SHOWN)
    lines = [(n, gift, asked) for n, (gift, asked) in enumerate(found, 1)]
    options = [Option(n, "", ["command", "receipt", gift.code]) for n, gift, _ in lines]
    return Answer([Say("replies/donors/own_receipts", None, {"lines": lines})], options)


def _queue(talk: Talk) -> Answer:
    found = receipt_desk.waiting_receipts(talk.turn.db, staff_of(talk), MOST_SHOWN + 1)
    shown, goes_on = found[:MOST_SHOWN], len(found) > MOST_SHOWN
    return ask_which("replies/donors/receipts", shown, lambda each: ["view_receipt", str(each.id)], more=goes_on)


def _decided(number: int, state: str) -> Answer:
    return with_ways(
        "replies/donors/receipt_decided", {"number": number, "state": state}, {"list": ["command", "receipt"]}
    )


def _line(db: Session, number: int) -> QueueLine:
    return ["view_receipt", str(number)], appeal_facts(db, "receipt", number)


ACTIONS = SubjectActions("receipt", queue_line=_line)
