"""Show a file instead of deciding on it, where the officer has not read it or, to pass it, not opened its photos."""

from collections.abc import Callable

from flows.engine.flow import Answer, Say
from handlers.routing.talk import Talk
from handlers.staff.seat import staff_of
from models.rights.photos_seen import NotOpened, demand_opened
from models.staff.file_access import has_read


def opened_first(
    talk: Talk, subject: str, number: int, command: str, show_file: Callable[[Talk, int], Answer]
) -> Answer | None:
    """Return the file with what has to be done first; None where the officer may decide."""
    db, staff = talk.turn.db, staff_of(talk)
    why = None
    if not has_read(db, staff, subject, number):
        why = Say("replies/staff/must_read_first", None, {})
    elif command == "approve":
        try:
            demand_opened(db, staff, subject, number)
        except NotOpened as refusal:
            why = Say("replies/refusals", refusal.code, {"v": refusal.values})
    if why is None:
        return None
    answer = show_file(talk, number)
    answer.says.insert(0, why)
    return answer
