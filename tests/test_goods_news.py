"""Who hears that the like of what they ask for, or of what they give away, has come: in turns, and never too many."""

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, select, text, update
from sqlalchemy.orm import Session as Database

from bot.lexicon import load_lexicon
from flows.sorts import sort_of
from models.conversation import Conversation
from models.goods import OFFER_MACHINE, GoodsRequest, NewOffer, NewRequest, Offer, make_offer, make_request
from models.goods_news import LOOKED_AT, MOST_TOLD, tell_donors, tell_households
from models.machine import SYSTEM
from models.mute import mute
from models.notice import Notice
from models.user import User
from tests.stage import DAOXIAN_MEIHUA, Stage, seed_regions

LEXICON = load_lexicon()
XIANGZIQIAO, LONGHUI, GUANGZHOU, YONGZHOU = "431124102000", "430524101000", "440106000000", "431103000000"
REASON = "家里只有两床薄被，想让老人和孩子睡得暖一点。"


@dataclass
class Village:
    """People who ask and give, past the door."""

    stage: Stage
    serials: Iterator[int] = field(default_factory=count)
    people: dict[str, int] = field(default_factory=dict)

    def resident(self, name: str, region: str = DAOXIAN_MEIHUA) -> str:
        self.people[name] = self.stage.register(f"o-{name}", "resident", region)
        return name

    def donor(self, name: str) -> str:
        self.people[name] = self.stage.register(f"o-{name}", "donor")
        return name

    @contextmanager
    def session(self) -> Iterator[Database]:
        with Database(self.stage.database, expire_on_commit=False) as db, db.begin():
            yield db

    def ask(self, name: str, item: str = "厚被子", category: str = "clothes", *, told: bool = True) -> int:
        draft = str(next(self.serials))
        with self.session() as db:
            owner = db.get_one(User, self.people[name])
            sort = sort_of(category, item, LEXICON)
            wanted = NewRequest(draft, category, item, "piece", 2, REASON, owner.region_code or "", sort)
            request = make_request(db, wanted, owner, self.stage.clock())
            if told:
                tell_donors(db, request, self.stage.clock())
            return request.id

    def give(
        self,
        name: str,
        item: str = "新棉被",
        category: str = "clothes",
        *,
        handover: str = "post",
        region: str = GUANGZHOU,
        best_before: date | None = None,
        told: bool = True,
    ) -> int:
        draft = str(next(self.serials))
        with self.session() as db:
            sort = sort_of(category, item, LEXICON)
            wanted = NewOffer(draft, category, item, "piece", 9, "new", best_before, handover, region, sort)
            offer = make_offer(db, wanted, db.get_one(User, self.people[name]), self.stage.clock())
            if told:
                tell_households(db, offer, self.stage.clock())
            return offer.id

    def conversation(self, name: str) -> int:
        return self.stage.person(f"o-{name}")

    def heard(self, name: str) -> list[tuple[str, dict[str, Any]]]:
        """Kinds and facts of what this one was told about goods, the oldest first."""
        kinds = ("match_found", "need_found")
        with self.session() as db:
            theirs = select(Notice).where(Notice.conversation_id == self.conversation(name), Notice.template.in_(kinds))
            return [(notice.template, json.loads(notice.facts)) for notice in db.scalars(theirs.order_by(Notice.id))]

    def who_heard(self) -> list[str]:
        return [name for name in self.people if self.heard(name)]


@pytest.fixture
def village(database_url: str) -> Iterator[Village]:
    seed_regions(database_url)
    stage = Stage(database_url)
    yield Village(stage)
    stage.close()


# --- Who is told what


def test_a_household_hears_of_the_like_of_what_it_asks_for(village: Village) -> None:
    request = village.ask(village.resident("wang"))
    village.ask(village.resident("li"), "棉鞋")
    village.ask(village.resident("zhao"), "厚被子", "household")
    offer = village.give(village.donor("qin"))
    facts = {"number": request, "item": "厚被子", "offer": offer, "offered": "新棉被", "count": 1}
    assert village.heard("wang") == [("match_found", facts)]
    assert village.who_heard() == ["wang"]


def test_a_donor_hears_who_asks_for_the_like_of_what_they_give(village: Village) -> None:
    offer = village.give(village.donor("qin"))
    village.give(village.donor("sun"), "棉鞋")
    request = village.ask(village.resident("wang"))
    facts = {"number": offer, "item": "新棉被", "request": request, "wanted": "厚被子", "count": 1}
    assert village.heard("qin") == [("need_found", {**facts, "place": "湖南省永州市道县梅花镇"})]
    assert village.who_heard() == ["qin"]


def test_nobody_hears_of_their_own_or_of_their_households(village: Village) -> None:
    village.resident("wang")
    village.resident("son")
    with village.session() as db:
        household = db.get_one(User, village.people["wang"]).household_id
        db.execute(update(User).where(User.id == village.people["son"]).values(household_id=household))
    village.ask("wang")
    village.give("wang")
    village.give("son")
    assert village.who_heard() == []
    village.ask("son")
    assert village.who_heard() == []


@pytest.mark.parametrize("state", ["met", "withdrawn", "expired", "draft"])
def test_a_request_that_is_over_brings_no_news(village: Village, state: str) -> None:
    number = village.ask(village.resident("wang"), told=False)
    village.give(village.donor("qin"), told=False)
    with village.session() as db:
        db.execute(update(GoodsRequest).where(GoodsRequest.id == number).values(state=state))
    village.give("qin")
    with village.session() as db:
        tell_donors(db, db.get_one(GoodsRequest, number), village.stage.clock())
    assert village.who_heard() == []


@pytest.mark.parametrize("state", ["exhausted", "withdrawn", "expired", "screened", "draft"])
def test_an_offer_that_is_over_brings_no_news(village: Village, state: str) -> None:
    number = village.give(village.donor("qin"), told=False)
    village.ask(village.resident("wang"), told=False)
    with village.session() as db:
        db.execute(update(Offer).where(Offer.id == number).values(state=state))
    village.ask("wang")
    with village.session() as db:
        tell_households(db, db.get_one(Offer, number), village.stage.clock())
    assert village.who_heard() == []


def test_what_is_all_reserved_brings_no_news_until_it_is_free_again(village: Village) -> None:
    number = village.give(village.donor("qin"), told=False)
    with village.session() as db:
        db.execute(update(Offer).where(Offer.id == number).values(available=0, reserved=9))
    village.ask(village.resident("wang"))
    assert village.who_heard() == []
    with village.session() as db:
        offer = db.get_one(Offer, number)
        OFFER_MACHINE.move(db, offer, "exhausted", SYSTEM, village.stage.clock())
        offer.available, offer.reserved = 9, 0
        OFFER_MACHINE.move(db, offer, "available", SYSTEM, village.stage.clock())
        tell_households(db, offer, village.stage.clock())
    assert village.who_heard() == ["wang"]


def test_what_is_past_its_day_brings_no_news(village: Village) -> None:
    village.donor("qin"), village.donor("sun"), village.resident("wang")
    village.give("qin", "菜籽油", "oil", best_before=date(2026, 12, 31))
    village.give("sun", "菜籽油", "oil", best_before=date(2027, 1, 1))
    # The last hours of 31 December in London are 1 January in China.
    village.stage.clock.now = village.stage.clock.now.replace(month=12, day=31, hour=15, minute=59)
    village.ask("wang", "油", "oil")
    assert village.who_heard() == ["sun"]
    village.stage.clock.move(timedelta(minutes=1))
    village.ask("wang", "油", "oil")
    assert len(village.heard("sun")) == 1


def test_what_must_be_fetched_is_told_of_within_its_city_only(village: Village) -> None:
    village.ask(village.resident("wang"))
    village.ask(village.resident("far", LONGHUI))
    village.give(village.donor("qin"), handover="pickup", region=YONGZHOU)
    assert village.who_heard() == ["wang"]
    village.give(village.donor("sun"), handover="pickup", region=GUANGZHOU)
    village.ask("far")
    village.ask("wang")
    assert [len(village.heard(name)) for name in ("wang", "far", "qin", "sun")] == [1, 0, 1, 0]


def test_who_muted_left_or_was_erased_is_passed_over(village: Village) -> None:
    for name in ("muted", "left", "erased", "wang"):
        village.ask(village.resident(name), told=False)
        village.give(name, "铅笔", "books", told=False)
    muted, gone = village.conversation("muted"), village.conversation("left")
    with village.session() as db:
        mute(db, muted, "matches", village.stage.clock())
        left = update(Conversation).where(Conversation.id == gone)
        db.execute(left.values(following=False))
        db.execute(update(User).where(User.id == village.people["erased"]).values(state="erased"))
    village.give(village.donor("qin"))
    village.ask(village.resident("li"), "彩笔", "books")
    assert village.who_heard() == ["wang"]
    assert [kind for kind, _ in village.heard("wang")] == ["match_found", "need_found"]


def test_what_no_word_of_ours_ever_sorted_is_the_like_of_nothing(village: Village) -> None:
    """Rows from before there were sorts."""
    number = village.ask(village.resident("wang"), told=False)
    with village.session() as db:
        db.execute(update(GoodsRequest).where(GoodsRequest.id == number).values(sort=None))
    offer = village.give(village.donor("qin"))
    with village.session() as db:
        db.execute(update(Offer).where(Offer.id == offer).values(sort=None))
    village.ask("wang")
    assert village.who_heard() == []


# --- Once a day, in turns


def test_many_in_a_day_are_one_word(village: Village) -> None:
    village.ask(village.resident("wang"))
    for name in ("a", "b", "c"):
        last = village.give(village.donor(name), f"新棉被{name}")
        village.stage.clock.move(timedelta(hours=1))
    [(_, facts)] = village.heard("wang")
    assert (facts["count"], facts["offer"], facts["offered"]) == (3, last, "新棉被c")
    with village.session() as db:
        db.execute(update(Notice).values(state="sent", sent_at=village.stage.clock()))
    village.stage.clock.move(timedelta(hours=20))
    village.give("a")
    with village.session() as db:
        first, second = db.scalars(select(Notice).where(Notice.template == "match_found").order_by(Notice.id))
        assert second.due_at == first.sent_at + timedelta(days=1)
        assert json.loads(second.facts)["count"] == 1


def test_who_has_waited_longest_is_told_first_and_then_it_is_the_others_turn(village: Village) -> None:
    names = [village.resident(f"r{serial}") for serial in range(MOST_TOLD + 5)]
    for name in names:
        village.ask(name, told=False)
        village.stage.clock.move(timedelta(minutes=1))
    village.give(village.donor("qin"))
    assert village.who_heard() == names[:MOST_TOLD]
    village.stage.clock.move(timedelta(minutes=1))
    village.give("qin")
    assert village.who_heard() == names
    counts = [sum(facts["count"] for _, facts in village.heard(name)) for name in names]
    assert counts == [2] * (MOST_TOLD - 5) + [1] * 10


def test_the_nearest_of_those_whose_turn_it_is_are_told(village: Village) -> None:
    for serial in range(MOST_TOLD):
        village.ask(village.resident(f"far{serial}", LONGHUI), told=False)
    village.stage.clock.move(timedelta(minutes=1))
    village.ask(village.resident("near"), told=False)
    village.give(village.donor("qin"), region=XIANGZIQIAO)
    assert village.heard("near")
    assert len(village.who_heard()) == MOST_TOLD
    village.stage.clock.move(timedelta(minutes=1))
    village.give("qin", region=XIANGZIQIAO)
    assert len(village.who_heard()) == MOST_TOLD + 1


def test_who_gives_much_of_it_hears_once_and_takes_nobodys_turn(village: Village) -> None:
    village.donor("shop")
    for _ in range(LOOKED_AT):
        village.give("shop", told=False)
    village.stage.clock.move(timedelta(minutes=1))
    village.give(village.donor("qin"), told=False)
    village.stage.clock.move(timedelta(minutes=1))
    village.ask(village.resident("wang"))
    assert len(village.heard("shop")) == 1
    village.stage.clock.move(timedelta(minutes=1))
    village.ask("wang", "棉被")
    assert len(village.heard("qin")) == 1


@given(
    waiting=st.integers(0, 30),
    deaf=st.sets(st.integers(0, 29)),
    offers=st.integers(1, 4),
)
@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_nobody_is_told_twice_before_everybody_was(
    new_database: Callable[[str], str], waiting: int, deaf: set[int], offers: int
) -> None:
    """Whatever the number of those who wait, and whoever of them cannot be told."""
    url = new_database("sqlite")
    seed_regions(url)
    village = Village(Stage(url))
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
    assert sum(counts.values()) == sum(hearing) == offers * min(MOST_TOLD, len(hearing))
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


@pytest.mark.parametrize("waiting", [1, LOOKED_AT + 5])
def test_it_takes_a_few_statements_however_many_wait(village: Village, waiting: int) -> None:
    village.donor("qin")
    for serial in range(waiting):
        village.ask(village.resident(f"r{serial}"), told=False)
    first, second = village.give("qin", told=False), village.give("qin", told=False)
    for number in (first, second):  # the second one's news joins the first one's
        with village.session() as db, statements(db) as said:
            tell_households(db, db.get_one(Offer, number), village.stage.clock())
        assert len(said) <= 9, [words for words, _ in said]
        village.stage.clock.move(timedelta(minutes=1))


def test_those_who_wait_are_found_by_an_index(village: Village) -> None:
    village.ask(village.resident("wang"), told=False)
    village.give(village.donor("qin"), told=False)
    village.give("qin", told=False, handover="pickup", region=YONGZHOU)
    with village.session() as db, statements(db) as said:
        for offer in db.scalars(select(Offer)).all():
            tell_households(db, offer, village.stage.clock())
        tell_donors(db, db.scalars(select(GoodsRequest)).one(), village.stage.clock())
    for table in ("offers", "goods_requests"):
        asked = [each for each in said if f"FROM {table} " in each[0] and "turn_at" in each[0].partition("ORDER BY")[2]]
        assert len(asked) == 2
        for words, values in asked:
            assert f"ix_{table}_turn" in (plan := explain(village, words, values)) or f"ix_{table}_near" in plan, plan


def explain(village: Village, words: str, values: Any) -> str:
    with Database(village.stage.database) as db:
        sqlite = db.get_bind().dialect.name == "sqlite"
        if not sqlite:
            db.execute(text("SET LOCAL enable_seqscan = off"))  # of one row it would read it all
        ask = ("EXPLAIN QUERY PLAN " if sqlite else "EXPLAIN ") + words
        return "\n".join(" ".join(map(str, row)) for row in db.connection().exec_driver_sql(ask, values))


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
    if village.stage.database.dialect.name == "sqlite":
        pytest.skip("SQLite lets one write at a time")
    with village.session() as db:
        request = db.get_one(GoodsRequest, number, with_for_update=True)
        village.give("qin")
        assert village.who_heard() == ["li"]
        request.state = "withdrawn"
