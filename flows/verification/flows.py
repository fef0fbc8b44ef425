"""The verification room's conversations: an officer records a visit, a person objects to a notice."""

from flows.engine.flow import Flow
from flows.verification.objection import raise_objection
from flows.verification.visit import visit

FLOWS: tuple[Flow, ...] = (visit, raise_objection)
