"""登录, 退出电脑: staff scan or type the code that a browser shows, and say whether they asked for it themselves."""

from flows.engine.flow import Answer, Say
from flows.engine.session import Option
from handlers.routing.dispatch import run_command
from handlers.routing.talk import Talk
from handlers.staff.seat import explain_no_seat, find_seat, staff_of
from models.desk import sign_in as desk
from models.desk.session import end_sessions
from models.desk.sign_in import DIGITS, MOST_TRIES, DeskSignIn, has_desk

_WORDS = "replies/desk/sign_in"
_ANSWERS = "desk_answer"
# What others mean who say that they want to sign in.
_OTHERS_MEAN = "password"


def sign_in(talk: Talk, code: str = "") -> Answer:
    """Take the digits that a browser shows, and ask whether it is theirs; without any, tell how to sign in."""
    if not has_desk(find_seat(talk), talk.world.now):
        return _without_desk(talk)
    if not code:
        return _say("how", page=talk.world.link("desk", ""), phone=talk.world.link("desk_phone", ""))
    if len(code) != DIGITS or not code.isascii() or not code.isdigit():
        return _say("misread", code=code, digits=DIGITS)
    staff, conversation = staff_of(talk), talk.turn.person.conversation_id
    found = desk.type_digits(talk.turn.db, staff, conversation, code, talk.world.now)
    return _ask(talk, found) if found else _say("unknown", code=code, most=MOST_TRIES)


def scanned(talk: Talk, scene: str) -> Answer:
    """Take a scanned code. Raises DeskCodeDead."""
    staff = find_seat(talk)
    if staff is None or not has_desk(staff, talk.world.now):
        return explain_no_seat(talk) or _say("not_staff")
    return _ask(talk, desk.scan(talk.turn.db, staff, scene, talk.world.now))


def confirm(talk: Talk, number: str) -> Answer:
    """Let the browser in that the officer was asked about. Raises DeskCodeDead."""
    return _answer(talk, number, is_own=True)


def deny(talk: Talk, number: str) -> Answer:
    """Keep the browser out that the officer was asked about. Raises DeskCodeDead."""
    return _answer(talk, number, is_own=False)


def sign_out(talk: Talk) -> Answer:
    """End all of the seat's sessions."""
    if not has_desk(find_seat(talk), talk.world.now):
        return _without_desk(talk)
    return _say("left", count=end_sessions(talk.turn.db, staff_of(talk), "from_chat", talk.world.now))


def _without_desk(talk: Talk) -> Answer:
    return explain_no_seat(talk) or run_command(talk, "answer", [_OTHERS_MEAN])


def _answer(talk: Talk, number: str, *, is_own: bool) -> Answer:
    desk.answer(talk.turn.db, staff_of(talk), int(number), talk.world.now, is_own=is_own)
    return _say("confirmed" if is_own else "denied")


def _ask(talk: Talk, asked: DeskSignIn) -> Answer:
    talk.turn.db.flush()
    answers = talk.world.lexicon.options(_ANSWERS)
    options = [Option(n, label, ["command", f"desk_{key}", str(asked.id)]) for n, (key, label) in enumerate(answers, 1)]
    facts = {"asked": asked, "work_no": staff_of(talk).work_no, "lines": [(o.number, o.label) for o in options]}
    return Answer([_words("ask", **facts)], options)


def _say(what: str, **facts: object) -> Answer:
    return Answer([_words(what, **facts)], outcome=what)


def _words(what: str, **facts: object) -> Say:
    return Say(_WORDS, None, {"what": what, **facts})
