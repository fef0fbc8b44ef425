"""Collect the commands that the rooms declare; their words are in config/keywords.toml under the command's name."""

from handlers.appeals import commands as appeals
from handlers.desk import commands as desk
from handlers.disbursements import commands as disbursements
from handlers.donors import commands as donors
from handlers.families import commands as families
from handlers.figures import commands as figures
from handlers.giving import commands as giving
from handlers.goods import commands as goods
from handlers.market import commands as market
from handlers.notifications import commands as notifications
from handlers.organisations import commands as organisations
from handlers.outreach import commands as outreach
from handlers.oversight import commands as oversight
from handlers.payments import commands as payments
from handlers.people import commands as people
from handlers.proxy import commands as proxy
from handlers.public import commands as public
from handlers.rights import commands as rights
from handlers.routing import commands as routing
from handlers.routing.command import Command
from handlers.speech import commands as speech
from handlers.staff import commands as staff
from handlers.support import commands as support
from handlers.treasury import commands as treasury
from handlers.verification import commands as verification

ROOMS = (
    appeals.COMMANDS,
    desk.COMMANDS,
    disbursements.COMMANDS,
    donors.COMMANDS,
    families.COMMANDS,
    figures.COMMANDS,
    giving.COMMANDS,
    goods.COMMANDS,
    market.COMMANDS,
    notifications.COMMANDS,
    organisations.COMMANDS,
    outreach.COMMANDS,
    oversight.COMMANDS,
    payments.COMMANDS,
    people.COMMANDS,
    proxy.COMMANDS,
    public.COMMANDS,
    rights.COMMANDS,
    routing.COMMANDS,
    speech.COMMANDS,
    staff.COMMANDS,
    support.COMMANDS,
    treasury.COMMANDS,
    verification.COMMANDS,
)
COMMANDS: dict[str, Command] = {command.name: command for room in ROOMS for command in room}
