"""The families room's conversations."""

from flows.engine.flow import Flow
from flows.families.add_family_member import add_family_member

FLOWS: tuple[Flow, ...] = (add_family_member,)
