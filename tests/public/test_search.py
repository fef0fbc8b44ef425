"""A search of the public lists by free words: by an index, and what a scan of all names would find, no more and no
less."""

import unicodedata
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import event, insert, select, text, update
from sqlalchemy.orm import Session as Database

import models.migrations
from models.appeals.appeal import Appeal
from models.goods.exchange import GoodsRequest
from models.people.user import User
from models.places.region import Region
from models.public.catalogue import APPEALS, MARKET, OFFERS, REQUESTS, Catalogue, SearchTerm
from tests.harness.stage import DAOXIAN_MEIHUA, Stage
from tests.harness.tiers import examples

NOW = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
PLACES = {DAOXIAN_MEIHUA: "湖南省永州市道县梅花镇", "430524000000": "湖南省邵阳市隆回县"}
SIGNS = "棉衣儿童大米被子ＬLlｌ灯１1%_\\'= 道县梅"
WORDS = st.text("棉衣儿童大米被子ＬLlｌ灯１1%_\\'=道县梅湖南", min_size=1, max_size=6)
NAMES = st.lists(
    st.tuples(st.text(SIGNS, min_size=1, max_size=12), st.sampled_from(sorted(PLACES))), min_size=1, max_size=12
)


@pytest.fixture(scope="module")
def home(module_database: str) -> Iterator[tuple[Stage, int, int]]:
    """A stage with a person who asks for everything, and their household."""
    stage = Stage(module_database)
    owner = stage.register("o-asks", "resident")
    with Database(stage.database) as db:
        household = db.get_one(User, owner).household_id
    assert household is not None
    yield stage, owner, household
    stage.close()


def asked(owner: int, household: int, number: int, item: str, place: str, category: str = "food") -> dict[str, Any]:
    return {
        **{"id": number, "draft_id": f"d{number}", "owner_id": owner, "household_id": household, "beside": number},
        **{"category": category, "item": item, "unit": "piece", "quantity": 2, "reason": "r", "state": "open"},
        **{"region_code": place, "created_at": NOW, "looked_at": NOW, "waits_from": NOW + timedelta(minutes=number)},
    }


def numbers(db: Database, search: Sequence[SearchTerm], near: str | None = None) -> list[int]:
    found: list[int] = []
    after = ""
    while True:
        page = REQUESTS.page(db, search, NOW, near=near, after=after)
        found += [item.number for item in page.items]
        after = page.after
        if not after:
            return found


def folded(words: str) -> str:
    return unicodedata.normalize("NFKC", words).lower()


@settings(max_examples=examples())
@given(names=NAMES, words=st.lists(WORDS, min_size=1, max_size=2), picked=st.data())
def test_the_index_finds_what_a_scan_finds(
    home: tuple[Stage, int, int], names: list[tuple[str, str]], words: list[str], picked: st.DataObject
) -> None:
    stage, owner, household = home
    # Half of the words stand in one of the names.
    name, place = picked.draw(st.sampled_from(names))
    whole = picked.draw(st.sampled_from([name, PLACES[place]]))
    start = picked.draw(st.integers(0, len(whole) - 1))
    end = picked.draw(st.integers(start + 1, len(whole)))
    words = [each for each in (*words[1:], whole[start:end].strip() or words[0]) if each]
    with Database(stage.database) as db:
        rows = [asked(owner, household, n, item, code) for n, (item, code) in enumerate(names, 1)]
        db.execute(insert(GoodsRequest), rows)
        found = numbers(db, tuple(map(SearchTerm, words)))
        db.rollback()
    texts = {n: (folded(item), folded(PLACES[code])) for n, (item, code) in enumerate(names, 1)}
    assert found == [n for n, of in texts.items() if all(any(folded(word) in each for each in of) for word in words)]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["led"], [1, 2]),
        (["ＬＥＤ灯"], [1]),
        (["灯"], [1, 2]),
        (["童棉"], []),  # of the end of one name and the beginning of another
        (["灯湖"], []),
        (["儿童灯"], []),  # both pairs are there, and not side by side
        (["=food"], []),
        (["="], []),
    ],
)
def test_width_and_case_do_not_matter_and_signs_in_their_order_do(
    home: tuple[Stage, int, int], words: list[str], found: list[int]
) -> None:
    stage, owner, household = home
    with Database(stage.database) as db:
        items = ("LED灯", "ＬｅＤ 儿童 童灯", "棉衣")
        db.execute(
            insert(GoodsRequest), [asked(owner, household, n, item, DAOXIAN_MEIHUA) for n, item in enumerate(items, 1)]
        )
        assert numbers(db, tuple(map(SearchTerm, words))) == found
        db.rollback()


def test_a_word_that_names_a_category_finds_what_is_called_so_as_well(home: tuple[Stage, int, int]) -> None:
    stage, owner, household = home
    with Database(stage.database) as db:
        rows = [
            asked(owner, household, 1, "大米", DAOXIAN_MEIHUA),
            asked(owner, household, 2, "食品盒", DAOXIAN_MEIHUA),
        ]
        db.execute(insert(GoodsRequest), [rows[0], rows[1] | {"category": "household"}])
        assert numbers(db, (SearchTerm("食品", "food"),)) == [1, 2]
        assert numbers(db, (SearchTerm("食品"),)) == [2]
        db.rollback()


def test_what_is_renamed_or_moves_is_found_by_its_new_words_alone(home: tuple[Stage, int, int]) -> None:
    stage, owner, household = home
    with Database(stage.database) as db:
        db.execute(insert(GoodsRequest), [asked(owner, household, 1, "大米", DAOXIAN_MEIHUA)])
        db.execute(update(GoodsRequest).values(item="棉被"))
        assert [numbers(db, (SearchTerm(word),)) for word in ("大米", "棉被", "梅花")] == [[], [1], [1]]
        db.execute(update(Region).where(Region.code == DAOXIAN_MEIHUA).values(full_name="湖南省永州市道县清塘镇"))
        assert [numbers(db, (SearchTerm(word),)) for word in ("梅花", "清塘")] == [[], [1]]
        db.execute(update(GoodsRequest).values(region_code="430524000000"))
        assert [numbers(db, (SearchTerm(word),)) for word in ("清塘", "隆回")] == [[], [1]]
        db.rollback()


# What there is much of, beside one row with a rare word.
_FILL = {
    "appeals": """
        INSERT INTO appeals (draft_id, kind, category, owner_id, household_id, title, story, region_code, target_fen,
            deadline, state, created_at, published_at, charity_id, beside, terms)
        SELECT 'f' || n, 'one_to_one', 'industry', 1, n, name, 's', '431124101000', 500000, now() + interval '60 days',
            'funding', now(), now(), 1, n, search_terms(name, '湖南省永州市道县梅花镇', 'industry') FROM f""",
    "goods_requests": """
        INSERT INTO goods_requests (draft_id, owner_id, household_id, category, item, unit, quantity, reason,
            region_code, state, created_at, looked_at, waits_from, beside, terms)
        SELECT 'f' || n, 1, n, 'food', name, 'piece', 2, 'r', '431124101000', 'open', now(), now(), now(), n,
            search_terms(name, '湖南省永州市道县梅花镇', 'food') FROM f""",
    "offers": """
        INSERT INTO offers (draft_id, donor_id, category, item, unit, condition, handover, region_code, state,
            created_at, turn_at, looked_at, initial, available, terms)
        SELECT 'f' || n, 1, 'food', name, 'piece', 'new', 'post', '431124101000', 'available', now(), now(), now(), 1,
            1, search_terms(name, '湖南省永州市道县梅花镇', 'food') FROM f""",
    "listings": """
        INSERT INTO listings (draft_id, seller_id, household_id, kind, name, unit, price_fen, region_code, state,
            created_at, looked_at, initial, available, terms)
        SELECT 'f' || n, 1, n, 'produce', name, 'piece', 100, '431124101000', 'on_sale', now(), now(), 1, 1,
            search_terms(name, '湖南省永州市道县梅花镇', 'produce') FROM f""",
}
_NAMES = """
    CREATE TEMPORARY TABLE f AS SELECT n, CASE n WHEN 2000 THEN '缝纫机' ELSE '苗寨的大米' || n END AS name
    FROM generate_series(1, 3000) n"""
_CATALOGUES: dict[str, Catalogue[Any]] = {
    "appeals": APPEALS,
    "goods_requests": REQUESTS,
    "offers": OFFERS,
    "listings": MARKET,
}


@pytest.mark.planner
def test_a_rare_word_is_found_by_the_index_and_a_frequent_one_by_the_lists_order(stage: Stage) -> None:
    with Database(stage.database) as db:
        db.execute(text("SET LOCAL session_replication_role = replica"))
        db.execute(text(_NAMES))
        for table, fill in _FILL.items():
            db.execute(text(fill))
            db.execute(text(f"ANALYZE {table}"))
        for table, catalogue in _CATALOGUES.items():
            now = db.scalars(select(text("now()"))).one() + timedelta(seconds=1)
            rare, many = _plans(db, catalogue, "缝纫机", now), _plans(db, catalogue, "大米", now)
            assert any(f"ix_{table}_terms" in plan for plan in rare), rare
            assert not [plan for plan in many if f"ix_{table}_terms" in plan], many
            assert not [plan for plan in (*rare, *many) if f"Seq Scan on {table}" in plan], table


def _plans(db: Database, catalogue: Catalogue[Any], word: str, now: datetime) -> list[str]:
    """How the database finds the rows of a page."""
    sent: list[tuple[str, Any]] = []

    def listen(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        sent.append((statement, parameters))

    event.listen(db.connection(), "before_cursor_execute", listen)
    found = catalogue.page(db, (SearchTerm(word),), now).items
    event.remove(db.connection(), "before_cursor_execute", listen)
    assert found
    assert all(word in (getattr(item, "title", "") or getattr(item, "item", "") or item.name) for item in found)
    searches = [(words, values) for words, values in sent if "search_word" in words]
    return [
        "\n".join(row[0] for row in db.connection().exec_driver_sql(f"EXPLAIN {words}", values))
        for words, values in searches
    ]


def test_a_scan_is_planned_for_the_words_themselves(stage: Stage) -> None:
    with Database(stage.database) as db:
        APPEALS.page(db, (SearchTerm("棉衣"),), NOW)
        assert db.scalar(text("SHOW plan_cache_mode")) == "force_custom_plan"
        db.rollback()
        APPEALS.page(db, (), NOW)
        assert db.scalar(text("SHOW plan_cache_mode")) == "auto"
        assert db.scalar(select(Appeal.id)) is None


def test_the_upgrade_fills_what_is_there(new_database: Callable[[], str]) -> None:
    stage = Stage(new_database())
    stage.open_appeal()
    stage.seal()
    stage.close()
    migrations = Config()
    migrations.set_main_option("script_location", str(Path(str(models.migrations.__file__)).parent))
    migrations.attributes["url"] = stage.settings.database_url
    command.downgrade(migrations, "0070")
    command.upgrade(migrations, "head")
    with Database(stage.database) as db:
        found = APPEALS.page(db, tuple(map(SearchTerm, ("寨修路", "花镇"))), stage.clock()).items
        terms = db.scalars(select(Appeal.terms)).one()
    assert [each.title for each in found] == ["苗寨修路"]
    assert {"苗寨", "寨", "梅花", "=industry"} < set(terms)


def test_no_row_is_read_with_its_terms(stage: Stage) -> None:
    stage.open_appeal()
    with Database(stage.database) as db:
        assert "terms" not in db.scalars(select(Appeal)).one().__dict__
