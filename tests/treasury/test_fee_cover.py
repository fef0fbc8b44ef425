"""补手续费: what the channel kept is paid in from elsewhere, and every fen that was given can be paid out."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from bot.wechat.codec import REPLY_BYTES
from bot.words.lexicon import load_lexicon
from bot.words.render import Renderer
from flows.engine.flow import Say
from models.books.money.bank_entries import check_entries
from models.core.money import LARGEST
from models.core.refusal import Refusal
from models.ledger import held, moves
from models.ledger.accounts import LedgerAccount
from models.ledger.errors import BankShort, ReferenceUsed
from models.staff.member import Staff
from models.treasury.bank_entry import BankEntry, BankTransfer, MoreThanFees, NoFees, enter, uncovered
from models.treasury.reversal import standing_entries
from tests.harness.racing import patient
from tests.harness.stage import Stage
from tests.harness.tiers import examples
from tests.scenes.money.bank_entries import COUNTY, ELSEWHERE, GIVEN, entered, prepared, settled, undone, who
from tests.scenes.money.disbursements import asked, at, fixed, funded, passed, people, state, wrong


@pytest.fixture
def stage(database_url: str) -> Iterator[Stage]:
    stage = prepared(database_url)
    yield stage
    stage.close()


def covered(stage: Stage, fen: int, reference: str, work_no: str = "HOLDER", draft: str = "") -> int:
    return entered(stage, BankTransfer("fee_cover", fen, reference), work_no, draft)


def balances(stage: Stage) -> dict[str, int]:
    account = LedgerAccount
    with at(stage) as db:
        rows = db.execute(select(account.kind, func.sum(account.balance_fen)).group_by(account.kind))
        return {kind: int(fen) for kind, fen in rows if kind in ("channel", "bank", "fees")}


def test_a_gift_is_paid_out_whole_though_the_channel_kept_a_fee(database_url: str) -> None:
    """As a fund holder comes to it: paying is refused, and says by what words it becomes possible."""
    stage = Stage(database_url)
    staff = people(stage)
    number = funded(stage, 10_000, holder=staff["holder"], settled=False)
    with at(stage) as db:
        holder = db.get_one(Staff, staff["holder"])
        enter(db, holder, "s", BankTransfer("settlement", 10_000, "BANK000001", 60), stage.clock())
    fixed(stage, number)
    stage.clock.move(timedelta(days=2))
    use = asked(stage, number, 10_000)
    passed(stage, use, "endorser", "township", "holder", staff=staff)

    def pays() -> str:
        for words in (f"放款 {use}", "T0001"):
            stage.say("o-holder", words)
        return stage.say("o-holder", "确认")

    refused = stage.say("o-holder", f"放款 {use}")
    assert "replies/refusals:payout_short" in stage.said
    assert "账上记着的只有 ¥99.40，这一笔要 ¥100，还差 ¥0.60" in refused
    assert "微信扣的手续费还有 ¥0.60 没补" in refused
    assert "补手续费" in refused
    for words in ("补手续费", "0.6", "F0001"):
        stage.say("o-holder", words)
    assert "手续费都补齐了" in stage.say("o-holder", "确认")
    assert "放款 ¥100" in pays()
    assert state(stage, use) == "paid"
    with at(stage) as db:
        assert held(db, [number]) == {number: 0}
    assert balances(stage) == {"channel": 0, "bank": 0, "fees": 0}
    assert wrong(stage) == set()
    stage.close()


def test_no_more_than_is_missing_once_and_only_of_ones_own(stage: Stage) -> None:
    with pytest.raises(NoFees):
        covered(stage, 1, "F-1")
    settled(stage, 20_000, 120, "B-1")
    with pytest.raises(MoreThanFees) as more:
        covered(stage, 121, "F-1")
    assert more.value.values == {"uncovered_fen": 120}
    with pytest.raises(NoFees):
        covered(stage, 1, "F-1", "ELSEWHERE")
    first = covered(stage, 50, "F-1", draft="one")
    assert covered(stage, 50, "F-1", draft="one") == first
    with pytest.raises(ReferenceUsed):
        covered(stage, 50, "F-1", "SECOND")
    covered(stage, 70, "F-2", "SECOND")
    with pytest.raises(NoFees):
        covered(stage, 1, "F-3")
    assert balances(stage) == {"channel": 30_000, "bank": 20_000, "fees": 0}
    assert wrong(stage) == set()


def test_it_is_undone_and_entered_anew_unless_it_is_spent(stage: Stage) -> None:
    arrived = settled(stage, 20_000, 120, "B-1")
    first = covered(stage, 120, "F-1")
    with at(stage) as db:
        topped_up = enter(db, who(db), "t", BankTransfer("top_up", 19_950, "C-1"), stage.clock()).id
    with pytest.raises(BankShort) as short:
        undone(stage, first)
    assert short.value.values == {"held_fen": 50, "back_fen": 120}
    undone(stage, topped_up)
    undone(stage, first)
    assert balances(stage) == {"channel": 30_000, "bank": 19_880, "fees": 120}
    covered(stage, 12, "F-1")
    # What was too much once its settlement is undone shows as that, and nothing more is asked for.
    undone(stage, arrived)
    assert balances(stage) == {"channel": GIVEN, "bank": 12, "fees": -12}
    with at(stage) as db:
        assert uncovered(db, who(db)) == 0
    settled(stage, 20_000, 60, "B-1", draft="again")
    with at(stage) as db:
        assert uncovered(db, who(db)) == 48
    assert wrong(stage) == set()


@pytest.mark.search
def test_whatever_is_entered_and_undone_the_bank_has_what_stands(new_database: Callable[[], str]) -> None:
    stage = patient(prepared(new_database()))
    deeds = st.tuples(st.sampled_from(["settle", "cover", "cover", "undo"]), st.integers(1, 9_999), st.integers(0, 3))

    @settings(max_examples=examples(25), deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(deeds, min_size=2, max_size=12))
    def walk(deeds: list[tuple[str, int, int]]) -> None:
        for deed, fen, which in deeds:
            before = balances(stage)
            with at(stage) as db:
                standing = standing_entries(db, who(db), 1_000)
                serial = f"{deed}-{db.scalar(select(func.count(BankEntry.id)))}"
            try:
                if deed == "settle":
                    settled(stage, fen, fen * which // 3, f"N-{which}", draft=serial)
                elif deed == "cover":
                    covered(stage, fen, f"N-{which}")
                elif which < len(standing):
                    undone(stage, standing[which].id)
            except Refusal:
                assert balances(stage) == before
            with at(stage) as db:
                standing = standing_entries(db, who(db), 1_000)
            of = {kind: [one for one in standing if one.kind == kind] for kind in ("settlement", "fee_cover")}
            came = sum(one.amount_fen for one in of["settlement"])
            kept = sum(one.fee_fen for one in of["settlement"]) - sum(one.amount_fen for one in of["fee_cover"])
            now = {"channel": GIVEN - came, "bank": came - kept, "fees": kept}
            assert {name: fen for name, fen in now.items() if fen} == {
                n: fen for n, fen in balances(stage).items() if fen
            }
        assert wrong(stage) == set()

    walk()
    stage.close()


def test_of_many_at_once_under_one_number_one_is_entered(new_database: Callable[[], str]) -> None:
    """Also of what arrives and of what is topped up: the others are told, and nothing fails."""
    stage = patient(prepared(new_database()))
    settled(stage, 10_000, 5_000, "B-0")
    for turn in range(3):

        def attempt(one: int, turn: int = turn) -> tuple[int, str]:
            try:
                with at(stage) as db:
                    staff, now, number = who(db, ("HOLDER", "SECOND")[one % 2]), stage.clock(), f"N-{turn}"
                    deed = one % 3
                    if deed == 0:
                        enter(db, staff, f"d{turn}-{one}", BankTransfer("settlement", 1_000, number, 10), now)
                    elif deed == 1:
                        enter(db, staff, f"d{turn}-{one}", BankTransfer("fee_cover", 100, number), now)
                    else:
                        enter(db, staff, f"d{turn}-{one}", BankTransfer("top_up", 100, number), now)
            except Refusal as refusal:
                return one % 3, refusal.code
            return one % 3, "entered"

        with ThreadPoolExecutor(12) as pool:
            said = list(pool.map(attempt, range(12)))
        for deed in range(3):
            assert sorted(code for kind, code in said if kind == deed) == ["entered", *["reference_used"] * 3]
    assert wrong(stage) == set()
    stage.close()


def test_fees_are_never_covered_twice_by_many_at_once(new_database: Callable[[], str]) -> None:
    stage = patient(prepared(new_database()))
    settled(stage, 10_000, 250, "B-0")

    def attempt(one: int) -> str:
        try:
            covered(stage, 100, f"N-{one}", ("HOLDER", "SECOND")[one % 2], f"d-{one % 6}")
        except Refusal as refusal:
            return refusal.code
        return "entered"

    with ThreadPoolExecutor(12) as pool:
        said = set(pool.map(attempt, range(12)))
    assert said == {"entered", "more_than_fees"}
    assert balances(stage)["fees"] == 50
    assert wrong(stage) == set()
    stage.close()


# Beside the program


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("statement", "trigger", "code"),
    [
        ("UPDATE bank_entries SET reversed_at = at, reversed_by = 1, reversal_reason = 'amount_wrong' WHERE id = 3",
         None, "reversal_differs fee_cover 3"),
        ("UPDATE bank_entries SET reversed_at = NULL, reversed_by = NULL, reversal_reason = NULL",
         "bank_entries_reversed_once", "reversal_differs fee_cover 2"),
        ("UPDATE bank_entries SET holder_id = 430524000000 WHERE id = 3", "bank_entries_fixed",
         "fee_cover_differs fee_cover 3"),
        ("UPDATE bank_entries SET amount_fen = 11 WHERE id = 3", "bank_entries_fixed",
         "fee_cover_differs fee_cover 3"),
        ("INSERT INTO bank_entries (id, kind, draft_id, holder_id, amount_fen, fee_fen, bank_reference, entered_by, at)"
         " SELECT 9, kind, 'x', holder_id, 5, 0, 'F-9', entered_by, at FROM bank_entries WHERE id = 3", None,
         "fee_cover_differs fee_cover 9"),
    ],
)  # fmt: skip
def test_what_is_done_beside_the_program_is_held_back_and_named(
    stage: Stage, statement: str, trigger: str | None, code: str
) -> None:
    settled(stage, 9_000, 90, "B-1")
    undone(stage, covered(stage, 50, "F-1"))
    covered(stage, 50, "F-2")
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
    assert found == [code]


def test_another_fund_holders_fees_are_not_covered_by_it(stage: Stage) -> None:
    settled(stage, 9_000, 90, "B-1")
    with at(stage) as db:
        db.add(BankEntry(kind="fee_cover", draft_id="x", holder_id=int(ELSEWHERE), amount_fen=9, fee_fen=0,
                        bank_reference="F-1", entered_by=1, at=stage.clock()))  # fmt: skip
        db.flush()
        moves.fees_covered(db, int(COUNTY), 9, "fee_cover:2", stage.clock())
    assert "fee_cover_differs" in wrong(stage)


def test_the_longest_of_everything_is_one_message() -> None:
    lexicon = load_lexicon()
    renderer, fen = Renderer(lexicon.words, lexicon.choices), LARGEST - 1

    def fits(*says: Say) -> bool:
        words = renderer.render(says)
        return 0 < len(words.encode()) <= REPLY_BYTES // 2 and "None" not in words

    given = {"flow": "cover_fees", "given": {"uncovered_fen": fen}, "facts": {"uncovered_fen": fen}}
    bounds = {"min": 4, "max": 40, "most": fen, "length": 99_999}
    situations = {
        "amount": ("ask", "help", "not_money", "vague", "not_positive", "too_precise", "absurd", "not_text"),
        "reference": ("ask", "help", "not_reference", "wrong_length", "not_text", "not_heard"),
    }
    said = {"amount": fen, "reference": "9" * 40}
    for step, names in situations.items():
        for name in names:
            assert fits(Say(f"flows/treasury/cover_fees/{step}", name, {"v": {**given, **bounds, "said": said[step]}}))
    echoes = [Say(f"flows/treasury/cover_fees/{step}", "echo", {"v": {**given, "value": said[step]}}) for step in said]
    head, foot = (Say("flows/treasury/cover_fees/review", part, {"v": given}) for part in ("head", "foot"))
    assert fits(head, *echoes, foot)
    for left in (0, fen):
        assert fits(Say("flows/treasury/cover_fees/done", None, {"amount_fen": fen, "uncovered_fen": left}))
    assert fits(Say("flows/treasury/enter_settlement/done", None, {"amount_fen": fen, "fee_fen": fen}))
    for code in ("no_fees", "more_than_fees", "payout_short"):
        assert fits(Say("replies/refusals", code, {"v": {"held_fen": fen, "uncovered_fen": fen}}))
