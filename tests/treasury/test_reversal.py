"""冲正: what was entered wrong is undone and entered anew; the books and the public ledger hold with it."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from bot.words.lexicon import load_lexicon
from models.books.money.bank_entries import check_entries
from models.core.refusal import Refusal
from models.ledger import LedgerTransaction
from models.ledger.accounts import LedgerAccount
from models.ledger.errors import BankShort, ChannelShort, ReferenceUsed
from models.treasury.bank_entry import REVERSAL_REASONS, RULES, BankEntry, BankTransfer
from models.treasury.reversal import NoSuchBankEntry, standing_entries
from tests.harness.racing import patient
from tests.harness.stage import Stage
from tests.harness.tiers import examples
from tests.scenes.export import export, read, verify
from tests.scenes.money.bank_entries import COUNTY, GIVEN, entered, prepared, settled, undone, who
from tests.scenes.money.disbursements import at, wrong
from tests.scenes.money.gifts import give


@pytest.fixture
def stage(database_url: str) -> Iterator[Stage]:
    stage = prepared(database_url)
    yield stage
    stage.close()


def topped_up(stage: Stage, fen: int, reference: str) -> int:
    return entered(stage, BankTransfer("top_up", fen, reference))


def balances(stage: Stage) -> dict[str, int]:
    account = LedgerAccount
    with at(stage) as db:
        rows = db.execute(select(account.kind, func.sum(account.balance_fen)).group_by(account.kind))
        return {"bank": 0, "fees": 0} | {kind: int(fen) for kind, fen in rows if kind in ("channel", "bank", "fees")}


def posted(stage: Stage) -> int:
    with at(stage) as db:
        return db.scalar(select(func.count(LedgerTransaction.id))) or 0


def test_it_is_entered_anew_under_the_same_number_and_a_stranger_can_follow_it(stage: Stage, tmp_path: Path) -> None:
    first = settled(stage, 40_000, 4_000, "B-1")
    with pytest.raises(ReferenceUsed):
        settled(stage, 40_000, 400, "B-1")
    undone(stage, first)
    assert balances(stage) == {"channel": GIVEN, "bank": 0, "fees": 0}
    settled(stage, 40_000, 400, "B-1")
    with pytest.raises(ReferenceUsed):
        settled(stage, 40_000, 400, "B-1")
    second = topped_up(stage, 30_000, "C-1")
    undone(stage, second, "wrong_reference", "SECOND")
    topped_up(stage, 3_000, "C-1")
    assert balances(stage) == {"channel": GIVEN - 37_000, "bank": 36_600, "fees": 400}
    assert wrong(stage) == set()
    export(stage, tmp_path)
    assert verify(tmp_path)[0] == 0
    lines = (tmp_path / "ledger.jsonl").read_text(encoding="utf-8")
    assert all(f'"{cause}"' in lines for cause in ("reversed_settlement:1", "reversed_top_up:3"))
    assert read(tmp_path, "manifest.json")["transactions"] == posted(stage)


def test_only_ones_own_that_stands_can_be_undone_and_the_newest_is_first(stage: Stage) -> None:
    first, second = settled(stage, 9_000, 90, "B-1"), settled(stage, 8_000, 80, "B-2")
    give(stage, stage.open_appeal(region="430524200000"), 7_000, "o-theirs")
    theirs = settled(stage, 7_000, 70, "B-1", "ELSEWHERE")
    stage.clock.move(timedelta(minutes=1))
    third = topped_up(stage, 1_000, "B-1")
    with at(stage) as db:
        found = [(one.kind, one.id) for one in standing_entries(db, who(db, "SECOND"), 9)]
        assert found == [("top_up", third), ("settlement", second), ("settlement", first)]
        assert [one.id for one in standing_entries(db, who(db), 2)] == [third, second]
        same = [(one.kind, one.id) for one in standing_entries(db, who(db), 9, "B-1")]
        assert same == [("top_up", third), ("settlement", first)]
    before = posted(stage)
    for number, work_no in ((theirs, "HOLDER"), (first, "ELSEWHERE"), (999, "HOLDER")):
        with pytest.raises(NoSuchBankEntry):
            undone(stage, number, work_no=work_no)
    undone(stage, first)
    with pytest.raises(NoSuchBankEntry):
        undone(stage, first, "entered_twice", "SECOND")
    assert posted(stage) == before + 1
    assert wrong(stage) == set()


def test_what_was_spent_meanwhile_is_refused_with_what_is_there_and_changes_nothing(stage: Stage) -> None:
    first = settled(stage, 30_000, 300, "B-1")
    second = topped_up(stage, 20_000, "C-1")
    with pytest.raises(BankShort) as short:
        undone(stage, first)
    assert short.value.values == {"held_fen": 9_700, "back_fen": 29_700}
    settled(stage, 35_000, 0, "B-2")
    with pytest.raises(ChannelShort) as lacks:
        undone(stage, second)
    assert lacks.value.values == {"held_fen": 5_000, "back_fen": 20_000}
    assert wrong(stage) == set()
    # What came in since makes it possible.
    undone(stage, first)
    undone(stage, second)
    assert balances(stage) == {"channel": 15_000, "bank": 35_000, "fees": 0}
    assert wrong(stage) == set()


def test_of_many_at_once_one_undoes_it_and_spending_never_overdraws(
    new_database: Callable[[], str],
) -> None:
    stage = patient(prepared(new_database()))
    for turn in range(3):
        number = settled(stage, 10_000, 100, f"B-{turn}")
        before = balances(stage)

        def attempt(one: int, number: int = number, turn: int = turn) -> str:
            try:
                if one % 4:
                    undone(stage, number, REVERSAL_REASONS[one % 3], ("HOLDER", "SECOND")[one % 2])
                    return "undone"
                topped_up(stage, 6_000, f"C-{turn}-{one}")
            except Refusal as refusal:
                return refusal.code
            return "spent"

        with ThreadPoolExecutor(12) as pool:
            said = list(pool.map(attempt, range(12)))
        after = balances(stage)
        assert said.count("undone") <= 1
        assert set(said) <= {"undone", "spent", "no_such_bank_entry", "bank_short"}
        spent = 6_000 * said.count("spent")
        back = 10_000 * said.count("undone")
        assert after["channel"] == before["channel"] + spent + back
        assert after["bank"] == before["bank"] - spent - (9_900 if back else 0) >= 0
        assert back or spent
        assert wrong(stage) == set()
    stage.close()


_DEEDS = st.tuples(
    st.sampled_from(["settle", "top_up", "undo", "undo"]),
    st.integers(1, 30_000),
    st.integers(0, 100),
    st.integers(0, 4),
)


@pytest.mark.search
def test_whatever_is_undone_the_accounts_hold_what_stands(new_database: Callable[[], str]) -> None:
    """Any order of entries under few numbers and of undoing them: the accounts are the sums of those that stand."""
    stage = patient(prepared(new_database()))

    @settings(max_examples=examples(25), deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(_DEEDS, min_size=2, max_size=12))
    def walk(deeds: list[tuple[str, int, int, int]]) -> None:
        for deed, fen, percent, which in deeds:
            before = balances(stage)
            standing = _standing(stage)
            try:
                if deed == "settle":
                    settled(stage, fen, fen * percent // 100, f"N-{which}")
                elif deed == "top_up":
                    topped_up(stage, fen, f"N-{which}")
                elif which < len(standing):
                    undone(stage, standing[which].id, REVERSAL_REASONS[which % 3])
            except (ReferenceUsed, ChannelShort, BankShort):
                assert balances(stage) == before
            stands = _standing(stage)
            fees = sum(one.fee_fen for one in stands)
            bank = sum(one.bank_fen * (1 if one.kind == "settlement" else -1) for one in stands)
            assert balances(stage) == {"channel": GIVEN - bank - fees, "bank": bank, "fees": fees}
            assert len({(one.kind, one.bank_reference) for one in stands}) == len(stands)
        assert wrong(stage) == set()

    walk()
    stage.close()


def _standing(stage: Stage) -> Any:
    with at(stage) as db:
        return standing_entries(db, who(db), 1_000)


# Beside the program


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("statement", "trigger", "code"),
    [
        ("UPDATE bank_entries SET reversed_at = at, reversed_by = 1, reversal_reason = 'amount_wrong' WHERE id = 2",
         None, "reversal_differs settlement 2"),
        ("UPDATE bank_entries SET reversed_at = NULL, reversed_by = NULL, reversal_reason = NULL WHERE id = 1",
         "bank_entries_reversed_once", "reversal_differs settlement 1"),
        ("UPDATE bank_entries SET reversed_by = 2 WHERE id = 1", "bank_entries_reversed_once",
         "reversal_differs settlement 1"),
        ("UPDATE bank_entries SET reversal_reason = 'entered_twice' WHERE id = 1", "bank_entries_reversed_once",
         "reversal_differs settlement 1"),
        ("UPDATE bank_entries SET reversed_at = NULL, reversed_by = NULL, reversal_reason = NULL WHERE id = 3",
         "bank_entries_reversed_once", "reversal_differs top_up 3"),
        ("UPDATE bank_entries SET holder_id = 430524000000 WHERE id = 3", "bank_entries_fixed",
         "top_up_differs top_up 3"),
        ("UPDATE bank_entries SET holder_id = 430524000000 WHERE id = 2", "bank_entries_fixed",
         "settlement_differs settlement 2"),
        ("UPDATE bank_entries SET fee_fen = 0 WHERE id = 2", "bank_entries_fixed",
         "settlement_differs settlement 2"),
        ("UPDATE bank_entries SET kind = 'settlement' WHERE id = 3", "bank_entries_fixed",
         "settlement_differs settlement 3, reversal_differs settlement 3"),
    ],
)  # fmt: skip
def test_what_is_done_beside_the_program_is_held_back_and_named(
    stage: Stage, statement: str, trigger: str | None, code: str
) -> None:
    undone(stage, settled(stage, 9_000, 90, "B-1"))
    settled(stage, 9_000, 90, "B-2")
    undone(stage, topped_up(stage, 500, "C-1"))
    assert wrong(stage) == set()
    if trigger:
        with pytest.raises(IntegrityError), stage.database.begin() as connection:
            connection.execute(text(statement))
    with stage.database.connect() as connection:
        if trigger:
            connection.execute(text(f"DROP TRIGGER {trigger} ON bank_entries"))
        connection.execute(text(statement))
        found = [f"{one.code} {one.subject} {one.subject_id}" for one in check_entries(connection, stage.clock())]
        connection.rollback()
    assert ", ".join(found) == code


def test_the_same_number_does_not_stand_twice_whoever_writes(stage: Stage) -> None:
    settled(stage, 9_000, 90, "B-1")
    again = (
        "INSERT INTO bank_entries (kind, draft_id, holder_id, amount_fen, fee_fen, bank_reference, entered_by, at)"
        " SELECT kind, 'x', holder_id, amount_fen, fee_fen, bank_reference, entered_by, at FROM bank_entries"
    )
    with pytest.raises(IntegrityError), stage.database.begin() as connection:
        connection.execute(text(again))
    undone(stage, 1)
    half = "UPDATE bank_entries SET reversed_at = at WHERE reversed_at IS NULL"
    settled(stage, 9_000, 90, "B-1")
    with pytest.raises(IntegrityError), stage.database.begin() as connection:
        connection.execute(text(half))


def test_the_reasons_that_can_be_picked_are_those_that_are_kept() -> None:
    assert set(load_lexicon().choices["reverse_entry"]) == set(REVERSAL_REASONS)
    assert set(RULES) == {"settlement", "top_up", "fee_cover"}


@pytest.mark.parametrize("kind", ["top_up", "fee_cover"])
def test_only_a_settlement_has_a_fee(stage: Stage, kind: str) -> None:
    with at(stage) as db:
        entry = {"draft_id": "x", "holder_id": int(COUNTY), "amount_fen": 9, "bank_reference": "F-1", "entered_by": 1}
        db.add(BankEntry(kind=kind, fee_fen=1, at=stage.clock(), **entry))
        with pytest.raises(IntegrityError, match="fee_of_settlement"):
            db.flush()
        db.rollback()
