"""Postings of every kind beside plain arithmetic."""

from collections.abc import Callable
from dataclasses import dataclass, field

from hypothesis import strategies as st
from sqlalchemy.orm import Session as Database

from models.books.accounts import check_accounts
from models.books.ledger import check_reversals, check_transactions
from models.core.database import snapshot
from models.ledger import (
    Account,
    AnotherPosting,
    LedgerTransaction,
    MoreBackThanWent,
    NotReversible,
    Overdrawn,
    moves,
    reverse,
)
from tests.harness.money.ledger_rows import NOW

POOL, HOLDER = 3, 0


APPEALS = (1, 2)


# What each move debits and credits, and what its amount is to the appeal's paid, matched, refunded and disbursed.
SIDES = {
    "payment_received": ("channel", "appeal", (1, 0, 0, 0)),
    "payment_unassigned": ("channel", "unassigned", ()),
    "payment_assigned": ("unassigned", "appeal", (1, 0, 0, 0)),
    "refund_owed": ("appeal", "refunds", (0, 0, 1, 0)),
    "refund_from_unassigned": ("unassigned", "refunds", ()),
    "refund_withdrawn": ("refunds", "appeal", (0, 0, -1, 0)),
    "refund_redirected": ("refunds", "appeal", (1, 0, 0, 0)),
    "refund_paid": ("refunds", "channel", ()),
    "refund_bounced": ("channel", "refunds", ()),
    "pool_funded": ("bank", "pool", ()),
    "pool_returned": ("pool", "bank", ()),
    "matched": ("pool", "appeal", (0, 1, 0, 0)),
    "match_returned": ("appeal", "pool", (0, -1, 0, 0)),
    "disbursed": ("appeal", "bank", (0, 0, 0, 1)),
    "disbursement_returned": ("bank", "appeal", (0, 0, 0, -1)),
    "settled": ("bank", "channel", ()),
    "topped_up": ("channel", "bank", ()),
    "fees_covered": ("bank", "fees", ()),
}


SUBJECTS = {"pool": POOL, "bank": HOLDER, "fees": HOLDER}


@dataclass(frozen=True)
class Deed:
    """A move, or (without a kind) the reversal of what was posted as number ``which``."""

    kind: str | None
    appeal: int
    fen: int
    cause: str
    which: int


Amounts = dict[Account, int]


@dataclass
class Plain:
    """The ledger as a dictionary: by kind and cause, the amounts, and the place of what it reverses."""

    posted: dict[tuple[str, str], tuple[Amounts, int | None]] = field(default_factory=dict)

    def copy(self) -> "Plain":
        return Plain(dict(self.posted))

    def do(self, deed: Deed) -> tuple[str, str]:
        """Kind and cause of the transaction that it comes to. Raises what the ledger should raise."""
        if deed.kind:
            return self._post(deed.kind, deed.cause, sides(deed), None)
        place = deed.which % len(self.posted)
        kind, _ = list(self.posted)[place]
        amounts, _ = list(self.posted.values())[place]
        return self._post(kind, deed.cause, {account: -fen for account, fen in amounts.items()}, place)

    def _post(self, kind: str, cause: str, amounts: Amounts, reverses: int | None) -> tuple[str, str]:
        reversals = [place for _, place in self.posted.values()]
        if reverses is not None and reversals[reverses] is not None:
            raise NotReversible(0)
        earlier = self.posted.get((kind, cause))
        if earlier:
            if earlier != (amounts, reverses):
                raise AnotherPosting(0)
            return kind, cause
        if reverses is not None and reverses in reversals:
            raise NotReversible(0)
        left = self.balances()
        for account, fen in amounts.items():
            if account.kind != "fees" and left.get(account, 0) + normal(account) * fen < 0:
                raise Overdrawn(account, 0)
        after = Plain({**self.posted, (kind, cause): (amounts, reverses)})
        if any(min(after.totals(appeal)) < 0 for appeal in APPEALS):
            raise MoreBackThanWent(("appeal", 0), "")
        self.posted[kind, cause] = (amounts, reverses)
        return kind, cause

    def balances(self) -> Amounts:
        left: Amounts = {}
        for amounts, _ in self.posted.values():
            for account, fen in amounts.items():
                left[account] = left.get(account, 0) + normal(account) * fen
        return {account: fen for account, fen in left.items() if fen}

    def totals(self, appeal: int) -> list[int]:
        account, parts = Account("appeal", appeal), [0, 0, 0, 0]
        for (kind, _), (amounts, reverses) in self.posted.items():
            counts = SIDES[kind][2] or (0, 0, 0, 0)
            size = abs(amounts.get(account, 0)) * (1 if reverses is None else -1)
            parts = [part + size * count for part, count in zip(parts, counts, strict=True)]
        return parts


def normal(account: Account) -> int:
    return 1 if account.kind in ("channel", "bank", "fees") else -1


def sides(deed: Deed) -> Amounts:
    assert deed.kind
    debit, credit = (
        Account(kind, SUBJECTS.get(kind, deed.appeal * (kind == "appeal"))) for kind in SIDES[deed.kind][:2]
    )
    if deed.kind != "settled" or not deed.fen // 3:
        return {debit: deed.fen, credit: -deed.fen}
    fee = deed.fen // 3
    return {debit: deed.fen - fee, Account("fees", HOLDER): fee, credit: -deed.fen}


def do(db: Database, deed: Deed, plain: Plain) -> LedgerTransaction:
    if deed.kind is None:
        kind, cause = list(plain.posted)[deed.which % len(plain.posted)]
        return reverse(db, db.query(LedgerTransaction).filter_by(kind=kind, cause=cause).one(), deed.cause, NOW)
    call: Callable[..., LedgerTransaction] = getattr(moves, deed.kind)
    touched = SIDES[deed.kind][:2]
    numbers = [POOL] * ("pool" in touched) + [deed.appeal] * ("appeal" in touched) + [HOLDER] * ("bank" in touched)
    fee = [deed.fen // 3] if deed.kind == "settled" else []
    return call(db, *numbers, deed.fen, *fee, deed.cause, NOW)


KINDS = st.sampled_from([*["payment_received", "pool_funded"] * 3, *[None] * 4, *SIDES])


DEEDS = st.builds(
    Deed,
    kind=KINDS,
    appeal=st.sampled_from(APPEALS),
    fen=st.integers(1, 6) | st.just(40),
    cause=st.integers(1, 8).map("case:{}".format),
    which=st.integers(0, 30),
)


def wrong(url: str) -> set[str]:
    """What check-books finds in the ledger. There are no appeals here, and that is all it may say."""
    checks = (check_transactions, check_reversals, check_accounts)
    with snapshot(url) as connection:
        return {each.code for check in checks for each in check(connection, NOW)} - {"no_such_appeal"}
