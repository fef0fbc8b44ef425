"""Whatever is posted in whatever order, repeated, reversed or taken back: the ledger is what plain arithmetic says."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine
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
from tests.scenes.ledger_deeds import APPEALS, DEEDS, SIDES, Deed, Plain, do, wrong

# A block is a transaction, and ends as one does: or it is a savepoint that fails.
BLOCKS = st.lists(
    st.tuples(st.sampled_from(["commit", "commit", "rollback", "savepoint"]), st.lists(DEEDS, max_size=8))
)


class _TakenBack(Exception):
    pass


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
    with suppress(_TakenBack), Database(database) as db, db.begin():
        if ending == "savepoint":
            with suppress(_TakenBack), db.begin_nested():
                play(db, deeds, plain.copy())
                raise _TakenBack
        play(db, deeds, after)
        if ending == "rollback":
            raise _TakenBack
    return plain if ending == "rollback" else after


@settings(max_examples=examples(), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(blocks=BLOCKS)
def test_the_ledger_is_what_plain_arithmetic_says(database_again: Callable[[], str], blocks: Any) -> None:
    url = database_again()
    database = connect(url)
    try:
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
    assert {*SIDES} == {*MOVES}
