"""Count what waits, and for how long: appeals for their review, requests for goods. Made anew by the hour.

A median does not add up, so that no delta can carry it: all that waits at a time is counted at once, for each region
and all above it. Moves of home, erasures and mergers are in the rows that are read.
"""

from datetime import datetime

from sqlalchemy import SmallInteger, String, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.appeals.appeal import IN_REVIEW
from models.core.base import Base, one_of
from models.figures.fold import AREAS

WAITING = ("waiting_appeals", "waiting_requests")
# Sent back to their owner, they wait for nobody of us.
_STATES = tuple(state for state in IN_REVIEW if state != "returned")


class FigureWaiting(Base):
    """How much of a kind waits in a region and below it, and the median of the days since it began to wait."""

    __tablename__ = "figure_waiting"
    level: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    region_code: Mapped[str] = mapped_column(String(12), primary_key=True)
    figure: Mapped[str] = mapped_column(String(20), primary_key=True)
    amount: Mapped[int]
    days: Mapped[int]
    at: Mapped[datetime]

    __table_args__ = (one_of("figure", WAITING),)


_COUNT = text(f"""
    INSERT INTO figure_waiting (level, region_code, figure, amount, days, at)
    SELECT level, area, figure, count(*), percentile_disc(0.5) WITHIN GROUP (ORDER BY days), :now
    FROM (
        SELECT '{WAITING[0]}' AS figure, region_code,
            floor(extract(epoch FROM :now - created_at) / 86400)::bigint AS days
        FROM appeals WHERE state IN {_STATES}
        UNION ALL
        SELECT '{WAITING[1]}', region_code,
            floor(extract(epoch FROM :now - coalesce(waits_from, created_at)) / 86400)::bigint
        FROM goods_requests WHERE state = 'open'
    ) AS delta CROSS JOIN LATERAL ({AREAS}) AS areas
    GROUP BY level, area, figure
""")  # noqa: S608 - only constants are put in


def count_waiting(db: Session, now: datetime) -> None:
    """Count anew all that waits now; another process that does so at the same time waits, and counts again."""
    db.execute(text("SET LOCAL statement_timeout = 60000"))
    db.execute(text("LOCK TABLE figure_waiting IN SHARE ROW EXCLUSIVE MODE"))
    db.execute(text("DELETE FROM figure_waiting"))
    db.execute(_COUNT, {"now": now})
