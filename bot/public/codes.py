"""Fetch the account's code of an appeal or a listing from WeChat, outside of any transaction."""

from datetime import datetime

import structlog
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from bot.wechat.client import WeChatApi
from bot.wechat.policy import Unreachable, WeChatError
from models.public.appeal_code import APPEALS, LASTS, Codes, find_code, is_owed, keep_code

log = structlog.get_logger()


def appeal_code(database: Engine, api: WeChatApi, number: int, now: datetime) -> str:
    """Return the address that the appeal's code says, fetched where none is kept that lives long enough.

    Two at once fetch two codes, of which both work. Raises WeChatError or Unreachable.
    """
    with Session(database) as db:
        known = find_code(db, number, now)
    if known:
        return known
    return _fetch(database, api, number, now, APPEALS)


def make_code(database: Engine, api: WeChatApi, number: int, now: datetime, codes: Codes = APPEALS) -> None:
    """Fetch the code for the page of an appeal or a listing, or the next one; after a WeChat error the sweep
    (``owed_codes``) tries again."""
    with Session(database) as db:
        if not is_owed(db, number, now, codes):
            return
    try:
        _fetch(database, api, number, now, codes)
    except (WeChatError, Unreachable) as error:
        log.warning("code.not_made", of=codes.key, number=number, error=type(error).__name__)


def _fetch(database: Engine, api: WeChatApi, number: int, now: datetime, codes: Codes) -> str:
    address = api.create_code(f"{codes.scene}{number}", LASTS)
    with Session(database) as db, db.begin():
        keep_code(db, number, address, now + LASTS, codes)
    return address
