"""Register a person (注册).

Consent comes first, one purpose at a time. A donor gives only a display name, a resident an identity.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import update

from flows.engine.flow import Answer, Flow, Say, Step
from flows.engine.session import Draft, Option
from flows.engine.turn import TurnContext
from flows.notifications.ask_subscription import ask_link
from flows.readers import Agree, Choice, DisplayName, IdNumber, PersonName, Phone, Place
from models.core.state_machine import Actor
from models.people import user as users
from models.people.conversation import Conversation
from models.staff.member import copy_household_to_seats
from models.verification.case import PROMISED, begin_case


def is_resident(answers: Mapping[str, Any]) -> bool:
    return answers.get("role") == "resident"


def is_donor(answers: Mapping[str, Any]) -> bool:
    return answers.get("role") == "donor"


def admit(turn: TurnContext, given: dict[str, Any]) -> dict[str, Any]:
    if turn.person.user_id is not None:
        raise users.AlreadyRegistered
    return given


def check_answers(turn: TurnContext, draft: Draft) -> None:
    """Check a resident's ID number at once and count the try, whether or not the registration is finished."""
    said = draft.answers.get("id_number")
    if said is None or draft.given.get("named") == said or not is_resident(draft.answers):
        return
    users.try_id_number(turn.db, said, turn.person.conversation_id, turn.world.now)
    draft.given["named"] = said


def done(turn: TurnContext, draft: Draft) -> Answer:
    if turn.person.user_id is not None:
        raise users.AlreadyRegistered
    answers = draft.answers
    resident = is_resident(answers)
    registration = users.Registration(
        draft_id=draft.id,
        role=answers["role"],
        consents=("account", "identity") if resident else ("account",),
        display_name=None if resident else answers["display_name"],
        name=answers["name"] if resident else None,
        id_number=answers["id_number"] if resident else None,
        phone=answers["phone"] if resident else None,
        region_code=answers["home"]["code"] if resident else None,
        conversation_id=turn.person.conversation_id,
    )
    user = users.register(turn.db, registration, turn.world.now)
    turn.db.execute(update(Conversation).where(Conversation.id == turn.person.conversation_id).values(user_id=user.id))
    if resident:
        copy_household_to_seats(turn.db, turn.person.account, turn.person.openid)
        case = begin_case(turn.db, user, Actor.owner(user.id), turn.world.now)
        turn.jobs.append(("check_registry", case.id))
    then = draft.given.get("then", "")
    options = [Option(1, "", ["say", then])] if then else []
    link = ask_link(turn) if resident else ""
    values = {"role": user.role, "then": then, "days": PROMISED.days, "subscribe": link}
    return Answer([Say("flows/people/register/done", None, values)], options)


register = Flow(
    "register",
    room="people",
    steps=(
        Step("consent", Agree()),
        Step("role", Choice("role")),
        Step("consent_identity", Agree(), when=is_resident),
        Step("name", PersonName(), when=is_resident),
        Step("id_number", IdNumber(), when=is_resident),
        Step("phone", Phone(), when=is_resident),
        Step("home", Place(level="township"), when=is_resident),
        Step("display_name", DisplayName(), when=is_donor),
    ),
    done=done,
    admit=admit,
    check_answers=check_answers,
    single=True,
)
