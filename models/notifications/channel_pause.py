"""Pause a channel, its option menus, or one of its cards, after WeChat has refused it for the whole account."""

from datetime import datetime

from sqlalchemy import String, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core.base import Base


class ChannelPause(Base):
    """``code``: WeChat's error code; the day's quota is used up, or the account may not use the channel."""

    __tablename__ = "channel_pauses"
    channel: Mapped[str] = mapped_column(String(20), primary_key=True)
    until: Mapped[datetime]
    code: Mapped[int]


def current_pauses(db: Session, now: datetime) -> dict[str, ChannelPause]:
    """Map each channel that is paused now to its pause."""
    return {row.channel: row for row in db.scalars(select(ChannelPause).where(ChannelPause.until > now))}


def pause_channel(db: Session, channel: str, code: int, until: datetime) -> None:
    """Pause a channel; a second pause replaces the first, also when two workers write at the same moment."""
    wanted = insert(ChannelPause).values(channel=channel, until=until, code=code)
    latest = {"until": wanted.excluded.until, "code": wanted.excluded.code}
    db.execute(wanted.on_conflict_do_update(index_elements=["channel"], set_=latest))
