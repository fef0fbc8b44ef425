"""The ledger: double entry in whole fen, append-only, each posting sealed to the one before.

Money moves only by the functions of models.ledger.moves.
"""

from models.ledger.accounts import Account, lock
from models.ledger.errors import AnotherPosting, MoreBackThanWent, NotPosted, NotReversible, Overdrawn, WrongPosting
from models.ledger.posting import amounts_of, find, reverse
from models.ledger.tables import LedgerTransaction
from models.ledger.totals import Totals, balance, held, totals, totals_of

__all__ = [
    "Account",
    "AnotherPosting",
    "LedgerTransaction",
    "MoreBackThanWent",
    "NotPosted",
    "NotReversible",
    "Overdrawn",
    "Totals",
    "WrongPosting",
    "amounts_of",
    "balance",
    "find",
    "held",
    "lock",
    "reverse",
    "totals",
    "totals_of",
]
