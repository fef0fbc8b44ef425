"""受益户 <号>: who speaks for an organisation asks the households of its place; each says whether it is counted."""

from flows.engine.flow import Answer
from handlers.routing.answers import ask_which_appeal, with_ways
from handlers.routing.talk import Talk
from models.appeals.appeal import IN_REVIEW, LIVE, Appeal
from models.appeals.beneficiary import (
    NoBeneficiaries,
    answer,
    ask_households,
    count_beneficiaries,
    own_answer,
)
from models.appeals.correction import own_appeal, own_appeals
from models.organisations.organisation import organisation_of
from models.people.user import User, get_resident


def show(talk: Talk, number: str = "") -> Answer:
    """Show who speaks for it how many were asked, and a household what it said.

    Raises NotRegistered, ResidentsOnly, NoSuchAppeal or NoBeneficiaries.
    """
    db, user = talk.turn.db, _resident(talk)
    if not number:
        own = [each for each in own_appeals(db, user, (*IN_REVIEW, *LIVE)) if organisation_of(db, each.household_id)]
        if not own:
            raise NoBeneficiaries(number=None)
        if len(own) > 1:
            return ask_which_appeal("replies/appeals/which_beneficiaries", own, "beneficiaries")
        number = str(own[0].id)
    appeal = db.get(Appeal, int(number))
    if appeal is None or appeal.owner_id != user.id:
        return _own_household(talk, user, int(number))
    return _counted(own_appeal(db, user, appeal.id), talk)


def ask_all(talk: Talk, number: str) -> Answer:
    """Ask the households that nobody asked yet. Only a numbered line leads here."""
    appeal = own_appeal(talk.turn.db, _resident(talk), int(number), lock=True)
    return _counted(appeal, talk, asked_now=ask_households(talk.turn.db, appeal, talk.world.now))


def be_counted(talk: Talk, number: str) -> Answer:
    """Count the household in. Only a numbered line leads here. Raises NoBeneficiaries."""
    return _answered(talk, number, "agreed")


def not_counted(talk: Talk, number: str) -> Answer:
    """Count the household out. Only a numbered line leads here. Raises NoBeneficiaries."""
    return _answered(talk, number, "declined")


def _resident(talk: Talk) -> User:
    word = talk.world.lexicon.words["beneficiaries"][0]
    return get_resident(talk.turn.db, talk.turn.person.user_id, then=word)


def _counted(appeal: Appeal, talk: Talk, asked_now: int = 0) -> Answer:
    counted = count_beneficiaries(talk.turn.db, appeal)
    ways = {"ask": ["command", "ask_beneficiaries", str(appeal.id)]} if counted.left else {}
    values = {"number": appeal.id, "title": appeal.title, "counted": counted, "asked_now": asked_now}
    return with_ways("replies/appeals/beneficiaries", values, ways)


def _own_household(talk: Talk, user: User, number: int) -> Answer:
    found = own_answer(talk.turn.db, user, number)
    return _stands(talk, number, found.state if found else "")


def _answered(talk: Talk, number: str, said: str) -> Answer:
    answer(talk.turn.db, _resident(talk), int(number), said, talk.world.now)
    return _stands(talk, int(number), said, answered=True)


def _stands(talk: Talk, number: int, state: str, *, answered: bool = False) -> Answer:
    ways = {}
    if state != "agreed":
        ways["be_counted"] = ["command", "be_counted", str(number)]
    if state not in ("", "declined"):
        ways["not_counted"] = ["command", "not_counted", str(number)]
    title = talk.turn.db.get_one(Appeal, number).title
    values = {"number": number, "title": title, "state": state, "answered": answered}
    return with_ways("replies/appeals/own_benefit", values, ways)
