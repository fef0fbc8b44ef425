"""Why the ledger refuses a posting, and refusals that a fund holder reads about its accounts.

``NotPosted`` and its subclasses never reach a person: callers check the rules before they post.
"""

from models.core.refusal import Refusal


class ReferenceUsed(Refusal):
    """This bank reference was entered before: the same transfer must not be entered twice."""

    code = "reference_used"
    step = "reference"


class BankShort(Refusal):
    """The fund holder's bank account holds only ``held_fen`` by our records: settlements must be entered first."""

    code = "bank_short"
    step = "amount"


class PayoutShort(Refusal):
    """Only ``held_fen`` have arrived at the fund holder's bank and are not paid out: the channel has yet to settle.

    ``need_fen``: the payout.
    """

    code = "payout_short"
    final = True


class ChannelShort(Refusal):
    """The payment channel holds only ``held_fen``: the sum was mistyped, or entered twice."""

    code = "channel_short"
    step = "amount"


class NotPosted(Exception):
    """The posting was refused, and nothing was written."""


class WrongPosting(NotPosted, ValueError):
    """The posting is invalid: its sums, accounts, kind or cause break the rules."""


class AnotherPosting(NotPosted):
    """Other amounts were posted for the same kind and cause."""

    def __init__(self, transaction_id: int) -> None:
        super().__init__(f"ledger transaction {transaction_id} has this cause, and other contents")


class Overdrawn(NotPosted):
    """The account has too little; ``short_fen`` is missing."""

    def __init__(self, account: tuple[str, int], short_fen: int) -> None:
        super().__init__(f"account {account[0]} {account[1]} lacks {short_fen} fen")
        self.account = account
        self.short_fen = short_fen


class MoreBackThanWent(NotPosted):
    """More would come back to an appeal, or from it to a pool, than ever went out."""

    def __init__(self, account: tuple[str, int], part: str) -> None:
        super().__init__(f"of account {account[0]} {account[1]} less than nothing would have been {part}")
        self.account = account
        self.part = part


class NotReversible(NotPosted):
    """The transaction was reversed for another cause, or is a reversal; to undo a reversal, post again."""

    def __init__(self, transaction_id: int) -> None:
        super().__init__(f"ledger transaction {transaction_id} was reversed, or is a reversal")
