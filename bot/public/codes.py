"""Fetch the account's code of an appeal from WeChat, outside of any transaction."""

from datetime import datetime

import structlog
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from bot.wechat.client import WeChatApi
from bot.wechat.policy import Unreachable, WeChatError
from models.public.appeal_code import LASTS, SCENE, find_code, is_owed, keep_code

log = structlog.get_logger()


def appeal_code(database: Engine, api: WeChatApi, number: int, now: datetime) -> str:
    """Return the address that the appeal's code says, fetched where none is kept that lives long enough.

    Two at once fetch two codes, of which both work. Raises WeChatError or Unreachable.
    """
    with Session(database) as db:
        known = find_code(db, number, now)
    if known:
        return known
    return _fetch(database, api, number, now)


def make_appeal_code(database: Engine, api: WeChatApi, number: int, now: datetime) -> None:
    """Fetch the code for the appeal's page, or the next one; after a WeChat error the sweep (``owed_codes``) tries
    again."""
    with Session(database) as db:
        if not is_owed(db, number, now):
            return
    try:
        _fetch(database, api, number, now)
    except (WeChatError, Unreachable) as error:
        log.warning("appeal_code.not_made", appeal=number, error=type(error).__name__)


def _fetch(database: Engine, api: WeChatApi, number: int, now: datetime) -> str:
    address = api.create_code(f"{SCENE}{number}", LASTS)
    with Session(database) as db, db.begin():
        keep_code(db, number, address, now + LASTS)
    return address
