"""Whatever is posted in whatever order, repeated, reversed or taken back: the ledger is what plain arithmetic says.

A transaction that moved one charity's money to another fails as a whole when it is committed.
"""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session as Database

from models.core.database import connect
from models.ledger import (
    NotPosted,
    held,
    totals,
)
from models.ledger.kinds import MOVES
from tests.harness.money.ledger_rows import balances, chain
from tests.harness.tiers import examples
from tests.scenes.money.ledger_deeds import (
    APPEALS,
    DEEDS,
    SIDES,
    Deed,
    Plain,
    do,
    put_appeals,
    put_pools,
    wrong,
)

# A block is a transaction, and ends as one does: or it is a savepoint that fails.
BLOCKS = st.lists(
    st.tuples(st.sampled_from(["commit", "commit", "rollback", "savepoint"]), st.lists(DEEDS, max_size=8))
)

# Both charities have money at their banks and the second in its pool, and with it would pay out and match for an
# appeal of the first: in a transaction that is committed, and in one that is taken back.
_PAID_IN = [Deed("payment_received", appeal, 9, f"order:{appeal}") for appeal in (1, 3)] + [
    Deed("settled", appeal, 6, f"settled:{appeal}") for appeal in (1, 3)
]
_FUNDED = Deed("pool_funded", 3, 2, "pool:4")
_CROSSING = [Deed("disbursed", 1, 2, "paid_out:1", astray=True), Deed("matched", 1, 2, "match:1", astray=True)]
CROSSINGS = [
    ("commit", [*_PAID_IN, _FUNDED]),
    *(("commit", [Deed("payment_received", 2, 5, "order:2"), crossing]) for crossing in _CROSSING),
    ("savepoint", [Deed("disbursed", 1, 2, "paid_out:1")]),
    ("rollback", _CROSSING),
]

# Every move of each charity, in an order in which none is refused.
_ALL = {
    **{"payment_received": 40, "payment_unassigned": 20, "payment_assigned": 6, "refund_owed": 9},
    **{"refund_from_unassigned": 4, "refund_withdrawn": 2, "refund_redirected": 3, "refund_paid": 5},
    **{"refund_bounced": 2, "settled": 30, "pool_funded": 5, "matched": 3, "match_returned": 1, "pool_returned": 1},
    **{"disbursed": 6, "disbursement_returned": 2, "topped_up": 2, "fees_covered": 3},
}
ALL = [("commit", [Deed(kind, appeal, fen, f"all:{appeal}") for kind, fen in _ALL.items()]) for appeal in (1, 3)]


def play(db: Database, deeds: list[Deed], plain: Plain) -> None:
    """Both do the same, or refuse it for the same reason."""
    for deed in deeds:
        if deed.kind is None and not plain.posted:
            continue
        before = plain.copy()
        try:
            wanted: Any = plain.do(deed)
        except NotPosted as refused:
            wanted = type(refused)
        try:
            posted = do(db, deed, before)
            found: Any = (posted.kind, posted.cause)
        except NotPosted as refused:
            found = type(refused)
        assert found == wanted, deed


def run(database: Engine, ending: str, deeds: list[Deed], plain: Plain) -> Plain:
    """One transaction. What should be left of everything."""
    after = plain.copy()
    with Database(database) as db:
        if ending == "savepoint":
            savepoint = db.begin_nested()
            play(db, deeds, plain.copy())
            savepoint.rollback()
        play(db, deeds, after)
        if ending == "rollback":
            db.rollback()
            return plain
        if after.crosses():
            with pytest.raises(IntegrityError, match="money of one charity went to another"):
                db.commit()
            db.rollback()  # as the end of ``begin`` does: to close alone would return the connection as it failed
            return plain
        db.commit()
    return after


@settings(max_examples=examples(), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(blocks=BLOCKS)
@example(blocks=ALL)
@example(blocks=CROSSINGS)
def test_the_ledger_is_what_plain_arithmetic_says(database_again: Callable[[], str], blocks: Any) -> None:
    url = database_again()
    database = connect(url)
    try:
        with database.begin() as connection:
            put_appeals(connection)
            put_pools(connection)
        play_all(database, blocks)
        assert wrong(url) == set()
    finally:
        database.dispose()


def play_all(database: Engine, blocks: Any) -> None:
    plain = Plain()
    for ending, deeds in blocks:
        plain = run(database, ending, deeds, plain)
    assert balances(database) == plain.balances()
    assert chain(database) == list(plain.posted)
    with Database(database) as db:
        for appeal in APPEALS:
            found = totals(db, appeal)
            assert [found.paid, found.matched, found.refunded, found.disbursed] == plain.totals(appeal)
            assert held(db, APPEALS)[appeal] == found.held >= 0


def test_every_move_is_played() -> None:
    assert {*SIDES} == {*_ALL} == {*MOVES}
    plain = Plain()
    for _, deeds in ALL:
        for deed in deeds:
            plain.do(deed)
    assert len(plain.posted) == 2 * len(MOVES)
    assert not plain.crosses()
