"""The clock ends what nobody answers, sends, brings or collects, and reminds halfway, once."""

from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import func, select

from models.core.state_machine import Actor
from models.goods.exchange import Offer
from models.goods.matches import clock, holding
from models.goods.matches.locks import lock_match
from models.goods.matches.match import LASTS, Match
from models.goods.points.point import Shelf
from models.goods.rules import STRICT
from models.notifications.notification import Notification
from models.staff.task import find_task
from models.verification import case
from tests.scenes.handover import Handover
from tests.scenes.handover import handover as handover

HOUR = timedelta(hours=1)


def a_match(handover: Handover, best_before: date | None = None) -> int:
    if not handover.point:
        handover.open_point()
    name = f"n{next(handover.serials)}"
    request = handover.ask(handover.resident(f"taker-{name}"))
    return handover.match(handover.give(handover.donor(f"giver-{name}"), best_before=best_before, told=False), request)


def run(handover: Handover, after: timedelta = timedelta()) -> datetime:
    """Let the clock run as the sweep does, so long after now."""
    now = handover.stage.clock() + after
    with handover.session() as db:
        clock.remind_halfway(db, now)
    with handover.session() as db:
        clock.end_overdue(db, STRICT, now)
    with handover.session() as db:
        clock.write_off_shelves(db, STRICT, now)
    return now


def found(handover: Handover, match: int) -> Match:
    with handover.session() as db:
        return db.get_one(Match, match)


def told(handover: Handover, kind: str) -> int:
    with handover.session() as db:
        return db.scalar(select(func.count(Notification.id)).where(Notification.template == kind)) or 0


@pytest.mark.parametrize(
    ("state", "to", "by"),
    [
        ("proposed", "lapsed", "household"),
        ("recipient_ok", "lapsed", "donor"),
        ("donor_ok", "lapsed", "donor"),
        ("in_transit", "lost", "carrier"),
        ("at_point", "uncollected", "household"),
        ("collected", "confirmed", None),
    ],
)
def test_each_state_ends_when_its_time_is_over_and_not_before(
    handover: Handover, state: str, to: str, by: str | None
) -> None:
    match = a_match(handover)
    handover.advance(match, state)
    run(handover, LASTS[state] - HOUR)
    assert found(handover, match).state == state
    run(handover, LASTS[state] + HOUR)
    assert (found(handover, match).state, found(handover, match).ended_by) == (to, by)
    assert not handover.wrong()


def test_what_never_came_is_before_the_county(handover: Handover) -> None:
    match = a_match(handover)
    handover.advance(match, "in_transit")
    run(handover, LASTS["in_transit"] + HOUR)
    with handover.session() as db:
        task = find_task(db, "match", match)
    assert task
    assert task.step == "match_lost"


def test_an_issue_has_no_clock(handover: Handover) -> None:
    match = a_match(handover)
    handover.advance(match, "collected")
    with handover.session() as db:
        held = lock_match(db, match)
        holding.dispute(db, held, Actor.owner(held.request.owner_id), handover.stage.clock())
    run(handover, timedelta(days=400))
    assert found(handover, match).state == "issue"


def test_food_is_lost_and_not_laid_on_the_shelf_when_its_last_day_is_over(handover: Handover) -> None:
    last = (handover.stage.clock() + timedelta(days=3)).date()
    match = a_match(handover, best_before=last)
    handover.advance(match, "at_point")
    run(handover, timedelta(days=2))
    assert found(handover, match).state == "at_point"
    run(handover, timedelta(days=5))
    # It had not its two weeks: that is no fault of the household.
    assert (found(handover, match).state, found(handover, match).ended_by) == ("lost", "system")


def test_a_household_that_may_not_collect_has_not_missed_it(handover: Handover) -> None:
    match = a_match(handover)
    handover.advance(match, "at_point")
    with handover.session() as db:
        household = db.get_one(Match, match).household_id
        for one in case.lock_cases(db, household):
            one.state = "suspended"
    run(handover, LASTS["at_point"] + HOUR)
    assert (found(handover, match).state, found(handover, match).ended_by) == ("uncollected", "system")


@pytest.mark.parametrize(("state", "kind"), [("at_point", "goods_wait"), ("donor_ok", "goods_unsent")])
def test_whoever_has_the_next_step_is_reminded_halfway_and_once(handover: Handover, state: str, kind: str) -> None:
    match = a_match(handover)
    handover.advance(match, state)
    run(handover, LASTS[state] / 2 - HOUR)
    assert told(handover, kind) == 0
    run(handover, LASTS[state] / 2 + HOUR)
    run(handover, LASTS[state] / 2 + 2 * HOUR)
    assert told(handover, kind) == 1


def test_one_that_fails_stops_no_other(handover: Handover) -> None:
    bad, good = a_match(handover), a_match(handover)
    with handover.session() as db:
        # Its stock says that nothing is reserved: what it holds cannot be freed.
        offer = db.get_one(Offer, db.get_one(Match, bad).offer_id)
        offer.available, offer.reserved = offer.available + offer.reserved, 0
    run(handover, LASTS["proposed"] + HOUR)
    assert (found(handover, bad).state, found(handover, good).state) == ("proposed", "lapsed")


def test_one_that_another_transaction_holds_is_left_for_the_next_run(handover: Handover) -> None:
    match = a_match(handover)
    with handover.session() as held:
        lock_match(held, match)
        run(handover, LASTS["proposed"] + HOUR)
        assert found(handover, match).state == "proposed"
    run(handover, LASTS["proposed"] + HOUR)
    assert found(handover, match).state == "lapsed"


@pytest.mark.parametrize("days", [STRICT.days_on_shelf - 1, STRICT.days_on_shelf + 1])
def test_what_nobody_takes_off_the_shelf_is_written_off_at_last(handover: Handover, days: int) -> None:
    match = a_match(handover)
    handover.advance(match, "at_point")
    now = handover.stage.clock()
    with handover.session() as db:
        holding.leave(db, lock_match(db, match), now)
    run(handover, timedelta(days=days))
    written_off = days > STRICT.days_on_shelf
    with handover.session() as db:
        offer = db.get_one(Offer, db.get_one(Match, match).offer_id)
        assert (offer.lost, offer.reserved) == ((2, 0) if written_off else (0, 2))
        assert db.scalars(select(Shelf.quantity)).one() == (0 if written_off else 2)
    assert told(handover, "goods_written_off") == written_off
    assert told(handover, "shelf_written_off") == written_off
    assert not handover.wrong()


def test_spoilt_food_on_the_shelf_is_written_off_the_day_after(handover: Handover) -> None:
    match = a_match(handover, best_before=(handover.stage.clock() + timedelta(days=30)).date())
    handover.advance(match, "at_point")
    with handover.session() as db:
        holding.leave(db, lock_match(db, match), handover.stage.clock())
    run(handover, timedelta(days=30))
    assert told(handover, "goods_written_off") == 0
    run(handover, timedelta(days=31))
    assert told(handover, "goods_written_off") == 1


def test_an_offer_whose_donor_never_answers_expires(handover: Handover) -> None:
    """Round after round of it would make household after household wait for nothing."""
    match = a_match(handover)
    offer = found(handover, match).offer_id
    others = [handover.ask(handover.resident(f"more{n}")) for n in range(2)]
    matches = [match, handover.match(offer, others[0])]
    for one in matches:
        handover.advance(one, "recipient_ok")
    waiting = handover.match(offer, others[1])
    handover.advance(waiting, "recipient_ok")
    with handover.session() as db:
        db.get_one(Match, waiting).due_at = handover.stage.clock() + timedelta(days=30)
    run(handover, LASTS["recipient_ok"] + HOUR)
    with handover.session() as db:
        assert db.get_one(Offer, offer).state == "expired"
    assert (found(handover, waiting).state, found(handover, waiting).ended_by) == ("cancelled", "donor")
    assert not handover.wrong()
