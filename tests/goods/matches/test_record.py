"""What a household or a donor did with matches is counted over twelve months, each failing where it belongs."""

from datetime import timedelta

from models.core.state_machine import SYSTEM, Actor
from models.goods.matches import holding, record
from models.goods.matches.locks import lock_match
from models.goods.matches.match import Match
from models.goods.matches.record import Record
from models.goods.rules import STRICT
from tests.scenes.handover import Handover
from tests.scenes.handover import handover as handover

THINGS = ("暖水瓶", "剪刀", "水桶", "雨伞", "板凳", "镜子", "箩筐", "算盘", "风筝")


def matches(handover: Handover, count: int) -> tuple[list[int], int, int]:
    """So many matches of one donor and one household; returns them, the household and the donor."""
    handover.open_point()
    taker, giver = handover.resident("wang"), handover.donor("qin")
    numbers = []
    for n in range(count):
        offer = handover.give(giver, told=False)
        numbers.append(handover.match(offer, handover.ask(taker, THINGS[n], "other")))
    with handover.session() as db:
        first = db.get_one(Match, numbers[0])
        return numbers, first.household_id, first.donor_id


def test_each_end_counts_for_whose_doing_it_was(handover: Handover) -> None:
    (kept, missed, reneged, silent, refused, unsent, lost), household, donor = matches(handover, 7)
    now = handover.stage.clock()
    handover.advance(kept, "confirmed")
    handover.advance(missed, "at_point")
    for one in (reneged, unsent):
        handover.advance(one, "donor_ok")
    handover.advance(refused, "recipient_ok")
    handover.advance(lost, "in_transit")
    with handover.session() as db:
        holding.leave(db, lock_match(db, missed), now)
        holding.release(db, lock_match(db, reneged), "cancelled", SYSTEM, "household", now)
        holding.release(db, lock_match(db, silent), "lapsed", SYSTEM, "household", now)
        holding.release(db, lock_match(db, refused), "declined", Actor.owner(donor), "donor", now)
        holding.release(db, lock_match(db, unsent), "lapsed", SYSTEM, "donor", now)
        holding.lose(db, lock_match(db, lost), SYSTEM, "carrier", now)
    with handover.session() as db:
        assert record.record_of_household(db, household, now) == Record(kept=1, reneged=1, missed=1)
        assert record.record_of_donor(db, donor, now) == Record(kept=3, reneged=1, missed=1)
        assert record.missed(db, [household, 10**6], now) == {household: 2}
        assert record.missed(db, [household], now + timedelta(days=366)) == {}
        assert record.record_of_household(db, household, now + timedelta(days=366)) == Record()


def test_what_came_after_the_reminder_is_late(handover: Handover) -> None:
    (one,), household, donor = matches(handover, 1)
    handover.advance(one, "donor_ok")
    handover.stage.clock.move(timedelta(days=5))
    handover.advance(one, "at_point")
    handover.stage.clock.move(timedelta(days=8))
    handover.advance(one, "collected")
    now = handover.stage.clock()
    with handover.session() as db:
        assert record.record_of_household(db, household, now) == Record(kept=1, late=1)
        assert record.record_of_donor(db, donor, now) == Record(kept=1, late=1)


def test_a_donor_who_gives_nearly_all_to_one_household_is_seen(handover: Handover) -> None:
    numbers, household, donor = matches(handover, STRICT.one_taker_parts)
    for number in numbers[:-1]:
        handover.advance(number, "collected")
    now = handover.stage.clock()
    with handover.session() as db:
        assert record.gives_to_one(db, donor, household, STRICT, now) is None
    handover.advance(numbers[-1], "collected")
    with handover.session() as db:
        assert record.gives_to_one(db, donor, household, STRICT, now) == STRICT.one_taker_parts
    giver, taker = "qin", handover.resident("li")
    for item in THINGS[-2:]:
        handover.advance(
            handover.match(handover.give(giver, told=False), handover.ask(taker, item, "other")), "collected"
        )
    with handover.session() as db:
        assert record.gives_to_one(db, donor, household, STRICT, now) is None
