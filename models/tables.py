"""Every table, imported once: for migrations, and for whoever needs the whole metadata."""

from models import (
    appeal,
    audit,
    conversation,
    goods,
    notice,
    photo,
    pledge,
    produce,
    region,
    staff,
    ticket,
    user,
)
from models.base import Base

__all__ = ["metadata"]

metadata = Base.metadata
_MODULES = (appeal, audit, conversation, goods, notice, photo, pledge, produce, region, staff, ticket, user)
