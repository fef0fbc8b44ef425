"""进展: an owner writes an update on an appeal; its donors are notified once an officer publishes it."""

from collections.abc import Mapping
from typing import Any

from flows.engine.flow import Answer, Flow, Say, Step
from flows.engine.session import Draft
from flows.engine.turn import TurnContext
from flows.readers import Photo, Text
from models.appeals.correction import own_appeal
from models.outreach.update import update_waiting
from models.outreach.update_review import check_takes_updates, submit
from models.people.user import get_resident
from models.staff.task_steps import STEPS

# So that an update fits into one message together with its title and choices.
LONGEST_UPDATE = 200


def admit(turn: TurnContext, given: dict[str, Any]) -> dict[str, Any]:
    """``given``: ``tells``, the appeal's number. Raises NotRegistered, ResidentsOnly, NoSuchAppeal, NotYourAppeal or
    TakesNoUpdates.
    """
    appeal = own_appeal(turn.db, get_resident(turn.db, turn.person.user_id), given["tells"])
    check_takes_updates(appeal)
    return {"tells": appeal.id, "title": appeal.title}


def review_facts(turn: TurnContext, draft: Draft) -> Mapping[str, Any]:
    """Tell whether an earlier update still waits for an officer; this one will replace it."""
    return {"waiting": update_waiting(turn.db, draft.given["tells"]) is not None}


def done(turn: TurnContext, draft: Draft) -> Answer:
    """Raises TakesNoUpdates."""
    user, answers = get_resident(turn.db, turn.person.user_id), draft.answers
    appeal = own_appeal(turn.db, user, draft.given["tells"], lock=True)
    person, now = turn.person.conversation_id, turn.world.now
    owed, dropped = submit(turn.db, appeal, draft.id, answers["words"], answers["photos"], person, now)
    turn.jobs += [("fetch_photo", photo) for photo in owed]
    turn.jobs += [("forget_photo", photo) for photo in dropped]
    return Answer([Say("flows/outreach/post_update/done", None, {"number": appeal.id, "days": STEPS["update"][1]})])


post_update = Flow(
    "post_update",
    room="outreach",
    steps=(
        Step("words", Text(min=10, max=LONGEST_UPDATE, public=True)),
        Step("photos", Photo(max=9, min=0)),
    ),
    done=done,
    admit=admit,
    review_facts=review_facts,
)
