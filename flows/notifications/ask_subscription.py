"""Ask for consent to subscription notices, at a moment when the person expects news."""

from flows.engine.turn import TurnContext
from models.notifications.subscription import ask_if_due


def ask_link(turn: TurnContext) -> str:
    """Return the address of the page that asks, and record the asking; empty where not to ask now, or without pages."""
    db, person, world = turn.db, turn.person.conversation_id, turn.world
    link = world.link("subscribe", "")
    return link if link and ask_if_due(db, person, world.subscriptions, world.now) else ""
