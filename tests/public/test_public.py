"""What anybody may see: nothing private in it, every page once, and a search that finds what is there and no more."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session as Database

from models.appeals.appeal import Appeal
from models.goods.exchange import Offer
from models.goods.submission import NewOffer, NewRequest
from models.market.listing import Listing
from models.market.submission import NewListing
from models.people.user import User
from models.public.catalogue import APPEALS, MARKET, OFFERS, PAGE, REQUESTS, Catalogue, SearchTerm, own_pledges
from models.public.views import find_story
from tests.harness.stage import DAOXIAN_MEIHUA, Stage
from tests.harness.statements import statements
from tests.scenes.goods import asked, given, sold

NOW = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
CHANGSHA_YUELU = "430104000000"
REASON = "老伴有病，家里揭不开锅"


def offer(number: int, item: str = "棉衣", category: str = "clothes", region: str = DAOXIAN_MEIHUA) -> NewOffer:
    return NewOffer(
        draft_id=f"offer-{number}",
        category=category,
        item=item,
        unit="piece",
        quantity=3,
        condition="new",
        best_before=None,
        handover="post",
        region_code=region,
    )


def request(number: int) -> NewRequest:
    return NewRequest(f"request-{number}", "food", "大米", "jin", 5_000, REASON, DAOXIAN_MEIHUA)


def give(stage: Stage, *offers: NewOffer) -> None:
    donor = stage.register("o-donor", "donor")
    with Database(stage.database) as db, db.begin():
        for wanted in offers:
            given(db, wanted, db.get_one(User, donor), NOW)


def pages(db: Database, catalogue: Catalogue[Any], search: tuple[SearchTerm, ...] = ()) -> list[list[int]]:
    """The numbers on each page, turning until there is no next one."""
    found, after = [], ""
    while True:
        page = catalogue.page(db, search, NOW, after=after)
        found.append([item.number for item in page.items])
        after = page.after
        if not after:
            return found


@pytest.mark.parametrize("count", [0, 1, PAGE, PAGE + 1, 2 * PAGE, 2 * PAGE + 1])
def test_turning_pages_shows_everything_once_and_what_waited_longest_first(stage: Stage, count: int) -> None:
    give(stage, *map(offer, range(count)))
    with Database(stage.database) as db:
        found = pages(db, OFFERS)
    assert [number for page in found for number in page] == list(range(1, count + 1))
    assert all(len(page) == PAGE for page in found[:-1])
    assert found[-1] or count == 0


def test_what_is_new_while_somebody_turns_pages_repeats_and_hides_nothing(stage: Stage) -> None:
    give(stage, *map(offer, range(8)))
    with Database(stage.database) as db, db.begin():
        first = OFFERS.page(db, (), NOW)
        donor = db.get_one(User, 1)
        given(db, offer(99), donor, NOW + timedelta(minutes=1))
        second = OFFERS.page(db, (), NOW + timedelta(minutes=1), after=first.after)
    assert [item.number for item in (*first.items, *second.items)] == list(range(1, 10))


@pytest.mark.parametrize(
    ("words", "numbers"),
    [
        (["棉衣"], [1, 3]),
        (["岳麓区"], [3]),
        (["湖南"], [1, 2, 3]),
        (["棉衣", "道县"], [1]),
        (["%"], []),
        (["_"], []),
        (["led"], [2]),
        (["\\"], []),
    ],
)
def test_every_part_of_a_search_must_fit_as_it_is_written(stage: Stage, words: list[str], numbers: list[int]) -> None:
    give(stage, offer(1, "儿童棉衣"), offer(2, "LED灯", "household"), offer(3, "棉衣", region=CHANGSHA_YUELU))
    with Database(stage.database) as db:
        assert pages(db, OFFERS, tuple(map(SearchTerm, words))) == [numbers]


def test_a_word_that_names_a_category_finds_all_of_it(stage: Stage) -> None:
    give(stage, offer(1, "儿童棉衣"), offer(2, "台灯", "household"))
    with Database(stage.database) as db:
        assert pages(db, OFFERS, (SearchTerm("家电", "household"),)) == [[2]]


def test_food_past_its_day_is_no_longer_listed(stage: Stage) -> None:
    give(stage, offer(1))
    with Database(stage.database) as db:
        db.get_one(Offer, 1).best_before = date(2026, 11, 24)
        db.flush()
        assert pages(db, OFFERS) == [[]]
        assert OFFERS.page(db, (), NOW - timedelta(days=1)).items


def test_nothing_private_is_in_what_anybody_sees(stage: Stage) -> None:
    appeal = stage.open_appeal()
    give(stage, offer(1))
    with Database(stage.database) as db, db.begin():
        owner = db.get_one(User, 1)
        asked(db, request(1), owner, NOW)
        sold(db, NewListing("listing-1", "produce", "脐橙", "jin", 350, 500, None, None), owner, NOW)
        private = (owner.name, owner.id_number, owner.phone, "从寨子到镇上", REASON)
        catalogues: list[Catalogue[Any]] = [APPEALS, REQUESTS, OFFERS, MARKET]
        shown = repr([catalogue.page(db, (), NOW) for catalogue in catalogues])
        shown += repr([catalogue.find(db, 1, None) for catalogue in catalogues])
    assert appeal == 1
    assert "苗寨修路" in shown
    assert "脐橙" in shown
    assert not [words for words in private if words is None or words in shown]


def test_a_story_is_for_everybody_once_it_is_published_and_for_its_owner_at_any_time(stage: Stage) -> None:
    number = stage.open_appeal()
    with Database(stage.database) as db:
        owner = db.get_one(Appeal, number).owner_id
        for viewer in (None, owner, owner + 1):
            found = find_story(db, number, viewer)
            assert found is not None
            assert found.own == (viewer == owner)
        again = {"draft_id": "unpublished", "category": "housing", "published_at": None, "state": "submitted"}
        columns = [column.name for column in Appeal.__table__.columns if column.name not in {"id", *again}]
        appeal = db.get_one(Appeal, number)
        waiting = Appeal(**{name: getattr(appeal, name) for name in columns}, **again)
        db.add(waiting)
        db.flush()
        assert find_story(db, waiting.id, owner) is not None
        assert [find_story(db, waiting.id, viewer) for viewer in (None, owner + 1)] == [None, None]


@pytest.mark.parametrize("state", ["draft", "withdrawn", "suspended"])
def test_what_is_not_public_only_its_owner_sees(stage: Stage, state: str) -> None:
    owner = stage.register("o-long", "resident")
    with Database(stage.database) as db, db.begin():
        wanted = NewListing("listing-1", "produce", "脐橙", "jin", 350, 500, None, None)
        sold(db, wanted, db.get_one(User, owner), NOW)
        db.get_one(Listing, 1).state = state
    with Database(stage.database) as db:
        assert MARKET.find(db, 1, None) is None
        assert MARKET.find(db, 1, owner + 1) is None
        assert MARKET.find(db, 1, owner) is not None
        assert pages(db, MARKET) == [[]]
        assert [item.number for item in MARKET.own(db, owner, 3)] == [1]


def test_a_donor_sees_their_own_pledges_and_nobody_elses(stage: Stage) -> None:
    stage.open_appeal()
    donors = [stage.register(f"o-{name}", "donor") for name in ("li", "ma")]
    for name, amount in (("li", "5"), ("ma", "7")):
        for words in (f"捐 1 {amount}", "2", "确认"):
            stage.say(f"o-{name}", words)
    with Database(stage.database) as db:
        assert [[pledge.amount_fen for pledge in own_pledges(db, donor, None).items] for donor in donors] == [
            [500],
            [700],
        ]


def test_as_many_queries_total_a_whole_page_as_one_of_it(stage: Stage) -> None:
    for _ in range(3):
        stage.open_appeal()
    with statements(stage.database) as seen, Database(stage.database) as db:
        APPEALS.page(db, (), NOW)
    assert len(seen) == 3  # what is urgent, what waits, and what each has
