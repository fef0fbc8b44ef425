"""移交, 分派, 声明: into whose queue work goes, and whose households are none of one's business."""

from flows.engine.flow import Answer, Say
from flows.engine.session import Option
from flows.readers import IdNumber
from handlers.public.catalogue import labels, more
from handlers.routing.dispatch import run_command
from handlers.routing.talk import Talk
from handlers.staff.appointments import PAGE, place_of
from handlers.staff.seat import parse, staff_of
from models.staff import handover
from models.staff.conflict_of_interest import ties_of
from models.staff.directory import candidates, colleagues
from models.staff.handover import NothingToHandOver


def hand_over(talk: Talk, work_no: str = "", after: str = "") -> Answer:
    """移交 <work number>: asked back with how much it is; without a number, the colleagues who could take it."""
    if work_no:
        return talk.start("handover", {"work_no": work_no})
    db, staff = talk.desk.db, staff_of(talk)
    count = len(handover.queue_of(db, staff))
    if not count:
        raise NothingToHandOver
    code, _, number = after.partition(":")
    found = colleagues(db, staff, (code, int(number)) if after else None, talk.world.now, PAGE + 1)
    lines = list(enumerate(found[:PAGE], 1))
    options = [Option(n, "", ["command", "hand_over", member.work_no]) for n, member in lines]
    if len(found) > PAGE:
        options += more(talk, PAGE + 1, "hand_over", "", place_of(lines[-1][1]))
    values = {"lines": lines, "count": count, "more": PAGE + 1 if len(found) > PAGE else None}
    return Answer([Say("replies/staff/colleagues", None, values)], options)


def assign(talk: Talk, reference: str = "", work_no: str = "") -> Answer:
    """分派 <number> <work number>; without the second, those who could take it."""
    if not reference:
        return run_command(talk, "todo", [])
    db, by, (subject, number) = talk.desk.db, staff_of(talk), parse(reference)
    if work_no:
        task = handover.assign(db, by, subject, number, work_no, talk.world.now)
        values = {"subject": subject, "id": number, "work_no": work_no.upper(), "due": task.due_at}
        return Answer([Say("replies/staff/assigned", None, values)])
    task = handover.find_assignable(db, by, subject, number)
    lines = list(enumerate(candidates(db, by, task, talk.world.now, PAGE), 1))
    options = [Option(n, "", ["command", "assign", reference, member.work_no]) for n, member in lines]
    return Answer([Say("replies/staff/assign_whom", None, {"lines": lines, "subject": subject, "id": number})], options)


def declare_tie(talk: Talk) -> Answer:
    return talk.start("declare_conflict")


def my_ties(talk: Talk, after: str = "") -> Answer:
    """我的声明: what one has declared oneself, with the numbers masked."""
    found = ties_of(talk.desk.db, staff_of(talk), int(after or 0), PAGE + 1)
    shown = found[:PAGE]
    lines = [(n, tie.kind, IdNumber().shown(tie.id_number, talk.world)) for n, tie in enumerate(shown, 1)]
    goes_on = len(found) > PAGE
    values = {
        "lines": lines,
        "more": PAGE + 1 if goes_on else None,
        "first": not after,
        "labels": labels(talk.world.lexicon, "tie_kind"),
    }
    options = more(talk, PAGE + 1, "my_ties", str(shown[-1].id)) if goes_on else []
    return Answer([Say("replies/staff/my_conflicts", None, values)], options)
