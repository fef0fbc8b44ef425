"""改 after publication: an owner proposes a new title, story and photos, which an officer reviews first."""

from typing import Any

from flows.appeals.start_appeal import REVIEW_DAYS, start_appeal
from flows.engine.flow import Answer, Flow, Say
from flows.engine.session import Draft
from flows.engine.turn import TurnContext
from models.appeals.appeal import LIVE
from models.appeals.correction import CannotChange, own_appeal
from models.appeals.revision_review import ProposedRevision, latest_proposal, propose
from models.people.user import get_resident

# Donors gave for the sum, budget, deadline and kind: these cannot change.
CHANGES = ("title", "story", "photos")


def admit(turn: TurnContext, given: dict[str, Any]) -> dict[str, Any]:
    """Admit the owner of a live appeal. ``given``: ``revises``, its number.

    Raises NotRegistered, ResidentsOnly, NoSuchAppeal, NotYourAppeal or CannotChange.
    """
    appeal = own_appeal(turn.db, get_resident(turn.db, turn.person.user_id), given["revises"])
    if appeal.state not in LIVE:
        raise CannotChange(number=appeal.id, state=appeal.state, what="fix")
    return {"revises": appeal.id, "title": appeal.title}


def answers_of(turn: TurnContext, number: int) -> dict[str, Any]:
    """Return the answers of the undecided revision, else what is public."""
    appeal = own_appeal(turn.db, get_resident(turn.db, turn.person.user_id), number)
    now = latest_proposal(turn.db, appeal)
    return {"title": now.title, "story": now.story, "photos": list(now.pictures)}


def done(turn: TurnContext, draft: Draft) -> Answer:
    """Submit the revision. Locks the appeal. Raises CannotChange or NothingChanged."""
    user = get_resident(turn.db, turn.person.user_id)
    appeal = own_appeal(turn.db, user, draft.given["revises"], lock=True)
    wanted = ProposedRevision(draft.id, *(draft.answers[name] for name in CHANGES))
    owed, dropped = propose(turn.db, appeal, wanted, turn.person.conversation_id, turn.world.now)
    turn.jobs += [("fetch_photo", photo) for photo in owed]
    turn.jobs += [("forget_photo", photo) for photo in dropped]
    return Answer([Say("flows/appeals/revise_appeal/done", None, {"number": appeal.id, "days": REVIEW_DAYS})])


revise_appeal = Flow(
    "revise_appeal",
    room="appeals",
    steps=tuple(step for step in start_appeal.steps if step.name in CHANGES),
    done=done,
    admit=admit,
)
