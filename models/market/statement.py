"""Keep what land a household says that it has under a crop in a season: it caps what the household may list of it."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, SmallInteger, String, UniqueConstraint, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core.base import Base, RowId
from models.core.refusal import Refusal
from models.market.rules import Crop


class OverPlot(Refusal):
    """The land (``plot``, in hundredths of a 亩) gives at most ``most`` grams, of which ``share`` of a hundred may be
    sold now; ``listed`` are listed already, and ``left`` are left.
    """

    code = "over_plot"


class PlotNotSeen(Refusal):
    """The household stated other land than the village saw; more is listed only once an officer has seen it."""

    code = "plot_not_seen"


class Statement(Base):
    """A household's land under one crop in one season. ``plot`` in hundredths of a 亩; ``most_grams``: what it can give
    in a good year, by the figures of the day. ``seen_plot``: the land that an officer saw; None before.
    """

    __tablename__ = "producer_statements"
    id: Mapped[RowId]
    household_id: Mapped[int] = mapped_column(ForeignKey("households.id"))
    stated_by: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    crop: Mapped[str] = mapped_column(String(16))
    season: Mapped[int] = mapped_column(SmallInteger)
    plot: Mapped[int]
    most_grams: Mapped[int]
    stated_at: Mapped[datetime]
    seen_plot: Mapped[int | None]

    __table_args__ = (
        UniqueConstraint("household_id", "crop", "season"),
        CheckConstraint("plot > 0 AND most_grams > 0", name="plot_positive"),
    )


def state_plot(
    db: Session, household_id: int | None, user_id: int, crop: Crop, season: int, plot: int, most: int, now: datetime
) -> Statement:
    """State the land, in the place of what was stated before, and lock the statement until the transaction ends.

    Whoever lists of the crop takes this lock first, so that two listings of one harvest are counted together.
    """
    row: dict[str, Any] = {"household_id": household_id, "crop": crop.code, "season": season, "stated_by": user_id}
    row |= {"plot": plot, "most_grams": most, "stated_at": now}
    said = insert(Statement).values(row)
    changed = {name: said.excluded[name] for name in ("stated_by", "plot", "most_grams", "stated_at")}
    db.execute(said.on_conflict_do_update(index_elements=["household_id", "crop", "season"], set_=changed))
    found = find_statement(db, household_id, crop.code, season, lock=True)
    assert found is not None  # noqa: S101 - it was written a line above
    return found


def find_statement(
    db: Session, household_id: int | None, crop: str | None, season: int | None, *, lock: bool = False
) -> Statement | None:
    theirs = (Statement.household_id == household_id) & (Statement.crop == crop) & (Statement.season == season)
    found = select(Statement).where(theirs).execution_options(populate_existing=True)
    return db.scalar(found.with_for_update() if lock else found)


def check_share(statement: Statement, listed: int, wanted: int, share: int) -> None:
    """Check that what is wanted fits beside what is listed of the same harvest. Raises OverPlot.

    ``share``: how much of the land's harvest may be sold now, of a hundred.
    """
    left = statement.most_grams * share // 100 - listed
    if wanted > left:
        raise OverPlot(plot=statement.plot, most=statement.most_grams, share=share, listed=listed, left=max(left, 0))
