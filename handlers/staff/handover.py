"""Hand over a queue (移交), assign a task (分派), and declare conflicts of interest (声明)."""

from sqlalchemy.orm import Session

from flows.engine.flow import Answer, Say
from flows.engine.session import Option
from flows.readers import IdNumber
from handlers.routing.answers import labels, more, one_page
from handlers.routing.dispatch import run_command
from handlers.routing.talk import Talk
from handlers.staff.appointments import PAGE, place_of
from handlers.staff.seat import parse_reference, staff_of
from models.appeals.appeal import lock_appeal
from models.core.state_machine import By
from models.disbursements.approval import lock_disbursement
from models.disbursements.disbursement import matter_of
from models.goods.points.keeping import kept_point
from models.goods.review import REVIEWED, hold
from models.staff import handover
from models.staff.conflict_of_interest import declared_by
from models.staff.directory import candidates, colleagues
from models.staff.handover import NothingToHandOver
from models.staff.task import Matter
from models.verification.case import lock_case


def hand_over(talk: Talk, work_no: str = "", after: str = "") -> Answer:
    """Answer 移交 <work number>: ask to confirm; without a number, list the colleagues who could take the queue."""
    db, staff = talk.turn.db, staff_of(talk)
    keeps = staff.role == By.KEEPER
    if work_no:
        return talk.start("pass_on_point" if keeps else "handover", {"work_no": work_no})
    count = int(kept_point(db, staff) is not None) if keeps else len(handover.queue_of(db, staff))
    if not count:
        raise NothingToHandOver
    code, _, number = after.partition(":")
    found = colleagues(db, staff, (code, int(number)) if after else None, talk.world.now, PAGE + 1)
    lines = list(enumerate(found[:PAGE], 1))
    options = [Option(n, "", ["command", "hand_over", member.work_no]) for n, member in lines]
    turn = ["hand_over", "", place_of(lines[-1][1])] if len(found) > PAGE else None
    values = {"lines": lines, "count": count, "role": staff.role}
    return one_page(talk, "replies/staff/colleagues", values, options, turn)


def assign(talk: Talk, reference: str = "", work_no: str = "") -> Answer:
    """Answer 分派 <number> <work number>: assign; without the work number, list those who could take the task."""
    if not reference:
        return run_command(talk, "todo", [])
    db, by, (subject, number) = talk.turn.db, staff_of(talk), parse_reference(reference)
    if work_no:
        task = handover.assign(db, by, _lock_matter(db, subject, number), work_no, talk.world.now)
        values = {"subject": subject, "id": number, "work_no": work_no.upper(), "due": task.due_at}
        return Answer([Say("replies/staff/assigned", None, values)])
    task = handover.find_assignable(db, by, _lock_matter(db, subject, number))
    lines = list(enumerate(candidates(db, by, task, talk.world.now, PAGE), 1))
    options = [Option(n, "", ["command", "assign", reference, member.work_no]) for n, member in lines]
    return Answer([Say("replies/staff/assign_whom", None, {"lines": lines, "subject": subject, "id": number})], options)


def _lock_matter(db: Session, subject: str, number: int) -> Matter:
    """Lock the thing's row until the turn ends. Raises the subject's NoSuch… refusal."""
    match subject:
        case "case":
            return lock_case(db, number).matter
        case "disbursement":
            disbursement, appeal = lock_disbursement(db, number)
            return matter_of(disbursement, appeal)
        case "request" | "offer" | "listing":
            kind = REVIEWED[subject]
            return kind.matter(db, hold(db, kind, number))
        case _:
            return lock_appeal(db, number).matter


def declare_conflict(talk: Talk) -> Answer:
    return talk.start("declare_conflict")


def my_conflicts(talk: Talk, after: str = "") -> Answer:
    """List the conflicts that the officer has declared (我的声明), with masked ID numbers."""
    found = declared_by(talk.turn.db, staff_of(talk), int(after or 0), PAGE + 1)
    shown = found[:PAGE]
    reader = IdNumber()
    lines = [
        (n, conflict.kind, reader.shown(conflict.id_number, talk.world) if conflict.id_number else None)
        for n, conflict in enumerate(shown, 1)
    ]
    goes_on = len(found) > PAGE
    values = {
        "lines": lines,
        "more": PAGE + 1 if goes_on else None,
        "first": not after,
        "labels": labels(talk.world.lexicon, "conflict_kind"),
    }
    options = more(talk, PAGE + 1, "my_conflicts", str(shown[-1].id)) if goes_on else []
    return Answer([Say("replies/staff/my_conflicts", None, values)], options)
