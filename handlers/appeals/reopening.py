"""重新交: an owner begins an appeal anew with the answers of one that ended without success."""

from flows.appeals import correct_appeal, reopen_appeal
from flows.engine.flow import Answer, Say
from handlers.appeals import correction
from handlers.routing.answers import ask_which_appeal
from handlers.routing.talk import Talk
from models.appeals.reopening import check_reopenable, is_open_to_change, reopenable_appeals
from models.people.user import get_resident

# The most appeals that are listed to choose from.
MOST = 5


def reopen(talk: Talk, number: str = "") -> Answer:
    """重新交 <号>: begin a new appeal with all answers of an ended one; one that is under review is corrected.

    Without a number, ask which, unless there is only one. Raises as flows.appeals.reopen_appeal.admit.
    """
    if not number:
        word = talk.world.lexicon.words["reopen"][0]
        user = get_resident(talk.turn.db, talk.turn.person.user_id, then=word)
        found = reopenable_appeals(talk.turn.db, user, MOST)
        if len(found) != 1:
            return ask_which_appeal("replies/appeals/which_to_reopen", found, "reopen")
        number = str(found[0].id)
    appeal, _ = reopen_appeal.find_ended(talk.turn, int(number))
    if is_open_to_change(appeal):
        return correction.fix(talk, appeal.id)
    check_reopenable(appeal)
    given = {"kind": appeal.kind, "reopens": appeal.id}
    answer = talk.start("start_appeal", given, **correct_appeal.answers_of(talk.turn, appeal))
    if answer.outcome in ("asked", "reviewing"):
        values = {"number": appeal.id, "title": appeal.title, "asks": answer.outcome == "asked"}
        answer.says.insert(0, Say("replies/appeals/reopened", None, values))
    return answer
