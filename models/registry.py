"""The registry of households in need: what the authorities say of a person, as it was imported.

An ID number is stored only as a keyed hash, to find it by, and sealed.
"""

from datetime import date, datetime

from sqlalchemy import Date, String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, RowId
from models.sealing import Sealed

# What a look-up can lead to. ``unavailable``: nobody could be asked; the case waits.
RESULTS = ("match", "name_mismatch", "not_found", "unavailable")


class RegistryEntry(Base):
    """``status`` is the source's own word for the household's standing: versioned data, not a fixed list."""

    __tablename__ = "registry_entries"
    id: Mapped[RowId]
    id_finder: Mapped[str] = mapped_column(String(64), unique=True)
    id_number: Mapped[str] = mapped_column(Sealed("registry_entries.id_number"))
    name: Mapped[str] = mapped_column(Sealed("registry_entries.name"))
    region_code: Mapped[str] = mapped_column(String(12))
    status: Mapped[str] = mapped_column(String(40))
    source: Mapped[str] = mapped_column(String(60))
    as_of: Mapped[date] = mapped_column(Date)
    imported_at: Mapped[datetime]
