"""Record WeChat's delivery reports, which may come before the message's number is stored."""

from datetime import datetime, timedelta

from sqlalchemy import String, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.core.base import Base
from models.notifications.notification import Notification
from models.people.conversation import Conversation

# How long a report is kept whose message's number is not known yet.
REPORTS_LAST = timedelta(days=1)
SUCCESS = "success"
# States of a notification that was sent; the words of one that was sent as a short card are still to be read.
_GONE_OUT = ("sent", "waiting", "read")


class DeliveryReport(Base):
    """A report that came before its message's number was stored. ``status``: as in the event."""

    __tablename__ = "delivery_reports"
    account: Mapped[str] = mapped_column(String(64), primary_key=True)
    platform_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    status: Mapped[str] = mapped_column(String(40))
    at: Mapped[datetime]


def record_report(db: Session, account: str, platform_id: str, status: str, now: datetime) -> int | None:
    """Record a report to this official account about a message of its own.

    Returns the recipient's conversation; None where the message's number is not known yet.
    """
    gone_out = Notification.state.in_(_GONE_OUT) & (Notification.platform_id == platform_id)
    sent = select(Notification).join(Conversation, Conversation.id == Notification.conversation_id)
    sent = sent.where(gone_out, Conversation.account == account)
    notification = db.scalars(sent.with_for_update(of=Notification)).first()
    if notification is None:
        db.merge(DeliveryReport(account=account, platform_id=platform_id, status=status[:40], at=now))
        return None
    apply_report(notification, status)
    return notification.conversation_id


def apply_report(notification: Notification, status: str) -> None:
    """Apply a report: ``success`` means delivered; after any other, the person reads it with their next message."""
    if notification.state == "sent" and status == SUCCESS:
        notification.state = "delivered"
    elif notification.state in ("sent", "waiting") and status != SUCCESS:
        notification.state, notification.reason = "waiting", f"{notification.channel}_failed"
        notification.sent_at = notification.offers_at = None


def match_reports(db: Session, now: datetime, most: int = 500) -> int:
    """Apply the reports that came before their message's number was stored, and delete old ones. Returns how many."""
    same = (DeliveryReport.account == Conversation.account) & (DeliveryReport.platform_id == Notification.platform_id)
    pairs = db.execute(
        select(Notification, DeliveryReport)
        .join(Conversation, Conversation.id == Notification.conversation_id)
        .join(DeliveryReport, same & Notification.state.in_(_GONE_OUT))
        .limit(most)
        .with_for_update(of=Notification, skip_locked=True)
    ).all()
    for notification, report in pairs:
        apply_report(notification, report.status)
        db.delete(report)
    db.execute(delete(DeliveryReport).where(DeliveryReport.at < now - REPORTS_LAST))
    return len(pairs)
