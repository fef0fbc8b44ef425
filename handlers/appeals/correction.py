"""改 and 撤回: owners correct, revise or withdraw their appeals."""

from collections.abc import Sequence

from flows.appeals import correct_appeal
from flows.engine.flow import Answer, Say
from flows.engine.session import Option
from handlers.appeals import revisions
from handlers.routing.answers import with_ways
from handlers.routing.talk import Talk
from models.appeals import correction
from models.appeals.appeal import IN_REVIEW, LIVE, Appeal
from models.people.user import User, get_resident


def fix(talk: Talk, number: str = "") -> Answer:
    """改 <号>: correct an appeal under review, or revise a live one; without a number, ask which if there are several.

    Raises NotRegistered, ResidentsOnly, NoSuchAppeal, NotYourAppeal or CannotChange.
    """
    if number:
        appeal, _ = correct_appeal.find_correctable(talk.turn, int(number))
    else:
        found = correction.own_appeals(talk.turn.db, _resident(talk, "fix"), IN_REVIEW + LIVE)
        if len(found) != 1:
            return _which(talk, "fix", found)
        appeal = found[0]
    correction.check_changeable(appeal)
    if appeal.state in LIVE:
        return revisions.begin(talk, appeal)
    answer = talk.start("start_appeal", {"fixes": appeal.id}, **correct_appeal.answers_of(talk.turn, appeal))
    if answer.outcome in ("asked", "reviewing"):
        returned = appeal.state == "returned"
        reasons = correction.reasons_of_return(talk.turn.db, appeal) if returned else []
        values = {"number": appeal.id, "title": appeal.title, "returned": returned, "reasons": reasons}
        answer.says.insert(0, Say("replies/appeals/correction", None, values))
    return answer


def withdraw(talk: Talk, number: str = "") -> Answer:
    """撤回 <号>: ask for confirmation before withdrawing, which cannot be undone. Raises as ``fix`` does."""
    user = _resident(talk, "withdraw_appeal")
    own, db = correction.own_appeals, talk.turn.db
    found = [correction.own_appeal(db, user, int(number))] if number else own(db, user, IN_REVIEW)
    if len(found) != 1:
        return _which(talk, "withdraw_appeal", found)
    appeal = found[0]
    correction.check_withdrawable(appeal)
    ways = {"withdraw": ["command", "withdraw_now", str(appeal.id)], "keep": ["command", "view_appeal", str(appeal.id)]}
    return with_ways("replies/appeals/withdraw", {"number": appeal.id, "title": appeal.title}, ways)


def withdraw_now(talk: Talk, number: str) -> Answer:
    user = _resident(talk, "withdraw_appeal")
    appeal = correction.withdraw(talk.turn.db, user, int(number), talk.world.now)
    return Answer([Say("replies/appeals/withdrawn", None, {"number": appeal.id, "title": appeal.title})])


def _resident(talk: Talk, command: str) -> User:
    return get_resident(talk.turn.db, talk.turn.person.user_id, then=talk.world.lexicon.words[command][0])


def _which(talk: Talk, command: str, found: Sequence[Appeal]) -> Answer:
    lines = [
        (n, {"number": appeal.id, "title": appeal.title, "state": appeal.state}) for n, appeal in enumerate(found, 1)
    ]
    options = [Option(n, "", ["command", command, str(item["number"])]) for n, item in lines]
    return Answer([Say("replies/appeals/which_to_change", None, {"command": command, "lines": lines})], options)
