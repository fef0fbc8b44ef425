"""The notification kinds of tickets and introductions."""

from models.notifications.kinds import Kind, Standing

KINDS: dict[str, Kind] = {
    "ticket_answered": Kind(Standing.SERVICE, "progress", brief=True),
    "introduction": Kind(Standing.SERVICE, "progress", topic="matches"),
}
