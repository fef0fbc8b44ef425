"""改 and 撤回: owners correct, revise or withdraw their appeals."""

from typing import Any

from sqlalchemy import Select, select

from flows.appeals import correct_appeal
from flows.engine.flow import Answer, Say
from handlers.appeals import revisions
from handlers.people.own_things import Act, OwnedKind
from handlers.routing.answers import with_ways
from handlers.routing.talk import Talk
from models.appeals import correction
from models.appeals.appeal import IN_REVIEW, LIVE, Appeal, NoSuchAppeal
from models.people.user import User, get_resident


def fix(talk: Talk, number: int) -> Answer:
    """Correct an appeal under review, or revise a live one.

    Raises NotRegistered, ResidentsOnly, NoSuchAppeal, NotYourAppeal or CannotChange.
    """
    appeal, _ = correct_appeal.find_correctable(talk.turn, number)
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


def withdraw(talk: Talk, number: int) -> Answer:
    """Ask for confirmation before withdrawing, which cannot be undone. Raises as ``fix`` does."""
    appeal = correction.own_appeal(talk.turn.db, _resident(talk), number)
    correction.check_withdrawable(appeal)
    ways = {"withdraw": ["command", "withdraw_now", str(appeal.id)], "keep": ["command", "view_appeal", str(appeal.id)]}
    return with_ways("replies/appeals/withdraw", {"number": appeal.id, "title": appeal.title}, ways)


def withdraw_now(talk: Talk, number: str) -> Answer:
    appeal = correction.withdraw(talk.turn.db, _resident(talk), int(number), talk.world.now)
    return Answer([Say("replies/appeals/withdrawn", None, {"number": appeal.id, "title": appeal.title})])


def _resident(talk: Talk) -> User:
    return get_resident(talk.turn.db, talk.turn.person.user_id, then=talk.world.lexicon.words["withdraw"][0])


def _of_owner(user_id: int) -> Select[*tuple[Any, ...]]:
    return select(Appeal.id, Appeal.title, Appeal.state).where(Appeal.owner_id == user_id)


_ACTS = {"fix": Act((*IN_REVIEW, *LIVE), fix, asks=True), "withdraw": Act(IN_REVIEW, withdraw, asks=True)}


def _otherwise(talk: Talk, word: str, number: int, _words: str) -> Answer | None:
    """Let an officer with a mandate correct another's; otherwise raise as ``fix`` does."""
    if word in _ACTS:
        return _ACTS[word].run(talk, number)
    appeal = talk.turn.db.get(Appeal, number)
    if appeal is not None and appeal.owner_id == talk.turn.person.user_id:
        return None
    if appeal is None or appeal.published_at is None:
        raise NoSuchAppeal(number=number)
    raise correction.NotYourAppeal(number=number)


OWNED = OwnedKind("appeal", _of_owner, _ACTS, _otherwise)
