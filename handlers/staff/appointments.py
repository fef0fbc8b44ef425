"""Manage seats: invite and confirm (授权), suspend (停用), restore (恢复), revoke (撤销), and list (工作人员)."""

from collections.abc import Callable

from flows.engine.flow import Answer, Say
from flows.engine.session import Option
from flows.language.numerals import ordinal
from handlers.routing.answers import one_page, with_ways
from handlers.routing.dispatch import run_command
from handlers.routing.talk import Talk
from handlers.staff.seat import find_seat, staff_of
from models.staff import appointment, suspension
from models.staff.appointment import MOST_TRIES
from models.staff.directory import BELOW, Member, find_member, get_member, members, seat_of
from models.staff.member import Staff

PAGE = 5
# State -> the actions that a member's page offers.
_WAYS: dict[str, tuple[str, ...]] = {
    "invited": ("revoke",),
    "bound": ("confirm", "revoke"),
    "active": ("suspend", "revoke"),
    "suspended": ("restore", "revoke"),
    "ended": ("revoke",),
}
_COMMANDS = {
    "confirm": "authorise",
    "suspend": "suspend_staff",
    "restore": "restore_staff",
    "revoke": "revoke_staff",
}


def authorise(talk: Talk, word: str = "") -> Answer:
    """Answer 授权: without a word invite, with a work number confirm, with a code redeem an invitation.

    A word that is an existing work number confirms, if the officer's role invites; any other is a code.
    """
    if not word:
        return run_command(talk, "invite", [])
    staff = find_seat(talk)
    if staff and staff.role in BELOW and find_member(talk.turn.db, word):
        confirmed = appointment.confirm(talk.turn.db, staff, word, talk.world.now)
        return Answer([Say("replies/staff/appointment_confirmed", None, _seat(talk, confirmed))])
    return _redeem(talk, word)


def invite(talk: Talk) -> Answer:
    """Start an invitation."""
    return talk.start("invite_staff")


def team(talk: Talk, after: str = "") -> Answer:
    """List the staff below this seat (工作人员), five at a time, by work number, never by name."""
    code, _, number = after.partition(":")
    found = members(talk.turn.db, staff_of(talk), (code, int(number)) if after else None, talk.world.now, PAGE + 1)
    lines = list(enumerate(found[:PAGE], 1))
    options = [Option(n, "", ["command", "view_staff", str(member.id)]) for n, member in lines]
    turn = ["team", place_of(lines[-1][1])] if len(found) > PAGE else None
    return one_page(talk, "replies/staff/team", {"lines": lines, "first": not after}, options, turn)


def view(talk: Talk, staff_id: str) -> Answer:
    """Show a member below this seat, with the actions that the state allows."""
    member = get_member(talk.turn.db, staff_of(talk), int(staff_id), talk.world.now)
    if member is None:
        return team(talk)
    ways = {way: ["command", _COMMANDS[way], member.work_no] for way in _WAYS.get(member.state, ())}
    return with_ways("replies/staff/member", {"member": member}, {**ways, "list": ["command", "team"]})


def suspend(talk: Talk, work_no: str = "", words: str = "") -> Answer:
    return _with_reason(talk, "suspend_staff", work_no, words, suspension.suspend)


def restore(talk: Talk, work_no: str = "") -> Answer:
    if not work_no:
        return team(talk)
    return _moved(suspension.restore(talk.turn.db, staff_of(talk), work_no, talk.world.now), 0)


def revoke(talk: Talk, work_no: str = "", words: str = "") -> Answer:
    return _with_reason(talk, "revoke_staff", work_no, words, suspension.revoke)


def place_of(member: Member) -> str:
    """Return the cursor after which the next page of a list begins."""
    return f"{member.region_code}:{member.id}"


def _redeem(talk: Talk, word: str) -> Answer:
    """Begin to redeem a code. A wrong code is answered, not refused: a refusal would roll back that it is counted."""
    code = word.upper().replace("-", "")
    staff = appointment.find_invitation(talk.turn.db, talk.turn.person.conversation_id, code, talk.world.now)
    if staff is None:
        return Answer([Say("replies/staff/wrong_code", None, {"most": MOST_TRIES})], outcome="wrong_code")
    return talk.start("accept_invitation", {"code": code, "role": staff.role, "place": seat_of(talk.turn.db, staff)})


def _with_reason(talk: Talk, command: str, work_no: str, words: str, act: Callable[..., tuple[Staff, int]]) -> Answer:
    """Act with the reason given; without a known one, list the reasons, whose numbers then act."""
    if not work_no:
        return team(talk)
    reason = _reason(talk, words)
    if reason:
        return _moved(*act(talk.turn.db, staff_of(talk), work_no, reason, talk.world.now))
    staff = suspension.demand_below(talk.turn.db, staff_of(talk), work_no)
    listed = list(enumerate(talk.world.lexicon.options("staff_reason"), 1))
    values = {
        "command": command,
        "work_no": staff.work_no,
        "lines": [(n, label) for n, (_, label) in listed],
        "unknown": bool(words),
    }
    options = [Option(n, "", ["command", command, staff.work_no, key]) for n, (key, _) in listed]
    return Answer([Say("replies/staff/which_staff_reason", None, values)], options)


def _reason(talk: Talk, words: str) -> str | None:
    """Find the reason by its key, its label or its number in the list; None where there is none."""
    keys = [key for key, _ in talk.world.lexicon.options("staff_reason")]
    number = ordinal(words) if words else None
    if number is not None and 1 <= number <= len(keys):
        return keys[number - 1]
    return words if words in keys else talk.world.lexicon.pick("staff_reason", words)


def _moved(staff: Staff, tasks: int) -> Answer:
    values = {"work_no": staff.work_no, "state": staff.state, "tasks": tasks}
    return Answer([Say("replies/staff/staff_moved", None, values)])


def _seat(talk: Talk, staff: Staff) -> dict[str, str]:
    return {"work_no": staff.work_no, "role": staff.role, "place": seat_of(talk.turn.db, staff)}
