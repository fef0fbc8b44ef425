"""The kinds of notifications about appeals."""

from models.notifications.kinds import LOOK, PLEDGE_AGAIN, Kind, Offer, Standing, legal

KINDS: dict[str, Kind] = {
    "appeal_failed": Kind(Standing.MONEY, "progress", offers=(LOOK,), brief=True),
    "appeal_moved": legal(),
    "appeal_opened": legal(),
    "appeal_overdue": legal(offers=(Offer("reopen", ("reopen", "number")),)),
    "appeal_resumed": Kind(Standing.MONEY, "progress", offers=(LOOK, PLEDGE_AGAIN)),
    "beneficiary_asked": legal(
        offers=(Offer("be_counted", ("be_counted", "number")), Offer("not_counted", ("not_counted", "number")))
    ),
    "revision_decided": legal(),
}
