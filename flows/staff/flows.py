"""The conversations that appoint staff, hand over their work, and declare conflicts of interest."""

from flows.engine.flow import Flow
from flows.staff.accept_invitation import take_up
from flows.staff.declare_conflict import declare
from flows.staff.handover import handover
from flows.staff.invite import appoint

FLOWS: tuple[Flow, ...] = (take_up, appoint, handover, declare)
