"""登记单位: a person registers the organisation for which they speak; 接任: another comes to speak for it."""

from datetime import date
from typing import Any

from flows.engine.flow import Answer, Flow, Say, Step
from flows.engine.session import Draft
from flows.engine.turn import TurnContext
from flows.readers import Choice, Day, Photo, Place, Text
from flows.readers.numbers.credit_code import CreditCode
from models.organisations.application import (
    DAYS,
    NewOrganisation,
    ask_to_speak,
    check_code_free,
    check_may_ask,
    check_may_speak,
    register,
)
from models.organisations.organisation import LONGEST_NAME, get_organisation
from models.people.user import get_resident

# A village's committee, as most offices, is elected for five years.
LONGEST_TERM = 5 * 366
_PHOTOS = Photo(max=4, min=1)
_UNTIL = Day(earliest=7, latest=LONGEST_TERM)


def admit(turn: TurnContext, given: dict[str, Any]) -> dict[str, Any]:
    """Raises NotRegistered, ResidentsOnly or TooManyOffices."""
    word = turn.world.lexicon.words["register_organisation"][0]
    check_may_speak(turn.db, get_resident(turn.db, turn.person.user_id, then=word))
    return given


def check_answers(turn: TurnContext, draft: Draft) -> None:
    """Raises OrganisationKnown or OrganisationWaits as soon as the code is answered."""
    if "credit_code" in draft.answers and "name" not in draft.answers:
        check_code_free(turn.db, draft.answers["credit_code"])


def done(turn: TurnContext, draft: Draft) -> Answer:
    """Raises OrganisationKnown, OrganisationWaits or TooManyOffices."""
    answers = draft.answers
    wanted = NewOrganisation(
        draft_id=draft.id,
        kind=answers["kind"],
        name=answers["name"],
        credit_code=answers["credit_code"],
        region_code=answers["place"]["code"],
        until=date.fromisoformat(answers["until"]),
        photos=answers["photos"],
    )
    user = get_resident(turn.db, turn.person.user_id)
    made, owed = register(turn.db, wanted, user, turn.person.conversation_id, turn.world.now)
    turn.jobs += [("fetch_photo", photo) for photo in owed]
    return Answer([Say("flows/organisations/register_organisation/done", None, {"name": made.name, "days": DAYS})])


def admit_succession(turn: TurnContext, given: dict[str, Any]) -> dict[str, Any]:
    """``given``: ``organisation``, its number.

    Raises NotRegistered, ResidentsOnly, NoSuchOrganisation, SpeaksAlready, SomebodyAsks or TooManyOffices.
    """
    organisation = get_organisation(turn.db, given["organisation"])
    check_may_ask(turn.db, organisation, get_resident(turn.db, turn.person.user_id))
    return {**given, "name": organisation.name}


def succession_done(turn: TurnContext, draft: Draft) -> Answer:
    """Raises what ``admit_succession`` does."""
    answers, db, now = draft.answers, turn.db, turn.world.now
    number, until = draft.given["organisation"], date.fromisoformat(answers["until"])
    user, talk = get_resident(db, turn.person.user_id), turn.person.conversation_id
    organisation, owed = ask_to_speak(db, number, draft.id, user, until, answers["photos"], talk, now)
    turn.jobs += [("fetch_photo", photo) for photo in owed]
    return Answer([Say("flows/organisations/succeed/done", None, {"name": organisation.name, "days": DAYS})])


register_organisation = Flow(
    "register_organisation",
    room="organisations",
    steps=(
        Step("kind", Choice("organisation_kind")),
        Step("credit_code", CreditCode()),
        Step("name", Text(min=4, max=LONGEST_NAME, name=True, public=True)),
        Step("place", Place(level="township")),
        Step("until", _UNTIL),
        Step("photos", _PHOTOS),
    ),
    done=done,
    admit=admit,
    check_answers=check_answers,
)
succeed = Flow(
    "succeed",
    room="organisations",
    steps=(Step("until", _UNTIL), Step("photos", _PHOTOS)),
    done=succession_done,
    admit=admit_succession,
)
