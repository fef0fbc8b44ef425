"""The rights room's conversations."""

from flows.engine.flow import Flow
from flows.rights.export import export_data

FLOWS: tuple[Flow, ...] = (export_data,)
