"""The conversation that registers somebody."""

from flows.engine.flow import Flow
from flows.people.register import register

FLOWS: tuple[Flow, ...] = (register,)
