"""看 家庭3: the township reads a question about households, masked, and answers it by a digit."""

from flows.engine.flow import Answer, Say
from handlers.routing.answers import with_ways
from handlers.routing.talk import Talk
from handlers.staff.seat import find_seat, staff_of
from handlers.staff.subject_actions import SubjectActions
from models.families import desk
from models.families.desk import POSSIBLE, NoSuchQuestion
from models.families.question import SUBJECT


def show_file(talk: Talk, number: int) -> Answer:
    """Raises NoSuchQuestion."""
    staff = find_seat(talk)
    if staff is None:
        raise NoSuchQuestion(number=number)
    file = desk.open_question(talk.turn.db, staff, number, talk.world.now)
    possible = POSSIBLE[file.kind] if file.task.mine else ()
    ways = {said: ["command", "answer_household", str(number), said] for said in possible}
    return with_ways("replies/families/question", {"file": file}, ways)


def answer_question(talk: Talk, number: str, said: str) -> Answer:
    """Answer it, once its file was read as it now is. Only a numbered line leads here.

    Raises NoSuchQuestion, OutsideRegion, NotYourTurn, NotIdentified, HasConflict, QuestionMoved or HouseholdSuspended.
    """
    db, staff = talk.turn.db, staff_of(talk)
    desk.check_decidable(db, staff, int(number))
    if not desk.is_read(db, staff, int(number)):
        return show_file(talk, int(number))
    state = desk.answer(db, staff, int(number), said, talk.world.now)
    return Answer([Say("replies/families/answered", None, {"number": int(number), "state": state})])


ACTIONS = SubjectActions(
    SUBJECT,
    show_file,
    queue_line=lambda _db, number: (["look", f"{SUBJECT}:{number}"], {}),
)
