"""List the conversations of organisations."""

from flows.engine.flow import Flow
from flows.organisations.register_organisation import register_organisation, succeed

FLOWS: tuple[Flow, ...] = (register_organisation, succeed)
