"""Asking whether WeChat may bring our notices, at a moment when somebody waits for news."""

from flows.engine.desk import Desk
from models.notifications.subscription import ask


def ask_link(desk: Desk) -> str:
    """The address of the page that asks, noted as asked; empty where this is no time to ask them (or no page)."""
    link = desk.world.link("subscribe", "")
    return link if link and ask(desk.db, desk.person.conversation_id, desk.world.subscriptions, desk.world.now) else ""
