"""Every table, imported once: for migrations, and for whoever needs the whole metadata."""

from models import (  # noqa: F401 - a table is there once its module is
    appeal,
    audit,
    card,
    consent_code,
    conversation,
    decision,
    flag,
    goods,
    mandate,
    notice,
    objection,
    photo,
    pledge,
    produce,
    region,
    registry,
    revision,
    staff,
    task,
    ticket,
    tie,
    user,
    verification,
    visit,
)
from models.base import Base

metadata = Base.metadata
