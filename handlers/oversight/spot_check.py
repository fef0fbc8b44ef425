"""抽查: let township and county spot-check what a village passed; the county stops what is doubtful."""

from collections.abc import Sequence

from flows.engine.flow import Answer, Say
from handlers.routing.talk import Talk
from handlers.staff.reasons import with_reasons
from handlers.staff.seat import parse_reference, staff_of
from handlers.staff.subject_actions import actions_for
from models.appeals.file import has_read_appeal
from models.core.state_machine import By
from models.oversight.spot_check import ChangedSinceRead, draw, record_doubt, record_sound
from models.staff.file_access import has_read
from models.staff.member import Staff
from models.staff.task import find_task


def spot_check(talk: Talk) -> Answer:
    """Draw an appeal or case, and show its file with the options of the spot check first."""
    staff = staff_of(talk)
    drawn = draw(talk.turn.db, staff, talk.world.now)
    if drawn is None:
        return Answer([Say("replies/oversight/spot_check", None, {"what": "none"})])
    answer = _show(talk, staff, f"{drawn[0]}:{drawn[1]}")
    answer.says.insert(0, Say("replies/oversight/spot_check", None, {"what": "drawn"}))
    return answer


def _show(talk: Talk, staff: Staff, reference: str) -> Answer:
    names = ("sound", "stop" if staff.role == By.COUNTY else "doubt")
    actions, number = actions_for(talk, reference)
    return actions.show_file(talk, number, {name: ["command", name, reference] for name in names})


def mark_sound(talk: Talk, reference: str) -> Answer:
    """Record it as sound; reached from a numbered line only.

    Raises ChangedSinceRead if it has changed since it was shown, and what models.oversight.spot_check refuses."""
    db, staff, (subject, number) = talk.turn.db, staff_of(talk), parse_reference(reference)
    doubted = find_task(db, subject, number) is not None
    record_sound(db, staff, subject, number, talk.world.now)
    seen = has_read_appeal(db, staff, number) if subject == "appeal" else has_read(db, staff, subject, number)
    if not seen:
        # 抽查 draws the same one again; one that waits because of a doubt is opened by its number.
        raise ChangedSinceRead(
            subject=subject, number=number, ways=(("look", reference) if doubted else ("spot_check",),)
        )
    return _done("sound", reference)


def doubt(talk: Talk, reference: str, words: str = "") -> Answer:
    """Record a doubt, after asking for the reasons."""
    return with_reasons(talk, "doubt", reference, words)


def decide_doubtful(subject: str, talk: Talk, staff: Staff, number: int, reasons: Sequence[str]) -> Answer:
    record_doubt(talk.turn.db, staff, subject, number, reasons, talk.world.now)
    return _done("doubt", f"{subject}:{number}")


def _done(what: str, reference: str) -> Answer:
    subject, number = parse_reference(reference)
    return Answer([Say("replies/oversight/spot_check", None, {"what": what, "subject": subject, "id": number})])
