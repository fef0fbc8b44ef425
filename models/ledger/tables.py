"""Define the ledger's tables: transactions, their entries and the chain that seals them; none is ever changed."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, event, text
from sqlalchemy.orm import Mapped, mapped_column

from models.core.base import Base, RowId
from models.core.hash_chain import Head, Unsealed


class LedgerTransaction(Base):
    """One posting. ``cause``: what it was posted for, such as ``order:17``; it is public.

    A reversal has the same kind as what it reverses. ``id`` may have gaps; its link's number has none. Triggers refuse
    the commit of a transaction whose entries do not sum to zero, and entries that are written in another one than
    their transaction was (``written_in``: the database's own number of it).
    """

    __tablename__ = "ledger_transactions"
    id: Mapped[RowId]
    kind: Mapped[str] = mapped_column(String(24))
    cause: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]
    reverses_id: Mapped[int | None] = mapped_column(ForeignKey("ledger_transactions.id"), unique=True)
    written_in: Mapped[int | None] = mapped_column(server_default=text("pg_current_xact_id()::text::bigint"))

    __table_args__ = (UniqueConstraint("kind", "cause"),)


class LedgerEntry(Base):
    """One entry of a transaction. ``amount_fen``: debit positive, credit negative."""

    __tablename__ = "ledger_entries"
    transaction_id: Mapped[int] = mapped_column(ForeignKey("ledger_transactions.id"), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("ledger_accounts.id"), primary_key=True)
    amount_fen: Mapped[int]

    __table_args__ = (
        CheckConstraint("amount_fen <> 0", name="not_nothing"),
        Index(None, "account_id", "transaction_id"),
    )


class LedgerLink(Base):
    """A transaction's link in the chain; ``number`` counts from 1 without a gap."""

    __tablename__ = "ledger_links"
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    transaction_id: Mapped[int] = mapped_column(unique=True)
    hash: Mapped[str] = mapped_column(String(64))


class LedgerHead(Head, Base):
    __tablename__ = "ledger_head"


class UnsealedTransaction(Unsealed, Base):
    """A transaction that has no link yet; a trigger writes it with the transaction."""

    __tablename__ = "ledger_unsealed"


@event.listens_for(LedgerTransaction, "before_insert")
@event.listens_for(LedgerEntry, "before_insert")
@event.listens_for(LedgerLink, "before_insert")
def _refuse(*_: object) -> None:
    raise TypeError("post() and the sealer write the ledger, and nothing else does")
