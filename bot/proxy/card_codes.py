"""Fetch the QR codes of printed cards from WeChat, between two short transactions.

A card may lie in a drawer for long before its resident has a phone, so its QR code must not expire. WeChat gives each
account 100,000 lasting codes; after those, a code of 30 days is used and the card says until when it works.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog
from sqlalchemy import ColumnElement, Engine, select, true
from sqlalchemy.orm import Session

from bot.wechat.client import WeChatApi
from bot.wechat.policy import Unreachable, WeChatError
from bot.work.clock import Clock, true_now
from models.core.database import own_account
from models.core.encryption import CannotOpen
from models.proxy.card import SCENE, Card
from models.staff.member import Staff

log = structlog.get_logger()

MOST_TRIES = 20
OWED_AFTER = timedelta(minutes=2)
LASTS = timedelta(days=30)
# doc/service/api/qrcode/qrcodes/api_createqrcode: no lasting code is left.
_USED_UP = 45029


def make_code(database: Engine, api: WeChatApi, card_id: int, clock: Clock = true_now) -> None:
    """Fetch and store the QR code of a card. May run twice: the same scene gives the same code.

    A card that was bound or void meanwhile gets none. After a WeChat error the sweep (``owed_codes``) tries again.
    """
    code = _begin(database, card_id)
    if code is None:
        return
    try:
        url, until = _ask(api, f"{SCENE}{code}", clock())
    except (WeChatError, Unreachable) as error:
        log.warning("card.no_code", card=card_id, error=type(error).__name__)
        return
    with Session(database) as db, db.begin():
        card = db.get(Card, card_id, with_for_update=True)
        if card is not None and card.code is not None:
            card.qr_url, card.qr_until = url, until


def owed_codes(db: Session, now: datetime, most: int) -> Sequence[int]:
    """List cards that have waited two minutes for their QR code and have tries left, the oldest first."""
    owed = Card.qr_url.is_(None) & Card.bound_at.is_(None) & Card.void_at.is_(None)
    waited = (Card.issued_at < now - OWED_AFTER) & (Card.qr_tries < MOST_TRIES)
    return db.scalars(
        select(Card.id).where(owed, waited, _of_own_account(db)).order_by(Card.issued_at).limit(most)
    ).all()


def _of_own_account(db: Session) -> ColumnElement[bool]:
    """Build the condition that the card is of an officer of our account, to which its code then leads."""
    account = own_account(db)
    issuer = select(Staff.id).where(Staff.id == Card.issued_by, Staff.account == account)
    return issuer.exists() if account else true()


def _begin(database: Engine, card_id: int) -> str | None:
    """Return the card's code and count a try; None if it needs no QR code, has no tries left or does not open."""
    with Session(database) as db, db.begin():
        try:
            card = db.get(Card, card_id, with_for_update=True)
        except CannotOpen:
            log.error("card.cannot_open", card=card_id)
            return None
        if card is None or card.code is None or card.qr_url is not None or card.qr_tries >= MOST_TRIES:
            return None
        if not db.scalar(select(Card.id).where(Card.id == card_id, _of_own_account(db))):
            return None
        card.qr_tries += 1
        return card.code


def _ask(api: WeChatApi, scene: str, now: datetime) -> tuple[str, datetime | None]:
    try:
        return api.create_code(scene), None
    except WeChatError as error:
        if error.code != _USED_UP:
            raise
    log.error("card.lasting_codes_used_up")
    return api.create_code(scene, LASTS), now + LASTS
