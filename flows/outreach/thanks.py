"""感谢: an owner writes thanks to an appeal's donors; an officer reads them before they are sent."""

from typing import Any

from flows.engine.flow import Answer, Flow, Say, Step
from flows.engine.session import Draft
from flows.engine.turn import TurnContext
from flows.outreach.update import LONGEST_UPDATE
from flows.readers import Text
from models.appeals.correction import own_appeal
from models.outreach.update import check_thanks
from models.outreach.update_review import check_takes_updates, submit
from models.people.user import get_resident
from models.staff.task_steps import STEPS


def admit(turn: TurnContext, given: dict[str, Any]) -> dict[str, Any]:
    """``given``: ``thanks_for``, the appeal's number, and ``replaces`` where it takes the place of waiting thanks.

    Raises NotRegistered, ResidentsOnly, NoSuchAppeal, NotYourAppeal, TakesNoUpdates, NobodyGave, ThanksWait or
    ThankedLately.
    """
    appeal = own_appeal(turn.db, get_resident(turn.db, turn.person.user_id), given["thanks_for"])
    check_takes_updates(appeal)
    check_thanks(turn.db, appeal, turn.world.now, replaces="replaces" in given)
    return {**given, "thanks_for": appeal.id, "title": appeal.title}


def done(turn: TurnContext, draft: Draft) -> Answer:
    """Raises what ``admit`` does."""
    user = get_resident(turn.db, turn.person.user_id)
    appeal = own_appeal(turn.db, user, draft.given["thanks_for"], lock=True)
    words, now = draft.answers["words"], turn.world.now
    replaces = "replaces" in draft.given
    submit(turn.db, appeal, draft.id, words, (), turn.person.conversation_id, now, "thanks", replaces=replaces)
    return Answer([Say("flows/outreach/thank/done", None, {"number": appeal.id, "days": STEPS["thanks"][1]})])


thank = Flow(
    "thank",
    room="outreach",
    steps=(Step("words", Text(min=10, max=LONGEST_UPDATE, public=True)),),
    done=done,
    admit=admit,
)
