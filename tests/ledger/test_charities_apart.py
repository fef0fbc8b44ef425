"""What one charity took in is never another's: whatever is posted, in whatever order, and even past the program."""

from datetime import UTC, datetime
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session as Database

from models.appeals.appeal import Appeal
from models.books.money.accounts import check_accounts
from models.core.database import snapshot
from models.ledger import Account, NotPosted, moves
from models.ledger.accounts import DEBIT, LedgerAccount, charity_of_bank
from models.ledger.errors import ChannelShort
from models.ledger.posting import post
from models.staff.fund_holder import holder_of
from models.staff.member import Staff
from models.treasury.bank_entry import BankTransfer, enter
from tests.harness.money import gift_postings
from tests.harness.stage import Stage
from tests.harness.tiers import examples
from tests.scenes.money.charities import LONGHUI, NATIONAL
from tests.scenes.money.gifts import give

NOW = datetime(2026, 11, 28, 2, 0, tzinfo=UTC)
MATANGSHAN = "430524200000"
# The bank accounts of the two: the first charity's is known by a region.
BANKS = {NATIONAL: 431124000000, LONGHUI: LONGHUI}
KINDS = (
    *("received", "unassigned", "assigned", "owed", "from_unassigned", "paid", "bounced", "redirected"),
    *("settled", "topped_up", "covered", "disbursed", "returned"),
)
DEEDS = st.lists(
    st.tuples(st.sampled_from(KINDS), st.sampled_from((NATIONAL, LONGHUI)), st.integers(1, 500)),
    min_size=1,
    max_size=40,
)
_serial = count(1)


@pytest.fixture
def appeals(stage: Stage) -> dict[int, int]:
    """One appeal of each charity."""
    found = {NATIONAL: stage.open_appeal(), LONGHUI: stage.open_appeal(region=MATANGSHAN)}
    with Database(stage.database) as db:
        assert [db.get_one(Appeal, number).charity_id for number in found.values()] == [NATIONAL, LONGHUI]
    return found


def do(db: Database, kind: str, charity: int, appeal: int, fen: int) -> None:
    cause, bank = f"test:{next(_serial)}", BANKS[charity]
    match kind:
        case "received":
            gift_postings.payment_received(db, appeal, fen, cause, NOW)
        case "unassigned":
            moves.payment_unassigned(db, charity, fen, cause, NOW)
        case "assigned":
            gift_postings.payment_assigned(db, appeal, fen, cause, NOW)
        case "owed":
            moves.refund_owed(db, appeal, fen, cause, NOW)
        case "from_unassigned":
            moves.refund_from_unassigned(db, charity, fen, cause, NOW)
        case "paid":
            moves.refund_paid(db, charity, fen, cause, NOW)
        case "bounced":
            moves.refund_bounced(db, charity, fen, cause, NOW)
        case "redirected":
            gift_postings.refund_redirected(db, appeal, fen, cause, NOW)
        case "settled":
            moves.settled(db, bank, fen, fen // 10, cause, NOW)
        case "topped_up":
            moves.topped_up(db, bank, fen, cause, NOW)
        case "covered":
            moves.fees_covered(db, bank, fen, cause, NOW)
        case "disbursed":
            moves.disbursed(db, appeal, bank, fen, cause, NOW)
        case _:
            moves.disbursement_returned(db, appeal, bank, fen, cause, NOW)


def owned(db: Database, appeals: dict[int, int]) -> dict[int, dict[Account, int]]:
    """The balances of each charity's accounts."""
    of_appeal = {number: charity for charity, number in appeals.items()}
    found: dict[int, dict[Account, int]] = {NATIONAL: {}, LONGHUI: {}}
    account = LedgerAccount
    for kind, number, fen in db.execute(select(account.kind, account.subject_id, account.balance_fen)):
        owner = charity_of_bank(number) if kind in ("bank", "fees") else number
        found[of_appeal[number] if kind == "appeal" else owner][Account(kind, number)] = fen
    return found


@settings(max_examples=examples(), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(deeds=DEEDS)
def test_what_one_does_changes_nothing_of_anothers(
    stage: Stage, appeals: dict[int, int], deeds: list[tuple[str, int, int]]
) -> None:
    """Whether it is posted or refused, and each has as much as it owes, to the fen."""
    for kind, charity, fen in deeds:
        other = LONGHUI if charity == NATIONAL else NATIONAL
        with Database(stage.database) as db:
            before = owned(db, appeals)
            try:
                do(db, kind, charity, appeals[charity], fen)
                db.commit()
            except NotPosted:
                db.rollback()
            after = owned(db, appeals)
        assert after[other] == before[other]
        own = after[charity]
        has = sum(fen for account, fen in own.items() if account.kind in DEBIT)
        assert has == sum(fen for account, fen in own.items() if account.kind not in DEBIT)
    with snapshot(stage.database.url) as connection:
        assert list(check_accounts(connection, NOW)) == []


CROSSINGS = {
    "paid out of another's bank": ("disbursed", ("appeal", NATIONAL), ("bank", LONGHUI)),
    "settled to another's bank": ("settled", ("bank", LONGHUI), ("channel", NATIONAL)),
    "refunded by another's channel": ("refund_paid", ("refunds", LONGHUI), ("channel", NATIONAL)),
    "redirected to another's appeal": ("refund_redirected", ("refunds", NATIONAL), ("appeal", LONGHUI)),
    "assigned to another's appeal": ("payment_assigned", ("unassigned", LONGHUI), ("appeal", NATIONAL)),
}


@pytest.mark.parametrize("how", CROSSINGS)
def test_the_database_lets_no_money_cross(stage: Stage, appeals: dict[int, int], how: str) -> None:
    """Where both have plenty, and the program asks for it."""
    for charity in (NATIONAL, LONGHUI):
        with Database(stage.database) as db, db.begin():
            for kind in ("received", "received", "received", "unassigned", "settled", "owed"):
                do(db, kind, charity, appeals[charity], 1_000)
    kind, *sides = CROSSINGS[how]
    debit, credit = (Account(name, _number(name, charity, appeals)) for name, charity in sides)
    with Database(stage.database) as db:
        post(db, kind, "test:crossing", {debit: 100, credit: -100}, NOW)
        with pytest.raises(IntegrityError, match="money of one charity went to another"):
            db.commit()


def _number(kind: str, charity: int, appeals: dict[int, int]) -> int:
    if kind == "appeal":
        return appeals[charity]
    return BANKS[charity] if kind == "bank" else charity


def test_a_settlement_is_bounded_by_what_its_own_charity_took_in(stage: Stage, appeals: dict[int, int]) -> None:
    own = stage.appoint("o-own", "fund_holder", "430524000000")
    give(stage, appeals[NATIONAL], 50_000, "o-li")
    with Database(stage.database) as db:
        staff = db.get_one(Staff, own)
        assert holder_of(staff) == LONGHUI
        with pytest.raises(ChannelShort) as refused:
            enter(db, staff, "d1", BankTransfer("settlement", 1, "R1"), NOW)
        assert refused.value.values["held_fen"] == 0
        db.rollback()
    stage.say("o-own", "到账 100 R1")
    with Database(stage.database) as db:
        assert owned(db, appeals)[NATIONAL][Account("channel", NATIONAL)] == 50_000
