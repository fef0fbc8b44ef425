"""The conversations that tell what has become of an appeal, thank for it, and call on donors."""

from flows.engine.flow import Flow
from flows.outreach.emergency_call import call
from flows.outreach.publish import publish
from flows.outreach.thanks import thank
from flows.outreach.update import progress

FLOWS: tuple[Flow, ...] = (progress, thank, publish, call)
