"""群发: staff write a disaster call to all donors of a province, see how many it reaches, and confirm it."""

from collections.abc import Mapping
from typing import Any

from flows.engine.flow import Answer, Flow, Say, Step
from flows.engine.session import Draft
from flows.engine.turn import TurnContext
from flows.readers import Text
from models.appeals.appeal import get_appeal
from models.outreach.audience import count_people
from models.outreach.emergency_call import CALLERS, check_call, donors_of, province_of
from models.outreach.emergency_call import call as call_donors
from models.staff.directory import demand_staff
from models.staff.member import Staff


def admit(turn: TurnContext, given: dict[str, Any]) -> dict[str, Any]:
    """``given``: ``calls_for``, the appeal's number. Raises what ``done`` would, before the words are asked for."""
    appeal = check_call(turn.db, _caller(turn), given["calls_for"], turn.world.now)
    return {"calls_for": appeal.id, "title": appeal.title, "province": province_of(turn.db, appeal)}


def review_facts(turn: TurnContext, draft: Draft) -> Mapping[str, Any]:
    """Count the people who would be notified now."""
    return {"people": count_people(turn.db, donors_of(get_appeal(turn.db, draft.given["calls_for"])))}


def done(turn: TurnContext, draft: Draft) -> Answer:
    staff, number = _caller(turn), draft.given["calls_for"]
    broadcast = call_donors(turn.db, staff, number, draft.answers["words"], turn.world.now)
    turn.jobs.append(("fan_out", broadcast.id))
    people = count_people(turn.db, donors_of(get_appeal(turn.db, number)))
    values = {"number": number, "broadcast": broadcast.id, "people": people, "province": draft.given["province"]}
    return Answer([Say("flows/outreach/emergency_call/done", None, values)])


def _caller(turn: TurnContext) -> Staff:
    return demand_staff(turn.db, turn.person.account, turn.person.openid, turn.world.now, CALLERS)


emergency_call = Flow(
    "emergency_call",
    room="outreach",
    steps=(Step("words", Text(min=10, max=120, public=True)),),
    done=done,
    admit=admit,
    review_facts=review_facts,
)
