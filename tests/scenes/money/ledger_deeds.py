"""Postings of every kind, on the accounts of two charities, beside plain arithmetic."""

from collections.abc import Callable
from dataclasses import dataclass, field

from hypothesis import strategies as st
from sqlalchemy import Connection, insert, text
from sqlalchemy.orm import Session as Database

from models.appeals.appeal import Appeal
from models.books.money.accounts import check_accounts
from models.books.money.ledger import check_reversals, check_transactions
from models.core.database import snapshot
from models.giving.pool import MatchingPool
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
from tests.harness.money import gift_postings
from tests.harness.money.ledger_rows import NOW
from tests.scenes.money.charities import LONGHUI, NATIONAL

# Each appeal's charity. Two share one, so that a refund can be redirected between them.
APPEALS = {1: NATIONAL, 2: NATIONAL, 3: LONGHUI}
# The numbers of each charity's accounts. The first charity's bank is known by a region.
_NATIONAL_BANK = 431124000000
ACCOUNTS = {
    NATIONAL: {**dict.fromkeys(("bank", "fees"), _NATIONAL_BANK), "pool": 3},
    LONGHUI: {**dict.fromkeys(("bank", "fees"), LONGHUI), "pool": 4},
}
for _charity, _numbers in ACCOUNTS.items():
    _numbers.update(dict.fromkeys(("channel", "refunds", "unassigned"), _charity))


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


@dataclass(frozen=True)
class Deed:
    """A move, or (without a kind) the reversal of what was posted as number ``which``.

    ``astray``: with the pool or bank of another charity than the appeal's.
    """

    kind: str | None
    appeal: int
    fen: int
    cause: str
    which: int = 0
    astray: bool = False

    @property
    def charity(self) -> int:
        """Whose the accounts are that the caller names, beside the appeal's own."""
        own = APPEALS[self.appeal]
        return next(each for each in ACCOUNTS if (each != own) is self.astray)

    def account(self, kind: str, touched: tuple[str, ...]) -> Account:
        if kind == "appeal":
            return Account(kind, self.appeal)
        collects = "appeal" in touched and kind in ("channel", "refunds", "unassigned")
        return Account(kind, ACCOUNTS[APPEALS[self.appeal] if collects else self.charity][kind])


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

    def crosses(self) -> bool:
        """Whether something moved from one charity to another: such a transaction cannot be committed."""
        return any(len({owner(account) for account in amounts}) > 1 for amounts, _ in self.posted.values())

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


def owner(account: Account) -> int:
    if account.kind == "appeal":
        return APPEALS[account.subject_id]
    return next(charity for charity, numbers in ACCOUNTS.items() if numbers[account.kind] == account.subject_id)


def sides(deed: Deed) -> Amounts:
    assert deed.kind
    touched = SIDES[deed.kind][:2]
    debit, credit = (deed.account(kind, touched) for kind in touched)
    if deed.kind != "settled" or not deed.fen // 3:
        return {debit: deed.fen, credit: -deed.fen}
    fee = deed.fen // 3
    return {debit: deed.fen - fee, deed.account("fees", touched): fee, credit: -deed.fen}


def do(db: Database, deed: Deed, plain: Plain) -> LedgerTransaction:
    if deed.kind is None:
        kind, cause = list(plain.posted)[deed.which % len(plain.posted)]
        return reverse(db, db.query(LedgerTransaction).filter_by(kind=kind, cause=cause).one(), deed.cause, NOW)
    of_gift = getattr(gift_postings, deed.kind, None)
    call: Callable[..., LedgerTransaction] = of_gift or getattr(moves, deed.kind)
    touched = SIDES[deed.kind][:2]
    named = [kind for kind in ("pool", "appeal", "bank") if kind in touched]
    numbers = [deed.account(kind, touched).subject_id for kind in named] or [deed.charity]
    fee = [deed.fen // 3] if deed.kind == "settled" else []
    return call(db, *numbers, deed.fen, *fee, deed.cause, NOW)


KINDS = st.sampled_from([*["payment_received", "pool_funded"] * 3, *[None] * 4, *SIDES])


DEEDS = st.builds(
    Deed,
    kind=KINDS,
    appeal=st.sampled_from(sorted(APPEALS)),
    fen=st.integers(1, 6) | st.just(40),
    cause=st.integers(1, 8).map("case:{}".format),
    which=st.integers(0, 30),
    astray=st.sampled_from([False] * 7 + [True]),
)


def put_pools(connection: Connection) -> None:
    """The pools, each with its charity's bank, past the people who would have opened them."""
    terms = {"category": "housing", "region_code": str(_NATIONAL_BANK), "opened_by": 1, "opened_at": NOW}
    caps = dict.fromkeys(("cap_fen", "per_donor_fen", "per_appeal_fen"), 1_000)
    rows = [
        {"id": numbers["pool"], "draft_id": f"pool-{charity}", "holder_id": numbers["bank"], "sponsor": "road"}
        for charity, numbers in ACCOUNTS.items()
    ]
    connection.execute(text("SET LOCAL session_replication_role = replica"))
    connection.execute(insert(MatchingPool), [{**row, **terms, **caps, "open_until": NOW} for row in rows])
    connection.execute(text("SET LOCAL session_replication_role = origin"))


def put_appeals(connection: Connection) -> None:
    """The appeals, each of its charity, past the people who would have written and published them."""
    words = {"kind": "crowdfund", "category": "housing", "title": "road", "story": "road", "owner_id": 1}
    terms = {"region_code": str(_NATIONAL_BANK), "target_fen": 10**9, "deadline": NOW, "created_at": NOW}
    rows = [
        {"id": number, "draft_id": f"appeal-{number}", "household_id": number, "charity_id": charity}
        for number, charity in APPEALS.items()
    ]
    connection.execute(text("SET LOCAL session_replication_role = replica"))
    connection.execute(insert(Appeal), [{**row, **words, **terms} for row in rows])
    connection.execute(text("SET LOCAL session_replication_role = origin"))


def wrong(url: str) -> set[str]:
    """What check-books finds in the ledger. Where the test made no appeals, that is all it may say."""
    checks = (check_transactions, check_reversals, check_accounts)
    with snapshot(url) as connection:
        return {each.code for check in checks for each in check(connection, NOW)} - {"no_such_appeal"}
