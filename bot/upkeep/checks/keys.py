"""Check the data keys: that what is sealed opens, that old keys are gone, and how old the newest is."""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.upkeep.checks.finding import Finding, bad, ok, warn
from bot.upkeep.checks.installation import Installation
from bot.work.clock import true_now
from config.pay import read_platform_key
from models.core.audit_trail import AuditEvent
from models.core.encryption import keyring
from models.tables import metadata
from models.upkeep.key_rotation import last_rotation
from models.upkeep.sealed_values import keys_in_use

# Of each sealed column so many of the newest rows: all of them would take minutes.
_SAMPLE = 500
_OLD_DAYS = 400
_ENDS_SOON_DAYS = 45


def check_data_keys(installation: Installation) -> Iterator[Finding]:
    newest, *older = keyring().names
    with installation.database.connect() as connection:
        used = keys_in_use(connection, metadata, _SAMPLE)
    if lacking := sorted({*used} - {newest, *older}):
        yield bad(
            f"values are sealed with a key that DATA_KEYS lacks: {', '.join(lacking)}; nobody can read them",
            "find that key (a backup of .env, another host) and add it to DATA_KEYS, last, on every host",
        )
    if left := [name for name in older if used.get(name)]:
        yield warn(f"some values are still sealed with the older key {', '.join(left)}", "run rotate-keys")
    elif older:
        yield warn(
            f"DATA_KEYS holds {len(older)} older keys ({', '.join(older)})",
            "run rotate-keys; once it names no value that is lost, leave the newest key alone in DATA_KEYS",
        )
    yield from _age(installation, newest)


def _age(installation: Installation, newest: str) -> Iterator[Finding]:
    with Session(installation.database) as db:
        first = db.scalar(select(AuditEvent.at).order_by(AuditEvent.id).limit(1))
        since = last_rotation(db, newest) or first
    days = (installation.clock() - since).days if since else 0
    if days > _OLD_DAYS:
        yield warn(
            f"the data key {newest} has been in use for up to {days} days",
            "take a new one once a year: docs/operating.md, Rotating keys",
        )
    else:
        yield ok(f"the data key {newest} has been in use for up to {days} days")


def check_pay_keys(installation: Installation) -> Iterator[Finding]:
    """Check until when the platform's certificates hold; a public key has no end."""
    settings = installation.settings
    if not settings.collects:
        yield ok("PAY_MODE=off: none is needed")
        return
    keys = [read_platform_key(*each) for merchant in settings.merchants for each in merchant.public_keys.items()]
    ends = sorted(key.until for key in keys if key.until)
    yield from _until(ends[0], true_now()) if ends else [ok(f"{len(keys)} keys of WeChat Pay, none of which ends")]


def _until(first: datetime, now: datetime) -> Iterator[Finding]:
    days, words = (first - now).days, f"the first of WeChat Pay's certificates ends on {first:%Y-%m-%d}"
    do = "get the new certificate or public key from WeChat Pay's page and add it to PAY_PUBLIC_KEYS, beside the old"
    yield warn(words, do) if 0 <= days <= _ENDS_SOON_DAYS else bad(words, do) if days < 0 else ok(words)
