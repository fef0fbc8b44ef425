"""Who of the staff is talking, and the reference by which they name what they decide on."""

from handlers.routing.talk import Talk
from models.staff.member import Staff, find_staff


def find_seat(talk: Talk) -> Staff | None:
    """The active staff member behind this WeChat, if any."""
    person = talk.desk.person
    return find_staff(talk.desk.db, person.account, person.openid, talk.world.now)


def staff_of(talk: Talk) -> Staff:
    """The staff member that dispatch has let through."""
    staff = find_seat(talk)
    assert staff is not None  # noqa: S101 - the command's table names its roles, and dispatch asked for them
    return staff


def parse(reference: str) -> tuple[str, int]:
    """``case:7`` -> ("case", 7)."""
    subject, _, number = reference.partition(":")
    return subject, int(number)
