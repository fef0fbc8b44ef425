"""List the commands of bank entries and of the reconciliation."""

from handlers.routing.answers import starts
from handlers.routing.command import Command, Takes
from handlers.routing.roles import COUNTY_AND_HOLDER, FUND_HOLDER
from handlers.treasury import bank_entries, reconciliation

COMMANDS: tuple[Command, ...] = (
    Command("settle", starts("enter_settlement"), staff=FUND_HOLDER, guess=False),
    Command("top_up", starts("top_up"), staff=FUND_HOLDER, guess=False),
    Command("cover_fees", starts("cover_fees"), staff=FUND_HOLDER, guess=False),
    Command("reverse_entry", bank_entries.entries, Takes.WORDS, staff=FUND_HOLDER, guess=False),
    Command("reconcile", reconciliation.reconcile, Takes.WORDS, staff=COUNTY_AND_HOLDER, guess=False),
    Command("close_discrepancy", reconciliation.close, Takes.NUMBER_AND_WORDS, staff=COUNTY_AND_HOLDER, guess=False),
    # Only numbered lines lead here.
    Command("undo_this", bank_entries.undo_this, staff=FUND_HOLDER),
    Command("view_discrepancy", reconciliation.view_discrepancy, staff=COUNTY_AND_HOLDER),
    Command("more_discrepancies", reconciliation.more_discrepancies, staff=COUNTY_AND_HOLDER),
)
