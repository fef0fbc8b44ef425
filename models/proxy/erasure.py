"""End what others may do in an erased person's name: mandates, consent codes and the printed card."""

from sqlalchemy.orm import Session

from models.core.leaver import ERASED, Leaver
from models.proxy.card import live_card, void_card
from models.proxy.consent_code import void_consent_codes
from models.proxy.mandate import revoke_all_mandates


def forget(db: Session, leaver: Leaver, _after: int) -> None:
    if not leaver.user_id:
        return
    revoke_all_mandates(db, leaver.user_id, leaver.actor.name, leaver.now)
    void_consent_codes(db, leaver.user_id, leaver.now)
    card = live_card(db, leaver.user_id)
    if card:
        void_card(db, card, leaver.actor.name, ERASED, leaver.now)
