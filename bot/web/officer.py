"""Bind a page to the member of staff whom its link names: WeChat says who opens it, as for the page to pay at."""

from flask import Response, request
from sqlalchemy.orm import Session

from bot.web.pages import guarded
from bot.web.visitor import IsTheirs
from models.people.conversation import Conversation
from models.staff.member import Staff


def is_seat(staff_id: int) -> IsTheirs:
    """Build the condition that a conversation is that of the WeChat which holds this seat."""

    def is_holder(db: Session, conversation: Conversation) -> bool:
        staff = db.get(Staff, staff_id)
        return staff is not None and (staff.account, staff.openid) == (conversation.account, conversation.openid)

    return is_holder


def refuse_in_advance() -> Response | None:
    """Return the answer to a program that fetches the page before anybody looks (link previews); None to all others.

    A header that anybody can send says so: whoever sends it is shown nothing, since their look would not be recorded.
    """
    purposes = f"{request.headers.get('Sec-Purpose', '')} {request.headers.get('Purpose', '')}".lower()
    in_advance = "prefetch" in purposes or "preview" in purposes
    return guarded(Response(status=503)) if in_advance else None


def is_looked_at() -> bool:
    """Tell whether the page itself is asked for, not its headers alone."""
    return request.method == "GET"
