"""List the commands of tickets and introductions."""

from handlers.routing.command import Command, Takes
from handlers.routing.roles import COUNTY, OFFICERS, TOWNSHIP_AND_COUNTY
from handlers.support import call, desk, inquiry, introduction, report
from models.support.inquiry_outcome import UPHELD

# The subjects, beside appeals, whose numbers 举报 takes; config/readers.toml has the words.
_REPORTED = ("case", "updates_of", "offer", "request", "listing", "message")

COMMANDS: tuple[Command, ...] = (
    Command("answer_ticket", desk.answer_ticket, Takes.NUMBER_AND_WORDS, staff=OFFICERS, guess=False),
    Command("end_ticket", desk.end_ticket, Takes.NUMBER, staff=OFFICERS, guess=False),
    Command("human", call.call, guess=False),
    Command("report", report.report, Takes.MATTER_AND_WORDS, matters=_REPORTED),
    Command("uphold_report", inquiry.uphold, Takes.NUMBER_AND_WORDS, staff=TOWNSHIP_AND_COUNTY, guess=False),
    Command("dismiss_report", inquiry.dismiss, Takes.NUMBER_AND_WORDS, staff=TOWNSHIP_AND_COUNTY, guess=False),
    # Only numbered lines lead here.
    Command("pass_report", inquiry.pass_to_county, staff=TOWNSHIP_AND_COUNTY),
    Command("report_else", report.report_else),
    Command("view_reports", inquiry.view_reports, staff=TOWNSHIP_AND_COUNTY),
    *(Command(f"uphold_{outcome}", inquiry.upholds(outcome), staff=COUNTY) for outcome in UPHELD),
    Command("ask_about", introduction.ask_about),
    Command("solve_ticket", call.solve_ticket),
    Command("take_up_ticket", call.take_up_ticket),
    Command("talk_about", call.talk_about),
    Command("view_ticket", desk.view_ticket, staff=OFFICERS),
)
