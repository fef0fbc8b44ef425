"""List the commands of spot checks, statistics and the access log."""

from handlers.oversight import access_log, spot_check, statistics
from handlers.routing.command import Command, Takes
from handlers.routing.roles import OFFICERS, TOWNSHIP_AND_COUNTY

COMMANDS: tuple[Command, ...] = (
    Command("who_looked", access_log.who_looked),
    Command("statistics", statistics.statistics, Takes.WORDS, staff=OFFICERS),
    Command("spot_check", spot_check.spot_check, staff=TOWNSHIP_AND_COUNTY, guess=False),
    # Only numbered lines lead here.
    Command("sound", spot_check.mark_sound, staff=TOWNSHIP_AND_COUNTY),
    Command("doubt", spot_check.doubt, staff=TOWNSHIP_AND_COUNTY),
    Command("view_statistics", statistics.show, staff=OFFICERS),
)
