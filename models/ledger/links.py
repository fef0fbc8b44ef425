"""The ledger's hash chain: which values of a transaction are hashed, so that a public copy can be verified."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, select

from models.core import hash_chain
from models.ledger.tables import LedgerHead, LedgerLink, LedgerTransaction

# Pairs of an account (kind, number) and fen, debit positive.
Entries = list[tuple[tuple[str, int], int]]

FORM = "bangfu-ledger-1"
_CHAIN = "ledger"


def link_hash(before: str, link: Mapping[Any, Any]) -> str:
    """Hash a link: the hash before it and ``number, kind, cause, at, reverses, entries``.

    ``reverses`` is the number of the transaction that this one reverses, or None; ``at`` becomes microseconds since
    1970; entries become ``[account's kind, its number, fen]``, sorted.
    """
    entries = sorted([kind, subject_id, fen] for (kind, subject_id), fen in link["entries"])
    at = hash_chain.microseconds(link["at"])
    values = [link["number"], link["kind"], link["cause"], at, link["reverses"], entries]
    return hash_chain.digest(FORM, before, values)


def put(connection: Connection, posted: LedgerTransaction, entries: Entries) -> None:
    """Queue a posting to be sealed when the transaction commits."""
    values = {
        "transaction_id": posted.id,
        "kind": posted.kind,
        "cause": posted.cause,
        "at": posted.at,
        "reverses_id": posted.reverses_id,
        "entries": entries,
    }
    hash_chain.put(connection, _CHAIN, values)


def seal(connection: Connection, links: list[hash_chain.Values]) -> None:
    reversed_ids = {link["reverses_id"] for link in links} - {None}
    earlier = select(LedgerLink.transaction_id, LedgerLink.number).where(LedgerLink.transaction_id.in_(reversed_ids))
    numbers = {row.transaction_id: row.number for row in connection.execute(earlier)} if reversed_ids else {}

    def seal_one(before: str, link: Mapping[Any, Any]) -> str:
        numbers[link["transaction_id"]] = link["number"]
        reverses = link["reverses_id"]
        return link_hash(before, {**link, "reverses": None if reverses is None else numbers[reverses]})

    hash_chain.extend(connection, LedgerHead, LedgerLink, links, number="number", link_hash=seal_one)
