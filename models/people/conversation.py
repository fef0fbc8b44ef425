"""Keep one conversation per person, whose row lock every turn holds, and the records of turns.

Several people may share a WeChat (models.people.shared_phone): one of them has its openid, the others are parked.
"""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from models.core.base import Base, RowId
from models.core.encryption import Encrypted

SESSION = Encrypted("conversation session")


class Conversation(Base):
    """``session`` is JSON (flows.engine.session); ``failures`` counts consecutive turns that ended in an error.

    ``in_flow``: the person is being asked a question. ``refused_code``: WeChat's code for why nothing can be sent to
    the person, until the person does something again.

    ``parked_openid``: while another person uses the phone, the openid of its WeChat; ``openid`` is then a stand-in.
    ``code``: salt and hash of the four figures with which the person comes back. ``code_tries``: wrong ones in a row;
    ``code_free_at``: none is taken before. ``code_waived_at``: from then on none is asked for, since it was forgotten.
    """

    __tablename__ = "conversations"
    id: Mapped[RowId]
    account: Mapped[str] = mapped_column(String(64))
    openid: Mapped[str] = mapped_column(String(64))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), index=True)
    session: Mapped[str] = mapped_column(SESSION)
    failures: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")
    following: Mapped[bool] = mapped_column(default=True, server_default="1")
    in_flow: Mapped[bool] = mapped_column(default=False, server_default="0")
    refused_code: Mapped[int | None]
    created_at: Mapped[datetime]
    touched_at: Mapped[datetime]
    parked_openid: Mapped[str | None] = mapped_column(String(64))
    code: Mapped[str | None] = mapped_column(Encrypted("person switch code"))
    code_tries: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")
    code_free_at: Mapped[datetime | None]
    code_waived_at: Mapped[datetime | None]
    erased_phone: Mapped[str | None] = mapped_column(String(64))
    """The keyed hash of an erased person's WeChat, until ``erased_phone_until`` (models.people.erased_phone)."""
    erased_phone_until: Mapped[datetime | None]

    __table_args__ = (
        UniqueConstraint("account", "openid"),
        Index("ix_conversations_erased_phone", "erased_phone", postgresql_where=text("erased_phone IS NOT NULL")),
        Index(
            "ix_conversations_erased_phone_until",
            "erased_phone_until",
            postgresql_where=text("erased_phone_until IS NOT NULL"),
        ),
        CheckConstraint("parked_openid IS NULL OR code IS NOT NULL", name="parked_behind_a_code"),
        Index(
            "ix_conversations_parked", "account", "parked_openid", postgresql_where=text("parked_openid IS NOT NULL")
        ),
    )


class Turn(Base):
    """One inbound message by its unique key, with the reply that every re-delivery gets.

    ``tries`` counts the step's consecutive wrong answers; ``ms`` is how long the turn took.
    """

    __tablename__ = "turns"
    id: Mapped[RowId]
    key: Mapped[str] = mapped_column(String(32), unique=True)
    conversation_id: Mapped[int | None] = mapped_column(ForeignKey("conversations.id"))
    received_at: Mapped[datetime]
    reply: Mapped[str | None] = mapped_column(Encrypted("turn reply"))
    kind: Mapped[str] = mapped_column(String(40))
    flow: Mapped[str | None] = mapped_column(String(40))
    step: Mapped[str | None] = mapped_column(String(40))
    outcome: Mapped[str | None] = mapped_column(String(40))
    tries: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")
    ms: Mapped[int | None]

    __table_args__ = (
        Index(None, "received_at"),
        # An erasure finds the person's turns by it. An index of those with a reply would be smaller, but each turn that
        # gets its reply would then write all indexes of its row anew.
        Index(None, "conversation_id"),
    )


class BrokenSession(Base):
    """A session that could not be read, kept for study; the person went on with a fresh one."""

    __tablename__ = "broken_sessions"
    id: Mapped[RowId]
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id"), index=True)
    session: Mapped[bytes]
    reason: Mapped[str] = mapped_column(String(80))
    at: Mapped[datetime]
