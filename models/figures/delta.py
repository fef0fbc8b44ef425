"""The tables of figures: deltas, one for each thing that is counted, and their sums by region and month."""

from datetime import date, datetime

from sqlalchemy import Date, Index, SmallInteger, String, text
from sqlalchemy.orm import Mapped, mapped_column

from models.core.base import Base, RowId, one_of
from models.core.calendar import CHINA

# People, households and goods are counted; each counts 1.
REGISTERED = ("registered_resident", "registered_donor")
PEOPLE = ("helped", "helping")
COUNTED = (*REGISTERED, "verified", *PEOPLE, "goods")
# Money, in fen.
MONEY = ("money_in", "money_back", "money_out")
FIGURES = (*COUNTED, *MONEY)


class FigureDelta(Base):
    """One thing that counts. ``cause``: its kind and number, such as ``household:3``; each counts once.

    ``region_code``: where it was when it was counted; it stays there when the person moves. Rows are never deleted; the
    fold marks them ``folded``, and an erasure cuts the cause from its person.
    """

    __tablename__ = "figure_deltas"
    id: Mapped[RowId]
    cause: Mapped[str] = mapped_column(String(32), unique=True)
    figure: Mapped[str] = mapped_column(String(20))
    region_code: Mapped[str] = mapped_column(String(12))
    month: Mapped[date] = mapped_column(Date)
    amount: Mapped[int]
    folded: Mapped[bool] = mapped_column(server_default="0")

    __table_args__ = (
        one_of("figure", FIGURES),
        Index("ix_figure_deltas_unfolded", "id", postgresql_where=text("NOT folded")),
    )


class FigureSum(Base):
    """A figure's sum in a month, of a region and all below it. ``level``: 0 is the whole country, 5 a village."""

    __tablename__ = "figure_sums"
    level: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    region_code: Mapped[str] = mapped_column(String(12), primary_key=True)
    month: Mapped[date] = mapped_column(Date, primary_key=True)
    figure: Mapped[str] = mapped_column(String(20), primary_key=True)
    amount: Mapped[int]


def month_of(at: datetime) -> date:
    """Return the first day of the month in China."""
    return at.astimezone(CHINA).date().replace(day=1)
