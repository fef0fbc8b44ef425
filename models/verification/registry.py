"""The imported registry of households in need: what the authorities record about a person.

An ID number is stored sealed, and as a keyed hash to find it by.
"""

import hmac
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Date, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core.base import Base, RowId
from models.core.encryption import Encrypted, Lookup, keyring

# The results of a look-up. ``unavailable``: the registry could not be asked; the case waits.
RESULTS = ("match", "name_mismatch", "not_found", "unavailable")

# The dots between the parts of a name from another language, as different keyboards write them.
_MIDDLE_DOTS = frozenset("\u00b7\u2022\u2027\u2219\u22c5\u30fb.")


@dataclass(frozen=True, slots=True)
class Finding:
    """A registry's answer about one person.

    ``status``: only for a match; under a different name it would be another person's.
    """

    result: str
    status: str | None = None
    source: str | None = None
    as_of: date | None = None


UNAVAILABLE = Finding("unavailable")


class RegistryEntry(Base):
    """One imported person. ``status``: the source's own word for the household's standing, not a fixed list of ours."""

    __tablename__ = "registry_entries"
    id: Mapped[RowId]
    id_hash: Mapped[str] = mapped_column(String(64), unique=True)
    id_number: Mapped[str] = mapped_column(Encrypted("registry ID number", Lookup("id_hash", "id_number")))
    name: Mapped[str] = mapped_column(Encrypted("registry name"))
    region_code: Mapped[str] = mapped_column(String(12))
    status: Mapped[str] = mapped_column(String(40))
    source: Mapped[str] = mapped_column(String(60))
    as_of: Mapped[date] = mapped_column(Date)
    imported_at: Mapped[datetime]


def look_up(db: Session, id_number: str, name: str) -> Finding:
    """Look a person up in the imported registry. ``id_number``: eighteen characters, X in upper case."""
    hashes = keyring().lookup_hashes(id_number, "id_number")
    wanted = select(RegistryEntry).where(RegistryEntry.id_hash.in_(hashes))
    # While keys are being rotated, one person may have two rows under two keys.
    entry = db.scalars(wanted.order_by(RegistryEntry.as_of.desc()).limit(1)).first()
    if entry is None:
        return Finding("not_found")
    if not same_name(entry.name, name):
        return Finding("name_mismatch", None, entry.source, entry.as_of)
    return Finding("match", entry.status, entry.source, entry.as_of)


def fold_name(name: str) -> str:
    """Strip from a name what differs between keyboards: width, case, spaces, middle dots, invisible signs."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    bare = "".join(
        sign
        for sign in folded
        if sign not in _MIDDLE_DOTS and not sign.isspace() and unicodedata.category(sign) not in {"Cf", "Cc"}
    )
    # Normalise again: a removed sign may have separated an accent from its letter.
    return unicodedata.normalize("NFKC", bare)


def same_name(one: str, other: str) -> bool:
    """Compare folded names in constant time. Empty names are never the same."""
    first, second = (fold_name(each).encode("utf-8", "replace") for each in (one, other))
    return bool(first) and hmac.compare_digest(first, second)
