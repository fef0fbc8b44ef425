"""The verification room's commands: for owners, for officers and for readers of the public notice."""

from handlers.routing.command import Command, Takes
from handlers.routing.roles import OFFICERS, TOWNSHIP_AND_COUNTY
from handlers.verification import my_case, objections, public_notice, visits

COMMANDS: tuple[Command, ...] = (
    Command("my_case", my_case.my_case, Takes.NUMBER),
    Command("contest_decision", my_case.contest_decision),
    Command("notices", public_notice.notices, Takes.MATTER_OR_WORDS),
    Command("object", objections.start_objection, Takes.MATTER),
    Command("visit", visits.visit, Takes.MATTER, staff=OFFICERS, guess=False),
    # Only numbered lines lead here.
    Command("renew_case", my_case.renew),
    Command("notice", public_notice.notice),
    Command("notices_in", public_notice.notices_in),
    Command("view_visit", visits.view_visit, staff=OFFICERS),
    Command("view_objections", objections.view_objections, staff=TOWNSHIP_AND_COUNTY),
    Command("uphold", objections.uphold, staff=TOWNSHIP_AND_COUNTY),
    Command("dismiss", objections.dismiss, staff=TOWNSHIP_AND_COUNTY),
)
