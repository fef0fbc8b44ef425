"""Name a member of the household (家人), for oneself or by an officer with a mandate.

The member agrees to it, or the guardian of a child under 14; the ID number may stay away.
"""

from collections.abc import Mapping
from typing import Any

from flows.engine.flow import Answer, Flow, Say, Step
from flows.engine.session import Draft, Option
from flows.engine.turn import TurnContext
from flows.proxy.common import lock_mandate
from flows.readers import Agree, Choice, IdNumber, PersonName
from flows.readers.numbers.id_number import ADULT_ENOUGH, is_under_age
from models.families.by_mandate import add_for
from models.families.members import ChildsNumber, NewMember, add_member, check_not_in_family, check_room
from models.people.user import User, count_id_number, find_by_id_number, get_resident
from models.proxy.mandate import FAMILY
from models.staff.number_search import ONLY_TYPED, demand_may_type, record_typed


def is_grown(answers: Mapping[str, Any]) -> bool:
    return answers.get("age") == "grown"


def is_child(answers: Mapping[str, Any]) -> bool:
    return answers.get("age") == "child"


def has_number(answers: Mapping[str, Any]) -> bool:
    return answers.get("has_number") == "yes"


def admit(turn: TurnContext, given: dict[str, Any]) -> dict[str, Any]:
    """Raises NotRegistered, ResidentsOnly or TooManyMembers; for an officer also NotYours or NoMandate."""
    user = _whose(turn, given)
    check_room(turn.db, user)
    return given | ({"for": user.masked_name} if "mandate" in given else {})


def check_answers(turn: TurnContext, draft: Draft) -> None:
    """Check the number at once, and count it as one that was tried, whether it is registered anywhere or not.

    Raises ChildsNumber, InFamilyAlready, TooManyIdNumbers or TooManyNumbersTyped.
    """
    number = draft.answers.get("id_number") if has_number(draft.answers) else None
    if number is None:
        return
    if is_grown(draft.answers) and is_under_age(number, turn.world.today):
        raise ChildsNumber(age=ADULT_ENOUGH)
    if draft.given.get("named") != number:
        _count(turn, draft, number)
        draft.given["named"] = number
    check_not_in_family(turn.db, _whose(turn, draft.given), number)


def done(turn: TurnContext, draft: Draft) -> Answer:
    """Raises what ``admit`` and ``check_answers`` do."""
    answers, now = draft.answers, turn.world.now
    wanted = NewMember(
        draft_id=draft.id,
        name=answers["name"],
        relation=answers["relation"],
        consent="own" if is_grown(answers) else "guardian",
        id_number=answers["id_number"] if has_number(answers) else None,
    )
    if "mandate" in draft.given:
        staff, mandate, user = lock_mandate(turn, draft.given["mandate"], FAMILY)
        add_for(turn.db, staff, mandate, wanted, now)
        again = ["command", "proxy_family_of", str(mandate.id)]
        values = {"name": answers["name"], "of": user.masked_name}
        return Answer([Say("flows/families/add_family_member/done", None, values)], [Option(1, "", again)])
    add_member(turn.db, get_resident(turn.db, turn.person.user_id), wanted, now)
    values = {"name": answers["name"], "of": ""}
    return Answer([Say("flows/families/add_family_member/done", None, values)], [Option(1, "", ["command", "family"])])


def _whose(turn: TurnContext, given: Mapping[str, Any]) -> User:
    if "mandate" in given:
        return lock_mandate(turn, given["mandate"], FAMILY)[2]
    return get_resident(turn.db, turn.person.user_id)


def _count(turn: TurnContext, draft: Draft, number: str) -> None:
    owner = find_by_id_number(turn.db, number)
    if "mandate" in draft.given:
        staff = lock_mandate(turn, draft.given["mandate"], FAMILY)[0]
        demand_may_type(turn.db, staff, turn.world.now)
        record_typed(turn.db, staff, owner, ONLY_TYPED, turn.world.now)
    else:
        count_id_number(turn.db, turn.person.conversation_id, turn.world.now, owner, what="family")


add_family_member = Flow(
    "add_family_member",
    room="families",
    steps=(
        Step("name", PersonName()),
        Step("relation", Choice("family_relation")),
        Step("age", Choice("family_age")),
        Step("consent", Agree(), when=is_grown),
        Step("guardian", Agree(), when=is_child),
        Step("has_number", Choice("family_number")),
        Step("id_number", IdNumber(any_age=True), when=has_number),
    ),
    done=done,
    admit=admit,
    check_answers=check_answers,
)
