"""News of the like goes in turns: to a few, in a few statements, by index; nobody is missed, or told too often."""

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, select, text, update
from sqlalchemy.orm import Session as Database

from bot.goods import sort_goods as goods_sorting
from bot.goods.sort_goods import sort_goods
from models.goods.exchange import GoodsRequest, Offer
from models.goods.match_notifications import MOST_NOTIFIED, MOST_READ, notify_donors, notify_households
from models.notifications.mute import mute
from models.notifications.notification import Notification
from tests.harness.stage import Stage
from tests.harness.tiers import examples
from tests.scenes.goods import LEXICON, LONGHUI, XIANGZIQIAO, YONGZHOU, Village
from tests.scenes.goods import village as village

# --- Once a day, in turns


def test_many_in_a_day_are_one_word(village: Village) -> None:
    village.ask(village.resident("wang"))
    for name in ("a", "b", "c"):
        last = village.give(village.donor(name), f"新棉被{name}")
        village.stage.clock.move(timedelta(hours=1))
    [(_, facts)] = village.heard("wang")
    assert (facts["count"], facts["offer"], facts["offered"]) == (3, last, "新棉被c")
    with village.session() as db:
        db.execute(update(Notification).values(state="sent", sent_at=village.stage.clock()))
    village.stage.clock.move(timedelta(hours=20))
    village.give("a")
    with village.session() as db:
        first, second = db.scalars(
            select(Notification).where(Notification.template == "match_found").order_by(Notification.id)
        )
        assert first.sent_at
        assert second.due_at == first.sent_at + timedelta(days=1)
        assert json.loads(second.facts)["count"] == 1


def test_who_has_waited_longest_is_told_first_and_then_it_is_the_others_turn(village: Village) -> None:
    names = [village.resident(f"r{serial}") for serial in range(MOST_NOTIFIED + 5)]
    for name in names:
        village.ask(name, told=False)
        village.stage.clock.move(timedelta(minutes=1))
    village.give(village.donor("qin"))
    assert village.who_heard() == names[:MOST_NOTIFIED]
    village.stage.clock.move(timedelta(minutes=1))
    village.give("qin")
    assert village.who_heard() == names
    counts = [sum(facts["count"] for _, facts in village.heard(name)) for name in names]
    assert counts == [2] * (MOST_NOTIFIED - 5) + [1] * 10


def test_the_nearest_of_those_whose_turn_it_is_are_told(village: Village) -> None:
    for serial in range(MOST_NOTIFIED):
        village.ask(village.resident(f"far{serial}", LONGHUI), told=False)
    village.stage.clock.move(timedelta(minutes=1))
    village.ask(village.resident("near"), told=False)
    village.give(village.donor("qin"), region=XIANGZIQIAO)
    assert village.heard("near")
    assert len(village.who_heard()) == MOST_NOTIFIED
    village.stage.clock.move(timedelta(minutes=1))
    village.give("qin", region=XIANGZIQIAO)
    assert len(village.who_heard()) == MOST_NOTIFIED + 1


def test_who_gives_much_of_it_hears_once_and_takes_nobodys_turn(village: Village) -> None:
    village.donor("shop")
    for _ in range(MOST_READ):
        village.give("shop", told=False)
    village.stage.clock.move(timedelta(minutes=1))
    village.give(village.donor("qin"), told=False)
    village.stage.clock.move(timedelta(minutes=1))
    village.ask(village.resident("wang"))
    assert len(village.heard("shop")) == 1
    village.stage.clock.move(timedelta(minutes=1))
    village.ask_again("wang", "棉被")
    assert len(village.heard("qin")) == 1


@given(
    waiting=st.integers(0, 30),
    deaf=st.sets(st.integers(0, 29)),
    offers=st.integers(1, 4),
)
@settings(max_examples=examples(8), suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_nobody_is_told_twice_before_everybody_was(
    database_again: Callable[[], str], waiting: int, deaf: set[int], offers: int
) -> None:
    """Whatever the number of those who wait, and whoever of them cannot be told."""
    village = Village(Stage(database_again()))
    names = [village.resident(f"r{serial}") for serial in range(waiting)]
    for serial, name in enumerate(names):
        village.ask(name, told=False)
        village.stage.clock.move(timedelta(minutes=1))
        if serial in deaf:
            person = village.conversation(name)
            with village.session() as db:
                mute(db, person, "matches", village.stage.clock())
    village.donor("qin")
    for _ in range(offers):
        village.give("qin")
        village.stage.clock.move(timedelta(minutes=1))
    counts = {name: sum(facts["count"] for _, facts in village.heard(name)) for name in names}
    hearing = [counts[name] for serial, name in enumerate(names) if serial not in deaf]
    assert sum(counts.values()) == sum(hearing) == offers * min(MOST_NOTIFIED, len(hearing))
    assert max(hearing, default=0) - min(hearing, default=0) <= 1
    assert hearing == sorted(hearing, reverse=True)
    village.stage.close()


# --- What it costs


@contextmanager
def statements(db: Database) -> Iterator[list[tuple[str, Any]]]:
    said: list[tuple[str, Any]] = []
    connection = db.connection()

    def listen(*args: Any) -> None:
        said.append((args[2], args[3]))

    event.listen(connection, "before_cursor_execute", listen)
    yield said
    event.remove(connection, "before_cursor_execute", listen)


@pytest.mark.parametrize("waiting", [1, MOST_READ + 5])
def test_it_takes_a_few_statements_however_many_wait(village: Village, waiting: int) -> None:
    village.donor("qin")
    for serial in range(waiting):
        village.ask(village.resident(f"r{serial}"), told=False)
    first, second = village.give("qin", told=False), village.give("qin", told=False)
    for number in (first, second):  # the second one's news joins the first one's
        with village.session() as db, statements(db) as said:
            notify_households(db, db.get_one(Offer, number), village.stage.clock())
        assert len(said) <= 9, [words for words, _ in said]
        village.stage.clock.move(timedelta(minutes=1))


@pytest.mark.planner
def test_those_who_wait_are_found_by_an_index(village: Village) -> None:
    village.ask(village.resident("wang"), told=False)
    village.give(village.donor("qin"), told=False)
    village.give("qin", told=False, handover="pickup", region=YONGZHOU)
    with village.session() as db, statements(db) as said:
        for offer in db.scalars(select(Offer)).all():
            notify_households(db, offer, village.stage.clock())
        notify_donors(db, db.scalars(select(GoodsRequest)).one(), village.stage.clock())
    for table in ("offers", "goods_requests"):
        asked = [each for each in said if f"FROM {table} " in each[0] and "turn_at" in each[0].partition("ORDER BY")[2]]
        assert len(asked) == 2
        for words, values in asked:
            assert f"ix_{table}_turn" in (plan := explain(village, words, values)) or f"ix_{table}_near" in plan, plan


def explain(village: Village, words: str, values: Any) -> str:
    with Database(village.stage.database) as db:
        db.execute(text("SET LOCAL enable_seqscan = off"))  # of one row it would read it all
        plan = db.connection().exec_driver_sql(f"EXPLAIN {words}", values)
        return "\n".join(" ".join(map(str, row)) for row in plan)


# --- At once


def test_an_offer_and_a_request_of_one_moment_do_not_miss_each_other(village: Village) -> None:
    """For each pair exactly one of the two hears: who came first."""
    pairs = 6
    for serial in range(pairs):
        village.resident(f"r{serial}")
        village.donor(f"d{serial}")
    ready = threading.Barrier(2 * pairs)

    def act(name: str) -> None:
        ready.wait()
        (village.ask if name.startswith("r") else village.give)(name)

    with ThreadPoolExecutor(2 * pairs) as pool:
        list(pool.map(act, list(village.people)))
    told = [facts["count"] for name in village.people for _, facts in village.heard(name)]
    assert sum(told) == pairs * pairs


def test_withdrawing_while_others_are_told_waits_for_nobody(village: Village) -> None:
    """What somebody else holds just now is passed over."""
    number = village.ask(village.resident("wang"), told=False)
    village.ask(village.resident("li"), told=False)
    village.donor("qin")
    with village.session() as db:
        request = db.get_one(GoodsRequest, number, with_for_update=True)
        village.give("qin")
        assert village.who_heard() == ["li"]
        request.state = "withdrawn"


# --- When the words for sorts have changed


def test_what_is_not_over_is_put_into_todays_sorts(village: Village, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(goods_sorting, "_PAGE", 2)
    village.donor("qin"), village.resident("wang")
    offers = [village.give("qin", told=False) for _ in range(5)]
    request = village.ask("wang", told=False)
    with village.session() as db:
        db.execute(update(Offer).values(sort=None))
        db.execute(update(Offer).where(Offer.id == offers[1]).values(state="withdrawn"))
        db.execute(update(GoodsRequest).values(sort="of another list"))
    assert sort_goods(village.stage.database, LEXICON) == 5
    assert sort_goods(village.stage.database, LEXICON) == 0
    with village.session() as db:
        assert list(db.scalars(select(Offer.sort).order_by(Offer.id))) == ["bedding", None, *["bedding"] * 3]
        notify_donors(db, db.get_one(GoodsRequest, request), village.stage.clock())
    assert village.who_heard() == ["qin"]
