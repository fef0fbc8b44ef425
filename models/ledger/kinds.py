"""The kinds of postings: between which accounts each moves money, and as what it counts for its appeal."""

from collections.abc import Mapping
from dataclasses import dataclass

from models.ledger.accounts import Account

PAID, MATCHED, REFUNDED, DISBURSED = "paid", "matched", "refunded", "disbursed"


@dataclass(frozen=True, slots=True)
class Move:
    """One kind of posting. ``debit``, ``credit``: account kinds; ``counts_as``: its part of the appeal's totals."""

    debit: frozenset[str]
    credit: frozenset[str]
    counts_as: str = ""

    def fits(self, amounts: Mapping[Account, int], *, reverses: bool) -> bool:
        """Tell whether these amounts (fen, debit positive) are such a move, or with ``reverses`` its reversal."""
        sign = -1 if reverses else 1
        debit = {account.kind for account, fen in amounts.items() if sign * fen > 0}
        credit = {account.kind for account, fen in amounts.items() if sign * fen < 0}
        one_each = len(amounts) == len(debit) + len(credit)
        return one_each and bool(debit and credit) and debit <= self.debit and credit <= self.credit

    def part(self, appeal_fen: int) -> int:
        """Return what an entry on the appeal's account (debit positive) adds to the total named by ``counts_as``."""
        return appeal_fen if self.counts_as in (REFUNDED, DISBURSED) else -appeal_fen


def _move(debit: str, credit: str, counts_as: str = "") -> Move:
    return Move(frozenset(debit.split()), frozenset(credit.split()), counts_as)


MOVES: Mapping[str, Move] = {
    "payment_received": _move("channel", "appeal", PAID),
    "payment_unassigned": _move("channel", "unassigned"),
    "payment_assigned": _move("unassigned", "appeal", PAID),
    "refund_owed": _move("appeal", "refunds", REFUNDED),
    "refund_from_unassigned": _move("unassigned", "refunds"),
    "refund_withdrawn": _move("refunds", "appeal", REFUNDED),
    "refund_redirected": _move("refunds", "appeal", PAID),
    "refund_paid": _move("refunds", "channel"),
    "refund_bounced": _move("channel", "refunds"),
    "pool_funded": _move("bank", "pool"),
    "pool_returned": _move("pool", "bank"),
    "matched": _move("pool", "appeal", MATCHED),
    "match_returned": _move("appeal", "pool", MATCHED),
    "disbursed": _move("appeal", "bank", DISBURSED),
    "disbursement_returned": _move("bank", "appeal", DISBURSED),
    "settled": _move("bank fees", "channel"),
    "topped_up": _move("channel", "bank"),
    "fees_covered": _move("bank", "fees"),
}
