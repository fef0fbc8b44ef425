"""The ledger's hash chain: which values of a transaction are hashed, so that a public copy can be verified."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, select

from models.core import hash_chain
from models.core.base import among
from models.core.hash_chain import Chain
from models.ledger.accounts import LedgerAccount
from models.ledger.tables import LedgerEntry, LedgerHead, LedgerLink, LedgerTransaction, UnsealedTransaction

FORM = "bangfu-ledger-1"


def link_hash(before: str, link: Mapping[Any, Any]) -> str:
    """Hash a link: the hash before it and ``number, kind, cause, at, reverses, entries``.

    ``reverses`` is the number of the transaction that this one reverses, or None; ``at`` becomes microseconds since
    1970; entries become ``[account's kind, its number, fen]``, sorted.
    """
    entries = sorted([kind, subject_id, fen] for (kind, subject_id), fen in link["entries"])
    at = hash_chain.microseconds(link["at"])
    values = [link["number"], link["kind"], link["cause"], at, link["reverses"], entries]
    return hash_chain.digest(FORM, before, values)


def _read(connection: Connection, ids: Sequence[int], first: int) -> dict[int, hash_chain.Values]:
    posted, entry, account = LedgerTransaction, LedgerEntry, LedgerAccount
    rows = connection.execute(
        select(posted.id, posted.kind, posted.cause, posted.at, posted.reverses_id)
        .add_columns(account.kind.label("account"), account.subject_id, entry.amount_fen)
        .join(entry, entry.transaction_id == posted.id)
        .join(account, account.id == entry.account_id)
        .where(among(posted.id, ids))
        .order_by(posted.id)
    )
    found: dict[int, hash_chain.Values] = {}
    for transaction_id, entries in groupby(rows, key=lambda row: int(row.id)):
        kept = list(entries)
        moved = [((row.account, row.subject_id), row.amount_fen) for row in kept]
        found[transaction_id] = {**kept[0]._mapping, "number": first + len(found), "entries": moved}
    numbers = _numbers(connection, {values["reverses_id"] for values in found.values()} - {None})
    numbers |= {transaction_id: values["number"] for transaction_id, values in found.items()}
    for values in found.values():
        values["reverses"] = numbers[values["reverses_id"]] if values["reverses_id"] else None
    return found


def _numbers(connection: Connection, transaction_ids: set[int]) -> dict[int, int]:
    """Map transactions to the numbers of their links."""
    if not transaction_ids:
        return {}
    link = LedgerLink
    found = select(link.transaction_id, link.number).where(among(link.transaction_id, transaction_ids))
    return {row.transaction_id: row.number for row in connection.execute(found)}


LEDGER = Chain("ledger", LedgerHead, LedgerLink, UnsealedTransaction, "transaction_id", _read, link_hash)
