"""Many at once on one ledger, on PostgreSQL: nothing is lost, nothing is posted twice, and nobody waits in a circle."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event, select
from sqlalchemy.orm import Session as Database

from models.core.database import connect
from models.ledger import Account, LedgerTransaction, NotPosted, held, lock, moves, reverse, totals
from tests.harness.money import gift_postings
from tests.harness.money.first_charity import CHANNEL, REFUNDS
from tests.harness.money.ledger_rows import NOW, balances, chain
from tests.scenes.money.ledger_deeds import wrong

MANY = 32


@pytest.fixture
def url(new_database: Callable[[], str]) -> str:
    return new_database()


@pytest.fixture
def database(url: str) -> Iterator[Engine]:
    """Nobody is told to give up waiting: a circle is found by PostgreSQL itself, and a slow machine is no circle."""
    database = connect(url, pool_size=MANY)

    @event.listens_for(database, "begin")
    def wait(connection: Connection) -> None:
        for limit in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"):
            connection.exec_driver_sql(f"SET LOCAL {limit} = 0")

    yield database
    database.dispose()


def at_once(act: Callable[[int], Any]) -> list[Any]:
    """What came of it for each of MANY, or why it was not posted."""

    def tried(number: int) -> Any:
        try:
            return act(number)
        except NotPosted as refused:
            return type(refused).__name__

    with ThreadPoolExecutor(MANY) as pool:
        return list(pool.map(tried, range(MANY)))


def test_the_same_payment_told_by_many_at_once_is_one(url: str, database: Engine) -> None:
    """Also where none of its accounts was there before."""

    def tell(_number: int) -> int:
        with Database(database) as db, db.begin():
            return gift_postings.payment_received(db, 7, 100, "order:1", NOW).id

    assert len(set(at_once(tell))) == 1
    assert balances(database) == {CHANNEL: 100, Account("appeal", 7): 100}
    assert wrong(url) == set()


def test_of_many_contents_for_one_cause_one_is_posted(url: str, database: Engine) -> None:
    """To accounts of their own, so that no lock makes them wait for each other."""

    def tell(number: int) -> str:
        with Database(database) as db, db.begin():
            moves.pool_funded(db, number, number, 100 + number, "pool:1", NOW)
            return "posted"

    assert Counter(at_once(tell)) == {"posted": 1, "AnotherPosting": MANY - 1}
    assert len(chain(database)) == 1
    assert wrong(url) == set()


def test_the_last_yuan_is_given_back_once(url: str, database: Engine) -> None:
    with Database(database) as db, db.begin():
        gift_postings.payment_received(db, 7, 155, "order:1", NOW)

    def refund(number: int) -> str:
        with Database(database) as db, db.begin():
            moves.refund_owed(db, 7, 10, f"refund:{number}", NOW)
            return "posted"

    assert Counter(at_once(refund)) == {"posted": 15, "Overdrawn": MANY - 15}
    with Database(database) as db:
        assert held(db, [7]) == {7: 5}
    assert wrong(url) == set()


def test_a_mistake_that_many_find_is_reversed_once(url: str, database: Engine) -> None:
    with Database(database) as db, db.begin():
        mistake = gift_postings.payment_received(db, 7, 100, "order:1", NOW).id
        gift_postings.payment_received(db, 7, 900, "order:2", NOW)

    def undo(number: int) -> str:
        with Database(database) as db, db.begin():
            reverse(db, db.get_one(LedgerTransaction, mistake), f"case:{number}", NOW)
            return "posted"

    assert Counter(at_once(undo)) == {"posted": 1, "NotReversible": MANY - 1}
    with Database(database) as db:
        assert totals(db, 7).paid == 900
    assert wrong(url) == set()


@pytest.mark.slow  # many threads
def test_whatever_many_do_at_once_every_sum_is_kept(url: str, database: Engine) -> None:
    """Several moves in a transaction, on the same accounts in any order; each has locked them all first."""
    touched = [
        CHANNEL,
        REFUNDS,
        *(Account(kind, n) for kind in ("appeal", "pool") for n in (1, 2)),
    ]
    with Database(database) as db, db.begin():
        for pool in (1, 2):
            moves.pool_funded(db, pool, 0, 1_000, f"pool:{pool}", NOW)

    def turns(number: int) -> Counter[str]:
        random, done = Random(number), Counter[str]()
        for turn in range(3):
            with Database(database) as db, db.begin():
                lock(db, random.sample(touched, len(touched)))
                for step in range(3):
                    done += one_move(db, random, f"case:{number}.{turn}.{step}")
        return done

    done = sum(at_once(turns), Counter[str]())
    assert done["posted"] > MANY
    assert len(chain(database)) == done["posted"] + 2
    with Database(database) as db:
        found = [totals(db, appeal) for appeal in (1, 2)]
        assert [each.held for each in found] == [held(db, [1, 2])[appeal] for appeal in (1, 2)]
        assert db.scalars(select(LedgerTransaction.cause).where(LedgerTransaction.cause == "case:0.0.0")).all()
    left = balances(database)
    theirs = sum(fen for account, fen in left.items() if account.kind not in ("channel", "bank", "fees"))
    assert theirs == sum(left.values()) - theirs
    assert wrong(url) == set()


def one_move(db: Database, random: Random, cause: str) -> Counter[str]:
    appeal, pool, fen = random.choice((1, 2)), random.choice((1, 2)), random.randint(1, 60)
    choices: tuple[Callable[[], Any], ...] = (
        lambda: gift_postings.payment_received(db, appeal, fen, cause, NOW),
        lambda: gift_postings.matched(db, pool, appeal, fen, cause, NOW),
        lambda: moves.refund_owed(db, appeal, fen, cause, NOW),
        lambda: gift_postings.match_returned(db, pool, appeal, fen, cause, NOW),
        lambda: moves.refund_paid(db, 0, fen, cause, NOW),
    )
    try:
        choices[0 if cause == "case:0.0.0" else random.randrange(len(choices))]()
    except NotPosted as refused:
        return Counter({type(refused).__name__: 1})
    return Counter(posted=1)
