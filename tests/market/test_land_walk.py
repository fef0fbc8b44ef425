"""A long walk over what a household lists, mends, restocks, sells and withdraws: its land is never exceeded.

It is slow: each step is a transaction of its own.
"""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from models.goods.ending import end
from models.market.listing import Listing
from models.market.statement import OverPlot, PlotNotSeen, Statement
from models.market.submission import listed_grams, set_stock
from models.stock.move import OutOfStock, move
from tests.harness.stage import Stage
from tests.scenes.orchard import RULES, Orchard

pytestmark = pytest.mark.slow
MOST = 5_340


class STAGE:
    """The orchard that the searches share; each begins anew with what counts against its land."""

    orchard: Orchard


@pytest.fixture(autouse=True)
def shared(database_url: str) -> Iterator[None]:
    stage = Stage(database_url)
    STAGE.orchard = Orchard(stage)
    yield
    stage.close()


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(("list", "mend", "stock", "reserve", "withdraw")), st.integers(1, 6_000))))
def test_whatever_a_household_does_it_lists_no_more_than_its_land_gives(wanted: list[tuple[str, int]]) -> None:
    orchard = STAGE.orchard
    numbers = [orchard.sells(100)]
    for serial, (act, jin) in enumerate(wanted):
        number = numbers[jin % len(numbers)]
        try:
            _do(orchard, act, number, jin, numbers, serial)
        except (OverPlot, OutOfStock, PlotNotSeen):
            continue
        with orchard.session() as db:
            stated = db.scalars(select(Statement)).one()
            assert listed_grams(db, stated) <= MOST * 500
    assert orchard.wrong() == []
    _begin_anew(orchard)


def _do(orchard: Orchard, act: str, number: int, jin: int, numbers: list[int], serial: int) -> None:
    now = orchard.stage.clock()
    if act == "list":
        numbers.append(orchard.lists(orchard.oranges(jin)))
    elif act == "mend" and orchard.state(number) in ("submitted", "on_sale"):
        orchard.mends(number, orchard.oranges(jin))
    elif act == "stock" and orchard.state(number) == "on_sale":
        with orchard.session() as db:
            set_stock(db, orchard.owner, number, jin * 500, now, RULES)
    elif act == "reserve":
        with orchard.session() as db:
            move(db, db.get_one(Listing, number), "reserve", jin * 100, f"try:{number}:{jin}:{serial}", now)
    elif act == "withdraw" and orchard.state(number) in ("submitted", "on_sale"):
        with orchard.session() as db:
            end(db, orchard.owner, "listing", number, "withdrawn", now)


def _begin_anew(orchard: Orchard) -> None:
    with orchard.session() as db:
        db.execute(update(Listing).values(crop=None, season=None, grams_each=None))
