"""Find the staff member of this turn, and parse the references to things that commands carry."""

from flows.engine.flow import Answer, Say
from handlers.routing.talk import Talk
from models.staff.directory import newest_seat, seat_state
from models.staff.member import Staff, find_staff


def find_seat(talk: Talk) -> Staff | None:
    """Find this WeChat's active staff member; None where there is none."""
    person = talk.turn.person
    return find_staff(talk.turn.db, person.account, person.openid, talk.world.now)


def explain_no_seat(talk: Talk) -> Answer | None:
    """Tell a person whose seat is not confirmed yet, suspended or over why a staff command does nothing; else None."""
    person = talk.turn.person
    seat = None if find_seat(talk) else newest_seat(talk.turn.db, person.account, person.openid)
    if seat is None:
        return None
    values = {"work_no": seat.work_no, "state": seat_state(seat, talk.world.now)}
    return Answer([Say("replies/staff/not_serving", None, values)], outcome="not_serving")


def staff_of(talk: Talk) -> Staff:
    """Return the staff member of a command whose roles dispatch has checked."""
    staff = find_seat(talk)
    assert staff is not None  # noqa: S101 - the command's table names its roles, and dispatch asked for them
    return staff


def parse_reference(reference: str) -> tuple[str, int]:
    """Split a reference: ``case:7`` -> ("case", 7)."""
    subject, _, number = reference.partition(":")
    return subject, int(number)
