"""check-books proves the ledger, and names each thing that somebody who owns the database may do to it."""

from collections.abc import Callable, Iterator

import pytest
import structlog
from redis import Redis
from sqlalchemy import Connection, delete, insert, select, text, update
from sqlalchemy.orm import Session as Database

from bot.books import check as books
from models.books import read_head
from models.core.hash_chain import GENESIS
from models.ledger import moves, reverse
from models.ledger.accounts import LedgerAccount
from models.ledger.links import link_hash
from models.ledger.tables import LedgerEntry, LedgerHead, LedgerLink, LedgerTransaction, UnsealedTransaction
from tests.harness.money import gift_postings
from tests.harness.money.checking_books import check, codes, unguarded
from tests.harness.money.checking_ledger import unbounded
from tests.harness.money.ledger_rows import NOW
from tests.harness.stage import Stage


@pytest.fixture
def stage(database_url: str) -> Iterator[Stage]:
    """Two appeals. The ledger's transactions 1 to 6: a pool, three gifts, one of them matched, and one reversed."""
    stage = Stage(database_url)
    for _ in range(2):
        stage.open_appeal()
    with Database(stage.database) as db, db.begin():
        moves.pool_funded(db, 3, 0, 500, "pool:3", NOW)
        gift_postings.payment_received(db, 1, 1_000, "gift:1", NOW)
        gift_postings.matched(db, 3, 1, 100, "gift:1", NOW)
        gift_postings.payment_received(db, 2, 700, "gift:2", NOW)
    with Database(stage.database) as db, db.begin():
        mistake = gift_postings.payment_received(db, 2, 50, "gift:3", NOW)
        reverse(db, mistake, "case:1", NOW)
    yield stage
    stage.close()


def ids(connection: Connection) -> dict[tuple[str, int], int]:
    account = LedgerAccount
    rows = connection.execute(select(account.kind, account.subject_id, account.id))
    return {(row.kind, row.subject_id): row.id for row in rows}


def test_a_ledger_that_is_right(stage: Stage) -> None:
    assert "ledger: 6 more wait for their links" in check(stage).output
    stage.seal()
    result = check(stage)
    assert result.exit_code == 0, result.output
    with stage.database.connect() as connection:
        length, head = connection.execute(select(LedgerHead.length, LedgerHead.hash)).one()
    assert length == 6
    assert f"ledger: 6 transactions, head {head}\n" in result.output
    assert check(stage, "--ledger-head", f"6:{head}").exit_code == 0
    assert check(stage, "--ledger-head", f"0:{'0' * 64}").exit_code == 0
    assert check(stage, "--ledger-head", "6").exit_code == 2


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("change", "found"),
    [
        (
            "UPDATE ledger_entries SET amount_fen = 1001 WHERE transaction_id = 2 AND amount_fen > 0",
            ["link_broken ledger 2", "unbalanced ledger 2", "sum_differs channel 0", "balance_differs channel 0"],
        ),
        (
            "DELETE FROM ledger_entries WHERE transaction_id = 3",
            [
                *("link_broken ledger 3", "unbalanced ledger 3", "other_move ledger 3"),
                *("sum_differs appeal 1", "balance_differs appeal 1"),
                *("sum_differs pool 3", "balance_differs pool 3"),
            ],
        ),
        (
            "DELETE FROM ledger_transactions WHERE id = 3",
            [
                "transaction_gone ledger 3",
                *("entry_astray ledger_transaction 3", "entry_astray ledger_transaction 3"),
                *("sum_differs appeal 1", "balance_differs appeal 1"),
                *("sum_differs pool 3", "balance_differs pool 3"),
            ],
        ),
        (
            "INSERT INTO ledger_transactions (id, kind, cause, at) VALUES (99, 'settled', 'x:1', '2026-11-28')",
            ["unsealed ledger_transaction 99"],
        ),
        (
            "INSERT INTO ledger_entries VALUES (99, 1, 5)",
            ["entry_astray ledger_transaction 99"],
        ),
        ("UPDATE ledger_transactions SET cause = 'gift:9' WHERE id = 2", ["link_broken ledger 2"]),
        ("UPDATE ledger_transactions SET at = '2026-11-27 00:00:00+00:00' WHERE id = 2", ["link_broken ledger 2"]),
        (
            "UPDATE ledger_transactions SET kind = 'settled' WHERE id = 4",
            ["link_broken ledger 4", "other_move ledger 4", "sum_differs", "totals_differ appeal 2"],
        ),
        (
            "UPDATE ledger_transactions SET reverses_id = 4 WHERE id = 6",
            ["link_broken ledger 6", "reversal_differs ledger 6"],
        ),
        ("UPDATE ledger_transactions SET reverses_id = NULL WHERE id = 6", ["link_broken ledger 6", "other_move"]),
        ("DELETE FROM ledger_links WHERE number = 3", ["link_missing ledger 3", "unsealed ledger_transaction 3"]),
        ("DELETE FROM ledger_links WHERE number = 6", ["links_cut ledger 5", "unsealed ledger_transaction 6"]),
        ("UPDATE ledger_links SET hash = 'x' WHERE number = 5", ["link_broken ledger 5", "link_broken ledger 6"]),
        ("UPDATE ledger_head SET length = 5", ["links_unsealed ledger 6"]),
        ("UPDATE ledger_head SET hash = 'x'", ["head_wrong ledger 6"]),
        ("DELETE FROM ledger_head", ["head_missing ledger 6"]),
        ("UPDATE ledger_accounts SET balance_fen = 1 WHERE kind = 'appeal' AND subject_id = 1", ["balance_differs"]),
        ("UPDATE ledger_accounts SET balance_fen = -1 WHERE kind = 'pool'", ["balance_differs pool 3"]),
        (
            "UPDATE ledger_sums SET amount_fen = 1 WHERE kind = 'pool_funded'",
            ["sum_differs bank 0", "sum_differs pool 3"],
        ),
        ("DELETE FROM ledger_sums WHERE kind = 'pool_funded'", ["sum_differs bank 0", "sum_differs pool 3"]),
        ("INSERT INTO ledger_sums VALUES (1, 'disbursed', 5)", ["sum_differs"]),
        (
            "UPDATE ledger_accounts SET subject_id = 77 WHERE kind = 'appeal' AND subject_id = 2",
            [*(f"link_broken ledger {number}" for number in (4, 5, 6)), "no_such_appeal appeal 77"],
        ),
    ],
)
def test_whatever_is_done_to_it_beside_the_triggers_is_named(stage: Stage, change: str, found: list[str]) -> None:
    with (unbounded if "balance_fen = -1" in change else unguarded)(stage) as connection:
        connection.exec_driver_sql(change)
    told = codes(stage)
    assert [each for each in found if not any(one.startswith(each) for one in told)] == [], told
    assert [each for each in told if not each.startswith((*found, "figure_"))] == []


def test_the_command_counts_what_is_wrong(stage: Stage) -> None:
    with unguarded(stage) as connection:
        connection.exec_driver_sql("DELETE FROM ledger_entries WHERE transaction_id = 3")
    result = check(stage)
    assert result.exit_code == 1
    assert f"{len(codes(stage))} violations" in result.output


def sealed_anew(connection: Connection, kind: str, entries: dict[tuple[str, int], int], reverses: int | None) -> None:
    """A seventh transaction, with its link and head as post() would have made them, whatever it does."""
    values = {"kind": kind, "cause": "x:1", "at": NOW, "reverses_id": reverses}
    number = connection.execute(insert(LedgerTransaction).values(**values).returning(LedgerTransaction.id)).scalar_one()
    for account in entries.keys() - ids(connection).keys():
        connection.execute(insert(LedgerAccount).values(kind=account[0], subject_id=account[1]))
    accounts = ids(connection)
    for account, fen in entries.items():
        values = {"transaction_id": number, "account_id": accounts[account], "amount_fen": fen}
        connection.execute(insert(LedgerEntry).values(**values))
    head = read_head(connection, LedgerHead)
    assert head
    link = {"number": 7, "kind": kind, "cause": "x:1", "at": NOW, "reverses": reverses, "entries": entries.items()}
    sealed = link_hash(head[1], link)
    connection.execute(insert(LedgerLink).values(number=7, transaction_id=number, hash=sealed))
    connection.execute(delete(UnsealedTransaction))
    connection.execute(update(LedgerHead).values(length=7, hash=sealed))


OWNED = ["other_move ledger 7"]
APPEAL = ("appeal", 1)


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("kind", "entries", "reverses", "found"),
    [
        ("gift", {("channel", 0): 5, APPEAL: -5}, None, [*OWNED, "totals_differ appeal 1"]),
        ("payment_received", {("bank", 0): 5, APPEAL: -5}, None, OWNED),
        ("payment_received", {("channel", 0): -5, APPEAL: 5}, None, OWNED),
        ("matched", {("channel", 0): -500, APPEAL: 500}, None, [*OWNED, "less_than_nothing appeal 1"]),
        ("payment_received", {("channel", 0): 10, APPEAL: -5, ("appeal", 2): -5}, None, OWNED),
        (
            "disbursed",
            {APPEAL: 1_200, ("bank", 0): -1_200},
            None,
            ["overdrawn appeal 1", "overdrawn bank 0", "disbursement_gone"],
        ),
        ("refund_paid", {("refunds", 0): 1, ("channel", 0): -1}, None, ["overdrawn refunds 0"]),
        ("payment_received", {("channel", 0): -999, APPEAL: 999}, 2, ["reversal_differs ledger 7"]),
        ("refund_owed", {("refunds", 0): -1, APPEAL: 1}, 2, [*OWNED, "reversal_differs ledger 7"]),
    ],
    ids=str,
)
def test_what_was_sealed_and_is_wrong_all_the_same_is_named(
    stage: Stage, kind: str, entries: dict[tuple[str, int], int], reverses: int | None, found: list[str]
) -> None:
    """By a program that posts what it must not: chain, sums and balances are all as they should be."""
    with unbounded(stage) as connection:
        sealed_anew(connection, kind, entries, reverses)
        recount(connection)
    told = codes(stage)
    assert [each for each in found if not any(one.startswith(each) for one in told)] == [], told
    assert [each for each in told if not each.startswith((*found, "figure_"))] == []


def recount(connection: Connection) -> None:
    """Sums and balances as the triggers would have left them."""
    connection.exec_driver_sql("DELETE FROM ledger_sums")
    connection.exec_driver_sql(
        "INSERT INTO ledger_sums SELECT account_id, kind, sum(amount_fen) FROM ledger_entries"
        " JOIN ledger_transactions ON id = transaction_id GROUP BY account_id, kind"
    )
    connection.exec_driver_sql(
        "UPDATE ledger_accounts SET balance_fen = CASE WHEN kind IN ('bank', 'channel', 'fees') THEN 1 ELSE -1 END"
        " * (SELECT coalesce(sum(amount_fen), 0) FROM ledger_entries WHERE account_id = ledger_accounts.id)"
    )


def empty(stage: Stage) -> None:
    """As if nothing had ever been posted."""
    with unguarded(stage) as connection:
        for table in ("links", "entries", "transactions", "sums", "accounts"):
            connection.execute(text(f"DELETE FROM ledger_{table}"))  # noqa: S608 - ours
        connection.execute(update(LedgerHead).values(length=0, hash=GENESIS))
        connection.execute(text("DELETE FROM figure_deltas WHERE cause LIKE 'posting:%'"))


def test_a_ledger_that_was_made_anew_is_told_by_a_head_that_was_noted_and_every_night(
    new_database: Callable[[], str], redis_flushed: str
) -> None:
    stage = Stage(new_database())
    stage.open_appeal()
    redis = Redis.from_url(redis_flushed)
    books.check_and_tell(stage.settings.database_url, redis, stage.clock())  # an empty ledger is noted, and may begin
    with Database(stage.database) as db, db.begin():
        gift_postings.payment_received(db, 1, 1_000, "gift:1", NOW)
    stage.seal()
    books.check_and_tell(stage.settings.database_url, redis, stage.clock())
    with stage.database.connect() as connection:
        noted = read_head(connection, LedgerHead)
    assert noted
    empty(stage)
    with Database(stage.database) as db, db.begin():
        gift_postings.payment_received(db, 1, 900, "gift:1", NOW)
    stage.seal()
    assert check(stage).exit_code == 0
    assert "not_as_noted: ledger 1 has" in check(stage, "--ledger-head", f"1:{noted[1]}").output
    assert "not_as_noted: ledger 9 was noted" in check(stage, "--ledger-head", f"9:{noted[1]}").output
    for _ in range(2):
        with structlog.testing.capture_logs() as logs:
            books.check_and_tell(stage.settings.database_url, redis, stage.clock())
        [line] = [each for each in logs if each["event"] == "books.wrong"]
        assert line["codes"] == {"not_as_noted": 1}
    redis.close()
    stage.close()
