"""Before a decision: who has a part in it steps aside, and who wants to say no is asked why."""

import re
from collections.abc import Callable, Sequence

from flows.engine.flow import Answer, Say
from flows.engine.session import Option
from flows.language.numerals import ordinal
from flows.staff import recusal
from handlers.disbursements import desk
from handlers.routing.talk import Talk
from handlers.staff.seat import parse, staff_of
from handlers.staff.todo import todo
from models.appeals import review
from models.appeals.appeal import MACHINE as APPEALS
from models.appeals.appeal import Appeal
from models.core.state_machine import WrongState
from models.donors.message_review import check_decidable as check_message
from models.outreach.update import kind_of
from models.outreach.update_review import check_decidable
from models.staff.member import Staff
from models.staff.task import demand_region, take
from models.verification import decisions
from models.verification.case import MACHINE as CASES
from models.verification.case import Verification, get_case

# Where a thing goes that is stopped.
_STOPS = {
    ("stop", "appeal"): "frozen",
    ("stop", "case"): "suspended",
    ("revoke_case", "case"): "revoked",
    ("end_appeal", "appeal"): "cancelled",
}
# Where a thing goes that is sent back or refused.
_TURNED_AWAY = {
    ("send_back", "appeal"): "returned",
    ("reject", "appeal"): "rejected",
    ("send_back", "case"): "registry_checked",
    ("reject", "case"): "rejected",
}
# What people put between several reasons.
_BETWEEN = re.compile(r"[\s,，、;；和]+")


def stepped_aside(talk: Talk, reference: str) -> Answer | None:
    """Who has a part in it steps aside, and it has found somebody else by itself; that is kept, unlike a refusal."""
    return recusal.stepped_aside(talk.desk, staff_of(talk), *parse(reference))


def with_reasons(
    talk: Talk,
    command: str,
    reference: str,
    words: str,
    decide: Callable[[Talk, Staff, str, Sequence[str]], Answer],
) -> Answer:
    """Asks for the reason when none was given, or none that is known: a number then is the decision."""
    if not reference:
        return todo(talk)
    recused = stepped_aside(talk, reference)
    if recused:
        return recused
    choice_set = _reason_set(command, parse(reference)[0])
    reasons = _reasons(talk, choice_set, words)
    if reasons:
        return decide(talk, staff_of(talk), reference, reasons)
    _check_at_all(talk, command, reference)
    listed = talk.world.lexicon.options(choice_set)
    options = [Option(n, "", ["command", command, reference, key]) for n, (key, _) in enumerate(listed, 1)]
    values = {
        "command": command,
        "subject": parse(reference)[0],
        "kind": kind_of(talk.desk.db, parse(reference)[1]) if parse(reference)[0] == "update" else None,
        "id": parse(reference)[1],
        "lines": [(n, label) for n, (_, label) in enumerate(listed, 1)],
        "unknown": bool(words),
    }
    return Answer([Say("replies/staff/which_reason", None, values)], options)


def _check_at_all(talk: Talk, command: str, reference: str) -> None:
    """Nobody is asked why, who then hears that it cannot be: raises what the decision itself would."""
    db, staff, (subject, number) = talk.desk.db, staff_of(talk), parse(reference)
    if subject == "revision":
        return
    if subject == "update":
        check_decidable(db, staff, number)
        return
    if subject == "message":
        check_message(db, staff, number)
        return
    if subject == "disbursement":
        desk.check_turns_away(talk, staff, command, number)
        return
    thing = get_case(db, number) if subject == "case" else review.get_locked(db, number)
    machine = CASES if subject == "case" else APPEALS
    if command == "send_back" and subject == "case" and thing.state == "rejected":
        decisions.check_reopen(db, get_case(db, number), staff)
        return
    if command in ("send_back", "reject"):
        task = take(db, staff, thing.matter, thing.state)
        if isinstance(thing, Verification):
            decisions.check_reviewed(thing)
        stands = review.stands(thing, task) if isinstance(thing, Appeal) else thing.state
        machine.check(stands, _TURNED_AWAY[command, subject], staff.actor)
        return
    demand_region(db, staff, thing.matter)
    review.demand_no_tie(db, staff, thing.matter)
    wanted = _STOPS.get((command, subject))
    if wanted and (thing.state, wanted) not in machine.moves:
        raise WrongState(subject=subject, state=thing.state, wanted=wanted)


def _reason_set(command: str, subject: str) -> str:
    if command in ("stop", "revoke_case", "end_appeal", "doubt"):
        return "freeze_reason"
    if subject == "revision":
        return "revision_reason"
    if subject in ("update", "message"):
        return f"{subject}_reason"
    if subject == "disbursement":
        return "use_reason"
    if subject == "case":
        return "case_return_reason" if command == "send_back" else "case_reject_reason"
    return "return_reason" if command == "send_back" else "reject_reason"


def _reasons(talk: Talk, choice_set: str, words: str) -> list[str]:
    """Keys, labels or numbers of the list, several at once; none when one of them is not known."""
    keys = [key for key, _ in talk.world.lexicon.options(choice_set)]
    found = []
    for word in filter(None, _BETWEEN.split(words)):
        number = ordinal(word)
        key = word if word in keys else talk.world.lexicon.pick(choice_set, word)
        if key is None and number is not None and 1 <= number <= len(keys):
            key = keys[number - 1]
        if key is None:
            whole = talk.world.lexicon.pick(choice_set, words)
            return [whole] if whole else []
        found.append(key)
    return list(dict.fromkeys(found))
