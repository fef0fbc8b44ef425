"""Every table, imported once: for migrations, and for whoever needs the whole metadata."""

from models import (  # noqa: F401 - a table is there once its module is
    appeal,
    audit,
    broadcast,
    card,
    clockwork,
    consent_code,
    conversation,
    dead_job,
    decision,
    flag,
    goods,
    mandate,
    mute,
    notice,
    objection,
    outbox,
    photo,
    pledge,
    produce,
    region,
    registry,
    revision,
    staff,
    subscription,
    task,
    ticket,
    tie,
    update,
    user,
    verification,
    visit,
    window,
)
from models.base import Base

metadata = Base.metadata
