"""The flows for updates, thanks, their publication, and emergency calls."""

from flows.engine.flow import Flow
from flows.outreach.emergency_call import emergency_call
from flows.outreach.publish import publish
from flows.outreach.thanks import thank
from flows.outreach.update import post_update

FLOWS: tuple[Flow, ...] = (post_update, thank, publish, emergency_call)
