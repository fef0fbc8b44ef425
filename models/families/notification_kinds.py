"""The kinds of notifications about who belongs to a household."""

from models.notifications.kinds import Kind, safety

KINDS: dict[str, Kind] = {"household_changed": safety()}
