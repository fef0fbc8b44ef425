"""Ask for consent to subscription notices, at a moment when the person expects news."""

from flows.engine.desk import Desk
from models.notifications.subscription import ask


def ask_link(desk: Desk) -> str:
    """Return the address of the page that asks, and record the asking; empty where not to ask now, or without pages."""
    link = desk.world.link("subscribe", "")
    return link if link and ask(desk.db, desk.person.conversation_id, desk.world.subscriptions, desk.world.now) else ""
