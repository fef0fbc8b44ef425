"""Restrict what a program sends and fetches to the official account that it serves, where several share a database."""

from typing import Any

from sqlalchemy import ColumnElement, Connection, select, true
from sqlalchemy.orm import Session

from models.core.database import own_account
from models.people.conversation import Conversation


def account_of(db: Session, user_id: int) -> str | None:
    """Return the original ID of the account that the user writes to; None for who has no conversation."""
    return db.scalar(select(Conversation.account).where(Conversation.user_id == user_id).limit(1))


def with_own_account(db: Session | Connection, conversation_id: Any) -> ColumnElement[bool]:
    """Build the condition that a conversation, by the column of its id, is with the account that we serve."""
    account = own_account(db)
    theirs = select(Conversation.id).where(Conversation.id == conversation_id, Conversation.account == account)
    return theirs.exists() if account else true()


def writes_to_own_account(db: Session | Connection, user_id: Any) -> ColumnElement[bool]:
    """Build the condition that a user, by the column of their id, writes to the account that we serve, or to none."""
    account = own_account(db)
    theirs = select(Conversation.id).where(Conversation.user_id == user_id)
    return theirs.where(Conversation.account == account).exists() | ~theirs.exists() if account else true()
