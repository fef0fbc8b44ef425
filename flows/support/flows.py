"""The support room's conversations."""

from flows.engine.flow import Flow
from flows.support.report import report

FLOWS: tuple[Flow, ...] = (report,)
