"""月捐: a donor sets up a recurring gift, or changes it, and is reminded of it once a month."""

from collections.abc import Mapping
from typing import Any

from flows.engine.flow import Answer, Flow, Say, Step
from flows.engine.session import Draft, Option
from flows.engine.turn import TurnContext
from flows.notifications.ask_subscription import ask_link
from flows.readers import Choice, Money
from models.appeals.appeal import get_appeal
from models.core.money import SMALLEST_PLEDGE
from models.donors.recurring_gift import NotCollecting, begin, check_may_begin, find_live, first_time
from models.giving.pledge import check_not_full, check_open
from models.organisations.collector import find_collector
from models.payments.collection import check_room, demand_merchant
from models.people.user import get_user


def admit(turn: TurnContext, given: dict[str, Any]) -> dict[str, Any]:
    """``given``: ``appeal_id``, and ``said``, the words to continue with after registering.

    Raises NotCollecting, NoSuchAppeal, NotFunding, NotRegistered, OwnHousehold, EndsBefore, TooManyRecurringGifts or
    OverCap.
    """
    if not turn.world.collects:
        raise NotCollecting(number=given["appeal_id"])
    appeal = get_appeal(turn.db, given["appeal_id"])
    check_open(turn.db, appeal, None, turn.world.now)
    donor = get_user(turn.db, turn.person.user_id, then=given["said"])
    check_open(turn.db, appeal, donor, turn.world.now)
    demand_merchant(turn.db, appeal)
    check_may_begin(turn.db, donor, appeal, turn.world.now)
    check_not_full(turn.db, appeal)
    return {"appeal_id": appeal.id, "title": appeal.title, "name": donor.display_name}


def review_facts(turn: TurnContext, draft: Draft) -> Mapping[str, Any]:
    """Give the reminder's day, the next one, who collects, and the present amount if the donor has one already."""
    donor = get_user(turn.db, turn.person.user_id)
    live = find_live(turn.db, donor, draft.given["appeal_id"])
    appeal = get_appeal(turn.db, draft.given["appeal_id"])
    first = live.next_at if live else first_time(turn.world.now)
    return {
        "day": live.day if live else turn.world.today.day,
        "first": first,
        "before_fen": live.amount_fen if live else None,
        "deadline": appeal.deadline,
        "minimum_fen": appeal.minimum_fen,
        "crowdfund": appeal.kind == "crowdfund",
        "collector": find_collector(turn.db, appeal.charity_id, appeal.filing_id),
    }


def done(turn: TurnContext, draft: Draft) -> Answer:
    donor = get_user(turn.db, turn.person.user_id)
    appeal = get_appeal(turn.db, draft.given["appeal_id"], lock=True)
    anonymous, amount = draft.answers["anonymous"] == "yes", draft.answers["amount"]
    check_room(turn.db, appeal, amount)
    gift = begin(turn.db, draft.id, appeal, donor, amount, anonymous, turn.world.now)
    facts = {
        "number": appeal.id,
        "title": appeal.title,
        "amount_fen": gift.amount_fen,
        "day": gift.day,
        "next": gift.next_at,
        "deadline": appeal.deadline,
        "subscribe": ask_link(turn),
    }
    options = [Option(1, "", ["command", "pay_recurring_gift", str(appeal.id)])]
    return Answer([Say("flows/donors/recurring_gift/done", None, facts)], options)


recurring_gift = Flow(
    "recurring_gift",
    room="donors",
    steps=(
        Step("amount", Money(min=SMALLEST_PLEDGE, leads="leads_to_monthly_amount")),
        Step("anonymous", Choice("anonymous")),
    ),
    done=done,
    admit=admit,
    review_facts=review_facts,
)
