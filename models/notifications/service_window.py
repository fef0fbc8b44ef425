"""Keep customer-service windows: until when, and how often, we may write to a person.

A person's act opens a window (doc/offiaccount/Customer_Service/Customer_Service_Messages.html);
each of our messages uses up one of its count. WeChat does not document from which of several open
windows it takes a message: here it is the one that closes first. The turn opens windows and the
worker uses them, each in its own transaction, so the count can only be too low, never too high.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, SmallInteger, String, bindparam, delete, func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core.base import Base, among, one_of, table_of
from models.people.conversation import Conversation
from models.people.message import Message, MessageKind


@dataclass(frozen=True, slots=True)
class WindowRule:
    """How long a window stays open, and how many messages it allows; None: any number."""

    lasts: timedelta
    messages: int | None


RULES = {
    "message": WindowRule(timedelta(hours=48), 5),
    "menu": WindowRule(timedelta(minutes=1), 3),
    "follow": WindowRule(timedelta(minutes=1), 3),
    "scan": WindowRule(timedelta(minutes=1), 3),
    "paid": WindowRule(timedelta(hours=48), None),
}
_EVENTS = {
    "click": "menu",
    "scancode_push": "menu",
    "scancode_waitmsg": "menu",
    "subscribe": "follow",
    "scan": "scan",
}
# Our clock and WeChat's may differ: a window that is about to close counts as closed.
MARGIN = timedelta(seconds=10)


class ServiceWindow(Base):
    __tablename__ = "service_windows"
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(8), primary_key=True)
    ends_at: Mapped[datetime]
    left: Mapped[int | None] = mapped_column(SmallInteger)

    __table_args__ = (one_of("kind", tuple(RULES)),)


def window_opened_by(message: Message) -> str | None:
    """Return the window that this message or event opens afresh; None where it is no act of the person."""
    if message.kind is MessageKind.EVENT:
        return _EVENTS.get(message.event)
    return "menu" if message.option_id else "message"


def open_windows(db: Session, people: Iterable[int], now: datetime) -> dict[int, list[ServiceWindow]]:
    """Find and lock each person's open windows, the first to close first.

    Locks in the order of the people's ids, as all others do.
    """
    usable = or_(ServiceWindow.left.is_(None), ServiceWindow.left > 0)
    rows = db.scalars(
        select(ServiceWindow)
        .where(among(ServiceWindow.conversation_id, sorted(set(people))), ServiceWindow.ends_at > now + MARGIN, usable)
        .order_by(ServiceWindow.conversation_id, ServiceWindow.ends_at)
        .with_for_update()
    )
    found: dict[int, list[ServiceWindow]] = {}
    for row in rows:
        found.setdefault(row.conversation_id, []).append(row)
    return found


def open_by_payment(db: Session, paid: Mapping[int, datetime]) -> None:
    """Open the window of each person's payment (user, when they paid): 48 hours, any number of messages.

    Not where they have several conversations, of which any may have paid. Called after the notifications are written,
    in the order in which workers take these locks.
    """
    payers = table_of((user_id, None, at + RULES["paid"].lasts) for user_id, at in paid.items())
    theirs = select(func.min(Conversation.id).label("id"), literal("paid"), func.max(payers.c.at))
    theirs = theirs.join(payers, payers.c.key == Conversation.user_id).group_by(Conversation.user_id)
    theirs = theirs.having(func.count() == 1).order_by("id")
    opened = insert(ServiceWindow).from_select(["conversation_id", "kind", "ends_at"], theirs)
    later = opened.on_conflict_do_update(
        index_elements=["conversation_id", "kind"],
        set_={"ends_at": opened.excluded.ends_at},
        where=ServiceWindow.ends_at < opened.excluded.ends_at,
    )
    db.execute(later)


def use_message(windows: Sequence[ServiceWindow]) -> ServiceWindow | None:
    """Use up one message of the first window that has one left; None where none has."""
    for window in windows:
        if window.left is None:
            return window
        if window.left > 0:
            window.left -= 1
            return window
    return None


def return_messages(db: Session, taken: Sequence[tuple[int, str, datetime]]) -> None:
    """Return messages that certainly were not sent to their windows, unless a window was opened anew since.

    ``taken``: (conversation, window's kind, its end).
    """
    if not taken:
        return
    same = (
        (ServiceWindow.conversation_id == bindparam("b_person"))
        & (ServiceWindow.kind == bindparam("b_window"))
        & (ServiceWindow.ends_at == bindparam("b_ends"))
    )
    connection = db.connection()
    for person, window, ends in sorted(taken):
        values = {"b_person": person, "b_window": window, "b_ends": ends}
        counted = update(ServiceWindow).where(same, ServiceWindow.left.is_not(None))
        connection.execute(counted.values(left=ServiceWindow.left + 1), values)


def close_windows(db: Session, people: Sequence[int]) -> None:
    """Delete the people's windows: WeChat says that none is open (45015) or left (45047), or the person unfollowed."""
    db.execute(delete(ServiceWindow).where(ServiceWindow.conversation_id.in_(people)))
