"""Proxy work: what an officer did for somebody without a phone, by whose consent, and what they said to it."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, String, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, RowId, one_of

KINDS = ("sheet", "code")
SCOPES = ("register", "appeal")


class Mandate(Base):
    """A consent: a photo of the signed sheet (subject ``mandate``), or the resident's own code. Live until it ends."""

    __tablename__ = "mandates"
    id: Mapped[RowId]
    draft_id: Mapped[str] = mapped_column(String(36), unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    kind: Mapped[str] = mapped_column(String(8))
    scope: Mapped[str] = mapped_column(String(12))
    granted_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]

    __table_args__ = (one_of("kind", KINDS), one_of("scope", SCOPES))


class ProxyAct(Base):
    """One thing done by mandate. Until the resident has heard it and said yes it is shown as not confirmed."""

    __tablename__ = "proxy_acts"
    id: Mapped[RowId]
    mandate_id: Mapped[int] = mapped_column(ForeignKey("mandates.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    subject: Mapped[str] = mapped_column(String(12))
    subject_id: Mapped[int]
    at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    denied_at: Mapped[datetime | None]

    __table_args__ = (
        one_of("subject", ("user", "appeal")),
        CheckConstraint("confirmed_at IS NULL OR denied_at IS NULL", name="one_answer"),
        Index("uq_proxy_acts_subject", "subject", "subject_id", unique=True),
    )


class ConsentCode(Base):
    """Six digits that a resident reads to an officer; only their keyed hash is kept."""

    __tablename__ = "consent_codes"
    id: Mapped[RowId]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    code_finder: Mapped[str] = mapped_column(String(64))
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    tries: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")
    used_at: Mapped[datetime | None]


class Card(Base):
    """A printed card whose QR code binds the resident's own WeChat later; its code is kept as a keyed hash."""

    __tablename__ = "cards"
    id: Mapped[RowId]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    code_finder: Mapped[str] = mapped_column(String(64), unique=True)
    issued_by: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    issued_at: Mapped[datetime]
    tries: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")
    bound_at: Mapped[datetime | None]
    void_at: Mapped[datetime | None]

    __table_args__ = (
        Index(
            "uq_cards_live",
            "user_id",
            unique=True,
            sqlite_where=text("bound_at IS NULL AND void_at IS NULL"),
            postgresql_where=text("bound_at IS NULL AND void_at IS NULL"),
        ),
    )
