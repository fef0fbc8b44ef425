"""End what others may do in an erased person's name, and forget what their officers were told of them."""

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from models.core.leaver import ERASED, Leaver
from models.notifications.notification import Notification
from models.proxy.card import Card, live_card, void_card
from models.proxy.consent_code import void_consent_codes
from models.proxy.mandate import Mandate, revoke_all_mandates


def forget(db: Session, leaver: Leaver, _after: int) -> None:
    if not leaver.user_id:
        return
    revoke_all_mandates(db, leaver.user_id, leaver.actor.name, leaver.now)
    void_consent_codes(db, leaver.user_id, leaver.now)
    card = live_card(db, leaver.user_id)
    if card:
        void_card(db, card, leaver.actor.name, ERASED, leaver.now)
    _forget_told(db, leaver.user_id)


def _forget_told(db: Session, user_id: int) -> None:
    """Delete what officers were told of the person's cards and sheets, by the first character of the name."""
    cards = db.execute(select(Card.id, Card.issued_by).where(Card.user_id == user_id))
    keys = [f"card_void:{number}:{staff_id}" for number, staff_id in cards]
    mandates = db.execute(select(Mandate.id, Mandate.staff_id).where(Mandate.user_id == user_id))
    keys += [f"sheet_lost:{number}:{staff_id}" for number, staff_id in mandates]
    db.execute(delete(Notification).where(Notification.dedupe_key.in_(keys)))
