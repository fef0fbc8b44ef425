"""The appeals room's commands: ask for help, correct or withdraw an appeal, and read its pages."""

from handlers.appeals import beneficiaries, correction, crowdfund, file, page, reopening, revisions
from handlers.routing.answers import starts
from handlers.routing.command import Command, Takes
from handlers.routing.roles import OFFICERS, STAFF

COMMANDS: tuple[Command, ...] = (
    Command("start_one_to_one", starts("start_appeal", {"kind": "one_to_one"}, kind="one_to_one")),
    Command("start_crowdfund", crowdfund.start),
    Command("beneficiaries", beneficiaries.show, Takes.NUMBER),
    Command("reopen", reopening.reopen, Takes.NUMBER, guess=False),
    # Only numbered lines lead here.
    Command("ask_beneficiaries", beneficiaries.ask_all),
    Command("be_counted", beneficiaries.be_counted),
    Command("not_counted", beneficiaries.not_counted),
    Command("crowdfund_for_family", crowdfund.start_for_family),
    Command("view_appeal", page.appeal),
    Command("public_story", page.story),
    Command("public_budget", page.budget),
    Command("view_story", file.view_story, staff=STAFF),
    Command("view_budget", file.view_budget, staff=STAFF),
    Command("view_flags", file.view_flags, staff=STAFF),
    Command("withdraw_now", correction.withdraw_now),
    Command("revision_story", revisions.story, staff=OFFICERS),
    Command("approve_revision", revisions.approve, staff=OFFICERS),
    Command("reject_revision", revisions.reject, staff=OFFICERS),
)
