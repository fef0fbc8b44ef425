"""The kinds of notifications about gifts to an appeal."""

from datetime import timedelta
from typing import Any

from models.notifications.kinds import LOOK, MY_GIFTS, NO_MORE, Kind, Standing


def join_gifts(before: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    """Join notifications of several gifts into one, with their number and sums in fen; it names no donor."""
    sums = {
        "new_gifts": before.get("new_gifts", 1) + now["new_gifts"],
        "amount_fen": before["amount_fen"] + now["amount_fen"],
        "matched_fen": before.get("matched_fen", 0) + now.get("matched_fen", 0),
    }
    return {**now, **sums, "name": None}


KINDS: dict[str, Kind] = {
    "appeal_begins": Kind(Standing.MONEY, "progress", offers=(LOOK, MY_GIFTS), brief=True),
    "appeal_funded": Kind(Standing.NEWS, "progress", topic="progress", offers=(LOOK, MY_GIFTS, NO_MORE)),
    "milestone": Kind(Standing.SERVICE, "progress", topic="gifts", offers=(LOOK,)),
    "pledged": Kind(
        Standing.SERVICE,
        "progress",
        topic="gifts",
        offers=(LOOK, NO_MORE),
        running=timedelta(hours=6),
        join=join_gifts,
    ),
}
