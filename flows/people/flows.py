"""List the room's conversations: registration."""

from flows.engine.flow import Flow
from flows.people.register import register

FLOWS: tuple[Flow, ...] = (register,)
