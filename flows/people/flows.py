"""List the room's conversations: registration, and switching between people who share a phone."""

from flows.engine.flow import Flow
from flows.people.register import register
from flows.people.switch_person import switch_person

FLOWS: tuple[Flow, ...] = (register, switch_person)
