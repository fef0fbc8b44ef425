"""News of a need goes in turns: to a few, in a few statements, by index; nobody is missed, or told too often."""

from collections.abc import Callable, Iterator
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
from models.goods.need_notifications import MOST_NOTIFIED, MOST_READ, notify_donors
from models.notifications.mute import mute
from tests.harness.stage import Stage
from tests.harness.tiers import examples
from tests.scenes.goods import LEXICON, LONGHUI, XIANGZIQIAO, YONGZHOU, Village
from tests.scenes.goods import village as village


def test_the_nearest_of_those_whose_turn_it_is_are_told(village: Village) -> None:
    for serial in range(MOST_NOTIFIED):
        village.gave(village.donor(f"far{serial}"), region=LONGHUI)
    village.stage.clock.move(timedelta(minutes=1))
    village.gave(village.donor("near"), region=XIANGZIQIAO)
    village.ask(village.resident("wang"))
    assert village.heard("near")
    assert len(village.who_heard()) == MOST_NOTIFIED
    village.stage.clock.move(timedelta(minutes=1))
    village.ask_again("wang")
    assert len(village.who_heard()) == MOST_NOTIFIED + 1


def test_who_gave_much_of_it_hears_once_and_takes_nobodys_turn(village: Village) -> None:
    village.donor("shop")
    for _ in range(MOST_READ):
        village.gave("shop")
    village.stage.clock.move(timedelta(minutes=1))
    village.gave(village.donor("qin"))
    village.stage.clock.move(timedelta(minutes=1))
    village.ask(village.resident("wang"))
    assert len(village.heard("shop")) == 1
    village.stage.clock.move(timedelta(minutes=1))
    village.ask_again("wang", "棉被")
    assert len(village.heard("qin")) == 1


@given(giving=st.integers(0, 30), deaf=st.sets(st.integers(0, 29)), requests=st.integers(1, 4))
@settings(max_examples=examples(8), suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_nobody_is_told_twice_before_everybody_was(
    database_again: Callable[[], str], giving: int, deaf: set[int], requests: int
) -> None:
    """Whatever the number of those who gave, and whoever of them cannot be told."""
    village = Village(Stage(database_again()))
    names = [village.donor(f"d{serial}") for serial in range(giving)]
    for serial, name in enumerate(names):
        village.gave(name)
        village.stage.clock.move(timedelta(minutes=1))
        if serial in deaf:
            person = village.conversation(name)
            with village.session() as db:
                mute(db, person, "matches", village.stage.clock())
    village.resident("wang")
    for _ in range(requests):
        village.ask_again("wang")
        village.stage.clock.move(timedelta(minutes=1))
    counts = {name: sum(facts["count"] for _, facts in village.heard(name)) for name in names}
    hearing = [counts[name] for serial, name in enumerate(names) if serial not in deaf]
    assert sum(counts.values()) == sum(hearing) == requests * min(MOST_NOTIFIED, len(hearing))
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


@pytest.mark.parametrize("giving", [1, MOST_READ + 5])
def test_it_takes_a_few_statements_however_many_gave(village: Village, giving: int) -> None:
    village.resident("wang")
    for serial in range(giving):
        village.gave(village.donor(f"d{serial}"))
    first, second = village.ask("wang", told=False), village.ask(village.resident("li"), told=False)
    for number in (first, second):  # the second one's news joins the first one's
        with village.session() as db, statements(db) as said:
            notify_donors(db, db.get_one(GoodsRequest, number), village.stage.clock())
        assert len(said) <= 11, [words for words, _ in said]
        village.stage.clock.move(timedelta(minutes=1))


@pytest.mark.planner
def test_those_who_gave_are_found_by_an_index(village: Village) -> None:
    village.gave(village.donor("qin"))
    village.gave("qin", handover="pickup", region=YONGZHOU)
    village.ask(village.resident("wang"), told=False)
    with village.session() as db, statements(db) as said:
        notify_donors(db, db.scalars(select(GoodsRequest)).one(), village.stage.clock())
    asked = [each for each in said if "FROM offers " in each[0] and "turn_at" in each[0].partition("ORDER BY")[2]]
    assert len(asked) == 2
    for words, values in asked:
        plan = explain(village, words, values)
        assert "ix_offers_turn" in plan or "ix_offers_near" in plan, plan


def explain(village: Village, words: str, values: Any) -> str:
    with Database(village.stage.database) as db:
        db.execute(text("SET LOCAL enable_seqscan = off"))  # of one row it would read it all
        plan = db.connection().exec_driver_sql(f"EXPLAIN {words}", values)
        return "\n".join(" ".join(map(str, row)) for row in plan)


def test_what_another_transaction_holds_is_passed_over(village: Village) -> None:
    number = village.gave(village.donor("qin"))
    village.gave(village.donor("sun"))
    village.resident("wang")
    with village.session() as db:
        db.get_one(Offer, number, with_for_update=True)
        village.ask("wang")
        assert village.who_heard() == ["sun"]


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
        assert db.get_one(GoodsRequest, request).sort == "bedding"
