"""通过, 退回, 驳回, 冻结, 解冻: a decision about an appeal or a verification case, with its reasons."""

import re
from collections.abc import Callable, Sequence

from flows.flow import Answer, Say
from flows.numerals import ordinal
from flows.session import Option
from handlers.seat import parse, staff_of
from handlers.talk import Talk
from handlers.todo import todo
from models import review, verdict
from models.appeal import MACHINE as APPEALS
from models.machine import WrongState
from models.staff import Staff
from models.task import demand_region, step_aside, take
from models.verification import MACHINE as CASES
from models.verification import Verification, get_case

# Where a thing goes that is stopped.
_STOPS = {("stop", "appeal"): "frozen", ("stop", "case"): "suspended", ("revoke_case", "case"): "revoked"}
# What people put between several reasons.
_BETWEEN = re.compile(r"[\s,，、;；和]+")


def approve(talk: Talk, reference: str = "") -> Answer:
    """通过 <号>: one step on, as this seat may; without a number, what there is to decide."""
    if not reference:
        return todo(talk)
    return stepped_aside(talk, reference) or _approve(talk, reference)


def send_back(talk: Talk, reference: str = "", words: str = "") -> Answer:
    """退回 <号> <理由>: an appeal for correction, a case for another visit."""
    return with_reasons(talk, "send_back", reference, words, _send_back)


def reject(talk: Talk, reference: str = "", words: str = "") -> Answer:
    """驳回 <号> <理由>: an appeal by village or county, a case by the county."""
    return with_reasons(talk, "reject", reference, words, _reject)


def stop(talk: Talk, reference: str = "", words: str = "") -> Answer:
    """冻结 <号> <理由>: a live appeal, or a household that was verified, with all that it has open."""
    return with_reasons(talk, "stop", reference, words, _stop)


def go_on(talk: Talk, reference: str = "") -> Answer:
    """解冻 <号>."""
    if not reference:
        return todo(talk)
    db, staff, (subject, number) = talk.desk.db, staff_of(talk), parse(reference)
    if subject == "appeal":
        appeal = review.go_on(db, staff, number, talk.world.now)
        return _decided("went_on", "appeal", number, appeal.state, title=appeal.title)
    case = _case_in_region(talk, staff, number)
    verdict.reinstate(db, case, staff, talk.world.now)
    return _decided("went_on", "case", number, case.state)


def revoke(talk: Talk, reference: str = "", words: str = "") -> Answer:
    """撤销认证 <号> <理由>: for good, after it was stopped."""
    return with_reasons(talk, "revoke_case", reference, words, _revoke)


def _approve(talk: Talk, reference: str) -> Answer:
    db, staff, now = talk.desk.db, staff_of(talk), talk.world.now
    subject, number = parse(reference)
    if subject == "appeal":
        appeal = review.approve(db, staff, number, now)
        return _decided("approved", "appeal", number, appeal.state, title=appeal.title)
    case = get_case(db, number)
    match case.state:
        case "township_review":
            verdict.review(db, case, staff, now)
        case "county_review":
            verdict.verify(db, case, staff, now)
        case _:
            # A visit and an objection have answers of their own; the look at the case offers them.
            verdict.take_visit(db, case, staff)
            raise WrongState(subject="case", state=case.state, wanted="verified")
    return _decided("approved", "case", number, case.state)


def _send_back(talk: Talk, staff: Staff, reference: str, reasons: Sequence[str]) -> Answer:
    db, now, (subject, number) = talk.desk.db, talk.world.now, parse(reference)
    if subject == "appeal":
        appeal = review.send_back(db, staff, number, reasons, now)
        return _decided("sent_back", "appeal", number, appeal.state, title=appeal.title)
    case = get_case(db, number)
    if case.state == "rejected":
        verdict.reopen(db, case, staff, reasons, now)
    else:
        verdict.send_back(db, case, staff, reasons, now)
    return _decided("sent_back", "case", number, case.state)


def _reject(talk: Talk, staff: Staff, reference: str, reasons: Sequence[str]) -> Answer:
    db, now, (subject, number) = talk.desk.db, talk.world.now, parse(reference)
    if subject == "appeal":
        appeal = review.reject(db, staff, number, reasons, now)
        return _decided("rejected", "appeal", number, appeal.state, title=appeal.title)
    case = get_case(db, number)
    verdict.reject(db, case, staff, reasons, now)
    return _decided("rejected", "case", number, case.state)


def _stop(talk: Talk, staff: Staff, reference: str, reasons: Sequence[str]) -> Answer:
    db, now, (subject, number) = talk.desk.db, talk.world.now, parse(reference)
    if subject == "appeal":
        appeal = review.stop(db, staff, number, reasons[0], now)
        return _decided("stopped", "appeal", number, appeal.state, title=appeal.title)
    case = _case_in_region(talk, staff, number)
    frozen = verdict.suspend(db, case, staff, reasons[0], now)
    return _decided("stopped", "case", number, case.state, appeals=frozen)


def _revoke(talk: Talk, staff: Staff, reference: str, reasons: Sequence[str]) -> Answer:
    case = _case_in_region(talk, staff, parse(reference)[1])
    verdict.revoke(talk.desk.db, case, staff, reasons[0], talk.world.now)
    return _decided("revoked", "case", case.id, case.state)


def _case_in_region(talk: Talk, staff: Staff, number: int) -> Verification:
    case = get_case(talk.desk.db, number)
    demand_region(talk.desk.db, staff, case.matter)
    review.demand_no_tie(talk.desk.db, staff, case.matter)
    return case


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
        "id": parse(reference)[1],
        "lines": [(n, label) for n, (_, label) in enumerate(listed, 1)],
        "unknown": bool(words),
    }
    return Answer([Say("replies/which_reason", None, values)], options)


def _check_at_all(talk: Talk, command: str, reference: str) -> None:
    """Nobody is asked why, who then hears that it cannot be: raises what the decision itself would."""
    db, staff, (subject, number) = talk.desk.db, staff_of(talk), parse(reference)
    if subject == "revision":
        return
    thing = get_case(db, number) if subject == "case" else review.get_locked(db, number)
    if command == "send_back" and subject == "case" and thing.state == "rejected":
        verdict.check_reopen(db, get_case(db, number), staff)
        return
    if command in ("send_back", "reject"):
        take(db, staff, thing.matter, thing.state)
        return
    demand_region(db, staff, thing.matter)
    review.demand_no_tie(db, staff, thing.matter)
    wanted = _STOPS.get((command, subject))
    machine = CASES if subject == "case" else APPEALS
    if wanted and (thing.state, wanted) not in machine.moves:
        raise WrongState(subject=subject, state=thing.state, wanted=wanted)


def _reason_set(command: str, subject: str) -> str:
    if command in ("stop", "revoke_case", "doubt"):
        return "freeze_reason"
    if subject == "revision":
        return "revision_reason"
    if subject == "case":
        return "case_reason"
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


def stepped_aside(talk: Talk, reference: str) -> Answer | None:
    """Who has a part in it steps aside, and it has found somebody else by itself; that is kept, unlike a refusal."""
    subject, number = parse(reference)
    reason = step_aside(talk.desk.db, staff_of(talk), subject, number, talk.world.now)
    if reason is None:
        return None
    return Answer(
        [Say("replies/recused", None, {"subject": subject, "id": number, "reason": reason})], outcome="recused"
    )


def _decided(what: str, subject: str, number: int, state: str, **facts: object) -> Answer:
    values = {"what": what, "subject": subject, "id": number, "state": state, "title": "", "appeals": [], **facts}
    return Answer([Say("replies/decided", None, values)])
