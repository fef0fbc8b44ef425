"""List the conversations that appoint staff, hand over their work, and declare conflicts of interest."""

from flows.engine.flow import Flow
from flows.staff.accept_invitation import accept_invitation
from flows.staff.declare_conflict import declare_conflict
from flows.staff.handover import handover
from flows.staff.invite import invite_staff

FLOWS: tuple[Flow, ...] = (accept_invitation, invite_staff, handover, declare_conflict)
