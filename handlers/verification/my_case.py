"""认证 and 申诉: residents see their own case, begin a new one, and appeal a decision."""

from typing import Any

from flows.engine.flow import Answer, Say
from flows.engine.session import Option
from handlers.routing.answers import labels, with_ways
from handlers.routing.talk import Talk
from handlers.staff.file import open_file
from handlers.staff.seat import find_seat
from handlers.support import call
from models.core.calendar import CHINA
from models.core.state_machine import Actor
from models.people.user import User, get_resident
from models.staff.member import Staff
from models.staff.task import find_task
from models.support.complaint import ADVERSE_STATES, NothingToContest, adverse_decisions, open_complaint
from models.verification.case import PROMISED, Verification, begin_case, may_begin_from, may_renew, newest_case_of

# States after which a new case may begin.
ENDED = ("rejected", "expired", "withdrawn")


def my_case(talk: Talk, number: str = "") -> Answer:
    """Show the resident's newest case; to staff with a number, that file. Raises NotRegistered or ResidentsOnly."""
    if number and find_seat(talk):
        return open_file(talk, f"case:{number}")
    case = newest_case_of(talk.turn.db, _resident(talk).id)
    ways = {}
    again = may_begin_from(case) if case else None
    waits = again is not None and again > talk.world.now
    if case is None or (case.state in ENDED and not waits) or may_renew(case, talk.world.now):
        ways["renew"] = ["command", "renew_case"]
    if case and case.state in ADVERSE_STATES:
        ways["appeal"] = ["command", "contest_decision", f"case:{case.id}"]
    values = {
        "case": _standing(talk, case) if case else None,
        "again": again if waits else None,
        "promised": PROMISED.days,
        "labels": labels(talk.world.lexicon, "case_reject_reason", "case_return_reason", "freeze_reason"),
    }
    return with_ways("replies/verification/my_case", values, ways)


def renew(talk: Talk) -> Answer:
    """Begin a new case, or show the open one. Raises as ``my_case``, CaseRevoked or RejectedLately."""
    user, turn = _resident(talk), talk.turn
    case = begin_case(turn.db, user, Actor.owner(user.id), talk.world.now)
    turn.jobs.append(("check_registry", case.id))
    return my_case(talk)


def contest_decision(talk: Talk, reference: str = "") -> Answer:
    """Open a ticket for the county; ask which decision if there are several. Raises NothingToContest."""
    found = adverse_decisions(talk.turn.db, _resident(talk))
    wanted = [what for what in found if reference in ("", what.reference)]
    if not wanted:
        raise NothingToContest
    if len(wanted) == 1:
        ticket = open_complaint(talk.turn.db, wanted[0], talk.turn.person.conversation_id, talk.world.now)
        return call.enter(talk, ticket, asked=True)
    lines = list(enumerate(wanted, 1))
    options = [Option(number, "", ["command", "contest_decision", what.reference]) for number, what in lines]
    return Answer([Say("replies/verification/which_decision", None, {"lines": lines})], options)


def _resident(talk: Talk) -> User:
    word = talk.world.lexicon.words["my_case"][0]
    return get_resident(talk.turn.db, talk.turn.person.user_id, then=word)


def _standing(talk: Talk, case: Verification) -> dict[str, Any]:
    """Collect where a case stands. ``day``: of the promised days, in China's time; ``holder``: the role of its task."""
    db = talk.turn.db
    task = find_task(db, "case", case.id)
    holder = db.get(Staff, task.assignee) if task and task.assignee else None
    begun = case.submitted_at.astimezone(CHINA).date()
    return {
        "number": case.id,
        "state": case.state,
        "anew": case.round > 1,
        "day": (talk.world.today - begun).days + 1,
        "due_at": case.due_at,
        "late": talk.world.now > case.due_at,
        "holder": task.role if task else None,
        "work_no": holder.work_no if holder else None,
        "held_until": task.due_at if task else None,
        "registry": case.registry_result,
        "registry_status": case.registry_status,
        "notice_until": case.notice_until,
        "expires_at": case.expires_at,
        "reasons": case.reasons.split(",") if case.reasons else [],
    }
