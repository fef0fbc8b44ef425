"""Commands for updates, thanks, emergency calls and broadcasts."""

from handlers.outreach import broadcasts, updates
from handlers.routing.command import Command, Takes
from handlers.routing.roles import COUNTY_AND_HOLDER, OFFICERS, STAFF

COMMANDS: tuple[Command, ...] = (
    Command("update", updates.update, Takes.NUMBER, guess=False),
    Command("thank", updates.thank, Takes.NUMBER, guess=False),
    Command("publish", updates.publish, Takes.NUMBER, staff=OFFICERS, guess=False),
    Command("call_donors", broadcasts.call, Takes.NUMBER, staff=COUNTY_AND_HOLDER, guess=False),
    Command("broadcast_progress", broadcasts.broadcast_progress, Takes.NUMBER, staff=STAFF, guess=False),
    Command("stop_broadcast", broadcasts.stop_broadcast, Takes.NUMBER, staff=STAFF, guess=False),
    # Only numbered lines lead here.
    Command("view_updates", updates.view_updates),
    Command("send_back_update", updates.send_back_update, staff=OFFICERS),
)
