"""Whatever happens in whatever order, folded, killed, moved and erased: the sums are what plain counting says."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session as Database

from bot.figures.folding import fold_all
from models.figures.delta import FigureSum
from models.figures.fold import fold
from models.figures.recount import differences
from models.ledger import moves
from models.people.user import Household, User
from models.places.region import COUNTRY
from tests.harness.erasing import erase_person
from tests.harness.money import gift_postings
from tests.harness.stage import DAOXIAN_MEIHUA, Stage
from tests.harness.tiers import examples

QINGTANG = "431124104000"
PLACES = (DAOXIAN_MEIHUA, QINGTANG)
DEEDS = st.lists(
    st.one_of(
        st.tuples(st.just("register"), st.sampled_from(PLACES)),
        st.tuples(st.just("pay"), st.integers(1, 10_000)),
        st.tuples(st.just("return"), st.integers(1, 100)),
        st.tuples(st.sampled_from(["move", "erase"]), st.integers(0, 9)),
        st.tuples(st.sampled_from(["fold", "kill"]), st.integers(1, 4)),
    ),
    max_size=14,
)


class Walk:
    """``counted``: (region, figure) -> what plain counting says."""

    def __init__(self, stage: Stage) -> None:
        self.stage, self.number = stage, stage.open_appeal()
        self.people: list[str] = []
        self.serial, self.held = 0, 0
        self.counted: Counter[tuple[str, str]] = Counter()
        self._count(DAOXIAN_MEIHUA, "registered_resident", 1)
        self._count(DAOXIAN_MEIHUA, "verified", 1)

    def _count(self, place: str, figure: str, amount: int) -> None:
        for region in (place, "431124000000", COUNTRY):
            self.counted[region, figure] += amount

    def do(self, deed: str, given: Any) -> None:
        self.serial += 1
        getattr(self, f"_{deed}")(given)

    def _register(self, place: str) -> None:
        self.people.append(f"o-{self.serial}")
        self.stage.register(f"o-{self.serial}", "resident", place)
        self._count(place, "registered_resident", 1)
        self._count(place, "verified", 1)

    def _pay(self, fen: int) -> None:
        with Database(self.stage.database) as db, db.begin():
            gift_postings.payment_received(db, self.number, fen, f"order:{self.serial}", self.stage.clock())
            gift_postings.payment_received(db, self.number, fen, f"order:{self.serial}", self.stage.clock())
        self.held += fen
        self._count(DAOXIAN_MEIHUA, "money_in", fen)

    def _return(self, fen: int) -> None:
        if fen <= self.held:
            with Database(self.stage.database) as db, db.begin():
                moves.refund_owed(db, self.number, fen, f"refund:{self.serial}", self.stage.clock())
            self.held -= fen
            self._count(DAOXIAN_MEIHUA, "money_back", fen)

    def _move(self, which: int) -> None:
        if which < len(self.people):
            with Database(self.stage.database) as db, db.begin():
                mine = db.get_one(User, self.stage_user(db, which))
                if mine.state == "active":
                    mine.region_code = QINGTANG
                db.execute(update(Household).where(Household.id == mine.household_id).values(region_code=QINGTANG))

    def stage_user(self, db: Database, which: int) -> int:
        found = select(User.id).where(User.draft_id == f"stage-{self.people[which]}")
        return db.scalars(found).one()

    def _erase(self, which: int) -> None:
        if which < len(self.people):
            with Database(self.stage.database) as db, db.begin():
                if db.get_one(User, self.stage_user(db, which)).state == "active":
                    erase_person(db, self.stage.person(self.people[which]), self.stage.clock())

    def _fold(self, most: int) -> None:
        with Database(self.stage.database) as db, db.begin():
            fold(db, most)

    def _kill(self, most: int) -> None:
        with Database(self.stage.database) as db:
            fold(db, most)
            db.rollback()


@pytest.mark.slow  # a database and a bot for each walk
@settings(max_examples=examples(), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(deeds=DEEDS)
def test_sums_are_what_plain_counting_says(database_again: Callable[[], str], deeds: list[tuple[str, Any]]) -> None:
    stage = Stage(database_again())
    walk = Walk(stage)
    for deed, given_ in deeds:
        walk.do(deed, given_)
    fold_all(stage.database, 3)
    with Database(stage.database) as db:
        sums = select(FigureSum.region_code, FigureSum.figure, func.sum(FigureSum.amount))
        sums = sums.group_by(FigureSum.region_code, FigureSum.figure)
        kept = {(region, figure): int(amount) for region, figure, amount in db.execute(sums)}
    assert {key: kept.get(key, 0) for key in walk.counted} == dict(walk.counted)
    with stage.database.connect() as connection:
        assert list(differences(connection)) == []
    stage.close()
