"""Define what a kind of merchant accounts says for itself when its bills are compared; the rest is one for all kinds.

Charities' accounts take gifts (models.treasury.gift_accounts), sellers' accounts take payments of orders
(models.market.money.seller_accounts). A merchant number belongs to one account of one kind.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import ColumnElement, Select
from sqlalchemy.orm import InstrumentedAttribute, Session

from models.core.hooks import Registry
from models.staff.member import Staff
from models.staff.task import Matter
from models.treasury.bill import Bill

# At most so many orders, and so many refunds, are queried at the channel before a day is compared.
MOST_ASKED = 500


@dataclass(frozen=True, slots=True)
class Span:
    """The period in which our payments and refunds on no bill count as missing: from ``start`` to before ``end``.

    ``since``: from then on every day's bill is stored. A refund created earlier may be on a bill that is not.
    """

    bill: Bill
    start: datetime
    end: datetime
    since: datetime


@dataclass(frozen=True, slots=True)
class Unconfirmed:
    """What to query at the channel first: numbers of unpaid orders, and ids of refunds that are under way here."""

    orders: tuple[str, ...]
    refunds: tuple[int, ...]


class AccountKind(ABC):
    """A kind of merchant accounts. ``name``: its key in KINDS."""

    name: ClassVar[str]

    @abstractmethod
    def numbers(self) -> Select[tuple[str]]:
        """Select the merchant numbers of this kind."""

    @abstractmethod
    def periods(self) -> Select[Any]:
        """Select of each account that has had an order: ``merchant``, ``began`` (when the first was made), ``moved``
        (when its money last moved, or null) and ``until`` (from when on it has no more bills, or null).
        """

    @abstractmethod
    def records(self, span: Span) -> Sequence[Select[Any]]:
        """Select our payments and refunds that are on the bill, or missing from it, as columns of a BookRecord."""

    @abstractmethod
    def unconfirmed(self, db: Session, bill: Bill) -> Unconfirmed:
        """Find orders and refunds that the bill calls paid and we do not: their callbacks may have been lost."""

    @abstractmethod
    def state_here(self, db: Session, merchant: str, subject: str, number: str, out_trade_no: str) -> str | None:
        """Return the state of our order or refund that an unpaired line names; None if it is unknown."""

    @abstractmethod
    def seen_by(self, staff: Staff) -> ColumnElement[bool]:
        """Build a condition on Discrepancy: it is of an account of this kind, and the officer sees to it."""

    @abstractmethod
    def of_staff(self, staff: Staff, merchant: InstrumentedAttribute[str]) -> ColumnElement[bool]:
        """Build a condition on a merchant number: of this kind, and the officer may see how its bills compare."""

    @abstractmethod
    def county(self) -> ColumnElement[str]:
        """Build the six digits of the county of a Discrepancy of this kind; null if it has no known place."""

    @abstractmethod
    def matter(self, db: Session, number: int, county: str | None, merchant: str, now: datetime) -> tuple[Matter, str]:
        """Return what the task of a discrepancy, by its ``number``, is about, and its step."""


KINDS: Registry[AccountKind] = Registry("treasury.account_kind.KINDS", ("gifts", "orders"))


def kind_of(db: Session, merchant: str) -> AccountKind:
    """Return the kind of a merchant account; one that no list of accounts has is a charity's."""
    numbers = ((kind, kind.numbers()) for kind in KINDS.values())
    found = (kind for kind, theirs in numbers if db.scalar(theirs.where(theirs.selected_columns[0] == merchant)))
    return next(found, KINDS["gifts"])
