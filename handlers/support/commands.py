"""List the commands of tickets and introductions."""

from handlers.routing.command import Command, Takes
from handlers.routing.roles import OFFICERS
from handlers.support import call, desk, introduction, report

COMMANDS: tuple[Command, ...] = (
    Command("answer_ticket", desk.answer_ticket, Takes.NUMBER_AND_WORDS, staff=OFFICERS, guess=False),
    Command("end_ticket", desk.end_ticket, Takes.NUMBER, staff=OFFICERS, guess=False),
    Command("human", call.call, guess=False),
    Command("report", report.report, Takes.MATTER_AND_WORDS, matters=("case",)),
    # Only numbered lines lead here.
    Command("buy", introduction.buy),
    Command("take_offer", introduction.ask_for_offer),
    Command("give_requested", introduction.ask_for_requester),
    Command("solve_ticket", call.solve_ticket),
    Command("take_up_ticket", call.take_up_ticket),
    Command("talk_about", call.talk_about),
    Command("view_ticket", desk.view_ticket, staff=OFFICERS),
)
