"""留言, 大家的留言: a donor writes to the family, an officer decides on the message, the family reads or reports it."""

from collections.abc import Sequence
from functools import partial

from flows.engine.flow import Answer, Say
from flows.engine.session import Option
from flows.readers.words.gift_code import read_code
from handlers.routing.answers import ask_which, ask_which_appeal, more, with_ways
from handlers.routing.talk import Talk
from handlers.staff.opened_first import opened_first
from handlers.staff.seat import find_seat, staff_of
from handlers.staff.subject_actions import ReasonedDecision, SubjectActions
from models.appeals.appeal import LIVE, get_appeal
from models.appeals.correction import own_appeals
from models.donors import message_inbox, message_review
from models.donors.message import NoSuchMessage, current_message
from models.giving.pledge import Pledge
from models.people.user import get_resident, get_user
from models.staff.member import Staff

# The most gifts on one screen.
MOST = 5
_READABLE = (*LIVE, "completed", "frozen", "failed", "cancelled")


def leave_message(talk: Talk, code: str = "") -> Answer:
    """留言 <码>: start a message with a gift, or show the one it has.

    Without a code, ask for which gift, unless there is only one. Raises NotRegistered or NoSuchGift.
    """
    db = talk.turn.db
    donor = get_user(db, talk.turn.person.user_id, then=talk.world.lexicon.words["leave_message"][0])
    if not code:
        gifts = message_review.gifts_that_take_messages(db, donor, MOST)
        if len(gifts) != 1:
            return _which(talk, gifts)
        code = gifts[0].code
    pledge = message_review.own_gift(db, donor, read_code(code).read)
    message = current_message(db, pledge.id)
    if message is None:
        return talk.start("message", {"gift": pledge.code})
    ways = {"withdraw": ["command", "withdraw_message", pledge.code]} if message.state == "submitted" else {}
    ways["appeal"] = ["command", "view_appeal", str(pledge.appeal_id)]
    values = {"number": pledge.appeal_id, "gift": pledge.code, "words": message.words, "state": message.state}
    return with_ways("replies/donors/own_message", values, ways)


def withdraw_message(talk: Talk, code: str) -> Answer:
    donor = get_user(talk.turn.db, talk.turn.person.user_id)
    message_review.withdraw_message(talk.turn.db, donor, code, talk.world.now)
    return Answer([Say("replies/donors/message_withdrawn", None, {"gift": code})])


def messages(talk: Talk, number: str = "", before: str = "") -> Answer:
    """大家的留言 <号>: list the messages to the owner's appeal, the newest first, from below the id ``before``.

    Without a number, ask which of the owner's appeals, unless there is only one.
    """
    db = talk.turn.db
    owner = get_resident(db, talk.turn.person.user_id, then=talk.world.lexicon.words["messages"][0])
    if not number:
        own = own_appeals(db, owner, _READABLE)
        if len(own) != 1:
            return ask_which_appeal("replies/donors/which_appeal_messages", own, "messages")
        number = str(own[0].id)
    appeal, page = message_inbox.messages_to_family(db, owner, int(number), int(before) if before else None)
    lines = list(enumerate(page.items, 1))
    options = [Option(n, "", ["command", "report_message", str(one.number)]) for n, one in lines if one.reportable]
    line = len(lines) + 1
    if page.after:
        options += more(talk, line, "messages", number, str(page.after))
    back = line + bool(page.after)
    if page.items:
        options.append(Option(back, "", ["command", "view_appeal", number]))
    values = {
        "number": appeal.id,
        "title": appeal.title,
        "lines": lines,
        "more": line if page.after else None,
        "back": back,
        "later": bool(before),
    }
    return Answer([Say("replies/donors/messages", None, values)], options)


def report_message(talk: Talk, number: str) -> Answer:
    owner = get_resident(talk.turn.db, talk.turn.person.user_id)
    message_inbox.report_message(talk.turn.db, owner, int(number), talk.world.now)
    return Answer([Say("replies/donors/message_reported")])


def show_file(talk: Talk, number: int) -> Answer:
    """Show a message to an officer, with the decisions they may take. Raises NoSuchMessage."""
    staff = find_seat(talk)
    if staff is None:
        raise NoSuchMessage(number=number)
    file = message_review.open_message(talk.turn.db, staff, number, talk.world.now)
    decisions = ("approve", "send_back") if file.task.mine else ()
    ways = {name: ["command", name, f"message:{number}"] for name in decisions}
    ways["appeal"] = ["command", "look", f"appeal:{file.appeal}"]
    return with_ways("replies/donors/message_file", {"file": file}, ways)


def must_read_first(talk: Talk, _command: str, number: int) -> Answer | None:
    """Show the message instead of deciding, where the officer has not read it; else None.

    Raises NoSuchMessage, OutsideRegion, NotYourTurn or HasConflict.
    """
    db, staff = talk.turn.db, staff_of(talk)
    message_review.check_decidable(db, staff, number)
    is_read = message_review.is_read(db, staff, number)
    return opened_first(partial(show_file, talk, number), is_read=is_read, unread="replies/donors/must_read_first")


def approve(talk: Talk, number: int) -> Answer:
    appeal, reached = message_review.pass_message(talk.turn.db, staff_of(talk), number, talk.world.now)
    return _decided(number, appeal.id, passed=True, reached=reached)


def send_back(talk: Talk, staff: Staff, number: int, reasons: Sequence[str]) -> Answer:
    appeal = message_review.send_back(talk.turn.db, staff, number, reasons, talk.world.now)
    return _decided(number, appeal.id, passed=False, reached=0)


def _decided(number: int, appeal: int, *, passed: bool, reached: int) -> Answer:
    values = {"number": number, "appeal": appeal, "passed": passed, "reached": reached}
    return Answer([Say("replies/donors/message_decided", None, values)])


def _which(talk: Talk, gifts: Sequence[Pledge]) -> Answer:
    found = []
    for gift in gifts:
        title = get_appeal(talk.turn.db, gift.appeal_id).title
        found.append({"amount_fen": gift.amount_fen, "appeal": gift.appeal_id, "title": title, "code": gift.code})
    return ask_which("replies/donors/which_gift_to_message", found, lambda gift: ["leave_message", str(gift["code"])])


ACTIONS = SubjectActions(
    "message",
    show_file,
    must_read_first=must_read_first,
    approve=approve,
    reasoned={"send_back": ReasonedDecision("message_reason", send_back)},
    check=lambda talk, staff, _command, number: message_review.check_decidable(talk.turn.db, staff, number),
)
