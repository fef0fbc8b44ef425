"""Pause a channel, its option menus, or one of its cards, after WeChat has refused it for the whole account."""

from datetime import datetime

from sqlalchemy import String, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core.base import Base


class ChannelPause(Base):
    """``code``: WeChat's error code; the day's quota is used up, or the account may not use the channel."""

    __tablename__ = "channel_pauses"
    account: Mapped[str] = mapped_column(String(64), primary_key=True)
    channel: Mapped[str] = mapped_column(String(20), primary_key=True)
    until: Mapped[datetime]
    code: Mapped[int]


def current_pauses(db: Session, now: datetime) -> dict[str, dict[str, ChannelPause]]:
    """Map each official account, and each of its channels that is paused now, to the pause."""
    found: dict[str, dict[str, ChannelPause]] = {}
    for row in db.scalars(select(ChannelPause).where(ChannelPause.until > now)):
        found.setdefault(row.account, {})[row.channel] = row
    return found


def pause_channel(db: Session, account: str, channel: str, code: int, until: datetime) -> None:
    """Pause a channel; a second pause replaces the first, also when two workers write at the same moment."""
    wanted = insert(ChannelPause).values(account=account, channel=channel, until=until, code=code)
    latest = {"until": wanted.excluded.until, "code": wanted.excluded.code}
    db.execute(wanted.on_conflict_do_update(index_elements=["account", "channel"], set_=latest))
