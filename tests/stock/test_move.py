"""Stock moves: what the columns say is what the moves add up to, nothing moves twice, and the last piece goes once."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session as Database

from models.books.goods.stock import check_stock
from models.core.database import connect
from models.goods.exchange import Offer
from models.stock.move import COLUMNS, MOVES, OutOfStock, StockMove, hand_out, move, restock
from tests.harness.racing import at_once
from tests.harness.stage import Stage
from tests.scenes.goods import Village
from tests.scenes.goods import village as village


def figures(offer: Offer) -> dict[str, int]:
    return {name: getattr(offer, name) for name in COLUMNS}


def wrong(village: Village) -> list[str]:
    with village.stage.database.connect() as connection:
        return [violation.code for violation in check_stock(connection, village.stage.clock())]


@settings(max_examples=10, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(sorted(MOVES)), st.integers(1, 12)), max_size=12))
def test_the_columns_are_what_the_moves_add_up_to(wanted: list[tuple[str, int]]) -> None:
    """Of any moves in any order: each is made whole or refused, and what is refused leaves nothing."""
    left = {"initial": 9, "available": 9, "reserved": 0, "delivered": 0, "lost": 0}
    with Database(STAGE.village.stage.database) as db:
        offer = db.get_one(Offer, STAGE.offer)
        for number, (kind, quantity) in enumerate(wanted):
            source, target = MOVES[kind]
            empties = kind == "remove" and quantity >= left["initial"]
            if (source and left[source] < quantity) or empties:
                with pytest.raises((OutOfStock, IntegrityError)), db.begin_nested():
                    move(db, offer, kind, quantity, f"try:{number}", STAGE.village.stage.clock())
                db.refresh(offer)
                continue
            assert move(db, offer, kind, quantity, f"try:{number}", STAGE.village.stage.clock())
            for name, sign in ((source, -1), (target, 1)):
                left |= {name: left[name] + sign * quantity} if name else {}
            left["initial"] += quantity * ((not source) - (not target))
            assert figures(offer) == left
        assert list(check_stock(db.connection(), STAGE.village.stage.clock())) == []
        db.rollback()


class STAGE:
    """The village that the searches of one test share; each rolls back what it moved."""

    village: Village
    offer: int


@pytest.fixture(autouse=True)
def shared(village: Village) -> None:
    STAGE.village, STAGE.offer = village, village.give(village.donor("qin"))


def test_a_cause_moves_nothing_twice(village: Village) -> None:
    with village.session() as db:
        offer = db.get_one(Offer, STAGE.offer)
        assert move(db, offer, "reserve", 2, "match:1:reserve", village.stage.clock())
        assert not move(db, offer, "reserve", 2, "match:1:reserve", village.stage.clock())
        assert (offer.available, offer.reserved) == (7, 2)


def test_setting_and_giving_away_what_is_left_are_moves(village: Village) -> None:
    with village.session() as db:
        offer = db.get_one(Offer, STAGE.offer)
        for available in (12, 4, 4):
            restock(db, offer, available, f"mended:{available}", village.stage.clock())
            assert (offer.initial, offer.available) == (available, available)
        hand_out(db, offer, "exhausted", village.stage.clock())
        assert (offer.available, offer.delivered) == (0, 4)
        hand_out(db, offer, "exhausted again", village.stage.clock())
        kinds = select(StockMove.kind).order_by(StockMove.id)
        assert list(db.scalars(kinds)) == ["add", "add", "remove", "hand_out"]
    assert wrong(village) == []


def test_a_quantity_of_nothing_is_no_move(village: Village) -> None:
    with village.session() as db, pytest.raises(ValueError, match="no quantity"):
        move(db, db.get_one(Offer, STAGE.offer), "reserve", 0, "none", village.stage.clock())


def test_the_last_piece_wanted_by_32_goes_to_one(new_database: Callable[[], str]) -> None:
    """It takes a database of its own: 32 transactions at once."""
    stage = Stage(new_database())
    village = Village(stage)
    number = village.give(village.donor("qin"))
    with village.session() as db:
        move(db, db.get_one(Offer, number), "reserve", 8, "others", stage.clock())

    def take(place: int) -> bool:
        with Database(stage.database) as db, db.begin():
            return move(db, db.get_one(Offer, number), "reserve", 1, f"taker:{place}", stage.clock())

    results = at_once([lambda place=place: take(place) for place in range(32)])  # type: ignore[misc]
    assert sum(result is True for result in results) == 1
    assert sum(isinstance(result, OutOfStock) for result in results) == 31
    with village.session() as db:
        assert figures(db.get_one(Offer, number))["reserved"] == 9
        assert db.scalar(select(func.sum(StockMove.quantity)).where(StockMove.kind == "reserve")) == 9
    assert wrong(village) == []
    stage.close()


def test_a_column_that_was_changed_past_its_moves_is_found(village: Village) -> None:
    with village.session() as db:
        db.execute(update(Offer).values(available=5, delivered=4))
    assert wrong(village) == ["stock_differs"]


@pytest.mark.parametrize("statement", ["UPDATE stock_moves SET quantity = 1", "DELETE FROM stock_moves"])
def test_moves_are_only_added(village: Village, statement: str) -> None:
    database = connect(village.stage.settings.database_url)
    with pytest.raises(IntegrityError, match="append-only"), database.begin() as connection:
        connection.execute(text(statement))
    database.dispose()
