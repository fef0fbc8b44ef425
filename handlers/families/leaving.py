"""分户: a person of a household with others asks the township to let them leave it with what is theirs."""

from flows.engine.flow import Answer
from handlers.routing.answers import with_ways
from handlers.routing.talk import Talk
from models.families.question import STEP, ask_to_leave
from models.people.user import get_resident
from models.staff.task_steps import STEPS


def ask(talk: Talk) -> Answer:
    """Say what leaving means, and ask by a digit. Raises NotRegistered or ResidentsOnly."""
    get_resident(talk.turn.db, talk.turn.person.user_id)
    ways = {"leave": ["command", "leave_family_now"], "stays": ["command", "family"]}
    return with_ways("replies/families/leaving", {"asked": False, "days": STEPS[STEP][1]}, ways)


def leave(talk: Talk) -> Answer:
    """Raises NotRegistered, ResidentsOnly, AloneInHousehold or SplitWaits."""
    ask_to_leave(talk.turn.db, get_resident(talk.turn.db, talk.turn.person.user_id), talk.world.now)
    ways = {"list": ["command", "family"]}
    return with_ways("replies/families/leaving", {"asked": True, "days": STEPS[STEP][1]}, ways)
