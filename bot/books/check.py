"""Check the books, for an operator at the command line and every night in the worker."""

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from math import nan

import structlog
from prometheus_client import Gauge
from redis import Redis
from redis.exceptions import RedisError, ResponseError
from sqlalchemy import URL

from models.books import Noted, Violation, read_head, violations
from models.books.chains import CHAINS
from models.core.calendar import CHINA
from models.core.database import snapshot
from models.core.hash_chain import waiting
from models.ledger.tables import LedgerHead

log = structlog.get_logger()

BOOKS_VIOLATIONS = Gauge("bangfu_books_violations", "What the last night's check of the books found wrong")
BOOKS_CHECKED = Gauge("bangfu_books_checked_timestamp_seconds", "When the books were last checked")

# At night in China, when the fewest people write.
HOUR = 3
_RESULT = "bangfu:books"
# The heads of the last check without violations, kept outside the database: a chain that is cut or rebuilt after it
# is reported every night.
_HEAD = "bangfu:books_head"
_LEDGER_HEAD = "bangfu:ledger_head"
_NOTED = re.compile("([0-9]{1,18}):([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Checked:
    """The result of a check. ``found``: count by code; then length and head of the audit trail and of the ledger.

    ``unsealed``: how many events and postings wait for their links, by chain.
    """

    found: Counter[str]
    links: int
    head: str
    transactions: int
    ledger_head: str
    unsealed: dict[str, int]


def read_noted(text: str) -> Noted | None:
    """Read a link (``1234:9f…``) as an earlier check printed it; None for anything else."""
    match = _NOTED.fullmatch(text.strip())
    return (int(match[1]), match[2]) if match else None


def check_books(
    database_url: str | URL,
    now: datetime,
    noted: Noted | None = None,
    noted_ledger: Noted | None = None,
    *,
    tell: Callable[[Violation], None] | None = None,
) -> Checked:
    """Check the books in one snapshot; ``tell`` is called with each violation as it is found."""
    found: Counter[str] = Counter()
    with snapshot(database_url) as connection:
        for violation in violations(connection, now, noted, noted_ledger):
            found[violation.code] += 1
            if tell:
                tell(violation)
        links, head = read_head(connection) or (0, "")
        transactions, ledger_head = read_head(connection, LedgerHead) or (0, "")
        unsealed = {chain.name: waiting(connection, chain)[0] for chain in CHAINS}
    return Checked(found, links, head, transactions, ledger_head, unsealed)


def is_night(now: datetime) -> bool:
    """Tell whether it is the hour in which the books are checked."""
    return now.astimezone(CHINA).hour == HOUR


def check_and_tell(database_url: str | URL, redis: Redis, now: datetime) -> None:
    """Check the books, log counts and codes, and keep the result; ``check-books`` prints the rows themselves."""
    checked = check_books(database_url, now, _noted(redis, _HEAD), _noted(redis, _LEDGER_HEAD))
    count = checked.found.total()
    if count:
        log.error("books.wrong", violations=count, codes=dict(checked.found), links=checked.links)
    else:
        heads = {"links": checked.links, "head": checked.head}
        log.info("books.right", **heads, transactions=checked.transactions, ledger_head=checked.ledger_head)
        redis.set(_HEAD, f"{checked.links}:{checked.head}")
        redis.set(_LEDGER_HEAD, f"{checked.transactions}:{checked.ledger_head}")
    redis.set(_RESULT, json.dumps({"violations": count, "at": now.timestamp()}))


def _noted(redis: Redis, name: str) -> Noted | None:
    """Return the head that an earlier check noted; None for what is none, for which no night's check may fail."""
    try:
        kept = redis.get(name)
    except ResponseError:  # a value of another type: not ours
        kept = None
    return read_noted(kept.decode("ascii", "replace")) if isinstance(kept, bytes) else None


def show_result(redis: Redis) -> None:
    """Put the last night's result where /metrics reads it; unknown is not zero."""
    try:
        count, at = read_result(redis)
    except RedisError:
        count = at = nan
    BOOKS_VIOLATIONS.set(count)
    BOOKS_CHECKED.set(at)


def read_result(redis: Redis) -> tuple[float, float]:
    """Return the last night's violations and when they were counted (epoch); NaN where nothing is known.

    Raises RedisError.
    """
    kept = redis.get(_RESULT)
    try:
        result = json.loads(kept) if isinstance(kept, bytes) else {}
        return float(result.get("violations", "nan")), float(result.get("at", "nan"))
    except (ValueError, TypeError, AttributeError, RecursionError):  # not as we wrote it
        return nan, nan
