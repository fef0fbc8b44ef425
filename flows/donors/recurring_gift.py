"""月捐: a donor sets up a recurring gift, or changes it, and is reminded of it once a month."""

from collections.abc import Mapping
from typing import Any

from flows.engine.desk import Desk
from flows.engine.flow import Answer, Flow, Say, Step
from flows.engine.session import Draft, Option
from flows.notifications.ask_subscription import ask_link
from flows.readers import Choice, Money
from models.appeals.appeal import get_appeal
from models.core.money import SMALLEST_PLEDGE
from models.donors.recurring_gift import NotCollecting, begin, check_may_begin, find_live, first_time
from models.giving.pledge import check_open
from models.payments.collection import check_room
from models.people.user import get_user


def admit(desk: Desk, given: dict[str, Any]) -> dict[str, Any]:
    """``given``: ``appeal_id``, and ``said``, the words to continue with after registering.

    Raises NotCollecting, NoSuchAppeal, NotFunding, NotRegistered, OwnHousehold, EndsBefore, TooManyRecurringGifts or
    OverCap.
    """
    if not desk.world.collects:
        raise NotCollecting(number=given["appeal_id"])
    appeal = get_appeal(desk.db, given["appeal_id"])
    check_open(appeal, None, desk.world.now)
    donor = get_user(desk.db, desk.person.user_id, then=given["said"])
    check_open(appeal, donor, desk.world.now)
    check_may_begin(desk.db, donor, appeal, desk.world.now)
    check_room(desk.db, appeal, SMALLEST_PLEDGE)
    return {"appeal_id": appeal.id, "title": appeal.title, "name": donor.display_name}


def review_facts(desk: Desk, draft: Draft) -> Mapping[str, Any]:
    """Give the reminder's day, the next reminder, and the present amount if the donor has one already."""
    donor = get_user(desk.db, desk.person.user_id)
    live = find_live(desk.db, donor, draft.given["appeal_id"])
    appeal = get_appeal(desk.db, draft.given["appeal_id"])
    first = live.next_at if live else first_time(desk.world.now)
    return {
        "day": live.day if live else desk.world.today.day,
        "first": first,
        "before_fen": live.amount_fen if live else None,
        "deadline": appeal.deadline,
        "minimum_fen": appeal.minimum_fen,
        "crowdfund": appeal.kind == "crowdfund",
    }


def done(desk: Desk, draft: Draft) -> Answer:
    donor = get_user(desk.db, desk.person.user_id)
    appeal = get_appeal(desk.db, draft.given["appeal_id"], lock=True)
    anonymous, amount = draft.answers["anonymous"] == "yes", draft.answers["amount"]
    check_room(desk.db, appeal, amount)
    gift = begin(desk.db, draft.id, appeal, donor, amount, anonymous, desk.world.now)
    facts = {
        "number": appeal.id,
        "title": appeal.title,
        "amount_fen": gift.amount_fen,
        "day": gift.day,
        "next": gift.next_at,
        "deadline": appeal.deadline,
        "subscribe": ask_link(desk),
    }
    options = [Option(1, "", ["command", "pay_recurring_gift", str(appeal.id)])]
    return Answer([Say("flows/donors/recurring_gift/done", None, facts)], options)


recurring_gift = Flow(
    "recurring_gift",
    room="donors",
    steps=(
        Step("amount", Money(min=SMALLEST_PLEDGE)),
        Step("anonymous", Choice("anonymous")),
    ),
    done=done,
    admit=admit,
    review_facts=review_facts,
)
