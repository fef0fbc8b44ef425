"""看 认证 <号>: an officer reads a case's file, with the resident, the findings and the possible decisions."""

from collections.abc import Mapping
from types import MappingProxyType

from flows.engine.flow import Answer
from handlers.notifications import history
from handlers.routing.answers import labels, with_ways
from handlers.routing.talk import Talk
from handlers.staff.file import pictures, sheet, ways_of
from handlers.staff.seat import find_seat
from models.core.state_machine import By
from models.verification.case import NoSuchCase, Verification
from models.verification.file import CaseFile, open_case_file

# Step -> the commands offered as 1, 2 …; the template names each line by its command.
DECISIONS: dict[str, tuple[str, ...]] = {
    "visit": ("visit",),
    # The objections must be read before they are decided.
    "adjudicate": ("view_objections",),
    "township_review": ("approve", "send_back"),
    "county_review": ("approve", "send_back", "reject"),
    "doubt": ("stop", "sound"),
    "suspended": ("go_on", "revoke_case"),
}
# If the visit found no need, the lines have other names, and the county cannot verify.
_NOT_IN_NEED: dict[str, dict[str, str]] = {
    "township_review": {"agree": "approve", "send_back": "send_back"},
    "county_review": {"turn_down": "reject", "send_back": "send_back"},
}


def show_file(talk: Talk, number: int, first: Mapping[str, list[str]] = MappingProxyType({})) -> Answer:
    """Show a case's file and record the access. ``first``: commands offered before all others. Raises NoSuchCase."""
    staff = find_seat(talk)
    file = open_case_file(talk.turn.db, staff, number, talk.world.now) if staff else None
    if file is None or staff is None:
        raise NoSuchCase(number=number)
    ways = {**first, **_decisions(file)}
    if staff.role == By.COUNTY and file.state in ("verified", "rejected"):
        ways |= _standing_ways(file)
    if file.visited_at:
        ways["view_visit"] = ["command", "view_visit", f"case:{number}"]
    last = history.last_notification(talk, "case", number)
    if last.last:
        ways["told"] = ["command", "view_told", f"case:{number}"]
    values = {
        "file": file,
        "told": last,
        **pictures(talk, "case", number),
        **sheet(talk, "user", talk.turn.db.get_one(Verification, number).user_id, hidden=file.alone),
        "now": talk.world.now,
        "labels": labels(talk.world.lexicon, "case_reject_reason", "case_return_reason", "freeze_reason"),
    }
    return with_ways("replies/verification/file", values, ways)


def _decisions(file: CaseFile) -> dict[str, list[str]]:
    instead = _NOT_IN_NEED if file.supports is False else MappingProxyType({})
    return ways_of(file.task, DECISIONS, f"case:{file.number}", instead)


def _standing_ways(file: CaseFile) -> dict[str, list[str]]:
    """Return what the county may do about a decided case: suspend a verified one, send a rejected one back."""
    reference = f"case:{file.number}"
    if file.state == "rejected":
        return {"send_back": ["command", "send_back", reference]}
    return {"stop": ["command", "stop", reference]}
