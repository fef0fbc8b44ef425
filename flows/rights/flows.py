"""The rights room's conversations."""

from flows.engine.flow import Flow
from flows.rights.erasure import erase_data
from flows.rights.export import export_data

FLOWS: tuple[Flow, ...] = (export_data, erase_data)
