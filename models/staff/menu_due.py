"""Keep whose menu may have changed, and choose each person's: that of staff, residents, donors, or everybody.

WeChat shows a follower the menu of the tag that they wear. Triggers (migration 0077) note a WeChat when the person who
uses it changes, registers or is erased, or when its seat begins or ends; bot.menus.tagging gives the tag and deletes
the note.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine, String, and_, case, delete, func, select, text, tuple_
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core.base import Base
from models.core.database import own_account
from models.people.conversation import Conversation
from models.people.user import User
from models.staff.member import Staff, serving

# How long the note of a WeChat without a conversation is kept where no menus are published, or WeChat refuses the
# account: it may be all that is left of an erased person.
LEFT_LASTS = timedelta(days=7)


class MenuDue(Base):
    """A WeChat whose menu may have changed. ``due_at``: since when, by the server's clock, or when a seat begins."""

    __tablename__ = "menus_due"
    account: Mapped[str] = mapped_column(String(64), primary_key=True)
    openid: Mapped[str] = mapped_column(String(64), primary_key=True)
    due_at: Mapped[datetime] = mapped_column(index=True)


@dataclass(frozen=True, slots=True)
class WantedMenu:
    """``menu``: staff, or a user's role; None: nobody who is registered uses the WeChat. ``gone``: it can have no menu.

    It is gone when it does not follow the account.
    """

    account: str
    openid: str
    due_at: datetime
    menu: str | None
    gone: bool


def due_menus(db: Session, now: datetime, most: int) -> Sequence[WantedMenu]:
    """Read the notes that are due for our account, the oldest first, with the menu that each person is to have."""
    due, person = MenuDue, Conversation
    same = and_(person.account == due.account, person.openid == due.openid)
    seat = select(Staff.id).where(Staff.account == due.account, Staff.openid == due.openid, serving(now))
    menu = case((seat.exists(), "staff"), (User.state == "active", User.role))
    found = select(due.account, due.openid, due.due_at, menu, person.following.is_(False))
    found = found.outerjoin(person, same).outerjoin(User, User.id == person.user_id)
    found = found.where(due.due_at <= func.clock_timestamp()).order_by(due.due_at, due.openid).limit(most)
    if account := own_account(db):
        found = found.where(due.account == account)
    return [WantedMenu(who, openid, at, menu, bool(gone)) for who, openid, at, menu, gone in db.execute(found)]


def menus_given(db: Session, given: Sequence[WantedMenu]) -> None:
    """Delete the notes that were seen to; one that was made anew meanwhile stays."""
    seen = [(each.account, each.openid, each.due_at) for each in given]
    db.execute(delete(MenuDue).where(tuple_(MenuDue.account, MenuDue.openid, MenuDue.due_at).in_(seen)))


def forget_left(database: Engine, now: datetime) -> None:
    """Delete notes older than LEFT_LASTS whose WeChat has no conversation."""
    known = select(Conversation.id).where(
        Conversation.account == MenuDue.account, Conversation.openid == MenuDue.openid
    )
    with database.begin() as connection:
        # Where the menus of millions wait to be published, it has to look at each.
        connection.execute(text("SET LOCAL statement_timeout = 60000"))
        connection.execute(delete(MenuDue).where(MenuDue.due_at < now - LEFT_LASTS, ~known.exists()))
