"""Bind a page to the member of staff whom its link names: WeChat says who opens it, as for the page to pay at."""

from flask import request
from sqlalchemy.orm import Session

from bot.web.visitor import IsTheirs
from models.people.conversation import Conversation
from models.staff.member import Staff


def is_seat(staff_id: int) -> IsTheirs:
    """Build the condition that a conversation is that of the WeChat which holds this seat."""

    def is_holder(db: Session, conversation: Conversation) -> bool:
        staff = db.get(Staff, staff_id)
        return staff is not None and (staff.account, staff.openid) == (conversation.account, conversation.openid)

    return is_holder


def is_looked_at() -> bool:
    """Tell whether a person asks to see the page, not a program for its headers or in advance (link previews)."""
    in_advance = f"{request.headers.get('Sec-Purpose', '')} {request.headers.get('Purpose', '')}".lower()
    return request.method == "GET" and "prefetch" not in in_advance and "preview" not in in_advance
