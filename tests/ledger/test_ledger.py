"""The ledger takes what adds up, once, and lets nobody change it: not the program, and not SQL beside it."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, event, func, insert, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session as Database

from models.core.database import connect
from models.ledger import (
    Account,
    AnotherPosting,
    MoreBackThanWent,
    NotReversible,
    Overdrawn,
    Totals,
    WrongPosting,
    amounts_of,
    find,
    held,
    lock,
    moves,
    reverse,
    totals,
    totals_of,
)
from models.ledger.accounts import LedgerAccount
from models.ledger.moves import ToAppeal
from models.ledger.posting import post
from models.ledger.tables import LedgerEntry, LedgerHead, LedgerLink, LedgerTransaction
from tests.harness.money import gift_postings
from tests.harness.money.first_charity import CHANNEL, REFUNDS
from tests.harness.money.ledger_rows import NOW, balances, chain
from tests.harness.money.ledger_rows import database as database
from tests.harness.money.ledger_rows import posted as posted

LATER = NOW + timedelta(days=1)


def test_money_goes_its_whole_way(database: Engine) -> None:
    with Database(database) as db, db.begin():
        moves.pool_funded(db, 3, 0, 2_000, "pool:3", NOW)
        gift_postings.payment_received(db, 7, 10_000, "order:1", NOW)
        gift_postings.matched(db, 3, 7, 1_000, "order:1", NOW)
        moves.settled(db, 0, 10_000, 60, "settlement:1", NOW)
        moves.refund_owed(db, 7, 2_500, "refund:1", NOW)
        gift_postings.match_returned(db, 3, 7, 250, "refund:1", NOW)
        moves.disbursed(db, 7, 0, 5_000, "disbursement:1", NOW)
        moves.disbursement_returned(db, 7, 0, 500, "disbursement:1", NOW)
        moves.fees_covered(db, 0, 60, "fees:1", NOW)
        moves.topped_up(db, 0, 2_500, "top_up:1", NOW)
        moves.refund_paid(db, 0, 2_500, "refund:1", NOW)
        assert totals(db, 7) == Totals(paid=10_000, matched=750, refunded=2_500, disbursed=4_500)
        assert held(db, [7, 8]) == {7: 3_750, 8: 0}
        assert (totals(db, 7).held, totals(db, 7).public) == (3_750, 8_250)
    bank = 2_000 + (10_000 - 60) - 5_000 + 500 + 60 - 2_500
    left = {Account("appeal", 7): 3_750, Account("pool", 3): 1_250, Account("bank", 0): bank}
    assert balances(database) == left
    assert len(chain(database)) == 11


def test_what_came_too_late_goes_back_or_where_it_belongs(database: Engine) -> None:
    with Database(database) as db, db.begin():
        moves.payment_unassigned(db, 0, 900, "order:1", NOW)
        gift_postings.payment_assigned(db, 7, 300, "order:1", NOW)
        moves.refund_from_unassigned(db, 0, 600, "refund:1", NOW)
        moves.refund_paid(db, 0, 600, "refund:1", NOW)
        moves.refund_bounced(db, 0, 600, "refund:1", NOW)
        gift_postings.refund_redirected(db, 8, 100, "refund:1", NOW)
        moves.refund_paid(db, 0, 500, "refund:2", NOW)
        moves.refund_owed(db, 8, 40, "refund:3", NOW)
        moves.refund_withdrawn(db, 8, 30, "refund:3", NOW)
        assert totals_of(db, [7, 8]) == {7: Totals(paid=300), 8: Totals(paid=100, refunded=10)}
    left = {CHANNEL: 400, REFUNDS: 10, Account("appeal", 7): 300, Account("appeal", 8): 90}
    assert balances(database) == left


def test_a_pool_gives_back_what_is_left(database: Engine) -> None:
    with Database(database) as db, db.begin():
        moves.pool_funded(db, 3, 0, 2_000, "pool:3", NOW)
        moves.pool_returned(db, 3, 0, 2_000, "pool:3", NOW)
    assert balances(database) == {}


def test_a_fee_may_be_nothing_or_all_and_no_more(database: Engine) -> None:
    with Database(database) as db, db.begin():
        gift_postings.payment_received(db, 7, 100, "order:1", NOW)
        moves.settled(db, 0, 60, 0, "settlement:1", NOW)
        moves.settled(db, 0, 40, 40, "settlement:2", NOW)
        for fee in (-1, 101, 0.5):
            with pytest.raises(WrongPosting):
                moves.settled(db, 0, 100, fee, "settlement:3", NOW)  # type: ignore[arg-type]
    assert balances(database) == {Account("appeal", 7): 100, Account("bank", 0): 60, Account("fees", 0): 40}


def test_the_same_cause_again_is_the_same_transaction_and_moves_nothing(database: Engine) -> None:
    with Database(database) as db, db.begin():
        first = gift_postings.payment_received(db, 7, 100, "order:1", NOW)
        assert gift_postings.payment_received(db, 7, 100, "order:1", LATER) is first
        number = first.id
    with Database(database) as db, db.begin():
        again = gift_postings.payment_received(db, 7, 100, "order:1", LATER)
        assert (again.id, again.at) == (number, NOW)
        assert find(db, "payment_received", "order:1") is again
        assert find(db, "payment_received", "order:2") is None
        for appeal, fen in ((7, 101), (8, 100)):
            with pytest.raises(AnotherPosting):
                gift_postings.payment_received(db, appeal, fen, "order:1", NOW)
        moves.refund_owed(db, 7, 100, "order:1", NOW)
    assert chain(database) == [("payment_received", "order:1"), ("refund_owed", "order:1")]
    with Database(database) as db, db.begin():  # also when there is no longer enough for it
        assert moves.refund_owed(db, 7, 100, "order:1", NOW).cause == "order:1"


def test_a_mistake_is_reversed_once(database: Engine) -> None:
    with Database(database) as db, db.begin():
        wrong = gift_postings.payment_received(db, 7, 100, "order:1", NOW)
        undone = reverse(db, wrong, "case:1", LATER)
        assert (undone.kind, undone.reverses_id) == ("payment_received", wrong.id)
        assert amounts_of(db, undone) == {CHANNEL: -100, Account("appeal", 7): 100}
        assert totals(db, 7) == Totals()
        numbers = (wrong.id, undone.id)
    with Database(database) as db, db.begin():
        wrong, undone = (db.get_one(LedgerTransaction, number) for number in numbers)
        assert reverse(db, wrong, "case:1", LATER) is undone
        for again in (wrong, undone):
            with pytest.raises(NotReversible):
                reverse(db, again, "case:2", LATER)
        with pytest.raises(AnotherPosting):
            reverse(db, wrong, "order:1", LATER)
        with pytest.raises(AnotherPosting):
            gift_postings.payment_received(db, 7, 100, "case:1", LATER)
    assert balances(database) == {}
    assert len(chain(database)) == 2


def test_what_was_spent_cannot_be_reversed(database: Engine) -> None:
    with Database(database) as db, db.begin():
        paid = gift_postings.payment_received(db, 7, 100, "order:1", NOW)
        moves.refund_owed(db, 7, 1, "refund:1", NOW)
        with pytest.raises(Overdrawn) as refused:
            reverse(db, paid, "case:1", NOW)
        assert (refused.value.account, refused.value.short_fen) == (("appeal", 7), 1)
    assert len(chain(database)) == 2


def test_nothing_is_given_that_is_not_there(database: Engine) -> None:
    with Database(database) as db, db.begin():
        gift_postings.payment_received(db, 7, 100, "order:1", NOW)
        tries: tuple[Callable[[], Any], ...] = (
            lambda: moves.refund_owed(db, 7, 101, "x:1", NOW),
            lambda: moves.refund_owed(db, 8, 1, "x:1", NOW),
            lambda: moves.refund_from_unassigned(db, 0, 1, "x:1", NOW),
            lambda: moves.refund_paid(db, 0, 1, "x:1", NOW),
            lambda: gift_postings.matched(db, 3, 7, 1, "x:1", NOW),
            lambda: moves.disbursed(db, 7, 0, 1, "x:1", NOW),
            lambda: moves.settled(db, 0, 101, 0, "x:1", NOW),
        )
        for overdraw in tries:
            with pytest.raises(Overdrawn):
                overdraw()
    assert chain(database) == [("payment_received", "order:1")]
    assert balances(database) == {CHANNEL: 100, Account("appeal", 7): 100}


def test_no_more_comes_back_than_went(database: Engine) -> None:
    with Database(database) as db, db.begin():
        moves.pool_funded(db, 3, 0, 100, "pool:3", NOW)
        gift_postings.payment_received(db, 7, 100, "order:1", NOW)
        match = gift_postings.matched(db, 3, 7, 10, "order:1", NOW)
        moves.refund_owed(db, 7, 20, "refund:1", NOW)
        gift_postings.match_returned(db, 3, 7, 4, "refund:1", NOW)
        moves.payment_unassigned(db, 0, 50, "order:2", NOW)
        moves.refund_from_unassigned(db, 0, 50, "refund:2", NOW)
        tries: tuple[Callable[[], Any], ...] = (
            lambda: gift_postings.match_returned(db, 3, 7, 7, "x:1", NOW),
            lambda: reverse(db, match, "x:1", NOW),
            lambda: moves.refund_withdrawn(db, 7, 21, "x:1", NOW),
            lambda: moves.refund_withdrawn(db, 8, 1, "x:1", NOW),
            lambda: moves.disbursement_returned(db, 7, 0, 1, "x:1", NOW),
        )
        for too_much in tries:
            with pytest.raises(MoreBackThanWent):
                too_much()
        assert totals(db, 7) == Totals(paid=100, matched=6, refunded=20)


@pytest.mark.parametrize("fen", [0, -1, 0.5, True, "1", None])
def test_what_is_no_amount_does_not_move(database: Engine, fen: Any) -> None:
    with Database(database) as db, pytest.raises(WrongPosting):
        moves.refund_owed(db, 7, fen, "refund:1", NOW)
    with Database(database) as db, pytest.raises(WrongPosting):
        _given(db, {"order:1": ToAppeal(CHANNEL, 7, fen)})


def _given(db: Database, gifts: dict[str, ToAppeal]) -> None:
    moves.given_to_appeals(db, "payment_received", gifts, NOW, lock(db, (CHANNEL, Account("appeal", 7))))


def test_gifts_are_posted_together_as_one_by_one(database: Engine) -> None:
    with Database(database) as db, db.begin():
        _given(db, {"order:1": ToAppeal(CHANNEL, 7, 100), "order:2": ToAppeal(CHANNEL, 7, 30)})
        gift_postings.payment_received(db, 7, 5, "order:3", NOW)
        assert totals(db, 7) == Totals(paid=135)
        of_each = [amounts_of(db, posted) for posted in db.scalars(select(LedgerTransaction).order_by("cause"))]
    assert of_each == [{CHANNEL: fen, Account("appeal", 7): -fen} for fen in (100, 30, 5)]


def test_of_gifts_together_none_is_posted_where_one_was_before(database: Engine) -> None:
    with Database(database) as db, db.begin():
        gift_postings.payment_received(db, 7, 5, "order:2", NOW)
    with Database(database) as db, pytest.raises(WrongPosting), db.begin():
        _given(db, {"order:1": ToAppeal(CHANNEL, 7, 100), "order:2": ToAppeal(CHANNEL, 7, 30)})
    with Database(database) as db:
        assert totals(db, 7) == Totals(paid=5)


@pytest.mark.parametrize(
    "cause",
    ["", "order", "order:", ":1", "Order:1", "order: 1", "王秀兰:1", "order:王", "order:1\n", "order:" + "1" * 44],
)
def test_a_cause_has_no_room_for_anybodys_data(database: Engine, cause: str) -> None:
    with Database(database) as db, pytest.raises(WrongPosting):
        gift_postings.payment_received(db, 7, 100, cause, NOW)


APPEAL = Account("appeal", 7)


@pytest.mark.parametrize(
    "amounts",
    [
        {},
        {CHANNEL: 1},
        {CHANNEL: 1, APPEAL: -2},
        {CHANNEL: 0, APPEAL: 0},
        {CHANNEL: 1, APPEAL: -1, REFUNDS: 0},
        {CHANNEL: 1.0, APPEAL: -1.0},
        {CHANNEL: 1, Account("appeal", -7): -1},
        {CHANNEL: 1, Account("pocket", 7): -1},
        {CHANNEL: 1, Account("pool", 7): -1},
        {CHANNEL: -1, APPEAL: 1},
        {CHANNEL: 2, APPEAL: -1, Account("appeal", 8): -1},
    ],
    ids=str,
)
def test_what_does_not_add_up_is_not_posted(database: Engine, amounts: Any) -> None:
    with Database(database) as db, db.begin():
        with pytest.raises(WrongPosting):
            post(db, "payment_received", "order:1", amounts, NOW)
        with pytest.raises(WrongPosting):
            post(db, "gift", "order:1", {CHANNEL: 1, APPEAL: -1}, NOW)
        assert db.scalar(select(func.count()).select_from(LedgerAccount)) == 0


def test_a_savepoint_takes_its_postings_back(database: Engine) -> None:
    with Database(database) as db, db.begin():
        gift_postings.payment_received(db, 7, 100, "order:1", NOW)
        with suppress(ZeroDivisionError), db.begin_nested():
            moves.refund_owed(db, 7, 60, "refund:1", NOW)
            raise ZeroDivisionError
        assert held(db, [7]) == {7: 100}
        moves.refund_owed(db, 7, 40, "refund:2", NOW)
    assert chain(database) == [("payment_received", "order:1"), ("refund_owed", "refund:2")]


def test_every_database_seals_the_same(new_database: Callable[[], str]) -> None:
    heads = []
    for _ in range(2):
        database = connect(new_database())
        with Database(database) as db, db.begin():
            paid = gift_postings.payment_received(db, 7, 100, "order:1", NOW).id
            moves.settled(db, 0, 50, 3, "settlement:1", LATER)
        with Database(database) as db, db.begin():
            moves.topped_up(db, 0, 47, "top_up:1", NOW)
            gift_postings.payment_received(db, 8, 50, "order:2", NOW)
            reverse(db, db.get_one(LedgerTransaction, paid), "case:1", LATER)
        assert len(chain(database)) == 5
        with Database(database) as db:
            heads.append(db.scalars(select(LedgerHead.hash)).one())
        database.dispose()
    assert heads[0] == heads[1]


def test_a_page_of_appeals_costs_one_query_by_index(new_database: Callable[[], str]) -> None:
    database = connect(new_database())
    with Database(database) as db, db.begin():
        for appeal in range(1, 101):
            gift_postings.payment_received(db, appeal, 100, f"order:{appeal}", NOW)
    seen: list[str] = []
    event.listen(database, "before_cursor_execute", lambda _c, _cursor, statement, *_: seen.append(statement))
    with Database(database) as db:
        assert sum(each.paid for each in totals_of(db, range(1, 101)).values()) == 10_000
        assert sum(held(db, range(1, 101)).values()) == 10_000
        assert len(seen) == 2
        assert [statement for statement in seen if "ledger_entries" in statement] == []
    database.dispose()


# --- What SQL beside the program is refused, by the tables themselves


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_entries SET amount_fen = amount_fen",
        "DELETE FROM ledger_entries",
        "UPDATE ledger_transactions SET cause = 'order:2'",
        "DELETE FROM ledger_transactions",
        "UPDATE ledger_links SET hash = ''",
        "DELETE FROM ledger_links",
        "UPDATE ledger_head SET length = length",
        "DELETE FROM ledger_head",
        "UPDATE ledger_accounts SET kind = 'pool' WHERE kind = 'appeal'",
        "UPDATE ledger_accounts SET subject_id = 8 WHERE kind = 'appeal'",
        "DELETE FROM ledger_accounts",
        "UPDATE ledger_accounts SET balance_fen = -1 WHERE kind = 'appeal'",
        "INSERT INTO ledger_entries VALUES (1, 3, 5)",
        "INSERT INTO ledger_entries VALUES (1, 3, 5), (1, 4, -5)",
        "INSERT INTO ledger_accounts (kind, subject_id) VALUES ('pocket', 1)",
        "INSERT INTO ledger_accounts (kind, subject_id) VALUES ('appeal', 7)",
        "INSERT INTO ledger_transactions (kind, cause, at) VALUES ('payment_received', 'order:1', '2026-11-28')",
        "INSERT INTO ledger_transactions (kind, cause, at) VALUES ('payment_received', 'order:2', '2026-11-28')",
        "INSERT INTO ledger_links VALUES (2, 1, '')",
    ],
)
def test_what_was_posted_stays_as_it_was(database: Engine, posted: int, statement: str) -> None:
    with database.begin() as connection:
        connection.execute(insert(LedgerAccount), [{"kind": "pool", "subject_id": n} for n in (1, 2)])
    with pytest.raises(DBAPIError), database.begin() as connection:
        connection.execute(text(statement))
    assert chain(database) == [("payment_received", "order:1")]
    assert balances(database) == {CHANNEL: 100, Account("appeal", 7): 100}


@pytest.mark.parametrize(
    "entries",
    [
        [(1, 100), (2, -99)],
        [(1, 100)],
        [],
        [(1, 0), (2, 0)],
        [(1, 101), (2, -101)],
        [(1, 100), (99, -100)],
    ],
    ids=str,
)
def test_no_transaction_is_kept_that_does_not_add_up(
    database: Engine, posted: int, entries: list[tuple[int, int]]
) -> None:
    """Unbalanced, with one entry or none, of nothing, overdrawn, or for an account that is not."""
    with pytest.raises(DBAPIError):
        write(database, entries)
    assert chain(database) == [("payment_received", "order:1")]


def write(database: Engine, entries: list[tuple[int, int]]) -> None:
    """A second transaction, by SQL."""
    transaction = insert(LedgerTransaction).values(kind="payment_received", cause="order:2", at=NOW)
    with database.begin() as connection:
        number = connection.execute(transaction.returning(LedgerTransaction.id)).scalar_one()
        for account, fen in entries:
            connection.execute(insert(LedgerEntry).values(transaction_id=number, account_id=account, amount_fen=fen))


def test_what_sql_writes_moves_the_balances_too(database: Engine, posted: int) -> None:
    with database.connect() as connection:
        account = LedgerAccount
        ids = {row.kind: row.id for row in connection.execute(select(account.kind, account.id))}
    write(database, [(ids["channel"], 5), (ids["appeal"], -5)])
    assert balances(database) == {CHANNEL: 105, Account("appeal", 7): 105}
    with Database(database) as db:
        assert totals(db, 7) == Totals(paid=105)


def test_nothing_but_post_writes_the_ledger(database: Engine) -> None:
    rows = (
        LedgerTransaction(kind="settled", cause="x:1", at=NOW),
        LedgerEntry(transaction_id=1, account_id=1, amount_fen=1),
        LedgerLink(number=1, transaction_id=1, hash=""),
    )
    for row in rows:
        with Database(database) as db:
            db.add(row)
            with pytest.raises(TypeError, match="post"):
                db.flush()
