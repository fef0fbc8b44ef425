"""The conversations in which a visit is written down and an objection is made."""

from flows.engine.flow import Flow
from flows.verification.objection import raise_objection
from flows.verification.visit import visit

FLOWS: tuple[Flow, ...] = (visit, raise_objection)
