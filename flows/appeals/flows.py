"""The appeals room's conversations: an owner writes an appeal, and revises a published one."""

from flows.appeals.revise_appeal import revise_appeal
from flows.appeals.start_appeal import start_appeal
from flows.engine.flow import Flow

FLOWS: tuple[Flow, ...] = (start_appeal, revise_appeal)
