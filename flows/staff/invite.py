"""Invite a person to a seat (授权): the township or county gets a code to pass on to them."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

from flows.engine.flow import Answer, Flow, Say, Step
from flows.engine.session import Draft
from flows.engine.turn import TurnContext
from flows.readers import Choice, Day, PersonName, Place
from models.core.calendar import CHINA
from models.organisations.charity import charity_for
from models.staff.appointment import Invitation, NotYoursToInvite, check_invitation, invite
from models.staff.directory import BELOW, demand_staff, is_below, seat_of
from models.staff.member import Staff
from models.staff.turn import demand_identified

# Term -> years; other terms have no end, or end on a day that is asked for.
_YEARS = {"one_year": 1, "three_years": 3}


def has_a_place(answers: Mapping[str, Any]) -> bool:
    """Tell whether to ask for the region: a fund holder's is the inviting county's."""
    return answers.get("role") != "fund_holder"


def ends_on_a_day(answers: Mapping[str, Any]) -> bool:
    return answers.get("term") == "day"


def admit(turn: TurnContext, given: dict[str, Any]) -> dict[str, Any]:
    """Raises NotOnTheStaff or NotIdentified."""
    demand_identified(_inviter(turn))
    return given


def check_answers(turn: TurnContext, draft: Draft) -> None:
    """Raises NotYoursToInvite, OutsideYourPlace, NoSuchSeat or NoCharity as soon as the answer to blame is given."""
    by, role = _inviter(turn), draft.answers.get("role")
    if role and not is_below(by.role, role):
        raise NotYoursToInvite(role=role, by=by.role)
    if role and not has_a_place(draft.answers):
        charity_for(turn.db, by.region_code, turn.person.account)
    if role and "place" in draft.answers and has_a_place(draft.answers):
        check_invitation(by, role, draft.answers["place"]["code"], seat_of(turn.db, by))


def done(turn: TurnContext, draft: Draft) -> Answer:
    by, answers = _inviter(turn), draft.answers
    code = answers["place"]["code"] if has_a_place(answers) else by.region_code
    last_day = _last_day(answers, turn.world.today)
    until = datetime.combine(last_day + timedelta(days=1), time(), CHINA) if last_day else None
    # A fund holder is one of the charity that collects in the county.
    charity = None if has_a_place(answers) else charity_for(turn.db, code, turn.person.account).id
    wanted = Invitation(answers["role"], code, answers["name"], until, charity_id=charity)
    staff, secret = invite(turn.db, by, wanted, turn.world.now)
    values = {
        "role": staff.role,
        "place": seat_of(turn.db, staff),
        "work_no": staff.work_no,
        "until": last_day,
        "code": secret,
    }
    return Answer([Say("flows/staff/invite_staff/done", None, values)])


def _inviter(turn: TurnContext) -> Staff:
    return demand_staff(turn.db, turn.person.account, turn.person.openid, turn.world.now, tuple(BELOW))


def _last_day(answers: Mapping[str, Any], today: date) -> date | None:
    if ends_on_a_day(answers):
        return date.fromisoformat(answers["until"])
    years = _YEARS.get(answers["term"])
    if years is None:
        return None
    try:
        return today.replace(year=today.year + years)
    except ValueError:  # 29 February
        return today + timedelta(days=365 * years)


invite_staff = Flow(
    "invite_staff",
    room="staff",
    steps=(
        Step("role", Choice("staff_role")),
        Step("place", Place(level="township"), when=has_a_place),
        Step("name", PersonName()),
        Step("term", Choice("staff_term")),
        Step("until", Day(earliest=1, latest=3 * 366), when=ends_on_a_day),
    ),
    done=done,
    admit=admit,
    check_answers=check_answers,
)
