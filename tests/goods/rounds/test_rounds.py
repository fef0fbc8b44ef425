"""A round opens for what can be given, gathers who asks for it, and is drawn once: each is proposed a part."""

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from sqlalchemy import select, update

from models.core.state_machine import Actor, By
from models.goods.exchange import OFFER_MACHINE, GoodsRequest, Offer
from models.goods.matches import holding
from models.goods.matches.locks import lock_match
from models.goods.matches.match import Match
from models.goods.points.point import Shelf
from models.goods.rounds.draw import draw, due_rounds
from models.goods.rules import GoodsRules
from models.people.user import User
from models.staff.decision import Decision
from models.staff.member import Staff
from models.verification.case import Verification
from tests.scenes.goods import GUANGZHOU, LONGHUI, XIANGZIQIAO, YONGZHOU
from tests.scenes.handover import Handover
from tests.scenes.handover import handover as handover
from tests.scenes.rounds import DAY, matches, rounds, rows, sweep


def set_request(scene: Handover, number: int, **values: object) -> None:
    with scene.session() as db:
        db.execute(update(GoodsRequest).where(GoodsRequest.id == number).values(**values))


# --- Opening


def test_an_offer_that_somebody_asks_for_gathers_for_a_day(handover: Handover) -> None:
    handover.open_point()
    handover.ask(handover.resident("wang"))
    assert not rounds(handover)
    handover.give(handover.donor("qin"))
    [opened] = rounds(handover)
    assert (opened.state, opened.rule, opened.closes_at - opened.opens_at) == ("gathering", 1, DAY)
    handover.ask(handover.resident("li"))
    assert len(rounds(handover)) == 1


def test_a_request_opens_a_round_for_an_offer_that_nobody_wanted(handover: Handover) -> None:
    handover.open_point()
    handover.give(handover.donor("qin"))
    assert not rounds(handover)
    handover.ask(handover.resident("wang"))
    assert [each.offer_id for each in rounds(handover)] == [1]


def test_what_spoils_soon_gathers_for_hours(handover: Handover) -> None:
    handover.open_point()
    handover.ask(handover.resident("wang"), "油", "oil")
    today = handover.stage.clock().date()
    handover.give(handover.donor("qin"), "菜籽油", "oil", best_before=today + timedelta(days=20))
    handover.give("qin", "茶油", "oil", best_before=today + timedelta(days=90))
    assert [each.closes_at - each.opens_at for each in rounds(handover)] == [timedelta(hours=4), DAY]


def alone(scene: Handover) -> None:
    """Nobody asks."""


def other_sort(scene: Handover) -> None:
    scene.ask("wang", "铅笔", "books")


def other_measure(scene: Handover) -> None:
    set_request(scene, scene.ask("wang"), unit="jin")


def unlooked(scene: Handover) -> None:
    set_request(scene, scene.ask("wang"), looked_at=None)


def all_promised(scene: Handover) -> None:
    set_request(scene, scene.ask("wang"), promised=2)


def doubted(scene: Handover) -> None:
    scene.ask("wang")
    with scene.session() as db:
        db.execute(update(Verification).values(state="suspended"))


def lapsed(scene: Handover) -> None:
    scene.ask("wang")
    with scene.session() as db:
        db.execute(update(Verification).values(expires_at=scene.stage.clock()))


def too_little(scene: Handover) -> None:
    set_request(scene, scene.ask("wang"), quantity=1)


def elsewhere(scene: Handover) -> None:
    """No point is open in Longhui."""
    scene.ask(scene.resident("far", LONGHUI))


@pytest.mark.parametrize(
    "asks", [alone, other_sort, other_measure, unlooked, all_promised, doubted, lapsed, too_little, elsewhere]
)
def test_where_nobody_could_get_anything_no_round_opens(handover: Handover, asks: Callable[[Handover], None]) -> None:
    handover.open_point()
    handover.resident("wang")
    asks(handover)
    offer = handover.give(handover.donor("qin"), told=False)
    with handover.session() as db:
        db.execute(update(Offer).values(smallest=2))
    sweep(handover, after=timedelta(hours=1))
    sweep(handover, after=timedelta(hours=1))
    assert not rounds(handover)
    with handover.session() as db:
        assert db.get_one(Offer, offer).turn_at == handover.stage.clock()


@pytest.mark.parametrize(
    "values",
    [{"sort": None}, {"state": "withdrawn"}, {"best_before": date(2020, 1, 1)}, {"available": 0, "reserved": 9}],
)
def test_what_cannot_be_given_gets_no_round(handover: Handover, values: dict[str, object]) -> None:
    handover.open_point()
    handover.ask(handover.resident("wang"))
    handover.give(handover.donor("qin"), told=False)
    with handover.session() as db:
        db.execute(update(Offer).values(**values))
    sweep(handover, after=timedelta(hours=1))
    assert not rounds(handover)


def test_what_is_to_be_fetched_is_for_its_city(handover: Handover) -> None:
    handover.open_point()
    handover.ask(handover.resident("wang"))
    handover.give(handover.donor("qin"), handover="pickup", region=GUANGZHOU)
    assert not rounds(handover)
    handover.give("qin", handover="pickup", region=YONGZHOU)
    assert len(rounds(handover)) == 1
    sweep(handover, after=DAY)
    [row] = rows(handover)
    assert row.near == 2  # the city alone


# --- The draw


def test_who_needs_it_more_or_waits_longer_comes_first(handover: Handover) -> None:
    handover.open_point()
    first = handover.ask(handover.resident("wang"))
    handover.stage.clock.move(30 * DAY)
    second = handover.ask(handover.resident("li"))
    handover.give(handover.donor("qin"))
    sweep(handover, after=DAY)
    one, other = rows(handover)
    assert (one.request_id, one.place, one.waited, one.need, one.given) == (first, 1, 31, 10, 2)
    assert (other.request_id, other.place, other.waited, other.given) == (second, 2, 1, 2)
    assert matches(handover) == [(first, 2, "proposed"), (second, 2, "proposed")]
    [drawn] = rounds(handover)
    assert (drawn.state, drawn.there) == ("drawn", 9)


def test_first_parts_go_round_before_second_parts(handover: Handover) -> None:
    handover.open_point()
    for name in ("wang", "li", "zhao"):
        handover.ask(handover.resident(name))
        handover.stage.clock.move(DAY)
    handover.give(handover.donor("qin"), told=False)
    with handover.session() as db:
        db.execute(update(Offer).values(initial=4, available=4))
    sweep(handover, after=timedelta(hours=1))
    sweep(handover, after=DAY)
    assert [row.given for row in rows(handover)] == [2, 1, 1]
    with handover.session() as db:
        assert (db.get_one(Offer, 1).available, db.get_one(Offer, 1).state) == (0, "exhausted")


def test_a_round_is_drawn_once(handover: Handover) -> None:
    handover.open_point()
    handover.ask(handover.resident("wang"))
    handover.give(handover.donor("qin"))
    handover.stage.clock.move(DAY)
    for drawn in (True, False):
        with handover.session() as db:
            assert due_rounds(db, handover.stage.clock()) == ([1] if drawn else [])
            assert draw(db, 1, handover.stage.clock()) is drawn
    assert len(matches(handover)) == 1


def test_a_draw_that_dies_leaves_the_round_gathering(handover: Handover, monkeypatch: pytest.MonkeyPatch) -> None:
    handover.open_point()
    handover.ask(handover.resident("wang"))
    handover.give(handover.donor("qin"))
    with monkeypatch.context() as broken:
        broken.setattr("models.goods.rounds.draw.propose", lambda *_: 1 / 0)
        sweep(handover, after=DAY)
    assert [each.state for each in rounds(handover)] == ["gathering"]
    assert not rows(handover)
    sweep(handover)
    assert [each.state for each in rounds(handover)] == ["drawn"]


def test_what_was_withdrawn_meanwhile_makes_the_round_void(handover: Handover) -> None:
    handover.open_point()
    handover.ask(handover.resident("wang"))
    offer = handover.give(handover.donor("qin"))
    with handover.session() as db:
        db.execute(update(Offer).where(Offer.id == offer).values(state="withdrawn"))
    sweep(handover, after=DAY)
    assert [each.state for each in rounds(handover)] == ["void"]
    assert not matches(handover)


def test_an_offer_that_another_transaction_holds_is_drawn_by_the_next_run(handover: Handover) -> None:
    handover.open_point()
    handover.ask(handover.resident("wang"))
    offer = handover.give(handover.donor("qin"))
    handover.stage.clock.move(DAY)
    with handover.session() as db:
        db.get_one(Offer, offer, with_for_update=True)
        sweep(handover)
        assert [each.state for each in rounds(handover)] == ["gathering"]
    sweep(handover)
    assert [each.state for each in rounds(handover)] == ["drawn"]


def test_a_household_has_one_place_however_it_splits_its_wish(handover: Handover) -> None:
    handover.open_point()
    longest = handover.ask(handover.resident("wang"))
    beside = handover.ask(handover.resident("son"))
    with handover.session() as db:
        household = db.get_one(GoodsRequest, longest).household_id
    set_request(handover, beside, household_id=household, beside=beside)
    handover.give(handover.donor("qin"))
    sweep(handover, after=DAY)
    assert [row.request_id for row in rows(handover)] == [longest]
    sweep(handover, after=timedelta(hours=1))
    # While it holds a part of the offer, none of its wishes takes part again.
    assert len(rounds(handover)) == 1


# --- Who gets nothing, and why


def bars(scene: Handover) -> list[tuple[str | None, int]]:
    return [(row.barred, row.given) for row in rows(scene)]


def test_the_donors_household_gets_nothing_of_its_own(handover: Handover) -> None:
    handover.open_point()
    handover.ask(handover.resident("wang"))
    handover.ask(handover.resident("li"))
    handover.give("wang")
    sweep(handover, after=DAY)
    assert bars(handover) == [(None, 2), ("donor", 0)]


@pytest.mark.parametrize("of", ["offer", "request"])
def test_kin_of_who_decided_get_nothing(handover: Handover, of: str) -> None:
    handover.open_point()
    handover.stage.appoint("o-officer", "village")
    kin = handover.ask(handover.resident("wang"))
    handover.ask(handover.resident("li"))
    offer = handover.give(handover.donor("qin"))
    with handover.session() as db:
        officer = db.scalars(select(Staff).where(Staff.openid == "o-officer")).one()
        officer.household_id = db.get_one(User, handover.people["wang"]).household_id
        number = offer if of == "offer" else kin
        row = {"subject": of, "subject_id": number, "region_code": officer.region_code, "role": "village"}
        db.add(Decision(**row, staff_id=officer.id, verdict="pass", at=handover.stage.clock()))
    sweep(handover, after=DAY)
    assert bars(handover) == [(None, 2), ("kin", 0)]


def test_the_keepers_household_collects_at_another_point(handover: Handover) -> None:
    near = handover.open_point()
    other = handover.open_point("o-keeper2", XIANGZIQIAO, "祥霖铺的小店")
    handover.ask(handover.resident("wang"))
    handover.ask(handover.resident("li"))
    with handover.session() as db:
        household = db.get_one(User, handover.people["wang"]).household_id
        db.execute(update(Staff).where(Staff.openid == "o-keeper").values(household_id=household))
    handover.give(handover.donor("qin"))
    sweep(handover, after=DAY)
    with handover.session() as db:
        points = {each.household_id: each.point_id for each in db.scalars(select(Match))}
    assert points[household or 0] == other
    assert sorted(points.values()) == [near, other]


def test_who_has_no_point_is_kept_for_the_county_to_see(handover: Handover) -> None:
    handover.open_point()
    far = handover.ask(handover.resident("far", LONGHUI))
    handover.ask(handover.resident("wang"))
    handover.give(handover.donor("qin"))
    sweep(handover, after=DAY)
    assert bars(handover) == [(None, 2), ("no_point", 0)]
    assert rows(handover)[1].request_id == far


def test_who_said_no_is_not_asked_again_for_the_same(handover: Handover) -> None:
    handover.open_point()
    handover.ask(handover.resident("wang"))
    handover.give(handover.donor("qin"))
    sweep(handover, after=DAY)
    with handover.session() as db:
        held = lock_match(db, 1)
        holding.release(db, held, "declined", Actor.owner(held.request.owner_id), "household", handover.stage.clock())
    sweep(handover, after=timedelta(hours=1))
    assert len(rounds(handover)) == 1
    later = handover.ask(handover.resident("li"))
    sweep(handover, after=DAY)
    assert [(row.request_id, row.barred) for row in rows(handover, 2)] == [(later, None), (1, "said_no")]


def test_a_donors_no_bars_nobody(handover: Handover) -> None:
    handover.open_point()
    handover.ask(handover.resident("wang"))
    handover.give(handover.donor("qin"))
    sweep(handover, after=DAY)
    handover.advance(1, "recipient_ok")
    with handover.session() as db:
        held = lock_match(db, 1)
        holding.release(db, held, "declined", Actor.owner(held.offer.donor_id), "donor", handover.stage.clock())
    sweep(handover, after=timedelta(hours=1))
    sweep(handover, after=DAY)
    assert matches(handover) == [(1, 2, "declined"), (1, 2, "proposed")]


# --- What the rule knows


@pytest.mark.parametrize(("ago", "helped", "missed"), [(timedelta(), 24, 1), (timedelta(days=366), 0, 0)])
def test_help_and_what_was_left_lying_count_for_a_year(
    handover: Handover, ago: timedelta, helped: int, missed: int
) -> None:
    handover.open_point()
    handover.resident("wang")
    offers = [handover.give(handover.donor(name), told=False) for name in ("a", "b", "c")]
    wishes = (("厚被子", "clothes", "collected"), ("棉鞋", "clothes", "confirmed"), ("铅笔", "books", "at_point"))
    for offer, (item, category, to) in zip(offers, wishes, strict=True):
        handover.advance(handover.match(offer, handover.ask("wang", item, category, told=False)), to)
    with handover.session() as db:
        holding.leave(db, lock_match(db, 3), handover.stage.clock())
        for match in db.scalars(select(Match)):
            match.collected_at = match.collected_at and match.collected_at - ago
            match.ended_at = match.ended_at and match.ended_at - ago
        db.execute(update(GoodsRequest).values(state="withdrawn"))
        db.execute(update(Offer).values(state="withdrawn"))
    handover.ask("wang")
    handover.give(handover.donor("qin"))
    sweep(handover, after=DAY)
    [row] = rows(handover, rounds(handover)[-1].id)
    assert (row.helped, row.missed) == (helped, missed)


def test_off_first_come_is_first_served_and_at_once(handover: Handover) -> None:
    handover.open_point()
    handover.ask(handover.resident("wang"))
    handover.stage.clock.move(timedelta(minutes=1))
    handover.ask(handover.resident("li"))
    with handover.session() as db:
        db.execute(update(GoodsRequest).where(GoodsRequest.id == 1).values(waits_from=handover.stage.clock()))
    handover.give(handover.donor("qin"), told=False)
    off = GoodsRules(fair=False)
    sweep(handover, after=timedelta(hours=1), rules=off)
    sweep(handover, rules=off)
    [drawn] = rounds(handover)
    assert (drawn.rule, drawn.state) == (0, "drawn")
    assert [(row.request_id, row.score, row.lot) for row in rows(handover)] == [(1, 0, "00000001"), (2, 0, "00000002")]


# --- Shelves


def shelved(scene: Handover) -> None:
    """Two lie at the point that the first household did not collect; its offer is exhausted."""
    scene.open_point()
    scene.advance(
        scene.match(scene.give(scene.donor("qin"), told=False), scene.ask(scene.resident("wang"), told=False)),
        "at_point",
    )
    with scene.session() as db:
        holding.leave(db, lock_match(db, 1), scene.stage.clock())
        offer = db.get_one(Offer, 1)
        offer.state, offer.available, offer.reserved, offer.delivered = "exhausted", 0, 2, 7


def test_what_lies_at_a_point_is_offered_anew_there(handover: Handover) -> None:
    shelved(handover)
    handover.open_point("o-other", LONGHUI, "隆回的小店")
    handover.ask(handover.resident("far", LONGHUI))
    sweep(handover, after=timedelta(hours=1))
    assert len(rounds(handover)) == 1, "nobody of the place asks but who left it"
    li = handover.ask(handover.resident("li"))
    sweep(handover, after=timedelta(hours=1))
    sweep(handover, after=DAY)
    assert [(row.request_id, row.barred) for row in rows(handover, 2)] == [(li, None), (1, "said_no")]
    with handover.session() as db:
        match = db.get_one(Match, 2)
        assert (match.shelf_id, match.quantity) == (1, 2)
        assert db.get_one(Shelf, 1).quantity == 0
        offer = db.get_one(Offer, 1)
        assert (offer.reserved, offer.available) == (2, 0)
    handover.advance(2, "recipient_ok")
    assert handover.state_of(2) == "at_point"


@pytest.mark.parametrize(("by", "opened"), [(Actor(By.COUNTY, "staff:9"), 1), (Actor.owner(1), 2)])
def test_what_officers_took_down_is_not_offered_at_the_point(handover: Handover, by: Actor, opened: int) -> None:
    shelved(handover)
    with handover.session() as db:
        OFFER_MACHINE.move(db, db.get_one(Offer, 1), "withdrawn", by, handover.stage.clock())
    handover.ask(handover.resident("li"))
    sweep(handover, after=timedelta(hours=1))
    assert len(rounds(handover)) == opened
