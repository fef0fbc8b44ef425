"""Why the ledger takes no posting, and what a fund holder hears of its accounts.

``NotPosted`` and its kinds are no answer to a person: whoever posts has asked the rules before.
"""

from models.core.refusal import Refusal


class ReferenceUsed(Refusal):
    """The bank's number of this transfer was entered before: the same money is not entered twice."""

    code = "reference_used"
    step = "reference"


class BankShort(Refusal):
    """``held_fen`` are at this fund holder's bank, as far as we know: what arrived has to be entered first."""

    code = "bank_short"
    step = "amount"


class PayoutShort(Refusal):
    """``held_fen`` have arrived at this fund holder's bank and are not paid out: the channel has yet to settle."""

    code = "payout_short"
    final = True


class ChannelShort(Refusal):
    """The channel does not hold so much: ``held_fen`` is there. Something was mistyped, or entered twice."""

    code = "channel_short"
    step = "amount"


class NotPosted(Exception):
    """Nothing was written."""


class WrongPosting(NotPosted, ValueError):
    """It is no posting at all: sums, accounts or the cause are not what they must be."""


class AnotherPosting(NotPosted):
    """Something else was posted for the same cause."""

    def __init__(self, transaction_id: int) -> None:
        super().__init__(f"ledger transaction {transaction_id} has this cause, and other contents")


class Overdrawn(NotPosted):
    """There is not that much."""

    def __init__(self, account: tuple[str, int], short_fen: int) -> None:
        super().__init__(f"account {account[0]} {account[1]} lacks {short_fen} fen")
        self.account = account
        self.short_fen = short_fen


class MoreBackThanWent(NotPosted):
    """More would come back to an appeal, or to a pool from it, than ever went."""

    def __init__(self, account: tuple[str, int], part: str) -> None:
        super().__init__(f"of account {account[0]} {account[1]} less than nothing would have been {part}")
        self.account = account
        self.part = part


class NotReversible(NotPosted):
    """It was reversed for another cause, or is itself a reversal: what was right after all is posted anew."""

    def __init__(self, transaction_id: int) -> None:
        super().__init__(f"ledger transaction {transaction_id} was reversed, or is a reversal")
